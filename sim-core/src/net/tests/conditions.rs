//! Faults, partitions and blocks.

use super::*;
use crate::plan::{
    Bandwidth, Delay, Direction, JitterShape, Of, Path, Reorder, Selector, Transport,
};

fn delay(latency: Span, jitter: Span) -> PathFault {
    let correlation = p(0.5);
    PathFault::Delay(Delay { latency, jitter, correlation, distribution: JitterShape::Normal })
}

fn loss(share: f64) -> PathFault {
    PathFault::Loss(Loss::Independent(p(share)))
}

#[test]
fn faults_compose() {
    let mut net = net(LinkSpec { loss: Loss::Independent(p(0.1)), ..spec() });
    net.apply(0, &fault(loss(0.2)));
    net.apply(1, &fault(loss(0.3)));
    close(share(&mut net, Drop::Loss, 200_000), 1.0 - 0.9 * 0.8 * 0.7, 0.005);
    net.apply(2, &fault(delay(2 * MS, 0)));
    net.apply(3, &fault(delay(3 * MS, 0)));
    assert!(flights(&mut net, 0, 100).iter().flatten().all(|&flight| flight == 6 * MS));
}

#[test]
fn occurrences_of_one_entry_at_once_are_independent_too() {
    let mut net = net(spec());
    net.apply(0, &fault(loss(0.5)));
    net.apply(0, &fault(loss(0.5)));
    close(share(&mut net, Drop::Loss, 100_000), 0.75, 0.01);
}

#[test]
fn a_fault_that_is_switched_on_moves_no_draw_of_another() {
    let latency = lognormal();
    let before = {
        let mut net = net(LinkSpec { latency: latency.clone(), ..spec() });
        net.apply(4, &fault(delay(20 * MS, 3 * MS)));
        net.apply(5, &fault(loss(0.2)));
        flights(&mut net, 9, 3000)
    };
    let others = [
        fault(loss(0.4)),
        fault(PathFault::Loss(Loss::FourState {
            p13: p(0.1),
            p31: p(0.3),
            p32: p(0.1),
            p23: p(0.5),
            p14: p(0.1),
        })),
        fault(PathFault::Corrupt(chances(0.4))),
        fault(PathFault::Duplicate(chances(0.4))),
        Condition::Partition {
            groups: vec![slots(0..50), slots(50..100)],
            direction: Direction::Both,
            streams_open: false,
        },
    ];
    for other in others {
        let mut net = net(LinkSpec { latency: latency.clone(), ..spec() });
        let id = net.apply(1, &other);
        net.apply(4, &fault(delay(20 * MS, 3 * MS)));
        net.apply(5, &fault(loss(0.2)));
        let after = flights(&mut net, 9, 3000);
        let mut both = 0;
        for (before, after) in before.iter().zip(&after) {
            assert!(before.is_some() || after.is_none(), "what was lost stays lost");
            if let (Some(before), Some(after)) = (before, after) {
                assert_eq!(before, after);
                both += 1;
            }
        }
        assert!(both > 1000);
        net.lift(id);
        let rest = |net: &mut Net| net.datagram(0, 9, 1, 5000, 10);
        let mut fresh = super::net(LinkSpec { latency: latency.clone(), ..spec() });
        fresh.apply(5, &fault(loss(0.2)));
        net.lift(ConditionId(1));
        assert_eq!(rest(&mut net), rest(&mut fresh));
    }
}

#[test]
fn a_cut_datagram_still_moves_its_chains() {
    let markov = Loss::GilbertElliott { p: p(0.1), r: p(0.1), h: p(0.0), k: p(1.0) };
    let whole = fates(&mut net(LinkSpec { loss: markov, ..spec() }), 2, 600);
    let mut net = net(LinkSpec { loss: markov, ..spec() });
    let cut = Condition::Block { who: slots(0..100), transport: None, direction: Direction::Both };
    let id = net.apply(0, &cut);
    assert!(fates(&mut net, 2, 300).iter().all(|&fate| fate == Fate::Lost(Drop::Cut)));
    net.lift(id);
    let rest: Vec<Fate> =
        (300..600).map(|nth| net.datagram(nth * SECOND, 2, 1, nth, 100)).collect();
    assert_eq!(rest, whole[300..]);
}

#[test]
fn a_fault_applies_to_its_path_and_direction_only() {
    for both in [false, true] {
        let mut net = net(spec());
        let (from, to) = (slots(0..10), slots(20..30));
        net.apply(0, &Condition::Fault { from, to, both, fault: delay(MS, 0) });
        let mut flight = |from, to| match net.datagram(0, from, to, 0, 1) {
            Fate::Arrives { at, .. } => at / MS,
            Fate::Lost(_) => 0,
        };
        let backward = if both { 2 } else { 1 };
        for (from, to, expected) in [(3, 25, 2), (25, 3, backward), (3, 4, 1), (25, 26, 1)] {
            assert_eq!(flight(from, to), expected, "{from} {to}");
        }
    }
}

#[test]
fn reordering_needs_no_delay_of_its_own() {
    let reorder = || fault(PathFault::Reorder(Reorder { chances: chances(1.0), gap: 0 }));
    let mut delayed = net(spec());
    delayed.apply(0, &fault(delay(5 * MS, MS)));
    delayed.apply(1, &reorder());
    assert!(flights(&mut delayed, 0, 50).iter().all(|&f| f == Some(MS)));
    let mut bare = net(spec());
    bare.apply(1, &reorder());
    assert!(flights(&mut bare, 0, 50).iter().all(|&f| f == Some(100 * US)));
    let all = || Selector { of: Of::Set(slots(0..100)), pick: None, repick: false };
    let entry = |fault| Entry {
        id: String::new(),
        line: 0,
        when: crate::plan::When::At(0),
        repeat: None,
        lasts: None,
        action: Action::Fault { path: Path { from: all(), to: all(), both: true }, fault },
    };
    let reorder = PathFault::Reorder(Reorder { chances: chances(0.1), gap: 0 });
    assert_eq!(bare.least_latency(&[entry(loss(0.1)), entry(reorder)]), 100 * US);
    assert_eq!(bare.least_latency(&[entry(loss(0.1))]), MS);
}

#[test]
fn rate_limits_are_passed_in_series_one_per_direction() {
    let limit = |rate| fault_between(Bandwidth { rate, limit: 0 });
    let mut net = net(spec());
    net.apply(0, &limit(128_000));
    net.apply(1, &limit(64_000));
    let mut send = |from, to| net.datagram(0, from, to, 0, 100);
    assert_eq!(send(3, 25), Fate::Arrives { at: 4 * MS, copy: None });
    assert_eq!(send(4, 26), Fate::Lost(Drop::Full));
    assert_eq!(send(25, 3), Fate::Arrives { at: 4 * MS, copy: None });
    assert_eq!(send(3, 4), Fate::Arrives { at: MS, copy: None });
}

fn fault_between(limits: Bandwidth) -> Condition {
    let fault = PathFault::Bandwidth(limits);
    Condition::Fault { from: slots(0..10), to: slots(20..30), both: true, fault }
}

/// Which of a and b, a and x, b and c, and the ways back, are cut; a, b, c in three groups, x in none.
fn cuts(condition: &Condition) -> String {
    let mut net = net(spec());
    let id = net.apply(0, condition);
    let pairs = [(0, 10), (10, 0), (0, 30), (30, 0), (10, 20), (20, 10), (0, 1)];
    let word = pairs.map(|(from, to)| {
        let udp = net.can_send(from, to);
        let fate = net.datagram(0, from, to, 0, 1);
        assert_eq!(udp, fate != Fate::Lost(Drop::Cut));
        assert_eq!(net.can_exchange(from, to), udp && net.can_send(to, from));
        let leg = net.stream_leg(0, from, to, 0, 1) != Leg::Cut;
        let dial = net.dial(0, from, to, 0) != Leg::Cut;
        assert_eq!(dial, net.can_stream(from, to));
        match (udp, leg, dial) {
            (true, true, true) => '.',
            (false, true, true) => 'u',
            (true, false, false) => 't',
            (false, false, false) => '#',
            // The way back of a stream is missing.
            (true, true, false) => '<',
            other => panic!("{other:?}"),
        }
    });
    net.lift(id);
    assert!(net.can_send(0, 10) && net.can_stream(10, 20));
    word.iter().collect()
}

#[test]
fn partitions_cut_in_the_direction_seen_from_the_first_group() {
    let partition = |direction, streams_open| Condition::Partition {
        groups: vec![slots(0..10), slots(10..20), slots(20..30)],
        direction,
        streams_open,
    };
    // a to b, b to a, a to x, x to a, b to c, c to b, within a.
    assert_eq!(cuts(&partition(Direction::Both, false)), "##..##.");
    assert_eq!(cuts(&partition(Direction::Both, true)), "uu..uu.");
    assert_eq!(cuts(&partition(Direction::To, false)), "<#.....");
    assert_eq!(cuts(&partition(Direction::From, false)), "#<.....");
    assert_eq!(cuts(&partition(Direction::From, true)), "u......");
}

#[test]
fn a_bridge_reaches_both_of_its_groups() {
    let bridge = Condition::Partition {
        groups: vec![slots(0..15), slots(10..30)],
        direction: Direction::Both,
        streams_open: false,
    };
    let mut net = net(spec());
    net.apply(0, &bridge);
    assert!(!net.can_exchange(5, 25) && net.can_exchange(5, 12) && net.can_exchange(12, 25));
}

#[test]
fn any_number_of_groups_is_kept_apart() {
    let groups = (0..100).map(|slot| slots(slot..slot + 1)).collect();
    let mut net = net(spec());
    net.apply(0, &Condition::Partition { groups, direction: Direction::Both, streams_open: false });
    assert!((0..100).all(|a| (0..100).all(|b| net.can_exchange(a, b) == (a == b))));
}

#[test]
fn a_fault_that_returns_finds_its_chains_in_another_state() {
    let markov = Loss::GilbertElliott { p: p(0.001), r: p(0.001), h: p(0.0), k: p(1.0) };
    let mut net = net(spec());
    let mut lost = 0;
    for nth in 0..2000 {
        let id = net.apply(0, &fault(PathFault::Loss(markov)));
        lost += u32::from(net.datagram(0, 5, 1, nth, 1) == Fate::Lost(Drop::Loss));
        net.lift(id);
    }
    close(f64::from(lost) / 2000.0, 0.5, 0.04);
}

#[test]
fn blocks_stop_a_transport_in_the_direction_seen_from_the_nodes() {
    let block = |transport, direction| Condition::Block { who: slots(0..1), transport, direction };
    assert_eq!(cuts(&block(None, Direction::Both)), "####..#");
    assert_eq!(cuts(&block(Some(Transport::Udp), Direction::Both)), "uuuu..u");
    assert_eq!(cuts(&block(Some(Transport::Tcp), Direction::Both)), "tttt..t");
    assert_eq!(cuts(&block(Some(Transport::Udp), Direction::To)), ".u.u...");
    assert_eq!(cuts(&block(Some(Transport::Udp), Direction::From)), "u.u...u");
    assert_eq!(cuts(&block(None, Direction::From)), "#<#<..#");
}

#[test]
fn who_is_added_under_a_condition_stands_where_its_model_stands() {
    let mut net = net(spec());
    net.apply(
        0,
        &Condition::Block { who: slots(3..4), transport: None, direction: Direction::Both },
    );
    let (blocked, free) = (net.add(3), net.add(4));
    assert!(!net.can_send(blocked, 50) && net.can_send(free, 50));
}
