//! Checkers of histories: what may never happen at any transition, and what must hold in the end.
//!
//! [`Judge`] watches a run and remembers what each process believes; every change must be one that the
//! specification's section 6 allows, nobody dies without somebody's timer, nobody has left who did not say
//! so. [`converged`] looks at a cluster from outside. Each check is tested with a history that breaks it.

use std::collections::{BTreeMap, BTreeSet};

use wavetank_protocol::{
    Time,
    belief::{AddressId, Belief, MemberId, Roster, Status},
    message::Packet,
    swim::{Event, Via},
};
use wavetank_sim_core::{
    cluster::Tank,
    net::Drop,
    outcome::Outcome,
    plan::Plan,
    watch::{Scene, Watch},
};

/// Violations are kept up to this many.
const ENOUGH: usize = 8;

/// What a watcher saw of the counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Datagrams sent.
    pub sent: u64,
    /// Datagrams that reached a process.
    pub delivered: u64,
    /// Lost to links and full queues.
    pub lost: u64,
    /// Stopped by partitions and blocks.
    pub cut: u64,
    /// Sent to nobody.
    pub unheard: u64,
    /// Probes begun.
    pub probes: u64,
    /// Probes that failed.
    pub failed: u64,
    /// Records that turned suspect.
    pub suspicions: u64,
    /// Suspicion timers that expired.
    pub timeouts: u64,
    /// Refutations.
    pub refutations: u64,
}

/// A watcher that objects.
#[derive(Debug, Default)]
pub struct Judge {
    /// What is wrong, in words.
    pub violations: Vec<String>,
    /// What was counted.
    pub seen: Seen,
    /// Successes of the last join of each slot's process.
    pub joins: BTreeMap<u32, u32>,
    /// Kinds of things that happened, for proofs that a campaign reaches them.
    pub kinds: BTreeSet<String>,
    now: Time,
    reclaims: bool,
    member_of: Vec<MemberId>,
    records: BTreeMap<(u32, MemberId), (Belief, AddressId)>,
    /// Whose timer declared whom dead at which incarnation.
    declared: BTreeSet<(MemberId, MemberId, u32)>,
    left: BTreeSet<MemberId>,
}

impl Judge {
    /// A judge of a plan's runs. Groups that are not there at the start must come last.
    pub fn new(plan: &Plan) -> Self {
        Self {
            member_of: (0..plan.cluster.slots()).map(MemberId).collect(),
            reclaims: plan.cluster.configs.iter().any(|c| c.dead_node_reclaim_time > 0),
            ..Self::default()
        }
    }

    fn object(&mut self, why: impl std::fmt::Display) {
        if self.violations.len() < ENOUGH {
            self.violations.push(format!("at {} ns: {why}", self.now));
        }
    }

    fn tick(&mut self, now: Time) {
        if now < self.now {
            self.object(format!("time went back to {now}"));
        }
        self.now = now;
    }

    fn believed(
        &mut self,
        scene: Scene<'_>,
        old: Option<Belief>,
        new: Belief,
        how: (MemberId, Via),
    ) {
        let (from, via) = how;
        let me = self.member_of[scene.slot as usize];
        let address = scene.roster.attributes(new.attributes).address;
        let before = self.records.insert((scene.slot, new.member), (new, address));
        if let (Some((known, _)), Some(old)) = (before, old)
            && known != old
        {
            self.object(format!("{me:?} held {known:?} and says it held {old:?}"));
        }
        let old = old.map(|b| (b, scene.roster.attributes(b.attributes).address));
        if let Err(why) = possible(me, old, (new, address), from, self.reclaims) {
            self.object(format!("{why}: {me:?} changes {old:?} to {new:?}, by {from:?}"));
        }
        match new.status {
            Status::Suspect => self.seen.suspicions += 1,
            Status::Dead => {
                if !self.declared.contains(&(from, new.member, new.incarnation)) {
                    self.object(format!("{new:?} is dead and no timer of {from:?} said so"));
                }
            }
            Status::Left if new.member == me => {
                self.left.insert(me);
            }
            Status::Left => {
                if !self.left.contains(&new.member) {
                    self.object(format!("{new:?} has left and does not know it"));
                }
            }
            Status::Alive => {}
        }
        let then = old.map_or("unknown".to_owned(), |(b, _)| format!("{:?}", b.status));
        self.kinds.insert(format!("{then} to {:?} via {via:?}", new.status));
    }
}

/// Whether one record can change like this (specification 6); beliefs come with their addresses.
/// Errors: why not.
pub fn possible(
    me: MemberId,
    old: Option<(Belief, AddressId)>,
    (new, address): (Belief, AddressId),
    from: MemberId,
    reclaims: bool,
) -> Result<(), &'static str> {
    use Status::{Alive, Dead, Left, Suspect};
    let Some((old, was_at)) = old else {
        return if new.status == Alive { Ok(()) } else { Err("a stranger is not alive") };
    };
    let moved = was_at != address;
    let ok = |good: bool, why| if good { Ok(()) } else { Err(why) };
    if new.member == me {
        return match (old.status, new.status) {
            (Alive, Alive) => {
                ok(new.incarnation > old.incarnation, "its own incarnation went back")
            }
            (Alive, Left) => ok(from == me, "it was made to leave"),
            _ => Err("it holds itself dead or suspect"),
        };
    }
    match (old.status, new.status) {
        (Left, Alive) if moved => Ok(()),
        (Dead, Alive) if moved => ok(reclaims, "a dead name moved"),
        _ if moved => Err("it moved without being gone"),
        (_, Alive) => ok(new.incarnation > old.incarnation, "alive without a greater incarnation"),
        _ if new.incarnation < old.incarnation => Err("an incarnation went back"),
        (Alive, Suspect) => Ok(()),
        (Alive | Suspect, Dead) => ok(from != new.member, "dead by its own word"),
        (Alive | Suspect, Left) => ok(from == new.member, "left by another's word"),
        _ => Err("no such transition"),
    }
}

impl Watch for Judge {
    const PACKETS: bool = true;

    fn sent(&mut self, scene: Scene<'_>, _to: u32, packet: &Packet<'_>) {
        self.tick(scene.now);
        self.seen.sent += 1;
        if packet.len == 0 || packet.len > 1407 {
            self.object(format!("a packet of {} bytes", packet.len));
        }
    }

    fn delivered(&mut self, scene: Scene<'_>, _from: u32, _packet: &Packet<'_>) {
        self.tick(scene.now);
        self.seen.delivered += 1;
    }

    fn lost(&mut self, scene: Scene<'_>, _to: u32, why: Option<Drop>) {
        self.tick(scene.now);
        match why {
            None => self.seen.unheard += 1,
            Some(Drop::Cut) => self.seen.cut += 1,
            Some(_) => self.seen.lost += 1,
        }
        self.kinds.insert(format!("packet lost: {why:?}"));
    }

    fn process(&mut self, scene: Scene<'_>, name: MemberId, what: &'static str) {
        self.tick(scene.now);
        self.kinds.insert(format!("process {what}"));
        self.records.retain(|(slot, _), _| *slot != scene.slot);
        self.joins.remove(&scene.slot);
        if what == "started" {
            self.member_of[scene.slot as usize] = name;
        }
    }

    fn event(&mut self, scene: Scene<'_>, event: &Event) {
        self.tick(scene.now);
        let me = self.member_of[scene.slot as usize];
        match *event {
            Event::Believed { old, new, from, via, .. } => {
                let belief = |id| scene.roster.belief(id);
                self.believed(scene, old.map(belief), belief(new), (from, via));
            }
            Event::Reaped { member, old } => {
                self.records.remove(&(scene.slot, member));
                self.kinds.insert("Reaped".to_owned());
                if !scene.roster.belief(old).status.is_gone() {
                    self.object(format!("{me:?} reaps {member:?}, who is not gone"));
                }
            }
            Event::SuspicionExpired { member, .. } => {
                self.seen.timeouts += 1;
                if let Some((belief, _)) = self.records.get(&(scene.slot, member)) {
                    self.declared.insert((me, member, belief.incarnation));
                }
            }
            Event::Refuted { .. } => {
                self.seen.refutations += 1;
                self.kinds.insert("Refuted".to_owned());
            }
            Event::Probing { target, .. } => {
                self.seen.probes += 1;
                if target == me {
                    self.object(format!("{me:?} probes itself"));
                }
            }
            Event::Probed { end, .. } => {
                self.seen.failed += u64::from(end == wavetank_protocol::swim::ProbeEnd::Failed);
                self.kinds.insert(format!("probe {end:?}"));
            }
            Event::Joined { successes, .. } => {
                self.joins.insert(scene.slot, successes);
            }
            _ => {
                let text = format!("{event:?}");
                let name = text.split(' ').next().unwrap_or_default();
                if !self.kinds.contains(name) {
                    self.kinds.insert(name.to_owned());
                }
            }
        }
    }
}

/// Compares what a run says it counted with what its watcher saw. Errors: what differs.
pub fn counted(outcome: &Outcome, seen: &Seen) -> Result<(), String> {
    for (metric, seen) in [
        ("packets.sent", seen.sent),
        ("packets.cut", seen.cut),
        ("packets.unheard", seen.unheard),
        ("probes.sent", seen.probes),
        ("probes.failed", seen.failed),
        ("suspicions", seen.suspicions),
        ("suspicion_timeouts", seen.timeouts),
        ("refutations", seen.refutations),
    ] {
        let counter = outcome.counters.iter().find(|c| c.metric == metric).map(|c| c.count);
        if counter != Some(seen) {
            return Err(format!("{metric} is {counter:?}, {seen} were seen"));
        }
    }
    Ok(())
}

/// Whether all processes that run and have not left agree with each other and with the truth: each holds
/// each of the others alive as that one describes itself, and nobody else alive or suspect.
/// Errors: the first who does not.
pub fn converged<W: Watch>(tank: &Tank<'_, W>, slots: u32) -> Result<(), String> {
    let roster: &Roster = tank.roster();
    let runs = |slot: &u32| tank.node(*slot).is_some_and(|node| !node.has_left());
    let running: Vec<u32> = (0..slots).filter(runs).collect();
    let mut truth: Vec<Option<Belief>> = vec![None; roster.members() as usize];
    for &slot in &running {
        let member = tank.host(slot).member;
        truth[member.index()] = tank.belief(slot, member);
    }
    for &observer in &running {
        for member in (0..roster.members()).map(MemberId) {
            let held = tank.belief(observer, member);
            let agrees = match truth[member.index()] {
                Some(own) => held == Some(own),
                None => held.is_none_or(|b| b.status.is_gone()),
            };
            if !agrees {
                let (own, name) = (truth[member.index()], roster.name(member));
                return Err(format!("slot {observer} holds {held:?} of {name}, which is {own:?}"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use wavetank_protocol::belief::{Attributes, BeliefId};

    use super::*;

    /// Members 0 to 3 with all that can be believed about them.
    fn world() -> (Roster, impl Fn(&mut Roster, u32, Status, u32, u32) -> BeliefId) {
        let mut roster = Roster::new(16);
        for name in ["a", "b", "c", "d"] {
            roster.add_member(name);
        }
        let belief = |roster: &mut Roster, member, status, incarnation, address| {
            let address = AddressId(address);
            let attributes =
                roster.attributes_id(Attributes { address, meta: 0, meta_len: 0, protocol: 2 });
            roster.belief_id(Belief { member: MemberId(member), status, incarnation, attributes })
        };
        (roster, belief)
    }

    fn judge() -> Judge {
        Judge { member_of: (0..4).map(MemberId).collect(), ..Judge::default() }
    }

    /// A change of belief: member, old, new, from.
    type Turn = (u32, (Status, u32), (Status, u32), u32);

    /// What a judge on slot 0 says about a list of changes.
    fn verdict(changes: &[Turn]) -> Vec<String> {
        let (mut roster, belief) = world();
        let mut judge = judge();
        for &(member, (old, was), (new, is), from) in changes {
            let old = belief(&mut roster, member, old, was, member);
            let new = belief(&mut roster, member, new, is, member);
            let (member, from) = (MemberId(member), MemberId(from));
            let scene = Scene { now: 5, slot: 0, roster: &roster };
            judge.event(
                scene,
                &Event::Believed { member, old: Some(old), new, from, via: Via::Packet },
            );
        }
        judge.violations
    }

    #[test]
    fn each_broken_history_is_objected_to() {
        use Status::{Alive, Dead, Left, Suspect};
        let said = |changes: &[_], what: &str| {
            let verdict = verdict(changes);
            assert!(verdict.iter().any(|v| v.contains(what)), "not {what}: {verdict:?}");
        };
        said(&[(1, (Alive, 3), (Alive, 2), 1)], "without a greater incarnation");
        said(&[(1, (Alive, 3), (Suspect, 2), 2)], "incarnation went back");
        said(&[(1, (Dead, 3), (Suspect, 3), 2)], "no such transition");
        said(&[(0, (Alive, 3), (Suspect, 3), 2)], "itself dead or suspect");
        said(&[(0, (Alive, 3), (Alive, 2), 0)], "own incarnation went back");
        said(&[(0, (Alive, 3), (Left, 3), 2)], "made to leave");
        said(&[(1, (Suspect, 3), (Dead, 3), 2)], "no timer of");
        said(&[(1, (Alive, 3), (Left, 3), 1)], "does not know it");
        said(&[(1, (Alive, 3), (Alive, 4), 1), (1, (Alive, 3), (Suspect, 3), 2)], "says it held");
        assert_eq!(verdict(&[(1, (Alive, 3), (Suspect, 3), 2)]), [""; 0]);
    }

    #[test]
    fn time_self_probes_and_odd_packets_are_objected_to() {
        let (mut roster, belief) = world();
        let alive = belief(&mut roster, 1, Status::Alive, 1, 1);
        let scene = |now| Scene { now, slot: 0, roster: &roster };
        let mut judge = judge();
        judge.event(scene(9), &Event::Probing { target: MemberId(0), seq: 1 });
        judge.event(scene(8), &Event::Reaped { member: MemberId(1), old: alive });
        let all = judge.violations.join("; ");
        for what in ["probes itself", "time went back", "not gone"] {
            assert!(all.contains(what), "{what}: {all}");
        }
    }

    #[test]
    fn wrong_counts_are_seen() {
        let text = "version: 1\nname: t\nduration: 9s\ncluster: {nodes: 4}\n";
        let plan = wavetank_scenarios::load(
            wavetank_scenarios::Source::new("t", text),
            &wavetank_scenarios::Overrides::default(),
        );
        let plan = plan.expect("a scenario").plan;
        let (outcome, judge) = Tank::run(&plan, 1, Judge::new(&plan));
        assert_eq!(counted(&outcome, &judge.seen), Ok(()));
        let wrong = Seen { sent: judge.seen.sent + 1, ..judge.seen };
        assert!(counted(&outcome, &wrong).is_err());
    }
}
