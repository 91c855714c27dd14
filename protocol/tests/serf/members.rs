//! Surprises about members, intents and clocks.

use wavetank_protocol::{
    Compat, Config, Quirks,
    belief::MemberId,
    message::Message,
    rules,
    serf::{
        self, Event, Start, Status,
        event::{MemberEvent, QueueName},
        ledger::Content,
        snapshot::File,
    },
    time::{MILLISECOND, SECOND},
};

use crate::pool::{Pool, known, quiet, quiet_with};

/// A tombstone's time is told on as one more, so it runs, and the clock with it once it is passed (7.4).
#[test]
fn surprise_01_a_left_tombstone_makes_the_clocks_run() {
    let mut pool = Pool::at_rest(&quiet(), 2, 3, 0);
    for m in [0, 1] {
        pool.hear_leave(m, 2, 4);
        pool.dies(m, 2, 1);
        pool.hear_join(m, m, 9);
    }
    let mut clocks = Vec::new();
    for k in 1..=12 {
        pool.push_pull(0, 1);
        for m in [0, 1] {
            assert_eq!(pool.held(m, 2), (Status::Left, 4 + k), "exchange {k}");
        }
        assert_eq!(pool.serf(0).clocks()[0], pool.serf(1).clocks()[0]);
        clocks.push(pool.serf(0).clocks()[0]);
    }
    assert_eq!(clocks, [10, 10, 10, 10, 10, 11, 12, 13, 14, 15, 16, 17]);
}

/// The rule of an exchange between unequal tombstones.
#[test]
fn an_exchange_of_tombstones_takes_the_greater_or_the_other_and_one() {
    for (a, b) in [(4, 4), (4, 7), (9, 5), (5, 6), (6, 5)] {
        let mut pool = Pool::at_rest(&quiet(), 2, 3, 0);
        for (m, ltime) in [(0, a), (1, b)] {
            pool.hear_leave(m, 2, ltime);
            pool.dies(m, 2, 1);
        }
        pool.push_pull(0, 1);
        assert_eq!((pool.held(0, 2).1, pool.held(1, 2).1), (a.max(b + 1), b.max(a + 1)));
    }
}

/// One message with a great time, and everybody else's events are of the past until they hear of it.
#[test]
fn surprise_02_a_clock_jumps_and_the_others_are_late() {
    let mut pool = Pool::at_rest(&quiet(), 2, 2, 0);
    pool.hear_event(0, "from-afar", 1_000_000);
    let question = pool.question(0, None);
    let asked = Content::Query {
        ltime: 5000,
        id: 1,
        question,
        address: wavetank_protocol::belief::AddressId(1),
        source: MemberId(1),
        timeout: SECOND,
    };
    pool.hear(0, asked);
    assert_eq!(pool.serf(0).clocks()[1..], [1_000_001, 5001]);
    pool.news(0);
    // The other fires and asks by its own clock.
    let late = pool.fire(1, "deploy", false);
    let (asked, _) = pool.ask(1, question);
    pool.run_for(2 * SECOND);
    let news = pool.news(0);
    let text = pool.text("deploy");
    let old = Event::OldEvent { ltime: late, current: 1_000_001, text };
    assert!(news.contains(&old), "{news:?}");
    let old = Event::OldQuery { ltime: asked, current: 5001, question };
    assert!(news.contains(&old), "{news:?}");
    // Having heard of the clock it is heard again.
    pool.push_pull(0, 1);
    assert_eq!(pool.serf(1).clocks()[1..], [1_000_001, 5001]);
    let ltime = pool.fire(1, "deploy", false);
    pool.run_for(2 * SECOND);
    let heard = |e: &Event| matches!(e, Event::User { ltime: l, .. } if *l == ltime);
    assert!(pool.told(0).any(heard));
}

/// A leave made up in a push/pull against a member that is alive again (appendix B, 8): it is silent, and
/// its victim is given its time as that of a join, so it never sees a reason to refute.
#[test]
fn surprise_03_a_made_up_leave_sticks() {
    let mut pool = Pool::at_rest(&quiet(), 3, 3, 0);
    // Member 0 holds member 2 left since 7; member 1 has heard its join at 7, and so has it itself.
    pool.hear_leave(0, 2, 7);
    pool.dies(0, 2, 1);
    for m in [1, 2] {
        pool.hear_join(m, 2, 7);
    }
    let queued = pool.serf(1).depth(QueueName::Intent);
    // Only the state of Serf is exchanged, as where memberlist's lists agree already.
    let state = pool.state_of(0);
    let above = pool.without_list(state);
    pool.merge(1, above, false);
    assert_eq!(pool.held(1, 2), (Status::Leaving, 8));
    assert_eq!(pool.serf(1).depth(QueueName::Intent), queued, "nobody is told");
    // The victim learns of its own new time, as a join.
    pool.learn(2, 1);
    assert_eq!(pool.held(2, 2), (Status::Alive, 8));
    pool.hear_leave(2, 2, 8);
    assert!(!pool.told(2).any(|e| matches!(e, Event::RefutingLeave { .. })));
    pool.push_pull(1, 2);
    assert_eq!(pool.status(1, 2), Status::Leaving, "for ever");
    // Until the victim joins anew.
    pool.join(2, 1);
    pool.run_for(3 * SECOND);
    assert_eq!(pool.status(1, 2), Status::Alive);
}

/// A leave is kept for five minutes for a name that is not known, and kept on when it has been used.
#[test]
fn surprise_04_a_buffered_leave_meets_the_restarted_node() {
    // Time of the join intent that follows, and what the node is held as.
    for (join, held) in [(8, Status::Leaving), (9, Status::Leaving), (10, Status::Alive)] {
        let mut pool = Pool::at_rest(&quiet(), 1, 2, 1);
        pool.hear_leave(0, 2, 9);
        pool.comes(0, 2, 1);
        assert_eq!(pool.held(0, 2), (Status::Leaving, 9));
        assert_eq!(pool.serf(0).buffered_intents(), 1);
        let joined = |e: &&Event| matches!(e, Event::Member { kind: MemberEvent::Join, .. });
        assert_eq!(pool.told(0).filter(joined).count(), 1, "told as a join all the same");
        pool.hear_join(0, 2, join);
        assert_eq!(pool.status(0, 2), held, "join at {join}");
    }
    // The buffer is cleared by the reaper: at the first look after five whole minutes.
    for (at, held) in [(315, Status::Leaving), (316, Status::Alive)] {
        let mut pool = Pool::at_rest(&quiet(), 1, 2, 1);
        pool.hear_leave(0, 2, 9);
        pool.run_until(at * SECOND - SECOND / 2);
        pool.comes(0, 2, 1);
        assert_eq!(pool.status(0, 2), held, "at {at} s");
    }
}

/// A rejoin from the snapshot and a reconnect are memberlist's joins: no intent, and all old events anew.
#[test]
fn surprise_05_a_rejoin_is_silent_and_replays_the_ring() {
    let config = quiet_with(|serf| serf.snapshot = true);
    let alive = "alive: node-00 10.0.0.1:7946\n";
    // What the snapshot says, and whether the event is delivered once more.
    for (file, again) in [(String::from(alive), true), (format!("{alive}event-clock: 1\n"), false)]
    {
        let mut pool = Pool::created(&config, 1, 1);
        assert_eq!(pool.fire(0, "deploy", false), 1);
        pool.run_for(SECOND);
        let start = Start { file: File::new(file), known: known(&[0]) };
        pool.create(1, &config, start);
        pool.deliver();
        let rejoined = Event::Rejoined { with: Some(MemberId(0)) };
        assert!(pool.told(1).any(|e| *e == rejoined));
        assert_eq!(pool.told(1).any(|e| matches!(e, Event::User { .. })), again);
        for m in [0, 1] {
            assert_eq!(pool.contents(m, QueueName::Intent), [], "no intent");
            assert_eq!(pool.held(m, 1 - m), (Status::Alive, 0));
        }
    }
}

#[test]
fn surprise_05_a_reconnect_sends_no_intent() {
    let mut pool = Pool::at_rest(&quiet(), 2, 2, 0);
    pool.fire(1, "deploy", false);
    pool.cut.insert((0, 1));
    pool.dies(0, 1, 1);
    pool.run_until(29 * SECOND);
    assert_eq!(pool.status(0, 1), Status::Failed);
    pool.cut.clear();
    pool.run_until(31 * SECOND);
    assert!(pool.told(0).any(|e| *e == Event::Reconnected { success: true }));
    assert_eq!(pool.held(0, 1), (Status::Alive, 1), "its intent is not renewed");
    assert!(pool.told(0).any(|e| matches!(e, Event::User { ltime: 1, .. })));
}

/// A live target of a force-leave refutes; with prune it is erased by everybody else and stays.
#[test]
fn surprise_17_force_leave_of_a_live_node() {
    for (prune, freeze) in [(false, false), (true, false), (true, true)] {
        let quirks = Quirks { prune_freeze: freeze, ..Quirks::HEAD };
        let mut pool = Pool::at_rest(&Config { quirks, ..quiet() }, 3, 3, 0);
        pool.call(0, |agent, env| agent.force_leave(env, MemberId(2), prune));
        assert_eq!(pool.status(0, 2), Status::Leaving);
        pool.run_until(20 * SECOND);
        let refuted = |e: &Event| matches!(e, Event::RefutingLeave { .. });
        assert!(pool.told(2).any(refuted));
        let reaped = |e: &Event| matches!(e, Event::Member { kind: MemberEvent::Reap, .. });
        let erased = [0, 1].map(|m| pool.when(m, reaped));
        for m in 0..3 {
            assert_eq!(pool.status(2, m), Status::Alive, "it still holds everybody alive");
        }
        for m in [0, 1] {
            let held = if prune { Status::None } else { Status::Alive };
            assert_eq!(pool.status(m, 2), held, "prune {prune}, freeze {freeze}");
        }
        // Frozen receivers pass the message on when they are done with it: one hop per six seconds.
        let [first, second] = &erased;
        match (prune, freeze) {
            (false, _) => assert!(first.is_empty() && second.is_empty()),
            (true, false) => {
                assert_eq!(first[..], [6 * SECOND]);
                assert!(second[0] < 7 * SECOND, "{second:?}");
            }
            (true, true) => {
                assert_eq!(first[..], [6 * SECOND]);
                assert!((12 * SECOND..13 * SECOND).contains(&second[0]), "{second:?}");
            }
        }
        // What it says is about an unknown name from now on.
        if prune {
            pool.hear_join(0, 2, 50);
            assert_eq!((pool.status(0, 2), pool.serf(0).buffered_intents()), (Status::None, 1));
        }
    }
}

/// An erased name is an unknown one: late copies of what was said about it are news once more.
#[test]
fn surprise_18_after_an_erasure_old_intents_are_news() {
    let mut pool = Pool::at_rest(&quiet(), 1, 3, 0);
    let user = pool.hear_leave(0, 2, 9);
    pool.dies(0, 2, 1);
    assert_eq!(pool.queued(0, QueueName::Intent), [user]);
    pool.packet(0, &[Message::user(user)]);
    assert_eq!(pool.queued(0, QueueName::Intent), [user], "known");
    let prune = pool.hear_prune(0, 2, 10);
    assert_eq!(pool.status(0, 2), Status::None);
    for (copy, queued) in [(user, 3), (prune, 4), (user, 4), (prune, 4)] {
        pool.packet(0, &[Message::user(copy)]);
        assert_eq!(pool.serf(0).depth(QueueName::Intent), queued, "message {copy}");
    }
}

/// Who comes later never hears of those that failed or left before.
#[test]
fn surprise_19_a_late_joiner_does_not_know_the_failed() {
    let mut pool = Pool::at_rest(&quiet(), 2, 9, 1);
    for m in [0, 1] {
        pool.dies(m, 7, 1);
        pool.hear_leave(m, 8, 20);
        pool.dies(m, 8, 1);
    }
    pool.create(9, &quiet(), Start::default());
    pool.join(9, 0);
    let counts = |pool: &Pool, m| {
        let members = pool.serf(m).members();
        [Status::Alive, Status::Failed, Status::Left].map(|s| members.count(s))
    };
    assert_eq!(counts(&pool, 0), [8, 1, 1]);
    assert_eq!(counts(&pool, 9), [8, 0, 0]);
    assert_eq!(pool.serf(9).buffered_intents(), 2, "it has heard their times, no more");
    // So limits of transmission differ too.
    let limits = [0, 9].map(|m| rules::retransmit_limit(4, pool.serf(m).members().len()));
    assert_eq!(limits, [8, 4]);
}

/// A vote without a single answer is lost: two nodes of one name and nobody else both quit. Each message
/// that claims the name begins another vote.
#[test]
fn surprise_23_a_name_conflict_without_witnesses_ends_both() {
    for (enabled, claims) in [(true, 1), (true, 3), (false, 2)] {
        let config = quiet_with(|serf| serf.enable_name_conflict_resolution = enabled);
        let mut pool = Pool::at_rest(&config, 1, 2, 0);
        let claim = pool.alive_as(0, 5, 77, 0);
        for _ in 0..claims {
            pool.packet(0, &[claim]);
        }
        let asked = |e: &&Event| matches!(e, Event::Asked { .. });
        let conflicts = |e: &&Event| matches!(e, Event::NameConflict { .. });
        assert_eq!(pool.told(0).filter(conflicts).count(), claims);
        assert_eq!(pool.told(0).filter(asked).count(), if enabled { claims } else { 0 });
        pool.run_until(3200 * MILLISECOND - 1);
        assert!(!pool.told(0).any(|e| *e == Event::Shutdown));
        pool.run_until(3200 * MILLISECOND);
        let quits = pool.told(0).filter(|e| **e == Event::Shutdown).count();
        assert_eq!(quits, usize::from(enabled));
    }
}

/// Nodes started together look for the failed and for the overdue together.
#[test]
fn surprise_29_serfs_timers_have_no_jitter() {
    let config = quiet_with(|serf| serf.reconnect_timeout = 40 * SECOND);
    let mut pool = Pool::at_rest(&config, 3, 5, 0);
    pool.run_until(7 * SECOND);
    for m in 0..3 {
        pool.dies(m, 4, 1);
    }
    pool.run_until(100 * SECOND);
    let tried = |e: &Event| matches!(e, Event::Reconnecting { .. } | Event::ForgoingReconnect);
    let reaped = |e: &Event| matches!(e, Event::Member { kind: MemberEvent::Reap, .. });
    for m in 0..3 {
        assert_eq!(pool.when(m, tried), [30 * SECOND]);
        assert_eq!(pool.when(m, reaped), [60 * SECOND], "the first look after 47 s");
    }
}

/// 0.9.4 against the newest release where a leave cannot be sent out: see also surprise 13.
#[test]
fn only_the_newest_release_goes_on_after_a_time_out() {
    for (compat, goes_on) in [(Compat::Head, true), (Compat::V0_2, false)] {
        let serf = Some(serf::Config::library());
        // No gossip at all: nothing is ever sent out.
        let config = Config { gossip_interval: 0, compat, serf, ..quiet() };
        let mut pool = Pool::at_rest(&config, 1, 3, 0);
        pool.call(0, |agent, env| agent.leave(env, 0));
        pool.run_until(5 * SECOND);
        assert_eq!(pool.agents[&0].node.has_left(), goes_on, "{compat:?}");
        pool.run_until(30 * SECOND);
        let returned = |e: &Event| *e == Event::LeaveReturned { in_time: false };
        let at = if goes_on { 11 * SECOND } else { 5 * SECOND };
        assert_eq!(pool.when(0, returned), [at]);
    }
}
