//! What happens when, in the real cluster and in the simulated one alike. Times are in milliseconds.
//!
//! Who acts is fixed: only phases are left to chance, and these are drawn by the jitter of each start.

/// Agents.
pub const AGENTS: usize = 16;
/// Agents that start together; the others join one by one.
pub const FIRST: usize = 12;
/// Between the starts of two agents.
pub const START_EVERY: u64 = 240;
/// Each start is up to so much later.
pub const START_JITTER: u64 = 200;

/// A step: how often, from when on, how far apart, and up to how much later each.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Its name in the table.
    pub name: &'static str,
    /// How often.
    pub times: usize,
    /// The first one.
    pub from: u64,
    /// Between two.
    pub every: u64,
    /// Each is up to so much later.
    pub jitter: u64,
    /// What is measured, in milliseconds after its begin.
    pub columns: &'static [&'static str],
}

impl Step {
    /// Earliest instant of its i-th time.
    pub const fn at(&self, i: usize) -> u64 {
        self.from + self.every * i as u64
    }
}

/// A newcomer exists alone for one to two seconds, then joins through a member.
pub const JOIN: Step = Step {
    name: "join",
    times: AGENTS - FIRST,
    from: 10_000,
    every: 4_000,
    jitter: 1_000,
    columns: &["t50", "t90", "all"],
};
/// A newcomer exists for so long at least before it joins.
pub const ALONE: u64 = 1_000;

/// A member sends a user event.
pub const EVENT: Step = Step {
    name: "user event",
    times: 10,
    from: 27_000,
    every: 1_600,
    jitter: 400,
    columns: &["t50", "t90", "all"],
};

/// A member asks all, with acks; each answers through a handler.
pub const QUERY: Step = Step {
    name: "query",
    times: 6,
    from: 44_000,
    every: 3_500,
    jitter: 400,
    columns: &["heard t50", "heard all", "last ack", "last response"],
};
/// How long a query is open.
pub const QUERY_TIMEOUT: u64 = 3_000;

/// A member leaves.
pub const LEAVE: Step = Step {
    name: "leave",
    times: 3,
    from: 66_000,
    every: 5_000,
    jitter: 1_000,
    columns: &["intent t50", "intent all", "left all", "returned"],
};

/// A process is killed; the next one 2 to 3 s after all know.
pub const KILL: Step = Step {
    name: "kill",
    times: 3,
    from: 82_000,
    every: 0,
    jitter: 1_000,
    columns: &["suspect", "first", "t50", "all"],
};
/// Least time between a kill known to all and the next.
pub const KILL_AFTER: u64 = 2_000;
/// A kill that is not known to all after so long never was.
pub const KILL_PATIENCE: u64 = 40_000;

/// What takes less than a second was not reached after so long.
pub const SOON: u64 = 3_000;
/// What may take seconds was not reached after so long.
pub const LATER: u64 = 8_000;

/// All steps in order.
pub const STEPS: [Step; 5] = [JOIN, EVENT, QUERY, LEAVE, KILL];

/// Name of an agent. All are of one length, as a difference would change what fits into a packet.
pub fn name(who: usize) -> String {
    if who == 0 { "first-0".to_owned() } else { format!("node-{:02}", who - 1) }
}

/// Through whom a newcomer joins.
pub const fn via(i: usize) -> usize {
    (7 * i + 3) % FIRST
}

/// Who sends an event or a query.
pub const fn sender(i: usize) -> usize {
    (5 * i + 2) % AGENTS
}

/// Who leaves.
pub const fn leaver(i: usize) -> usize {
    4 * i + 1
}

/// Who is killed; nobody who has left.
pub const fn victim(i: usize) -> usize {
    4 * i + 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_follow_one_another_and_nobody_goes_twice() {
        for pair in STEPS.windows(2) {
            let last = pair[0].at(pair[0].times - 1) + pair[0].jitter;
            assert!(last < pair[1].from, "{} runs into {}", pair[0].name, pair[1].name);
        }
        let mut gone: Vec<usize> = (0..LEAVE.times).map(leaver).collect();
        gone.extend((0..KILL.times).map(victim));
        let all = gone.len();
        gone.sort_unstable();
        gone.dedup();
        assert!(gone.len() == all && gone.iter().all(|&who| who < AGENTS));
        assert!((0..AGENTS).all(|who| name(who).len() == name(0).len()));
    }
}
