//! Wavetank itself: a memberlist LAN cluster at rest, with digest and default metrics on.

use wavetank_protocol::time::SECOND;
use wavetank_scenarios::{Overrides, Source, load};
use wavetank_sim_core::{cluster::Tank, plan::Plan, watch::Nobody};

use crate::measure::{Cluster, Subject};

/// The plan of a cluster of so many nodes, 0.5 ms apart.
pub fn plan(nodes: u32) -> Plan {
    plan_of("memberlist-lan", nodes)
}

/// The same with a Serf agent above each node.
pub fn serf_plan(nodes: u32) -> Plan {
    plan_of("serf-lan", nodes)
}

fn plan_of(preset: &str, nodes: u32) -> Plan {
    let text = format!(
        "version: 1\nname: bench\nduration: 24h\ncluster: {{preset: {preset}, nodes: {nodes}}}\n\
         network: {{latency: 500us}}\n"
    );
    load(Source::new("bench", &text), &Overrides::default()).expect("the scenario is valid").plan
}

/// A simulated cluster that is advanced by whole seconds.
pub struct Wavetank<'p> {
    tank: Tank<'p, Nobody>,
    killed: u32,
}

impl<'p> Wavetank<'p> {
    /// A cluster at rest.
    pub fn new(plan: &'p Plan, seed: u64) -> Self {
        Self { tank: Tank::new(plan, seed, Nobody), killed: 0 }
    }
}

impl Subject for Wavetank<'_> {
    fn advance(&mut self, seconds: u64) {
        let until = self.tank.now() + seconds * SECOND;
        self.tank.advance(until);
    }
}

impl Cluster for Wavetank<'_> {
    fn kill(&mut self) {
        self.tank.crash(self.killed);
        self.killed += 1;
    }
}
