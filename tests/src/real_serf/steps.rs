//! The steps at the real agents, each measured from the line with which an agent begins it.

use std::time::Duration;

use super::{
    fleet::Fleet,
    guard::Guard,
    program::Program,
    record::Record,
    schedule::{
        self, AGENTS, ALONE, EVENT, FIRST, JOIN, KILL, KILL_AFTER, KILL_PATIENCE, LEAVE, QUERY,
        QUERY_TIMEOUT, START_EVERY, START_JITTER, leaver, name, sender, via, victim,
    },
};
use crate::fidelity::stats;

/// Patience with what takes less than a second.
const SOON: Duration = Duration::from_millis(schedule::SOON);
/// Patience with what may take seconds.
const LATER: Duration = Duration::from_millis(schedule::LATER);

/// Performs all steps; what is measured, in milliseconds.
pub fn measure(guard: &Guard, program: &Program) -> Result<Record, String> {
    let names: Vec<String> = (0..AGENTS).map(name).collect();
    let mut run = Run {
        fleet: Fleet::new(guard, program, &names)?,
        chance: Chance::new(),
        handlers: Vec::new(),
    };
    let mut record = Record::default();
    eprintln!("starting {FIRST} agents on {} and on ...", run.fleet.address(0));
    for who in 0..FIRST {
        run.at(START_EVERY * who as u64, START_JITTER);
        run.fleet.start(who, (who > 0).then_some(0))?;
    }
    for who in 0..FIRST {
        let all = (0..FIRST).filter(|&o| o != who);
        for other in all {
            let line = run.joined(other);
            if run.fleet.heard(who, Duration::ZERO, LATER, |t| t == line).is_none() {
                return Err(format!("agent {} never heard of {}", name(who), name(other)));
            }
        }
    }
    for i in 0..JOIN.times {
        record.push(&JOIN, run.join(i)?);
    }
    for i in 0..EVENT.times {
        record.push(&EVENT, run.event(i)?);
    }
    for i in 0..QUERY.times {
        record.push(&QUERY, run.query(i)?);
    }
    record.delay_us = run.delay();
    let handlers = stats::sorted(run.handlers.iter().copied().map(Some));
    record.handler_us = (stats::quantile(&handlers, 0.5) * 1e3).round() as u64;
    for i in 0..LEAVE.times {
        record.push(&LEAVE, run.leave(i)?);
    }
    run.at(KILL.from, KILL.jitter);
    for i in 0..KILL.times {
        record.push(&KILL, run.kill(i));
        run.pause(KILL_AFTER, KILL.jitter);
    }
    record.about = format!(
        "{AGENTS} agents of serf {} (its own word for its version), as separate processes on loopback addresses, LAN profile, debug log, one \
         handler that answers queries; times in milliseconds from the begin of each step, as its actor's \
         log or the kill tells it, to the other agents' log lines, read through pipes on a monotonic clock; \
         null: not reached",
        program.version
    );
    Ok(record)
}

struct Run<'a> {
    fleet: Fleet<'a>,
    chance: Chance,
    /// Times from ack to response in milliseconds, all answers.
    handlers: Vec<f64>,
}

impl Run<'_> {
    fn at(&mut self, at: u64, jitter: u64) {
        let at = at as f64 + self.chance.upto(jitter);
        self.fleet.until(Duration::from_secs_f64(at / 1e3));
    }

    fn pause(&mut self, least: u64, jitter: u64) {
        let now = self.fleet.now().as_secs_f64() * 1e3;
        let at = now + least as f64 + self.chance.upto(jitter);
        self.fleet.until(Duration::from_secs_f64(at / 1e3));
    }

    fn joined(&self, who: usize) -> String {
        format!("serf: EventMemberJoin: {} {}", name(who), self.fleet.address(who))
    }

    fn others(&self, who: usize) -> Vec<usize> {
        self.fleet.running().into_iter().filter(|&o| o != who).collect()
    }

    /// When an actor's log says that a step begins.
    fn begin(&self, who: usize, since: Duration, line: &str) -> Result<Duration, String> {
        let said = self.fleet.heard(who, since, SOON, |t| t.starts_with(line));
        said.map(|l| l.at).ok_or_else(|| format!("agent {} never logged `{line}`", name(who)))
    }

    fn join(&mut self, i: usize) -> Result<Vec<Option<f64>>, String> {
        let who = FIRST + i;
        eprintln!("join {} of {}: {}", i + 1, JOIN.times, name(who));
        self.at(JOIN.at(i), JOIN.jitter);
        let others = self.fleet.running();
        self.fleet.start(who, None)?;
        self.pause(ALONE, JOIN.jitter);
        let since = self.fleet.now();
        let address = self.fleet.address(via(i));
        self.fleet.client(who, "join", &[&address])?;
        let begin = self.begin(who, since, "agent: joining:")?;
        let line = self.joined(who);
        let times = self.fleet.reached(&others, (since, begin), SOON, |t| t == line);
        Ok(vec![share(&times, 0.5), share(&times, 0.9), share(&times, 1.0)])
    }

    fn event(&mut self, i: usize) -> Result<Vec<Option<f64>>, String> {
        let who = sender(i);
        eprintln!("user event {} of {}: from {}", i + 1, EVENT.times, name(who));
        self.at(EVENT.at(i), EVENT.jitter);
        let since = self.fleet.now();
        let event = format!("event-{i}");
        self.fleet.client(who, "event", &["-coalesce=false", &event, "x"])?;
        let begin = self.begin(who, since, "agent: Requesting user event send:")?;
        let line = format!("serf: messageUserEventType: {event}");
        let times = self.fleet.reached(&self.others(who), (since, begin), SOON, |t| t == line);
        Ok(vec![share(&times, 0.5), share(&times, 0.9), share(&times, 1.0)])
    }

    fn query(&mut self, i: usize) -> Result<Vec<Option<f64>>, String> {
        let who = sender(i);
        eprintln!("query {} of {}: from {}", i + 1, QUERY.times, name(who));
        self.at(QUERY.at(i), QUERY.jitter);
        let since = self.fleet.now();
        let (query, timeout) = (format!("query-{i}"), format!("-timeout={QUERY_TIMEOUT}ms"));
        let client = self.fleet.client(who, "query", &[&timeout, &query, "x"])?;
        let begin = self.begin(who, since, "agent: Requesting query send:")?;
        let line = format!("serf: messageQueryType: {query}");
        let times = self.fleet.reached(&self.others(who), (since, begin), SOON, |t| t == line);
        let _ = self.fleet.heard(client, begin, LATER, |t| t.starts_with("Total Responses"));
        let said = self.fleet.said(client);
        for who in 0..AGENTS {
            let (ack, response) =
                (format!("Ack from '{}'", name(who)), format!("Response from '{}'", name(who)));
            let at = |start: &str| said.iter().find(|l| l.text.starts_with(start)).map(|l| l.at);
            if let (Some(ack), Some(response)) = (at(&ack), at(&response)) {
                self.handlers.push(response.saturating_sub(ack).as_secs_f64() * 1e3);
            }
        }
        let last = |word: &str| {
            let lines: Vec<_> = said.iter().filter(|l| l.text.starts_with(word)).collect();
            let last = lines.last().filter(|_| lines.len() == AGENTS)?;
            Some(last.at.saturating_sub(begin).as_secs_f64() * 1e3)
        };
        Ok(vec![share(&times, 0.5), share(&times, 1.0), last("Ack from"), last("Response from")])
    }

    fn leave(&mut self, i: usize) -> Result<Vec<Option<f64>>, String> {
        let who = leaver(i);
        eprintln!("leave {} of {}: {}", i + 1, LEAVE.times, name(who));
        self.at(LEAVE.at(i), LEAVE.jitter);
        let since = self.fleet.now();
        self.fleet.client(who, "leave", &[])?;
        let begin = self.begin(who, since, "agent: requesting graceful leave")?;
        let others = self.others(who);
        let intent = format!("serf: messageLeaveType: {}", name(who));
        let intents = self.fleet.reached(&others, (since, begin), SOON, |t| t == intent);
        let left = format!("serf: EventMemberLeave: {} {}", name(who), self.fleet.address(who));
        let lefts = self.fleet.reached(&others, (since, begin), LATER, |t| t == left);
        let done = self
            .fleet
            .reached(&[who], (since, begin), LATER, |t| t == "agent: requesting serf shutdown");
        self.fleet.gone(who);
        Ok(vec![share(&intents, 0.5), share(&intents, 1.0), share(&lefts, 1.0), done[0]])
    }

    fn kill(&mut self, i: usize) -> Vec<Option<f64>> {
        let who = victim(i);
        eprintln!("kill {} of {}: {}", i + 1, KILL.times, name(who));
        let begin = self.fleet.kill(who);
        let others = self.fleet.running();
        let failed = format!("serf: EventMemberFailed: {} {}", name(who), self.fleet.address(who));
        let patience = Duration::from_millis(KILL_PATIENCE);
        let times = self.fleet.reached(&others, (begin, begin), patience, |t| t == failed);
        let suspect = format!("memberlist: Suspect {} has failed", name(who));
        let suspects = self
            .fleet
            .reached(&others, (begin, begin), Duration::ZERO, |t| t.starts_with(&suspect));
        let first = |times: &[Option<f64>]| stats::sorted(times.iter().copied()).first().copied();
        vec![first(&suspects), first(&times), share(&times, 0.5), share(&times, 1.0)]
    }

    /// One-way delay in microseconds: half the median of round trips between pairs, as agents estimate them.
    fn delay(&mut self) -> u64 {
        let mut trips = Vec::new();
        for i in 0..12 {
            let (a, b) = (name(i), name((3 * i + 5) % AGENTS));
            let Ok(client) = self.fleet.client(i, "rtt", &[&a, &b]) else { continue };
            let Some(line) = self.fleet.heard(client, Duration::ZERO, SOON, |t| t.contains("rtt:"))
            else {
                continue;
            };
            let value = line.text.rsplit("rtt:").next().and_then(|v| v.trim().strip_suffix(" ms"));
            trips.extend(value.and_then(|v| v.trim().parse::<f64>().ok()));
        }
        let trips = stats::sorted(trips.into_iter().map(Some));
        let middle = stats::quantile(&trips, 0.5);
        if middle.is_nan() { 300 } else { (middle * 1e3 / 2.0).round() as u64 }
    }
}

/// When so great a share had it; none when that was never.
pub fn share(times: &[Option<f64>], share: f64) -> Option<f64> {
    let sorted = stats::sorted(times.iter().copied());
    let wanted = (times.len() as f64 * share).ceil() as usize;
    sorted.get(wanted.max(1) - 1).copied()
}

/// Jitter of a real run: nothing needs to repeat it.
struct Chance(u64);

impl Chance {
    fn new() -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self(now.map_or(1, |d| d.as_nanos() as u64 | 1))
    }

    /// Uniform from 0 to `most`.
    fn upto(&mut self, most: u64) -> f64 {
        // Steele's SplitMix.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        (z >> 11) as f64 / (1u64 << 53) as f64 * most as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_reached_by_the_one_that_completes_it() {
        let times = [Some(4.0), Some(1.0), None, Some(2.0)];
        assert_eq!(share(&times, 0.5), Some(2.0));
        assert_eq!(share(&times, 0.6), Some(4.0));
        assert_eq!(share(&times, 1.0), None);
        assert_eq!(share(&times, 0.0), Some(1.0));
    }
}
