//! The same steps simulated, and read as the agents' logs are.

use std::fmt::Write as _;

use rayon::prelude::*;
use wavetank_protocol::{
    Time,
    belief::MemberId,
    serf::{self, event::MemberEvent, event::Path, ledger::{Ledger, QuestionId}},
    swim::{self, ProbeEnd},
};
use wavetank_scenarios::{Overrides, Source, load};
use wavetank_sim_core::{
    cluster::Tank,
    plan::Plan,
    watch::{Scene, Watch},
};

use super::{
    record::Record,
    schedule::{
        AGENTS, ALONE, EVENT, FIRST, JOIN, KILL, KILL_AFTER, KILL_PATIENCE, LEAVE, QUERY,
        QUERY_TIMEOUT, START_EVERY, START_JITTER, Step, leaver, name, sender, via, victim,
    },
    steps::share,
};

/// The steps as a scenario; one-way delay and a handler's time as measured, in microseconds.
pub fn scenario(delay_us: u64, handler_us: u64) -> String {
    let mut text = format!(
        "version: 1\nname: real-serf\ncluster:\n  preset: serf-lan\n  compat: \"0.2\"\n  start: empty\n  \
         groups:\n    - {{name: first, nodes: 1}}\n    \
         - {{name: node, nodes: {}, start: stopped}}\n    \
         - {{name: never, nodes: 1, start: stopped}}\n\
         network:\n  latency: {delay_us}us\n  streams: {{loss: 0%}}\nduration: {}ms\ntimeline:\n",
        AGENTS - 1,
        KILL.from + KILL.times as u64 * KILL_PATIENCE
    );
    let range = |from: u64, jitter: u64| format!("at: {{from: {from}ms, to: {}ms}}", from + jitter);
    let each = |step: &Step| (0..step.times).map(|i| (i, range(step.at(i), step.jitter))).collect();
    let line = |text: &mut String, id: &str, when: &str, act: &str| {
        let _ = writeln!(text, "  - {{id: {id}, {when}, {act}}}");
    };
    for who in 1..FIRST {
        let when = range(START_EVERY * who as u64, START_JITTER);
        let act = format!("join: {{nodes: {}, via: [{}]}}", name(who), name(0));
        line(&mut text, &format!("start-{who}"), &when, &act);
    }
    let pause = |least: u64, jitter: u64| format!("delay: {{from: {least}ms, to: {}ms}}", least + jitter);
    let times: Vec<(usize, String)> = each(&JOIN);
    for (i, when) in times {
        // Through somebody who is not there: the newcomer exists and stays alone.
        let who = name(FIRST + i);
        line(&mut text, &format!("alone-{i}"), &when, &format!("join: {{nodes: {who}, via: [never-0]}}"));
        let when = format!("after: {{event: alone-{i}, known: none, {}}}", pause(ALONE, JOIN.jitter));
        let act = format!("join: {{nodes: {who}, via: [{}]}}", name(via(i)));
        line(&mut text, &format!("join-{i}"), &when, &act);
    }
    let times: Vec<(usize, String)> = each(&EVENT);
    for (i, when) in times {
        let act = format!(
            "user-event: {{nodes: {}, name: event-{i}, payload: x, coalesce: false}}",
            name(sender(i))
        );
        line(&mut text, &format!("event-{i}"), &when, &act);
    }
    let times: Vec<(usize, String)> = each(&QUERY);
    for (i, when) in times {
        let act = format!(
            "query: {{nodes: {}, name: query-{i}, payload: x, timeout: {QUERY_TIMEOUT}ms, \
             answer: {{payload: \"yes\\n\", after: {handler_us}us}}}}",
            name(sender(i))
        );
        line(&mut text, &format!("query-{i}"), &when, &act);
    }
    let times: Vec<(usize, String)> = each(&LEAVE);
    for (i, when) in times {
        line(&mut text, &format!("leave-{i}"), &when, &format!("leave: {{nodes: {}}}", name(leaver(i))));
    }
    for i in 0..KILL.times {
        let when = if i == 0 {
            range(KILL.from, KILL.jitter)
        } else {
            format!("after: {{event: kill-{}, known: all, {}}}", i - 1, pause(KILL_AFTER, KILL.jitter))
        };
        line(&mut text, &format!("kill-{i}"), &when, &format!("crash: {{nodes: {}}}", name(victim(i))));
    }
    text
}

/// Runs of the simulation with the seeds 1 to `many`.
pub fn runs(delay_us: u64, handler_us: u64, many: u64) -> Result<Vec<Record>, String> {
    let text = scenario(delay_us, handler_us);
    let plan = match load(Source::new("real-serf", &text), &Overrides::default()) {
        Ok(scenario) => scenario.plan,
        Err(problems) => return Err(format!("the scenario is refused:\n{problems}\n{text}")),
    };
    Ok((1..=many).into_par_iter().map(|seed| run(&plan, seed)).collect())
}

/// A line that an agent would log, as far as a step is measured by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Log {
    Joined(MemberId),
    Left(MemberId),
    Failed(MemberId),
    LeaveHeard(MemberId),
    EventHeard(usize),
    QueryHeard(usize),
    Ack(usize),
    Response(usize),
    LeaveReturned,
    Suspects(MemberId),
}

#[derive(Debug, Default)]
struct Logs {
    begins: Vec<(Time, String)>,
    lines: Vec<(Time, usize, Log)>,
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
        if let &swim::Event::Probed { target, end: ProbeEnd::Failed, .. } = event {
            self.lines.push((scene.now, scene.slot as usize, Log::Suspects(target)));
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

    fn script(&mut self, now: Time, event: &str, _verb: &'static str, _slots: &[u32]) {
        self.begins.push((now, event.to_owned()));
    }
}

impl Logs {
    fn begin(&self, id: &str) -> Option<Time> {
        self.begins.iter().find(|b| b.1 == id).map(|b| b.0)
    }

    /// When each first logged a line, in milliseconds after a time.
    fn reached(&self, who: &[usize], since: Time, log: Log) -> Vec<Option<f64>> {
        let first = |who: &usize| {
            let line = self.lines.iter().find(|l| l.0 >= since && l.1 == *who && l.2 == log)?;
            Some(ms(line.0 - since))
        };
        who.iter().map(first).collect()
    }

    /// When the last of `many` lines was logged.
    fn last(&self, since: Time, log: Log, many: usize) -> Option<f64> {
        let times: Vec<Time> = self.lines.iter().filter(|l| l.2 == log).map(|l| l.0).collect();
        times.last().filter(|_| times.len() == many).map(|t| ms(t - since))
    }
}

fn ms(span: Time) -> f64 {
    span as f64 / 1e6
}

fn member(who: usize) -> MemberId {
    MemberId(who as u32)
}

fn run(plan: &Plan, seed: u64) -> Record {
    let (_, logs) = Tank::run(plan, seed, Logs::default());
    let mut record = Record::default();
    let none = |step: &Step| vec![None; step.columns.len()];
    let mut push = |step: &Step, id: String, read: &dyn Fn(Time) -> Vec<Option<f64>>| {
        record.push(step, logs.begin(&id).map_or_else(|| none(step), read));
    };
    let halves = |times: &[Option<f64>]| vec![share(times, 0.5), share(times, 0.9), share(times, 1.0)];
    let but = |who: usize| (0..AGENTS).filter(|&o| o != who).collect::<Vec<_>>();
    for i in 0..JOIN.times {
        let who = FIRST + i;
        push(&JOIN, format!("join-{i}"), &|since| {
            halves(&logs.reached(&(0..who).collect::<Vec<_>>(), since, Log::Joined(member(who))))
        });
    }
    for i in 0..EVENT.times {
        push(&EVENT, format!("event-{i}"), &|since| {
            halves(&logs.reached(&but(sender(i)), since, Log::EventHeard(i)))
        });
    }
    for i in 0..QUERY.times {
        push(&QUERY, format!("query-{i}"), &|since| {
            let times = logs.reached(&but(sender(i)), since, Log::QueryHeard(i));
            let last = |log| logs.last(since, log, AGENTS);
            vec![share(&times, 0.5), share(&times, 1.0), last(Log::Ack(i)), last(Log::Response(i))]
        });
    }
    let mut running: Vec<usize> = (0..AGENTS).collect();
    for i in 0..LEAVE.times {
        let who = leaver(i);
        running.retain(|&o| o != who);
        push(&LEAVE, format!("leave-{i}"), &|since| {
            let intents = logs.reached(&running, since, Log::LeaveHeard(member(who)));
            let lefts = logs.reached(&running, since, Log::Left(member(who)));
            let done = logs.reached(&[who], since, Log::LeaveReturned);
            vec![share(&intents, 0.5), share(&intents, 1.0), share(&lefts, 1.0), done[0]]
        });
    }
    for i in 0..KILL.times {
        let who = victim(i);
        running.retain(|&o| o != who);
        push(&KILL, format!("kill-{i}"), &|since| {
            let failed = logs.reached(&running, since, Log::Failed(member(who)));
            let suspects = logs.reached(&running, since, Log::Suspects(member(who)));
            let least = |times: &[Option<f64>]| times.iter().flatten().copied().reduce(f64::min);
            vec![least(&suspects), least(&failed), share(&failed, 0.5), share(&failed, 1.0)]
        });
    }
    record
}
