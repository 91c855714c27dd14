//! Distribution of all less first.
use wavetank_tests::fidelity::{cases, stats};
fn main() {
    for case in cases::timed().into_iter().take(3) {
        let measured = cases::measured(case.id);
        let r = case.replicates(&measured, 30);
        let d: Vec<f64> = stats::sorted(r.iter().flatten().flatten().map(|t| Some(t[1]? - t[0]?)));
        let q: Vec<i64> = [0., 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 1.0]
            .iter()
            .map(|p| stats::quantile(&d, *p) as i64)
            .collect();
        println!("{} mean {:.0} {q:?}", case.id, stats::mean(&d));
        for i in 0..measured[0].len() {
            let v: Vec<f64> = r
                .iter()
                .flatten()
                .filter_map(|c| c.get(i))
                .filter_map(|t| Some(t[1]? - t[0]?))
                .collect();
            print!("{i}: {:.0}  ", stats::mean(&v));
        }
        println!();
    }
}
