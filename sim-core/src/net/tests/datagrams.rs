//! Links: latency, loss and its bursts, duplication, reordering, rate limits, fragments.

use super::*;
use crate::plan::{Bandwidth, Delay, JitterShape, Reorder};

const MANY: u64 = 200_000;

/// The lengths of runs of losses.
fn bursts(flights: &[Option<Span>]) -> Vec<usize> {
    flights.split(Option::is_some).map(<[_]>::len).filter(|&length| length > 0).collect()
}

fn mean(values: &[usize]) -> f64 {
    values.iter().sum::<usize>() as f64 / values.len() as f64
}

fn delay(latency: Span, jitter: Span, correlation: f64) -> Delay {
    let correlation = p(correlation);
    Delay { latency, jitter, correlation, distribution: JitterShape::Uniform }
}

#[test]
fn latencies_have_the_median_and_the_tail_asked_for() {
    let mut net = net(LinkSpec { latency: lognormal(), ..spec() });
    let mut all: Vec<Span> = flights(&mut net, 0, MANY).into_iter().flatten().collect();
    all.sort_unstable();
    close(all[all.len() / 2] as f64 / 1e6, 1.0, 0.02);
    close(all[all.len() * 99 / 100] as f64 / 1e6, 10.0, 0.4);
    assert!(all[0] >= 100 * US);
}

#[test]
fn draws_are_the_same_on_every_platform() {
    let latency = |shape| LinkSpec { latency: Latency { min: 1, shape }, ..spec() };
    let jitter = |distribution| {
        let delay = Delay { distribution, ..delay(9 * MS, 2 * MS, 0.5) };
        LinkSpec { delay: Some(delay), ..spec() }
    };
    let cases = [
        (latency(LatencyShape::Uniform { min: MS, max: 2 * MS }), 15_016_258_811),
        (latency(LatencyShape::Normal { mean: 10 * MS, sd: MS }), 100_035_521_292),
        (latency(LatencyShape::LogNormal { median: MS, p99: 8 * MS }), 15_004_766_227),
        (latency(LatencyShape::Pareto { scale: MS, shape: 1.16 }), 52_645_182_058),
        (latency(LatencyShape::Exponential { mean: MS }), 10_078_769_304),
        (jitter(JitterShape::Normal), 100_196_623_234),
        (jitter(JitterShape::Pareto), 94_723_478_940),
        (jitter(JitterShape::ParetoNormal), 96_091_765_081),
    ];
    for (spec, expected) in cases {
        let sum: Span = flights(&mut net(spec.clone()), 0, 10_000).iter().flatten().sum();
        assert_eq!(sum, expected, "{spec:?}");
    }
}

#[test]
fn losses_have_their_rates_and_bursts() {
    // Bursts: a chain leaves its losing state with 1 - h + h r if lost datagrams are those of the bad
    // state only; states 3 and 4 of the four-state model are bursts of their own.
    let cases = [
        (Loss::Independent(p(0.03)), 0.03, 1.0 / 0.97),
        (Loss::GilbertElliott { p: p(0.01), r: p(0.2), h: p(0.0), k: p(1.0) }, 0.01 / 0.21, 5.0),
        (
            Loss::GilbertElliott { p: p(0.05), r: p(0.3), h: p(0.4), k: p(1.0) },
            0.6 / 7.0,
            1.0 / (1.0 - 0.6 * 0.7),
        ),
        (
            Loss::FourState { p13: p(0.02), p31: p(0.1), p32: p(0.15), p23: p(0.5), p14: p(0.0) },
            0.2 / (1.0 + 0.2 + 0.06),
            4.0,
        ),
        (
            Loss::FourState { p13: p(0.0), p31: p(1.0), p32: p(0.0), p23: p(1.0), p14: p(0.1) },
            0.1 / 1.1,
            1.0,
        ),
    ];
    for (loss, rate, burst) in cases {
        let mut net = net(LinkSpec { loss, ..spec() });
        let flights = flights(&mut net, 0, MANY);
        let lost = flights.iter().filter(|f| f.is_none()).count();
        close(lost as f64 / MANY as f64 / rate, 1.0, 0.06);
        close(mean(&bursts(&flights)) / burst, 1.0, 0.04);
    }
}

#[test]
fn correlated_losses_come_in_bursts_and_change_their_rate_as_in_netem() {
    let rate = |correlation| {
        let loss = Loss::Correlated { probability: p(0.3), correlation: p(correlation) };
        let flights = flights(&mut net(LinkSpec { loss, ..spec() }), 0, MANY);
        let lost = flights.iter().filter(|f| f.is_none()).count() as f64 / MANY as f64;
        (lost, mean(&bursts(&flights)))
    };
    let (free, free_bursts) = rate(0.0);
    close(free, 0.3, 0.005);
    close(free_bursts, 1.0 / 0.7, 0.02);
    // The mean of the previous draw and a new one is nearer to the middle than either.
    let (bound, bound_bursts) = rate(0.5);
    assert!(bound < 0.2 && bound_bursts > free_bursts, "{bound} {bound_bursts}");
}

#[test]
fn short_chains_lose_as_much_as_long_ones() {
    let loss = Loss::GilbertElliott { p: p(0.002), r: p(0.02), h: p(0.0), k: p(1.0) };
    let network = network(LinkSpec { loss, ..spec() }, Vec::new());
    let mut net = Net::new(&network, 50_000, Keys::new(4));
    let lost = (0..50_000)
        .flat_map(|from| fates(&mut net, from, 3))
        .filter(|&fate| fate == Fate::Lost(Drop::Loss))
        .count();
    close(lost as f64 / 150_000.0, 1.0 / 11.0, 0.004);
}

#[test]
fn a_feature_that_is_switched_on_moves_no_latency() {
    let plain = flights(&mut net(LinkSpec { latency: lognormal(), ..spec() }), 3, 2000);
    let markov = Loss::GilbertElliott { p: p(0.1), r: p(0.2), h: p(0.1), k: p(0.9) };
    let specs = [
        LinkSpec { loss: Loss::Independent(p(0.3)), ..spec() },
        LinkSpec { loss: markov, ..spec() },
        LinkSpec { corrupt: chances(0.2), ..spec() },
        LinkSpec { duplicate: chances(0.2), ..spec() },
        LinkSpec { delay: Some(delay(0, 0, 0.0)), ..spec() },
        LinkSpec { mtu: Some(10), loss: Loss::Independent(p(0.01)), ..spec() },
        LinkSpec { bandwidth: Some(Bandwidth { rate: u64::MAX, limit: 1 }), ..spec() },
    ];
    for spec in specs {
        let spec = LinkSpec { latency: lognormal(), ..spec };
        // A rate limit of u64::MAX still takes the nanosecond it is rounded up to.
        let slack = Span::from(spec.bandwidth.is_some());
        let other = flights(&mut net(spec.clone()), 3, 2000);
        let arrived =
            plain.iter().zip(&other).filter_map(|(a, b)| Some((a.as_ref()?, b.as_ref()?)));
        assert!(arrived.clone().count() > 500);
        assert!(arrived.clone().all(|(a, b)| a + slack == *b), "{spec:?}");
    }
}

#[test]
fn one_nodes_traffic_moves_no_others_chain() {
    let loss = Loss::GilbertElliott { p: p(0.1), r: p(0.2), h: p(0.1), k: p(0.9) };
    let spec = LinkSpec { loss, delay: Some(delay(MS, MS, 0.5)), ..spec() };
    let alone = fates(&mut net(spec.clone()), 7, 500);
    let mut net = net(spec);
    fates(&mut net, 8, 333);
    assert_eq!(fates(&mut net, 7, 500), alone);
}

#[test]
fn duplicates_and_corruption_have_their_shares() {
    let spec =
        LinkSpec { latency: lognormal(), duplicate: chances(0.1), corrupt: chances(0.2), ..spec() };
    let mut net = net(spec);
    close(share(&mut net, Drop::Corrupt, MANY), 0.2, 0.01);
    let fates = fates(&mut net, 0, MANY);
    let copies: Vec<(Time, Time)> = fates
        .iter()
        .filter_map(|fate| match *fate {
            Fate::Arrives { at, copy } => copy.map(|copy| (at, copy)),
            Fate::Lost(_) => None,
        })
        .collect();
    close(copies.len() as f64 / MANY as f64, 0.1 * 0.8, 0.005);
    let first = copies.iter().filter(|(at, copy)| copy < at).count();
    close(first as f64 / copies.len() as f64, 0.5, 0.02);
}

#[test]
fn a_delay_adds_its_jitter_with_the_correlation_asked_for() {
    for correlation in [0.0, 0.75] {
        let spec = LinkSpec { delay: Some(delay(10 * MS, 4 * MS, correlation)), ..spec() };
        let extras: Vec<f64> = flights(&mut net(spec), 0, MANY)
            .into_iter()
            .flatten()
            .map(|flight| (flight - MS) as f64 / 1e6)
            .collect();
        assert!(extras.iter().all(|extra| (6.0..=14.0).contains(extra)));
        let mean = extras.iter().sum::<f64>() / extras.len() as f64;
        close(mean, 10.0, 0.1);
        let var: f64 = extras.iter().map(|x| (x - mean) * (x - mean)).sum();
        let lag: f64 = extras.windows(2).map(|w| (w[0] - mean) * (w[1] - mean)).sum();
        close(lag / var, correlation, 0.01);
    }
    // More jitter than delay is cut off at none.
    let spec = LinkSpec { delay: Some(delay(MS, 4 * MS, 0.0)), ..spec() };
    let none = flights(&mut net(spec), 0, 10_000).iter().filter(|&&f| f == Some(MS)).count();
    close(none as f64 / 1e4, 3.0 / 8.0, 0.02);
}

#[test]
fn who_overtakes_skips_the_extra_delay_or_else_all_but_the_least_latency() {
    let reorder = Some(Reorder { chances: chances(0.25), gap: 0 });
    for (delay, fast, slow) in [(Some(delay(10 * MS, 0, 0.0)), MS, 11 * MS), (None, MS / 10, MS)] {
        let flights = flights(&mut net(LinkSpec { reorder, delay, ..spec() }), 0, 20_000);
        let overtaking = flights.iter().filter(|&&f| f == Some(fast)).count();
        assert_eq!(flights.iter().filter(|&&f| f == Some(slow)).count(), 20_000 - overtaking);
        close(overtaking as f64 / 2e4, 0.25, 0.01);
    }
}

#[test]
fn a_gap_lets_only_every_so_manyth_datagram_overtake() {
    for (share, gap, period) in [(1.0, 5, 5.0), (1.0, 1, 1.0), (0.25, 5, 4.0 + 4.0)] {
        let reorder = Some(Reorder { chances: chances(share), gap });
        let flights = flights(&mut net(LinkSpec { reorder, ..spec() }), 0, 50_000);
        let fast: Vec<usize> = flights
            .iter()
            .enumerate()
            .filter(|(_, f)| **f == Some(MS / 10))
            .map(|(i, _)| i)
            .collect();
        assert!(fast.windows(2).all(|w| w[1] - w[0] >= gap as usize));
        close(50_000.0 / fast.len() as f64 / period, 1.0, 0.02);
    }
}

#[test]
fn a_rate_limit_spaces_datagrams_and_drops_what_does_not_fit() {
    // 128 bytes with headers take a millisecond, and two may wait behind the one on the line.
    let bandwidth = Some(Bandwidth { rate: 128_000, limit: 3 * 128 });
    let mut net = net(LinkSpec { bandwidth, ..spec() });
    let mut send = |from| net.datagram(SECOND, from, 1, 0, 100);
    for (from, k) in [(2, 1), (3, 2), (4, 3)] {
        assert_eq!(send(from), Fate::Arrives { at: SECOND + (k + 1) * MS, copy: None });
    }
    assert_eq!(send(5), Fate::Lost(Drop::Full));
    assert_eq!(net.datagram(SECOND, 2, 1, 1, 100), Fate::Lost(Drop::Full));
    let later = net.datagram(SECOND + 2 * MS, 2, 1, 1, 100);
    assert_eq!(later, Fate::Arrives { at: SECOND + 5 * MS, copy: None });
}

#[test]
fn the_directions_and_links_have_rate_limits_of_their_own() {
    let bandwidth = Some(Bandwidth { rate: 128_000, limit: 0 });
    let link = Link {
        from: slots(0..50),
        to: slots(50..100),
        both: true,
        spec: LinkSpec { bandwidth, ..spec() },
    };
    // Another link splits the first end into two zones; they still share the first link's line.
    let other = Link { from: slots(0..10), to: slots(10..20), both: true, spec: spec() };
    let mut net = Net::new(&network(spec(), vec![link, other]), 100, Keys::new(1));
    let full = Fate::Lost(Drop::Full);
    assert_ne!(net.datagram(0, 1, 60, 0, 100), full);
    assert_eq!(net.datagram(0, 30, 70, 0, 100), full);
    assert_ne!(net.datagram(0, 60, 1, 0, 100), full, "the other direction");
    assert_ne!(net.datagram(0, 1, 2, 0, 100), full, "no limit here");
}

#[test]
fn the_default_rate_limit_holds_for_each_pair_of_zones() {
    let bandwidth = Some(Bandwidth { rate: 128_000, limit: 0 });
    let link = Link { from: slots(0..50), to: slots(90..91), both: false, spec: spec() };
    let default = LinkSpec { bandwidth, ..spec() };
    let mut net = Net::new(&network(default, vec![link]), 100, Keys::new(1));
    let mut full = |from, to| net.datagram(0, from, to, 0, 100) == Fate::Lost(Drop::Full);
    let pairs = [(1, 2), (3, 4), (1, 60), (2, 70), (60, 1), (90, 1), (1, 90), (2, 90)];
    let expected = [false, true, false, true, false, false, false, false];
    assert_eq!(pairs.map(|(from, to)| full(from, to)), expected);
}

#[test]
fn thousands_of_links_between_single_nodes_compile() {
    let link =
        |i| Link { from: slots(i..i + 1), to: slots(i + 1..i + 2), both: true, spec: spec() };
    let links = (0..1000).map(|i| link(2 * i)).collect();
    let net = Net::new(&network(spec(), links), 1 << 20, Keys::new(1));
    assert_eq!((net.zones(), net.topology().edge_count()), (2001, 2000));
}

#[test]
fn a_datagram_is_lost_with_any_of_its_fragments() {
    const ARRIVES: Fate = Fate::Arrives { at: MS, copy: None };
    let rate = |loss, bytes| {
        let mut net = net(LinkSpec { mtu: Some(1400), loss, ..spec() });
        let lost = (0..MANY).filter(|&nth| net.datagram(0, 0, 1, nth, bytes) != ARRIVES).count();
        lost as f64 / MANY as f64
    };
    let independent = Loss::Independent(p(0.1));
    close(rate(independent, 1400), 0.1, 0.004);
    close(rate(independent, 1401), 0.19, 0.004);
    close(rate(independent, 14_000), 1.0 - libm::pow(0.9, 10.0), 0.004);
    // Two fragments are two steps of the chain: both delivered needs good, and good again.
    let markov = Loss::GilbertElliott { p: p(0.1), r: p(0.3), h: p(0.0), k: p(1.0) };
    close(rate(markov, 2800), 1.0 - 0.75 * 0.9, 0.006);
}

#[test]
fn later_links_win_and_zones_are_what_links_tell_apart() {
    let link = |from, to, both, ms| {
        let latency = Latency { min: 1, shape: LatencyShape::Fixed(ms * MS) };
        Link { from, to, both, spec: LinkSpec { latency, ..spec() } }
    };
    let links = vec![
        link(slots(0..40), slots(40..80), true, 10),
        link(slots(0..5), slots(40..80), false, 20),
    ];
    let mut net = Net::new(&network(spec(), links), 100, Keys::new(1));
    let zones = [0, 5, 40, 80].map(|slot| net.zone_of(slot));
    assert_eq!((zones, net.zones()), ([0, 1, 2, 3], 4));
    let sizes: Vec<u32> = net.topology().node_weights().map(|zone| zone.slots).collect();
    assert_eq!((sizes, net.topology().edge_count()), (vec![5, 35, 40, 20], 4));
    let mut flight = |from, to| net.datagram(0, from, to, 0, 1);
    let cases = [(3, 50, 20), (50, 3, 10), (30, 50, 10), (50, 30, 10), (3, 30, 1), (3, 90, 1)];
    for (from, to, ms) in cases {
        assert_eq!(flight(from, to), Fate::Arrives { at: ms * MS, copy: None }, "{from} {to}");
    }
    let new = net.add(3);
    assert_eq!((new, net.zone_of(new), net.slots()), (100, 0, 101));
    assert_eq!(net.datagram(0, new, 50, 0, 1), Fate::Arrives { at: 20 * MS, copy: None });
}

#[test]
fn the_least_latency_allows_for_overtaking() {
    let least = |spec| net(spec).least_latency(&[]);
    let reorder = Some(Reorder { chances: chances(0.1), gap: 0 });
    assert_eq!(least(spec()), MS);
    assert_eq!(least(LinkSpec { latency: lognormal(), ..spec() }), 100 * US);
    assert_eq!(least(LinkSpec { reorder, ..spec() }), 100 * US);
    assert_eq!(least(LinkSpec { reorder, delay: Some(delay(MS, 0, 0.0)), ..spec() }), MS);
}
