//! The questions a reader comes with, answered in plain sentences: when did everyone know, what did it cost,
//! was a healthy node declared dead; after a partition, whether the cluster became one again.

use serde::Serialize;
use wavetank_sim_core::outcome::Unit;

use crate::{
    report::{CounterSummary, GaugeSummary, Report, Summary, TrendSummary},
    units::{from_name, human},
};

/// A question and its answer.
#[derive(Serialize)]
pub(super) struct Answer {
    question: &'static str,
    sentences: Vec<String>,
    /// `good`, `bad` or empty.
    tone: &'static str,
}

pub(super) fn all(report: &Report) -> Vec<Answer> {
    let answers = [
        when(report),
        heard(report),
        answered(report),
        detected(report),
        healed(report),
        cost(report),
        healthy(report),
        left(report),
    ];
    answers.into_iter().filter(|a| !a.sentences.is_empty()).collect()
}

fn trend<'a>(report: &'a Report, name: &str) -> Option<&'a TrendSummary> {
    match report.metrics.get(name)? {
        Summary::Trend(t) if t.count > 0 => Some(t),
        _ => None,
    }
}

fn counter<'a>(report: &'a Report, name: &str) -> Option<&'a CounterSummary> {
    match report.metrics.get(name)? {
        Summary::Counter(c) => Some(c),
        _ => None,
    }
}

fn gauge<'a>(report: &'a Report, name: &str) -> Option<&'a GaugeSummary> {
    match report.metrics.get(name)? {
        Summary::Gauge(g) => Some(g),
        _ => None,
    }
}

fn time(ns: u64) -> String {
    human(ns as f64, Unit::Nanoseconds)
}

/// `Of 20 crashes, the median one WAS DONE within 1.6 s, the slowest within 2.1 s; 3 never were.`
fn within(t: &TrendSummary, what: (&str, &str), done: &str, never: &str) -> String {
    let (one, many) = what;
    let were = if never == "was" { "were" } else { never };
    let done = match (t.count, t.med, t.max) {
        (1, Some(only), _) => return format!("The {one} {done} within {}.", time(only)),
        (1, None, _) => return format!("The {one} never {never}."),
        (n, Some(med), None) => {
            format!("Of {n} {many}, the median one {done} within {}", time(med))
        }
        (n, Some(med), Some(max)) => {
            format!(
                "Of {n} {many}, the median one {done} within {}, the slowest within {}",
                time(med),
                time(max)
            )
        }
        (n, None, _) if t.missing == n => return format!("Of {n} {many}, none ever {never}."),
        (n, None, _) => return format!("Of {n} {many}, {} never {were}.", t.missing),
    };
    match t.missing {
        0 => format!("{done}."),
        1 => format!("{done}; one never {never}."),
        n => format!("{done}; {n} never {were}."),
    }
}

fn times(count: u64) -> String {
    match count {
        1 => "once".into(),
        2 => "twice".into(),
        n => format!("{n} times"),
    }
}

fn tone(trends: &[Option<&TrendSummary>]) -> &'static str {
    if trends.iter().flatten().any(|t| t.missing > 0) { "bad" } else { "" }
}

fn when(report: &Report) -> Answer {
    const WHAT: (&str, &str) = ("change", "changes");
    let most = trend(report, "dissemination.t99");
    let all = trend(report, "dissemination.t100");
    let mut sentences = Vec::new();
    sentences.extend(all.map(|t| within(t, WHAT, "had reached everyone who counts", "did")));
    sentences.extend(
        most.and_then(|t| t.med)
            .map(|med| format!("99 % of them had the median one within {}.", time(med))),
    );
    Answer { question: "When did everyone know of a change?", sentences, tone: tone(&[all]) }
}

fn heard(report: &Report) -> Answer {
    const WHAT: (&str, &str) = ("user event", "user events");
    let all = trend(report, "event.t100");
    let mut sentences = Vec::new();
    sentences.extend(all.map(|t| within(t, WHAT, "had been heard by everyone who counts", "was")));
    if let Some(late) = counter(report, "event.pushpull").filter(|c| c.count > 0) {
        sentences
            .push(format!("A push/pull brought it {} where gossip had not.", times(late.count)));
    }
    Answer { question: "Did everyone hear the user events?", sentences, tone: tone(&[all]) }
}

fn answered(report: &Report) -> Answer {
    let mut sentences = Vec::new();
    let mut lost = 0;
    for (metric, time_of, one) in [
        ("query.acks", "query.ack.time", "ack"),
        ("query.responses", "query.response.time", "response"),
    ] {
        let count = |kind: &str| counter(report, &format!("{metric}{kind}")).map_or(0, |c| c.count);
        let (in_time, late, never) = (count(""), count(".late"), count(".missing"));
        let all = in_time + late + never;
        if all == 0 {
            continue;
        }
        lost += late + never;
        sentences.push(format!(
            "Of {all} {one}s expected, {in_time} came in time, {late} too late, {never} never."
        ));
        if let Some(median) = trend(report, time_of).and_then(|t| t.med) {
            sentences.push(format!("The median {one} took {}.", time(median)));
        }
    }
    let tone = if lost > 0 { "bad" } else { "" };
    Answer { question: "Were the queries answered?", sentences, tone }
}

fn left(report: &Report) -> Answer {
    let mut sentences = Vec::new();
    // Only Serf's nodes have a list that can be wrong in these ways.
    if let Some(stuck) = counter(report, "stuck_leaving") {
        let failed = counter(report, "left_as_failed").map_or(0, |c| c.count);
        sentences.extend(match failed {
            0 => None,
            1 => Some("One graceful leave was recorded as a failure by some node.".into()),
            n => Some(format!("{n} graceful leaves were recorded as failures by some node.")),
        });
        sentences.extend(match stuck.count {
            0 => None,
            1 => {
                Some("One member was held leaving at the end and had never asked to leave.".into())
            }
            n => Some(format!(
                "{n} members were held leaving at the end and had never asked to leave."
            )),
        });
    }
    Answer { question: "Was somebody who left, or stayed, listed wrongly?", sentences, tone: "bad" }
}

fn detected(report: &Report) -> Answer {
    const WHAT: (&str, &str) = ("crash", "crashes");
    let first = trend(report, "detection.first");
    let all = trend(report, "detection.all");
    let mut sentences = Vec::new();
    sentences.extend(first.map(|t| within(t, WHAT, "was declared by some node", "was")));
    sentences.extend(all.map(|t| within(t, WHAT, "was known to everyone who counts", "was")));
    Answer { question: "How soon was a crash detected?", sentences, tone: tone(&[first, all]) }
}

fn healed(report: &Report) -> Answer {
    const WHAT: (&str, &str) = ("partition", "partitions");
    let heal = trend(report, "heal");
    let mut sentences = Vec::new();
    if let Some(t) = heal {
        sentences.push(within(t, WHAT, "had healed", "healed"));
        sentences.push(
            "Measured from its end until all who were cut apart hold each other alive again."
                .into(),
        );
    }
    Answer {
        question: "Did the cluster become one again after a partition?",
        sentences,
        tone: tone(&[heal]),
    }
}

fn cost(report: &Report) -> Answer {
    let mut sentences = Vec::new();
    if let Some(all) = gauge(report, "bandwidth.node") {
        let unit = from_name(&all.unit);
        sentences.push(format!(
            "A node sent {} of payload on average, the busiest {}.",
            human(all.mean, unit),
            human(all.max, unit)
        ));
        let kinds = [
            ("probe", "probes"),
            ("gossip", "gossip"),
            ("pushpull", "push/pull"),
            ("stream_ping", "stream pings"),
        ];
        let mut parts: Vec<String> = Vec::new();
        for (kind, words) in kinds {
            if let Some(part) = gauge(report, &format!("bandwidth.node.{kind}"))
                && all.mean > 0.0
            {
                parts.push(format!("{words} {:.0} %", part.mean / all.mean * 100.0));
            }
        }
        if !parts.is_empty() {
            sentences.push(format!("Of this: {}.", parts.join(", ")));
        }
    }
    if let Some(packets) = gauge(report, "packets.node") {
        sentences.push(format!(
            "That is {} packets a second per node.",
            human(packets.mean, Unit::Count)
        ));
    }
    Answer { question: "What did it cost?", sentences, tone: "" }
}

fn healthy(report: &Report) -> Answer {
    let mut sentences = Vec::new();
    let mut tone = "";
    if let Some(c) = counter(report, "false_positives") {
        let hours = human(c.exposure_node_hours, Unit::Count);
        let exposure =
            if hours == "1" { "1 node-hour".into() } else { format!("{hours} node-hours") };
        let rate =
            |bound: Option<f64>| bound.map_or("any number".into(), |b| human(b, Unit::Count));
        if c.count == 0 {
            tone = "good";
            sentences.push(format!(
                "No, not in {exposure}; up to {} per node-hour cannot be ruled out (95 %).",
                rate(c.rate_ci95[1])
            ));
        } else {
            tone = "bad";
            sentences.push(format!(
                "Yes: a running, reachable node was held dead {} in {exposure}, {} per node-hour (95 %: {} to {}).",
                times(c.count),
                human(c.rate_per_node_hour, Unit::Count),
                rate(c.rate_ci95[0]),
                rate(c.rate_ci95[1]),
            ));
        }
        if counter(report, "packets.cut").is_some_and(|cut| cut.count > 0) {
            sentences.push(
                "Those who were cut off from a node and declared it dead are not counted.".into(),
            );
        }
        if let Some(healthy) = counter(report, "false_positives.healthy").filter(|h| h.count > 0) {
            sentences.push(format!(
                "{} neither the accuser nor the accused had a fault of its own.",
                capital(&times(healthy.count))
            ));
        }
        if let Some(heal) = counter(report, "false_positives.after_heal").filter(|h| h.count > 0) {
            sentences.push(format!("A healed partition left over {} of such beliefs.", heal.count));
        }
    }
    Answer { question: "Was a healthy node declared dead?", sentences, tone }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_happened_is_said_in_every_number() {
        let cases = [
            (1, 1, None, "The crash never was."),
            (5, 5, None, "Of 5 crashes, none ever was."),
            (5, 3, None, "Of 5 crashes, 3 never were."),
            (
                5,
                2,
                Some(2_000_000_000),
                "Of 5 crashes, the median one was told within 2.00 s; 2 never were.",
            ),
        ];
        for (count, missing, med, words) in cases {
            let trend = TrendSummary { count, missing, med, ..TrendSummary::default() };
            assert_eq!(within(&trend, ("crash", "crashes"), "was told", "was"), words);
        }
    }
}
