//! A node's doings, carried out: datagrams into the network, streams into connections, events into the
//! digest and the observation.

use std::collections::VecDeque;

use wavetank_protocol::{
    Time,
    belief::{AddressId, BeliefId, MemberId, Status},
    message::{Packet, Purpose},
    serf::{self, SerfOutbox},
    swim::{Action, Event, Outbox, ProbeEnd},
};

use super::{
    host::{Host, Load, Odd},
    packet,
    streams::{Connection, Connections, Flight},
};
use crate::{
    arena::{Arena, Block},
    digest::Digest,
    net::{Drop, Fate, Leg, Net},
    observe::Observer,
    queue::{Class, Key, Queue},
};

/// Low half of a payload that says what an arrival is.
pub const CONNECTION: u64 = 1 << 31;
/// A datagram that a slow process has finished listening to.
pub const SERVED: u64 = 1 << 30;
/// A datagram to an address that its slot has given up.
pub const UNHEARD: u64 = 1 << 29;
/// In [`Kernel::addresses`]: the slot has given up the address.
pub const GIVEN_UP: u32 = 1 << 31;

/// Kinds of effects in the digest.
#[derive(Clone, Copy)]
#[repr(u8)]
pub enum Effect {
    /// A datagram was sent.
    Sent = 1,
    /// A datagram was lost.
    Lost = 2,
    /// A datagram reached a process.
    Delivered = 3,
    /// A stream step.
    Stream = 4,
    /// A record changed.
    Believed = 5,
    /// A record was dropped.
    Reaped = 6,
    /// A timer's outcome.
    Timer = 7,
    /// The health score changed.
    Health = 8,
    /// A callback to the application.
    Callback = 9,
    /// A process started or stopped.
    Process = 10,
    /// Where a coordinate has come to in the end.
    Coordinate = 11,
    /// Something else that Serf told; `super::serf` numbers the kinds.
    Serf = 12,
}

/// The kernel beneath the nodes: everything but the machines themselves.
#[derive(Debug)]
pub struct Kernel {
    /// Current time.
    pub now: Time,
    /// Pending events.
    pub queue: Queue,
    /// Probe time-outs in the order of their times: nearly all are answered before, so they are kept out
    /// of the queue, and one whose probe has ended is dropped at a glance.
    pub timeouts: VecDeque<(Time, u32)>,
    /// Packets in flight.
    pub arena: Arena,
    /// The network.
    pub net: Net,
    /// The history so far.
    pub digest: Digest,
    /// All slots.
    pub hosts: Vec<Host>,
    /// What is unusual about some slots, by slot.
    pub odd: Vec<Option<Box<Odd>>>,
    /// Which slot an address leads to, or led to ([`GIVEN_UP`]).
    pub addresses: Vec<u32>,
    /// Streams.
    pub connections: Connections,
    /// Connections that their dialler closed with nothing in flight.
    pub over: Vec<u32>,
    /// Measurements.
    pub observer: Observer,
    /// Events to be looked at when the node's call has returned.
    pub told: Vec<Event>,
    /// What Serf told, to be looked at likewise.
    pub told_serf: Vec<serf::Event>,
    /// Packets as words.
    pub words: Vec<u64>,
    /// What was sent or lost in a call, for a watcher.
    pub log: Option<Vec<Logged>>,
}

/// Something sent, for a watcher.
#[derive(Clone, Debug)]
pub enum Logged {
    /// A datagram: to whom, its words, and what became of it.
    Sent(u32, Vec<u64>, Option<Drop>),
    /// A step of a stream.
    Stream(u32, &'static str, u64),
}

impl Kernel {
    /// Adds an effect of a slot to the digest.
    #[inline]
    pub fn effect(&mut self, slot: u32, effect: Effect, a: u64, b: u64) {
        let host = &mut self.hosts[slot as usize];
        self.digest.add(self.now, slot, host.effects, effect as u8, a, b);
        host.effects = host.effects.wrapping_add(1);
    }

    /// The slot that listens at an address, or did.
    #[inline]
    pub fn slot_at(&self, address: AddressId) -> u32 {
        self.addresses[address.index()] & !GIVEN_UP
    }

    /// Puts a composed datagram on the network.
    #[inline]
    pub fn transmit(&mut self, slot: u32, to: AddressId, words: &[u64]) {
        let place = self.addresses[to.index()];
        let target = place & !GIVEN_UP;
        let unheard = if place == target { 0 } else { UNHEARD };
        let len = packet::len(words);
        let gossip = words[0] >> 1 & 1 == Purpose::Gossip as u64;
        let load = if gossip { Load::Gossip } else { Load::Probe };
        let host = &mut self.hosts[slot as usize];
        if host.refuses {
            return;
        }
        let nth = host.sent;
        host.sent = nth.wrapping_add(1);
        host.bytes[load as usize] += u64::from(len);
        if self.net.zones() > 1 && self.net.zone_of(slot) != self.net.zone_of(target) {
            host.zone_bytes += u64::from(len);
        }
        let effect = host.effects;
        host.effects = effect.wrapping_add(1);
        let b = words[0] ^ u64::from(target) << 20;
        self.digest.add(self.now, slot, effect, Effect::Sent as u8, words[1], b);
        self.observer.load(self.now, load, u64::from(len));
        self.observer.counts.packets_sent += 1;
        match self.net.datagram(self.now, slot, target, u64::from(nth), len) {
            Fate::Arrives { at, copy } => {
                self.arrival(slot, (target, unheard), at, nth, words);
                if let Some(at) = copy {
                    self.arrival(slot, (target, unheard), at, nth, words);
                }
                self.note_sent(target, words, None);
            }
            Fate::Lost(why) => self.lost(slot, target, words, why),
        }
    }

    #[cold]
    fn lost(&mut self, slot: u32, target: u32, words: &[u64], why: Drop) {
        match why {
            Drop::Cut => self.observer.counts.packets_cut += 1,
            Drop::Loss | Drop::Corrupt | Drop::Full => self.observer.counts.packets_lost += 1,
        }
        self.effect(slot, Effect::Lost, words[1], why as u64);
        self.note_sent(target, words, Some(why));
    }

    #[inline]
    fn note_sent(&mut self, target: u32, words: &[u64], why: Option<Drop>) {
        if let Some(log) = &mut self.log {
            log.push(Logged::Sent(target, words.to_vec(), why));
        }
    }

    #[inline]
    fn arrival(
        &mut self,
        slot: u32,
        (target, unheard): (u32, u64),
        at: Time,
        nth: u32,
        words: &[u64],
    ) {
        let block = self.arena.take(words);
        let key = Key { time: at, class: Class::Arrival, source: slot, nth };
        self.queue.push(key, u64::from(target) << 32 | unheard | u64::from(block.at));
    }

    /// Composed while frozen: it leaves when the process thaws.
    fn hold(&mut self, slot: u32, to: AddressId, words: &[u64]) {
        let block = self.arena.take(words);
        self.odd[slot as usize].get_or_insert_default().blocked.push((to, block));
    }

    /// Sends what blocked while the process was frozen.
    pub fn release_blocked(&mut self, slot: u32) {
        let Some(odd) = &mut self.odd[slot as usize] else { return };
        for (to, block) in std::mem::take(&mut odd.blocked) {
            let words = self.arena.get(block).to_vec();
            self.arena.give_back(block);
            self.transmit(slot, to, &words);
        }
    }

    fn flight(&mut self, id: u32, from: u32, to: u32, leg: Leg, flight: Flight) {
        let Some(connection) = self.connections.get(id) else { return };
        match leg {
            Leg::Arrives { at, .. } => {
                connection.flight = Some(flight);
                let host = &mut self.hosts[from as usize];
                host.legs = host.legs.wrapping_add(1);
                let key = Key { time: at, class: Class::Arrival, source: from, nth: host.legs };
                self.queue.push(key, u64::from(to) << 32 | CONNECTION | u64::from(id));
            }
            // Nothing comes any more; the dialler's own deadline ends it.
            Leg::Cut => connection.flight = None,
        }
    }

    fn nth_leg(&self, slot: u32) -> u64 {
        u64::from(self.hosts[slot as usize].legs)
    }

    fn dial(&mut self, slot: u32, token: u32, to: AddressId, ping: bool) {
        let target = self.slot_at(to);
        let connection = Connection {
            from: slot,
            from_life: self.hosts[slot as usize].life,
            to: target,
            token,
            ping,
            flight: None,
            message: None,
            closed: false,
        };
        let id = self.connections.add(connection);
        self.observer.counts.tcp_connect += 1;
        self.effect(slot, Effect::Stream, 0, u64::from(target));
        let mut leg = self.net.dial(self.now, slot, target, self.nth_leg(slot));
        if self.addresses[to.index()] != target {
            // Nobody answers there any more.
            leg = Leg::Cut;
        }
        self.flight(id, slot, target, leg, Flight::Attempt);
        self.log_stream(target, "dial", 0);
    }

    /// The dialled side accepts or refuses.
    pub fn answer_attempt(&mut self, id: u32, accepted: bool) {
        let Some(&mut Connection { from, to, .. }) = self.connections.get(id) else { return };
        let leg = self.net.answer(self.now, to, from, self.nth_leg(to));
        let flight = if accepted { Flight::Accepted } else { Flight::Refused };
        if accepted {
            self.observer.counts.tcp_accept += 1;
        }
        self.flight(id, to, from, leg, flight);
    }

    fn stream_load(&mut self, slot: u32, target: u32, ping: bool, len: u64) {
        let load = if ping { Load::StreamPing } else { Load::PushPull };
        let host = &mut self.hosts[slot as usize];
        host.bytes[load as usize] += len;
        if self.net.zone_of(slot) != self.net.zone_of(target) {
            host.zone_bytes += len;
        }
        self.observer.load(self.now, load, len);
        self.observer.counts.stream_bytes_sent += len;
    }

    /// Sends the dialler's message on an accepted connection.
    pub fn send_request(&mut self, id: u32) {
        let Some(&mut Connection { from, to, message, ping, .. }) = self.connections.get(id) else {
            return;
        };
        let Some((_, len)) = message else { return };
        self.stream_load(from, to, ping, len);
        self.effect(from, Effect::Stream, 1, len);
        let leg = self.net.stream_leg(self.now, from, to, self.nth_leg(from), len);
        self.flight(id, from, to, leg, Flight::Request);
        self.log_stream(to, "request", len);
    }

    fn log_stream(&mut self, to: u32, what: &'static str, len: u64) {
        if let Some(log) = &mut self.log {
            log.push(Logged::Stream(to, what, len));
        }
    }
}

/// The outbox of one node for the duration of a call.
#[derive(Debug)]
pub struct Carrier<'a> {
    /// Whose.
    pub slot: u32,
    /// Whether its sends block.
    pub frozen: bool,
    /// Where they go.
    pub kernel: &'a mut Kernel,
}

impl Outbox for Carrier<'_> {
    #[inline]
    fn send(&mut self, to: AddressId, packet: Packet<'_>) {
        let from = self.kernel.hosts[self.slot as usize].address;
        let (header, address) = packet::header(from, &packet);
        if packet.messages.is_empty() && address.is_none() && !self.frozen {
            if let Some(payload) = packet.payload {
                let mut words = [0; packet::HEADER + packet::PAYLOAD];
                words[..packet::HEADER].copy_from_slice(&header);
                words[packet::HEADER..].copy_from_slice(payload);
                self.kernel.transmit(self.slot, to, &words);
            } else {
                self.kernel.transmit(self.slot, to, &header);
            }
            return;
        }
        let mut words = std::mem::take(&mut self.kernel.words);
        packet::encode(from, &packet, &mut words);
        if self.frozen {
            self.kernel.hold(self.slot, to, &words);
        } else {
            self.kernel.transmit(self.slot, to, &words);
        }
        self.kernel.words = words;
    }

    fn can_send(&self) -> bool {
        !self.kernel.hosts[self.slot as usize].refuses
    }

    fn exchange(&mut self, action: Action) {
        let (slot, life) = (self.slot, self.kernel.hosts[self.slot as usize].life);
        match action {
            Action::Dial { token, to, ping } => self.kernel.dial(slot, token, to, ping),
            Action::Send { token, message, len } => {
                let Some((id, c)) = self.kernel.connections.dialled(slot, life, token) else {
                    return;
                };
                c.message = Some((message, len));
                // A message handed over with the dial waits for the acceptance.
                if c.flight.is_none() {
                    self.kernel.send_request(id);
                }
            }
            Action::Reply { stream, message, len } => {
                let Some(c) = self.kernel.connections.get(stream) else { return };
                c.message = Some((message, len));
                let (from, to, ping) = (c.from, c.to, c.ping);
                self.kernel.stream_load(to, from, ping, len);
                self.kernel.effect(to, Effect::Stream, 2, len);
                let nth = self.kernel.nth_leg(to);
                let leg = self.kernel.net.stream_leg(self.kernel.now, to, from, nth, len);
                self.kernel.flight(stream, to, from, leg, Flight::Reply);
                self.kernel.log_stream(from, "reply", len);
            }
            Action::Close { token } => {
                if let Some((id, c)) = self.kernel.connections.dialled(slot, life, token) {
                    c.closed = true;
                    // What is still in flight of it ends it on arrival; else nothing ever would.
                    if c.flight.is_none() {
                        self.kernel.over.push(id);
                    }
                }
            }
        }
    }

    #[inline]
    fn emit(&mut self, event: Event) {
        let counts = &mut self.kernel.observer.counts;
        let tell = match event {
            Event::Probing { .. } => {
                counts.probes_sent += 1;
                false
            }
            Event::Probed { target, end, after } => {
                match end {
                    ProbeEnd::Direct | ProbeEnd::Late | ProbeEnd::Unsent => {}
                    ProbeEnd::Stream => counts.saved_by_tcp += 1,
                    ProbeEnd::Failed => {
                        counts.probes_failed += 1;
                        let began = self.kernel.now.saturating_sub(after);
                        self.kernel.observer.probe_failed(self.slot, began);
                    }
                }
                let b = u64::from(target.0) << 40 ^ after;
                self.kernel.effect(self.slot, Effect::Timer, end as u64, b);
                false
            }
            Event::ProbeTimeout { target } => {
                counts.direct_timeouts += 1;
                self.kernel.effect(self.slot, Effect::Timer, 16, u64::from(target.0));
                false
            }
            Event::Handled { kind } => {
                match kind {
                    Status::Alive => counts.msg_alive += 1,
                    Status::Suspect => counts.msg_suspect += 1,
                    Status::Dead | Status::Left => counts.msg_dead += 1,
                }
                false
            }
            Event::HandoffDropped => {
                counts.queue_dropped += 1;
                false
            }
            Event::Replaced => {
                counts.queue_replaced += 1;
                false
            }
            Event::ExchangeFailed => {
                counts.streams_failed += 1;
                false
            }
            Event::Merged { .. } => false,
            _ => true,
        };
        if tell || self.kernel.log.is_some() {
            self.kernel.told.push(event);
        }
    }
}

impl SerfOutbox for Carrier<'_> {
    #[inline]
    fn tell(&mut self, event: serf::Event) {
        self.kernel.told_serf.push(event);
    }

    /// Whoever watches is told of each move.
    #[inline]
    fn defers(&self) -> bool {
        self.kernel.log.is_none()
    }
}

/// A record's content for the digest: ids of interned beliefs are not history.
pub fn belief_words(
    roster: &wavetank_protocol::belief::Roster,
    belief: BeliefId,
    from: MemberId,
) -> (u64, u64) {
    let b = roster.belief(belief);
    let attributes = roster.attributes(b.attributes);
    let a = u64::from(b.member.0) << 32 | u64::from(b.incarnation);
    let c = (b.status as u64) << 60
        | u64::from(attributes.meta) << 40
        | u64::from(attributes.address.0) << 20;
    (a, c ^ u64::from(from.0) << 1)
}

/// Reads the messages of a block for a call.
pub fn read_block<'m>(
    arena: &Arena,
    block: Block,
    copy: &'m mut packet::Copy,
) -> (AddressId, Packet<'m>) {
    packet::decode(arena.get(block), copy)
}
