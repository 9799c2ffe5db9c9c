//! Several dependent p-values as one.
//!
//! Detectors on one subject look at the same flow, so their p-values may not be multiplied. [`acat`] (the Cauchy combination)
//! holds its size under any dependence; it hears the strongest. Several that are moderately unusual at once are heard by
//! [`ExpTail`]: the sum of −ln p against its own history. Source and measurements: DETECTION 4.

use serde::{Deserialize, Serialize};

use super::math::{atan2, exp, ln, pow, tan};

/// A p-value is taken as at least this: it goes into logarithms.
pub const P_MIN: f64 = 1e-300;
/// And as at most this. At 1 − 1e-12 a single p-value of 1 would silence all others.
const P_MAX: f64 = 0.99;
/// The least p-value in a sum: beyond it lies no history to compare with.
const SUMMED_MIN: f64 = 1e-12;
/// The share of sums above the quantile.
const ABOVE: f64 = 0.02;
/// Sums that the quantile remembers.
const MEMORY: f64 = 5_000.0;
/// Sums before the quantile is known.
const INITIAL: usize = 200;
/// Of the first sums, sorted, those which make the quantile and the slope.
const QUANTILE_AT: usize = 195;
const MEDIAN_AT: usize = 99;
/// As many exceedances the first slope is worth.
const SLOPE_PRIOR: f64 = 5.0;
/// The least slope: a lone exact p-value has this.
const SLOPE_MIN: f64 = 1.0;

/// The Cauchy combination: valid for dependent p-values, led by the least. `None` of none.
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

/// cot(π p), exact to the last digits at both ends.
fn cot_pi(p: f64) -> f64 {
    let p = p.clamp(P_MIN, P_MAX);
    let pi = std::f64::consts::PI;
    if p <= 0.5 { 1.0 / tan(pi * p) } else { -1.0 / tan(pi * (1.0 - p)) }
}

/// The exponential tail of a subject's sums of −ln p, one sum for each minute.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ExpTail {
    /// The first sums, until there are enough.
    Filling(Vec<f64>),
    /// The quantile and the slope above it.
    Known {
        /// The .98 quantile.
        quantile: f64,
        /// How much the sum rises while its chance falls by e.
        slope: f64,
        /// Sums above the quantile so far, with what the first slope is worth.
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
    /// The chance of a sum this great; `None` while too little is known.
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
                    *self = Self::of(std::mem::take(first));
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

    fn of(mut first: Vec<f64>) -> Self {
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

/// The p-values of one subject's detectors, minute by minute.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Joint {
    tail: ExpTail,
}

impl Joint {
    /// Judges the p-values of those that have one in this minute, then learns them, unless an incident of the subject is open.
    pub fn handle(&mut self, ps: &[f64], is_open: bool) -> Option<f64> {
        let together = acat(ps.iter().copied())?;
        let sum = ps.iter().map(|p| -ln(p.max(SUMMED_MIN))).sum();
        let by_sum = self.tail.p(sum).filter(|_| ps.len() > 1);
        if !is_open {
            self.tail.learn(sum);
        }
        by_sum.map_or(Some(together), |by_sum| acat([together, by_sum]))
    }

    /// What it has learned.
    #[must_use]
    pub const fn tail(&self) -> &ExpTail {
        &self.tail
    }
}
