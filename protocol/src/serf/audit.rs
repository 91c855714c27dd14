//! Whether what a Serf node keeps agrees with itself: for tests and assertions.
//!
//! Counts and sums beside the member table and the ring of events can be derived from them, the lists of the
//! failed and the left from the statuses, and each deadline from what waits for it. Here they are.

use super::{Calling, Life, Queues, Serf, Status, members, queues::next, sizes};
use crate::{
    belief::MemberId,
    config::Config,
    swim::World,
    time::{NEVER, Span, Time},
    wire::serf::len,
};

impl Serf {
    /// Compares all that a node keeps with what it can be derived from, at a time of its own clock.
    /// Errors: the first disagreement, in words.
    pub fn audit(&self, config: &Config, world: &World, now: Time) -> Result<(), String> {
        let Some(config) = &config.serf else { return Err("no settings of Serf's".to_owned()) };
        self.audit_members(world)?;
        self.audit_events(config.event_buffer, world)?;
        self.audit_queues(config)?;
        self.audit_reaper(config, now)?;
        self.audit_calls(config)
    }

    fn audit_members(&self, world: &World) -> Result<(), String> {
        let (mut counts, mut bytes) = ([0; 5], 0);
        let (mut failed, mut left) = (Vec::new(), Vec::new());
        for (member, record) in self.members.iter() {
            counts[record.status as usize] += 1;
            bytes += u64::from(len::status_entry(world.roster.name_len(member), record.ltime));
            match record.status {
                Status::Failed => failed.push(member),
                Status::Left => left.push(member),
                Status::None | Status::Alive | Status::Leaving => {}
            }
        }
        let all = [Status::None, Status::Alive, Status::Leaving, Status::Left, Status::Failed];
        let kept = all.map(|status| self.members.count(status));
        if counts != kept {
            return Err(format!("{counts:?} records by status, counted {kept:?}"));
        }
        if bytes != self.members.bytes() {
            return Err(format!("the table takes {bytes} bytes, kept {}", self.members.bytes()));
        }
        for (name, held, list) in
            [("failed", failed, self.members.failed()), ("left", left, self.members.left())]
        {
            let mut listed: Vec<MemberId> = list.iter().map(|gone| gone.member).collect();
            listed.sort_unstable();
            if listed != held {
                return Err(format!("{held:?} are {name}, listed {listed:?}"));
            }
        }
        Ok(())
    }

    fn audit_events(&self, size: u32, world: &World) -> Result<(), String> {
        let (mut slots, mut bytes) = (0, 0);
        for slot in self.events.items().chunk_by(|a, b| a.slot == b.slot) {
            let ltime = slot[0].ltime;
            if slot.iter().any(|h| h.ltime != ltime || u64::from(h.slot) != ltime % u64::from(size))
            {
                return Err(format!("a slot holds {slot:?}"));
            }
            let texts: u32 =
                slot.iter().map(|h| sizes::slot_event(&world.serf.ledger, h.item)).sum();
            slots += 1;
            bytes += u64::from(len::slot(ltime, slot.len() as u32, texts));
        }
        if !self.events.items().is_sorted_by_key(|h| h.slot) {
            return Err("the ring is out of order".to_owned());
        }
        if (slots, bytes) != (self.event_slots, self.event_bytes) {
            let kept = (self.event_slots, self.event_bytes);
            return Err(format!(
                "the ring takes {:?} slots and bytes, kept {kept:?}",
                (slots, bytes)
            ));
        }
        Ok(())
    }

    fn audit_queues(&self, config: &super::Config) -> Result<(), String> {
        let limit = Queues::limit(config, self.members.len());
        let mut waiting = false;
        for queue in super::QueueName::ALL {
            let (items, depth) =
                (self.queues.queue(queue).items().count(), self.queues.depth(queue));
            if items != depth as usize {
                return Err(format!("the {} queue holds {items}, counted {depth}", queue.name()));
            }
            waiting |= depth > 0;
            let found = depth > limit || depth >= config.queue_depth_warning.max(1);
            if found && config.queue_check_interval > 0 && self.queues.deadline() == NEVER {
                return Err(format!("nobody will look at the {} queue", queue.name()));
            }
        }
        if waiting == self.queues.is_empty() {
            return Err(format!("messages wait: {waiting}, and the queues say otherwise"));
        }
        Ok(())
    }

    /// The reaper comes no later than at the first tick after which something is overdue, and the
    /// reconnector while somebody is failed.
    fn audit_reaper(&self, config: &super::Config, now: Time) -> Result<(), String> {
        let gone = |list: &[members::Gone], keep: Span| {
            list.iter().map(|gone| gone.since.saturating_add(keep)).min().unwrap_or(NEVER)
        };
        let failed = gone(self.members.failed(), config.reconnect_timeout);
        let left = gone(self.members.left(), config.tombstone_timeout);
        let keep = config.recent_intent_timeout;
        let intents = self.intents.values().map(|i| i.since.saturating_add(keep));
        let due = intents.fold(failed.min(left), Time::min);
        if due < NEVER && config.reap_interval > 0 {
            let tick = next(self.reap_grid, config.reap_interval, due.max(now));
            if self.reap_at > tick {
                return Err(format!("due at {due}, the reaper comes at {}", self.reap_at));
            }
        }
        let wanted = !self.members.failed().is_empty()
            && !self.reconnecting
            && self.life != Life::Shutdown
            && config.reconnect_interval > 0;
        if wanted != (self.reconnect_at != NEVER) {
            return Err(format!("reconnect wanted: {wanted}, at {}", self.reconnect_at));
        }
        Ok(())
    }

    fn audit_calls(&self, config: &super::Config) -> Result<(), String> {
        let leaves = self.calls.iter().filter(|c| matches!(c.what, Calling::Leave)).count();
        if leaves > 1 || leaves == 1 && !matches!(self.life, Life::Leaving(_)) {
            return Err(format!("{leaves} leaves wait, in life {:?}", self.life));
        }
        let first = self.stalls.front().map_or(NEVER, |stall| stall.until);
        if first != self.stalled_until || !self.stalls.iter().is_sorted_by_key(|s| s.until) {
            return Err(format!(
                "it stands still until {}, kept {:?}",
                self.stalled_until, self.stalls
            ));
        }
        if self.recorder.is_some() != config.snapshot && self.life == Life::Alive {
            return Err(format!("a snapshot is kept: {}", self.recorder.is_some()));
        }
        if !self.refutations.is_empty() || self.touched {
            return Err("something was left undone".to_owned());
        }
        let waits = (self.calls.iter().map(|c| c.until))
            .chain(self.collectors.iter().map(|c| c.deadline))
            .chain(self.prunes.iter().map(|p| p.0))
            .chain([self.stalled_until, self.reap_at, self.reconnect_at])
            .chain([self.queues.deadline(), self.pipeline.deadline(), self.life.deadline()]);
        let first = waits.min().unwrap_or(NEVER);
        if first != self.wake {
            return Err(format!("the first deadline is {first}, kept {}", self.wake));
        }
        Ok(())
    }
}
