//! Legs of streams.

use super::*;
use crate::plan::{Bandwidth, Delay, JitterShape};

fn at(leg: Leg) -> (Time, u32) {
    match leg {
        Leg::Arrives { at, resent } => (at, resent),
        Leg::Cut => panic!("cut"),
    }
}

#[test]
fn without_loss_a_leg_takes_the_latency() {
    let mut net = net(spec());
    for leg in [net.dial(5, 0, 1, 0), net.answer(5, 1, 0, 0), net.stream_leg(5, 0, 1, 0, 900)] {
        assert_eq!(at(leg), (5 + MS, 0));
    }
}

#[test]
fn long_transfers_take_the_round_trips_of_slow_start() {
    let mut net = net(spec());
    for (bytes, ms) in [(0, 1), (14_600, 1), (14_601, 3), (43_800, 3), (43_801, 5), (1 << 20, 13)] {
        assert_eq!(at(net.stream_leg(0, 0, 1, 0, bytes)), (ms * MS, 0), "{bytes}");
    }
}

#[test]
fn losses_are_time_outs_that_double() {
    let mut lossy = net(LinkSpec { loss: Loss::Independent(p(0.3)), ..spec() });
    let n = 20_000u32;
    for (data, rto) in [(false, SECOND), (true, SECOND / 5)] {
        let mut counts = [0u32; 8];
        for nth in 0..u64::from(n) {
            let leg =
                if data { lossy.stream_leg(0, 4, 5, nth, 10) } else { lossy.dial(0, 4, 5, nth) };
            let Leg::Arrives { at, resent } = leg else { continue };
            // Beyond, Linux's two minutes cap them.
            assert!(resent > 6 || at == MS + ((1 << resent) - 1) * rto, "{leg:?}");
            counts[resent.min(7) as usize] += 1;
        }
        let mut expected = 0.7;
        for count in &counts[..4] {
            close(f64::from(*count) / f64::from(n), expected, 0.01);
            expected *= 0.3;
        }
    }
}

#[test]
fn streams_meet_the_long_run_loss_or_the_one_that_is_set() {
    let markov = Loss::GilbertElliott { p: p(0.1), r: p(0.4), h: p(0.0), k: p(1.0) };
    let resent = |own: Option<f64>| {
        let mut network = network(LinkSpec { loss: markov, ..spec() }, Vec::new());
        network.streams.loss = own.map(p);
        let mut net = Net::new(&network, 10, Keys::new(1));
        net.apply(0, &fault(PathFault::Loss(Loss::Independent(p(0.5)))));
        let again = (0..20_000).filter(|&nth| at_or_cut(net.stream_leg(0, 0, 1, nth, 1)) > 0);
        again.count() as f64 / 2e4
    };
    close(resent(None), 1.0 - 0.8 * 0.5, 0.01);
    close(resent(Some(0.05)), 0.05, 0.01);
    close(resent(Some(0.0)), 0.0, 0.0);
}

fn at_or_cut(leg: Leg) -> u32 {
    match leg {
        Leg::Arrives { resent, .. } => resent,
        Leg::Cut => u32::MAX,
    }
}

#[test]
fn a_path_that_loses_everything_is_cut() {
    let mut net = net(LinkSpec { loss: Loss::Independent(p(1.0)), ..spec() });
    assert_eq!(net.dial(0, 0, 1, 0), Leg::Cut);
    assert_eq!(net.stream_leg(0, 0, 1, 0, 1), Leg::Cut);
}

#[test]
fn loss_moves_no_latency_of_a_stream() {
    let run = |loss| {
        let mut net = net(LinkSpec { latency: lognormal(), loss, ..spec() });
        (0..500).map(|nth| at(net.stream_leg(0, 0, 1, nth, 1))).collect::<Vec<_>>()
    };
    for (plain, lossy) in run(Loss::None).into_iter().zip(run(Loss::Independent(p(0.2)))) {
        assert_eq!(plain.0 + ((1 << lossy.1) - 1) * 200 * MS, lossy.0);
    }
}

#[test]
fn delays_and_rate_limits_hold_for_streams_but_leave_datagrams_their_room() {
    let mut net = net(spec());
    let delay = Delay {
        latency: 4 * MS,
        jitter: 0,
        correlation: p(0.0),
        distribution: JitterShape::Normal,
    };
    net.apply(0, &fault(PathFault::Delay(delay)));
    assert_eq!(at(net.stream_leg(0, 0, 1, 0, 1)).0, 5 * MS);
    assert_eq!(at(net.stream_leg(0, 0, 1, 0, 20_000)).0, 15 * MS);
    net.apply(1, &fault(PathFault::Bandwidth(Bandwidth { rate: 1_000_000, limit: 0 })));
    // 1000 bytes and the headers of a segment at a byte a microsecond.
    assert_eq!(at(net.stream_leg(0, 0, 1, 0, 1000)).0, 5 * MS + 1040 * US);
    assert_eq!(at(net.stream_leg(0, 0, 1, 0, 1000)).0, 5 * MS + 2080 * US);
    assert_eq!(net.datagram(0, 0, 1, 0, 72), Fate::Arrives { at: 5 * MS + 100 * US, copy: None });
}
