//! The transmit-limited broadcast queue, with its defects (`queue.go`; specification, section 8).
//!
//! Items leave in the order fewest transmits, then longest, then newest. The original keeps one ordered
//! set over (transmits, length, id) and a name index beside it. Two of its properties change histories
//! and are kept: inserting an equal key silently replaces the older item, and the id counter restarts
//! whenever a deletion leaves the set empty, which is what makes equal keys possible (B1). The name of a
//! replaced item stays in the index and later deletes whatever has its key.
//!
//! Here the set is a list of tiers, one per number of transmits, each a deque sorted by (length, id) with
//! the best at the back: a fill takes from the back of one tier and adds to the front of the next.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use crate::{belief::MemberId, message::Message};

/// Under which key a broadcast supersedes an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Name {
    /// A member's name: all broadcasts about it but its own refutations.
    Member(MemberId),
    /// The textual IP address of the node itself: its refutations.
    Address,
    /// None: never superseded (a unique broadcast).
    Unique,
}

/// Who waits for a broadcast to be finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiter {
    /// Nobody.
    None,
    /// A leave.
    Leave,
    /// An update.
    Update,
    /// A call of the layer above, by its number there.
    Call(u32),
}

/// A queued broadcast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// What is sent.
    pub message: Message,
    /// Length in bytes.
    pub len: u32,
    id: u32,
    name: Name,
    waiter: Waiter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    transmits: u32,
    len: u32,
    id: u32,
}

#[derive(Clone, Debug)]
struct Tier {
    transmits: u32,
    items: VecDeque<Item>,
}

/// Past this many names the index is a hash map.
const SMALL: usize = 32;

/// From a name to the key that its item had when it was last inserted.
#[derive(Clone, Debug)]
enum Names {
    Small(Vec<(Name, Key)>),
    Large(Box<FxHashMap<Name, Key>>),
}

impl Names {
    fn get(&self, name: Name) -> Option<Key> {
        match self {
            Self::Small(list) => list.iter().find(|(n, _)| *n == name).map(|(_, k)| *k),
            Self::Large(map) => map.get(&name).copied(),
        }
    }

    fn remove(&mut self, name: Name) {
        match self {
            Self::Small(list) => {
                if let Some(i) = list.iter().position(|(n, _)| *n == name) {
                    list.swap_remove(i);
                }
            }
            Self::Large(map) => {
                map.remove(&name);
            }
        }
    }

    fn put(&mut self, name: Name, key: Key) {
        match self {
            Self::Small(list) => {
                if let Some(entry) = list.iter_mut().find(|(n, _)| *n == name) {
                    entry.1 = key;
                } else if list.len() < SMALL {
                    list.push((name, key));
                } else {
                    let mut map: FxHashMap<Name, Key> = list.drain(..).collect();
                    map.insert(name, key);
                    *self = Self::Large(Box::new(map));
                }
            }
            Self::Large(map) => {
                map.insert(name, key);
            }
        }
    }
}

/// What happened to waiting calls and replaced items since it was last asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Finished {
    /// The broadcast of a leave was finished.
    pub leave: bool,
    /// The broadcast of an update was finished.
    pub update: bool,
}

impl Finished {
    fn note(&mut self, waiter: Waiter) {
        match waiter {
            Waiter::None | Waiter::Call(_) => {}
            Waiter::Leave => self.leave = true,
            Waiter::Update => self.update = true,
        }
    }
}

/// The queue.
#[derive(Clone, Debug)]
pub struct Queue {
    tiers: Vec<Tier>,
    spare: Vec<VecDeque<Item>>,
    names: Names,
    len: u32,
    id: u32,
    replaced: u32,
    finished: Finished,
    calls: Vec<u32>,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            tiers: Vec::new(),
            spare: Vec::new(),
            names: Names::Small(Vec::new()),
            len: 0,
            id: 0,
            replaced: 0,
            finished: Finished::default(),
            calls: Vec::new(),
        }
    }
}

/// How much one fill may take.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Bytes that each message costs beside its length.
    pub overhead: u32,
    /// Bytes in all.
    pub limit: u32,
    /// Transmissions after which an item is finished.
    pub transmits: u32,
}

impl Queue {
    /// Enqueues a broadcast; an earlier one of the same name is finished and deleted.
    ///
    /// The id is drawn first, so that the counter may restart under it (`queue.go: queueBroadcast`).
    pub fn push(&mut self, name: Name, message: Message, len: u32, waiter: Waiter, id_reset: bool) {
        self.id += 1;
        let item = Item { message, len, id: self.id, name, waiter };
        if name != Name::Unique
            && let Some(key) = self.names.get(name)
        {
            // The original finishes the item that the name stood for, and deletes whatever has its key.
            if let Some(old) = self.delete(key, id_reset)
                && old.name == name
            {
                self.note_finished(old.waiter);
            }
            self.names.remove(name);
        }
        self.insert(0, item);
    }

    /// Takes what fits, in order, and counts a transmission for each (`queue.go: GetBroadcasts`).
    /// Gives the bytes used, overheads included.
    ///
    /// `later` is scratch space of the caller; it is left empty.
    pub fn fill(
        &mut self,
        budget: Budget,
        id_reset: bool,
        later: &mut Vec<(u32, Item)>,
        mut take: impl FnMut(Item),
    ) -> u32 {
        if self.len == 0 {
            return 0;
        }
        let mut used = 0;
        let mut t = 0;
        // What stays queued is put back when the fill is over, so no item is taken twice.
        while t < self.tiers.len() {
            let free = i64::from(budget.limit) - i64::from(used) - i64::from(budget.overhead);
            if free <= 0 {
                break;
            }
            let tier = &self.tiers[t];
            let transmits = tier.transmits;
            // Longest that fits, newest on ties: the last of those not longer than what is free.
            let fitting = if tier.items.back().is_some_and(|i| i64::from(i.len) <= free) {
                tier.items.len()
            } else {
                tier.items.partition_point(|i| i64::from(i.len) <= free)
            };
            if fitting == 0 {
                t += 1;
                continue;
            }
            let item = self.remove_at(t, fitting - 1, id_reset);
            if self
                .tiers
                .get(t)
                .is_some_and(|tier| tier.transmits == transmits && tier.items.is_empty())
            {
                self.drop_tier(t);
            }
            used += budget.overhead + item.len;
            take(item);
            if transmits + 1 >= budget.transmits {
                self.note_finished(item.waiter);
            } else {
                later.push((transmits + 1, item));
            }
        }
        for (transmits, item) in later.drain(..) {
            self.insert(transmits, item);
        }
        used
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        *self = Self { id: self.id, ..Self::default() };
    }

    /// Number of queued broadcasts.
    #[inline]
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether nothing is queued.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The items in key order with their transmits, for tests and traces.
    pub fn items(&self) -> impl Iterator<Item = (u32, Item)> + '_ {
        self.tiers.iter().flat_map(|t| t.items.iter().rev().map(|i| (t.transmits, *i)))
    }

    /// Broadcasts silently replaced since last asked.
    pub fn take_replaced(&mut self) -> u32 {
        std::mem::take(&mut self.replaced)
    }

    /// Which waiting calls were finished since last asked.
    #[inline]
    pub fn take_finished(&mut self) -> Finished {
        std::mem::take(&mut self.finished)
    }

    /// A call of the layer above whose broadcast was finished, if any.
    #[inline]
    pub fn take_call(&mut self) -> Option<u32> {
        self.calls.pop()
    }

    /// Whether a call of the layer above waits to be told that its broadcast was finished.
    pub fn has_call(&self) -> bool {
        !self.calls.is_empty()
    }

    /// Drops items from the end of the order until no more than `keep` are left, as if they were finished
    /// (`queue.go: Prune`). Gives how many went.
    pub fn prune(&mut self, keep: u32, id_reset: bool) -> u32 {
        let mut dropped = 0;
        while self.len > keep {
            let t = self.tiers.len() - 1;
            let item = self.remove_at(t, 0, id_reset);
            if self.tiers[t].items.is_empty() {
                self.drop_tier(t);
            }
            self.note_finished(item.waiter);
            dropped += 1;
        }
        dropped
    }

    fn note_finished(&mut self, waiter: Waiter) {
        if let Waiter::Call(call) = waiter {
            self.calls.push(call);
        } else {
            self.finished.note(waiter);
        }
    }

    fn insert(&mut self, transmits: u32, item: Item) {
        let key = Key { transmits, len: item.len, id: item.id };
        let t = self.tiers.partition_point(|tier| tier.transmits < transmits);
        if self.tiers.get(t).is_none_or(|tier| tier.transmits != transmits) {
            let items = self.spare.pop().unwrap_or_default();
            self.tiers.insert(t, Tier { transmits, items });
        }
        let items = &mut self.tiers[t].items;
        let rank = |i: &Item| (i.len, i.id);
        if items.back().is_none_or(|last| rank(last) < rank(&item)) {
            items.push_back(item);
            self.len += 1;
        } else {
            match items.binary_search_by_key(&rank(&item), rank) {
                Ok(same) => {
                    items[same] = item;
                    self.replaced += 1;
                }
                Err(at) => {
                    items.insert(at, item);
                    self.len += 1;
                }
            }
        }
        if item.name != Name::Unique {
            self.names.put(item.name, key);
        }
    }

    /// Deletes whichever item has the key; names are the caller's.
    fn delete(&mut self, key: Key, id_reset: bool) -> Option<Item> {
        let t = self.tiers.binary_search_by_key(&key.transmits, |tier| tier.transmits).ok();
        let found = t.and_then(|t| {
            let at =
                self.tiers[t].items.binary_search_by_key(&(key.len, key.id), |i| (i.len, i.id));
            at.ok().map(|at| (t, at))
        });
        let item = found.and_then(|(t, at)| {
            let item = self.tiers[t].items.remove(at);
            self.len -= 1;
            if self.tiers[t].items.is_empty() {
                self.drop_tier(t);
            }
            item
        });
        self.restart_ids(id_reset);
        item
    }

    fn remove_at(&mut self, t: usize, at: usize, id_reset: bool) -> Item {
        let items = &mut self.tiers[t].items;
        let item = if at + 1 == items.len() { items.pop_back() } else { items.remove(at) };
        let item = item.expect("the item was just found");
        self.len -= 1;
        if item.name != Name::Unique {
            self.names.remove(item.name);
        }
        self.restart_ids(id_reset);
        item
    }

    fn drop_tier(&mut self, t: usize) {
        let tier = self.tiers.remove(t);
        self.spare.push(tier.items);
    }

    fn restart_ids(&mut self, id_reset: bool) {
        if id_reset && self.len == 0 {
            self.id = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::belief::BeliefId;

    fn suspect(member: u32, from: u32) -> (Name, Message) {
        (Name::Member(MemberId(member)), Message::suspect(BeliefId(member), MemberId(from)))
    }

    fn push(queue: &mut Queue, (name, message): (Name, Message), len: u32) {
        queue.push(name, message, len, Waiter::None, true);
    }

    fn fill(queue: &mut Queue, limit: u32, transmits: u32) -> Vec<Message> {
        let mut out = Vec::new();
        let budget = Budget { overhead: 2, limit, transmits };
        queue.fill(budget, true, &mut Vec::new(), |item| out.push(item.message));
        out
    }

    #[test]
    fn fewest_transmits_then_longest_then_newest() {
        let mut queue = Queue::default();
        for (member, len) in [(1, 2), (2, 999), (3, 2), (4, 50)] {
            push(&mut queue, suspect(member, 9), len);
        }
        let order: Vec<_> = queue.items().map(|(_, i)| i.message.belief().0).collect();
        assert_eq!(order, [2, 4, 3, 1]);
        // What does not fit does not block what does.
        let sent: Vec<_> = fill(&mut queue, 58, 4).iter().map(|m| m.belief().0).collect();
        assert_eq!(sent, [4, 3]);
        let order: Vec<_> = queue.items().map(|(t, i)| (t, i.message.belief().0)).collect();
        assert_eq!(order, [(0, 2), (0, 1), (1, 4), (1, 3)]);
    }

    #[test]
    fn an_item_is_sent_exactly_its_limit() {
        let mut queue = Queue::default();
        push(&mut queue, suspect(1, 9), 31);
        let sent = (0..10).map(|_| fill(&mut queue, 1398, 8).len()).sum::<usize>();
        assert_eq!((sent, queue.len()), (8, 0));
    }

    #[test]
    fn a_newer_broadcast_of_the_name_supersedes() {
        let mut queue = Queue::default();
        push(&mut queue, suspect(1, 8), 31);
        push(&mut queue, suspect(2, 8), 31);
        push(&mut queue, suspect(1, 9), 31);
        let froms: Vec<_> =
            queue.items().map(|(_, i)| (i.message.belief().0, i.message.from().0)).collect();
        assert_eq!(froms, [(1, 9), (2, 8)]);
    }

    #[test]
    fn b1_the_id_counter_restarts_and_an_equal_key_replaces() {
        let mut queue = Queue::default();
        push(&mut queue, suspect(1, 8), 31);
        push(&mut queue, suspect(1, 9), 31); // id 2, and the counter is 0 again
        push(&mut queue, suspect(2, 9), 31); // id 1
        push(&mut queue, suspect(3, 9), 31); // id 2: replaces the item about 1
        let left: Vec<_> = queue.items().map(|(_, i)| i.message.belief().0).collect();
        assert_eq!(left, [3, 2]);
        assert_eq!(queue.take_replaced(), 1);
        // The stale name deletes the other item by its key.
        push(&mut queue, suspect(1, 7), 31);
        let left: Vec<_> = queue.items().map(|(_, i)| i.message.belief().0).collect();
        assert_eq!(left, [1, 2]);
    }

    #[test]
    fn b1_second_path_a_sent_item_is_replaced_when_another_catches_up() {
        let mut queue = Queue::default();
        push(&mut queue, suspect(1, 8), 31);
        fill(&mut queue, 1398, 8); // sent once as the only item: id 1 at one transmit, counter 0
        push(&mut queue, suspect(2, 8), 31); // id 1
        fill(&mut queue, 33, 8); // room for one: the unsent one
        let left: Vec<_> = queue.items().map(|(t, i)| (t, i.message.belief().0)).collect();
        assert_eq!(left, [(1, 2)]);
    }

    #[test]
    fn without_the_defect_nothing_is_lost() {
        let mut queue = Queue::default();
        for (member, from) in [(1, 8), (1, 9), (2, 9), (3, 9)] {
            let (name, message) = suspect(member, from);
            queue.push(name, message, 31, Waiter::None, false);
        }
        assert_eq!((queue.len(), queue.take_replaced()), (3, 0));
    }

    #[test]
    fn waiting_calls_learn_of_the_last_transmission_and_of_supersession() {
        let mut queue = Queue::default();
        let (name, message) = suspect(1, 1);
        queue.push(name, message, 31, Waiter::Leave, true);
        fill(&mut queue, 1398, 2);
        assert_eq!(queue.take_finished(), Finished::default());
        fill(&mut queue, 1398, 2);
        assert_eq!(queue.take_finished(), Finished { leave: true, update: false });
        queue.push(name, message, 31, Waiter::Update, true);
        push(&mut queue, (name, message), 31);
        assert_eq!(queue.take_finished(), Finished { leave: false, update: true });
    }
}
