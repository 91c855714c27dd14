//! What one link or one fault does to a datagram: its dice, rolled before anybody looks at a gate.

use rustc_hash::FxHashMap;
use wavetank_protocol::{Span, rng::Probability};

use crate::plan::{Chances, Delay, LinkSpec, Loss, PathFault, Reorder};

use super::{
    chain::{self, Chain, State},
    curve::Curve,
    dice::{Dice, Purpose},
};

/// What has come of a datagram's dice so far, over its link and all faults.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Roll {
    /// Some loss hit it.
    pub(super) lost: bool,
    /// Some corruption hit it.
    pub(super) corrupt: bool,
    /// It has a duplicate.
    pub(super) copied: bool,
    /// It overtakes.
    pub(super) overtakes: bool,
    /// There is an extra delay on its way, be it 0.
    pub(super) delayed: bool,
    /// The extra delay.
    pub(super) extra: Span,
    /// The duplicate's extra delay.
    pub(super) copy_extra: Span,
}

/// A link or a fault, without its bandwidth.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    dice: Dice,
    loss: Loss,
    corrupt: Chances,
    duplicate: Chances,
    reorder: Option<Reorder>,
    delay: Option<Variation>,
    /// States of a Markov loss by source; a byte each, for a million sources may have one.
    states: Vec<Option<State>>,
    /// Correlated draws by source; empty if nothing here is correlated.
    chains: FxHashMap<u32, Chain>,
    correlated: bool,
}

/// An extra delay, ready to be drawn.
#[derive(Clone, Debug)]
struct Variation {
    latency: Span,
    correlation: Probability,
    curve: Option<Curve>,
}

impl Variation {
    fn new(delay: &Delay) -> Self {
        let curve = (delay.jitter > 0).then(|| Curve::jitter(delay.distribution, delay.jitter));
        Self { latency: delay.latency, correlation: delay.correlation, curve }
    }

    /// The extra delay for a die; never below 0.
    fn at(&self, word: u64) -> Span {
        let variation = self.curve.as_ref().map_or(0, |curve| curve.at(word));
        self.latency.saturating_add_signed(variation)
    }
}

impl Stage {
    fn empty(dice: Dice) -> Self {
        Self {
            dice,
            loss: Loss::None,
            corrupt: Chances::default(),
            duplicate: Chances::default(),
            reorder: None,
            delay: None,
            states: Vec::new(),
            chains: FxHashMap::default(),
            correlated: false,
        }
    }

    /// The stage of a link.
    pub(super) fn of_link(dice: Dice, spec: &LinkSpec) -> Self {
        let mut stage = Self {
            loss: spec.loss,
            corrupt: spec.corrupt,
            duplicate: spec.duplicate,
            reorder: spec.reorder,
            delay: spec.delay.as_ref().map(Variation::new),
            ..Self::empty(dice)
        };
        stage.correlated = stage.has_correlation();
        stage
    }

    /// The stage of a fault; that of a rate limit does nothing.
    pub(super) fn of_fault(dice: Dice, fault: &PathFault) -> Self {
        let mut stage = Self::empty(dice);
        match fault {
            PathFault::Delay(delay) => stage.delay = Some(Variation::new(delay)),
            PathFault::Loss(loss) => stage.loss = *loss,
            PathFault::Duplicate(chances) => stage.duplicate = *chances,
            PathFault::Reorder(reorder) => stage.reorder = Some(*reorder),
            PathFault::Corrupt(chances) => stage.corrupt = *chances,
            PathFault::Bandwidth(_) => {}
        }
        stage.correlated = stage.has_correlation();
        stage
    }

    fn has_correlation(&self) -> bool {
        let correlated = |chances: Chances| !chances.correlation.is_zero();
        let reorder = |r: Reorder| r.gap > 1 || correlated(r.chances);
        matches!(self.loss, Loss::Correlated { .. })
            || correlated(self.corrupt)
            || correlated(self.duplicate)
            || self.reorder.is_some_and(reorder)
            || self.delay.as_ref().is_some_and(|d| !d.correlation.is_zero())
    }

    /// The chance that a single segment of a stream is lost or damaged here.
    pub(super) fn segment_loss(&self) -> Probability {
        chain::long_run(&self.loss).or(self.corrupt.probability)
    }

    /// Rolls all dice of a source's datagram number `nth`.
    pub(super) fn roll(&mut self, source: u32, nth: u64, fragments: u32, roll: &mut Roll) {
        let dice = self.dice;
        let die = |purpose| dice.roll(source, purpose, nth);
        let mut none = Chain::NONE;
        let chain = if self.correlated {
            self.chains.entry(source).or_insert_with(|| Chain::new(dice, source, nth))
        } else {
            &mut none
        };
        roll.lost |= match self.loss {
            Loss::None => false,
            Loss::Independent(p) => any(p, fragments).hit(die(Purpose::Loss)),
            loss => {
                let state = state(&mut self.states, source, || {
                    chain::stationary(&loss, dice.start(source, Purpose::Change, nth))
                });
                (0..fragments).fold(false, |lost, i| {
                    // Datagrams are fewer than 2^44, fragments of one fewer than 2^16.
                    let nth = nth ^ u64::from(i) << 44;
                    lost | lose(&loss, &mut chain.loss, state, |p| dice.roll(source, p, nth))
                })
            }
        };
        if !self.corrupt.probability.is_zero() {
            let word = chain::correlated(
                &mut chain.corrupt,
                self.corrupt.correlation,
                die(Purpose::Corrupt),
            );
            roll.corrupt |= any(self.corrupt.probability, fragments).hit(word);
        }
        if !self.duplicate.probability.is_zero() {
            let word = die(Purpose::Duplicate);
            roll.copied |= chain::happens(self.duplicate, &mut chain.duplicate, word);
        }
        if let Some(reorder) = self.reorder {
            let word = die(Purpose::Reorder);
            let hit = chain::happens(reorder.chances, &mut chain.reorder, word);
            let candidate = chain.since >= reorder.gap.saturating_sub(1);
            chain.since = if hit && candidate { 0 } else { chain.since.saturating_add(1) };
            roll.overtakes |= hit && candidate;
        }
        if let Some(delay) = &self.delay {
            let new = if delay.curve.is_some() { die(Purpose::Jitter) } else { 0 };
            let word = chain::correlated(&mut chain.jitter, delay.correlation, new);
            roll.delayed = true;
            roll.extra = roll.extra.saturating_add(delay.at(word));
            let copy = delay.at(die(Purpose::CopyJitter));
            roll.copy_extra = roll.copy_extra.saturating_add(copy);
        }
    }

    /// The extra delay of a leg of a stream; without memory, so that streams leave datagrams alone.
    pub(super) fn stream_delay(&self, source: u32, nth: u64) -> Span {
        let die = || self.dice.roll(source, Purpose::StreamJitter, nth);
        self.delay.as_ref().map_or(0, |delay| delay.at(die()))
    }

    /// The extra delay without its variation.
    pub(super) fn mean_delay(&self) -> Span {
        self.delay.as_ref().map_or(0, |delay| delay.latency)
    }
}

/// The state of a source, in a table that grows with the sources.
fn state(
    states: &mut Vec<Option<State>>,
    source: u32,
    start: impl FnOnce() -> State,
) -> &mut State {
    let i = source as usize;
    if states.len() <= i {
        states.resize(i + 1, None);
    }
    states[i].get_or_insert_with(start)
}

/// One step of a loss with a memory: whether it loses a datagram, or one fragment of it.
fn lose(loss: &Loss, previous: &mut u64, state: &mut State, die: impl Fn(Purpose) -> u64) -> bool {
    match *loss {
        Loss::None => false,
        Loss::Independent(p) => p.hit(die(Purpose::Loss)),
        Loss::Correlated { probability, correlation } => {
            let chances = Chances { probability, correlation };
            chain::happens(chances, previous, die(Purpose::Loss))
        }
        Loss::GilbertElliott { p, r, h, k } => {
            let (change, loss) = (die(Purpose::Change), die(Purpose::Loss));
            chain::gilbert_elliott(state, [p, r, h, k], change, loss)
        }
        Loss::FourState { p13, p31, p32, p23, p14 } => {
            chain::four_state(state, [p13, p31, p32, p23, p14], die(Purpose::Change))
        }
    }
}

/// The chance that at least one of `n` independent events happens.
pub(super) fn any(probability: Probability, mut n: u32) -> Probability {
    if n == 1 {
        return probability;
    }
    let (mut all, mut power) = (Probability::ZERO, probability);
    while n > 0 {
        if n & 1 == 1 {
            all = all.or(power);
        }
        power = power.or(power);
        n >>= 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chance_of_any_is_one_minus_the_chance_of_none() {
        for (share, n) in [(0.01, 1), (0.01, 2), (0.3, 5), (0.001, 700), (0.5, 0)] {
            let got = any(Probability::from_share(share), n).share();
            let expected = 1.0 - libm::pow(1.0 - share, f64::from(n));
            assert!((got - expected).abs() < 1e-12, "{share} {n}: {got}, not {expected}");
        }
    }
}
