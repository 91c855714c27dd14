//! A metric of a report, to assert on: `report.metric("detection.all").percentile(99.0)`.

use wavetank_sim_core::{
    observe::{METRICS, metric},
    outcome::{Kind, Metric},
    threshold::{Percent, Threshold, nearest},
};

use super::{Level, Origin, Report, Run, RunMetric, Verdict, build::rate_interval};
use crate::{
    judge::judge,
    stats::{percentile::Samples, ratio},
};

/// One metric over some runs.
#[derive(Clone, Debug)]
pub struct View<'a> {
    runs: &'a [Run],
    metric: &'static Metric,
    samples: Samples,
}

/// A sample of a trend and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located<'a> {
    /// Seed of the run.
    pub seed: u64,
    /// Event, subject, observer, time.
    pub origin: &'a Origin,
    /// The value; absent: it never happened.
    pub value: Option<u64>,
}

impl Report {
    /// A metric by name; without samples or counts when no run has it.
    ///
    /// # Panics
    ///
    /// When there is no metric of that name.
    pub fn metric(&self, name: &str) -> View<'_> {
        let Some(metric) = metric(name) else {
            let names: Vec<&str> = METRICS.iter().map(|m| m.name).collect();
            let hint =
                nearest(name, &names).map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
            panic!("unknown metric `{name}`{hint}");
        };
        View::new(&self.runs, metric)
    }

    /// Judges one more condition, written as in a scenario file. Errors: those of [`Threshold::parse`].
    pub fn judge(&self, metric: &str, expression: &str) -> Result<Verdict, String> {
        Ok(judge(self, &Threshold::parse(metric, expression)?))
    }
}

impl<'a> View<'a> {
    pub(crate) fn new(runs: &'a [Run], metric: &'static Metric) -> Self {
        let values = runs.iter().filter_map(|r| match r.metrics.get(metric.name) {
            Some(RunMetric::Samples(values)) => Some(values.iter().copied()),
            _ => None,
        });
        Self { runs, metric, samples: Samples::new(values.flatten()) }
    }

    /// The metric.
    pub fn metric(&self) -> &'static Metric {
        self.metric
    }

    /// The samples of a trend in ascending order.
    pub fn sorted(&self) -> &Samples {
        &self.samples
    }

    /// The samples of a trend with their origins, by ascending seed.
    pub fn samples(&self) -> Vec<Located<'a>> {
        let mut all = Vec::new();
        for run in self.runs {
            let (Some(RunMetric::Samples(values)), Some(origins)) =
                (run.metrics.get(self.metric.name), run.origins.get(self.metric.name))
            else {
                continue;
            };
            let located = |(&value, origin)| Located { seed: run.seed, origin, value };
            all.extend(values.iter().zip(origins).map(located));
        }
        all
    }

    /// Number of samples of a trend (missing ones too), events of a counter, or nodes of a gauge.
    pub fn count(&self) -> u64 {
        match self.metric.kind {
            Kind::Trend => self.samples.count(),
            Kind::Counter => self.counts().iter().map(|c| c.0).sum(),
            Kind::Gauge => self.levels().map(|(l, _)| l.nodes).sum(),
        }
    }

    /// Samples of a trend that never happened.
    pub fn missing(&self) -> u64 {
        self.samples.missing()
    }

    /// Percentile of a trend, 0 to 100; absent when infinite or without samples.
    ///
    /// # Panics
    ///
    /// When `p` is not from 0 to 100 or has more than nine decimals.
    pub fn percentile(&self, p: f64) -> Option<u64> {
        let percent = Percent::parse(&p.to_string()).unwrap_or_else(|e| panic!("{e}"));
        self.samples.percentile(percent)
    }

    /// Median of a trend; absent when infinite or without samples.
    pub fn median(&self) -> Option<u64> {
        self.percentile(50.0)
    }

    /// Mean of a trend or gauge; absent when infinite or without data.
    pub fn mean(&self) -> Option<f64> {
        match self.metric.kind {
            Kind::Trend => self.samples.mean().map(|m| m as f64),
            Kind::Counter => None,
            Kind::Gauge => {
                let weight: f64 = self.levels().map(|(_, w)| w).sum();
                (weight > 0.0).then(|| self.levels().map(|(l, w)| l.mean * w).sum::<f64>() / weight)
            }
        }
    }

    /// Least sample or node; absent without data.
    pub fn min(&self) -> Option<f64> {
        match self.metric.kind {
            Kind::Trend => self.samples.min().map(|m| m as f64),
            Kind::Counter => None,
            Kind::Gauge => self.levels().map(|(l, _)| l.min).reduce(f64::min),
        }
    }

    /// Greatest sample or node; absent when infinite or without data.
    pub fn max(&self) -> Option<f64> {
        match self.metric.kind {
            Kind::Trend => self.samples.max().map(|m| m as f64),
            Kind::Counter => None,
            Kind::Gauge => self.levels().map(|(l, _)| l.max).reduce(f64::max),
        }
    }

    /// 95 % interval of [`View::mean`], from the runs.
    pub fn mean_interval(&self) -> [Option<f64>; 2] {
        if self.samples.missing() > 0 {
            return [None, None];
        }
        let runs: Vec<(f64, f64)> = match self.metric.kind {
            Kind::Gauge => self.levels().map(|(l, w)| (l.mean * w, w)).collect(),
            _ => self.runs.iter().filter_map(|r| sum(r.metrics.get(self.metric.name)?)).collect(),
        };
        ratio::interval(&runs)
    }

    /// Node-hours over which a counter counted.
    pub fn exposure_node_hours(&self) -> f64 {
        self.counts().iter().map(|c| c.1).sum()
    }

    /// A counter's events per node-hour; 0 without exposure.
    pub fn rate(&self) -> f64 {
        let exposure = self.exposure_node_hours();
        if exposure > 0.0 { self.count() as f64 / exposure } else { 0.0 }
    }

    /// 95 % interval of [`View::rate`]; absent bounds: none.
    pub fn rate_interval(&self) -> (Option<f64>, Option<f64>) {
        rate_interval(self.metric.unit, &self.counts())
    }

    /// (count, exposure in node-hours) of each run that has this counter.
    pub(crate) fn counts(&self) -> Vec<(u64, f64)> {
        let count = |r: &Run| match r.metrics.get(self.metric.name) {
            Some(RunMetric::Count(count)) => Some((*count, r.exposure_node_hours)),
            _ => None,
        };
        self.runs.iter().filter_map(count).collect()
    }

    /// Runs that have this metric.
    pub(crate) fn runs_with_it(&self) -> u64 {
        self.runs.iter().filter(|r| r.metrics.get(self.metric.name).is_some()).count() as u64
    }

    /// Levels of a gauge, each with its weight: the exposure of the run, or its nodes without one.
    fn levels(&self) -> impl Iterator<Item = (&'a Level, f64)> {
        let name = self.metric.name;
        let exposed = self.runs.iter().any(|r| r.exposure_node_hours > 0.0);
        self.runs.iter().filter_map(move |r| {
            let level = r.levels.get(name)?;
            Some((level, if exposed { r.exposure_node_hours } else { level.nodes as f64 }))
        })
    }
}

/// Sum of the values of a run's samples, and how many.
fn sum(metric: &RunMetric) -> Option<(f64, f64)> {
    let RunMetric::Samples(values) = metric else { return None };
    let total: u128 = values.iter().flatten().map(|&v| u128::from(v)).sum();
    Some((total as f64, values.len() as f64))
}

#[cfg(test)]
mod tests {
    use wavetank_sim_core::outcome::{Counter, Gauge, Outcome, Sample};

    use super::*;
    use crate::report::Meta;

    fn outcome(
        seed: u64,
        hours: u128,
        values: &[Option<u64>],
        count: u64,
        levels: (f64, f64),
    ) -> Outcome {
        let sample = |&value: &Option<u64>| Sample {
            metric: "detection.all",
            event: "crash-1".into(),
            subject: format!("n-{seed}"),
            observer: String::new(),
            time: 5,
            value,
        };
        Outcome {
            seed,
            digest: String::new(),
            effects: 0,
            simulated: 0,
            exposure: hours * 3_600_000_000_000,
            happened: vec![],
            samples: values.iter().map(sample).collect(),
            counters: vec![Counter { metric: "suspicions", count }],
            gauges: vec![Gauge {
                metric: "health.score",
                nodes: 2,
                sum: levels.0 + levels.1,
                min: levels.0,
                max: levels.1,
            }],
            curves: vec![],
            beliefs: vec![],
            missed: vec![],
        }
    }

    #[test]
    fn views_pool_runs_by_seed_and_exposure() {
        let outcomes = vec![
            outcome(2, 3, &[Some(30), None], 5, (1.0, 2.0)),
            outcome(1, 1, &[Some(10)], 1, (0.0, 1.0)),
        ];
        let report = Report::new(Meta::default(), outcomes, &[]);
        let all = report.metric("detection.all");
        assert_eq!((all.count(), all.missing()), (3, 1));
        assert_eq!((all.median(), all.percentile(50.1), all.max()), (Some(30), None, None));
        let seeds: Vec<_> = all.samples().iter().map(|s| (s.seed, s.value)).collect();
        assert_eq!(seeds, [(1, Some(10)), (2, Some(30)), (2, None)]);
        assert_eq!(all.samples()[0].origin.subject, "n-1");
        let suspicions = report.metric("suspicions");
        assert_eq!((suspicions.count(), suspicions.exposure_node_hours()), (6, 4.0));
        assert_eq!(suspicions.rate(), 1.5);
        let health = report.metric("health.score");
        assert_eq!((health.mean(), health.min(), health.max()), (Some(1.25), Some(0.0), Some(2.0)));
        assert_eq!(report.metric("heal").count(), 0);
        assert_eq!(report.metric("heal").median(), None);
    }

    #[test]
    #[should_panic(expected = "unknown metric `detection.al`; did you mean `detection.all`?")]
    fn a_misspelt_metric_is_named() {
        Report::new(Meta::default(), vec![], &[]).metric("detection.al");
    }
}
