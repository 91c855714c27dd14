//! The closed formulas of memberlist, as pure functions (`util.go`, `suspicion.go`, `awareness.go`).

use crate::{
    config::Config,
    time::{MILLISECOND, SECOND, Span},
};

/// How often a broadcast is sent by each node: `mult * ceil(log10(n + 1))`, at least once
/// (`util.go: retransmitLimit`).
#[inline]
pub const fn retransmit_limit(mult: u32, n: u32) -> u32 {
    // ceil(log10(n + 1)) is the number of decimal digits of n.
    let digits = if n == 0 { 0 } else { n.ilog10() + 1 };
    let limit = mult * digits;
    if limit == 0 { 1 } else { limit }
}

/// The factor on the push/pull interval (`util.go: pushPullScale`): 1 up to 32 nodes, then one more at
/// each doubling.
pub const fn push_pull_scale(n: u32) -> u64 {
    if n <= 32 {
        return 1;
    }
    let ceil_log2 = u32::BITS - (n - 1).leading_zeros();
    (ceil_log2 - 5 + 1) as u64
}

/// Limits of a suspicion, fixed when it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SuspicionLimits {
    /// Time-out with all expected confirmations.
    pub min: Span,
    /// Time-out with none.
    pub max: Span,
    /// Expected confirmations.
    pub expected: u32,
}

/// Least and greatest time-out and expected confirmations among `n` known members
/// (`util.go: suspicionTimeout`, `state.go: suspectNode`).
pub fn suspicion_limits(config: &Config, n: u32) -> SuspicionLimits {
    let scale = libm::log10(f64::from(n.max(1))).max(1.0);
    let thousandths = (scale * 1000.0) as u64;
    let min = u64::from(config.suspicion_mult) * thousandths * config.probe_interval / 1000;
    let max = u64::from(config.suspicion_max_timeout_mult) * min;
    let wanted = config.suspicion_mult.saturating_sub(2);
    // With fewer others than that, nobody could confirm.
    let expected = if i64::from(n) - 2 < i64::from(wanted) { 0 } else { wanted };
    SuspicionLimits { min, max, expected }
}

/// The time-out after `confirmations` of the expected ones (`suspicion.go: remainingSuspicionTime`,
/// without the time already gone), in whole milliseconds, never under `min`.
pub fn suspicion_timeout(limits: SuspicionLimits, confirmations: u32) -> Span {
    let SuspicionLimits { min, max, expected } = limits;
    if expected == 0 {
        return min;
    }
    let seconds = |span: Span| (span / SECOND) as f64 + (span % SECOND) as f64 / 1e9;
    let share = libm::log(f64::from(confirmations) + 1.0) / libm::log(f64::from(expected) + 1.0);
    let raw = seconds(max) - share * (seconds(max) - seconds(min));
    let millis = libm::floor(1000.0 * raw);
    let timeout = if millis <= 0.0 { 0 } else { millis as u64 * MILLISECOND };
    timeout.max(min)
}

/// The health score after a change (`awareness.go: ApplyDelta`).
pub fn awareness_after(score: u32, delta: i32, max_multiplier: u32) -> u32 {
    let top = max_multiplier.max(1) - 1;
    score.saturating_add_signed(delta).min(top)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_retransmit_limit_is_a_staircase() {
        for (n, limit) in [
            (0, 1),
            (1, 4),
            (9, 4),
            (10, 8),
            (99, 8),
            (100, 12),
            (999, 12),
            (1000, 16),
            (99_999, 20),
        ] {
            assert_eq!(retransmit_limit(4, n), limit, "n = {n}");
        }
    }

    #[test]
    fn push_pull_slows_down_with_size() {
        for (n, scale) in
            [(1, 1), (32, 1), (33, 2), (64, 2), (65, 3), (128, 3), (129, 4), (8192, 9), (8193, 10)]
        {
            assert_eq!(push_pull_scale(n), scale, "n = {n}");
        }
    }

    #[test]
    fn suspicion_limits_match_the_original() {
        let min = |config: &Config, n| suspicion_limits(config, n).min;
        for (n, ns) in [
            (5, 4_000_000_000),
            (11, 4_164_000_000),
            (50, 6_792_000_000),
            (100, 8_000_000_000),
            (500, 10_792_000_000),
            (1000, 12_000_000_000),
            (5000, 14_792_000_000),
            (10_000, 16_000_000_000),
        ] {
            assert_eq!(min(&Config::lan(), n), ns, "LAN, n = {n}");
        }
        assert_eq!(min(&Config::wan(), 11), 31_230_000_000);
        assert_eq!(min(&Config::local(), 500), 8_094_000_000);
        for (n, expected) in [(3, 0), (4, 2), (100, 2)] {
            assert_eq!(suspicion_limits(&Config::lan(), n).expected, expected, "n = {n}");
        }
        assert_eq!(suspicion_limits(&Config::lan(), 100).max, 48_000_000_000);
    }

    #[test]
    fn the_scale_is_cut_to_thousandths_exactly() {
        // 1000 * log10(n) >= k  <=>  n^1000 >= 10^k, checked where rounding could matter: at powers of ten.
        for digits in 0..7u32 {
            let n = 10u32.pow(digits);
            let config = Config { suspicion_mult: 1, ..Config::lan() };
            let expected = u64::from(digits.max(1)) * SECOND;
            assert_eq!(suspicion_limits(&config, n).min, expected, "n = {n}");
            if n > 10 {
                let below = suspicion_limits(&config, n - 1).min;
                assert!(below < expected && below >= expected - 50 * MILLISECOND);
            }
        }
    }

    #[test]
    fn confirmations_shorten_the_timer() {
        let limits = SuspicionLimits { min: 2 * SECOND, max: 30 * SECOND, expected: 3 };
        let expected = [(0, 30_000), (1, 16_000), (2, 7_810), (3, 2_000)];
        for (confirmations, ms) in expected {
            assert_eq!(suspicion_timeout(limits, confirmations), ms * MILLISECOND);
        }
        let lan = suspicion_limits(&Config::lan(), 100);
        assert_eq!(suspicion_timeout(lan, 1), 22_762 * MILLISECOND);
        assert_eq!(suspicion_timeout(lan, 2), 8_000 * MILLISECOND);
        let wan = suspicion_limits(&Config::wan(), 100);
        let wan_ms: Vec<_> = (0..5).map(|c| suspicion_timeout(wan, c) / MILLISECOND).collect();
        assert_eq!(wan_ms, [360_000, 230_797, 155_218, 101_594, 60_000]);
    }

    #[test]
    fn the_health_score_is_clamped() {
        assert_eq!(awareness_after(0, -1, 8), 0);
        assert_eq!(awareness_after(6, 3, 8), 7);
        assert_eq!(awareness_after(3, 3, 1), 0);
    }
}
