//! Incomplete gamma and beta functions, and inverting a monotone function.

use libm::{exp, fabs, lgamma, log, log1p};

const STEPS: u32 = 20_000;
const PRECISION: f64 = 1e-15;
const TINY: f64 = 1e-300;

/// P(a, x), the regularised lower incomplete gamma function, a > 0, x >= 0: by its series (DLMF 8.11.4) for
/// x below a + 1, by the continued fraction of its complement (DLMF 8.9.2) above.
#[expect(clippy::many_single_char_names, reason = "the names of the formula")]
pub fn gamma_p(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let scale = exp(a * log(x) - x - lgamma(a));
    if x < a + 1.0 {
        let mut term = 1.0 / a;
        let mut sum = term;
        let mut n = a;
        for _ in 0..STEPS {
            n += 1.0;
            term *= x / n;
            sum += term;
            if term < sum * PRECISION {
                break;
            }
        }
        return sum * scale;
    }
    // x + 1 - a - 1(1 - a) / (x + 3 - a - 2(2 - a) / (x + 5 - a - ...)), by Lentz's method.
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut fraction = d;
    for i in 1..STEPS {
        let i = f64::from(i);
        let numerator = -i * (i - a);
        b += 2.0;
        d = 1.0 / away_from_zero(numerator * d + b);
        c = away_from_zero(b + numerator / c);
        let factor = d * c;
        fraction *= factor;
        if fabs(factor - 1.0) < PRECISION {
            break;
        }
    }
    1.0 - scale * fraction
}

/// I_x(a, b), the regularised incomplete beta function, a, b > 0, 0 <= x <= 1: by the continued fraction
/// DLMF 8.17.22, on the side where it converges fast.
pub fn beta_i(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let scale = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    if x < (a + 1.0) / (a + b + 2.0) {
        scale * beta_fraction(a, b, x) / a
    } else {
        1.0 - scale * beta_fraction(b, a, 1.0 - x) / b
    }
}

#[expect(clippy::many_single_char_names, reason = "the names of the formula")]
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for m in 1..STEPS {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut factor = 1.0;
        for numerator in [even, odd] {
            d = 1.0 / away_from_zero(1.0 + numerator * d);
            c = away_from_zero(1.0 + numerator / c);
            factor = d * c;
            fraction *= factor;
        }
        if fabs(factor - 1.0) < PRECISION {
            break;
        }
    }
    fraction
}

fn away_from_zero(x: f64) -> f64 {
    if fabs(x) < TINY { TINY } else { x }
}

/// Where a function that does not fall first reaches `level`, between `low` and `high`, by halving until the
/// two are neighbours in floating point.
pub fn invert(level: f64, low: f64, high: f64, f: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (low, high);
    loop {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            return high;
        }
        if f(middle) < level {
            low = middle;
        } else {
            high = middle;
        }
    }
}

/// Probability of at most `k` successes in `n` trials with chance `p` each: I_{1-p}(n - k, k + 1)
/// (DLMF 8.17.5).
pub fn binomial_at_most(k: u64, n: u64, p: f64) -> f64 {
    if k >= n { 1.0 } else { beta_i((n - k) as f64, k as f64 + 1.0, 1.0 - p) }
}

/// Probability of at least `k` successes in `n` trials: I_p(k, n - k + 1).
pub fn binomial_at_least(k: u64, n: u64, p: f64) -> f64 {
    match k {
        0 => 1.0,
        _ if k > n => 0.0,
        _ => beta_i(k as f64, (n - k) as f64 + 1.0, p),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(actual: f64, wanted: f64) {
        assert!(
            (actual - wanted).abs() <= 1e-10 * wanted.abs().max(1e-3),
            "{actual} is not {wanted}"
        );
    }

    #[test]
    fn gamma_agrees_with_closed_forms() {
        for x in [0.01, 0.5, 1.0, 2.5, 10.0, 40.0] {
            close(gamma_p(1.0, x), -libm::expm1(-x));
            close(gamma_p(0.5, x), libm::erf(libm::sqrt(x)));
            close(gamma_p(3.0, x), 1.0 - exp(-x) * (1.0 + x + x * x / 2.0));
        }
    }

    #[test]
    fn beta_agrees_with_closed_forms() {
        for x in [0.001, 0.2, 0.5, 0.77, 0.999] {
            close(beta_i(1.0, 1.0, x), x);
            close(beta_i(3.0, 1.0, x), x * x * x);
            close(beta_i(0.5, 0.5, x), 2.0 / std::f64::consts::PI * libm::asin(libm::sqrt(x)));
        }
        // 20 fair coins: at most 5 heads is 21700 of 2^20.
        close(binomial_at_most(5, 20, 0.5), 21_700.0 / 1_048_576.0);
        close(binomial_at_least(15, 20, 0.5), 21_700.0 / 1_048_576.0);
        close(binomial_at_least(20, 20, 0.9), 0.121_576_654_590_569_3);
    }
}
