//! The dice of a packet: one counter-based stream per source, purpose and owner.
//!
//! A draw is a pure function of (owner, purpose, source, the source's own count), where the owner is
//! the link or one fault of the timeline. So no feature that is switched on or off, no fault that comes
//! or goes, and no other node's traffic moves a draw. What is not in use need not be drawn at all.

use wavetank_protocol::rng::Keys;

/// What a die is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Purpose {
    /// Latency of a datagram.
    Latency,
    /// Loss; in a Markov model, loss in the present state.
    Loss,
    /// Change of state of a Markov model.
    Change,
    /// Duplication.
    Duplicate,
    /// Latency of the duplicate.
    CopyLatency,
    /// Variation of the delay of the duplicate.
    CopyJitter,
    /// Corruption.
    Corrupt,
    /// Overtaking.
    Reorder,
    /// Variation of the delay.
    Jitter,
    /// Latency of a leg of a stream.
    StreamLatency,
    /// Retransmissions of a leg of a stream.
    StreamLoss,
    /// Variation of the delay of a leg of a stream.
    StreamJitter,
}

/// Sets the network's streams apart from those of the nodes, which are below 2^57.
const TAG: u64 = 0x4e << 57;

/// The dice of one owner.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dice {
    keys: Keys,
    owner: u64,
}

impl Dice {
    /// The dice of the links. A packet has one link, so that all links can share them.
    pub(super) const fn of_links(keys: Keys) -> Self {
        Self { keys, owner: TAG }
    }

    /// The dice of a fault: entry of the timeline, and which of its occurrences in force at once.
    pub(super) const fn of_fault(keys: Keys, entry: u16, copy: u8) -> Self {
        Self { keys, owner: TAG | (entry as u64 + 1) << 40 | (copy as u64 & 15) << 36 }
    }

    /// The draw of a packet.
    #[inline]
    pub(super) const fn roll(self, source: u32, purpose: Purpose, nth: u64) -> u64 {
        self.keys.draw(self.owner | (purpose as u64) << 32 | source as u64, nth)
    }

    /// The draw that starts a source's chain at its packet number `nth`. Numbers from the far end of
    /// the counters are no packet's, so this touches no other draw.
    pub(super) const fn start(self, source: u32, purpose: Purpose, nth: u64) -> u64 {
        self.roll(source, purpose, u64::MAX - nth)
    }
}
