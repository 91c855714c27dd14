//! Compressed lengths of state lists.
//!
//! LZW learns: an entry costs ever less, until the table is full and forgotten. So the real encoder runs
//! over the roster's members once, in a few random orders as nodes have them, and the *course* of its
//! length against the number of entries is kept; every list is read off it. There is a course for each
//! length of metadata in the roster; what a list mixes of two follows from its uncompressed length.
//!
//! A course is a function of the members that were there at the first question, and grows with the
//! lists: when it does so makes no difference to it. It is made anew when the roster has doubled.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::content::{self, Who};
use crate::{
    belief::{AttributesId, MemberId, Roster},
    config::Compat,
    rng::{Chance, Keys},
    wire::{len, lzw::Meter, message::PushPullHeader},
};

/// Entries of the longest course; beyond, each costs what the last ones did on average. The table is
/// forgotten about every 400 entries, so that this holds many rounds.
const LONGEST: usize = 8192;
/// Orders that a course is the mean of.
const ORDERS: usize = 4;
/// Orders are the same in all runs.
const SEED: u64 = 0x57a7e;

/// Lists below this hold so little that nothing is forgotten: parts of them can be added up.
const FEW: u32 = 32;
/// Lengths of metadata that differ by less are not mixed but interpolated between.
const STEP: u64 = 32;
/// Mixtures are measured in these steps.
const PARTS: u64 = 16;

/// What metadata the members of a course have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Metas {
    less: u16,
    more: u16,
    /// Of [`PARTS`], those with `more`.
    part: u64,
}

impl Metas {
    const fn all(len: u16) -> Self {
        Self { less: len, more: len, part: 0 }
    }

    /// That of the member at a place.
    const fn of(self, place: usize) -> u16 {
        let place = place as u64;
        let more = (place + 1) * self.part / PARTS > place * self.part / PARTS;
        if more { self.more } else { self.less }
    }
}

/// What is kept of measured lists.
#[derive(Debug, Default)]
pub struct States {
    /// Members that were there at the first question.
    members: u32,
    /// Those of the courses, in a random order.
    order: Vec<MemberId>,
    /// Uncompressed bytes of the first entries without their metadata, summed over the orders.
    bare: Vec<u32>,
    courses: FxHashMap<Metas, Vec<u32>>,
    /// The lengths of metadata in the roster.
    classes: BTreeSet<u16>,
    /// How many attributes of the roster `classes` knows.
    attributes: u32,
}

impl States {
    /// Length of the LZW form of a list with `n` entries of `entries` bytes.
    pub fn lzw_len(&mut self, roster: &Roster, n: u32, entries: u64, compat: Compat) -> u32 {
        self.renew(roster);
        let (less, more) = self.neighbours(n, entries);
        let (mut len, mut raw) =
            (self.measured(roster, n, Metas::all(less)), self.raw_len(n, less));
        if let Some(more) = more {
            // So many steps' worth of bytes, of which an entry with the longer metadata has one.
            let step = u64::from(len::raw_len(more.into()) - len::raw_len(less.into()));
            let mut over = entries - raw;
            raw = entries;
            let (low, high);
            if n < FEW || step < STEP {
                // They cost what they do in a list of their own.
                let mut extra = |k| {
                    let with = self.measured(roster, k, Metas::all(more));
                    with.saturating_sub(self.measured(roster, k, Metas::all(less)))
                };
                (low, high) =
                    (len + extra((over / step) as u32), len + extra((over / step) as u32 + 1));
                over %= step;
            } else {
                let parts = over * PARTS / (step * u64::from(n));
                let metas = |part| Metas { less, more, part };
                low = self.measured(roster, n, metas(parts));
                high = self.measured(roster, n, metas(parts + 1));
                over = (over * PARTS - parts * step * u64::from(n)) / u64::from(n);
            }
            len = low + high.saturating_sub(low) * over / step;
        }
        // What is left are names and incarnations of other lengths: they cost what new bytes do.
        let wider = u64::from(len::int_len(n.into(), compat) - 1);
        (len + wider + entries).saturating_sub(raw) as u32
    }

    /// Looks what the roster has that it had not.
    fn renew(&mut self, roster: &Roster) {
        if self.order.is_empty() || u64::from(roster.members()) >= 2 * u64::from(self.members) {
            self.members = roster.members();
            self.order = (0..self.members).map(MemberId).collect();
            Keys::new(SEED).stream(0).shuffle(&mut self.order);
            self.order.truncate(LONGEST);
            self.order.shrink_to_fit();
            self.bare = bare(roster, &self.order);
            self.courses.clear();
        }
        for id in self.attributes..roster.attributes_count() {
            let len = roster.attributes(AttributesId(id)).meta_len;
            self.classes.insert(len);
        }
        self.attributes = roster.attributes_count();
        if self.classes.is_empty() {
            self.classes.insert(0);
        }
    }

    /// The lengths of metadata between which a list lies; one, if it lies outside.
    fn neighbours(&self, n: u32, entries: u64) -> (u16, Option<u16>) {
        let above = self.classes.iter().position(|&meta| self.raw_len(n, meta) > entries);
        let mut from =
            self.classes.iter().skip(above.unwrap_or(self.classes.len()).saturating_sub(1));
        let first = *from.next().expect("there is a class");
        match above {
            None | Some(0) => (first, None),
            Some(_) => (first, from.next().copied()),
        }
    }

    /// Compressed length of a list of `n` members with this metadata.
    fn measured(&mut self, roster: &Roster, n: u32, metas: Metas) -> u64 {
        let wanted = (n as usize).next_power_of_two().min(self.order.len());
        let course = self.courses.entry(metas).or_default();
        if course.len() <= wanted {
            *course = measure(roster, &self.order, wanted, metas);
        }
        at(course, n) / ORDERS as u64
    }

    /// Uncompressed length of `n` entries with this metadata.
    fn raw_len(&self, n: u32, meta: u16) -> u64 {
        at(&self.bare, n) / ORDERS as u64 + u64::from(n) * u64::from(len::raw_len(meta.into()))
    }
}

/// A course at `n`; beyond its end the mean of its second half goes on.
fn at(course: &[u32], n: u32) -> u64 {
    let (n, last) = (n as usize, course.len() - 1);
    if n <= last {
        return course[n].into();
    }
    let half = last / 2;
    let (steps, rise) = ((last - half).max(1), course[last] - course[half]);
    u64::from(course[last]) + u64::from(rise) * (n - last) as u64 / steps as u64
}

/// Where each of the orders starts in the one order.
fn starts(len: usize) -> impl Iterator<Item = usize> {
    (0..ORDERS).map(move |i| i * len / ORDERS)
}

fn bare(roster: &Roster, order: &[MemberId]) -> Vec<u32> {
    let mut sums = vec![0; order.len() + 1];
    for start in starts(order.len()) {
        let mut sum = 0;
        for (i, &member) in order.iter().cycle().skip(start).take(order.len()).enumerate() {
            let name = roster.name_len(member);
            let without =
                len::push_node_state_len(0, roster.address_bytes(), 0, name) - len::raw_len(0);
            sum += without;
            sums[i + 1] += sum;
        }
    }
    sums
}

fn measure(roster: &Roster, order: &[MemberId], wanted: usize, metas: Metas) -> Vec<u32> {
    let mut sums = vec![0; wanted + 1];
    let (mut meter, mut bytes, mut meta) = (Meter::new(), Vec::new(), Vec::new());
    for start in starts(order.len()) {
        meter.clear();
        bytes.clear();
        PushPullHeader { nodes: 1, user_state_len: 0, join: false }
            .encode(Compat::Head, &mut bytes);
        meter.feed(&bytes);
        sums[0] += meter.len_if_finished();
        for (i, &member) in order.iter().cycle().skip(start).take(wanted).enumerate() {
            let name = roster.name(member);
            let who = Who { name, address: member.0, address_bytes: roster.address_bytes() };
            content::meta(member.0, metas.of(i), &mut meta);
            bytes.clear();
            content::entry(who, 1, &meta, &mut bytes);
            meter.feed(&bytes);
            sums[i + 1] += meter.len_if_finished();
        }
    }
    sums
}
