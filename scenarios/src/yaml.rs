//! YAML text to a tree that knows where each key and value stands.
//!
//! The only module that knows the YAML parser. Bounded in depth, in nodes (so that aliases cannot
//! multiply) and in bytes; recursion anywhere over the tree is bounded with it. Plain scalars keep their
//! text: what a scalar means is decided where a value of a known kind is wanted, so `no` is never a
//! boolean by accident.

use std::collections::BTreeMap;

use granit_parser::{Event, Parser, ScalarStyle, StructureStyle};

use crate::problem::{MOST_KEPT, Problem, Severity, Span, Texts};

/// Longest text, in bytes.
const MOST_BYTES: usize = 16 << 20;
/// Most nodes of a tree.
const MOST_NODES: usize = 1_000_000;
/// Deepest nesting.
const DEEPEST: usize = 48;

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: Kind,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Nothing, `null` or `~`.
    Null,
    /// A scalar; plain ones may be numbers, times, words.
    Scalar {
        /// Its text.
        text: String,
        /// Without quotes.
        plain: bool,
    },
    /// A list.
    List(Vec<Node>),
    /// A map, in file order, keys unique.
    Map(Vec<Pair>),
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub at: Span,
    /// The value.
    pub value: Node,
}

impl Node {
    /// What it is, for messages.
    pub fn describe(&self) -> String {
        match &self.kind {
            Kind::Null => "nothing".to_owned(),
            Kind::Scalar { text, .. } => format!("`{}`", crate::spell::shorten(text)),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a map".to_owned(),
        }
    }

    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The value of a key, if this is a map.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.kind {
            Kind::Map(pairs) => pairs.iter().find(|p| p.key == key).map(|p| &p.value),
            _ => None,
        }
    }
}

/// A collection that is being read.
struct Open {
    span: Span,
    anchor: usize,
    depth: usize,
    flow: bool,
    kind: OpenKind,
}

enum OpenKind {
    List(Vec<Node>),
    Map { pairs: Vec<Pair>, seen: BTreeMap<String, Span>, key: Option<(String, Span)>, skip: bool },
}

/// A finished node that aliases may repeat.
struct Anchored {
    node: Node,
    depth: usize,
    size: usize,
}

/// Reads text number `index` of `texts`. Duplicate keys are problems, the first of them counts; a syntax
/// error ends the reading.
pub(crate) fn parse(texts: &Texts, index: u16, problems: &mut Vec<Problem>) -> Option<Node> {
    let text = &texts.0.get(index as usize)?.1;
    let mut builder = Builder {
        texts,
        index,
        problems,
        open: Vec::new(),
        anchors: BTreeMap::new(),
        nodes: 0,
        root: None,
    };
    if text.len() > MOST_BYTES {
        builder.problem(0..0, format!("the file is longer than {} MiB", MOST_BYTES >> 20), "");
        return None;
    }
    let mut documents = 0;
    for next in Parser::new_from_str(text) {
        let (event, span) = match next {
            Ok(next) => next,
            Err(error) => {
                let at = byte_of(text, error.marker());
                let end = text[at..].chars().next().map_or(at, |c| at + c.len_utf8());
                builder.problem(at..end, format!("not YAML: {}", error.info()), "here");
                return None;
            }
        };
        let range = span.byte_range().unwrap_or(0..0);
        if let Some(tag) = span.tag_span() {
            let range = tag.byte_range().unwrap_or(range);
            builder.problem(range, "a tag has no meaning here".to_owned(), "remove this");
            return None;
        }
        let done = match event {
            Event::DocumentStart(..) => {
                documents += 1;
                if documents > 1 {
                    builder.problem(range, "a second document".to_owned(), "one scenario a file");
                    return None;
                }
                Some(())
            }
            Event::Scalar(value, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                let kind = if plain && matches!(&*value, "" | "~" | "null" | "Null" | "NULL") {
                    Kind::Null
                } else {
                    Kind::Scalar { text: value.into_owned(), plain }
                };
                let node = Node { span: builder.span(range), kind };
                builder.finished(node, anchor, 1, 1)
            }
            Event::SequenceStart(style, anchor, _) => {
                builder.begin(range, anchor, style, OpenKind::List(Vec::new()))
            }
            Event::MappingStart(style, anchor, _) => {
                let kind = OpenKind::Map {
                    pairs: Vec::new(),
                    seen: BTreeMap::new(),
                    key: None,
                    skip: false,
                };
                builder.begin(range, anchor, style, kind)
            }
            Event::SequenceEnd | Event::MappingEnd => builder.end(range.end),
            Event::Alias(id) => builder.repeat(range, id),
            _ => Some(()),
        };
        done?;
    }
    let nothing = Node { span: Span { text: index, from: 0, to: 0 }, kind: Kind::Null };
    Some(builder.root.unwrap_or(nothing))
}

/// The byte of a marker; the parser's markers count characters where it has no bytes.
fn byte_of(text: &str, marker: &granit_parser::Marker) -> usize {
    let at = marker
        .byte_offset()
        .unwrap_or_else(|| text.char_indices().nth(marker.index()).map_or(text.len(), |(i, _)| i));
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

struct Builder<'a> {
    texts: &'a Texts,
    index: u16,
    problems: &'a mut Vec<Problem>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Anchored>,
    nodes: usize,
    root: Option<Node>,
}

impl Builder<'_> {
    fn span(&self, range: std::ops::Range<usize>) -> Span {
        Span { text: self.index, from: range.start as u32, to: range.end as u32 }
    }

    fn problem(&mut self, range: std::ops::Range<usize>, message: String, label: &str) {
        let span = self.span(range);
        self.problems.push(Problem::new(
            self.texts,
            Severity::Error,
            span,
            message,
            label.to_owned(),
            None,
        ));
    }

    fn begin(
        &mut self,
        range: std::ops::Range<usize>,
        anchor: usize,
        style: StructureStyle,
        kind: OpenKind,
    ) -> Option<()> {
        if self.open.len() >= DEEPEST {
            self.problem(range, "nested too deeply".to_owned(), "no scenario needs this");
            return None;
        }
        let flow = style == StructureStyle::Flow;
        self.open.push(Open { span: self.span(range), anchor, depth: 1, flow, kind });
        Some(())
    }

    fn end(&mut self, to: usize) -> Option<()> {
        let Open { mut span, anchor, depth, flow, kind } = self.open.pop()?;
        // A block collection ends where the next token starts; its own last value is the better end.
        let kind = match kind {
            OpenKind::List(items) => {
                span.to = items.last().map_or(to as u32, |last| last.span.to.max(span.from));
                Kind::List(items)
            }
            OpenKind::Map { pairs, .. } => {
                span.to = pairs.last().map_or(to as u32, |last| last.value.span.to.max(last.at.to));
                Kind::Map(pairs)
            }
        };
        if flow {
            span.to = to as u32;
        }
        let node = Node { span, kind };
        self.finished(node, anchor, depth + 1, 1)
    }

    fn repeat(&mut self, range: std::ops::Range<usize>, id: usize) -> Option<()> {
        let Some(anchored) = self.anchors.get(&id) else {
            self.problem(range, "an alias inside of what it names".to_owned(), "");
            return None;
        };
        let (mut node, depth, size) = (anchored.node.clone(), anchored.depth, anchored.size);
        if self.open.len() + depth > DEEPEST || self.nodes + size > MOST_NODES {
            self.problem(range, "aliases multiply into too many values".to_owned(), "");
            return None;
        }
        node.span = self.span(range);
        self.finished(node, 0, depth, size)
    }

    /// Hands a finished node to the collection around it. `size` counts the nodes that it adds.
    fn finished(&mut self, node: Node, anchor: usize, depth: usize, size: usize) -> Option<()> {
        self.nodes += size;
        if self.nodes > MOST_NODES {
            self.problem(0..0, format!("more than {MOST_NODES} values"), "");
            return None;
        }
        if anchor != 0 {
            let size = count(&node);
            self.nodes += size;
            self.anchors.insert(anchor, Anchored { node: node.clone(), depth, size });
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Some(());
        };
        open.depth = open.depth.max(depth);
        match &mut open.kind {
            OpenKind::List(items) => items.push(node),
            OpenKind::Map { pairs, key, skip, .. } => {
                let Some((name, at)) = key.take() else { return self.key(node) };
                if !std::mem::take(skip) {
                    pairs.push(Pair { key: name, at, value: node });
                }
            }
        }
        Some(())
    }

    /// Takes a node as the next key of the innermost map.
    fn key(&mut self, node: Node) -> Option<()> {
        let at = node.span;
        let name = match node.kind {
            Kind::Scalar { text, .. } => text,
            Kind::Null => "null".to_owned(),
            Kind::List(_) | Kind::Map(_) => {
                let range = at.from as usize..at.to as usize;
                self.problem(range, "a list or map as a key".to_owned(), "keys are words");
                return None;
            }
        };
        let OpenKind::Map { seen, key, skip, .. } = &mut self.open.last_mut()?.kind else {
            return None;
        };
        *key = Some((name.clone(), at));
        let Some(&first) = seen.get(&name) else {
            seen.insert(name, at);
            return Some(());
        };
        *skip = true;
        if self.problems.len() < MOST_KEPT {
            let message = format!("`{}` is given twice", crate::spell::shorten(&name));
            let label = format!("first on line {}", self.texts.line(first));
            let help = Some("remove one of the two".to_owned());
            let severity = Severity::Error;
            self.problems.push(Problem::new(self.texts, severity, at, message, label, help));
        }
        Some(())
    }
}

/// Number of nodes, itself included.
fn count(node: &Node) -> usize {
    1 + match &node.kind {
        Kind::Null | Kind::Scalar { .. } => 0,
        Kind::List(items) => items.iter().map(count).sum(),
        Kind::Map(pairs) => pairs.iter().map(|p| count(&p.value)).sum(),
    }
}
