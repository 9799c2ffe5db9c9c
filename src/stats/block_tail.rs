//! Sets thresholds from a subject's own quiet flow: the streaming tail of block maxima.
//!
//! Real flow does not follow the law that a statistic assumes: fixed thresholds meant for one alarm a day gave 40 to
//! 70. So the greatest value of each minute (a block) is learned: its .8 and .95 quantiles by Robbins–Monro steps, and
//! a Pareto tail above the latter. Source and measurements: DETECTION 2.1, "Self-calibration".
//!
//! A level is far out in that tail: the share of one statistic in a symbol's budget is a ticket in ten days, 1 minute of
//! 14,400. The index H of the tail is known from some twenty exceedances after seven hours, and a level that took the
//! estimate for the truth would be exceeded far more often than meant while the subject is young. So the level is that of
//! the *predictive* law: H is uncertain as the inverse of a Gamma law of weight n (the exceedances seen, and those that the
//! [`Prior`] is worth), and then
//!
//! ```text
//! P(M > x) = .05 (1 + ln(x/q95)/(nH))^(−n)        h(f) = q95 exp(nH ((72/f)^(1/n) − 1))
//! ```
//! because 72 of the 1,440 minutes of a day are above q95. As n grows this becomes the reference's q95 (72/f)^H. So a young
//! subject borrows the index of real flow, unlearns it by its own exceedances, and pays for what is not known with a higher
//! level. From the fifteenth block on the quantiles of the blocks so far stand in for those of the first hour.

use serde::{Deserialize, Serialize};

use super::{
    keep_greatest,
    math::{exp, ln, log10, pow},
    tail_prior::{Exceedances, INDEX_MEMORY, Others, Pool, Prior},
};

/// Blocks that are collected before the quantiles are known.
const INITIAL: usize = 60;
/// How many of the greatest first maxima are kept: as many as the quantiles need. The reference sorts all 60 and takes
/// the elements ⌊59 · .8⌋ = 47 and ⌊59 · .95⌋ = 56, which are the 13th and the 4th greatest.
const GREATEST: usize = INITIAL - 47;
/// Where the .95 quantile stands among the greatest.
const Q95_AT: usize = INITIAL - 1 - 56;
/// Blocks that the quantiles remember: three and a half days (the reference of DETECTION 2.1).
const MEMORY: f64 = 5_000.0;
/// Blocks from which on quantiles are given before all of [`INITIAL`] are there. Fewer say too little about the .95
/// quantile; with fifteen it is their greatest.
const EARLY: usize = 15;
/// The range in which the index is used (DETECTION 2.1): a few exceedances may give any estimate, and the level is a power of it.
const INDEX_RANGE: (f64, f64) = (0.1, 0.7);
/// The distance from the .8 to the .95 quantile of an exponential law, in scales.
const LN_4: f64 = 2.0 * std::f64::consts::LN_2;
/// The share of blocks above the .95 quantile.
const ABOVE: f64 = 0.05;
/// The logarithm of the greatest factor between a level and the .95 quantile: what is so far out is out of reach, and finite.
const FACTOR_MAX_LN: f64 = 50.0;
/// The .95 quantile, in nats, from which on a subject shows others its exceedances: one in e is no surprise.
const TAIL_FROM: f64 = 1.0;
/// Minutes in a day.
const BLOCKS_PER_DAY: f64 = 1_440.0;
/// The least threshold of the scan, as a share of the fixed level for the same rate; without it all levels of a quiet
/// symbol would coincide.
const SCAN_FLOOR: f64 = 0.75;
/// The least threshold of the CUSUM, as a share of the fixed level for the same rate: 13.3 nats at one alarm a day (DETECTION 2.1).
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
        seen: u8,
        /// The greatest of them, the greatest first.
        greatest: [f64; GREATEST],
        /// The index that is assumed.
        prior: Prior,
        /// The tails of others.
        others: Others,
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
    above: Exceedances,
    /// Those of them that the pool has.
    shown: Exceedances,
    /// The exceedances that the index at the start is worth.
    prior_weight: f64,
    /// The tails of others.
    others: Others,
}

impl Default for BlockTail {
    fn default() -> Self {
        Self::new(Prior::REFERENCE)
    }
}

impl BlockTail {
    /// A tail that has learned nothing.
    #[must_use]
    pub(crate) const fn new(prior: Prior) -> Self {
        Self::Filling { seen: 0, greatest: [0.0; GREATEST], prior, others: Others::NONE }
    }

    /// A tail that begins with the .95 quantile and the Pareto index of others. The .8 quantile follows from both: the
    /// same Pareto law is continued below the .95 quantile.
    #[must_use]
    pub(crate) fn borrowed(q95: f64, index: f64) -> Self {
        let q80 = q95 * pow(0.25, index);
        Self::Known(Tail::new(q80, q95, Prior::of_others(index)))
    }

    /// Learns one block's maximum; 0 for an empty block.
    pub fn learn(&mut self, maximum: f64) {
        match self {
            Self::Known(tail) => tail.learn(maximum),
            Self::Filling { seen, greatest, prior, others } => {
                *seen += 1;
                keep_greatest(greatest, maximum);
                if usize::from(*seen) >= INITIAL {
                    let mut tail =
                        Tail { others: *others, ..Tail::new(greatest[GREATEST - 1], greatest[Q95_AT], *prior) };
                    // The reference counts exceedances from the second hour on.
                    if *prior != Prior::REFERENCE && tail.is_tail() {
                        greatest[..Q95_AT].iter().for_each(|maximum| tail.exceed(*maximum));
                    }
                    *self = Self::Known(tail);
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

    /// The tail as far as the blocks so far show it; `None` while they are fewer than fifteen. One of few blocks is no good
    /// estimate of the .95 quantile, so the next greater one stands in for it.
    #[must_use]
    pub(crate) fn so_far(&self) -> Option<Tail> {
        match self {
            Self::Known(tail) => Some(*tail),
            Self::Filling { seen, greatest, prior, others } => {
                let seen = usize::from(*seen);
                let at_q95 = (seen / 20).saturating_sub(1);
                (seen >= EARLY)
                    .then(|| Tail { others: *others, ..Tail::new(greatest[seen / 5], greatest[at_q95], *prior) })
            }
        }
    }

    /// Shows the new exceedances to a pool, and takes over what it has of others.
    pub(crate) fn exchange(&mut self, pool: &mut Pool) {
        match self {
            Self::Filling { others, .. } => *others = pool.exchange(Exceedances::default(), Exceedances::default()),
            Self::Known(tail) => {
                let new = tail.above.minus(std::mem::replace(&mut tail.shown, tail.above));
                let new = if tail.is_tail() { new } else { Exceedances::default() };
                tail.others = pool.exchange(new, tail.above);
            }
        }
    }
}

impl Tail {
    fn new(q80: f64, q95: f64, prior: Prior) -> Self {
        let q95 = f64::max(q95, q80 * 1.05 + 1e-3);
        let none = Exceedances::default();
        Self {
            q80,
            q95,
            blocks: INITIAL as f64,
            raw_index: prior.index,
            above: none,
            shown: none,
            prior_weight: prior.weight,
            others: Others::NONE,
        }
    }

    fn learn(&mut self, maximum: f64) {
        if maximum > self.q95 {
            self.exceed(maximum);
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

    /// Whether the subject's maxima have a tail at all: of a subject with so few events that its .95 quantile is near zero,
    /// every maximum is a hundred quantiles.
    fn is_tail(&self) -> bool {
        self.q95 >= TAIL_FROM
    }

    /// Learns a maximum above q95.
    fn exceed(&mut self, maximum: f64) {
        // Winsorised, so that a single burst cannot raise the tail.
        let over = ln(maximum.min(self.threshold(0.1)) / self.q95);
        self.above.add(over);
        self.raw_index += (over - self.raw_index) / self.own_weight();
    }

    /// The Pareto index of the tail above q95, the tails of others included.
    #[must_use]
    pub fn index(&self) -> f64 {
        let (own, others) = (self.own_weight(), self.others_weight());
        let index = (own * self.raw_index + others * self.others.index()) / (own + others);
        index.clamp(INDEX_RANGE.0, INDEX_RANGE.1)
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

    /// The exceedances behind the subject's own index, those that its start is worth included.
    fn own_weight(&self) -> f64 {
        (self.above.count + self.prior_weight).min(INDEX_MEMORY)
    }

    /// The exceedances of others that count beside them: the fewer, the more the subject has shown itself.
    fn others_weight(&self) -> f64 {
        self.others.weight().min(INDEX_MEMORY - self.own_weight())
    }

    /// The exceedances behind the index.
    fn weight(&self) -> f64 {
        self.own_weight() + self.others_weight()
    }

    /// The level for this many alarms a day, in .95 quantiles.
    fn factor(&self, per_day: f64) -> f64 {
        let weight = self.weight();
        let odds = (0.05 * BLOCKS_PER_DAY / per_day).max(1.0);
        exp((weight * self.index() * (pow(odds, 1.0 / weight) - 1.0)).min(FACTOR_MAX_LN))
    }

    /// Returns the scan's level for this many alarms a day.
    #[must_use]
    pub fn scan_level(&self, per_day: f64) -> Bounded {
        bounded(self.q95 * self.factor(per_day), scan_floor(per_day))
    }

    /// Returns the CUSUM's level for this many alarms a day.
    #[must_use]
    pub fn cusum_level(&self, per_day: f64) -> Bounded {
        bounded(self.q95 * self.factor(per_day), cusum_floor(per_day))
    }

    /// Returns the scan's level for this many alarms a day if the estimated index is the true one.
    #[must_use]
    pub fn scan_estimate(&self, per_day: f64) -> Bounded {
        bounded(self.threshold(per_day), scan_floor(per_day))
    }

    /// Returns the CUSUM's level for this many alarms a day if the estimated index is the true one.
    #[must_use]
    pub fn cusum_estimate(&self, per_day: f64) -> Bounded {
        bounded(self.threshold(per_day), cusum_floor(per_day))
    }

    /// Returns the threshold for this many alarms a day, at least `floor`, of a statistic whose index is at most `index_max`.
    #[must_use]
    pub(crate) fn capped_threshold(&self, per_day: f64, index_max: f64, floor: f64) -> Bounded {
        bounded(self.q95 * pow((0.05 * BLOCKS_PER_DAY / per_day).max(1.0), self.index().min(index_max)), floor)
    }

    /// Returns the chance within a minute of a value this high, of a statistic whose index is at most `index_max` and whose
    /// threshold is at least `floor`.
    #[must_use]
    pub(crate) fn capped_p(&self, value: f64, index_max: f64, floor: f64) -> f64 {
        let over = value.max(1e-9) / self.capped_threshold(1.0, index_max, floor).value;
        (pow(over, -1.0 / self.index().min(index_max)) / BLOCKS_PER_DAY).clamp(P_MIN, 1.0)
    }

    /// Returns the chance of a scan score this high within a minute.
    #[must_use]
    pub fn scan_p(&self, score: f64) -> f64 {
        self.p(score, scan_floor(1.0))
    }

    /// Returns the chance of a CUSUM this high within a minute.
    #[must_use]
    pub fn cusum_p(&self, cusum: f64) -> f64 {
        self.p(cusum, cusum_floor(1.0))
    }

    /// Returns a p-value by the predictive law, and below the .95 quantile by the Pareto law. The quantile is raised to where
    /// one alarm a day is at its floor: without that, every event of a quiet symbol would have p = 0, because its q95 is 0.
    fn p(&self, value: f64, floor: f64) -> f64 {
        let over = value.max(1e-9) / self.q95.max(floor / self.factor(1.0));
        let (weight, index) = (self.weight(), self.index());
        let tail = if over > 1.0 { pow(1.0 + ln(over) / (weight * index), -weight) } else { pow(over, -1.0 / index) };
        (ABOVE * tail).clamp(P_MIN, 1.0)
    }
}

/// The least level of the scan.
fn scan_floor(per_day: f64) -> f64 {
    SCAN_FLOOR * fixed_level(per_day)
}

/// The least level of the CUSUM.
fn cusum_floor(per_day: f64) -> f64 {
    CUSUM_FLOOR * fixed_level(per_day)
}

fn bounded(value: f64, floor: f64) -> Bounded {
    Bounded { value: value.max(floor), is_floor: value < floor }
}

#[cfg(test)]
mod tests;
