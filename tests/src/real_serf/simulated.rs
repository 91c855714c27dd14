//! The same steps simulated, and read as the agents' logs are.

use std::fmt::Write as _;

use rayon::prelude::*;
use wavetank_protocol::{Time, belief::MemberId};
use wavetank_scenarios::{Overrides, Source, load};
use wavetank_sim_core::{cluster::Tank, plan::Plan};

use super::{
    logs::{Log, Logs},
    record::Record,
    schedule::{
        AGENTS, ALONE, EVENT, FIRST, JOIN, KILL, KILL_AFTER, KILL_PATIENCE, LATER, LEAVE, QUERY,
        QUERY_TIMEOUT, SOON, START_EVERY, START_JITTER, Step, leaver, name, sender, via, victim,
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
    let pause =
        |least: u64, jitter: u64| format!("delay: {{from: {least}ms, to: {}ms}}", least + jitter);
    let times: Vec<(usize, String)> = each(&JOIN);
    for (i, when) in times {
        // Through somebody who is not there: the newcomer exists and stays alone.
        let who = name(FIRST + i);
        line(
            &mut text,
            &format!("alone-{i}"),
            &when,
            &format!("join: {{nodes: {who}, via: [never-0]}}"),
        );
        let when =
            format!("after: {{event: alone-{i}, known: none, {}}}", pause(ALONE, JOIN.jitter));
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
        line(
            &mut text,
            &format!("leave-{i}"),
            &when,
            &format!("leave: {{nodes: {}}}", name(leaver(i))),
        );
    }
    for i in 0..KILL.times {
        let when = if i == 0 {
            range(KILL.from, KILL.jitter)
        } else {
            format!(
                "after: {{event: kill-{}, known: all, {}}}",
                i - 1,
                pause(KILL_AFTER, KILL.jitter)
            )
        };
        line(
            &mut text,
            &format!("kill-{i}"),
            &when,
            &format!("crash: {{nodes: {}}}", name(victim(i))),
        );
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

fn member(who: usize) -> MemberId {
    MemberId(who as u32)
}

fn run(plan: &Plan, seed: u64) -> Record {
    let (_, logs) = Tank::run(plan, seed, Logs::default());
    let mut record = Record::default();
    let none = |step: &Step| vec![None; step.columns.len()];
    let mut push = |step: &Step, id: String, read: &dyn Fn(Time) -> Vec<Option<f64>>| {
        record.push(step, logs.begin(&id).map_or_else(|| none(step), |b| read(b.0)));
    };
    let halves =
        |times: &[Option<f64>]| vec![share(times, 0.5), share(times, 0.9), share(times, 1.0)];
    let but = |who: usize| (0..AGENTS).filter(|&o| o != who).collect::<Vec<_>>();
    for i in 0..JOIN.times {
        let who = FIRST + i;
        push(&JOIN, format!("join-{i}"), &|since| {
            halves(&logs.reached(
                &(0..who).collect::<Vec<_>>(),
                since,
                SOON,
                Log::Joined(member(who)),
            ))
        });
    }
    for i in 0..EVENT.times {
        push(&EVENT, format!("event-{i}"), &|since| {
            halves(&logs.reached(&but(sender(i)), since, SOON, Log::EventHeard(i)))
        });
    }
    for i in 0..QUERY.times {
        push(&QUERY, format!("query-{i}"), &|since| {
            let times = logs.reached(&but(sender(i)), since, SOON, Log::QueryHeard(i));
            let last = |log| logs.last(since, log, AGENTS);
            vec![share(&times, 0.5), share(&times, 1.0), last(Log::Ack(i)), last(Log::Response(i))]
        });
    }
    let mut running: Vec<usize> = (0..AGENTS).collect();
    for i in 0..LEAVE.times {
        let who = leaver(i);
        running.retain(|&o| o != who);
        push(&LEAVE, format!("leave-{i}"), &|since| {
            let intents = logs.reached(&running, since, SOON, Log::LeaveHeard(member(who)));
            let lefts = logs.reached(&running, since, LATER, Log::Left(member(who)));
            let done = logs.reached(&[who], since, LATER, Log::LeaveReturned);
            vec![share(&intents, 0.5), share(&intents, 1.0), share(&lefts, 1.0), done[0]]
        });
    }
    for i in 0..KILL.times {
        let who = victim(i);
        running.retain(|&o| o != who);
        push(&KILL, format!("kill-{i}"), &|since| {
            let failed = logs.reached(&running, since, KILL_PATIENCE, Log::Failed(member(who)));
            let suspects = logs.reached(&running, since, KILL_PATIENCE, Log::Suspects(member(who)));
            let least = |times: &[Option<f64>]| times.iter().flatten().copied().reduce(f64::min);
            vec![least(&suspects), least(&failed), share(&failed, 0.5), share(&failed, 1.0)]
        });
    }
    record
}
