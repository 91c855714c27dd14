//! Compressed lengths of what Serf adds to a state list.
//!
//! It is compressed together with the list, whose names it repeats. So it is measured behind a list: how
//! much longer the whole gets by it. The parts are measured apart and added up: the ring without events;
//! the events; the names of those who have left; the members' times. They are measured for counts with
//! five leading bits, and what there is more or less of them costs in proportion.

use rustc_hash::FxHashMap;

use super::{
    content,
    packets::{coarse, fine, least},
    users::Book,
};
use crate::{
    belief::MemberId,
    config::Compat,
    rng::{Chance, Keys, Stream},
    serf::ledger::{Ledger, TextId},
    wire::{
        Text, len,
        lzw::Meter,
        message::PushPullHeader,
        serf::{EventSlot, SlotEvent, State, StateLen, len as serf},
    },
};

/// Members of the longest list that is measured; each further one costs what these do on average.
const LONGEST: u32 = 4096;
/// Behind longer lists events cost what they do behind these: the encoder's table is full.
const FULL: u32 = 256;
/// Representatives are the same in all runs.
const SEED: u64 = 0xab07e;
/// Lists that a measurement is the mean of.
const SAMPLES: u32 = 4;
/// Texts of the latest events stand for those in the ring.
const LATEST: u32 = 512;

/// What is kept of measured states.
#[derive(Debug)]
pub struct Above {
    /// Members that were there at the first question; again when the roster has doubled.
    members: u32,
    /// Some of them in a random order.
    order: Vec<MemberId>,
    /// Bytes of their names with headers, in all.
    names: u64,
    measured: FxHashMap<Shape, Measured>,
    keys: Keys,
}

impl Default for Above {
    fn default() -> Self {
        let keys = Keys::new(SEED);
        Self { members: 0, order: Vec::new(), names: 0, measured: FxHashMap::default(), keys }
    }
}

/// Which states are taken to be alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Shape {
    /// Members of the list, coarsely.
    members: u16,
    /// Metadata of each, in bytes, coarsely.
    meta: u16,
    /// Slots of the ring.
    ring: u32,
    /// The members' times are below this power of two.
    times: u8,
    /// Those who have left, coarsely.
    left: u16,
    /// Filled slots, coarsely.
    slots: u16,
    /// Bytes of each, coarsely.
    slot: u16,
    /// Texts that were there, coarsely.
    texts: u16,
}

/// What states of a shape come to, summed over all samples.
#[derive(Clone, Copy, Debug, Default)]
struct Measured {
    /// Compressed, all that stands before the members' times.
    before: u64,
    /// Compressed, the members' times.
    times: u64,
    /// The members' names and times.
    member_bytes: u64,
    /// Names of those who have left.
    left_bytes: u64,
    /// Filled slots.
    slot_bytes: u64,
}

impl Above {
    /// What a state adds to the LZW form of a list with `n` entries of `entries` bytes.
    pub fn lzw_len(&mut self, book: Book<'_>, n: u32, entries: u64, user: &StateLen) -> u32 {
        self.renew(book);
        let members = user.members.clamp(1, self.order.len() as u32);
        let name_len = self.names / self.order.len() as u64;
        let bare = u64::from(len::push_node_state_len(1, book.roster.address_bytes(), 0, 0));
        let meta = (entries / u64::from(n.max(1))).saturating_sub(bare + name_len);
        let shape = Shape {
            members: coarse(members),
            meta: coarse(meta as u32),
            ring: user.ring,
            times: times(user, name_len),
            ..Shape::default()
        };
        let plain = self.measured(book, shape);
        let mut sum = plain.before / u64::from(SAMPLES);
        let mut last = plain;
        if user.left > 0 {
            let left = coarse(user.left.min(members));
            let with = self.measured(book, Shape { left, ..shape });
            let more = (with.before + with.times).saturating_sub(plain.before + plain.times);
            sum += more * user.left_bytes / with.left_bytes.max(1);
        }
        if user.slots > 0 {
            let ground = Shape { members: coarse(members.min(FULL)), ..shape };
            let shape = Shape {
                slots: coarse(user.slots),
                slot: coarse((user.slot_bytes / u64::from(user.slots)) as u32),
                texts: coarse(book.ledger.map_or(0, Ledger::texts)),
                ..ground
            };
            let (without, with) = (self.measured(book, ground), self.measured(book, shape));
            let more = with.before.saturating_sub(without.before);
            sum += more * user.slot_bytes / with.slot_bytes.max(1);
            if members <= FULL {
                // Events make the encoder forget the list's names.
                last = with;
            }
        }
        sum += last.times * user.member_bytes / last.member_bytes.max(1);
        sum as u32
    }

    fn renew(&mut self, book: Book<'_>) {
        let there = book.roster.members();
        if self.order.is_empty() || u64::from(there) >= 2 * u64::from(self.members) {
            self.members = there;
            self.order = (0..there).map(MemberId).collect();
            self.keys.stream(0).shuffle(&mut self.order);
            self.order.truncate(LONGEST as usize);
            self.order.shrink_to_fit();
            let names = self.order.iter().map(|&m| len::raw_len(book.roster.name_len(m)));
            self.names = names.map(u64::from).sum();
            self.measured.clear();
        }
    }

    fn measured(&mut self, book: Book<'_>, shape: Shape) -> Measured {
        if let Some(measured) = self.measured.get(&shape) {
            return *measured;
        }
        let measured = measure(book, shape, &self.order, self.keys.stream(1));
        self.measured.insert(shape, measured);
        measured
    }
}

/// The power of two that the members' times are below: the clock, unless they are shorter than times up to
/// there would be.
fn times(user: &StateLen, name_len: u64) -> u8 {
    let clock = user.clock.max(1).saturating_mul(3) / 2;
    let sixteenths = 16 * user.member_bytes / u64::from(user.members.max(1));
    let width = sixteenths.saturating_sub(16 * name_len);
    // Mean bytes of times below 2^8, 2^9 and so on, in sixteenths.
    let widths = [24, 36, 42, 45, 46, 47, 47, 48, 48];
    let known = widths.iter().take_while(|&&mean| mean <= width + 4).count() as u32;
    clock.ilog2().min(7 + known).min(20) as u8
}

fn measure(book: Book<'_>, shape: Shape, order: &[MemberId], mut chance: Stream) -> Measured {
    let roster = book.roster;
    let mut sum = Measured::default();
    let (mut meter, mut bytes, mut meta) = (Meter::new(), Vec::new(), Vec::new());
    let members = (fine(shape.members) as usize).min(order.len());
    for sample in 0..SAMPLES as usize {
        let start = sample * order.len() / SAMPLES as usize;
        let mut known: Vec<_> = order.iter().cycle().skip(start).take(members).copied().collect();
        meter.clear();
        bytes.clear();
        PushPullHeader { nodes: members as i64, user_state_len: 1000, join: false }
            .encode(Compat::Head, &mut bytes);
        for &member in &known {
            content::meta(member.0, fine(shape.meta) as u16, &mut meta);
            content::entry(book.who(member), 1, &meta, &mut bytes);
        }
        meter.feed(&bytes);
        let list = meter.len_if_finished();

        let name = |member: MemberId| roster.name(member).as_bytes().into();
        chance.shuffle(&mut known);
        let left = known.iter().take(fine(shape.left) as usize).copied();
        let left: Vec<Text<'_>> = left.map(name).collect();
        sum.left_bytes += left.iter().map(|n| u64::from(len::raw_len(n.len() as u32))).sum::<u64>();
        chance.shuffle(&mut known);
        let clock = 1 << shape.times;
        let mut state = State {
            ltime: clock,
            status_ltimes: Vec::new(),
            left_members: left,
            event_ltime: 1 + u64::from(fine(shape.slots)),
            events: ring(book.ledger, shape, &mut chance),
            query_ltime: 1,
        };
        let slots = state.events.iter().flatten().map(|slot| {
            let payload = |e: &SlotEvent<'_>| e.payload.as_ref().map(|p| p.len() as u32);
            let events = slot.events.iter();
            let events: u32 =
                events.map(|e| serf::slot_event(e.name.len() as u32, payload(e))).sum();
            u64::from(serf::slot(slot.ltime, slot.events.len() as u32, events))
        });
        sum.slot_bytes += slots.sum::<u64>();

        bytes.clear();
        state.encode(&mut bytes);
        bytes.pop();
        let before = bytes.len();
        meter.feed(&bytes);
        let then = meter.len_if_finished();
        sum.before += u64::from(then - list);
        let times = known.iter().map(|&m| (name(m), chance.below(1 << shape.times).into()));
        state.status_ltimes = times.collect();
        let entries =
            state.status_ltimes.iter().map(|(n, t)| serf::status_entry(n.len() as u32, *t));
        sum.member_bytes += entries.map(u64::from).sum::<u64>();
        bytes.clear();
        state.encode(&mut bytes);
        meter.feed(&bytes[before..]);
        sum.times += u64::from(meter.len_if_finished() - then);
    }
    sum
}

/// A ring of so many events, the latest ones.
fn ring<'a>(
    ledger: Option<&'a Ledger>,
    shape: Shape,
    chance: &mut Stream,
) -> Vec<Option<EventSlot<'a>>> {
    let mut events = vec![None; shape.ring as usize];
    let slots = fine(shape.slots).min(shape.ring);
    let texts = least(shape.texts);
    let mut latest: Vec<_> = (texts.saturating_sub(LATEST)..texts).map(TextId).collect();
    chance.shuffle(&mut latest);
    let mut latest = latest.iter().cycle();
    for ltime in 1..=u64::from(slots) {
        let event = if let (Some(ledger), Some(&text)) = (ledger, latest.next()) {
            let text = ledger.text(text);
            let payload = text.payload.as_deref().map(Into::into);
            SlotEvent { name: text.name.as_bytes().into(), payload }
        } else {
            let mut payload = Vec::new();
            let len = fine(shape.slot).saturating_sub(40);
            content::words(chance.word() as u32, len, &mut payload);
            SlotEvent { name: b"deploy"[..].into(), payload: Some(payload.into()) }
        };
        let slot = (ltime % u64::from(shape.ring)) as usize;
        events[slot] = Some(EventSlot { ltime, events: vec![event] });
    }
    events
}
