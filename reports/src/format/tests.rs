//! Every format of one small report, made from outcomes by hand.

#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

use expect_test::{Expect, expect};
use wavetank_sim_core::{
    outcome::{self, Belief, BeliefTimeline, Counter, Gauge, Outcome, Sample},
    threshold::Threshold,
};

use super::{Format, RenderOptions, curves_csv, render};
use crate::report::{Meta, Report};

const HOUR: u128 = 3_600_000_000_000;

fn sample(metric: &'static str, subject: &str, value: Option<u64>) -> Sample {
    Sample {
        metric,
        event: "crash-1".into(),
        subject: subject.into(),
        observer: String::new(),
        time: 10_000_000_000,
        value,
    }
}

fn outcome(seed: u64, detected: Option<u64>, false_positives: u64) -> Outcome {
    Outcome {
        seed,
        digest: format!("{seed:032x}"),
        effects: 1000 + seed,
        simulated: 90_000_000_000,
        exposure: HOUR * 2,
        happened: vec![outcome::Happened {
            event: "crash-1".into(),
            verb: "crash",
            at: 10_000_000_000,
            nodes: vec![format!("a-{seed:02}")],
            count: 1,
        }],
        samples: vec![
            sample("detection.first", "a-0", Some(6_000_000_000 + seed * 250_000_000)),
            sample("detection.all", "a, \"b\"", detected),
        ],
        counters: vec![
            Counter { metric: "false_positives", count: false_positives },
            Counter { metric: "suspicions", count: 3 * seed },
            Counter { metric: "resurrections", count: 0 },
            Counter { metric: "bytes.sent", count: 1_000_000 + seed },
        ],
        gauges: vec![Gauge {
            metric: "bandwidth.node",
            nodes: 4,
            sum: 4000.0 + seed as f64,
            min: 900.5,
            max: 1100.0,
        }],
        curves: vec![outcome::Curve {
            curve: "detection",
            event: "crash-1".into(),
            of: 63,
            points: vec![
                (0, 0.0),
                (6_200_000_000, 1.0),
                (6_200_000_000, 2.0),
                (6_400_000_000, 63.0),
            ],
        }],
        beliefs: vec![BeliefTimeline {
            event: "crash-1".into(),
            subject: "a-0".into(),
            at: 10_000_000_000,
            observers: vec![(
                "b-1".into(),
                vec![(10_000_000_000, Belief::Alive), (16_000_000_000, Belief::Dead)],
            )],
        }],
        missed: if detected.is_some() {
            vec![]
        } else {
            vec![outcome::Missed {
                event: "crash-1".into(),
                subject: "a-0".into(),
                count: 2,
                nodes: vec!["b-1".into(), "b-2".into()],
            }]
        },
    }
}

fn thresholds(of: &[(&str, &str)]) -> Vec<Threshold> {
    of.iter()
        .map(|(metric, expression)| Threshold::parse(metric, expression).expect("a threshold"))
        .collect()
}

fn meta() -> Meta {
    Meta {
        name: "two <zones>".into(),
        hash: "blake3:ab12".into(),
        version: "0.1.0".into(),
        description: "One node crashes.".into(),
        facts: vec![("nodes".into(), "64".into())],
    }
}

fn report() -> Report {
    let wanted = [
        ("detection.first", "p(99) < 20s"),
        ("detection.all", "max < 30s"),
        ("false_positives", "count == 0"),
        ("heal", "max < 1m"),
    ];
    let outcomes = vec![
        outcome(2, None, 0),
        outcome(1, Some(9_000_000_000), 0),
        outcome(3, Some(12_000_000_000), 0),
    ];
    Report::new(meta(), outcomes, &thresholds(&wanted))
}

fn check(format: Format, wanted: &Expect) {
    let options = RenderOptions {
        file: Some("a,b.yaml".into()),
        lines: vec![30, 31],
        ..RenderOptions::default()
    };
    wanted.assert_eq(&render(&report(), format, &options));
}

#[test]
fn text() {
    check(
        Format::Text,
        &expect![[r#"
            two <zones> · nodes 64 · 3 seeds (1 to 3)
            One node crashes.

            THRESHOLDS
              ✓ detection.first  p(99) < 20s  6.75 s
                  p99 of 3 samples is the maximum or next to it; more seeds could turn it:
                    about 365 more seeds would settle it
              ✗ detection.all    max < 30s    never
                  1 of 3 never happened; more seeds are not expected to turn it
              ✓ false_positives  count == 0   0
                  more seeds could turn it: a count is summed over the runs and can only
                    rise; none was seen, so the rate is at most 0.615 per node-hour (95 %)
              ✗ heal             max < 1m     no samples
                  no samples: nothing in the timeline made one, so it cannot pass
              2 of 4 failed

            TIMES
              metric           n  median (95 %)     p90     p99     max
              detection.first  3         6.50 s  6.70 s  6.75 s  6.75 s
              detection.all    3         12.0 s   never   never   never
              detection.first, detection.all: p90, p95, p99, p99.9 of 3 samples are the
                maximum or next to it; 36 samples would bound even the first from above
              detection.all: 1 of 3 never happened before the run ended; they count as
                infinite

            COUNTS
              metric             count  per node-hour (95 %)
              false_positives        0          0 (0..0.615)
              suspicions            18     3.00 (1.78..4.74)
              bytes.sent       3.00 MB     500 (500..500) kB
              none of: resurrections (each at most 0.615 per node-hour, 95 %)

            LEVELS
              metric                     mean (95 %)    least   greatest
              bandwidth.node  1.00 (1.00..1.00) kB/s  900 B/s  1.10 kB/s

            WHAT HAPPENED (seed 1; each seed draws its own)
              10.0 s  crash-1  crash  a-01

            NOT REACHED
              crash-1: 2 nodes not reached, in 1 of 3 runs; seed 2: b-1, b-2 never learnt
                of a-0

            digest 6089862b91bf33b53f02b6f621b16ee0b5ba94198bd15b5e9eff3fa9b123efc4
        "#]],
    );
}

#[test]
fn json() {
    check(
        Format::Json,
        &expect![[r#"
            {
              "schema": "wavetank.report/1",
              "version": "0.1.0",
              "scenario": {
                "name": "two <zones>",
                "hash": "blake3:ab12",
                "description": "One node crashes.",
                "facts": {
                  "nodes": "64"
                }
              },
              "digest": "6089862b91bf33b53f02b6f621b16ee0b5ba94198bd15b5e9eff3fa9b123efc4",
              "passed": false,
              "metrics": {
                "detection.first": {
                  "kind": "trend",
                  "unit": "ns",
                  "count": 3,
                  "missing": 0,
                  "min": 6250000000,
                  "mean": 6500000000,
                  "med": 6500000000,
                  "p90": 6700000000,
                  "p95": 6725000000,
                  "p99": 6745000000,
                  "p999": 6749500000,
                  "max": 6750000000,
                  "ci95": {"med": [null, null], "mean": [5878965572, 7121034428], "p90": [6250000000, null], "p95": [6500000000, null], "p99": [6500000000, null], "p999": [6750000000, null]},
                  "notes": ["p90, p95, p99, p99.9 of 3 samples are the maximum or next to it; 36 samples would bound even the first from above"]
                },
                "detection.all": {
                  "kind": "trend",
                  "unit": "ns",
                  "count": 3,
                  "missing": 1,
                  "min": 9000000000,
                  "mean": null,
                  "med": 12000000000,
                  "p90": null,
                  "p95": null,
                  "p99": null,
                  "p999": null,
                  "max": null,
                  "ci95": {"med": [null, null], "mean": [null, null], "p90": [9000000000, null], "p95": [12000000000, null], "p99": [12000000000, null], "p999": [null, null]},
                  "notes": ["1 of 3 never happened before the run ended; they count as infinite", "p90, p95, p99, p99.9 of 3 samples are the maximum or next to it; 36 samples would bound even the first from above"]
                },
                "false_positives": {
                  "kind": "counter",
                  "unit": "count",
                  "count": 0,
                  "exposure_node_hours": 6.0,
                  "rate_per_node_hour": 0.0,
                  "rate_ci95": [0.0, 0.6148132423523223],
                  "notes": []
                },
                "suspicions": {
                  "kind": "counter",
                  "unit": "count",
                  "count": 18,
                  "exposure_node_hours": 6.0,
                  "rate_per_node_hour": 3.0,
                  "rate_ci95": [1.777990130066588, 4.741293377921331],
                  "notes": []
                },
                "resurrections": {
                  "kind": "counter",
                  "unit": "count",
                  "count": 0,
                  "exposure_node_hours": 6.0,
                  "rate_per_node_hour": 0.0,
                  "rate_ci95": [0.0, 0.6148132423523223],
                  "notes": []
                },
                "bytes.sent": {
                  "kind": "counter",
                  "unit": "B",
                  "count": 3000006,
                  "exposure_node_hours": 6.0,
                  "rate_per_node_hour": 500001.0,
                  "rate_ci95": [499999.75793114415, 500002.24206885585],
                  "notes": []
                },
                "bandwidth.node": {
                  "kind": "gauge",
                  "unit": "B/s",
                  "mean": 1000.5,
                  "min": 900.5,
                  "max": 1100.0,
                  "mean_ci95": [999.8789655720624, 1001.1210344279376]
                }
              },
              "thresholds": [
                {
                  "metric": "detection.first",
                  "expression": "p(99) < 20s",
                  "passed": true,
                  "actual": 6745000000,
                  "note": "p99 of 3 samples is the maximum or next to it; more seeds could turn it: about 365 more seeds would settle it",
                  "settled": false,
                  "more_seeds": 365,
                  "by_seed": [{"seed": 1, "passed": true, "actual": 6250000000}, {"seed": 2, "passed": true, "actual": 6500000000}, {"seed": 3, "passed": true, "actual": 6750000000}]
                },
                {
                  "metric": "detection.all",
                  "expression": "max < 30s",
                  "passed": false,
                  "actual": null,
                  "note": "1 of 3 never happened; more seeds are not expected to turn it",
                  "settled": true,
                  "more_seeds": null,
                  "by_seed": [{"seed": 1, "passed": true, "actual": 9000000000}, {"seed": 2, "passed": false, "actual": null}, {"seed": 3, "passed": true, "actual": 12000000000}]
                },
                {
                  "metric": "false_positives",
                  "expression": "count == 0",
                  "passed": true,
                  "actual": 0,
                  "note": "more seeds could turn it: a count is summed over the runs and can only rise; none was seen, so the rate is at most 0.615 per node-hour (95 %)",
                  "settled": false,
                  "more_seeds": null,
                  "by_seed": [{"seed": 1, "passed": true, "actual": 0}, {"seed": 2, "passed": true, "actual": 0}, {"seed": 3, "passed": true, "actual": 0}]
                },
                {
                  "metric": "heal",
                  "expression": "max < 1m",
                  "passed": false,
                  "actual": null,
                  "note": "no samples: nothing in the timeline made one, so it cannot pass",
                  "settled": false,
                  "more_seeds": null,
                  "by_seed": []
                }
              ],
              "curves": {
                "detection": [
                  {"event": "crash-1", "seed": 1, "of": 63, "points": [[0, 0], [6200000000, 1], [6200000000, 2], [6400000000, 63]]},
                  {"event": "crash-1", "seed": 2, "of": 63, "points": [[0, 0], [6200000000, 1], [6200000000, 2], [6400000000, 63]]},
                  {"event": "crash-1", "seed": 3, "of": 63, "points": [[0, 0], [6200000000, 1], [6200000000, 2], [6400000000, 63]]}
                ]
              },
              "runs": [
                {
                  "seed": 1,
                  "digest": "00000000000000000000000000000001",
                  "simulated_ns": 90000000000,
                  "effects": 1001,
                  "metrics": {"detection.first": [6250000000], "detection.all": [9000000000], "false_positives": 0, "suspicions": 3, "resurrections": 0, "bytes.sent": 1000001, "bandwidth.node": 1000.25},
                  "exposure_node_hours": 2.0,
                  "origins": {"detection.first": [{"event": "crash-1", "subject": "a-0", "observer": "", "time_ns": 10000000000}], "detection.all": [{"event": "crash-1", "subject": "a, \"b\"", "observer": "", "time_ns": 10000000000}]},
                  "levels": {"bandwidth.node": {"nodes": 4, "mean": 1000.25, "min": 900.5, "max": 1100.0}},
                  "happened": [{"event": "crash-1", "verb": "crash", "at_ns": 10000000000, "count": 1, "nodes": ["a-01"]}],
                  "missed": [],
                  "beliefs": [{"event": "crash-1", "subject": "a-0", "at_ns": 10000000000, "observers": [["b-1", [[10000000000, "alive"], [16000000000, "dead"]]]]}]
                },
                {
                  "seed": 2,
                  "digest": "00000000000000000000000000000002",
                  "simulated_ns": 90000000000,
                  "effects": 1002,
                  "metrics": {"detection.first": [6500000000], "detection.all": [null], "false_positives": 0, "suspicions": 6, "resurrections": 0, "bytes.sent": 1000002, "bandwidth.node": 1000.5},
                  "exposure_node_hours": 2.0,
                  "origins": {"detection.first": [{"event": "crash-1", "subject": "a-0", "observer": "", "time_ns": 10000000000}], "detection.all": [{"event": "crash-1", "subject": "a, \"b\"", "observer": "", "time_ns": 10000000000}]},
                  "levels": {"bandwidth.node": {"nodes": 4, "mean": 1000.5, "min": 900.5, "max": 1100.0}},
                  "happened": [{"event": "crash-1", "verb": "crash", "at_ns": 10000000000, "count": 1, "nodes": ["a-02"]}],
                  "missed": [{"event": "crash-1", "subject": "a-0", "count": 2, "nodes": ["b-1", "b-2"]}],
                  "beliefs": [{"event": "crash-1", "subject": "a-0", "at_ns": 10000000000, "observers": [["b-1", [[10000000000, "alive"], [16000000000, "dead"]]]]}]
                },
                {
                  "seed": 3,
                  "digest": "00000000000000000000000000000003",
                  "simulated_ns": 90000000000,
                  "effects": 1003,
                  "metrics": {"detection.first": [6750000000], "detection.all": [12000000000], "false_positives": 0, "suspicions": 9, "resurrections": 0, "bytes.sent": 1000003, "bandwidth.node": 1000.75},
                  "exposure_node_hours": 2.0,
                  "origins": {"detection.first": [{"event": "crash-1", "subject": "a-0", "observer": "", "time_ns": 10000000000}], "detection.all": [{"event": "crash-1", "subject": "a, \"b\"", "observer": "", "time_ns": 10000000000}]},
                  "levels": {"bandwidth.node": {"nodes": 4, "mean": 1000.75, "min": 900.5, "max": 1100.0}},
                  "happened": [{"event": "crash-1", "verb": "crash", "at_ns": 10000000000, "count": 1, "nodes": ["a-03"]}],
                  "missed": [],
                  "beliefs": [{"event": "crash-1", "subject": "a-0", "at_ns": 10000000000, "observers": [["b-1", [[10000000000, "alive"], [16000000000, "dead"]]]]}]
                }
              ]
            }
        "#]],
    );
}

#[test]
fn markdown() {
    check(
        Format::Markdown,
        &expect![[r#"
            ## ❌ two &lt;zones&gt;

            One node crashes.

            nodes 64 · 3 seeds (1 to 3)

            ### Thresholds

            |  | metric | wanted | found | note |
            |---|---|---|---|---|
            | ✅ | detection.first | p(99) &lt; 20s | 6.75 s | p99 of 3 samples is the maximum or next to it; more seeds could turn it: about 365 more seeds would settle it |
            | ❌ | detection.all | max &lt; 30s | never | 1 of 3 never happened; more seeds are not expected to turn it |
            | ✅ | false\_positives | count == 0 | 0 | more seeds could turn it: a count is summed over the runs and can only rise; none was seen, so the rate is at most 0.615 per node-hour (95 %) |
            | ❌ | heal | max &lt; 1m | no samples | no samples: nothing in the timeline made one, so it cannot pass |

            ### Times

            | metric | n | median (95 %) | p90 | p99 | max |
            |---|---|---|---|---|---|
            | detection.first | 3 | 6.50 s | 6.70 s | 6.75 s | 6.75 s |
            | detection.all | 3 | 12.0 s | never | never | never |

            - detection.first, detection.all: p90, p95, p99, p99.9 of 3 samples are the maximum or next to it; 36 samples would bound even the first from above
            - detection.all: 1 of 3 never happened before the run ended; they count as infinite

            ### Counts

            | metric | count | per node-hour (95 %) |
            |---|---|---|
            | false\_positives | 0 | 0 (0..0.615) |
            | suspicions | 18 | 3.00 (1.78..4.74) |
            | bytes.sent | 3.00 MB | 500 (500..500) kB |

            - none of: resurrections (each at most 0.615 per node-hour, 95 %)

            ### Levels

            | metric | mean (95 %) | least | greatest |
            |---|---|---|---|
            | bandwidth.node | 1.00 (1.00..1.00) kB/s | 900 B/s | 1.10 kB/s |

            ### What happened (seed 1)

            | when | entry | verb | nodes |
            |---|---|---|---|
            | 10.0 s | crash-1 | crash | a-01 |

            ### Not reached

            - crash-1: 2 nodes not reached, in 1 of 3 runs; seed 2: b-1, b-2 never learnt of a-0

            <sub>wavetank 0.1.0 · scenario `blake3:ab12` · digest `6089862b91bf33b53f02b6f621b16ee0b5ba94198bd15b5e9eff3fa9b123efc4`</sub>
        "#]],
    );
}

#[test]
fn csv() {
    check(
        Format::Csv,
        &expect![[r#"
        metric,seed,event,subject,observer,time_ns,value,unit
        detection.first,1,crash-1,a-0,,10000000000,6250000000,ns
        detection.first,2,crash-1,a-0,,10000000000,6500000000,ns
        detection.first,3,crash-1,a-0,,10000000000,6750000000,ns
        detection.all,1,crash-1,"a, ""b""",,10000000000,9000000000,ns
        detection.all,2,crash-1,"a, ""b""",,10000000000,,ns
        detection.all,3,crash-1,"a, ""b""",,10000000000,12000000000,ns
        false_positives,1,,,,90000000000,0,count
        false_positives,2,,,,90000000000,0,count
        false_positives,3,,,,90000000000,0,count
        suspicions,1,,,,90000000000,3,count
        suspicions,2,,,,90000000000,6,count
        suspicions,3,,,,90000000000,9,count
        resurrections,1,,,,90000000000,0,count
        resurrections,2,,,,90000000000,0,count
        resurrections,3,,,,90000000000,0,count
        bytes.sent,1,,,,90000000000,1000001,B
        bytes.sent,2,,,,90000000000,1000002,B
        bytes.sent,3,,,,90000000000,1000003,B
        bandwidth.node,1,,,,90000000000,1000.25,B/s
        bandwidth.node,2,,,,90000000000,1000.5,B/s
        bandwidth.node,3,,,,90000000000,1000.75,B/s
    "#]],
    );
    expect![[r#"
        curve,seed,event,time_ns,value
        detection,1,crash-1,0,0
        detection,1,crash-1,6200000000,1
        detection,1,crash-1,6200000000,2
        detection,1,crash-1,6400000000,63
        detection,2,crash-1,0,0
        detection,2,crash-1,6200000000,1
        detection,2,crash-1,6200000000,2
        detection,2,crash-1,6400000000,63
        detection,3,crash-1,0,0
        detection,3,crash-1,6200000000,1
        detection,3,crash-1,6200000000,2
        detection,3,crash-1,6400000000,63
    "#]]
    .assert_eq(&curves_csv(&report()));
}

#[test]
fn junit() {
    check(
        Format::Junit,
        &expect![[r#"
            <?xml version="1.0" encoding="UTF-8"?>
            <testsuites name="wavetank" tests="13" failures="3" errors="0" skipped="0">
              <testsuite name="two &lt;zones&gt;" tests="13" failures="3" errors="0" skipped="0">
                <properties>
                  <property name="scenario.hash" value="blake3:ab12"/>
                  <property name="digest" value="6089862b91bf33b53f02b6f621b16ee0b5ba94198bd15b5e9eff3fa9b123efc4"/>
                  <property name="version" value="0.1.0"/>
                </properties>
                <testcase classname="two &lt;zones&gt;.detection.first" name="detection.first p(99) &lt; 20s (all seeds)"/>
                <testcase classname="two &lt;zones&gt;.detection.first" name="detection.first p(99) &lt; 20s (seed 1)"/>
                <testcase classname="two &lt;zones&gt;.detection.first" name="detection.first p(99) &lt; 20s (seed 2)"/>
                <testcase classname="two &lt;zones&gt;.detection.first" name="detection.first p(99) &lt; 20s (seed 3)"/>
                <testcase classname="two &lt;zones&gt;.detection.all" name="detection.all max &lt; 30s (all seeds)">
                  <failure type="threshold" message="expected detection.all max &lt; 30s, found never">1 of 3 never happened; more seeds are not expected to turn it</failure>
                </testcase>
                <testcase classname="two &lt;zones&gt;.detection.all" name="detection.all max &lt; 30s (seed 1)"/>
                <testcase classname="two &lt;zones&gt;.detection.all" name="detection.all max &lt; 30s (seed 2)">
                  <failure type="threshold" message="expected detection.all max &lt; 30s, found never"></failure>
                </testcase>
                <testcase classname="two &lt;zones&gt;.detection.all" name="detection.all max &lt; 30s (seed 3)"/>
                <testcase classname="two &lt;zones&gt;.false_positives" name="false_positives count == 0 (all seeds)"/>
                <testcase classname="two &lt;zones&gt;.false_positives" name="false_positives count == 0 (seed 1)"/>
                <testcase classname="two &lt;zones&gt;.false_positives" name="false_positives count == 0 (seed 2)"/>
                <testcase classname="two &lt;zones&gt;.false_positives" name="false_positives count == 0 (seed 3)"/>
                <testcase classname="two &lt;zones&gt;.heal" name="heal max &lt; 1m (all seeds)">
                  <failure type="threshold" message="expected heal max &lt; 1m, found no samples">no samples: nothing in the timeline made one, so it cannot pass</failure>
                </testcase>
              </testsuite>
            </testsuites>
        "#]],
    );
}

#[test]
fn github() {
    check(
        Format::Github,
        &expect![[r#"
            ::error file=a%2Cb.yaml,line=31,title=two <zones>%3A detection.all::expected max < 30s, found never%0A1 of 3 never happened; more seeds are not expected to turn it
            ::error file=a%2Cb.yaml,title=two <zones>%3A heal::expected max < 1m, found no samples%0Ano samples: nothing in the timeline made one, so it cannot pass
            wavetank two <zones>: 2 of 4 thresholds failed
        "#]],
    );
}

#[test]
fn openmetrics() {
    check(
        Format::Openmetrics,
        &expect![[r##"
        # TYPE detection_first_seconds summary
        # UNIT detection_first_seconds seconds
        # HELP detection_first_seconds crash until the first dead record at any node
        detection_first_seconds{scenario="two <zones>",quantile="0"} 6.25 90.0
        detection_first_seconds{scenario="two <zones>",quantile="0.5"} 6.5 90.0
        detection_first_seconds{scenario="two <zones>",quantile="0.9"} 6.7 90.0
        detection_first_seconds{scenario="two <zones>",quantile="0.95"} 6.725 90.0
        detection_first_seconds{scenario="two <zones>",quantile="0.99"} 6.745 90.0
        detection_first_seconds{scenario="two <zones>",quantile="0.999"} 6.7495 90.0
        detection_first_seconds{scenario="two <zones>",quantile="1"} 6.75 90.0
        detection_first_seconds_sum{scenario="two <zones>"} 19.5 90.0
        detection_first_seconds_count{scenario="two <zones>"} 3 90.0
        # TYPE detection_all_seconds summary
        # UNIT detection_all_seconds seconds
        # HELP detection_all_seconds crash until every node that counts holds it dead
        detection_all_seconds{scenario="two <zones>",quantile="0"} 9.0 90.0
        detection_all_seconds{scenario="two <zones>",quantile="0.5"} 12.0 90.0
        detection_all_seconds{scenario="two <zones>",quantile="0.9"} +Inf 90.0
        detection_all_seconds{scenario="two <zones>",quantile="0.95"} +Inf 90.0
        detection_all_seconds{scenario="two <zones>",quantile="0.99"} +Inf 90.0
        detection_all_seconds{scenario="two <zones>",quantile="0.999"} +Inf 90.0
        detection_all_seconds{scenario="two <zones>",quantile="1"} +Inf 90.0
        detection_all_seconds_sum{scenario="two <zones>"} +Inf 90.0
        detection_all_seconds_count{scenario="two <zones>"} 3 90.0
        # TYPE false_positives counter
        # HELP false_positives episodes in which a running, reachable node was held dead or left
        false_positives_total{scenario="two <zones>"} 0 90.0
        # TYPE suspicions counter
        # HELP suspicions records that turned suspect
        suspicions_total{scenario="two <zones>"} 18 90.0
        # TYPE resurrections counter
        # HELP resurrections dead or left records seen alive again without a restart
        resurrections_total{scenario="two <zones>"} 0 90.0
        # TYPE bytes_sent counter
        # HELP bytes_sent datagram payload sent
        bytes_sent_total{scenario="two <zones>"} 3000006 90.0
        # TYPE bandwidth_node_bytes_per_second gauge
        # UNIT bandwidth_node_bytes_per_second bytes_per_second
        # HELP bandwidth_node_bytes_per_second payload bytes sent per node and second, all kinds
        bandwidth_node_bytes_per_second{scenario="two <zones>",stat="mean"} 1000.5 90.0
        bandwidth_node_bytes_per_second{scenario="two <zones>",stat="min"} 900.5 90.0
        bandwidth_node_bytes_per_second{scenario="two <zones>",stat="max"} 1100 90.0
        # TYPE threshold_passed gauge
        # HELP threshold_passed whether the threshold holds over all runs
        threshold_passed{scenario="two <zones>",metric="detection.first",expression="p(99) < 20s"} 1 90.0
        threshold_passed{scenario="two <zones>",metric="detection.all",expression="max < 30s"} 0 90.0
        threshold_passed{scenario="two <zones>",metric="false_positives",expression="count == 0"} 1 90.0
        threshold_passed{scenario="two <zones>",metric="heal",expression="max < 1m"} 0 90.0
        # TYPE detection_over_time gauge
        # HELP detection_over_time curve over simulated time
        detection_over_time{scenario="two <zones>",event="crash-1",seed="1"} 0 10.0
        detection_over_time{scenario="two <zones>",event="crash-1",seed="1"} 2 16.2
        detection_over_time{scenario="two <zones>",event="crash-1",seed="1"} 63 16.4
        detection_over_time{scenario="two <zones>",event="crash-1",seed="2"} 0 10.0
        detection_over_time{scenario="two <zones>",event="crash-1",seed="2"} 2 16.2
        detection_over_time{scenario="two <zones>",event="crash-1",seed="2"} 63 16.4
        detection_over_time{scenario="two <zones>",event="crash-1",seed="3"} 0 10.0
        detection_over_time{scenario="two <zones>",event="crash-1",seed="3"} 2 16.2
        detection_over_time{scenario="two <zones>",event="crash-1",seed="3"} 63 16.4
        # EOF
    "##]],
    );
}

#[test]
fn github_shows_ten_annotations_and_lists_the_rest() {
    let wanted: Vec<(&str, &str)> = (0..13).map(|_| ("detection.first", "max < 1s")).collect();
    let report = Report::new(meta(), vec![outcome(1, None, 0)], &thresholds(&wanted));
    let text = render(&report, Format::Github, &RenderOptions::default());
    assert_eq!(text.lines().filter(|l| l.starts_with("::error ")).count(), 10);
    assert_eq!(text.lines().filter(|l| l.starts_with("failed: detection.first")).count(), 3);
}

#[test]
fn text_fits_eighty_columns_and_color_adds_nothing_else() {
    let plain = render(&report(), Format::Text, &RenderOptions::default());
    for line in plain.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    let color =
        render(&report(), Format::Text, &RenderOptions { color: true, ..RenderOptions::default() });
    let mut stripped = String::new();
    for (i, part) in color.split('\u{1b}').enumerate() {
        stripped.push_str(if i == 0 {
            part
        } else {
            part.split_once('m').map_or("", |(_, rest)| rest)
        });
    }
    let trimmed = |s: &str| s.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    assert_eq!(trimmed(&stripped), trimmed(&plain));
}

#[test]
fn long_lists_of_long_names_are_cut_and_broken() {
    let mut first = outcome(1, None, 0);
    let missed = first.missed.remove(0);
    first.missed = (1..=15)
        .rev()
        .map(|i| outcome::Missed { event: format!("flap#{i}"), ..missed.clone() })
        .collect();
    let name = |i: u64| format!("node-with-a-long-name-{i}");
    first.happened[0].nodes = (0..4).map(name).collect();
    first.happened[0].count = 6;
    let mut long = first.happened[0].clone();
    long.event = "rolling-restart-of-the-whole-cluster-from-snapshots".into();
    let text = |of: &[outcome::Happened]| {
        let outcome = Outcome { happened: of.to_vec(), ..first.clone() };
        let text = render(
            &Report::new(meta(), vec![outcome], &[]),
            Format::Text,
            &RenderOptions::default(),
        );
        let wide = text.lines().filter(|l| l.chars().count() > 80).collect::<Vec<_>>();
        assert!(wide.is_empty(), "{wide:?}");
        let (_, rest) = text.split_once("WHAT HAPPENED\n").expect("what happened");
        rest.split_once("digest").expect("a digest").0.to_owned()
    };
    let (happened, missed) = {
        let both = text(&first.happened);
        let (happened, missed) = both.split_once("\n\nNOT REACHED\n").expect("a section");
        (happened.to_owned(), missed.to_owned())
    };
    expect![[r#"
        WHAT HAPPENED
          10.0 s  crash-1  crash  node-with-a-long-name-0, node-with-a-long-name-1,
                                  node-with-a-long-name-2, node-with-a-long-name-3 and 2
                                  more
    "#]]
    .assert_eq(&format!("WHAT HAPPENED\n{happened}\n"));
    let entries: Vec<&str> =
        missed.lines().filter_map(|l| l.trim().split_once(':').map(|(e, _)| e)).collect();
    let wanted: Vec<String> = (1..=12).map(|i| format!("flap#{i}")).collect();
    assert_eq!(entries, wanted);
    assert!(missed.contains("\n  and 3 more\n"), "{missed}");
    assert!(text(&[long]).contains("crash\n      node-with-a-long-name-0, "));
}

#[test]
fn an_answer_that_never_came_in_time_may_have_come_late() {
    let never = |metric| {
        let samples = vec![sample(metric, "a-0", None), sample(metric, "a-0", Some(1))];
        let outcome = Outcome { samples, ..outcome(1, None, 0) };
        let report = Report::new(meta(), vec![outcome], &[]);
        let notes = super::rows::tables(&report).swap_remove(0).notes;
        notes.into_iter().find(|n| n.contains("infinite")).expect("a note")
    };
    for (metric, why) in [
        ("query.ack.time", "late or missing"),
        ("query.response.time", "late or missing"),
        ("query.t100", "never happened before the run ended"),
    ] {
        assert_eq!(never(metric), format!("{metric}: 1 of 2 {why}; they count as infinite"));
    }
}

#[test]
fn a_report_read_back_is_the_report() {
    let report = report();
    let text = render(&report, Format::Json, &RenderOptions::default());
    let again = Report::from_json(&text).expect("a report");
    assert_eq!(again, report);
    assert_eq!(render(&again, Format::Json, &RenderOptions::default()), text);
    assert_eq!(
        serde_json::to_string(&again).expect("json"),
        serde_json::to_string(&report).expect("json")
    );
    let other = text.replacen("wavetank.report/1", "wavetank.report/2", 1);
    let error = Report::from_json(&other).expect_err("another schema").to_string();
    assert_eq!(
        error,
        "the report has schema `wavetank.report/2`; this version reads `wavetank.report/1`"
    );
}

#[test]
fn format_names() {
    for (name, format) in Format::ALL {
        assert_eq!(name.parse(), Ok(format));
        assert_eq!(format.to_string(), name);
    }
    let error = "yaml".parse::<Format>().expect_err("no such format");
    expect![
        "unknown format `yaml`; there are text, json, markdown, csv, junit, github, openmetrics"
    ]
    .assert_eq(&error);
}
