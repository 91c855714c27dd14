//! The counters of Serf's layer, by name.

/// All counters; each field is the metric of the like name.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "the catalogue of metrics defines each")]
pub struct SerfCounts {
    pub event_missed: u64,
    pub event_pushpull: u64,
    pub acks: u64,
    pub acks_late: u64,
    pub acks_missing: u64,
    pub responses: u64,
    pub responses_late: u64,
    pub responses_missing: u64,
    pub duplicates: u64,
    pub member_flap: u64,
    pub stuck_leaving: u64,
    pub queue_pruned: u64,
    /// Join, leave (without the forced), failed, update, reap, as `MemberEvent` numbers them.
    pub members: [u64; 5],
    pub flaps: u64,
    pub events: u64,
    pub queries: u64,
    pub query_acks: u64,
    pub query_responses: u64,
    pub query_duplicate_acks: u64,
    pub query_duplicate_responses: u64,
    /// Given to handlers: members of member events, user events, queries.
    pub handlers: [u64; 3],
}

impl SerfCounts {
    /// Names and counts, in the order of the catalogue.
    pub fn list(&self) -> [(&'static str, u64); 27] {
        let [join, left, failed, update, reap] = self.members;
        let [member, user, query] = self.handlers;
        [
            ("event.missed", self.event_missed),
            ("event.pushpull", self.event_pushpull),
            ("query.acks", self.acks),
            ("query.acks.late", self.acks_late),
            ("query.acks.missing", self.acks_missing),
            ("query.responses", self.responses),
            ("query.responses.late", self.responses_late),
            ("query.responses.missing", self.responses_missing),
            ("query.duplicates", self.duplicates),
            ("member.flap", self.member_flap),
            ("stuck_leaving", self.stuck_leaving),
            ("queue.pruned", self.queue_pruned),
            ("serf.member.join", join),
            ("serf.member.left", left),
            ("serf.member.failed", failed),
            ("serf.member.update", update),
            ("serf.member.reap", reap),
            ("serf.member.flap", self.flaps),
            ("serf.events", self.events),
            ("serf.queries", self.queries),
            ("serf.query_acks", self.query_acks),
            ("serf.query_responses", self.query_responses),
            ("serf.query_duplicate_acks", self.query_duplicate_acks),
            ("serf.query_duplicate_responses", self.query_duplicate_responses),
            ("serf.handler.member", member),
            ("serf.handler.user", user),
            ("serf.handler.query", query),
        ]
    }
}
