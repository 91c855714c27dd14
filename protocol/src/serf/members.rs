//! Serf's own member table: who is held as what, since which Lamport time.
//!
//! Nearly all records of a cluster at rest are equal at all nodes, so a table is a base that nodes share
//! and a list of what this node holds otherwise. When the list is full the node gets a base of its own.
//! A state taken for a push/pull shares both; whoever writes first while it is on its way copies.

use std::sync::Arc;

use super::{lamport::LTime, status::Status};
use crate::{
    belief::{AttributesId, MemberId, Roster},
    marks::Marks,
    time::Time,
    wire::serf::len,
};

/// A record of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// `statusLTime`: the newest intent about the member.
    pub ltime: LTime,
    /// What the member said about itself last.
    pub attributes: AttributesId,
    /// As what it is held; `None` where there is no record.
    pub status: Status,
}

/// No record.
pub const NOBODY: Record =
    Record { ltime: 0, attributes: Roster::NO_ATTRIBUTES, status: Status::None };

/// A failed or left member and its `leaveTime`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Who.
    pub member: MemberId,
    /// Since when.
    pub since: Time,
}

/// Past so many differences a node gets a base of its own.
const DIFFERENCES: usize = 256;

/// What a push/pull carries of a table.
#[derive(Clone, Debug, Default)]
pub struct Copy {
    base: Arc<Vec<Record>>,
    differs: Arc<Vec<(MemberId, Record)>>,
}

/// What all nodes of a cluster at rest hold, which they share.
#[derive(Clone, Debug, Default)]
pub struct Resting {
    records: Arc<Vec<Record>>,
    bytes: u64,
}

impl Resting {
    /// Everybody alive with these attributes, by member, as if all had joined one after another.
    pub fn new(roster: &Roster, attributes: &[AttributesId]) -> Self {
        let record = |(i, &attributes): (usize, &AttributesId)| Record {
            ltime: i as LTime,
            attributes,
            status: Status::Alive,
        };
        let records: Vec<Record> = attributes.iter().enumerate().map(record).collect();
        let bytes = (0u32..).zip(&records);
        let bytes = bytes.map(|(m, r)| entry_bytes(roster, MemberId(m), r.ltime)).sum();
        Self { records: Arc::new(records), bytes }
    }

    /// How many members.
    pub fn count(&self) -> u32 {
        self.records.len() as u32
    }
}

/// The table of one node.
#[derive(Clone, Debug, Default)]
pub struct Members {
    shared: Copy,
    /// The base is this node's alone and is written to.
    own: bool,
    marks: Marks,
    /// Records by status.
    counts: [u32; 5],
    /// `failedMembers`, in the original's order.
    pub(super) failed: Vec<Gone>,
    /// `leftMembers`, in the original's order.
    pub(super) left: Vec<Gone>,
    /// Encoded bytes of all names with their times.
    bytes: u64,
}

impl Copy {
    /// The record of a member.
    pub fn get(&self, member: MemberId) -> Record {
        if let Ok(i) = self.differs.binary_search_by_key(&member, |d| d.0) {
            return self.differs[i].1;
        }
        self.base.get(member.index()).copied().unwrap_or(NOBODY)
    }

    /// Members that this copy and another may hold differently, ascending, with this copy's record.
    pub fn may_differ(&self, other: &Self, out: &mut Vec<(MemberId, Record)>) {
        if Arc::ptr_eq(&self.base, &other.base) {
            if Arc::ptr_eq(&self.differs, &other.differs) {
                return;
            }
            let (mut a, mut b) = (self.differs.iter().peekable(), other.differs.iter().peekable());
            loop {
                let member = match (a.peek(), b.peek()) {
                    (Some(x), Some(y)) => x.0.min(y.0),
                    (Some(x), None) => x.0,
                    (None, Some(y)) => y.0,
                    (None, None) => break,
                };
                let record = match a.next_if(|x| x.0 == member) {
                    Some(own) => own.1,
                    None => self.base.get(member.index()).copied().unwrap_or(NOBODY),
                };
                b.next_if(|y| y.0 == member);
                out.push((member, record));
            }
            return;
        }
        let mut differs = self.differs.iter().peekable();
        for (i, &base) in self.base.iter().enumerate() {
            let member = MemberId(i as u32);
            out.push((member, differs.next_if(|d| d.0 == member).map_or(base, |d| d.1)));
        }
        out.extend(differs.copied());
    }
}

impl Members {
    /// The table of a node of a cluster at rest.
    pub fn resting(resting: &Resting) -> Self {
        let mut counts = [0; 5];
        counts[Status::Alive as usize] = resting.count();
        let shared = Copy { base: Arc::clone(&resting.records), differs: Arc::default() };
        Self { shared, counts, bytes: resting.bytes, ..Self::default() }
    }

    /// The record of a member; [`NOBODY`] if there is none.
    #[inline]
    pub fn get(&self, member: MemberId) -> Record {
        if self.marks.may_hold(member)
            && let Ok(i) = self.shared.differs.binary_search_by_key(&member, |d| d.0)
        {
            return self.shared.differs[i].1;
        }
        self.shared.base.get(member.index()).copied().unwrap_or(NOBODY)
    }

    /// As what a member is held.
    #[inline]
    pub fn status(&self, member: MemberId) -> Status {
        self.get(member).status
    }

    /// Sets a record; [`NOBODY`] drops it. The lists of the failed and the left are the caller's.
    pub(super) fn set(&mut self, roster: &Roster, member: MemberId, record: Record) {
        let old = self.get(member);
        if old == record {
            return;
        }
        for (of, sign) in [(old, -1), (record, 1)] {
            if of.status != Status::None {
                let count = &mut self.counts[of.status as usize];
                *count = count.wrapping_add_signed(sign);
                let bytes = entry_bytes(roster, member, of.ltime) as i64;
                self.bytes = self.bytes.wrapping_add_signed(i64::from(sign) * bytes);
            }
        }
        if self.own {
            self.set_own(member, record);
            return;
        }
        let differs = Arc::make_mut(&mut self.shared.differs);
        match differs.binary_search_by_key(&member, |d| d.0) {
            Ok(i) => differs[i].1 = record,
            Err(i) => {
                self.marks.add(member);
                differs.insert(i, (member, record));
            }
        }
        if differs.len() > DIFFERENCES {
            let mut base = Vec::clone(&self.shared.base);
            for (member, record) in differs.drain(..) {
                put(&mut base, member, record);
            }
            self.shared.base = Arc::new(base);
            self.marks = Marks::default();
            self.own = true;
        }
    }

    fn set_own(&mut self, member: MemberId, record: Record) {
        put(Arc::make_mut(&mut self.shared.base), member, record);
    }

    /// Number of records of any status (`len(members)`).
    #[inline]
    pub fn len(&self) -> u32 {
        self.counts.iter().sum()
    }

    /// Whether there is no record at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of records of a status.
    pub fn count(&self, status: Status) -> u32 {
        self.counts[status as usize]
    }

    /// Encoded bytes of all names with their times in a push/pull.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The failed, in the original's order, with the time of the failure.
    pub fn failed(&self) -> &[Gone] {
        &self.failed
    }

    /// The left, in the original's order, with the time at which they failed or left.
    pub fn left(&self) -> &[Gone] {
        &self.left
    }

    /// All records, ascending by member.
    pub fn iter(&self) -> impl Iterator<Item = (MemberId, Record)> + '_ {
        let last = self.shared.differs.last().map_or(0, |d| d.0.index() + 1);
        let end = self.shared.base.len().max(last);
        let record = |m| (MemberId(m), self.get(MemberId(m)));
        (0..end as u32).map(record).filter(|(_, r)| r.status != Status::None)
    }

    /// The table as it is now, for a push/pull.
    pub(super) fn copy(&self) -> &Copy {
        &self.shared
    }

    /// The place of the `nth` record, for uniform draws; none where the table has holes there.
    pub(super) fn span(&self) -> u32 {
        let last = self.shared.differs.last().map_or(0, |d| d.0.index() + 1);
        self.shared.base.len().max(last) as u32
    }
}

fn put(base: &mut Vec<Record>, member: MemberId, record: Record) {
    if base.len() <= member.index() {
        base.resize(member.index() + 1, NOBODY);
    }
    base[member.index()] = record;
}

fn entry_bytes(roster: &Roster, member: MemberId, ltime: LTime) -> u64 {
    u64::from(len::status_entry(roster.name_len(member), ltime))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(ltime: LTime, status: Status) -> Record {
        Record { ltime, attributes: AttributesId(0), status }
    }

    /// A table over a shared base agrees with a plain list, whatever is written, and its sums hold.
    #[test]
    fn a_shared_base_is_as_good_as_a_plain_list() {
        let mut roster = Roster::new(4);
        for i in 0..700 {
            roster.add_member(&format!("n{i}"));
        }
        let base: Vec<Record> = (0..600).map(|i| record(i, Status::Alive)).collect();
        let mut table = Members::resting(&Resting::new(&roster, &[AttributesId(0); 600]));
        let mut plain: Vec<Record> = base.clone();
        plain.resize(700, NOBODY);
        let before = table.copy().clone();
        for i in 0..1000u32 {
            let member = MemberId(i * 7919 % 700);
            let status =
                [Status::Leaving, Status::Failed, Status::None, Status::Left][i as usize % 4];
            let new =
                if status == Status::None { NOBODY } else { record(1000 + u64::from(i), status) };
            table.set(&roster, member, new);
            plain[member.index()] = new;
        }
        let known = plain.iter().enumerate().filter(|(_, r)| r.status != Status::None);
        let known: Vec<_> = known.map(|(i, r)| (MemberId(i as u32), *r)).collect();
        assert_eq!(table.iter().collect::<Vec<_>>(), known);
        assert_eq!(table.len() as usize, known.len());
        let bytes: u64 = known.iter().map(|(m, r)| entry_bytes(&roster, *m, r.ltime)).sum();
        assert_eq!(table.bytes(), bytes);
        // The copy taken before is what it was, and tells what may differ.
        assert_eq!(before.get(MemberId(5)), base[5]);
        let mut differs = Vec::new();
        table.copy().may_differ(&before, &mut differs);
        for (member, record) in differs {
            assert_eq!(record, plain[member.index()]);
        }
    }
}
