//! How a run begins: slots, names, settings, and a cluster at rest, empty or joining.

use std::collections::VecDeque;

use wavetank_protocol::{
    Config, NEVER,
    belief::{AddressId, Attributes, Belief, MemberId, Roster, Status},
    rng::{Chance, Keys, root},
    serf::{Serf, members::Resting},
    swim::{Env, Identity, Node, Rest, World},
    view::{PlainTable, Snapshots},
};

use super::{
    Tank, first_address,
    host::Host,
    outbox::{Carrier, GIVEN_UP, Kernel},
    script::{Script, Task},
};
use crate::{
    arena::Arena,
    digest::Digest,
    net::Net,
    observe::Observer,
    plan::{Action, Plan, Start},
    queue::Queue,
    watch::Watch,
};

/// Purposes of the run's ChaCha streams.
pub mod purpose {
    /// Creation instants.
    pub const PHASES: u64 = 1;
    /// Start times of joining nodes.
    pub const JOINS: u64 = 2;
    /// Which of Serf's periods creation instants lie in.
    pub const SERF_PHASES: u64 = 3;
    /// Entries of the timeline, from here on by index: times and picks.
    pub const ENTRIES: u64 = 1 << 16;
}

/// A tank with its slots and nobody in them.
pub fn blank<W: Watch>(plan: &Plan, seed: u64, keys: Keys, watch: W) -> Tank<'_, W> {
    let slots = plan.cluster.slots();
    let mut roster = Roster::new(plan.cluster.address_bytes);
    let mut hosts = Vec::with_capacity(slots as usize);
    let mut config_of = Vec::with_capacity(slots as usize);
    // Members of the first minute come first, so that in a cluster at rest they are `0 .. n`.
    let mut members = vec![MemberId(0); slots as usize];
    let mut slot_of = Vec::with_capacity(slots as usize);
    for stopped in [false, true] {
        let mut slot = 0;
        for group in &plan.cluster.groups {
            for index in 0..group.nodes {
                if group.stopped == stopped {
                    members[slot as usize] = roster.add_member(&group.node_name(index));
                    slot_of.push(slot);
                }
                slot += 1;
            }
        }
    }
    for group in &plan.cluster.groups {
        for _ in 0..group.nodes {
            let slot = hosts.len() as u32;
            hosts.push(Host::new(first_address(slot), members[slot as usize]));
            config_of.push(group.config);
        }
    }
    let with_serf = plan.cluster.configs.iter().any(|c| c.serf.is_some());
    let observer = Observer::new(plan, slots);
    let kernel = Kernel {
        now: 0,
        queue: Queue::new(),
        timeouts: VecDeque::new(),
        arena: Arena::default(),
        net: Net::new(&plan.network, slots, keys),
        digest: Digest::default(),
        hosts,
        odd: (0..slots).map(|_| None).collect(),
        addresses: (0..slots).collect(),
        connections: super::streams::Connections::default(),
        over: Vec::new(),
        observer,
        told: Vec::new(),
        told_serf: Vec::new(),
        words: Vec::new(),
        log: W::PACKETS.then(Vec::new),
    };
    let mut world = World::new(roster, keys);
    world.serf.no_snapshots = !plan.timeline.iter().any(|entry| match &entry.action {
        Action::Restart { how, .. } | Action::RollingRestart { how, .. } => how.from_snapshot,
        _ => false,
    });
    Tank {
        plan,
        seed,
        kernel,
        world,
        configs: plan.cluster.configs.clone(),
        config_of,
        nodes: (0..slots).map(|_| None).collect(),
        serfs: if with_serf { (0..slots).map(|_| None).collect() } else { Vec::new() },
        deferred: Vec::new(),
        look_at: if with_serf { 0 } else { NEVER },
        tables: (0..slots).map(|_| PlainTable::default()).collect(),
        snapshots: Snapshots::default(),
        slot_of,
        copy: super::packet::Copy::default(),
        script: Script::default(),
        watch,
    }
}

impl<W: Watch> Tank<'_, W> {
    /// What the process on a slot says about itself at its first start.
    pub(super) fn first_attributes(&mut self, slot: u32) -> Attributes {
        let (group, _) = self.plan.cluster.locate(slot);
        if self.config(slot).serf.is_some() {
            let tags = self.plan.cluster.groups.get(group).map(|g| g.tags.clone());
            return self.tagged(slot, tags.unwrap_or_default());
        }
        let meta_len = self.plan.cluster.groups.get(group).map_or(0, |g| g.meta_bytes);
        let config = &self.configs[self.config_of[slot as usize] as usize];
        Attributes {
            address: self.kernel.hosts[slot as usize].address,
            meta: self.world.roster.new_meta(meta_len),
            meta_len,
            protocol: config.protocol_version,
        }
    }

    pub(super) fn populate(&mut self) {
        match self.plan.cluster.start.clone() {
            Start::Converged => self.converge(),
            Start::Empty => {
                for slot in self.first_slots() {
                    self.start_fresh(slot);
                }
            }
            Start::Joining { via, every } => {
                // Within its turn each node starts at a time of its own, or ticks would be in step.
                let mut rng = root(self.seed, purpose::JOINS);
                for (turn, slot) in self.first_slots().into_iter().enumerate() {
                    let first = via.contains(slot);
                    let within = rng.span(every.max(1));
                    let at = if first { 0 } else { turn as u64 * every + within };
                    let others: Vec<u32> = via.iter().filter(|&s| s != slot).collect();
                    self.schedule(at, Task::Join { slot, via: others });
                }
            }
        }
    }

    fn first_slots(&self) -> Vec<u32> {
        let mut slots = Vec::new();
        let mut slot = 0;
        for group in &self.plan.cluster.groups {
            if !group.stopped {
                slots.extend(slot..slot + group.nodes);
            }
            slot += group.nodes;
        }
        slots
    }

    /// Everybody knows everybody at incarnation 1, each at its own place in its cycles.
    fn converge(&mut self) {
        let slots = self.first_slots();
        let members = slots.len() as u32;
        let mut beliefs = Vec::with_capacity(slots.len());
        let mut attributes = Vec::with_capacity(slots.len());
        let mut state_bytes = 0;
        for &slot in &slots {
            let id = self.first_attributes(slot);
            let id = self.world.roster.attributes_id(id);
            attributes.push(id);
            let belief = Belief {
                member: self.kernel.hosts[slot as usize].member,
                status: Status::Alive,
                incarnation: 1,
                attributes: id,
            };
            beliefs.push(self.world.roster.belief_id(belief));
            state_bytes += u64::from(self.world.sizes.state_entry(&self.world.roster, belief));
        }
        let table = PlainTable::of(beliefs);
        let records = if self.serfs.is_empty() {
            Resting::default()
        } else {
            Resting::new(&self.world.roster, &attributes)
        };
        let mut rng = root(self.seed, purpose::PHASES);
        let mut later = root(self.seed, purpose::SERF_PHASES);
        for (i, &slot) in slots.iter().enumerate() {
            let config = &self.configs[self.config_of[slot as usize] as usize];
            let cycle = cycle(config);
            let age = rng.span(cycle);
            let rest = Rest { age, members, state_bytes };
            let serf = config.serf;
            let identity = self.identity(slot, attributes[i]);
            self.tables[slot as usize] = table.clone();
            if let Some(serf) = serf {
                // The creation instant again, now within the longest of Serf's own periods.
                let longest = serf.reap_interval.max(serf.reconnect_interval);
                let longest = longest.max(serf.queue_check_interval);
                let cycles = longest.div_ceil(cycle.max(1)).max(1);
                let age = age + later.span(cycles) * cycle;
                self.boot(slot, |env| {
                    let (node, serf) = Serf::at_rest(env, identity, rest, (&records, age));
                    (node, Some(serf))
                });
            } else {
                self.boot(slot, |env| (Node::at_rest(env, identity, rest), None));
            }
        }
        let known: Vec<_> = slots
            .iter()
            .zip(&attributes)
            .map(|(&slot, &id)| (self.kernel.hosts[slot as usize].member, id))
            .collect();
        self.kernel.observer.all_known(&known, 0);
    }

    pub(super) fn identity(
        &self,
        slot: u32,
        attributes: wavetank_protocol::belief::AttributesId,
    ) -> Identity {
        let host = &self.kernel.hosts[slot as usize];
        // Lives of a slot are far fewer than slots times lives fit in a stream number.
        let stream = slot ^ host.life.wrapping_mul(0x9e37_79b1);
        Identity { me: host.member, attributes, stream }
    }

    /// Puts a new machine on a slot.
    pub(super) fn boot(
        &mut self,
        slot: u32,
        make: impl FnOnce(
            &mut Env<'_, wavetank_protocol::view::PlainView<'_>, Carrier<'_>>,
        ) -> (Node, Option<Serf>),
    ) {
        let i = slot as usize;
        let host = &mut self.kernel.hosts[i];
        host.presence = super::Presence::Running;
        host.scheduled = wavetank_protocol::NEVER;
        host.depth = 0;
        self.kernel.observer.started(slot, self.kernel.now);
        let now = super::local(&self.kernel, slot);
        let mut out = Carrier { slot, frozen: false, kernel: &mut self.kernel };
        let mut view = self.tables[i].with(&mut self.snapshots);
        let mut env = Env {
            now,
            config: &self.configs[self.config_of[i] as usize],
            world: &mut self.world,
            view: &mut view,
            out: &mut out,
        };
        let (mut node, serf) = make(&mut env);
        // Its host may be slow already.
        node.set_slow(self.kernel.odd[i].as_ref().is_some_and(|o| o.service > 0));
        self.nodes[i] = Some(node);
        self.seat(slot, serf);
        self.settle(slot);
    }

    /// A first process on a slot, alone, somewhere in its cycles.
    fn start_fresh(&mut self, slot: u32) {
        self.start_process(slot, 1);
    }

    /// A new process: knows itself, joins nobody.
    pub(super) fn start_process(&mut self, slot: u32, incarnation: u32) {
        let i = slot as usize;
        let attributes = if let Some(attributes) = self.script.attributes.get(&slot) {
            let mut attributes = *attributes;
            attributes.address = self.kernel.hosts[i].address;
            attributes.protocol = self.configs[self.config_of[i] as usize].protocol_version;
            // A new process encodes its tags anew.
            let tags = self.world.serf.ledger.tags(attributes.meta);
            if tags.is_empty() { attributes } else { self.tagged(slot, tags.to_vec()) }
        } else {
            self.first_attributes(slot)
        };
        self.script.attributes.insert(slot, attributes);
        let id = self.world.roster.attributes_id(attributes);
        self.kernel.hosts[i].life += 1;
        self.tables[i] = PlainTable::default();
        let identity = self.identity(slot, id);
        if W::PACKETS {
            let scene =
                crate::watch::Scene { now: self.kernel.now, slot, roster: &self.world.roster };
            self.watch.process(scene, identity.me, "started");
        }
        self.kernel.effect(slot, super::Effect::Process, 1, u64::from(identity.me.0));
        if self.config(slot).serf.is_some() {
            let start = self.snapshot_of(slot);
            self.boot(slot, |env| {
                let (node, serf) = Serf::create(env, identity, incarnation, start);
                (node, Some(serf))
            });
        } else {
            self.boot(slot, |env| (Node::create(env, identity, incarnation), None));
        }
    }
}

/// The least common multiple of the probe and gossip intervals, within a day.
fn cycle(config: &Config) -> u64 {
    const DAY: u64 = 24 * 60 * wavetank_protocol::time::MINUTE;
    let (a, b) = (config.probe_interval.max(1), config.gossip_interval.max(1));
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    (a / x).saturating_mul(b).min(DAY)
}

/// An address beyond those of the slots; nobody answers at the old one any more.
pub(super) fn new_address(kernel: &mut Kernel, slot: u32) -> AddressId {
    let old = kernel.hosts[slot as usize].address;
    kernel.addresses[old.index()] |= GIVEN_UP;
    kernel.addresses.push(slot);
    AddressId(kernel.addresses.len() as u32 - 1)
}
