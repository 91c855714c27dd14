//! Lengths on the wire of everything the machine sends, without encoding it.
//!
//! Without compression they are exact, from the lengths of names, metadata and numbers. What is compressed
//! needs bytes, and `content` says which: short streams are really encoded and compressed; packets
//! (`packets`) and state lists (`states`) are measured once for all that are alike, with the real
//! encoder, and are on average within 2 % of what each would come to. So is what Serf adds to them:
//! its messages in packets (`users`), and its state behind a list (`above`), with which the whole is within
//! 3 %.
//!
//! Nothing here depends on when it is asked, nor on what was asked before.

mod above;
mod content;
mod packets;
mod states;
#[cfg(test)]
mod tests;
mod users;

use rustc_hash::FxHashMap;

use crate::{
    belief::{Belief, MemberId, Roster},
    config::Config,
    message::{Head, Message, MessageKind},
    wire::{
        Ack, Layers, UserHeader, compress,
        compress::NEVER_SHORTER,
        len as wire,
        lzw::{Encoder, Meter},
        serf::{StateLen, len::COORDINATE},
    },
};
use above::Above;
use content::Who;
use packets::Packets;
use states::States;
pub use users::Book;

/// Up to here a user message on a stream is measured; the rest of a longer one costs what this did.
const LONG_USER: u32 = 1 << 16;

/// What is kept of measured compression.
#[derive(Debug, Default)]
pub struct Sizes {
    encoder: Encoder,
    packets: Packets,
    states: States,
    above: Above,
    /// By length: the LZW form of a user message on a stream, with its header.
    users: FxHashMap<u32, u32>,
    scratch: Vec<u8>,
}

impl Sizes {
    /// Length of a gossiped message.
    pub fn message(&self, roster: &Roster, message: Message) -> u32 {
        match message.kind() {
            MessageKind::Alive => {
                let belief = roster.belief(message.belief());
                let meta_len = u32::from(roster.attributes(belief.attributes).meta_len);
                let name = roster.name_len(belief.member);
                wire::alive_len(belief.incarnation, roster.address_bytes(), meta_len, name)
            }
            MessageKind::Suspect | MessageKind::Dead => {
                let belief = roster.belief(message.belief());
                let (node, from) =
                    (roster.name_len(belief.member), roster.name_len(message.from()));
                wire::accusation_len(belief.incarnation, node, from)
            }
            MessageKind::User => wire::user_len(roster.user_len(message.belief().0)),
        }
    }

    /// Length of a primary message of `me`.
    #[inline]
    pub fn head(&self, roster: &Roster, me: MemberId, head: Head) -> u32 {
        let bytes = roster.address_bytes();
        match head {
            Head::None => 0,
            Head::Ping { seq, target, .. } => {
                wire::ping_len(seq, bytes, roster.name_len(target), roster.name_len(me))
            }
            Head::IndirectPing { seq, target, .. } => wire::indirect_ping_len(
                seq,
                bytes,
                bytes,
                roster.name_len(target),
                roster.name_len(me),
            ),
            Head::Ack { seq, payload } => wire::ack_len(seq, if payload { COORDINATE } else { 0 }),
            Head::Nack { seq } => wire::nack_len(seq),
        }
    }

    /// Length of a datagram's payload: compound, compression, checksum, encryption, label.
    ///
    /// With a [`Book`] that knows what Serf's messages say they are compressed as what they say, with the
    /// roster alone as random bytes.
    #[inline]
    pub fn packet<'a>(
        &mut self,
        book: impl Into<Book<'a>>,
        config: &Config,
        me: MemberId,
        head: Head,
        messages: &[Message],
        known: bool,
    ) -> u32 {
        let book: Book<'_> = book.into();
        let roster = book.roster;
        let primary = self.head(roster, me, head);
        let mut len = primary;
        if !messages.is_empty() {
            let sum: u32 = messages.iter().map(|m| self.message(roster, *m)).sum();
            let count = messages.len() as u32 + u32::from(head != Head::None);
            len = if count == 1 { sum } else { wire::compound_len(count, primary + sum) };
        }
        if config.enable_compression && len > NEVER_SHORTER {
            len = self.packets.len(book, &mut self.encoder, me, head, messages, len);
        }
        Layers::of(config, known).packet_len(len)
    }

    /// Length of one entry of a state list.
    #[inline]
    pub fn state_entry(&self, roster: &Roster, belief: Belief) -> u32 {
        let meta_len = u32::from(roster.attributes(belief.attributes).meta_len);
        let name = roster.name_len(belief.member);
        wire::push_node_state_len(belief.incarnation, roster.address_bytes(), meta_len, name)
    }

    /// Length of a push/pull message with `n` entries of `entries` bytes in all and the state of the layer
    /// above, if there is one; without the label that precedes its dialler's.
    pub fn state<'a>(
        &mut self,
        book: impl Into<Book<'a>>,
        config: &Config,
        n: u32,
        entries: u64,
        user: Option<&StateLen>,
    ) -> u64 {
        let book: Book<'_> = book.into();
        let user_len = user.map_or(0, StateLen::len);
        let len = if config.enable_compression {
            let mut lzw = self.states.lzw_len(book.roster, n, entries, config.compat);
            if let Some(user) = user {
                let wider = wire::int_len(user_len.into(), config.compat) - 1;
                lzw += wider + self.above.lzw_len(book, n, entries, user);
            }
            wire::compress_len(lzw)
        } else {
            wire::push_pull_header_len(n, user_len, config.compat) + entries as u32 + user_len
        };
        u64::from(Layers::of(config, false).answering().stream_len(len))
    }

    /// Length of a stream ping by its dialler, with the label that precedes it.
    pub fn stream_ping(
        &mut self,
        roster: &Roster,
        config: &Config,
        seq: u32,
        target: MemberId,
        me: MemberId,
    ) -> u64 {
        let address_bytes = roster.address_bytes();
        self.scratch.clear();
        let source = Who { name: roster.name(me), address: me.0, address_bytes };
        content::ping(seq, roster.name(target), source, &mut self.scratch);
        let len = self.scratch_len(config);
        u64::from(Layers::of(config, false).stream_len(len))
    }

    /// Length of a stream ping's answer.
    pub fn stream_ack(&mut self, config: &Config, seq: u32) -> u64 {
        self.scratch.clear();
        Ack { seq, payload: None }.encode(&mut self.scratch);
        let len = self.scratch_len(config);
        u64::from(Layers::of(config, false).answering().stream_len(len))
    }

    /// Length of a user message on a stream, with the label that precedes it.
    pub fn stream_user(&mut self, config: &Config, len: u32) -> u64 {
        let raw = wire::user_stream_len(len, config.compat);
        let len = if config.enable_compression {
            let measured = len.min(LONG_USER);
            let lzw = *self.users.entry(measured).or_insert_with(|| user_lzw_len(config, measured));
            let lzw = u64::from(lzw) * u64::from(raw) / u64::from(raw - (len - measured));
            wire::compress_len(lzw as u32)
        } else {
            raw
        };
        u64::from(Layers::of(config, false).stream_len(len))
    }

    /// Length of the message in `scratch` on a stream, where it is compressed even if that makes it longer.
    fn scratch_len(&mut self, config: &Config) -> u32 {
        if config.enable_compression {
            compress::compressed_stream_len(&self.scratch, &mut self.encoder)
        } else {
            self.scratch.len() as u32
        }
    }
}

fn user_lzw_len(config: &Config, len: u32) -> u32 {
    let (mut meter, mut bytes) = (Meter::new(), Vec::new());
    UserHeader { user_message_len: len.into() }.encode(config.compat, &mut bytes);
    content::payload(0, len, &mut bytes);
    meter.feed(&bytes);
    meter.len_if_finished()
}
