//! A residual as a p-value by the tail of its own past: a streaming quantile and, above it, a Hill estimate of a power law.
//!
//! Residuals of market quantities have tails that no fixed law fits, so a z of 6 says little by itself. The .98 quantile q of
//! v = |z| is followed by multiplicative steps, and what lies above it teaches the tail index H: P(V > v) = .02 (v/q)^(−1/H).
//! Below q the p-value is .02^(v/q), which is 1 at 0 and meets the tail at q. Constant time, five numbers.
//! Source and measurements: DETECTION 2.2.
//!
//! It does not know what its values are, nor in which direction they were off: that is the caller's.

use serde::{Deserialize, Serialize};

use super::{
    keep_greatest,
    math::{exp, ln, pow},
};

/// The share of values above the quantile, π₀.
const ABOVE: f64 = 0.02;
/// Values that the quantile remembers, τ.
const MEMORY: f64 = 3_000.0;
/// Exceedances that the index remembers: those among as many values, and at least five.
const INDEX_MEMORY: f64 = 60.0;
/// Where the index starts; it is worth all the exceedances that the index remembers.
const INDEX: f64 = 0.2;
/// The least index: under it the tail is as good as exponential, and 1/H grows without bound.
const INDEX_MIN: f64 = 0.02;
/// Values before the quantile is known.
const INITIAL: usize = 32;
/// Of the first values the quantile is the 31st smallest, which is the 2nd greatest.
const GREATEST: usize = INITIAL - 30;
/// The least quantile, in robust scales: a channel that is nearly always still walks its quantile to nothing, and then any
/// wiggle is a miracle.
const QUANTILE_MIN: f64 = 0.1;
/// The least p-value: sixty exceedances say nothing about rarer things.
const P_MIN: f64 = 1e-12;
/// How fast the quantile follows: twice the share of a new value in the mean.
const GAIN: f64 = 2.0;
/// The first gains are those of a quantile that has seen ten more values, so that the first value does not rule.
const SEEN_BEFORE: f64 = 10.0;

/// What is learned of one channel's residuals.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Hill {
    /// The first values, until there are enough.
    Filling {
        /// How many there were.
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
    learned: f64,
}

impl Default for Hill {
    fn default() -> Self {
        Self::Filling { seen: 0, greatest: [0.0; GREATEST] }
    }
}

impl Hill {
    /// The chance of a value at least this great, within [1e-12, 1]; `None` while too little is known. What is not finite is
    /// nothing unusual.
    #[must_use]
    pub fn p(&self, v: f64) -> Option<f64> {
        self.tail().map(|tail| if v.is_finite() { tail.p(v) } else { 1.0 })
    }

    /// The same for who asks only about what is above the quantile: 1 for anything else, and while too little is known. It takes
    /// no logarithm then.
    #[must_use]
    pub fn p_above(&self, v: f64) -> f64 {
        match self.tail() {
            Some(tail) if v > tail.quantile => tail.p(v),
            Some(_) | None => 1.0,
        }
    }

    /// Learns a value, at least 0. One that is not finite changes nothing.
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
    /// A tail of which only its beginning is known.
    #[must_use]
    pub const fn new(quantile: f64, index: f64) -> Self {
        Self { quantile: quantile.max(QUANTILE_MIN), index, learned: 0.0 }
    }

    /// The .98 quantile.
    #[must_use]
    pub const fn quantile(&self) -> f64 {
        self.quantile
    }

    /// The index: the inverse of the tail's exponent.
    #[must_use]
    pub const fn index(&self) -> f64 {
        self.index
    }

    /// The value whose p-value this is.
    #[must_use]
    pub fn value(&self, p: f64) -> f64 {
        if p < ABOVE { self.quantile * pow(ABOVE / p, self.index) } else { self.quantile * ln(p) / ln(ABOVE) }
    }

    fn p(&self, v: f64) -> f64 {
        let over = v / self.quantile;
        let p = if over > 1.0 { ABOVE * pow(over, -1.0 / self.index) } else { pow(ABOVE, over) };
        p.clamp(P_MIN, 1.0)
    }

    /// The index first, against the old quantile; then the quantile.
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
    fn nothing_is_said_of_thirty_one_values() {
        assert_eq!(learned((0..31).map(f64::from)).p(1e9), None);
        assert_eq!(learned((0..32).map(f64::from)).p(0.0), Some(1.0));
    }

    #[test]
    fn what_is_not_finite_is_neither_learned_nor_unusual() {
        let mut hill = learned((0..40).map(f64::from));
        let before = *hill.tail().unwrap();
        for v in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            hill.learn(v);
        }
        assert_eq!((*hill.tail().unwrap(), hill.p(f64::NAN)), (before, Some(1.0)));
    }

    #[test]
    fn a_channel_that_is_still_does_not_make_a_wiggle_a_miracle() {
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
        fn a_value_is_found_back_from_its_p(values in prop::collection::vec(0.0_f64..50.0, 32..200), v in 0.01_f64..100.0) {
            let hill = learned(values);
            let p = hill.p(v).unwrap();
            prop_assume!(p > 2e-12);
            prop_assert!((hill.tail().unwrap().value(p) / v - 1.0).abs() < 1e-6);
        }
    }
}
