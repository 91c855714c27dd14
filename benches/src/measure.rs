//! Wall time per simulated second, as a median over repetitions.
//!
//! Subjects that are to be compared are measured alternately, repetition by repetition, so that a
//! machine that slows down for a while slows all of them down.

use std::time::Instant;

/// A simulation that can be advanced.
pub trait Subject {
    /// Simulates this many seconds more.
    fn advance(&mut self, seconds: u64);
}

/// A simulated cluster whose members can be killed.
pub trait Cluster: Subject {
    /// Stops one more running node, without a word to the others.
    fn kill(&mut self);
}

/// How much time to spend on a figure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Repetitions of which the median is taken.
    pub repetitions: usize,
    /// Simulated seconds before the first measured one.
    pub warm_up: u64,
    /// A repetition lasts at least so long, in wall seconds.
    pub least: f64,
}

impl Effort {
    /// What the published figures are made with.
    pub const FULL: Self = Self { repetitions: 5, warm_up: 5, least: 0.5 };
    /// A look, for whoever is changing something.
    pub const QUICK: Self = Self { repetitions: 3, warm_up: 3, least: 0.1 };
}

/// Wall seconds per simulated second of each subject, undisturbed.
pub fn steady(subjects: &mut [&mut dyn Subject], effort: Effort) -> Vec<f64> {
    let lengths: Vec<u64> = subjects
        .iter_mut()
        .map(|subject| {
            subject.advance(effort.warm_up);
            long_enough(*subject, effort.least)
        })
        .collect();
    medians(subjects.len(), effort.repetitions, |which| {
        timed(|| subjects[which].advance(lengths[which])) / lengths[which] as f64
    })
}

/// Wall seconds per simulated second of each cluster over the `seconds` after one node was killed;
/// each repetition kills another.
pub fn killed(clusters: &mut [&mut dyn Cluster], seconds: u64, effort: Effort) -> Vec<f64> {
    medians(clusters.len(), effort.repetitions, |which| {
        let cluster = &mut clusters[which];
        cluster.kill();
        timed(|| cluster.advance(seconds)) / seconds as f64
    })
}

/// How many simulated seconds take at least `least` wall seconds.
fn long_enough(subject: &mut dyn Subject, least: f64) -> u64 {
    let mut seconds = 1;
    loop {
        let wall = timed(|| subject.advance(seconds));
        if wall >= least {
            return seconds;
        }
        // A tenth more than it should take, but never a leap on the word of a single short look.
        let wanted = libm::ceil(1.1 * least / (wall / seconds as f64).max(1e-9)) as u64;
        seconds = wanted.clamp(seconds + 1, seconds * 10);
    }
}

fn medians(n: usize, repetitions: usize, mut take: impl FnMut(usize) -> f64) -> Vec<f64> {
    let mut taken = vec![Vec::with_capacity(repetitions); n];
    for _ in 0..repetitions {
        for (which, times) in taken.iter_mut().enumerate() {
            times.push(take(which));
        }
    }
    taken.into_iter().map(median).collect()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    let middle = times.len() / 2;
    if times.len() % 2 == 1 {
        times[middle]
    } else {
        f64::midpoint(times[middle - 1], times[middle])
    }
}

fn timed(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_of_each_subject() {
        let mut script = [[9.0, 1.0], [2.0, 7.0], [4.0, 3.0]].into_iter().flatten();
        assert_eq!(medians(2, 3, |_| script.next().unwrap_or(f64::NAN)), [4.0, 3.0]);
        assert_eq!(median(vec![1.0, 4.0, 2.0, 8.0]), 3.0);
    }
}
