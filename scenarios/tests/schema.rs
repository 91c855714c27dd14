//! The schema: unchanged, and of one mind with the readers about what is well formed.

#![allow(clippy::unwrap_used, reason = "a test says so by panicking")]

use std::{env, fs, path::Path};

use regex_lite::Regex;
use serde_json::{Map, Value, json};
use wavetank_scenarios::{Overrides, Source, library, load, schema};

#[test]
fn the_schema_is_the_published_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("library/scenario.schema.json");
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, schema()).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), schema(), "UPDATE_EXPECT=1 rewrites it");
}

/// Flow YAML as the tests write it is JSON but for its bare words; resolved scenarios are read by a
/// reader of just their layout: indentation by two, flow values on one line.
mod yaml {
    use super::{Map, Value};

    struct Reader<'a> {
        text: &'a str,
        at: usize,
    }

    impl Reader<'_> {
        fn rest(&self) -> &str {
            &self.text[self.at..]
        }

        fn eat(&mut self, token: char) -> bool {
            let spaces = self.rest().len() - self.rest().trim_start_matches(' ').len();
            self.at += spaces;
            let found = self.rest().starts_with(token);
            self.at += if found { token.len_utf8() } else { 0 };
            found
        }

        fn value(&mut self) -> Value {
            if self.eat('[') {
                let mut items = Vec::new();
                while !self.eat(']') {
                    items.push(self.value());
                    self.eat(',');
                }
                return Value::Array(items);
            }
            if self.eat('{') {
                let mut map = Map::new();
                while !self.eat('}') {
                    let key = self.scalar(true);
                    let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
                    let value = if self.eat(':') { self.value() } else { Value::Null };
                    map.insert(key, value);
                    self.eat(',');
                }
                return Value::Object(map);
            }
            self.scalar(false)
        }

        fn scalar(&mut self, key: bool) -> Value {
            self.eat(' ');
            if self.rest().starts_with('"') {
                let mut values = serde_json::Deserializer::from_str(self.rest()).into_iter();
                let value: Value = values.next().unwrap().unwrap();
                self.at += values.byte_offset();
                return value;
            }
            let stop: &[char] = if key { &[':', ',', '}'] } else { &[',', ']', '}', '\n'] };
            let end = self.rest().find(stop).unwrap_or(self.rest().len());
            let word = self.rest()[..end].trim().to_owned();
            self.at += end;
            serde_json::from_str(&word).unwrap_or(Value::String(word))
        }
    }

    fn flow(text: &str) -> Value {
        Reader { text, at: 0 }.value()
    }

    /// Reads the lines of a block that is indented by `indent`.
    fn block(lines: &mut std::iter::Peekable<std::str::Lines<'_>>, indent: usize) -> Value {
        let mut map = Map::new();
        let mut list = Vec::new();
        while let Some(line) = lines.peek() {
            let depth = line.len() - line.trim_start().len();
            if depth < indent {
                break;
            }
            let line = lines.next().unwrap().trim();
            if let Some(item) = line.strip_prefix("- ") {
                let block_item = !item.starts_with(['{', '[', '"']) && item.contains(':');
                if block_item {
                    let (key, value) = item.split_once(':').unwrap();
                    let mut first = Map::new();
                    first.insert(key.to_owned(), after(value, lines, indent + 2));
                    if let Value::Object(more) = block(lines, indent + 2) {
                        first.extend(more);
                    }
                    list.push(Value::Object(first));
                } else {
                    list.push(flow(item));
                }
            } else {
                let (key, value) = line.split_once(':').unwrap();
                map.insert(key.to_owned(), after(value, lines, indent));
            }
        }
        if list.is_empty() { Value::Object(map) } else { Value::Array(list) }
    }

    fn after(
        value: &str,
        lines: &mut std::iter::Peekable<std::str::Lines<'_>>,
        indent: usize,
    ) -> Value {
        if value.trim().is_empty() { block(lines, indent + 2) } else { flow(value) }
    }

    pub fn document(text: &str) -> Value {
        block(&mut text.lines().peekable(), 0)
    }
}

/// What is wrong with a value; the keywords are those that the schema uses.
fn check(root: &Value, schema: &Value, value: &Value, place: &str, wrong: &mut Vec<String>) {
    let Some(keywords) = schema.as_object() else { return };
    let fits = |schema: &Value| {
        let mut inner = Vec::new();
        check(root, schema, value, place, &mut inner);
        inner.is_empty()
    };
    let list = |of: &Value| of.as_array().unwrap().clone();
    let number = value.as_f64();
    for (keyword, of) in keywords {
        let ok = match keyword.as_str() {
            "$ref" => {
                let path = of.as_str().unwrap().trim_start_matches('#');
                check(root, root.pointer(path).unwrap(), value, place, wrong);
                true
            }
            "allOf" => list(of).iter().all(fits),
            "anyOf" => list(of).iter().any(fits),
            "oneOf" => list(of).iter().filter(|s| fits(s)).count() == 1,
            "const" => of == value,
            "enum" => list(of).contains(value),
            "type" => {
                let is = |name: &Value| match name.as_str().unwrap() {
                    "null" => value.is_null(),
                    "string" => value.is_string(),
                    "integer" => value.is_u64() || value.is_i64(),
                    "number" => value.is_number(),
                    "boolean" => value.is_boolean(),
                    "array" => value.is_array(),
                    "object" => value.is_object(),
                    other => panic!("{other}"),
                };
                if of.is_array() { list(of).iter().any(is) } else { is(of) }
            }
            "pattern" => value.as_str().is_none_or(|text| {
                let of = of.as_str().unwrap().replace("\\p{L}\\p{N}", "A-Za-z0-9");
                Regex::new(&of).unwrap().is_match(text)
            }),
            "minimum" => number.is_none_or(|n| n >= of.as_f64().unwrap()),
            "maximum" => number.is_none_or(|n| n <= of.as_f64().unwrap()),
            "maxLength" => value.as_str().is_none_or(|t| t.len() as u64 <= of.as_u64().unwrap()),
            "minItems" => value.as_array().is_none_or(|a| a.len() as u64 >= of.as_u64().unwrap()),
            "maxItems" => value.as_array().is_none_or(|a| a.len() as u64 <= of.as_u64().unwrap()),
            "minProperties" => {
                value.as_object().is_none_or(|o| o.len() as u64 >= of.as_u64().unwrap())
            }
            "required" => value
                .as_object()
                .is_none_or(|o| list(of).iter().all(|k| o.contains_key(k.as_str().unwrap()))),
            "items" => {
                for (i, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, of, item, &format!("{place}[{i}]"), wrong);
                }
                true
            }
            "properties" => {
                let object = value.as_object().cloned().unwrap_or_default();
                for (key, inner) in &object {
                    if let Some(of) = of.get(key) {
                        check(root, of, inner, &format!("{place}.{key}"), wrong);
                    }
                }
                true
            }
            "additionalProperties" => {
                let empty = json!({});
                let known = schema.get("properties").unwrap_or(&empty);
                let object = value.as_object().cloned().unwrap_or_default();
                let others = object.iter().filter(|(key, _)| known.get(key).is_none());
                match of {
                    Value::Bool(false) => others.count() == 0,
                    of => {
                        for (key, inner) in others {
                            check(root, of, inner, &format!("{place}.{key}"), wrong);
                        }
                        true
                    }
                }
            }
            "$schema" | "title" | "description" | "definitions" | "default" | "examples"
            | "enumDescriptions" => true,
            other => panic!("the checker does not know `{other}`"),
        };
        if !ok {
            wrong.push(format!("{place}: {keyword}"));
        }
    }
}

fn verdict(text: &str) -> Vec<String> {
    let root: Value = serde_json::from_str(&schema()).unwrap();
    let value = yaml::document(text);
    let mut wrong = Vec::new();
    check(&root, &root, &value, "", &mut wrong);
    wrong
}

#[test]
fn the_library_and_its_resolved_forms_fit() {
    for builtin in library::list() {
        let scenario =
            load(Source::new(builtin.name, builtin.text), &Overrides::default()).unwrap();
        assert_eq!(verdict(&scenario.resolved()), [""; 0], "{}", builtin.name);
    }
}

#[test]
fn readers_and_schema_agree() {
    const HEAD: &str = "version: 1\nname: t\nduration: 60s\n";
    let with = |section: &str| {
        let cluster = if section.contains("cluster:") { "" } else { "cluster: {nodes: 9}\n" };
        format!("{HEAD}{cluster}{section}\n")
    };
    for (fits, sections) in [
        (
            true,
            &[
                "timeline: [{at: 1s, crash: node-3}]",
                "timeline: [{at: 0, loss: 5%}, {at: {from: 1s, to: 59.5s}, loss: 0.05}]",
                "timeline: [{at: 1s, for: 3s, partition: {groups: [node-3, rest], streams: open}}]",
                "timeline: [{at: 1s, every: {mean: 500us}, times: 3, update: {nodes: {pick: 5%}, meta_bytes: 3}}]",
                "timeline: [{at: 1s, clock: {nodes: all, offset: -3s, drift: -5ppm}}]",
                "timeline: [{at: 1s, bandwidth: 10MB/s}, {at: 1s, bandwidth: {rate: 1mbit, limit: 64KiB}}]",
                "network: {latency: {lognormal, median: 1ms, p99: 5ms}, links: [{from: all, to: node-1, mtu: 576}]}",
                "network: {latency: 5ms, loss: {model: gilbert-elliott, p: 1%}, streams: {loss: same}}",
                "cluster: {nodes: 5, compat: 0.2, encryption: {keys: [0, 1]}, config: {gossip_nodes: 4}}",
                "cluster: {groups: [{name: a, nodes: 5, labels: {zone: 1}}], start: joining, join: {via: a-0}}",
                "cluster: {preset: serf-lan, nodes: 5, tags: {role: web, version: 2}, quirks: {tag_order: false}}",
                "cluster: {preset: serf-lan, nodes: 5, config: {snapshot: true, reap_interval: 5s, event_buffer: 9}}",
                "cluster: {preset: serf-lan, nodes: 5}\ntimeline: [{at: 1s, user-event: {nodes: node-1, name: x, payload: 1}}]",
                "cluster: {preset: nomad, nodes: 5}\ntimeline: [{at: 1s, query: {nodes: all, name: x, filters: {nodes: [node-1], \
                 tags: {role: web}}, ack: false, relay_factor: 3, timeout: 0, answer: {payload_bytes: 3, after: {from: 1s, to: 2s}}}}]",
                "cluster: {preset: serf-lan, nodes: 5}\ntimeline: [{at: 1s, set-tags: {nodes: node-1, tags: {a: 1}, delete: [b]}}]",
                "cluster: {preset: serf-lan, nodes: 5}\ntimeline: [{at: 1s, force-leave: {nodes: node-1, by: {pick: 1}, prune: true}}]",
                "cluster: {preset: serf-lan, nodes: 5, encryption: v1}\ntimeline: [{at: 1s, rotate-key: {key: 1, operation: use}}]",
                "thresholds: {false_positives: \"count == 0\", detection.all: [\"p(99.9) <= 20s\"]}",
            ][..],
        ),
        (
            false,
            &[
                "timeline: [{at: 5, crash: node-3}]",
                "timeline: [{at: 5s, crash: node-3, loss: 5%}]",
                "timeline: [{at: 5s}]",
                "timeline: [{at: 5s, crahs: node-3}]",
                "timeline: [{at: 5s, loss: 5}]",
                "timeline: [{at: 5s, crash: {nodes: node-3, kind: machine}}]",
                "timeline: [{at: 5s, update: {nodes: node-3, meta_bytes: 513}}]",
                "network: {latency: 5}",
                "network: {bandwidth: 1000}",
                "cluster: {nodes: 5, groups: []}",
                "cluster: {nodes: 5, config: {gossip_node: 4}}",
                "cluster: {nodes: 5, config: {disable_tcp_pings: yes}}",
                "thresholds: {false_positives: \"p(99) = 0\"}",
                "thresholds: {false_positive: \"count == 0\"}",
                "colour: red",
                "cluster: {preset: serf-lan, nodes: 5, config: {event_buffer: 0}}",
                "cluster: {preset: serf-lan, nodes: 5, config: {snapshot: yes}}",
                "cluster: {preset: serf-lan, nodes: 5, tags: [web]}",
                "cluster: {preset: serf-lan, nodes: 5}\ntimeline: [{at: 1s, user-event: {nodes: node-1, name: \"\"}}]",
                "cluster: {preset: serf-lan, nodes: 5}\ntimeline: [{at: 1s, query: {nodes: node-1, name: x, relay_factor: 256}}]",
                "cluster: {preset: serf-lan, nodes: 5}\ntimeline: [{at: 1s, query: {nodes: node-1, name: x, answer: maybe}}]",
                "cluster: {preset: serf-lan, nodes: 5, encryption: v1}\ntimeline: [{at: 1s, rotate-key: {key: 64}}]",
            ][..],
        ),
    ] {
        for section in sections {
            let text = with(section);
            let wrong = verdict(&text);
            assert_eq!(wrong.is_empty(), fits, "{section}: {wrong:?}");
            let loaded = load(Source::new("t.yaml", &text), &Overrides::default());
            let loads =
                loaded.as_ref().map_or_else(|p| p.to_string().contains("`to` is before"), |_| true);
            assert_eq!(loads, fits, "{section}: {:?}", loaded.err().map(|p| p.to_string()));
        }
    }
}
