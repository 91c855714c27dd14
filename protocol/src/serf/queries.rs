//! Queries: asking, hearing, answering, collecting (`serf/query.go`, `serf/serf.go: Query, handleQuery,
//! handleQueryResponse`, `serf/event.go: Query.Respond`; specification 5).

use rustc_hash::FxHashSet;

use super::{
    Agent, Draw, Event, SerfOutbox,
    event::{Delivery, Path, QueueName, Receipt},
    events::TooLarge,
    lamport::LTime,
    ledger::{Content, QuestionId, Reply},
    pipeline::Handing,
    ring::News,
    sizes,
};
use crate::{
    belief::{AddressId, MemberId},
    queue::Waiter,
    rng::Chance,
    rules,
    swim::Env,
    time::{Span, Time},
    view::View,
};

/// Least protocol version that knows queries.
const QUERIES: u8 = 4;

/// What a query's answers are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Application,
    /// A step of a key operation.
    Keys,
    /// A vote about the node's own name.
    Vote,
}

/// Collects acks and responses at the asker.
#[derive(Clone, Debug)]
pub(super) struct Collector {
    pub(super) ltime: LTime,
    pub(super) id: u32,
    pub(super) deadline: Time,
    /// Members that were held alive or suspect: the room for answers.
    pub(super) members: u32,
    pub(super) of: Use,
    acks: FxHashSet<MemberId>,
    responses: FxHashSet<MemberId>,
    /// Answers that report a failure, or in a vote those that speak for this node.
    pub(super) counted: u32,
}

impl Collector {
    pub(super) fn responses(&self) -> u32 {
        self.responses.len() as u32
    }
}

/// What an answer to a query needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answering {
    pub(super) ltime: LTime,
    pub(super) id: u32,
    pub(super) question: QuestionId,
    pub(super) address: AddressId,
    pub(super) source: MemberId,
    /// After it the answer is not sent any more.
    pub(super) deadline: Time,
}

impl Agent<'_> {
    /// Asks (`Query`); gives the Lamport time and the number of the query. Nothing is asked below protocol
    /// version 4.
    pub fn query<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        question: QuestionId,
    ) -> Result<Option<(LTime, u32)>, TooLarge> {
        let asked = self.ask(env, question, Use::Application);
        self.settle(env, true);
        asked
    }

    pub(super) fn ask<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        question: QuestionId,
        of: Use,
    ) -> Result<Option<(LTime, u32)>, TooLarge> {
        let Some(config) = env.config.serf else { return Ok(None) };
        if config.serf_protocol_version < QUERIES {
            return Ok(None);
        }
        let members = self.swim.alive_or_suspect();
        let timeout = match env.world.serf.ledger.question(question).timeout {
            0 => default_timeout(env, members),
            timeout => timeout,
        };
        let mut rng = self.serf.rng(env.world.keys, Draw::Query);
        let id = (rng.word() >> 33) as u32;
        self.serf.drawn(Draw::Query, &rng);
        let ltime = self.serf.clocks.query.time();
        let source = self.serf.me;
        let address = self.own_address(env);
        let content = Content::Query { ltime, id, question, address, source, timeout };
        let len = sizes::of(&env.world.serf.ledger, &env.world.roster, env.config, content);
        let limit = config.query_size_limit;
        if len > limit {
            env.out.tell(Event::TooLarge { len, limit });
            return Err(TooLarge { len, limit });
        }
        let collector = Collector {
            ltime,
            id,
            deadline: env.now + timeout,
            members,
            of,
            acks: FxHashSet::default(),
            responses: FxHashSet::default(),
            counted: 0,
        };
        self.serf.collectors.push(collector);
        env.out.tell(Event::Asked { ltime, id, question, timeout, members });
        self.hear_query(env, content, Path::Own);
        let world = &mut *env.world;
        let user = world.serf.ledger.add(&mut world.roster, content, len);
        self.queue(env, QueueName::Query, user, Waiter::None);
        Ok(Some((ltime, id)))
    }

    pub(super) fn own_address<V, O>(&self, env: &Env<'_, V, O>) -> AddressId {
        env.world.roster.attributes(self.swim.identity().attributes).address
    }

    /// A query (`handleQuery`); whether it is news.
    pub(super) fn hear_query<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        content: Content,
        path: Path,
    ) -> bool {
        let Content::Query { ltime, id, question, address, source, timeout } = content else {
            return false;
        };
        let size = env.config.serf.map_or(0, |c| c.query_buffer);
        self.serf.clocks.query.witness(ltime);
        if ltime < self.serf.query_min {
            return false;
        }
        let current = self.serf.clocks.query.time();
        match self.serf.queries.note(size, current, ltime, id, |_| ()) {
            News::Known => return false,
            News::Old => {
                env.out.tell(Event::OldQuery { ltime, current, question });
                return false;
            }
            News::Yes => {}
        }
        let world = &*env.world;
        let asked = world.serf.ledger.question(question);
        let (ack, internal) = (asked.ack, asked.internal);
        let name = world.roster.name(self.serf.me);
        let meta = world.roster.attributes(self.swim.identity().attributes).meta;
        let tags = world.serf.ledger.tags(meta);
        let accepted = asked.filters.iter().all(|f| f.accepts(name, tags));
        env.out.tell(Event::Query { ltime, id, question, source, accepted, path });
        if !accepted {
            // Not meant, but passed on all the same.
            return true;
        }
        let deadline = env.now + timeout;
        let asking = Answering { ltime, id, question, address, source, deadline };
        if ack {
            self.reply(env, &asking, Reply::Ack);
        }
        if let Some(recorder) = &mut self.serf.recorder {
            recorder.query(env.now, ltime);
        }
        if let Some(internal) = internal {
            self.internal_query(env, &asking, internal);
        } else {
            let answers = env.world.serf.ledger.question(question).answer.is_some();
            let delivery = Delivery::Query(ltime, question);
            self.hand(env, Handing::Query(delivery, answers.then_some(asking)));
        }
        true
    }

    /// How long a handler takes over what it is handed, beside `handler_time`: that of an answer.
    pub(super) fn answer_time<V: View, O: SerfOutbox>(
        &mut self,
        env: &Env<'_, V, O>,
        handing: &Handing,
    ) -> Span {
        let Handing::Query(_, Some(answering)) = handing else { return 0 };
        let question = env.world.serf.ledger.question(answering.question);
        let Some(answer) = &question.answer else { return 0 };
        let (least, most) = answer.after;
        if least == most {
            return least;
        }
        let mut rng = self.serf.rng(env.world.keys, Draw::Answer);
        let takes = least + rng.span(most - least + 1);
        self.serf.drawn(Draw::Answer, &rng);
        takes
    }

    /// Answers as an application (`Query.Respond`): refused when too long or too late.
    pub(super) fn respond<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        to: &Answering,
    ) {
        let question = env.world.serf.ledger.question(to.question);
        let len = question.answer.as_ref().map_or(0, |a| a.payload.len() as u32);
        let sent = env.now <= to.deadline && self.reply(env, to, Reply::Answer { len });
        env.out.tell(Event::Responded { ltime: to.ltime, id: to.id, sent });
    }

    /// Sends an ack or a response: one packet, no retry, and its copies by relays. False if it is too long.
    pub(super) fn reply<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        to: &Answering,
        reply: Reply,
    ) -> bool {
        let from = self.serf.me;
        let content = Content::Response { ltime: to.ltime, id: to.id, from, reply };
        let world = &mut *env.world;
        let len = sizes::of(&world.serf.ledger, &world.roster, env.config, content);
        let limit = env.config.serf.map_or(0, |c| c.query_response_size_limit);
        if reply != Reply::Ack && len > limit {
            env.out.tell(Event::TooLarge { len, limit });
            return false;
        }
        let user = world.serf.ledger.add(&mut world.roster, content, len);
        self.below(env, None, |node, env| node.send_to(env, to.address, user));
        let factor = env.world.serf.ledger.question(to.question).relay_factor;
        self.relay(env, factor, (to.address, to.source), user);
        true
    }

    /// An ack or a response at the asker (`handleQueryResponse`).
    pub(super) fn hear_response<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        content: Content,
    ) {
        let Content::Response { ltime, id, from, reply } = content else { return };
        let now = env.now;
        // The newest of a time: an earlier query of the same time has lost its place.
        let found = self.serf.collectors.iter().rposition(|c| c.ltime == ltime);
        let collector = found.map(|i| &mut self.serf.collectors[i]);
        let ack = reply == Reply::Ack;
        let receipt = match collector {
            Some(c) if c.id == id && now <= c.deadline => {
                let heard = if ack { &mut c.acks } else { &mut c.responses };
                if heard.insert(from) { Receipt::InTime } else { Receipt::Duplicate }
            }
            _ => Receipt::Late,
        };
        env.out.tell(if ack {
            Event::AckHeard { ltime, id, from, receipt }
        } else {
            Event::ResponseHeard { ltime, id, from, receipt }
        });
        if let (Receipt::InTime, false, Some(i)) = (receipt, ack, found) {
            self.collected(env, i, reply);
        }
    }

    pub(super) fn query_deadlines<V: View, O: SerfOutbox>(&mut self, env: &mut Env<'_, V, O>) {
        while let Some(i) = self.serf.collectors.iter().position(|c| c.deadline <= env.now) {
            self.close(env, i);
        }
    }

    /// A query's time is over, or its asker has all it needs.
    pub(super) fn close<V: View, O: SerfOutbox>(&mut self, env: &mut Env<'_, V, O>, i: usize) {
        let collector = self.serf.collectors.remove(i);
        let (ltime, id) = (collector.ltime, collector.id);
        let (acks, responses) = (collector.acks.len() as u32, collector.responses());
        env.out.tell(Event::QueryClosed { ltime, id, acks, responses });
        self.closed(env, &collector);
    }
}

/// `DefaultQueryTimeout`: grows in steps at powers of ten.
fn default_timeout<V, O>(env: &Env<'_, V, O>, members: u32) -> Span {
    let mult = env.config.serf.map_or(0, |c| c.query_timeout_mult);
    env.config.gossip_interval * u64::from(rules::retransmit_limit(mult, members))
}
