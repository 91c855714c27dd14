//! Thresholds as k6 writes them: `<aggregate> <op> <value>` on one metric, for example `p(99) < 20s`.
//!
//! Parsing checks everything that can be known without running: the metric exists, the aggregate fits its
//! kind and the value's unit fits its unit. What is left is a comparison of two numbers in the metric's
//! unit. Infinity (it never happened) compares as infinity does, so it fails any `<`.

use std::fmt;

use crate::{
    observe::{METRICS, metric},
    outcome::{Kind, Metric, Unit},
};

/// A share in percent, exact to nine decimals: the N of `p(N)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Percent(u64);

impl Percent {
    /// One hundred percent, in the numerator's units (billionths of a percent).
    pub const WHOLE: u64 = 100 * Self::POINT;
    /// One percent, in the numerator's units.
    const POINT: u64 = 1_000_000_000;

    /// From thousandths of a percent, at most 100 000: `Percent::thousandths(99_900)` is 99.9 %.
    pub const fn thousandths(n: u64) -> Self {
        assert!(n <= 100_000, "more than 100 percent");
        Self(n * (Self::POINT / 1000))
    }

    /// From a decimal number such as `99.95`. Errors: not a number from 0 to 100 with at most nine decimals.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("expected a number from 0 to 100 with at most nine decimals, found `{text}`")
        };
        let (whole, fraction) = decimal(text).ok_or_else(wrong)?;
        if fraction.len() > 9 || whole.len() > 3 {
            return Err(wrong());
        }
        let digits = format!("{whole}{fraction:0<9}");
        match digits.parse() {
            Ok(n) if n <= Self::WHOLE => Ok(Self(n)),
            _ => Err(wrong()),
        }
    }

    /// Numerator over [`Percent::WHOLE`].
    pub fn numerator(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!("{:09}", self.0 % Self::POINT);
        let fraction = fraction.trim_end_matches('0');
        let dot = if fraction.is_empty() { "" } else { "." };
        write!(f, "{}{dot}{fraction}", self.0 / Self::POINT)
    }
}

/// What a threshold makes one number of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Aggregate {
    /// Least sample, or least node.
    Min,
    /// Greatest sample, or greatest node.
    Max,
    /// Mean of the samples, or over the nodes; `avg` and `mean`.
    Mean,
    /// Median: `p(50)`.
    Median,
    /// Percentile, type 7.
    Percentile(Percent),
    /// Number of samples (missing ones too), or of events.
    Count,
    /// Events per node-hour.
    Rate,
    /// A gauge's level: its mean.
    Value,
}

impl Aggregate {
    /// Which aggregates a kind has, as thresholds spell them.
    fn spellings(kind: Kind) -> &'static [&'static str] {
        match kind {
            Kind::Trend => &["min", "max", "avg", "mean", "med", "p(N)", "count"],
            Kind::Counter => &["count", "rate"],
            Kind::Gauge => &["min", "max", "avg", "mean", "value"],
        }
    }

    fn parse(text: &str, metric: &Metric) -> Result<Self, String> {
        let fits = Self::spellings(metric.kind);
        let aggregate = match text {
            "min" => Self::Min,
            "max" => Self::Max,
            "avg" | "mean" => Self::Mean,
            "med" => Self::Median,
            "count" => Self::Count,
            "rate" => Self::Rate,
            "value" => Self::Value,
            _ => match text.strip_prefix("p(").and_then(|t| t.strip_suffix(')')) {
                Some(n) => Self::Percentile(
                    Percent::parse(n.trim()).map_err(|e| format!("`{text}`: {e}"))?,
                ),
                None if text.is_empty() => {
                    return Err(format!(
                        "an aggregate is missing before the operator; write {}",
                        list(fits)
                    ));
                }
                None => {
                    return Err(format!(
                        "unknown aggregate `{text}`; {}",
                        suggest_aggregate(text, fits)
                    ));
                }
            },
        };
        let name = if matches!(aggregate, Self::Percentile(_)) { "p(N)" } else { text };
        if fits.contains(&name) {
            return Ok(aggregate);
        }
        let kind = match metric.kind {
            Kind::Trend => "a trend",
            Kind::Counter => "a counter",
            Kind::Gauge => "a gauge",
        };
        Err(format!("`{name}` does not fit {kind}; write {}", list(fits)))
    }

    /// Unit of the result, given the metric's; for [`Aggregate::Rate`] it is this per node-hour.
    fn unit(self, metric: &Metric) -> Unit {
        match (self, metric.kind) {
            (Self::Count, Kind::Trend) => Unit::Count,
            _ => metric.unit,
        }
    }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Min => f.write_str("min"),
            Self::Max => f.write_str("max"),
            Self::Mean => f.write_str("avg"),
            Self::Median => f.write_str("med"),
            Self::Percentile(p) => write!(f, "p({p})"),
            Self::Count => f.write_str("count"),
            Self::Rate => f.write_str("rate"),
            Self::Value => f.write_str("value"),
        }
    }
}

/// How actual and wanted are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
}

impl Op {
    const ALL: [(&'static str, Self); 6] = [
        ("<", Self::Less),
        ("<=", Self::LessOrEqual),
        (">", Self::Greater),
        (">=", Self::GreaterOrEqual),
        ("==", Self::Equal),
        ("!=", Self::NotEqual),
    ];

    /// Whether `actual op wanted` holds. Infinity is greater than every number.
    pub fn holds(self, actual: f64, wanted: f64) -> bool {
        match self {
            Self::Less => actual < wanted,
            Self::LessOrEqual => actual <= wanted,
            Self::Greater => actual > wanted,
            Self::GreaterOrEqual => actual >= wanted,
            Self::Equal => actual == wanted,
            Self::NotEqual => actual != wanted,
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spelling = Self::ALL.iter().find(|(_, op)| op == self).map_or("", |(s, _)| s);
        f.write_str(spelling)
    }
}

/// A condition on one metric that a report passes or fails.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// The metric.
    pub metric: &'static Metric,
    /// The condition as it was written, trimmed.
    pub expression: String,
    /// What is made of the metric.
    pub aggregate: Aggregate,
    /// How it is compared.
    pub op: Op,
    /// What it is compared with, in the metric's unit (nanoseconds, bytes, a plain number, a share of 1); for
    /// `rate` per node-hour.
    pub value: f64,
}

impl Threshold {
    /// Parses `expression` for the metric called `metric`. The error is a fragment that names the place and
    /// says what to write instead.
    ///
    /// ```
    /// use wavetank_sim_core::threshold::Threshold;
    /// assert_eq!(Threshold::parse("detection.all", "p(99) < 20s").unwrap().value, 20e9);
    /// assert!(Threshold::parse("detection.all", "p(99) < 20").unwrap_err().contains("`20s`"));
    /// ```
    pub fn parse(name: &str, expression: &str) -> Result<Self, String> {
        let Some(metric) = metric(name) else {
            return Err(format!("thresholds.{name}: unknown metric; {}", suggest_metric(name)));
        };
        Self::parse_for(metric, expression.trim())
            .map_err(|e| format!("thresholds.{name}: `{}`: {e}", expression.trim()))
    }

    fn parse_for(metric: &'static Metric, expression: &str) -> Result<Self, String> {
        let is_op = |c: char| matches!(c, '<' | '>' | '=' | '!');
        let Some(start) = expression.find(is_op) else {
            return Err(
                "an operator is missing; write <aggregate> <op> <value>, for example `max < 5s`"
                    .into(),
            );
        };
        let (left, rest) = expression.split_at(start);
        let (op, right) = rest.split_at(rest.find(|c| !is_op(c)).unwrap_or(rest.len()));
        let Some((_, op)) = Op::ALL.into_iter().find(|(s, _)| *s == op) else {
            let meant = if op.contains('!') { "!=" } else { "==" };
            return Err(format!(
                "unknown operator `{op}`; did you mean `{meant}`? (there are < <= > >= == !=)"
            ));
        };
        let aggregate = Aggregate::parse(left.trim(), metric)?;
        let value = parse_value(right.trim(), aggregate.unit(metric))?;
        Ok(Self { metric, expression: expression.to_owned(), aggregate, op, value })
    }
}

/// A value in the units of `unit`.
fn parse_value(text: &str, unit: Unit) -> Result<f64, String> {
    let example = match unit {
        Unit::Nanoseconds => "a duration such as `20s` or `150ms`",
        Unit::BytesPerSecond => "a rate such as `20kB/s`",
        Unit::PacketsPerSecond => "a number such as `12`, in packets per second",
        Unit::Bytes => "a size such as `20MB`",
        Unit::Count => "a number such as `3`",
        Unit::Share => "a share such as `5%` or `0.05`",
    };
    if text.is_empty() {
        return Err(format!("a value is missing after the operator; write {example}"));
    }
    let number = plain(text);
    let value = match unit {
        Unit::Nanoseconds if number.is_some_and(|n| n != 0.0) => {
            return Err(format!("`{text}` has no unit; write {example}, perhaps `{text}s`"));
        }
        Unit::Nanoseconds => number.or_else(|| duration(text)),
        Unit::BytesPerSecond => number.or_else(|| size(text.strip_suffix("/s")?)),
        Unit::PacketsPerSecond => plain(text.strip_suffix("/s").unwrap_or(text)),
        Unit::Bytes => number.or_else(|| size(text)),
        Unit::Count => number,
        Unit::Share => text.strip_suffix('%').map_or(number, |t| Some(plain(t.trim())? / 100.0)),
    };
    value.ok_or_else(|| format!("expected {example}, found `{text}`"))
}

/// Digits before and after the point of a decimal number without sign or exponent.
fn decimal(text: &str) -> Option<(&str, &str)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    (digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty()))
        .then_some((whole, fraction))
}

fn plain(text: &str) -> Option<f64> {
    decimal(text)?;
    text.parse().ok()
}

/// Go's durations, `1h2m3.5s`, in nanoseconds; fractions below a nanosecond are cut off, as Go does.
fn duration(text: &str) -> Option<f64> {
    const UNITS: [(&str, u128); 8] = [
        ("ns", 1),
        ("us", 1_000),
        ("µs", 1_000),
        ("μs", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("m", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ];
    let mut rest = text;
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let is_digit = |c: char| c.is_ascii_digit() || c == '.';
        let (number, after) = rest.split_at(rest.find(|c| !is_digit(c))?);
        let (unit, after) = after.split_at(after.find(is_digit).unwrap_or(after.len()));
        let (whole, fraction) = decimal(number)?;
        let scale = UNITS.iter().find(|(name, _)| *name == unit)?.1;
        if whole.len() > 18 || fraction.len() > 18 {
            return None;
        }
        let part =
            |digits: &str| if digits.is_empty() { Some(0) } else { digits.parse::<u128>().ok() };
        let ten_to: u128 = (0..fraction.len()).fold(1, |p, _| p * 10);
        total += part(whole)? * scale + part(fraction)? * scale / ten_to;
        rest = after;
    }
    u64::try_from(total).ok().map(|ns| ns as f64)
}

/// A size in bytes: decimal and binary multiples of `B`.
fn size(text: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 9] = [
        ("KiB", 1024.0),
        ("MiB", 1_048_576.0),
        ("GiB", 1_073_741_824.0),
        ("kB", 1e3),
        ("KB", 1e3),
        ("MB", 1e6),
        ("GB", 1e9),
        ("TB", 1e12),
        ("B", 1.0),
    ];
    UNITS.iter().find_map(|(unit, scale)| Some(plain(text.strip_suffix(unit)?.trim_end())? * scale))
}

fn suggest_metric(name: &str) -> String {
    if let Some((base, tail @ ("rate" | "count" | "max" | "min" | "mean" | "avg"))) =
        name.rsplit_once('.')
        && metric(base).is_some()
    {
        return format!("write `{base}` with the aggregate `{tail}`");
    }
    let names: Vec<&str> = METRICS.iter().map(|m| m.name).collect();
    match nearest(name, &names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("docs/metrics.md lists them, for example {}", list(&names[..3])),
    }
}

fn suggest_aggregate(word: &str, fits: &[&str]) -> String {
    let percentile = word.strip_prefix('p').map(|n| n.trim_matches(['(', ')', ' ']));
    if let Some(n) = percentile.filter(|n| Percent::parse(n).is_ok()) {
        return format!("did you mean `p({n})`?");
    }
    match nearest(word, fits) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("write {}", list(fits)),
    }
}

fn list(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|w| format!("`{w}`")).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

/// The candidate nearest to `word` in edits (insert, delete, replace, swap neighbours), the first of equals;
/// none when more than a third of the longer word would change.
pub fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let (edits, near) =
        candidates.iter().map(|c| (distance(word, c), *c)).min_by_key(|(d, _)| *d)?;
    (edits <= word.len().max(near.len()).div_ceil(3)).then_some(near)
}

/// Optimal string alignment distance, ignoring case.
fn distance(a: &str, b: &str) -> usize {
    let fold = |s: &str| s.to_lowercase().chars().collect::<Vec<_>>();
    let (a, b) = (fold(a), fold(b));
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grammar() {
        for (name, expression, aggregate, op, value) in [
            ("detection.all", "p(99) < 20s", "p(99)", "<", 20e9),
            ("detection.all", " p(99.95)<=1m30.5s ", "p(99.95)", "<=", 90.5e9),
            ("detection.all", "med > 150ms", "med", ">", 150e6),
            ("detection.all", "mean<1.5us", "avg", "<", 1500.0),
            ("detection.all", "avg < .5h", "avg", "<", 1800e9),
            ("detection.all", "min >= 0", "min", ">=", 0.0),
            ("detection.all", "count == 20", "count", "==", 20.0),
            ("false_positives", "count == 0", "count", "==", 0.0),
            ("false_positives", "rate < 0.25", "rate", "<", 0.25),
            ("bytes.sent", "count < 2MiB", "count", "<", 2_097_152.0),
            ("bandwidth.node", "max < 20kB/s", "max", "<", 20e3),
            ("bandwidth.node", "value != 7", "value", "!=", 7.0),
            ("packets.node", "avg < 12/s", "avg", "<", 12.0),
        ] {
            let t = Threshold::parse(name, expression).expect(expression);
            assert_eq!(
                (t.aggregate.to_string().as_str(), t.op.to_string().as_str(), t.value),
                (aggregate, op, value),
                "{expression}"
            );
            assert_eq!(t.expression, expression.trim());
        }
    }

    #[test]
    fn errors_name_the_place_and_the_remedy() {
        for (name, expression, wanted) in [
            (
                "detection.al",
                "max < 1s",
                "thresholds.detection.al: unknown metric; did you mean `detection.all`?",
            ),
            ("dissemination.t00", "max < 1s", "did you mean `dissemination.t50`?"),
            (
                "false_positives.rate",
                "value < 1",
                "write `false_positives` with the aggregate `rate`",
            ),
            ("zzz", "max < 1s", "docs/metrics.md lists them"),
            (
                "heal",
                "p(101) < 1s",
                "thresholds.heal: `p(101) < 1s`: `p(101)`: expected a number from 0 to 100",
            ),
            ("heal", "p(-1) < 1s", "expected a number from 0 to 100"),
            ("heal", "p() < 1s", "expected a number from 0 to 100"),
            ("heal", "maxx < 1s", "unknown aggregate `maxx`; did you mean `max`?"),
            ("heal", "p99 < 1s", "did you mean `p(99)`?"),
            ("heal", "< 1s", "an aggregate is missing"),
            ("heal", "max 1s", "an operator is missing"),
            ("heal", "max = 1s", "unknown operator `=`; did you mean `==`?"),
            ("heal", "max <", "a value is missing"),
            ("heal", "max < 20", "`20` has no unit; write a duration such as `20s`"),
            ("heal", "max < 20 s", "expected a duration"),
            ("heal", "max < -1s", "expected a duration"),
            ("heal", "max < 5%", "expected a duration"),
            ("heal", "rate < 1", "`rate` does not fit a trend; write `min`, `max`"),
            ("suspicions", "p(99) < 1", "`p(N)` does not fit a counter; write `count` or `rate`"),
            ("suspicions", "count < 1s", "expected a number such as `3`, found `1s`"),
            ("health.score", "med < 1", "`med` does not fit a gauge"),
            ("bandwidth.node", "max < 20kB", "expected a rate such as `20kB/s`"),
        ] {
            let error = Threshold::parse(name, expression).expect_err(expression);
            assert!(error.contains(wanted), "{name}: {expression}: {error}");
        }
    }

    #[test]
    fn infinity_fails_any_less() {
        let wanted = [false, false, true, true, false, true];
        for ((_, op), wanted) in Op::ALL.into_iter().zip(wanted) {
            assert_eq!(op.holds(f64::INFINITY, 1.0), wanted, "{op}");
        }
    }
}
