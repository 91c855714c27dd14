//! The outbox that Serf hands to SWIM: memberlist's `Delegate`, `EventDelegate`, `PingDelegate` and
//! `ConflictDelegate` in one (`serf/delegate.go`, `serf/event_delegate.go`, `serf/ping_delegate.go`).

use super::{Draw, Serf, SerfOutbox};
use crate::{
    belief::AddressId,
    config::Config,
    message::{AckPayload, Head, Message, Packet},
    rng::{Chance, Keys},
    rules,
    swim::{Action, Event, Outbox, ProbeEnd, Room, UserState, World},
};

/// Serf, listening to its SWIM node.
#[derive(Debug)]
pub struct Above<'a, O> {
    pub(super) inner: &'a mut O,
    pub(super) serf: &'a mut Serf,
    /// What the packet at hand carries.
    pub(super) payload: Option<&'a AckPayload>,
    pub(super) config: &'a Config,
    pub(super) keys: Keys,
}

impl<O: SerfOutbox> Outbox for Above<'_, O> {
    #[inline]
    fn send(&mut self, to: AddressId, packet: Packet<'_>) {
        if let Head::Ack { payload: true, .. } = packet.head
            && let () = self.serf.settle_coordinate(self.keys)
            && let Some(own) = self.serf.coordinate()
        {
            let words = own.to_words();
            self.inner.send(to, Packet { payload: Some(&words), ..packet });
            return;
        }
        self.inner.send(to, packet);
    }

    #[inline]
    fn exchange(&mut self, action: Action) {
        self.inner.exchange(action);
    }

    #[inline]
    fn emit(&mut self, event: Event) {
        match event {
            Event::Probed { target, end: ProbeEnd::Direct, after } => {
                if let Some(words) = self.payload {
                    self.serf.ping_complete(self.keys, target, after, words, self.inner);
                }
            }
            Event::Believed { .. }
            | Event::UserMessage { .. }
            | Event::Merged { .. }
            | Event::Conflict { .. } => self.serf.tell_self(event),
            Event::Joined { .. } | Event::LeaveReturned { .. } | Event::UpdateReturned { .. } => {
                // These are Serf's to return.
                self.serf.tell_self(event);
                return;
            }
            _ => {}
        }
        self.inner.emit(event);
    }

    /// The call was woken by the packet that finished its message; the gossip loop has that packet to send
    /// before it fills the next. Of two latencies that are alike, either is as likely to end first.
    fn interrupts(&mut self) -> bool {
        if !self.serf.queues.has_call() {
            return false;
        }
        let mut rng = self.serf.rng(self.keys, Draw::Race);
        let first = rng.word() >> 63 == 0;
        self.serf.drawn(Draw::Race, &rng);
        first
    }

    #[inline]
    fn can_send(&self) -> bool {
        self.inner.can_send()
    }

    #[inline]
    fn has_broadcasts(&self) -> bool {
        !self.serf.queues.is_empty() && !self.serf.is_stalled()
    }

    fn broadcasts(&mut self, mut room: Room<'_>, out: &mut Vec<Message>) {
        let limit = rules::retransmit_limit(self.config.retransmit_mult, self.serf.members.len());
        let id_reset = self.config.quirks.queue_id_reset;
        self.serf.queues.fill(&mut room, limit, id_reset, out);
        self.serf.touched = true;
    }

    fn local_state(&mut self, world: &mut World) -> Option<UserState> {
        Some(self.serf.take_state(self.config, (&world.roster, &mut world.serf)))
    }

    #[inline]
    fn has_ack_payload(&self) -> bool {
        self.serf.places
    }
}
