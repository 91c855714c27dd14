//! Members and intents, cell by cell (specification 3.2 to 3.10).

use wavetank_protocol::{
    Config, Quirks,
    belief::{AddressId, MemberId},
    message::Message,
    serf::{
        self, Event, Life, Status,
        event::{MemberEvent, Path, QueueName},
        ledger::Content,
    },
    time::{HOUR, MILLISECOND, SECOND},
};

use crate::pool::{Pool, quiet, quiet_with};

/// The member that the table is about; 0 is the node, 1 somebody else.
const X: u32 = 2;
/// Time of the newest intent about it.
const LT: u64 = 10;

/// A node that holds the member so, since [`LT`], with an empty queue.
fn holding(status: Status) -> Pool {
    let known = if status == Status::None { 2 } else { 3 };
    let mut pool = Pool::at_rest(&quiet(), 1, known, 3 - known);
    match status {
        Status::None => {}
        Status::Alive => drop(pool.hear_join(0, X, LT)),
        Status::Leaving => drop(pool.hear_leave(0, X, LT)),
        Status::Left => {
            pool.hear_leave(0, X, LT);
            pool.dies(0, X, 1);
        }
        Status::Failed => {
            pool.hear_join(0, X, LT);
            pool.dies(0, X, 1);
        }
    }
    assert_eq!(pool.held(0, X), (status, if status == Status::None { 0 } else { LT }));
    pool.keeps = true;
    pool.run_until(10 * SECOND);
    assert_eq!(pool.serf(0).depth(QueueName::Intent), 0);
    pool.news(0);
    pool
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Input {
    Comes,
    Dies,
    Leave(u64),
    Join(u64),
}

/// What an input comes to: status and time, member event (forced), whether the message goes on.
type Outcome = (Status, u64, Option<(MemberEvent, bool)>, bool);

fn outcome(pool: &mut Pool, input: Input) -> Outcome {
    match input {
        Input::Comes => pool.comes(0, X, 2),
        Input::Dies => pool.dies(0, X, 1),
        Input::Leave(ltime) => drop(pool.hear_leave(0, X, ltime)),
        Input::Join(ltime) => drop(pool.hear_join(0, X, ltime)),
    }
    let news = pool.news(0);
    let event = news.iter().find_map(|e| match e {
        Event::Member { kind, forced, member, .. } if *member == MemberId(X) => {
            Some((*kind, *forced))
        }
        _ => None,
    });
    let (status, ltime) = pool.held(0, X);
    (status, ltime, event, pool.serf(0).depth(QueueName::Intent) > 0)
}

/// All cells of 3.2. Memberlist reports a join only of those that it reported gone before, and Serf then
/// holds them failed or left: for alive and leaving that cell cannot come about.
#[test]
fn every_cell_of_the_table() {
    use Input::{Comes, Dies, Join, Leave};
    use MemberEvent as E;
    use Status::{Alive, Failed, Leaving, Left, None as Unknown};
    let (stale, newer) = (LT, LT + 1);
    let cells: [(Status, Input, Outcome); 26] = [
        (Unknown, Comes, (Alive, 0, Some((E::Join, false)), false)),
        (Unknown, Dies, (Unknown, 0, None, false)),
        (Unknown, Leave(newer), (Unknown, 0, None, true)),
        (Unknown, Join(newer), (Unknown, 0, None, true)),
        (Alive, Dies, (Failed, LT, Some((E::Failed, false)), false)),
        (Alive, Leave(newer), (Leaving, newer, None, true)),
        (Alive, Leave(stale), (Alive, LT, None, false)),
        (Alive, Join(newer), (Alive, newer, None, true)),
        (Alive, Join(stale), (Alive, LT, None, false)),
        (Leaving, Dies, (Left, LT, Some((E::Leave, false)), false)),
        (Leaving, Leave(newer), (Leaving, newer, None, true)),
        (Leaving, Leave(stale), (Leaving, LT, None, false)),
        (Leaving, Join(newer), (Alive, newer, None, true)),
        (Leaving, Join(stale), (Leaving, LT, None, false)),
        (Left, Comes, (Alive, LT, Some((E::Join, false)), false)),
        (Left, Dies, (Left, LT, None, false)),
        (Left, Leave(newer), (Left, newer, None, true)),
        (Left, Leave(stale), (Left, LT, None, false)),
        (Left, Join(newer), (Left, newer, None, true)),
        (Left, Join(stale), (Left, LT, None, false)),
        (Failed, Comes, (Alive, LT, Some((E::Join, false)), false)),
        (Failed, Dies, (Failed, LT, None, false)),
        (Failed, Leave(newer), (Left, newer, Some((E::Leave, true)), true)),
        (Failed, Leave(stale), (Failed, LT, None, false)),
        (Failed, Join(newer), (Failed, newer, None, true)),
        (Failed, Join(stale), (Failed, LT, None, false)),
    ];
    for (status, input, expected) in cells {
        let mut pool = holding(status);
        assert_eq!(outcome(&mut pool, input), expected, "{status:?} {input:?}");
        let members = pool.serf(0).members();
        let listed = |list: &[serf::members::Gone]| list.iter().any(|g| g.member == MemberId(X));
        let lists = (listed(members.failed()), listed(members.left()));
        assert_eq!(lists, (expected.0 == Failed, expected.0 == Left), "{status:?} {input:?}");
    }
}

/// An intent of a newer time moves the time on even where the status stays: else two leaves of different
/// times would go round for ever.
#[test]
fn leaves_of_two_times_do_not_circulate() {
    let mut pool = holding(Status::Leaving);
    let (a, b) = (pool.hear_leave(0, X, 12), pool.hear_leave(0, X, 11));
    for user in [a, b, a, b] {
        pool.packet(0, &[Message::user(user)]);
    }
    assert_eq!(pool.queued(0, QueueName::Intent), [a]);
}

/// The witness comes before any look at the time.
#[test]
fn what_is_dropped_moves_the_clock_all_the_same() {
    let mut pool = holding(Status::Alive);
    assert_eq!(pool.serf(0).clocks(), [11, 1, 1]);
    pool.hear_join(0, 0, 30);
    pool.hear_join(0, 1, 31);
    pool.hear_leave(0, X, 9);
    assert_eq!(pool.serf(0).clocks(), [32, 1, 1]);
    let size = serf::Config::library().event_buffer;
    pool.hear_event(0, "a", u64::from(size) + 100);
    pool.hear_event(0, "b", 3);
    assert_eq!(pool.serf(0).clocks(), [32, u64::from(size) + 101, 1]);
}

/// Addresses and tags are replaced by a join and by an update, and Serf tells an update only where the
/// metadata are others (3.3).
#[test]
fn an_update_is_told_where_the_metadata_differ() {
    for (meta, incarnation, told) in [(0, 2, 0), (5, 2, 1), (5, 1, 0)] {
        let mut pool = holding(Status::Alive);
        let message = pool.alive_as(X, incarnation, X, meta);
        pool.packet(0, &[message]);
        let updates = |e: &&Event| matches!(e, Event::Member { kind: MemberEvent::Update, .. });
        assert_eq!(pool.told(0).filter(updates).count(), told, "{meta} {incarnation}");
        let held = pool.serf(0).members().get(MemberId(X)).attributes;
        let meta = if told == 1 { meta } else { 0 };
        assert_eq!(pool.world.roster.attributes(held).meta, meta);
    }
    // A name that Serf does not know is ignored, though memberlist knows it.
    let mut pool = holding(Status::Leaving);
    pool.hear_prune(0, X, 11);
    pool.run_for(7 * SECOND);
    assert_eq!(pool.status(0, X), Status::None);
    pool.news(0);
    let message = pool.alive_as(X, 2, X, 5);
    pool.packet(0, &[message]);
    pool.dies(0, X, 2);
    assert_eq!((pool.status(0, X), pool.news(0)), (Status::None, vec![]));
}

#[test]
fn a_join_takes_a_new_address_and_the_versions() {
    let mut pool = Pool::at_rest(&quiet(), 1, 3, 0);
    pool.hear_leave(0, X, 5);
    let message = pool.dead(X, 1, X);
    pool.packet(0, &[message]);
    let message = pool.alive_as(X, 2, 77, 5);
    pool.packet(0, &[message]);
    let held = pool.serf(0).members().get(MemberId(X)).attributes;
    let held = pool.world.roster.attributes(held);
    assert_eq!((held.address, held.meta), (AddressId(77), 5));
}

/// A failed member that is back within the flap time counts as a flap.
#[test]
fn a_flap_is_a_failure_of_less_than_a_minute() {
    for (after, flap) in [(59, true), (60, false), (61, false)] {
        let mut pool = holding(Status::Alive);
        pool.dies(0, X, 1);
        pool.cut.insert((0, X));
        pool.run_for(after * SECOND);
        pool.comes(0, X, 2);
        let flaps = |e: &&Event| matches!(e, Event::Flap { .. });
        assert_eq!(pool.told(0).filter(flaps).count(), usize::from(flap), "{after} s");
    }
}

/// One intent for a name that is not known; what is newer takes the place, and says what the member is when
/// it comes (3.4).
#[test]
fn the_buffer_keeps_the_newest_intent() {
    // Intents (leave?, time) with whether they are news; what the member is then.
    type Case<'a> = (&'a [(bool, u64, bool)], (Status, u64));
    let cases: [Case; 6] = [
        (&[], (Status::Alive, 0)),
        (&[(false, 5, true)], (Status::Alive, 5)),
        (&[(true, 5, true)], (Status::Leaving, 5)),
        (&[(true, 5, true), (false, 5, false), (false, 4, false)], (Status::Leaving, 5)),
        (&[(true, 5, true), (false, 6, true)], (Status::Alive, 6)),
        (&[(false, 6, true), (true, 7, true), (true, 7, false)], (Status::Leaving, 7)),
    ];
    for (intents, held) in cases {
        let mut pool = holding(Status::None);
        for &(leave, ltime, news) in intents {
            let user =
                if leave { pool.hear_leave(0, X, ltime) } else { pool.hear_join(0, X, ltime) };
            assert_eq!(pool.queued(0, QueueName::Intent).contains(&user), news, "{intents:?}");
        }
        pool.comes(0, X, 1);
        assert_eq!(pool.held(0, X), held, "{intents:?}");
    }
}

/// A refutation answers with the clock's time when the leave is handled, and is nobody's rebroadcast (3.5).
#[test]
fn a_leave_about_oneself_is_refuted() {
    let mut pool = holding(Status::Alive);
    pool.hear_leave(0, 0, 50);
    assert_eq!(
        pool.contents(0, QueueName::Intent),
        [Content::Join { ltime: 51, member: MemberId(0) }]
    );
    assert_eq!((pool.held(0, 0), pool.serf(0).clocks()[0]), ((Status::Alive, 51), 52));
    // An old one is not even looked at, and one at the very time is old.
    for ltime in [50, 51] {
        pool.hear_leave(0, 0, ltime);
        assert_eq!(pool.serf(0).depth(QueueName::Intent), 1);
    }
}

/// The time of a refutation is read when its leave is handled: what is heard later in the same packet, and
/// moves the clock, does not move it. Packets are handled from their end.
#[test]
fn a_refutation_has_the_time_of_its_leave() {
    let mut pool = holding(Status::Alive);
    let leave = |ltime| Content::Leave { ltime, member: MemberId(0), prune: false };
    let users = [
        pool.message_of(Content::Join { ltime: 90, member: MemberId(1) }, 40),
        pool.message_of(leave(60), 40),
        pool.message_of(leave(50), 40),
    ];
    pool.packet(0, &users.map(Message::user));
    let joins: Vec<_> = pool.contents(0, QueueName::Intent).into_iter().collect();
    let join = |ltime, m| Content::Join { ltime, member: MemberId(m) };
    assert_eq!(joins.len(), 3);
    for expected in [join(51, 0), join(61, 0), join(90, 1)] {
        assert!(joins.contains(&expected), "{joins:?}");
    }
    assert_eq!((pool.held(0, 0), pool.serf(0).clocks()[0]), ((Status::Alive, 61), 91));
}

/// A restarted leaver meets its own tombstone: left at 7, clock 9 there (3.5).
#[test]
fn a_restarted_leaver_refutes_its_tombstone() {
    let mut pool = Pool::at_rest(&quiet(), 1, 3, 0);
    pool.hear_leave(0, X, 7);
    pool.dies(0, X, 1);
    pool.hear_join(0, 1, 8);
    assert_eq!(pool.serf(0).clocks()[0], 9);
    pool.create(X, &quiet(), serf::Start::default());
    pool.learn(X, 0);
    assert_eq!(
        pool.contents(X, QueueName::Intent),
        [Content::Join { ltime: 9, member: MemberId(X) }]
    );
    assert_eq!((pool.held(X, X), pool.serf(X).clocks()[0]), ((Status::Alive, 9), 10));
    // Its join through the application sends a second one.
    pool.join(X, 0);
    assert_eq!(pool.serf(X).depth(QueueName::Intent), 2);
}

/// While leaving and after, what is said about oneself is as what is said about anybody.
#[test]
fn a_leaver_does_not_refute() {
    let mut pool = holding(Status::Alive);
    pool.call(0, |agent, env| agent.leave(env, 0));
    assert_eq!(pool.held(0, 0), (Status::Leaving, 11));
    pool.hear_leave(0, 0, 40);
    assert_eq!(pool.held(0, 0), (Status::Leaving, 40));
    assert!(!pool.told(0).any(|e| matches!(e, Event::RefutingLeave { .. })));
}

/// The leaver: leaving at once, left when memberlist says so, the call returns a second later. Its peers:
/// the same, one event (appendix B, 4).
#[test]
fn a_leave_among_three() {
    let mut pool = Pool::at_rest(&quiet(), 3, 3, 0);
    pool.run_until(SECOND);
    pool.call(0, |agent, env| agent.leave(env, 0));
    assert_eq!(pool.status(0, 0), Status::Leaving);
    pool.run_for(5 * SECOND);
    assert_eq!(pool.serf(0).life(), Life::Left);
    for m in 0..3 {
        let changes: Vec<_> = (pool.told(m))
            .filter_map(|e| match e {
                Event::Status { member: MemberId(0), new, .. } => Some(*new),
                _ => None,
            })
            .collect();
        assert_eq!(changes, [Status::Leaving, Status::Left], "at {m}");
        let events: Vec<_> = (pool.told(m))
            .filter_map(|e| match e {
                Event::Member { kind, forced, .. } => Some((*kind, *forced)),
                _ => None,
            })
            .collect();
        assert_eq!(events, [(MemberEvent::Leave, false)], "at {m}");
    }
    let returned = pool.when(0, |e| *e == Event::LeaveReturned { in_time: true });
    // Two broadcasts of four copies at two peers a tick, from the tick of the call on, and a second; 1.41 s in
    // the original, where probes carry some of the copies.
    assert_eq!(returned, [2600 * MILLISECOND]);
    // Once it has left, it has; while it was at it, it was an error.
    pool.news(0);
    pool.call(0, |agent, env| agent.leave(env, 0));
    assert_eq!(pool.news(0), [Event::LeaveReturned { in_time: true }]);
}

#[test]
fn a_second_leave_is_refused_while_the_first_is_under_way() {
    let mut pool = Pool::at_rest(&quiet(), 1, 3, 0);
    pool.call(0, |agent, env| agent.leave(env, 0));
    pool.news(0);
    pool.call(0, |agent, env| agent.leave(env, 0));
    assert_eq!(pool.news(0), [Event::LeaveReturned { in_time: false }]);
    // Nor does it join any more.
    pool.call(0, |agent, env| agent.join(env, &[AddressId(1)]));
    assert!(pool.agents[&0].out.sent.is_empty());
}

/// Alone, a leave waits for nothing but its last second, and a change of tags for nothing at all.
#[test]
fn a_lone_node_waits_for_nobody() {
    let mut pool = Pool::created(&quiet(), 1, 0);
    let attributes = pool.attributes(0, 5);
    pool.call(0, |agent, env| agent.set_tags(env, attributes));
    let updated = |e: &&Event| matches!(e, Event::Member { kind: MemberEvent::Update, .. });
    assert_eq!(pool.told(0).filter(updated).count(), 1);
    assert!(pool.told(0).any(|e| *e == Event::TagsReturned { in_time: true }));
    pool.call(0, |agent, env| agent.leave(env, 0));
    pool.run_until(10 * SECOND);
    assert_eq!(pool.when(0, |e| *e == Event::LeaveReturned { in_time: true }), [SECOND]);
    assert_eq!(pool.serf(0).depth(QueueName::Intent), 0, "there was nobody to tell");
}

/// Death before intent: failed, then left with a forced event; the time of the failure stays (appendix B,
/// 5), so the tombstone is younger than it looks.
#[test]
fn a_forced_leave_keeps_the_time_of_the_failure() {
    let mut pool = holding(Status::Failed);
    let failed = pool.serf(0).members().failed().to_vec();
    pool.run_for(20 * SECOND);
    assert_eq!(
        outcome(&mut pool, Input::Leave(11)),
        (Status::Left, 11, Some((MemberEvent::Leave, true)), true)
    );
    assert_eq!(pool.serf(0).members().left(), failed);
}

/// A clean leave heard through a push/pull alone is two events, and nothing is told on (7.2).
#[test]
fn a_leave_heard_by_push_pull_is_a_failure_first() {
    let mut pool = Pool::at_rest(&quiet(), 2, 3, 0);
    pool.hear_leave(0, X, 5);
    let message = pool.dead(X, 1, X);
    pool.packet(0, &[message]);
    assert_eq!(pool.status(0, X), Status::Left);
    pool.learn(1, 0);
    let events: Vec<_> = (pool.told(1))
        .filter_map(|e| match e {
            Event::Member { kind, forced, .. } => Some((*kind, *forced)),
            _ => None,
        })
        .collect();
    assert_eq!(events, [(MemberEvent::Failed, false), (MemberEvent::Leave, true)]);
    assert_eq!((pool.held(1, X), pool.serf(1).depth(QueueName::Intent)), ((Status::Left, 6), 0));
}

/// Reaping: strictly older, at a look; both lists; buffered intents with them (3.8).
#[test]
fn the_reaper_looks_every_fifteen_seconds() {
    let day = 24 * HOUR;
    for (status, timeout) in [(Status::Failed, 100), (Status::Left, 50)] {
        let config = quiet_with(|serf| {
            (serf.reconnect_timeout, serf.tombstone_timeout) = (100 * SECOND, 50 * SECOND);
            serf.reconnect_interval = day;
        });
        // At a time from which the time-out ends just before a look, at it, and just after it.
        for (since, reaped) in [(-1i64, 0), (0, 15), (1, 15)] {
            let mut pool = Pool::at_rest(&config, 1, 3, 0);
            let look = 150 * SECOND;
            pool.run_until((look - timeout * SECOND).saturating_add_signed(since));
            if status == Status::Left {
                pool.hear_leave(0, X, 5);
            }
            pool.dies(0, X, 1);
            pool.run_until(400 * SECOND);
            let reap = |e: &Event| {
                matches!(e, Event::Member { kind: MemberEvent::Reap, forced: false, .. })
            };
            assert_eq!(pool.when(0, reap), [look + reaped * SECOND], "{status:?} {since}");
            assert_eq!(pool.status(0, X), Status::None);
        }
    }
}

/// An erased slot of a list is filled with the last, who is looked at next.
#[test]
fn the_order_of_the_reaped_is_that_of_the_original() {
    let config = quiet_with(|serf| {
        (serf.reconnect_timeout, serf.reconnect_interval) = (10 * SECOND, HOUR);
    });
    let mut pool = Pool::at_rest(&config, 1, 6, 0);
    for m in 1..6 {
        pool.dies(0, m, 1);
    }
    pool.run_until(20 * SECOND);
    let reaped = |e: &Event| match e {
        Event::Member { kind: MemberEvent::Reap, member, .. } => Some(member.0),
        _ => None,
    };
    assert_eq!(pool.told(0).filter_map(reaped).collect::<Vec<_>>(), [1, 5, 4, 3, 2]);
}

/// Prune of who has failed or left is at once; of others after a wait in the background (3.9).
#[test]
fn a_prune_waits_for_those_that_have_not_left() {
    for (status, at) in
        [(Status::Alive, 6), (Status::Leaving, 6), (Status::Left, 0), (Status::Failed, 0)]
    {
        let mut pool = holding(status);
        let begin = pool.now;
        let user = pool.hear_prune(0, X, 11);
        assert_eq!(pool.queued(0, QueueName::Intent), [user], "{status:?}");
        pool.run_for(20 * SECOND);
        let reap =
            |e: &Event| matches!(e, Event::Member { kind: MemberEvent::Reap, forced: true, .. });
        assert_eq!(pool.when(0, reap), [begin + at * SECOND], "{status:?}");
        let members = pool.serf(0).members();
        assert_eq!((members.failed(), members.left()), (&[][..], &[][..]));
    }
}

/// Of whom a prune is under way can come back and fail meanwhile: it is erased then, and not dialled.
#[test]
fn a_member_that_fails_while_it_is_pruned_is_forgotten_whole() {
    let mut pool = holding(Status::Alive);
    pool.hear_prune(0, X, 11);
    pool.hear_join(0, X, 12);
    pool.dies(0, X, 1);
    assert_eq!(pool.status(0, X), Status::Failed);
    pool.run_for(120 * SECOND);
    assert_eq!(pool.status(0, X), Status::None);
    assert_eq!(pool.serf(0).members().failed(), []);
    assert!(!pool.told(0).any(|e| matches!(e, Event::Reconnecting { .. })));
}

/// Several prunes at a node that stands still over each: one after another, none forgotten.
#[test]
fn frozen_prunes_queue_up() {
    let quirks = Quirks { prune_freeze: true, ..Quirks::HEAD };
    let mut pool = Pool::at_rest(&Config { quirks, ..quiet() }, 1, 4, 0);
    for m in [2, 3] {
        pool.call(0, |agent, env| agent.force_leave(env, MemberId(m), true));
    }
    pool.run_until(30 * SECOND);
    let reap = |e: &Event| matches!(e, Event::Member { kind: MemberEvent::Reap, .. });
    assert_eq!(pool.when(0, reap), [6 * SECOND, 12 * SECOND]);
    assert!(!pool.serf(0).is_stalled());
}

/// The coin of the reconnector: more failed than alive always attempt; few seldom do (3.10).
#[test]
fn the_reconnector_tosses_a_coin() {
    let config = quiet_with(|serf| serf.reconnect_timeout = HOUR);
    // Members, failed of them; attempts of 100, at least and at most.
    for (members, failed, least, most) in
        [(10, 0, 0, 0), (3, 2, 100, 100), (10, 5, 100, 100), (21, 4, 12, 38), (101, 1, 0, 6)]
    {
        let mut pool = Pool::at_rest(&config, 1, members, 0);
        for m in 1..=failed {
            pool.dies(0, m, 1);
        }
        pool.run_until(3015 * SECOND);
        let tried = pool.when(0, |e| matches!(e, Event::Reconnecting { .. }));
        let forgone = pool.when(0, |e| *e == Event::ForgoingReconnect);
        assert!((least..=most).contains(&tried.len()), "{failed} of {members}: {}", tried.len());
        assert_eq!(tried.len() + forgone.len(), if failed > 0 { 100 } else { 0 });
        let on_grid = |at: &u64| at.is_multiple_of(30 * SECOND);
        assert!(tried.iter().chain(&forgone).all(on_grid));
    }
}

/// An attempt that hangs keeps the next one back: its timer runs when it has ended.
#[test]
fn a_reconnect_waits_for_the_one_before_it() {
    let mut pool = Pool::at_rest(&quiet(), 1, 2, 0);
    pool.dies(0, 1, 1);
    // Nobody answers the dial: ten seconds of memberlist's time-out.
    pool.keeps = true;
    pool.run_until(200 * SECOND);
    let tried = pool.when(0, |e| matches!(e, Event::Reconnecting { .. }));
    assert_eq!(tried, [30, 70, 110, 150, 190].map(|s| s * SECOND));
}

/// Who has left but runs on goes on dialling the failed: only a shutdown ends that.
#[test]
fn the_reconnector_outlives_a_leave() {
    let mut pool = Pool::at_rest(&quiet(), 1, 4, 0);
    for m in [2, 3] {
        pool.dies(0, m, 1);
    }
    pool.call(0, |agent, env| agent.leave(env, 0));
    pool.run_until(29 * SECOND);
    assert_eq!(pool.serf(0).life(), Life::Left);
    pool.run_until(31 * SECOND);
    let tried = |e: &Event| matches!(e, Event::Reconnecting { .. });
    assert_eq!(pool.when(0, tried), [30 * SECOND]);
}

/// Force-leave works for names that nobody knows, and returns when its message was sent out (3.7).
#[test]
fn force_leave_returns_when_it_was_sent() {
    for (known, others, in_time, at) in
        [(true, true, true, 1), (false, true, true, 1), (true, false, true, 0)]
    {
        let mut pool =
            if others { Pool::at_rest(&quiet(), 1, 4, 1) } else { Pool::created(&quiet(), 1, 4) };
        let member = MemberId(if known && others { 3 } else { 4 });
        pool.call(0, |agent, env| agent.force_leave(env, member, false));
        pool.run_until(20 * SECOND);
        let returned = pool.when(0, |e| *e == Event::ForceLeaveReturned { member, in_time });
        assert_eq!(returned.len(), 1);
        assert!(returned[0] <= at * SECOND);
        let intents = |e: &&Event| matches!(e, Event::Intent { path: Path::Own, leave: true, .. });
        assert_eq!(pool.told(0).filter(intents).count(), 1);
    }
    // Nothing is ever sent: the call gives up after the broadcast time-out.
    let mut pool = Pool::at_rest(&Config { gossip_interval: 0, ..quiet() }, 1, 4, 0);
    pool.call(0, |agent, env| agent.force_leave(env, MemberId(3), false));
    pool.run_until(20 * SECOND);
    let late = Event::ForceLeaveReturned { member: MemberId(3), in_time: false };
    assert_eq!(pool.when(0, |e| *e == late), [5 * SECOND]);
}
