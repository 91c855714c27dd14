//! Watching a run: every effect, in the order in which it happens, for traces and tests.
//!
//! A run without a watcher pays nothing for it.

use wavetank_protocol::{
    Time,
    belief::{MemberId, Roster},
    message::Packet,
    serf::{self, ledger::Ledger},
    swim::{Event, Node},
};

use crate::net::Drop;

/// What a watcher is told beside the event itself.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// When.
    pub now: Time,
    /// At which slot.
    pub slot: u32,
    /// Names and beliefs.
    pub roster: &'a Roster,
}

/// A watcher; each method does nothing unless it is written.
pub trait Watch {
    /// Whether packets are worth decoding for it.
    const PACKETS: bool = false;

    /// A datagram was sent to a slot.
    fn sent(&mut self, _scene: Scene<'_>, _to: u32, _packet: &Packet<'_>) {}
    /// A datagram from a slot reached the process.
    fn delivered(&mut self, _scene: Scene<'_>, _from: u32, _packet: &Packet<'_>) {}
    /// A datagram to a slot was lost on the way; none: nobody was there.
    fn lost(&mut self, _scene: Scene<'_>, _to: u32, _why: Option<Drop>) {}
    /// A node told something.
    fn event(&mut self, _scene: Scene<'_>, _event: &Event) {}
    /// A node's Serf layer told something.
    fn serf(&mut self, _scene: Scene<'_>, _ledger: &Ledger, _event: &serf::Event) {}
    /// A node's deadline came.
    fn woke(&mut self, _scene: Scene<'_>, _node: &Node) {}
    /// A step of a stream: `what` happened between two slots.
    fn stream(&mut self, _scene: Scene<'_>, _to: u32, _what: &'static str, _bytes: u64) {}
    /// A process started or stopped.
    fn process(&mut self, _scene: Scene<'_>, _name: MemberId, _what: &'static str) {}
    /// The script acted: verb and entry.
    fn script(&mut self, _now: Time, _event: &str, _verb: &'static str, _slots: &[u32]) {}
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl Watch for Nobody {}
