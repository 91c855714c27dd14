//! Verdicts on thresholds, and what they are worth: could more seeds turn one?
//!
//! A verdict is settled when the 95 % interval of what was measured lies wholly on one side of the wanted
//! value, or when no further sample can move it back (a maximum never falls, a count never falls). Otherwise
//! the report says about how many more seeds would settle it if what was seen so far went on.

use wavetank_sim_core::{
    outcome::{Kind, Unit},
    threshold::{Aggregate, Op, Percent, Threshold},
};

use crate::{
    report::{MED, Number, Report, Run, SeedVerdict, Verdict, View, is_maximum},
    stats::{
        TAIL,
        order::{needed, share},
        poisson, ratio,
        special::{binomial_at_least, binomial_at_most},
    },
    units,
};

/// Beyond so many times the seeds that were run, a number is no help any more.
const FACTOR: u64 = 100_000;

/// What more seeds could do to a verdict.
#[derive(Debug, PartialEq)]
enum Outlook {
    /// Nothing that is to be expected.
    Settled,
    /// Settled with about so many more seeds.
    Seeds(u64),
    /// They could turn it; the words say how.
    Open(String),
}

/// Judges a threshold over all runs of a report and over each run alone.
pub(crate) fn judge(report: &Report, threshold: &Threshold) -> Verdict {
    let view = View::new(&report.runs, threshold.metric);
    let found = found(&view, threshold.aggregate);
    let passed = found.is_some_and(|f| threshold.op.holds(f.compared(), threshold.value));
    let mut notes: Vec<String> = Vec::new();
    let (mut settled, mut more_seeds) = (false, None);
    if let Some(found) = found {
        notes.extend(caveat(&view, threshold.aggregate, found));
        match outlook(&view, threshold, passed) {
            Outlook::Settled => {
                settled = true;
                notes.push("more seeds are not expected to turn it".into());
            }
            Outlook::Seeds(n) => {
                more_seeds = Some(n);
                let s = if n == 1 { "" } else { "s" };
                notes.push(format!(
                    "more seeds could turn it: about {n} more seed{s} would settle it"
                ));
            }
            Outlook::Open(words) => notes.push(words),
        }
    } else {
        notes.push(absence(&view));
    }
    Verdict {
        metric: threshold.metric.name.to_owned(),
        expression: threshold.expression.clone(),
        passed,
        actual: found.and_then(Found::number),
        note: notes.join("; "),
        settled,
        more_seeds,
        by_seed: report.runs.iter().filter_map(|run| of_run(run, threshold)).collect(),
    }
}

fn of_run(run: &Run, threshold: &Threshold) -> Option<SeedVerdict> {
    run.metrics.get(threshold.metric.name)?;
    let found =
        found(&View::new(std::slice::from_ref(run), threshold.metric), threshold.aggregate)?;
    let passed = threshold.op.holds(found.compared(), threshold.value);
    Some(SeedVerdict { seed: run.seed, passed, actual: found.number() })
}

/// What an aggregate comes to.
#[derive(Clone, Copy)]
enum Found {
    Whole(u64),
    Broken(f64),
    Infinite,
}

impl Found {
    fn compared(self) -> f64 {
        match self {
            Self::Whole(n) => n as f64,
            Self::Broken(x) => x,
            Self::Infinite => f64::INFINITY,
        }
    }

    fn number(self) -> Option<Number> {
        match self {
            Self::Whole(n) => Some(Number::Whole(n)),
            Self::Broken(x) => Some(Number::Broken(x)),
            Self::Infinite => None,
        }
    }
}

/// Absent when there is nothing to make it of.
fn found(view: &View<'_>, aggregate: Aggregate) -> Option<Found> {
    let whole = |v: Option<u64>| Some(v.map_or(Found::Infinite, Found::Whole));
    let samples = view.sorted();
    match (view.metric().kind, aggregate) {
        (Kind::Trend, Aggregate::Count) => Some(Found::Whole(samples.count())),
        (Kind::Trend, _) if samples.count() == 0 => None,
        (Kind::Trend, Aggregate::Min) => whole(samples.min()),
        (Kind::Trend, Aggregate::Max) => whole(samples.max()),
        (Kind::Trend, Aggregate::Mean) => whole(samples.mean()),
        (Kind::Trend, Aggregate::Median) => whole(samples.percentile(MED)),
        (Kind::Trend, Aggregate::Percentile(p)) => whole(samples.percentile(p)),
        (Kind::Counter, _) if view.runs_with_it() == 0 => None,
        (Kind::Counter, Aggregate::Count) => Some(Found::Whole(view.count())),
        (Kind::Counter, Aggregate::Rate) => Some(Found::Broken(view.rate())),
        (Kind::Gauge, Aggregate::Min) => view.min().map(Found::Broken),
        (Kind::Gauge, Aggregate::Max) => view.max().map(Found::Broken),
        (Kind::Gauge, Aggregate::Mean | Aggregate::Value) => view.mean().map(Found::Broken),
        // The parser lets no other pair through.
        _ => None,
    }
}

fn absence(view: &View<'_>) -> String {
    match view.metric().kind {
        Kind::Trend => "no samples: nothing in the timeline made one, so it cannot pass".into(),
        Kind::Counter | Kind::Gauge => "not measured in these runs, so it cannot pass".into(),
    }
}

/// What to keep in mind about the number itself.
fn caveat(view: &View<'_>, aggregate: Aggregate, found: Found) -> Vec<String> {
    let mut notes = Vec::new();
    let (n, missing) = (view.sorted().count(), view.sorted().missing());
    let p = match aggregate {
        Aggregate::Percentile(p) => Some(p),
        Aggregate::Median => Some(MED),
        _ => None,
    };
    if let Some(p) = p.filter(|&p| is_maximum(n, p)) {
        let (s, near) = if n == 1 { ("", "") } else { ("s", " or next to it") };
        notes.push(format!("p{p} of {n} sample{s} is the maximum{near}"));
    }
    if matches!(found, Found::Infinite) {
        notes.push(format!("{missing} of {n} never happened"));
    }
    if aggregate == Aggregate::Rate && clumped(view) {
        notes.push(CLUMPED.to_owned());
    }
    notes
}

/// Said where a Poisson interval is too narrow.
pub(crate) const CLUMPED: &str =
    "runs differ more than independent events would, so the Poisson interval is too narrow";

/// Whether a counter's runs differ more than Poisson counts would.
pub(crate) fn clumped(view: &View<'_>) -> bool {
    view.metric().unit == Unit::Count && poisson::overdispersion(&view.counts()).is_some()
}

fn outlook(view: &View<'_>, t: &Threshold, passed: bool) -> Outlook {
    match (view.metric().kind, t.aggregate) {
        (Kind::Trend, Aggregate::Percentile(p)) => of_percentile(view, t, p),
        (Kind::Trend, Aggregate::Median) => of_percentile(view, t, MED),
        (Kind::Counter, Aggregate::Rate) if view.metric().unit == Unit::Bytes || clumped(view) => {
            let runs: Vec<_> = view.counts().iter().map(|&(c, e)| (c as f64, e)).collect();
            of_interval(view, t, Some(view.rate()), ratio::interval(&runs))
        }
        (Kind::Counter, Aggregate::Rate) => of_rate(view, t),
        (_, Aggregate::Mean | Aggregate::Value) if view.sorted().missing() > 0 => {
            one_way(t, passed, true, view)
        }
        (_, Aggregate::Mean | Aggregate::Value) => {
            of_interval(view, t, view.mean(), view.mean_interval())
        }
        (_, Aggregate::Min) => one_way(t, passed, false, view),
        _ => one_way(t, passed, true, view),
    }
}

/// Aggregates that further runs move in one direction only: up (maximum, count) or down (minimum).
fn one_way(t: &Threshold, passed: bool, up: bool, view: &View<'_>) -> Outlook {
    let beyond = found(view, t.aggregate)
        .is_some_and(|f| if up { f.compared() > t.value } else { f.compared() < t.value });
    let settled = match (t.op, up) {
        (Op::Less | Op::LessOrEqual, true) | (Op::Greater | Op::GreaterOrEqual, false) => !passed,
        (Op::Less | Op::LessOrEqual, false) | (Op::Greater | Op::GreaterOrEqual, true) => passed,
        (Op::Equal | Op::NotEqual, _) => beyond,
    };
    if settled {
        return Outlook::Settled;
    }
    let direction = if up { "raise" } else { "lower" };
    let mut words = match t.aggregate {
        Aggregate::Count => {
            "more seeds could turn it: a count is summed over the runs and can only rise".to_owned()
        }
        _ => format!("more seeds could turn it: they can only {direction} it"),
    };
    if let Some(bound) = unseen(view, t) {
        words = format!("{words}; {bound}");
    }
    Outlook::Open(words)
}

/// What the absence of any event or any excess so far says about the future.
fn unseen(view: &View<'_>, t: &Threshold) -> Option<String> {
    match (view.metric().kind, t.aggregate) {
        (Kind::Counter, Aggregate::Count) if view.count() == 0 => {
            let high = view.rate_interval().1?;
            Some(format!(
                "none was seen, so the rate is at most {} per node-hour (95 %)",
                units::digits(high)
            ))
        }
        (Kind::Trend, Aggregate::Max | Aggregate::Min) => {
            let n = view.sorted().count();
            // All n on one side: the share p on the other has (1 - p)^n at least 2.5 %.
            let share = 1.0 - libm::exp(libm::log(TAIL) / n as f64);
            Some(format!(
                "of further samples at most {} % lie beyond those seen (95 %)",
                units::digits(share * 100.0)
            ))
        }
        _ => None,
    }
}

/// A quantile lies below the value if and only if more than its share of samples does: an exact binomial
/// test of the share below against p.
fn of_percentile(view: &View<'_>, t: &Threshold, p: Percent) -> Outlook {
    let n = view.sorted().count();
    let side = |&v: &u64| match t.op {
        Op::LessOrEqual | Op::Greater => v as f64 <= t.value,
        Op::Less | Op::GreaterOrEqual | Op::Equal | Op::NotEqual => (v as f64) < t.value,
    };
    let below = view.sorted().finite().partition_point(side) as u64;
    let p_share = share(p);
    let decided = |below: u64, n: u64| {
        binomial_at_least(below, n, p_share) <= TAIL || binomial_at_most(below, n, p_share) <= TAIL
    };
    if decided(below, n) {
        return Outlook::Settled;
    }
    if p.numerator() == 0 || p.numerator() == Percent::WHOLE {
        return Outlook::Open("more seeds could turn it".into());
    }
    // Go on with the share that was seen; all below is decided by p^n alone.
    let samples = if below == n {
        needed(p)
    } else {
        first(n, |n2| decided((u128::from(below) * u128::from(n2) / u128::from(n)) as u64, n2))
    };
    seeds_for(samples.map(|s| s as f64 / n as f64), view)
}

fn of_rate(view: &View<'_>, t: &Threshold) -> Outlook {
    let (count, exposure) = (view.count(), view.exposure_node_hours());
    if exposure <= 0.0 {
        return Outlook::Open("no node ran".into());
    }
    // In hundredths of the seeds that were run.
    let decided = |hundredths: u64| {
        let times = hundredths as f64 / 100.0;
        let (low, high) = poisson::interval(libm::rint(count as f64 * times) as u64);
        let exposure = exposure * times;
        low / exposure > t.value || high / exposure < t.value
    };
    if decided(100) {
        return Outlook::Settled;
    }
    seeds_for(first(100, decided).map(|h| h as f64 / 100.0), view)
}

/// The width of an interval of a mean shrinks with the root of the number of runs.
fn of_interval(
    view: &View<'_>,
    t: &Threshold,
    actual: Option<f64>,
    interval: [Option<f64>; 2],
) -> Outlook {
    let (Some(actual), [Some(low), Some(high)]) = (actual, interval) else {
        return Outlook::Open(
            "more seeds could turn it: one run says nothing about the next".into(),
        );
    };
    if t.value < low || t.value > high {
        return Outlook::Settled;
    }
    let (reach, distance) = ((high - low) / 2.0, libm::fabs(t.value - actual));
    if reach == 0.0 {
        // All runs gave exactly the wanted value.
        return Outlook::Settled;
    }
    let times = (distance > 0.0).then(|| reach / distance * (reach / distance));
    seeds_for(times, view)
}

/// The least number above `start` that decides, by doubling and halving; the decision need not be monotone,
/// so this is an estimate.
fn first(start: u64, decided: impl Fn(u64) -> bool) -> Option<u64> {
    let mut high = start;
    while !decided(high) {
        high = high.checked_mul(2).filter(|&h| h / start <= FACTOR)?;
    }
    let mut low = high / 2;
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if decided(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}

/// Seeds on top of those run, to have `times` as much of everything.
fn seeds_for(times: Option<f64>, view: &View<'_>) -> Outlook {
    let runs = view.runs_with_it() as f64;
    match times {
        Some(times) if times <= FACTOR as f64 => {
            let total = libm::ceil(times * runs) as u64;
            Outlook::Seeds(total.saturating_sub(runs as u64).max(1))
        }
        _ => Outlook::Open(
            "more seeds could turn it; it is too close to say how many would settle it".into(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use wavetank_sim_core::outcome::{Counter, Gauge, Outcome, Sample};

    use super::*;
    use crate::report::Meta;

    const SECOND: u64 = 1_000_000_000;

    fn outcome(seed: u64) -> Outcome {
        Outcome {
            seed,
            digest: String::new(),
            effects: 0,
            simulated: 60 * SECOND,
            exposure: 3_600_000_000_000,
            happened: vec![],
            samples: vec![],
            counters: vec![],
            gauges: vec![],
            curves: vec![],
            beliefs: vec![],
            missed: vec![],
        }
    }

    /// One sample of `heal` a run, in seconds; 0 stands for a missing one.
    fn heals(seconds: &[u64]) -> Vec<Outcome> {
        let sample = |value| Sample {
            metric: "heal",
            event: String::new(),
            subject: String::new(),
            observer: String::new(),
            time: 0,
            value,
        };
        let run = |(seed, &s): (usize, &u64)| Outcome {
            samples: vec![sample((s > 0).then_some(s * SECOND))],
            ..outcome(seed as u64)
        };
        seconds.iter().enumerate().map(run).collect()
    }

    fn counts(counts: &[u64]) -> Vec<Outcome> {
        let run = |(seed, &count): (usize, &u64)| Outcome {
            counters: vec![Counter { metric: "false_positives", count }],
            ..outcome(seed as u64)
        };
        counts.iter().enumerate().map(run).collect()
    }

    fn levels(levels: &[f64]) -> Vec<Outcome> {
        let run = |(seed, &level): (usize, &f64)| Outcome {
            gauges: vec![Gauge {
                metric: "health.score",
                nodes: 2,
                sum: 2.0 * level,
                min: 0.0,
                max: 2.0 * level,
            }],
            ..outcome(seed as u64)
        };
        levels.iter().enumerate().map(run).collect()
    }

    fn check(
        outcomes: Vec<Outcome>,
        metric: &str,
        expression: &str,
        wanted: (bool, bool, Option<u64>),
    ) {
        let report = Report::new(Meta::default(), outcomes, &[]);
        let v = report.judge(metric, expression).expect("a threshold");
        assert_eq!(
            (v.passed, v.settled, v.more_seeds),
            wanted,
            "{metric} {expression}: {}",
            v.note
        );
    }

    #[test]
    fn a_percentile_is_settled_when_the_share_below_is() {
        let ten: Vec<u64> = (1..=10).collect();
        check(heals(&ten), "heal", "med < 20s", (true, true, None));
        check(heals(&ten), "heal", "med > 20s", (false, true, None));
        check(heals(&ten), "heal", "med < 1s", (false, true, None));
        check(heals(&ten), "heal", "p(90) < 20s", (true, false, Some(26)));
        check(heals(&ten), "heal", "p(99) < 20s", (true, false, Some(358)));
        check(heals(&ten), "heal", "med < 5500ms", (false, false, None));
        check(heals(&vec![5; 368]), "heal", "p(99) < 20s", (true, true, None));
    }

    #[test]
    fn what_can_only_grow_is_settled_beyond_the_value() {
        check(heals(&[1, 2, 3]), "heal", "max < 2s", (false, true, None));
        check(heals(&[1, 2, 3]), "heal", "max < 4s", (true, false, None));
        check(heals(&[1, 2, 3]), "heal", "max > 2s", (true, true, None));
        check(heals(&[1, 2, 3]), "heal", "min < 2s", (true, true, None));
        check(heals(&[1, 2, 3]), "heal", "min > 2s", (false, true, None));
        check(counts(&[0, 0]), "false_positives", "count == 0", (true, false, None));
        check(counts(&[0, 1]), "false_positives", "count == 0", (false, true, None));
        check(counts(&[0, 1]), "false_positives", "count == 2", (false, false, None));
        check(counts(&[0, 1]), "false_positives", "count >= 1", (true, true, None));
    }

    #[test]
    fn a_missing_sample_fails_less_for_good() {
        check(heals(&[1, 0, 3]), "heal", "max < 1h", (false, true, None));
        check(heals(&[1, 0, 3]), "heal", "avg < 1h", (false, true, None));
        check(heals(&[1, 0, 3]), "heal", "p(99) < 1h", (false, false, Some(1)));
        check(heals(&[1, 0, 3]), "heal", "p(50) <= 3s", (true, false, Some(39)));
        check(heals(&[1, 0, 3]), "heal", "max > 1h", (true, true, None));
    }

    #[test]
    fn rates_and_means_by_their_intervals() {
        // Two node-hours: none seen, at most 1.844 an hour; 3.689 / 0.5 is 7.4 hours, 6 more of an hour.
        check(counts(&[0, 0]), "false_positives", "rate < 2", (true, true, None));
        check(counts(&[0, 0]), "false_positives", "rate < 0.5", (true, false, Some(6)));
        check(counts(&[50, 50]), "false_positives", "rate < 2", (false, true, None));
        // Poisson would have this settled: 30 in 3 node-hours, at least 6.7 an hour.
        check(counts(&[0, 30, 0]), "false_positives", "rate > 5", (true, false, Some(220)));
        check(levels(&[1.0, 1.1, 0.9, 1.0]), "health.score", "avg < 2", (true, true, None));
        // Reach 3.182 * 0.0408 = 0.130, distance 0.1: 1.69 times the seeds.
        check(levels(&[1.0, 1.1, 0.9, 1.0]), "health.score", "value < 1.1", (true, false, Some(3)));
        check(levels(&[1.0]), "health.score", "avg < 2", (true, false, None));
    }

    #[test]
    fn without_samples_nothing_passes() {
        for expression in ["max < 1h", "max > 0", "med != 1s", "count > 0"] {
            check(counts(&[0]), "heal", expression, (false, false, None));
        }
        check(counts(&[0]), "suspicions", "count == 0", (false, false, None));
    }
}
