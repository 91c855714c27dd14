//! Packets with Serf's messages: which of them are taken to be alike, and what stands in those made up.
//!
//! Intents are alike if their numbers and times are; events and queries are what they say. A packet with
//! one or two of the latter is known by their texts, for a burst sends the same few again and again; of
//! more only the number counts, and texts that were used so far stand for them. What answers queries goes
//! alone in its packet and is known by its length.

use super::content::{self, Who};
use crate::{
    belief::{MemberId, Roster},
    config::Compat,
    rng::{Chance, Stream},
    serf::{
        filter::Filter,
        ledger::{Content, Ledger, Question, QuestionId, Reply, Text, TextId},
    },
    wire::{Kind, serf},
};

/// What the numbers in messages stand for.
#[derive(Clone, Copy, Debug)]
pub struct Book<'a> {
    /// Members and what they say of themselves.
    pub roster: &'a Roster,
    pub(super) ledger: Option<&'a Ledger>,
}

impl<'a> Book<'a> {
    /// That of a cluster with Serf.
    pub const fn new(roster: &'a Roster, ledger: &'a Ledger) -> Self {
        Self { roster, ledger: Some(ledger) }
    }

    /// What a user message says.
    #[inline]
    pub fn content(&self, user: u32) -> Content {
        self.ledger.map_or(Content::Foreign, |ledger| ledger.content(user))
    }

    pub(super) fn who(&self, member: MemberId) -> Who<'a> {
        let (name, address_bytes) = (self.roster.name(member), self.roster.address_bytes());
        Who { name, address: member.0, address_bytes }
    }
}

/// Without Serf all user messages are foreign.
impl<'a> From<&'a Roster> for Book<'a> {
    fn from(roster: &'a Roster) -> Self {
        Self { roster, ledger: None }
    }
}

/// Texts that are told apart in a packet.
const TOLD: usize = 2;

/// Events or queries of a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Texts {
    /// How many.
    count: u8,
    /// Which, ascending, if not more than [`TOLD`]; else in the first place how many were there, rounded
    /// down to a power of two.
    which: [u32; TOLD],
    /// Bytes of their times beside the first.
    width: u8,
}

impl Texts {
    fn add(&mut self, which: u32, ltime: u64) {
        self.width = self.width.max(width(ltime));
        match self.count {
            0 => self.which[0] = which,
            1 => self.which = [self.which[0].min(which), self.which[0].max(which)],
            _ => self.which[1] = self.which[1].max(which),
        }
        self.count = self.count.saturating_add(1);
    }

    /// What counts once all are known.
    fn finish(&mut self) {
        if usize::from(self.count) > TOLD {
            // Numbers are given one after the other: all below the greatest are there.
            let there = u64::from(self.which[1]) + 1;
            self.which = [1 << there.ilog2(), 0];
        }
    }

    /// Those of a packet made up.
    fn pick(&self, i: usize, chance: &mut Stream) -> u32 {
        if usize::from(self.count) <= TOLD { self.which[i] } else { chance.below(self.which[0]) }
    }
}

/// Serf's messages in a packet, as far as they tell packets apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Said {
    joins: u8,
    leaves: u8,
    /// Names of intents that the packet does not hold otherwise.
    pub fresh: u8,
    /// Bytes of their times beside the first.
    width: u8,
    /// Bits in which their times differ.
    spread: u8,
    queries: Texts,
    events: Texts,
}

impl Said {
    /// How many messages.
    pub fn count(&self) -> u32 {
        [self.joins, self.leaves, self.queries.count, self.events.count].map(u32::from).iter().sum()
    }

    /// Whether the texts in packets made up are not those of the packets that they stand for.
    pub fn is_sample(&self) -> bool {
        self.queries.count.max(self.events.count) as usize > TOLD
    }

    /// Names that a packet made up needs beside those of memberlist's messages.
    pub fn names(&self) -> usize {
        usize::from(self.fresh) + usize::from(self.queries.count > 0)
    }

    /// Appends such messages to `parts`: `drawn` are those names, `named` the other ones.
    pub fn make(
        &self,
        book: Book<'_>,
        (named, drawn): (&[MemberId], &[MemberId]),
        chance: &mut Stream,
        parts: &mut Vec<Vec<u8>>,
    ) {
        let name = |i: usize| {
            let fresh = usize::from(self.fresh);
            let member = if i < fresh { drawn[i] } else { named[(i - fresh) % named.len()] };
            book.roster.name(member).as_bytes().into()
        };
        let base = u64::from(chance.below(20_000));
        let intents = usize::from(self.joins) + usize::from(self.leaves);
        for i in 0..intents {
            let ltime = ltime(self.width, base + u64::from(chance.below(1 << self.spread.min(20))));
            let mut part = vec![Kind::User as u8];
            if i < self.joins.into() {
                serf::Join { ltime, node: name(i) }.encode(&mut part);
            } else {
                serf::Leave { ltime, node: name(i), prune: false }.encode(&mut part);
            }
            parts.push(part);
        }
        let Some(ledger) = book.ledger else { return };
        for (texts, is_query) in [(&self.queries, true), (&self.events, false)] {
            let base = u64::from(chance.below(20_000));
            for i in 0..usize::from(texts.count) {
                let ltime = ltime(texts.width, base + i as u64);
                let which = texts.pick(i, chance);
                let mut part = vec![Kind::User as u8];
                if is_query {
                    let question = ledger.question(QuestionId(which));
                    let who = book.who(drawn[usize::from(self.fresh)]);
                    let id = chance.word() as u32 >> 1;
                    query(ledger, question, (ltime, id, 16_000_000_000), who, &mut part);
                } else {
                    event(ledger.text(TextId(which)), ltime, true, &mut part);
                }
                parts.push(part);
            }
        }
    }
}

/// Collects what a packet says.
#[derive(Clone, Copy, Debug)]
pub struct Listener {
    said: Said,
    least: u64,
    most: u64,
}

impl Default for Listener {
    fn default() -> Self {
        Self { said: Said::default(), least: u64::MAX, most: 0 }
    }
}

impl Listener {
    /// Takes a message; false if it is none that goes with others. An intent's member is handed to `name`,
    /// which says whether it is new to the packet.
    pub fn hear(&mut self, content: Content, name: impl FnOnce(MemberId) -> bool) -> bool {
        let said = &mut self.said;
        match content {
            Content::Join { ltime, member } | Content::Leave { ltime, member, .. } => {
                let count = if matches!(content, Content::Join { .. }) {
                    &mut said.joins
                } else {
                    &mut said.leaves
                };
                *count = count.saturating_add(1);
                said.fresh = said.fresh.saturating_add(name(member).into());
                self.least = self.least.min(ltime);
                self.most = self.most.max(ltime);
            }
            Content::Event { ltime, text, .. } => said.events.add(text.0, ltime),
            Content::Query { ltime, question, .. } => said.queries.add(question.0, ltime),
            Content::Foreign | Content::Response { .. } | Content::Relay { .. } => return false,
        }
        true
    }

    /// What was heard; none if nothing was.
    pub fn said(mut self, rounded: impl Fn(u32) -> u32) -> Option<Said> {
        let said = &mut self.said;
        if said.count() == 0 {
            return None;
        }
        if said.joins.max(said.leaves) > 0 {
            said.width = width(self.most);
            said.spread = (u64::BITS - (self.most - self.least).leading_zeros()) as u8;
        }
        said.queries.finish();
        said.events.finish();
        for count in [
            &mut said.joins,
            &mut said.leaves,
            &mut said.fresh,
            &mut said.queries.count,
            &mut said.events.count,
        ] {
            *count = rounded((*count).into()).min(255) as u8;
        }
        Some(*said)
    }
}

/// Bytes of a time beside the first.
const fn width(ltime: u64) -> u8 {
    (serf::len::ltime(ltime) - 1) as u8
}

/// A time of this width.
const fn ltime(width: u8, number: u64) -> u64 {
    match width {
        0 => 1 + number % 127,
        1 => 128 + number % 128,
        2 => 256 + number % 65_000,
        4 => 65_536 + number,
        _ => (1 << 40) + number,
    }
}

/// Appends a user event.
pub fn event(text: &Text, ltime: u64, coalesce: bool, out: &mut Vec<u8>) {
    let name = text.name.as_bytes().into();
    let payload = text.payload.as_deref().map(Into::into);
    serf::UserEvent { ltime, name, payload, coalesce }.encode(out);
}

/// Appends a query with its time, number and time-out.
pub fn query(
    ledger: &Ledger,
    question: &Question,
    (ltime, id, timeout): (u64, u32, i64),
    source: Who<'_>,
    out: &mut Vec<u8>,
) {
    let filters: Vec<Vec<u8>> = question.filters.iter().map(filter).collect();
    let text = ledger.text(question.text);
    let address = source.address();
    let query = serf::Query {
        ltime,
        id,
        address: address.bytes(),
        port: content::PORT,
        source_node: source.name.as_bytes().into(),
        filters: (!filters.is_empty()).then(|| filters.iter().map(Into::into).collect()),
        flags: if question.ack { serf::ACK } else { 0 },
        relay_factor: question.relay_factor,
        timeout,
        name: text.name.as_bytes().into(),
        payload: text.payload.as_deref().map(Into::into),
    };
    query.encode(Compat::Head, out);
}

fn filter(filter: &Filter) -> Vec<u8> {
    let mut out = Vec::new();
    match filter {
        Filter::Nodes(names) => {
            serf::Filter::Nodes(names.iter().map(|name| name.as_bytes().into()).collect())
        }
        Filter::Tag { tag, expression, .. } => serf::Filter::Tag(serf::TagFilter {
            tag: tag.as_bytes().into(),
            expr: expression.as_bytes().into(),
        }),
    }
    .encode(&mut out);
    out
}

/// What a response, or a relayed one, is known by, beside its length.
pub fn answer_kind(content: Content) -> Option<u8> {
    match content {
        Content::Response { reply: Reply::Ack, .. } => Some(0),
        Content::Response { reply: Reply::Answer { .. }, .. } => Some(1),
        Content::Response { reply: Reply::Key { .. }, .. } => Some(2),
        Content::Response { reply: Reply::Conflict(_), .. } => Some(3),
        Content::Relay { .. } => Some(4),
        Content::Foreign
        | Content::Join { .. }
        | Content::Leave { .. }
        | Content::Event { .. }
        | Content::Query { .. } => None,
    }
}

/// Appends an answer of this kind, of `len` bytes if its names leave room for that.
pub fn answer(
    kind: u8,
    len: u32,
    (from, to): (Who<'_>, Who<'_>),
    chance: &mut Stream,
    out: &mut Vec<u8>,
) {
    let mut payload = Vec::new();
    loop {
        let start = out.len();
        let mut response = serf::QueryResponse {
            ltime: 1 + u64::from(chance.below(100)),
            id: chance.word() as u32 >> 1,
            from: from.name.as_bytes().into(),
            flags: if kind == 0 { serf::ACK } else { 0 },
            payload: (kind != 0).then(|| payload.as_slice().into()),
        };
        if kind == 4 {
            let address = to.address();
            let ip = address.bytes();
            if payload.is_empty() {
                (response.flags, response.payload) = (serf::ACK, None);
            }
            let address =
                serf::UdpAddress { ip, port: content::PORT.into(), zone: "".as_bytes().into() };
            let header = serf::RelayHeader { address, name: to.name.as_bytes().into() };
            let mut inner = Vec::new();
            response.encode(&mut inner);
            serf::Relay { header, inner: inner.into() }.encode(Compat::Head, out);
        } else {
            response.encode(out);
        }
        let missing = len.saturating_sub((out.len() - start) as u32);
        if kind == 0 || missing == 0 || !payload.is_empty() {
            return;
        }
        content::words(chance.word() as u32, missing, &mut payload);
        out.truncate(start);
    }
}
