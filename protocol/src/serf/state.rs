//! What a push/pull carries for Serf, and its merge (`serf/delegate.go: LocalState, MergeRemoteState`;
//! specification 7).

use super::{
    Agent, Serf, SerfOutbox, Shared, Status,
    coordinate::Coordinate,
    event::{self, Path},
    lamport::LTime,
    ledger::TextId,
    members,
    ring::Ring,
};
use crate::{
    belief::MemberId,
    config::Config,
    message::AckPayload,
    rng::Keys,
    swim::{Env, UserState},
    time::Span,
    view::View,
    wire::{len::raw_len, serf::len::StateLen},
};

/// A state in flight.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    clocks: [LTime; 3],
    members: members::Copy,
    left: Vec<MemberId>,
    events: Ring<TextId>,
    used: bool,
}

/// States in flight, by number less one.
#[derive(Debug, Default)]
pub(super) struct States {
    slots: Vec<State>,
    free: Vec<u32>,
    /// The state of a number that is not in use.
    nobody: State,
}

impl States {
    fn take(&mut self) -> (u32, &mut State) {
        let i = self.free.pop().unwrap_or_else(|| {
            self.slots.push(State::default());
            self.slots.len() as u32 - 1
        });
        let state = &mut self.slots[i as usize];
        state.used = true;
        (i + 1, state)
    }

    pub(super) fn release(&mut self, id: u32) {
        if id == 0 {
            return;
        }
        let state = &mut self.slots[id as usize - 1];
        debug_assert!(state.used, "a state is given back once");
        state.used = false;
        // What it shared is its owner's alone again.
        state.members.clone_from(&self.nobody.members);
        state.events.clone_from(&self.nobody.events);
        self.free.push(id - 1);
    }

    pub(super) fn in_use(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}

impl Serf {
    /// The state as it is now (`LocalState`); whether it is for a join makes no difference.
    pub(super) fn take_state(
        &self,
        config: &Config,
        world: (&crate::belief::Roster, &mut Shared),
    ) -> UserState {
        let (roster, shared) = world;
        let (id, state) = shared.states.take();
        state.clocks = self.clocks();
        state.members.clone_from(self.members.copy());
        state.left.clear();
        state.left.extend(self.members.left.iter().map(|g| g.member));
        state.events.clone_from(&self.events);
        let [clock, event_clock, query_clock] = state.clocks;
        let left_bytes = |m: &MemberId| u64::from(raw_len(roster.name_len(*m)));
        let len = StateLen {
            members: self.members.len(),
            member_bytes: self.members.bytes(),
            left: state.left.len() as u32,
            left_bytes: state.left.iter().map(left_bytes).sum(),
            ring: config.serf.map_or(0, |c| c.event_buffer),
            slots: self.event_slots,
            slot_bytes: self.event_bytes,
            clock,
            event_clock,
            query_clock,
        };
        UserState { id, len }
    }

    /// A ping was answered in time with a coordinate (`serf/ping_delegate.go: NotifyPingComplete`).
    #[inline]
    pub(super) fn ping_complete(
        &mut self,
        keys: Keys,
        member: MemberId,
        rtt: Span,
        words: &AckPayload,
        out: &mut impl SerfOutbox,
    ) {
        let mut rng = self.rng(keys, super::Draw::Coordinate);
        let Some(client) = &mut self.coordinates else { return };
        if out.defers() {
            let other = Coordinate::from_words(words);
            if client.defer(member, &other, rtt as i64, &mut rng).is_ok() {
                self.deferred = true;
            } else {
                out.tell(event::Event::CoordinateRejected);
            }
            self.drawn(super::Draw::Coordinate, &rng);
            return;
        }
        match client.update(member, &Coordinate::from_words(words), rtt as i64, &mut rng) {
            Ok(moved) => {
                let estimate = moved.estimate;
                out.tell(event::Event::Coordinate { member, rtt, estimate });
            }
            Err(_) => out.tell(event::Event::CoordinateRejected),
        }
        self.drawn(super::Draw::Coordinate, &rng);
    }
}

impl Agent<'_> {
    /// Merges another's state, after SWIM has merged its list (`MergeRemoteState`). Nothing learned here is
    /// told on.
    pub(super) fn merge<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        id: u32,
        join: bool,
    ) {
        if id == 0 {
            return;
        }
        // Moved out for the time of the merge: its handlers need the world.
        let states = &mut env.world.serf.states;
        let theirs = std::mem::replace(&mut states.slots[id as usize - 1], states.nobody.clone());
        let [clock, event_clock, query_clock] = theirs.clocks;
        for (own, theirs) in [
            (&mut self.serf.clocks.member, clock),
            (&mut self.serf.clocks.event, event_clock),
            (&mut self.serf.clocks.query, query_clock),
        ] {
            // Nobody has sent anything at the time that a clock shows.
            if theirs > 0 {
                own.witness(theirs - 1);
            }
        }
        for &member in &theirs.left {
            // The time of the leave is not sent; it must be newer than the last join.
            let ltime = theirs.members.get(member).ltime.wrapping_add(1);
            self.hear_leave(env, (ltime, member, false), Path::PushPull);
        }
        let mut differing = std::mem::take(&mut env.world.serf.differing);
        differing.clear();
        theirs.members.may_differ(self.serf.members.copy(), &mut differing);
        for &(member, record) in &differing {
            if !matches!(record.status, Status::None | Status::Left) {
                self.hear_join(env, record.ltime, member, Path::PushPull);
            }
        }
        env.world.serf.differing = differing;
        if join && self.serf.join_ignores {
            self.serf.event_min = self.serf.event_min.max(event_clock);
        }
        if !theirs.events.is_same(&self.serf.events) {
            for heard in theirs.events.items() {
                self.hear_event(env, (heard.ltime, heard.item, false), Path::PushPull);
            }
        }
        env.world.serf.states.slots[id as usize - 1] = theirs;
    }

    /// Notes a member event in the snapshot.
    pub(super) fn record_member<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        kind: event::MemberEvent,
        (member, attributes): (MemberId, crate::belief::AttributesId),
    ) {
        let clock = self.serf.clocks.member.time();
        if let Some(recorder) = &mut self.serf.recorder {
            let address = match kind {
                event::MemberEvent::Join => env.world.roster.attributes(attributes).address.text(),
                _ => String::new(),
            };
            recorder.clock_changed(env.now, clock);
            recorder.member(env.now, kind, env.world.roster.name(member), &address);
        }
    }
}
