//! Counts, loads and partitions.

use super::table::Row;

/// All rows of this kind.
pub fn rows(_many: u64, _wanted: impl Fn(&str) -> bool) -> Vec<Row> {
    Vec::new()
}
