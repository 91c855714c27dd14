//! From the tree to the plan: section by section, in an order in which each can look up the one before.

pub(crate) mod cluster;
pub(crate) mod config;
mod faults;
mod network;
mod selector;
pub(crate) mod tags;
mod thresholds;
mod timeline;
pub(crate) mod verbs;

use std::collections::BTreeMap;

use wavetank_protocol::{Config, Span as Nanos};
use wavetank_sim_core::{
    plan::{Action, Entry, Plan},
    threshold::Threshold,
};

use crate::{
    out::Out,
    read::{Cx, Fields, Time},
    units::LONGEST,
    yaml::Node,
};

use selector::World;
use timeline::Scene;

/// Distinct settings times `set-config` entries: past this, the entries multiply.
const MOST_CHANGES: usize = 1 << 20;

/// All that a file says.
pub(crate) struct Lowered {
    pub plan: Plan,
    pub description: String,
    pub thresholds: Vec<Threshold>,
    pub resolved: Vec<(String, Out)>,
}

/// Reads a whole scenario; absent if there are problems.
pub(crate) fn read(cx: &mut Cx<'_>, root: &Node) -> Option<Lowered> {
    let mut fields = Fields::open(cx, root, "", "a scenario: a map that starts with `version: 1`")?;
    version(cx, &mut fields);
    let name = name(cx, &mut fields);
    let description = fields.or(cx, "description", String::new());
    let (seed, seeds) = seeds(cx, &mut fields);
    let duration = duration(cx, &mut fields);

    let (cluster, cluster_out) = if let Some(node) = fields.node("cluster") {
        cluster::read(cx, node)
    } else {
        fields.missing(cx, "cluster", "{nodes: 64}");
        (None, Out::Map(Vec::new()))
    };
    fields.put("cluster", cluster_out);

    let timeline_node = fields.node("timeline");
    let names = timeline::names(cx, timeline_node);
    let world = World::new(cluster.as_ref(), cx.scaled, names.picks.clone());
    let (network, out) = network::read(cx, fields.node("network"), &world);
    fields.put("network", out);
    let scene = Scene { world: &world, names: &names, duration: duration.unwrap_or(LONGEST) };
    let (entries, out) = timeline::read(cx, timeline_node, &scene);
    fields.put("timeline", out);
    let (thresholds, out) = thresholds::read(cx, fields.node("thresholds"), &entries);
    fields.put("thresholds", out);

    let Fields { out: mut resolved, .. } = take_out(&mut fields);
    fields.close(cx);
    if !cx.problems.is_empty() {
        return None;
    }
    let mut cluster = cluster?;
    let timeline = settle(cx, entries, &mut cluster.configs, timeline_node)?;
    order(&mut resolved);
    let (seeds, duration) = (seeds as u32, duration?);
    let plan = Plan { name: name?, seed, seeds, duration, cluster, network, timeline };
    Some(Lowered { plan, description, thresholds, resolved })
}

/// Takes what was collected for the resolved scenario.
fn take_out<'t>(fields: &mut Fields<'t>) -> Fields<'t> {
    let mut taken = Fields::over(&[], "", fields.span);
    taken.out = std::mem::take(&mut fields.out);
    taken
}

/// The sections in the order of the reference.
fn order(resolved: &mut [(String, Out)]) {
    const ORDER: &[&str] = &[
        "version",
        "name",
        "description",
        "seed",
        "seeds",
        "duration",
        "cluster",
        "network",
        "timeline",
        "thresholds",
    ];
    resolved.sort_by_key(|(key, _)| ORDER.iter().position(|k| k == key));
}

fn version(cx: &mut Cx<'_>, fields: &mut Fields<'_>) {
    let Some(version) = fields.need::<u64>(cx, "version", "1") else { return };
    if version != 1 {
        let span = fields.value_span("version").unwrap_or(fields.span);
        cx.error(span, "version", "this program reads version 1 of scenario files", "write `1`");
    }
}

fn name(cx: &mut Cx<'_>, fields: &mut Fields<'_>) -> Option<String> {
    let name: String = fields.need(cx, "name", "my-scenario")?;
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || !name.chars().all(fine) || name.len() > 100 {
        let span = fields.value_span("name").unwrap_or(fields.span);
        let message = "a scenario's name is made of letters, digits, `-`, `_` and `.`";
        cx.error(span, "name", message, "at most 100 of them");
    }
    Some(name)
}

fn seeds(cx: &mut Cx<'_>, fields: &mut Fields<'_>) -> (u64, u64) {
    let seed = fields.or(cx, "seed", 1u64);
    let seeds = fields.number(cx, "seeds", 1, (1, 1_000_000));
    if seed.checked_add(seeds).is_none() {
        let span = fields.value_span("seed").unwrap_or(fields.span);
        cx.error(span, "seed", "the last seed would not fit 64 bits", "start lower");
    }
    (seed, seeds)
}

fn duration(cx: &mut Cx<'_>, fields: &mut Fields<'_>) -> Option<Nanos> {
    let Time(duration) = fields.need(cx, "duration", "60s")?;
    if duration == 0 {
        let span = fields.value_span("duration").unwrap_or(fields.span);
        cx.error(span, "duration", "nothing happens in no time", "write `60s` or so");
        return None;
    }
    Some(duration)
}

/// Computes what each `set-config` makes of each settings, which may in turn be what another one made.
fn settle(
    cx: &mut Cx<'_>,
    entries: Vec<(Entry, verbs::Later)>,
    configs: &mut Vec<Config>,
    node: Option<&Node>,
) -> Option<Vec<Entry>> {
    let changing: Vec<_> = entries.iter().filter_map(|(_, l)| l.settings.as_ref()).collect();
    let mut index: BTreeMap<Config, u16> =
        configs.iter().enumerate().map(|(i, c)| (c.clone(), i as u16)).collect();
    let mut at = 0;
    while at < configs.len() && !changing.is_empty() {
        for over in &changing {
            let new = over.over(&configs[at]);
            if !index.contains_key(&new) && configs.len() < usize::from(u16::MAX) {
                index.insert(new.clone(), configs.len() as u16);
                configs.push(new);
            }
        }
        if configs.len() * changing.len() > MOST_CHANGES || configs.len() >= usize::from(u16::MAX) {
            let span = node.map_or(crate::problem::Span::default(), |n| n.span);
            let message = "the `set-config` entries multiply into too many different settings";
            cx.error(span, "timeline", message, "");
            return None;
        }
        at += 1;
    }
    let settled = entries.into_iter().map(|(mut entry, later)| {
        if let (Action::SetConfig { becomes, .. }, Some(over)) =
            (&mut entry.action, &later.settings)
        {
            // Closed under all changes, so every result is there.
            *becomes = configs
                .iter()
                .map(|c| index.get(&over.over(c)).copied().unwrap_or_default())
                .collect();
        }
        entry
    });
    Some(settled.collect())
}
