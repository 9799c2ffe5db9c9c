//! How surprising a count is when counts cluster: the negative binomial with variance proportional to its mean (NB1).
//!
//! Order flow comes in clusters, so a Poisson law calls every busy second a burst. With the Fano factor F (variance ÷ mean of
//! the counts) and b expected, the count is negative binomial with mean b and variance F b; r = b/(F − 1). The score is the
//! Chernoff exponent of seeing at least a, in nats (DETECTION 2.1).

use super::math::ln;

/// Under this Fano factor the Poisson form is used: r grows without bound and its logarithms cancel.
const POISSON_BELOW: f64 = 1.02;
/// Weights under this share of the largest do not move a quantile.
const NEGLIGIBLE: f64 = 1e-17;

/// Chernoff exponent, in nats, of seeing at least `a` where `b > 0` are expected with variance `fano · b`; for `a > b`.
///
/// ```
/// // Twenty where two are usual, without clusters: a chance of about e^-28.
/// assert!((foreshock::stats::nb1::score(20.0, 2.0, 1.0) - 28.05).abs() < 0.01);
/// ```
#[must_use]
pub fn score(a: f64, b: f64, fano: f64) -> f64 {
    if fano <= POISSON_BELOW {
        return a * ln(a / b) - (a - b);
    }
    let r = b / (fano - 1.0);
    a * ln(a / b) - (a + r) * ln((a + r) / (b + r))
}

/// An upper bound of [`score`] without a logarithm. The exponent is ∫ (a − x)/V(x) dx from b to a with the variance function
/// V(x) = x + x²/r, which grows, so replacing it by V(b) = F b only adds: (a − b)²/(2 F b).
#[must_use]
pub fn bound(a: f64, b: f64, fano: f64) -> f64 {
    let fano = if fano <= POISSON_BELOW { 1.0 } else { fano };
    // A millionth more than the bound, against the rounding of both.
    (a - b) * (a - b) / (2.0 * fano * b) * 1.000_001
}

/// The least whole count of at least `a_min`, and above `b`, whose score reaches `level`.
#[must_use]
pub fn least_count(b: f64, fano: f64, level: f64, a_min: u32) -> f64 {
    let lowest = f64::from(a_min).max(b.floor() + 1.0);
    let mut high = lowest;
    // The score grows without bound in a, so doubling ends.
    while score(high, b, fano) < level {
        high *= 2.0;
    }
    let mut low = lowest;
    while low < high {
        let middle = f64::midpoint(low, high).floor();
        if score(middle, b, fano) >= level { high = middle } else { low = middle + 1.0 }
    }
    high
}

/// The least counts at which the distribution function with this mean and Fano factor reaches each of two probabilities.
///
/// Sums the law outwards from its mean by the ratio of neighbouring probabilities, so nothing under- or overflows; the work is
/// some twenty standard deviations. For an alert, not for every event.
#[must_use]
pub fn quantiles(mean: f64, fano: f64, probabilities: (f64, f64)) -> (f64, f64) {
    let weights = Weights::around(mean, fano);
    (weights.quantile(probabilities.0), weights.quantile(probabilities.1))
}

/// Relative probabilities of the counts `first`, `first + 1`, …
struct Weights {
    first: f64,
    each: Vec<f64>,
    sum: f64,
}

impl Weights {
    fn around(mean: f64, fano: f64) -> Self {
        // P(k + 1) / P(k): mean/(k + 1) for Poisson, (k + r)/(k + 1) · (F − 1)/F for the negative binomial.
        let ratio = |k: f64| {
            if fano <= POISSON_BELOW { mean / (k + 1.0) } else { (k * (fano - 1.0) + mean) / ((k + 1.0) * fano) }
        };
        let start = mean.floor();
        let mut below = Vec::new();
        let (mut weight, mut k) = (1.0, start);
        while k > 0.0 && weight > NEGLIGIBLE {
            weight /= ratio(k - 1.0);
            k -= 1.0;
            below.push(weight);
        }
        below.reverse();
        let mut weights = below;
        weights.push(1.0);
        let (mut weight, mut above) = (1.0, start);
        // The ratio falls below (F − 1)/F + a little, so this ends; while it rises the law has not passed its mode.
        while weight > NEGLIGIBLE || ratio(above) > 1.0 {
            weight *= ratio(above);
            above += 1.0;
            weights.push(weight);
        }
        Self { first: k, sum: weights.iter().sum(), each: weights }
    }

    fn quantile(&self, probability: f64) -> f64 {
        let mut left = probability * self.sum;
        let mut at = self.first;
        for weight in &self.each {
            left -= weight;
            if left <= 0.0 {
                break;
            }
            at += 1.0;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_bound_is_never_below_the_score(b in 0.001_f64..1e4, more in 0.0001_f64..1e4, fano in 1.0_f64..200.0) {
            prop_assert!(score(b + more, b, fano) <= bound(b + more, b, fano) + 1e-9);
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
        // A normal law with a standard deviation of 10,000, nearly.
        assert!((low - 983_600.0).abs() < 100.0 && (high - 1_016_500.0).abs() < 100.0, "{low} {high}");
    }
}
