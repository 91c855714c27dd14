//! What a run needs, fully checked: the plan that a scenario file becomes.
//!
//! A plan has no text left in it that could be wrong: durations are nanoseconds, shares are integer
//! thresholds, selectors are sets of slots, presets and overrides are whole [`Config`]s. The kernel
//! never fails on a plan.

mod network;
mod timeline;

use wavetank_protocol::{Config, Span};

pub use network::*;
pub use timeline::*;

/// A checked scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Name of the scenario.
    pub name: String,
    /// First seed.
    pub seed: u64,
    /// How many runs: seeds `seed .. seed + seeds`.
    pub seeds: u32,
    /// Simulated time, in nanoseconds.
    pub duration: Span,
    /// Who there is.
    pub cluster: Cluster,
    /// What lies between them.
    pub network: Network,
    /// What happens, in file order. Entries refer to each other by index.
    pub timeline: Vec<Entry>,
}

/// The nodes. A node's *slot* is its index over all groups in order; groups hold contiguous slots.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// How the run begins.
    pub start: Start,
    /// Groups in file order.
    pub groups: Vec<Group>,
    /// Distinct settings; groups and `set-config` refer to them by index.
    pub configs: Vec<Config>,
    /// Length of an address in bytes: 4 or 16.
    pub address_bytes: u8,
}

impl Cluster {
    /// Number of slots.
    pub fn slots(&self) -> u32 {
        self.groups.iter().map(|g| g.nodes).sum()
    }

    /// The group of a slot and the slot's index within it.
    pub fn locate(&self, slot: u32) -> (usize, u32) {
        let mut first = 0;
        for (i, group) in self.groups.iter().enumerate() {
            if slot < first + group.nodes {
                return (i, slot - first);
            }
            first += group.nodes;
        }
        (self.groups.len(), slot - first)
    }

    /// The name of the node in a slot.
    pub fn name(&self, slot: u32) -> String {
        let (group, index) = self.locate(slot);
        self.groups.get(group).map_or_else(|| format!("new-{index}"), |g| g.node_name(index))
    }
}

/// A group of nodes with the same settings and labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Name of the group.
    pub name: String,
    /// Number of nodes; at least 1.
    pub nodes: u32,
    /// Pattern of names with `{group}` and `{index}`, for example `{group}-{index}`.
    pub names: String,
    /// Labels such as zone, rack, role, in the order of their keys.
    pub labels: Vec<(String, String)>,
    /// Index into [`Cluster::configs`].
    pub config: u16,
    /// Metadata of each node, in bytes, at most 512.
    pub meta_bytes: u16,
    /// Serf: tags of each node, ascending by key; encoded they are the metadata.
    pub tags: Vec<(String, String)>,
    /// The nodes are not there until a `join` or `scale` names them.
    pub stopped: bool,
}

impl Group {
    /// The name of this group's node number `index`, zero-padded to the width of the group's last index.
    pub fn node_name(&self, index: u32) -> String {
        let width = (self.nodes.max(1) - 1).to_string().len();
        let index = format!("{index:0width$}");
        self.names.replace("{group}", &self.name).replace("{index}", &index)
    }
}

/// How the run begins.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    /// Everybody knows everybody at incarnation 1 and the cluster is at rest.
    Converged,
    /// Nodes run and know only themselves.
    Empty,
    /// Each node starts and joins through `via`: the first at 0, then one `every` so often, in slot order.
    /// A node that is itself in `via` starts at 0 and joins the earlier ones of `via`.
    Joining {
        /// Whom to join through, tried in this order.
        via: SlotSet,
        /// Between two starts.
        every: Span,
    },
}

/// A set of slots as ascending, disjoint, non-adjacent ranges `[from, to)`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotSet {
    ranges: Vec<(u32, u32)>,
}

impl SlotSet {
    /// Nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// The slots `from .. to`.
    pub fn range(from: u32, to: u32) -> Self {
        Self { ranges: if from < to { vec![(from, to)] } else { Vec::new() } }
    }

    /// From slots in any order, with repetitions.
    pub fn from_slots(slots: impl IntoIterator<Item = u32>) -> Self {
        let mut slots: Vec<u32> = slots.into_iter().collect();
        slots.sort_unstable();
        slots.dedup();
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for slot in slots {
            match ranges.last_mut() {
                Some(last) if last.1 == slot => last.1 += 1,
                _ => ranges.push((slot, slot + 1)),
            }
        }
        Self { ranges }
    }

    /// Its ranges `[from, to)`: ascending, disjoint, not adjacent.
    pub fn ranges(&self) -> &[(u32, u32)] {
        &self.ranges
    }

    /// From ranges `[from, to)` in any order, which may overlap.
    pub fn from_ranges(ranges: impl IntoIterator<Item = (u32, u32)>) -> Self {
        let mut given: Vec<(u32, u32)> =
            ranges.into_iter().filter(|(from, to)| from < to).collect();
        given.sort_unstable();
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for (from, to) in given {
            match ranges.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => ranges.push((from, to)),
            }
        }
        Self { ranges }
    }

    /// Whether nobody is in it.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How many are in it.
    pub fn len(&self) -> u32 {
        self.ranges.iter().map(|(from, to)| to - from).sum()
    }

    /// Whether a slot is in it.
    pub fn contains(&self, slot: u32) -> bool {
        let i = self.ranges.partition_point(|&(_, to)| to <= slot);
        self.ranges.get(i).is_some_and(|&(from, _)| from <= slot)
    }

    /// The slots, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.ranges.iter().flat_map(|&(from, to)| from..to)
    }

    /// In either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self::from_slots(self.iter().chain(other.iter()))
    }

    /// In this one and not in the other.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        Self::from_slots(self.iter().filter(|&s| !other.contains(s)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slot_sets_merge_neighbours_and_answer_membership() {
        let set = SlotSet::from_slots([5, 1, 2, 2, 9]);
        assert_eq!(set.iter().collect::<Vec<_>>(), [1, 2, 5, 9]);
        assert_eq!(set.len(), 4);
        assert!(set.contains(2) && !set.contains(3) && !set.contains(10));
        assert_eq!(SlotSet::from_ranges([(9, 10), (1, 2), (5, 6), (1, 3), (7, 7)]), set);
        assert_eq!(set.minus(&SlotSet::range(0, 3)), SlotSet::from_slots([5, 9]));
        assert_eq!(set.union(&SlotSet::range(3, 5)), SlotSet::from_slots([1, 2, 3, 4, 5, 9]));
    }
}
