//! The resolved scenario as text: what was read, with every default written out.
//!
//! Readers hand back what they read in canonical form; this module lays it out as YAML. Whatever fits a
//! line is written in flow form.

/// A value to be written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Out {
    /// A scalar that YAML reads back as it stands: a number, a quantity, a fixed word.
    Plain(String),
    /// A text that may need quotation marks.
    Text(String),
    /// A list.
    List(Vec<Out>),
    /// A map, in this order.
    Map(Vec<(String, Out)>),
}

/// Widest flow form.
const WIDTH: usize = 100;

impl Out {
    /// As a YAML document; a map's entries each start a line.
    pub fn document(&self) -> String {
        let mut out = String::new();
        match self {
            Self::Map(pairs) => block_map(pairs, 0, &mut out),
            other => out.push_str(&other.flow()),
        }
        out
    }

    /// On one line.
    pub fn flow(&self) -> String {
        match self {
            Self::Plain(text) => text.clone(),
            Self::Text(text) => quote(text),
            Self::List(items) => {
                format!("[{}]", items.iter().map(Self::flow).collect::<Vec<_>>().join(", "))
            }
            Self::Map(pairs) => {
                let pairs: Vec<String> =
                    pairs.iter().map(|(k, v)| format!("{}: {}", quote(k), v.flow())).collect();
                format!("{{{}}}", pairs.join(", "))
            }
        }
    }
}

fn block_map(pairs: &[(String, Out)], indent: usize, out: &mut String) {
    for (key, value) in pairs {
        let key = quote(key);
        out.extend([&" ".repeat(indent), key.as_str(), ":"]);
        block_value(value, indent, key.len() + 2, out);
    }
}

fn block_value(value: &Out, indent: usize, used: usize, out: &mut String) {
    // Top-level sections always spread.
    let flow = value.flow();
    let spread = flow.len() + indent + used > WIDTH || indent == 0;
    match value {
        Out::Map(pairs) if spread && !pairs.is_empty() => {
            out.push('\n');
            block_map(pairs, indent + 2, out);
        }
        Out::List(items) if spread && !items.is_empty() => {
            out.push('\n');
            for item in items {
                out.extend([" ".repeat(indent + 2).as_str(), "-"]);
                let flow = item.flow();
                match item {
                    Out::Map(pairs) if flow.len() + indent + 4 > WIDTH && !pairs.is_empty() => {
                        let mut text = String::new();
                        block_map(pairs, indent + 4, &mut text);
                        out.push_str(&text[indent + 3..]);
                    }
                    _ => out.extend([" ", &flow, "\n"]),
                }
            }
        }
        _ => out.extend([" ", &flow, "\n"]),
    }
}

/// A text with quotation marks where YAML would read it as something else.
fn quote(text: &str) -> String {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let lower = text.to_ascii_lowercase();
    let taken = matches!(
        lower.as_str(),
        "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    if starts && text.chars().all(word) && !taken {
        return text.to_owned();
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || ('\u{2028}'..='\u{2029}').contains(&c) || c == '\u{feff}' => {
                out.push_str(&hex('u', c, 4));
            }
            c if (c as u32) & 0xfffe == 0xfffe => out.push_str(&hex('U', c, 8)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A character by its number.
fn hex(letter: char, c: char, width: usize) -> String {
    format!("\\{letter}{:0width$x}", c as u32)
}
