//! The end of a run: from what was kept to its outcome.

use std::collections::BTreeSet;

use wavetank_protocol::{
    Span, Time,
    belief::{MemberId, Roster},
    swim::Node,
    time::SECOND,
};

use super::{
    METRICS, NAMES, Observer,
    changes::{Change, ChangeKind},
    levels::gauge,
};
use crate::{
    cluster::Host,
    digest::Digest,
    outcome::{BeliefTimeline, Counter, Curve, Missed, Outcome, Sample},
    plan::Plan,
};

/// Points of a curve over an event.
const POINTS: usize = 240;

/// Names that the outcome needs.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    pub(super) roster: &'a Roster,
    pub(super) hosts: &'a [Host],
}

impl Names<'_> {
    pub(super) fn slot(&self, slot: u32) -> String {
        self.roster.name(self.hosts[slot as usize].member).to_owned()
    }
}

impl Observer {
    /// Closes the run.
    #[expect(clippy::too_many_arguments, reason = "the end of a run needs all of its parts once")]
    pub fn finish(
        mut self,
        plan: &Plan,
        seed: u64,
        end: Time,
        digest: &Digest,
        hosts: &[Host],
        nodes: &[Option<Node>],
        roster: &Roster,
    ) -> Outcome {
        let names = Names { roster, hosts };
        let exposure = self.levels.finish(end);
        let running: Vec<bool> = nodes.iter().map(Option::is_some).collect();
        let mut curves = Vec::new();
        let mut missed = Vec::new();
        let mut beliefs = Vec::new();
        let mut samples = std::mem::take(&mut self.samples);
        for change in std::mem::take(&mut self.changes) {
            self.measure(&change, &names, &running, &mut samples, &mut curves);
            if change.is_scripted() && change.remaining > 0 {
                self.counts.missed += u64::from(change.remaining);
                missed.push(Missed {
                    event: self.event_name(change.occurrence),
                    subject: roster.name(change.member).to_owned(),
                    count: u64::from(change.remaining),
                    nodes: change.waiting.iter().take(NAMES).map(|s| names.slot(s)).collect(),
                });
            }
            if !change.beliefs.is_empty() {
                let observers =
                    change.beliefs.into_iter().map(|(o, line)| (names.slot(o), line)).collect();
                beliefs.push(BeliefTimeline {
                    event: self.event_name(change.occurrence),
                    subject: roster.name(change.member).to_owned(),
                    at: change.at,
                    observers,
                });
            }
        }
        samples.push(self.convergence());
        for heal in &self.heals {
            samples.push(Sample {
                metric: "heal",
                event: self.event_name(heal.occurrence),
                subject: String::new(),
                observer: String::new(),
                time: heal.at,
                value: heal.whole.map(|at| at - heal.at),
            });
        }
        for (member, since) in self.pending_leaves() {
            samples.push(Sample {
                metric: "leave.time",
                event: String::new(),
                subject: roster.name(member).to_owned(),
                observer: String::new(),
                time: since,
                value: None,
            });
        }
        curves.extend(self.levels.curves());
        let mut counts = self.counts.list().to_vec();
        let mut gauges = self.gauges(plan, hosts);
        let true_members: BTreeSet<MemberId> =
            nodes.iter().flatten().filter(|n| !n.has_left()).map(|n| n.identity().me).collect();
        let serf = self.serf_finish(
            &names,
            (&running, end),
            |member| true_members.contains(&member),
            (&mut samples, &mut curves, &mut missed),
        );
        if let Some((of_serf, levels)) = serf {
            counts.extend(of_serf.list());
            gauges.extend(levels);
        }
        let place = |metric: &str| METRICS.iter().position(|m| m.name == metric);
        samples.sort_by(|a, b| {
            let key = |s: &Sample| (place(s.metric), s.time, s.subject.clone(), s.event.clone());
            key(a).cmp(&key(b))
        });
        let counters =
            counts.into_iter().map(|(metric, count)| Counter { metric, count }).collect();
        Outcome {
            seed,
            digest: digest.close(),
            effects: digest.effects(),
            simulated: end,
            exposure,
            happened: self.happened,
            samples,
            counters,
            gauges,
            curves,
            beliefs,
            missed,
        }
    }

    /// Leaves that had not returned, in the order of their members.
    fn pending_leaves(&self) -> Vec<(MemberId, Time)> {
        self.pending_leaves.iter().map(|(m, t)| (*m, *t)).collect()
    }

    fn convergence(&self) -> Sample {
        let value = self.converged_at.map(|at| at.saturating_sub(self.last_change));
        Sample {
            metric: "convergence",
            event: String::new(),
            subject: String::new(),
            observer: String::new(),
            time: self.last_change,
            value,
        }
    }

    /// Samples and curve of a change.
    fn measure(
        &self,
        change: &Change,
        names: &Names<'_>,
        running: &[bool],
        samples: &mut Vec<Sample>,
        curves: &mut Vec<Curve>,
    ) {
        // Who stopped before the end of the measure does not count; after a complete one all do.
        let complete = change.remaining == 0;
        let counts = |slot: u32| complete || change.over || running[slot as usize];
        let times: Vec<Time> =
            change.got.iter().filter(|(_, s)| counts(*s)).map(|(t, _)| t - change.at).collect();
        let all = times.len() as u64 + u64::from(change.remaining);
        let event =
            if change.is_scripted() { self.event_name(change.occurrence) } else { String::new() };
        let sample = |metric: &'static str, value: Option<u64>| Sample {
            metric,
            event: event.clone(),
            subject: names.roster.name(change.member).to_owned(),
            observer: String::new(),
            time: change.at,
            value,
        };
        let share = |thousandths: u64| {
            let wanted = (all * thousandths).div_ceil(1000) as usize;
            times.get(wanted.max(1) - 1).copied()
        };
        match change.kind {
            ChangeKind::Refuted { .. } => {
                if complete {
                    let value = times.last().copied().unwrap_or(0);
                    samples.push(sample("refutation.time", Some(value)));
                }
                return;
            }
            ChangeKind::Crashed => {
                let since = |at: Option<Time>| at.map(|at| at - change.at);
                samples.push(sample("detection.suspect", since(change.suspected)));
                samples.push(sample("detection.first", since(change.died)));
                if all > 0 {
                    samples.push(sample("detection.all", share(1000)));
                }
            }
            ChangeKind::Left | ChangeKind::Alive { .. } if all > 0 => {
                for (metric, thousandths) in [
                    ("dissemination.t50", 500),
                    ("dissemination.t90", 900),
                    ("dissemination.t99", 990),
                    ("dissemination.t999", 999),
                    ("dissemination.t100", 1000),
                ] {
                    samples.push(sample(metric, share(thousandths)));
                }
            }
            ChangeKind::Left | ChangeKind::Alive { .. } => {}
        }
        if all > 0 {
            let crash = change.kind == ChangeKind::Crashed;
            curves.push(event_curve(crash, event, all, &times));
        }
    }

    fn gauges(&self, plan: &Plan, hosts: &[Host]) -> Vec<crate::outcome::Gauge> {
        let levels = |value: fn(&Host) -> u64| {
            hosts.iter().enumerate().filter_map(move |(slot, host)| {
                let ran = self.levels.ran(slot as u32);
                (ran > 0).then(|| value(host) as f64 * SECOND as f64 / ran as f64)
            })
        };
        let mut gauges = vec![
            gauge("bandwidth.node", levels(|h| h.bytes.iter().sum())),
            gauge("bandwidth.node.probe", levels(|h| h.bytes[0])),
            gauge("bandwidth.node.gossip", levels(|h| h.bytes[1])),
            gauge("bandwidth.node.pushpull", levels(|h| h.bytes[2])),
            gauge("bandwidth.node.stream_ping", levels(|h| h.bytes[3])),
        ];
        let zone = |g: &crate::plan::Group| g.labels.iter().any(|(key, _)| key == "zone");
        if plan.cluster.groups.iter().any(zone) {
            gauges.push(gauge("bandwidth.zone", levels(|h| h.zone_bytes)));
        }
        gauges.push(gauge("packets.node", levels(|h| u64::from(h.sent))));
        gauges.extend(self.levels.gauges());
        gauges
    }
}

/// The curve of an event: who has it, the origin included where the change is its own.
fn event_curve(crash: bool, event: String, all: u64, times: &[Time]) -> Curve {
    let origin = u64::from(!crash);
    let curve = if crash { "detection" } else { "dissemination" };
    Curve { curve, event, of: all + origin, points: curve_points(origin, times) }
}

/// How many have something, from so many at first, given when the others got it, ascending.
pub(super) fn curve_points(origin: u64, times: &[Time]) -> Vec<(Span, f64)> {
    let mut points = Vec::with_capacity(times.len().min(POINTS) + 2);
    points.push((0, origin as f64));
    // Every step where there are few; else so many steps of equal height.
    let step = times.len().div_ceil(POINTS).max(1);
    for (i, &time) in times.iter().enumerate() {
        let last_of_instant = times.get(i + 1) != Some(&time);
        if (i + 1) % step == 0 && last_of_instant || i + 1 == times.len() {
            points.push((time, (i as u64 + 1 + origin) as f64));
        }
    }
    points
}
