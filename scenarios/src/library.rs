//! The built-in scenarios.

/// A built-in scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Builtin {
    /// Name, as given to `wavetank run`.
    pub name: &'static str,
    /// The YAML text.
    pub text: &'static str,
}

macro_rules! builtins {
    ($($name:literal)*) => {
        /// All of them; `first-crash` is the demonstration.
        const BUILTINS: &[Builtin] = &[$(Builtin {
            name: $name,
            text: include_str!(concat!("../library/", $name, ".yaml")),
        }),*];
    };
}

builtins! {
    "first-crash"
    "zone-cut"
    "quiet"
    "false-alarms"
    "crash-to-everyone"
    "update-straggler"
    "partition-heals"
    "partition-rejoin"
    "churn-queues"
    "leaver-grace"
    "restart-new-addresses"
    "cost-per-zone"
    "one-sick-node"
    "starved-nodes"
    "all-paths-fail"
    "key-rollout"
    "packet-budget"
    "serf-tutorial"
    "serf-leave-and-crash"
    "serf-partition-heal"
    "serf-event"
    "serf-query"
    "serf-force-leave"
    "serf-snapshot-restart"
    "serf-rotate-key"
}

impl Builtin {
    /// The first sentence of its description.
    pub fn summary(&self) -> String {
        let scenario =
            crate::load(crate::Source::new(self.name, self.text), &crate::Overrides::default());
        let description = scenario.map(|s| s.description).unwrap_or_default();
        let words: Vec<&str> = description.split_whitespace().collect();
        let text = words.join(" ");
        match text.find(". ") {
            Some(end) => text[..=end].to_owned(),
            None => text,
        }
    }
}

/// All built-in scenarios.
pub fn list() -> &'static [Builtin] {
    BUILTINS
}

/// The built-in scenario of a name.
pub fn get(name: &str) -> Option<&'static Builtin> {
    BUILTINS.iter().find(|b| b.name == name)
}
