//! Sets thresholds from a subject's own quiet flow: the streaming tail of block maxima.
//!
//! Real flow does not follow the law that a statistic assumes: fixed thresholds meant for one alarm a day gave 40 to
//! 70. So the greatest value of each minute (a block) is learned: its .8 and .95 quantiles by Robbins–Monro steps, and
//! a Pareto tail above the latter. The threshold for f alarms a day is then h(f) = q95 (72/f)^H, because 72 of the
//! 1,440 minutes of a day are above q95. Source and measurements: DETECTION 2.1, "Self-calibration".

use serde::{Deserialize, Serialize};

use super::{
    keep_greatest,
    math::{exp, ln, log10, pow},
};

/// Blocks that are collected before the quantiles are known.
const INITIAL: usize = 60;
/// How many of the greatest first maxima are kept: as many as the quantiles need. The reference sorts all 60 and takes
/// the elements ⌊59 · .8⌋ = 47 and ⌊59 · .95⌋ = 56, which are the 13th and the 4th greatest.
const GREATEST: usize = INITIAL - 47;
/// Where the .95 quantile stands among the greatest.
const Q95_AT: usize = INITIAL - 1 - 56;
/// Blocks that the quantiles remember.
const MEMORY: f64 = 5_000.0;
/// The initial Pareto index.
const INDEX: f64 = 0.3;
/// Prior weight of the initial index, in exceedances.
const INDEX_PRIOR: f64 = 20.0;
/// Exceedances that the index remembers.
const INDEX_MEMORY: f64 = 200.0;
/// The range in which the index is used.
const INDEX_RANGE: (f64, f64) = (0.1, 0.7);
/// The distance from the .8 to the .95 quantile of an exponential law, in scales.
const LN_4: f64 = 2.0 * std::f64::consts::LN_2;
/// Minutes in a day.
const BLOCKS_PER_DAY: f64 = 1_440.0;
/// The least threshold of the scan, as a share of the fixed level for the same rate; without it all levels of a quiet
/// symbol would coincide.
const SCAN_FLOOR: f64 = 0.75;
/// The same for the CUSUM.
const CUSUM_FLOOR: f64 = 13.3 / 13.2;
/// The least p-value. Smaller ones are raised to it, so that logarithms stay finite.
const P_MIN: f64 = 1e-300;

/// Returns the scan's threshold for a number of false alarms a day where nothing was learned: 10.5, 13.2 and 17 nats
/// for 10, 1 and .1 alarms, linear in log10 of that number between them.
#[must_use]
pub(crate) fn fixed_level(per_day: f64) -> f64 {
    let decades = log10(per_day);
    13.2 - if decades > 0.0 { 2.7 } else { 3.8 } * decades
}

/// Returns the chance of a scan score this high within a minute where nothing was learned (DETECTION 2.1).
#[must_use]
pub(crate) fn fixed_p(score: f64) -> f64 {
    (exp(-(score - 13.2) / 1.5) / BLOCKS_PER_DAY).clamp(P_MIN, 1.0)
}

/// Returns the CUSUM's cap before it has a threshold of its own: twice its floor for .1 alarms a day.
#[must_use]
pub fn cusum_cap_at_first() -> f64 {
    2.0 * CUSUM_FLOOR * fixed_level(0.1)
}

/// A threshold that is at least its floor.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bounded {
    /// The threshold.
    pub value: f64,
    /// Whether the value is the floor, because the tail alone would give less.
    pub is_floor: bool,
}

/// The tail of the block maxima of one statistic.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum BlockTail {
    /// The first maxima, until there are enough.
    Filling {
        /// Maxima so far.
        seen: usize,
        /// The greatest of them, the greatest first.
        greatest: [f64; GREATEST],
    },
    /// The quantiles and the tail above them.
    Known(Tail),
}

/// Two quantiles and the index of the tail above them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tail {
    q80: f64,
    q95: f64,
    /// Blocks learned, the first ones included.
    blocks: f64,
    /// The Pareto index before it is clamped to its range.
    raw_index: f64,
    /// Exceedances of the .95 quantile so far.
    above: f64,
}

impl Default for BlockTail {
    fn default() -> Self {
        Self::Filling { seen: 0, greatest: [0.0; GREATEST] }
    }
}

impl BlockTail {
    /// A tail that begins with the .95 quantile and the Pareto index of others. The .8 quantile follows from both: the
    /// same Pareto law is continued below the .95 quantile.
    #[must_use]
    pub(crate) fn borrowed(q95: f64, index: f64) -> Self {
        let q80 = q95 * pow(0.25, index);
        Self::Known(Tail { raw_index: index, ..Tail::new(q80, q95) })
    }

    /// Learns one block's maximum; 0 for an empty block.
    pub fn learn(&mut self, maximum: f64) {
        match self {
            Self::Known(tail) => tail.learn(maximum),
            Self::Filling { seen, greatest } => {
                *seen += 1;
                keep_greatest(greatest, maximum);
                if *seen >= INITIAL {
                    *self = Self::Known(Tail::new(greatest[GREATEST - 1], greatest[Q95_AT]));
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
    fn new(q80: f64, q95: f64) -> Self {
        let q95 = f64::max(q95, q80 * 1.05 + 1e-3);
        Self { q80, q95, blocks: INITIAL as f64, raw_index: INDEX, above: 0.0 }
    }

    fn learn(&mut self, maximum: f64) {
        if maximum > self.q95 {
            self.above += 1.0;
            // Winsorised, so that a single burst cannot raise the tail.
            let over = ln(maximum.min(self.threshold(0.1)) / self.q95);
            self.raw_index += (over - self.raw_index) / (self.above + INDEX_PRIOR).min(INDEX_MEMORY);
        }
        let scale = ((self.q95 - self.q80) / LN_4).max(1e-3);
        let gain = (1.0 / self.blocks).max(1.0 / MEMORY);
        let step = |q: f64, share: f64| {
            let above = if maximum > q { 1.0 } else { 0.0 };
            q + (scale / share * gain).min(scale) * (above - share)
        };
        self.q80 = step(self.q80, 0.2);
        self.q95 = step(self.q95, 0.05).max(self.q80 + 1e-3);
        self.blocks += 1.0;
    }

    /// The Pareto index of the tail above q95.
    #[must_use]
    pub const fn index(&self) -> f64 {
        self.raw_index.clamp(INDEX_RANGE.0, INDEX_RANGE.1)
    }

    /// The .8 and .95 quantiles of the block maxima.
    #[must_use]
    pub const fn quantiles(&self) -> (f64, f64) {
        (self.q80, self.q95)
    }

    /// Returns the value that block maxima exceed this many times a day, without a floor.
    #[must_use]
    pub fn threshold(&self, per_day: f64) -> f64 {
        self.q95 * pow((0.05 * BLOCKS_PER_DAY / per_day).max(1.0), self.index())
    }

    /// Returns the scan's threshold for this many alarms a day.
    #[must_use]
    pub fn scan_threshold(&self, per_day: f64) -> Bounded {
        bounded(self.threshold(per_day), SCAN_FLOOR * fixed_level(per_day))
    }

    /// Returns the CUSUM's threshold beside a scan with this many alarms a day: the CUSUM gets half as many.
    #[must_use]
    pub fn cusum_threshold(&self, per_day: f64) -> Bounded {
        bounded(self.threshold(per_day / 2.0), CUSUM_FLOOR * fixed_level(per_day))
    }

    /// Returns the threshold for this many alarms a day, at least `floor`, of a statistic whose index is at most `index_max`.
    #[must_use]
    pub(crate) fn light_threshold(&self, per_day: f64, index_max: f64, floor: f64) -> Bounded {
        bounded(self.q95 * pow((0.05 * BLOCKS_PER_DAY / per_day).max(1.0), self.index().min(index_max)), floor)
    }

    /// Returns the chance within a minute of a value of such a statistic.
    #[must_use]
    pub(crate) fn light_p(&self, value: f64, index_max: f64, floor: f64) -> f64 {
        let over = value.max(1e-9) / self.light_threshold(1.0, index_max, floor).value;
        (pow(over, -1.0 / self.index().min(index_max)) / BLOCKS_PER_DAY).clamp(P_MIN, 1.0)
    }

    /// Returns the chance of a scan score this high within a minute.
    #[must_use]
    pub fn scan_p(&self, score: f64) -> f64 {
        self.p(score, self.scan_threshold(1.0).value, 1.0)
    }

    /// Returns the chance of a CUSUM this high within a minute.
    #[must_use]
    pub fn cusum_p(&self, cusum: f64) -> f64 {
        self.p(cusum, self.cusum_threshold(1.0).value, 0.5)
    }

    /// Returns a p-value by the Pareto law through the bounded `threshold`, which is exceeded `per_day` times a day.
    /// With the unbounded one, every event of a quiet symbol would have p = 0, because its q95 is 0.
    fn p(&self, value: f64, threshold: f64, per_day: f64) -> f64 {
        let over = value.max(1e-9) / threshold;
        (per_day / BLOCKS_PER_DAY * pow(over, -1.0 / self.index())).clamp(P_MIN, 1.0)
    }
}

fn bounded(value: f64, floor: f64) -> Bounded {
    Bounded { value: value.max(floor), is_floor: value < floor }
}
