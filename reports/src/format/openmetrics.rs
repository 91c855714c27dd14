//! OpenMetrics text: pooled metrics at the end of simulated time, curves at theirs.
//!
//! Every sample carries a timestamp (seconds of simulated time since the start), so the text can be
//! backfilled as it is. A dot in a name becomes an underscore; names that operators already graph, such as
//! `memberlist_msg_alive_total`, are theirs.

use std::fmt::Write;

use wavetank_sim_core::observe::METRICS;

use crate::report::{Curve, Report, Summary, TrendSummary};

pub(super) fn render(report: &Report) -> String {
    let end = seconds(report.runs.iter().map(|r| r.simulated_ns).max().unwrap_or(0));
    let scenario = label("scenario", &report.scenario.name);
    let mut out = String::new();
    for metric in METRICS {
        let Some(summary) = report.metrics.get(metric.name) else { continue };
        let family = metric.name.replace('.', "_");
        match summary {
            Summary::Trend(t) => {
                let family = head(&mut out, &family, "summary", "seconds", metric.help);
                let total = trend_sum(report, metric.name);
                trend(&mut out, &family, &scenario, &end, t, total.as_deref());
            }
            Summary::Counter(c) => {
                let family = head(&mut out, &family, "counter", "", metric.help);
                let _ = writeln!(out, "{family}_total{{{scenario}}} {} {end}", c.count);
            }
            Summary::Gauge(g) => {
                let unit = match g.unit.as_str() {
                    "B/s" => "bytes_per_second",
                    "packets/s" => "per_second",
                    _ => "",
                };
                let family = head(&mut out, &family, "gauge", unit, metric.help);
                for (stat, value) in [("mean", g.mean), ("min", g.min), ("max", g.max)] {
                    let _ = writeln!(out, "{family}{{{scenario},stat=\"{stat}\"}} {value} {end}");
                }
            }
        }
    }
    if !report.thresholds.is_empty() {
        let family = head(
            &mut out,
            "threshold_passed",
            "gauge",
            "",
            "whether the threshold holds over all runs",
        );
        for t in &report.thresholds {
            let labels =
                format!("{},{}", label("metric", &t.metric), label("expression", &t.expression));
            let _ = writeln!(out, "{family}{{{scenario},{labels}}} {} {end}", u8::from(t.passed));
        }
    }
    for (name, curves) in report.curves.iter() {
        let family = format!("{}_over_time", name.replace('.', "_"));
        let family = head(&mut out, &family, "gauge", "", "curve over simulated time");
        for curve in curves {
            points(&mut out, &family, &scenario, report, curve);
        }
    }
    out.push_str("# EOF\n");
    out
}

/// Opens a family; its name ends in its unit, if it has one.
fn head(out: &mut String, name: &str, kind: &str, unit: &str, help: &str) -> String {
    let family = if unit.is_empty() { name.to_owned() } else { format!("{name}_{unit}") };
    let _ = writeln!(out, "# TYPE {family} {kind}");
    if !unit.is_empty() {
        let _ = writeln!(out, "# UNIT {family} {unit}");
    }
    let _ = writeln!(out, "# HELP {family} {}", escape(help));
    family
}

fn trend(
    out: &mut String,
    family: &str,
    scenario: &str,
    end: &str,
    t: &TrendSummary,
    sum: Option<&str>,
) {
    if t.count > 0 {
        let quantiles = [
            ("0", t.min),
            ("0.5", t.med),
            ("0.9", t.p90),
            ("0.95", t.p95),
            ("0.99", t.p99),
            ("0.999", t.p999),
            ("1", t.max),
        ];
        for (quantile, value) in quantiles {
            let value = value.map_or_else(|| "+Inf".to_owned(), seconds);
            let _ = writeln!(out, "{family}{{{scenario},quantile=\"{quantile}\"}} {value} {end}");
        }
    }
    let _ = writeln!(out, "{family}_sum{{{scenario}}} {} {end}", sum.unwrap_or("+Inf"));
    let _ = writeln!(out, "{family}_count{{{scenario}}} {} {end}", t.count);
}

/// Sum of a trend's samples in seconds; absent while one is missing.
fn trend_sum(report: &Report, name: &str) -> Option<String> {
    let view = report.metric(name);
    let sum: u128 = view.sorted().finite().iter().map(|&v| u128::from(v)).sum();
    (view.missing() == 0).then(|| seconds(sum))
}

/// A curve of an event counts from the event; here it is moved to where the event happened.
fn points(out: &mut String, family: &str, scenario: &str, report: &Report, curve: &Curve) {
    let run = report.runs.iter().find(|r| r.seed == curve.seed);
    let at =
        run.and_then(|r| r.happened.iter().find(|h| h.event == curve.event)).map_or(0, |h| h.at_ns);
    let labels =
        format!("{},{}", label("event", &curve.event), label("seed", &curve.seed.to_string()));
    for (i, (time, value)) in curve.points.iter().enumerate() {
        // Of several values at one instant the last holds; a series may not have two.
        if curve.points.get(i + 1).is_some_and(|next| next.0 == *time) {
            continue;
        }
        let _ = writeln!(out, "{family}{{{scenario},{labels}}} {value} {}", seconds(at + time));
    }
}

fn label(name: &str, value: &str) -> String {
    format!("{name}=\"{}\"", escape(value))
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Nanoseconds as a decimal number of seconds, exact.
fn seconds(ns: impl Into<u128>) -> String {
    let ns: u128 = ns.into();
    let text = format!("{}.{:09}", ns / 1_000_000_000, ns % 1_000_000_000);
    let text = text.trim_end_matches('0');
    if text.ends_with('.') { format!("{text}0") } else { text.to_owned() }
}
