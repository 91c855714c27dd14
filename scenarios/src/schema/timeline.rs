//! The schema of the timeline: times and the verbs with their parameters.

use serde_json::{Map, Value, json};

use super::{
    bandwidth, boolean, chances, closed, delay, ends, loss, map, reference, reorder, text, whole,
    words,
};
use crate::lower::{
    cluster::{MOST_META, MOST_NODES},
    verbs::{VERBS, serf::LONGEST_PAYLOAD},
};

/// An entry.
pub(super) fn entry() -> Value {
    let times = |description: &str| {
        json!({
            "anyOf": [{"$ref": "#/definitions/duration"}, {"$ref": "#/definitions/range"}],
            "description": description,
        })
    };
    let mut keys = map(&[
        ("at", times("when it happens")),
        (
            "after",
            closed(
                "after another entry",
                map(&[
                    ("event", json!({"type": "string", "description": "id of the other entry"})),
                    (
                        "known",
                        words(
                            "wait until all who count know of it, or only for it to happen",
                            &["all", "none"],
                        ),
                    ),
                    ("delay", times("after that")),
                ]),
            ),
        ),
        (
            "every",
            json!({
                "anyOf": [
                    {"$ref": "#/definitions/duration"},
                    closed("a Poisson process", map(&[("mean", reference("duration", "between two"))])),
                ],
                "description": "repetition",
            }),
        ),
        ("times", whole("number of occurrences", 1, Some(u64::from(u32::MAX)))),
        ("until", reference("duration", "no occurrence after this time")),
        ("for", reference("duration", "how long a condition lasts")),
        ("id", text("name of the entry", r"^[\p{L}\p{N}_-]+$")),
    ]);
    let mut verbs = Vec::new();
    for verb in VERBS {
        keys.insert(verb.name.to_owned(), parameters(verb.name, verb.help));
        verbs.push(json!({"required": [verb.name]}));
    }
    let mut entry = closed("one entry: a time and a verb", keys);
    if let Some(fields) = entry.as_object_mut() {
        fields.insert("oneOf".into(), json!(verbs));
    }
    entry
}

/// The parameters of a verb, or its short form.
fn parameters(verb: &str, help: &str) -> Value {
    let span = |description: &str| reference("duration", description);
    let rebirth = [
        ("name", words("under which it comes back", &["same", "new"])),
        ("address", words("at which it comes back", &["same", "new"])),
        ("incarnation", words("what the restart makes of it", &["lost", "kept"])),
        ("state", words("Serf's snapshot", &["lost", "snapshot"])),
    ];
    let via = || reference("fixed", "whom to join through");
    let mut short = json!({"$ref": "#/definitions/names"});
    let mut path = false;
    let mut keys = match verb {
        "crash" => map(&[("kind", words("what dies", &["process", "host"]))]),
        "restart" => {
            let mut keys = map(&rebirth);
            keys.extend(map(&[("delay", span("time down")), ("via", via())]));
            keys
        }
        "rolling-restart" => {
            let mut keys = map(&rebirth);
            keys.extend(map(&[
                ("parallel", whole("how many at a time", 1, Some(u64::from(u32::MAX)))),
                ("every", span("between two batches")),
                ("down", span("time down")),
                ("leave", boolean("leave first")),
            ]));
            keys
        }
        "join" => map(&[
            ("via", via()),
            (
                "name_of",
                json!({"type": "string", "description": "the node whose name the process takes"}),
            ),
        ]),
        "leave" => map(&[
            ("timeout", span("how long to wait for the broadcast; 0 is without limit")),
            ("stop_after", span("how long the process stays up afterwards")),
        ]),
        "scale" => map(&[
            ("group", reference("scalar", "name of the group")),
            ("to", whole("how many shall run", 0, Some(MOST_NODES))),
        ]),
        "update" => map(&[("meta_bytes", whole("new length of the metadata", 0, Some(MOST_META)))]),
        "set-config" => map(&[
            ("config", reference("config", "settings that change")),
            ("by", words("how", &["restart", "live"])),
        ]),
        "slow" => map(&[
            ("service", span("time per message")),
            ("cpu", reference("share", "of a processor that is left")),
        ]),
        "clock" => map(&[
            ("offset", reference("offset", "a jump")),
            ("drift", reference("drift", "a rate error")),
        ]),
        "partition" => map(&[
            (
                "groups",
                json!({
                    "type": "array",
                    "items": {"$ref": "#/definitions/selector"},
                    "minItems": 2,
                    "description": "the sides; `rest` is everybody else",
                }),
            ),
            ("direction", words("seen from the first group", &["both", "to", "from"])),
            ("streams", words("open ones", &["cut", "open"])),
        ]),
        "block" => map(&[
            ("protocol", words("what is blocked", &["udp", "tcp", "both"])),
            ("direction", words("seen from the nodes", &["both", "in", "out"])),
            ("refused", boolean("the nodes' own hosts refuse to send datagrams")),
        ]),
        "delay" | "loss" | "duplicate" | "corrupt" | "reorder" | "bandwidth" => {
            path = true;
            let (unit, keys) = match verb {
                "delay" => ("duration", delay()),
                "loss" => ("share", loss()),
                "reorder" => ("share", reorder()),
                "bandwidth" => ("rate", bandwidth()),
                _ => ("share", chances()),
            };
            short = json!({"$ref": format!("#/definitions/{unit}")});
            keys
        }
        "pause" => Map::new(),
        _ => serf(verb),
    };
    if path {
        keys.extend(ends("selector"));
    }
    if verb != "scale" {
        keys.insert("nodes".into(), reference("selector", "who"));
    }
    let long = closed(help, keys);
    match verb {
        "scale" => long,
        _ => json!({"anyOf": [short, long], "description": help}),
    }
}

/// A payload, in either form.
fn payload() -> [(&'static str, Value); 2] {
    [
        ("payload", reference("scalar", "its text")),
        (
            "payload_bytes",
            whole("its length, when its text does not matter", 0, Some(LONGEST_PAYLOAD)),
        ),
    ]
}

/// The parameters of Serf's verbs.
fn serf(verb: &str) -> Map<String, Value> {
    let name = || text("what it is called", r"^[^\x00-\x1f]+$");
    let relay = || whole("how many others relay each answer", 0, Some(255));
    let tags = |description: &str| reference("tags", description);
    let range = json!({
        "anyOf": [{"$ref": "#/definitions/duration"}, {"$ref": "#/definitions/range"}],
        "description": "time that the handler takes",
    });
    let mut keys = match verb {
        "user-event" => map(&[("name", name()), ("coalesce", boolean("handlers may coalesce it"))]),
        "query" => map(&[
            ("name", name()),
            (
                "filters",
                closed(
                    "who is asked; all must accept",
                    map(&[
                        ("nodes", reference("fixed", "only these")),
                        ("tags", tags("regular expressions that match somewhere in a tag's value")),
                    ]),
                ),
            ),
            ("ack", boolean("members acknowledge that they heard it")),
            ("relay_factor", relay()),
            (
                "timeout",
                reference("duration", "how long answers count; 0 is the original's default"),
            ),
            (
                "answer",
                json!({
                    "anyOf": [
                        {"type": "boolean"},
                        closed("an answer", {
                            let mut answer = map(&payload());
                            answer.insert("after".into(), range);
                            answer
                        }),
                    ],
                    "description": "what those answer who accept",
                }),
            ),
        ]),
        "set-tags" => map(&[
            ("tags", tags("tags that are set")),
            ("delete", json!({"$ref": "#/definitions/names"})),
        ]),
        "force-leave" => map(&[
            ("by", reference("selector", "at whom the operator says so")),
            ("prune", boolean("the member is forgotten altogether")),
        ]),
        "rotate-key" => map(&[
            ("key", whole("number of the key", 0, Some(63))),
            ("operation", words("what is done", &["rotate", "install", "use", "remove", "list"])),
            ("relay_factor", relay()),
        ]),
        _ => Map::new(),
    };
    if matches!(verb, "user-event" | "query") {
        keys.extend(map(&payload()));
    }
    keys
}
