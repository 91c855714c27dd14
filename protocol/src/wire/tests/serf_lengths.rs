//! Lengths of Serf's messages without encoding equal those of what is encoded, and that reads back.

use proptest::prelude::*;

use crate::{
    config::Compat,
    wire::{
        Text,
        serf::{
            Coordinate, EventSlot, Filter, Join, KeyRequest, KeyResponse, Leave, Member, Message,
            Query, QueryResponse, Relay, RelayHeader, SlotEvent, State, StateLen, TagFilter,
            UdpAddress, UserEvent, len, tags,
        },
    },
};

/// Times near every change of width, and others.
fn ltime() -> impl Strategy<Value = u64> {
    let edges = [0, 1, 127, 128, 255, 256, 65535, 65536, u32::MAX as u64, 1 << 32, u64::MAX];
    prop_oneof![0..1000u64, proptest::sample::select(edges.to_vec()), any::<u64>()]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let len =
        prop_oneof![0..40usize, proptest::sample::select(vec![31, 32, 255, 256, 65535, 65536])];
    (len, any::<u8>()).prop_map(|(len, byte)| vec![byte; len])
}

fn short() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..40)
}

fn compat() -> impl Strategy<Value = Compat> {
    prop_oneof![Just(Compat::Head), Just(Compat::V0_2)]
}

fn text(bytes: &[u8]) -> Text<'_> {
    bytes.into()
}

fn len_of(bytes: &[u8]) -> u32 {
    bytes.len() as u32
}

fn maybe(bytes: Option<&Vec<u8>>) -> Option<u32> {
    bytes.map(|bytes| len_of(bytes))
}

/// A message is as long as foretold and reads back.
#[track_caller]
fn holds(message: &Message<'_>, compat: Compat, expected: u32) -> Result<(), TestCaseError> {
    let mut out = Vec::new();
    message.encode(compat, &mut out);
    prop_assert_eq!(len_of(&out), expected, "{:?}", message);
    let read = Message::decode(&out);
    prop_assert_eq!(read.as_ref(), Ok(message));
    Ok(())
}

proptest! {
    #[test]
    fn intents_and_events(
        at in ltime(),
        name in bytes(),
        payload in proptest::option::of(bytes()),
        flag: bool,
        compat in compat(),
    ) {
        let (node, name_len) = (text(&name), len_of(&name));
        let join = Message::Join(Join { ltime: at, node: node.clone() });
        holds(&join, compat, len::join(at, name_len))?;
        let leave = Message::Leave(Leave { ltime: at, node: node.clone(), prune: flag });
        holds(&leave, compat, len::leave(at, name_len))?;
        let event = UserEvent {
            ltime: at,
            name: node,
            payload: payload.as_deref().map(Into::into),
            coalesce: flag,
        };
        let expected = len::user_event(at, name_len, maybe(payload.as_ref()));
        holds(&Message::UserEvent(event), compat, expected)?;
    }

    #[test]
    fn queries_and_answers(
        (at, id, flags) in (ltime(), any::<u32>(), any::<u32>()),
        (address, port, relay_factor) in (0..17usize, any::<u16>(), any::<u8>()),
        (source, name) in (short(), bytes()),
        payload in proptest::option::of(bytes()),
        filters in proptest::collection::vec(short(), 0..20),
        timeout in prop_oneof![any::<i64>(), 0..4_000_000_000i64, -200..200i64],
        compat in compat(),
    ) {
        let address = vec![7; address];
        let filter_lens: Vec<u32> = filters.iter().map(|f| len_of(f)).collect();
        let query = Query {
            ltime: at,
            id,
            address: Some(text(&address)),
            port,
            source_node: text(&source),
            filters: (!filters.is_empty()).then(|| filters.iter().map(|f| text(f)).collect()),
            flags,
            relay_factor,
            timeout,
            name: text(&name),
            payload: payload.as_deref().map(Into::into),
        };
        let parts = len::Query {
            ltime: at,
            id,
            address_bytes: address.len() as u8,
            port,
            source_len: len_of(&source),
            filters: &filter_lens,
            flags,
            relay_factor,
            timeout,
            name_len: len_of(&name),
            payload_len: maybe(payload.as_ref()),
        };
        holds(&Message::Query(query), compat, len::query(&parts, compat))?;
        let response = QueryResponse {
            ltime: at,
            id,
            from: text(&source),
            flags,
            payload: payload.as_deref().map(Into::into),
        };
        let mut inner = Vec::new();
        response.encode(&mut inner);
        let expected = len::response(at, id, len_of(&source), flags, maybe(payload.as_ref()));
        holds(&Message::QueryResponse(response), compat, expected)?;
        let to = UdpAddress { ip: Some(text(&address)), port: port.into(), zone: text(b"") };
        let header = RelayHeader { address: to, name: text(&source) };
        let inner_len = len_of(&inner);
        let relay = Message::Relay(Relay { header, inner: inner.into() });
        let expected =
            len::relay(address.len() as u8, port, len_of(&source), inner_len, compat);
        holds(&relay, compat, expected)?;
    }

    #[test]
    fn filters(names in proptest::collection::vec(short(), 0..40), tag in short(), expr in bytes()) {
        let mut out = Vec::new();
        Filter::Nodes(names.iter().map(|n| text(n)).collect()).encode(&mut out);
        prop_assert_eq!(len_of(&out), len::node_filter(names.iter().map(|n| len_of(n))));
        out.clear();
        let filter = Filter::Tag(TagFilter { tag: text(&tag), expr: text(&expr) });
        filter.encode(&mut out);
        prop_assert_eq!(len_of(&out), len::tag_filter(len_of(&tag), len_of(&expr)));
        prop_assert_eq!(Filter::decode(&out), Ok(filter));
    }

    #[test]
    fn keys_votes_and_tags(
        key in bytes(),
        (keys, key_len) in (0..40u32, 0..50usize),
        (message, name) in (bytes(), short()),
        pairs in proptest::collection::vec((short(), short()), 0..40),
        port: u16,
        compat in compat(),
    ) {
        let request = KeyRequest { key: Some(text(&key)) };
        holds(&Message::KeyRequest(request), compat, len::key_request(len_of(&key)))?;
        let listed = vec![b'k'; key_len];
        let response = KeyResponse {
            result: true,
            message: text(&message),
            keys: (keys > 0).then(|| vec![text(&listed); keys as usize]),
            primary_key: text(&listed),
        };
        let expected =
            len::key_response(len_of(&message), keys, len_of(&listed), len_of(&listed));
        holds(&Message::KeyResponse(response), compat, expected)?;

        let mut out = Vec::new();
        tags::encode(pairs.iter().map(|(k, v)| (&k[..], &v[..])), &mut out);
        let tags_len = len::tags(pairs.iter().map(|(k, v)| (len_of(k), len_of(v))));
        prop_assert_eq!(len_of(&out), tags_len);
        let pairs: Vec<_> = pairs.iter().map(|(k, v)| (text(k), text(v))).collect();
        let read = tags::decode(&out);
        prop_assert_eq!(read.as_ref(), Ok(&pairs));
        let member = Member {
            name: text(&name),
            address: Some(text(&[10, 0, 0, 1])),
            port,
            tags: Some(pairs),
            status: 4,
            protocol_max: 5,
            ..Member::default()
        };
        let expected = len::conflict(4, port, len_of(&name), tags_len - 1);
        holds(&Message::ConflictResponse(Some(member)), compat, expected)?;
    }

    #[test]
    fn coordinates(vec in proptest::collection::vec(any::<f64>(), 0..10), error: f64) {
        let coordinate = Coordinate { vec, error, adjustment: -error, height: 0.5 };
        let mut out = Vec::new();
        coordinate.encode(&mut out);
        let mut again = Vec::new();
        Coordinate::decode(&out).expect("what was written is read").encode(&mut again);
        prop_assert_eq!(&out, &again);
        if coordinate.vec.len() == 8 {
            prop_assert_eq!(len_of(&out), len::COORDINATE);
        }
    }

    /// A state's length is kept through all changes.
    #[test]
    fn states(
        ring in proptest::sample::select(vec![0usize, 1, 15, 16, 512]),
        members in proptest::collection::vec((short(), ltime(), ltime(), any::<bool>(), any::<bool>()), 0..40),
        slots in proptest::collection::vec(
            (ltime(), proptest::collection::vec((short(), proptest::option::of(bytes())), 0..20), any::<bool>()),
            0..20,
        ),
        (clock, event_clock, query_clock) in (ltime(), ltime(), ltime()),
    ) {
        let mut kept = StateLen { clock, event_clock, query_clock, ..StateLen::new(ring as u32) };
        let mut state = State {
            ltime: clock,
            event_ltime: event_clock,
            query_ltime: query_clock,
            events: vec![None; ring],
            ..State::default()
        };
        for (name, old, new, left, gone) in &members {
            kept.add_member(len_of(name), *old);
            kept.change_ltime(*old, *new);
            if *left {
                kept.add_left(len_of(name));
            }
            if *gone {
                kept.remove_member(len_of(name), *new);
                if *left {
                    kept.remove_left(len_of(name));
                }
                continue;
            }
            state.status_ltimes.push((text(name), *new));
            if *left {
                state.left_members.push(text(name));
            }
        }
        for (i, (at, events, gone)) in slots.iter().enumerate().take(ring) {
            let slot = EventSlot {
                ltime: *at,
                events: events
                    .iter()
                    .map(|(name, payload)| SlotEvent {
                        name: text(name),
                        payload: payload.as_deref().map(Into::into),
                    })
                    .collect(),
            };
            let events_len = events
                .iter()
                .map(|(name, payload)| len::slot_event(len_of(name), maybe(payload.as_ref())));
            let slot_len = len::slot(*at, events.len() as u32, events_len.sum());
            kept.add_slot(slot_len);
            if *gone {
                kept.remove_slot(slot_len);
            } else {
                state.events[i] = Some(slot);
            }
        }
        holds(&Message::PushPull(state), Compat::Head, kept.len())?;
    }
}

#[test]
fn fresh_nodes() {
    let mut state = StateLen::new(512);
    state.add_member(1, 0);
    assert_eq!(state.len(), 585);
    let deploy = |at, payload| len::user_event(at, 6, Some(payload));
    assert_eq!((deploy(2, 2), deploy(128, 474)), (36, 511));
    assert_eq!((deploy(2, 474), deploy(2, 480)), (510, 516));
}
