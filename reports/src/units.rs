//! Units: how files name them and how people read them.

use wavetank_sim_core::outcome::Unit;

/// How files name a unit.
pub fn name(unit: Unit) -> &'static str {
    match unit {
        Unit::Nanoseconds => "ns",
        Unit::BytesPerSecond => "B/s",
        Unit::PacketsPerSecond => "packets/s",
        Unit::Bytes => "B",
        Unit::Count => "count",
        Unit::Share => "share",
    }
}

/// The unit that files call by this name; a plain number when unknown.
pub fn from_name(name: &str) -> Unit {
    match name {
        "ns" => Unit::Nanoseconds,
        "B/s" => Unit::BytesPerSecond,
        "packets/s" => Unit::PacketsPerSecond,
        "B" => Unit::Bytes,
        "share" => Unit::Share,
        _ => Unit::Count,
    }
}

/// A value for a reader: three to four digits and the unit that fits, for example `12.3 s`, `1.25 MB/s`.
pub fn human(value: f64, unit: Unit) -> String {
    if unit == Unit::Nanoseconds && value >= 119.95e9 {
        return long(value);
    }
    let (divisor, name) = scale(value, unit);
    match unit {
        Unit::Count => count(value),
        _ => format!("{}{name}", digits(value / divisor)),
    }
}

/// [`human`], with absent as never.
pub fn human_or_never(value: Option<f64>, unit: Unit) -> String {
    value.map_or_else(|| "never".to_owned(), |v| human(v, unit))
}

/// A value and its interval in one unit: `12.3 (11.8..13.0) s`; without bounds just the value, an open bound
/// as `…`.
pub fn human_with_interval(value: Option<f64>, interval: [Option<f64>; 2], unit: Unit) -> String {
    let (Some(v), true) = (value, interval.iter().any(Option::is_some)) else {
        return human_or_never(value, unit);
    };
    let (divisor, name) = scale(v, unit);
    let [low, high] = interval.map(|b| b.map_or_else(|| "…".to_owned(), |b| digits(b / divisor)));
    format!("{} ({low}..{high}){name}", digits(v / divisor))
}

/// The divisor and name of the multiple of a unit in which a value is between 1 and 1000.
fn scale(value: f64, unit: Unit) -> (f64, &'static str) {
    const TIMES: [(f64, &str); 4] = [(1e9, " s"), (1e6, " ms"), (1e3, " us"), (1.0, " ns")];
    const BYTES: [(f64, &str); 5] =
        [(1e12, " TB"), (1e9, " GB"), (1e6, " MB"), (1e3, " kB"), (1.0, " B")];
    const RATES: [(f64, &str); 4] = [(1e9, " GB/s"), (1e6, " MB/s"), (1e3, " kB/s"), (1.0, " B/s")];
    let multiples: &[(f64, &str)] = match unit {
        Unit::Nanoseconds if value == 0.0 => return TIMES[0],
        Unit::Nanoseconds => &TIMES,
        Unit::Bytes => &BYTES,
        Unit::BytesPerSecond => &RATES,
        Unit::PacketsPerSecond => return (1.0, "/s"),
        Unit::Count => return (1.0, ""),
        Unit::Share => return (0.01, " %"),
    };
    let fits = multiples.iter().find(|(divisor, _)| value >= divisor * 0.9995);
    fits.or(multiples.last()).copied().unwrap_or((1.0, ""))
}

/// A long span: `3 m 20 s`, `2 h 5 m`.
fn long(ns: f64) -> String {
    let whole = (ns / 1e9 + 0.5) as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 { format!("{hours} h {minutes} m") } else { format!("{minutes} m {seconds} s") }
}

/// A count: whole as it is, in groups of three; else to three digits.
fn count(value: f64) -> String {
    let Some(whole) = crate::report::whole(value) else {
        return digits(value);
    };
    let text = whole.to_string();
    let mut out = String::new();
    for (i, c) in text.chars().enumerate() {
        if i > 0 && (text.len() - i) % 3 == 0 {
            out.push('\u{202f}');
        }
        out.push(c);
    }
    out
}

/// Three significant digits, without a power of ten between 0.001 and a million.
pub fn digits(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        "0".to_owned()
    } else if !(0.000_999_5..1e6).contains(&size) {
        format!("{value:.2e}")
    } else if size >= 99.95 {
        format!("{value:.0}")
    } else if size >= 9.995 {
        format!("{value:.1}")
    } else if size >= 0.9995 {
        format!("{value:.2}")
    } else if size >= 0.0995 {
        format!("{value:.3}")
    } else if size >= 0.009_95 {
        format!("{value:.4}")
    } else {
        format!("{value:.5}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_three_digits_and_a_unit() {
        for (value, unit, wanted) in [
            (0.0, Unit::Nanoseconds, "0 s"),
            (850.0, Unit::Nanoseconds, "850 ns"),
            (12_345_678.0, Unit::Nanoseconds, "12.3 ms"),
            (999_960_000.0, Unit::Nanoseconds, "1.00 s"),
            (4.5e9, Unit::Nanoseconds, "4.50 s"),
            (99.96e9, Unit::Nanoseconds, "100 s"),
            (200e9, Unit::Nanoseconds, "3 m 20 s"),
            (7.5e12, Unit::Nanoseconds, "2 h 5 m"),
            (999.7, Unit::Bytes, "1.00 kB"),
            (1_250_000.0, Unit::BytesPerSecond, "1.25 MB/s"),
            (12.0, Unit::PacketsPerSecond, "12.0/s"),
            (1_234_567.0, Unit::Count, "1\u{202f}234\u{202f}567"),
            (0.012_34, Unit::Count, "0.0123"),
            (0.000_012, Unit::Count, "1.20e-5"),
            (0.05, Unit::Share, "5.00 %"),
        ] {
            assert_eq!(human(value, unit), wanted, "{value} {unit:?}");
        }
    }

    #[test]
    fn intervals_share_the_unit_of_their_value() {
        let ns = Unit::Nanoseconds;
        for (value, interval, wanted) in [
            (Some(12.3e9), [Some(0.5e9), Some(250e9)], "12.3 (0.500..250) s"),
            (Some(12.3e9), [Some(11e9), None], "12.3 (11.0..…) s"),
            (Some(12.3e6), [None, None], "12.3 ms"),
            (None, [Some(1e9), None], "never"),
        ] {
            assert_eq!(human_with_interval(value, interval, ns), wanted);
        }
    }
}
