//! A plan in words: who, when and what, for `check`.

use wavetank::{
    protocol::Span,
    reports::units::human,
    sim_core::{
        outcome::Unit,
        plan::{
            Action, Cluster, CrashKind, Direction, Entry, Every, KeyOperation, Latency,
            LatencyShape, Limit, Loss, Of, PathFault, Pick, Plan, Query, Rebirth, Selector,
            SlotSet, Transport, When,
        },
    },
};

/// A span for a reader, without digits that say nothing: `500 us`, `1.5 s`, `2 m 30 s`.
pub fn span(ns: Span) -> String {
    let text = human(ns as f64, Unit::Nanoseconds);
    if let Some(whole) = text.strip_suffix(" m 0 s").or(text.strip_suffix(" h 0 m")) {
        return format!("{whole} {}", &text[whole.len() + 1..whole.len() + 2]);
    }
    let Some((number, unit)) = text.split_once(' ') else { return text };
    if unit.contains(' ') || !number.contains('.') {
        return text;
    }
    format!("{} {unit}", number.trim_end_matches('0').trim_end_matches('.'))
}

/// A share for a reader: `1 %`.
fn share(share: f64) -> String {
    let text = human(share, Unit::Share);
    let number = text.trim_end_matches(" %");
    let number = if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.')
    } else {
        number
    };
    format!("{number} %")
}

fn plural(n: u32, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

/// Slots as names or groups.
fn slots(set: &SlotSet, cluster: &Cluster) -> String {
    if set.len() == cluster.slots() {
        return plural(set.len(), "node");
    }
    if set.len() <= 2 {
        let names: Vec<String> = set.iter().map(|s| cluster.name(s)).collect();
        return if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
    }
    let mut first = 0;
    let mut groups = Vec::new();
    let mut covered = 0;
    for group in &cluster.groups {
        let whole = (first..first + group.nodes).all(|slot| set.contains(slot));
        if whole {
            groups.push(group.name.as_str());
            covered += group.nodes;
        }
        first += group.nodes;
    }
    if covered == set.len() {
        return format!("{} of {}", plural(covered, "node"), groups.join(", "));
    }
    let start = set.iter().next().map(|s| cluster.name(s)).unwrap_or_default();
    format!("{} ({start}, ...)", plural(set.len(), "node"))
}

/// Who is meant.
fn who(selector: &Selector, plan: &Plan) -> String {
    let of = match &selector.of {
        Of::Set(set) => slots(set, &plan.cluster),
        Of::Picked(entry) => {
            let id = plan.timeline.get(usize::from(*entry)).map_or("?", |e| e.id.as_str());
            format!("those of {id}")
        }
    };
    let anew = if selector.repick { ", drawn anew each time" } else { "" };
    match selector.pick {
        None => of,
        Some(Pick::Count(n)) => format!("{n} of {of}{anew}"),
        Some(Pick::PartsPerMillion(ppm)) => {
            format!("{} of {of}{anew}", share(f64::from(ppm) / 1e6))
        }
    }
}

/// When an entry happens, and how often.
pub fn when(entry: &Entry, plan: &Plan) -> String {
    let mut out = match entry.when {
        When::At(at) => span(at),
        When::Between(from, to) => format!("{} to {}", span(from), span(to)),
        When::After { event, known, delay: (from, to) } => {
            let id = plan.timeline.get(usize::from(event)).map_or("?", |e| e.id.as_str());
            let known = if known { "is known" } else { "" };
            let delay = match (from, to) {
                (0, 0) => "once".to_owned(),
                (from, to) if from == to => format!("{} after", span(from)),
                (from, to) => format!("{} to {} after", span(from), span(to)),
            };
            format!("{delay} {id} {known}").trim_end().to_owned()
        }
    };
    if let Some(repeat) = entry.repeat {
        let every = match repeat.every {
            Every::Fixed(every) => span(every),
            Every::Poisson(mean) => format!("{} on average", span(mean)),
        };
        let limit = match repeat.limit {
            Limit::Times(n) => format!(", {n} times"),
            Limit::Until(until) => format!(", until {}", span(until)),
            Limit::End => String::new(),
        };
        out.extend([", every ", &every, &limit]);
    }
    if let Some(lasts) = entry.lasts {
        out.extend([", for ", &span(lasts)]);
    }
    out
}

fn rebirth(how: Rebirth) -> String {
    let parts = [
        (how.new_name, "a new name"),
        (how.new_address, "a new address"),
        (how.keep_incarnation, "its old incarnation"),
        (how.from_snapshot, "its snapshot"),
    ];
    let parts: Vec<&str> = parts.iter().filter(|(on, _)| *on).map(|(_, word)| *word).collect();
    if parts.is_empty() { String::new() } else { format!(" with {}", parts.join(", ")) }
}

fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Both => "",
        Direction::To => ", inward only",
        Direction::From => ", outward only",
    }
}

/// What an entry does.
pub fn what(entry: &Entry, plan: &Plan) -> String {
    let who = |selector: &Selector| who(selector, plan);
    match &entry.action {
        Action::Crash { who: w, kind: CrashKind::Process } => format!("crash {}", who(w)),
        Action::Crash { who: w, kind: CrashKind::Host } => {
            format!("crash {} with the host", who(w))
        }
        Action::Restart { who: w, delay, how, .. } => {
            format!("restart {} after {}{}", who(w), span(*delay), rebirth(*how))
        }
        Action::RollingRestart { who: w, parallel, every, down, leave, how } => format!(
            "restart {} one after another: {parallel} every {}, down for {}{}{}",
            who(w),
            span(*every),
            span(*down),
            if *leave { ", leaving first" } else { "" },
            rebirth(*how)
        ),
        Action::Join { who: w, name_of: None, .. } => format!("join {}", who(w)),
        Action::Join { who: w, name_of: Some(slot), .. } => {
            format!("join {} under the name of {}", who(w), plan.cluster.name(*slot))
        }
        Action::Leave { who: w, stop_after, .. } => {
            format!("leave {}, stopped {} later", who(w), span(*stop_after))
        }
        Action::Scale { group, to } => {
            let name =
                plan.cluster.groups.get(usize::from(*group)).map_or("?", |g| g.name.as_str());
            format!("scale {name} to {to}")
        }
        Action::Update { who: w, meta_bytes } => {
            format!("update {} to {meta_bytes} B of metadata", who(w))
        }
        Action::SetConfig { who: w, live, .. } => {
            let how = if *live { "at once" } else { "with a restart" };
            format!("new settings for {}, {how}", who(w))
        }
        Action::UserEvent { who: w, name, payload, coalesce, .. } => format!(
            "user event {name} from {}{}{}",
            who(w),
            bytes(payload.as_deref()),
            if *coalesce { "" } else { ", never coalesced" }
        ),
        Action::Query { who: w, query: q } => {
            format!("query {} from {}{}", q.name, who(w), query(q))
        }
        Action::SetTags { who: w, set, delete } => {
            let mut parts = Vec::new();
            if !set.is_empty() {
                parts.push(tags(set));
            }
            if !delete.is_empty() {
                parts.push(format!("without {}", delete.join(", ")));
            }
            format!("tags of {}: {}", who(w), parts.join(", "))
        }
        Action::ForceLeave { who: w, by, prune } => {
            let by = by.as_ref().map_or(String::new(), |by| format!(", told to {}", who(by)));
            format!("force-leave {}{}{by}", if *prune { "and prune " } else { "" }, who(w))
        }
        Action::RotateKey { who: w, key, operation, relay_factor } => {
            let what = match operation {
                KeyOperation::Rotate => format!("rotate all keyrings to key {key}"),
                KeyOperation::Install => format!("install key {key} everywhere"),
                KeyOperation::Use => format!("use key {key} everywhere"),
                KeyOperation::Remove => format!("remove key {key} everywhere"),
                KeyOperation::List => "list all keyrings".to_owned(),
            };
            format!("{what}, from {}{}", who(w), relayed(*relay_factor))
        }
        Action::Pause { who: w } => format!("pause {}", who(w)),
        Action::Slow { who: w, service, cpu } => {
            let cpu = if *cpu > 0 {
                format!(" with {} of a processor", share(f64::from(*cpu) / 1e6))
            } else {
                String::new()
            };
            let service = if *service > 0 {
                format!(" by {} a message", span(*service))
            } else {
                String::new()
            };
            format!("slow {}{service}{cpu}", who(w))
        }
        Action::Clock { who: w, offset, drift } => {
            let sign = if *offset < 0 { "-" } else { "" };
            format!(
                "clock of {} off by {sign}{}, drifting {} ppm",
                who(w),
                span(offset.unsigned_abs()),
                *drift as f64 / 1000.0
            )
        }
        Action::Fault { path, fault } => {
            let way = if path.both { "between" } else { "from" };
            let to = if path.both { "and" } else { "to" };
            format!("{} {way} {} {to} {}", path_fault(fault), who(&path.from), who(&path.to))
        }
        Action::Partition { groups, rest, direction: d, streams_open } => {
            let mut names: Vec<String> = groups.iter().map(who).collect();
            if *rest {
                names.push("the rest".to_owned());
            }
            let open = if *streams_open { ", streams stay open" } else { "" };
            format!("cut {}{}{open}", names.join(" | "), direction(*d))
        }
        Action::Block { who: w, transport, direction: d, refused } => {
            let transport = match transport {
                None => "all",
                Some(Transport::Udp) => "UDP",
                Some(Transport::Tcp) => "TCP",
            };
            let refused = if *refused { ", refused by its own host" } else { "" };
            format!("block {transport} at {}{}{refused}", who(w), direction(*d))
        }
    }
}

/// A payload, by its length.
fn bytes(payload: Option<&[u8]>) -> String {
    payload.map_or(String::new(), |p| format!(" with {} B", p.len()))
}

/// Tags as `serf members` shows them.
fn tags(tags: &[(String, String)]) -> String {
    let pairs: Vec<String> = tags.iter().map(|(k, v)| format!("{k}={v}")).collect();
    pairs.join(",")
}

fn relayed(factor: u8) -> String {
    match factor {
        0 => String::new(),
        n => format!(", answers relayed by {n}"),
    }
}

/// What is said of a query beside its name and who asks.
fn query(query: &Query) -> String {
    let mut out = bytes(query.payload.as_deref());
    if let Some(nodes) = &query.nodes {
        let shown = nodes.iter().take(2).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = if nodes.len() > 2 { ", ..." } else { "" };
        out.extend([", to ", &shown, more]);
    }
    if !query.tags.is_empty() {
        let pairs: Vec<String> = query.tags.iter().map(|(k, e)| format!("{k} ~ {e}")).collect();
        out.extend([", to those with ", &pairs.join(" and ")]);
    }
    if !query.ack {
        out.push_str(", no acks");
    }
    out.push_str(&relayed(query.relay_factor));
    if query.timeout > 0 {
        out.extend([", for ", &span(query.timeout)]);
    }
    match &query.answer {
        None => out.push_str(", nobody answers"),
        Some(answer) if answer.after.1 > 0 => {
            let (from, to) = answer.after;
            let from = if from == to { String::new() } else { format!("{} to ", span(from)) };
            out.extend([", answered after ", &from, &span(to)]);
        }
        Some(_) => {}
    }
    out
}

fn path_fault(fault: &PathFault) -> String {
    match fault {
        PathFault::Delay(delay) => {
            let jitter = if delay.jitter > 0 {
                format!(" ± {}", span(delay.jitter))
            } else {
                String::new()
            };
            format!("delay of {}{jitter}", span(delay.latency))
        }
        PathFault::Loss(model) => loss(model),
        PathFault::Duplicate(c) => format!("{} duplicated", share(c.probability.share())),
        PathFault::Reorder(r) => format!("{} reordered", share(r.chances.probability.share())),
        PathFault::Corrupt(c) => format!("{} corrupted", share(c.probability.share())),
        PathFault::Bandwidth(b) => {
            format!("at most {}", human(b.rate as f64, Unit::BytesPerSecond))
        }
    }
}

/// A model of loss.
pub fn loss(model: &Loss) -> String {
    match model {
        Loss::None => "no loss".to_owned(),
        Loss::Independent(p) | Loss::Correlated { probability: p, .. } => {
            format!("{} loss", share(p.share()))
        }
        Loss::GilbertElliott { .. } => "loss in bursts (Gilbert-Elliott)".to_owned(),
        Loss::FourState { .. } => "loss in bursts (four states)".to_owned(),
    }
}

/// A latency.
pub fn latency(latency: &Latency) -> String {
    match &latency.shape {
        LatencyShape::Fixed(value) => span(*value),
        LatencyShape::Uniform { min, max } => format!("{} to {}", span(*min), span(*max)),
        LatencyShape::Normal { mean, sd } => format!("{} ± {}", span(*mean), span(*sd)),
        LatencyShape::LogNormal { median, p99 } => {
            format!("median {}, p99 {}", span(*median), span(*p99))
        }
        LatencyShape::Pareto { scale, .. } => format!("{} and a long tail", span(*scale)),
        LatencyShape::Exponential { mean } => format!("{} on average", span(*mean)),
        LatencyShape::Table(_) => "as measured".to_owned(),
    }
}

/// Longer tags are padding.
const LONGEST_TAG: usize = 24;

/// The groups of a cluster with their labels and tags.
pub fn groups(cluster: &Cluster) -> String {
    let group = |g: &wavetank::sim_core::plan::Group| {
        let labels = g.labels.iter().map(|(k, v)| format!("{k} {v}"));
        let short = g.tags.iter().filter(|(k, v)| k.len() + v.len() <= LONGEST_TAG);
        let tags = short.map(|(k, v)| format!("{k}={v}"));
        let labels: Vec<String> = labels.chain(tags).collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!(" ({})", labels.join(", ")) };
        let stopped = if g.stopped { ", not there at first" } else { "" };
        format!("{} {}{labels}{stopped}", g.name, g.nodes)
    };
    let all: Vec<String> = cluster.groups.iter().map(group).collect();
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use wavetank::scenarios::{Overrides, Source, load};

    use super::*;

    #[test]
    fn verbs_of_serf_in_words() {
        const HEAD: &str = "version: 1\nname: t\nduration: 60s\ncluster: {preset: serf-lan, \
            encryption: v1, groups: [{name: a, nodes: 12, tags: {role: web}}, {name: b, nodes: 4}]}\n";
        for (entry, words) in [
            (
                "user-event: {nodes: a-03, name: log, payload: hello, coalesce: false}",
                "user event log from a-03 with 5 B, never coalesced",
            ),
            ("query: {nodes: a-03, name: load}", "query load from a-03"),
            (
                "query: {nodes: b-1, name: greet, filters: {nodes: {group: b}, tags: {role: ^ui$}}, ack: false, \
                 relay_factor: 2, timeout: 5s, answer: {after: {from: 1s, to: 2s}}}",
                "query greet from b-1, to b-0, b-1, ..., to those with role ~ ^ui$, no acks, answers \
                 relayed by 2, for 5 s, answered after 1 s to 2 s",
            ),
            (
                "set-tags: {nodes: {group: b}, tags: {role: db, v: 2}, delete: [dc]}",
                "tags of 4 nodes of b: role=db,v=2, without dc",
            ),
            (
                "force-leave: {nodes: b-0, by: a-03, prune: true}",
                "force-leave and prune b-0, told to a-03",
            ),
            ("rotate-key: {key: 1}", "rotate all keyrings to key 1, from 1 of 16 nodes"),
            ("join: {nodes: b-0, name_of: a-03}", "join b-0 under the name of a-03"),
        ] {
            let text = format!("{HEAD}timeline: [{{at: 1s, {entry}}}]\n");
            let scenario = load(Source::new("t", &text), &Overrides::default());
            let plan = scenario.expect("a valid scenario").plan;
            assert_eq!(what(&plan.timeline[0], &plan), words);
            assert_eq!(groups(&plan.cluster), "a 12 (role=web), b 4");
        }
    }
}
