//! JSON: the report itself. Pretty, but with short arrays on one line, so that curves stay readable.

use crate::report::Report;

pub(super) fn render(report: &Report) -> String {
    // Strings, numbers, arrays and objects with string keys: nothing that could fail.
    let compact = serde_json::to_string(report).unwrap_or_default();
    let mut out = String::with_capacity(compact.len() * 5 / 4);
    lay_out(&compact, &mut out);
    out.push('\n');
    out
}

/// Breaks lines down to the third level of objects and arrays; what lies deeper stays on its line.
fn lay_out(compact: &str, out: &mut String) {
    const BROKEN: usize = 3;
    let mut depth = 0;
    let mut in_string = false;
    let mut escaped = false;
    let mut chars = compact.chars().peekable();
    let newline = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    while let Some(c) = chars.next() {
        if in_string {
            out.push(c);
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            '{' | '[' => {
                depth += 1;
                out.push(c);
                let empty = chars.peek().is_some_and(|&next| next == '}' || next == ']');
                if depth <= BROKEN && !empty {
                    newline(out, depth);
                } else if empty {
                    depth -= 1;
                    out.extend(chars.next());
                }
            }
            '}' | ']' => {
                depth -= 1;
                if depth < BROKEN {
                    newline(out, depth);
                }
                out.push(c);
            }
            ',' => {
                out.push(c);
                if depth <= BROKEN {
                    newline(out, depth);
                } else {
                    out.push(' ');
                }
            }
            ':' => out.push_str(": "),
            '"' => {
                in_string = true;
                out.push(c);
            }
            _ => out.push(c),
        }
    }
}
