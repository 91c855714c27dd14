//! The handlers of alive, suspect and dead, cell by cell (specification 6.5), and 9.6 for the node that
//! comes back.

#![allow(clippy::unwrap_used, reason = "a test says so by panicking")]

mod common;

use common::{Lone, ME};
use wavetank_protocol::{
    Config,
    belief::Status,
    message::{Head, Message},
    swim::{Event, Step, StreamMessage},
    time::SECOND,
};

/// The member that the records are about, its accusers, and the incarnation of the record.
const THEM: u32 = 1;
const INCARNATION: u32 = 5;

#[derive(Clone, Copy, Debug)]
enum Say {
    Alive,
    AliveElsewhere,
    Suspect,
    Dead,
    Left,
}

/// A node of five whose record about `THEM` is in a state at incarnation 5, with an empty agenda.
fn with_record(status: Option<Status>, reclaim: u64) -> Lone {
    let config = Config { dead_node_reclaim_time: reclaim, ..Config::lan() };
    let known = if status.is_some() { 5 } else { 1 };
    let mut lone = Lone::at_rest(config, known, 5 - known + 5);
    if let Some(status) = status {
        let alive = lone.alive(THEM, INCARNATION);
        lone.hear(alive);
        let then = match status {
            Status::Alive => None,
            Status::Suspect => Some(lone.suspect(THEM, INCARNATION, 2)),
            Status::Dead => Some(lone.dead(THEM, INCARNATION, 2)),
            Status::Left => Some(lone.dead(THEM, INCARNATION, THEM)),
        };
        if let Some(message) = then {
            lone.hear(message);
        }
        assert_eq!(lone.record(THEM), Some((status, INCARNATION)));
    }
    lone.out.events.clear();
    lone
}

fn say(lone: &mut Lone, what: Say, incarnation: u32) -> Message {
    match what {
        Say::Alive => lone.alive(THEM, incarnation),
        Say::AliveElsewhere => lone.alive_at(THEM, incarnation, 77, 0),
        Say::Suspect => lone.suspect(THEM, incarnation, 3),
        Say::Dead => lone.dead(THEM, incarnation, 3),
        Say::Left => lone.dead(THEM, incarnation, THEM),
    }
}

/// What came of a message: the new record, a conflict, a confirmation, or nothing; `+` when it is told on.
fn outcome(lone: &mut Lone, message: Message) -> String {
    let queue = lone.queue();
    lone.out.events.clear();
    lone.hear(message);
    lone.audit().unwrap();
    let mut words = Vec::new();
    for event in lone.events() {
        words.push(match event {
            Event::Believed { new, .. } => {
                let belief = lone.world.roster.belief(*new);
                format!("{:?}@{}", belief.status, belief.incarnation)
            }
            Event::Conflict { .. } => "conflict".to_owned(),
            Event::Confirmed { .. } => "confirmed".to_owned(),
            Event::Refuted { .. } | Event::Health { .. } | Event::Handled { .. } => continue,
            other => format!("{other:?}"),
        });
    }
    if words.is_empty() {
        words.push("-".to_owned());
    }
    if lone.queue() != queue {
        words.push("+".to_owned());
    }
    words.join(" ")
}

/// Outcomes with an incarnation below, equal to and above the record's.
fn row(record: Option<Status>, what: Say, reclaim: u64, wait: u64) -> [String; 3] {
    [INCARNATION - 1, INCARNATION, INCARNATION + 1].map(|incarnation| {
        let mut lone = with_record(record, reclaim);
        lone.now += wait;
        let message = say(&mut lone, what, incarnation);
        outcome(&mut lone, message)
    })
}

#[test]
fn s6_5_every_cell_of_the_matrix() {
    let nothing = ["-", "-", "-"];
    let conflict = ["conflict", "conflict", "conflict"];
    for (record, what, expected) in [
        (None, Say::Alive, ["Alive@4 +", "Alive@5 +", "Alive@6 +"]),
        (None, Say::Suspect, nothing),
        (None, Say::Dead, nothing),
        (None, Say::Left, nothing),
        (Some(Status::Alive), Say::Alive, ["-", "-", "Alive@6 +"]),
        (Some(Status::Alive), Say::AliveElsewhere, conflict),
        (Some(Status::Alive), Say::Suspect, ["-", "Suspect@5 +", "Suspect@6 +"]),
        (Some(Status::Alive), Say::Dead, ["-", "Dead@5 +", "Dead@6 +"]),
        (Some(Status::Alive), Say::Left, ["-", "Left@5 +", "Left@6 +"]),
        (Some(Status::Suspect), Say::Alive, ["-", "-", "Alive@6 +"]),
        (Some(Status::Suspect), Say::AliveElsewhere, conflict),
        (Some(Status::Suspect), Say::Suspect, ["-", "confirmed +", "confirmed +"]),
        (Some(Status::Suspect), Say::Dead, ["-", "Dead@5 +", "Dead@6 +"]),
        (Some(Status::Suspect), Say::Left, ["-", "Left@5 +", "Left@6 +"]),
        (Some(Status::Dead), Say::Alive, ["-", "-", "Alive@6 +"]),
        (Some(Status::Dead), Say::AliveElsewhere, conflict),
        (Some(Status::Dead), Say::Suspect, nothing),
        (Some(Status::Dead), Say::Dead, nothing),
        (Some(Status::Dead), Say::Left, nothing),
        (Some(Status::Left), Say::Alive, ["-", "-", "Alive@6 +"]),
        (Some(Status::Left), Say::AliveElsewhere, ["Alive@4 +", "Alive@5 +", "Alive@6 +"]),
        (Some(Status::Left), Say::Suspect, nothing),
        (Some(Status::Left), Say::Dead, nothing),
        (Some(Status::Left), Say::Left, nothing),
    ] {
        assert_eq!(row(record, what, 0, 0), expected, "{record:?}, {what:?}");
    }
}

/// The only cell that a setting changes: a dead name may move once it has been dead for long enough.
#[test]
fn s6_1_a_dead_name_is_taken_over_after_its_time() {
    let row = |wait| row(Some(Status::Dead), Say::AliveElsewhere, 10 * SECOND, wait);
    assert_eq!(row(10 * SECOND), ["conflict", "conflict", "conflict"]);
    assert_eq!(row(10 * SECOND + 1), ["Alive@4 +", "Alive@5 +", "Alive@6 +"]);
}

/// The record's incarnation is not raised by a confirmation, so the dead message carries the old one (S28).
#[test]
fn s28_a_confirmation_does_not_raise_the_record() {
    let mut lone = with_record(Some(Status::Suspect), 0);
    let message = lone.suspect(THEM, INCARNATION + 3, 3);
    assert_eq!(outcome(&mut lone, message), "confirmed +");
    assert_eq!(lone.record(THEM), Some((Status::Suspect, INCARNATION)));
    lone.run_until(200 * SECOND);
    let dead = lone.out.sent.iter().flat_map(|(_, _, _, messages)| messages);
    let dead = dead.map(|m| m.belief()).find(|b| {
        let belief = lone.world.roster.belief(*b);
        belief.status == Status::Dead && belief.member.0 == THEM
    });
    assert_eq!(lone.world.roster.belief(dead.unwrap()).incarnation, INCARNATION);
}

#[test]
fn s5_3_the_same_accuser_confirms_once_and_only_so_many_count() {
    let mut lone = with_record(Some(Status::Suspect), 0);
    for (from, expected) in
        [(2, "-"), (3, "confirmed +"), (3, "-"), (4, "confirmed +"), (5, "-"), (0, "-")]
    {
        let message = lone.suspect(THEM, INCARNATION, from);
        assert_eq!(outcome(&mut lone, message), expected, "from {from}");
    }
}

/// About the node itself: (message, outcome while a member, outcome after leaving).
#[test]
fn s6_5_about_self_refutes_or_ignores() {
    type Make = fn(&mut Lone) -> Message;
    let cases: [(&str, Make, &str); 12] = [
        ("alive below", |l| l.alive(0, 4), "-"),
        ("alive the same", |l| l.alive(0, 5), "-"),
        ("alive, other metadata", |l| l.alive_at(0, 5, 0, 9), "Alive@6 +"),
        ("alive above", |l| l.alive(0, 6), "Alive@7 +"),
        ("alive elsewhere", |l| l.alive_at(0, 9, 77, 0), "conflict"),
        ("suspect below", |l| l.suspect(0, 4, 2), "-"),
        ("suspect", |l| l.suspect(0, 5, 2), "Alive@6 +"),
        ("suspect above", |l| l.suspect(0, 9, 2), "Alive@10 +"),
        ("dead below", |l| l.dead(0, 4, 2), "-"),
        ("dead", |l| l.dead(0, 5, 2), "Alive@6 +"),
        ("dead above", |l| l.dead(0, 9, 2), "Alive@10 +"),
        ("said to have left", |l| l.dead(0, 5, 0), "Alive@6 +"),
    ];
    for (name, make, expected) in cases {
        for leaves in [false, true] {
            let mut lone = Lone::at_rest(Config::lan(), 5, 5);
            let to_five = lone.suspect(0, 4, 2);
            lone.hear(to_five);
            assert_eq!((lone.record(0), lone.node.health()), (Some((Status::Alive, 5)), 1));
            if leaves {
                lone.call(|node, env| node.leave(env, 0));
                assert_eq!(lone.record(0), Some((Status::Left, 5)));
            }
            let message = make(&mut lone);
            let found = outcome(&mut lone, message);
            assert_eq!(found, if leaves { "-" } else { expected }, "{name}, leaves: {leaves}");
            let refuted = !leaves && expected.starts_with("Alive");
            assert_eq!(lone.node.health(), 1 + u32::from(refuted), "{name}");
        }
    }
}

/// Left is final for the process: what others say about it is not even answered (S19).
#[test]
fn s19_a_leaver_never_comes_back() {
    let mut lone = Lone::at_rest(Config::lan(), 5, 5);
    lone.call(|node, env| node.leave(env, 0));
    let attributes = common::attributes(&mut lone.world.roster, 0, 3);
    lone.call(|node, env| node.update(env, attributes, 0));
    assert_eq!(lone.record(0), Some((Status::Left, 1)));
    let states = [lone.state(0, Status::Alive, 40, 0, 0), lone.state(1, Status::Alive, 1, 1, 0)];
    let snapshot = lone.list(&states);
    let message = StreamMessage::State { snapshot, join: true, user: 0 };
    lone.input(wavetank_protocol::swim::Input::Stream(Step::Request { stream: 1, message }));
    assert_eq!(lone.record(0), Some((Status::Left, 1)));
    lone.audit().unwrap();
}

/// The answer to an accusation of the greatest incarnation wraps to 0, and nobody believes it (S22).
#[test]
fn s22_the_refutation_of_the_last_incarnation_wraps() {
    let mut lone = Lone::at_rest(Config::lan(), 5, 5);
    let message = lone.suspect(0, u32::MAX, 2);
    assert_eq!(outcome(&mut lone, message), "Alive@0 +");
    let mut other = with_record(Some(Status::Alive), 0);
    let message = other.alive(THEM, 0);
    assert_eq!(outcome(&mut other, message), "-");
}

/// An alive message of incarnation 0 about a stranger leaves a dead ghost, which the next wrap reaps (S22).
#[test]
fn s22_incarnation_0_makes_a_ghost() {
    let mut lone = Lone::at_rest(Config::lan(), 3, 5);
    let message = lone.alive(4, 0);
    assert_eq!(outcome(&mut lone, message), "-");
    assert_eq!((lone.record(4), lone.node.known()), (Some((Status::Dead, 0)), 4));
    lone.run_until(10 * SECOND);
    assert_eq!(lone.record(4), None);
    lone.audit().unwrap();
}

/// What a list of states says: the dead and the suspect are only suspected, in the reader's own name; the
/// left are left; strangers are learned only alive (9.4, S16).
#[test]
fn s16_dead_in_a_list_is_an_own_suspicion() {
    let mut lone = Lone::at_rest(Config::lan(), 5, 5);
    let states = [
        lone.state(1, Status::Dead, 1, 1, 0),
        lone.state(2, Status::Suspect, 1, 2, 0),
        lone.state(3, Status::Left, 1, 3, 0),
        lone.state(4, Status::Alive, 3, 4, 0),
        lone.state(5, Status::Dead, 1, 5, 0),
        lone.state(6, Status::Left, 1, 6, 0),
        lone.state(7, Status::Alive, 1, 7, 0),
    ];
    let snapshot = lone.list(&states);
    let message = StreamMessage::State { snapshot, join: false, user: 0 };
    lone.input(wavetank_protocol::swim::Input::Stream(Step::Request { stream: 1, message }));
    let records: Vec<_> = (1..8).map(|m| lone.record(m)).collect();
    let expected = [
        Some((Status::Suspect, 1)),
        Some((Status::Suspect, 1)),
        Some((Status::Left, 1)),
        Some((Status::Alive, 3)),
        None,
        None,
        Some((Status::Alive, 1)),
    ];
    assert_eq!(records, expected);
    let own = |m: &Message| m.kind() == wavetank_protocol::message::MessageKind::Suspect;
    assert!(
        lone.queue().iter().filter(|(_, i)| own(&i.message)).all(|(_, i)| i.message.from() == ME)
    );
    lone.audit().unwrap();
}

/// What the others hold about a restarted node decides whether it has to refute (9.6).
#[test]
fn s9_6_a_restarted_node_refutes_what_it_finds() {
    for (held, incarnation, meta, expected) in [
        (Status::Alive, 1, 0, (1, 0)),
        (Status::Alive, 7, 0, (8, 1)),
        (Status::Alive, 1, 4, (2, 1)),
        (Status::Suspect, 3, 0, (4, 1)),
        (Status::Dead, 3, 0, (4, 1)),
        (Status::Left, 3, 0, (4, 1)),
    ] {
        let mut lone = Lone::created(Config::lan(), 5);
        let states =
            [lone.state(0, held, incarnation, 0, meta), lone.state(1, Status::Alive, 1, 1, 0)];
        let snapshot = lone.list(&states);
        let message = StreamMessage::State { snapshot, join: true, user: 0 };
        lone.input(wavetank_protocol::swim::Input::Stream(Step::Request { stream: 1, message }));
        let found = (lone.node.incarnation(), lone.node.health());
        assert_eq!(found, expected, "{held:?}@{incarnation}");
        assert_eq!(lone.record(0), Some((Status::Alive, expected.0)));
    }
}

/// Acks go by their number alone (S26), and traffic from a node is no sign of life (S7).
#[test]
fn s26_any_ack_with_the_number_counts_and_s7_nothing_else_does() {
    for (answer, alive) in [(true, true), (false, false)] {
        let mut lone = Lone::at_rest(Config { disable_tcp_pings: true, ..Config::lan() }, 2, 5);
        while lone.probe_starts().is_empty() {
            lone.run_for(SECOND);
        }
        let Some(Head::Ping { seq, .. }) = lone.out.sent.last().map(|s| s.2) else {
            panic!("no ping was sent")
        };
        let head = if answer {
            Head::Ack { seq, payload: false }
        } else {
            Head::Ping { seq, target: ME, reply: wavetank_protocol::belief::AddressId(1) }
        };
        lone.packet(9, head, &[]);
        lone.run_for(3 * SECOND / 2);
        assert_eq!(lone.record(1) == Some((Status::Alive, 1)), alive);
    }
}
