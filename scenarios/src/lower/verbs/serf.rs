//! The verbs of Serf: user events, queries, tags, force-leave, keys.
//!
//! What the original refuses when it is asked to do it (a message that is too long, an expression that does
//! not compile) is a doubt: the run shows what comes of it.

use wavetank_protocol::{Config, serf, serf::filter::Filter};
use wavetank_sim_core::plan::{
    Action, Answer, Group, KeyOperation, Of, Pick, Query, Selector, SlotSet,
};

use super::Reading;
use crate::{
    lower::{selector::Rules, tags, timeline::range},
    out::Out,
    read::{Cx, Fields, Time, Value},
    spell,
    yaml::{Kind, Node},
};

mod sizes;

/// Longest payload that can be given by its length, in bytes.
pub(crate) const LONGEST_PAYLOAD: u64 = 65_536;
/// Longest name of an event or query, in bytes.
const LONGEST_NAME: usize = 1024;
/// Most names of a filter: no query could hold more.
const MOST_NAMES: u32 = 65_536;
/// Queries came with this version of Serf's protocol.
const QUERIES_FROM: u8 = 4;
/// Names that start so are Serf's own.
const INTERNAL: &str = "_serf_";
/// The only one of them that an application may ask.
const PING: &str = "_serf_ping";

impl Reading<'_, '_, '_, '_> {
    pub(super) fn user_event(&mut self) -> Option<Action> {
        let who = self.who();
        let name = self.event_name("deploy");
        let varied = self.fields.has("payload_bytes");
        let payload = payload(self.cx, &mut self.fields);
        let coalesce = self.fields.or(self.cx, "coalesce", true);
        let (who, name) = (who?, name?);
        let len = sizes::user_event(&name, payload.as_deref());
        self.doubt_size(&who, len, "event", "user_event_size_limit", |s| s.user_event_size_limit);
        Some(Action::UserEvent { who, name, payload, varied, coalesce })
    }

    pub(super) fn query(&mut self) -> Option<Action> {
        let who = self.who();
        let name = self.event_name("load");
        let payload = payload(self.cx, &mut self.fields);
        self.check_internal(name.as_deref(), payload.is_some());
        let (nodes, tags) = self.filters();
        let ack = self.fields.or(self.cx, "ack", true);
        let relay_factor = self.fields.number(self.cx, "relay_factor", 0, (0, 255)) as u8;
        let timeout = self.fields.maybe::<Time>(self.cx, "timeout").map_or(0, |Time(t)| t);
        let answer = self.answer(name.as_deref() == Some(PING));
        let who = who?;
        self.check_version(&who);
        let query = Query { name: name?, payload, nodes, tags, ack, relay_factor, timeout, answer };
        self.doubt_query(&who, &query);
        Some(Action::Query { who, query })
    }

    pub(super) fn set_tags(&mut self) -> Option<Action> {
        let who = self.who();
        let place = self.fields.at("tags");
        let before = self.cx.errors();
        let set = self.fields.node("tags").and_then(|node| {
            let set = tags::texts(self.cx, node, &place, "tags such as `{role: web}`")?;
            tags::check_length(self.cx, node.span, &place, &set);
            self.fields.put("tags", tags::write(&set));
            Some(set)
        });
        let set = set.unwrap_or_default();
        let delete = self.deleted();
        if set.is_empty() && delete.is_empty() && self.cx.errors() == before {
            let help = "add `tags: {role: web}` or `delete: [role]`";
            let place = self.fields.place.clone();
            self.cx.error_with(self.fields.span, &place, "no tag changes", "", help);
        }
        let who = who?;
        self.doubt_tags(&who, &set, &delete);
        Some(Action::SetTags { who, set, delete })
    }

    pub(super) fn force_leave(&mut self) -> Option<Action> {
        let who = self.who();
        let by = self.fields.node("by").and_then(|node| {
            let place = self.fields.at("by");
            let chosen = self.choose(node, &place, Rules::Group)?;
            self.fields.put("by", chosen.out);
            Some(chosen.selector)
        });
        let prune = self.fields.or(self.cx, "prune", false);
        Some(Action::ForceLeave { who: who?, by, prune })
    }

    pub(super) fn rotate_key(&mut self) -> Option<Action> {
        let who = if self.fields.has("nodes") {
            self.who()
        } else {
            let of = Of::Set(self.world.everybody());
            self.fields.put("nodes", Out::Map(vec![("pick".to_owned(), 1u64.write())]));
            Some(Selector { of, pick: Some(Pick::Count(1)), repick: false })
        };
        let operations = [
            ("rotate", KeyOperation::Rotate),
            ("install", KeyOperation::Install),
            ("use", KeyOperation::Use),
            ("remove", KeyOperation::Remove),
            ("list", KeyOperation::List),
        ];
        let operation = self.fields.word(self.cx, "operation", &operations);
        let key = if operation == KeyOperation::List {
            if let Some(span) = self.fields.key_span("key") {
                self.fields.has("key");
                let place = self.fields.at("key");
                self.cx.error(span, &place, "`list` is about all keys", "remove it");
            }
            Some(0)
        } else {
            self.fields.need_number(self.cx, "key", (0, 63), "1")
        };
        let relay_factor = self.fields.number(self.cx, "relay_factor", 0, (0, 255)) as u8;
        let who = who?;
        self.check_version(&who);
        self.check_encryption();
        Some(Action::RotateKey { who, key: key? as u8, operation, relay_factor })
    }

    /// The groups that somebody of a selector may be in, with their settings.
    fn groups_of(&self, who: &Selector) -> Vec<(&Group, &Config)> {
        let Some(cluster) = self.world.cluster else { return Vec::new() };
        let mut first = 0;
        let mut groups = Vec::new();
        for group in &cluster.groups {
            let end = first + group.nodes;
            let meant = match &who.of {
                Of::Set(set) => set.ranges().iter().any(|&(from, to)| from < end && first < to),
                Of::Picked(_) => true,
            };
            if let (true, Some(config)) = (meant, cluster.configs.get(usize::from(group.config))) {
                groups.push((group, config));
            }
            first = end;
        }
        groups
    }

    /// Reports nodes that would have to have kept a snapshot and keep none.
    pub(super) fn check_snapshot(&mut self, who: Option<&Selector>) {
        let span = self.fields.value_span("state").unwrap_or(self.fields.span);
        let place = self.fields.at("state");
        let Some(who) = who else { return };
        if self.cx.serf == Some(false) {
            let message = "a snapshot needs Serf";
            self.cx.error(
                span,
                &place,
                message,
                "use a preset such as `serf-lan`, or write `lost`",
            );
            return;
        }
        let without = |c: &Config| c.serf.is_some_and(|s| !s.snapshot);
        let group = self.groups_of(who).into_iter().find(|(_, c)| without(c));
        if let Some(name) = group.map(|(g, _)| g.name.clone()) {
            let message = format!("the nodes of the group `{name}` keep no snapshot");
            let help = "add `snapshot: true` to the group's `config` or to the cluster's";
            self.cx.error_with(span, &place, &message, "", help);
        }
    }

    /// The node whose name a joining process takes.
    pub(super) fn name_of(&mut self, who: Option<&Selector>) -> Option<u32> {
        let node = self.fields.node("name_of")?;
        let place = self.fields.at("name_of");
        let name = String::read(self.cx, node, &place)?;
        let slot = self.world.named(self.cx, node.span, &place, &name)?;
        self.fields.put("name_of", Out::Text(self.world.name(slot, &name)));
        let own = |set: &SlotSet| set.len() == 1 && set.contains(slot);
        if self.world.cluster.is_some()
            && who.is_some_and(|w| matches!(&w.of, Of::Set(s) if own(s)))
        {
            let message = "the node has this name already";
            self.cx.error(node.span, &place, message, "name another node");
        }
        Some(slot)
    }

    /// The `name` of an event or a query.
    fn event_name(&mut self, example: &str) -> Option<String> {
        let name: String = self.fields.need(self.cx, "name", example)?;
        if name.is_empty() || name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
            let span = self.fields.value_span("name").unwrap_or(self.fields.span);
            let place = self.fields.at("name");
            let message = "a name is 1 to 1024 bytes without control characters";
            self.cx.error(span, &place, message, format!("such as `{example}`"));
            return None;
        }
        Some(name)
    }

    /// The agent refuses these names to its users (specification 5.8).
    fn check_internal(&mut self, name: Option<&str>, payload: bool) {
        let Some(name) = name.filter(|n| n.starts_with(INTERNAL)) else { return };
        if name == PING && !payload {
            return;
        }
        let span = self.fields.value_span("name").unwrap_or(self.fields.span);
        let place = self.fields.at("name");
        let message = format!("names that start with `{INTERNAL}` are Serf's own");
        let help =
            format!("only `{PING}` may be asked, without a payload; for keys use `rotate-key`");
        self.cx.error_with(span, &place, &message, "", help);
    }

    fn check_version(&mut self, who: &Selector) {
        let old = |c: &Config| c.serf.is_some_and(|s| s.serf_protocol_version < QUERIES_FROM);
        let group = self.groups_of(who).into_iter().find(|(_, c)| old(c));
        if let Some(name) = group.map(|(g, _)| g.name.clone()) {
            let message = format!("a node of the group `{name}` cannot ask: its Serf is too old");
            let help = format!("queries need `serf_protocol_version: {QUERIES_FROM}` or 5");
            let place = self.fields.place.clone();
            self.cx.error_with(self.fields.span, &place, &message, "", help);
        }
    }

    fn check_encryption(&mut self) {
        let everybody = Selector::all(self.world.everybody());
        let bare: Vec<bool> =
            self.groups_of(&everybody).iter().map(|(_, c)| c.encryption.is_none()).collect();
        let (span, place) = (self.fields.span, self.fields.place.clone());
        if !bare.is_empty() && bare.iter().all(|b| *b) {
            let help = "add `encryption: v1` to `cluster`";
            self.cx.error_with(span, &place, "there are no keys without encryption", "", help);
        } else if bare.contains(&true) {
            let message = "some groups are without encryption: their nodes answer with a failure";
            self.cx.warn(span, &place, message, "add `encryption: v1` to `cluster`");
        }
    }

    /// Names and tags that are asked for.
    fn filters(&mut self) -> (Option<Vec<String>>, Vec<(String, String)>) {
        let nothing = (None, Vec::new());
        let Some(node) = self.fields.node("filters") else { return nothing };
        let place = self.fields.at("filters");
        let what = "a map such as `{nodes: [a-03], tags: {role: \"^web$\"}}`";
        let Some(mut filters) = Fields::open(self.cx, node, &place, what) else { return nothing };
        let mut names = None;
        if let Some(node) = filters.node("nodes") {
            let place = filters.at("nodes");
            if let Some((set, out)) = self.world.read_fixed(self.cx, node, &place) {
                filters.put("nodes", out);
                names = self.names(node, &place, &set);
            }
        }
        let mut tags = Vec::new();
        if let Some(node) = filters.node("tags") {
            let place = filters.at("tags");
            let what = "regular expressions by tag such as `{role: \"^web$\"}`";
            tags = tags::texts(self.cx, node, &place, what).unwrap_or_default();
            filters.put("tags", tags::write(&tags));
            self.doubt_expressions(node, &place);
        }
        let out = filters.close(self.cx);
        self.fields.put("filters", out);
        (names, tags)
    }

    fn names(&mut self, node: &Node, place: &str, set: &SlotSet) -> Option<Vec<String>> {
        if set.len() > MOST_NAMES {
            let message = "no query holds so many names";
            self.cx.error(node.span, place, message, "leave the filter out to ask all");
            return None;
        }
        Some(set.iter().map(|slot| self.world.name(slot, "")).collect())
    }

    fn doubt_expressions(&mut self, node: &Node, place: &str) {
        let Kind::Map(pairs) = &node.kind else { return };
        for pair in pairs {
            let Some(expression) = pair.value.text() else { continue };
            if matches!(Filter::tag(&pair.key, expression), Filter::Tag { compiled: None, .. }) {
                let place = format!("{place}.{}", spell::shorten(&pair.key));
                let message = "the expression does not compile: it rejects everybody, as in Serf";
                self.cx.warn(
                    pair.value.span,
                    &place,
                    message,
                    "close its brackets, or escape them",
                );
            }
        }
    }

    /// How those answer who accept: `ok` at once unless the file says otherwise.
    fn answer(&mut self, ping: bool) -> Option<Answer> {
        let node = self.fields.node("answer");
        let place = self.fields.at("answer");
        let silent = node.is_some_and(|n| n.text() == Some("false"));
        if silent || ping {
            if let (Some(node), false) = (node, silent) {
                let message = "no application hears a ping";
                self.cx.error(node.span, &place, message, "write `false`");
            }
            self.fields.put("answer", false.write());
            return None;
        }
        let empty = Node { span: self.fields.span, kind: Kind::Map(Vec::new()) };
        let node = node.filter(|n| n.text() != Some("true")).unwrap_or(&empty);
        let what = "`false` or a map such as `{payload: ok, after: 20ms}`";
        let mut fields = Fields::open(self.cx, node, &place, what)?;
        let payload = payload(self.cx, &mut fields).unwrap_or_else(|| {
            fields.put("payload", Out::Text("ok".to_owned()));
            b"ok".to_vec()
        });
        let after = match fields.node("after") {
            None => Some((0, 0, Time(0).write())),
            Some(node) => range(self.cx, node, &fields.at("after")),
        };
        let (from, to, out) = after.unwrap_or((0, 0, Time(0).write()));
        fields.put("after", out);
        let out = fields.close(self.cx);
        self.fields.put("answer", out);
        Some(Answer { payload, after: (from, to) })
    }

    fn deleted(&mut self) -> Vec<String> {
        let Some(node) = self.fields.node("delete") else { return Vec::new() };
        let place = self.fields.at("delete");
        let one = std::slice::from_ref(node);
        let list = if let Kind::List(items) = &node.kind { items.as_slice() } else { one };
        let names: Vec<String> =
            list.iter().filter_map(|item| String::read(self.cx, item, &place)).collect();
        self.fields.put("delete", Out::List(names.iter().map(Value::write).collect()));
        names
    }

    /// Doubts a message that its sender would refuse to send.
    fn doubt_size(
        &mut self,
        who: &Selector,
        len: u32,
        what: &str,
        key: &str,
        limit: fn(&serf::Config) -> u32,
    ) {
        let limits =
            self.groups_of(who).into_iter().filter_map(|(_, c)| c.serf.as_ref().map(limit));
        if let Some(limit) = limits.min().filter(|&limit| len > limit) {
            let span = ["payload", "payload_bytes", "name"]
                .iter()
                .find_map(|key| self.fields.value_span(key))
                .unwrap_or(self.fields.span);
            let place = self.fields.place.clone();
            let message =
                format!("the encoded {what} has {len} bytes: above {limit} Serf refuses it");
            self.cx.warn(span, &place, &message, format!("shorten it, or raise `{key}`"));
        }
    }

    fn doubt_query(&mut self, who: &Selector, query: &Query) {
        let Some(cluster) = self.world.cluster else { return };
        let compat = cluster.configs[0].compat;
        let (members, address) = (cluster.slots(), u32::from(cluster.address_bytes));
        let longest = |groups: &[(&Group, &Config)]| {
            groups.iter().map(|(g, _)| g.node_name(0).len() as u32).max().unwrap_or_default()
        };
        let asker = longest(&self.groups_of(who));
        let everybody = Selector::all(self.world.everybody());
        let answerer = longest(&self.groups_of(&everybody));
        let len = sizes::query(query, asker, address, compat);
        self.doubt_size(who, len, "query", "query_size_limit", |s| s.query_size_limit);
        let (span, place) = (self.fields.span, self.fields.place.clone());
        if u32::from(query.relay_factor) >= members {
            let message = format!(
                "nothing is relayed: a relay_factor of {} takes more than {} members",
                query.relay_factor, query.relay_factor
            );
            let at = self.fields.value_span("relay_factor").unwrap_or(span);
            self.cx.warn(at, &place, &message, "lower it");
        }
        let Some(answer) = &query.answer else { return };
        let len = sizes::response(&answer.payload, answerer)
            + if query.relay_factor > 0 { sizes::relay(asker, address) } else { 0 };
        let limits = self.groups_of(&everybody).into_iter().filter_map(|(_, c)| c.serf);
        let limit = limits.map(|s| s.query_response_size_limit).min();
        if let Some(limit) = limit.filter(|&limit| len > limit) {
            let what = if query.relay_factor > 0 { "relayed answer" } else { "answer" };
            let message =
                format!("an encoded {what} has {len} bytes: above {limit} Serf refuses it");
            let at = self.fields.value_span("answer").unwrap_or(span);
            let help = "shorten it, or raise `query_response_size_limit`";
            self.cx.warn(at, &format!("{place}.answer"), &message, help);
        }
    }

    /// Earlier changes may have made room, so this is no error.
    fn doubt_tags(&mut self, who: &Selector, set: &[(String, String)], delete: &[String]) {
        let becomes = |group: &Group| {
            let gone = |k: &String| delete.contains(k) || set.iter().any(|(other, _)| other == k);
            let kept = group.tags.iter().filter(|(k, _)| !gone(k)).cloned();
            serf::tags::encoded_len(&kept.chain(set.iter().cloned()).collect())
        };
        let most =
            self.groups_of(who).into_iter().map(|(g, _)| becomes(g)).max().unwrap_or_default();
        if most as usize > serf::tags::LONGEST {
            let place = self.fields.place.clone();
            let message = format!(
                "with the tags that are there it makes {most} bytes: above {} Serf refuses it",
                serf::tags::LONGEST
            );
            self.cx.warn(self.fields.span, &place, &message, "delete others first");
        }
    }
}

/// A payload as a text, or so many bytes of it; absent is nil on the wire.
fn payload(cx: &mut Cx<'_>, fields: &mut Fields<'_>) -> Option<Vec<u8>> {
    let text = fields.maybe::<String>(cx, "payload");
    if !fields.has("payload_bytes") {
        return text.map(String::into_bytes);
    }
    if let Some(span) = fields.key_span("payload") {
        let message = "either `payload` or `payload_bytes`";
        cx.error(span, &fields.place.clone(), message, "remove one of the two");
    }
    let len = fields.number(cx, "payload_bytes", 0, (0, LONGEST_PAYLOAD));
    Some(vec![b'x'; len as usize])
}
