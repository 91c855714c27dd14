//! How scripted user events and queries spread: who counts, who heard them, and when.
//!
//! A spread is measured until everybody who counts has heard it or the run ends. A complete one is turned
//! into its samples at once, so that a run with many events holds no more than those under way.

use rustc_hash::FxHashMap;
use wavetank_protocol::{
    Time,
    serf::{lamport::LTime, ledger::TextId},
};

use super::{Bits, Curve, EntryIndex, Missed, Names, Occurrence, Sample};
use crate::observe::{NAMES, finish::curve_points};

/// Spreads of a run that leave a curve.
const CURVES: usize = 256;

/// What is heard. Equal keys are one and the same to the nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Heard {
    /// A user event, by Lamport time and content.
    Event(LTime, TextId),
    /// A query, by Lamport time and random number.
    Query(LTime, u32),
}

impl Heard {
    fn metrics(self) -> [(&'static str, u64); 5] {
        match self {
            Self::Event(..) => [
                ("event.t50", 500),
                ("event.t90", 900),
                ("event.t99", 990),
                ("event.t999", 999),
                ("event.t100", 1000),
            ],
            Self::Query(..) => [
                ("query.t50", 500),
                ("query.t90", 900),
                ("query.t99", 990),
                ("query.t999", 999),
                ("query.t100", 1000),
            ],
        }
    }

    fn curve(self) -> &'static str {
        match self {
            Self::Event(..) => "event",
            Self::Query(..) => "query",
        }
    }
}

/// One event or query under way.
#[derive(Debug)]
pub struct Spread {
    /// Which entry sent it.
    pub occurrence: Occurrence,
    /// The entry's name with its occurrence.
    pub event: String,
    /// Name of the sender.
    pub subject: String,
    /// Its slot.
    pub slot: u32,
    /// When it was sent.
    pub at: Time,
    /// What was sent.
    pub what: Heard,
    /// Those who count and have not heard it.
    pub waiting: Bits,
    /// How many those are.
    pub remaining: u32,
    /// Who heard it, when, in that order.
    pub got: Vec<(Time, u32)>,
}

impl Spread {
    fn hear(&mut self, slot: u32, now: Time) -> bool {
        let news = self.waiting.take(slot);
        if news {
            self.remaining -= 1;
            self.got.push((now, slot));
        }
        news
    }
}

/// All spreads of a run.
#[derive(Debug, Default)]
pub struct Spreads {
    open: Vec<Option<Spread>>,
    by: FxHashMap<Heard, Vec<u32>>,
    /// Entries with a spread that has just become complete.
    complete: Vec<EntryIndex>,
    samples: Vec<Sample>,
    curves: Vec<Curve>,
}

impl Spreads {
    /// Begins to measure.
    pub fn begin(&mut self, mut spread: Spread) {
        // The same event sent twice at once is one event: who has heard one has heard the other.
        let twins = self.by.entry(spread.what).or_default();
        for &twin in twins.iter() {
            if let Some(twin) = &self.open[twin as usize] {
                let heard = twin.got.iter().map(|(_, slot)| *slot);
                heard.chain([twin.slot]).for_each(|slot| _ = spread.hear(slot, spread.at));
            }
        }
        twins.push(self.open.len() as u32);
        let index = self.open.len() as u32;
        self.open.push(Some(spread));
        self.look(index);
    }

    /// A slot heard something for the first time. Whether that is measured, and the slot counted.
    pub fn heard(&mut self, what: Heard, slot: u32, now: Time) -> bool {
        let Some(indices) = self.by.get(&what) else { return false };
        let mut news = false;
        let mut done = None;
        for &index in indices {
            if let Some(spread) = &mut self.open[index as usize]
                && spread.hear(slot, now)
            {
                news = true;
                if spread.remaining == 0 {
                    done = Some(index);
                }
            }
        }
        if let Some(index) = done {
            self.look(index);
        }
        news
    }

    /// What a slot wanted to send at this instant was refused: there is nothing to measure.
    pub fn refused(&mut self, slot: u32, now: Time) {
        let own = |s: &Option<Spread>| s.as_ref().is_some_and(|s| s.slot == slot && s.at == now);
        if let Some(last) = self.open.iter().rposition(own)
            && let Some(refused) = self.open[last].take()
            && let Some(twins) = self.by.get_mut(&refused.what)
        {
            twins.retain(|&i| i as usize != last);
        }
    }

    /// A slot counts no longer.
    pub fn leave_out(&mut self, slot: u32) {
        let mut index = 0;
        // What is looked at may end the list.
        while index < self.open.len() {
            if let Some(spread) = &mut self.open[index]
                && spread.waiting.take(slot)
            {
                spread.remaining -= 1;
                self.look(index as u32);
            }
            index += 1;
        }
    }

    /// Entries all of whose spreads are complete.
    pub fn take_complete(&mut self) -> Vec<EntryIndex> {
        let open = &self.open;
        let still = |entry| open.iter().flatten().any(|s| s.occurrence.entry == entry);
        let mut complete = std::mem::take(&mut self.complete);
        complete.retain(|&entry| !still(entry));
        complete
    }

    /// Whether some spread has become complete since they were taken.
    pub fn has_complete(&self) -> bool {
        !self.complete.is_empty()
    }

    fn look(&mut self, index: u32) {
        let slot = &mut self.open[index as usize];
        if slot.as_ref().is_none_or(|s| s.remaining > 0) {
            return;
        }
        let Some(spread) = slot.take() else { return };
        self.complete.push(spread.occurrence.entry);
        if let Some(twins) = self.by.get_mut(&spread.what) {
            twins.retain(|&i| i != index);
            if twins.is_empty() {
                self.by.remove(&spread.what);
            }
        }
        while self.open.last().is_some_and(Option::is_none) {
            self.open.pop();
        }
        self.measure(&spread, |_| true);
    }

    /// Samples and curve. Who stopped before the end of an incomplete measure does not count.
    fn measure(&mut self, spread: &Spread, counts: impl Fn(u32) -> bool) {
        let times: Vec<Time> =
            spread.got.iter().filter(|(_, s)| counts(*s)).map(|(t, _)| t - spread.at).collect();
        let all = times.len() as u64 + u64::from(spread.remaining);
        if all == 0 {
            return;
        }
        for (metric, thousandths) in spread.what.metrics() {
            let wanted = (all * thousandths).div_ceil(1000) as usize;
            self.samples.push(Sample {
                metric,
                event: spread.event.clone(),
                subject: spread.subject.clone(),
                observer: String::new(),
                time: spread.at,
                value: times.get(wanted.max(1) - 1).copied(),
            });
        }
        if self.curves.len() < CURVES {
            self.curves.push(Curve {
                curve: spread.what.curve(),
                event: spread.event.clone(),
                of: all + 1,
                points: curve_points(1, &times),
            });
        }
    }

    /// Ends all; gives how many counted and never heard a user event.
    pub fn finish(
        &mut self,
        running: &[bool],
        names: &Names<'_>,
        samples: &mut Vec<Sample>,
        curves: &mut Vec<Curve>,
        missed: &mut Vec<Missed>,
    ) -> u64 {
        let mut never = 0;
        for spread in std::mem::take(&mut self.open).into_iter().flatten() {
            self.measure(&spread, |slot| running[slot as usize]);
            if matches!(spread.what, Heard::Event(..)) {
                never += u64::from(spread.remaining);
            }
            missed.push(Missed {
                event: spread.event,
                subject: spread.subject,
                count: u64::from(spread.remaining),
                nodes: spread.waiting.iter().take(NAMES).map(|s| names.slot(s)).collect(),
            });
        }
        samples.append(&mut self.samples);
        curves.append(&mut self.curves);
        never
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(entry: EntryIndex, slot: u32, at: Time, what: Heard, of: &[u32]) -> Spread {
        let mut waiting = Bits::new(64);
        for &slot in of {
            waiting.put(slot);
        }
        Spread {
            occurrence: Occurrence { entry, nth: 0 },
            event: format!("e{entry}"),
            subject: format!("n{slot}"),
            slot,
            at,
            what,
            waiting,
            remaining: of.len() as u32,
            got: Vec::new(),
        }
    }

    fn value(spreads: &Spreads, metric: &str, nth: usize) -> Option<Time> {
        let mut samples = spreads.samples.iter().filter(|s| s.metric == metric);
        samples.nth(nth).expect("a sample").value
    }

    #[test]
    fn a_spread_is_complete_when_all_who_still_count_have_heard_it() {
        let mut spreads = Spreads::default();
        let what = Heard::Event(5, TextId(1));
        spreads.begin(spread(0, 0, 100, what, &[1, 2, 3, 4]));
        assert!(spreads.heard(what, 1, 110));
        assert!(!spreads.heard(what, 1, 111), "once");
        assert!(!spreads.heard(Heard::Event(6, TextId(1)), 2, 112), "another");
        assert!(spreads.heard(what, 2, 130));
        assert!(spreads.heard(what, 3, 150));
        assert!(!spreads.has_complete());
        spreads.leave_out(4);
        assert_eq!(spreads.take_complete(), [0]);
        assert_eq!(value(&spreads, "event.t50", 0), Some(30));
        assert_eq!(value(&spreads, "event.t100", 0), Some(50));
        assert_eq!(spreads.curves[0].of, 4);
        assert_eq!(spreads.curves[0].points, [(0, 1.0), (10, 2.0), (30, 3.0), (50, 4.0)]);
        assert!(spreads.open.is_empty() && spreads.by.is_empty());
    }

    #[test]
    fn the_same_event_from_two_senders_is_heard_once() {
        let mut spreads = Spreads::default();
        let what = Heard::Event(5, TextId(1));
        spreads.begin(spread(0, 0, 100, what, &[1, 2]));
        spreads.heard(what, 2, 105);
        spreads.begin(spread(1, 1, 110, what, &[0, 2]));
        assert_eq!(spreads.take_complete(), [1]);
        assert_eq!(value(&spreads, "event.t100", 0), Some(0));
        spreads.heard(what, 1, 120);
        assert_eq!(value(&spreads, "event.t100", 1), Some(20));
    }
}
