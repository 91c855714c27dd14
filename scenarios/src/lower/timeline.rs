//! The section `timeline`: when each entry happens, how it repeats, and which verb it carries.

use std::collections::BTreeMap;

use wavetank_protocol::Span as Nanos;
use wavetank_sim_core::plan::{Entry, EntryIndex, Every, Limit, Of, Repeat, When};

use super::{
    selector::World,
    verbs::{self, News, Verb},
};
use crate::{
    out::Out,
    read::{Cx, Fields, Time, Value, items},
    spell,
    units::write_span,
    yaml::{Kind, Node, Pair},
};

/// Most entries; an entry's index is 16 bits wide.
const MOST_ENTRIES: usize = 10_000;

/// What is known of the timeline before any entry is read.
#[derive(Default)]
pub(crate) struct Names {
    /// Ids of the entries, given or made up.
    pub ids: Vec<String>,
    /// Entries by id.
    pub by_id: BTreeMap<String, EntryIndex>,
    /// Entries by the name of their pick.
    pub picks: BTreeMap<String, EntryIndex>,
}

/// The verb of an entry, as far as it can be told.
fn verb_of(pairs: &[Pair]) -> Option<(&Pair, &'static Verb)> {
    pairs.iter().find_map(|p| verbs::get(&p.key).map(|v| (p, v)))
}

/// Collects ids and names of picks; reports those that are given twice.
pub(crate) fn names(cx: &mut Cx<'_>, node: Option<&Node>) -> Names {
    let mut names = Names::default();
    let Some(Node { kind: Kind::List(entries), .. }) = node else { return names };
    let mut count: BTreeMap<&str, u32> = BTreeMap::new();
    for (i, entry) in entries.iter().take(MOST_ENTRIES).enumerate() {
        let index = i as EntryIndex;
        let pairs: &[Pair] = if let Kind::Map(pairs) = &entry.kind { pairs } else { &[] };
        let verb = verb_of(pairs);
        let n = count.entry(verb.map_or("entry", |(_, v)| v.name)).or_default();
        *n += 1;
        let made_up = format!("{}-{n}", verb.map_or("entry", |(_, v)| v.name));
        let id = entry.get("id").and_then(Node::text).map_or(made_up, str::to_owned);
        let place = format!("timeline[{i}]");
        if let Some(first) = names.by_id.get(&id) {
            let span = entry.get("id").map_or(entry.span, |n| n.span);
            let message = format!("two entries are called `{}`", spell::shorten(&id));
            cx.error(span, &place, &message, format!("the other is timeline[{first}]"));
        } else {
            names.by_id.insert(id.clone(), index);
        }
        names.ids.push(id);
        let pick = verb.and_then(|(p, _)| p.value.get("nodes")).and_then(|n| n.get("as"));
        if let Some(pick) = pick
            && let Some(name) = pick.text()
            && let Some(first) = names.picks.insert(name.to_owned(), index)
        {
            let message = format!("two picks are called `{}`", spell::shorten(name));
            cx.error(pick.span, &place, &message, format!("the other is timeline[{first}]"));
        }
    }
    names
}

/// What an entry needs to know of the whole.
pub(crate) struct Scene<'a, 'c> {
    pub world: &'a World<'c>,
    pub names: &'a Names,
    /// Simulated time; the longest possible while the file has none.
    pub duration: Nanos,
}

/// Reads the section.
pub(crate) fn read(
    cx: &mut Cx<'_>,
    node: Option<&Node>,
    scene: &Scene<'_, '_>,
) -> (Vec<(Entry, verbs::Later)>, Out) {
    let mut entries = Vec::new();
    let mut outs = Vec::new();
    let Some(node) = node.filter(|n| !matches!(n.kind, Kind::Null)) else {
        return (entries, Out::List(outs));
    };
    let list = items(cx, node, "timeline", "a list of entries such as `{at: 10s, crash: a-03}`");
    if list.len() > MOST_ENTRIES {
        let message = format!("more than {MOST_ENTRIES} entries");
        cx.error(node.span, "timeline", &message, "use `every` and `times` for repetitions");
        return (entries, Out::List(outs));
    }
    for (i, node) in list.iter().enumerate() {
        if let Some((entry, later, out)) = entry(cx, node, i, scene) {
            entries.push((entry, later));
            outs.push(out);
        }
    }
    if entries.len() == list.len() {
        cycles(cx, &entries, list);
    }
    (entries, Out::List(outs))
}

fn entry(
    cx: &mut Cx<'_>,
    node: &Node,
    index: usize,
    scene: &Scene<'_, '_>,
) -> Option<(Entry, verbs::Later, Out)> {
    let place = format!("timeline[{index}]");
    let mut fields = Fields::open(cx, node, &place, "an entry such as `{at: 10s, crash: a-03}`")?;
    let before = cx.errors();
    let Kind::Map(pairs) = &node.kind else { return None };
    let found = verb_of(pairs);
    let id = scene.names.ids.get(index).cloned().unwrap_or_default();
    if let Some(given) = fields.node("id") {
        let fine = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
        match String::read(cx, given, &fields.at("id")) {
            Some(id) if id.is_empty() || !id.chars().all(fine) => {
                let message = "an id is made of letters, digits, `-` and `_`";
                cx.error(given.span, &fields.at("id"), message, "");
            }
            _ => {}
        }
    }
    fields.put("id", Out::Text(id.clone()));
    let when = when(cx, &mut fields, scene, index);
    let repeat = repeat(cx, &mut fields, scene, when);
    let lasts = fields.maybe::<Time>(cx, "for");
    if lasts == Some(Time(0)) {
        let span = fields.value_span("for").unwrap_or(node.span);
        cx.error(span, &fields.at("for"), "a condition cannot last 0", "write `1s` or so");
    }
    let action = match found {
        None => {
            no_verb(cx, &mut fields);
            None
        }
        Some((pair, verb)) => {
            check_single(cx, &fields, pair);
            if let (Some(_), false) = (lasts, verb.lasts) {
                let span = fields.key_span("for").unwrap_or(node.span);
                let message = format!("`{}` is no condition that could last", verb.name);
                cx.error_with(span, &fields.at("for"), &message, "", verb.undo);
            }
            verbs::read(cx, pair, verb, &place, scene)
        }
    };
    for verb in verbs::VERBS {
        fields.has(verb.name);
    }
    let name = found.map_or("", |(p, _)| p.key.as_str()).to_owned();
    let (action, out) = match action {
        Some((action, out)) => (Some(action), out),
        None => (None, Out::Map(Vec::new())),
    };
    fields.put(&name, out);
    let span = fields.span;
    let out = fields.close(cx);
    if cx.errors() > before {
        return None;
    }
    let (action, later) = action?;
    let line = cx.texts.line(found.map_or(span, |(p, _)| p.at));
    let lasts = lasts.map(|Time(t)| t);
    Some((Entry { id, line, when: when?, repeat, lasts, action }, later, out))
}

fn no_verb(cx: &mut Cx<'_>, fields: &mut Fields<'_>) {
    const KEYS: &[&str] = &["at", "after", "every", "times", "until", "for", "id"];
    // With an unknown key, that key is the problem: it is probably the verb, misspelt.
    if fields.all().iter().all(|p| KEYS.contains(&p.key.as_str())) {
        let help = format!("verbs are {}", spell::list(verbs::VERBS.iter().map(|v| v.name)));
        cx.error_with(fields.span, &fields.place, "the entry does nothing: no verb", "", help);
    }
}

fn check_single(cx: &mut Cx<'_>, fields: &Fields<'_>, first: &Pair) {
    for pair in fields.all() {
        if verbs::get(&pair.key).is_some() && pair.key != first.key {
            let message = format!("two verbs in one entry: `{}` and `{}`", first.key, pair.key);
            cx.error(pair.at, &fields.place, &message, "give it an entry of its own");
        }
    }
}

fn when(
    cx: &mut Cx<'_>,
    fields: &mut Fields<'_>,
    scene: &Scene<'_, '_>,
    index: usize,
) -> Option<When> {
    let (at, after) = (fields.node("at"), fields.node("after"));
    match (at, after) {
        (Some(node), None) => {
            let place = fields.at("at");
            let (from, to, out) = range(cx, node, &place)?;
            fields.put("at", out);
            if to >= scene.duration {
                let message =
                    format!("the entry is not before the end, {}", write_span(scene.duration));
                let help = format!("set `duration` above {}", write_span(to));
                cx.error_with(node.span, &place, &message, "", help);
                return None;
            }
            Some(if from == to { When::At(from) } else { When::Between(from, to) })
        }
        (None, Some(node)) => after_entry(cx, fields, node, scene, index),
        (Some(_), Some(node)) => {
            cx.error(node.span, &fields.place, "either `at` or `after`", "remove one of the two");
            None
        }
        (None, None) => {
            fields.missing(cx, "at", "10s");
            None
        }
    }
}

/// A time, or a range of times of which one is drawn.
pub(super) fn range(cx: &mut Cx<'_>, node: &Node, place: &str) -> Option<(Nanos, Nanos, Out)> {
    if !matches!(node.kind, Kind::Map(_)) {
        let time = Time::read(cx, node, place)?;
        return Some((time.0, time.0, time.write()));
    }
    let mut fields = Fields::open(cx, node, place, "a range")?;
    let from: Option<Time> = fields.need(cx, "from", "10s");
    let to: Option<Time> = fields.need(cx, "to", "20s");
    let to_span = fields.value_span("to");
    let out = fields.close(cx);
    let (from, to) = (from?.0, to?.0);
    if to < from {
        cx.error(to_span.unwrap_or(node.span), place, "`to` is before `from`", "swap them");
        return None;
    }
    Some((from, to, out))
}

fn after_entry(
    cx: &mut Cx<'_>,
    fields: &mut Fields<'_>,
    node: &Node,
    scene: &Scene<'_, '_>,
    index: usize,
) -> Option<When> {
    let place = fields.at("after");
    let mut after = Fields::open(cx, node, &place, "a map such as `{event: ID, delay: 5s}`")?;
    let event = after.need::<String>(cx, "event", "ID");
    let known = after.word(cx, "known", &[("all", true), ("none", false)]);
    let delay = match after.node("delay") {
        None => Some((0, 0, Time(0).write())),
        Some(node) => range(cx, node, &after.at("delay")),
    };
    let span = after.value_span("event").unwrap_or(node.span);
    if let Some((_, _, out)) = &delay {
        after.put("delay", out.clone());
    }
    let out = after.close(cx);
    fields.put("after", out);
    let event = event?;
    let place = format!("{place}.event");
    let Some(&entry) = scene.names.by_id.get(&event) else {
        let message = format!("no entry has the id `{}`", spell::shorten(&event));
        let ids = scene.names.ids.iter().enumerate().filter(|(i, _)| *i != index);
        cx.no_such(span, &place, &message, &event, ids.map(|(_, id)| id.as_str()));
        return None;
    };
    if entry as usize == index {
        cx.error(span, &place, "the entry waits for itself", "name another one");
        return None;
    }
    let (from, to, _) = delay?;
    Some(When::After { event: entry, known, delay: (from, to) })
}

fn repeat(
    cx: &mut Cx<'_>,
    fields: &mut Fields<'_>,
    scene: &Scene<'_, '_>,
    when: Option<When>,
) -> Option<Repeat> {
    let every = fields.node("every");
    let (times, until) = (fields.has("times"), fields.has("until"));
    let Some(node) = every else {
        for key in ["times", "until"] {
            if let Some(span) = fields.key_span(key) {
                let message = format!("`{key}` limits a repetition");
                cx.error(span, &fields.at(key), &message, "add `every: 10s`");
            }
        }
        return None;
    };
    let place = fields.at("every");
    let every = every_of(cx, node, &place);
    if let Some((_, out)) = &every {
        fields.put("every", out.clone());
    }
    let limit = match (times, until) {
        (true, true) => {
            let span = fields.key_span("until").unwrap_or(fields.span);
            cx.error(span, &fields.place, "either `times` or `until`", "remove one of the two");
            return None;
        }
        (true, false) => {
            Limit::Times(fields.need_number(cx, "times", (1, u64::from(u32::MAX)), "3")? as u32)
        }
        (false, true) => Limit::Until(fields.need::<Time>(cx, "until", "60s")?.0),
        (false, false) => Limit::End,
    };
    let repeat = Repeat { every: every?.0, limit };
    let first = match when {
        Some(When::At(at) | When::Between(at, _)) => at,
        _ => 0,
    };
    match repeat {
        Repeat { every: Every::Fixed(every), limit: Limit::Times(n) } => {
            let last = u128::from(first) + u128::from(every) * u128::from(n - 1);
            if last >= u128::from(scene.duration) {
                let span = fields.value_span("times").unwrap_or(node.span);
                let message = format!("not all {n} occurrences fit into the run");
                cx.warn(span, &fields.at("times"), &message, "set a longer `duration`");
            }
        }
        Repeat { limit: Limit::Until(until), .. } if until < first => {
            let span = fields.value_span("until").unwrap_or(node.span);
            let message = "the repetition ends before the entry happens";
            cx.error(span, &fields.at("until"), message, format!("at is {}", write_span(first)));
        }
        _ => {}
    }
    Some(repeat)
}

fn every_of(cx: &mut Cx<'_>, node: &Node, place: &str) -> Option<(Every, Out)> {
    let (every, out, at) = if matches!(node.kind, Kind::Map(_)) {
        let mut fields = Fields::open(cx, node, place, "a map")?;
        let mean: Option<Time> = fields.need(cx, "mean", "30s");
        let out = fields.close(cx);
        let mean = mean?.0;
        (Every::Poisson(mean), out, mean)
    } else {
        let time = Time::read(cx, node, place)?;
        (Every::Fixed(time.0), time.write(), time.0)
    };
    if at == 0 {
        cx.error(node.span, place, "a repetition every 0 never ends", "write `10s` or so");
        return None;
    }
    Some((every, out))
}

/// The entries without which an entry cannot happen: the one it waits for, those whose picks it uses.
fn leads_to(entry: &Entry, later: &verbs::Later) -> Vec<EntryIndex> {
    let mut next = later.picks.clone();
    if let When::After { event, .. } = entry.when {
        next.push(event);
    }
    next
}

/// Reports entries that wait for each other, and news of what is no news.
fn cycles(cx: &mut Cx<'_>, entries: &[(Entry, verbs::Later)], nodes: &[Node]) {
    // 0: not seen, 1: on the way, 2: done. Iterative: chains may be long.
    let mut state = vec![0u8; entries.len()];
    for start in 0..entries.len() {
        let mut way = vec![(start, 0)];
        while let Some((at, n)) = way.pop() {
            let next = leads_to(&entries[at].0, &entries[at].1);
            if n == 0 {
                if state[at] != 0 {
                    continue;
                }
                state[at] = 1;
            }
            let Some(&to) = next.get(n) else {
                state[at] = 2;
                continue;
            };
            way.push((at, n + 1));
            match state[to as usize] {
                0 => way.push((to as usize, 0)),
                1 => {
                    let place = format!("timeline[{at}]");
                    let message = format!(
                        "the entry and `{}` wait for each other",
                        entries[to as usize].0.id
                    );
                    cx.error(nodes[at].span, &place, &message, "one of them must come first");
                }
                _ => {}
            }
        }
    }
    for (i, (entry, _)) in entries.iter().enumerate() {
        if let When::After { event, known: true, .. } = entry.when {
            let other = &entries[event as usize];
            if other.1.news == News::Stays {
                let span = nodes[i].get("after").map_or(nodes[i].span, |n| n.span);
                let message = format!("who knows of `{}` is not counted", other.0.id);
                let place = format!("timeline[{i}].after");
                cx.error(span, &place, &message, "write `known: none` to wait for it to happen");
            }
        }
    }
}

/// Entries whose pick is drawn from another one, for messages.
pub(crate) fn picked_from(of: &Of) -> Option<EntryIndex> {
    match of {
        Of::Picked(entry) => Some(*entry),
        Of::Set(_) => None,
    }
}
