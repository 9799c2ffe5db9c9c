//! Turns a residual into a p-value by the tail of its own past: a streaming quantile and, above it, a Hill estimate of
//! a power law.
//!
//! Residuals of market quantities have tails that no fixed law fits, so a z of 6 says little by itself. The .98
//! quantile q of v = |z| is followed by multiplicative steps, and the values above it teach the tail index H:
//! P(V > v) = .02 (v/q)^(−1/H). Below q the p-value is .02^(v/q), which is 1 at 0 and meets the tail at q. Time and
//! memory are constant. Source and measurements: DETECTION 2.2.
//!
//! This module does not know what its values measure, nor whether they were too high or too low: the caller does.

use serde::{Deserialize, Serialize};

use super::{
    keep_greatest,
    math::{exp, ln, pow},
};

/// The share of values above the quantile, π₀.
const ABOVE: f64 = 0.02;
/// Values that the quantile remembers, τ.
const MEMORY: f64 = 3_000.0;
/// Exceedances that the index remembers: τ π₀, the exceedances among the values that the quantile remembers.
const INDEX_MEMORY: f64 = 60.0;
/// The initial index. Its prior weight is [`INDEX_MEMORY`] exceedances.
const INDEX: f64 = 0.2;
/// The least index: below it the tail is nearly exponential, and 1/H grows without bound.
const INDEX_MIN: f64 = 0.02;
/// Values that are collected before the quantile is known.
const INITIAL: usize = 32;
/// How many of the greatest first values are kept. The initial quantile is the 31st smallest of 32, the 2nd greatest.
const GREATEST: usize = INITIAL - 30;
/// The least quantile, in robust scales. The quantile of a channel that hardly ever moves would shrink to nothing, and
/// then any small movement would look impossible.
const QUANTILE_MIN: f64 = 0.1;
/// The least p-value: sixty exceedances say nothing about rarer values.
const P_MIN: f64 = 1e-12;
/// How fast the quantile follows: its step is twice the share that a new value would have in a mean.
const GAIN: f64 = 2.0;
/// The first steps are as small as if ten more values had been learned, so that the first value does not dominate.
const SEEN_BEFORE: f64 = 10.0;

/// The tail of one channel's residuals.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Hill {
    /// The first values, until there are enough.
    Filling {
        /// Values so far.
        seen: usize,
        /// The greatest of them, the greatest first.
        greatest: [f64; GREATEST],
    },
    /// The quantile and the tail above it.
    Known(Tail),
}

/// A quantile and the index of the tail above it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tail {
    quantile: f64,
    index: f64,
    /// Values learned since the tail became known.
    learned: f64,
}

impl Default for Hill {
    fn default() -> Self {
        Self::Filling { seen: 0, greatest: [0.0; GREATEST] }
    }
}

impl Hill {
    /// Returns the chance of a value at least this great, within [1e-12, 1]; `None` before the tail is known. A value
    /// that is not finite is not unusual: 1.
    #[must_use]
    pub fn p(&self, v: f64) -> Option<f64> {
        self.tail().map(|tail| if v.is_finite() { tail.p(v) } else { 1.0 })
    }

    /// Like [`Hill::p`] above the quantile; 1 for any other value, and before the tail is known. Costs a power only
    /// above the quantile.
    #[must_use]
    pub(crate) fn p_above(&self, v: f64) -> f64 {
        match self.tail() {
            Some(tail) if v > tail.quantile => tail.p(v),
            Some(_) | None => 1.0,
        }
    }

    /// Learns a value, which is at least 0. A value that is not finite changes nothing.
    pub fn learn(&mut self, v: f64) {
        if !v.is_finite() {
            return;
        }
        match self {
            Self::Known(tail) => tail.learn(v),
            Self::Filling { seen, greatest } => {
                *seen += 1;
                keep_greatest(greatest, v);
                if *seen >= INITIAL {
                    *self = Self::Known(Tail::new(greatest[GREATEST - 1], INDEX));
                }
            }
        }
    }

    /// The tail, once it is known.
    #[must_use]
    pub const fn tail(&self) -> Option<&Tail> {
        match self {
            Self::Known(tail) => Some(tail),
            Self::Filling { .. } => None,
        }
    }
}

impl Tail {
    /// A tail that has learned nothing since its quantile and index were set.
    #[must_use]
    pub const fn new(quantile: f64, index: f64) -> Self {
        Self { quantile: quantile.max(QUANTILE_MIN), index, learned: 0.0 }
    }

    /// The .98 quantile.
    #[must_use]
    pub const fn quantile(&self) -> f64 {
        self.quantile
    }

    /// The tail index H: the inverse of the power law's exponent.
    #[must_use]
    pub const fn index(&self) -> f64 {
        self.index
    }

    /// Returns the value whose p-value is `p`.
    #[must_use]
    pub(crate) fn value(&self, p: f64) -> f64 {
        if p < ABOVE { self.quantile * pow(ABOVE / p, self.index) } else { self.quantile * ln(p) / ln(ABOVE) }
    }

    fn p(&self, v: f64) -> f64 {
        let over = v / self.quantile;
        let p = if over > 1.0 { ABOVE * pow(over, -1.0 / self.index) } else { pow(ABOVE, over) };
        p.clamp(P_MIN, 1.0)
    }

    /// Learns a value: first the index, by the quantile before this value, then the quantile.
    fn learn(&mut self, v: f64) {
        let above = v > self.quantile;
        if above {
            let index = self.index + (ln(v / self.quantile) - self.index) / INDEX_MEMORY;
            self.index = index.max(INDEX_MIN);
        }
        let gain = GAIN * (1.0 / (self.learned + SEEN_BEFORE)).max(1.0 / MEMORY);
        let direction = if above { 1.0 } else { 0.0 } - ABOVE;
        self.quantile = (self.quantile * exp(gain * direction)).max(QUANTILE_MIN);
        self.learned += 1.0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn learned(values: impl IntoIterator<Item = f64>) -> Hill {
        let mut hill = Hill::default();
        values.into_iter().for_each(|v| hill.learn(v));
        hill
    }

    #[test]
    fn the_tail_is_known_from_the_thirty_second_value_on() {
        assert_eq!(learned((0..31).map(f64::from)).p(1e9), None);
        assert_eq!(learned((0..32).map(f64::from)).p(0.0), Some(1.0));
    }

    #[test]
    fn a_value_that_is_not_finite_is_neither_learned_nor_unusual() {
        let mut hill = learned((0..40).map(f64::from));
        let before = *hill.tail().unwrap();
        for v in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            hill.learn(v);
        }
        assert_eq!((*hill.tail().unwrap(), hill.p(f64::NAN)), (before, Some(1.0)));
    }

    #[test]
    fn a_small_movement_of_a_channel_that_never_moved_is_not_called_impossible() {
        let hill = learned(std::iter::repeat_n(0.0, 2_000_000));
        assert!(hill.p(0.1).unwrap() >= 0.02);
    }

    proptest! {
        #[test]
        fn the_p_value_falls_as_the_value_grows(
            values in prop::collection::vec(0.0_f64..50.0, 32..200), a in 0.0_f64..1e3, more in 0.0_f64..1e3,
        ) {
            let hill = learned(values);
            prop_assert!(hill.p(a + more).unwrap() <= hill.p(a).unwrap());
        }

        #[test]
        fn the_value_of_a_p_value_is_the_value_that_had_it(
            values in prop::collection::vec(0.0_f64..50.0, 32..200), v in 0.01_f64..100.0,
        ) {
            let hill = learned(values);
            let p = hill.p(v).unwrap();
            prop_assume!(p > 2e-12);
            prop_assert!((hill.tail().unwrap().value(p) / v - 1.0).abs() < 1e-6);
        }
    }
}
