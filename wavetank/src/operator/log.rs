//! An agent's log, made from what its node tells (Serf specification 13.3).
//!
//! At level debug the original writes a line for every copy of a message; here copies of user events and
//! queries that were known already are left out.

use std::{fmt, str::FromStr};

use wavetank_protocol::{
    Time,
    belief::{AddressId, MemberId, Roster},
    message::Packet,
    serf::{
        self,
        event::{Delivery, MemberEvent, Path, Receipt},
        ledger::{Ledger, QuestionId, TextId},
    },
    swim::{self, ProbeEnd},
    time::SECOND,
};
use wavetank_sim_core::{
    plan::{Action, Of, Plan, Selector, Start},
    watch::{Scene, Watch},
};

/// How grave a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Every message.
    Debug,
    /// What happens.
    Info,
    /// What may be wrong.
    Warn,
    /// What is wrong.
    Err,
}

impl Level {
    /// Its name in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Err => "ERR",
        }
    }
}

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Debug, Self::Info, Self::Warn, Self::Err];
        let found = all.into_iter().find(|l| l.name().eq_ignore_ascii_case(text));
        found.ok_or_else(|| "expected debug, info, warn or err".to_owned())
    }
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When, in simulated time.
    pub at: Time,
    /// How grave.
    pub level: Level,
    /// Subsystem and words.
    pub text: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}] {}", date(self.at / SECOND), self.level.name(), self.text)
    }
}

/// A time as the log writes it; seconds since the beginning of the year 2000.
fn date(seconds: u64) -> String {
    const LENGTHS: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let (mut day, of_day) = (seconds / 86_400, seconds % 86_400);
    let mut year = 2000;
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    while day >= 365 + u64::from(leap(year)) {
        day -= 365 + u64::from(leap(year));
        year += 1;
    }
    let mut month = 0;
    let length = |month: usize| LENGTHS[month] + u64::from(month == 1 && leap(year));
    while day >= length(month) {
        day -= length(month);
        month += 1;
    }
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year}/{:02}/{:02} {hour:02}:{minute:02}:{second:02}", month + 1, day + 1)
}

/// Writes the log of one slot.
#[derive(Debug)]
pub(super) struct Log<'p> {
    plan: &'p Plan,
    slot: u32,
    level: Level,
    /// Which slots run.
    running: Vec<bool>,
    /// Whose name the process carries: in a conflict of names that of another slot.
    me: MemberId,
    /// Whom the process joins through once it has started, as the entry has it.
    via: Option<Vec<u32>>,
    /// What members said last about where they are, where that is not where they were at first.
    addresses: Vec<Option<AddressId>>,
    /// The last handler's event with its time: members of one event are told one by one.
    delivered: Option<(Time, MemberEvent)>,
    pub(super) lines: Vec<Line>,
}

impl<'p> Log<'p> {
    pub(super) fn new(plan: &'p Plan, slot: u32, level: Level) -> Self {
        let there = plan.cluster.start == Start::Converged;
        let groups = plan.cluster.groups.iter();
        let running = groups
            .flat_map(|g| std::iter::repeat_n(there && !g.stopped, g.nodes as usize))
            .collect();
        let (addresses, lines, me) = (Vec::new(), Vec::new(), MemberId(slot));
        Self { plan, slot, level, running, me, via: None, addresses, delivered: None, lines }
    }

    fn write(&mut self, at: Time, level: Level, text: String) {
        if level >= self.level {
            self.lines.push(Line { at, level, text });
        }
    }

    /// The address at which a member was last heard; at rest each has the address of its number.
    fn address(&self, member: MemberId) -> AddressId {
        let known = self.addresses.get(member.index()).copied().flatten();
        known.unwrap_or(AddressId(member.0))
    }

    fn runs(&self, slot: u32) -> bool {
        self.running.get(slot as usize).copied().unwrap_or(false)
    }

    /// A call of join; without addresses it is that of the first three others that run.
    fn joining(&mut self, now: Time, via: &[u32]) {
        let others = (0..self.running.len() as u32).filter(|&s| s != self.slot);
        let via: Vec<u32> = match via {
            [] => others.filter(|&s| self.runs(s)).take(3).collect(),
            _ => via.iter().copied().filter(|&s| s != self.slot).collect(),
        };
        if via.is_empty() {
            return;
        }
        let addresses: Vec<String> = via.iter().map(|&s| AddressId(s).text()).collect();
        let text = format!("agent: joining: [{}] replay: false", addresses.join(" "));
        self.write(now, Level::Info, text);
    }

    /// A member event of Serf's.
    fn member(&mut self, scene: Scene<'_>, kind: MemberEvent, member: MemberId, forced: bool) {
        let (name, ip) = (scene.roster.name(member), self.address(member).ip());
        let made = if forced { " (forced)" } else { "" };
        let what = match kind {
            MemberEvent::Join => format!("EventMemberJoin: {name} {ip}"),
            MemberEvent::Leave => format!("EventMemberLeave{made}: {name} {ip}"),
            MemberEvent::Failed => format!("EventMemberFailed: {name} {ip}"),
            MemberEvent::Update => format!("EventMemberUpdate: {name}"),
            MemberEvent::Reap if forced => format!("EventMemberReap (forced): {name} {ip}"),
            MemberEvent::Reap => format!("EventMemberReap: {name}"),
        };
        self.write(scene.now, Level::Info, format!("serf: {what}"));
    }

    /// The address of another node that claims the name of this member, as the script has it.
    fn claimant(&self, member: MemberId) -> Option<AddressId> {
        let entry = self.plan.timeline.iter().find_map(|entry| match &entry.action {
            Action::Join { who, name_of: Some(slot), .. } if *slot == member.0 => Some(who),
            _ => None,
        });
        match entry.map(|who| &who.of) {
            Some(Of::Set(set)) => set.iter().next().map(AddressId),
            _ => None,
        }
    }

    fn conflict(&mut self, scene: Scene<'_>, member: MemberId) {
        let mine = member == self.me;
        let known = if mine { AddressId(self.slot) } else { self.address(member) };
        // One is where the name was at first, the other where the script starts a second process under it.
        let first = AddressId(member.0);
        let other = if known == first { self.claimant(member) } else { Some(first) };
        let other = other.map_or_else(|| "?".to_owned(), AddressId::text);
        if mine {
            let serf = self.serf_of(self.slot);
            let enabled = serf.is_some_and(|s| s.enable_name_conflict_resolution);
            let text = format!(
                "serf: Node name conflicts with another node at {other}. Names must be unique! (Resolution \
                 enabled: {enabled})"
            );
            self.write(scene.now, Level::Err, text);
        } else {
            let (name, known) = (scene.roster.name(member), known.text());
            let text =
                format!("serf: Name conflict for '{name}' both {known} and {other} are claiming");
            self.write(scene.now, Level::Warn, text);
        }
    }

    /// The settings of Serf with which a slot begins, if it has any.
    fn serf_of(&self, slot: u32) -> Option<serf::Config> {
        let (group, _) = self.plan.cluster.locate(slot);
        let config = self.plan.cluster.groups.get(group).map_or(0, |g| g.config);
        self.plan.cluster.configs.get(usize::from(config)).and_then(|c| c.serf)
    }

    /// Whether the operator of this agent is the one who forces this slot to leave. Whom a `pick` drew for that
    /// nobody tells, so the log has no line then.
    fn forces(&self, by: Option<&Selector>, slot: u32) -> bool {
        let able = |&s: &u32| self.runs(s) && self.serf_of(s).is_some();
        let others = (0..self.running.len() as u32).filter(|&s| s != slot);
        let forcing = match by {
            None => others.into_iter().find(able),
            Some(Selector { of: Of::Set(set), pick: None, .. }) => set.iter().find(able),
            Some(_) => None,
        };
        forcing == Some(self.slot)
    }

    fn delivered(&mut self, scene: Scene<'_>, ledger: &Ledger, delivery: Delivery) {
        let what = match delivery {
            Delivery::Member(kind, _) => {
                if self.delivered.replace((scene.now, kind)) == Some((scene.now, kind)) {
                    return;
                }
                kind.name().to_owned()
            }
            Delivery::User(_, text) => format!("user-event: {}", ledger.text(text).name),
            Delivery::Query(_, question) => format!("query: {}", asked(ledger, question)),
        };
        if !matches!(delivery, Delivery::Member(..)) {
            self.delivered = None;
        }
        self.write(scene.now, Level::Info, format!("agent: Received event: {what}"));
    }

    fn old(&mut self, now: Time, what: &str, name: &str, (ltime, current): (u64, u64)) {
        let text =
            format!("serf: received old {what} {name} from time {ltime} (current: {current})");
        self.write(now, Level::Warn, text);
    }

    fn answer(
        &mut self,
        scene: Scene<'_>,
        (ltime, id): (u64, u32),
        from: MemberId,
        receipt: Receipt,
    ) {
        let from = scene.roster.name(from);
        self.write(scene.now, Level::Debug, format!("serf: messageQueryResponseType: {from}"));
        match receipt {
            Receipt::Late => {
                let text = format!(
                    "serf: reply for non-running query (LTime: {ltime}, ID: {id}) From: {from}"
                );
                self.write(scene.now, Level::Warn, text);
            }
            Receipt::InTime | Receipt::Duplicate => {}
        }
    }

    /// What concerns the node's own life.
    fn life(&mut self, scene: Scene<'_>, event: &serf::Event) {
        let now = scene.now;
        let place = |log: &Self, member| {
            format!("{}: {}", scene.roster.name(member), log.address(member).text())
        };
        let (level, text) = match *event {
            serf::Event::Joined { successes: 0 } => {
                (Level::Warn, "agent: error joining: nobody answered".to_owned())
            }
            serf::Event::Joined { successes } => {
                (Level::Info, format!("agent: joined: {successes} nodes"))
            }
            serf::Event::Rejoining { member } => {
                let place = place(self, member);
                (Level::Info, format!("serf: Attempting re-join to previously known node: {place}"))
            }
            serf::Event::Rejoined { with: Some(member) } => {
                let place = place(self, member);
                (Level::Info, format!("serf: Re-joined to previously known node: {place}"))
            }
            serf::Event::Rejoined { with: None } => {
                (Level::Warn, "serf: Failed to re-join any previously known node".to_owned())
            }
            serf::Event::LeaveReturned { in_time: false } => {
                (Level::Warn, "serf: timeout while waiting for graceful leave".to_owned())
            }
            serf::Event::Vote { responses, matching } => {
                let majority = responses / 2 + 1;
                let (level, side, then) = if matching >= majority {
                    (Level::Info, "majority", "")
                } else {
                    (Level::Warn, "minority", ", quiting")
                };
                let count = format!("[{matching} / {responses}]");
                (level, format!("serf: {side} in name conflict resolution{then} {count}"))
            }
            serf::Event::Shutdown => (Level::Warn, "serf: Shutdown without a Leave".to_owned()),
            _ => return,
        };
        self.write(now, level, text);
    }
}

/// The name of a query.
fn asked(ledger: &Ledger, question: QuestionId) -> &str {
    let text: TextId = ledger.question(question).text;
    &ledger.text(text).name
}

impl Watch for Log<'_> {
    /// Processes are told of only with packets.
    const PACKETS: bool = true;

    fn sent(&mut self, _scene: Scene<'_>, _to: u32, _packet: &Packet<'_>) {}

    fn serf(&mut self, scene: Scene<'_>, ledger: &Ledger, event: &serf::Event) {
        if let serf::Event::Member { member, attributes, .. } = *event
            && attributes != Roster::NO_ATTRIBUTES
            && scene.slot == self.slot
        {
            let places = self.addresses.len().max(member.index() + 1);
            self.addresses.resize(places, None);
            self.addresses[member.index()] = Some(scene.roster.attributes(attributes).address);
        }
        if scene.slot != self.slot {
            return;
        }
        let now = scene.now;
        let name = |member| scene.roster.name(member);
        match *event {
            serf::Event::Member { kind, member, forced, .. } => {
                self.member(scene, kind, member, forced);
            }
            serf::Event::BadStateWhenLeave { status, .. } => {
                let text = format!("serf: Bad state when leave: {}", status as u8);
                self.write(now, Level::Warn, text);
            }
            serf::Event::Intent { member, leave, path: Path::Gossip, .. } => {
                let kind = if leave { "messageLeaveType" } else { "messageJoinType" };
                self.write(now, Level::Debug, format!("serf: {kind}: {}", name(member)));
            }
            serf::Event::RefutingLeave { .. } => {
                self.write(now, Level::Debug, "serf: Refuting an older leave intent".to_owned());
            }
            serf::Event::User { text, path: Path::Gossip, .. } => {
                let text = format!("serf: messageUserEventType: {}", ledger.text(text).name);
                self.write(now, Level::Debug, text);
            }
            serf::Event::Query { question, path: Path::Gossip, .. } => {
                let text = format!("serf: messageQueryType: {}", asked(ledger, question));
                self.write(now, Level::Debug, text);
            }
            serf::Event::OldEvent { ltime, current, text } => {
                self.old(now, "event", &ledger.text(text).name, (ltime, current));
            }
            serf::Event::OldQuery { ltime, current, question } => {
                self.old(now, "query", asked(ledger, question), (ltime, current));
            }
            serf::Event::AckHeard { ltime, id, from, receipt }
            | serf::Event::ResponseHeard { ltime, id, from, receipt } => {
                self.answer(scene, (ltime, id), from, receipt);
            }
            serf::Event::Relayed { to } => {
                let text = format!("serf: Relaying response to addr: {}", self.address(to).text());
                self.write(now, Level::Debug, text);
            }
            serf::Event::Delivered(delivery) => self.delivered(scene, ledger, delivery),
            serf::Event::QueueDepth { queue, depth } => {
                let text = format!("serf: {} queue depth: {depth}", queue.name());
                self.write(now, Level::Warn, text);
            }
            serf::Event::Pruned { queue, depth, limit, .. } => {
                let text = format!(
                    "serf: {} queue depth ({depth}) exceeds limit ({limit}), dropping messages!",
                    queue.name()
                );
                self.write(now, Level::Warn, text);
            }
            serf::Event::Reconnecting { member } => {
                let place = self.address(member).text();
                let text = format!("serf: attempting reconnect to {} {place}", name(member));
                self.write(now, Level::Info, text);
            }
            serf::Event::ForgoingReconnect => {
                let text = "serf: forgoing reconnect for random throttling".to_owned();
                self.write(now, Level::Debug, text);
            }
            serf::Event::NameConflict { member } => self.conflict(scene, member),
            _ => self.life(scene, event),
        }
    }

    fn event(&mut self, scene: Scene<'_>, event: &swim::Event) {
        if scene.slot != self.slot {
            return;
        }
        let name = |member| scene.roster.name(member);
        let (level, text) = match *event {
            swim::Event::Probed { target, end: ProbeEnd::Failed, .. } => {
                (Level::Info, format!("Suspect {} has failed, no acks received", name(target)))
            }
            swim::Event::Probed { target, end: ProbeEnd::Stream, .. } => {
                let text = format!(
                    "Was able to connect to {} over TCP but UDP probes failed, network may be misconfigured",
                    name(target)
                );
                (Level::Warn, text)
            }
            swim::Event::SuspicionExpired { member, confirmations, .. } => {
                let text = format!(
                    "Marking {} as failed, suspect timeout reached ({confirmations} peer confirmations)",
                    name(member)
                );
                (Level::Info, text)
            }
            _ => return,
        };
        self.write(scene.now, level, format!("memberlist: {text}"));
    }

    fn process(&mut self, scene: Scene<'_>, name: MemberId, what: &'static str) {
        if let Some(running) = self.running.get_mut(scene.slot as usize) {
            *running = what == "started";
        }
        if scene.slot != self.slot || !self.runs(self.slot) {
            return;
        }
        self.me = name;
        let start = match &self.plan.cluster.start {
            Start::Joining { via, .. } if self.lines.is_empty() => {
                Some(via.iter().filter(|&s| s != self.slot).collect())
            }
            _ => None,
        };
        if let Some(via) = self.via.take().or(start) {
            self.joining(scene.now, &via);
        }
    }

    fn script(&mut self, now: Time, event: &str, verb: &'static str, slots: &[u32]) {
        let entry = self.plan.timeline.iter().find(|e| e.id == event);
        if let Some(Action::ForceLeave { by, .. }) = entry.map(|e| &e.action) {
            for &slot in slots {
                if self.forces(by.as_ref(), slot) {
                    let name = self.plan.cluster.name(slot);
                    self.write(now, Level::Info, format!("agent: Force leaving node: {name}"));
                }
            }
        }
        if !slots.contains(&self.slot) {
            return;
        }
        match (verb, entry.map(|e| &e.action)) {
            ("leave", _) => {
                let text = "agent: requesting graceful leave from Serf".to_owned();
                self.write(now, Level::Info, text);
            }
            ("join", Some(Action::Join { via, .. })) => {
                let via: Vec<u32> = via.iter().collect();
                if self.runs(self.slot) {
                    self.joining(now, &via);
                } else {
                    self.via = Some(via);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_go_on_from_the_beginning_of_2000() {
        const DAY: u64 = 86_400;
        for (seconds, text) in [
            (0, "2000/01/01 00:00:00"),
            (3661, "2000/01/01 01:01:01"),
            (59 * DAY, "2000/02/29 00:00:00"),
            (366 * DAY - 1, "2000/12/31 23:59:59"),
            (366 * DAY + 59 * DAY, "2001/03/01 00:00:00"),
        ] {
            assert_eq!(date(seconds), text);
        }
    }
}
