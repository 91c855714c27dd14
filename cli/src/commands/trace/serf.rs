//! Lines of what Serf's layer tells.

use std::io::Write;

use wavetank::protocol::{
    belief::{MemberId, Roster},
    serf::{
        Event,
        event::{Delivery, Path, Receipt},
        ledger::{Ledger, QuestionId, TextId},
    },
};

use super::lines::Lines;

impl<O: Write> Lines<'_, O> {
    /// What a Serf node told.
    pub(super) fn serf_told(&mut self, roster: &Roster, ledger: &Ledger, event: &Event) {
        match *event {
            Event::Status { member, old, new } => {
                self.about("status", roster, member);
                self.word("old", old.name());
                self.word("new", new.name());
            }
            Event::Member { kind, member, forced, .. } => {
                self.about(kind.name(), roster, member);
                self.truth("forced", forced);
            }
            Event::Flap { member } => self.about("flap", roster, member),
            Event::BadStateWhenLeave { member, status } => {
                self.about("bad state when leave", roster, member);
                self.word("old", status.name());
            }
            Event::Intent { member, leave, ltime, path, news } => {
                self.about(if leave { "leave intent" } else { "join intent" }, roster, member);
                self.number("ltime", ltime);
                self.word("via", way(path));
                self.truth("news", news);
            }
            Event::RefutingLeave { ltime } => self.timed("refuting leave", ltime),
            Event::User { ltime, text, path } => {
                self.timed("user event", ltime);
                self.text(ledger, text);
                self.word("via", way(path));
            }
            Event::Duplicate => self.word("what", "duplicate"),
            Event::OldEvent { ltime, current, text } => {
                self.timed("old event", ltime);
                self.number("clock", current);
                self.text(ledger, text);
            }
            Event::IgnoredEvent { ltime, text } => {
                self.timed("ignored event", ltime);
                self.text(ledger, text);
            }
            Event::Query { ltime, id, question, source, accepted, path } => {
                self.question("query", (ltime, id), ledger, question);
                self.member("by", roster, source);
                self.word("via", way(path));
                self.truth("accepted", accepted);
            }
            Event::OldQuery { ltime, current, question } => {
                self.timed("old query", ltime);
                self.number("clock", current);
                self.text(ledger, ledger.question(question).text);
            }
            Event::Asked { ltime, id, question, timeout, members } => {
                self.question("asked", (ltime, id), ledger, question);
                self.number("timeout_ns", timeout);
                self.number("members", members.into());
            }
            Event::Responded { ltime, id, sent } => {
                self.numbered("responded", (ltime, id));
                self.truth("sent", sent);
            }
            Event::AckHeard { ltime, id, from, receipt } => {
                self.answer("ack", (ltime, id), (roster, from), receipt);
            }
            Event::ResponseHeard { ltime, id, from, receipt } => {
                self.answer("response", (ltime, id), (roster, from), receipt);
            }
            Event::QueryClosed { ltime, id, acks, responses } => {
                self.numbered("query closed", (ltime, id));
                self.number("acks", acks.into());
                self.number("responses", responses.into());
            }
            _ => self.serf_did(roster, ledger, event),
        }
    }

    /// The same for what is neither about members nor messages.
    fn serf_did(&mut self, roster: &Roster, ledger: &Ledger, event: &Event) {
        match *event {
            Event::Relayed { to } => self.about("relayed", roster, to),
            Event::Delivered(Delivery::Member(kind, member)) => {
                self.about("delivered", roster, member);
                self.word("event", kind.name());
            }
            Event::Delivered(Delivery::User(ltime, text)) => {
                self.timed("delivered", ltime);
                self.word("event", "user");
                self.text(ledger, text);
            }
            Event::Delivered(Delivery::Query(ltime, question)) => {
                self.timed("delivered", ltime);
                self.word("event", "query");
                self.text(ledger, ledger.question(question).text);
            }
            Event::QueueDepth { queue, depth } => {
                self.word("what", "queue depth");
                self.word("queue", queue.name());
                self.number("depth", depth.into());
            }
            Event::Pruned { queue, depth, dropped, limit } => {
                self.word("what", "queue pruned");
                self.word("queue", queue.name());
                self.number("depth", depth.into());
                self.number("dropped", dropped.into());
                self.number("limit", limit.into());
            }
            Event::Replaced { queue } => {
                self.word("what", "broadcast replaced");
                self.word("queue", queue.name());
            }
            Event::Reconnecting { member } => self.about("reconnecting", roster, member),
            Event::Rejoining { member } => self.about("rejoining", roster, member),
            Event::Rejoined { with: Some(member) } => self.about("rejoined", roster, member),
            Event::NameConflict { member } => self.about("name conflict", roster, member),
            Event::ForceLeaveReturned { member, in_time } => {
                self.about("force-leave returned", roster, member);
                self.truth("in_time", in_time);
            }
            Event::LeaveReturned { in_time } => {
                self.word("what", "leave returned");
                self.truth("in_time", in_time);
            }
            Event::TagsReturned { in_time } => {
                self.word("what", "set-tags returned");
                self.truth("in_time", in_time);
            }
            Event::Reconnected { success } => {
                self.word("what", "reconnected");
                self.truth("success", success);
            }
            Event::Joined { successes } => {
                self.word("what", "joined");
                self.number("successes", successes.into());
            }
            Event::Vote { responses, matching } => {
                self.word("what", "vote");
                self.number("responses", responses.into());
                self.number("matching", matching.into());
            }
            Event::Keyring { now } => {
                self.word("what", "keyring");
                self.number("primary", now.primary.into());
                self.keys(now.keys);
            }
            Event::KeysDone { members, responses, errors } => {
                self.word("what", "keys done");
                self.number("members", members.into());
                self.number("responses", responses.into());
                self.number("errors", errors.into());
            }
            Event::Coordinate { member, rtt, estimate } => {
                self.about("coordinate", roster, member);
                self.number("rtt_ns", rtt);
                self.number("estimate_ns", estimate.max(0) as u64);
            }
            Event::TooLarge { len, limit } => {
                self.word("what", "too large");
                self.number("bytes", len.into());
                self.number("limit", limit.into());
            }
            Event::Rejoined { with: None } => self.word("what", "rejoined nobody"),
            Event::ForgoingReconnect => self.word("what", "forgoing reconnect"),
            Event::PipelineDropped => self.word("what", "pipeline dropped"),
            Event::CoordinateRejected => self.word("what", "coordinate rejected"),
            Event::Shutdown => self.word("what", "shutdown"),
            _ => self.word("what", "other"),
        }
    }

    fn about(&mut self, what: &str, roster: &Roster, member: MemberId) {
        self.word("what", what);
        self.member("about", roster, member);
    }

    fn timed(&mut self, what: &str, ltime: u64) {
        self.word("what", what);
        self.number("ltime", ltime);
    }

    fn numbered(&mut self, what: &str, (ltime, id): (u64, u32)) {
        self.timed(what, ltime);
        self.number("id", id.into());
    }

    fn text(&mut self, ledger: &Ledger, text: TextId) {
        self.word("name", &ledger.text(text).name);
    }

    fn question(&mut self, what: &str, key: (u64, u32), ledger: &Ledger, question: QuestionId) {
        self.numbered(what, key);
        self.text(ledger, ledger.question(question).text);
    }

    fn answer(
        &mut self,
        what: &str,
        key: (u64, u32),
        (roster, from): (&Roster, MemberId),
        receipt: Receipt,
    ) {
        self.numbered(what, key);
        self.member("by", roster, from);
        let receipt = match receipt {
            Receipt::InTime => "in time",
            Receipt::Late => "late",
            Receipt::Duplicate => "duplicate",
        };
        self.word("receipt", receipt);
    }

    /// The numbers of the keys in a set of bits.
    fn keys(&mut self, set: u64) {
        let keys: Vec<u32> = (0..u64::BITS).filter(|key| set >> key & 1 == 1).collect();
        self.key("keys");
        self.line.push_str(&serde_json::Value::from(keys).to_string());
    }

    fn truth(&mut self, key: &str, value: bool) {
        self.key(key);
        self.line.push_str(if value { "true" } else { "false" });
    }
}

fn way(path: Path) -> &'static str {
    match path {
        Path::Own => "own",
        Path::Gossip => "gossip",
        Path::PushPull => "push/pull",
    }
}
