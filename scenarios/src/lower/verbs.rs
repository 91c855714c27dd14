//! The verbs of the timeline and their parameters.
//!
//! A verb is a row of [`VERBS`] and a reader. Those of Serf are read in [`serf`], and refused where the
//! preset is without it.

pub(crate) mod serf;

use wavetank_sim_core::plan::{
    Action, CrashKind, Direction, EntryIndex, Path, PathFault, Rebirth, Selector, SlotSet,
    Transport,
};

use super::{
    cluster::MOST_META,
    config::{self, Overrides},
    faults,
    network::pair,
    selector::{Chosen, Rules, World},
    tags::check_least,
    timeline::{Scene, picked_from},
};
use crate::{
    out::Out,
    problem::Span,
    read::{Cx, Drift, Fields, Offset, Share, Time},
    yaml::{Kind, Node, Pair},
};

/// Most groups of a partition.
const MOST_PARTS: usize = 256;

/// A verb.
pub(crate) struct Verb {
    pub name: &'static str,
    /// A condition: it takes `for`.
    pub lasts: bool,
    /// What to write instead of `for`, where that is no condition.
    pub undo: &'static str,
    /// One sentence.
    pub help: &'static str,
    kind: Reader,
}

/// How a verb is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    Crash,
    Restart,
    RollingRestart,
    Join,
    Leave,
    Scale,
    Update,
    SetConfig,
    Pause,
    Slow,
    Clock,
    Delay,
    Loss,
    Duplicate,
    Reorder,
    Corrupt,
    Bandwidth,
    Partition,
    Block,
    UserEvent,
    Query,
    SetTags,
    ForceLeave,
    RotateKey,
}

impl Reader {
    fn needs_serf(self) -> bool {
        use Reader::{ForceLeave, Query, RotateKey, SetTags, UserEvent};
        matches!(self, UserEvent | Query | SetTags | ForceLeave | RotateKey)
    }
}

/// Whether others learn of what a verb does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Others learn of it.
    Spreads,
    /// Nobody does.
    Stays,
}

/// What is left to do once all entries are read.
pub(crate) struct Later {
    /// Settings that a `set-config` lays over those in force.
    pub settings: Option<Overrides>,
    /// Entries whose picks this one uses.
    pub picks: Vec<EntryIndex>,
    /// Whether there is something to wait for.
    pub news: News,
}

const fn event(name: &'static str, kind: Reader, undo: &'static str, help: &'static str) -> Verb {
    Verb { name, lasts: false, undo, help, kind }
}

const fn condition(name: &'static str, kind: Reader, help: &'static str) -> Verb {
    Verb { name, lasts: true, undo: "", help, kind }
}

const BACK: &str = "give the way back an entry of its own";

/// All verbs.
pub(crate) const VERBS: &[Verb] = &[
    event("crash", Reader::Crash, "bring it back with `restart`", "processes die without a word"),
    event(
        "restart",
        Reader::Restart,
        "use `delay` for the time down",
        "processes are killed and start again",
    ),
    event(
        "rolling-restart",
        Reader::RollingRestart,
        "use `down` for the time down",
        "processes restart one after another",
    ),
    event("join", Reader::Join, BACK, "stopped nodes start and join, running ones join again"),
    event("leave", Reader::Leave, "bring it back with `join`", "nodes leave and stop"),
    event(
        "force-leave",
        Reader::ForceLeave,
        "bring it back with `join`",
        "Serf: a failed member is made to leave",
    ),
    event("scale", Reader::Scale, BACK, "the first `to` nodes of a group run, the others leave"),
    event("update", Reader::Update, BACK, "nodes change their metadata"),
    event("set-config", Reader::SetConfig, BACK, "nodes change their settings"),
    condition("pause", Reader::Pause, "nodes freeze: sends block, receives wait, timers run"),
    condition("slow", Reader::Slow, "nodes take their time over each message"),
    condition("clock", Reader::Clock, "clocks jump or drift"),
    condition("delay", Reader::Delay, "datagrams take longer"),
    condition("loss", Reader::Loss, "datagrams are lost"),
    condition("duplicate", Reader::Duplicate, "datagrams arrive twice"),
    condition("reorder", Reader::Reorder, "datagrams overtake each other"),
    condition("corrupt", Reader::Corrupt, "datagrams are corrupted, which the receiver drops"),
    condition("bandwidth", Reader::Bandwidth, "a rate limit with a bounded queue"),
    condition("partition", Reader::Partition, "groups cannot reach each other"),
    condition("block", Reader::Block, "a transport is blocked at nodes"),
    event(
        "user-event",
        Reader::UserEvent,
        "use `every` to send it again",
        "Serf: an event to all members",
    ),
    event(
        "query",
        Reader::Query,
        "use `timeout` for how long answers count",
        "Serf: a question to all members",
    ),
    event("set-tags", Reader::SetTags, BACK, "Serf: members change their tags"),
    event("rotate-key", Reader::RotateKey, BACK, "Serf: the members' keyrings change"),
];

/// The verb of a name.
pub(crate) fn get(name: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|v| v.name == name)
}

/// A verb whose parameters are being read.
struct Reading<'a, 'b, 'c, 't> {
    cx: &'a mut Cx<'b>,
    fields: Fields<'t>,
    world: &'a World<'c>,
    later: Later,
}

/// Reads the verb of an entry.
pub(crate) fn read(
    cx: &mut Cx<'_>,
    given: &Pair,
    verb: &Verb,
    place: &str,
    scene: &Scene<'_, '_>,
) -> Option<((Action, Later), Out)> {
    let place = format!("{place}.{}", verb.name);
    if verb.kind.needs_serf() && cx.serf == Some(false) {
        let message = "the verb needs Serf, and the preset is without it";
        cx.error(given.at, &place, message, "use a preset such as `serf-lan`");
        return None;
    }
    let short = short_key(verb, &given.value.kind).map(|key| Pair {
        key: key.to_owned(),
        at: given.at,
        value: given.value.clone(),
    });
    let pairs: &[Pair] = match (&short, &given.value.kind) {
        (Some(pair), _) => std::slice::from_ref(pair),
        (None, Kind::Map(pairs)) => pairs,
        (None, _) => &[],
    };
    if short.is_none() && !matches!(given.value.kind, Kind::Map(_) | Kind::Null) {
        cx.expected(&given.value, &place, "a map of parameters");
        return None;
    }
    let span = if matches!(given.value.kind, Kind::Null) { given.at } else { given.value.span };
    let fields = Fields::over(pairs, &place, span);
    let own = matches!(verb.kind, Reader::SetConfig | Reader::ForceLeave | Reader::RotateKey);
    let news = if verb.lasts || own { News::Stays } else { News::Spreads };
    let later = Later { settings: None, picks: Vec::new(), news };
    let mut reading = Reading { cx, fields, world: scene.world, later };
    let action = reading.action(verb.kind);
    let Reading { cx, fields, later, .. } = reading;
    let world = scene.world;
    let out = fields.close_with(cx, "unknown key", |key| misplaced(world, key));
    Some(((action?, later), out))
}

/// The one parameter that a short form gives: `crash: a-03` is `crash: {nodes: a-03}`, `loss: 5%` is
/// `loss: {probability: 5%}`.
pub(crate) fn short_key(verb: &Verb, given: &Kind) -> Option<&'static str> {
    let scalar = match given {
        Kind::Scalar { .. } => true,
        Kind::List(_) => false,
        Kind::Null | Kind::Map(_) => return None,
    };
    match verb.kind {
        Reader::Delay if scalar => Some("latency"),
        Reader::Loss | Reader::Duplicate | Reader::Corrupt | Reader::Reorder if scalar => {
            Some("probability")
        }
        Reader::Bandwidth if scalar => Some("rate"),
        Reader::Scale => None,
        _ => Some("nodes"),
    }
}

/// Help for keys that belong into `nodes:`.
fn misplaced(world: &World<'_>, key: &str) -> Option<String> {
    let own = matches!(key, "group" | "pick" | "repick" | "as" | "picked");
    (own || world.has_label(key))
        .then(|| format!("`{key}` belongs into the selector: `nodes: {{{key}: ...}}`"))
}

impl<'t> Reading<'_, '_, '_, 't> {
    fn action(&mut self, kind: Reader) -> Option<Action> {
        match kind {
            Reader::Crash => {
                let who = self.who();
                let kinds = [("process", CrashKind::Process), ("host", CrashKind::Host)];
                let kind = self.fields.word(self.cx, "kind", &kinds);
                Some(Action::Crash { who: who?, kind })
            }
            Reader::Restart => {
                let who = self.who();
                let delay = self.time("delay", 0);
                let how = self.rebirth(who.as_ref());
                let via = self.via();
                Some(Action::Restart { who: who?, delay, how, via: via? })
            }
            Reader::RollingRestart => self.rolling_restart(),
            Reader::Join => {
                let who = self.who();
                let via = self.via();
                let name_of = self.name_of(who.as_ref());
                Some(Action::Join { who: who?, via: via?, name_of })
            }
            Reader::Leave => {
                let who = self.who();
                // Serf bounds each of its waits itself, and its whole leave not at all.
                let default = if self.cx.serf == Some(true) { 0 } else { 5_000_000_000 };
                let timeout = self.time("timeout", default);
                let stop_after = self.time("stop_after", 0);
                Some(Action::Leave { who: who?, timeout, stop_after })
            }
            Reader::Scale => self.scale(),
            Reader::Update => {
                let who = self.who();
                let bounds = (0, MOST_META);
                let meta_bytes = self.fields.need_number(self.cx, "meta_bytes", bounds, "64");
                let span = self.fields.value_span("meta_bytes").unwrap_or(self.fields.span);
                let place = self.fields.at("meta_bytes");
                check_least(self.cx, span, &place, meta_bytes.unwrap_or(0));
                Some(Action::Update { who: who?, meta_bytes: meta_bytes? as u16 })
            }
            Reader::SetConfig => self.set_config(),
            Reader::Pause => Some(Action::Pause { who: self.who()? }),
            Reader::Slow => self.slow(),
            Reader::Clock => self.clock(),
            Reader::Delay => {
                let delay = faults::delay_in(self.cx, &mut self.fields);
                self.fault(Some(PathFault::Delay(delay)))
            }
            Reader::Loss => {
                let loss = faults::loss_in(self.cx, &mut self.fields);
                self.fault(Some(PathFault::Loss(loss)))
            }
            Reader::Duplicate => {
                let chances = faults::chances_in(self.cx, &mut self.fields);
                self.fault(Some(PathFault::Duplicate(chances)))
            }
            Reader::Reorder => {
                let reorder = faults::reorder_in(self.cx, &mut self.fields);
                self.fault(Some(PathFault::Reorder(reorder)))
            }
            Reader::Corrupt => {
                let chances = faults::chances_in(self.cx, &mut self.fields);
                self.fault(Some(PathFault::Corrupt(chances)))
            }
            Reader::Bandwidth => {
                let bandwidth = faults::bandwidth_in(self.cx, &mut self.fields);
                self.fault(bandwidth.map(PathFault::Bandwidth))
            }
            Reader::Partition => self.partition(),
            Reader::Block => {
                let who = self.who();
                let transports =
                    [("udp", Some(Transport::Udp)), ("tcp", Some(Transport::Tcp)), ("both", None)];
                let transport = self.fields.word(self.cx, "protocol", &transports);
                let ways =
                    [("both", Direction::Both), ("in", Direction::To), ("out", Direction::From)];
                let direction = self.fields.word(self.cx, "direction", &ways);
                let refused = self.fields.or(self.cx, "refused", false);
                Some(Action::Block { who: who?, transport, direction, refused })
            }
            Reader::UserEvent => self.user_event(),
            Reader::Query => self.query(),
            Reader::SetTags => self.set_tags(),
            Reader::ForceLeave => self.force_leave(),
            Reader::RotateKey => self.rotate_key(),
        }
    }

    /// The selector `nodes`, which must be there.
    fn who(&mut self) -> Option<Selector> {
        if let Some(node) = self.fields.node("nodes") {
            let place = self.fields.at("nodes");
            let chosen = self.choose(node, &place, Rules::Nodes)?;
            self.fields.put("nodes", chosen.out);
            return Some(chosen.selector);
        }
        self.fields.missing(self.cx, "nodes", "all");
        None
    }

    fn choose(&mut self, node: &Node, place: &str, rules: Rules) -> Option<Chosen> {
        let chosen = self.world.read(self.cx, node, place, rules)?;
        self.later.picks.extend(picked_from(&chosen.selector.of));
        Some(chosen)
    }

    fn time(&mut self, key: &'static str, default: u64) -> u64 {
        self.fields.or(self.cx, key, Time(default)).0
    }

    fn via(&mut self) -> Option<SlotSet> {
        let Some(node) = self.fields.node("via") else { return Some(SlotSet::new()) };
        let place = self.fields.at("via");
        let (set, out) = self.world.read_fixed(self.cx, node, &place)?;
        self.fields.put("via", out);
        Some(set)
    }

    fn rebirth(&mut self, who: Option<&Selector>) -> Rebirth {
        let fresh = [("same", false), ("new", true)];
        let new_name = self.fields.word(self.cx, "name", &fresh);
        let new_address = self.fields.word(self.cx, "address", &fresh);
        let kept = [("lost", false), ("kept", true)];
        let keep_incarnation = self.fields.word(self.cx, "incarnation", &kept);
        let states = [("lost", false), ("snapshot", true)];
        let from_snapshot = self.fields.word(self.cx, "state", &states);
        if from_snapshot {
            self.check_snapshot(who);
        }
        Rebirth { new_name, new_address, keep_incarnation, from_snapshot }
    }

    fn rolling_restart(&mut self) -> Option<Action> {
        let who = self.who();
        let most = u64::from(u32::MAX);
        let parallel = self.fields.number(self.cx, "parallel", 1, (1, most)) as u32;
        let every: Option<Time> = self.fields.need(self.cx, "every", "30s");
        let down = self.time("down", 0);
        let leave = self.fields.or(self.cx, "leave", false);
        let how = self.rebirth(who.as_ref());
        Some(Action::RollingRestart { who: who?, parallel, every: every?.0, down, leave, how })
    }

    fn scale(&mut self) -> Option<Action> {
        let group: Option<String> = self.fields.need(self.cx, "group", "a");
        let most = u64::from(u32::MAX);
        let to = self.fields.need_number(self.cx, "to", (0, most), "10");
        let (group, to) = (group?, to? as u32);
        let Some(cluster) = self.world.cluster else {
            return Some(Action::Scale { group: 0, to: 0 });
        };
        let Some(index) = cluster.groups.iter().position(|g| g.name == group) else {
            let span = self.fields.value_span("group").unwrap_or(self.fields.span);
            let place = self.fields.at("group");
            let names = cluster.groups.iter().map(|g| g.name.as_str());
            self.cx.no_such(span, &place, "there is no such group", &group, names);
            return None;
        };
        let has = cluster.groups[index].nodes;
        if to > has {
            let span = self.fields.value_span("to").unwrap_or(self.fields.span);
            let message = format!("the group has {has} nodes in all");
            let help = "give the group all nodes that it will ever have; \
                        those that come later may be a group with `start: stopped`";
            self.cx.error_with(span, &self.fields.at("to"), &message, "", help);
            return None;
        }
        Some(Action::Scale { group: index as u16, to })
    }

    fn set_config(&mut self) -> Option<Action> {
        let who = self.who();
        let live = self.fields.word(self.cx, "by", &[("restart", false), ("live", true)]);
        let Some(node) = self.fields.node("config") else {
            self.fields.missing(self.cx, "config", "{gossip_nodes: 4}");
            return None;
        };
        let place = self.fields.at("config");
        let before = self.cx.errors();
        let over = config::read(self.cx, node, &place);
        if over.out.is_empty() && self.cx.errors() == before {
            self.cx.error(node.span, &place, "no setting changes", "name one");
        }
        self.fields.put("config", Out::Map(over.out.clone()));
        self.later.settings = Some(over);
        Some(Action::SetConfig { who: who?, becomes: Vec::new(), live })
    }

    fn slow(&mut self) -> Option<Action> {
        let who = self.who();
        let service: Option<Time> = self.fields.maybe(self.cx, "service");
        let cpu: Option<Share> = self.fields.maybe(self.cx, "cpu");
        let given = self.fields.has("service") || self.fields.has("cpu");
        if !given {
            self.fields.missing(self.cx, "service", "5ms");
        }
        // Rounded, and at least one part: no share of a processor at all is `pause`.
        let parts = cpu.map_or(0, |Share(s)| ((s * 1e6) as u32).max(u32::from(s > 0.0)));
        if let (Some(_), 0) = (cpu, parts) {
            let span = self.fields.value_span("cpu").unwrap_or(self.fields.span);
            let place = self.fields.at("cpu");
            self.cx.error(span, &place, "no processor at all", "use `pause`");
        }
        let service = service.map_or(0, |Time(t)| t);
        Some(Action::Slow { who: who?, service, cpu: parts })
    }

    fn clock(&mut self) -> Option<Action> {
        let who = self.who();
        let offset = self.fields.or(self.cx, "offset", Offset(0)).0;
        let drift = self.fields.or(self.cx, "drift", Drift(0)).0;
        if !self.fields.has("offset") && !self.fields.has("drift") {
            let help = "add `offset: 5s` or `drift: 100ppm`";
            let place = self.fields.place.clone();
            self.cx.error_with(self.fields.span, &place, "the clock stays right", "", help);
        }
        Some(Action::Clock { who: who?, offset, drift })
    }

    /// The path of a fault: `between`, `from` and `to`, `nodes` (to and from anybody), or everywhere.
    fn fault(&mut self, fault: Option<PathFault>) -> Option<Action> {
        let keys = ["nodes", "between", "from", "to"];
        let [nodes, between, from, to] = keys.map(|k| self.fields.node(k));
        let ways = [nodes.is_some(), between.is_some(), from.is_some() || to.is_some()];
        if ways.iter().filter(|w| **w).count() > 1 {
            let message = "one of `nodes`, `between`, or `from` and `to`";
            let span = self.fields.span;
            let place = self.fields.place.clone();
            self.cx.error(span, &place, message, "remove the others");
            return None;
        }
        let path = if let Some(node) = nodes {
            let place = self.fields.at("nodes");
            let from = self.choose(node, &place, Rules::Nodes)?;
            self.fields.put("nodes", from.out);
            let to = Selector::all(self.world.everybody());
            Path { from: from.selector, to, both: true }
        } else if let Some(node) = between {
            let place = self.fields.at("between");
            let (one, other) = pair(self.cx, node, &place)?;
            let one = self.choose(one, &place, Rules::Group);
            let other = self.choose(other, &place, Rules::Group);
            let (one, other) = (one?, other?);
            self.fields.put("between", Out::List(vec![one.out, other.out]));
            Path { from: one.selector, to: other.selector, both: true }
        } else {
            let from = self.end("from", from);
            let to = self.end("to", to);
            let (from, to) = (from?, to?);
            Path { from, to, both: false }
        };
        Some(Action::Fault { path, fault: fault? })
    }

    fn end(&mut self, key: &'static str, node: Option<&'t Node>) -> Option<Selector> {
        let place = self.fields.at(key);
        let chosen = match node {
            Some(node) => self.choose(node, &place, Rules::Group)?,
            None => Chosen::everybody(self.world),
        };
        self.fields.put(key, chosen.out);
        Some(chosen.selector)
    }

    fn partition(&mut self) -> Option<Action> {
        let (nodes, groups) = (self.fields.node("nodes"), self.fields.node("groups"));
        let before = self.cx.errors();
        let (parts, rest) = match (nodes, groups) {
            (Some(_), None) => (self.who().into_iter().collect(), true),
            (None, Some(node)) => self.parts(node),
            (Some(_), Some(node)) => {
                let place = self.fields.place.clone();
                let message = "either `nodes` or `groups`, not both";
                self.cx.error(node.span, &place, message, "remove one of the two");
                (Vec::new(), false)
            }
            (None, None) => {
                self.fields.missing(self.cx, "groups", "[{zone: west}, rest]");
                (Vec::new(), false)
            }
        };
        let ways = [("both", Direction::Both), ("to", Direction::To), ("from", Direction::From)];
        let direction = self.fields.word(self.cx, "direction", &ways);
        let streams_open = self.fields.word(self.cx, "streams", &[("cut", false), ("open", true)]);
        (self.cx.errors() == before).then_some(Action::Partition {
            groups: parts,
            rest,
            direction,
            streams_open,
        })
    }

    fn parts(&mut self, node: &'t Node) -> (Vec<Selector>, bool) {
        let place = self.fields.at("groups");
        let mut rest = false;
        let mut parts: Vec<Chosen> = Vec::new();
        let mut outs = Vec::new();
        let before = self.cx.errors();
        let list =
            crate::read::items(self.cx, node, &place, "a list such as `[{zone: west}, rest]`");
        if list.len() > MOST_PARTS {
            self.cx.error(node.span, &place, "too many groups", format!("at most {MOST_PARTS}"));
            return (Vec::new(), false);
        }
        for (i, item) in list.iter().enumerate() {
            let place = format!("{place}[{i}]");
            if item.text() == Some("rest") {
                if rest {
                    self.cx.error(item.span, &place, "`rest` is given twice", "remove one");
                }
                rest = true;
                outs.push(Out::Plain("rest".to_owned()));
            } else if let Some(chosen) = self.choose(item, &place, Rules::Group) {
                outs.push(chosen.out.clone());
                parts.push(chosen);
            }
        }
        let first_is_rest = list.first().and_then(Node::text) == Some("rest");
        if first_is_rest && list.len() > 1 {
            let message = "`rest` comes last: directions are seen from the first group";
            self.cx.error(list[0].span, &place, message, "put it behind the others");
        }
        if self.cx.errors() == before && parts.len() + usize::from(rest) < 2 {
            let message = "a partition needs two groups";
            self.cx.error(node.span, &place, message, "add `rest`");
        }
        self.check_rest(node.span, &place, &parts, rest);
        self.fields.put("groups", Out::List(outs));
        (parts.into_iter().map(|p| p.selector).collect(), rest)
    }

    /// `rest` must be somebody.
    fn check_rest(&mut self, span: Span, place: &str, parts: &[Chosen], rest: bool) {
        let Some(cluster) = self.world.cluster else { return };
        let sets: Option<Vec<&SlotSet>> = parts.iter().map(Chosen::fixed).collect();
        if let (Some(sets), true) = (sets, rest) {
            let named = SlotSet::from_ranges(sets.iter().flat_map(|s| s.ranges().iter().copied()));
            if named.len() == cluster.slots() {
                let message = "the selector matches nobody: the groups leave no `rest`";
                self.cx.error(span, place, message, "");
            }
        }
    }
}
