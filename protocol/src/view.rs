//! What a node believes about the others: the store behind a machine, owned by the caller.
//!
//! The machine keeps its cursor, queue, timers and the private part of its knowledge (suspicions, times of
//! change); the store keeps who is known with which belief. [`PlainTable`] is the direct form, one entry
//! per member; it serves agents and is the oracle for shared forms.

use crate::{
    belief::{BeliefId, MemberId},
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
        &self,
        theirs: SnapshotId,
        also: &mut dyn Iterator<Item = MemberId>,
        out: &mut Vec<(MemberId, BeliefId)>,
    );
}

/// The plain form: a table of all members, and a pool of lists in flight.
#[derive(Clone, Debug, Default)]
pub struct PlainTable {
    entries: Vec<BeliefId>,
    known: u32,
}

/// Not known.
const NOBODY: BeliefId = BeliefId(u32::MAX);

/// Lists taken for push/pull, with the order they were taken in.
#[derive(Clone, Debug, Default)]
pub struct Snapshots {
    lists: Vec<(Vec<BeliefId>, Order)>,
    free: Vec<u32>,
}

impl Snapshots {
    fn take(&mut self, entries: &[BeliefId], order: &Order) -> SnapshotId {
        let id = self.free.pop().unwrap_or_else(|| {
            self.lists.push((Vec::new(), Order::default()));
            self.lists.len() as u32 - 1
        });
        let (list, kept) = &mut self.lists[id as usize];
        list.clear();
        list.extend_from_slice(entries);
        kept.clone_from(order);
        SnapshotId(id)
    }

    /// Gives a list back; its number may be used again.
    pub fn release(&mut self, id: SnapshotId) {
        debug_assert!(!self.free.contains(&id.0));
        self.free.push(id.0);
    }

    /// Lists in use.
    pub fn in_use(&self) -> usize {
        self.lists.len() - self.free.len()
    }
}

impl PlainTable {
    /// A table in which members `0 .. beliefs.len()` are known with these beliefs.
    pub fn of(beliefs: Vec<BeliefId>) -> Self {
        let known = beliefs.len() as u32;
        Self { entries: beliefs, known }
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
        self.entries.get(member.index()).copied().filter(|b| *b != NOBODY)
    }

    /// Bytes held on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.entries.capacity() * size_of::<BeliefId>()
    }
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
        let entries = &mut self.table.entries;
        if entries.len() <= member.index() {
            entries.resize(member.index() + 1, NOBODY);
        }
        let old = std::mem::replace(&mut entries[member.index()], belief);
        self.table.known += u32::from(old == NOBODY);
    }

    fn forget(&mut self, member: MemberId) {
        if let Some(entry) = self.table.entries.get_mut(member.index()) {
            self.table.known -= u32::from(*entry != NOBODY);
            *entry = NOBODY;
        }
    }

    fn is_prefix(&self, n: u32) -> bool {
        let entries = &self.table.entries;
        self.table.known == n
            && entries.len() >= n as usize
            && entries[n as usize..].iter().all(|e| *e == NOBODY)
    }

    fn members(&self, out: &mut Vec<MemberId>) {
        let known = self.table.entries.iter().enumerate().filter(|(_, b)| **b != NOBODY);
        out.extend(known.map(|(i, _)| MemberId(i as u32)));
    }

    fn snapshot(&mut self, order: &Order) -> SnapshotId {
        self.snapshots.take(&self.table.entries, order)
    }

    fn differences(
        &self,
        theirs: SnapshotId,
        also: &mut dyn Iterator<Item = MemberId>,
        out: &mut Vec<(MemberId, BeliefId)>,
    ) {
        let first = out.len();
        let (list, order) = &self.snapshots.lists[theirs.0 as usize];
        let ours = &self.table.entries;
        let mut also = also.peekable();
        // Nearly all is equal, so whole blocks are compared first.
        const BLOCK: usize = 64;
        for (block, chunk) in list.chunks(BLOCK).enumerate() {
            let base = block * BLOCK;
            let same = ours.get(base..base + chunk.len()).is_some_and(|o| o == chunk);
            let wanted = also.peek().is_some_and(|m| m.index() < base + chunk.len());
            if same && !wanted {
                continue;
            }
            for (i, &belief) in chunk.iter().enumerate() {
                let member = MemberId((base + i) as u32);
                let mut asked = false;
                while also.next_if(|m| *m <= member).is_some_and(|m| {
                    asked |= m == member;
                    true
                }) {}
                if belief != NOBODY && (asked || ours.get(base + i) != Some(&belief)) {
                    out.push((member, belief));
                }
            }
        }
        order.sort_by_slot(&mut out[first..], |(m, _)| *m);
    }
}
