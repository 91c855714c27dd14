//! What happens to processes: crash, start, join, leave, freeze, slowness, clocks.

use wavetank_protocol::{
    NEVER, Span, Time,
    belief::{Attributes, Belief, MemberId},
    serf::Life,
    swim::{Input, Joiner, Node},
};

use super::{
    Effect, Presence, Tank,
    host::{Clock, Waiting},
    script::Task,
    start,
};
use crate::{
    observe::{ChangeKind, Occurrence},
    plan::{CrashKind, Rebirth},
    watch::{Scene, Watch},
};

impl<W: Watch> Tank<'_, W> {
    /// Whether a process runs on a slot.
    pub(super) fn runs(&self, slot: u32) -> bool {
        self.kernel.hosts[slot as usize].is_running()
    }

    /// Kills the process on a slot now, as an entry of the timeline would, for tests and benches.
    pub fn crash(&mut self, slot: u32) {
        self.stop(slot, CrashKind::Process);
        let occurrence = Occurrence { entry: crate::plan::EntryIndex::MAX, nth: slot };
        self.begin_change(occurrence, slot, ChangeKind::Crashed);
    }

    /// Kills the process on a slot without a word.
    pub(super) fn stop(&mut self, slot: u32, kind: CrashKind) {
        let i = slot as usize;
        let presence = match kind {
            CrashKind::Process => Presence::Stopped,
            CrashKind::Host => Presence::Silent,
        };
        if !self.runs(slot) {
            if self.kernel.hosts[i].presence == Presence::Stopped {
                self.kernel.hosts[i].presence = presence;
            }
            return;
        }
        let member = self.kernel.hosts[i].member;
        self.kernel.effect(slot, Effect::Process, 0, u64::from(member.0));
        if W::PACKETS {
            let scene = Scene { now: self.kernel.now, slot, roster: &self.world.roster };
            self.watch.process(scene, member, "stopped");
        }
        self.discard_waiting(slot);
        let view = self.view_of(slot);
        let was_true = self.nodes[i].as_ref().is_some_and(|n| !n.has_left());
        self.leave_out_of_heals(slot);
        let host = &mut self.kernel.hosts[i];
        self.kernel.observer.depth(slot, self.kernel.now, host.depth, 0);
        host.depth = 0;
        host.presence = presence;
        host.frozen = false;
        host.scheduled = NEVER;
        self.unseat(slot);
        if let Some(node) = self.nodes[i].take() {
            self.script.incarnations.insert(slot, node.incarnation());
            // The next process on the slot says the same about itself.
            let says = self.world.roster.attributes(node.identity().attributes);
            self.script.attributes.insert(slot, says);
        }
        for id in self.kernel.connections.of(slot) {
            if let Some(c) = self.kernel.connections.get(id) {
                c.closed = true;
            }
            self.free_if_over(id);
        }
        self.kernel.observer.stopped(slot, member, &view, was_true, self.kernel.now);
        if let Some((how, occurrence, down)) = self.script.returning.remove(&slot) {
            let task = Task::Restart { slot, how, via: Vec::new(), occurrence };
            self.schedule(self.kernel.now + down, task);
        }
        self.release_followers();
    }

    /// Every record of the process on a slot.
    fn view_of(&self, slot: u32) -> Vec<(MemberId, Belief)> {
        let table = &self.tables[slot as usize];
        let record = |m| table.get(m).map(|b| (m, self.world.roster.belief(b)));
        (0..self.world.roster.members()).map(MemberId).filter_map(record).collect()
    }

    fn leave_out_of_heals(&mut self, slot: u32) {
        let (tables, roster, hosts) = (&self.tables, &self.world.roster, &self.kernel.hosts);
        let holds = |observer: u32, subject: u32| {
            let member = hosts[subject as usize].member;
            tables[observer as usize].get(member).map(|b| roster.belief(b))
        };
        self.kernel.observer.leave_out_of_heals(slot, holds, self.kernel.now);
    }

    /// What waited for a frozen process is lost with it.
    fn discard_waiting(&mut self, slot: u32) {
        let Some(odd) = &mut self.kernel.odd[slot as usize] else { return };
        let inbox = std::mem::take(&mut odd.inbox);
        for (_, block) in std::mem::take(&mut odd.blocked) {
            self.kernel.arena.give_back(block);
        }
        for waiting in inbox {
            match waiting {
                Waiting::Packet(block) => self.unheard(slot, block),
                Waiting::Connection(id) => self.drop_connection(id),
            }
        }
    }

    /// Starts a process on a slot anew; gives what changed about it.
    pub(super) fn rebirth(&mut self, slot: u32, how: Rebirth, via: &[u32]) {
        self.script.returning.remove(&slot);
        if self.runs(slot) {
            self.stop(slot, CrashKind::Process);
        }
        let i = slot as usize;
        if how.new_address {
            self.kernel.hosts[i].address = start::new_address(&mut self.kernel, slot);
        }
        if how.new_name {
            let old = self.world.roster.name(self.kernel.hosts[i].member).to_owned();
            let base = old.split("-life").next().unwrap_or(&old).to_owned();
            let life = self.kernel.hosts[i].life + 1;
            let member = self.world.roster.add_member(&format!("{base}-life{life}"));
            self.kernel.hosts[i].member = member;
            self.slot_of.push(slot);
            self.kernel.observer.renamed(member, slot);
        }
        let incarnation = if how.keep_incarnation {
            self.script.incarnations.get(&slot).copied().unwrap_or(1)
        } else {
            1
        };
        if !how.from_snapshot {
            self.script.files.remove(&slot);
        }
        self.start_process(slot, incarnation);
        // One that has a snapshot finds the others by itself, unless it is told where to look.
        if !(how.from_snapshot && via.is_empty() && self.has_serf(slot)) {
            self.join_through(slot, via);
        }
    }

    /// Joins through slots, or through the first others running.
    pub(super) fn join_through(&mut self, slot: u32, via: &[u32]) {
        let chosen: Vec<u32> = if via.is_empty() {
            (0..self.kernel.hosts.len() as u32)
                .filter(|&s| s != slot && self.runs(s))
                .take(3)
                .collect()
        } else {
            via.iter().copied().filter(|&s| s != slot).collect()
        };
        let addresses: Vec<_> =
            chosen.iter().map(|&s| self.kernel.hosts[s as usize].address).collect();
        if !addresses.is_empty() {
            if self.has_serf(slot) {
                self.with_agent(slot, |agent, env| agent.join(env, &addresses));
            } else {
                let by = Joiner::Application;
                self.with_node(slot, |node, env| node.join(env, &addresses, by));
            }
        }
    }

    /// A node leaves; its process stops `stop_after` after the call returned.
    pub(super) fn leave(&mut self, slot: u32, timeout: Span, stop_after: Span) {
        let now = self.kernel.now;
        // A second call is refused, and the first goes on.
        if self.is_leaving(slot) {
            return;
        }
        if self.node(slot).is_some_and(|n| !n.has_left()) {
            self.leave_out_of_heals(slot);
            let view = self.view_of(slot);
            let member = self.kernel.hosts[slot as usize].member;
            self.kernel.observer.left(member, &view, now);
        }
        self.script.leaving.insert(slot, (now, stop_after));
        if self.has_serf(slot) {
            self.with_agent(slot, |agent, env| agent.leave(env, timeout));
        } else {
            self.with_node(slot, |node, env| node.leave(env, timeout));
        }
    }

    /// Whether a Serf agent is about to leave, or has left: it refuses to do so again.
    pub(super) fn is_leaving(&self, slot: u32) -> bool {
        self.serf(slot).is_some_and(|serf| serf.life() != Life::Alive)
    }

    pub(super) fn leave_returned(&mut self, slot: u32) {
        if let Some((since, stop_after)) = self.script.leaving.remove(&slot) {
            let now = self.kernel.now;
            let member = self.kernel.hosts[slot as usize].member;
            let name = self.world.roster.name(member);
            self.kernel.observer.leave_took((member, name), since, now - since);
            let life = self.kernel.hosts[slot as usize].life;
            self.schedule(now + stop_after, Task::Stop { slot, life });
        }
    }

    /// New metadata for a node.
    pub(super) fn update(&mut self, slot: u32, meta_bytes: u16) {
        let i = slot as usize;
        let Some(node) = &self.nodes[i] else { return };
        let old = self.world.roster.attributes(node.identity().attributes);
        let meta = self.world.roster.new_meta(meta_bytes);
        self.announce(slot, Attributes { meta, meta_len: meta_bytes, ..old });
    }

    /// A node says something else about itself.
    pub(super) fn announce(&mut self, slot: u32, attributes: Attributes) {
        self.script.attributes.insert(slot, attributes);
        let id = self.world.roster.attributes_id(attributes);
        if self.has_serf(slot) {
            self.with_agent(slot, |agent, env| agent.set_tags(env, id));
        } else {
            self.with_node(slot, |node, env| node.update(env, id, 0));
        }
    }

    /// The change that an update makes, as others will see it.
    pub(super) fn next_incarnation(&self, slot: u32) -> ChangeKind {
        let node: Option<&Node> = self.nodes[slot as usize].as_ref();
        let incarnation = node.map_or(1, |n| n.incarnation() + 1);
        ChangeKind::Alive { incarnation, attributes: None }
    }

    /// The change that a start makes: alive, at the address and with the metadata that it has now.
    pub(super) fn just_started(&self, slot: u32) -> ChangeKind {
        let attributes = self.nodes[slot as usize].as_ref().map(|n| n.identity().attributes);
        ChangeKind::Alive { incarnation: 1, attributes }
    }

    pub(super) fn freeze(&mut self, slot: u32) {
        if self.runs(slot) && !self.kernel.hosts[slot as usize].frozen {
            self.kernel.hosts[slot as usize].frozen = true;
            self.call(slot, Input::Freeze);
        }
    }

    /// All at once: what blocked is sent, the loops go on, what waited is received in order.
    pub(super) fn thaw(&mut self, slot: u32) {
        let i = slot as usize;
        if !self.runs(slot) || !self.kernel.hosts[i].frozen {
            return;
        }
        self.kernel.hosts[i].frozen = false;
        self.kernel.release_blocked(slot);
        self.call(slot, Input::Thaw);
        let inbox =
            self.kernel.odd[i].as_mut().map(|o| std::mem::take(&mut o.inbox)).unwrap_or_default();
        for waiting in inbox {
            match waiting {
                Waiting::Packet(block) => {
                    if !(self.kernel.hosts[i].odd && self.queue_for_service(slot, block)) {
                        self.deliver(slot, block);
                    }
                }
                Waiting::Connection(id) => self.connection_step(slot, id, true),
            }
        }
    }

    /// Sets how long a slow process takes over a message; 0 ends it.
    pub(super) fn slow(&mut self, slot: u32, service: Span) {
        let i = slot as usize;
        let odd = self.kernel.odd[i].get_or_insert_default();
        odd.service = service;
        let plain = odd.is_plain();
        self.kernel.hosts[i].odd = !plain;
        if let Some(node) = &mut self.nodes[i] {
            node.set_slow(service > 0);
        }
        if service == 0 {
            while self.nodes[i].as_ref().is_some_and(|n| n.handoff_depth() > 0 && !n.is_held()) {
                self.call(slot, Input::Drain);
            }
        }
    }

    /// Lets a clock drift from now on. A jump moves the wall clock only: the original measures all its
    /// spans on the monotonic one.
    pub(super) fn drift(&mut self, slot: u32, drift: i64) {
        let i = slot as usize;
        let now = self.kernel.now;
        let local: Time = super::local(&self.kernel, slot);
        let odd = self.kernel.odd[i].get_or_insert_default();
        // A clock that was ever off stays a line of its own, or its deadlines would jump.
        odd.clock =
            (drift != 0 || odd.clock.is_some()).then_some(Clock { base: now, local, drift });
        let plain = odd.is_plain();
        self.kernel.hosts[i].odd = !plain;
        self.kernel.hosts[i].scheduled = NEVER;
        self.settle(slot);
    }
}
