//! What the command line changes: `--set`, `--nodes`, `--seed`, `--seeds`. All of it happens on the tree,
//! before anything is checked, so that errors about an option point into the option.

use std::collections::BTreeMap;

use crate::{
    lower::verbs,
    problem::{Problem, Severity, Span, Texts},
    spell,
    yaml::{self, Kind, Node, Pair},
};

/// Changes to a scenario that are not in its file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Path and value: `("cluster.config.gossip_interval", "500ms")`.
    pub set: Vec<(String, String)>,
    /// Total number of nodes; groups keep their proportions.
    pub nodes: Option<u32>,
    /// One run with this seed.
    pub seed: Option<u64>,
    /// The first seed and how many.
    pub seeds: Option<(u64, u32)>,
}

impl Overrides {
    /// The options as texts that messages can point into, in the order in which they are applied.
    pub(crate) fn texts(&self) -> Vec<(String, String)> {
        let mut texts: Vec<_> =
            self.set.iter().map(|(k, v)| ("--set".to_owned(), format!("{k}={v}"))).collect();
        if let Some(nodes) = self.nodes {
            texts.push(("--nodes".to_owned(), nodes.to_string()));
        }
        if let Some(seed) = self.seed {
            texts.push(("--seed".to_owned(), seed.to_string()));
        }
        if let Some((first, count)) = self.seeds {
            texts.push(("--seeds".to_owned(), format!("{first}..{count}")));
        }
        texts
    }

    /// Applies all options to a tree. `texts` holds the file, then [`Self::texts`].
    pub(crate) fn apply(&self, root: &mut Node, texts: &Texts, problems: &mut Vec<Problem>) {
        let mut index = 0;
        for (path, value) in &self.set {
            index += 1;
            let mut edit = Edit { texts, problems, index };
            edit.set(root, path, value);
        }
        if let Some(nodes) = self.nodes {
            index += 1;
            Edit { texts, problems, index }.scale(root, nodes);
        }
        if let Some(seed) = self.seed {
            index += 1;
            let edit = Edit { texts, problems, index };
            put(root, "seed", edit.number(seed), edit.whole());
            put(root, "seeds", edit.number(1), edit.whole());
        }
        if let Some((first, count)) = self.seeds {
            index += 1;
            let edit = Edit { texts, problems, index };
            put(root, "seed", edit.number(first), edit.whole());
            put(root, "seeds", edit.number(u64::from(count)), edit.whole());
        }
    }
}

/// Sets a key of a map; whatever is no map stays as it is.
fn put(node: &mut Node, key: &str, value: Node, at: Span) {
    if let Kind::Map(pairs) = &mut node.kind {
        match pairs.iter_mut().find(|p| p.key == key) {
            Some(pair) => (pair.at, pair.value) = (at, value),
            None => pairs.push(Pair { key: key.to_owned(), at, value }),
        }
    }
}

/// One option at work.
struct Edit<'a> {
    texts: &'a Texts,
    problems: &'a mut Vec<Problem>,
    index: u16,
}

/// A part of a path: its text and its place in the option.
type Part = (String, Span);

impl Edit<'_> {
    fn span(&self, from: usize, to: usize) -> Span {
        Span { text: self.index, from: from as u32, to: to as u32 }
    }

    fn whole(&self) -> Span {
        let len = self.texts.0.get(self.index as usize).map_or(0, |(_, text)| text.len());
        self.span(0, len)
    }

    fn number(&self, number: u64) -> Node {
        Node { span: self.whole(), kind: Kind::Scalar { text: number.to_string(), plain: true } }
    }

    fn problem(&mut self, span: Span, message: String, label: String) {
        let texts = self.texts;
        self.problems.push(Problem::new(texts, Severity::Error, span, message, label, None));
    }

    /// `--set PATH=VALUE`.
    fn set(&mut self, root: &mut Node, path: &str, value: &str) {
        let Some(parts) = self.parts(path) else { return };
        let start = path.len() + 1;
        let texts = Texts(vec![(String::new(), value.to_owned())]);
        let mut found = Vec::new();
        let Some(mut node) = yaml::parse(&texts, 0, &mut found) else {
            for problem in found {
                let at = start + problem.marked.0;
                let span = self.span(at, at + 1);
                self.problem(span, problem.message, problem.label);
            }
            return;
        };
        for problem in found {
            self.problem(self.whole(), problem.message, problem.label);
        }
        shift(&mut node, self.index, start as u32);
        if matches!(node.kind, Kind::Null) {
            node.span = self.span(start - 1, start + value.len());
        }
        self.descend(root, &parts, node);
    }

    /// The keys and indices of a path. Below `thresholds` the rest is one key: metrics have dots.
    fn parts(&mut self, path: &str) -> Option<Vec<Part>> {
        let mut parts: Vec<Part> = Vec::new();
        let mut at = 0;
        for piece in path.split('.') {
            let (key, indices) = piece.split_at(piece.find('[').unwrap_or(piece.len()));
            if !key.is_empty() {
                parts.push((key.to_owned(), self.span(at, at + key.len())));
            } else if indices.is_empty() || parts.is_empty() {
                let span = self.span(at, at + piece.len());
                let label = "such as `cluster.config.gossip_interval` or `timeline[0].at`";
                self.problem(span, "an empty part in the path".to_owned(), label.to_owned());
                return None;
            }
            let mut inner = at + key.len();
            for index in indices.split_inclusive(']') {
                parts.push((index.to_owned(), self.span(inner, inner + index.len())));
                inner += index.len();
            }
            at += piece.len() + 1;
        }
        if parts.len() > 2 && parts[0].0 == "thresholds" {
            let rest = path["thresholds.".len()..].to_owned();
            let span = self.span("thresholds.".len(), path.len());
            parts.truncate(1);
            parts.push((rest, span));
        }
        if parts.len() > 40 {
            self.problem(self.whole(), "the path is too long".to_owned(), String::new());
            return None;
        }
        Some(parts)
    }

    /// Walks down the path, making maps that are missing, and sets the value at its end.
    fn descend(&mut self, root: &mut Node, parts: &[Part], value: Node) {
        let mut node = root;
        for (i, (part, span)) in parts.iter().enumerate() {
            let last = i + 1 == parts.len();
            if matches!(node.kind, Kind::Null) {
                node.kind = Kind::Map(Vec::new());
                node.span = *span;
            }
            if i == 3 && parts[0].0 == "timeline" {
                spell_out(node, &parts[2].0);
            }
            let next = match &mut node.kind {
                Kind::Map(pairs) => {
                    if part.starts_with('[') {
                        let message = format!("`{}` is a map, not a list", before(parts, i));
                        return self.problem(*span, message, "name a key".to_owned());
                    }
                    let found = pairs.iter().position(|p| p.key == *part);
                    let found = found.unwrap_or_else(|| {
                        let value = Node { span: *span, kind: Kind::Null };
                        pairs.push(Pair { key: part.clone(), at: *span, value });
                        pairs.len() - 1
                    });
                    let pair = &mut pairs[found];
                    if last {
                        pair.at = *span;
                    }
                    &mut pair.value
                }
                Kind::List(items) => match index_of(items, part) {
                    Ok(found) => &mut items[found],
                    Err((message, label)) => return self.problem(*span, message, label),
                },
                Kind::Scalar { .. } | Kind::Null => {
                    let message = format!("`{}` is a single value, not a map", before(parts, i));
                    return self.problem(*span, message, "set the whole of it".to_owned());
                }
            };
            node = next;
        }
        *node = value;
    }

    /// `--nodes N`: groups in proportion, by largest remainder, each at least 1.
    fn scale(&mut self, root: &mut Node, total: u32) {
        let whole = self.whole();
        let number =
            |n: u64| Node { span: whole, kind: Kind::Scalar { text: n.to_string(), plain: true } };
        let Kind::Map(sections) = &mut root.kind else { return };
        let Some(cluster) = sections.iter_mut().find(|p| p.key == "cluster") else {
            let value = Node {
                span: whole,
                kind: Kind::Map(vec![Pair {
                    key: "nodes".to_owned(),
                    at: whole,
                    value: number(u64::from(total)),
                }]),
            };
            sections.push(Pair { key: "cluster".to_owned(), at: whole, value });
            return;
        };
        let Kind::Map(pairs) = &mut cluster.value.kind else { return };
        let Some(groups) = pairs.iter_mut().find(|p| p.key == "groups") else {
            put(&mut cluster.value, "nodes", number(u64::from(total)), whole);
            return;
        };
        let Kind::List(groups) = &mut groups.value.kind else { return };
        let count = |g: &Node| match g.get("nodes").map(|n| &n.kind) {
            Some(Kind::Scalar { text, plain: true }) => text.parse::<u32>().ok().filter(|n| *n > 0),
            _ => None,
        };
        // A group without a valid number is reported when the groups are read.
        let Some(counts) = groups.iter().map(count).collect::<Option<Vec<u32>>>() else { return };
        if counts.is_empty() {
            return;
        }
        if (total as usize) < counts.len() {
            let message = format!("{} groups cannot share {total} nodes", counts.len());
            let label = format!("at least {}", counts.len());
            return self.problem(whole, message, label);
        }
        for (group, n) in groups.iter_mut().zip(apportion(&counts, total)) {
            put(group, "nodes", number(u64::from(n)), whole);
        }
    }
}

/// Gives a verb's short form (`crash: a-03`) its long one, so that other parameters can be set.
fn spell_out(node: &mut Node, verb: &str) {
    let key = verbs::get(verb).and_then(|verb| verbs::short_key(verb, &node.kind));
    if let Some(key) = key {
        let value = node.clone();
        node.kind = Kind::Map(vec![Pair { key: key.to_owned(), at: node.span, value }]);
    }
}

/// The path up to a part.
fn before(parts: &[Part], i: usize) -> String {
    let mut out = String::new();
    for (part, _) in &parts[..i] {
        if !part.starts_with('[') && !out.is_empty() {
            out.push('.');
        }
        out.push_str(part);
    }
    spell::shorten(&out)
}

/// The item of a list by `[index]`, by `id` or `name`, or by verb and number (`crash-1`).
fn index_of(items: &[Node], part: &str) -> Result<usize, (String, String)> {
    if let Some(index) = part.strip_prefix('[').and_then(|p| p.strip_suffix(']')) {
        return match index.parse::<usize>() {
            Ok(i) if i < items.len() => Ok(i),
            Ok(_) => {
                let label = match items.len() {
                    0 => "the list is empty".to_owned(),
                    n => format!("the last is `[{}]`", n - 1),
                };
                Err((format!("the list has no item {part}"), label))
            }
            Err(_) => Err((format!("`{part}` is no index"), "such as `[0]`".to_owned())),
        };
    }
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    let mut known = Vec::new();
    for (i, item) in items.iter().enumerate() {
        let given = item.get("id").or_else(|| item.get("name")).and_then(Node::text);
        let verb = match &item.kind {
            Kind::Map(pairs) => pairs.iter().find_map(|p| verbs::get(&p.key)),
            _ => None,
        };
        let made_up = verb.map(|verb| {
            let n = seen.entry(verb.name).or_default();
            *n += 1;
            format!("{}-{n}", verb.name)
        });
        let name = given.map(str::to_owned).or(made_up).unwrap_or_default();
        if name == part {
            return Ok(i);
        }
        known.push(name);
    }
    let label = spell::nearest(part, known.iter().map(String::as_str))
        .map_or("an index such as `[0]`, an `id` or a `name`".to_owned(), |near| {
            format!("did you mean `{near}`?")
        });
    Err((format!("the list has no item `{}`", spell::shorten(part)), label))
}

/// Moves a tree that was read by itself to its place in an option.
fn shift(node: &mut Node, text: u16, by: u32) {
    let moved = |span: Span| Span { text, from: span.from + by, to: span.to + by };
    node.span = moved(node.span);
    match &mut node.kind {
        Kind::Null | Kind::Scalar { .. } => {}
        Kind::List(items) => items.iter_mut().for_each(|item| shift(item, text, by)),
        Kind::Map(pairs) => {
            for pair in pairs {
                pair.at = moved(pair.at);
                shift(&mut pair.value, text, by);
            }
        }
    }
}

/// Shares `total` among groups in proportion to `counts`: each gets at least 1, what is left over goes to
/// the largest remainders, earlier groups first. `total` is at least the number of groups.
pub(crate) fn apportion(counts: &[u32], total: u32) -> Vec<u32> {
    let sum: u64 = counts.iter().map(|&c| u64::from(c)).sum::<u64>().max(1);
    let exact = |c: u32| u64::from(c) * u64::from(total);
    let mut shares: Vec<u64> = counts.iter().map(|&c| (exact(c) / sum).max(1)).collect();
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(exact(counts[i]) % sum), i));
    let given: u64 = shares.iter().sum();
    let left = u64::from(total).saturating_sub(given) as usize;
    // Groups that were raised to 1 have had their remainder.
    let raised: Vec<bool> = counts.iter().map(|&c| exact(c) < sum).collect();
    for &i in order.iter().filter(|&&i| !raised[i]).cycle().take(left) {
        shares[i] += 1;
    }
    // Raising small groups to 1 may have given too much: the largest give it back.
    let mut over = given.saturating_sub(u64::from(total));
    while over > 0 {
        let Some(largest) = (0..shares.len()).max_by_key(|&i| (shares[i], std::cmp::Reverse(i)))
        else {
            break;
        };
        shares[largest] -= 1;
        over -= 1;
    }
    shares.into_iter().map(|s| s as u32).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shares_follow_the_largest_remainder() {
        assert_eq!(apportion(&[40, 24], 8), [5, 3]);
        assert_eq!(apportion(&[1, 1, 1], 5), [2, 2, 1]);
        assert_eq!(apportion(&[1000, 1], 10), [9, 1]);
        assert_eq!(apportion(&[40, 24], 64), [40, 24]);
    }

    proptest! {
        #[test]
        fn shares_add_up(counts in prop::collection::vec(1u32..100_000, 1..20), extra in 0u32..1_000_000) {
            let total = counts.len() as u32 + extra;
            let shares = apportion(&counts, total);
            prop_assert_eq!(shares.iter().sum::<u32>(), total);
            prop_assert!(shares.iter().all(|&s| s >= 1));
        }
    }
}
