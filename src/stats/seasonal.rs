//! How far a value is from what is usual at this time of day, in robust scales.
//!
//! A book is thin at night and full at noon, and neither is news. So each slot of the day has a level of its own, learned over
//! its past visits and shrunk towards the level of the last minutes while it has few; the residual is divided by a running mean
//! of its own absolute size. What such a residual means is for [`super::hill::Hill`] to say, because its tail is heavy.
//! Source: DETECTION 2.3; the order of the steps: its reference.
//!
//! A slot is a number that the caller chooses: [`slot_of_day`], or one of its own for a known schedule such as funding.

use serde::{Deserialize, Serialize};

use super::math::pow;

/// Visits of a slot at which its own level and the running one weigh the same.
const SHRINK: f64 = 3.0;
/// Residuals are clipped at so many scales before they teach, or one crash would make the next look small.
const CLIP: f64 = 4.0;
/// From a mean absolute residual to a standard deviation of the normal law, √(π/2).
const MEAN_ABS_TO_SD: f64 = 1.2533;
/// The least scale as a share of the slow one: a channel gone quiet does not become infinitely touchy.
const SLOW_SHARE: f64 = 0.05;
/// And the least at all, so that nothing is divided by zero.
const SCALE_MIN: f64 = 1e-9;
/// The share of the newest sample in the running level, which forgets half in 200: 1 − 2^(−1/200). Worked out here, as every second
/// of every band asks for it.
const LEVEL_GAIN: f64 = 0.003_459_737_172_132_215_7;
/// And in the scale, which forgets half in 500.
const SCALE_GAIN: f64 = 0.001_385_333_898_971_108_4;
/// The slow scale forgets so many times slower.
const SLOWER: f64 = 8.0;
/// Samples before which a residual says nothing: there is no scale.
const JUDGED_FROM: u64 = 4;
/// Samples before which residuals are not clipped: the scale is still finding itself.
const CLIPPED_FROM: u64 = 31;
/// The same for a slot's own samples.
const SLOT_CLIPPED_FROM: u32 = 3;
const DAY_NANOS: i64 = 86_400_000_000_000;

/// Which of `slots` equal parts of the UTC day an instant is in.
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
    /// Samples of one pass through a slot.
    pub per_visit: u32,
    /// Passes by which a slot forgets half.
    pub half_life_visits: f64,
}

/// What is learned of one channel.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Seasonal {
    slots: Vec<Slot>,
    /// Share of the newest sample in a slot's level.
    slot_gain: f64,
    per_visit: f64,
    level: f64,
    scale: f64,
    slow_scale: f64,
    seen: u64,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Slot {
    level: f64,
    seen: u32,
}

impl Seasonal {
    /// A channel without a past.
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

    /// What is usual in a slot; `None` before the first sample.
    #[must_use]
    pub fn expected(&self, slot: usize) -> Option<f64> {
        (self.seen > 0).then(|| self.blend(slot, self.level))
    }

    /// One robust scale.
    #[must_use]
    pub fn scale(&self) -> f64 {
        (MEAN_ABS_TO_SD * self.scale).max(SLOW_SHARE * self.slow_scale).max(SCALE_MIN)
    }

    /// The residual of a value in a slot, in scales; 0 while too little is known, and for a value that is not finite.
    #[must_use]
    pub fn z(&self, x: f64, slot: usize) -> f64 {
        if self.seen < JUDGED_FROM || !x.is_finite() { 0.0 } else { (x - self.blend(slot, self.level)) / self.scale() }
    }

    /// Learns a value of a slot. One that is not finite changes nothing.
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
        let fresh = 1.0 / (self.seen + 1) as f64;
        self.level += LEVEL_GAIN.max(fresh) * (x - self.level);
        self.scale += SCALE_GAIN.max(fresh) * (clipped.abs() - self.scale);
        self.slow_scale += (SCALE_GAIN / SLOWER).max(fresh) * (residual.abs() - self.slow_scale);
        self.seen += 1;
    }

    fn blend(&self, slot: usize, level: f64) -> f64 {
        let slot = &self.slots[slot % self.slots.len()];
        let visits = f64::from(slot.seen) / self.per_visit;
        let weight = visits / (visits + SHRINK);
        weight * slot.level + (1.0 - weight) * level
    }
}

impl Slot {
    fn learn(&mut self, x: f64, limit: f64, gain: f64) {
        let own = x - self.level;
        let own = if self.seen >= SLOT_CLIPPED_FROM { own.clamp(-limit, limit) } else { own };
        self.level += gain.max(1.0 / f64::from(self.seen.saturating_add(1))) * own;
        self.seen = self.seen.saturating_add(1);
    }
}

/// The share of the newest sample in a mean that forgets half in so many.
fn gain(half_life: f64) -> f64 {
    1.0 - pow(0.5, 1.0 / half_life)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gains_are_those_of_their_half_lives() {
        assert_eq!((LEVEL_GAIN.to_bits(), SCALE_GAIN.to_bits()), (gain(200.0).to_bits(), gain(500.0).to_bits()));
    }
}
