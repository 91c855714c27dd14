//! Whether a node's private knowledge agrees with its view: for tests and assertions.
//!
//! The view holds who is known with which belief; the node keeps beside it the order of its list, the
//! running suspicions, the times of the gone and a sum of encoded lengths. Each can be derived from the
//! view, and here it is.

use super::{Node, World, probe::Phase};
use crate::{
    belief::{MemberId, Status},
    config::Config,
    message::MessageKind,
    time::NEVER,
    view::View,
};

impl Node {
    /// Compares all that a node keeps with its view and its limits.
    /// Errors: the first disagreement, in words.
    pub fn audit<V: View>(&self, config: &Config, world: &World, view: &V) -> Result<(), String> {
        let mut members = Vec::new();
        view.members(&mut members);
        self.audit_list(&members)?;
        self.audit_records(world, view, &members)?;
        self.audit_queue(world)?;
        self.audit_probe(config)
    }

    fn audit_list(&self, members: &[MemberId]) -> Result<(), String> {
        let mut listed: Vec<_> = (0..self.order.len()).map(|slot| self.order.at(slot)).collect();
        listed.sort_unstable();
        if listed != members {
            return Err(format!("the list holds {listed:?}, the view {members:?}"));
        }
        if self.cursor > self.order.len() + 1 {
            return Err(format!("the cursor is {} of {}", self.cursor, self.order.len()));
        }
        Ok(())
    }

    fn audit_records<V: View>(
        &self,
        world: &World,
        view: &V,
        members: &[MemberId],
    ) -> Result<(), String> {
        let (mut suspects, mut gone, mut bytes) = (0, 0, 0);
        for &member in members {
            let Some(id) = view.get(member) else { continue };
            let belief = world.roster.belief(id);
            if belief.member != member {
                return Err(format!("the record of {member:?} is about {:?}", belief.member));
            }
            if self.status(member) != belief.status {
                let kept = self.status(member);
                return Err(format!("{member:?} is {:?}, kept as {kept:?}", belief.status));
            }
            if member == self.me() {
                let right = if self.left { Status::Left } else { Status::Alive };
                if belief.status != right {
                    return Err(format!("the node holds itself {:?}", belief.status));
                }
            }
            suspects += usize::from(belief.status == Status::Suspect);
            gone += usize::from(belief.status.is_gone());
            bytes += u64::from(world.sizes.state_entry(&world.roster, belief));
        }
        if !members.contains(&self.me()) && !self.left {
            return Err("the node does not know itself".to_owned());
        }
        if (suspects, gone) != (self.suspicions.len(), self.gone.len()) {
            let kept = (self.suspicions.len(), self.gone.len());
            return Err(format!("{suspects} suspects and {gone} gone, kept {kept:?}"));
        }
        if bytes != self.state_bytes {
            return Err(format!("records take {bytes} bytes, kept {}", self.state_bytes));
        }
        Ok(())
    }

    /// One broadcast per name at most, and one of the node's refutations beside them.
    fn audit_queue(&self, world: &World) -> Result<(), String> {
        let mut about: Vec<MemberId> = self
            .queue
            .items()
            .filter(|(_, item)| item.message.kind() != MessageKind::User)
            .map(|(_, item)| world.roster.belief(item.message.belief()).member)
            .collect();
        if about.len() != self.queue.len() as usize {
            return Err(format!("{} broadcasts, {} counted", about.len(), self.queue.len()));
        }
        about.sort_unstable();
        for same in about.chunk_by(|a, b| a == b) {
            let most = if same[0] == self.me() { 2 } else { 1 };
            if same.len() > most {
                return Err(format!("{} broadcasts about {:?}", same.len(), same[0]));
            }
        }
        Ok(())
    }

    fn audit_probe(&self, config: &Config) -> Result<(), String> {
        let idle = self.probe.phase == Phase::Idle;
        if idle && self.probe.deadline() != NEVER {
            return Err("an idle probe has a deadline".to_owned());
        }
        if idle && self.probe.pending {
            return Err("a tick waits for a probe that is over".to_owned());
        }
        if self.score >= config.awareness_max_multiplier.max(1) {
            return Err(format!("the health score is {}", self.score));
        }
        let first = self.relays.front().map_or(NEVER, |r| r.until);
        if first != self.relay_at {
            return Err(format!("the first relay ends at {first}, kept {}", self.relay_at));
        }
        Ok(())
    }
}
