//! Chance with a memory: netem's correlated draws and Markov losses.
//!
//! *Correlated draws* are netem's: `next = c * previous + (1 - c) * new`, and the event happens if
//! `next` is below its probability. Such draws crowd around the middle, so that a small probability
//! becomes smaller and a great one greater; netem's manual calls the option deprecated for that. The
//! formula is kept because scenarios are compared with netem.
//!
//! *Gilbert and Elliott*, netem's `loss gemodel p r 1-h 1-k`: the datagram is lost with `1 - k` in the
//! good state, `1 - h` in the bad one; then good turns bad with `p`, bad turns good with `r`. The share
//! of bad datagrams is p / (p + r), a stay in the bad state has 1 / r datagrams on average.
//!
//! *Four states*, netem's `loss state p13 p31 p32 p23 p14`: each datagram first changes the state, then
//! states 3 and 4 lose it. 1 is reception in a gap, 4 an isolated loss (always followed by 1), 3 loss in
//! a burst, 2 reception in a burst. With x1 = 1: x4 = p14, x3 = p13 / p31, x2 = x3 * p32 / p23; the share
//! lost is (x3 + x4) / (x1 + x2 + x3 + x4).
//!
//! Unlike netem's, a chain belongs to one source on one link or fault, so that no node's traffic moves
//! the luck of another, and it starts in a state drawn from its stationary distribution: a thousand
//! chains of ten datagrams each lose what one chain of ten thousand does.

use wavetank_protocol::rng::Probability;

use crate::plan::{Chances, Loss};

use super::dice::{Dice, Purpose};

/// The correlated draws of one source on one link or fault, and how long ago it overtook.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    pub(super) loss: u64,
    pub(super) duplicate: u64,
    pub(super) corrupt: u64,
    pub(super) reorder: u64,
    pub(super) jitter: u64,
    /// Datagrams since the last that overtook.
    pub(super) since: u32,
}

impl Chain {
    /// What stands for a chain where nothing has a memory: correlations are 0 and gaps at most 1.
    pub(super) const NONE: Self =
        Self { loss: 0, duplicate: 0, corrupt: 0, reorder: 0, jitter: 0, since: 0 };

    /// The chain of a source before its datagram number `nth`, the first that needs it.
    pub(super) fn new(dice: Dice, source: u32, nth: u64) -> Self {
        let start = |purpose| dice.start(source, purpose, nth);
        Self {
            loss: start(Purpose::Loss),
            duplicate: start(Purpose::Duplicate),
            corrupt: start(Purpose::Corrupt),
            reorder: start(Purpose::Reorder),
            jitter: start(Purpose::Jitter),
            since: 0,
        }
    }
}

/// The state of a Markov loss, in the words of the four-state model; good and bad are 1 and 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// 1: received in a gap; good.
    Gap,
    /// 2: received in a burst.
    BurstReceived,
    /// 3: lost in a burst; bad.
    Burst,
    /// 4: lost in a gap.
    GapLost,
}

/// netem's correlated draw: moves `previous` to the next value and returns it.
pub(super) fn correlated(previous: &mut u64, correlation: Probability, new: u64) -> u64 {
    let weight = u128::from(correlation.bits());
    // Weights add up to 2^64, so the sum stays below 2^128.
    let sum = weight * u128::from(*previous) + ((1 << 64) - weight) * u128::from(new);
    *previous = (sum >> 64) as u64;
    *previous
}

/// Decides an event with a memory.
pub(super) fn happens(chances: Chances, previous: &mut u64, new: u64) -> bool {
    chances.probability.hit(correlated(previous, chances.correlation, new))
}

/// Gilbert and Elliott: whether this datagram is lost, and on to the next state.
pub(super) fn gilbert_elliott(
    state: &mut State,
    [p, r, h, k]: [Probability; 4],
    change: u64,
    loss: u64,
) -> bool {
    let (changes, to, delivered) = match *state {
        State::Gap | State::GapLost => (p, State::Burst, k),
        State::Burst | State::BurstReceived => (r, State::Gap, h),
    };
    if changes.hit(change) {
        *state = to;
    }
    !delivered.hit(loss)
}

/// Four states: on to the next state, and whether it loses this datagram.
pub(super) fn four_state(
    state: &mut State,
    [p13, p31, p32, p23, p14]: [Probability; 5],
    change: u64,
) -> bool {
    // The second way out of a state has the words that follow those of the first.
    let either = |a: Probability, b: Probability| {
        Probability::from_bits(a.bits().saturating_add(b.bits())).hit(change)
    };
    *state = match *state {
        State::Gap if p14.hit(change) => State::GapLost,
        State::Gap if either(p14, p13) => State::Burst,
        State::Burst if p32.hit(change) => State::BurstReceived,
        State::Burst if either(p32, p31) => State::Gap,
        State::BurstReceived if p23.hit(change) => State::Burst,
        State::GapLost => State::Gap,
        same => same,
    };
    matches!(*state, State::Burst | State::GapLost)
}

/// The long-run share of datagrams lost, between 0 and 1: what streams meet.
pub(super) fn long_run(loss: &Loss) -> Probability {
    match *loss {
        Loss::None => Probability::ZERO,
        Loss::Independent(probability) | Loss::Correlated { probability, .. } => probability,
        Loss::GilbertElliott { h, k, .. } => {
            let [good, _, bad, _] = shares(loss);
            Probability::from_share(good * (1.0 - k.share()) + bad * (1.0 - h.share()))
        }
        Loss::FourState { .. } => {
            let [_, _, burst, isolated] = shares(loss);
            Probability::from_share(burst + isolated)
        }
    }
}

/// A state of the stationary distribution, where a chain starts.
pub(super) fn stationary(loss: &Loss, word: u64) -> State {
    let states = [State::Gap, State::BurstReceived, State::Burst, State::GapLost];
    let mut below = 0.0;
    for (state, share) in states.into_iter().zip(shares(loss)) {
        below += share;
        if Probability::from_share(below).hit(word) {
            return state;
        }
    }
    State::Gap
}

/// The stationary shares of states 1 to 4. A chain that cannot leave a state it may enter ends there; one
/// that may never leave the first stays.
fn shares(loss: &Loss) -> [f64; 4] {
    let (p13, p31, p32, p23, p14) = match *loss {
        Loss::GilbertElliott { p, r, .. } => (p.share(), r.share(), 0.0, 0.0, 0.0),
        Loss::FourState { p13, p31, p32, p23, p14 } => {
            let (p32, p14) = (p32.share(), p14.share());
            // Two ways out of one state share its words: what the first takes, the second cannot have.
            let (p13, p31) = (p13.share().min(1.0 - p14), p31.share().min(1.0 - p32));
            (p13, p31, p32, p23.share(), p14)
        }
        _ => return [1.0, 0.0, 0.0, 0.0],
    };
    if p13 <= 0.0 {
        return normalized([1.0, 0.0, 0.0, p14]);
    }
    if p32 > 0.0 && p23 <= 0.0 {
        return [0.0, 1.0, 0.0, 0.0];
    }
    let received = if p32 > 0.0 { p32 / p23 } else { 0.0 };
    if p31 <= 0.0 {
        return normalized([0.0, received, 1.0, 0.0]);
    }
    let burst = p13 / p31;
    normalized([1.0, burst * received, burst, p14])
}

fn normalized(shares: [f64; 4]) -> [f64; 4] {
    let sum: f64 = shares.iter().sum();
    shares.map(|share| share / sum)
}

#[cfg(test)]
mod tests {
    use wavetank_protocol::rng::Keys;

    use super::*;

    fn p(share: f64) -> Probability {
        Probability::from_share(share)
    }

    fn gilbert(p13: f64, r: f64, h: f64, k: f64) -> Loss {
        Loss::GilbertElliott { p: p(p13), r: p(r), h: p(h), k: p(k) }
    }

    fn four(p13: f64, p31: f64, p32: f64, p23: f64, p14: f64) -> Loss {
        Loss::FourState { p13: p(p13), p31: p(p31), p32: p(p32), p23: p(p23), p14: p(p14) }
    }

    fn check(loss: &Loss, expected: f64) {
        assert!(
            (long_run(loss).share() - expected).abs() < 1e-9,
            "{loss:?}: {}",
            long_run(loss).share()
        );
    }

    #[test]
    fn long_run_losses_follow_from_the_balance_of_flows() {
        check(&Loss::None, 0.0);
        check(&Loss::Independent(p(0.25)), 0.25);
        check(&gilbert(0.01, 0.25, 0.0, 1.0), 0.01 / 0.26);
        check(&gilbert(0.01, 0.09, 0.2, 0.99), 0.9 * 0.01 + 0.1 * 0.8);
        check(&gilbert(0.0, 0.0, 0.0, 0.9), 0.1);
        check(&gilbert(0.1, 0.0, 0.3, 1.0), 0.7);
        check(&four(0.02, 0.5, 0.0, 1.0, 0.0), 0.04 / 1.04);
        check(&four(0.02, 0.2, 0.3, 0.6, 0.01), 0.11 / (1.0 + 0.1 + 0.05 + 0.01));
        check(&four(0.0, 0.5, 0.0, 1.0, 0.25), 0.2);
        check(&four(0.1, 0.0, 0.5, 0.5, 0.0), 0.5);
        check(&four(0.1, 0.5, 0.5, 0.0, 0.0), 0.0);
    }

    #[test]
    fn a_correlated_draw_is_the_weighted_mean() {
        let mut previous = 0;
        assert_eq!(correlated(&mut previous, p(0.25), 1 << 63), 3 << 61);
        assert_eq!(correlated(&mut previous, Probability::ZERO, 5), 5);
        let mut full = u64::MAX;
        assert!(correlated(&mut full, Probability::ONE, 0) >= u64::MAX - 1);
        assert_eq!(correlated(&mut full, p(0.5), u64::MAX), u64::MAX - 1);
    }

    #[test]
    fn consecutive_draws_have_the_correlation_asked_for() {
        let keys = Keys::new(3);
        for weight in [0.0, 0.25, 0.5, 0.9] {
            let mut previous = keys.draw(1, 0);
            let draws: Vec<f64> = (1..200_000)
                .map(|i| {
                    correlated(&mut previous, p(weight), keys.draw(1, i)) as f64 / (u64::MAX as f64)
                })
                .collect();
            let mean = draws.iter().sum::<f64>() / draws.len() as f64;
            let var: f64 = draws.iter().map(|x| (x - mean) * (x - mean)).sum();
            let lag: f64 = draws.windows(2).map(|w| (w[0] - mean) * (w[1] - mean)).sum();
            assert!((mean - 0.5).abs() < 0.01, "{mean}");
            assert!((lag / var - weight).abs() < 0.01, "{} instead of {weight}", lag / var);
            // The variance of a first-order autoregression of uniforms.
            let expected = (1.0 - weight) / (1.0 + weight) / 12.0;
            assert!((var / draws.len() as f64 / expected - 1.0).abs() < 0.03);
        }
    }

    #[test]
    fn chains_start_in_their_stationary_distribution() {
        let loss = four(0.05, 0.2, 0.3, 0.6, 0.1);
        let keys = Keys::new(5);
        let mut counts = [0.0; 4];
        for i in 0..100_000 {
            counts[stationary(&loss, keys.draw(0, i)) as usize] += 1e-5;
        }
        for (count, share) in counts.iter().zip(shares(&loss)) {
            assert!((count - share).abs() < 0.005, "{counts:?} {:?}", shares(&loss));
        }
    }
}
