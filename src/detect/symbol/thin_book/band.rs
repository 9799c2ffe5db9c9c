//! One band of the depth: the channels of its level and of its change.

use serde::{Deserialize, Serialize};

use crate::{
    detect::slow_metric::{Channel, DAY, NO_SEASON, Side, Smoothed},
    stats::{joint::acat, math::ln},
};

/// ln 100: an empty band counts as a hundredth of the usual depth.
const LN_EMPTY: f64 = 4.605_170_185_988_091;
/// The greatest share of seconds for which a band may be empty: one that is empty more often is thin by habit.
const EMPTY_SHARE: f64 = 0.01;
/// The weight of one second in the share of empty seconds: a memory of an hour.
const EMPTY_GAIN: f64 = 1.0 / 3_600.0;

/// The channels of one band.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Band {
    pub(super) level: Channel,
    pub(super) change: Channel,
    /// Smooths ln D.
    smoothed: Smoothed,
    /// The smoothed value of the second before.
    before: Option<f64>,
    /// The share of seconds in which the band is empty.
    empty: f64,
}

/// The judgement of one second of a band.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sampled {
    pub(super) band: usize,
    pub(super) notional: f64,
    pub(super) level_z: f64,
    /// The change of the median of ln D over the second.
    pub(super) change: f64,
    /// The p-values of level and change.
    pub(super) p: (f64, f64),
    /// The joint p-value of both (ACAT).
    pub(super) joint: f64,
}

impl Band {
    pub(super) fn new() -> Self {
        Self {
            level: Channel::new(DAY),
            change: Channel::new(NO_SEASON),
            smoothed: Smoothed::default(),
            before: None,
            empty: 0.0,
        }
    }

    /// Judges a second, and learns it if it may be learned. `None` where the band is empty too often, or has never held
    /// anything.
    pub(super) fn sample(&mut self, band: usize, notional: f64, slot: usize, learns: bool) -> Option<Sampled> {
        self.empty += EMPTY_GAIN * (f64::from(u8::from(notional <= 0.0)) - self.empty);
        if self.empty > EMPTY_SHARE {
            return None;
        }
        let x = if notional > 0.0 { ln(notional) } else { self.level.expected(slot)? - LN_EMPTY };
        let median = self.smoothed.push(x);
        let change = self.before.map_or(0.0, |before| median - before);
        self.before = Some(median);
        let (level, moved) = (self.level.judge(median, slot, Side::Lower), self.change.judge(change, 0, Side::Lower));
        if learns {
            self.level.learn(median, slot, &level);
            self.change.learn(change, 0, &moved);
        }
        // Nearly always both p-values are 1; ACAT is then skipped.
        let p = (level.p, moved.p);
        let joint = if p.0 >= 1.0 && p.1 >= 1.0 { 1.0 } else { acat([p.0, p.1]).unwrap_or(1.0) };
        Some(Sampled { band, notional, level_z: level.z, change, p, joint })
    }

    /// Forgets what was smoothed so far, which says nothing of the next second.
    pub(super) fn forget(&mut self) {
        self.smoothed.clear();
        self.before = None;
    }
}
