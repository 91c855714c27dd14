//! Quantities with units: spans of time, shares, rates, sizes; read, and written so that they read back
//! equal.
//!
//! Spans are Go's: a sequence of decimal numbers with units, nothing else but the bare `0`. All
//! arithmetic is integer, but for shares.

use wavetank_protocol::Span;

/// Longest span: a hundred years. Sums of a few of them fit 64 bits.
pub(crate) const LONGEST: Span = 100 * 365 * 24 * 3600 * 1_000_000_000;

const SPAN_UNITS: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Why a quantity was not understood: what is wrong, and what to write instead.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// Fragment such as ``expected a duration such as `30s` ``.
    pub message: String,
    /// What to write; empty when that is not clear.
    pub label: String,
}

fn wrong<T>(message: impl Into<String>, instead: Option<String>) -> Result<T, Wrong> {
    let label = instead.map_or(String::new(), |i| format!("write `{i}`"));
    Err(Wrong { message: message.into(), label })
}

fn no_unit<T>(unit: &str, of: &str, units: &str) -> Result<T, Wrong> {
    let message = format!("`{}` is no unit of {of}", unit.trim());
    Err(Wrong { message, label: format!("units are {units}") })
}

/// A span of time that cannot be negative.
pub(crate) fn span(text: &str) -> Result<Span, Wrong> {
    let (negative, span) = signed(text)?;
    if negative && span != 0 {
        return wrong(
            "a duration cannot be negative here",
            text.strip_prefix('-').map(str::to_owned),
        );
    }
    Ok(span)
}

/// A span of time in either direction.
pub(crate) fn offset(text: &str) -> Result<i64, Wrong> {
    let (negative, span) = signed(text)?;
    // Bounded by `LONGEST`, which fits.
    Ok(if negative { -(span as i64) } else { span as i64 })
}

fn signed(text: &str) -> Result<(bool, Span), Wrong> {
    const EXPECTED: &str = "expected a duration such as `30s`, `200ms` or `1m30s`";
    let (negative, body) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if body == "0" {
        return Ok((false, 0));
    }
    let mut rest = body;
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let Some((value, scale, after)) = decimal(rest) else {
            return wrong(EXPECTED, without_spaces(text));
        };
        let end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let unit = &after[..end];
        if unit.is_empty() {
            let message = "a bare number is no duration: it needs a unit";
            return wrong(message, rest_is_all(rest, body).then(|| format!("{text}s")));
        }
        let Some(&(_, nanos)) = SPAN_UNITS.iter().find(|(name, _)| *name == unit) else {
            if let Some(joined) = without_spaces(text) {
                return wrong("a duration is written without spaces", Some(joined));
            }
            return no_unit(unit, "time", "`ns`, `us`, `ms`, `s`, `m`, `h`");
        };
        total += value * u128::from(nanos) / u128::from(scale);
        if total > u128::from(LONGEST) {
            return wrong("longer than a hundred years", None);
        }
        rest = &after[end..];
    }
    if body.is_empty() {
        return wrong(EXPECTED, None);
    }
    Ok((negative, total as Span))
}

/// Whether a number is the whole of a text.
fn rest_is_all(rest: &str, body: &str) -> bool {
    rest.len() == body.len()
}

/// The text without its spaces, if that makes it a duration.
fn without_spaces(text: &str) -> Option<String> {
    if !text.contains(' ') {
        return None;
    }
    let joined: String = text.chars().filter(|c| *c != ' ').collect();
    (signed(&joined).is_ok()).then_some(joined)
}

/// A decimal number at the start of a text as value and scale, and the rest. At most 18 digits before the
/// point count; digits past the ninth decimal are dropped.
fn decimal(text: &str) -> Option<(u128, u64, &str)> {
    let bytes = text.as_bytes();
    let mut value: u128 = 0;
    let mut scale: u64 = 1;
    let mut digits = 0;
    let mut point = false;
    let mut at = 0;
    for &b in bytes {
        match b {
            b'0'..=b'9' => {
                digits += 1;
                if !point {
                    value = value.checked_mul(10)?.checked_add(u128::from(b - b'0'))?;
                    if value > u128::from(u64::MAX) {
                        return None;
                    }
                } else if scale < 1_000_000_000_000_000 {
                    value = value * 10 + u128::from(b - b'0');
                    scale *= 10;
                }
            }
            b'.' if !point => point = true,
            _ => break,
        }
        at += 1;
    }
    (digits > 0).then(|| (value, scale, &text[at..]))
}

/// A span in Go's form, with `us` for microseconds.
pub(crate) fn write_span(span: Span) -> String {
    let (unit, name) = match span {
        0 => return "0s".to_owned(),
        1..1_000 => (1, "ns"),
        1_000..1_000_000 => (1_000, "us"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => {
            let seconds = span / 1_000_000_000;
            let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
            let rest = write_decimal(span - (hours * 60 + minutes) * 60_000_000_000, 1_000_000_000);
            return match (hours, minutes) {
                (0, 0) => format!("{rest}s"),
                (0, m) => format!("{m}m{rest}s"),
                (h, m) => format!("{h}h{m}m{rest}s"),
            };
        }
    };
    format!("{}{name}", write_decimal(span, unit))
}

fn write_decimal(value: u64, unit: u64) -> String {
    let (whole, part) = (value / unit, value % unit);
    if part == 0 {
        return whole.to_string();
    }
    let width = unit.to_string().len() - 1;
    let part = format!("{part:0width$}");
    format!("{whole}.{}", part.trim_end_matches('0'))
}

/// A span in either direction.
pub(crate) fn write_offset(offset: i64) -> String {
    let sign = if offset < 0 { "-" } else { "" };
    format!("{sign}{}", write_span(offset.unsigned_abs()))
}

/// A share between 0 and 1: `5%` or `0.05`.
pub(crate) fn share(text: &str) -> Result<f64, Wrong> {
    const EXPECTED: &str = "expected a share such as `5%` or `0.05`";
    let (number, percent) = match text.strip_suffix('%') {
        Some(number) => (number, true),
        None => (text, false),
    };
    let plain = |c: char| c.is_ascii_digit() || c == '.';
    let dots = number.matches('.').count();
    let digits = number.chars().any(|c| c.is_ascii_digit());
    if !number.chars().all(plain) || dots > 1 || !digits || number.len() > 40 {
        return wrong(EXPECTED, None);
    }
    let Ok(value) = number.parse::<f64>() else { return wrong(EXPECTED, None) };
    if percent {
        return if value <= 100.0 {
            Ok(value / 100.0)
        } else {
            wrong("a share is at most 100%", None)
        };
    }
    if dots == 0 && value != 0.0 {
        let message = "a bare number is no share: is it of 1 or of 100?";
        return wrong(message, (value <= 100.0).then(|| format!("{number}%")));
    }
    if value > 1.0 {
        let instead = (value <= 100.0).then(|| format!("{number}%"));
        return wrong("a share without `%` is at most 1.0", instead);
    }
    Ok(value)
}

/// A share, in percent where that is exact and short.
pub(crate) fn write_share(share: f64) -> String {
    let percent = format!("{}%", share * 100.0);
    if percent.len() <= 8 && self::share(&percent) == Ok(share) {
        return percent;
    }
    let plain = format!("{share}");
    if plain.contains('.') || share == 0.0 { plain } else { format!("{plain}.0") }
}

/// Units of `tc`, in lower case, as bits or bytes (second field: bits of one unit). The words that end in
/// `bps` are bytes a second there.
const RATE_UNITS: &[(&str, u64)] = &[
    ("bit", 1),
    ("kbit", 1_000),
    ("mbit", 1_000_000),
    ("gbit", 1_000_000_000),
    ("tbit", 1_000_000_000_000),
    ("kibit", 1 << 10),
    ("mibit", 1 << 20),
    ("gibit", 1 << 30),
    ("bit/s", 1),
    ("kbit/s", 1_000),
    ("mbit/s", 1_000_000),
    ("gbit/s", 1_000_000_000),
    ("bps", 8),
    ("kbps", 8_000),
    ("mbps", 8_000_000),
    ("gbps", 8_000_000_000),
    ("b/s", 8),
    ("kb/s", 8_000),
    ("mb/s", 8_000_000),
    ("gb/s", 8_000_000_000),
    ("kib/s", 8 << 10),
    ("mib/s", 8 << 20),
    ("gib/s", 8 << 30),
];

/// A rate in bytes a second.
pub(crate) fn rate(text: &str) -> Result<u64, Wrong> {
    const EXPECTED: &str = "expected a rate such as `1mbit` or `10MB/s`";
    let Some((value, scale, unit)) = decimal(text) else { return wrong(EXPECTED, None) };
    if unit.is_empty() {
        return wrong("a bare number is no rate: it needs a unit", Some(format!("{text}bit")));
    }
    let lower = unit.to_ascii_lowercase();
    let Some(&(_, bits)) = RATE_UNITS.iter().find(|(name, _)| *name == lower) else {
        let units = "`bit`, `kbit`, `mbit`, `gbit` and `B/s`, `kB/s`, `MB/s`, `GB/s`";
        return no_unit(unit, "rates", units);
    };
    // Both factors are below 2^64 and 2^44.
    let bytes = value * u128::from(bits) / u128::from(scale) / 8;
    match u64::try_from(bytes) {
        Ok(0) => wrong("a rate is at least one byte a second", None),
        Ok(bytes) if bytes <= 1 << 50 => Ok(bytes),
        _ => wrong("a rate is at most 1 PiB a second", None),
    }
}

/// A rate, in bytes a second.
pub(crate) fn write_rate(bytes: u64) -> String {
    format!("{}/s", write_size(bytes))
}

const SIZE_UNITS: &[(&str, u64)] = &[
    ("b", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
];

/// A size in bytes.
pub(crate) fn size(text: &str) -> Result<u64, Wrong> {
    const EXPECTED: &str = "expected a size such as `1500B` or `64KiB`";
    let Some((value, scale, unit)) = decimal(text) else { return wrong(EXPECTED, None) };
    if unit.is_empty() {
        return wrong("a bare number is no size: it needs a unit", Some(format!("{text}B")));
    }
    let lower = unit.to_ascii_lowercase();
    let Some(&(_, bytes)) = SIZE_UNITS.iter().find(|(name, _)| *name == lower) else {
        return no_unit(unit, "sizes", "`B`, `kB`, `MB`, `GB`, `KiB`, `MiB`, `GiB`");
    };
    match u64::try_from(value * u128::from(bytes) / u128::from(scale)) {
        Ok(bytes) if bytes <= 1 << 50 => Ok(bytes),
        _ => wrong("a size is at most 1 PiB", None),
    }
}

/// A size, in the largest unit that divides it.
pub(crate) fn write_size(bytes: u64) -> String {
    for (unit, name) in [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")] {
        if bytes >= unit && bytes.is_multiple_of(unit) {
            return format!("{}{name}", bytes / unit);
        }
    }
    format!("{bytes}B")
}

/// A rate error of a clock in parts per billion: `100ppm`, `-20ppm`, `5ppb`, `0.1%`.
pub(crate) fn drift(text: &str) -> Result<i64, Wrong> {
    const EXPECTED: &str = "expected a drift such as `100ppm`, `-20ppm` or `0.1%`";
    let (negative, body) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let Some((value, scale, unit)) = decimal(body) else { return wrong(EXPECTED, None) };
    let parts: u128 = match unit {
        "ppb" => 1,
        "ppm" => 1_000,
        "%" => 10_000_000,
        "" if value == 0 => 1,
        "" => {
            let message = "a bare number is no drift: it needs a unit";
            return wrong(message, Some(format!("{text}ppm")));
        }
        _ => return wrong(EXPECTED, None),
    };
    let parts = value * parts / u128::from(scale);
    if parts > 500_000_000 {
        return wrong("a drift is at most 50%", None);
    }
    Ok(if negative { -(parts as i64) } else { parts as i64 })
}

/// A drift in parts per million, or per billion where that is not whole.
pub(crate) fn write_drift(drift: i64) -> String {
    if drift % 1_000 == 0 { format!("{}ppm", drift / 1_000) } else { format!("{drift}ppb") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn go_durations() {
        for (text, nanos) in [
            ("0", 0),
            ("0s", 0),
            ("1.5s", 1_500_000_000),
            ("1m30s", 90_000_000_000),
            ("200ms", 200_000_000),
            ("500us", 500_000),
            ("500µs", 500_000),
            ("7ns", 7),
            ("72h0m0s", 259_200_000_000_000),
            (".5s", 500_000_000),
            ("+1s", 1_000_000_000),
            ("1.0000000019s", 1_000_000_001),
        ] {
            assert_eq!(span(text), Ok(nanos), "{text}");
        }
        for text in
            ["", "5", "-1s", "1 s", "1m 30s", "1d", "s", "1.2.3s", "1sec", "1e3s", "9999999h", "+"]
        {
            assert!(span(text).is_err(), "{text}");
        }
        assert_eq!(offset("-1.5s"), Ok(-1_500_000_000));
        assert_eq!(write_span(90_000_000_000), "1m30s");
        assert_eq!(write_span(259_200_000_000_000), "72h0m0s");
        assert_eq!(write_span(1_500_000), "1.5ms");
    }

    #[test]
    fn shares_rates_sizes_and_drifts() {
        assert_eq!(share("5%"), Ok(0.05));
        assert_eq!(share("0.05"), Ok(0.05));
        assert_eq!(share("0"), Ok(0.0));
        assert_eq!(share("100%"), Ok(1.0));
        for text in ["5", "1", "1.5", "101%", "-1%", "x", "%", "", "1e-3", "."] {
            assert!(share(text).is_err(), "{text}");
        }
        assert_eq!(rate("1mbit"), Ok(125_000));
        assert_eq!(rate("10MB/s"), Ok(10_000_000));
        assert_eq!(rate("1mbps"), Ok(1_000_000));
        assert_eq!(size("64KiB"), Ok(65_536));
        assert_eq!(size("1.5kB"), Ok(1_500));
        assert_eq!(drift("-20ppm"), Ok(-20_000));
        assert_eq!(drift("0.1%"), Ok(1_000_000));
        assert!(rate("7bit").is_err() && rate("5").is_err() && size("5").is_err());
    }

    proptest! {
        #[test]
        fn written_quantities_read_back_equal(
            nanos in 0..LONGEST, part in 0.0..=1.0f64, bytes in 1..1u64 << 50, parts in -500_000_000i64..=500_000_000,
        ) {
            prop_assert_eq!(span(&write_span(nanos)), Ok(nanos));
            prop_assert_eq!(offset(&write_offset(-(nanos as i64))), Ok(-(nanos as i64)));
            prop_assert_eq!(rate(&write_rate(bytes)), Ok(bytes));
            prop_assert_eq!(size(&write_size(bytes)), Ok(bytes));
            prop_assert_eq!(drift(&write_drift(parts)), Ok(parts));
            if let Ok(read) = share(&format!("{part:.9}")) {
                prop_assert_eq!(share(&write_share(read)), Ok(read));
            }
        }
    }
}
