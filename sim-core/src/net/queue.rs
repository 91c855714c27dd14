//! A rate limit with a bounded queue, as a virtual clock: the instant at which all that was accepted
//! has been sent says everything about the queue.
//!
//! Datagrams and streams have a lane each, of the full rate: a long state exchange neither drops
//! datagrams nor delays them, as behind a fair scheduler, and streams wait for each other without limit.

use wavetank_protocol::{Span, Time, time::SECOND};

use crate::plan::Bandwidth;

/// One rate-limited direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queue {
    limits: Bandwidth,
    datagrams: Time,
    streams: Time,
}

impl Queue {
    pub(super) const fn new(limits: Bandwidth) -> Self {
        Self { limits, datagrams: 0, streams: 0 }
    }

    /// When the last byte of a datagram has left, if it finds room. An idle line takes anything; behind
    /// others, a datagram must fit into the limit together with what has not left yet.
    pub(super) fn datagram(&mut self, now: Time, bytes: u64) -> Option<Time> {
        let waits = self.datagrams.saturating_sub(now);
        let backlog = u128::from(waits) * u128::from(self.rate()) / u128::from(SECOND);
        if waits > 0 && backlog + u128::from(bytes) > u128::from(self.limits.limit) {
            return None;
        }
        self.datagrams = now.max(self.datagrams).saturating_add(self.takes(bytes));
        Some(self.datagrams)
    }

    /// When the last byte of a stream's leg has left.
    pub(super) fn stream(&mut self, now: Time, bytes: u64) -> Time {
        self.streams = now.max(self.streams).saturating_add(self.takes(bytes));
        self.streams
    }

    fn rate(self) -> u64 {
        self.limits.rate.max(1)
    }

    fn takes(self, bytes: u64) -> Span {
        let span = (u128::from(bytes) * u128::from(SECOND)).div_ceil(u128::from(self.rate()));
        Span::try_from(span).unwrap_or(Span::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_leave_one_after_another_until_the_queue_is_full() {
        // 1000 bytes take a millisecond; two may wait.
        let mut queue = Queue::new(Bandwidth { rate: 1_000_000, limit: 2000 });
        let ms = 1_000_000;
        let fates: Vec<_> = (0..4).map(|_| queue.datagram(0, 1000)).collect();
        assert_eq!(fates, [Some(ms), Some(2 * ms), None, None]);
        assert_eq!(queue.datagram(ms / 2, 500), Some(5 * ms / 2), "half a datagram has left");
        assert_eq!(queue.stream(0, 3000), 3 * ms, "a lane of their own");
        assert_eq!(queue.stream(ms, 1000), 4 * ms, "streams wait without limit");
        assert_eq!(queue.datagram(9 * ms, 5000), Some(14 * ms), "an idle line takes anything");
    }
}
