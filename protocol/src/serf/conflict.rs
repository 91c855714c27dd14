//! Two nodes of one name (`serf/serf.go: handleNodeConflict, resolveNodeConflict`; specification 5.10).
//!
//! Whoever hears that its own name is claimed elsewhere asks all others, and shuts down unless a majority of
//! the answers knows the name at its address. Nobody answering is no majority: two nodes of a name and
//! nobody else both quit.

use super::{
    Agent, Event, Life, SerfOutbox, Status,
    ledger::{Internal, Known},
    queries::Use,
};
use crate::{belief::MemberId, swim::Env, view::View};

impl Agent<'_> {
    /// SWIM refused an alive message about a name at another address.
    pub(super) fn conflict<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        member: MemberId,
    ) {
        env.out.tell(Event::NameConflict { member });
        let enabled = env.config.serf.is_some_and(|c| c.enable_name_conflict_resolution);
        if member == self.serf.me && enabled && self.serf.life != Life::Shutdown {
            // Each such message starts a vote of its own.
            self.ask_internal(env, Internal::Conflict(member), 0, Use::Vote);
        }
    }

    /// What this node knows of a name.
    pub(super) fn known(&self, member: MemberId) -> Option<Known> {
        let record = self.serf.members.get(member);
        let attributes = record.attributes;
        (record.status != Status::None).then_some(Known { member, attributes })
    }

    pub(super) fn vote_over<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        responses: u32,
        matching: u32,
    ) {
        env.out.tell(Event::Vote { responses, matching });
        if matching < responses / 2 + 1 && self.serf.life != Life::Shutdown {
            self.serf.life = Life::Shutdown;
            // Calls that wait end with the process.
            self.serf.calls.clear();
            env.out.tell(Event::Shutdown);
        }
    }
}
