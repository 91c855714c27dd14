//! What goes into a SWIM node and what comes out: inputs, streams, events, the outbox.
//!
//! Everything that happens to a node is an [`Input`] or a command; everything that it does goes through an
//! [`Outbox`] in the order in which it arises. A layer above is a further outbox between the two.

use super::{World, probe::ProbeEnd};
use crate::{
    belief::{AddressId, BeliefId, MemberId, Status},
    message::{Message, Packet},
    queue::Item,
    time::{Span, Time},
    view::SnapshotId,
    wire::serf::len::StateLen,
};

/// Why a belief changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Via {
    /// A packet: gossip or piggyback.
    Packet = 0,
    /// A state exchange.
    PushPull = 1,
    /// The node itself: a failed probe, a timer, a call of its application.
    Own = 2,
}

/// A message on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamMessage {
    /// The fallback ping.
    Ping {
        /// Sequence number of the probe.
        seq: u32,
        /// Whose name it is addressed to.
        target: MemberId,
    },
    /// Its answer.
    Ack {
        /// Sequence number of the probe.
        seq: u32,
    },
    /// A whole list of states.
    State {
        /// The list.
        snapshot: SnapshotId,
        /// The exchange belongs to a join.
        join: bool,
        /// The state of the layer above, by its number there; 0 is none.
        user: u32,
    },
    /// A user message.
    User {
        /// Its number in the roster.
        user: u32,
    },
}

/// A step of a stream, as it reaches a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The dial was answered.
    Connected {
        /// The dialler's own number for it.
        token: u32,
    },
    /// The other side answered.
    Reply {
        /// The dialler's own number for it.
        token: u32,
        /// What it said.
        message: StreamMessage,
    },
    /// Refused or broken.
    Failed {
        /// The dialler's own number for it.
        token: u32,
    },
    /// Somebody dialled us and said this.
    Request {
        /// The carrier's number for the stream.
        stream: u32,
        /// What it said.
        message: StreamMessage,
    },
}

/// What a node does with a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Connect; a [`Step`] with the token follows, unless it is closed first.
    Dial {
        /// The node's own number for it.
        token: u32,
        /// Where to.
        to: AddressId,
        /// Load kind: a fallback ping rather than state or user data.
        ping: bool,
    },
    /// Send on a stream that was dialled.
    Send {
        /// The node's own number for it.
        token: u32,
        /// What.
        message: StreamMessage,
        /// Bytes on the wire.
        len: u64,
    },
    /// Answer on a stream that another dialled, and close.
    Reply {
        /// The carrier's number for it.
        stream: u32,
        /// What.
        message: StreamMessage,
        /// Bytes on the wire.
        len: u64,
    },
    /// Close a stream that was dialled; nothing more comes of it.
    Close {
        /// The node's own number for it.
        token: u32,
    },
}

/// What a node tells those who watch it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A record changed.
    Believed {
        /// About whom.
        member: MemberId,
        /// The belief before, if it was known.
        old: Option<BeliefId>,
        /// The belief now.
        new: BeliefId,
        /// Who said so: the author of an accusation, else the member itself.
        from: MemberId,
        /// How it came.
        via: Via,
    },
    /// A record was reaped.
    Reaped {
        /// About whom.
        member: MemberId,
        /// The belief before.
        old: BeliefId,
    },
    /// A suspicion was confirmed by another accuser.
    Confirmed {
        /// About whom.
        member: MemberId,
        /// By whom.
        from: MemberId,
    },
    /// A suspicion timer declared a member dead.
    SuspicionExpired {
        /// About whom.
        member: MemberId,
        /// Confirmations received.
        confirmations: u32,
        /// Confirmations expected.
        expected: u32,
        /// When the suspicion began, on the node's clock.
        since: Time,
    },
    /// The node refuted an accusation or a foreign claim about itself.
    Refuted {
        /// Its new incarnation.
        incarnation: u32,
    },
    /// An alive message about a name held at another address was refused.
    Conflict {
        /// The name.
        member: MemberId,
    },
    /// The health score changed.
    Health {
        /// Before.
        old: u32,
        /// Now.
        new: u32,
    },
    /// A probe began.
    Probing {
        /// Of whom.
        target: MemberId,
        /// Its sequence number.
        seq: u32,
    },
    /// No direct ack in time: relays are asked.
    ProbeTimeout {
        /// Of whom.
        target: MemberId,
    },
    /// A probe ended.
    Probed {
        /// Of whom.
        target: MemberId,
        /// How.
        end: ProbeEnd,
        /// Since the ping was sent.
        after: Span,
    },
    /// A handler of section 6 ran.
    Handled {
        /// Alive, suspect or dead.
        kind: Status,
    },
    /// A full handoff queue dropped a message.
    HandoffDropped,
    /// A queued broadcast was silently replaced (B1).
    Replaced,
    /// A user message arrived.
    UserMessage {
        /// Its number in the roster.
        user: u32,
    },
    /// A join tried all its addresses.
    Joined {
        /// How many exchanges succeeded.
        successes: u32,
        /// Whose it was.
        by: Joiner,
    },
    /// A leave returned.
    LeaveReturned {
        /// Before its time-out.
        in_time: bool,
    },
    /// An update returned.
    UpdateReturned {
        /// Before its time-out.
        in_time: bool,
    },
    /// A push/pull was merged.
    Merged {
        /// It belonged to a join.
        join: bool,
        /// The state of the layer above at the other side; 0 is none.
        user: u32,
    },
    /// A stream exchange failed or timed out.
    ExchangeFailed,
}

/// Who asked for a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joiner {
    /// The application.
    Application,
    /// Serf's reconnector.
    Reconnect,
    /// Serf, from its snapshot.
    Rejoin,
}

/// Where a node's doings go, in the order in which they arise.
///
/// The methods beyond the first three are memberlist's `Delegate` and `PingDelegate`: what a layer above
/// has to say. Without one they do nothing.
pub trait Outbox {
    /// Sends a datagram.
    fn send(&mut self, to: AddressId, packet: Packet<'_>);
    /// Acts on a stream.
    fn exchange(&mut self, action: Action);
    /// Tells those who watch.
    fn emit(&mut self, event: Event);

    /// Whether the layer above has messages waiting for room in packets.
    #[inline]
    fn has_broadcasts(&self) -> bool {
        false
    }

    /// Takes messages of the layer above into a packet (`Delegate.GetBroadcasts`).
    #[inline]
    fn broadcasts(&mut self, _room: Room<'_>, _out: &mut Vec<Message>) {}

    /// Takes the state of the layer above for a push/pull (`Delegate.LocalState`).
    #[inline]
    fn local_state(&mut self, _world: &mut World) -> Option<UserState> {
        None
    }

    /// After a packet of a gossip tick: whether a call of the layer above that it finished goes on before the
    /// tick's next packet is filled. The tick is then resumed by [`super::Node::resume_gossip`].
    #[inline]
    fn interrupts(&mut self) -> bool {
        false
    }

    /// Whether a datagram can leave the host at all; if not, its write fails with an error.
    #[inline]
    fn can_send(&self) -> bool {
        true
    }

    /// Whether acks carry a payload (`PingDelegate.AckPayload`).
    #[inline]
    fn has_ack_payload(&self) -> bool {
        false
    }
}

/// Room in a packet for the layer above.
#[derive(Debug)]
pub struct Room<'a> {
    /// Bytes that each message costs beside its length.
    pub overhead: u32,
    /// Bytes in all.
    pub limit: u32,
    /// Scratch space for the queues; left empty.
    pub later: &'a mut Vec<(u32, Item)>,
}

/// The state of the layer above, taken for a push/pull.
#[derive(Clone, Copy, Debug)]
pub struct UserState {
    /// Its number there; never 0.
    pub id: u32,
    /// Its length.
    pub len: StateLen,
}

/// What happens to a node.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A deadline may have come.
    Wake,
    /// A datagram.
    Packet {
        /// The address it came from.
        from: AddressId,
        /// Its content.
        packet: Packet<'a>,
    },
    /// A step of a stream.
    Stream(Step),
    /// One message of the handoff queues is due for handling (only for a node that is slow).
    Drain,
    /// From now on sends block and nothing is received.
    Freeze,
    /// Sends unblock.
    Thaw,
}
