//! A quantile of a stream, by Robbins–Monro steps: constant memory, and the newest values weigh as much as any.
//!
//! For numbers whose spread is about known beforehand, like the logarithm of a leverage; what it is a quantile of is the caller's.

use serde::{Deserialize, Serialize};

/// Values that it remembers once there were more.
const MEMORY: f64 = 50_000.0;
/// The first steps are those of a quantile that has seen so many values, so that the first ones do not rule.
const SEEN_BEFORE: f64 = 10.0;
/// Values before it is known.
const INITIAL: f64 = 1_000.0;

/// A running quantile.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantile {
    value: f64,
    seen: f64,
}

impl Default for Quantile {
    fn default() -> Self {
        Self { value: 0.0, seen: 0.0 }
    }
}

impl Quantile {
    /// The quantile, once enough values were seen.
    #[must_use]
    pub fn known(&self) -> Option<f64> {
        (self.seen >= INITIAL).then_some(self.value)
    }

    /// Learns a value of a quantity that spreads by about so much, for the quantile that this share of values is above.
    pub fn learn(&mut self, value: f64, above: f64, spread: f64) {
        if self.seen <= 0.0 {
            self.value = value;
        }
        let gain = (1.0 / (self.seen + SEEN_BEFORE)).max(1.0 / MEMORY) * spread / above;
        let direction = if value > self.value { 1.0 - above } else { -above };
        self.value += gain.min(spread) * direction;
        self.seen += 1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_settles_where_the_share_is_above() {
        let mut quantile = Quantile::default();
        // A low-discrepancy walk over (0, 1).
        let values = (1..200_000_u32).map(|n| (f64::from(n) * 0.618_033_988_749_895).fract());
        for (n, value) in values.enumerate() {
            assert_eq!(quantile.known().is_some(), n >= 1_000);
            quantile.learn(value, 0.01, 0.5);
        }
        assert!((quantile.known().unwrap() - 0.99).abs() < 0.01, "{quantile:?}");
    }
}
