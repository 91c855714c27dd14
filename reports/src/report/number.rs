//! Numbers as reports print them: whole ones without a point.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A whole or a broken number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Number {
    /// Whole: nanoseconds, counts.
    Whole(u64),
    /// Broken: rates, levels.
    Broken(f64),
}

impl Number {
    /// As a float, for comparison and display.
    pub fn value(self) -> f64 {
        match self {
            Self::Whole(n) => n as f64,
            Self::Broken(x) => x,
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(n) => n.fmt(f),
            Self::Broken(x) => x.fmt(f),
        }
    }
}

/// The whole number that a float is, if it is one that floats hold exactly.
pub(crate) fn whole(x: f64) -> Option<u64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    ((0.0..=EXACT).contains(&x) && x == (x as u64) as f64).then_some(x as u64)
}

/// Points of curves: `[time, value]`, whole values without a point.
pub(super) mod points {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Number, whole};

    #[expect(clippy::ptr_arg, reason = "serde calls it with a reference to the field")]
    pub fn serialize<S: Serializer>(points: &Vec<(u64, f64)>, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(
            points.iter().map(|&(t, v)| (t, whole(v).map_or(Number::Broken(v), Number::Whole))),
        )
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<(u64, f64)>, D::Error> {
        let points = Vec::<(u64, Number)>::deserialize(d)?;
        Ok(points.into_iter().map(|(t, v)| (t, v.value())).collect())
    }
}
