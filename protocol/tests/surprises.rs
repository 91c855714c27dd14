//! Dissemination and state: the surprises of the specification's section 13 that one node shows alone.

#![allow(clippy::unwrap_used, reason = "a test says so by panicking")]

mod common;

use common::{Lone, ME};
use wavetank_protocol::{
    Config,
    belief::{MemberId, Status},
    message::{Head, Message, MessageKind},
    swim::{Event, Input, Step, StreamMessage},
    time::{MILLISECOND, SECOND},
};

fn config() -> Config {
    Config { push_pull_interval: 0, probe_interval: 0, ..Config::lan() }
}

fn queued(lone: &Lone, kind: MessageKind) -> usize {
    lone.queue().iter().filter(|(_, item)| item.message.kind() == kind).count()
}

/// Transmissions of each message about a member.
fn sent(lone: &Lone, member: u32) -> Vec<Message> {
    let about = |m: &&Message| lone.world.roster.belief(m.belief()).member == MemberId(member);
    let all = lone.out.sent.iter().flat_map(|s| s.3.iter());
    all.filter(|m| m.kind() != MessageKind::User).filter(about).copied().collect()
}

/// Who joins tells everybody of everybody, and what is short and urgent waits behind it (S9).
#[test]
fn s9_a_joiner_tells_again_of_all_it_learned() {
    let mut lone = Lone::created(config(), 30);
    let states: Vec<_> = (1..20).map(|m| lone.state(m, Status::Alive, 1, m, 0)).collect();
    let snapshot = lone.list(&states);
    let message = StreamMessage::State { snapshot, join: true, user: 0 };
    lone.input(Input::Stream(Step::Request { stream: 1, message }));
    assert_eq!(queued(&lone, MessageKind::Alive), 20);
    let suspect = lone.suspect(5, 1, 6);
    lone.hear(suspect);
    assert_eq!(lone.queue().last().map(|(_, i)| i.message), Some(suspect));
}

/// A later accuser's message takes the place of the earlier one in the queue (5.4, S10).
#[test]
fn s10_the_latest_accusation_is_the_one_told_on() {
    let mut lone = Lone::at_rest(Config { probe_interval: 100 * SECOND, ..config() }, 8, 0);
    let accusations = [2, 3, 4].map(|from| lone.suspect(1, 1, from));
    for message in accusations {
        lone.hear(message);
        let queue = lone.queue();
        assert_eq!(queue.len(), 1);
        assert_eq!((queue[0].0, queue[0].1.message), (0, message));
        // Some transmissions, not all.
        lone.run_for(200 * MILLISECOND);
    }
    lone.run_for(5 * SECOND);
    let counts = accusations.map(|m| sent(&lone, 1).iter().filter(|s| **s == m).count());
    assert_eq!(counts, [3, 3, 4]);
}

/// Copies beside acks and copies in gossip count alike (S11).
#[test]
fn s11_piggyback_and_gossip_share_the_budget() {
    let mut lone = Lone::at_rest(config(), 8, 0);
    let dead = lone.dead(1, 1, 2);
    lone.hear(dead);
    let reply = wavetank_protocol::belief::AddressId(3);
    lone.packet(3, Head::Ping { seq: 1, target: ME, reply }, &[]);
    lone.run_for(5 * SECOND);
    let acks = lone.out.sent.iter().filter(|s| s.2 != Head::None).count();
    assert_eq!((sent(&lone, 1).len(), acks, lone.node.queued()), (4, 1, 0));
}

/// A packet's parts are handled alive first, and the last first (S12).
#[test]
fn s12_parts_are_handled_backwards_and_alive_first() {
    let mut lone = Lone::at_rest(config(), 8, 0);
    let (first, last) = (lone.suspect(1, 1, 2), lone.suspect(1, 1, 3));
    let alive = lone.alive(2, 2);
    lone.packet(4, Head::None, &[first, alive, last]);
    let told: Vec<_> = lone
        .events()
        .filter_map(|e| match e {
            Event::Believed { member, from, .. } | Event::Confirmed { member, from } => {
                Some((member.0, from.0))
            }
            _ => None,
        })
        .collect();
    assert_eq!(told, [(2, 2), (1, 3), (1, 2)]);
}

/// A refutation does not take the place of a queued update, nor the other way round (6.4, S14).
#[test]
fn s14_a_refutation_is_queued_beside_an_update() {
    let mut lone = Lone::at_rest(config(), 8, 0);
    let attributes = common::attributes(&mut lone.world.roster, 0, 4);
    lone.call(|node, env| node.update(env, attributes, 0));
    for incarnation in [2, 3] {
        let message = lone.suspect(0, incarnation, 2);
        lone.hear(message);
    }
    let incarnations: Vec<u32> = lone
        .queue()
        .iter()
        .map(|(_, i)| lone.world.roster.belief(i.message.belief()).incarnation)
        .collect();
    assert_eq!(incarnations, [4, 2]);
    lone.audit().unwrap();
}

/// Alone, a node has nobody to tell and its queue only grows (S15).
#[test]
fn s15_the_queue_of_a_lone_node_does_not_drain() {
    let mut lone = Lone::created(config(), 30);
    for member in 1..20 {
        let message = lone.alive(member, 1);
        lone.hear(message);
        let message = lone.dead(member, 1, member);
        lone.hear(message);
    }
    lone.run_for(60 * SECOND);
    assert_eq!((lone.node.queued(), lone.out.sent.len()), (20, 0));
}

/// After a mass restart an accusation of an earlier life reaches nobody who could answer it (S18).
#[test]
fn s18_a_stale_alive_is_dropped_and_the_dead_stays_dead() {
    // One who remembers the earlier life, and the restarted node itself, which knows nobody.
    let mut witness = Lone::at_rest(config(), 5, 0);
    let (alive, dead) = (witness.alive(1, 8), witness.dead(1, 8, 2));
    witness.hear(alive);
    witness.hear(dead);
    let stale = witness.alive(1, 1);
    witness.hear(stale);
    assert_eq!(witness.record(1), Some((Status::Dead, 8)));
    let mut stranger = Lone::created(config(), 5);
    let dead = stranger.dead(1, 8, 2);
    stranger.hear(dead);
    assert_eq!((stranger.record(1), stranger.node.queued()), (None, 1));
}

/// Who has left is succeeded at once, from anywhere, at any incarnation; the dead only later (S20, 9.6).
#[test]
fn s20_a_left_name_is_free_for_all() {
    for (left, expected) in [(true, Some((Status::Alive, 1))), (false, Some((Status::Dead, 9)))] {
        let mut lone = Lone::at_rest(config(), 5, 0);
        let alive = lone.alive(1, 9);
        lone.hear(alive);
        let gone = lone.dead(1, 9, if left { 1 } else { 2 });
        lone.hear(gone);
        let moved = lone.alive_at(1, 1, 70, 0);
        lone.hear(moved);
        assert_eq!(lone.record(1), expected);
        lone.audit().unwrap();
    }
}

/// Nothing happens, nothing is said: there is no announcement of oneself (S30).
#[test]
fn s30_only_changes_are_gossiped() {
    let mut lone = Lone::at_rest(config(), 8, 0);
    lone.run_for(600 * SECOND);
    assert_eq!((lone.out.sent.len(), lone.node.next_wake()), (0, wavetank_protocol::NEVER));
}

/// A leave is done when its message was sent often enough (10.2), alone at once.
#[test]
fn s10_2_leave_returns_after_its_transmissions() {
    for (members, limit, ticks) in [(1, 0, 0), (3, 4, 2), (12, 8, 3), (100, 12, 4)] {
        let mut lone = Lone::at_rest(config(), members, 0);
        lone.now = 100 * MILLISECOND;
        lone.call(|node, env| node.leave(env, 0));
        lone.run_for(10 * SECOND);
        let returned = lone.out.events.iter().find_map(|(at, e)| match e {
            Event::LeaveReturned { in_time: true } => Some(*at),
            _ => None,
        });
        let expected = if ticks == 0 { 100 * MILLISECOND } else { ticks * 200 * MILLISECOND };
        assert_eq!(returned, Some(expected), "{members} members");
        assert_eq!(sent(&lone, 0).len(), limit);
    }
}

/// A call that waits ends with its time-out when it cannot be heard.
#[test]
fn s10_2_leave_gives_up_after_its_time_out() {
    let mut lone = Lone::at_rest(Config { gossip_nodes: 0, ..config() }, 3, 0);
    lone.call(|node, env| node.leave(env, SECOND));
    lone.run_for(10 * SECOND);
    let returned: Vec<_> = lone
        .out
        .events
        .iter()
        .filter_map(|(at, e)| match e {
            Event::LeaveReturned { in_time } => Some((*at, *in_time)),
            _ => None,
        })
        .collect();
    assert_eq!(returned, [(SECOND, false)]);
}

/// Each update waits for its own broadcast: one that takes an earlier one's place ends the earlier wait
/// only (10.4).
#[test]
fn s10_4_an_update_is_not_ended_by_the_one_before() {
    let mut lone = Lone::at_rest(config(), 3, 0);
    for meta in [4, 5] {
        let attributes = common::attributes(&mut lone.world.roster, 0, meta);
        lone.call(|node, env| node.update(env, attributes, 0));
    }
    lone.run_for(SECOND);
    let returned: Vec<_> = lone
        .out
        .events
        .iter()
        .filter_map(|(at, e)| matches!(e, Event::UpdateReturned { .. }).then_some(*at))
        .collect();
    assert_eq!(returned, [0, 400 * MILLISECOND]);
}

/// The messages of one packet fill it to the byte that the original would (S13).
#[test]
fn s13_a_packet_may_exceed_its_target_by_its_own_head() {
    let mut lone = Lone::at_rest(config(), 60, 0);
    for member in 1..60 {
        let message = lone.dead(member, 1, member);
        lone.hear(message);
    }
    let reply = wavetank_protocol::belief::AddressId(3);
    lone.packet(3, Head::Ping { seq: 1, target: ME, reply }, &[]);
    let world = &lone.world;
    let (_, _, head, messages) = &lone.out.sent[0];
    let each = world.sizes.message(&world.roster, messages[0]);
    let head = world.sizes.head(&world.roster, ME, *head);
    // Room for so many beside the head, whose own two bytes of length are not counted.
    assert_eq!(messages.len() as u32, (1400 - head - 2) / (each + 2));
}
