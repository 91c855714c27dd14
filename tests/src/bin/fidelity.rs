//! `make fidelity`: simulates the measured cases and prints the comparison.

use wavetank_tests::fidelity::{
    agents, cases, counts, stats,
    table::{self, Row, Verdict},
};

fn main() {
    let mut many = 200;
    let mut only: Option<String> = None;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match (arg.as_str(), args.next()) {
            ("--replicates", Some(n)) => many = n.parse().expect("a number of replicates"),
            ("--only", Some(name)) => only = Some(name),
            _ => {
                eprintln!("usage: fidelity [--replicates N] [--only PART-OF-A-CASE]");
                std::process::exit(2);
            }
        }
    }
    let wanted = |id: &str| only.as_ref().is_none_or(|o| id.contains(o.as_str()));
    let mut rows = Vec::new();
    for case in cases::timed().into_iter().filter(|c| wanted(c.id)) {
        eprintln!("{} ...", case.id);
        let measured = cases::measured(case.id);
        let replicates = case.replicates(&measured, many);
        let pooled = case.pooled(&replicates);
        let simulated: Vec<_> = replicates.iter().map(|r| case.statistics(r, &pooled)).collect();
        for (i, (name, value)) in case.statistics(&measured, &pooled).into_iter().enumerate() {
            let values: Vec<f64> =
                simulated.iter().map(|s| s[i].1).filter(|v| !v.is_nan()).collect();
            let (mean, deviation) = (stats::mean(&values), stats::deviation(&values));
            let z =
                if deviation == 0.0 && value == mean { 0.0 } else { (value - mean) / deviation };
            rows.push(Row {
                case: case.id.to_owned(),
                statistic: name,
                measured: value,
                mean,
                deviation,
                verdict: Verdict::Z(z),
            });
        }
    }
    rows.extend(counts::rows(many, wanted));
    rows.extend(agents::rows(many, wanted));
    print!("{}", table::markdown(&rows));
    let (mean_square, scored) = table::mean_square(&rows);
    println!("\nmean z^2 = {mean_square:.3} over {scored} statistics; {} rows in all", rows.len());
    let failed = rows.iter().filter(|r| !r.verdict.holds()).count();
    if failed > 0 || mean_square > 2.0 {
        println!("{failed} outside their bounds");
        std::process::exit(1);
    }
}
