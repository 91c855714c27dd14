//! Legs of streams: one-way trips over the reliable plane, where a loss is a retransmission.
//!
//! A connection attempt is a leg there ([`Net::dial`], the SYN) and a leg back ([`Net::answer`], the
//! SYN-ACK or the refusal); each later write is one leg ([`Net::stream_leg`]). A leg takes
//!
//! ```text
//! queue and serialization  +  latency and extra delay  +  time-outs  +  further round trips
//! ```
//!
//! *Time-outs.* Each of the leg's segments (1460 bytes) is lost with chance p, at every transmission. Lost
//! segments wait for the retransmission time-out, which doubles; all that are missing are sent again
//! together. So after k + 1 transmissions all n segments are there with chance (1 - p^(k+1))^n, from
//! which one die gives k, and the leg waits rto * (2^k - 1), each time-out at most 120 s as in Linux.
//! There is no fast retransmit: a loss within a long transfer costs a whole time-out here.
//!
//! *Further round trips.* The window starts at 10 segments and doubles with every round trip, so n
//! segments take the least r with 10 * (2^r - 1) >= n rounds; every round beyond the first costs this
//! leg's own flight and the median way back. No connection is kept warm, and loss does not shrink
//! the window.
//!
//! A direction that is cut when the leg begins never delivers; the caller models its time-out. So does
//! a leg that Linux would give up: 6 lost SYNs, 15 lost transmissions of data.

use wavetank_protocol::{Span, Time, rng::Probability, time::SECOND};

use super::{
    Net,
    condition::{CUT_TCP, FAULTY},
    dice::{Dice, Purpose},
};

/// Payload of a segment, in bytes.
const SEGMENT: u64 = 1460;
/// Headers of a segment, in bytes.
const HEADERS: u64 = 40;
/// Segments of the first window.
const WINDOW: u64 = 10;
/// No time-out is longer.
const LONGEST: Span = 120 * SECOND;

/// What becomes of one leg of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leg {
    /// The last byte arrives.
    Arrives {
        /// When.
        at: Time,
        /// Retransmission time-outs on the way.
        resent: u32,
    },
    /// It never arrives: the path is cut, or loses everything.
    Cut,
}

/// A kind of leg. Its number sets the dice of legs with the same `nth` apart.
#[derive(Clone, Copy)]
enum Kind {
    Dial,
    Answer,
    Data,
}

impl Net {
    /// The way of a connection attempt from its caller to the other side. It is cut if either direction
    /// is, because the attempt fails either way.
    ///
    /// `nth` is the source's own count of streams or legs; legs of different kinds may share a number.
    pub fn dial(&mut self, now: Time, from: u32, to: u32, nth: u64) -> Leg {
        if !self.can_stream(from, to) {
            return Leg::Cut;
        }
        self.leg(now, (from, to), nth, 0, Kind::Dial)
    }

    /// The way back of an attempt's answer, be it yes or no: `from` is who was dialled.
    pub fn answer(&mut self, now: Time, from: u32, to: u32, nth: u64) -> Leg {
        self.leg(now, (from, to), nth, 0, Kind::Answer)
    }

    /// The way of `bytes` bytes over a stream that stands.
    ///
    /// Legs of one stream and direction must not overtake: begin one when the earlier has arrived, or
    /// take the later of both arrivals.
    pub fn stream_leg(&mut self, now: Time, from: u32, to: u32, nth: u64, bytes: u64) -> Leg {
        self.leg(now, (from, to), nth, bytes, Kind::Data)
    }

    fn leg(&mut self, now: Time, (from, to): (u32, u32), nth: u64, bytes: u64, kind: Kind) -> Leg {
        let nth = nth << 2 | kind as u64;
        let (rto, tries) = match kind {
            Kind::Dial | Kind::Answer => (self.streams.syn_rto, 6),
            Kind::Data => (self.streams.rto_min, 15),
        };
        let segments = bytes.div_ceil(SEGMENT).max(1);
        let wire = bytes + segments * HEADERS;
        let dice = Dice::of_links(self.keys);
        let back = self.way_back(to, from);

        let index = self.topology.link(from, to);
        let mut sent =
            self.topology.queue(index, from, to).map_or(now, |queue| queue.stream(now, wire));
        let link = &self.topology.links[index];
        let mut loss = link.segment_loss;
        let mut flight = link.flight.draw(|| dice.roll(from, Purpose::StreamLatency, nth));
        flight = flight.saturating_add(self.topology.stages[link.stage].stream_delay(from, nth));
        for condition in &mut self.conditions {
            let rules = condition.rules(from, to);
            if rules & CUT_TCP != 0 {
                return Leg::Cut;
            }
            if let Some(fault) = condition.fault.as_mut().filter(|_| rules & FAULTY != 0) {
                loss = loss.or(fault.segment_loss);
                flight = flight.saturating_add(fault.stage.stream_delay(from, nth));
                if let Some(queue) = fault.queue(rules) {
                    sent = queue.stream(sent, wire);
                }
            }
        }
        let loss = self.streams.loss.unwrap_or(loss);
        let word = dice.roll(from, Purpose::StreamLoss, nth);
        let resent = retransmissions(loss, segments, word, tries);
        if resent > tries {
            return Leg::Cut;
        }
        let trips = rounds(segments) - 1;
        let at = sent
            .saturating_add(timeouts(rto, resent))
            .saturating_add(flight)
            .saturating_add(flight.saturating_add(back).saturating_mul(trips));
        Leg::Arrives { at, resent }
    }

    /// The usual time of an acknowledgement on its way: medians, nothing drawn.
    fn way_back(&self, from: u32, to: u32) -> Span {
        let link = &self.topology.links[self.topology.link(from, to)];
        let base =
            link.flight.median().saturating_add(self.topology.stages[link.stage].mean_delay());
        self.conditions
            .iter()
            .filter(|condition| condition.rules(from, to) & FAULTY != 0)
            .filter_map(|condition| condition.fault.as_ref())
            .fold(base, |sum, fault| sum.saturating_add(fault.stage.mean_delay()))
    }
}

/// How often the slowest of `segments` segments is sent again, up to one more than `tries`.
fn retransmissions(loss: Probability, segments: u64, word: u64, tries: u32) -> u32 {
    if loss.is_zero() {
        return 0;
    }
    let segments = u32::try_from(segments).unwrap_or(u32::MAX);
    let mut all = loss;
    for resent in 0..=tries {
        // Some segment was lost at each of its transmissions so far.
        if !super::stage::any(all, segments).hit(word) {
            return resent;
        }
        all = all.and(loss);
    }
    tries + 1
}

/// The sum of `count` doubling time-outs.
fn timeouts(rto: Span, count: u32) -> Span {
    let mut rto = rto;
    let mut sum: Span = 0;
    for _ in 0..count {
        rto = rto.min(LONGEST);
        sum += rto;
        rto *= 2;
    }
    sum
}

/// The round trips of slow start; at least 1.
fn rounds(segments: u64) -> u64 {
    u64::from(segments.div_ceil(WINDOW).ilog2()) + 1
}

#[cfg(test)]
mod tests {
    use wavetank_protocol::rng::Keys;

    use super::*;

    #[test]
    fn slow_start_doubles_the_window_from_ten_segments() {
        let cases = [(1, 1), (10, 1), (11, 2), (30, 2), (31, 3), (70, 3), (71, 4), (1000, 7)];
        for (segments, expected) in cases {
            assert_eq!(rounds(segments), expected, "{segments}");
        }
    }

    #[test]
    fn time_outs_double_up_to_two_minutes() {
        assert_eq!([0, 1, 2, 3].map(|n| timeouts(SECOND, n)), [0, 1, 3, 7].map(|n| n * SECOND));
        assert_eq!(timeouts(SECOND, 9), (127 + 2 * 120) * SECOND);
        assert_eq!(timeouts(u64::MAX, 2), 240 * SECOND);
    }

    #[test]
    fn retransmissions_are_the_greatest_of_geometric_numbers() {
        let (keys, n) = (Keys::new(2), 100_000u32);
        for (share, segments) in [(0.1, 1), (0.5, 1), (0.02, 40), (0.3, 5)] {
            let loss = Probability::from_share(share);
            let mut at_most = [0u32; 4];
            for i in 0..n {
                let got = retransmissions(loss, segments, keys.draw(0, u64::from(i)), 15);
                (got..4).for_each(|k| at_most[k as usize] += 1);
            }
            let mut lost = 1.0;
            for count in at_most {
                lost *= share;
                let expected = libm::pow(1.0 - lost, segments as f64);
                let got = f64::from(count) / f64::from(n);
                assert!(
                    (got - expected).abs() < 0.005,
                    "{share} {segments}: {got}, not {expected}"
                );
            }
        }
        assert_eq!(retransmissions(Probability::ONE, 1, 0, 6), 7);
    }
}
