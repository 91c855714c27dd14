//! Answers to scripted queries: which acks and responses reached the asker in time, late, or never.
//!
//! An ack is expected of everybody who counts and whom the filters mean, the asker too; a response of
//! everybody who answered. Until the query closes, those who stop are expected no longer; what has not
//! come by then is missing from the times, and either late or missing in the counts.

use rustc_hash::FxHashMap;
use wavetank_protocol::{
    Time,
    serf::{event::Receipt, lamport::LTime},
};

use super::{Bits, Curve, Names, Sample, SerfCounts};
use crate::observe::finish::curve_points;

/// Queries of a run that leave a curve of acks.
const CURVES: usize = 256;

/// Answers of one kind to one query.
#[derive(Debug, Default)]
pub struct Answers {
    /// Of whom one is expected and has not come in time.
    waiting: Bits,
    /// Who answered in time, when.
    got: Vec<(Time, u32)>,
    /// Who answered too late.
    late: Vec<u32>,
}

/// What an answer was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// That the query was heard.
    Ack,
    /// What an application says.
    Response,
}

/// One scripted query.
#[derive(Debug)]
pub struct Query {
    /// The entry's name with its occurrence.
    pub event: String,
    /// The asker's slot.
    pub slot: u32,
    /// When it asked.
    pub at: Time,
    /// Lamport time and random number.
    pub key: (LTime, u32),
    open: bool,
    /// The asker stopped while it was open.
    stopped: bool,
    acks: Answers,
    responses: Answers,
}

impl Query {
    /// A query that expects acks of these slots.
    pub fn new(event: String, slot: u32, at: Time, key: (LTime, u32), acks: Bits) -> Self {
        let responses = Answers { waiting: acks.as_empty(), ..Answers::default() };
        let acks = Answers { waiting: acks, ..Answers::default() };
        Self { event, slot, at, key, open: true, stopped: false, acks, responses }
    }
}

/// All scripted queries of a run.
#[derive(Debug, Default)]
pub struct Queries {
    all: Vec<Query>,
    by: FxHashMap<(LTime, u32), u32>,
}

impl Queries {
    /// Begins to measure.
    pub fn begin(&mut self, query: Query) {
        self.by.insert(query.key, self.all.len() as u32);
        self.all.push(query);
    }

    fn of(&mut self, key: (LTime, u32)) -> Option<&mut Query> {
        self.by.get(&key).map(|&i| &mut self.all[i as usize])
    }

    /// A slot answered; what comes of it is expected from now on, unless the asker has stopped meanwhile.
    pub fn responded(&mut self, key: (LTime, u32), slot: u32) {
        if let Some(query) = self.of(key).filter(|q| !q.stopped) {
            query.responses.waiting.put(slot);
        }
    }

    /// An answer of a slot reached the asker.
    pub fn received(
        &mut self,
        key: (LTime, u32),
        (asker, from): (u32, u32),
        (kind, receipt): (Kind, Receipt),
        now: Time,
        counts: &mut SerfCounts,
    ) {
        let Some(query) = self.of(key).filter(|q| q.slot == asker) else { return };
        let (answers, in_time, late) = match kind {
            Kind::Ack => (&mut query.acks, &mut counts.acks, &mut counts.acks_late),
            Kind::Response => {
                (&mut query.responses, &mut counts.responses, &mut counts.responses_late)
            }
        };
        match receipt {
            Receipt::InTime => {
                answers.waiting.take(from);
                answers.got.push((now, from));
                *in_time += 1;
            }
            Receipt::Late => {
                if answers.waiting.take(from) {
                    answers.late.push(from);
                    *late += 1;
                }
            }
            Receipt::Duplicate => counts.duplicates += 1,
        }
    }

    /// A query's time is over: who stops from now on was missing before.
    pub fn closed(&mut self, key: (LTime, u32), slot: u32) {
        if let Some(query) = self.of(key).filter(|q| q.slot == slot) {
            query.open = false;
        }
    }

    /// A slot stopped: nothing is expected of it by queries that run, nor of anybody by its own.
    pub fn stopped(&mut self, slot: u32) {
        for query in self.all.iter_mut().filter(|q| q.open) {
            if query.slot == slot {
                (query.open, query.stopped) = (false, true);
                query.acks.waiting = Bits::default();
                query.responses.waiting = Bits::default();
            } else {
                query.acks.waiting.take(slot);
                query.responses.waiting.take(slot);
            }
        }
    }

    /// Ends all.
    pub fn finish(
        &mut self,
        names: &Names<'_>,
        counts: &mut SerfCounts,
        samples: &mut Vec<Sample>,
        curves: &mut Vec<Curve>,
    ) {
        for query in std::mem::take(&mut self.all) {
            let asker = names.slot(query.slot);
            for (metric, answers, missing) in [
                ("query.ack.time", &query.acks, &mut counts.acks_missing),
                ("query.response.time", &query.responses, &mut counts.responses_missing),
            ] {
                let mut sample = |slot: u32, value: Option<u64>| {
                    samples.push(Sample {
                        metric,
                        event: query.event.clone(),
                        subject: names.slot(slot),
                        observer: asker.clone(),
                        time: query.at,
                        value,
                    });
                };
                for &(time, slot) in &answers.got {
                    sample(slot, Some(time - query.at));
                }
                answers.late.iter().for_each(|&slot| sample(slot, None));
                for slot in answers.waiting.iter() {
                    sample(slot, None);
                    *missing += 1;
                }
            }
            let times: Vec<Time> = query.acks.got.iter().map(|(t, _)| t - query.at).collect();
            let outstanding = query.acks.late.len() + query.acks.waiting.iter().count();
            let of = (times.len() + outstanding) as u64;
            if of > 0 && curves.iter().filter(|c| c.curve == "query.acks").count() < CURVES {
                let points = curve_points(0, &times);
                curves.push(Curve { curve: "query.acks", event: query.event, of, points });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asked at 100 of slots 1 to 5; what then comes of it, as (in time, late, missing).
    #[test]
    fn an_answer_is_in_time_late_or_missing() {
        let mut acks = Bits::new(64);
        (1..=5).for_each(|s| acks.put(s));
        let mut queries = Queries::default();
        let mut counts = SerfCounts::default();
        let key = (7, 99);
        queries.begin(Query::new("ask".to_owned(), 1, 100, key, acks));
        let mut ack = |queries: &mut Queries, asker, from, receipt, now| {
            queries.received(key, (asker, from), (Kind::Ack, receipt), now, &mut counts);
        };
        ack(&mut queries, 1, 1, Receipt::InTime, 110);
        ack(&mut queries, 1, 2, Receipt::InTime, 120);
        ack(&mut queries, 1, 2, Receipt::Duplicate, 121);
        ack(&mut queries, 3, 2, Receipt::InTime, 122);
        queries.stopped(5);
        queries.closed(key, 1);
        queries.stopped(4);
        ack(&mut queries, 1, 3, Receipt::Late, 130);
        ack(&mut queries, 1, 3, Receipt::Late, 131);
        let acks = &queries.all[0].acks;
        assert_eq!((counts.acks, counts.acks_late, counts.duplicates), (2, 1, 1));
        assert_eq!(acks.got, [(110, 1), (120, 2)]);
        assert_eq!(acks.waiting.iter().collect::<Vec<_>>(), [4]);
    }
}
