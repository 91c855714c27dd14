//! What simulated agents would log, as far as the comparisons read it.

use wavetank_protocol::{
    Time,
    belief::{MemberId, Status},
    serf::{
        self,
        event::{MemberEvent, Path},
        ledger::{Ledger, QuestionId},
    },
    swim::{self, Via},
};
use wavetank_sim_core::watch::{Scene, Watch};

/// A line that an agent would log, as far as a step is measured by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// `EventMemberJoin`.
    Joined(MemberId),
    /// `EventMemberLeave`.
    Left(MemberId),
    /// `EventMemberFailed`.
    Failed(MemberId),
    /// `messageLeaveType`, in a packet.
    LeaveHeard(MemberId),
    /// `messageUserEventType`, or at the sender that it sends; the event's number.
    EventHeard(usize),
    /// `messageQueryType`, likewise.
    QueryHeard(usize),
    /// The asker's client prints an ack.
    Ack(usize),
    /// The asker's client prints a response.
    Response(usize),
    /// `requesting serf shutdown`: a leave is done.
    LeaveReturned,
    /// `Suspect ... has failed, no acks received`: the first time that it is news.
    Suspects(MemberId),
}

/// All lines of all agents, and what the script did.
#[derive(Debug, Default)]
pub struct Logs {
    /// When each entry of the script was performed, and at which slots.
    pub begins: Vec<(Time, String, Vec<u32>)>,
    /// Time, agent, line.
    pub lines: Vec<(Time, usize, Log)>,
    /// Running queries by their random number: which one of the schedule.
    queries: Vec<(u32, usize)>,
}

/// The number at the end of a name such as `event-3`.
fn number(name: &str) -> usize {
    name.rsplit('-').next().and_then(|n| n.parse().ok()).unwrap_or(usize::MAX)
}

fn asked_name(ledger: &Ledger, question: QuestionId) -> usize {
    number(&ledger.text(ledger.question(question).text).name)
}

impl Watch for Logs {
    fn event(&mut self, scene: Scene<'_>, event: &swim::Event) {
        let &swim::Event::Believed { member, new, via, .. } = event else { return };
        if via == Via::Own && scene.roster.belief(new).status == Status::Suspect {
            self.lines.push((scene.now, scene.slot as usize, Log::Suspects(member)));
        }
    }

    fn serf(&mut self, scene: Scene<'_>, ledger: &Ledger, event: &serf::Event) {
        let asked = |id: u32, queries: &[(u32, usize)]| {
            queries.iter().rfind(|q| q.0 == id).map_or(usize::MAX, |q| q.1)
        };
        let log = match *event {
            serf::Event::Member { kind: MemberEvent::Join, member, .. } => Log::Joined(member),
            serf::Event::Member { kind: MemberEvent::Leave, member, .. } => Log::Left(member),
            serf::Event::Member { kind: MemberEvent::Failed, member, .. } => Log::Failed(member),
            serf::Event::Intent { member, leave: true, path: Path::Gossip, .. } => {
                Log::LeaveHeard(member)
            }
            serf::Event::User { text, .. } => Log::EventHeard(number(&ledger.text(text).name)),
            serf::Event::Asked { id, question, .. } => {
                self.queries.push((id, asked_name(ledger, question)));
                return;
            }
            serf::Event::Query { question, .. } => Log::QueryHeard(asked_name(ledger, question)),
            serf::Event::AckHeard { id, .. } => Log::Ack(asked(id, &self.queries)),
            serf::Event::ResponseHeard { id, .. } => Log::Response(asked(id, &self.queries)),
            serf::Event::LeaveReturned { .. } => Log::LeaveReturned,
            _ => return,
        };
        self.lines.push((scene.now, scene.slot as usize, log));
    }

    fn script(&mut self, now: Time, event: &str, _verb: &'static str, slots: &[u32]) {
        self.begins.push((now, event.to_owned(), slots.to_vec()));
    }
}

impl Logs {
    /// When an entry was performed first, and at which slots.
    pub fn begin(&self, id: &str) -> Option<(Time, &[u32])> {
        self.begins.iter().find(|b| b.1 == id).map(|b| (b.0, b.2.as_slice()))
    }

    /// When each first logged a line, in milliseconds after a time and at most `patience` of them.
    pub fn reached(&self, who: &[usize], since: Time, patience: u64, log: Log) -> Vec<Option<f64>> {
        let first = |who: &usize| {
            let line = self.lines.iter().find(|l| l.0 >= since && l.1 == *who && l.2 == log)?;
            Some(ms(line.0 - since)).filter(|ms| *ms <= patience as f64)
        };
        who.iter().map(first).collect()
    }

    /// When the last of `many` lines was logged.
    pub fn last(&self, since: Time, log: Log, many: usize) -> Option<f64> {
        let times: Vec<Time> = self.lines.iter().filter(|l| l.2 == log).map(|l| l.0).collect();
        times.last().filter(|_| times.len() == many).map(|t| ms(t - since))
    }
}

fn ms(span: Time) -> f64 {
    span as f64 / 1e6
}
