//! What a Serf node tells those who watch it: its log lines, its counters, what its handlers see.

use super::{
    lamport::LTime,
    ledger::{QuestionId, TextId},
    status::Status,
};
use crate::{
    belief::{AttributesId, MemberId},
    config::Encryption,
    time::Span,
};

/// A change in the member table, as handlers know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum MemberEvent {
    /// `member-join`.
    Join = 0,
    /// `member-leave`.
    Leave = 1,
    /// `member-failed`.
    Failed = 2,
    /// `member-update`.
    Update = 3,
    /// `member-reap`.
    Reap = 4,
}

impl MemberEvent {
    /// Its name in handlers and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Join => "member-join",
            Self::Leave => "member-leave",
            Self::Failed => "member-failed",
            Self::Update => "member-update",
            Self::Reap => "member-reap",
        }
    }
}

/// One of the three broadcast queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum QueueName {
    /// Join and leave intents.
    Intent = 0,
    /// Queries.
    Query = 1,
    /// User events.
    Event = 2,
}

impl QueueName {
    /// All, in the order in which packets are filled.
    pub const ALL: [Self; 3] = [Self::Intent, Self::Query, Self::Event];

    /// Its name in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Intent => "Intent",
            Self::Query => "Query",
            Self::Event => "Event",
        }
    }
}

/// How a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Path {
    /// The node made it itself.
    Own = 0,
    /// In a packet.
    Gossip = 1,
    /// In a push/pull.
    PushPull = 2,
}

/// What became of an ack or a response at the asker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Receipt {
    /// In time, and the first of its sender.
    InTime = 0,
    /// After the deadline, or of a query that is not running.
    Late = 1,
    /// Of a sender that was heard before.
    Duplicate = 2,
}

/// Something that handlers are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// One member of a member event.
    Member(MemberEvent, MemberId),
    /// A user event.
    User(LTime, TextId),
    /// A query, by its question.
    Query(LTime, QuestionId),
}

/// What a Serf node tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The table's record of a member came into another status (`None` before: a new record).
    Status {
        /// About whom.
        member: MemberId,
        /// Before.
        old: Status,
        /// Now; `None`: the record was dropped.
        new: Status,
    },
    /// A member event, before any coalescer.
    Member {
        /// Which.
        kind: MemberEvent,
        /// About whom.
        member: MemberId,
        /// What it said about itself last.
        attributes: AttributesId,
        /// Made by an operator: the `(forced)` of the log.
        forced: bool,
    },
    /// A failed member came back within the flap time.
    Flap {
        /// Who.
        member: MemberId,
    },
    /// Memberlist reported the death of a member that was held failed or left already ("Bad state when leave").
    BadStateWhenLeave {
        /// Who.
        member: MemberId,
        /// As what it was held.
        status: Status,
    },
    /// An intent was heard, news or not.
    Intent {
        /// About whom.
        member: MemberId,
        /// A leave rather than a join.
        leave: bool,
        /// Its Lamport time.
        ltime: LTime,
        /// How it came.
        path: Path,
        /// It was news and goes on.
        news: bool,
    },
    /// A leave about the node itself was heard and is refuted by a join intent.
    RefutingLeave {
        /// Lamport time of the leave.
        ltime: LTime,
    },
    /// A user event was heard for the first time and goes to the application.
    User {
        /// Its Lamport time.
        ltime: LTime,
        /// Name and payload.
        text: TextId,
        /// How it came.
        path: Path,
    },
    /// A copy of a user event, a query or an intent that was known already.
    Duplicate,
    /// A user event fell out of the window ("received old event").
    OldEvent {
        /// Its Lamport time.
        ltime: LTime,
        /// The clock.
        current: LTime,
        /// Name and payload.
        text: TextId,
    },
    /// A user event was below the least time that a join set.
    IgnoredEvent {
        /// Its Lamport time.
        ltime: LTime,
        /// Name and payload.
        text: TextId,
    },
    /// A query was heard for the first time.
    Query {
        /// Its Lamport time.
        ltime: LTime,
        /// Its random number.
        id: u32,
        /// What is asked.
        question: QuestionId,
        /// Who asks.
        source: MemberId,
        /// Whether its filters accept this node.
        accepted: bool,
        /// How it came.
        path: Path,
    },
    /// A query fell out of the window ("received old query").
    OldQuery {
        /// Its Lamport time.
        ltime: LTime,
        /// The clock.
        current: LTime,
        /// What is asked.
        question: QuestionId,
    },
    /// The node asked.
    Asked {
        /// Lamport time of the query.
        ltime: LTime,
        /// Its random number.
        id: u32,
        /// What is asked.
        question: QuestionId,
        /// Until when answers count, from now.
        timeout: Span,
        /// Members that memberlist held alive or suspect.
        members: u32,
    },
    /// The node answered a query.
    Responded {
        /// Lamport time of the query.
        ltime: LTime,
        /// Its random number.
        id: u32,
        /// Before its own deadline and within the size limit.
        sent: bool,
    },
    /// An ack reached the asker.
    AckHeard {
        /// Lamport time of the query.
        ltime: LTime,
        /// Its random number.
        id: u32,
        /// Of whom.
        from: MemberId,
        /// What became of it.
        receipt: Receipt,
    },
    /// A response reached the asker.
    ResponseHeard {
        /// Lamport time of the query.
        ltime: LTime,
        /// Its random number.
        id: u32,
        /// Of whom.
        from: MemberId,
        /// What became of it.
        receipt: Receipt,
    },
    /// A query's time is over.
    QueryClosed {
        /// Lamport time of the query.
        ltime: LTime,
        /// Its random number.
        id: u32,
        /// Acks in time.
        acks: u32,
        /// Responses in time.
        responses: u32,
    },
    /// A message was passed on for another ("Relaying response").
    Relayed {
        /// For whom.
        to: MemberId,
    },
    /// Handlers were given something.
    Delivered(Delivery),
    /// The pipeline to the application was full and something was dropped.
    PipelineDropped,
    /// A queue was deeper than the warning at its check.
    QueueDepth {
        /// Which.
        queue: QueueName,
        /// How deep.
        depth: u32,
    },
    /// A queue was pruned at its check.
    Pruned {
        /// Which.
        queue: QueueName,
        /// How deep it was.
        depth: u32,
        /// How many were dropped.
        dropped: u32,
        /// The limit.
        limit: u32,
    },
    /// A queued message was silently replaced by one of equal key (memberlist's defect B1).
    Replaced {
        /// Where.
        queue: QueueName,
    },
    /// An attempt to reach a failed member.
    Reconnecting {
        /// Who.
        member: MemberId,
    },
    /// An attempt to reach a failed member was left to others ("forgoing reconnect").
    ForgoingReconnect,
    /// An attempt to reach a failed member has ended.
    Reconnected {
        /// Whether somebody answered.
        success: bool,
    },
    /// A join of the application has ended.
    Joined {
        /// How many of its addresses answered.
        successes: u32,
    },
    /// A member of the snapshot is tried.
    Rejoining {
        /// Who.
        member: MemberId,
    },
    /// The rejoin from the snapshot has ended.
    Rejoined {
        /// With whom, if with anybody.
        with: Option<MemberId>,
    },
    /// A leave has returned.
    LeaveReturned {
        /// All of it was done in time.
        in_time: bool,
    },
    /// A force-leave has returned.
    ForceLeaveReturned {
        /// About whom.
        member: MemberId,
        /// Before its time-out.
        in_time: bool,
    },
    /// A change of tags has returned.
    TagsReturned {
        /// Before its time-out.
        in_time: bool,
    },
    /// Somebody else claims a name.
    NameConflict {
        /// Which.
        member: MemberId,
    },
    /// A vote about the node's own name has ended.
    Vote {
        /// Answers.
        responses: u32,
        /// Answers for this node.
        matching: u32,
    },
    /// The node shuts down: it lost the vote.
    Shutdown,
    /// The keyring changed.
    Keyring {
        /// What it is now.
        now: Encryption,
    },
    /// An operation on all keyrings has ended.
    KeysDone {
        /// Members asked.
        members: u32,
        /// Answers.
        responses: u32,
        /// Answers that report a failure.
        errors: u32,
    },
    /// A round trip was measured and the coordinate moved.
    Coordinate {
        /// To whom.
        member: MemberId,
        /// The measurement.
        rtt: Span,
        /// What the coordinates had said, in nanoseconds.
        estimate: i64,
    },
    /// A measurement was refused.
    CoordinateRejected,
    /// A user event or a query was refused before it was sent: too large.
    TooLarge {
        /// Encoded length.
        len: u32,
        /// The limit.
        limit: u32,
    },
}
