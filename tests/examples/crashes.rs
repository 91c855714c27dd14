//! Own timers and spread of a crash by size.
use wavetank_scenarios::{Overrides, Source, load};
use wavetank_sim_core::{cluster::Tank, watch::Nobody};
fn main() {
    let compat = std::env::args().nth(1).unwrap_or("head".into());
    for n in [3, 5, 10, 32, 64] {
        let text = format!(
            "version: 1\nname: c\nduration: 40s\ncluster: {{preset: memberlist-lan, nodes: {n}, meta_bytes: 8, compat: \"{compat}\", config: {{enable_compression: false}}}}\nnetwork: {{latency: 1150us}}\ntimeline:\n  - {{id: t0, at: {{from: 5s, to: 7s}}, crash: {{nodes: {{group: node, pick: 1}}}}}}\n"
        );
        let plan = load(Source::new("x", &text), &Overrides::default()).unwrap().plan;
        let (mut s, mut f, mut a, mut t, mut d) = (0.0, 0.0, 0.0, 0.0, 0.0);
        let many = 400;
        for seed in 0..many {
            let o = Tank::run(&plan, seed, Nobody).0;
            let v = |m: &str| {
                o.samples.iter().find(|x| x.metric == m).unwrap().value.unwrap() as f64 / 1e9
            };
            s += v("detection.suspect");
            f += v("detection.first");
            a += v("detection.all");
            d += v("detection.all") - v("detection.first");
            t += o.counters.iter().find(|c| c.metric == "suspicion_timeouts").unwrap().count as f64;
        }
        let m = many as f64;
        println!(
            "{n:3} suspect {:.2} first {:.2} all {:.2} spread {:.3} own {:.1}",
            s / m,
            f / m,
            a / m,
            d / m,
            t / m
        );
    }
}
