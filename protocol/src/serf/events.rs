//! User events (`serf/serf.go: UserEvent, handleUserEvent`; specification 4).

use super::{
    Agent, Config, Event, SerfOutbox,
    event::{Path, QueueName},
    lamport::LTime,
    ledger::{Content, TextId},
    ring::{Heard, News},
    sizes,
};
use crate::{queue::Waiter, swim::Env, view::View, wire::serf::len};

/// An event or query that was not sent: longer than a limit, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// Its length.
    pub len: u32,
    /// The limit.
    pub limit: u32,
}

impl std::fmt::Display for TooLarge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes exceed the configured limit of {} bytes", self.len, self.limit)
    }
}

impl std::error::Error for TooLarge {}

impl Agent<'_> {
    /// Sends a user event (`UserEvent`); gives its Lamport time. A node may do so in any state.
    pub fn user_event<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        text: TextId,
        coalesce: bool,
    ) -> Result<LTime, TooLarge> {
        let limit = env.config.serf.map_or(0, |c| c.user_event_size_limit);
        let limit = limit.min(Config::GREATEST_EVENT);
        let (name, payload) = sizes::text_len(&env.world.serf.ledger, text);
        let ltime = self.serf.clocks.event.time();
        let encoded = len::user_event(ltime, name, payload);
        // The sum of the parts is looked at first; what is encoded is longer in any case.
        let len = Some(name + payload.unwrap_or(0)).filter(|&sum| sum > limit).unwrap_or(encoded);
        if len > limit {
            env.out.tell(Event::TooLarge { len, limit });
            return Err(TooLarge { len, limit });
        }
        self.serf.clocks.event.increment();
        self.hear_event(env, (ltime, text, coalesce), Path::Own);
        let user = sizes::add(env, Content::Event { ltime, text, coalesce });
        self.queue(env, QueueName::Event, user, Waiter::None);
        self.settle(env, true);
        Ok(ltime)
    }

    /// A user event (`handleUserEvent`); whether it is news.
    pub(super) fn hear_event<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        (ltime, text, coalesce): (LTime, TextId, bool),
        path: Path,
    ) -> bool {
        let size = env.config.serf.map_or(0, |c| c.event_buffer);
        let serf = &mut *self.serf;
        serf.clocks.event.witness(ltime);
        if ltime < serf.event_min {
            if path == Path::Gossip {
                env.out.tell(Event::IgnoredEvent { ltime, text });
            }
            return false;
        }
        let current = serf.clocks.event.time();
        let ledger = &env.world.serf.ledger;
        let mut gone: Option<(LTime, u32, u32)> = None;
        let dropped = |old: Heard<TextId>| {
            let (_, events, bytes) = gone.get_or_insert((old.ltime, 0, 0));
            *events += 1;
            *bytes += sizes::slot_event(ledger, old.item);
        };
        match serf.events.note(size, current, ltime, text, dropped) {
            News::Known => return false,
            News::Old => {
                env.out.tell(Event::OldEvent { ltime, current, text });
                return false;
            }
            News::Yes => {}
        }
        if let Some((ltime, events, bytes)) = gone {
            serf.event_slots -= 1;
            serf.event_bytes -= u64::from(len::slot(ltime, events, bytes));
        }
        // The slot as it was, and with this event in it.
        let slot = (ltime % u64::from(size.max(1))) as u32;
        let others = serf.events.items().iter().filter(|h| h.slot == slot && h.item != text);
        let (mut events, mut bytes) = (0, 0);
        for other in others {
            events += 1;
            bytes += sizes::slot_event(ledger, other.item);
        }
        if events > 0 {
            serf.event_bytes -= u64::from(len::slot(ltime, events, bytes));
        } else {
            serf.event_slots += 1;
        }
        bytes += sizes::slot_event(ledger, text);
        serf.event_bytes += u64::from(len::slot(ltime, events + 1, bytes));
        env.out.tell(Event::User { ltime, text, path });
        if let Some(recorder) = &mut self.serf.recorder {
            recorder.user(env.now, ltime);
        }
        self.offer_user(env, (ltime, text), coalesce);
        true
    }
}
