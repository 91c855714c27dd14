//! What handlers are spared: the coalescers of member events and of user events (`serf/coalesce*.go`;
//! specification 4.7).
//!
//! Both gather events in a window that opens with the first, closes after so much quiet or after a whole
//! period, and then lets out the latest state. The member coalescer never forgets what it has seen, which
//! is where its surprises come from (section 14, item 9): a join is lost to the update behind it, a
//! failure between two joins is hidden, and an update is told again at each flush. The user coalescer
//! keeps the newest Lamport time of each event name; an event that must not be coalesced overtakes it
//! (item 10).
//!
//! The original lets events out in the order of its maps. Here members go by type (join, leave, failed,
//! update, reap) and then by number, user events by the arrival of their name. Neither coalescer has
//! anything on the heap before its first event.

use super::{
    event::{Delivery, MemberEvent},
    lamport::LTime,
    ledger::TextId,
};
use crate::{
    belief::MemberId,
    time::{NEVER, Span, Time},
};

/// How long a window may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Periods {
    /// From the first event of a window at most so long (`CoalescePeriod`).
    pub coalesce: Span,
    /// From the latest event of a window so long (`QuiescentPeriod`).
    pub quiescent: Span,
}

impl Periods {
    /// Whether there is a coalescer at all: both must be above 0.
    pub const fn is_on(self) -> bool {
        self.coalesce > 0 && self.quiescent > 0
    }
}

/// The two timers of a coalescer (`coalesceLoop`).
#[derive(Clone, Copy, Debug)]
struct Window {
    /// When the window closes at the latest; never, if none is open.
    quantum: Time,
    /// When it closes for quiet.
    quiet: Time,
}

impl Window {
    const CLOSED: Self = Self { quantum: NEVER, quiet: NEVER };

    /// An event came: opens the window or keeps it open.
    fn touch(&mut self, now: Time, periods: Periods) {
        if self.quantum == NEVER {
            self.quantum = now.saturating_add(periods.coalesce);
        }
        self.quiet = now.saturating_add(periods.quiescent);
    }

    /// Whichever comes first.
    fn deadline(self) -> Time {
        self.quantum.min(self.quiet)
    }
}

/// The member coalescer (`serf/coalesce_member.go`).
#[derive(Clone, Debug)]
pub struct Members {
    window: Window,
    /// Members below this number were told as joined before the first event here.
    joined: u32,
    /// By member. An entry is made by the first event about a member and never dropped: four bytes each,
    /// because a cluster has as many as there are pairs of members.
    known: Vec<Known>,
    /// Members with an event in this window, and those whose latest event is an update: the only ones
    /// that a flush can tell. May hold a member twice.
    pending: Vec<u32>,
}

/// What the coalescer knows about a member: its number, its latest event (`latestEvents`) and what was told
/// last (`lastEvents`).
#[derive(Clone, Copy, Debug)]
struct Known(u32);

/// Bits of an event.
const KIND: u32 = 3;
/// An event that is none.
const NOTHING: u32 = 7;
/// Bits of a member's number.
const NUMBER: u32 = 32 - 2 * KIND;

impl Known {
    const fn new(member: u32, last: u32) -> Self {
        Self(member << (2 * KIND) | last << KIND | NOTHING)
    }

    const fn member(self) -> u32 {
        self.0 >> (2 * KIND)
    }

    const fn last(self) -> u32 {
        self.0 >> KIND & NOTHING
    }

    const fn latest(self) -> u32 {
        self.0 & NOTHING
    }

    fn set_latest(&mut self, kind: u32) {
        self.0 = self.0 & !NOTHING | kind;
    }

    fn set_last(&mut self, kind: u32) {
        self.0 = self.0 & !(NOTHING << KIND) | kind << KIND;
    }
}

impl Members {
    /// One that has seen nothing.
    pub const fn new() -> Self {
        Self::grown(0)
    }

    /// One that has told the joins of all members below a number, for a node of a cluster that stands when
    /// the run begins.
    pub const fn grown(joined: u32) -> Self {
        Self { window: Window::CLOSED, joined, known: Vec::new(), pending: Vec::new() }
    }

    /// Takes in a member event. All types are coalesced.
    pub fn handle(&mut self, now: Time, periods: Periods, kind: MemberEvent, member: MemberId) {
        assert!(member.0 < 1 << NUMBER, "member {} is beyond the coalescer's 2^26", member.0);
        self.window.touch(now, periods);
        let at = self.find(member.0).unwrap_or_else(|at| {
            let last = if member.0 < self.joined { MemberEvent::Join as u32 } else { NOTHING };
            self.known.insert(at, Known::new(member.0, last));
            at
        });
        self.known[at].set_latest(kind as u32);
        self.pending.push(member.0);
    }

    /// When to flush; never, if no window is open.
    pub fn deadline(&self) -> Time {
        self.window.deadline()
    }

    /// Closes the window and lets out what changed since the last flush, and every update anew.
    ///
    /// To be called when the deadline is reached, and at shutdown.
    pub fn flush(&mut self, mut deliver: impl FnMut(Delivery)) {
        const UPDATE: u32 = MemberEvent::Update as u32;
        self.window = Window::CLOSED;
        let mut pending = std::mem::take(&mut self.pending);
        pending.sort_unstable();
        pending.dedup();
        // What is told, as type and number in one word to sort by.
        pending.retain_mut(|word| {
            let Ok(at) = self.find(*word) else { return false };
            let known = &mut self.known[at];
            let kind = known.latest();
            let told = known.last() != kind || kind == UPDATE;
            known.set_last(kind);
            *word |= kind << NUMBER;
            told
        });
        pending.sort_unstable();
        for word in &pending {
            let member = MemberId(word & ((1 << NUMBER) - 1));
            deliver(Delivery::Member(MEMBER_EVENTS[(word >> NUMBER) as usize], member));
        }
        pending.retain_mut(|word| {
            let again = *word >> NUMBER == UPDATE;
            *word &= (1 << NUMBER) - 1;
            again
        });
        self.pending = pending;
    }

    /// Bytes on the heap.
    pub fn heap(&self) -> usize {
        (self.known.capacity() + self.pending.capacity()) * size_of::<u32>()
    }

    /// Where a member's entry is, or would be.
    fn find(&self, member: u32) -> Result<usize, usize> {
        self.known.binary_search_by_key(&member, |known| known.member())
    }
}

impl Default for Members {
    fn default() -> Self {
        Self::new()
    }
}

/// Member events by their numbers.
const MEMBER_EVENTS: [MemberEvent; 5] = [
    MemberEvent::Join,
    MemberEvent::Leave,
    MemberEvent::Failed,
    MemberEvent::Update,
    MemberEvent::Reap,
];

/// The user-event coalescer (`serf/coalesce_user.go`), for events that say they may be coalesced.
#[derive(Clone, Debug)]
pub struct Users {
    window: Window,
    /// Newest events by name, in the order in which names came in this window.
    newest: Vec<Newest>,
}

/// The newest events of a name.
#[derive(Clone, Debug)]
struct Newest {
    /// The caller's number of the name.
    name: u32,
    ltime: LTime,
    /// All events of that time, in the order of their arrival: nearly always one.
    first: TextId,
    more: Vec<TextId>,
}

impl Users {
    /// One that has seen nothing.
    pub const fn new() -> Self {
        Self { window: Window::CLOSED, newest: Vec::new() }
    }

    /// Takes in a user event that may be coalesced. All others pass it by: the caller delivers them at
    /// once.
    ///
    /// `name` is any number that is the same for the same event name and different for others.
    pub fn handle(&mut self, now: Time, periods: Periods, ltime: LTime, name: u32, text: TextId) {
        self.window.touch(now, periods);
        match self.newest.iter_mut().find(|newest| newest.name == name) {
            None => self.newest.push(Newest { name, ltime, first: text, more: Vec::new() }),
            Some(newest) if newest.ltime < ltime => {
                newest.ltime = ltime;
                newest.first = text;
                newest.more.clear();
            }
            Some(newest) if newest.ltime == ltime => newest.more.push(text),
            Some(_) => {}
        }
    }

    /// When to flush; never, if no window is open.
    pub fn deadline(&self) -> Time {
        self.window.deadline()
    }

    /// Closes the window, lets out the newest events and forgets them.
    ///
    /// To be called when the deadline is reached, and at shutdown.
    pub fn flush(&mut self, mut deliver: impl FnMut(Delivery)) {
        self.window = Window::CLOSED;
        for Newest { ltime, first, more, .. } in self.newest.drain(..) {
            for text in std::iter::once(first).chain(more) {
                deliver(Delivery::User(ltime, text));
            }
        }
    }
}

impl Default for Users {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{MILLISECOND, SECOND};
    use MemberEvent::{Failed, Join, Leave, Reap, Update};

    const AGENT: Periods = Periods { coalesce: 3 * SECOND, quiescent: SECOND };

    /// One window of member events, flushed at its end.
    fn window(members: &mut Members, events: &[(MemberEvent, u32)]) -> Vec<(MemberEvent, u32)> {
        for &(kind, member) in events {
            members.handle(0, AGENT, kind, MemberId(member));
        }
        let mut out = Vec::new();
        members.flush(|delivery| match delivery {
            Delivery::Member(kind, member) => out.push((kind, member.0)),
            other => panic!("{other:?}"),
        });
        assert_eq!(members.deadline(), NEVER);
        out
    }

    fn told(users: &mut Users) -> Vec<(LTime, u32)> {
        let mut out = Vec::new();
        users.flush(|delivery| match delivery {
            Delivery::User(ltime, text) => out.push((ltime, text.0)),
            other => panic!("{other:?}"),
        });
        out
    }

    #[test]
    fn a_window_closes_after_quiet_or_after_the_whole_period() {
        // Times of events in milliseconds, and when the window closes.
        let cases: [(&[u64], u64); 4] = [
            (&[0], 1000),
            (&[0, 900], 1900),
            (&[0, 900, 1800], 2800),
            (&[500, 1400, 2300, 3200], 3500),
        ];
        for (times, closes) in cases {
            let (mut members, mut users) = (Members::new(), Users::new());
            assert_eq!((members.deadline(), users.deadline()), (NEVER, NEVER));
            for &at in times {
                members.handle(at * MILLISECOND, AGENT, Join, MemberId(1));
                users.handle(at * MILLISECOND, AGENT, 1, 1, TextId(1));
            }
            assert_eq!(members.deadline(), closes * MILLISECOND, "{times:?}");
            assert_eq!(users.deadline(), closes * MILLISECOND, "{times:?}");
            members.flush(|_| {});
            users.flush(|_| {});
            assert_eq!((members.deadline(), users.deadline()), (NEVER, NEVER));
        }
    }

    #[test]
    fn the_next_window_has_a_whole_period_again() {
        let mut members = Members::new();
        members.handle(0, AGENT, Join, MemberId(1));
        members.flush(|_| {});
        for at in [5000, 5900, 6800, 7700] {
            members.handle(at * MILLISECOND, AGENT, Join, MemberId(2));
        }
        assert_eq!(members.deadline(), 8 * SECOND);
    }

    #[test]
    fn a_coalescer_is_on_if_both_periods_are() {
        for (coalesce, quiescent, on) in [(0, 0, false), (1, 0, false), (0, 1, false), (1, 1, true)]
        {
            assert_eq!(Periods { coalesce, quiescent }.is_on(), on);
        }
    }

    #[test]
    fn members_come_out_by_type_and_number() {
        let events = [(Reap, 9), (Update, 8), (Join, 7), (Failed, 2), (Join, 1), (Leave, 5)];
        let sorted = [(Join, 1), (Join, 7), (Leave, 5), (Failed, 2), (Update, 8), (Reap, 9)];
        assert_eq!(window(&mut Members::new(), &events), sorted);
    }

    #[test]
    fn surprise_9_a_join_is_lost_to_the_update_behind_it() {
        let mut members = Members::new();
        assert_eq!(window(&mut members, &[(Join, 1), (Update, 1)]), [(Update, 1)]);
    }

    #[test]
    fn surprise_9_a_flap_within_a_window_is_hidden() {
        let mut members = Members::new();
        assert_eq!(window(&mut members, &[(Join, 1)]), [(Join, 1)]);
        assert_eq!(window(&mut members, &[(Failed, 1), (Join, 1)]), []);
        // Over two windows it is seen.
        assert_eq!(window(&mut members, &[(Failed, 1)]), [(Failed, 1)]);
        assert_eq!(window(&mut members, &[(Join, 1)]), [(Join, 1)]);
    }

    #[test]
    fn surprise_9_an_update_is_told_again_at_each_flush_until_another_event() {
        let mut members = Members::new();
        assert_eq!(window(&mut members, &[(Join, 2), (Join, 3)]), [(Join, 2), (Join, 3)]);
        assert_eq!(window(&mut members, &[(Update, 2)]), [(Update, 2)]);
        assert_eq!(window(&mut members, &[(Leave, 3)]), [(Leave, 3), (Update, 2)]);
        assert_eq!(window(&mut members, &[(Reap, 3)]), [(Update, 2), (Reap, 3)]);
        assert_eq!(window(&mut members, &[(Failed, 2)]), [(Failed, 2)]);
        assert_eq!(window(&mut members, &[(Join, 3)]), [(Join, 3)]);
    }

    #[test]
    fn a_grown_cluster_has_told_its_joins() {
        let mut members = Members::grown(2);
        assert_eq!(
            window(&mut members, &[(Join, 1), (Join, 2), (Failed, 0)]),
            [(Join, 2), (Failed, 0)]
        );
        assert_eq!(window(&mut members, &[(Failed, 1), (Join, 1)]), []);
    }

    #[test]
    fn all_histories_of_two_members_agree_with_the_rule_of_the_original() {
        // As specified: two maps, walked whole at each flush. A history is five digits of base 11, each an
        // event about one of two members, or a flush.
        const KINDS: u32 = MEMBER_EVENTS.len() as u32;
        for history in 0..11u32.pow(5) {
            let mut members = Members::new();
            let (mut latest, mut last) = ([None; 2], [None; 2]);
            for digit in [1, 11, 121, 1331, 14641].map(|unit| history / unit % 11) {
                if digit < 2 * KINDS {
                    let (kind, member) = (MEMBER_EVENTS[(digit % KINDS) as usize], digit / KINDS);
                    members.handle(0, AGENT, kind, MemberId(member));
                    latest[member as usize] = Some(kind);
                    continue;
                }
                let mut out = Vec::new();
                for member in 0..2 {
                    let Some(kind) = latest[member] else { continue };
                    if last[member] != Some(kind) || kind == Update {
                        last[member] = Some(kind);
                        out.push((kind, member as u32));
                    }
                }
                out.sort_unstable();
                assert_eq!(window(&mut members, &[]), out, "history {history}");
            }
        }
    }

    #[test]
    fn an_event_told_before_is_not_told_again() {
        let mut members = Members::new();
        assert_eq!(window(&mut members, &[(Failed, 1)]), [(Failed, 1)]);
        assert_eq!(window(&mut members, &[(Failed, 1), (Leave, 2)]), [(Leave, 2)]);
    }

    #[test]
    fn a_name_keeps_all_events_of_its_newest_time() {
        // Lamport time, name, text; what comes out.
        type Case<'a> = (&'a [(LTime, u32, u32)], &'a [(LTime, u32)]);
        let cases: [Case; 5] = [
            (&[(1, 1, 10), (2, 1, 11)], &[(2, 11)]),
            (&[(2, 1, 11), (1, 1, 10)], &[(2, 11)]),
            (&[(2, 1, 11), (2, 1, 10), (1, 1, 12)], &[(2, 11), (2, 10)]),
            (&[(1, 1, 10), (1, 1, 11), (2, 1, 12)], &[(2, 12)]),
            (&[(5, 2, 20), (3, 1, 10), (5, 2, 21)], &[(5, 20), (5, 21), (3, 10)]),
        ];
        for (events, out) in cases {
            let mut users = Users::new();
            for &(ltime, name, text) in events {
                users.handle(0, AGENT, ltime, name, TextId(text));
            }
            assert_eq!(told(&mut users), out, "{events:?}");
            assert_eq!(told(&mut users), [], "forgotten");
        }
    }

    #[test]
    fn an_older_time_is_news_in_the_next_window() {
        let mut users = Users::new();
        users.handle(0, AGENT, 9, 1, TextId(1));
        assert_eq!(told(&mut users), [(9, 1)]);
        users.handle(0, AGENT, 4, 1, TextId(2));
        assert_eq!(told(&mut users), [(4, 2)]);
    }

    #[test]
    fn surprise_10_a_plain_event_overtakes_a_coalesced_one() {
        // The caller's part, as the pipeline does it: coalesced events wait here, others do not.
        let (mut users, mut seen) = (Users::new(), Vec::new());
        for (at, ltime, coalesce) in [(0, 1, true), (100 * MILLISECOND, 2, false)] {
            if coalesce {
                users.handle(at, AGENT, ltime, 1, TextId(ltime as u32));
            } else {
                seen.push((at, ltime));
            }
        }
        let at = users.deadline();
        seen.extend(told(&mut users).into_iter().map(|(ltime, _)| (at, ltime)));
        assert_eq!(seen, [(100 * MILLISECOND, 2), (SECOND, 1)]);
    }
}
