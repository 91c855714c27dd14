//! The section `cluster`: settings, groups, names, and how the run begins.

use std::collections::BTreeMap;

use wavetank_protocol::Config;
use wavetank_sim_core::plan::{Cluster, Group, SlotSet, Start};

use super::{
    config::{self, Overrides},
    selector::{RESERVED, World, index_in},
    tags::Metadata,
};
use crate::{
    out::Out,
    presets::PRESETS,
    problem::Span,
    read::{Cx, Fields, Time, Value, items},
    spell,
    yaml::{Kind, Node},
};

/// Most nodes of a scenario.
pub(crate) const MOST_NODES: u64 = 2_000_000;
/// Most groups.
pub(crate) const MOST_GROUPS: usize = 4096;
/// Longest metadata (`delegate.go: MetaMaxSize`).
pub(crate) const MOST_META: u64 = 512;
/// Longest node name that fits every message.
const LONGEST_NAME: usize = 128;

/// What a group inherits.
struct Defaults {
    names: String,
    metadata: Metadata,
    config: Config,
}

/// Reads the section. The cluster is absent when it has problems that selectors would trip over.
pub(crate) fn read(cx: &mut Cx<'_>, node: &Node) -> (Option<Cluster>, Out) {
    let Some(mut fields) = Fields::open(cx, node, "cluster", "a map") else {
        return (None, Out::Map(Vec::new()));
    };
    let base = preset(cx, &mut fields);
    let config = settings(cx, &mut fields, &base);
    let starts = [("converged", 0), ("empty", 1), ("joining", 2)];
    let start = fields.word_or_problem(cx, "start", &starts);
    let names = fields.or(cx, "names", "{group}-{index}".to_owned());
    let names_span = fields.value_span("names").unwrap_or(node.span);
    if !pattern_is_fine(cx, names_span, "cluster.names", &names) {
        return (None, finish(cx, fields));
    }
    let address_bytes = address_bytes(cx, &mut fields);
    let metadata = Metadata::read(cx, &mut fields, &Metadata::default());
    let mut configs = vec![config.clone()];
    let defaults = Defaults { names, metadata, config };
    let join = fields.node("join");
    let Some(groups) = groups(cx, &mut fields, &defaults, &mut configs) else {
        return (None, finish(cx, fields));
    };
    let mut cluster =
        Cluster { start: Start::Converged, groups, configs, address_bytes: address_bytes as u8 };
    match (start, join) {
        (Some(2), join) => cluster.start = joining(cx, &mut fields, join, &cluster),
        (_, None) | (None, _) => {}
        (_, Some(join)) => {
            let message = "`join` is for nodes that start one by one";
            cx.error(join.span, "cluster.join", message, "only with `start: joining`");
        }
    }
    if start == Some(1) {
        cluster.start = Start::Empty;
    }
    doubts(cx, &cluster, fields.span);
    (Some(cluster), finish(cx, fields))
}

/// Closes the section, also where its reading broke off: all its keys are valid ones.
fn finish(cx: &mut Cx<'_>, mut fields: Fields<'_>) -> Out {
    for key in ["nodes", "groups", "address_bytes", "meta_bytes", "tags", "join"] {
        fields.has(key);
    }
    fields.close(cx)
}

fn preset(cx: &mut Cx<'_>, fields: &mut Fields<'_>) -> Config {
    let words: Vec<(&str, &Config)> = PRESETS.iter().map(|p| (p.name, &p.config)).collect();
    let before = cx.errors();
    let config = fields.word(cx, "preset", &words).clone();
    cx.serf = (cx.errors() == before).then_some(config.serf.is_some());
    config
}

/// The cluster's settings: preset, then `config`, then the keys that stand beside it.
fn settings(cx: &mut Cx<'_>, fields: &mut Fields<'_>, base: &Config) -> Config {
    let mut over = Overrides::default();
    let mut inner = Vec::new();
    if let Some(node) = fields.node("config") {
        let given = config::read(cx, node, "cluster.config");
        inner = given.out.iter().map(|(key, _)| key.clone()).collect();
        over.extend(given);
    }
    let mut beside = Overrides::default();
    config::special_fields(cx, fields, &mut beside);
    for (key, _) in &beside.out {
        if inner.contains(key) {
            let span = fields.key_span(key).unwrap_or(fields.span);
            let place = fields.at(key);
            cx.error(span, &place, "given twice", "also under `cluster.config`");
        }
    }
    over.extend(beside);
    let config = over.over(base);
    fields.put("config", Out::Map(config::write_plain(&config)));
    for (key, out) in config::write_special(&config, &cx.labels) {
        fields.put(&key, out);
    }
    config
}

fn address_bytes(cx: &mut Cx<'_>, fields: &mut Fields<'_>) -> u64 {
    let bytes = fields.or(cx, "address_bytes", 16);
    if bytes != 4 && bytes != 16 {
        let span = fields.value_span("address_bytes").unwrap_or(fields.span);
        cx.error(
            span,
            "cluster.address_bytes",
            "an address has 4 or 16 bytes",
            "write `4` or `16`",
        );
    }
    bytes
}

/// Absent if it is not clear who there is.
fn groups(
    cx: &mut Cx<'_>,
    fields: &mut Fields<'_>,
    defaults: &Defaults,
    configs: &mut Vec<Config>,
) -> Option<Vec<Group>> {
    let count = fields.pair("nodes");
    let list = fields.pair("groups");
    match (count, list) {
        (None, None) => {
            fields.missing(cx, "nodes", "64");
            None
        }
        (Some(count), Some(list)) => {
            let span = if count.at.from > list.at.from { count.at } else { list.at };
            let message = "either `nodes` or `groups`, not both";
            cx.error(span, "cluster", message, "remove one of the two");
            None
        }
        (Some(_), None) => {
            let nodes = fields.need_number(cx, "nodes", (1, MOST_NODES), "64");
            let (meta_bytes, tags) = defaults.metadata.settle(defaults.config.serf.is_some());
            let group = Group {
                name: "node".to_owned(),
                nodes: nodes? as u32,
                names: defaults.names.clone(),
                labels: Vec::new(),
                config: 0,
                meta_bytes,
                tags,
                stopped: false,
            };
            let groups = vec![group];
            let span = fields.span;
            check_names(cx, &groups, &[span]).then_some(groups)
        }
        (None, Some(pair)) => {
            let place = fields.at("groups");
            let what = "a list of groups such as `{name: a, nodes: 40}`";
            let nodes = items(cx, &pair.value, &place, what);
            if nodes.len() > MOST_GROUPS {
                let message = format!("more than {MOST_GROUPS} groups");
                cx.error(pair.at, &place, &message, "");
                return None;
            }
            let before = cx.errors();
            let mut groups = Vec::new();
            let mut outs = Vec::new();
            for (i, node) in nodes.iter().enumerate() {
                let place = format!("{place}[{i}]");
                if let Some((group, out)) = group(cx, node, &place, defaults, configs) {
                    groups.push(group);
                    outs.push(out);
                }
            }
            fields.put("groups", Out::List(outs));
            if nodes.is_empty() && before == cx.errors() {
                cx.error(pair.value.span, &place, "no group", "write `nodes: 64` instead");
            }
            if groups.is_empty() || groups.len() < nodes.len() {
                return None;
            }
            let spans: Vec<Span> = nodes.iter().map(|n| n.span).collect();
            let fine = check_total(cx, &groups, &spans) && check_names(cx, &groups, &spans);
            fine.then_some(groups)
        }
    }
}

fn group(
    cx: &mut Cx<'_>,
    node: &Node,
    place: &str,
    defaults: &Defaults,
    configs: &mut Vec<Config>,
) -> Option<(Group, Out)> {
    let mut fields = Fields::open(cx, node, place, "a group such as `{name: a, nodes: 40}`")?;
    let name: Option<String> = fields.need(cx, "name", "a");
    if let Some(name) = &name {
        let span = fields.value_span("name").unwrap_or(node.span);
        check_name(cx, span, &fields.at("name"), name);
    }
    let nodes = fields.need_number(cx, "nodes", (1, MOST_NODES), "40");
    let labels = labels(cx, &mut fields);
    let names = fields.or(cx, "names", defaults.names.clone());
    let names_span = fields.value_span("names").unwrap_or(node.span);
    let names_fine = pattern_is_fine(cx, names_span, &fields.at("names"), &names);
    let metadata = Metadata::read(cx, &mut fields, &defaults.metadata);
    let stopped = fields.word(cx, "start", &[("running", false), ("stopped", true)]);
    let mut config = 0;
    if let Some(node) = fields.node("config") {
        let place = fields.at("config");
        let over = config::read(cx, node, &place);
        config = intern(configs, over.over(&defaults.config));
        fields.put("config", Out::Map(over.out));
    }
    let out = fields.close(cx);
    let (Some(name), Some(nodes), true) = (name, nodes, names_fine) else { return None };
    let nodes = nodes as u32;
    let (meta_bytes, tags) = metadata.settle(defaults.config.serf.is_some());
    Some((Group { name, nodes, names, labels, config, meta_bytes, tags, stopped }, out))
}

/// The index of some settings among the distinct ones.
pub(crate) fn intern(configs: &mut Vec<Config>, config: Config) -> u16 {
    let index = configs.iter().position(|c| *c == config).unwrap_or_else(|| {
        configs.push(config);
        configs.len() - 1
    });
    // At most one per group and `set-config`, both bounded far below.
    index as u16
}

fn labels(cx: &mut Cx<'_>, fields: &mut Fields<'_>) -> Vec<(String, String)> {
    let mut labels = BTreeMap::new();
    let place = fields.at("labels");
    let node = fields.node("labels");
    if let Some(Node { kind: Kind::Map(pairs), .. }) = node {
        for pair in pairs {
            let place = format!("{place}.{}", spell::shorten(&pair.key));
            if RESERVED.contains(&pair.key.as_str()) {
                let message = "the name is taken by selectors";
                cx.error(pair.at, &place, message, "call the label otherwise");
            } else if let Some(value) = String::read(cx, &pair.value, &place) {
                labels.insert(pair.key.clone(), value);
            }
        }
    } else if let Some(node) = node {
        cx.expected(node, &place, "labels such as `{zone: east}`");
    }
    let out = labels.iter().map(|(k, v)| (k.clone(), Out::Text(v.clone()))).collect();
    fields.put("labels", Out::Map(out));
    labels.into_iter().collect()
}

fn check_name(cx: &mut Cx<'_>, span: Span, place: &str, name: &str) {
    let fine = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || !name.chars().all(fine) || name.len() > LONGEST_NAME / 2 {
        let message = "a name is made of letters, digits, `-`, `_` and `.`";
        cx.error(span, place, message, "at most 64 bytes");
    }
}

fn pattern_is_fine(cx: &mut Cx<'_>, span: Span, place: &str, pattern: &str) -> bool {
    let bare = pattern.replacen("{index}", "", 1).replace("{group}", "");
    let fine = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if bare.chars().all(fine) && bare.len() <= LONGEST_NAME / 2 && !pattern.is_empty() {
        return true;
    }
    let message = "names are letters, digits, `-`, `_`, `.`, `{group}` and one `{index}`";
    cx.error(span, place, message, "such as `{group}-{index}`");
    false
}

fn check_total(cx: &mut Cx<'_>, groups: &[Group], spans: &[Span]) -> bool {
    let total: u64 = groups.iter().map(|g| u64::from(g.nodes)).sum();
    if total > MOST_NODES {
        let message = format!("{total} nodes are too many");
        let span = spans.first().copied().unwrap_or_default();
        cx.error(span, "cluster.groups", &message, format!("at most {MOST_NODES}"));
    }
    total <= MOST_NODES
}

/// Names of groups and of nodes are unique.
fn check_names(cx: &mut Cx<'_>, groups: &[Group], spans: &[Span]) -> bool {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (i, group) in groups.iter().enumerate() {
        let place = format!("cluster.groups[{i}]");
        if seen.insert(&group.name, i).is_some() {
            let message = format!("two groups are called `{}`", group.name);
            cx.error(spans[i], &place, &message, "rename one of them");
            return false;
        }
        if group.nodes > 1 && !group.names.contains("{index}") {
            let message = "all nodes of the group would have one name";
            cx.error(spans[i], &place, message, "`names` needs `{index}`");
            return false;
        }
        if matches!(group.node_name(0).as_str(), "all" | "rest") {
            let message = "no node can be called `all` or `rest`: selectors use these words";
            cx.error(spans[i], &place, message, "rename it");
            return false;
        }
    }
    // All names of a group have one length, so only groups of equal lengths can clash.
    let mut by_length: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (i, group) in groups.iter().enumerate() {
        by_length.entry(group.node_name(0).len()).or_default().push(i);
    }
    let heads: Vec<String> = groups.iter().map(head).collect();
    for same in by_length.values() {
        for (n, &i) in same.iter().enumerate() {
            for &j in &same[..n] {
                let (a, b) = (&heads[i], &heads[j]);
                if !a.starts_with(b.as_str()) && !b.starts_with(a.as_str()) {
                    continue;
                }
                if let Some(name) = clash(&groups[i], &groups[j]) {
                    let message = format!("two nodes are called `{name}`");
                    let label = format!("the other is in the group `{}`", groups[j].name);
                    cx.error(spans[i], &format!("cluster.groups[{i}]"), &message, label);
                    return false;
                }
            }
        }
    }
    true
}

/// What stands before the index in a group's names.
fn head(group: &Group) -> String {
    let before = group.names.split("{index}").next().unwrap_or_default();
    before.replace("{group}", &group.name)
}

/// A name that two groups share.
fn clash(a: &Group, b: &Group) -> Option<String> {
    let (few, many) = if a.nodes <= b.nodes { (a, b) } else { (b, a) };
    (0..few.nodes)
        .map(|i| few.node_name(i))
        .find(|name| index_in(&many.names, &many.name, many.nodes, name).is_some())
}

fn joining(
    cx: &mut Cx<'_>,
    fields: &mut Fields<'_>,
    node: Option<&Node>,
    cluster: &Cluster,
) -> Start {
    let world = World::new(Some(cluster), cx.scaled, BTreeMap::new());
    let empty = Node { span: fields.span, kind: Kind::Map(Vec::new()) };
    let node = node.unwrap_or(&empty);
    let first = || (SlotSet::range(0, 1), Out::List(vec![Out::Text(cluster.name(0))]));
    let mut via = first();
    let mut every = Time(50_000_000);
    if let Some(mut join) = Fields::open(cx, node, "cluster.join", "a map") {
        if let Some(node) = join.node("via") {
            via = world.read_fixed(cx, node, "cluster.join.via").unwrap_or_else(first);
        }
        join.put("via", via.1);
        every = join.or(cx, "every", every);
        let out = join.close(cx);
        fields.put("join", out);
    }
    let mut slot = 0;
    for group in &cluster.groups {
        if group.stopped && (slot..slot + group.nodes).any(|s| via.0.contains(s)) {
            let message = format!("nobody can join through the stopped group `{}`", group.name);
            cx.error(node.span, "cluster.join", &message, "name running nodes in `via`");
        }
        slot += group.nodes;
    }
    Start::Joining { via: via.0, every: every.0 }
}

/// Warns about settings that are legal but probably not meant.
fn doubts(cx: &mut Cx<'_>, cluster: &Cluster, span: Span) {
    for (i, config) in cluster.configs.iter().enumerate() {
        let group = cluster.groups.iter().find(|g| g.config as usize == i);
        let Some(group) = group else { continue };
        let place = if i == 0 { "cluster".to_owned() } else { format!("group {}", group.name) };
        for (doubt, help) in config::doubts(config) {
            cx.warn(span, &place, doubt, help);
        }
    }
    if cluster.groups.iter().all(|g| g.stopped) {
        let message = "all groups are stopped: nobody runs at the start";
        cx.warn(span, "cluster", message, "leave one group running");
    }
    if cluster.slots() == 1 {
        let message = "a cluster of one node has nobody to talk to";
        cx.warn(span, "cluster", message, "set `nodes: 3` or more");
    }
}
