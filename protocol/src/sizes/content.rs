//! What bytes stand in messages where the machine only has numbers: addresses, metadata, payloads.
//!
//! Lengths without compression do not depend on them; compressed ones do. So they are what deployments
//! send:
//!
//! - Addresses are private IPv4 ones, handed out one after the other, with memberlist's port.
//! - Metadata are tags, as Serf's users set them: the same for a whole cluster, but that metadata long
//!   enough to name an id hold one of 36 characters, different each time. Where metadata are random or
//!   encrypted, compression saves less than is reckoned here.
//! - Payloads of foreign user messages are random: an application's own bytes, and incompressible.
//! - What Serf's messages say, the ledger knows; but for the payloads of answers, which are words and
//!   figures, and coordinates, which are some.
//!
//! All of it is a pure function of the number.

use std::borrow::Cow;

use crate::{
    config::Compat,
    rng::fold,
    wire::{
        Accusation, Alive, Kind, Ping, PushNodeState,
        message::{Bytes, IndirectPing},
        serf::Coordinate,
    },
};

/// memberlist's default port.
pub const PORT: u16 = 7946;
/// `PMin, PMax, PCur, DMin, DMax, DCur` as all releases since 0.2 send them without a delegate's own.
const VERSIONS: [u8; 6] = [1, 5, 2, 0, 0, 0];
/// Metadata of at least this length hold an id.
const WITH_ID: u16 = 64;
/// Characters of an id, a UUID's.
const ID: usize = 36;
/// What tags begin with; the id comes behind it.
const FIRST: &[u8] = b"role=node,";
/// The tags that are the same for all members, again and again if they do not suffice.
const TAGS: &[u8] = b"dc=dc1,segment=,vsn=2,vsn_min=2,vsn_max=3,build=1.16.0:4e6b1c2f,acls=0,\
    rack=r12,region=eu-west,tier=standard,owner=platform,os=linux,arch=amd64,";

const SALT: u64 = 0x8cb9_2ba7_2f3d_8dd7;

/// What a roster knows of a member that a message speaks of.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    /// Its name.
    pub name: &'a str,
    /// The number of its address.
    pub address: u32,
    /// Bytes of an address: 4 or 16.
    pub address_bytes: u8,
}

impl Who<'_> {
    /// Its address on the wire.
    pub fn address(&self) -> Address {
        let host = (self.address + 1) & 0x00ff_ffff;
        let mut bytes = [0; 16];
        bytes[10..12].fill(0xff);
        bytes[12..].copy_from_slice(&(10 << 24 | host).to_be_bytes());
        Address { bytes, skip: if self.address_bytes == 4 { 12 } else { 0 } }
    }
}

/// An IPv4 address, bare or in its IPv6 form.
pub struct Address {
    bytes: [u8; 16],
    skip: usize,
}

impl Address {
    /// As a field of a message.
    pub fn bytes(&self) -> Bytes<'_> {
        some(&self.bytes[self.skip..])
    }
}

/// Puts the metadata with this number in place of what `out` holds.
pub fn meta(number: u32, len: u16, out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(FIRST);
    if len >= WITH_ID {
        out.extend_from_slice(b"id=");
        for i in 0..ID {
            let digit = word(number, i as u64) % 16;
            out.push(if matches!(i, 8 | 13 | 18 | 23) {
                b'-'
            } else {
                b"0123456789abcdef"[digit as usize]
            });
        }
        out.push(b',');
    }
    while out.len() < usize::from(len) {
        out.extend_from_slice(TAGS);
    }
    out.truncate(len.into());
}

/// Appends a payload with this number.
pub fn payload(number: u32, len: u32, out: &mut Vec<u8>) {
    out.extend((0..u64::from(len)).map(|i| (word(number, i) >> 56) as u8));
}

/// Appends text with this number, as of a handler that reports a few figures.
pub fn words(number: u32, len: u32, out: &mut Vec<u8>) {
    const WORDS: [&str; 12] = [
        "load=", "cpu=", "mem=", "disk=", "up=", "version=", "state=", "count=", "build=", "zone=",
        "queue=", "leader=",
    ];
    let end = out.len() + len as usize;
    for i in 0.. {
        if out.len() >= end {
            break;
        }
        let word = word(number, i);
        out.extend_from_slice(WORDS[(word >> 32) as usize % WORDS.len()].as_bytes());
        out.extend_from_slice(format!("{}.{:02} ", word % 997, (word >> 16) % 100).as_bytes());
    }
    out.truncate(end);
}

/// Appends an alive message.
pub fn alive(who: Who<'_>, incarnation: u32, meta: &[u8], out: &mut Vec<u8>) {
    let address = who.address();
    let alive = Alive {
        incarnation,
        node: who.name.as_bytes().into(),
        address: address.bytes(),
        port: PORT,
        meta: some(meta),
        versions: some(&VERSIONS),
    };
    alive.encode(out);
}

/// Appends a suspect or a dead message.
pub fn accusation(kind: Kind, node: &str, from: &str, incarnation: u32, out: &mut Vec<u8>) {
    let (node, from) = (node.as_bytes().into(), from.as_bytes().into());
    Accusation { incarnation, node, from }.encode(kind, out);
}

/// Appends a ping of `source`.
pub fn ping(seq: u32, node: &str, source: Who<'_>, out: &mut Vec<u8>) {
    let address = source.address();
    let ping = Ping {
        seq,
        node: node.as_bytes().into(),
        source_address: address.bytes(),
        source_port: PORT,
        source_node: source.name.as_bytes().into(),
    };
    ping.encode(out);
}

/// Appends the request of `source` to probe `target`.
pub fn indirect_ping(seq: u32, target: Who<'_>, source: Who<'_>, out: &mut Vec<u8>) {
    let (there, here) = (target.address(), source.address());
    let ping = IndirectPing {
        seq,
        target: there.bytes(),
        port: PORT,
        node: target.name.as_bytes().into(),
        nack: true,
        source_address: here.bytes(),
        source_port: PORT,
        source_node: source.name.as_bytes().into(),
    };
    ping.encode(out);
}

/// Appends the record of a living member in a state list.
pub fn entry(who: Who<'_>, incarnation: u32, meta: &[u8], out: &mut Vec<u8>) {
    let address = who.address();
    let record = PushNodeState {
        name: who.name.as_bytes().into(),
        address: address.bytes(),
        port: PORT,
        meta: some(meta),
        incarnation,
        state: 0,
        versions: some(&VERSIONS),
    };
    record.encode(Compat::Head, out);
}

/// Appends the coordinate with this number, as an ack carries it once some round trips were measured.
pub fn coordinate(number: u32, out: &mut Vec<u8>) {
    // Of the order of milliseconds with all bits in use, as means of measurements have them.
    let share = |i| (word(number, i) >> 12) as f64 / (1u64 << 52) as f64;
    let part = |i| (share(i) - 0.5) * 0.01;
    let coordinate = Coordinate {
        vec: (0..8).map(part).collect(),
        error: 0.05 + share(8) * 0.4,
        adjustment: part(9) * 0.1,
        height: 0.00001 + share(10) * 0.001,
    };
    coordinate.encode(out);
}

fn some(bytes: &[u8]) -> Bytes<'_> {
    if bytes.is_empty() { None } else { Some(Cow::Borrowed(bytes)) }
}

fn word(number: u32, i: u64) -> u64 {
    fold(fold(u64::from(number) ^ SALT, i ^ SALT.rotate_left(29)), SALT.rotate_left(47))
}
