//! JSON Schema (draft-07) of the scenario file, for editors.
//!
//! Built from the same tables as the readers: verbs, settings, presets, metrics. It knows structure, words
//! and units; what needs the whole file (whether a selector matches anybody) only the readers know.

mod timeline;

use serde_json::{Map, Value, json};
use wavetank_sim_core::{
    observe::METRICS,
    outcome::{Metric, Unit},
};

use crate::{
    lower::{
        cluster::{MOST_META, MOST_NODES},
        config::{NAMES, serf},
    },
    presets::PRESETS,
};

/// The schema as JSON text, pretty-printed.
pub fn schema() -> String {
    let top = map(&[
        ("version", json!({"const": 1, "description": "version of the format"})),
        ("name", text("name of the scenario", "^[A-Za-z0-9._-]{1,100}$")),
        ("description", json!({"type": "string", "description": "what the scenario shows"})),
        ("seed", whole("first seed", 0, None)),
        ("seeds", whole("number of runs, one per seed", 1, Some(1_000_000))),
        ("duration", reference("duration", "simulated time")),
        ("cluster", cluster()),
        ("network", network()),
        (
            "timeline",
            json!({"type": ["array", "null"], "items": timeline::entry(), "description": "what happens"}),
        ),
        ("thresholds", thresholds()),
    ]);
    let mut root = closed("a scenario for wavetank", top);
    let fields = root.as_object_mut();
    if let Some(fields) = fields {
        fields.insert("$schema".into(), json!("http://json-schema.org/draft-07/schema#"));
        fields.insert("title".into(), json!("wavetank scenario, version 1"));
        fields.insert("required".into(), json!(["version", "name", "duration", "cluster"]));
        fields.insert("definitions".into(), definitions());
    }
    let mut out = serde_json::to_string_pretty(&root).unwrap_or_default();
    out.push('\n');
    out
}

fn map(pairs: &[(&str, Value)]) -> Map<String, Value> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect()
}

/// A map with these keys and no others.
#[expect(clippy::needless_pass_by_value, reason = "maps are built in the argument")]
fn closed(description: &str, properties: Map<String, Value>) -> Value {
    json!({
        "type": "object",
        "description": description,
        "properties": properties,
        "additionalProperties": false,
    })
}

fn reference(to: &str, description: &str) -> Value {
    json!({"allOf": [{"$ref": format!("#/definitions/{to}")}], "description": description})
}

fn text(description: &str, pattern: &str) -> Value {
    json!({"type": "string", "pattern": pattern, "description": description})
}

fn whole(description: &str, least: u64, most: Option<u64>) -> Value {
    let mut value = json!({"type": "integer", "minimum": least, "description": description});
    if let (Some(most), Some(fields)) = (most, value.as_object_mut()) {
        fields.insert("maximum".into(), json!(most));
    }
    value
}

fn words(description: &str, words: &[&str]) -> Value {
    json!({"enum": words, "default": words.first(), "description": description})
}

fn boolean(description: &str) -> Value {
    json!({"type": "boolean", "description": description})
}

/// One of: a quantity alone, or a map of parameters.
fn either(short: &str, long: &str, description: &str) -> Value {
    json!({
        "anyOf": [{"$ref": format!("#/definitions/{short}")}, {"$ref": format!("#/definitions/{long}")}],
        "description": description,
    })
}

/// Units, selectors and everything that occurs more than once.
fn definitions() -> Value {
    const SPAN: &str = r"([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)";
    let quantity = |pattern: &str, zero: bool, description: &str, examples: &[&str]| {
        let text = json!({"type": "string", "pattern": pattern});
        let any = if zero { json!([text, {"const": 0}]) } else { json!([text]) };
        json!({"anyOf": any, "description": description, "examples": examples})
    };
    let share = json!({
        "anyOf": [
            {"type": "string", "pattern": r"^([0-9]+(\.[0-9]*)?|\.[0-9]+)%$"},
            {"type": "number", "minimum": 0, "maximum": 1},
        ],
        "description": "a share: a percentage, or a decimal number up to 1",
        "examples": ["5%", 0.05],
    });
    let scalar = json!({"type": ["string", "number", "boolean"]});
    let definitions = [
        (
            "duration",
            quantity(
                &format!("^(\\+?({SPAN})+|0)$"),
                true,
                "a span of time, as Go writes it",
                &["30s", "200ms", "1m30s"],
            ),
        ),
        (
            "offset",
            quantity(
                &format!("^[+-]?(({SPAN})+|0)$"),
                true,
                "a span of time in either direction",
                &["-1.5s"],
            ),
        ),
        (
            "drift",
            quantity(r"^[+-]?[0-9.]+(ppm|ppb|%)$", true, "a rate error of a clock", &["100ppm"]),
        ),
        ("share", share),
        (
            "rate",
            quantity(
                r"^[0-9.]+([kKmMgGtT]?[bB]it(/s)?|[kKmMgG]i?bit|[kKmMgG]?[bB]ps|[kKmMgG]?i?[bB]/s)$",
                false,
                "a rate; `bit` counts bits, `B/s` and tc's `bps` count bytes",
                &["1mbit", "10MB/s"],
            ),
        ),
        (
            "size",
            quantity(r"^[0-9.]+([kKmMgG]i?)?[bB]$", false, "a size in bytes", &["64KiB", "1500B"]),
        ),
        ("scalar", scalar),
        ("expressions", expressions()),
        (
            "names",
            json!({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
        ),
        ("selector", selector("who is meant", true)),
        ("fixed", selector("who is meant, without chance", false)),
        (
            "range",
            closed(
                "a time drawn between two",
                map(&[
                    ("from", reference("duration", "earliest")),
                    ("to", reference("duration", "latest")),
                ]),
            ),
        ),
        ("config", config()),
        (
            "tags",
            json!({
                "type": "object",
                "additionalProperties": {"$ref": "#/definitions/scalar"},
                "description": "Serf: texts by name, at most 512 bytes when encoded",
            }),
        ),
        ("encryption", encryption()),
        (
            "quirks",
            closed(
                "defects of the original that can be switched off",
                map(&[
                    (
                        "queue_id_reset",
                        boolean("the broadcast queue's ids restart when it is empty"),
                    ),
                    (
                        "prune_freeze",
                        boolean("Serf: pruning a member that has not left stops the node for 6s"),
                    ),
                    ("tag_order", boolean("Serf: a restart may encode the same tags otherwise")),
                    ("dead_config", boolean("Serf: the agent forgets `disable_coordinates`")),
                ]),
            ),
        ),
        ("latency", latency()),
        ("chances", closed("a chance, with netem's correlation", chances())),
        ("loss", closed("a model of loss", loss())),
        ("delay", closed("an added delay", delay())),
        ("reorder", closed("a chance to overtake", reorder())),
        ("bandwidth", closed("a rate limit with a bounded queue", bandwidth())),
    ];
    Value::Object(map(&definitions))
}

fn selector(description: &str, chance: bool) -> Value {
    let mut keys = map(&[("group", reference("scalar", "name of a group"))]);
    if chance {
        keys.extend(map(&[
            (
                "pick",
                json!({
                    "anyOf": [{"type": "integer", "minimum": 1}, {"$ref": "#/definitions/share"}],
                    "description": "so many of them, at random",
                }),
            ),
            ("repick", boolean("draw anew at each repetition")),
            ("as", json!({"type": "string", "description": "a name for what is drawn"})),
            ("picked", json!({"type": "string", "description": "what another entry's pick drew"})),
        ]));
    }
    json!({
        "description": description,
        "anyOf": [
            {"type": "string", "description": "a node's name, or `all`"},
            {"type": "array", "items": {"type": "string"}, "minItems": 1},
            {
                "type": "object",
                "properties": keys,
                "additionalProperties": {"$ref": "#/definitions/scalar"},
                "minProperties": 1,
            },
        ],
    })
}

/// What stands in `config` and, apart from the plain settings, directly under `cluster`.
fn special() -> Map<String, Value> {
    map(&[
        ("encryption", reference("encryption", "keys of packets and streams")),
        (
            "label",
            json!({"type": ["string", "null"], "maxLength": 255, "description": "cluster label"}),
        ),
        (
            "compat",
            json!({"enum": ["head", "0.2", 0.2], "description": "which release's dynamics"}),
        ),
        ("quirks", reference("quirks", "known defects")),
    ])
}

fn config() -> Value {
    let mut keys = special();
    for (spans, numbers, booleans) in [NAMES, serf::NAMES] {
        for name in spans {
            keys.insert((*name).to_owned(), json!({"$ref": "#/definitions/duration"}));
        }
        for &(name, least, most) in numbers {
            let number = json!({"type": "integer", "minimum": least, "maximum": most});
            keys.insert(name.to_owned(), number);
        }
        for name in booleans {
            keys.insert((*name).to_owned(), json!({"type": "boolean"}));
        }
    }
    closed("memberlist's and Serf's settings, in snake_case of their Go names", keys)
}

fn encryption() -> Value {
    let keys = map(&[
        ("version", whole("version of the encryption", 0, Some(1))),
        (
            "keys",
            json!({
                "type": "array",
                "items": {"type": "integer", "minimum": 0, "maximum": 63},
                "minItems": 1,
                "description": "numbers of the keys that decrypt",
            }),
        ),
        ("primary", whole("number of the key that encrypts", 0, Some(63))),
    ]);
    json!({"anyOf": [{"enum": ["none", "v0", "v1"]}, closed("keys", keys)]})
}

fn cluster() -> Value {
    let presets: Vec<&str> = PRESETS.iter().map(|p| p.name).collect();
    let about: Vec<String> =
        PRESETS.iter().map(|p| format!("{}: {}", p.name, p.description)).collect();
    let mut preset = words(&about.join("\n"), &presets);
    if let Some(fields) = preset.as_object_mut() {
        fields.insert(
            "enumDescriptions".into(),
            json!(PRESETS.iter().map(|p| p.description).collect::<Vec<_>>()),
        );
    }
    let meta = || whole("bytes of metadata of each node", 0, Some(MOST_META));
    let tags = || reference("tags", "tags of each node, instead of `meta_bytes`");
    let names = || json!({"type": "string", "description": "pattern of names, with `{group}` and `{index}`"});
    let group = closed(
        "nodes with the same settings and labels",
        map(&[
            ("name", text("name of the group", r"^[\p{L}\p{N}._-]+$")),
            ("nodes", whole("number of nodes", 1, Some(MOST_NODES))),
            (
                "labels",
                json!({
                    "type": "object",
                    "additionalProperties": {"$ref": "#/definitions/scalar"},
                    "description": "such as zone, rack, role; selectors use them",
                }),
            ),
            ("config", reference("config", "settings that differ from the cluster's")),
            ("names", names()),
            ("meta_bytes", meta()),
            ("tags", tags()),
            (
                "start",
                words(
                    "stopped nodes are not there until a `join` names them",
                    &["running", "stopped"],
                ),
            ),
        ]),
    );
    let mut group = group;
    if let Some(fields) = group.as_object_mut() {
        fields.insert("required".into(), json!(["name", "nodes"]));
    }
    let mut keys = special();
    keys.extend(map(&[
        ("preset", preset),
        ("config", reference("config", "settings that differ from the preset's")),
        ("start", words("how the run begins", &["converged", "empty", "joining"])),
        ("nodes", whole("number of nodes, in one group called `node`", 1, Some(MOST_NODES))),
        ("groups", json!({"type": "array", "items": group, "minItems": 1})),
        ("names", names()),
        ("address_bytes", json!({"enum": [16, 4], "description": "length of an address"})),
        ("meta_bytes", meta()),
        ("tags", tags()),
        (
            "join",
            closed(
                "for `start: joining`",
                map(&[
                    ("via", reference("fixed", "whom to join through")),
                    ("every", reference("duration", "between two starts")),
                ]),
            ),
        ),
    ]));
    let mut cluster = closed("who there is", keys);
    if let Some(fields) = cluster.as_object_mut() {
        fields.insert("oneOf".into(), json!([{"required": ["nodes"]}, {"required": ["groups"]}]));
    }
    cluster
}

fn chances() -> Map<String, Value> {
    map(&[
        ("probability", reference("share", "how likely")),
        ("correlation", reference("share", "weight of the previous draw")),
    ])
}

fn loss() -> Map<String, Value> {
    let mut keys = chances();
    keys.insert("model".into(), words("of loss", &["random", "gilbert-elliott", "four-state"]));
    for (key, meaning) in [
        ("p", "good to bad"),
        ("r", "bad to good"),
        ("h", "delivered in the bad state"),
        ("k", "delivered in the good state"),
        ("p13", "gap to burst"),
        ("p31", "burst to gap"),
        ("p32", "received within a burst"),
        ("p23", "back into the burst"),
        ("p14", "lost within a gap"),
    ] {
        keys.insert(key.into(), reference("share", meaning));
    }
    keys
}

fn delay() -> Map<String, Value> {
    map(&[
        ("latency", reference("duration", "added to each datagram")),
        ("jitter", reference("duration", "its variation")),
        ("correlation", reference("share", "weight of the previous draw")),
        ("distribution", words("of the jitter", &["uniform", "normal", "pareto", "paretonormal"])),
    ])
}

fn reorder() -> Map<String, Value> {
    let mut keys = chances();
    keys.insert(
        "gap".into(),
        whole("at most every so-many-th datagram", 0, Some(u64::from(u32::MAX))),
    );
    keys
}

fn bandwidth() -> Map<String, Value> {
    map(&[
        ("rate", reference("rate", "of the line")),
        ("limit", reference("size", "of the queue before it")),
    ])
}

fn latency() -> Value {
    let shapes = ["uniform", "normal", "lognormal", "pareto", "exponential", "table"];
    let mut keys = map(&[
        ("distribution", json!({"enum": shapes, "description": "shape of the latency"})),
        ("min", reference("duration", "the least latency, 100us by default")),
        ("max", reference("duration", "greatest, of uniform")),
        ("mean", reference("duration", "of normal and exponential")),
        ("sd", reference("duration", "standard deviation, of normal")),
        ("median", reference("duration", "of lognormal")),
        ("p99", reference("duration", "99th percentile, of lognormal")),
        (
            "shape",
            json!({"type": "number", "minimum": 0.1, "maximum": 1000, "description": "tail exponent, of pareto"}),
        ),
        (
            "points",
            json!({
                "type": "array",
                "items": {"type": "array", "minItems": 2, "maxItems": 2},
                "description": "[share, duration] of a measured table",
            }),
        ),
        ("file", json!({"type": "string", "description": "a measured table in two columns"})),
    ]);
    for shape in shapes {
        keys.insert(
            shape.into(),
            json!({"type": "null", "description": "short for `distribution`"}),
        );
    }
    json!({
        "anyOf": [{"$ref": "#/definitions/duration"}, closed("a distribution", keys)],
        "description": "one-way latency",
    })
}

/// What a link may replace.
fn link_values() -> Map<String, Value> {
    map(&[
        ("latency", reference("latency", "one-way latency")),
        ("loss", either("share", "loss", "per datagram and direction")),
        ("duplicate", either("share", "chances", "datagrams that arrive twice")),
        ("corrupt", either("share", "chances", "datagrams that the receiver drops")),
        ("reorder", either("share", "reorder", "datagrams that overtake")),
        ("delay", either("duration", "delay", "added, with correlated jitter")),
        ("bandwidth", either("rate", "bandwidth", "rate limit")),
        ("mtu", whole("largest unfragmented payload in bytes", 68, Some(1 << 30))),
    ])
}

/// The two ends of a path.
fn ends(selector: &str) -> Map<String, Value> {
    let one = json!({"$ref": format!("#/definitions/{selector}")});
    map(&[
        (
            "between",
            json!({
                "type": "array", "items": one, "minItems": 2, "maxItems": 2,
                "description": "both ways between two sets",
            }),
        ),
        ("from", reference(selector, "one way, from these")),
        ("to", reference(selector, "one way, to these")),
    ])
}

fn network() -> Value {
    let mut link = link_values();
    link.extend(ends("fixed"));
    let mut keys = link_values();
    keys.extend(map(&[
        (
            "links",
            json!({"type": "array", "items": closed("values that differ between two sets", link)}),
        ),
        (
            "streams",
            closed(
                "the reliable plane: a loss is a retransmission",
                map(&[
                    (
                        "loss",
                        json!({
                            "anyOf": [{"const": "same"}, {"$ref": "#/definitions/share"}],
                            "description": "the same as datagrams', or its own",
                        }),
                    ),
                    (
                        "syn_rto",
                        reference("duration", "first retransmission of a connection attempt"),
                    ),
                    ("rto_min", reference("duration", "first retransmission of data")),
                ]),
            ),
        ),
    ]));
    closed("what lies between the nodes", keys)
}

/// One or more conditions on a metric.
fn expressions() -> Value {
    let one = json!({
        "type": "string",
        "pattern": r"^\s*(min|max|avg|mean|med|count|rate|value|p\([0-9. ]+\))\s*(<|<=|>|>=|==|!=)\s*\S+\s*$",
        "examples": ["p(99) < 20s", "count == 0"],
    });
    json!({"anyOf": [one, {"type": "array", "items": one}]})
}

fn thresholds() -> Value {
    let unit = |unit| match unit {
        Unit::Nanoseconds => "a duration",
        Unit::BytesPerSecond => "bytes a second",
        Unit::PacketsPerSecond => "packets a second",
        Unit::Bytes => "bytes",
        Unit::Count => "a number",
        Unit::Share => "a share",
    };
    let of = |m: &Metric| reference("expressions", &format!("{} ({})", m.help, unit(m.unit)));
    let keys = METRICS.iter().map(|m| (m.name.to_owned(), of(m))).collect();
    closed("what the report is judged by", keys)
}
