//! Clocks, events, queries and push/pull by their rules (specification 2, 4, 5, 7) and the checks of the
//! specification's appendix B that stand nowhere else.

use wavetank_protocol::{
    Config,
    belief::{AddressId, MemberId},
    config::Encryption,
    message::Message,
    serf::{
        self, Event, Start, Status,
        event::{Delivery, MemberEvent, Path, QueueName, Receipt},
        filter::Filter,
        ledger::{Content, Internal, Known, Question, QuestionId, Reply, Text},
        snapshot::File,
    },
    swim::World,
    time::{MILLISECOND, SECOND},
};

use crate::pool::{Pool, Sent, quiet, quiet_with};

/// Appendix B, 1.
#[test]
fn a_fresh_node_has_clocks_at_one_and_tells_its_own_join() {
    let pool = Pool::created(&quiet(), 1, 0);
    assert_eq!(pool.serf(0).clocks(), [1, 1, 1]);
    let first = pool.told(0).find(|e| !matches!(e, Event::Status { .. }));
    let own = |e: &Event| {
        let me = MemberId(0);
        matches!(e, Event::Member { kind: MemberEvent::Join, member, .. } if *member == me)
    };
    assert!(first.is_some_and(own), "{first:?}");
}

/// The trace of a real run (2; appendix B, 3): b, then c join a.
#[test]
fn three_joins_end_at_member_time_three() {
    let mut pool = Pool::created(&quiet(), 3, 0);
    let times = |pool: &Pool| [0, 1, 2].map(|m| pool.serf(m).clocks()[0]);
    pool.join(1, 0);
    assert_eq!(times(&pool), [1, 2, 1], "b witnessed nothing, and its own intent of 1");
    pool.run_for(SECOND);
    assert_eq!(times(&pool), [2, 2, 1]);
    pool.join(2, 0);
    assert_eq!(times(&pool), [2, 2, 3], "c witnessed 1, and its own intent of 2");
    pool.run_for(SECOND);
    assert_eq!(times(&pool), [3, 3, 3]);
    for m in 0..3 {
        assert_eq!([0, 1, 2].map(|x| pool.held(m, x)), [0, 1, 2].map(|x| (Status::Alive, x)));
    }
}

/// What each action's message carries, and what it does to the own clock.
#[test]
fn actions_take_the_clocks_time_and_move_it_by_one() {
    let mut pool = Pool::at_rest(&quiet(), 1, 5, 0);
    let question = pool.question(0, None);
    for nth in 0..3 {
        assert_eq!(pool.fire(0, ["a", "b", "c"][nth as usize], false), 1 + nth);
        assert_eq!(pool.ask(0, question).0, 1 + nth);
        pool.call(0, |agent, env| agent.force_leave(env, MemberId(3), false));
        assert_eq!(pool.held(0, 3).1, 5 + nth);
        assert_eq!(pool.serf(0).clocks(), [6 + nth, 2 + nth, 2 + nth]);
    }
    // The intent of a leave, and after a join: once, whatever the number of addresses.
    pool.create(1, &quiet(), Start::default());
    pool.create(2, &quiet(), Start::default());
    pool.call(1, |agent, env| agent.join(env, &[AddressId(0), AddressId(2), AddressId(4)]));
    pool.deliver();
    let join = Content::Join { ltime: 8, member: MemberId(1) };
    assert_eq!((pool.contents(1, QueueName::Intent), pool.serf(1).clocks()[0]), (vec![join], 9));
    assert!(pool.told(1).any(|e| *e == Event::Joined { successes: 2 }));
    pool.call(1, |agent, env| agent.leave(env, 0));
    assert_eq!((pool.held(1, 1), pool.serf(1).clocks()[0]), ((Status::Leaving, 9), 10));
}

/// A restored node: each clock one past what was met, least times one past the events (2, 9).
#[test]
fn a_restored_node_goes_on_from_its_snapshot() {
    let config = quiet_with(|serf| serf.snapshot = true);
    for (file, clocks, least) in [
        ("", [1, 1, 1], 1),
        ("clock: 0\n", [1, 1, 1], 1),
        ("clock: 7\nevent-clock: 4\nquery-clock: 2\n", [8, 5, 3], 5),
    ] {
        let mut pool = Pool::created(&config, 1, 1);
        let start = Start { file: File::new(file), known: Vec::new() };
        pool.create(0, &config, start);
        assert_eq!((pool.serf(0).clocks(), pool.serf(0).event_min_time()), (clocks, least));
        let user = pool.hear_event(0, "deploy", least - 1);
        assert!(!pool.queued(0, QueueName::Event).contains(&user), "{file}");
        // Queries below their least time are dropped without a word, the clock witnesses them.
        let question = pool.question(0, None);
        let asked = |ltime| Content::Query {
            ltime,
            id: 1,
            question,
            address: AddressId(1),
            source: MemberId(1),
            timeout: SECOND,
        };
        pool.news(0);
        pool.hear(0, asked(clocks[2] - 1));
        let heard = |e: &Event| matches!(e, Event::Query { .. });
        assert!(!pool.news(0).iter().any(heard));
        pool.hear(0, asked(clocks[2].max(1)));
        assert!(pool.news(0).iter().any(heard));
    }
}

/// Appendix B, 7, at a node: what is accepted is told, forwarded as it was received, and kept.
#[test]
fn the_window_of_user_events() {
    // Name and time; whether it is news; the clock then.
    let mut pool = Pool::at_rest(&quiet(), 1, 2, 0);
    for (name, ltime, news, clock) in [
        ("deploy", 5, true, 6),
        ("deploy", 5, false, 6),
        ("restart", 5, true, 6),
        ("deploy", 499, true, 500),
        ("deploy", 6, true, 500),
        ("deploy", 900, true, 901),
        ("deploy", 388, false, 901),
        ("deploy", 389, true, 901),
        ("deploy", 900, false, 901),
    ] {
        let user = pool.hear_event(0, name, ltime);
        let text = pool.text(name);
        let told = Event::User { ltime, text, path: Path::Gossip };
        assert_eq!(pool.news(0).contains(&told), news, "{name} {ltime}");
        assert_eq!(pool.queued(0, QueueName::Event).contains(&user), news, "{name} {ltime}");
        assert_eq!(pool.serf(0).clocks()[1], clock);
    }
}

/// Limits of an event (4.1): the encoded length binds; 9216 bytes are the most, whatever is set.
#[test]
fn a_user_event_of_about_480_bytes_fits() {
    for (limit, name, payload, fits) in [
        (512, 6, 474, true),
        (512, 6, 480, false),
        (512, 6, 476, true),
        (512, 6, 477, false),
        (512, 600, 0, false),
        (20_000, 6, 9000, true),
        (20_000, 6, 9215, false),
    ] {
        let config = quiet_with(|serf| serf.user_event_size_limit = limit);
        let mut pool = Pool::at_rest(&config, 1, 2, 0);
        let text = Text { name: "n".repeat(name), payload: Some(vec![1; payload]) };
        let text = pool.world.serf.ledger.text_id(text);
        let sent = pool.call(0, |agent, env| agent.user_event(env, text, false));
        assert_eq!(sent.is_ok(), fits, "{limit}: {name} + {payload}");
        assert_eq!(pool.serf(0).clocks()[1], if fits { 2 } else { 1 }, "a refusal moves nothing");
        assert_eq!(pool.serf(0).depth(QueueName::Event), u32::from(fits));
    }
}

fn question(pool: &mut Pool, name: &str, change: impl FnOnce(&mut Question)) -> QuestionId {
    let text = pool.text(name);
    let mut question = Question {
        text,
        filters: Vec::new(),
        ack: false,
        relay_factor: 0,
        timeout: 0,
        answer: None,
        internal: None,
    };
    change(&mut question);
    pool.world.serf.ledger.add_question(question)
}

fn asked(question: QuestionId, ltime: u64, id: u32) -> Content {
    let (address, source, timeout) = (AddressId(1), MemberId(1), SECOND);
    Content::Query { ltime, id, question, address, source, timeout }
}

/// Not meant: no ack and no event, but passed on. Filters must all accept (5.2, 5.4).
#[test]
fn filters_decide_who_answers_and_not_who_forwards() {
    let me = || Filter::Nodes(vec!["node-00".to_owned(), "else".to_owned()]);
    let other = || Filter::Nodes(vec!["node-01".to_owned()]);
    let role = || Filter::tag("role", "^web");
    let wrong = || Filter::tag("role", "(");
    let cases: [(Vec<Filter>, bool); 7] = [
        (vec![], true),
        (vec![me()], true),
        (vec![other()], false),
        (vec![me(), role()], true),
        (vec![other(), role()], false),
        (vec![me(), Filter::tag("dc", "east")], false),
        (vec![wrong()], false),
    ];
    for (filters, accepts) in cases {
        let mut pool = Pool::at_rest(&quiet(), 1, 2, 0);
        let tags = vec![("role".to_owned(), "web-front".to_owned())];
        let World { roster, serf, .. } = &mut pool.world;
        let (meta, _) = serf.ledger.meta_of(roster, tags, 0);
        let attributes = pool.attributes(0, meta);
        pool.call(0, |agent, env| agent.set_tags(env, attributes));
        pool.lose();
        let shown = format!("{filters:?}");
        let question = question(&mut pool, "load", |q| (q.ack, q.filters) = (true, filters));
        let user = pool.hear(0, asked(question, 3, 9));
        assert_eq!(pool.queued(0, QueueName::Query), [user]);
        assert_eq!(pool.agents[&0].out.sent.len(), usize::from(accepts), "{shown}");
        let delivered = Event::Delivered(Delivery::Query(3, question));
        assert_eq!(pool.told(0).any(|e| *e == delivered), accepts, "{shown}");
    }
}

/// A query is known by its time and number (5.2); the window is that of events.
#[test]
fn queries_are_known_by_time_and_number() {
    let mut pool = Pool::at_rest(&quiet(), 1, 2, 0);
    let question = question(&mut pool, "load", |_| ());
    for (ltime, id, news) in
        [(5, 1, true), (5, 1, false), (5, 2, true), (900, 1, true), (388, 1, false), (389, 1, true)]
    {
        let user = pool.hear(0, asked(question, ltime, id));
        assert_eq!(pool.queued(0, QueueName::Query).contains(&user), news, "{ltime} {id}");
    }
    assert_eq!(pool.serf(0).clocks()[2], 901);
}

/// Size limits of queries, answers and relayed answers (5.1, 5.5): the direct copy of an answer is out even
/// where its relay is refused.
#[test]
fn answers_have_limits() {
    const ID: u32 = 0x1234_5678;
    // Payload, relays; whether it is sent, copies. "node-00" makes 39 + 7 + 2 bytes beside the payload, a relay
    // with "node-01" 44 + 7 more.
    for (payload, relays, sent, copies) in [
        (976, 0, true, 1),
        (977, 0, false, 0),
        (925, 2, true, 3),
        (926, 2, true, 1),
        (977, 2, false, 0),
    ] {
        let mut pool = Pool::at_rest(&quiet(), 1, 9, 0);
        let answer = serf::ledger::Answer { payload: vec![1; payload], after: (0, 0) };
        let question = question(&mut pool, "load", |q| {
            (q.answer, q.relay_factor) = (Some(answer), relays);
        });
        pool.hear(0, asked(question, 3, ID));
        let responded = Event::Responded { ltime: 3, id: ID, sent };
        assert!(pool.told(0).any(|e| *e == responded), "{payload} bytes");
        assert_eq!(pool.agents[&0].out.sent.len(), copies, "{payload} bytes, {relays} relays");
    }
    for (payload, fits) in [(780, true), (1000, false)] {
        let mut pool = Pool::at_rest(&quiet(), 1, 2, 0);
        let text = Text { name: "load".to_owned(), payload: Some(vec![1; payload]) };
        let text = pool.world.serf.ledger.text_id(text);
        let question = question(&mut pool, "load", |q| q.text = text);
        let asked = pool.call(0, |agent, env| agent.query(env, question));
        assert_eq!(asked.is_ok(), fits);
        assert_eq!(pool.serf(0).depth(QueueName::Query), u32::from(fits));
    }
}

#[test]
fn queries_need_protocol_four() {
    for (version, known) in [(3, false), (4, true), (5, true)] {
        let config = quiet_with(|serf| serf.serf_protocol_version = version);
        let mut pool = Pool::at_rest(&config, 1, 2, 0);
        let question = pool.question(0, None);
        let asked = pool.call(0, |agent, env| agent.query(env, question));
        assert_eq!(asked.is_ok_and(|a| a.is_some()), known, "version {version}");
    }
}

/// Relays are alive members other than the node, distinct, and may be the asker (5.6). They pass on what they
/// get without a look at it.
#[test]
fn relays_are_distinct_alive_others() {
    for relays in 1..=6u8 {
        let mut pool = Pool::at_rest(&quiet(), 1, 8, 0);
        pool.dies(0, 6, 1);
        pool.hear_leave(0, 7, 20);
        let question = question(&mut pool, "load", |q| (q.ack, q.relay_factor) = (true, relays));
        pool.hear(0, asked(question, 3, 9));
        let to = |s: &Sent| match s {
            Sent::Packet { to, .. } => to.0,
            Sent::Action(action) => panic!("{action:?}"),
        };
        let mut sent: Vec<u32> = pool.agents[&0].out.sent.iter().map(to).collect();
        assert_eq!(sent.remove(0), 1, "the asker itself");
        sent.sort_unstable();
        let all = sent.len();
        sent.dedup();
        assert_eq!(sent.len(), all);
        // Five are eligible: 24 draws out of 8 find four of them at least, nearly always all.
        assert!(all == usize::from(relays.min(5)) || relays >= 5 && all == 4, "{relays}: {all}");
        assert!(sent.iter().all(|m| (1..=5).contains(m)), "{sent:?}");
    }
    let mut pool = Pool::at_rest(&quiet(), 1, 3, 0);
    let inner = pool.message_of(Content::Foreign, 50);
    pool.hear(0, Content::Relay { to: AddressId(2), name: MemberId(1), inner });
    let Some(Sent::Packet { to, messages, .. }) = pool.agents[&0].out.sent.front() else {
        panic!("one packet")
    };
    assert_eq!((*to, &messages[..]), (AddressId(2), &[Message::user(inner)][..]));
}

/// Acks and responses are counted once for each sender, each in a set of its own; a copy by a relay, a wrong
/// number and an unknown time are not (5.7).
#[test]
fn answers_are_counted_once() {
    let mut pool = Pool::at_rest(&quiet(), 1, 4, 0);
    let question = pool.question(0, None);
    let (ltime, id) = pool.ask(0, question);
    pool.lose();
    pool.news(0);
    let answer = Reply::Answer { len: 3 };
    for (ltime, id, from, reply, receipt) in [
        (ltime, id, 1, Reply::Ack, Receipt::InTime),
        (ltime, id, 1, Reply::Ack, Receipt::Duplicate),
        (ltime, id, 1, answer, Receipt::InTime),
        (ltime, id, 1, answer, Receipt::Duplicate),
        (ltime, id, 2, answer, Receipt::InTime),
        (ltime, id ^ 1, 3, answer, Receipt::Late),
        (ltime + 1, id, 3, answer, Receipt::Late),
    ] {
        pool.hear(0, Content::Response { ltime, id, from: MemberId(from), reply });
        let found = pool.news(0).into_iter().find_map(|e| match e {
            Event::AckHeard { receipt, .. } | Event::ResponseHeard { receipt, .. } => Some(receipt),
            _ => None,
        });
        assert_eq!(found, Some(receipt), "{reply:?} of {from}");
    }
    pool.run_until(4 * SECOND);
    let closed = Event::QueryClosed { ltime, id, acks: 1, responses: 2 };
    assert_eq!(pool.when(0, |e| *e == closed), [3200 * MILLISECOND]);
}

/// Appendix B, 13: who stays after so many answers, of which so many speak for it.
#[test]
fn a_vote_needs_a_majority_of_the_answers() {
    for (responses, matching, unknown, quits) in [
        (0, 0, 0, true),
        (1, 1, 0, false),
        (1, 0, 0, true),
        (2, 1, 0, true),
        (2, 2, 0, false),
        (3, 2, 0, false),
        (3, 2, 1, false),
        (3, 1, 2, true),
        (4, 2, 0, true),
        (5, 3, 2, false),
    ] {
        let mut pool = Pool::at_rest(&quiet(), 1, 8, 0);
        let claim = pool.alive_as(0, 5, 77, 0);
        pool.packet(0, &[claim]);
        let (ltime, id) = pool
            .told(0)
            .find_map(|e| match e {
                Event::Asked { ltime, id, .. } => Some((*ltime, *id)),
                _ => None,
            })
            .unwrap();
        for nth in 0..responses {
            // One's own address, no record at all, or the other's address.
            let known = if nth < matching {
                Some(0)
            } else if nth < matching + unknown {
                None
            } else {
                Some(77)
            };
            let known = known.map(|address| {
                let attributes = pool.attributes(address, 0);
                Known { member: MemberId(0), attributes }
            });
            let (from, reply) = (MemberId(1 + nth), Reply::Conflict(known));
            pool.hear(0, Content::Response { ltime, id, from, reply });
        }
        pool.run_until(4 * SECOND);
        assert!(pool.told(0).any(|e| *e == Event::Vote { responses, matching }));
        let quit = pool.told(0).any(|e| *e == Event::Shutdown);
        assert_eq!(quit, quits, "{matching} of {responses}");
    }
}

/// Internal queries are swallowed: nobody else's business, but acked if asked (5.8).
#[test]
fn internal_queries_do_not_reach_handlers() {
    let member = MemberId;
    for (internal, packets) in [
        (Internal::Ping, 1),
        (Internal::Conflict(member(0)), 1),
        (Internal::Conflict(member(2)), 2),
        (Internal::Conflict(member(5)), 2),
        (Internal::ListKeys, 2),
    ] {
        let mut pool = Pool::at_rest(&quiet(), 1, 4, 2);
        let question = question(&mut pool, internal.name(), |q| {
            (q.ack, q.internal) = (true, Some(internal));
        });
        pool.hear(0, asked(question, 3, 9));
        assert!(!pool.told(0).any(|e| matches!(e, Event::Delivered(_))), "{internal:?}");
        assert_eq!(pool.agents[&0].out.sent.len(), packets, "{internal:?}");
    }
}

/// The keyring of one node (11): what an operation makes of it, and whether it succeeds.
#[test]
fn key_operations() {
    let ring = |primary, keys| Some(Encryption { version: 1, primary, keys });
    for (before, operation, done, after) in [
        (None, Internal::InstallKey(1), false, None),
        (None, Internal::ListKeys, false, None),
        (ring(0, 0b01), Internal::InstallKey(1), true, ring(0, 0b11)),
        (ring(0, 0b11), Internal::InstallKey(1), true, ring(0, 0b11)),
        (ring(0, 0b11), Internal::UseKey(1), true, ring(1, 0b11)),
        (ring(0, 0b01), Internal::UseKey(1), false, ring(0, 0b01)),
        (ring(0, 0b11), Internal::RemoveKey(1), true, ring(0, 0b01)),
        (ring(0, 0b11), Internal::RemoveKey(0), false, ring(0, 0b11)),
        (ring(0, 0b01), Internal::RemoveKey(5), true, ring(0, 0b01)),
        (ring(0, 0b01), Internal::ListKeys, true, ring(0, 0b01)),
    ] {
        let config = Config { encryption: before, gossip_verify_incoming: false, ..quiet() };
        let mut pool = Pool::at_rest(&config, 1, 2, 0);
        let question = question(&mut pool, operation.name(), |q| q.internal = Some(operation));
        pool.hear(0, asked(question, 3, 9));
        let changed = pool.told(0).find_map(|e| match e {
            Event::Keyring { now } => Some(*now),
            _ => None,
        });
        assert_eq!(changed, after.filter(|_| before != after), "{operation:?} of {before:?}");
        let Some(Sent::Packet { messages, .. }) = pool.agents[&0].out.sent.back() else {
            panic!("it answers")
        };
        let content = pool.world.serf.ledger.content(messages[0].belief().0);
        let list = operation == Internal::ListKeys;
        let reply = Reply::Key { done, list };
        assert_eq!(content, Content::Response { ltime: 3, id: 9, from: MemberId(0), reply });
    }
}

/// What a clock takes from a push/pull: the greater of both, and a value of 0 is skipped (2).
#[test]
fn an_exchange_takes_the_greater_clock() {
    for (mine, theirs) in [(3, 3), (3, 9), (9, 3)] {
        let mut pool = Pool::at_rest(&quiet(), 2, 2, 0);
        let question = pool.question(0, None);
        for (m, clock) in [(0, mine), (1, theirs)] {
            pool.hear_join(m, m, clock - 1);
            pool.hear_event(m, "deploy", clock - 1);
            pool.hear(m, asked(question, clock - 1, 1));
        }
        pool.learn(0, 1);
        assert_eq!(pool.serf(0).clocks(), [mine.max(theirs); 3]);
    }
}

/// A state tells of members that the receiver does not know: intents to be kept, not members (3.4, 3.11).
#[test]
fn a_state_feeds_the_buffer() {
    let mut pool = Pool::at_rest(&quiet(), 1, 4, 1);
    pool.hear_join(0, 2, 8);
    pool.hear_leave(0, 3, 9);
    pool.dies(0, 3, 1);
    pool.create(4, &quiet(), Start::default());
    let state = pool.state_of(0);
    let state = pool.without_list(state);
    pool.merge(4, state, false);
    assert_eq!((pool.serf(4).members().len(), pool.serf(4).buffered_intents()), (1, 4));
    assert_eq!(pool.serf(4).depth(QueueName::Intent), 0, "nothing is told on");
    for m in [2, 3] {
        pool.comes(4, m, 1);
    }
    assert_eq!(pool.held(4, 2), (Status::Alive, 8));
    assert_eq!(pool.held(4, 3), (Status::Leaving, 10), "a leave is taken for one more");
}
