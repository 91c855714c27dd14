//! The nearest valid spelling of a misspelt word.

/// The nearest of `words`, if it is near enough to be meant. Ties go to the earlier one.
pub(crate) fn nearest<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > 64 {
        return None;
    }
    let simple = simplify(word);
    let enough = (simple.len() / 3).max(1);
    words
        .into_iter()
        .filter(|w| w.len() <= 64)
        .map(|w| (distance(&simple, &simplify(w)), w))
        .filter(|&(d, w)| d <= enough && d < w.len())
        .min_by_key(|&(d, _)| d)
        .map(|(_, w)| w)
}

/// Lower case, hyphens as underscores: `gossipInterval` and `gossip-interval` are one word.
fn simplify(word: &str) -> Vec<char> {
    let mut out = Vec::new();
    let mut lower = false;
    for c in word.chars() {
        if c.is_uppercase() && lower {
            out.push('_');
        }
        lower = c.is_lowercase();
        match c {
            '-' | ' ' => out.push('_'),
            c => out.extend(c.to_lowercase()),
        }
    }
    out
}

/// Insertions, deletions, replacements and swaps of neighbours between two words.
fn distance(a: &[char], b: &[char]) -> usize {
    let width = b.len() + 1;
    let mut before: Vec<usize> = vec![0; width];
    let mut last: Vec<usize> = (0..width).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; width];
        for j in 1..width {
            let change = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = change.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

/// A text cut short for a message, on one line.
pub(crate) fn shorten(text: &str) -> String {
    let mut out: String =
        text.chars().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(40).is_some() {
        out.push_str("...");
    }
    out
}

/// Words in quotation marks, separated by commas.
pub(crate) fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.into_iter().map(|w| format!("`{w}`")).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let words = ["gossip_interval", "gossip_nodes", "probe_interval", "crash", "every"];
        for (typed, meant) in [
            ("gossip_intervall", Some("gossip_interval")),
            ("GossipInterval", Some("gossip_interval")),
            ("gossip-nodes", Some("gossip_nodes")),
            ("crsah", Some("crash")),
            ("evry", Some("every")),
            ("latency", None),
            ("x", None),
        ] {
            assert_eq!(nearest(typed, words), meant, "{typed}");
        }
    }
}
