//! Lengths of Serf's messages, from what the ledger says of them.

use super::{
    SerfOutbox,
    filter::Filter,
    ledger::{Content, Internal, Ledger, Question, Reply, TextId},
};
use crate::{
    belief::{PORT, Roster},
    config::{Compat, Config, Encryption},
    swim::Env,
    wire::serf::{ACK, len},
};

/// Bytes of a key: AES-256.
const KEY: u32 = 32;
/// Base64 of a key.
const KEY_TEXT: u32 = 44;

/// Adds a message to the ledger with its length.
pub(super) fn add<V, O: SerfOutbox>(env: &mut Env<'_, V, O>, content: Content) -> u32 {
    let world = &mut *env.world;
    let len = of(&world.serf.ledger, &world.roster, env.config, content);
    world.serf.ledger.add(&mut world.roster, content, len)
}

/// Encoded length of a message.
pub(super) fn of(ledger: &Ledger, roster: &Roster, config: &Config, content: Content) -> u32 {
    let compat = config.compat;
    match content {
        Content::Foreign => 0,
        Content::Leave { ltime, member, .. } => len::leave(ltime, roster.name_len(member)),
        Content::Join { ltime, member } => len::join(ltime, roster.name_len(member)),
        Content::Event { ltime, text, .. } => {
            let (name, payload) = text_len(ledger, text);
            len::user_event(ltime, name, payload)
        }
        Content::Query { ltime, id, question, source, timeout, .. } => {
            let question = ledger.question(question);
            let (name_len, payload_len) = question_len(ledger, roster, question);
            let filters: Vec<u32> = question.filters.iter().map(filter_len).collect();
            let query = len::Query {
                ltime,
                id,
                address_bytes: roster.address_bytes(),
                port: PORT,
                source_len: roster.name_len(source),
                filters: &filters,
                flags: u32::from(question.ack),
                relay_factor: question.relay_factor,
                timeout: timeout as i64,
                name_len,
                payload_len,
            };
            len::query(&query, compat)
        }
        Content::Response { ltime, id, from, reply } => {
            let flags = if reply == Reply::Ack { ACK } else { 0 };
            let payload = reply_len(roster, config, reply);
            len::response(ltime, id, roster.name_len(from), flags, payload)
        }
        Content::Relay { name, inner, .. } => len::relay(
            roster.address_bytes(),
            PORT,
            roster.name_len(name),
            roster.user_len(inner),
            compat,
        ),
    }
}

/// Length of the name and of the payload of an event or query.
pub(super) fn text_len(ledger: &Ledger, text: TextId) -> (u32, Option<u32>) {
    let text = ledger.text(text);
    (text.name.len() as u32, text.payload.as_ref().map(|p| p.len() as u32))
}

/// Bytes that an event takes in the ring of a push/pull.
pub(super) fn slot_event(ledger: &Ledger, text: TextId) -> u32 {
    let (name, payload) = text_len(ledger, text);
    len::slot_event(name, payload)
}

fn question_len(ledger: &Ledger, roster: &Roster, question: &Question) -> (u32, Option<u32>) {
    let (name, payload) = text_len(ledger, question.text);
    let payload = match question.internal {
        None | Some(Internal::Ping) => payload,
        Some(Internal::Conflict(member)) => Some(roster.name_len(member)),
        Some(Internal::ListKeys) => Some(len::key_request(0)),
        Some(Internal::InstallKey(_) | Internal::UseKey(_) | Internal::RemoveKey(_)) => {
            Some(len::key_request(KEY))
        }
    };
    (name, payload)
}

fn filter_len(filter: &Filter) -> u32 {
    match filter {
        Filter::Nodes(names) => len::node_filter(names.iter().map(|n| n.len() as u32)),
        Filter::Tag { tag, expression, .. } => {
            len::tag_filter(tag.len() as u32, expression.len() as u32)
        }
    }
}

fn reply_len(roster: &Roster, config: &Config, reply: Reply) -> Option<u32> {
    match reply {
        Reply::Ack => None,
        Reply::Answer { len } => Some(len),
        Reply::Conflict(None) => Some(len::CONFLICT_UNKNOWN),
        Reply::Conflict(Some(record)) => {
            let tags = u32::from(roster.attributes(record.attributes).meta_len).max(2) - 1;
            let name = roster.name_len(record.member);
            Some(len::conflict(roster.address_bytes(), PORT, name, tags))
        }
        Reply::Key { done, list } => {
            let keys = match config.encryption {
                Some(Encryption { keys, .. }) if list => keys.count_ones(),
                _ => 0,
            };
            // A refusal says why; the longest of the texts is as good as any.
            let message = if done { 0 } else { 40 };
            let primary = if list { KEY_TEXT } else { 0 };
            let limit = config.serf.map_or(1024, |c| c.query_response_size_limit);
            let most = keys.min(limit / 25).max(1);
            let fits = |n: &u32| len::key_response(message, *n, KEY_TEXT, primary) + 60 <= limit;
            let keys = if keys == 0 { 0 } else { (1..=most).rev().find(fits).unwrap_or(1) };
            Some(len::key_response(message, keys, KEY_TEXT, primary))
        }
    }
}

/// Whether the newest release's dynamics are followed.
pub(super) fn is_head(config: &Config) -> bool {
    config.compat == Compat::Head
}
