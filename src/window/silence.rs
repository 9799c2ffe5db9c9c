//! Seconds without an event, learned in a moment however many there are.
//!
//! A symbol that was halted for a month comes back with 2.6 million empty seconds, and a venue's whole list comes back at once.
//! Learned like any other they would hold the engine up for a third of a second each. An empty second adds nothing but
//! decay, so there are two ways to the same numbers, to some 1e-12:
//!
//! 1. While the mean is still above its floor, one by one, but without what an empty second does not need: its ten .1-s,
//!    five .2-s and two .5-s bins all add the same term, so each window takes one step of a second instead.
//! 2. Once the mean is below the floor of the Fano factors every further bin adds the same, and the sums are geometric: any
//!    number of seconds at once. This begins an hour or two into a silence, at most after six hours.
//!
//! Not here: the minutes of the block tails, which have no such form (`calibrated`).

use super::baseline::{Baseline, FANO_DECAY, FANO_RATE_FLOOR, LONG, RATE_DECAY, SECONDS, SHORT};
use crate::stats::math::exp;

/// What a Fano factor keeps over one second, the same for every short window: its memory is an hour.
const SHORT_DECAY: f64 = FANO_DECAY[3];
/// A weight this close to 1 has arrived: rounding may hold it there.
const ARRIVED: f64 = 1e-13;

impl Baseline {
    /// Learns the seconds from `first` up to, not including, `end` as empty.
    pub fn learn_silence(&mut self, first: i64, end: i64) {
        let mut second = first;
        while second < end && !self.is_at_rest() {
            self.learn_empty(second);
            second += 1;
        }
        if second < end {
            self.rest(second, end);
        }
        self.settle();
    }

    /// Whether every further empty bin adds the same to every sum.
    fn is_at_rest(&self) -> bool {
        self.mean <= FANO_RATE_FLOOR
            && 1.0 - self.weight <= ARRIVED
            && LONG.iter().all(|&(window, _)| self.fano[window].running == 0)
    }

    fn learn_empty(&mut self, second: i64) {
        let (a, keep) = (RATE_DECAY, SHORT_DECAY);
        let off = if self.bins > 0 { self.mean } else { 0.0 };
        self.num *= a;
        self.weight = a * self.weight + (1.0 - a);
        self.mean = self.num / self.weight;
        self.square = a * self.square + (1.0 - a) * off * off;
        self.bins += 1;
        // An empty bin of expectation m adds (0 − m)²/m = m.
        let rate = self.mean.max(FANO_RATE_FLOOR);
        for (window, bins) in SHORT {
            let fano = &mut self.fano[window];
            fano.sum = keep * fano.sum + (1.0 - keep) * (rate * SECONDS[window]);
            fano.weight = keep * fano.weight + (1.0 - keep);
            fano.bins = fano.bins.saturating_add(bins);
        }
        // A long window's bin may have begun before the silence.
        self.learn_blocks(second, 0);
    }

    /// All of [first, end) at once; needs [`Self::is_at_rest`].
    fn rest(&mut self, first: i64, end: i64) {
        let seconds = end - first;
        let decay = exp(-(seconds as f64) / 600.0);
        // Σ a^(n−1−k) m_k² over k < n with m_k = m a^k, times 1 − a.
        self.square = decay * (self.square + self.mean * self.mean * (1.0 - decay) / RATE_DECAY);
        self.num *= decay;
        self.weight = 1.0 - (1.0 - self.weight) * decay;
        self.mean = self.num / self.weight;
        self.bins += seconds.unsigned_abs();
        for (window, bins) in SHORT {
            self.rest_fano(window, seconds.saturating_mul(i64::from(bins)));
        }
        for (window, width) in LONG {
            let ended = end.div_euclid(width) - first.div_euclid(width);
            let begun = (end - 1).div_euclid(width) - (first - 1).div_euclid(width);
            let fano = &mut self.fano[window];
            let learned = if fano.whole || first.rem_euclid(width) == 0 { ended } else { (ended - 1).max(0) };
            fano.whole |= begun > 0;
            self.rest_fano(window, learned);
        }
    }

    fn rest_fano(&mut self, window: usize, bins: i64) {
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
        fn a_long_silence_is_learned_as_its_seconds_are(
            start in -1_000_i64..1_000,
            busy in prop::collection::vec(0_u16..40, 1..400),
            drop in any::<bool>(),
            silence in prop_oneof![1_i64..200, 1_i64..90_000],
            after in 1_i64..200,
        ) {
            let mut base = Baseline::default();
            let mut second = start;
            for count in &busy {
                base.learn(second, &[*count, 0, 0, count / 2, 0, 0, 1, 0, 0, 0]);
                second += 1;
            }
            if drop {
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
