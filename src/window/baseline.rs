//! What is usual for a subject: its rate, and how much its counts cluster, learned second by second.
//!
//! The rate is an exponentially weighted mean (600 s) of winsorised one-second counts. The Fano factor of each window length is
//! the weighted mean of (x − m)²/m over non-overlapping bins of that length, aligned to the epoch. Every detail follows the
//! reference; DETECTION 2.1 has the reasons and measurements. Seconds without an event have a shorter way to the same
//! numbers, in `silence`.

use serde::{Deserialize, Serialize};

use super::buckets::WINDOWS;

/// Window lengths in seconds.
pub const SECONDS: [f64; WINDOWS.len()] = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0];
/// Seconds learned before anything is judged.
pub const BINS_MIN: u64 = 30;
/// Bins of its own length that a window needs before it takes part.
const FANO_BINS_MIN: u16 = 10;
/// The least rate in scan and CUSUM, per second.
const RATE_FLOOR: f64 = 0.1;
/// The least rate in the mean of the Fano factors: with the other one F of a thin symbol is underestimated.
pub(super) const FANO_RATE_FLOOR: f64 = 0.02;

// The decays are written out, so that no window carries them and no second asks for them; a test holds them to `math::exp`.
/// Decay of the rate for one second: e^(−1/600).
pub(super) const RATE_DECAY: f64 = 0.998_334_721_450_938_7;
/// Decay of each window's Fano factor for one of its bins: a memory of an hour, or of 30 bins if that is longer.
pub(super) const FANO_DECAY: [f64; WINDOWS.len()] = [
    0.999_972_222_608_021_1,
    0.999_944_445_987_625_8,
    0.999_861_120_755_726_3,
    0.999_722_260_798_897_1,
    0.999_444_598_736_858_1,
    0.998_612_075_170_908_3,
    0.997_226_076_677_147_8,
    0.994_459_848_004_896_7,
    0.983_471_453_821_617_5,
];

/// Windows whose bins lie within a second, with how many of them do.
pub(super) const SHORT: [(usize, u16); 4] = [(0, 10), (1, 5), (2, 2), (3, 1)];
/// Windows whose bins are some seconds, with how many.
pub(super) const LONG: [(usize, i64); WINDOWS.len() - SHORT.len()] = [(4, 2), (5, 5), (6, 10), (7, 20), (8, 60)];

/// Rate and Fano factors, fed whole seconds in order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Baseline {
    pub(super) num: f64,
    pub(super) weight: f64,
    pub(super) square: f64,
    pub(super) mean: f64,
    /// The Fano factor of the one-second counts themselves, for winsorising.
    pub(super) spread: f64,
    pub(super) bins: u64,
    pub(super) fano: [Fano; WINDOWS.len()],
}

/// One window's Fano factor.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Fano {
    pub(super) sum: f64,
    pub(super) weight: f64,
    factor: f64,
    /// The count of the bin that is under way, for windows of more than a second.
    pub(super) running: u32,
    /// Bins learned; saturates.
    pub(super) bins: u16,
    /// Whether no second of the bin under way is missing so far.
    pub(super) whole: bool,
}

impl Default for Baseline {
    fn default() -> Self {
        let fano = Fano { sum: 0.0, weight: 0.0, factor: 1.0, bins: 0, running: 0, whole: false };
        Self { num: 0.0, weight: 0.0, square: 0.0, mean: 0.0, spread: 1.0, bins: 0, fano: [fano; WINDOWS.len()] }
    }
}

impl Baseline {
    /// A baseline that begins with a rate and Fano factors that others have, as if so many seconds were learned.
    #[must_use]
    pub fn borrowed(rate: f64, factors: &[f64; WINDOWS.len()], bins: u64) -> Self {
        let mut base = Self { num: rate, weight: 1.0, mean: rate, bins: bins.max(BINS_MIN), ..Self::default() };
        base.spread = factors[3].max(1.0);
        base.square = base.spread * rate.max(1e-3);
        for (fano, &factor) in base.fano.iter_mut().zip(factors) {
            let factor = factor.max(1.0);
            *fano = Fano { sum: factor, weight: 1.0, factor, running: 0, bins: FANO_BINS_MIN, whole: false };
        }
        base
    }

    /// The Fano factors of all windows, however little is known.
    #[must_use]
    pub fn factors(&self) -> [f64; WINDOWS.len()] {
        std::array::from_fn(|window| self.fano[window].factor)
    }

    /// Seconds learned.
    #[must_use]
    pub const fn bins(&self) -> u64 {
        self.bins
    }

    /// Events per second, at least the floor.
    #[must_use]
    pub const fn rate(&self) -> f64 {
        self.mean.max(RATE_FLOOR)
    }

    /// The mean without a floor, and the Fano factor of the one-second counts.
    #[must_use]
    pub const fn raw(&self) -> (f64, f64) {
        (self.mean, self.spread)
    }

    /// The Fano factor of a window, if it has enough bins to take part.
    #[must_use]
    pub fn fano(&self, window: usize) -> Option<f64> {
        let fano = &self.fano[window];
        (fano.bins >= FANO_BINS_MIN).then_some(fano.factor)
    }

    /// The Fano factor of a window, however little is known.
    #[must_use]
    pub const fn fano_so_far(&self, window: usize) -> f64 {
        self.fano[window].factor
    }

    /// A second that is not learned: it neither decays anything nor counts as empty.
    pub fn drop_second(&mut self) {
        for fano in &mut self.fano {
            fano.whole = false;
        }
    }

    /// Learns one second from its ten 100-ms counts.
    pub fn learn(&mut self, second: i64, counts: &[u16; 10]) {
        let total: u32 = counts.iter().map(|&n| u32::from(n)).sum();
        if total == 0 {
            self.learn_silence(second, second + 1);
            return;
        }
        self.learn_rate(f64::from(total));
        let tenths = counts.map(u32::from);
        let sum = |parts: &[u32]| parts.iter().sum();
        self.learn_parts(0, &tenths);
        self.learn_parts(1, &[0, 2, 4, 6, 8].map(|at: usize| sum(&tenths[at..at + 2])));
        self.learn_parts(2, &[sum(&tenths[..5]), sum(&tenths[5..])]);
        self.learn_parts(3, &[total]);
        self.learn_blocks(second, total);
        self.settle();
    }

    /// Adds a second to the windows of more than a second, and learns those that it completes.
    pub(super) fn learn_blocks(&mut self, second: i64, total: u32) {
        for (window, seconds) in LONG {
            let fano = &mut self.fano[window];
            let place = second.rem_euclid(seconds);
            if place == 0 {
                (fano.running, fano.whole) = (0, true);
            }
            fano.running = fano.running.saturating_add(total);
            if place == seconds - 1 && fano.whole {
                let running = fano.running;
                self.learn_parts(window, &[running]);
            }
        }
    }

    fn learn_rate(&mut self, count: f64) {
        let a = RATE_DECAY;
        let top = self.mean + 4.0 * (self.spread.max(1.0) * self.mean.max(0.05)).sqrt() + 2.0;
        let count = if self.bins > BINS_MIN { count.min(top) } else { count };
        let off = if self.bins > 0 { count - self.mean } else { 0.0 };
        self.num = a * self.num + (1.0 - a) * count;
        self.weight = a * self.weight + (1.0 - a);
        self.mean = self.num / self.weight;
        self.square = a * self.square + (1.0 - a) * off * off;
        self.bins += 1;
    }

    /// Learns bins of a window that follow each other; all are winsorised with the Fano factor from before this second.
    fn learn_parts(&mut self, window: usize, counts: &[u32]) {
        let expected = self.mean.max(FANO_RATE_FLOOR) * SECONDS[window];
        let (a, fano) = (FANO_DECAY[window], &mut self.fano[window]);
        let top = expected + 6.0 * (fano.factor * expected).sqrt() + 2.0;
        let gain = (1.0 - a) / expected;
        for &count in counts {
            let off = f64::from(count).min(top) - expected;
            fano.sum = a * fano.sum + gain * (off * off);
            fano.weight = a * fano.weight + (1.0 - a);
            fano.bins = fano.bins.saturating_add(1);
        }
    }

    /// Puts the second's Fano factors in force: all its bins were winsorised with those from before it.
    pub(super) fn settle(&mut self) {
        self.spread = (self.square / (self.weight.max(1e-9) * self.mean.max(1e-3))).max(1.0);
        for fano in &mut self.fano {
            if fano.weight > 0.0 {
                fano.factor = (fano.sum / fano.weight).max(1.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::math::exp;

    #[test]
    fn the_decays_are_those_of_their_memories() {
        assert_eq!(RATE_DECAY.to_bits(), exp(-1.0 / 600.0).to_bits());
        for (decay, w) in FANO_DECAY.into_iter().zip(SECONDS) {
            assert_eq!(decay.to_bits(), exp(-w / f64::max(3_600.0, 30.0 * w)).to_bits(), "{w} s");
        }
    }
}
