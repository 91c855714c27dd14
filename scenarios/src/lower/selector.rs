//! Selectors: names, lists of names, `all`, groups and labels, and random picks of these.

use std::collections::BTreeMap;

use wavetank_sim_core::plan::{Cluster, EntryIndex, Of, Pick, Selector, SlotSet};

use crate::{
    out::Out,
    problem::Span,
    read::{Cx, Fields, Share, Value},
    spell,
    yaml::{Kind, Node},
};

/// Words of a selector that no label may be called.
pub(crate) const RESERVED: &[&str] =
    &["group", "pick", "repick", "as", "picked", "nodes", "all", "rest"];

/// Those of them that a selector may have as keys.
const WORDS: &[&str] = &["group", "pick", "repick", "as", "picked"];

/// Who and what a selector can name.
#[derive(Default)]
pub(crate) struct World<'a> {
    /// Absent while the cluster itself has problems: then nobody is looked up.
    pub cluster: Option<&'a Cluster>,
    /// `--nodes` changed the groups' sizes, hence perhaps the width of their indices: a name of the file
    /// means the node of its number.
    pub scaled: bool,
    /// Entries by the name of their pick.
    pub picks: BTreeMap<String, EntryIndex>,
    /// Labels of any group, sorted.
    labels: Vec<&'a str>,
}

/// What a selector may hold where it stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rules {
    /// Anything, and its draw may be named.
    Nodes,
    /// Random picks, but without a name.
    Group,
    /// No chance: the same nodes throughout.
    Fixed,
}

/// A selector with its canonical form.
pub(crate) struct Chosen {
    pub selector: Selector,
    pub out: Out,
}

impl Chosen {
    /// Everybody, where a file names nobody.
    pub fn everybody(world: &World<'_>) -> Self {
        let selector = Selector::all(world.everybody());
        Self { selector, out: Out::Plain("all".to_owned()) }
    }

    /// The slots, if they are the same throughout.
    pub fn fixed(&self) -> Option<&SlotSet> {
        match (&self.selector.of, self.selector.pick) {
            (Of::Set(set), None) => Some(set),
            _ => None,
        }
    }
}

impl<'a> World<'a> {
    /// With the labels of the cluster's groups.
    pub fn new(
        cluster: Option<&'a Cluster>,
        scaled: bool,
        picks: BTreeMap<String, EntryIndex>,
    ) -> Self {
        let groups = cluster.map_or(&[][..], |c| &c.groups);
        let all = groups.iter().flat_map(|g| g.labels.iter().map(|(k, _)| k.as_str()));
        let mut labels: Vec<&str> = all.collect();
        labels.sort_unstable();
        labels.dedup();
        Self { cluster, scaled, picks, labels }
    }

    /// Whether any group has this label.
    pub fn has_label(&self, label: &str) -> bool {
        self.labels.binary_search(&label).is_ok()
    }

    /// All slots.
    pub fn everybody(&self) -> SlotSet {
        SlotSet::range(0, self.cluster.map_or(1, Cluster::slots))
    }

    /// Reads a selector; problems are reported, and `None` is returned for them.
    pub fn read(&self, cx: &mut Cx<'_>, node: &Node, place: &str, rules: Rules) -> Option<Chosen> {
        let span = node.span;
        let set = |set, out| Some(Chosen { selector: Selector::all(set), out });
        match &node.kind {
            Kind::Scalar { text, .. } if text == "all" => {
                set(self.everybody(), Out::Plain("all".to_owned()))
            }
            Kind::Scalar { text, .. } if text == "rest" => {
                let message = "`rest` is whoever the other groups of a partition leave";
                cx.error(span, place, message, "only in `partition: {groups: [...]}`");
                None
            }
            Kind::Scalar { text, .. } => {
                let slot = self.named(cx, span, place, text)?;
                set(SlotSet::range(slot, slot + 1), Out::Text(self.name(slot, text)))
            }
            Kind::List(items) if items.is_empty() => {
                cx.error(span, place, "the selector matches nobody", "an empty list");
                None
            }
            Kind::List(items) => {
                let before = cx.errors();
                let mut slots = Vec::new();
                let mut names = Vec::new();
                for item in items {
                    let Some(name) = item.text() else {
                        cx.expected(item, place, "a node's name");
                        continue;
                    };
                    if let Some(slot) = self.named(cx, item.span, place, name) {
                        slots.push(slot);
                        names.push(Out::Text(self.name(slot, name)));
                    }
                }
                if cx.errors() > before {
                    return None;
                }
                set(SlotSet::from_slots(slots), Out::List(names))
            }
            Kind::Map(_) => self.described(cx, node, place, rules),
            Kind::Null => {
                cx.expected(
                    node,
                    place,
                    "a selector such as `all`, `a-03` or `{group: a, pick: 1}`",
                );
                None
            }
        }
    }

    /// A selector whose nodes are the same throughout.
    pub fn read_fixed(&self, cx: &mut Cx<'_>, node: &Node, place: &str) -> Option<(SlotSet, Out)> {
        let chosen = self.read(cx, node, place, Rules::Fixed)?;
        match chosen.selector.of {
            Of::Set(set) => Some((set, chosen.out)),
            Of::Picked(_) => None,
        }
    }

    /// The name of a slot; `typed` while there is no cluster.
    pub fn name(&self, slot: u32, typed: &str) -> String {
        self.cluster.map_or_else(|| typed.to_owned(), |c| c.name(slot))
    }

    /// The slot of a name.
    pub fn named(&self, cx: &mut Cx<'_>, span: Span, place: &str, name: &str) -> Option<u32> {
        // Without a cluster any name will do: its own problems come first.
        let Some(cluster) = self.cluster else { return Some(0) };
        if let Some(slot) = find(cluster, name, self.scaled) {
            return Some(slot);
        }
        let shown = spell::shorten(name);
        let message = format!("the selector matches nobody: there is no node `{shown}`");
        if let Some(group) = cluster.groups.iter().find(|g| g.name == name) {
            let label = format!("write `{{group: {}}}` for the whole group", group.name);
            cx.error(span, place, &message, label);
            return None;
        }
        if !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit()) {
            let label = format!("write `{{pick: {shown}}}` for so many at random");
            cx.error(span, place, &message, label);
            return None;
        }
        let names = sample(cluster);
        let label = spell::nearest(name, names.iter().map(String::as_str))
            .map_or(String::new(), |near| format!("did you mean `{near}`?"));
        let groups: Vec<String> = cluster
            .groups
            .iter()
            .take(8)
            .map(|g| match g.nodes {
                1 => format!("`{}`", g.node_name(0)),
                n => format!("`{}` to `{}`", g.node_name(0), g.node_name(n - 1)),
            })
            .collect();
        cx.error_with(span, place, &message, label, format!("names are {}", groups.join(", ")));
        None
    }

    fn described(&self, cx: &mut Cx<'_>, node: &Node, place: &str, rules: Rules) -> Option<Chosen> {
        let before = cx.errors();
        let mut fields = Fields::open(cx, node, place, "a selector")?;
        let picked = fields.node("picked").and_then(|n| {
            let place = fields.at("picked");
            self.picked(cx, n, &place, rules).map(|entry| (entry, n))
        });
        if let Some((_, name)) = picked {
            fields.put("picked", Out::Text(name.text().unwrap_or_default().to_owned()));
        }
        let conditions = conditions(cx, &mut fields);
        let pick = fields.node("pick").and_then(|n| {
            let place = fields.at("pick");
            let (pick, out) = pick(cx, n, &place)?;
            fields.put("pick", out);
            Some((pick, n))
        });
        let repick = fields.maybe::<bool>(cx, "repick");
        if let (Some(_), None) = (repick, pick) {
            let span = fields.key_span("repick").unwrap_or(node.span);
            if !fields.has("pick") {
                cx.error(span, place, "`repick` without `pick`", "nothing is drawn here");
            }
        }
        if let Some(name) = fields.maybe::<String>(cx, "as")
            && (pick.is_none() || rules != Rules::Nodes || name.is_empty())
        {
            let span = fields.key_span("as").unwrap_or(node.span);
            let help = "`as` names what the `pick` of a `nodes:` selector drew";
            cx.error_with(span, place, "`as` has nothing to name here", "", help);
        }
        if let (Rules::Fixed, Some((_, n))) = (rules, pick) {
            let message = "no random pick here";
            cx.error(n.span, place, message, "these nodes are the same throughout");
        }
        self.check_labels(cx, &fields);
        let any = !fields.out.is_empty();
        let out = Out::Map(fields.out);
        if cx.errors() > before {
            return None;
        }
        if !any {
            cx.error(node.span, place, "an empty selector", "write `all` for everybody");
            return None;
        }
        let of = match picked {
            Some((entry, _)) if conditions.is_empty() => Of::Picked(entry),
            Some(_) => {
                cx.error(node.span, place, "`picked` stands alone", "remove the other conditions");
                return None;
            }
            None => Of::Set(self.matching(cx, node, place, &conditions)?),
        };
        if let (Of::Set(set), Some((Pick::Count(n), at)), true) =
            (&of, pick, self.cluster.is_some())
            && n > set.len()
        {
            let message = format!("cannot pick {n} of {}", nodes(set.len()));
            cx.error(at.span, place, &message, format!("at most {}", set.len()));
            return None;
        }
        let pick = pick.map(|(p, _)| p);
        let selector = Selector { of, pick, repick: repick.unwrap_or(false) };
        Some(Chosen { selector, out })
    }

    /// Reports keys that are neither words of a selector nor labels of any group.
    fn check_labels(&self, cx: &mut Cx<'_>, fields: &Fields<'_>) {
        if self.cluster.is_none() {
            return;
        }
        for pair in fields.all() {
            if !WORDS.contains(&pair.key.as_str()) && !self.has_label(&pair.key) {
                let valid = WORDS.iter().chain(&self.labels).copied();
                let place = fields.at(&spell::shorten(&pair.key));
                let message = "no group has this label";
                cx.no_such(pair.at, &place, message, &pair.key, valid);
            }
        }
    }

    /// The nodes that meet all conditions.
    fn matching(
        &self,
        cx: &mut Cx<'_>,
        node: &Node,
        place: &str,
        conditions: &[(&str, &str)],
    ) -> Option<SlotSet> {
        let Some(cluster) = self.cluster else { return Some(SlotSet::range(0, 1)) };
        let mut ranges = Vec::new();
        let mut first = 0;
        for group in &cluster.groups {
            let meets = conditions.iter().all(|&(key, value)| {
                if key == "group" {
                    group.name == value
                } else {
                    group.labels.iter().any(|(k, v)| k == key && v == value)
                }
            });
            if meets {
                ranges.push((first, first + group.nodes));
            }
            first += group.nodes;
        }
        if !ranges.is_empty() {
            return Some(SlotSet::from_ranges(ranges));
        }
        // Blame the first condition that nobody meets by itself.
        for &(key, value) in conditions {
            let values = values_of(cluster, key);
            if !values.contains(&value) {
                let span = node.get(key).map_or(node.span, |n| n.span);
                let what = if key == "group" { "no such group" } else { "no group has this value" };
                let message = format!("the selector matches nobody: {what}");
                let place = format!("{place}.{key}");
                cx.no_such(span, &place, &message, value, values);
                return None;
            }
        }
        let message = "the selector matches nobody: no group meets all conditions at once";
        cx.error(node.span, place, message, "");
        None
    }

    /// The entry whose pick has this name.
    fn picked(
        &self,
        cx: &mut Cx<'_>,
        node: &Node,
        place: &str,
        rules: Rules,
    ) -> Option<EntryIndex> {
        let name = String::read(cx, node, place)?;
        if rules == Rules::Fixed {
            let message = "no random pick here";
            cx.error(node.span, place, message, "these nodes are the same throughout");
            return None;
        }
        if let Some(&entry) = self.picks.get(&name) {
            return Some(entry);
        }
        let shown = spell::shorten(&name);
        let message = format!("no pick is called `{shown}`");
        if self.picks.is_empty() {
            let label = format!("name one with `as: {shown}`");
            cx.error(node.span, place, &message, label);
        } else {
            let names = self.picks.keys().map(String::as_str);
            cx.no_such(node.span, place, &message, &name, names);
        }
        None
    }
}

/// The conditions on group and labels, in file order.
fn conditions<'t>(cx: &mut Cx<'_>, fields: &mut Fields<'t>) -> Vec<(&'t str, &'t str)> {
    let mut conditions = Vec::new();
    fields.has("group");
    let words = ["picked", "pick", "repick", "as"];
    let pairs: Vec<_> = fields.all().iter().collect();
    for pair in pairs {
        if words.contains(&pair.key.as_str()) || RESERVED[4..].contains(&pair.key.as_str()) {
            continue;
        }
        let place = fields.at(&spell::shorten(&pair.key));
        let Some(value) = pair.value.text() else {
            cx.expected(&pair.value, &place, "a text");
            continue;
        };
        conditions.push((pair.key.as_str(), value));
        fields.put(&pair.key, Out::Text(value.to_owned()));
    }
    conditions
}

/// "1 node", "3 nodes".
pub(crate) fn nodes(count: u32) -> String {
    if count == 1 { "1 node".to_owned() } else { format!("{count} nodes") }
}

fn pick(cx: &mut Cx<'_>, node: &Node, place: &str) -> Option<(Pick, Out)> {
    let text = node.text().unwrap_or_default();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        let count = u64::read(cx, node, place)?;
        return match u32::try_from(count) {
            Ok(0) => {
                cx.error(node.span, place, "the selector matches nobody", "pick at least 1");
                None
            }
            Ok(n) => Some((Pick::Count(n), count.write())),
            Err(_) => {
                cx.error(node.span, place, "the number is too large", "");
                None
            }
        };
    }
    if !text.ends_with('%') && !text.contains('.') {
        cx.expected(node, place, "a number of nodes or a share such as `5%`");
        return None;
    }
    let Share(share) = Share::read(cx, node, place)?;
    // Rounded up, so that no share above 0 becomes nobody.
    let parts = parts_up(share * 1e6);
    if parts == 0 {
        cx.error(node.span, place, "the selector matches nobody", "pick more than 0%");
        return None;
    }
    let written = Share(f64::from(parts) / 1e6);
    Some((Pick::PartsPerMillion(parts), written.write()))
}

/// The least whole number that is not below a share of a million, up to the share's last bits.
fn parts_up(parts: f64) -> u32 {
    let whole = parts as u32;
    if parts - f64::from(whole) > 1e-6 { whole + 1 } else { whole }
}

fn values_of<'c>(cluster: &'c Cluster, key: &str) -> Vec<&'c str> {
    let mut values: Vec<&str> = Vec::new();
    for group in &cluster.groups {
        let value = if key == "group" {
            Some(group.name.as_str())
        } else {
            group.labels.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
        };
        if let Some(value) = value.filter(|v| !values.contains(v)) {
            values.push(value);
        }
    }
    values
}

/// The slot of a name.
fn find(cluster: &Cluster, name: &str, any_width: bool) -> Option<u32> {
    let mut first = 0;
    for group in &cluster.groups {
        let exact = index_in(&group.names, &group.name, group.nodes, name);
        let loose = || number_in(&group.names, &group.name, name).filter(|&i| i < group.nodes);
        if let Some(index) = exact.or_else(|| if any_width { loose() } else { None }) {
            return Some(first + index);
        }
        first += group.nodes;
    }
    None
}

/// The number in a name of a group, of any width.
fn number_in(pattern: &str, group: &str, name: &str) -> Option<u32> {
    let digits = digits_in(pattern, group, name)?;
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// What stands for the index in a name of a group.
fn digits_in<'n>(pattern: &str, group: &str, name: &'n str) -> Option<&'n str> {
    let (before, after) = pattern.split_once("{index}")?;
    let (before, after) = (before.replace("{group}", group), after.replace("{group}", group));
    name.strip_prefix(&before)?.strip_suffix(&after)
}

/// The index of a name in a group, by the group's pattern.
pub(crate) fn index_in(pattern: &str, group: &str, count: u32, name: &str) -> Option<u32> {
    if !pattern.contains("{index}") {
        return (count == 1 && pattern.replace("{group}", group) == name).then_some(0);
    }
    let digits = digits_in(pattern, group, name)?;
    let width = (count.max(1) - 1).to_string().len();
    if digits.len() != width || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|&i: &u32| i < count)
}

/// Names to search a near one in: all of them in small clusters.
fn sample(cluster: &Cluster) -> Vec<String> {
    const MOST: usize = 500;
    let each = (MOST / cluster.groups.len().max(1)) as u32 + 1;
    let of = |g: &wavetank_sim_core::plan::Group| {
        (0..g.nodes.min(each)).map(|i| g.node_name(i)).collect::<Vec<_>>()
    };
    cluster.groups.iter().take(MOST).flat_map(of).collect()
}
