//! Relays: an ack or a response takes other ways too (`serf/query.go: relayResponse`; specification 5.6).

use super::{Agent, Draw, Event, SerfOutbox, Status, ledger::Content, sizes};
use crate::{
    belief::{AddressId, MemberId},
    rng::Chance,
    swim::Env,
    view::View,
};

impl Agent<'_> {
    /// Sends copies of a message to a few members, who pass it on. Nothing in clusters too small for it.
    pub(super) fn relay<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        factor: u8,
        (to, name): (AddressId, MemberId),
        inner: u32,
    ) {
        let members = self.serf.members.len();
        if factor == 0 || members < u32::from(factor) + 1 {
            return;
        }
        let content = Content::Relay { to, name, inner };
        let world = &mut *env.world;
        let len = sizes::of(&world.serf.ledger, &world.roster, env.config, content);
        let limit = env.config.serf.map_or(0, |c| c.query_response_size_limit);
        if len > limit {
            // The direct copy is out already.
            env.out.tell(Event::TooLarge { len, limit });
            return;
        }
        let user = world.serf.ledger.add(&mut world.roster, content, len);
        let mut chosen: Vec<MemberId> = Vec::with_capacity(usize::from(factor));
        let mut rng = self.serf.rng(env.world.keys, Draw::Relay);
        for _ in 0..3 * members {
            if chosen.len() >= usize::from(factor) {
                break;
            }
            let member = self.serf.members.draw(&mut rng);
            let eligible = self.serf.members.status(member) == Status::Alive
                && member != self.serf.me
                && !chosen.contains(&member);
            if eligible {
                chosen.push(member);
            }
        }
        self.serf.drawn(Draw::Relay, &rng);
        for member in chosen {
            let attributes = self.serf.members.get(member).attributes;
            let address = env.world.roster.attributes(attributes).address;
            self.below(env, None, |node, env| node.send_to(env, address, user));
        }
    }

    /// Passes on what another relays through this node. Whom it is for is not looked at.
    pub(super) fn pass_on<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        to: AddressId,
        name: MemberId,
        inner: u32,
    ) {
        env.out.tell(Event::Relayed { to: name });
        self.below(env, None, |node, env| node.send_to(env, to, inner));
    }
}

impl super::members::Members {
    /// A member drawn uniformly from all records, whatever their status.
    pub(super) fn draw(&self, rng: &mut impl Chance) -> MemberId {
        // Holes of the numbering are drawn past: what is left is uniform.
        loop {
            let member = MemberId(rng.below(self.span()));
            if self.status(member) != Status::None {
                return member;
            }
        }
    }
}
