//! Scores how surprising a count is when events come in clusters: the negative binomial law whose variance is
//! proportional to its mean (NB1).
//!
//! Order flow comes in clusters, so under a Poisson law every busy second looks like a burst. Where b events are
//! expected and the counts have the Fano factor F (variance ÷ mean), the count is taken as negative binomial with mean
//! b and variance F b; its shape is r = b/(F − 1). The score is the Chernoff exponent of seeing at least a events, in
//! nats (DETECTION 2.1).

use super::math::ln;

/// At or below this Fano factor the Poisson form is used: r grows without bound there, and its logarithms cancel.
const POISSON_MAX: f64 = 1.02;
/// A bound on the rounding error of a score, as a share of a + b. Its terms are (a + r) times a logarithm that is wrong
/// by a few units of 1e-16, and r is at most 50 b.
const ROUNDING: f64 = 1e-12;
/// From about this count on, a float can no longer tell one whole number from the next (2⁵³).
const COUNT_MAX: f64 = 9e15;
/// Weights below this share of the largest do not move a quantile.
const NEGLIGIBLE: f64 = 1e-17;
/// The most terms that are summed for a quantile: enough for a standard deviation of 20,000, and one or two
/// milliseconds.
const TERMS_MAX: u32 = 400_000;

/// Returns the Chernoff exponent, in nats, of seeing at least `a` events where `b > 0` are expected with variance
/// `fano · b`; for `a > b`.
///
/// ```
/// // Twenty events where two are usual, without clusters: a chance of about e^-28.
/// assert!((foreshock::stats::nb1::score(20.0, 2.0, 1.0) - 28.05).abs() < 0.01);
/// ```
#[must_use]
pub fn score(a: f64, b: f64, fano: f64) -> f64 {
    if fano <= POISSON_MAX {
        return a * ln(a / b) - (a - b);
    }
    let r = b / (fano - 1.0);
    a * ln(a / b) - (a + r) * ln((a + r) / (b + r))
}

/// An upper bound of [`score`] that takes no logarithm, for one expectation and many counts. Rounding errors are
/// included.
///
/// The exponent is ∫ (a − x)/V(x) dx from b to a, with the variance function V(x) = x + x²/r. 1/V is convex, so it lies
/// below its chord. The exponent is therefore at most (a − b)²/6 · (2/V(b) + 1/V(a)), with V(b) = F b and
/// V(a) = a (b + a (F − 1))/b.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    b: f64,
    /// F − 1; 0 for the Poisson form.
    excess: f64,
    /// 1/(3 V(b)).
    at_b: f64,
}

impl Bound {
    /// A bound for counts of which `b` are expected, with variance `fano · b`.
    #[must_use]
    pub(crate) fn new(b: f64, fano: f64) -> Self {
        let excess = if fano <= POISSON_MAX { 0.0 } else { fano - 1.0 };
        Self { b, excess, at_b: 1.0 / (3.0 * (1.0 + excess) * b) }
    }

    /// Returns the bound for a count of `a`, where `a > b`.
    #[must_use]
    pub(crate) fn at(&self, a: f64) -> f64 {
        let over = a - self.b;
        let chord = self.at_b + self.b / (6.0 * a * (self.b + a * self.excess));
        over * over * chord + ROUNDING * (a + self.b)
    }
}

/// Returns the least whole count whose score reaches `level`, among the counts that are at least `a_min` and above `b`.
#[must_use]
pub(crate) fn least_count(b: f64, fano: f64, level: f64, a_min: u32) -> f64 {
    let lowest = f64::from(a_min).max(b.floor() + 1.0);
    let mut high = lowest;
    // The score grows without bound in a, so the doubling ends: at the latest at `COUNT_MAX`.
    while score(high, b, fano) < level && high < COUNT_MAX {
        high *= 2.0;
    }
    let mut low = lowest;
    while low < high {
        let middle = f64::midpoint(low, high).floor();
        if score(middle, b, fano) >= level { high = middle } else { low = middle + 1.0 }
    }
    high
}

/// Returns two quantiles of the law with this mean and Fano factor: the least counts at which its distribution function
/// reaches each of the two probabilities. The lower probability comes first.
///
/// The law is summed outwards from its mode by the ratio of neighbouring probabilities, so nothing underflows or
/// overflows. This takes about twenty standard deviations of steps, at most 400,000 of a few nanoseconds each: use it
/// for an alert, not for every event. A law that is too wide for that is nearly continuous, so the Wilson–Hilferty
/// approximation of the gamma law with the same mean and variance is used.
#[must_use]
pub(crate) fn quantiles(mean: f64, fano: f64, probabilities: (f64, f64)) -> (f64, f64) {
    let law = Law { mean, fano: if fano <= POISSON_MAX { 1.0 } else { fano } };
    match law.weights() {
        Some(weights) => law.summed_quantiles(weights, probabilities),
        None => (law.approximate_quantile(probabilities.0), law.approximate_quantile(probabilities.1)),
    }
}

/// A negative binomial law; the Poisson law where the Fano factor is 1.
#[derive(Clone, Copy)]
struct Law {
    mean: f64,
    fano: f64,
}

/// The probabilities of a law as weights, relative to the probability of its mode.
#[derive(Clone, Copy)]
struct Weights {
    /// The smallest count that is summed; smaller ones weigh next to nothing.
    first: f64,
    /// The weight of that count.
    weight: f64,
    /// The sum of all weights.
    sum: f64,
}

impl Law {
    /// Returns P(k + 1)/P(k): (k + r)/(k + 1) · (F − 1)/F, or mean/(k + 1) for the Poisson law.
    fn ratio(self, k: f64) -> f64 {
        (k * (self.fano - 1.0) + self.mean) / ((k + 1.0) * self.fano)
    }

    /// Sums the weights of the law; `None` if it is too wide.
    fn weights(self) -> Option<Weights> {
        let mode = (self.mean - self.fano + 1.0).max(0.0).floor();
        let (mut sum, mut steps) = (1.0, 0_u32);
        let (mut weight, mut k) = (1.0, mode);
        while weight > NEGLIGIBLE && steps < TERMS_MAX {
            weight *= self.ratio(k);
            sum += weight;
            k += 1.0;
            steps += 1;
        }
        let (mut weight, mut first) = (1.0, mode);
        while first > 0.0 && weight > NEGLIGIBLE && steps < TERMS_MAX {
            first -= 1.0;
            weight /= self.ratio(first);
            sum += weight;
            steps += 1;
        }
        (steps < TERMS_MAX).then_some(Weights { first, weight, sum })
    }

    /// Returns both quantiles by summing the weights from the smallest count on.
    fn summed_quantiles(self, weights: Weights, probabilities: (f64, f64)) -> (f64, f64) {
        let Weights { first: mut k, mut weight, sum } = weights;
        let (mut reached, mut low) = (weight, None);
        // A probability of 1 may never be reached because of rounding; the loop then ends where the weights underflow.
        while reached < probabilities.1 * sum && weight > 0.0 {
            if reached >= probabilities.0 * sum {
                low.get_or_insert(k);
            }
            weight *= self.ratio(k);
            reached += weight;
            k += 1.0;
        }
        (low.unwrap_or(k), k)
    }

    /// Returns a quantile of the gamma law with the same mean and variance (Wilson and Hilferty).
    fn approximate_quantile(self, probability: f64) -> f64 {
        let shape = self.mean / self.fano;
        let cube_root = 1.0 - 1.0 / (9.0 * shape) + normal_quantile(probability) / (3.0 * shape.sqrt());
        (self.mean * cube_root * cube_root * cube_root).max(0.0).ceil()
    }
}

/// Returns a quantile of the standard normal law, accurate to 5e-4 (Hastings; Abramowitz and Stegun 26.2.23).
fn normal_quantile(probability: f64) -> f64 {
    let t = (-2.0 * ln(probability.min(1.0 - probability))).sqrt();
    let over = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let under = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let z = t - over / under;
    if probability < 0.5 { -z } else { z }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_bound_is_never_below_the_score(
            b in prop_oneof![0.001_f64..10.0, 1.0_f64..1e7],
            more in prop_oneof![1e-12_f64..1e-3, 1e-3_f64..10.0, 1.0_f64..1e5],
            fano in prop_oneof![1.0_f64..1.05, 1.0_f64..200.0, 100.0_f64..1e6],
        ) {
            let a = b + more;
            prop_assert!(score(a, b, fano) <= Bound::new(b, fano).at(a), "{} {}", score(a, b, fano), Bound::new(b, fano).at(a));
        }

        #[test]
        fn the_bound_is_near_the_score_of_a_small_excess(b in 10.0_f64..1e3, share in 0.01_f64..0.5, fano in 1.03_f64..30.0) {
            let a = b * (1.0 + share);
            prop_assert!(Bound::new(b, fano).at(a) <= score(a, b, fano) * 1.2 + 1e-6);
        }

        #[test]
        fn the_least_count_fires_and_one_less_does_not(b in 0.01_f64..1e3, fano in 1.0_f64..60.0, level in 1.0_f64..60.0) {
            let least = least_count(b, fano, level, 5);
            prop_assert!(score(least, b, fano) >= level);
            prop_assert!(least <= 5.0 || least - 1.0 <= b || score(least - 1.0, b, fano) < level);
        }

        #[test]
        fn quantiles_agree_with_the_law_summed_from_zero(mean in 0.01_f64..60.0, fano in 1.0_f64..20.0) {
            let naive = |probability: f64| {
                let r = mean / (fano - 1.0);
                let poisson = fano <= 1.02;
                let mut p = if poisson { libm::exp(-mean) } else { libm::pow(fano, -r) };
                let (mut sum, mut k) = (p, 0.0);
                while sum < probability {
                    p *= if poisson { mean / (k + 1.0) } else { (k + r) / (k + 1.0) * (fano - 1.0) / fano };
                    sum += p;
                    k += 1.0;
                }
                (k, sum - p, sum)
            };
            let (low, high) = quantiles(mean, fano, (0.05, 0.95));
            for (got, probability) in [(low, 0.05), (high, 0.95)] {
                let (expected, before, after) = naive(probability);
                let close = (probability - before).min(after - probability) < 1e-9;
                prop_assert!(close || (got - expected).abs() < 0.5, "{got} for {expected}");
            }
        }
    }

    #[test]
    fn quantiles_cope_with_extreme_laws() {
        assert_eq!(quantiles(0.01, 1.0, (0.05, 0.95)), (0.0, 0.0));
        let (low, high) = quantiles(1e6, 100.0, (0.05, 0.95));
        // Close to a normal law with a standard deviation of 10,000.
        assert!((low - 983_600.0).abs() < 100.0 && (high - 1_016_500.0).abs() < 100.0, "{low} {high}");
    }

    #[test]
    fn a_law_too_wide_to_sum_is_approximated() {
        // The Poisson law with a standard deviation of 1e5 is nearly normal.
        let (low, high) = quantiles(1e10, 1.0, (0.05, 0.95));
        assert!(
            ((low - 1e10) / 1e5 + 1.645).abs() < 0.002 && ((high - 1e10) / 1e5 - 1.645).abs() < 0.002,
            "{low} {high}"
        );
        // The geometric law (r = 1): its quantiles are ln(1/.95) and ln 20 times the mean; within .04 of the mean.
        let (low, high) = quantiles(1e6, 1e6, (0.05, 0.95));
        assert!((low - 51_293.0).abs() < 15_000.0 && (high - 2_995_732.0).abs() < 40_000.0, "{low} {high}");
        assert_eq!(quantiles(1e-3, 1e9, (0.05, 0.95)), (0.0, 0.0));
    }

    #[test]
    fn the_search_for_the_least_count_ends_for_any_level() {
        assert!(least_count(1.0, 1e12, 1e300, 5) >= COUNT_MAX);
    }
}
