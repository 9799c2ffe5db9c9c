//! Follows a quantile of a stream by Robbins–Monro steps, in constant memory.
//!
//! The size of a step needs the spread of the values, so this serves quantities whose spread is roughly known
//! beforehand, such as the logarithm of a leverage. The caller knows what the values measure.

use serde::{Deserialize, Serialize};

/// Values that the quantile remembers: steps never become smaller than after this many.
const MEMORY: f64 = 50_000.0;
/// The first steps are as small as if ten more values had been learned, so that the first values do not dominate.
const SEEN_BEFORE: f64 = 10.0;
/// Values that are learned before the quantile is known.
const INITIAL: f64 = 1_000.0;

/// A running quantile.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Quantile {
    value: f64,
    seen: f64,
}

impl Default for Quantile {
    fn default() -> Self {
        Self { value: 0.0, seen: 0.0 }
    }
}

impl Quantile {
    /// The quantile; `None` before enough values were learned.
    #[must_use]
    pub(crate) fn known(&self) -> Option<f64> {
        (self.seen >= INITIAL).then_some(self.value)
    }

    /// Learns a value. `above` is the share of values above the quantile; `spread` is roughly how far values spread.
    pub(crate) fn learn(&mut self, value: f64, above: f64, spread: f64) {
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
    fn the_quantile_settles_where_the_given_share_of_values_is_above() {
        let mut quantile = Quantile::default();
        // A low-discrepancy sequence in (0, 1).
        let values = (1..200_000_u32).map(|n| (f64::from(n) * 0.618_033_988_749_895).fract());
        for (n, value) in values.enumerate() {
            assert_eq!(quantile.known().is_some(), n >= 1_000);
            quantile.learn(value, 0.01, 0.5);
        }
        assert!((quantile.known().unwrap() - 0.99).abs() < 0.01, "{quantile:?}");
    }
}
