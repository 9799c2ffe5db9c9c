//! The baseline of a subject: its usual rate, and how much its counts cluster, learned second by second.
//!
//! The rate is an exponentially weighted mean (600 s) of winsorised one-second counts. The Fano factor of each window
//! length is the weighted mean of (x − m)²/m over non-overlapping bins of that length, aligned to the epoch. Every
//! detail follows the reference; DETECTION 2.1 has the reasons and measurements. A long silence reaches the
//! same numbers by a shorter way (`silence`).

use serde::{Deserialize, Serialize};

use super::buckets::WINDOWS;

/// Window lengths in seconds.
pub const SECONDS: [f64; WINDOWS.len()] = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0];
/// Seconds that are learned before anything is judged: until then every busy feed looks like a burst (DETECTION 6).
pub(crate) const BINS_MIN: u64 = 30;
/// Bins of its own length that a window needs before it takes part in the scan.
const FANO_BINS_MIN: u16 = 10;
/// The least rate in scan and CUSUM, in events per second.
const RATE_FLOOR: f64 = 0.1;
/// The least rate in the mean of the Fano factors, in events per second. With [`RATE_FLOOR`] here too, F would be too
/// small for a thin symbol, which would then alarm 41 times a day and not .7 times (DETECTION 2.1).
pub(super) const FANO_RATE_FLOOR: f64 = 0.02;

// The decays are written out, so that no window stores them and no second computes them; a test compares them with
// `math::exp`.
/// Decay of the rate for one second: e^(−1/600).
pub(super) const RATE_DECAY: f64 = 0.998_334_721_450_938_7;
/// Decay of each window's Fano factor for one of its bins: a memory of an hour, or of 30 bins if that is longer.
const FANO_DECAY: [f64; WINDOWS.len()] = [
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

/// Decay of a short window's Fano factor for one second. The same for all of them, because their memory is an hour.
const SHORT_DECAY: f64 = FANO_DECAY[3];

/// Windows whose bins are at most a second long, by index, each with its bins per second.
pub(super) const SHORT: [(usize, u16); 4] = [(0, 10), (1, 5), (2, 2), (3, 1)];
/// Windows whose bins are several seconds long, by index, each with the seconds of a bin.
pub(super) const LONG: [(usize, i64); WINDOWS.len() - SHORT.len()] = [(4, 2), (5, 5), (6, 10), (7, 20), (8, 60)];

/// Rate and Fano factors, learned from whole seconds in order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Baseline {
    /// The weighted sum of the one-second counts.
    pub(super) num: f64,
    /// The sum of the weights, which removes the bias of the first seconds.
    pub(super) weight: f64,
    /// The weighted sum of squared deviations from the mean.
    pub(super) square: f64,
    /// The mean count of a second: `num` ÷ `weight`.
    pub(super) mean: f64,
    /// The Fano factor of the one-second counts themselves, by which they are winsorised.
    pub(super) spread: f64,
    /// Seconds learned.
    pub(super) bins: u64,
    pub(super) fano: [Fano; WINDOWS.len()],
}

/// The Fano factor of one window length.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Fano {
    /// The weighted sum of (x − m)²/m.
    pub(super) sum: f64,
    pub(super) weight: f64,
    /// The factor in force.
    factor: f64,
    /// The count of the current bin so far, for windows of more than a second.
    pub(super) running: u32,
    /// Bins learned; saturates.
    pub(super) bins: u16,
    /// Whether every second of the current bin so far was learned.
    pub(super) whole: bool,
}

impl Default for Baseline {
    fn default() -> Self {
        let fano = Fano { sum: 0.0, weight: 0.0, factor: 1.0, bins: 0, running: 0, whole: false };
        Self { num: 0.0, weight: 0.0, square: 0.0, mean: 0.0, spread: 1.0, bins: 0, fano: [fano; WINDOWS.len()] }
    }
}

impl Baseline {
    /// A baseline that begins with the rate and the Fano factors of others, as if `bins` seconds were learned.
    #[must_use]
    pub(crate) fn borrowed(rate: f64, factors: &[f64; WINDOWS.len()], bins: u64) -> Self {
        let mut base = Self { num: rate, weight: 1.0, mean: rate, bins: bins.max(BINS_MIN), ..Self::default() };
        base.spread = factors[3].max(1.0);
        base.square = base.spread * rate.max(1e-3);
        for (fano, &factor) in base.fano.iter_mut().zip(factors) {
            let factor = factor.max(1.0);
            *fano = Fano { sum: factor, weight: 1.0, factor, running: 0, bins: FANO_BINS_MIN, whole: false };
        }
        base
    }

    /// The Fano factors of all windows, however few bins they have.
    #[must_use]
    pub(crate) fn factors(&self) -> [f64; WINDOWS.len()] {
        std::array::from_fn(|window| self.fano[window].factor)
    }

    /// Seconds learned.
    #[must_use]
    pub const fn bins(&self) -> u64 {
        self.bins
    }

    /// Events per second, at least .1.
    #[must_use]
    pub(crate) const fn rate(&self) -> f64 {
        self.mean.max(RATE_FLOOR)
    }

    /// Events per second without a floor, and the Fano factor of the one-second counts.
    #[must_use]
    pub const fn raw(&self) -> (f64, f64) {
        (self.mean, self.spread)
    }

    /// The Fano factor of a window; `None` while it has too few bins to take part in the scan.
    #[must_use]
    pub(crate) fn fano(&self, window: usize) -> Option<f64> {
        let fano = &self.fano[window];
        (fano.bins >= FANO_BINS_MIN).then_some(fano.factor)
    }

    /// The Fano factor of a window, however few bins it has.
    #[must_use]
    pub const fn fano_so_far(&self, window: usize) -> f64 {
        self.fano[window].factor
    }

    /// Leaves out a second that was not observed: nothing decays, and the second does not count as empty.
    pub(crate) fn drop_second(&mut self) {
        for fano in &mut self.fano {
            fano.whole = false;
        }
    }

    /// Learns one second from its ten 100-ms counts.
    pub(crate) fn learn(&mut self, second: i64, counts: &[u16; 10]) {
        let total: u32 = counts.iter().map(|&n| u32::from(n)).sum();
        if total == 0 {
            self.learn_empty(second);
            self.settle();
            return;
        }
        self.learn_rate(f64::from(total));
        let tenths = counts.map(u32::from);
        let sum = |parts: &[u32]| parts.iter().sum();
        self.learn_fano(0, &tenths);
        self.learn_fano(1, &[0, 2, 4, 6, 8].map(|at: usize| sum(&tenths[at..at + 2])));
        self.learn_fano(2, &[sum(&tenths[..5]), sum(&tenths[5..])]);
        self.learn_fano(3, &[total]);
        self.learn_long(second, total);
        self.settle();
    }

    /// Learns one empty second, for which [`Self::settle`] comes last too.
    ///
    /// The ten .1-s, five .2-s and two .5-s bins of an empty second all add the same term, so each of these windows
    /// takes one step of a second instead.
    pub(super) fn learn_empty(&mut self, second: i64) {
        let (a, keep) = (RATE_DECAY, SHORT_DECAY);
        let deviation = if self.bins > 0 { self.mean } else { 0.0 };
        self.num *= a;
        self.weight = a * self.weight + (1.0 - a);
        self.mean = self.num / self.weight;
        self.square = a * self.square + (1.0 - a) * deviation * deviation;
        self.bins += 1;
        // An empty bin of expectation m adds (0 − m)²/m = m.
        let rate = self.mean.max(FANO_RATE_FLOOR);
        for (window, bins) in SHORT {
            let fano = &mut self.fano[window];
            fano.sum = keep * fano.sum + (1.0 - keep) * (rate * SECONDS[window]);
            fano.weight = keep * fano.weight + (1.0 - keep);
            fano.bins = fano.bins.saturating_add(bins);
        }
        // The current bin of a long window may have begun before the silence.
        self.learn_long(second, 0);
    }

    /// Adds a second to the bins of several seconds, and learns the bins that end with it.
    fn learn_long(&mut self, second: i64, total: u32) {
        for (window, seconds) in LONG {
            let fano = &mut self.fano[window];
            let offset = second.rem_euclid(seconds);
            if offset == 0 {
                (fano.running, fano.whole) = (0, true);
            }
            fano.running = fano.running.saturating_add(total);
            if offset == seconds - 1 && fano.whole {
                let running = fano.running;
                self.learn_fano(window, &[running]);
            }
        }
    }

    /// Learns the count of one second into the rate.
    fn learn_rate(&mut self, count: f64) {
        let a = RATE_DECAY;
        let top = self.mean + 4.0 * (self.spread.max(1.0) * self.mean.max(0.05)).sqrt() + 2.0;
        let count = if self.bins > BINS_MIN { count.min(top) } else { count };
        let deviation = if self.bins > 0 { count - self.mean } else { 0.0 };
        self.num = a * self.num + (1.0 - a) * count;
        self.weight = a * self.weight + (1.0 - a);
        self.mean = self.num / self.weight;
        self.square = a * self.square + (1.0 - a) * deviation * deviation;
        self.bins += 1;
    }

    /// Learns successive bins of one window. All are winsorised by the Fano factor from before this second.
    fn learn_fano(&mut self, window: usize, counts: &[u32]) {
        let expected = self.mean.max(FANO_RATE_FLOOR) * SECONDS[window];
        let (a, fano) = (FANO_DECAY[window], &mut self.fano[window]);
        let top = expected + 6.0 * (fano.factor * expected).sqrt() + 2.0;
        let gain = (1.0 - a) / expected;
        for &count in counts {
            let deviation = f64::from(count).min(top) - expected;
            fano.sum = a * fano.sum + gain * (deviation * deviation);
            fano.weight = a * fano.weight + (1.0 - a);
            fano.bins = fano.bins.saturating_add(1);
        }
    }

    /// Puts the Fano factors of a second in force. Its bins had to be winsorised by the factors from before the second,
    /// so this comes last.
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
    fn the_written_out_decays_follow_from_their_memories() {
        assert_eq!(RATE_DECAY.to_bits(), exp(-1.0 / 600.0).to_bits());
        for (decay, w) in FANO_DECAY.into_iter().zip(SECONDS) {
            assert_eq!(decay.to_bits(), exp(-w / f64::max(3_600.0, 30.0 * w)).to_bits(), "{w} s");
        }
    }
}
