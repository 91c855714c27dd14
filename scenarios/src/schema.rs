//! JSON Schema of the scenario file.

/// The schema.
pub fn schema() -> String {
    String::new()
}
