//! Looking into a tank without touching it: for tests, checkers and explanations.

use wavetank_protocol::belief::{Belief, MemberId, Roster};

use super::{Host, Tank};
use crate::watch::Watch;

/// What a tank holds that must be given back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Datagrams in flight, waiting at a process, or blocked in a frozen one.
    pub packets: usize,
    /// Of these, those that were composed and not yet sent.
    pub blocked: usize,
    /// Connections.
    pub connections: usize,
    /// Lists of states in flight.
    pub snapshots: usize,
}

impl<W: Watch> Tank<'_, W> {
    /// Names, attributes, beliefs.
    pub fn roster(&self) -> &Roster {
        &self.world.roster
    }

    /// What the kernel knows of a slot.
    pub fn host(&self, slot: u32) -> &Host {
        &self.kernel.hosts[slot as usize]
    }

    /// What the process on a slot believes about a member, or believed when it stopped.
    pub fn belief(&self, slot: u32, member: MemberId) -> Option<Belief> {
        let id = self.tables[slot as usize].get(member)?;
        Some(self.world.roster.belief(id))
    }

    /// What is in flight and in use.
    pub fn held(&self) -> Held {
        let blocked = self.kernel.odd.iter().flatten().map(|odd| odd.blocked.len()).sum();
        Held {
            packets: self.kernel.arena.live(),
            blocked,
            connections: self.kernel.connections.open(),
            snapshots: self.snapshots.in_use(),
        }
    }

    /// Compares what each running node keeps with its view (`Node::audit`).
    /// Errors: the first disagreement, in words.
    pub fn audit(&mut self) -> Result<(), String> {
        for slot in 0..self.nodes.len() {
            let Some(node) = &self.nodes[slot] else { continue };
            let config = &self.configs[usize::from(self.config_of[slot])];
            let view = self.tables[slot].with(&mut self.snapshots);
            node.audit(config, &self.world, &view)
                .map_err(|why| format!("at {} ns on slot {slot}: {why}", self.kernel.now))?;
        }
        Ok(())
    }
}
