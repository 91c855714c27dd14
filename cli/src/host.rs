//! What this machine can bear: how many runs at once fit into its memory.

use wavetank::{Plan, estimate_memory, reports::units::human, sim_core::outcome::Unit};

use crate::exit::Failure;

/// Memory that is free for the asking, in bytes, where that can be known.
fn available() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// Bytes for a reader.
pub fn bytes(n: u64) -> String {
    human(n as f64, Unit::Bytes)
}

/// What to say beside an estimate that is more than what is free: `run` will refuse.
pub fn too_much(need: u64) -> Option<String> {
    let free = available().filter(|free| *free < need)?;
    Some(format!("more than the {} free here: it will not run; take fewer nodes", bytes(free)))
}

/// How many runs of a plan can go on at once, at most `wanted` (0: one per processor). Errors: not one.
pub fn jobs(plan: &Plan, wanted: usize) -> Result<usize, Failure> {
    let processors = || std::thread::available_parallelism().map_or(1, usize::from);
    let wanted = if wanted == 0 { processors() } else { wanted };
    let need = estimate_memory(plan);
    let Some(free) = available() else { return Ok(wanted) };
    match free / need {
        0 => Err(Failure::CannotRun(format!(
            "one run needs about {} of memory, and {} are free; take fewer nodes (--nodes)",
            bytes(need),
            bytes(free)
        ))),
        fit => Ok(wanted.min(usize::try_from(fit).unwrap_or(usize::MAX))),
    }
}
