//! When a node probes and what a probe costs (specification 3 and 4), to the nanosecond.

#![allow(clippy::unwrap_used, reason = "a test says so by panicking")]

mod common;

use common::{Lone, ME};
use wavetank_protocol::{
    Config,
    belief::{AddressId, MemberId, Status},
    message::Head,
    swim::{Action, Event, Input, ProbeEnd, Step, StreamMessage},
    time::{MILLISECOND, SECOND},
};

fn config() -> Config {
    Config { disable_tcp_pings: true, push_pull_interval: 0, ..Config::lan() }
}

/// A node whose score was driven to this by accusations.
fn with_score(config: Config, score: u32) -> Lone {
    let mut lone = Lone::at_rest(config, 8, 0);
    for incarnation in 1..=score {
        let message = lone.suspect(0, incarnation, 2);
        lone.hear(message);
    }
    assert_eq!(lone.node.health(), score);
    lone
}

fn ends(lone: &Lone) -> Vec<(u64, ProbeEnd)> {
    let ends = lone.out.events.iter().filter_map(|(at, event)| match event {
        Event::Probed { end, .. } => Some((*at, *end)),
        _ => None,
    });
    ends.collect()
}

/// Share of the ticks that probe, all members alive and answering.
fn rate(members: u32, ticks: u64) -> f64 {
    let mut lone = Lone::at_rest(config(), members, 0);
    lone.run_answered(ticks * SECOND, |_| true);
    lone.probe_starts().len() as f64 / ticks as f64
}

#[test]
fn s5_tiny_clusters_waste_ticks() {
    for (members, expected) in
        [(1, 0.0), (2, 4.0 / 7.0), (3, 18.0 / 19.0), (4, 1.0), (5, 1.0), (17, 1.0)]
    {
        let found = rate(members, 20_000);
        assert!((found - expected).abs() < 0.01, "{members} members: {found}, not {expected}");
    }
}

#[test]
fn s5_a_pair_probes_after_one_tick_or_two() {
    let mut lone = Lone::at_rest(config(), 2, 0);
    lone.run_answered(20_000 * SECOND, |_| true);
    let starts = lone.probe_starts();
    let gaps: Vec<u64> = starts.windows(2).map(|w| (w[1] - w[0]) / SECOND).collect();
    let ones = gaps.iter().filter(|g| **g == 1).count() as f64 / gaps.len() as f64;
    assert!(gaps.iter().all(|g| *g == 1 || *g == 2));
    assert!((ones - 0.25).abs() < 0.02, "{ones}");
}

/// Tickers begin at the creation; nothing shifts their phase (3.2, S1).
#[test]
fn s1_ticks_stand_on_the_grid_of_the_creation() {
    let mut lone = Lone::created(config(), 5);
    lone.run_until(300 * MILLISECOND);
    let alive = lone.alive(1, 1);
    lone.hear(alive);
    lone.run_answered(5 * SECOND, |_| true);
    assert!(!lone.probe_starts().is_empty());
    assert!(lone.probe_starts().iter().all(|at| at % SECOND == 0));
    let gossip = lone.out.sent.iter().filter(|s| s.2 == Head::None).map(|s| s.0);
    let gossip: Vec<u64> = gossip.collect();
    assert_eq!(gossip.first(), Some(&(400 * MILLISECOND)));
    assert!(gossip.iter().all(|at| at % (200 * MILLISECOND) == 0));
}

/// With the score at 2 a failing probe lasts three intervals, the next one starts at once, and then the
/// grid holds again (3.3).
#[test]
fn s3_3_a_failing_probe_costs_its_scaled_interval() {
    let mut lone = with_score(config(), 2);
    lone.run_until(1500 * MILLISECOND);
    assert_eq!(lone.probe_starts(), [SECOND]);
    lone.run_until(4 * SECOND - 1);
    assert_eq!(lone.probe_starts(), [SECOND]);
    lone.run_answered(6 * SECOND, |_| true);
    assert_eq!(ends(&lone)[0], (4 * SECOND, ProbeEnd::Failed));
    let starts: Vec<u64> = lone.probe_starts().iter().map(|at| at / SECOND).collect();
    assert_eq!(starts, [1, 4, 5, 6]);
}

/// The score lengthens nothing but a failing probe (S3).
#[test]
fn s3_health_does_not_slow_probes_that_succeed() {
    let mut lone = with_score(config(), 7);
    lone.run_answered(8 * SECOND, |_| true);
    let starts: Vec<u64> = lone.probe_starts().iter().map(|at| at / SECOND).collect();
    assert_eq!(starts, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(lone.node.health(), 0);
    let mut lone = with_score(config(), 7);
    lone.run_until(SECOND);
    lone.run_until(SECOND + 500 * MILLISECOND);
    assert!(lone.events().any(|e| matches!(e, Event::ProbeTimeout { .. })), "T is not scaled");
}

/// Nacks of a silent target against the deadline: late at score 0 with LAN and WAN, in time otherwise.
#[test]
fn s2_nacks_come_too_late_at_score_0() {
    let local = Config { disable_tcp_pings: true, push_pull_interval: 0, ..Config::local() };
    let wan = Config { disable_tcp_pings: true, push_pull_interval: 0, ..Config::wan() };
    for (name, config, score, after) in [
        ("LAN", config(), 0, 3),
        ("LAN", config(), 1, 1),
        ("WAN", wan.clone(), 0, 3),
        ("WAN", wan, 2, 2),
        ("local", local.clone(), 0, 0),
        ("local", local, 1, 1),
    ] {
        let interval = config.probe_interval;
        let nacked = interval + 2 * config.probe_timeout + MILLISECOND;
        let mut lone = with_score(config, score);
        lone.run_until(nacked);
        let asked: Vec<u32> = lone
            .out
            .sent
            .iter()
            .filter_map(|s| match s.2 {
                Head::IndirectPing { seq, .. } => Some(seq),
                _ => None,
            })
            .collect();
        for seq in asked {
            lone.packet(5, Head::Nack { seq }, &[]);
        }
        lone.run_until(interval * u64::from(score + 2));
        assert_eq!(lone.node.health(), after, "{name} at score {score}");
    }
}

/// A relay asks at once, passes an ack on, and says no after its time-out; an ack at that very instant is
/// too late (4.6).
#[test]
fn s4_6_a_relay_answers_once() {
    let half = 500 * MILLISECOND;
    for (acked_at, expected) in [
        (Some(0), Some((0, Head::Ack { seq: 77, payload: false }))),
        (Some(half - 1), Some((half - 1, Head::Ack { seq: 77, payload: false }))),
        (Some(half), Some((half, Head::Nack { seq: 77 }))),
        (None, Some((half, Head::Nack { seq: 77 }))),
    ] {
        let mut lone = Lone::at_rest(Config { probe_interval: 0, ..config() }, 4, 0);
        let (target, reply) = (MemberId(2), AddressId(1));
        let address = AddressId(2);
        lone.packet(1, Head::IndirectPing { seq: 77, target, address, nack: true, reply }, &[]);
        let Head::Ping { seq, target, .. } = lone.out.sent[0].2 else { panic!("no ping") };
        assert_eq!((lone.out.sent[0].1, target), (address, MemberId(2)));
        if let Some(at) = acked_at {
            lone.run_until(at);
            lone.packet(2, Head::Ack { seq, payload: false }, &[]);
        }
        lone.run_until(3 * SECOND);
        let answers: Vec<_> = lone.out.sent[1..].iter().map(|s| (s.0, s.1, s.2)).collect();
        let expected: Vec<_> = expected.iter().map(|(at, head)| (*at, reply, *head)).collect();
        assert_eq!(answers, expected, "acked at {acked_at:?}");
    }
}

/// A ping for another name is not answered; one for this name is, also after leaving (4.8).
#[test]
fn s4_8_pings_are_answered_by_name() {
    let mut lone = Lone::at_rest(config(), 4, 0);
    for (target, answers) in [(MemberId(1), 0), (ME, 1)] {
        lone.out.sent.clear();
        lone.packet(1, Head::Ping { seq: 5, target, reply: AddressId(3) }, &[]);
        assert_eq!(lone.out.sent.len(), answers);
    }
    lone.call(|node, env| node.leave(env, 0));
    lone.out.sent.clear();
    lone.packet(1, Head::Ping { seq: 6, target: ME, reply: AddressId(3) }, &[]);
    assert_eq!(
        (lone.out.sent[0].1, lone.out.sent[0].2),
        (AddressId(3), Head::Ack { seq: 6, payload: false })
    );
}

/// A target that only streams reach costs the whole interval and still improves the score (S4).
#[test]
fn s4_a_stream_ping_saves_the_target_at_the_deadline() {
    let config = Config { disable_tcp_pings: false, ..config() };
    let mut lone = with_score(config, 1);
    lone.run_until(1500 * MILLISECOND);
    let Some((_, wavetank_protocol::swim::Action::Dial { token, ping: true, .. })) =
        lone.out.actions.last().copied()
    else {
        panic!("no stream ping")
    };
    lone.input(Input::Stream(Step::Connected { token }));
    let message = StreamMessage::Ack { seq: 1 };
    lone.input(Input::Stream(Step::Reply { token, message }));
    lone.run_until(3 * SECOND);
    assert_eq!(ends(&lone)[0], (3 * SECOND, ProbeEnd::Stream));
    assert_eq!((lone.node.health(), lone.node.suspected()), (0, 0));
}

/// With a time-out beyond the interval relays are asked when it is too late for them (S6).
#[test]
fn s6_a_time_out_beyond_the_interval_leaves_no_time_for_relays() {
    let mut lone = Lone::at_rest(Config { probe_timeout: 2 * SECOND, ..config() }, 8, 0);
    lone.run_until(2 * SECOND);
    let asked = lone.out.sent.iter().filter(|s| matches!(s.2, Head::IndirectPing { .. }));
    assert_eq!(asked.map(|s| s.0).collect::<Vec<_>>(), [2 * SECOND; 3]);
    assert_eq!(ends(&lone), [(2 * SECOND, ProbeEnd::Failed)]);
}

/// The gone are reaped at the wrap of the cursor and nowhere else (3.7, S8).
#[test]
fn s8_the_dead_are_reaped_at_the_wrap() {
    let mut lone = Lone::at_rest(config(), 40, 0);
    let dead = lone.dead(1, 1, 2);
    lone.hear(dead);
    lone.run_answered(300 * SECOND, |_| true);
    let reaped = lone.out.events.iter().find(|(_, e)| matches!(e, Event::Reaped { .. }));
    let at = reaped.unwrap().0;
    // A round is at most 39 ticks; the record must be 30 s old before.
    assert!(at > 30 * SECOND && at <= (30 + 40) * SECOND, "{at}");
    assert_eq!(lone.record(1), None);
}

/// A suspicion keeps the limits of the moment it began (S29).
#[test]
fn s29_a_suspicion_keeps_the_size_it_began_with() {
    let mut lone = Lone::at_rest(Config { probe_interval: SECOND, ..config() }, 3, 60);
    let suspect = lone.suspect(1, 1, 2);
    lone.hear(suspect);
    for member in 3..60 {
        let alive = lone.alive(member, 1);
        lone.hear(alive);
    }
    lone.run_answered(10 * SECOND, |m| m != 1);
    let expired = lone.out.events.iter().find_map(|(at, e)| match e {
        Event::SuspicionExpired { expected, .. } => Some((*at, *expected)),
        _ => None,
    });
    assert_eq!(expired, Some((4 * SECOND, 0)));
}

/// Without probing a suspicion has no time at all (1.3).
#[test]
fn s1_3_without_probes_a_suspicion_is_over_at_once() {
    let mut lone = Lone::at_rest(Config { probe_interval: 0, ..config() }, 5, 0);
    lone.now = SECOND;
    let suspect = lone.suspect(1, 1, 2);
    lone.hear(suspect);
    lone.run_until(SECOND);
    assert_eq!(lone.record(1), Some((Status::Dead, 1)));
}

/// The first push/pull is a stagger and a whole period away, and the period is that of the members known
/// when the stagger ends, not of the lonely node that was created (3.4).
#[test]
fn s3_4_the_first_push_pull_waits_for_the_size_it_has_by_then() {
    for (others, scale) in [(5, 1), (40, 2), (100, 3)] {
        let config = Config { push_pull_interval: 30 * SECOND, ..config() };
        let mut lone = Lone::created(config, others);
        for member in 1..=others {
            let alive = lone.alive(member, 1);
            lone.hear(alive);
        }
        lone.run_answered(150 * SECOND, |_| true);
        let dial = lone.out.actions.iter().find(|a| matches!(a.1, Action::Dial { .. }));
        let at = dial.unwrap().0;
        let least = scale * 30 * SECOND;
        assert!((least..least + 30 * SECOND).contains(&at), "{others} others: {at}");
    }
}

/// Settings may turn a loop off while the node runs; it must not spin.
#[test]
fn loops_that_are_turned_off_end() {
    let mut lone = Lone::at_rest(Config { push_pull_interval: SECOND, ..config() }, 1, 0);
    lone.config = Config { push_pull_interval: 0, probe_interval: 0, ..lone.config };
    lone.run_until(3 * SECOND);
    assert_eq!(lone.node.next_wake(), wavetank_protocol::NEVER);
}
