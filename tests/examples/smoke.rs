//! Runs a scenario file once and prints its report.
use wavetank_scenarios::{Overrides, Source, load};
use wavetank_sim_core::{cluster::Tank, watch::Nobody};
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let text = std::fs::read_to_string(&args[1]).unwrap();
    let set: Vec<(String, String)> = args[2..]
        .iter()
        .map(|a| {
            let (k, v) = a.split_once('=').unwrap();
            (k.to_owned(), v.to_owned())
        })
        .collect();
    let overrides = Overrides { set, ..Overrides::default() };
    let scenario = match load(Source::new(&args[1], &text), &overrides) {
        Ok(s) => s,
        Err(e) => {
            eprintln!("{e}");
            std::process::exit(2)
        }
    };
    let t = std::time::Instant::now();
    let mut outcomes = Vec::new();
    for seed in scenario.plan.seed..scenario.plan.seed + u64::from(scenario.plan.seeds) {
        outcomes.push(Tank::run(&scenario.plan, seed, Nobody).0);
    }
    let wall = t.elapsed();
    let meta = wavetank_reports::Meta {
        name: scenario.plan.name.clone(),
        hash: scenario.hash.clone(),
        version: "0".into(),
        description: String::new(),
        facts: vec![],
    };
    let nodes = scenario.plan.cluster.slots();
    let simulated: u64 = outcomes.iter().map(|o| o.simulated).sum();
    let report = wavetank_reports::Report::new(meta, outcomes, &[]);
    println!(
        "{}",
        wavetank_reports::render(
            &report,
            wavetank_reports::Format::Text,
            &wavetank_reports::RenderOptions::default()
        )
    );
    println!(
        "{:.1} ns per node-second",
        wall.as_nanos() as f64 / (simulated as f64 / 1e9) / f64::from(nodes)
    );
}
