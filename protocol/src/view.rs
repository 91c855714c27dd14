//! What a node believes about the others: the store behind a machine, owned by the caller.
//!
//! The machine keeps its cursor, queue, timers and the private part of its knowledge (suspicions, times of
//! change); the store keeps who is known with which belief. [`PlainTable`] is the direct form, one entry
//! per member; it serves agents and is the oracle for shared forms.

use std::sync::Arc;

use crate::{
    belief::{BeliefId, MemberId},
    marks::Marks,
    order::Order,
};

/// A list of states taken for a push/pull, kept by the store until released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SnapshotId(pub u32);

/// One node's view.
pub trait View {
    /// The belief about a member, if it is known.
    fn get(&self, member: MemberId) -> Option<BeliefId>;

    /// Sets the belief about a member, known or not.
    fn set(&mut self, member: MemberId, belief: BeliefId);

    /// Forgets a member (reaped).
    fn forget(&mut self, member: MemberId);

    /// Whether the known members are exactly `0 .. n`.
    fn is_prefix(&self, n: u32) -> bool;

    /// Appends the known members in ascending order.
    fn members(&self, out: &mut Vec<MemberId>);

    /// Takes the whole list as it is now, with its order, for sending.
    fn snapshot(&mut self, order: &Order) -> SnapshotId;

    /// Appends what the list of another node says about members of whom this view believes something
    /// else or nothing, in the sender's list order. Equal beliefs are left out, but for the members of
    /// `also` (ascending) whom the sender knows.
    fn differences(
        &mut self,
        theirs: SnapshotId,
        also: &mut dyn Iterator<Item = MemberId>,
        out: &mut Vec<(MemberId, BeliefId)>,
    );
}

/// The plain form: a table of all members, which equal nodes share until they differ.
///
/// A table that others share is not written to: what differs stands in a short list beside it, and when
/// the list is full the node gets a table of its own.
#[derive(Clone, Debug, Default)]
pub struct PlainTable {
    entries: Arc<Vec<BeliefId>>,
    /// What this node believes otherwise, ascending by member; forgotten members as nobody.
    differs: Vec<(MemberId, BeliefId)>,
    /// Which members may stand there, by the low bits of their ids.
    marks: Marks,
    known: u32,
}

/// Not known.
const NOBODY: BeliefId = BeliefId(u32::MAX);
/// Past so many differences a node gets a table of its own.
const DIFFERENCES: usize = 16;

/// Lists taken for push/pull, with the order they were taken in.
#[derive(Clone, Debug, Default)]
pub struct Snapshots {
    lists: Vec<(PlainTable, Order)>,
    free: Vec<u32>,
    /// The table of a list that is not in use.
    nobody: Arc<Vec<BeliefId>>,
    /// Scratch: members that may differ, and whether they were asked for by name.
    candidates: Vec<(MemberId, bool)>,
}

impl Snapshots {
    fn take(&mut self, table: &PlainTable, order: &Order) -> SnapshotId {
        let id = self.free.pop().unwrap_or_else(|| {
            self.lists.push((PlainTable::default(), Order::default()));
            self.lists.len() as u32 - 1
        });
        let (list, kept) = &mut self.lists[id as usize];
        list.entries.clone_from(&table.entries);
        list.differs.clone_from(&table.differs);
        list.marks = table.marks;
        kept.clone_from(order);
        SnapshotId(id)
    }

    /// Gives a list back; its number may be used again.
    pub fn release(&mut self, id: SnapshotId) {
        debug_assert!(!self.free.contains(&id.0));
        // The sender's table is its own again.
        self.lists[id.0 as usize].0.entries = Arc::clone(&self.nobody);
        self.free.push(id.0);
    }

    /// Lists in use.
    pub fn in_use(&self) -> usize {
        self.lists.len() - self.free.len()
    }
}

impl PlainTable {
    /// A table in which members `0 .. beliefs.len()` are known with these beliefs. Clones share it.
    pub fn of(beliefs: Vec<BeliefId>) -> Self {
        let known = beliefs.len() as u32;
        Self { entries: Arc::new(beliefs), known, ..Self::default() }
    }

    /// Joins the table with the pool for the duration of a call.
    pub fn with<'a>(&'a mut self, snapshots: &'a mut Snapshots) -> PlainView<'a> {
        PlainView { table: self, snapshots }
    }

    /// Number of known members.
    pub fn known(&self) -> u32 {
        self.known
    }

    /// The belief about a member, if it is known.
    #[inline]
    pub fn get(&self, member: MemberId) -> Option<BeliefId> {
        Some(self.entry(member)).filter(|b| *b != NOBODY)
    }

    #[inline]
    fn entry(&self, member: MemberId) -> BeliefId {
        if self.marks.may_hold(member)
            && let Ok(i) = self.differs.binary_search_by_key(&member, |d| d.0)
        {
            return self.differs[i].1;
        }
        self.entries.get(member.index()).copied().unwrap_or(NOBODY)
    }

    fn put(&mut self, member: MemberId, belief: BeliefId) {
        let old = self.entry(member);
        if old == belief {
            return;
        }
        self.known += u32::from(old == NOBODY);
        self.known -= u32::from(belief == NOBODY);
        if self.differs.is_empty()
            && let Some(entries) = Arc::get_mut(&mut self.entries)
        {
            write(entries, member, belief);
            return;
        }
        self.marks.add(member);
        match self.differs.binary_search_by_key(&member, |d| d.0) {
            Ok(i) => self.differs[i].1 = belief,
            Err(i) => self.differs.insert(i, (member, belief)),
        }
        if self.differs.len() > DIFFERENCES {
            let entries = Arc::make_mut(&mut self.entries);
            for (member, belief) in self.differs.drain(..) {
                write(entries, member, belief);
            }
            self.marks = Marks::default();
        }
    }

    /// How long the table would be, were it written out.
    fn len(&self) -> usize {
        let last = self.differs.last().map_or(0, |d| d.0.index() + 1);
        self.entries.len().max(last)
    }

    /// All entries in ascending order of members.
    fn iter(&self) -> impl Iterator<Item = (MemberId, BeliefId)> + '_ {
        let all = (0..self.len() as u32).map(MemberId);
        let mut differs = self.differs.iter().peekable();
        all.map(move |m| match differs.next_if(|d| d.0 == m) {
            Some(d) => *d,
            None => (m, self.entries.get(m.index()).copied().unwrap_or(NOBODY)),
        })
        .filter(|(_, b)| *b != NOBODY)
    }

    /// Bytes held on the heap, a shared table counted in full.
    pub fn heap_bytes(&self) -> usize {
        self.entries.capacity() * size_of::<BeliefId>()
    }
}

fn write(entries: &mut Vec<BeliefId>, member: MemberId, belief: BeliefId) {
    if entries.len() <= member.index() {
        entries.resize(member.index() + 1, NOBODY);
    }
    entries[member.index()] = belief;
}

/// A [`PlainTable`] with the pool of lists in flight.
#[derive(Debug)]
pub struct PlainView<'a> {
    table: &'a mut PlainTable,
    snapshots: &'a mut Snapshots,
}

impl View for PlainView<'_> {
    #[inline]
    fn get(&self, member: MemberId) -> Option<BeliefId> {
        self.table.get(member)
    }

    fn set(&mut self, member: MemberId, belief: BeliefId) {
        self.table.put(member, belief);
    }

    fn forget(&mut self, member: MemberId) {
        self.table.put(member, NOBODY);
    }

    fn is_prefix(&self, n: u32) -> bool {
        let beyond = n..self.table.len() as u32;
        self.table.known == n && beyond.map(MemberId).all(|m| self.table.entry(m) == NOBODY)
    }

    fn members(&self, out: &mut Vec<MemberId>) {
        out.extend(self.table.iter().map(|(m, _)| m));
    }

    fn snapshot(&mut self, order: &Order) -> SnapshotId {
        self.snapshots.take(self.table, order)
    }

    fn differences(
        &mut self,
        theirs: SnapshotId,
        also: &mut dyn Iterator<Item = MemberId>,
        out: &mut Vec<(MemberId, BeliefId)>,
    ) {
        let first = out.len();
        let Snapshots { lists, candidates, .. } = &mut *self.snapshots;
        let (list, order) = &lists[theirs.0 as usize];
        let ours = &*self.table;
        // What is asked for by name first, then what differs; both where that is the same member.
        candidates.clear();
        candidates.extend(also.map(|m| (m, true)));
        if !Arc::ptr_eq(&list.entries, &ours.entries) {
            unequal(&list.entries, &ours.entries, |m| candidates.push((m, false)));
        }
        let differs = list.differs.iter().chain(&ours.differs);
        candidates.extend(differs.map(|d| (d.0, false)));
        candidates.sort_unstable_by_key(|&(m, asked)| (m, !asked));
        candidates.dedup_by_key(|c| c.0);
        out.extend(candidates.iter().filter_map(|&(member, asked)| {
            let belief = list.entry(member);
            let tell = belief != NOBODY && (asked || belief != ours.entry(member));
            tell.then_some((member, belief))
        }));
        order.sort_by_slot(&mut out[first..], |(m, _)| *m);
    }
}

/// Where two tables differ: nearly all is equal, so whole blocks are compared first.
fn unequal(theirs: &[BeliefId], ours: &[BeliefId], mut tell: impl FnMut(MemberId)) {
    const BLOCK: usize = 64;
    for (block, chunk) in theirs.chunks(BLOCK).enumerate() {
        let base = block * BLOCK;
        if ours.get(base..base + chunk.len()) == Some(chunk) {
            continue;
        }
        for (i, belief) in chunk.iter().enumerate() {
            if ours.get(base + i) != Some(belief) {
                tell(MemberId((base + i) as u32));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Chance, Keys};

    fn beliefs(n: u32) -> Vec<BeliefId> {
        (0..n).map(BeliefId).collect()
    }

    /// A table that shares, and one that never does, under the same random changes.
    #[test]
    fn sharing_changes_nothing() {
        let mut rng = Keys::new(4).stream(0);
        for round in 0..50 {
            let shared = PlainTable::of(beliefs(40));
            let mut tables = [shared.clone(), shared.clone(), PlainTable::of(beliefs(40))];
            let mut plain: Vec<Vec<BeliefId>> = vec![beliefs(40); 3];
            let mut pool = Snapshots::default();
            for step in 0..60 {
                let (who, member) = (rng.below(3) as usize, MemberId(rng.below(44)));
                let belief = BeliefId(100 + rng.below(3));
                let forget = rng.below(5) == 0;
                let mut view = tables[who].with(&mut pool);
                if forget {
                    view.forget(member);
                } else {
                    view.set(member, belief);
                }
                if plain[who].len() <= member.index() {
                    plain[who].resize(member.index() + 1, NOBODY);
                }
                plain[who][member.index()] = if forget { NOBODY } else { belief };
                let known = plain[who].iter().filter(|b| **b != NOBODY).count() as u32;
                assert_eq!(tables[who].known(), known, "round {round}, step {step}");
                for m in 0..48 {
                    let expected = plain[who].get(m as usize).copied().filter(|b| *b != NOBODY);
                    assert_eq!(tables[who].get(MemberId(m)), expected);
                }
                let other = (who + 1) % 3;
                let theirs = tables[other].clone().with(&mut pool).snapshot(&Order::default());
                let mut told = Vec::new();
                let asked = [MemberId(1), MemberId(7)];
                tables[who].with(&mut pool).differences(theirs, &mut asked.into_iter(), &mut told);
                pool.release(theirs);
                told.sort_unstable();
                let entry = |t: usize, m: u32| plain[t].get(m as usize).copied().unwrap_or(NOBODY);
                let expected: Vec<_> = (0..48)
                    .filter(|&m| entry(other, m) != NOBODY)
                    .filter(|&m| entry(other, m) != entry(who, m) || m == 1 || m == 7)
                    .map(|m| (MemberId(m), entry(other, m)))
                    .collect();
                assert_eq!(told, expected);
            }
        }
    }
}
