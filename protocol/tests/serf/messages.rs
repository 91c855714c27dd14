//! Surprises about events, queries, queues and coordinates.

use wavetank_protocol::{
    Compat, Config, Quirks, Span,
    belief::{AddressId, MemberId},
    config::Encryption,
    message::Message,
    serf::{
        self, Event, Start, Status,
        coordinate::{Client, Coordinate},
        event::{Delivery, Path, QueueName, Receipt},
        ledger::{Content, Reply},
        snapshot::File,
    },
    time::{MILLISECOND, SECOND},
};

use crate::pool::{Pool, Sent, known, quiet, quiet_with};

fn agent() -> Config {
    Config { serf: Some(serf::Config::agent()), ..quiet() }
}

/// Lamport times of user events, as they were heard.
fn heard(events: &[Event]) -> Vec<(u64, Path)> {
    let user = |e: &Event| match e {
        Event::User { ltime, path, .. } => Some((*ltime, *path)),
        _ => None,
    };
    events.iter().filter_map(user).collect()
}

/// From a push/pull: in the order of the ring, not told on, and past the coalescer.
#[test]
fn surprise_06_events_of_a_push_pull() {
    let mut pool = Pool::at_rest(&agent(), 2, 2, 0);
    let text = pool.text("deploy");
    for ltime in [500, 511, 512, 600] {
        pool.hear(0, Content::Event { ltime, text, coalesce: true });
    }
    pool.learn(1, 0);
    let news = pool.news(1);
    let order = [512, 600, 500, 511].map(|ltime| (ltime, Path::PushPull));
    assert_eq!(heard(&news), order, "slots 0, 88, 500, 511");
    assert_eq!(pool.serf(1).depth(QueueName::Event), 0);
    let delivered = |e: &&Event| matches!(e, Event::Delivered(Delivery::User(..)));
    assert_eq!(news.iter().filter(delivered).count(), 4, "at once");
    // By gossip the same are coalesced, and passed on.
    let news = pool.news(0);
    assert_eq!((heard(&news).len(), news.iter().filter(delivered).count()), (4, 0));
    assert_eq!(pool.serf(0).depth(QueueName::Event), 4);
    pool.run_until(SECOND);
    assert_eq!(pool.news(0).iter().filter(delivered).count(), 1);
}

/// A join without replay takes no event below the other's clock, nor ever will.
#[test]
fn surprise_07_a_joiner_ignores_those_whose_clocks_lag() {
    for replay in [false, true] {
        let config = quiet_with(|serf| serf.replay_on_join = replay);
        let mut pool = Pool::created(&config, 1, 2);
        pool.hear_event(0, "old", 50);
        pool.create(1, &config, Start::default());
        pool.join(1, 0);
        assert_eq!(pool.serf(1).event_min_time(), if replay { 0 } else { 51 });
        let count = |news: &[Event]| heard(news).len();
        assert_eq!(count(&pool.news(1)), usize::from(replay));
        // New, but of a member whose clock is behind.
        let user = pool.hear_event(1, "new", 10);
        let news = pool.news(1);
        assert_eq!(count(&news), usize::from(replay));
        assert_eq!(pool.queued(1, QueueName::Event).contains(&user), replay);
        let ignored = |e: &&Event| matches!(e, Event::IgnoredEvent { ltime: 10, .. });
        assert_eq!(news.iter().filter(ignored).count(), usize::from(!replay));
        pool.hear_event(1, "newer", 51);
        assert_eq!(count(&pool.news(1)), 1);
        // The effect is the joiner's alone, and for good.
        assert_eq!(pool.serf(0).event_min_time(), 0);
        pool.run_for(600 * SECOND);
        assert_eq!(pool.serf(1).event_min_time(), if replay { 0 } else { 51 });
    }
}

#[test]
fn surprise_08_equal_events_of_two_nodes_are_one() {
    // Name at each of two nodes that fire at the same time by their clocks; events heard by a third.
    for (names, events) in [(["deploy", "deploy"], 1), (["deploy", "restart"], 2)] {
        let mut pool = Pool::at_rest(&quiet(), 3, 3, 0);
        for m in [0, 1] {
            assert_eq!(pool.fire(m, names[m as usize], m == 0), 1);
        }
        pool.run_for(3 * SECOND);
        for m in 0..3 {
            assert_eq!(heard(&pool.news(m)).len(), events, "at {m}: {names:?}");
        }
    }
}

/// The time of a query: 16 gossip intervals for each digit of the number of members.
#[test]
fn surprise_11_a_query_takes_its_whole_time() {
    let ms = |n: u64| n * 100 * MILLISECOND;
    for (n, lan, wan, local) in [
        (1, 32, 80, 16),
        (9, 32, 80, 16),
        (10, 64, 160, 32),
        (99, 64, 160, 32),
        (100, 96, 240, 48),
        (999, 96, 240, 48),
        (1000, 128, 320, 64),
    ] {
        let profiles = [(Config::lan(), lan), (Config::wan(), wan), (Config::local(), local)];
        for (profile, time) in profiles {
            let serf = Some(serf::Config::library());
            let config = Config { serf, push_pull_interval: 0, probe_interval: 0, ..profile };
            let mut pool = Pool::at_rest(&config, 1, n, 0);
            let question = pool.question(0, None);
            let (ltime, id) = pool.ask(0, question);
            pool.deliver();
            // All that can answer has: the node itself. It lasts to the end all the same.
            let ack = |e: &Event| matches!(e, Event::AckHeard { receipt: Receipt::InTime, .. });
            assert_eq!(pool.when(0, ack), [0]);
            pool.run_until(ms(400));
            let closed = Event::QueryClosed { ltime, id, acks: 1, responses: 0 };
            assert_eq!(pool.when(0, |e| *e == closed), [ms(time)], "{n} members");
        }
    }
}

#[test]
fn surprise_11_who_hears_it_late_answers_too_late() {
    let mut pool = Pool::at_rest(&quiet(), 2, 2, 0);
    let question = pool.question(0, Some(3 * SECOND));
    pool.cut.insert((0, 1));
    let (ltime, id) = pool.ask(0, question);
    let [user] = pool.queued(0, QueueName::Query)[..] else { panic!("one query") };
    pool.deliver();
    pool.run_until(2 * SECOND);
    pool.cut.clear();
    pool.packet(1, &[Message::user(user)]);
    pool.run_until(10 * SECOND);
    // Three seconds are within the receiver's own 3.2 s from its hearing.
    let sent = Event::Responded { ltime, id, sent: true };
    assert_eq!(pool.when(1, |e| *e == sent), [5 * SECOND]);
    let from = MemberId(1);
    let late = Event::ResponseHeard { ltime, id, from, receipt: Receipt::Late };
    assert_eq!(pool.when(0, |e| *e == late), [5 * SECOND]);
    let closed = Event::QueryClosed { ltime, id, acks: 2, responses: 1 };
    assert_eq!(pool.when(0, |e| *e == closed), [3200 * MILLISECOND]);
}

/// An ack is one packet, sent once; a flood of them overflows the asker's queue for what it cannot handle
/// at once; relays need a cluster of more members than that.
#[test]
fn surprise_12_acks_are_single_packets() {
    // Members, relay factor, and packets that an ack takes.
    for (members, relays, packets) in [(5, 0, 1), (5, 3, 4), (3, 3, 1), (4, 3, 4), (3, 2, 3)] {
        let mut pool = Pool::at_rest(&quiet(), 1, members, 0);
        let question = pool.question(relays, None);
        let (address, source) = (AddressId(1), MemberId(1));
        let timeout = SECOND;
        pool.hear(0, Content::Query { ltime: 1, id: 9, question, address, source, timeout });
        let sent = &pool.agents[&0].out.sent;
        assert_eq!(sent.len(), packets, "{members} members, {relays} relays");
        let single = |s: &Sent| matches!(s, Sent::Packet { messages, .. } if messages.len() == 1);
        assert!(sent.iter().all(single), "nothing is piggybacked");
        pool.agents.get_mut(&0).unwrap().out.sent.clear();
        // It is not sent again when the question comes once more, or ever.
        pool.hear(0, Content::Query { ltime: 1, id: 9, question, address, source, timeout });
        assert_eq!(pool.agents[&0].out.sent.len(), 0);
    }
}

#[test]
fn surprise_12_a_flood_of_acks_overflows_the_asker() {
    let mut pool = Pool::at_rest(&quiet(), 1, 1100, 0);
    let question = pool.question(0, None);
    let (ltime, id) = pool.ask(0, question);
    pool.call(0, |agent, _| agent.swim.set_slow(true));
    for m in 0..1100 {
        let reply = Reply::Ack;
        pool.hear(0, Content::Response { ltime, id, from: MemberId(m), reply });
    }
    while pool.agents[&0].node.handoff_depth() > 0 {
        pool.input(0, wavetank_protocol::swim::Input::Drain);
    }
    let dropped = |e: &&wavetank_protocol::swim::Event| {
        matches!(e, wavetank_protocol::swim::Event::HandoffDropped)
    };
    assert_eq!(pool.agents[&0].out.swim.iter().filter(dropped).count(), 1100 - 1024);
    pool.call(0, |agent, _| agent.swim.set_slow(false));
    pool.run_until(20 * SECOND);
    let closed = Event::QueryClosed { ltime, id, acks: 1024, responses: 0 };
    assert!(pool.told(0).any(|e| *e == closed));
}

/// Queues so many intents at a node, all of the same length.
fn crowd(pool: &mut Pool, intents: u32, len: u32) {
    for ltime in 0..intents {
        let (ltime, member) = (100 + u64::from(ltime), MemberId(1));
        let user = pool.message_of(Content::Join { ltime, member }, len);
        pool.packet(0, &[Message::user(user)]);
    }
}

/// A leave waits until its intent was sent its limit; behind a deep queue that takes too long.
#[test]
fn surprise_13_a_leave_waits_behind_the_queue() {
    for (intents, compat, returns, in_time) in
        [(0, Compat::Head, 0, true), (4000, Compat::Head, 5, false), (4000, Compat::V0_2, 5, false)]
    {
        let quirks = Quirks { queue_id_reset: false, ..Quirks::HEAD };
        let mut pool = Pool::at_rest(&Config { compat, quirks, ..quiet() }, 1, 20, 0);
        crowd(&mut pool, intents, 60);
        pool.call(0, |agent, env| agent.leave(env, 0));
        pool.run_until(30 * SECOND);
        let returned = pool.when(0, |e| *e == Event::LeaveReturned { in_time });
        assert_eq!(returned.len(), 1, "{intents} intents, {compat:?}");
        assert!(returned[0] >= returns * SECOND);
        // The newest release goes on with memberlist's leave, 0.9.4 does not.
        let left = pool.agents[&0].node.has_left();
        assert_eq!(left, in_time || compat == Compat::Head, "{compat:?}");
    }
}

/// When a leave returns that is called at 0, and whether in time; nobody answers and nothing is piggybacked.
fn leave(profile: &Config, members: u32, cap: Span) -> (Span, bool) {
    let serf = Some(serf::Config::library());
    let config = Config { serf, push_pull_interval: 0, probe_interval: 0, ..profile.clone() };
    let mut pool = Pool::at_rest(&config, 1, members, 0);
    pool.call(0, |agent, env| agent.leave(env, cap));
    pool.run_until(20 * SECOND);
    let returned = |e: &Event| matches!(e, Event::LeaveReturned { .. });
    let [at] = pool.when(0, returned)[..] else { panic!("once") };
    (at, pool.told(0).any(|e| *e == Event::LeaveReturned { in_time: true }))
}

/// An agent waits three seconds for its leave after an interrupt: too short from a size on.
#[test]
fn surprise_14_an_interrupt_cuts_the_leave_of_large_clusters_short() {
    for (profile, members, in_time) in [
        (Config::lan(), 10, true),
        (Config::lan(), 100, true),
        (Config::lan(), 1000, false),
        (Config::wan(), 9, true),
        (Config::wan(), 100, false),
    ] {
        let (at, done) = leave(&profile, members, 3 * SECOND);
        assert_eq!(done, in_time, "{members} members");
        assert_eq!(at == 3 * SECOND, !in_time, "{members} members: {at}");
    }
}

/// Two broadcasts of `ceil(R / k)` gossip ticks each and the wait of a second (3.6), less the part of the
/// first tick that is over, as a call comes between two.
#[test]
fn a_leave_takes_two_broadcasts_and_a_second() {
    let ms = |n: u64| n * MILLISECOND;
    for (profile, members, least, most) in [
        (Config::lan(), 3, 1000 + 600, 1000 + 800),
        (Config::lan(), 50, 2000, 2200),
        (Config::lan(), 2000, 3200, 3400),
        (Config::wan(), 50, 2500, 3000),
    ] {
        let (at, done) = leave(&profile, members, 0);
        assert!(done && (ms(least)..=ms(most)).contains(&at), "{members} members: {at}");
    }
}

/// With a least depth the limit goes by it and by the members, also where the warning is far (6.4).
#[test]
fn the_least_depth_is_a_limit_of_its_own() {
    // Least depth, greatest depth, members; what a queue of 100 is pruned to.
    for (min, max, members, left) in
        [(0, 4096, 5, 100), (0, 90, 5, 90), (10, 4096, 5, 10), (10, 20, 40, 80), (10, 20, 50, 100)]
    {
        let config = quiet_with(|serf| {
            (serf.min_queue_depth, serf.max_queue_depth) = (min, max);
        });
        let config = Config { gossip_interval: 0, ..config };
        let mut pool = Pool::at_rest(&config, 1, members, 0);
        crowd(&mut pool, 100, 60);
        pool.run_until(30 * SECOND);
        assert_eq!(pool.serf(0).depth(QueueName::Intent), left, "{min} {max} {members}");
        let pruned = |e: &Event| match e {
            Event::Pruned { dropped, limit, .. } => Some((*dropped, *limit)),
            _ => None,
        };
        let expected = (left < 100).then_some((100 - left, left));
        assert_eq!(pool.told(0).find_map(pruned), expected);
    }
}

/// No priority for anybody's leave: longer messages go first, so a short name waits.
#[test]
fn surprise_15_a_short_leave_waits_behind_longer_intents() {
    let mut pool = Pool::at_rest(&quiet(), 1, 20, 0);
    crowd(&mut pool, 100, 60);
    pool.call(0, |agent, env| agent.leave(env, 0));
    let contents = pool.contents(0, QueueName::Intent);
    assert!(matches!(contents[100], Content::Leave { .. }), "the newest and the last");
    // 22 intents to a packet, and a tick sends three: two ticks of others' news before it is sent.
    let leave = pool.queued(0, QueueName::Intent)[100];
    pool.keeps = true;
    pool.run_until(300 * MILLISECOND);
    assert_eq!(pool.copies(0, leave), 0);
    pool.run_until(500 * MILLISECOND);
    assert!(pool.copies(0, leave) > 0);
}

/// Limits go by digits of counts, and Serf's count holds the failed and the left, for a day.
#[test]
fn surprise_20_limits_step_at_powers_of_ten() {
    // Known at rest, failed of them; copies of an event; time of a query, in tenths of a second.
    for (known, failed, copies, tenths) in
        [(9, 0, 4, 32), (10, 0, 8, 64), (10, 1, 8, 32), (99, 0, 8, 64), (100, 0, 12, 96)]
    {
        let mut pool = Pool::at_rest(&quiet(), 1, known, 0);
        for m in 0..failed {
            pool.dies(0, known - 1 - m, 1);
        }
        pool.fire(0, "deploy", false);
        let [event] = pool.queued(0, QueueName::Event)[..] else { panic!("one event") };
        let question = pool.question(9, None);
        pool.ask(0, question);
        let asked = pool.told(0).find_map(|e| match e {
            Event::Asked { timeout, .. } => Some(*timeout),
            _ => None,
        });
        assert_eq!(asked, Some(tenths * 100 * MILLISECOND), "{known} known, {failed} failed");
        pool.keeps = true;
        pool.run_for(10 * SECOND);
        assert_eq!(pool.copies(0, event), copies, "{known} known, {failed} failed");
        // Nine relays need ten members, of whatever status.
        let relayed = known >= 10;
        let mut pool = Pool::at_rest(&quiet(), 1, known, 0);
        for m in 0..failed {
            pool.dies(0, known - 1 - m, 1);
        }
        pool.agents.get_mut(&0).unwrap().out.sent.clear();
        let question = pool.question(9, None);
        pool.ask(0, question);
        assert_eq!(pool.agents[&0].out.sent.len() > 1, relayed, "{known} known");
    }
}

/// Below ten members of the local profile each node sends a message twice.
#[test]
fn surprise_21_the_local_profile_sends_twice() {
    for (profile, members, copies) in
        [(Config::local(), 9, 2), (Config::local(), 10, 4), (Config::lan(), 9, 4)]
    {
        let serf = Some(serf::Config::library());
        let config = Config { serf, push_pull_interval: 0, probe_interval: 0, ..profile };
        let mut pool = Pool::at_rest(&config, 1, members, 0);
        let user = pool.hear_event(0, "deploy", 5);
        pool.keeps = true;
        pool.run_for(10 * SECOND);
        assert_eq!(pool.copies(0, user), copies, "{members} members");
        assert_eq!(pool.serf(0).depth(QueueName::Event), 0);
    }
}

/// Too long for a gossip packet by a byte: it stays in the queue for ever and spreads by push/pull.
#[test]
fn surprise_22_what_does_not_fit_is_never_gossiped() {
    let encrypted = |version| Some(Encryption { version, primary: 0, keys: 1 });
    for (encryption, longest) in [(None, 1395), (encrypted(1), 1366), (encrypted(0), 1350)] {
        for len in [longest, longest + 1] {
            let verify = false;
            let config = Config { encryption, gossip_verify_incoming: verify, ..quiet() };
            let mut pool = Pool::at_rest(&config, 2, 2, 0);
            let text = pool.text("big");
            let content = Content::Event { ltime: 3, text, coalesce: false };
            let user = pool.message_of(content, len);
            pool.packet(0, &[Message::user(user)]);
            pool.keeps = true;
            pool.run_until(100 * SECOND);
            let copies = if len == longest { 4 } else { 0 };
            assert_eq!(pool.copies(0, user), copies, "{encryption:?}, {len} bytes");
            let waits = pool.serf(0).depth(QueueName::Event);
            assert_eq!(waits, u32::from(len > longest));
            pool.learn(1, 0);
            assert_eq!(heard(&pool.news(1)), [(3, Path::PushPull)]);
        }
    }
}

/// Handlers take their time one after the other. What is on its way to them has room; when that is full, a
/// node with a snapshot loses events, and one without lets memberlist's messages wait.
#[test]
fn surprise_25_slow_handlers_lose_events_or_block() {
    for (snapshot, room) in [(false, 64 + 1024), (true, 64 + 1024 + 2048)] {
        let config = quiet_with(|serf| {
            serf.handler_time = SECOND;
            serf.snapshot = snapshot;
            serf.event_buffer = 8192;
        });
        let mut pool = Pool::at_rest(&config, 1, 2, 0);
        let events = room + 10;
        for ltime in 1..=events {
            pool.hear_event(0, "deploy", ltime);
        }
        let dropped = |e: &&Event| matches!(e, Event::PipelineDropped);
        let lost = pool.told(0).filter(dropped).count() as u64;
        let waits = pool.agents[&0].node.handoff_depth() as u64;
        // The event that would block is in the hands of Serf in the original, and still at memberlist here.
        assert_eq!((lost, waits), if snapshot { (10, 0) } else { (0, 10) });
        pool.run_until(3 * SECOND);
        let delivered = |e: &Event| matches!(e, Event::Delivered(Delivery::User(..)));
        assert_eq!(pool.when(0, delivered), [SECOND, 2 * SECOND, 3 * SECOND]);
        // In the end all but the lost are handled.
        pool.run_until((events + 10) * SECOND);
        assert_eq!(pool.when(0, delivered).len() as u64, events - lost);
        assert_eq!(pool.agents[&0].node.handoff_depth(), 0);
    }
}

/// The agent reads `disable_coordinates` and forgets it.
#[test]
fn surprise_28_coordinates_cannot_be_disabled() {
    for (dead_config, disabled, kept) in
        [(true, true, true), (false, true, false), (true, false, true), (false, false, true)]
    {
        let quirks = Quirks { dead_config, ..Quirks::HEAD };
        let config = quiet_with(|serf| serf.disable_coordinates = disabled);
        let config = Config { quirks, ..config };
        let rest = Pool::at_rest(&config, 1, 2, 0);
        let fresh = Pool::created(&config, 1, 0);
        for pool in [rest, fresh] {
            assert_eq!(pool.serf(0).coordinate().is_some(), kept, "{dead_config} {disabled}");
        }
    }
}

/// The adjustment is a mean over 40 from the first sample on, and nothing of a coordinate is kept over a
/// restart, whatever its snapshot says.
#[test]
fn surprise_31_coordinates_begin_anew_and_slowly() {
    let mut client = Client::default();
    let mut rng = wavetank_protocol::rng::Keys::new(1).stream(0);
    let other = Coordinate::default();
    let rtt = 50 * MILLISECOND as i64;
    client.update(MemberId(1), &other, rtt, &mut rng).unwrap();
    let first = client.own().adjustment;
    // One sample of twenty, and half of the difference: a fortieth of it.
    assert!(first.abs() <= 0.05 / 40.0 && first != 0.0, "{first}");
    let config = quiet_with(|serf| serf.snapshot = true);
    let mut pool = Pool::created(&config, 1, 1);
    let saved =
        "coordinate: {\"Vec\":[1,2,3,4,5,6,7,8],\"Error\":0.1}\nalive: node-01 10.0.0.2:7946\n";
    let start = Start { file: File::new(saved), known: known(&[1]) };
    pool.create(0, &config, start);
    assert_eq!(pool.serf(0).coordinate(), Some(&Coordinate::default()));
    assert_eq!(pool.status(0, 0), Status::Alive);
}
