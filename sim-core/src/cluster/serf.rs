//! Serf nodes in the tank: their seats above the SWIM nodes, what they tell, and the script's verbs for them.

use std::collections::BTreeMap;

use wavetank_protocol::{
    NEVER, Span, Time,
    belief::{AddressId, Attributes, MemberId},
    rng::Chance,
    serf::{
        Agent, Event, Life, Serf, Start,
        coordinate::Client,
        event::{Delivery, QueueName},
        filter::Filter,
        ledger::{Answer, Internal, Question, QuestionId, Tags, Text, TextId},
    },
    swim::Env,
    time::SECOND,
    view::PlainView,
};

use super::{Effect, Tank, outbox::Carrier, script::Task};
use crate::{
    observe::{Occurrence, SerfLook},
    plan::{self, Action, KeyOperation},
    prefetch::prefetch,
    watch::{Scene, Watch},
};

/// Purpose of the draws of map orders; a node's own are below.
const MAP_ORDER: u64 = 48;
/// All Serf nodes are looked at every second, or less often in long runs: at most so many times.
const LOOKS: u64 = 600;
/// So many coordinates are moved together.
const TOGETHER: usize = Client::TOGETHER;

/// A Serf node, whose first cache line every event touches.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Seat {
    serf: Serf,
}

impl Seat {
    /// Hints that what every event touches will be used soon: clocks, flags, the coordinate.
    #[inline]
    pub fn prefetch(&self) {
        prefetch(std::slice::from_ref(self), 0, 7);
    }
}

impl<W: Watch> Tank<'_, W> {
    /// The Serf node on a slot, if one runs there.
    pub fn serf(&self, slot: u32) -> Option<&Serf> {
        self.serfs.get(slot as usize)?.as_ref().map(|seat| &seat.serf)
    }

    /// What Serf's messages, texts and questions say.
    pub fn ledger(&self) -> &wavetank_protocol::serf::ledger::Ledger {
        &self.world.serf.ledger
    }

    #[inline]
    pub(super) fn has_serf(&self, slot: u32) -> bool {
        self.serfs.get(slot as usize).is_some_and(Option::is_some)
    }

    #[inline]
    pub(super) fn serf_wake(&self, slot: u32) -> Time {
        self.serf(slot).map_or(NEVER, Serf::next_wake)
    }

    pub(super) fn seat(&mut self, slot: u32, serf: Option<Serf>) {
        if let Some(seat) = self.serfs.get_mut(slot as usize) {
            *seat = serf.map(|serf| Box::new(Seat { serf }));
        }
    }

    /// The process on a slot stops; what is left of its snapshot is kept.
    pub(super) fn unseat(&mut self, slot: u32) {
        let Some(mut seat) = self.serfs.get_mut(slot as usize).and_then(Option::take) else {
            return;
        };
        self.kernel.observer.serf_queues(slot, self.kernel.now, [0; 3]);
        let now = super::local(&self.kernel, slot);
        let Some(node) = &mut self.nodes[slot as usize] else { return };
        let killed = seat.serf.life() == Life::Alive;
        let mut agent = Agent { swim: node, serf: &mut seat.serf };
        let file = if killed { agent.crash(now) } else { agent.shutdown(now) };
        if let Some(file) = file {
            self.script.files.insert(slot, file);
        }
    }

    /// How the process on a slot starts: from what is left of its snapshot, if it keeps one.
    pub(super) fn snapshot_of(&mut self, slot: u32) -> Start {
        let Some(config) = self.config(slot).serf.filter(|c| c.snapshot) else {
            return Start::default();
        };
        let Some(file) = self.script.files.remove(&slot) else { return Start::default() };
        let alive = file.replay(config.rejoin_after_leave).alive;
        let roster = &self.world.roster;
        let names: BTreeMap<&str, MemberId> =
            (0..roster.members()).map(MemberId).map(|m| (roster.name(m), m)).collect();
        let member = |(name, address): &(String, String)| {
            Some((*names.get(name.as_str())?, AddressId::from_text(address)?))
        };
        let known = alive.iter().filter_map(member).collect();
        Start { file, known }
    }

    /// Attributes of a slot with these tags.
    pub(super) fn tagged(&mut self, slot: u32, tags: Tags) -> Attributes {
        let config = self.config(slot);
        let (protocol, order) = (config.protocol_version, config.quirks.tag_order);
        // Go's maps begin anywhere in a bucket of eight and go round.
        let turn = if order && tags.len() > 1 {
            let host = &self.kernel.hosts[slot as usize];
            let stream = u64::from(slot) << 8 | MAP_ORDER;
            let nth = u64::from(host.life) << 32 | u64::from(host.sent);
            let from = self.world.keys.stream(stream).at(nth).below(8);
            if (from as usize) < tags.len() { from as u8 } else { 0 }
        } else {
            0
        };
        let ledger = &mut self.world.serf.ledger;
        let (meta, meta_len) = ledger.meta_of(&mut self.world.roster, tags, turn);
        let address = self.kernel.hosts[slot as usize].address;
        Attributes { address, meta, meta_len, protocol }
    }

    /// How long a leave may take that the script does not limit.
    pub(super) fn usual_timeout(&self, slot: u32) -> Span {
        if self.has_serf(slot) { 0 } else { 5 * SECOND }
    }

    /// Lets the Serf node on a slot do something, and carries it out.
    pub(super) fn with_agent<R>(
        &mut self,
        slot: u32,
        act: impl FnOnce(&mut Agent<'_>, &mut Env<'_, PlainView<'_>, Carrier<'_>>) -> R,
    ) -> Option<R> {
        let i = slot as usize;
        let node = self.nodes[i].as_mut()?;
        let seat = self.serfs.get_mut(i)?.as_mut()?;
        let now = super::local(&self.kernel, slot);
        let frozen = self.kernel.hosts[i].frozen;
        let mut out = Carrier { slot, frozen, kernel: &mut self.kernel };
        let mut view = self.tables[i].with(&mut self.snapshots);
        let mut env = Env {
            now,
            config: &self.configs[self.config_of[i] as usize],
            world: &mut self.world,
            view: &mut view,
            out: &mut out,
        };
        let result = act(&mut Agent { swim: node, serf: &mut seat.serf }, &mut env);
        self.settle(slot);
        Some(result)
    }

    /// After a call: look at the queues and at what Serf told.
    #[inline]
    pub(super) fn settle_serf(&mut self, slot: u32) {
        if let Some(Some(seat)) = self.serfs.get_mut(slot as usize) {
            if seat.serf.has_deferred() && !self.deferred.contains(&slot) {
                self.deferred.push(slot);
            }
            if !seat.serf.queues().is_empty() || seat.serf.has_queued() {
                let depths = QueueName::ALL.map(|queue| seat.serf.depth(queue));
                seat.serf.looked_at();
                self.kernel.observer.serf_queues(slot, self.kernel.now, depths);
            }
        }
        if self.deferred.len() >= TOGETHER {
            self.settle_coordinates();
        }
        if !self.kernel.told_serf.is_empty() {
            self.listen_to_serf(slot);
        }
    }

    /// Moves the coordinates that are still to be moved.
    pub(super) fn settle_coordinates(&mut self) {
        let slots = std::mem::take(&mut self.deferred);
        let several: Option<[usize; TOGETHER]> =
            (slots.len() == TOGETHER).then(|| std::array::from_fn(|i| slots[i] as usize));
        if let Some(Ok(seats)) = several.map(|slots| self.serfs.get_disjoint_mut(slots)) {
            let mut serfs = seats.map(|seat| seat.as_mut().map(|seat| &mut seat.serf));
            if serfs.iter().all(Option::is_some) {
                let serfs = serfs.each_mut().map(|serf| serf.take().expect("all are there"));
                Serf::settle_together(serfs);
            }
        }
        for &slot in &slots {
            if let Some(seat) = &mut self.serfs[slot as usize] {
                seat.serf.settle_coordinate(self.world.keys);
            }
        }
        self.deferred = slots;
        self.deferred.clear();
    }

    /// Where the coordinates came to is part of the history.
    pub(super) fn note_coordinates(&mut self) {
        for slot in 0..self.serfs.len() as u32 {
            let Some(place) = self.serf(slot).and_then(Serf::coordinate) else { continue };
            let mix = |sum: u64, word: &u64| {
                (sum.rotate_left(7) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
            };
            let word = place.to_words().iter().fold(0, mix);
            self.kernel.effect(slot, Effect::Coordinate, word, 0);
        }
    }

    fn listen_to_serf(&mut self, slot: u32) {
        let mut told = std::mem::take(&mut self.kernel.told_serf);
        for event in told.drain(..) {
            let scene = Scene { now: self.kernel.now, slot, roster: &self.world.roster };
            self.watch.serf(scene, &self.world.serf.ledger, &event);
            if let Some((kind, a, b)) = words(&event) {
                self.kernel.effect(slot, Effect::Serf, kind << 56 ^ a, b);
            }
            let scene = surroundings!(self);
            self.kernel.observer.serf_told(slot, &event, &scene);
            self.react(slot, event);
            self.release_followers();
        }
        if self.kernel.told_serf.is_empty() {
            self.kernel.told_serf = told;
        }
    }

    /// What the surroundings of a process do when its Serf node tells something.
    fn react(&mut self, slot: u32, event: Event) {
        match event {
            Event::LeaveReturned { .. } => self.leave_returned(slot),
            Event::Shutdown => {
                let life = self.kernel.hosts[slot as usize].life;
                self.schedule(self.kernel.now, Task::Stop { slot, life });
            }
            Event::Keyring { now } => {
                let mut config = self.config(slot).clone();
                config.encryption = Some(now);
                let known = self.configs.iter().position(|c| *c == config);
                let index = known.unwrap_or_else(|| {
                    self.configs.push(config);
                    self.configs.len() - 1
                });
                self.config_of[slot as usize] = index as u16;
            }
            _ => {}
        }
    }

    /// Looks at all Serf nodes, as they were before the events of a time.
    #[cold]
    pub(super) fn look_at_serf(&mut self, time: Time) {
        self.settle_coordinates();
        while self.look_at <= time {
            let at = self.look_at;
            let mut looks = self.serfs.iter().enumerate().filter_map(|(slot, seat)| {
                let serf = &seat.as_ref()?.serf;
                Some(SerfLook {
                    slot: slot as u32,
                    clocks: serf.clocks(),
                    depths: QueueName::ALL.map(|queue| serf.depth(queue)),
                    coordinate: serf.coordinate().copied(),
                })
            });
            self.kernel.observer.serf_look(at, &mut looks, &self.kernel.net);
            self.look_at += SECOND.max(self.plan.duration / LOOKS);
        }
    }

    fn text(&mut self, name: &str, payload: Option<&Vec<u8>>) -> TextId {
        let text = Text { name: name.to_owned(), payload: payload.cloned() };
        self.world.serf.ledger.text_id(text)
    }

    fn question(&mut self, query: &plan::Query) -> QuestionId {
        let text = self.text(&query.name, query.payload.as_ref());
        let nodes = query.nodes.iter().cloned().map(Filter::Nodes);
        let tags = query.tags.iter().map(|(tag, expression)| Filter::tag(tag, expression));
        let answer = query
            .answer
            .as_ref()
            .map(|answer| Answer { payload: answer.payload.clone(), after: answer.after });
        let internal = (query.name == Internal::Ping.name()).then_some(Internal::Ping);
        let question = Question {
            text,
            filters: nodes.chain(tags).collect(),
            ack: query.ack,
            relay_factor: query.relay_factor,
            timeout: query.timeout,
            answer,
            internal,
        };
        self.world.serf.ledger.add_question(question)
    }

    /// The verbs of Serf.
    pub(super) fn act_serf(&mut self, occurrence: Occurrence) {
        let plan = self.plan;
        match &plan.timeline[occurrence.entry as usize].action {
            Action::UserEvent { who, name, payload, varied, coalesce } => {
                let slots = self.running(occurrence, who);
                self.happened(occurrence, "user-event", &slots);
                for slot in slots {
                    let mut payload = payload.clone();
                    if let (Some(payload), true) = (&mut payload, *varied) {
                        // A running number: equal events of one Lamport time would be one event.
                        let number = self.world.serf.ledger.texts().to_string();
                        for (byte, digit) in payload.iter_mut().zip(number.bytes().rev()) {
                            *byte = digit;
                        }
                    }
                    let text = self.text(name, payload.as_ref());
                    self.send_event(occurrence, slot, (text, *coalesce));
                }
            }
            Action::Query { who, query } => {
                let slots = self.running(occurrence, who);
                self.happened(occurrence, "query", &slots);
                let question = self.question(query);
                for slot in slots {
                    self.ask(occurrence, slot, question);
                }
            }
            Action::SetTags { who, set, delete } => {
                let slots = self.running(occurrence, who);
                self.happened(occurrence, "set-tags", &slots);
                for slot in slots {
                    self.set_tags(occurrence, slot, set, delete);
                }
            }
            Action::ForceLeave { who, by, prune } => {
                let slots = self.select(occurrence, 0, who);
                self.happened(occurrence, "force-leave", &slots);
                let by = by.as_ref().map(|by| self.select(occurrence, 1, by));
                for slot in slots {
                    let member = self.kernel.hosts[slot as usize].member;
                    let all = 0..self.kernel.hosts.len() as u32;
                    let other = |&s: &u32| s != slot && self.has_serf(s);
                    let by = match &by {
                        Some(by) => by.iter().copied().find(|&s| self.has_serf(s)),
                        None => all.into_iter().find(other),
                    };
                    if let Some(by) = by {
                        self.with_agent(by, |agent, env| agent.force_leave(env, member, *prune));
                    }
                }
            }
            Action::RotateKey { who, key, operation, relay_factor } => {
                let slots = self.running(occurrence, who);
                self.happened(occurrence, "rotate-key", &slots);
                for slot in slots {
                    let used = self.config(slot).encryption.map_or(0, |e| e.primary);
                    let steps: &[Internal] = match operation {
                        KeyOperation::Rotate if used == *key => {
                            &[Internal::InstallKey(*key), Internal::UseKey(*key)]
                        }
                        KeyOperation::Rotate => &[
                            Internal::InstallKey(*key),
                            Internal::UseKey(*key),
                            Internal::RemoveKey(used),
                        ],
                        KeyOperation::Install => &[Internal::InstallKey(*key)],
                        KeyOperation::Use => &[Internal::UseKey(*key)],
                        KeyOperation::Remove => &[Internal::RemoveKey(*key)],
                        KeyOperation::List => &[Internal::ListKeys],
                    };
                    self.with_agent(slot, |agent, env| {
                        agent.change_all_keys(env, steps, *relay_factor);
                    });
                }
            }
            _ => {}
        }
    }

    fn send_event(&mut self, occurrence: Occurrence, slot: u32, (text, coalesce): (TextId, bool)) {
        // The measure begins before the sender hears its own event.
        let Some(ltime) = self.serf(slot).map(|serf| serf.clocks()[1]) else { return };
        let scene = surroundings!(self);
        self.kernel.observer.begin_event(occurrence, slot, ltime, text, &scene);
        self.with_agent(slot, |agent, env| agent.user_event(env, text, coalesce));
    }

    fn ask(&mut self, occurrence: Occurrence, slot: u32, question: QuestionId) {
        let asked = self.with_agent(slot, |agent, env| {
            let asked = agent.query(env, question);
            asked.ok().flatten()
        });
        if let Some(Some(asked)) = asked {
            let scene = surroundings!(self);
            let ledger = &self.world.serf.ledger;
            self.kernel.observer.begin_query(occurrence, slot, asked, question, ledger, &scene);
        }
    }

    fn set_tags(
        &mut self,
        occurrence: Occurrence,
        slot: u32,
        set: &[(String, String)],
        delete: &[String],
    ) {
        let Some(node) = self.node(slot) else { return };
        let meta = self.world.roster.attributes(node.identity().attributes).meta;
        let old = self.world.serf.ledger.tags(meta);
        let mut tags: BTreeMap<String, String> =
            old.iter().filter(|(k, _)| !delete.contains(k)).cloned().collect();
        tags.extend(set.iter().cloned());
        let attributes = self.tagged(slot, tags.into_iter().collect());
        let kind = self.next_incarnation(slot);
        self.begin_change(occurrence, slot, kind);
        self.announce(slot, attributes);
    }
}

/// What Serf told as words of the digest; absent for what another effect says.
fn words(event: &Event) -> Option<(u64, u64, u64)> {
    let asked = |kind, ltime: u64, id: u32| (kind, ltime, u64::from(id));
    Some(match *event {
        Event::Status { member, old, new } => {
            (1, u64::from(member.0), (old as u64) << 8 | new as u64)
        }
        Event::Member { kind, member, forced, .. } => {
            (2, u64::from(member.0), (kind as u64) << 8 | u64::from(forced))
        }
        Event::User { ltime, text, path } => (3, ltime, u64::from(text.0) << 8 | path as u64),
        Event::Query { ltime, id, accepted, .. } => {
            (4, ltime, u64::from(id) << 1 | u64::from(accepted))
        }
        Event::Asked { ltime, id, .. } => asked(5, ltime, id),
        Event::Responded { ltime, id, .. } => asked(6, ltime, id),
        Event::AckHeard { ltime, from, receipt, .. } => {
            (7, ltime, u64::from(from.0) << 8 | receipt as u64)
        }
        Event::ResponseHeard { ltime, from, receipt, .. } => {
            (8, ltime, u64::from(from.0) << 8 | receipt as u64)
        }
        Event::QueryClosed { ltime, acks, responses, .. } => {
            (9, ltime, u64::from(acks) << 32 | u64::from(responses))
        }
        Event::Delivered(Delivery::Member(kind, member)) => (10, u64::from(member.0), kind as u64),
        Event::Delivered(Delivery::User(ltime, text)) => (11, ltime, u64::from(text.0)),
        Event::Delivered(Delivery::Query(ltime, question)) => (12, ltime, u64::from(question.0)),
        Event::Pruned { queue, depth, dropped, .. } => {
            (13, queue as u64, u64::from(depth) << 32 | u64::from(dropped))
        }
        Event::Reconnecting { member } => (14, u64::from(member.0), 0),
        Event::ForgoingReconnect => (15, 0, 0),
        Event::LeaveReturned { in_time } => (16, u64::from(in_time), 0),
        Event::ForceLeaveReturned { member, in_time } => {
            (17, u64::from(member.0), u64::from(in_time))
        }
        Event::Vote { responses, matching } => (18, u64::from(responses), u64::from(matching)),
        Event::Shutdown => (19, 0, 0),
        Event::Keyring { now } => (20, now.keys, u64::from(now.primary)),
        Event::RefutingLeave { ltime } => (21, ltime, 0),
        Event::PipelineDropped => (22, 0, 0),
        Event::CoordinateRejected => (23, 0, 0),
        Event::Rejoined { with } => (24, with.map_or(u64::MAX, |m| u64::from(m.0)), 0),
        _ => return None,
    })
}
