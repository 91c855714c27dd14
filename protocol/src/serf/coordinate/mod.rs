//! Network coordinates: Vivaldi with height, adjustment and gravity (`coordinate/`; specification 10).
//!
//! A node learns one round trip per probe and moves its own coordinate a little. All arithmetic is IEEE
//! addition, multiplication, division and square root in the order of the original, without fused
//! operations, so that coordinates agree with it to the bit. The distance between two coordinates goes
//! through whole nanoseconds, as there.
//!
//! A magnitude that the original computes twice from the same bits (or from their negations, whose squares
//! are the same) is computed once here.

mod lanes;
mod samples;

use samples::Samples;

use crate::{belief::MemberId, rng::Chance};

/// Dimensions of the position.
pub const DIMENSIONS: usize = 8;
/// Words of a coordinate: position, error, adjustment, height.
pub const WORDS: usize = DIMENSIONS + 3;
/// Longest round trip that is believed, in nanoseconds.
pub const LONGEST_RTT: i64 = 10_000_000_000;

/// Error of a fresh coordinate, and the greatest (`VivaldiErrorMax`).
const ERROR_MAX: f64 = 1.5;
/// Weight of an observation for the error (`VivaldiCE`).
const CE: f64 = 0.25;
/// Weight of an observation for the position (`VivaldiCC`).
const CC: f64 = 0.25;
/// Observations that the adjustment looks back on (`AdjustmentWindowSize`).
const WINDOW: usize = 20;
/// Least height, in seconds (`HeightMin`).
const HEIGHT_MIN: f64 = 10.0e-6;
/// How weakly the origin pulls, in seconds (`GravityRho`).
const GRAVITY_RHO: f64 = 150.0;
/// Positions this close, in seconds, coincide; also the least round trip and error that divide.
const ZERO: f64 = 1.0e-6;

/// A place in the space of round-trip times, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coordinate {
    /// Position (`Vec`).
    pub vec: [f64; DIMENSIONS],
    /// How little its owner trusts it: 0 to 1.5, without a unit.
    pub error: f64,
    /// What distances are corrected by, beside those of others.
    pub adjustment: f64,
    /// The way to the core of the network, which all of a node's traffic takes.
    pub height: f64,
}

impl Coordinate {
    /// A coordinate before any observation, which is also the origin.
    pub const FRESH: Self =
        Self { vec: [0.0; DIMENSIONS], error: ERROR_MAX, adjustment: 0.0, height: HEIGHT_MIN };

    /// From a position of any length, as a peer may send it.
    pub fn from_parts(
        vec: &[f64],
        error: f64,
        adjustment: f64,
        height: f64,
    ) -> Result<Self, Rejected> {
        let vec = vec.try_into().map_err(|_| Rejected::Dimensions)?;
        Ok(Self { vec, error, adjustment, height })
    }

    /// Its bit patterns: position, error, adjustment, height.
    pub fn to_words(&self) -> [u64; WORDS] {
        let mut words = [0; WORDS];
        for (word, part) in words.iter_mut().zip(self.vec) {
            *word = part.to_bits();
        }
        words[DIMENSIONS] = self.error.to_bits();
        words[DIMENSIONS + 1] = self.adjustment.to_bits();
        words[DIMENSIONS + 2] = self.height.to_bits();
        words
    }

    /// From bit patterns in the order of [`Self::to_words`].
    pub fn from_words(words: &[u64; WORDS]) -> Self {
        Self {
            vec: std::array::from_fn(|i| f64::from_bits(words[i])),
            error: f64::from_bits(words[DIMENSIONS]),
            adjustment: f64::from_bits(words[DIMENSIONS + 1]),
            height: f64::from_bits(words[DIMENSIONS + 2]),
        }
    }

    /// The round trip between two nodes as their coordinates estimate it, in nanoseconds
    /// (`DistanceTo`); the least `i64` for what is no number of nanoseconds.
    pub fn distance(&self, other: &Self) -> i64 {
        self.distance_over(other, magnitude(&difference(&self.vec, &other.vec)))
    }

    /// Whether all of it are finite numbers (`IsValid`).
    #[inline]
    pub fn is_valid(&self) -> bool {
        // An exponent of ones carries into the sign. Without early exits, so that it takes a few vector
        // instructions.
        const EXPONENT: u64 = f64::INFINITY.to_bits();
        let carry = |part: f64| (part.to_bits() & EXPONENT) + (1 << 52);
        let carries = self.vec.iter().fold(0, |all, &part| all | carry(part))
            | carry(self.error)
            | carry(self.adjustment)
            | carry(self.height);
        carries >> 63 == 0
    }

    /// [`Self::distance`], if the positions are so far apart.
    #[inline]
    fn distance_over(&self, other: &Self, apart: f64) -> i64 {
        let plain = apart + self.height + other.height;
        let adjusted = plain + self.adjustment + other.adjustment;
        nanoseconds(if adjusted > 0.0 { adjusted } else { plain })
    }

    /// Is pushed away from another by a force (`ApplyForce`), `apart` being the magnitude of `from`, the
    /// way from the other to it.
    #[inline]
    fn push(&mut self, force: f64, from: Way, other_height: f64, rng: &mut impl Chance) {
        let (unit, apart) = from.unit(rng);
        for (part, unit) in self.vec.iter_mut().zip(unit) {
            *part += unit * force;
        }
        if apart > ZERO {
            let height = (self.height + other_height) * force / apart + self.height;
            // Not `max`: what is not a number must stay so, to be noticed.
            self.height = if height < HEIGHT_MIN { HEIGHT_MIN } else { height };
        }
    }
}

impl Default for Coordinate {
    fn default() -> Self {
        Self::FRESH
    }
}

/// Why an observation was refused; nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// Another number of dimensions.
    Dimensions,
    /// Something in the other's coordinate is infinite or not a number.
    Invalid,
    /// A round trip below 0 or above 10 s.
    Rtt(i64),
}

impl std::fmt::Display for Rejected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Dimensions => f.write_str("dimensions aren't compatible"),
            Self::Invalid => f.write_str("coordinate is invalid"),
            Self::Rtt(rtt) => write!(f, "round trip time not in valid range: {rtt} ns"),
        }
    }
}

impl std::error::Error for Rejected {}

/// What an accepted observation found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// What the coordinates had said about the round trip before, in nanoseconds.
    pub estimate: i64,
    /// The move ended nowhere and the coordinate was set back to a fresh one.
    pub reset: bool,
}

/// A node's own coordinate and what it learns from (`coordinate/client.go: Client`).
///
/// Nothing on the heap until the first observation.
#[derive(Clone, Debug, Default)]
pub struct Client(State);

/// What a client keeps, in the order of use.
#[derive(Clone, Debug)]
#[repr(C)]
struct State {
    samples: Samples,
    own: Coordinate,
    next: usize,
    /// Sum of the ring's values before `next`, in their order: the part of the sum that stays the same.
    before: f64,
    resets: u64,
    /// What past observations were off by, in seconds; those not made yet are 0.
    ring: [f64; WINDOW],
    /// Still to be learnt from.
    deferred: Option<Deferred>,
}

/// An observation that is still to be learnt from.
#[derive(Clone, Copy, Debug)]
struct Deferred {
    /// The other's coordinate.
    other: Coordinate,
    /// Who that is.
    node: MemberId,
    /// The round trip, in nanoseconds.
    rtt: u64,
    /// It has been through the latency filter.
    filtered: bool,
}

impl Client {
    /// The own coordinate.
    pub fn own(&self) -> &Coordinate {
        debug_assert!(!self.is_deferred(), "the coordinate is still to be moved");
        &self.0.own
    }

    /// Learns from one round trip to a member whose coordinate came with it (`Update`).
    ///
    /// Draws eight words whenever two positions coincide, and none otherwise.
    pub fn update(
        &mut self,
        node: MemberId,
        other: &Coordinate,
        rtt: i64,
        rng: &mut impl Chance,
    ) -> Result<Moved, Rejected> {
        if !other.is_valid() {
            return Err(Rejected::Invalid);
        }
        if !(0..=LONGEST_RTT).contains(&rtt) {
            return Err(Rejected::Rtt(rtt));
        }
        self.settle(rng);
        let state = &mut self.0;
        // First, because its entry is seldom in the cache and nothing needs it for a while.
        let rtt = state.samples.push(node, rtt as u64);
        Ok(state.observe(other, seconds(rtt as i64), rng))
    }

    /// The same, but the coordinate moves only when [`Self::settle`] is called: what it becomes is the same,
    /// and several can be moved together, which is faster.
    pub fn defer(
        &mut self,
        node: MemberId,
        other: &Coordinate,
        rtt: i64,
        rng: &mut impl Chance,
    ) -> Result<(), Rejected> {
        if !other.is_valid() {
            return Err(Rejected::Invalid);
        }
        if !(0..=LONGEST_RTT).contains(&rtt) {
            return Err(Rejected::Rtt(rtt));
        }
        self.settle(rng);
        self.0.deferred = Some(Deferred { other: *other, node, rtt: rtt as u64, filtered: false });
        Ok(())
    }

    /// Moves the coordinate by what was deferred.
    #[inline]
    pub fn settle(&mut self, rng: &mut impl Chance) {
        self.0.filter();
        if let Some(Deferred { other, rtt, .. }) = self.0.deferred.take() {
            self.0.observe(&other, seconds(rtt as i64), rng);
        }
    }

    /// Whether the coordinate is still to be moved.
    #[inline]
    pub fn is_deferred(&self) -> bool {
        self.0.deferred.is_some()
    }

    /// How many coordinates can be moved together.
    pub const TOGETHER: usize = lanes::LANES;

    /// Moves so many coordinates by what was deferred at each, all at once. False, and none has moved, if one
    /// of them needs draws or ends nowhere, or nothing was deferred at it.
    pub fn settle_together(clients: [&mut Self; lanes::LANES]) -> bool {
        lanes::settle(clients.map(|client| &mut client.0))
    }

    /// Forgets the latencies of a member (`ForgetNode`).
    pub fn forget(&mut self, node: MemberId) {
        self.0.filter();
        self.0.samples.remove(node);
    }

    /// How often the coordinate was set back because it was no place any more.
    pub fn resets(&self) -> u64 {
        self.0.resets
    }

    /// Bytes on the heap.
    pub fn heap(&self) -> usize {
        self.0.samples.heap()
    }
}

impl Default for State {
    fn default() -> Self {
        Self {
            own: Coordinate::FRESH,
            samples: Samples::default(),
            ring: [0.0; WINDOW],
            before: 0.0,
            next: 0,
            resets: 0,
            deferred: None,
        }
    }
}

impl State {
    /// Takes what was deferred through the latency filter. Its entry is seldom in the cache: of several nodes
    /// in a row, all are fetched at once.
    #[inline]
    fn filter(&mut self) {
        if let Some(deferred) = &mut self.deferred
            && !deferred.filtered
        {
            deferred.filtered = true;
            deferred.rtt = self.samples.push(deferred.node, deferred.rtt);
        }
    }

    /// The steps of `Update` after the latency filter; `rtt` in seconds.
    #[inline]
    fn observe(&mut self, other: &Coordinate, rtt: f64, rng: &mut impl Chance) -> Moved {
        let own = &mut self.own;
        // Vivaldi. The caps are plain comparisons, which leave alone what is not a number.
        let way = Way::between(&other.vec, &own.vec);
        let estimate = own.distance_over(other, way.length);
        let distance = seconds(estimate);
        let least = if rtt < ZERO { ZERO } else { rtt };
        let wrong = (distance - least).abs() / least;
        let total = own.error + other.error;
        let weight = own.error / if total < ZERO { ZERO } else { total };
        let error = CE * weight * wrong + own.error * (1.0 - CE * weight);
        own.error = if error > ERROR_MAX { ERROR_MAX } else { error };
        own.push(CC * weight * (least - distance), way, other.height, rng);

        // Adjustment: the round trip as measured against the new position.
        let apart = magnitude(&difference(&own.vec, &other.vec));
        self.ring[self.next] = rtt - (apart + own.height + other.height);
        let sum = self.ring[self.next..].iter().fold(self.before, |sum, off| sum + off);
        self.before += self.ring[self.next];
        self.next += 1;
        if self.next == WINDOW {
            (self.next, self.before) = (0, 0.0);
        }
        own.adjustment = sum / (2.0 * WINDOW as f64);

        // Gravity.
        let way = Way { vec: own.vec, length: magnitude(&own.vec) };
        let pull = seconds(Coordinate::FRESH.distance_over(own, way.length)) / GRAVITY_RHO;
        own.push(-(pull * pull), way, HEIGHT_MIN, rng);

        // The filter and the ring stay as they are, so a ring with a bad value resets again and again
        // until its place is written over.
        let reset = !own.is_valid();
        if reset {
            *own = Coordinate::FRESH;
            self.resets += 1;
        }
        Moved { estimate, reset }
    }
}

/// A vector with its magnitude.
#[derive(Clone, Copy)]
struct Way {
    vec: [f64; DIMENSIONS],
    length: f64,
}

impl Way {
    /// From one position to another.
    #[inline]
    fn between(from: &[f64; DIMENSIONS], to: &[f64; DIMENSIONS]) -> Self {
        let vec = difference(to, from);
        Self { vec, length: magnitude(&vec) }
    }

    /// Its direction and magnitude; a random direction and 0 if it is too short to have one
    /// (`unitVectorAt`).
    #[inline]
    fn unit(self, rng: &mut impl Chance) -> ([f64; DIMENSIONS], f64) {
        if self.length > ZERO {
            let scale = 1.0 / self.length;
            return (self.vec.map(|part| part * scale), self.length);
        }
        (random_unit(rng), 0.0)
    }
}

/// A direction out of eight draws; the first axis if they are all next to nothing.
#[cold]
fn random_unit(rng: &mut impl Chance) -> [f64; DIMENSIONS] {
    // The upper 53 bits as a fraction: exact, on every platform.
    let vec = [(); DIMENSIONS].map(|()| (rng.word() >> 11) as f64 / (1u64 << 53) as f64 - 0.5);
    let length = magnitude(&vec);
    if length > ZERO {
        let scale = 1.0 / length;
        return vec.map(|part| part * scale);
    }
    let mut axis = [0.0; DIMENSIONS];
    axis[0] = 1.0;
    axis
}

#[inline]
fn difference(a: &[f64; DIMENSIONS], b: &[f64; DIMENSIONS]) -> [f64; DIMENSIONS] {
    std::array::from_fn(|i| a[i] - b[i])
}

/// The sum of squares is taken in index order: another order would round otherwise.
#[inline]
fn magnitude(vec: &[f64; DIMENSIONS]) -> f64 {
    vec.iter().fold(0.0, |sum, part| sum + part * part).sqrt()
}

/// Whole nanoseconds, towards zero; what does not fit becomes the least `i64`, as amd64 converts.
#[inline]
fn nanoseconds(seconds: f64) -> i64 {
    let scaled = seconds * 1.0e9;
    if scaled.abs() < 9_223_372_036_854_775_808.0 { scaled as i64 } else { i64::MIN }
}

/// Go's `Duration.Seconds`.
#[inline]
fn seconds(nanoseconds: i64) -> f64 {
    const SECOND: i64 = 1_000_000_000;
    if (0..SECOND).contains(&nanoseconds) {
        return nanoseconds as f64 / 1.0e9;
    }
    (nanoseconds / SECOND) as f64 + (nanoseconds % SECOND) as f64 / 1.0e9
}

#[cfg(test)]
mod tests;
