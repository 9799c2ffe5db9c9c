//! Measures how far a value is from what is usual at its time of day, in robust scales.
//!
//! A book is thin at night and full at noon, and neither is news. So each slot of the day has its own level, learned
//! over past visits and shrunk towards a running level while there were few visits. The residual is divided by a
//! running mean of absolute residuals. Residuals have heavy tails, so [`super::hill::Hill`] turns them into p-values.
//! Source: DETECTION 2.3; the order of the steps is that of its reference.
//!
//! The caller chooses the slot of a value: by [`slot_of_day`], or a slot of its own for a known schedule such as
//! funding.

use serde::{Deserialize, Serialize};

use super::math::pow;

/// Visits after which the level of a slot weighs as much as the running level.
const SHRINK: f64 = 3.0;
/// Residuals are clipped at this many scales before they are learned, or one crash would make the next one look small.
const CLIP: f64 = 4.0;
/// The factor from a mean absolute residual to the standard deviation of a normal law: √(π/2).
const MEAN_ABS_TO_SD: f64 = 1.2533;
/// The least scale as a share of the slow scale: a channel that has become quiet must not report every small movement.
const SLOW_SHARE: f64 = 0.05;
/// The least scale of all, so that nothing is divided by zero.
const SCALE_MIN: f64 = 1e-9;
/// The share of the newest sample in the running level, for a half-life of 200 samples: 1 − 2^(−1/200). Written out,
/// because every band needs it every second.
const LEVEL_GAIN: f64 = 0.003_459_737_172_132_215_7;
/// The share of the newest residual in the scale, for a half-life of 500 samples.
const SCALE_GAIN: f64 = 0.001_385_333_898_971_108_4;
/// How many times longer the half-life of the slow scale is.
const SLOWER: f64 = 8.0;
/// Samples that are learned before residuals are judged: before that there is no scale.
const JUDGED_FROM: u64 = 4;
/// Samples that are learned before residuals are clipped: before that the scale is still far off.
const CLIPPED_FROM: u64 = 31;
/// Samples that a slot learns before its residuals are clipped.
const SLOT_CLIPPED_FROM: u32 = 3;
/// Nanoseconds in a day.
const DAY_NANOS: i64 = 86_400_000_000_000;

/// Returns in which of `slots` equal parts of the UTC day an instant lies.
///
/// ```
/// use foreshock::stats::seasonal::slot_of_day;
/// assert_eq!(slot_of_day(12 * 3_600_000_000_000, 96), 48);
/// ```
#[must_use]
pub fn slot_of_day(nanos: i64, slots: usize) -> usize {
    let slot = i128::from(nanos.rem_euclid(DAY_NANOS)) * slots as i128 / i128::from(DAY_NANOS);
    usize::try_from(slot).unwrap_or(0)
}

/// How a season is learned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Season {
    /// Slots of the day.
    pub slots: usize,
    /// Samples in one visit; a visit is one pass of the clock through a slot.
    pub per_visit: u32,
    /// Half-life of a slot's level, in visits.
    pub half_life_visits: f64,
}

/// The levels and the scale of one channel.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Seasonal {
    slots: Vec<Slot>,
    /// The share of the newest sample in the level of its slot.
    slot_gain: f64,
    per_visit: f64,
    /// The running level, over all slots.
    level: f64,
    /// The running mean of absolute residuals, clipped.
    scale: f64,
    /// A slower running mean of absolute residuals, not clipped.
    slow_scale: f64,
    /// Samples learned.
    seen: u64,
}

/// The level of one slot of the day.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Slot {
    level: f64,
    /// Samples learned in this slot.
    seen: u32,
}

impl Seasonal {
    /// A channel that has learned nothing.
    #[must_use]
    pub fn new(season: Season) -> Self {
        let per_visit = f64::from(season.per_visit.max(1));
        Self {
            slots: vec![Slot::default(); season.slots.max(1)],
            slot_gain: gain(season.half_life_visits * per_visit),
            per_visit,
            level: 0.0,
            scale: 0.0,
            slow_scale: 0.0,
            seen: 0,
        }
    }

    /// Returns the value that is usual in a slot; `None` before the first sample.
    #[must_use]
    pub(crate) fn expected(&self, slot: usize) -> Option<f64> {
        (self.seen > 0).then(|| self.blend(slot, self.level))
    }

    /// The size of one robust scale, in the unit of the values.
    #[must_use]
    pub(crate) fn scale(&self) -> f64 {
        (MEAN_ABS_TO_SD * self.scale).max(SLOW_SHARE * self.slow_scale).max(SCALE_MIN)
    }

    /// Returns the residual of a value in a slot, in scales; 0 before enough is learned, and for a value that is not
    /// finite.
    #[must_use]
    pub fn z(&self, x: f64, slot: usize) -> f64 {
        if self.seen < JUDGED_FROM || !x.is_finite() { 0.0 } else { (x - self.blend(slot, self.level)) / self.scale() }
    }

    /// Learns a value of a slot. A value that is not finite changes nothing.
    pub fn learn(&mut self, x: f64, slot: usize) {
        if !x.is_finite() {
            return;
        }
        if self.seen == 0 {
            self.level = x;
        }
        let residual = x - self.blend(slot, self.level);
        let limit = CLIP * self.scale();
        let clipped = if self.seen >= CLIPPED_FROM { residual.clamp(-limit, limit) } else { residual };
        let (slot_gain, slots) = (self.slot_gain, self.slots.len());
        self.slots[slot % slots].learn(x, limit, slot_gain);
        // The first samples weigh as in a plain mean.
        let mean_gain = 1.0 / (self.seen + 1) as f64;
        self.level += LEVEL_GAIN.max(mean_gain) * (x - self.level);
        self.scale += SCALE_GAIN.max(mean_gain) * (clipped.abs() - self.scale);
        self.slow_scale += (SCALE_GAIN / SLOWER).max(mean_gain) * (residual.abs() - self.slow_scale);
        self.seen += 1;
    }

    /// Returns the level of a slot, shrunk towards `level` while the slot had few visits.
    fn blend(&self, slot: usize, level: f64) -> f64 {
        let slot = &self.slots[slot % self.slots.len()];
        let visits = f64::from(slot.seen) / self.per_visit;
        let weight = visits / (visits + SHRINK);
        weight * slot.level + (1.0 - weight) * level
    }
}

impl Slot {
    fn learn(&mut self, x: f64, limit: f64, gain: f64) {
        let residual = x - self.level;
        let residual = if self.seen >= SLOT_CLIPPED_FROM { residual.clamp(-limit, limit) } else { residual };
        self.level += gain.max(1.0 / f64::from(self.seen.saturating_add(1))) * residual;
        self.seen = self.seen.saturating_add(1);
    }
}

/// Returns the share of the newest sample in a running mean with this half-life, in samples.
fn gain(half_life: f64) -> f64 {
    1.0 - pow(0.5, 1.0 / half_life)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_written_out_gains_follow_from_their_half_lives() {
        assert_eq!((LEVEL_GAIN.to_bits(), SCALE_GAIN.to_bits()), (gain(200.0).to_bits(), gain(500.0).to_bits()));
    }
}
