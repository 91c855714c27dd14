//! Compressed lengths of packets.
//!
//! What a packet compresses to depends above all on its *shape*: which messages, of how many bytes, how
//! many different names they hold. For each shape a few packets are made up and really compressed, and
//! the mean is kept; what a packet has more or fewer bytes than they is then allowed for.
//!
//! A shape's packets are a function of the shape and of the members that were there at the first
//! question, so it makes no difference which shape comes first or when. There are some hundred shapes in a
//! crash and some thousand at the most in what a datagram holds.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::{
    content,
    users::{self, Book, Listener, Said},
};
use crate::{
    belief::MemberId,
    message::{Head, Message, MessageKind},
    rng::{Chance, Keys, Stream},
    wire::{Ack, Kind, Nack, compound, len, lzw::Encoder},
};

/// Heads alone up to this length are looked up by it.
const SHORT: usize = 512;
/// Packets that a shape is the mean of, at least: twice as many where they are small.
const SAMPLES: u32 = 8;
/// Counts are exact below this.
const EXACT: u32 = 32;
/// Up to so many messages, names are counted exactly and suspect and dead told apart.
const FEW: u32 = 4;
/// Names that are told apart at most.
const NAMES: usize = 128;
/// Representatives are the same in all runs.
const SEED: u64 = 0x5a9e5;

/// What is kept of measured packets.
#[derive(Debug)]
pub struct Packets {
    /// Members that were there at the first question; 0 before it.
    members: u32,
    /// By kind of head and length: the length after compression, 0 where not measured.
    heads: [Vec<u16>; HEADS],
    shapes: FxHashMap<Key, Measured>,
    /// The same of packets with Serf's messages.
    spoken: FxHashMap<(Key, Said), Measured>,
    /// By kind and length: answers to queries after compression.
    answers: FxHashMap<(u8, u32), u32>,
    keys: Keys,
    names: Vec<MemberId>,
}

const HEADS: usize = 6;

impl Default for Packets {
    fn default() -> Self {
        Self {
            members: 0,
            heads: Default::default(),
            shapes: FxHashMap::default(),
            spoken: FxHashMap::default(),
            answers: FxHashMap::default(),
            keys: Keys::new(SEED),
            names: Vec::with_capacity(NAMES),
        }
    }
}

/// Which packets are taken to be alike.
#[derive(Clone, Copy, Debug, Default)]
struct Shape {
    /// Which primary message.
    head: u8,
    /// How many messages of each kind.
    kinds: [u8; 4],
    /// How many different names they and the head hold.
    names: u8,
    /// Whether their incarnations differ.
    mixed: bool,
    /// The longest metadata of its alive messages.
    meta: u16,
    /// How many with the longest would have as many bytes.
    metas: u8,
    /// Bytes of user messages in all, coarsely.
    user: u16,
}

impl Shape {
    fn key(self) -> Key {
        let [alive, suspect, dead, user] = self.kinds.map(u64::from);
        let kinds = alive << 24 | suspect << 16 | dead << 8 | user;
        let (head, mixed) = (u32::from(self.head), u32::from(self.mixed));
        let lens = u32::from(self.meta) << 10 | u32::from(self.user);
        let counts = u64::from(self.metas) << 8 | u64::from(self.names);
        (kinds << 32 | counts, head << 21 | mixed << 20 | lens)
    }

    fn count(self) -> u32 {
        self.kinds.iter().map(|&kind| u32::from(kind)).sum()
    }
}

/// A shape in two words.
type Key = (u64, u32);

/// What the packets of a shape came to, summed over all of them.
#[derive(Clone, Copy, Debug, Default)]
struct Measured {
    compressed: u32,
    raw: u32,
    /// Of `raw`, the metadata.
    meta: u32,
    /// Of `raw`, the names, each once.
    names: u32,
    /// Of `raw`, the payloads of user messages.
    user: u32,
    /// How many packets.
    samples: u32,
}

/// What there is beside the counts of a shape.
#[derive(Clone, Copy, Debug, Default)]
struct Bytes {
    meta: u32,
    user: u32,
    /// Of names, each once.
    names: u32,
}

impl Packets {
    /// Length of a packet of `raw` bytes with compression, where that makes it shorter.
    #[inline]
    pub fn len(
        &mut self,
        book: Book<'_>,
        encoder: &mut Encoder,
        me: MemberId,
        head: Head,
        messages: &[Message],
        raw: u32,
    ) -> u32 {
        if messages.is_empty() && (raw as usize) < SHORT {
            let known = self.heads[usize::from(number(head))].get(raw as usize).copied();
            return match known {
                Some(known @ 1..) => u32::from(known),
                _ => self.short(book, encoder, head, raw),
            };
        }
        if let (Head::None, &[message]) = (head, messages)
            && message.kind() == MessageKind::User
            && let Some(kind) = users::answer_kind(book.content(message.belief().0))
        {
            return self.answer(book, encoder, kind, raw);
        }
        let (shape, said, bytes) = self.shape(book, me, head, messages);
        let measured = match said {
            None => self.measured(book, encoder, shape),
            Some(said) => self.spoken(book, encoder, shape, said),
        };
        raw.min(measured.len(shape, said, bytes, raw))
    }

    #[inline]
    fn measured(&mut self, book: Book<'_>, encoder: &mut Encoder, shape: Shape) -> Measured {
        if let Some(measured) = self.shapes.get(&shape.key()) {
            return *measured;
        }
        let measured = self.measure(book, encoder, shape, Said::default());
        self.shapes.insert(shape.key(), measured);
        measured
    }

    fn spoken(
        &mut self,
        book: Book<'_>,
        encoder: &mut Encoder,
        shape: Shape,
        said: Said,
    ) -> Measured {
        if let Some(measured) = self.spoken.get(&(shape.key(), said)) {
            return *measured;
        }
        let measured = self.measure(book, encoder, shape, said);
        self.spoken.insert((shape.key(), said), measured);
        measured
    }

    /// Length of an answer to a query, alone in its packet.
    fn answer(&mut self, book: Book<'_>, encoder: &mut Encoder, kind: u8, raw: u32) -> u32 {
        if let Some(&len) = self.answers.get(&(kind, raw)) {
            return len;
        }
        let mut chance = self.keys.stream(u64::from(raw) << 8 | u64::from(kind));
        let members = self.members(book);
        let (mut compressed, mut made_up) = (0, 0);
        for _ in 0..2 * SAMPLES {
            let mut member = || book.who(MemberId(chance.below(members)));
            let between = (member(), member());
            let mut packet = vec![Kind::User as u8];
            users::answer(kind, raw - 1, between, &mut chance, &mut packet);
            compressed += len::compress_len(encoder.encoded_len(&packet));
            made_up += packet.len() as u32;
        }
        let len = raw.min((u64::from(compressed) * u64::from(raw) / u64::from(made_up)) as u32);
        self.answers.insert((kind, raw), len);
        len
    }

    /// Members that were there at the first question.
    fn members(&mut self, book: Book<'_>) -> u32 {
        if self.members == 0 {
            self.members = book.roster.members();
        }
        self.members
    }

    fn short(&mut self, book: Book<'_>, encoder: &mut Encoder, head: Head, raw: u32) -> u32 {
        let head = number(head);
        let names = if has_names(head) { 2 } else { 0 };
        let shape = Shape { head, names, ..Shape::default() };
        let measured = self.measured(book, encoder, shape);
        let bytes = Bytes { names: raw.saturating_sub(measured.others()), ..Bytes::default() };
        let len = raw.min(measured.len(shape, None, bytes, raw));
        let table = &mut self.heads[usize::from(head)];
        table.resize(SHORT, 0);
        table[raw as usize] = len as u16;
        len
    }

    fn shape(
        &mut self,
        book: Book<'_>,
        me: MemberId,
        head: Head,
        messages: &[Message],
    ) -> (Shape, Option<Said>, Bytes) {
        let roster = book.roster;
        let mut listener = Listener::default();
        let mut counts = [0; 4];
        let mut bytes = Bytes::default();
        let mut incarnations = (u32::MAX, 0);
        let mut longest = 0;
        self.names.clear();
        let mut fresh = 0;
        if let Head::Ping { target, .. } | Head::IndirectPing { target, .. } = head {
            self.name(target);
            self.name(me);
        }
        for &message in messages {
            let kind = message.kind();
            if kind == MessageKind::User {
                // Serf's follow memberlist's, whose names are known by then.
                let user = message.belief().0;
                let new = |member| {
                    let new = self.name(member);
                    fresh += u32::from(new);
                    new
                };
                if !listener.hear(book.content(user), new) {
                    counts[kind as usize] += 1;
                    bytes.user += roster.user_len(user);
                }
                continue;
            }
            counts[kind as usize] += 1;
            let belief = roster.belief(message.belief());
            let (least, most) = incarnations;
            incarnations = (least.min(belief.incarnation), most.max(belief.incarnation));
            self.name(belief.member);
            if kind == MessageKind::Alive {
                let meta = u32::from(roster.attributes(belief.attributes).meta_len);
                bytes.meta += meta;
                longest = longest.max(meta);
            } else {
                self.name(message.from());
            }
        }
        bytes.names = self.names.iter().map(|&name| roster.name_len(name)).sum();
        let [alive, mut suspect, mut dead, user] = counts;
        let about = alive + suspect + dead;
        let mut names = self.names.len() as u32 - fresh;
        if about > FEW {
            // The names beside the subjects count in fours; where there are suspects and dead, they are
            // taken for as many of either.
            let others = names.saturating_sub(about);
            names = about + (others + 2) / 4 * 4;
            if suspect > 0 && dead > 0 {
                (suspect, dead) = ((suspect + dead).div_ceil(2), u32::midpoint(suspect, dead));
            }
        }
        let shape = Shape {
            head: number(head),
            kinds: [alive, suspect, dead, user].map(|n| rounded(n).min(255) as u8),
            names: rounded(names).min(255) as u8,
            mixed: incarnations.0 < incarnations.1,
            meta: longest as u16,
            metas: rounded((bytes.meta + longest / 2).checked_div(longest).unwrap_or(0)).min(255)
                as u8,
            user: coarse(bytes.user),
        };
        (shape, listener.said(rounded), bytes)
    }

    /// Notes a name; true if the packet has not held it before.
    fn name(&mut self, member: MemberId) -> bool {
        let new = self.names.len() < NAMES && !self.names.contains(&member);
        if new {
            self.names.push(member);
        }
        new
    }

    #[cold]
    fn measure(
        &mut self,
        book: Book<'_>,
        encoder: &mut Encoder,
        shape: Shape,
        said: Said,
    ) -> Measured {
        let mut sum = Measured::default();
        let mut maker = Maker {
            book,
            members: self.members(book),
            chance: self.keys.stream(shape.key().0 ^ u64::from(shape.key().1).rotate_left(24)),
            drawn: Vec::new(),
            used: 0,
            fresh: 0..0,
            parts: Vec::new(),
        };
        sum.samples = if shape.count() + said.count() <= FEW { 2 * SAMPLES } else { SAMPLES };
        for _ in 0..sum.samples {
            let packet = maker.packet(shape, said);
            sum.compressed += len::compress_len(encoder.encoded_len(&packet));
            sum.raw += packet.len() as u32;
            sum.user += if shape.kinds[3] > 0 { fine(shape.user) } else { 0 };
            sum.names += maker.used().map(|&name| book.roster.name_len(name)).sum::<u32>();
            sum.meta += u32::from(shape.metas.min(shape.kinds[0])) * u32::from(shape.meta);
        }
        sum
    }
}

impl Measured {
    /// Bytes of a packet that are neither names nor metadata nor payloads.
    fn others(self) -> u32 {
        (self.raw - self.names - self.meta - self.user) / self.samples
    }

    /// The compressed length of a packet of this shape.
    fn len(self, shape: Shape, said: Option<Said>, actual: Bytes, raw: u32) -> u32 {
        let in_proportion = u64::from(self.compressed) * u64::from(raw) / u64::from(self.raw);
        let said = said.unwrap_or_default();
        if shape.count() + said.count() >= EXACT || said.is_sample() {
            return in_proportion as u32;
        }
        // More bytes of payloads are new to the encoder, which gives each a code of nine bits or more; those
        // of names mostly are. Of the others, names that stand there again and numbers, half are; metadata
        // hardly.
        let samples = i64::from(self.samples);
        let more = |actual: u32, sum: u32| i64::from(actual) * samples - i64::from(sum);
        let (meta, names) = (more(actual.meta, self.meta), more(actual.names, self.names));
        let user = more(actual.user, self.user);
        let others = more(raw, self.raw) - meta - names - user;
        let sum = i64::from(self.compressed) + user * 9 / 8 + names + others / 2 + meta / 4;
        // Where names are of very different lengths, a short one would take off more than there is.
        (sum / samples).max(in_proportion as i64 / 2) as u32
    }
}

/// Makes up packets.
struct Maker<'a> {
    book: Book<'a>,
    members: u32,
    chance: Stream,
    drawn: Vec<MemberId>,
    /// How many of them memberlist's messages name.
    used: usize,
    /// Those that only intents name.
    fresh: Range<usize>,
    parts: Vec<Vec<u8>>,
}

impl Maker<'_> {
    fn packet(&mut self, shape: Shape, said: Said) -> Vec<u8> {
        let [alive, suspect, dead, user] = shape.kinds;
        let about = usize::from(alive) + usize::from(suspect) + usize::from(dead);
        let names = usize::from(shape.names).max(1);
        self.draw(names + said.names());
        self.fresh = names..names + usize::from(said.fresh);
        self.parts.clear();
        self.head(shape.head);
        // Names of the head first, then those of the other subjects, then other accusers. Where there are
        // fewer names than that, the head's are among the subjects, the target first.
        let head = if has_names(shape.head) { 2 } else { 0 };
        let shared = (head + about).saturating_sub(names);
        let mut kinds = Vec::new();
        kinds.resize(alive.into(), Kind::Alive);
        kinds.resize(about - usize::from(dead), Kind::Suspect);
        kinds.resize(about, Kind::Dead);
        self.chance.shuffle(&mut kinds);
        let others = (head + about - shared).min(names)..names;
        let (mut accusers, mut metas) = (0, shape.metas);
        let mut meta = Vec::new();
        for (i, kind) in kinds.into_iter().enumerate() {
            let place = if i < shared { i } else { head + i - shared };
            let node = self.drawn[place % names];
            let incarnation = if shape.mixed { 1 + self.chance.below(4) } else { 1 };
            let mut part = Vec::new();
            if kind == Kind::Alive {
                content::meta(node.0, if metas > 0 { shape.meta } else { 0 }, &mut meta);
                metas = metas.saturating_sub(1);
                content::alive(self.book.who(node), incarnation, &meta, &mut part);
            } else {
                // Each accuser once, then any of them; the head's own author or a subject if there is none.
                let from = if accusers < others.len() {
                    self.drawn[others.start + accusers]
                } else if !others.is_empty() {
                    self.drawn[others.start + self.chance.below(others.len() as u32) as usize]
                } else {
                    self.drawn[1.min(names - 1)]
                };
                accusers += 1;
                let (node, from) = (self.book.roster.name(node), self.book.roster.name(from));
                content::accusation(kind, node, from, incarnation, &mut part);
            }
            self.parts.push(part);
        }
        self.used = if head + about == 0 { 0 } else { others.start + accusers.min(others.len()) };
        if said.count() > 0 {
            let names = self.drawn.split_at(names);
            said.make(self.book, names, &mut self.chance, &mut self.parts);
        }
        let bytes = fine(shape.user);
        for i in 0..u32::from(user) {
            let mut part = vec![Kind::User as u8];
            let number = self.chance.word() as u32;
            let of = u32::from(user);
            content::payload(number, bytes * (i + 1) / of - bytes * i / of, &mut part);
            self.parts.push(part);
        }
        if let [part] = &mut self.parts[..] {
            return std::mem::take(part);
        }
        let mut packet = Vec::new();
        compound::write(&self.parts, &mut packet);
        packet
    }

    fn used(&self) -> impl Iterator<Item = &MemberId> {
        self.drawn[..self.used].iter().chain(&self.drawn[self.fresh.clone()])
    }

    fn head(&mut self, head: u8) {
        let mut part = Vec::new();
        let seq = 1 + self.chance.below(127);
        let target = self.drawn[0];
        let me = self.drawn[1.min(self.drawn.len() - 1)];
        match head {
            1 => content::ping(seq, self.book.roster.name(target), self.book.who(me), &mut part),
            2 => content::indirect_ping(seq, self.book.who(target), self.book.who(me), &mut part),
            3 => Ack { seq, payload: None }.encode(&mut part),
            4 => Nack { seq }.encode(&mut part),
            5 => {
                let mut payload = Vec::new();
                content::coordinate(self.chance.word() as u32, &mut payload);
                Ack { seq, payload: Some(payload.into()) }.encode(&mut part);
            }
            _ => return,
        }
        self.parts.push(part);
    }

    /// Draws members, all different as long as there are so many.
    fn draw(&mut self, count: usize) {
        self.drawn.clear();
        while self.drawn.len() < count {
            let mut member = self.chance.below(self.members);
            if self.drawn.len() < self.members as usize {
                while self.drawn.contains(&MemberId(member)) {
                    member = (member + 1) % self.members;
                }
            }
            self.drawn.push(MemberId(member));
        }
    }
}

fn number(head: Head) -> u8 {
    match head {
        Head::None => 0,
        Head::Ping { .. } => 1,
        Head::IndirectPing { .. } => 2,
        Head::Ack { payload: false, .. } => 3,
        Head::Nack { .. } => 4,
        Head::Ack { payload: true, .. } => 5,
    }
}

fn has_names(head: u8) -> bool {
    matches!(head, 1 | 2)
}

/// With its five leading bits: mantissa and exponent in ten bits.
pub(super) fn coarse(value: u32) -> u16 {
    let shift = (u32::BITS - value.leading_zeros()).saturating_sub(5);
    (shift << 5 | value >> shift) as u16
}

/// The middle of what [`coarse`] takes for one.
pub(super) fn fine(coarse: u16) -> u32 {
    let (shift, leading) = (u32::from(coarse) >> 5, u32::from(coarse) & 31);
    (leading << shift) + ((1 << shift) >> 1)
}

/// The least of what [`coarse`] takes for one.
pub(super) fn least(coarse: u16) -> u32 {
    (u32::from(coarse) & 31) << (coarse >> 5)
}

fn rounded(count: u32) -> u32 {
    fine(coarse(count))
}

#[cfg(test)]
impl Packets {
    /// How many shapes were measured.
    pub fn shapes(&self) -> usize {
        self.shapes.len() + self.spoken.len()
    }
}
