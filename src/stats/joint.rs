//! Combines several dependent p-values into one, and judges sums of −ln p by their own past.
//!
//! Detectors of one subject look at the same flow, so their p-values are dependent and may not be multiplied. [`acat`]
//! (the Cauchy combination) stays valid under dependence, but follows the smallest p-value alone. [`ExpTail`] finds the
//! other case, several p-values that are moderately small at once: it compares the sum of −ln p with the history of
//! such sums. Source and measurements: DETECTION 4.

use serde::{Deserialize, Serialize};

use super::math::{atan2, exp, ln, pow, tan};

/// The least p-value. Smaller ones are raised to it, so that logarithms stay finite.
pub(crate) const P_MIN: f64 = 1e-300;
/// The greatest p-value in [`acat`]. With 1 − 1e-12 instead, a single p-value of 1 would silence all others.
const P_MAX: f64 = 0.99;
/// The share of sums above the quantile.
const ABOVE: f64 = 0.02;
/// Sums that the quantile remembers.
const MEMORY: f64 = 5_000.0;
/// Sums that are collected before the quantile is known.
const INITIAL: usize = 200;
/// The index of the initial quantile among the first sums, sorted.
const QUANTILE_AT: usize = 195;
/// The index of the median among them. The initial slope follows from its distance to the quantile.
const MEDIAN_AT: usize = 99;
/// Prior weight of the initial slope, in exceedances.
const SLOPE_PRIOR: f64 = 5.0;
/// The least slope: that of −ln p for a single exact p-value.
const SLOPE_MIN: f64 = 1.0;

/// Combines dependent p-values by the Cauchy combination, in which the least one leads. `None` if there are none.
///
/// ```
/// use foreshock::stats::joint::acat;
/// assert!((acat([1e-8, 1.0]).unwrap() / 2e-8 - 1.0).abs() < 1e-5);
/// ```
#[must_use]
pub fn acat(ps: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (sum, count) = ps.into_iter().fold((0.0, 0.0), |(sum, count), p| (sum + cot_pi(p), count + 1.0));
    (count > 0.0).then(|| atan2(1.0, sum / count) / std::f64::consts::PI)
}

/// Returns cot(π p), accurate to the last digits near 0 and near 1.
fn cot_pi(p: f64) -> f64 {
    let p = p.clamp(P_MIN, P_MAX);
    let pi = std::f64::consts::PI;
    if p <= 0.5 { 1.0 / tan(pi * p) } else { -1.0 / tan(pi * (1.0 - p)) }
}

/// The exponential tail of one subject's sums of −ln p, one sum a minute.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ExpTail {
    /// The first sums, until there are enough.
    Filling(Vec<f64>),
    /// The quantile and the slope of the tail above it.
    Known {
        /// The .98 quantile.
        quantile: f64,
        /// The rise of the sum over which its chance falls by a factor of e.
        slope: f64,
        /// Sums above the quantile so far, plus the prior weight of the slope.
        above: f64,
        /// Sums so far.
        seen: f64,
    },
}

impl Default for ExpTail {
    fn default() -> Self {
        Self::Filling(Vec::new())
    }
}

impl ExpTail {
    /// Returns the chance of a sum at least this great; `None` before the quantile is known.
    #[must_use]
    pub fn p(&self, sum: f64) -> Option<f64> {
        match *self {
            Self::Filling(_) => None,
            Self::Known { quantile, slope, .. } if sum > quantile => Some(ABOVE * exp(-(sum - quantile) / slope)),
            Self::Known { quantile, .. } => Some(pow(ABOVE, sum / quantile)),
        }
    }

    /// Learns a minute's sum.
    pub fn learn(&mut self, sum: f64) {
        match self {
            Self::Filling(first) => {
                first.push(sum);
                if first.len() >= INITIAL {
                    *self = Self::from_first(std::mem::take(first));
                }
            }
            Self::Known { quantile, slope, above, seen } => {
                let over = sum > *quantile;
                if over {
                    *above += 1.0;
                    *slope += (sum - *quantile - *slope) / above.min(MEMORY * ABOVE);
                }
                let direction = if over { 1.0 } else { 0.0 } - ABOVE;
                *quantile += (1.0 / *seen).max(1.0 / MEMORY) * *slope / ABOVE * direction;
                *seen += 1.0;
                *quantile = quantile.max(-ln(ABOVE));
                *slope = slope.max(SLOPE_MIN);
            }
        }
    }

    fn from_first(mut first: Vec<f64>) -> Self {
        first.sort_by(f64::total_cmp);
        let slope = (first[QUANTILE_AT] - first[MEDIAN_AT]) / ln(0.5 / ABOVE);
        Self::Known {
            quantile: first[QUANTILE_AT].max(-ln(ABOVE)),
            slope: slope.max(SLOPE_MIN),
            above: SLOPE_PRIOR,
            seen: INITIAL as f64,
        }
    }
}
