//! Reading values out of the tree: every reader reports what is wrong and goes on.
//!
//! A map is read through [`Fields`], which remembers the keys that were asked for: what is left over at
//! the end is unknown, and the asked ones are the valid spellings. It also collects what was read, with
//! defaults, for the resolved scenario.

use wavetank_protocol::{Span as Nanos, rng::Probability};

use crate::{
    out::Out,
    problem::{MOST_KEPT, Problem, Severity, Span, Texts},
    spell,
    units::{self, Wrong},
    yaml::{Kind, Node, Pair},
};

/// Reads a file that a scenario names; the argument is the name as written.
pub type Files<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// So many valid words are listed even beside a near one.
const SHORT: usize = 8;

/// What all readers share.
pub(crate) struct Cx<'a> {
    pub texts: &'a Texts,
    pub files: Option<Files<'a>>,
    /// `--nodes` was given.
    pub scaled: bool,
    /// Whether the preset has Serf; absent while that is not known.
    pub serf: Option<bool>,
    pub problems: Vec<Problem>,
    errors: usize,
    pub warnings: Vec<Problem>,
    /// Cluster labels in order of appearance; the first is empty.
    pub labels: Vec<String>,
}

impl<'a> Cx<'a> {
    pub fn new(texts: &'a Texts, files: Option<Files<'a>>) -> Self {
        let labels = vec![String::new()];
        Self {
            texts,
            files,
            scaled: false,
            serf: None,
            problems: Vec::new(),
            errors: 0,
            warnings: Vec::new(),
            labels,
        }
    }

    /// How many errors were reported so far, kept or not.
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// Reports an error at a place; `label` stands under the marked text.
    pub fn error(&mut self, span: Span, place: &str, message: &str, label: impl Into<String>) {
        self.report(Severity::Error, span, place, message, label.into(), None);
    }

    /// Reports an error with a line of help below the text.
    pub fn error_with(
        &mut self,
        span: Span,
        place: &str,
        message: &str,
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.report(Severity::Error, span, place, message, label.into(), Some(help.into()));
    }

    /// Reports a warning.
    pub fn warn(&mut self, span: Span, place: &str, message: &str, help: impl Into<String>) {
        self.report(Severity::Warning, span, place, message, String::new(), Some(help.into()));
    }

    fn report(
        &mut self,
        severity: Severity,
        span: Span,
        place: &str,
        message: &str,
        label: String,
        help: Option<String>,
    ) {
        if severity == Severity::Error {
            self.errors += 1;
        }
        let kept = match severity {
            Severity::Error => &mut self.problems,
            Severity::Warning => &mut self.warnings,
        };
        if kept.len() >= MOST_KEPT {
            return;
        }
        let message =
            if place.is_empty() { message.to_owned() } else { format!("{place}: {message}") };
        kept.push(Problem::new(self.texts, severity, span, message, label, help));
    }

    /// Reports a value of the wrong kind.
    pub fn expected(&mut self, node: &Node, place: &str, what: &str) {
        let found = format!("found {}", node.describe());
        self.error(node.span, place, &format!("expected {what}"), found);
    }

    /// Reports a word that is none of the valid ones.
    pub fn no_such<'w>(
        &mut self,
        span: Span,
        place: &str,
        message: &str,
        word: &str,
        valid: impl IntoIterator<Item = &'w str>,
    ) {
        if self.errors >= MOST_KEPT {
            // Nobody will read it.
            return self.error(span, place, message, "");
        }
        let valid: Vec<&str> = valid.into_iter().collect();
        let near = spell::nearest(word, valid.iter().copied());
        let label = near.map_or(String::new(), |near| format!("did you mean `{near}`?"));
        if valid.is_empty() || near.is_some() && valid.len() > SHORT {
            self.error(span, place, message, label);
        } else {
            let shown = valid.len().min(40);
            let more = if shown < valid.len() { ", ..." } else { "" };
            let help = format!("one of {}{more}", spell::list(valid[..shown].iter().copied()));
            self.error_with(span, place, message, label, help);
        }
    }

    /// A quantity that [`units`] understands.
    fn quantity<T>(
        &mut self,
        node: &Node,
        place: &str,
        what: &str,
        read: fn(&str) -> Result<T, Wrong>,
    ) -> Option<T> {
        let Some(text) = node.text() else {
            self.expected(node, place, what);
            return None;
        };
        match read(text) {
            Ok(value) => Some(value),
            Err(Wrong { message, label }) => {
                self.error(node.span, place, &message, label);
                None
            }
        }
    }
}

/// A value that can be read from a node and written again.
pub(crate) trait Value: Sized {
    fn read(cx: &mut Cx<'_>, node: &Node, place: &str) -> Option<Self>;
    fn write(&self) -> Out;
}

/// A span of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Time(pub Nanos);
/// A jump of a clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Offset(pub i64);
/// A rate error of a clock, in parts per billion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Drift(pub i64);
/// A share between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Share(pub f64);
/// Bytes a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rate(pub u64);
/// Bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Size(pub u64);

impl Share {
    pub fn probability(self) -> Probability {
        Probability::from_share(self.0)
    }
}

macro_rules! quantities {
    ($($name:ident: $what:literal, $read:path, $write:path;)*) => {$(
        impl Value for $name {
            fn read(cx: &mut Cx<'_>, node: &Node, place: &str) -> Option<Self> {
                cx.quantity(node, place, $what, $read).map(Self)
            }
            fn write(&self) -> Out {
                Out::Plain($write(self.0))
            }
        }
    )*};
}

quantities! {
    Time: "a duration such as `30s`", units::span, units::write_span;
    Offset: "an offset such as `-1.5s`", units::offset, units::write_offset;
    Drift: "a drift such as `100ppm`", units::drift, units::write_drift;
    Share: "a share such as `5%`", units::share, units::write_share;
    Rate: "a rate such as `1mbit`", units::rate, units::write_rate;
    Size: "a size such as `64KiB`", units::size, units::write_size;
}

impl Value for u64 {
    fn read(cx: &mut Cx<'_>, node: &Node, place: &str) -> Option<Self> {
        let Kind::Scalar { text, plain: true } = &node.kind else {
            cx.expected(node, place, "a whole number");
            return None;
        };
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits => Some(number),
            _ if digits => {
                let most = format!("at most {}", Self::MAX);
                cx.error(node.span, place, "the number is too large", most);
                None
            }
            _ => {
                cx.expected(node, place, "a whole number");
                None
            }
        }
    }

    fn write(&self) -> Out {
        Out::Plain(self.to_string())
    }
}

impl Value for bool {
    fn read(cx: &mut Cx<'_>, node: &Node, place: &str) -> Option<Self> {
        if let Kind::Scalar { text, plain: true } = &node.kind {
            match text.as_str() {
                "true" => return Some(true),
                "false" => return Some(false),
                _ => {}
            }
            let instead = match text.to_ascii_lowercase().as_str() {
                "yes" | "on" | "y" | "true" => Some("true"),
                "no" | "off" | "n" | "false" => Some("false"),
                _ => None,
            };
            if let Some(instead) = instead {
                let label = format!("write `{instead}`");
                cx.error(node.span, place, &format!("`{text}` is no boolean"), label);
                return None;
            }
        }
        cx.expected(node, place, "`true` or `false`");
        None
    }

    fn write(&self) -> Out {
        Out::Plain(self.to_string())
    }
}

impl Value for String {
    fn read(cx: &mut Cx<'_>, node: &Node, place: &str) -> Option<Self> {
        let text = node.text().map(str::to_owned);
        if text.is_none() {
            cx.expected(node, place, "a text");
        }
        text
    }

    fn write(&self) -> Out {
        Out::Text(self.clone())
    }
}

/// The entries of a map that is being read.
pub(crate) struct Fields<'t> {
    pairs: &'t [Pair],
    /// Path of keys.
    pub place: String,
    /// The whole map.
    pub span: Span,
    asked: Vec<&'static str>,
    /// What was read, in canonical form.
    pub out: Vec<(String, Out)>,
}

impl<'t> Fields<'t> {
    /// Opens a map; anything else is a problem.
    pub fn open(cx: &mut Cx<'_>, node: &'t Node, place: &str, what: &str) -> Option<Self> {
        let Kind::Map(pairs) = &node.kind else {
            cx.expected(node, place, what);
            return None;
        };
        Some(Self::over(pairs, place, node.span))
    }

    /// Over some entries of a map.
    pub fn over(pairs: &'t [Pair], place: &str, span: Span) -> Self {
        Self { pairs, place: place.to_owned(), span, asked: Vec::new(), out: Vec::new() }
    }

    /// Path of a key.
    pub fn at(&self, key: &str) -> String {
        if self.place.is_empty() { key.to_owned() } else { format!("{}.{key}", self.place) }
    }

    /// The entry of a key, which thereby is a valid one.
    pub fn pair(&mut self, key: &'static str) -> Option<&'t Pair> {
        self.asked.push(key);
        self.pairs.iter().find(|p| p.key == key)
    }

    /// The value of a key.
    pub fn node(&mut self, key: &'static str) -> Option<&'t Node> {
        self.pair(key).map(|p| &p.value)
    }

    /// All entries.
    pub fn all(&self) -> &'t [Pair] {
        self.pairs
    }

    /// Puts a value into the resolved map.
    pub fn put(&mut self, key: &str, value: Out) {
        self.out.push((key.to_owned(), value));
    }

    /// A value if it is there; what was read goes to the resolved map.
    pub fn maybe<T: Value>(&mut self, cx: &mut Cx<'_>, key: &'static str) -> Option<T> {
        let node = self.node(key)?;
        let value = T::read(cx, node, &self.at(key))?;
        self.put(key, value.write());
        Some(value)
    }

    /// A value or its default.
    pub fn or<T: Value>(&mut self, cx: &mut Cx<'_>, key: &'static str, default: T) -> T {
        let Some(node) = self.node(key) else {
            self.put(key, default.write());
            return default;
        };
        let value = T::read(cx, node, &self.at(key)).unwrap_or(default);
        self.put(key, value.write());
        value
    }

    /// A value that must be there; `example` is a remedy.
    pub fn need<T: Value>(
        &mut self,
        cx: &mut Cx<'_>,
        key: &'static str,
        example: &str,
    ) -> Option<T> {
        if self.node(key).is_none() {
            self.missing(cx, key, example);
            return None;
        }
        self.maybe(cx, key)
    }

    /// Reports a missing key.
    pub fn missing(&self, cx: &mut Cx<'_>, key: &str, example: &str) {
        let message = format!("`{key}` is missing");
        cx.error_with(self.span, &self.place, &message, "", format!("add `{key}: {example}`"));
    }

    /// A whole number within bounds.
    pub fn number(
        &mut self,
        cx: &mut Cx<'_>,
        key: &'static str,
        default: u64,
        (least, most): (u64, u64),
    ) -> u64 {
        let value = self.or(cx, key, default);
        let span = self.value_span(key);
        if (least..=most).contains(&value) || span.is_none() {
            return value;
        }
        let place = self.at(key);
        let bounds = format!("from {least} to {most}");
        cx.error(span.unwrap_or(self.span), &place, "the number is out of range", bounds);
        default.clamp(least, most)
    }

    /// A whole number that must be there, within bounds.
    pub fn need_number(
        &mut self,
        cx: &mut Cx<'_>,
        key: &'static str,
        bounds: (u64, u64),
        example: &str,
    ) -> Option<u64> {
        if self.node(key).is_none() {
            self.missing(cx, key, example);
            return None;
        }
        let before = cx.errors();
        let value = self.number(cx, key, bounds.0, bounds);
        (cx.errors() == before).then_some(value)
    }

    /// One of some words; the first is the default.
    pub fn word<T: Copy>(&mut self, cx: &mut Cx<'_>, key: &'static str, words: &[(&str, T)]) -> T {
        let place = self.at(key);
        let found = match self.node(key) {
            None => 0,
            Some(node) => word(cx, node, &place, words).unwrap_or(0),
        };
        self.put(key, Out::Plain(words[found].0.to_owned()));
        words[found].1
    }

    /// The same for a word on which the rest depends: absent if it is none of them.
    pub fn word_or_problem<T: Copy>(
        &mut self,
        cx: &mut Cx<'_>,
        key: &'static str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let before = cx.errors();
        let word = self.word(cx, key, words);
        (cx.errors() == before).then_some(word)
    }

    /// Where the value of a key stands.
    pub fn value_span(&self, key: &str) -> Option<Span> {
        self.pairs.iter().find(|p| p.key == key).map(|p| p.value.span)
    }

    /// Where a key stands.
    pub fn key_span(&self, key: &str) -> Option<Span> {
        self.pairs.iter().find(|p| p.key == key).map(|p| p.at)
    }

    /// Whether a key is there; it becomes a valid one.
    pub fn has(&mut self, key: &'static str) -> bool {
        self.pair(key).is_some()
    }

    /// Reports the keys that nobody asked for.
    pub fn close(self, cx: &mut Cx<'_>) -> Out {
        self.close_with(cx, "unknown key", |_| None)
    }

    /// The same, with help of its own for some keys.
    pub fn close_with(
        self,
        cx: &mut Cx<'_>,
        message: &str,
        help: impl Fn(&str) -> Option<String>,
    ) -> Out {
        let mut asked = self.asked.clone();
        asked.sort_unstable();
        asked.dedup();
        for pair in self.pairs.iter().filter(|p| !asked.contains(&p.key.as_str())) {
            let place = self.at(&spell::shorten(&pair.key));
            match help(&pair.key) {
                Some(help) => cx.error_with(pair.at, &place, message, "", help),
                None => cx.no_such(pair.at, &place, message, &pair.key, asked.iter().copied()),
            }
        }
        Out::Map(self.out)
    }
}

/// The index of a word in its table.
pub(crate) fn word<T>(
    cx: &mut Cx<'_>,
    node: &Node,
    place: &str,
    words: &[(&str, T)],
) -> Option<usize> {
    let valid = words.iter().map(|(w, _)| *w);
    let Some(text) = node.text() else {
        cx.expected(node, place, &format!("one of {}", spell::list(valid)));
        return None;
    };
    let found = words.iter().position(|(w, _)| *w == text);
    if found.is_none() {
        let message = format!("`{}` is not a valid value", spell::shorten(text));
        cx.no_such(node.span, place, &message, text, valid);
    }
    found
}

/// The items of a list; none of anything else, which is a problem.
pub(crate) fn items<'t>(cx: &mut Cx<'_>, node: &'t Node, place: &str, what: &str) -> &'t [Node] {
    if let Kind::List(items) = &node.kind {
        return items;
    }
    cx.expected(node, place, what);
    &[]
}
