//! Tags of members, and metadata given by its length alone.
//!
//! With Serf the metadata of a member is its encoded tags. A scenario that only says how long it is gets
//! one tag called `meta`, padded to that length.

use wavetank_protocol::serf::{
    ledger::Tags,
    tags::{LONGEST, encoded_len},
};

use super::cluster::MOST_META;
use crate::{
    out::Out,
    problem::Span,
    read::{Cx, Fields, Value},
    spell,
    yaml::{Kind, Node},
};

/// The tag that stands for metadata of a given length.
const PADDING: &str = "meta";

/// Least length of that tag, with an empty value.
pub(crate) const LEAST_META: u64 = 8;

/// What a node says about itself, as a file gives it.
#[derive(Clone, Default)]
pub(crate) struct Metadata {
    pub meta_bytes: u64,
    pub tags: Tags,
}

impl Metadata {
    /// Reads `meta_bytes` and `tags` of the cluster or of a group, where each takes the place of both that
    /// are inherited.
    pub fn read(cx: &mut Cx<'_>, fields: &mut Fields<'_>, inherited: &Self) -> Self {
        let bytes_given = fields.has("meta_bytes");
        let tags = fields.node("tags").and_then(|node| {
            let place = fields.at("tags");
            if cx.serf == Some(false) {
                let help =
                    "metadata without Serf is `meta_bytes: 64`, words for selectors are `labels`";
                let message = "tags need Serf";
                let label = "use a preset such as `serf-lan`";
                cx.error_with(node.span, &place, message, label, help);
                return None;
            }
            let tags = texts(cx, node, &place, "tags such as `{role: web}`")?;
            check_length(cx, node.span, &place, &tags);
            Some(tags)
        });
        let default = if tags.is_some() { 0 } else { inherited.meta_bytes };
        let meta_bytes = fields.number(cx, "meta_bytes", default, (0, MOST_META));
        let span = fields.value_span("meta_bytes").unwrap_or(fields.span);
        let place = fields.at("meta_bytes");
        if meta_bytes > 0 && tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
            let message = "either `meta_bytes` or `tags`: the tags are the metadata";
            cx.error(span, &place, message, "remove one of the two");
        }
        if bytes_given {
            check_least(cx, span, &place, meta_bytes);
        }
        let tags = tags
            .unwrap_or_else(|| if meta_bytes > 0 { Tags::new() } else { inherited.tags.clone() });
        if cx.serf == Some(true) {
            fields.put("tags", write(&tags));
        }
        Self { meta_bytes, tags }
    }

    /// Length of the metadata and the tags that are encoded in it.
    pub fn settle(&self, serf: bool) -> (u16, Tags) {
        if !serf {
            return (self.meta_bytes as u16, Tags::new());
        }
        let tags = if self.meta_bytes > 0 { padded(self.meta_bytes) } else { self.tags.clone() };
        (encoded_len(&tags) as u16, tags)
    }
}

/// Reports a length that Serf's metadata cannot have.
pub(crate) fn check_least(cx: &mut Cx<'_>, span: Span, place: &str, meta_bytes: u64) {
    if cx.serf == Some(true) && (1..LEAST_META).contains(&meta_bytes) {
        let message = "with Serf metadata is tags, which take some bytes themselves";
        cx.error(span, place, message, format!("0, or {LEAST_META} and more"));
    }
}

/// Reports tags that are too long (`serf/serf.go: setTags`).
pub(crate) fn check_length(cx: &mut Cx<'_>, span: Span, place: &str, tags: &Tags) {
    let len = encoded_len(tags);
    if len as usize > LONGEST {
        let message = format!("encoded tags have at most {LONGEST} bytes");
        cx.error(span, place, &message, format!("these have {len}"));
    }
}

/// Reads a map of texts, ascending by key.
pub(crate) fn texts(cx: &mut Cx<'_>, node: &Node, place: &str, what: &str) -> Option<Tags> {
    let Kind::Map(pairs) = &node.kind else {
        cx.expected(node, place, what);
        return None;
    };
    let mut texts = Tags::new();
    for pair in pairs {
        let place = format!("{place}.{}", spell::shorten(&pair.key));
        if let Some(value) = String::read(cx, &pair.value, &place) {
            texts.push((pair.key.clone(), value));
        }
    }
    texts.sort();
    Some(texts)
}

/// A map of texts in canonical form.
pub(crate) fn write(texts: &Tags) -> Out {
    Out::Map(texts.iter().map(|(k, v)| (k.clone(), Out::Text(v.clone()))).collect())
}

/// One tag that is so many bytes long when encoded. From 32 bytes on a text takes two bytes more, so two
/// lengths in between need a longer name.
fn padded(meta_bytes: u64) -> Tags {
    let mut name = PADDING.to_owned();
    loop {
        let of = |len| vec![(name.clone(), "x".repeat(len))];
        let spare = meta_bytes.saturating_sub(u64::from(encoded_len(&of(0)))) as usize;
        let fits = |len: &usize| u64::from(encoded_len(&of(*len))) == meta_bytes;
        let len = [spare, spare.saturating_sub(2)].into_iter().find(fits);
        match len {
            Some(len) => return of(len),
            None if name.len() < 16 => name.push('_'),
            None => return of(spare),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_has_every_length() {
        for len in LEAST_META..=MOST_META {
            assert_eq!(u64::from(encoded_len(&padded(len))), len);
        }
    }
}
