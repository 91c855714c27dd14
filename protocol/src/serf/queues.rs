//! The three broadcast queues (`serf/serf.go: broadcast, checkQueueDepth`, `serf/delegate.go:
//! GetBroadcasts`; specification 6).
//!
//! Each is memberlist's queue, defects included, whose limit of transmissions comes from the number of
//! members that Serf knows, whatever their status. Depth is looked at now and then only; a look that
//! would find nothing is no event.

use super::{Config, event::QueueName};
use crate::{
    message::Message,
    queue::{Budget, Name, Queue, Waiter},
    swim::Room,
    time::{NEVER, Span, Time},
};

/// The queues of one node.
#[derive(Clone, Debug)]
pub struct Queues {
    /// Queued in all.
    waiting: u32,
    /// When the depths are looked at next; never while there is nothing to find.
    check_at: Time,
    /// A look at the depths: the others are whole periods from it.
    grid: Time,
    /// Apart, for what is looked at with every event to stay together.
    each: Box<[Queue; 3]>,
}

/// What a look at a queue found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depth {
    /// Which queue.
    pub queue: QueueName,
    /// How deep it was.
    pub depth: u32,
    /// The limit, if it was exceeded, and how many messages were dropped.
    pub pruned: Option<(u32, u32)>,
}

impl Queues {
    /// Empty queues, whose depths are looked at from a time on.
    pub fn new(first_look: Time) -> Self {
        Self { each: Box::default(), waiting: 0, check_at: NEVER, grid: first_look }
    }

    /// Whether anything is queued.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Number of messages in a queue.
    pub fn depth(&self, queue: QueueName) -> u32 {
        self.each[queue as usize].len()
    }

    /// A queue, for tests and traces.
    pub fn queue(&self, queue: QueueName) -> &Queue {
        &self.each[queue as usize]
    }

    /// When to look at the depths.
    #[inline]
    pub fn deadline(&self) -> Time {
        self.check_at
    }

    /// Queues a message of so many bytes. All of Serf's broadcasts are unique.
    pub fn push(
        &mut self,
        queue: QueueName,
        (user, len): (u32, u32),
        waiter: Waiter,
        id_reset: bool,
    ) {
        let queue = &mut self.each[queue as usize];
        queue.push(Name::Unique, Message::user(user), len, waiter, id_reset);
        self.waiting = self.each.iter().map(Queue::len).sum();
    }

    /// Looks at the depths from now on, where there is something to find.
    pub fn arm(&mut self, now: Time, config: &Config) {
        let every = config.queue_check_interval;
        if self.check_at != NEVER || self.waiting == 0 || every == 0 {
            return;
        }
        // With a least depth the limit is never below it, and the greatest one does not count.
        let limit = match config.min_queue_depth {
            0 => config.max_queue_depth,
            least => least,
        };
        let least = config.queue_depth_warning.min(limit.saturating_add(1)).max(1);
        if self.each.iter().any(|q| q.len() >= least) {
            self.check_at = next(self.grid, every, now);
        }
    }

    /// Takes what fits: intents, then queries, then events, each into what the one before left.
    pub fn fill(
        &mut self,
        room: &mut Room<'_>,
        transmits: u32,
        id_reset: bool,
        out: &mut Vec<Message>,
    ) {
        let mut used = 0;
        for queue in self.each.iter_mut() {
            if queue.is_empty() {
                continue;
            }
            let limit = room.limit.saturating_sub(used);
            let budget = Budget { overhead: room.overhead, limit, transmits };
            used += queue.fill(budget, id_reset, room.later, |item| out.push(item.message));
        }
        self.waiting = self.each.iter().map(Queue::len).sum();
    }

    /// A call whose message was sent often enough, or dropped.
    #[inline]
    pub fn take_call(&mut self) -> Option<u32> {
        self.each.iter_mut().find_map(Queue::take_call)
    }

    /// Whether a call waits to be told that its message was sent often enough.
    pub fn has_call(&self) -> bool {
        self.each.iter().any(Queue::has_call)
    }

    /// Messages silently replaced since last asked, by queue.
    pub fn take_replaced(&mut self) -> [u32; 3] {
        self.each.each_mut().map(Queue::take_replaced)
    }

    /// The depth above which a queue is pruned (`getQueueMax`).
    pub fn limit(config: &Config, members: u32) -> u32 {
        match config.min_queue_depth {
            0 => config.max_queue_depth,
            least => least.max(members.saturating_mul(2)),
        }
    }

    /// Looks at all depths; queues above the limit lose the messages that were sent most.
    pub fn check(
        &mut self,
        now: Time,
        (config, members): (&Config, u32),
        id_reset: bool,
        mut found: impl FnMut(Depth),
    ) {
        self.check_at = NEVER;
        let limit = Self::limit(config, members);
        for name in QueueName::ALL {
            let queue = &mut self.each[name as usize];
            let depth = queue.len();
            let pruned = (depth > limit).then(|| (limit, queue.prune(limit, id_reset)));
            if depth >= config.queue_depth_warning || pruned.is_some() {
                found(Depth { queue: name, depth, pruned });
            }
        }
        self.waiting = self.each.iter().map(Queue::len).sum();
        self.arm(now, config);
    }
}

/// The next tick after `now` of a ticker with one at `grid`.
pub(super) fn next(grid: Time, every: Span, now: Time) -> Time {
    if now < grid { grid } else { grid + ((now - grid) / every + 1) * every }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(queues: &mut Queues, limit: u32, transmits: u32) -> Vec<u32> {
        let mut out = Vec::new();
        let mut room = Room { overhead: 3, limit, later: &mut Vec::new() };
        queues.fill(&mut room, transmits, true, &mut out);
        out.iter().map(|m| m.belief().0).collect()
    }

    /// The golden sequence of specification 6.2; messages are numbered by their lengths.
    #[test]
    fn the_golden_sequence() {
        let mut queues = Queues::new(0);
        for len in [600, 400, 900, 1396] {
            queues.push(QueueName::Event, (len, len), Waiter::Call(len), true);
        }
        let expected: [&[u32]; 9] = [
            &[900, 400],
            &[600, 400],
            &[900, 400],
            &[600, 400],
            &[900],
            &[600],
            &[900],
            &[600],
            &[],
        ];
        let mut finished = Vec::new();
        for (call, messages) in expected.iter().enumerate() {
            assert_eq!(fill(&mut queues, 1398, 4), *messages, "call {call}");
            while let Some(done) = queues.take_call() {
                finished.push((call, done));
            }
        }
        assert_eq!(finished, [(3, 400), (6, 900), (7, 600)]);
        assert_eq!(queues.depth(QueueName::Event), 1, "what never fits stays for ever");
    }

    #[test]
    fn intents_go_first_then_queries_then_events() {
        let mut queues = Queues::new(0);
        for (name, user) in [(QueueName::Event, 1), (QueueName::Query, 2), (QueueName::Intent, 3)] {
            queues.push(name, (user, 40), Waiter::None, true);
        }
        assert_eq!(fill(&mut queues, 100, 4), [3, 2]);
    }

    /// Section 14, items 15 and 30: equal lengths and a packet that fills up lose a message.
    #[test]
    fn surprise_30_a_newcomer_of_equal_length_replaces_what_was_sent_once() {
        for (id_reset, left) in [(true, 1), (false, 2)] {
            let mut queues = Queues::new(0);
            let fill = |queues: &mut Queues, limit| {
                let mut out = Vec::new();
                let mut room = Room { overhead: 3, limit, later: &mut Vec::new() };
                queues.fill(&mut room, 8, id_reset, &mut out);
            };
            queues.push(QueueName::Intent, (1, 30), Waiter::Call(1), id_reset);
            fill(&mut queues, 50);
            queues.push(QueueName::Intent, (2, 30), Waiter::None, id_reset);
            fill(&mut queues, 50);
            assert_eq!(queues.depth(QueueName::Intent), left);
            assert_eq!(queues.take_call(), None, "whoever waits for it waits for its time-out");
        }
    }

    /// Section 14, item 16: looked at every 30 s only, and what was sent most goes first, as if finished.
    #[test]
    fn surprise_16_the_limit_is_enforced_now_and_then() {
        let config = Config { max_queue_depth: 130, ..Config::agent() };
        let mut queues = Queues::new(30);
        for user in 0..127 {
            queues.push(QueueName::Intent, (user, 20), Waiter::Call(user), true);
        }
        queues.arm(1, &config);
        assert_eq!(queues.deadline(), NEVER, "nothing to find");
        for user in 127..200 {
            queues.push(QueueName::Intent, (user, 20 + user), Waiter::Call(user), true);
        }
        queues.arm(1, &config);
        assert_eq!(queues.deadline(), 30);
        let mut found = Vec::new();
        queues.check(30, (&config, 3), true, |depth| found.push(depth));
        let pruned = Some((130, 70));
        assert_eq!(found, [Depth { queue: QueueName::Intent, depth: 200, pruned }]);
        let mut released = Vec::new();
        while let Some(call) = queues.take_call() {
            released.push(call);
        }
        released.sort_unstable();
        assert_eq!(released, (0..70).collect::<Vec<_>>(), "shortest and oldest first");
        // With a least depth the limit follows the members.
        let config = Config { min_queue_depth: 10, ..config };
        queues.check(60, (&config, 50), true, |depth| found.push(depth));
        assert_eq!(found[1].pruned, Some((100, 30)));
    }
}
