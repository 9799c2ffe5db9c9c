//! What is usual for a subject: its rate, and how much its counts cluster, learned second by second.
//!
//! The rate is an exponentially weighted mean (600 s) of winsorised one-second counts. The Fano factor of each window length is
//! the weighted mean of (x − m)²/m over non-overlapping bins of that length, aligned to the epoch. Every detail follows the
//! reference; DETECTION 2.1 has the reasons and measurements.

use std::sync::LazyLock;

use super::buckets::WINDOWS;
use crate::stats::math::exp;

/// Window lengths in seconds.
pub const SECONDS: [f64; WINDOWS.len()] = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0];
/// Seconds learned before anything is judged.
pub const BINS_MIN: u64 = 30;
/// Bins of its own length that a window needs before it takes part.
const FANO_BINS_MIN: u64 = 10;
/// The least rate in scan and CUSUM, per second.
const RATE_FLOOR: f64 = 0.1;
/// The least rate in the mean of the Fano factors: with the other one F of a thin symbol is underestimated.
const FANO_RATE_FLOOR: f64 = 0.02;
/// Silence that is learned second by second: after a day nothing of what was before is left (e⁻²⁴ of the longest memory).
const SILENCE_MAX: i64 = 86_400;

/// Decay of the rate for one second: e^(−1/600).
static RATE_DECAY: LazyLock<f64> = LazyLock::new(|| exp(-1.0 / 600.0));
/// Decay of each window's Fano factor for one of its bins: a memory of an hour, or of 30 bins if that is longer.
static FANO_DECAY: LazyLock<[f64; WINDOWS.len()]> =
    LazyLock::new(|| SECONDS.map(|w| exp(-w / f64::max(3_600.0, 30.0 * w))));

/// Rate and Fano factors, fed whole seconds in order.
#[derive(Clone, Debug)]
pub struct Baseline {
    num: f64,
    weight: f64,
    square: f64,
    mean: f64,
    /// The Fano factor of the one-second counts themselves, for winsorising.
    spread: f64,
    bins: u64,
    fano: [Fano; WINDOWS.len()],
}

/// One window's Fano factor.
#[derive(Clone, Copy, Debug)]
struct Fano {
    sum: f64,
    weight: f64,
    factor: f64,
    bins: u64,
    /// The count of the bin that is under way, for windows of a second and more.
    running: u32,
    /// Whether no second of it is missing so far.
    whole: bool,
}

impl Default for Baseline {
    fn default() -> Self {
        let fano = Fano { sum: 0.0, weight: 0.0, factor: 1.0, bins: 0, running: 0, whole: false };
        Self { num: 0.0, weight: 0.0, square: 0.0, mean: 0.0, spread: 1.0, bins: 0, fano: [fano; WINDOWS.len()] }
    }
}

impl Baseline {
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
        Some(self.fano[window]).filter(|f| f.bins >= FANO_BINS_MIN).map(|f| f.factor)
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
        let sum: u32 = counts.iter().map(|&n| u32::from(n)).sum();
        self.learn_rate(f64::from(sum));
        for (k, width) in WINDOWS.into_iter().enumerate() {
            if width < 10 {
                for part in counts.chunks_exact(usize::try_from(width).unwrap_or(1)) {
                    self.learn_fano(k, part.iter().map(|&n| u32::from(n)).sum());
                }
                continue;
            }
            let seconds = width / 10;
            let fano = &mut self.fano[k];
            if second.rem_euclid(seconds) == 0 {
                (fano.running, fano.whole) = (0, true);
            }
            fano.running = fano.running.saturating_add(sum);
            if (second + 1).rem_euclid(seconds) == 0 && fano.whole {
                let running = fano.running;
                self.learn_fano(k, running);
            }
        }
        self.settle();
    }

    /// How many of these empty seconds need not be learned one by one; they are counted as learned. A whole number of minutes,
    /// so that every bin keeps its place.
    pub fn skip_silence(&mut self, seconds: i64) -> i64 {
        let skipped = (seconds - SILENCE_MAX).max(0) / 60 * 60;
        self.bins += skipped.unsigned_abs();
        skipped
    }

    fn learn_rate(&mut self, count: f64) {
        let a = *RATE_DECAY;
        let top = self.mean + 4.0 * (self.spread.max(1.0) * self.mean.max(0.05)).sqrt() + 2.0;
        let count = if self.bins > BINS_MIN { count.min(top) } else { count };
        let off = if self.bins > 0 { count - self.mean } else { 0.0 };
        self.num = a * self.num + (1.0 - a) * count;
        self.weight = a * self.weight + (1.0 - a);
        self.mean = self.num / self.weight;
        self.square = a * self.square + (1.0 - a) * off * off;
        self.spread = (self.square / self.weight.max(1e-9) / self.mean.max(1e-3)).max(1.0);
        self.bins += 1;
    }

    fn learn_fano(&mut self, window: usize, count: u32) {
        let expected = self.mean.max(FANO_RATE_FLOOR) * SECONDS[window];
        let a = FANO_DECAY[window];
        let fano = &mut self.fano[window];
        let top = expected + 6.0 * (fano.factor * expected).sqrt() + 2.0;
        let off = f64::from(count).min(top) - expected;
        fano.sum = a * fano.sum + (1.0 - a) * off * off / expected;
        fano.weight = a * fano.weight + (1.0 - a);
        fano.bins += 1;
    }

    /// Puts the second's Fano factors in force: all its bins were winsorised with those from before it.
    fn settle(&mut self) {
        for fano in &mut self.fano {
            if fano.weight > 0.0 {
                fano.factor = (fano.sum / fano.weight).max(1.0);
            }
        }
    }
}
