//! Learns seconds without an event in a moment, however many there are.
//!
//! A symbol that was halted for a month comes back with 2.6 million empty seconds, and all symbols of a venue may come
//! back at once. If such seconds were learned like any other, each symbol would hold up the engine for a third of a
//! second. An empty second adds nothing but decay, so there are two shorter ways to the same numbers, equal to about
//! 1e-12:
//!
//! 1. At first seconds are learned one by one, each in the few steps of `Baseline::learn_empty`.
//! 2. Once the mean is below the floor of the Fano factors, every further bin adds the same term. The sums are then
//!    geometric, and any number of seconds is learned at once. This begins an hour or two into a silence, at most after
//!    six hours.
//!
//! The minutes of the block tails have no such form; `calibrated` learns them one by one.

use super::baseline::{Baseline, FANO_RATE_FLOOR, LONG, RATE_DECAY, SECONDS, SHORT};
use crate::stats::math::exp;

/// A weight this close to 1 counts as 1: rounding may keep it from coming closer.
const WEIGHT_ROUNDING: f64 = 1e-13;

impl Baseline {
    /// Learns the seconds from `first` up to, not including, `end` as empty.
    pub(crate) fn learn_silence(&mut self, first: i64, end: i64) {
        let mut second = first;
        while second < end && !self.is_steady() {
            self.learn_empty(second);
            second += 1;
        }
        if second < end {
            self.learn_steady(second, end);
        }
        self.settle();
    }

    /// Whether every further empty bin adds the same term to the sum of its window.
    fn is_steady(&self) -> bool {
        self.mean <= FANO_RATE_FLOOR
            && 1.0 - self.weight <= WEIGHT_ROUNDING
            && LONG.iter().all(|&(window, _)| self.fano[window].running == 0)
    }

    /// Learns the empty seconds of [first, end) at once. Needs [`Self::is_steady`].
    fn learn_steady(&mut self, first: i64, end: i64) {
        let seconds = end - first;
        let decay = exp(-(seconds as f64) / 600.0);
        // Adds (1 − a) Σ a^(n−1−k) m_k² over k < n, with m_k = m a^k.
        self.square = decay * (self.square + self.mean * self.mean * (1.0 - decay) / RATE_DECAY);
        self.num *= decay;
        self.weight = 1.0 - (1.0 - self.weight) * decay;
        self.mean = self.num / self.weight;
        self.bins += seconds.unsigned_abs();
        for (window, bins) in SHORT {
            self.learn_steady_fano(window, seconds.saturating_mul(i64::from(bins)));
        }
        for (window, width) in LONG {
            let ended = end.div_euclid(width) - first.div_euclid(width);
            let begun = (end - 1).div_euclid(width) - (first - 1).div_euclid(width);
            let fano = &mut self.fano[window];
            let learned = if fano.whole || first.rem_euclid(width) == 0 { ended } else { (ended - 1).max(0) };
            fano.whole |= begun > 0;
            self.learn_steady_fano(window, learned);
        }
    }

    /// Learns that many empty bins of one window, each of which adds the same term.
    fn learn_steady_fano(&mut self, window: usize, bins: i64) {
        let each = FANO_RATE_FLOOR * SECONDS[window];
        let keep = exp(-(bins as f64) * SECONDS[window] / 3_600.0);
        let fano = &mut self.fano[window];
        fano.sum = each + (fano.sum - each) * keep;
        fano.weight = 1.0 - (1.0 - fano.weight) * keep;
        fano.bins = fano.bins.saturating_add(u16::try_from(bins).unwrap_or(u16::MAX));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers(base: &Baseline) -> Vec<f64> {
        let (mean, spread) = base.raw();
        [mean, spread, base.num, base.square]
            .into_iter()
            .chain((0..SECONDS.len()).map(|k| base.fano_so_far(k)))
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn a_long_silence_gives_the_same_numbers_as_its_seconds_one_by_one(
            start in -1_000_i64..1_000,
            busy in prop::collection::vec(0_u16..40, 1..400),
            dropped in any::<bool>(),
            silence in prop_oneof![1_i64..200, 1_i64..90_000],
            after in 1_i64..200,
        ) {
            let mut base = Baseline::default();
            let mut second = start;
            for count in &busy {
                base.learn(second, &[*count, 0, 0, count / 2, 0, 0, 1, 0, 0, 0]);
                second += 1;
            }
            if dropped {
                base.drop_second();
                second += 1;
            }
            let mut one_by_one = base.clone();
            for empty in second..second + silence {
                one_by_one.learn_empty(empty);
            }
            one_by_one.settle();
            base.learn_silence(second, second + silence);
            for more in second + silence..second + silence + after {
                base.learn(more, &[1; 10]);
                one_by_one.learn(more, &[1; 10]);
            }
            prop_assert_eq!(base.bins(), one_by_one.bins());
            for (a, b) in numbers(&base).into_iter().zip(numbers(&one_by_one)) {
                prop_assert!((a - b).abs() <= 1e-9 * a.abs().max(b.abs()) + 1e-12, "{} for {}", a, b);
            }
            for (a, b) in base.fano.iter().zip(&one_by_one.fano) {
                prop_assert_eq!((a.whole, a.running, a.bins), (b.whole, b.running, b.bins));
            }
        }
    }
}
