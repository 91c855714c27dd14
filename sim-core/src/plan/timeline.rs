//! The timeline of a plan: what happens to whom, and when.

use wavetank_protocol::Span;

use super::{Bandwidth, Chances, Delay, Loss, Reorder, SlotSet};

/// Index of an [`Entry`] in [`super::Plan::timeline`].
pub type EntryIndex = u16;

/// Who is meant. Drawn with the run's seed, in ascending order of slots.
#[derive(Clone, Debug, PartialEq)]
pub struct Selector {
    /// Who can be meant.
    pub of: Of,
    /// How many of them; all when absent.
    pub pick: Option<Pick>,
    /// Draw anew at each repetition, among those running.
    pub repick: bool,
}

impl Selector {
    /// All of a set.
    pub fn all(set: SlotSet) -> Self {
        Self { of: Of::Set(set), pick: None, repick: false }
    }
}

/// The candidates of a selector.
#[derive(Clone, Debug, PartialEq)]
pub enum Of {
    /// These slots.
    Set(SlotSet),
    /// Whom the selector of another entry drew (`{picked: NAME}`), the entry that carries `as: NAME`.
    Picked(EntryIndex),
}

/// How many of the candidates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pick {
    /// So many; never more than there are.
    Count(u32),
    /// This share of them in parts per million, rounded up.
    PartsPerMillion(u32),
}

/// One entry of the timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The file's `id`, or `VERB-N` with N counting the file's entries of that verb from 1.
    pub id: String,
    /// The line of the scenario file, 0 when built in code.
    pub line: u32,
    /// When it happens first.
    pub when: When,
    /// How it repeats.
    pub repeat: Option<Repeat>,
    /// How long a condition lasts; to the end when absent.
    pub lasts: Option<Span>,
    /// What happens.
    pub action: Action,
}

/// When an entry happens first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// At this time.
    At(Span),
    /// Uniformly between two times.
    Between(Span, Span),
    /// After the change of another entry is known to all who count (or, with `known: false`, after that
    /// entry has happened), and a delay uniform between two values.
    After {
        /// The other entry; always an earlier or later one, never itself.
        event: EntryIndex,
        /// Wait until all who count know it.
        known: bool,
        /// Least and greatest delay after it.
        delay: (Span, Span),
    },
}

/// How an entry repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// Between two occurrences.
    pub every: Every,
    /// When it ends.
    pub limit: Limit,
}

/// Between two occurrences of a repeated entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    /// Always the same span.
    Fixed(Span),
    /// Exponential with this mean: a Poisson process.
    Poisson(Span),
}

/// When a repetition ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// After so many occurrences, the first included.
    Times(u32),
    /// No occurrence after this time.
    Until(Span),
    /// At the end of the run.
    End,
}

/// What becomes of a crashed or restarted process's host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CrashKind {
    /// The process is gone; its host refuses streams.
    #[default]
    Process,
    /// The host is gone; it is silent.
    Host,
}

/// What a restarted process keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rebirth {
    /// Comes back under a new name.
    pub new_name: bool,
    /// Comes back at a new address.
    pub new_address: bool,
    /// Starts with the incarnation it had rather than at 1.
    pub keep_incarnation: bool,
    /// Serf: replays its snapshot.
    pub from_snapshot: bool,
}

/// One direction or both, seen from the first group or the selected nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Both ways.
    #[default]
    Both,
    /// Only what goes to the first group, or into the nodes.
    To,
    /// Only what comes from the first group, or out of the nodes.
    From,
}

/// What a fault on a path applies to.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// One end.
    pub from: Selector,
    /// The other end.
    pub to: Selector,
    /// Both directions.
    pub both: bool,
}

/// A fault of datagrams on a path; composes with the link and with other faults.
#[derive(Clone, Debug, PartialEq)]
pub enum PathFault {
    /// Adds delay.
    Delay(Delay),
    /// Loses datagrams, as an independent chance beside the link's own.
    Loss(Loss),
    /// Duplicates datagrams.
    Duplicate(Chances),
    /// Lets datagrams overtake.
    Reorder(Reorder),
    /// Corrupts datagrams.
    Corrupt(Chances),
    /// Limits the rate, all pairs of the path together in each direction.
    Bandwidth(Bandwidth),
}

/// What a member answers to a query that it hears, in place of its application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Payload of the response.
    pub payload: Vec<u8>,
    /// Least and greatest time that the handler takes; uniform between.
    pub after: (Span, Span),
}

/// A query as an entry describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Name.
    pub name: String,
    /// Payload; absent is nil on the wire.
    pub payload: Option<Vec<u8>>,
    /// Only members of these names; all when absent.
    pub nodes: Option<Vec<String>>,
    /// Only members whose tag matches the expression, for each of these.
    pub tags: Vec<(String, String)>,
    /// Members acknowledge that they heard it.
    pub ack: bool,
    /// How many others relay each ack and response.
    pub relay_factor: u8,
    /// How long answers count; 0: the default of the original.
    pub timeout: Span,
    /// What members answer; absent: nothing.
    pub answer: Option<Answer>,
}

/// What is done to all keyrings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyOperation {
    /// Install, use, and remove the key that was used before, each when the one before it is done.
    #[default]
    Rotate,
    /// Install.
    Install,
    /// Use.
    Use,
    /// Remove.
    Remove,
    /// List.
    List,
}

/// Transport that a block stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// Streams.
    Tcp,
}

/// What happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Processes die without a word.
    Crash {
        /// Who.
        who: Selector,
        /// What dies.
        kind: CrashKind,
    },
    /// Processes start again; running ones are killed first.
    Restart {
        /// Who.
        who: Selector,
        /// Between the kill and the start.
        delay: Span,
        /// What they keep.
        how: Rebirth,
        /// Whom they join through; the first others running when empty.
        via: SlotSet,
    },
    /// Processes restart one after another.
    RollingRestart {
        /// Who, in slot order.
        who: Selector,
        /// How many at a time.
        parallel: u32,
        /// Between two batches.
        every: Span,
        /// How long each is down.
        down: Span,
        /// They leave first.
        leave: bool,
        /// What they keep.
        how: Rebirth,
    },
    /// Stopped nodes start and join; running ones join (again).
    Join {
        /// Who.
        who: Selector,
        /// Through whom, tried in order; the first others running when empty.
        via: SlotSet,
        /// Under the name of the node on this slot, which may be running: a conflict of names.
        name_of: Option<u32>,
    },
    /// Nodes leave and then stop.
    Leave {
        /// Who.
        who: Selector,
        /// How long the leaver waits for its broadcast; 0: without limit.
        timeout: Span,
        /// How long the process stays up after its leave returned.
        stop_after: Span,
    },
    /// The first `to` nodes of a group run; others of it leave, missing ones join.
    Scale {
        /// Index of the group.
        group: u16,
        /// How many shall run.
        to: u32,
    },
    /// Nodes change their metadata.
    Update {
        /// Who.
        who: Selector,
        /// New length; at most 512. The content is new each time.
        meta_bytes: u16,
    },
    /// Serf: members send a user event.
    UserEvent {
        /// Who.
        who: Selector,
        /// Name.
        name: String,
        /// Payload; absent is nil on the wire.
        payload: Option<Vec<u8>>,
        /// The payload is another one each time, of the same length.
        varied: bool,
        /// Handlers may coalesce it.
        coalesce: bool,
    },
    /// Serf: members ask a query.
    Query {
        /// Who asks.
        who: Selector,
        /// What.
        query: Query,
    },
    /// Serf: members change their tags, as `serf tags` does.
    SetTags {
        /// Who.
        who: Selector,
        /// Tags set.
        set: Vec<(String, String)>,
        /// Tags deleted first.
        delete: Vec<String>,
    },
    /// Serf: a member makes others leave.
    ForceLeave {
        /// Who is made to leave; running or not.
        who: Selector,
        /// At which member the operator says so; the first other running one when absent.
        by: Option<Selector>,
        /// They are forgotten altogether.
        prune: bool,
    },
    /// Serf: a member changes the keyrings of all.
    RotateKey {
        /// Who begins it.
        who: Selector,
        /// The key, as an index into the scenario's keys (0 to 63).
        key: u8,
        /// What is done.
        operation: KeyOperation,
        /// How many others relay each answer.
        relay_factor: u8,
    },
    /// Settings change.
    SetConfig {
        /// Who.
        who: Selector,
        /// New index into [`super::Cluster::configs`] for each old one, by position.
        becomes: Vec<u16>,
        /// At once, rather than at the node's next restart (which this entry then performs).
        live: bool,
    },
    /// Nodes freeze.
    Pause {
        /// Who.
        who: Selector,
    },
    /// Nodes take their time over each message.
    Slow {
        /// Who.
        who: Selector,
        /// Service time per message.
        service: Span,
        /// Share of a processor that is left, in parts per million; 0: not set. Stretches the node's own
        /// work of a microsecond a message.
        cpu: u32,
    },
    /// Clocks go wrong.
    Clock {
        /// Who.
        who: Selector,
        /// Jump, in nanoseconds, either way.
        offset: i64,
        /// Rate error in parts per billion, either way.
        drift: i64,
    },
    /// A path goes bad.
    Fault {
        /// Where.
        path: Path,
        /// How.
        fault: PathFault,
    },
    /// Groups cannot reach each other.
    Partition {
        /// The groups; nodes in none of them are not affected.
        groups: Vec<Selector>,
        /// All others form one more group.
        rest: bool,
        /// Seen from the first group.
        direction: Direction,
        /// Streams stay open.
        streams_open: bool,
    },
    /// A transport is blocked at nodes.
    Block {
        /// Who.
        who: Selector,
        /// What; absent: both transports.
        transport: Option<Transport>,
        /// Which way, seen from the nodes.
        direction: Direction,
        /// Datagrams are not dropped on the way but refused by the nodes' own hosts, whose processes get
        /// an error: the local network is down.
        refused: bool,
    },
}
