//! Queries that the layer itself asks and answers (`serf/internal_query.go`, `serf/keymanager.go`;
//! specification 5.8, 11).

use super::{
    Agent, Event, SerfOutbox,
    ledger::{Internal, Question, Reply, Text},
    queries::{Answering, Collector, Use},
};
use crate::{swim::Env, view::View};

/// Key operations that are to follow one another.
#[derive(Clone, Debug)]
pub(super) struct Rotation {
    /// Steps still to come, last first.
    steps: Vec<Internal>,
    relay_factor: u8,
}

impl Internal {
    /// Name of the query.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ping => "_serf_ping",
            Self::Conflict(_) => "_serf_conflict",
            Self::InstallKey(_) => "_serf_install-key",
            Self::UseKey(_) => "_serf_use-key",
            Self::RemoveKey(_) => "_serf_remove-key",
            Self::ListKeys => "_serf_list-keys",
        }
    }
}

impl Agent<'_> {
    /// An internal query passed the filters.
    pub(super) fn internal_query<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        asking: &Answering,
        internal: Internal,
    ) {
        match internal {
            Internal::Ping => {}
            Internal::Conflict(member) => {
                // Whoever has the name himself does not vote.
                if member != self.serf.me {
                    let known = self.known(member);
                    self.reply(env, asking, Reply::Conflict(known));
                }
            }
            Internal::InstallKey(_)
            | Internal::UseKey(_)
            | Internal::RemoveKey(_)
            | Internal::ListKeys => {
                let done = change_keys(env, internal);
                let list = internal == Internal::ListKeys;
                self.reply(env, asking, Reply::Key { done, list });
            }
        }
    }

    /// Changes the keyrings of all, one step after another; each waits for all answers to the one before
    /// and the rest is given up when one fails. A node's operations follow one another (`KeyManager`).
    pub fn change_all_keys<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        steps: &[Internal],
        relay_factor: u8,
    ) {
        let steps = steps.iter().rev().copied().collect();
        self.serf.rotations.push_back(Rotation { steps, relay_factor });
        if self.serf.rotations.len() == 1 {
            self.next_step(env);
        }
        self.serf.touched = true;
        self.settle(env, true);
    }

    fn next_step<V: View, O: SerfOutbox>(&mut self, env: &mut Env<'_, V, O>) {
        while let Some(rotation) = self.serf.rotations.front_mut() {
            let relay_factor = rotation.relay_factor;
            if let Some(step) = rotation.steps.pop() {
                self.ask_internal(env, step, relay_factor, Use::Keys);
                return;
            }
            self.serf.rotations.pop_front();
        }
    }

    /// Asks an internal query with default parameters.
    pub(super) fn ask_internal<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        internal: Internal,
        relay_factor: u8,
        of: Use,
    ) {
        let ledger = &mut env.world.serf.ledger;
        let text = ledger.text_id(Text { name: internal.name().to_owned(), payload: None });
        let question = ledger.add_question(Question {
            text,
            filters: Vec::new(),
            ack: false,
            relay_factor,
            timeout: 0,
            answer: None,
            internal: Some(internal),
        });
        // A query of default parameters is never too long.
        let _ = self.ask(env, question, of);
    }

    /// A response was collected in time.
    pub(super) fn collected<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        i: usize,
        reply: Reply,
    ) {
        let own = self.own_address(env);
        let collector = &mut self.serf.collectors[i];
        match (collector.of, reply) {
            (Use::Keys, reply) => {
                let done = matches!(reply, Reply::Key { done: true, .. });
                collector.counted += u32::from(!done);
                if collector.responses() == collector.members {
                    self.close(env, i);
                }
            }
            (Use::Vote, Reply::Conflict(known)) => {
                let theirs = known.map(|k| env.world.roster.attributes(k.attributes).address);
                collector.counted += u32::from(theirs == Some(own));
            }
            (Use::Vote | Use::Application, _) => {}
        }
    }

    /// A query has ended.
    pub(super) fn closed<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        collector: &Collector,
    ) {
        let responses = collector.responses();
        match collector.of {
            Use::Application => {}
            Use::Vote => self.vote_over(env, responses, collector.counted),
            Use::Keys => {
                let (members, errors) = (collector.members, collector.counted);
                env.out.tell(Event::KeysDone { members, responses, errors });
                if errors == 0 && responses >= members {
                    self.next_step(env);
                } else {
                    // What was to follow is given up, and the next operation begins.
                    self.serf.rotations.pop_front();
                    self.next_step(env);
                }
            }
        }
    }
}

/// Changes the node's own keyring; false where that is refused.
fn change_keys<V: View, O: SerfOutbox>(env: &mut Env<'_, V, O>, operation: Internal) -> bool {
    let Some(mut ring) = env.config.encryption else { return false };
    let has = |key: u8| ring.keys >> key & 1 == 1;
    let done = match operation {
        Internal::InstallKey(key) => {
            ring.keys |= 1 << key;
            true
        }
        Internal::UseKey(key) if has(key) => {
            ring.primary = key;
            true
        }
        Internal::RemoveKey(key) if key != ring.primary => {
            // No complaint if it was not there.
            ring.keys &= !(1 << key);
            true
        }
        Internal::ListKeys => true,
        _ => false,
    };
    if Some(ring) != env.config.encryption {
        env.out.tell(Event::Keyring { now: ring });
    }
    done
}
