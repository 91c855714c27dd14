//! JUnit XML: one case per threshold over all runs, and one per threshold and seed.
//!
//! The verdict is over all runs. A seed that alone would not hold fails only where the pooled threshold fails,
//! else it is marked as skipped, so that the file and the exit code agree.

use std::fmt::Write;

use crate::{
    report::{Number, Report, Verdict},
    units,
};

struct Case {
    name: String,
    body: String,
    failed: bool,
    skipped: bool,
}

pub(super) fn render(report: &Report) -> String {
    let scenario = escape(&report.scenario.name);
    let suites: Vec<(String, Vec<Case>)> = report
        .thresholds
        .iter()
        .map(|v| (format!("{scenario}.{}", escape(&v.metric)), cases(v)))
        .collect();
    let all = || suites.iter().flat_map(|(_, cases)| cases);
    let totals = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\"",
        all().count(),
        all().filter(|c| c.failed).count(),
        all().filter(|c| c.skipped).count()
    );
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, "<testsuites name=\"wavetank\" {totals}>");
    let _ = writeln!(out, "  <testsuite name=\"{scenario}\" {totals}>");
    let _ = writeln!(out, "    <properties>");
    for (name, value) in [
        ("scenario.hash", &report.scenario.hash),
        ("digest", &report.digest),
        ("version", &report.version),
    ] {
        let _ = writeln!(out, "      <property name=\"{name}\" value=\"{}\"/>", escape(value));
    }
    let _ = writeln!(out, "    </properties>");
    for (class, cases) in &suites {
        for case in cases {
            let _ = write!(out, "    <testcase classname=\"{class}\" name=\"{}\"", case.name);
            if case.body.is_empty() {
                out.push_str("/>\n");
            } else {
                let _ = writeln!(out, ">\n      {}\n    </testcase>", case.body);
            }
        }
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

fn cases(verdict: &Verdict) -> Vec<Case> {
    let condition = format!("{} {}", verdict.metric, verdict.expression);
    let expected = |found: &str| escape(&format!("expected {condition}, found {found}"));
    let failure = |found: &str, note: &str| {
        format!(
            "<failure type=\"threshold\" message=\"{}\">{}</failure>",
            expected(found),
            escape(note)
        )
    };
    let case = |name: String, body: Option<String>| Case {
        name: format!("{} ({name})", escape(&condition)),
        failed: body.as_ref().is_some_and(|b| b.starts_with("<failure")),
        skipped: body.as_ref().is_some_and(|b| b.starts_with("<skipped")),
        body: body.unwrap_or_default(),
    };
    let pooled = (!verdict.passed).then(|| failure(&verdict.found(), &verdict.note));
    let mut cases = vec![case("all seeds".to_owned(), pooled)];
    cases.extend(verdict.by_seed.iter().map(|seed| {
        let found = units::human_or_never(seed.actual.map(Number::value), verdict.unit());
        let body = match (seed.passed, verdict.passed) {
            (true, _) => None,
            (false, false) => Some(failure(&found, "")),
            (false, true) => {
                let message = format!("{}; over all seeds it holds", expected(&found));
                Some(format!("<skipped message=\"{message}\"/>"))
            }
        };
        case(format!("seed {}", seed.seed), body)
    }));
    cases
}

/// Escapes for attributes and text, without the characters that XML 1.0 forbids.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn xml_gets_nothing_that_it_forbids() {
        assert_eq!(escape("a\u{0}\u{b}<b>&\"c\"\u{fffe}\nd"), "a&lt;b&gt;&amp;&quot;c&quot;&#10;d");
    }
}
