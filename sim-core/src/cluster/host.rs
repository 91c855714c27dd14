//! What the kernel knows of each slot: the process on it, its counters, its load.

use wavetank_protocol::{
    NEVER, Time,
    belief::{AddressId, MemberId},
};

use crate::arena::Block;

/// What is on a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Nothing yet: silent.
    Absent,
    /// A running process.
    Running,
    /// A host without the process: it refuses streams.
    Stopped,
    /// A dead host: silent.
    Silent,
}

/// Kinds of load, in the order of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Load {
    /// Pings, acks, indirect pings, nacks.
    Probe = 0,
    /// Gossip and user messages.
    Gossip = 1,
    /// Push/pull streams.
    PushPull = 2,
    /// Stream pings and their acks.
    StreamPing = 3,
}

/// A slot.
#[derive(Clone, Debug)]
pub struct Host {
    /// What is there.
    pub presence: Presence,
    /// The process is frozen.
    pub frozen: bool,
    /// The host refuses to send datagrams.
    pub refuses: bool,
    /// The process is slow or its clock drifts: see `Odd`.
    pub odd: bool,
    /// The address in use.
    pub address: AddressId,
    /// The name in use.
    pub member: MemberId,
    /// When the node's wake stands in the queue, or in the lane of probe time-outs.
    pub scheduled: Time,
    /// It stands in the lane.
    pub in_lane: bool,
    /// Datagrams sent, which numbers their dice.
    pub sent: u32,
    /// Timer events made.
    pub timers: u32,
    /// Stream legs made, which numbers their dice.
    pub legs: u32,
    /// Effects in the digest.
    pub effects: u32,
    /// Lives: processes started here.
    pub life: u32,
    /// Queued broadcasts when last looked at.
    pub depth: u32,
    /// Bytes sent by kind of load.
    pub bytes: [u64; 4],
    /// Of all bytes, those to other zones.
    pub zone_bytes: u64,
}

impl Host {
    /// An empty slot.
    pub fn new(address: AddressId, member: MemberId) -> Self {
        Self {
            presence: Presence::Absent,
            frozen: false,
            refuses: false,
            odd: false,
            address,
            member,
            scheduled: NEVER,
            in_lane: false,
            sent: 0,
            timers: 0,
            legs: 0,
            effects: 0,
            life: 0,
            depth: 0,
            bytes: [0; 4],
            zone_bytes: 0,
        }
    }

    /// Whether a process runs here.
    pub fn is_running(&self) -> bool {
        self.presence == Presence::Running
    }
}

/// What waits at a frozen or slow process, and how its clock runs. Kept apart: few slots have one.
#[derive(Clone, Debug, Default)]
pub struct Odd {
    /// Datagrams composed while frozen: destination and content.
    pub blocked: Vec<(AddressId, Block)>,
    /// What arrived while frozen, in order.
    pub inbox: Vec<Waiting>,
    /// Service time per message; 0: as fast as ever.
    pub service: u64,
    /// Until when the listener is busy.
    pub busy_until: Time,
    /// Bytes that wait for the listener.
    pub waiting_bytes: u64,
    /// A drain of the handoff queue is in the event queue.
    pub draining: bool,
    /// How its clock runs.
    pub clock: Option<Clock>,
}

impl Odd {
    /// Whether the process runs at full speed on a true clock.
    pub fn is_plain(&self) -> bool {
        self.service == 0 && self.clock.is_none()
    }
}

/// Something that waits at a frozen process.
#[derive(Clone, Copy, Debug)]
pub enum Waiting {
    /// A datagram.
    Packet(Block),
    /// The next step of a connection.
    Connection(u32),
}

/// A clock that is a line over true time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// True time at which it began.
    pub base: Time,
    /// What it showed then.
    pub local: Time,
    /// Rate error in parts per billion.
    pub drift: i64,
}

const BILLION: i128 = 1_000_000_000;

impl Clock {
    /// What it shows at a true time.
    pub fn local(&self, now: Time) -> Time {
        let elapsed = i128::from(now - self.base);
        self.local + (elapsed * (BILLION + i128::from(self.drift)) / BILLION) as u64
    }

    /// The first true time at which it shows at least this.
    pub fn when(&self, local: Time) -> Time {
        if local == NEVER {
            return NEVER;
        }
        let elapsed = i128::from(local) - i128::from(self.local);
        if elapsed <= 0 {
            return self.base;
        }
        let rate = (BILLION + i128::from(self.drift)).max(1);
        let true_elapsed = (elapsed * BILLION + rate - 1) / rate;
        self.base + true_elapsed as u64
    }
}
