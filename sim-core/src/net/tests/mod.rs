//! The network as its callers see it.

mod conditions;
mod datagrams;
mod streams;

use wavetank_protocol::rng::{Keys, Probability};

use super::*;
use crate::plan::{Chances, Latency, LatencyShape, Link, LinkSpec, Loss, SlotSet};

const US: Span = 1_000;
const MS: Span = 1_000_000;
const SECOND: Span = 1_000_000_000;

fn p(share: f64) -> Probability {
    Probability::from_share(share)
}

fn chances(share: f64) -> Chances {
    Chances { probability: p(share), correlation: Probability::ZERO }
}

/// A millisecond, at least a tenth of one.
fn fixed() -> Latency {
    Latency { min: 100 * US, shape: LatencyShape::Fixed(MS) }
}

fn lognormal() -> Latency {
    Latency { min: 100 * US, shape: LatencyShape::LogNormal { median: MS, p99: 10 * MS } }
}

fn spec() -> LinkSpec {
    LinkSpec {
        latency: fixed(),
        loss: Loss::None,
        duplicate: Chances::default(),
        corrupt: Chances::default(),
        reorder: None,
        delay: None,
        bandwidth: None,
        mtu: None,
    }
}

fn network(default: LinkSpec, links: Vec<Link>) -> Network {
    let streams = Streams { loss: None, syn_rto: SECOND, rto_min: 200 * MS };
    Network { default, links, streams }
}

/// A hundred slots under one setting.
fn net(spec: LinkSpec) -> Net {
    Net::new(&network(spec, Vec::new()), 100, Keys::new(11))
}

fn slots(range: std::ops::Range<u32>) -> SlotSet {
    SlotSet::range(range.start, range.end)
}

fn fault(fault: PathFault) -> Condition {
    Condition::Fault { from: slots(0..100), to: slots(0..100), both: false, fault }
}

/// The fates of a source's first datagrams of 100 bytes, one a second, to slot 1.
fn fates(net: &mut Net, from: u32, count: u64) -> Vec<Fate> {
    (0..count).map(|nth| net.datagram(nth * SECOND, from, 1, nth, 100)).collect()
}

/// The same as times of flight; none for those that did not arrive.
fn flights(net: &mut Net, from: u32, count: u64) -> Vec<Option<Span>> {
    let flight = |(nth, fate)| match fate {
        Fate::Arrives { at, .. } => Some(at - nth as u64 * SECOND),
        Fate::Lost(_) => None,
    };
    fates(net, from, count).into_iter().enumerate().map(flight).collect()
}

/// The share of fates that are this drop, over ten sources.
fn share(net: &mut Net, drop: Drop, count: u64) -> f64 {
    let all: Vec<Fate> = (20..30).flat_map(|from| fates(net, from, count / 10)).collect();
    all.iter().filter(|&&fate| fate == Fate::Lost(drop)).count() as f64 / all.len() as f64
}

#[track_caller]
fn close(got: f64, expected: f64, tolerance: f64) {
    assert!((got - expected).abs() <= tolerance, "{got}, not {expected}");
}
