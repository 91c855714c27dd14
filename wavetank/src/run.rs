//! Runs of one plan over its seeds, in parallel: each run is alone with its seed, so the number of threads
//! changes nothing but the waiting.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
};

use wavetank_protocol::Span;
use wavetank_sim_core::{
    cluster::Tank,
    outcome::Outcome,
    plan::Plan,
    watch::{Nobody, Watch},
};

/// A run looks up so often: to tell how far it is, and whether it shall stop.
const LOOKS: u64 = 200;

/// How far the runs are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Finished runs.
    pub finished: usize,
    /// All runs.
    pub runs: usize,
    /// Simulated time of all runs so far, in nanoseconds.
    pub simulated: u128,
    /// Simulated time of all runs in the end, in nanoseconds.
    pub whole: u128,
}

/// How to run; the default uses all processors and tells nothing.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// Threads; 0: as many as there are processors.
    pub jobs: usize,
    /// Called now and then, from any thread.
    pub progress: Option<&'a (dyn Fn(Progress) + Sync)>,
    /// Once true, nothing new is begun and unfinished runs are dropped; finished ones are reported.
    pub stop: Option<&'a AtomicBool>,
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("jobs", &self.jobs).finish_non_exhaustive()
    }
}

/// What all threads of one batch share.
struct Batch<'a> {
    plan: &'a Plan,
    options: Options<'a>,
    next: AtomicUsize,
    finished: AtomicUsize,
    /// Simulated time in units of a run's 1/LOOKS.
    looks: AtomicU64,
    outcomes: Mutex<Vec<Outcome>>,
}

/// Runs all seeds of a plan. The outcomes are in the order of seeds; only a stop leaves some out.
/// Errors: the threads could not be started.
pub(crate) fn all(plan: &Plan, options: Options<'_>) -> Result<Vec<Outcome>, String> {
    let seeds = plan.seeds as usize;
    let jobs = if options.jobs == 0 {
        std::thread::available_parallelism().map_or(1, usize::from)
    } else {
        options.jobs
    };
    let batch = Batch {
        plan,
        options,
        next: AtomicUsize::new(0),
        finished: AtomicUsize::new(0),
        looks: AtomicU64::new(0),
        outcomes: Mutex::new(Vec::with_capacity(seeds)),
    };
    batch.tell();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs.clamp(1, seeds.max(1))).build();
    pool.map_err(|error| error.to_string())?.broadcast(|_| batch.work());
    let mut outcomes = batch.outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    outcomes.sort_by_key(|o| o.seed);
    Ok(outcomes)
}

impl Batch<'_> {
    /// Takes seed after seed until there are no more.
    fn work(&self) {
        loop {
            let i = self.next.fetch_add(1, Ordering::Relaxed);
            if i >= self.plan.seeds as usize || self.stopped() {
                return;
            }
            let seed = self.plan.seed.wrapping_add(i as u64);
            let Some((outcome, _)) = one(self.plan, seed, Nobody, || self.look()) else { return };
            self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).push(outcome);
            self.finished.fetch_add(1, Ordering::Relaxed);
            self.tell();
        }
    }

    fn stopped(&self) -> bool {
        self.options.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    /// Whether to go on.
    fn look(&self) -> bool {
        self.looks.fetch_add(1, Ordering::Relaxed);
        self.tell();
        !self.stopped()
    }

    fn tell(&self) {
        let Some(progress) = self.options.progress else { return };
        let duration = u128::from(self.plan.duration);
        progress(Progress {
            finished: self.finished.load(Ordering::Relaxed),
            runs: self.plan.seeds as usize,
            simulated: u128::from(self.looks.load(Ordering::Relaxed)) * duration
                / u128::from(LOOKS),
            whole: u128::from(self.plan.seeds) * duration,
        });
    }
}

/// One run, with a look up now and then; none when a look said no.
pub(crate) fn one<W: Watch>(
    plan: &Plan,
    seed: u64,
    watch: W,
    mut go_on: impl FnMut() -> bool,
) -> Option<(Outcome, W)> {
    let mut tank = Tank::new(plan, seed, watch);
    for look in 1..=LOOKS {
        tank.advance(share(plan.duration, look));
        if !go_on() {
            return None;
        }
    }
    Some(tank.finish())
}

/// The time of a look; the last is the end.
fn share(duration: Span, look: u64) -> Span {
    (u128::from(duration) * u128::from(look) / u128::from(LOOKS)) as Span
}
