//! CSV in long form, quoted as RFC 4180 says, with line feeds.

use std::{borrow::Cow, fmt::Write};

use wavetank_sim_core::{observe::METRICS, outcome::Kind};

use crate::{
    report::{Report, RunMetric},
    units,
};

/// `samples.csv`: every sample of every trend; and per run every count and the mean of every gauge, at the
/// run's end, without event, subject and observer. An empty value never happened.
pub fn samples(report: &Report) -> String {
    let mut out = String::from("metric,seed,event,subject,observer,time_ns,value,unit\n");
    for metric in METRICS {
        let (name, unit) = (metric.name, units::name(metric.unit));
        if metric.kind == Kind::Trend {
            for s in report.metric(name).samples() {
                let o = s.origin;
                let (event, subject, observer) =
                    (quote(&o.event), quote(&o.subject), quote(&o.observer));
                let value = s.value.map(|v| v.to_string()).unwrap_or_default();
                let _ = writeln!(
                    out,
                    "{name},{},{event},{subject},{observer},{},{value},{unit}",
                    s.seed, o.time_ns
                );
            }
            continue;
        }
        for run in &report.runs {
            let value = match run.metrics.get(name) {
                Some(RunMetric::Count(count)) => count.to_string(),
                Some(RunMetric::Level(level)) => level.to_string(),
                _ => continue,
            };
            let _ = writeln!(out, "{name},{},,,,{},{value},{unit}", run.seed, run.simulated_ns);
        }
    }
    out
}

/// `curves.csv`: every point of every curve; times as in the report, since the event or since the start.
pub fn curves(report: &Report) -> String {
    let mut out = String::from("curve,seed,event,time_ns,value\n");
    for (name, curves) in report.curves.iter() {
        for curve in curves {
            let event = quote(&curve.event);
            for (time, value) in &curve.points {
                let _ = writeln!(out, "{},{},{event},{time},{value}", quote(name), curve.seed);
            }
        }
    }
    out
}

fn quote(field: &str) -> Cow<'_, str> {
    if field.contains(['"', ',', '\n', '\r']) {
        Cow::Owned(format!("\"{}\"", field.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(field)
    }
}
