//! Who a query is for (`serf/query.go: shouldProcessQuery`; specification 5.4).

use regex::Regex;

/// A filter of a query.
#[derive(Clone, Debug)]
pub enum Filter {
    /// These names.
    Nodes(Vec<String>),
    /// A regular expression that matches somewhere in the value of a tag; a missing tag is empty.
    Tag {
        /// Which tag.
        tag: String,
        /// The expression, as written.
        expression: String,
        /// Compiled; absent: it does not compile, and rejects.
        compiled: Option<Regex>,
    },
}

impl Filter {
    /// A filter of a tag. An expression that does not compile rejects everybody, as in the original.
    pub fn tag(tag: &str, expression: &str) -> Self {
        let compiled = Regex::new(expression).ok();
        Self::Tag { tag: tag.to_owned(), expression: expression.to_owned(), compiled }
    }

    /// Whether a member of this name with these tags is meant.
    pub fn accepts(&self, name: &str, tags: &[(String, String)]) -> bool {
        match self {
            Self::Nodes(names) => names.iter().any(|n| n == name),
            Self::Tag { tag, compiled, .. } => {
                let value = tags.iter().find(|(k, _)| k == tag).map_or("", |(_, v)| v.as_str());
                compiled.as_ref().is_some_and(|regex| regex.is_match(value))
            }
        }
    }
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nodes(a), Self::Nodes(b)) => a == b,
            (Self::Tag { tag: a, expression: x, .. }, Self::Tag { tag: b, expression: y, .. }) => {
                (a, x) == (b, y)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_not_anchored_and_a_missing_tag_is_empty() {
        let tags = [("role".to_owned(), "web-front".to_owned())];
        for (tag, expression, accepted) in [
            ("role", "web", true),
            ("role", "front", true),
            ("role", "^web$", false),
            ("role", "^web", true),
            ("dc", "^$", true),
            ("dc", "east", false),
            ("role", "(", false),
        ] {
            assert_eq!(Filter::tag(tag, expression).accepts("n", &tags), accepted, "{expression}");
        }
        let nodes = Filter::Nodes(vec!["a".into(), "b".into()]);
        assert!(nodes.accepts("b", &[]) && !nodes.accepts("c", &[]));
    }
}
