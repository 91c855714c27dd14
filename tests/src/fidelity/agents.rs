//! Serf's rows beside the timed trials: a partition that its reconnector heals, and the recorded steps of
//! sixteen agents (`make real-serf`).

use rayon::prelude::*;

use super::{
    counts::{Cut, cut, plan, same},
    stats,
    table::{Row, Verdict},
    trials::head,
};
use crate::real_serf::{compare, record::Record, simulated};

/// All rows of this kind.
pub fn rows(many: u64, wanted: impl Fn(&str) -> bool) -> Vec<Row> {
    let mut rows = Vec::new();
    if wanted("serf-partition-60s") {
        eprintln!("serf-partition-60s ...");
        rows.extend(partition(many));
    }
    if wanted("serf-steps-n16") {
        eprintln!("serf-steps-n16 ...");
        rows.extend(steps(many));
    }
    rows
}

/// How a cut makes samples of a statistic.
type Of = fn(&Cut) -> Vec<f64>;

/// Clusters that were cut.
const CLUSTERS: u64 = 5;

/// When the cut began after the first start. It is not recorded, and inferred from the first join after the
/// heal: a reconnector that tries at 30 s waits ten seconds for an answer, and tries again 30 s after that.
const CUT: &str = "{from: 8s, to: 10s}";

/// A cut of 60 s into 16 and 16, of Serf's library above the transport of the memberlist cases.
fn partition(many: u64) -> Vec<Row> {
    let id = "serf-partition-60s";
    let side: Vec<String> = (0..16).map(|i| format!("node-{i:03}")).collect();
    let head = head(32, "").replace("memberlist-lan", "serf-lan").replace("  meta_bytes: 8\n", "");
    let plan = plan(&format!(
        "{head}duration: 200s\ntimeline:\n  - {{at: {CUT}, for: 60s, partition: {{groups: [[{}], rest]}}}}\n",
        side.join(", ")
    ));
    let replicate = |n: u64| (0..CLUSTERS).map(|c| cut(&plan, n * 100 + c + 1, 60.0)).collect();
    let replicates: Vec<Vec<Cut>> = (0..many).into_par_iter().map(replicate).collect();
    let all = || replicates.iter().flatten();
    let merged = all().filter(|c| c.whole.is_some()).count() as f64 / all().count() as f64;
    let mut rows = vec![same(id, "merged again, share", 1.0, merged)];
    let measures: [(&str, [f64; 2], Of); 4] = [
        ("first death across, s", [7.02, 7.11], |c| vec![c.first]),
        ("all across dead on a side, s", [17.0, 24.2], |c| c.all.to_vec()),
        ("first join across after the heal, s", [0.2, 1.6], |c| c.joined.into_iter().collect()),
        ("whole after the heal, s", [6.0, 15.0], |c| c.whole.into_iter().collect()),
    ];
    for (name, [least, greatest], of) in measures {
        // Of a measured range only the ends are known: each is one more least or greatest of five.
        for (which, measured, end) in
            [("least", least, f64::min as fn(f64, f64) -> f64), ("greatest", greatest, f64::max)]
        {
            let ends: Vec<f64> =
                replicates.iter().filter_map(|cuts| cuts.iter().flat_map(of).reduce(end)).collect();
            rows.push(Row {
                case: id.to_owned(),
                statistic: format!("{name}, {which} of {CLUSTERS}"),
                measured,
                mean: stats::mean(&ends),
                deviation: stats::deviation(&ends),
                verdict: Verdict::Rank(stats::rank(measured, &ends)),
            });
        }
    }
    rows
}

/// The medians of the recorded steps of sixteen agents.
fn steps(many: u64) -> Vec<Row> {
    let text = include_str!("../../data/real-serf-16.json");
    let measured: Record = serde_json::from_str(text).expect("the record is valid JSON");
    let runs = simulated::runs(measured.delay_us, measured.handler_us, many);
    let runs = runs.unwrap_or_else(|e| panic!("{e}"));
    let row = |row: compare::Row| Row {
        case: "serf-steps-n16".to_owned(),
        statistic: format!("{} {}, p50", row.step, row.column),
        measured: row.median,
        mean: row.mean,
        deviation: row.deviation,
        verdict: row.verdict,
    };
    compare::rows(&measured, &runs).into_iter().map(row).collect()
}
