//! Settings of nodes: keys named after the fields of [`Config`], each optional, over a base.

pub(crate) mod serf;

use wavetank_protocol::{Compat, Config, Encryption, Label, Quirks};

use crate::{
    out::Out,
    read::{self, Cx, Fields, Time, Value},
    yaml::{Kind, Node},
};

/// Longest text of a cluster label (`label.go: LabelMaxSize`).
const LONGEST_LABEL: usize = 255;

/// One changed setting.
type Change = Box<dyn Fn(&mut Config)>;

/// Settings that were given, to be laid over any base.
#[derive(Default)]
pub(crate) struct Overrides {
    changes: Vec<Change>,
    /// What was given, in canonical form.
    pub out: Vec<(String, Out)>,
}

impl Overrides {
    /// These settings over a base.
    pub fn over(&self, base: &Config) -> Config {
        let mut config = base.clone();
        for change in &self.changes {
            change(&mut config);
        }
        config
    }

    /// Adds another set of settings on top.
    pub fn extend(&mut self, other: Self) {
        self.changes.extend(other.changes);
        self.out.extend(other.out);
    }

    fn add(&mut self, key: &str, out: Out, change: impl Fn(&mut Config) + 'static) {
        self.changes.push(Box::new(change));
        self.out.push((key.to_owned(), out));
    }
}

macro_rules! settings {
    ($with:ident) => {
        $with! {
            spans: tcp_timeout push_pull_interval probe_interval probe_timeout gossip_interval
                gossip_to_the_dead_time dead_node_reclaim_time;
            numbers: indirect_checks 0..=1000, retransmit_mult 0..=1000, suspicion_mult 0..=1000,
                suspicion_max_timeout_mult 1..=1000, awareness_max_multiplier 1..=1000,
                gossip_nodes 0..=1000, handoff_queue_depth 1..=1_000_000,
                udp_buffer_size 512..=67_108_864, protocol_version 1..=5;
            booleans: disable_tcp_pings enable_compression gossip_verify_incoming
                gossip_verify_outgoing skip_inbound_label_check;
        }
    };
}

macro_rules! define {
    (spans: $($span:ident)*; numbers: $($number:ident $range:expr),*; booleans: $($boolean:ident)*;) => {
        fn plain_fields(cx: &mut Cx<'_>, fields: &mut Fields<'_>, over: &mut Overrides) {
            $(if let Some(Time(value)) = fields.maybe(cx, stringify!($span)) {
                over.add(stringify!($span), Time(value).write(), move |c| c.$span = value);
            })*
            $(if fields.has(stringify!($number)) {
                let range: std::ops::RangeInclusive<u64> = $range;
                let bounds = (*range.start(), *range.end());
                let value = fields.number(cx, stringify!($number), bounds.0, bounds);
                // In range, hence within the field's width.
                over.add(stringify!($number), value.write(), move |c| c.$number = value as _);
            })*
            $(if let Some(value) = fields.maybe::<bool>(cx, stringify!($boolean)) {
                over.add(stringify!($boolean), value.write(), move |c| c.$boolean = value);
            })*
        }

        /// All plain settings of a configuration, those of Serf after those of memberlist, in canonical form.
        pub(crate) fn write_plain(config: &Config) -> Vec<(String, Out)> {
            let mut plain = vec![
                $((stringify!($span).to_owned(), Time(config.$span).write()),)*
                $((stringify!($number).to_owned(), u64::from(config.$number).write()),)*
                $((stringify!($boolean).to_owned(), config.$boolean.write()),)*
            ];
            plain.extend(config.serf.iter().flat_map(serf::write));
            plain
        }

        /// Names and bounds of the plain settings, for the schema: durations, numbers, booleans.
        pub(crate) type Names =
            (&'static [&'static str], &'static [(&'static str, u64, u64)], &'static [&'static str]);

        /// See [`Names`].
        pub(crate) const NAMES: Names = (
            &[$(stringify!($span)),*],
            &[$((stringify!($number), *($range).start(), *($range).end())),*],
            &[$(stringify!($boolean)),*],
        );
    };
}

settings!(define);

/// Reads a map of settings.
pub(crate) fn read(cx: &mut Cx<'_>, node: &Node, place: &str) -> Overrides {
    let mut over = Overrides::default();
    let Some(mut fields) = Fields::open(cx, node, place, "a map of settings") else { return over };
    plain_fields(cx, &mut fields, &mut over);
    serf::fields(cx, &mut fields, &mut over);
    special_fields(cx, &mut fields, &mut over);
    fields.close(cx);
    over
}

/// Reads what is not a plain setting; these keys may also stand directly under `cluster`.
pub(crate) fn special_fields(cx: &mut Cx<'_>, fields: &mut Fields<'_>, over: &mut Overrides) {
    if let Some(node) = fields.node("encryption") {
        let place = fields.at("encryption");
        if let Some(encryption) = encryption(cx, node, &place) {
            over.add("encryption", write_encryption(encryption), move |c| {
                c.encryption = encryption;
            });
        }
    }
    if let Some(node) = fields.node("label") {
        let place = fields.at("label");
        if let Some(label) = label(cx, node, &place) {
            let text = cx.labels[label.id as usize].clone();
            over.add("label", Out::Text(text), move |c| c.label = label);
        }
    }
    if let Some(node) = fields.node("compat") {
        let words = [("head", Compat::Head), ("0.2", Compat::V0_2)];
        let place = fields.at("compat");
        if let Some(i) = read::word(cx, node, &place, &words) {
            let compat = words[i].1;
            over.add("compat", write_compat(compat), move |c| c.compat = compat);
        }
    }
    if let Some(node) = fields.node("quirks") {
        let place = fields.at("quirks");
        if let Some(mut quirks) = Fields::open(cx, node, &place, "a map of quirks") {
            let id_reset = quirks.maybe::<bool>(cx, "queue_id_reset");
            let [prune_freeze, tag_order, dead_config] = serf::quirks(cx, &mut quirks);
            let out = quirks.close(cx);
            over.add("quirks", out, move |c| {
                let q = &mut c.quirks;
                q.queue_id_reset = id_reset.unwrap_or(q.queue_id_reset);
                q.prune_freeze = prune_freeze.unwrap_or(q.prune_freeze);
                q.tag_order = tag_order.unwrap_or(q.tag_order);
                q.dead_config = dead_config.unwrap_or(q.dead_config);
            });
        }
    }
}

/// The special settings of a configuration, in canonical form.
pub(crate) fn write_special(config: &Config, labels: &[String]) -> Vec<(String, Out)> {
    let label = labels.get(config.label.id as usize).cloned().unwrap_or_default();
    let Quirks { queue_id_reset, prune_freeze, tag_order, dead_config } = config.quirks;
    let mut quirks = vec![("queue_id_reset".to_owned(), queue_id_reset.write())];
    if config.serf.is_some() {
        let known = serf::QUIRKS.iter().zip([prune_freeze, tag_order, dead_config]);
        quirks.extend(known.map(|(name, on)| ((*name).to_owned(), on.write())));
    }
    vec![
        ("encryption".to_owned(), write_encryption(config.encryption)),
        ("label".to_owned(), Out::Text(label)),
        ("compat".to_owned(), write_compat(config.compat)),
        ("quirks".to_owned(), Out::Map(quirks)),
    ]
}

fn write_compat(compat: Compat) -> Out {
    match compat {
        Compat::Head => Out::Plain("head".to_owned()),
        Compat::V0_2 => Out::Text("0.2".to_owned()),
    }
}

fn label(cx: &mut Cx<'_>, node: &Node, place: &str) -> Option<Label> {
    if matches!(node.kind, Kind::Null) {
        return Some(Label::default());
    }
    let text = String::read(cx, node, place)?;
    if text.len() > LONGEST_LABEL {
        let message = "a label has at most 255 bytes";
        cx.error(node.span, place, message, format!("{} bytes", text.len()));
        return None;
    }
    let id = cx.labels.iter().position(|l| *l == text).unwrap_or_else(|| {
        cx.labels.push(text.clone());
        cx.labels.len() - 1
    });
    Some(Label { id: u16::try_from(id).ok()?, len: text.len() as u8 })
}

/// Outer absence: a problem. Inner: no encryption.
#[expect(clippy::option_option, reason = "a problem and no encryption are different things")]
fn encryption(cx: &mut Cx<'_>, node: &Node, place: &str) -> Option<Option<Encryption>> {
    let one = |version| Some(Encryption { version, primary: 0, keys: 1 });
    if !matches!(node.kind, Kind::Map(_)) {
        let words = [("none", None), ("v0", one(0)), ("v1", one(1))];
        return read::word(cx, node, place, &words).map(|i| words[i].1);
    }
    let mut fields = Fields::open(cx, node, place, "a map")?;
    let before = cx.errors();
    let version = fields.number(cx, "version", 1, (0, 1)) as u8;
    let keys = match fields.node("keys") {
        None => 1,
        Some(list) => {
            let place = fields.at("keys");
            let mut keys = 0u64;
            for item in read::items(cx, list, &place, "a list of key numbers such as `[0, 1]`") {
                match u64::read(cx, item, &place) {
                    Some(key @ 0..64) => keys |= 1 << key,
                    Some(_) => cx.error(item.span, &place, "a key's number is at most 63", ""),
                    None => {}
                }
            }
            if keys == 0 && cx.errors() == before {
                cx.error(list.span, &place, "no key", "write `[0]`");
            }
            keys
        }
    };
    let default = u64::from(keys.trailing_zeros().min(63));
    let primary = fields.number(cx, "primary", default, (0, 63));
    if cx.errors() == before && keys >> primary & 1 == 0 {
        let span = fields.value_span("primary").unwrap_or(fields.span);
        let place = fields.at("primary");
        cx.error(span, &place, "the primary key is not among `keys`", "add it there");
    }
    fields.close(cx);
    (cx.errors() == before).then_some(Some(Encryption { version, primary: primary as u8, keys }))
}

fn write_encryption(encryption: Option<Encryption>) -> Out {
    let Some(Encryption { version, primary, keys }) = encryption else {
        return Out::Plain("none".to_owned());
    };
    let keys = (0..64u64).filter(|k| keys >> k & 1 == 1).map(|k| k.write()).collect();
    Out::Map(vec![
        ("version".to_owned(), u64::from(version).write()),
        ("keys".to_owned(), Out::List(keys)),
        ("primary".to_owned(), u64::from(primary).write()),
    ])
}

/// What is legal but probably not meant, as fragments with a remedy.
pub(crate) fn doubts(config: &Config) -> Vec<(&'static str, &'static str)> {
    let mut doubts = Vec::new();
    if config.probe_interval == 0 {
        doubts.push((
            "probe_interval is 0: nobody ever probes, a crash goes unnoticed",
            "set `probe_interval: 1s` unless that is the point",
        ));
    } else if config.probe_timeout >= config.probe_interval {
        doubts.push((
            "probe_timeout is not below probe_interval: no time is left for indirect probes",
            "keep `probe_timeout` at half of `probe_interval` or less",
        ));
    }
    if config.gossip_interval == 0 || config.gossip_nodes == 0 {
        doubts.push((
            "gossip is off: news travels on probes and state exchange only",
            "set `gossip_interval: 200ms` and `gossip_nodes: 3` unless that is the point",
        ));
    }
    if config.suspicion_mult <= 2 {
        doubts.push((
            "suspicion_mult is 2 or less: no confirmation is ever waited for",
            "the profiles use 3 to 6",
        ));
    }
    if config.retransmit_mult == 0 {
        doubts.push(("retransmit_mult is 0: nothing is ever gossiped", "the profiles use 2 to 4"));
    }
    serf::doubts(config, &mut doubts);
    doubts
}
