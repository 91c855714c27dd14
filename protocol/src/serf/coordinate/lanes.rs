//! Observations of several nodes at once.
//!
//! An observation is one long chain of operations that wait for each other. Those of different nodes do not,
//! so some are taken step by step together: every lane does exactly what [`State::observe`] does, in the
//! same order, to the bit. What needs draws, or ends nowhere, is left to that.

use super::{
    CC, CE, Coordinate, DIMENSIONS, ERROR_MAX, GRAVITY_RHO, HEIGHT_MIN, State, WINDOW, ZERO,
    nanoseconds, seconds,
};

/// How many at once.
pub const LANES: usize = 8;

/// A number of each lane.
type Lanes = [f64; LANES];

#[inline]
fn each(f: impl FnMut(usize) -> f64) -> Lanes {
    std::array::from_fn(f)
}

/// Magnitudes of vectors given by dimension; the sum of squares is taken in index order.
#[inline]
fn magnitudes(vec: &[Lanes; DIMENSIONS]) -> Lanes {
    let sum = vec.iter().fold([0.0; LANES], |sum, part| each(|l| sum[l] + part[l] * part[l]));
    each(|l| sum[l].sqrt())
}

/// See `Coordinate::distance_over`.
#[inline]
fn distance(apart: f64, heights: [f64; 2], adjustments: [f64; 2]) -> f64 {
    let plain = apart + heights[0] + heights[1];
    let adjusted = plain + adjustments[0] + adjustments[1];
    seconds(nanoseconds(if adjusted > 0.0 { adjusted } else { plain }))
}

#[inline]
fn height(own: f64, other: f64, force: f64, apart: f64) -> f64 {
    let height = (own + other) * force / apart + own;
    if height < HEIGHT_MIN { HEIGHT_MIN } else { height }
}

pub(super) fn settle(mut states: [&mut State; LANES]) -> bool {
    for state in &mut states {
        state.filter();
    }
    let mut others = [(Coordinate::FRESH, 0.0); LANES];
    for (other, state) in others.iter_mut().zip(&states) {
        let Some(deferred) = state.deferred else { return false };
        *other = (deferred.other, seconds(deferred.rtt as i64));
    }
    let own = |l: usize| &states[l].own;
    let other = |l: usize| &others[l].0;
    let rtt = each(|l| others[l].1);
    let mut vec: [Lanes; DIMENSIONS] = std::array::from_fn(|i| each(|l| own(l).vec[i]));
    let theirs: [Lanes; DIMENSIONS] = std::array::from_fn(|i| each(|l| other(l).vec[i]));

    // Vivaldi.
    let way: [Lanes; DIMENSIONS] = std::array::from_fn(|i| each(|l| vec[i][l] - theirs[i][l]));
    let apart = magnitudes(&way);
    let estimate = each(|l| {
        let (own, other) = (own(l), other(l));
        distance(apart[l], [own.height, other.height], [own.adjustment, other.adjustment])
    });
    let least = each(|l| if rtt[l] < ZERO { ZERO } else { rtt[l] });
    let wrong = each(|l| (estimate[l] - least[l]).abs() / least[l]);
    let total = each(|l| own(l).error + other(l).error);
    let weight = each(|l| own(l).error / if total[l] < ZERO { ZERO } else { total[l] });
    let error = each(|l| CE * weight[l] * wrong[l] + own(l).error * (1.0 - CE * weight[l]));
    let error = each(|l| if error[l] > ERROR_MAX { ERROR_MAX } else { error[l] });
    let force = each(|l| CC * weight[l] * (least[l] - estimate[l]));
    let scale = each(|l| 1.0 / apart[l]);
    for (part, way) in vec.iter_mut().zip(&way) {
        *part = each(|l| part[l] + way[l] * scale[l] * force[l]);
    }
    let heights = each(|l| height(own(l).height, other(l).height, force[l], apart[l]));

    // Adjustment.
    let now: [Lanes; DIMENSIONS] = std::array::from_fn(|i| each(|l| vec[i][l] - theirs[i][l]));
    let distant = magnitudes(&now);
    let off = each(|l| rtt[l] - (distant[l] + heights[l] + other(l).height));
    let sum = each(|l| {
        let State { ring, next, before, .. } = &*states[l];
        ring[next + 1..].iter().fold(before + off[l], |sum, off| sum + off)
    });
    let adjustment = each(|l| sum[l] / (2.0 * WINDOW as f64));

    // Gravity.
    let far = magnitudes(&vec);
    let pull = each(|l| {
        let fresh = Coordinate::FRESH;
        let heights = [fresh.height, heights[l]];
        distance(far[l], heights, [fresh.adjustment, adjustment[l]]) / GRAVITY_RHO
    });
    let force = each(|l| -(pull[l] * pull[l]));
    let scale = each(|l| 1.0 / far[l]);
    for part in &mut vec {
        *part = each(|l| part[l] + part[l] * scale[l] * force[l]);
    }
    let heights = each(|l| height(heights[l], HEIGHT_MIN, force[l], far[l]));

    let moved: [Coordinate; LANES] = std::array::from_fn(|l| Coordinate {
        vec: std::array::from_fn(|i| vec[i][l]),
        error: error[l],
        adjustment: adjustment[l],
        height: heights[l],
    });
    let plain = |l: usize| apart[l] > ZERO && far[l] > ZERO && moved[l].is_valid();
    if !(0..LANES).all(plain) {
        return false;
    }
    for (l, state) in states.into_iter().enumerate() {
        state.own = moved[l];
        state.ring[state.next] = off[l];
        state.before += off[l];
        state.next += 1;
        if state.next == WINDOW {
            (state.next, state.before) = (0, 0.0);
        }
        state.deferred = None;
    }
    true
}
