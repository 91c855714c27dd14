//! Serf's layer: what its nodes tell, and what a look at all of them shows.

use wavetank_protocol::{
    Time,
    serf::{
        Event,
        lamport::LTime,
        ledger::{Ledger, QuestionId, TextId},
    },
};

use super::{Observer, Occurrence, Surroundings};
use crate::net::Net;

/// A network coordinate, as far as a distance needs it; in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Coordinate {
    /// Euclidean part.
    pub vec: [f64; 8],
    /// Height above it.
    pub height: f64,
    /// Correction from the last measurements.
    pub adjustment: f64,
}

/// One running Serf node, as the tank sees it once per simulated second.
#[derive(Clone, Copy, Debug)]
pub struct SerfLook {
    /// On which slot.
    pub slot: u32,
    /// Its clocks: members, events, queries.
    pub clocks: [LTime; 3],
    /// Depths of its queues, in the order of `QueueName::ALL`.
    pub depths: [u32; 3],
    /// Its coordinate; none where coordinates are off.
    pub coordinate: Option<Coordinate>,
}

impl Observer {
    /// A Serf node told something.
    pub fn serf_told(&mut self, _slot: u32, _event: &Event, _scene: &Surroundings<'_>) {}

    /// The depths of a Serf node's queues, after each of its calls, in the order of `QueueName::ALL`.
    #[inline]
    pub fn serf_queues(&mut self, _slot: u32, _now: Time, _depths: [u32; 3]) {}

    /// All running Serf nodes in the order of slots, once per simulated second.
    pub fn serf_look(
        &mut self,
        _now: Time,
        _looks: &mut dyn Iterator<Item = SerfLook>,
        _net: &Net,
    ) {
    }

    /// A scripted user event was sent from a slot.
    pub fn begin_event(
        &mut self,
        _occurrence: Occurrence,
        _slot: u32,
        _ltime: LTime,
        _text: TextId,
        _scene: &Surroundings<'_>,
    ) {
    }

    /// A scripted query was sent from a slot; `id` is its random number.
    pub fn begin_query(
        &mut self,
        _occurrence: Occurrence,
        _slot: u32,
        (_ltime, _id): (LTime, u32),
        _question: QuestionId,
        _ledger: &Ledger,
        _scene: &Surroundings<'_>,
    ) {
    }
}
