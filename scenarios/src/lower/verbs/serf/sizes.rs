//! Encoded lengths of what a user sends, from its parts (specification 4.1, 5.1, 5.5, 5.6): with a Lamport
//! time below 128, which is the least that it can be.

use wavetank_protocol::{
    Compat,
    wire::len::{int_len, raw_len},
};
use wavetank_sim_core::plan::Query;

/// Bytes of a field's name and of a fixed number behind it are counted together.
fn text(text: &str) -> u32 {
    raw_len(text.len() as u32)
}

/// A payload; absent is nil.
fn payload(payload: Option<&[u8]>) -> u32 {
    payload.map_or(1, |p| raw_len(p.len() as u32))
}

/// Header of an array of so many.
fn array(count: usize) -> u32 {
    if count < 16 { 1 } else { 3 }
}

/// A user event.
pub(super) fn user_event(name: &str, given: Option<&[u8]>) -> u32 {
    26 + text(name) + payload(given)
}

/// A query of an asker whose name and address have so many bytes.
pub(super) fn query(query: &Query, asker: u32, address: u32, compat: Compat) -> u32 {
    let nodes = query
        .nodes
        .iter()
        .map(|names| 1 + array(names.len()) + names.iter().map(|name| text(name)).sum::<u32>());
    let tags = query.tags.iter().map(|(tag, expression)| 11 + text(tag) + text(expression));
    let filters: Vec<u32> = nodes.chain(tags).map(raw_len).collect();
    let timeout = if query.timeout == 0 { 9 } else { int_len(query.timeout as i64, compat) };
    // The address is raw too, and 108 holds one of 4 bytes, an empty name and a payload of one byte's tag.
    96 + timeout
        + text(&query.name)
        + raw_len(asker)
        + payload(query.payload.as_deref())
        + array(filters.len())
        - 1
        + filters.iter().sum::<u32>()
        + address
        - 4
}

/// A response of somebody whose name has so many bytes.
pub(super) fn response(payload: &[u8], from: u32) -> u32 {
    37 + raw_len(from) + raw_len(payload.len() as u32)
}

/// What a relay adds to it, towards an asker whose name and address have so many bytes.
pub(super) fn relay(asker: u32, address: u32) -> u32 {
    43 + raw_len(asker) + address - 4
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked examples of the specification (4.1, 12.3).
    #[test]
    fn lengths_are_those_of_the_examples() {
        assert_eq!(user_event("deploy", Some(b"v1")), 36);
        let asked = Query {
            name: "load".to_owned(),
            payload: Some(b"x".to_vec()),
            nodes: Some(vec!["node1".to_owned(), "node2".to_owned()]),
            tags: vec![("role".to_owned(), "^web$".to_owned())],
            ack: true,
            relay_factor: 2,
            timeout: 3_200_000_000,
            answer: None,
        };
        assert_eq!(query(&asked, 5, 4, Compat::Head), 156);
        assert_eq!(query(&asked, 5, 4, Compat::V0_2), 152);
        assert_eq!(response(b"ok", 5), 46);
        assert_eq!(response(b"ok", 5) + relay(5, 4), 95);
    }
}
