//! Serf's messages: the specification's examples to the byte, and what its decoders put up with.

use proptest::prelude::*;

use super::{bytes, hex, text};
use crate::{
    config::Compat,
    wire::{
        Malformed,
        serf::{
            Coordinate, EventSlot, Filter, Join, KeyRequest, KeyResponse, Leave, Member, Message,
            Query, QueryResponse, Relay, RelayHeader, SlotEvent, State, TagFilter, UdpAddress,
            UserEvent, tags,
        },
    },
};

const BOTH: [Compat; 2] = [Compat::Head, Compat::V0_2];

/// A message is spelled so in these dialects, and read by both.
#[track_caller]
fn spelled(message: &Message<'_>, compats: &[Compat], digits: &str) {
    let expected = hex(digits);
    for &compat in compats {
        let mut out = Vec::new();
        message.encode(compat, &mut out);
        assert_eq!(out, expected, "{compat:?} {message:?}");
    }
    assert_eq!(Message::decode(&expected).as_ref(), Ok(message));
}

#[track_caller]
fn reads(digits: &str, expected: &Message<'_>) {
    assert_eq!(Message::decode(&hex(digits)).as_ref(), Ok(expected), "{digits}");
}

fn join(ltime: u64, node: &str) -> Message<'_> {
    Message::Join(Join { ltime, node: text(node) })
}

fn response() -> QueryResponse<'static> {
    QueryResponse {
        ltime: 1,
        id: 0x1234_5678,
        from: text("node2"),
        flags: 0,
        payload: bytes(b"ok"),
    }
}

#[test]
fn intents_and_events() {
    spelled(&join(5, "node1"), &BOTH, "0182a54c54696d6505a44e6f6465a56e6f646531");
    for (prune, last) in [(false, "c2"), (true, "c3")] {
        let leave = Leave { ltime: 300, node: text("node1"), prune };
        let digits = format!("0083a54c54696d65cd012ca44e6f6465a56e6f646531a55072756e65{last}");
        spelled(&Message::Leave(leave), &BOTH, &digits);
    }
    let event = UserEvent { ltime: 2, name: text("deploy"), payload: bytes(b"v1"), coalesce: true };
    spelled(
        &Message::UserEvent(event),
        &BOTH,
        "0384a24343c3a54c54696d6502a44e616d65a66465706c6f79a75061796c6f6164a27631",
    );
}

#[test]
fn filters() {
    let tag = TagFilter { tag: text("role"), expr: text("^web$") };
    for (filter, digits) in [
        (Filter::Nodes(vec![text("node1"), text("node2")]), "0092a56e6f646531a56e6f646532"),
        (Filter::Tag(tag.clone()), "0182a445787072a55e77656224a3546167a4726f6c65"),
    ] {
        let mut out = Vec::new();
        filter.encode(&mut out);
        assert_eq!(out, hex(digits));
        assert_eq!(Filter::decode(&out), Ok(filter));
    }
    assert_eq!(Filter::decode(&hex("0192a4726f6c65a55e77656224")), Ok(Filter::Tag(tag)));
    assert_eq!(Filter::decode(&hex("00c0")), Ok(Filter::Nodes(vec![])));
    assert_eq!(Filter::decode(&[]), Err(Malformed::Truncated));
    assert_eq!(Filter::decode(&[2, 0x90]), Err(Malformed::Kind(2)));
}

#[test]
fn queries_and_responses() {
    let filters =
        [hex("0092a56e6f646531a56e6f646532"), hex("0182a445787072a55e77656224a3546167a4726f6c65")];
    let query = Query {
        ltime: 1,
        id: 0x1234_5678,
        address: bytes(&[127, 0, 0, 1]),
        port: 7946,
        source_node: text("node1"),
        filters: Some(filters.iter().map(Into::into).collect()),
        flags: 1,
        relay_factor: 2,
        timeout: 3_200_000_000,
        name: text("load"),
        payload: bytes(b"x"),
    };
    let start = "048ba441646472a47f000001a746696c7465727392ae0092a56e6f646531a56e6f646532b60182a44578\
        7072a55e77656224a3546167a4726f6c65a5466c61677301a24944ce12345678a54c54696d6501a44e616d65\
        a46c6f6164a75061796c6f6164a178a4506f7274cd1f0aab52656c6179466163746f7202aa536f757263654e\
        6f6465a56e6f646531a754696d656f7574";
    let spelling = |timeout: i64, compat: Compat, digits: &str| {
        let query = Message::Query(Query { timeout, ..query.clone() });
        spelled(&query, &[compat], &format!("{}{digits}", start.replace(' ', "")));
    };
    spelling(3_200_000_000, Compat::Head, "d300000000bebc2000");
    spelling(3_200_000_000, Compat::V0_2, "cebebc2000");
    spelling(500_000_000, Compat::Head, "d21dcd6500");
    spelling(500_000_000, Compat::V0_2, "ce1dcd6500");
    spelled(
        &Message::QueryResponse(response()),
        &BOTH,
        "0585a5466c61677300a446726f6da56e6f646532a24944ce12345678a54c54696d6501a75061796c6f6164a26f6b",
    );
    spelled(
        &Message::QueryResponse(QueryResponse { flags: 1, payload: None, ..response() }),
        &BOTH,
        "0585a5466c61677301a446726f6da56e6f646532a24944ce12345678a54c54696d6501a75061796c6f6164c0",
    );
}

#[test]
fn relays() {
    let mut inner = Vec::new();
    response().encode(&mut inner);
    let address = UdpAddress { ip: bytes(&[127, 0, 0, 1]), port: 7946, zone: text("") };
    let header = RelayHeader { address, name: text("node1") };
    let relay = Message::Relay(Relay { header, inner: inner.into() });
    for (compat, port) in [(Compat::Head, "d11f0a"), (Compat::V0_2, "cd1f0a")] {
        let digits = format!(
            "0982a8446573744164647283a24950a47f000001a4506f7274{port}a45a6f6e65a0a8446573744e616d65\
             a56e6f6465310585a5466c61677300a446726f6da56e6f646532a24944ce12345678a54c54696d6501a75061\
             796c6f6164a26f6b"
        );
        spelled(&relay, &[compat], &digits);
    }
}

#[test]
fn states() {
    let event = SlotEvent { name: text("deploy"), payload: bytes(b"v1") };
    let state = State {
        ltime: 10,
        status_ltimes: vec![(text("node1"), 5)],
        left_members: vec![],
        event_ltime: 3,
        events: vec![None, Some(EventSlot { ltime: 1, events: vec![event] }), None],
        query_ltime: 2,
    };
    spelled(
        &Message::PushPull(state),
        &BOTH,
        "0286aa4576656e744c54696d6503a64576656e747393c082a64576656e74739182a44e616d65a66465706c6f79a7\
         5061796c6f6164a27631a54c54696d6501c0a54c54696d650aab4c6566744d656d6265727390aa51756572794c54\
         696d6502ac5374617475734c54696d657381a56e6f64653105",
    );
    let fresh = State {
        ltime: 1,
        status_ltimes: vec![(text("a"), 0)],
        left_members: vec![],
        event_ltime: 1,
        events: vec![None; 512],
        query_ltime: 1,
    };
    let digits = format!(
        "0286aa4576656e744c54696d6501a64576656e7473dc0200{}a54c54696d6501ab4c6566744d656d6265727390aa\
         51756572794c54696d6501ac5374617475734c54696d657381a16100",
        "c0".repeat(512)
    );
    assert_eq!(digits.len(), 2 * 585);
    spelled(&Message::PushPull(fresh), &BOTH, &digits);
}

#[test]
fn votes_about_a_name() {
    let member = Member {
        name: text("n"),
        address: bytes(&[10, 0, 0, 1]),
        port: 7946,
        tags: Some(vec![(text("role"), text("web"))]),
        status: 1,
        protocol_min: 1,
        protocol_max: 5,
        protocol_cur: 2,
        delegate_min: 2,
        delegate_max: 5,
        delegate_cur: 5,
    };
    let start = "068ba441646472a40a000001ab44656c656761746543757205ab44656c65676174654d617805ab44656c656761\
        74654d696e02a44e616d65a16ea4506f7274cd1f0aab50726f746f636f6c43757202ab50726f746f636f6c4d61\
        7805ab50726f746f636f6c4d696e01a653746174757301a454616773";
    let tagged = Message::ConflictResponse(Some(member.clone()));
    spelled(&tagged, &BOTH, &format!("{start}81a4726f6c65a3776562"));
    let bare = Message::ConflictResponse(Some(Member { tags: None, ..member }));
    spelled(&bare, &[Compat::Head], &format!("{start}c0"));
    let mut old = Vec::new();
    bare.encode(Compat::V0_2, &mut old);
    assert_eq!(old, hex(&format!("{start}80")));
    spelled(&Message::ConflictResponse(None), &BOTH, "06c0");
}

#[test]
fn keys() {
    let request = |key| Message::KeyRequest(KeyRequest { key: Some(key) });
    spelled(
        &request(b"0123456789abcdef"[..].into()),
        &BOTH,
        "0781a34b6579b030313233343536373839616263646566",
    );
    spelled(&request(b""[..].into()), &BOTH, "0781a34b6579a0");
    let success = KeyResponse { result: true, ..KeyResponse::default() };
    spelled(
        &Message::KeyResponse(success),
        &BOTH,
        "0884a44b657973c0a74d657373616765a0aa5072696d6172794b6579a0a6526573756c74c3",
    );
}

#[test]
fn coordinates() {
    let fresh = Coordinate { vec: vec![0.0; 8], error: 1.5, adjustment: 0.0, height: 10.0e-6 };
    let digits = format!(
        "0184aa41646a7573746d656e74cb0000000000000000a54572726f72cb3ff8000000000000a6486569676874cb3e\
         e4f8b588e368f1a356656398{}",
        "cb0000000000000000".repeat(8)
    );
    let mut out = Vec::new();
    fresh.encode(&mut out);
    assert_eq!(out, hex(&digits));
    assert_eq!(Coordinate::decode(&out).as_ref(), Ok(&fresh));
    let loose = Coordinate { vec: vec![1.0, 0.5], error: -2.0, ..Coordinate::default() };
    let digits = "0182a3566563920 1ca3f000000a54572726f72fe".replace(' ', "");
    assert_eq!(Coordinate::decode(&hex(&digits)), Ok(loose));
    assert_eq!(Coordinate::decode(&[]), Err(Malformed::Truncated));
    assert_eq!(Coordinate::decode(&[2, 0x80]), Err(Malformed::Version(2)));
}

#[test]
fn tags_are_metadata() {
    let tag = (text("role"), text("web"));
    let mut out = Vec::new();
    tags::encode([(&b"role"[..], &b"web"[..])].into_iter(), &mut out);
    assert_eq!(out, hex("ff81a4726f6c65a3776562"));
    assert_eq!(tags::decode(&out), Ok(vec![tag.clone()]));
    assert_eq!(tags::decode(b"web"), Ok(vec![tag]));
    assert_eq!(tags::decode(b""), Ok(vec![(text("role"), text(""))]));
    assert_eq!(tags::decode(&hex("ff80")), Ok(vec![]));
}

/// Every shape in which a value may come instead (specification 12.2).
#[test]
fn what_decoders_put_up_with() {
    let (ltime, node) = ("a54c54696d65", "a44e6f6465");
    for five in ["05", "cc05", "cd0005", "ce00000005", "cf0000000000000005", "d005", "d10005"] {
        reads(&format!("0182{ltime}{five}{node}a16e"), &join(5, "n"));
    }
    for n in ["a16e", "d9016e", "da00016e", "db000000016e", "c4016e", "c500016e", "916e"] {
        reads(&format!("0182{ltime}05{node}{n}"), &join(5, "n"));
    }
    reads(&format!("0182{node}a16e{ltime}05"), &join(5, "n"));
    reads(&format!("0183a14192c0c3{node}a16e{ltime}05ffff"), &join(5, "n"));
    reads("019205a16e", &join(5, "n"));
    reads("019305a16ec0", &join(5, "n"));
    reads("01c0", &join(0, ""));
    reads("0180", &join(0, ""));
    reads(&format!("0182{ltime}c0{node}c0"), &join(0, ""));
    let event = UserEvent { ltime: 7, name: text("e"), payload: None, coalesce: true };
    reads("039407a165c0c3", &Message::UserEvent(event));
    let leave = Leave { ltime: 7, node: text("n"), prune: true };
    reads("009307a16ec3", &Message::Leave(leave));
    let answer = QueryResponse { flags: 0, ..response() };
    reads("059501ce12345678a56e6f64653200a26f6b", &Message::QueryResponse(answer));
    let query = Query {
        ltime: 1,
        id: 2,
        address: bytes(&[1, 2, 3, 4]),
        port: 5,
        source_node: text("s"),
        filters: None,
        flags: 1,
        relay_factor: 3,
        timeout: 4,
        name: text("q"),
        payload: bytes(b""),
    };
    reads("049b0102a40102030405a173c0010304a171a0", &Message::Query(query));
    let state = State {
        ltime: 1,
        status_ltimes: vec![(text("b"), 2), (text("a"), 1)],
        left_members: vec![text("x")],
        event_ltime: 3,
        events: vec![
            None,
            Some(EventSlot {
                ltime: 2,
                events: vec![SlotEvent { name: text("e"), payload: None }],
            }),
        ],
        query_ltime: 4,
    };
    reads("02960182a16202a1610191a1780392c092029192a165c004", &Message::PushPull(state));
    reads("0290", &Message::PushPull(State::default()));
    reads("0281a64576656e7473c0", &Message::PushPull(State::default()));
    let relay = RelayHeader {
        address: UdpAddress { ip: bytes(&[1, 2, 3, 4]), port: 300, zone: text("") },
        name: text("n"),
    };
    let relay = Relay { header: relay, inner: (&[5, 0xc0][..]).into() };
    reads("099293a401020304cd012ca0a16e05c0", &Message::Relay(relay));
    reads("08c0", &Message::KeyResponse(KeyResponse::default()));
    let listed = KeyResponse {
        result: true,
        keys: Some(vec![text("k")]),
        primary_key: text("k"),
        ..KeyResponse::default()
    };
    reads("0894c3a091a16ba16b", &Message::KeyResponse(listed));
}

#[test]
fn what_decoders_refuse() {
    for (digits, malformed) in [
        ("", Malformed::Truncated),
        ("0a80", Malformed::Kind(10)),
        ("ff80", Malformed::Kind(255)),
        ("01", Malformed::Truncated),
        ("0182a54c54696d6505", Malformed::Truncated),
        ("0181a54c54696d65ff", Malformed::Range),
        ("0181a54c54696d65a0", Malformed::Type(0xa0)),
        ("0181a44e6f646505", Malformed::Type(5)),
        ("0481a4506f7274ce00010000", Malformed::Range),
        ("0281a64576656e747301", Malformed::Type(1)),
        ("0281a64576656e7473ddffffffff", Malformed::Truncated),
        ("0281ac5374617475734c54696d6573dfffffffff", Malformed::Truncated),
    ] {
        assert_eq!(Message::decode(&hex(digits)), Err(malformed), "{digits}");
    }
}

proptest! {
    /// Whatever comes, something comes of it; and a message that was read reads as itself again.
    #[test]
    fn nothing_makes_it_panic(
        kind in 0u8..11,
        garbage in proptest::collection::vec(any::<u8>(), 0..200),
        cut in any::<proptest::sample::Index>(),
    ) {
        let mut bytes = vec![kind];
        bytes.extend_from_slice(&garbage);
        for compat in BOTH {
            if let Ok(message) = Message::decode(&bytes) {
                let mut out = Vec::new();
                message.encode(compat, &mut out);
                if !matches!(message, Message::ConflictResponse(Some(Member { tags: None, .. }))) {
                    prop_assert_eq!(Message::decode(&out), Ok(message));
                }
            }
        }
        let _ = (Filter::decode(&garbage), Coordinate::decode(&bytes), tags::decode(&garbage));
        // Parts of what is valid get further.
        let mut query = Vec::new();
        let filters = Some(vec![garbage.as_slice().into()]);
        Query { payload: Some((&garbage).into()), filters, ..Query::default() }
            .encode(Compat::Head, &mut query);
        let at = cut.index(query.len());
        prop_assert!(Message::decode(&query[..at]).is_err());
        query[at] = kind;
        let _ = Message::decode(&query);
    }
}
