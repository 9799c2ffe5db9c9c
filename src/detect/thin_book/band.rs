//! One band of the depth: its level and its change, each with a season and a tail of its own.

use serde::{Deserialize, Serialize};

use crate::stats::{
    hill::Hill,
    joint::acat,
    math::ln,
    seasonal::{Season, Seasonal},
};

/// Quarters of an hour of the day; a visit is one pass, and a slot forgets half in three (DETECTION 2.3).
pub(super) const DAY: Season = Season { slots: 96, per_visit: 900, half_life_visits: 3.0 };
/// A change has no season.
const NONE: Season = Season { slots: 1, ..DAY };
/// Seconds over which a median is taken before a change is.
const SMOOTHED: usize = 5;
/// ln 100: an empty band has a hundredth of what is usual.
const LN_EMPTY: f64 = 4.605_170_185_988_091;
/// The share of seconds for which a band may be empty, and the gain of a second: a memory of an hour.
const EMPTY_SHARE: f64 = 0.01;
const EMPTY_GAIN: f64 = 1.0 / 3_600.0;
/// A tail is taught no value rarer than this: the seconds in which a book thins would else raise its index before they are found, and
/// hide what comes next.
const TAUGHT: f64 = 1e-3;

/// The channels of one band.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Band {
    pub(super) level: Seasonal,
    pub(super) level_tail: Hill,
    pub(super) change: Seasonal,
    pub(super) change_tail: Hill,
    /// The last values of ln D, newest last.
    pub(super) recent: Vec<f64>,
    pub(super) median: Option<f64>,
    /// The share of its seconds in which it is empty.
    pub(super) empty: f64,
}

/// What a band's channels said of one second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sampled {
    pub(super) band: usize,
    pub(super) notional: f64,
    pub(super) level_z: f64,
    pub(super) change: f64,
    pub(super) p: (f64, f64),
    pub(super) joint: f64,
}

impl Band {
    pub(super) fn new() -> Self {
        Self {
            level: Seasonal::new(DAY),
            level_tail: Hill::default(),
            change: Seasonal::new(NONE),
            change_tail: Hill::default(),
            recent: Vec::with_capacity(SMOOTHED),
            median: None,
            empty: 0.0,
        }
    }

    /// Judges a second and learns it. `None` where the band has never held anything.
    pub(super) fn sample(&mut self, band: usize, notional: f64, slot: usize, frozen: bool) -> Option<Sampled> {
        self.empty += EMPTY_GAIN * (f64::from(u8::from(notional <= 0.0)) - self.empty);
        if self.empty > EMPTY_SHARE {
            return None;
        }
        let x = if notional > 0.0 { ln(notional) } else { self.level.expected(slot)? - LN_EMPTY };
        if self.recent.len() == SMOOTHED {
            self.recent.remove(0);
        }
        self.recent.push(x);
        let median = median(&self.recent);
        let level_z = self.level.z(median, slot);
        let change = self.median.map_or(0.0, |before| median - before);
        self.median = Some(median);
        let change_z = self.change.z(change, 0);
        let (level_v, change_v) = ((-level_z).max(0.0), (-change_z).max(0.0));
        let p = (self.level_tail.p_above(level_v), self.change_tail.p_above(change_v));
        if !frozen {
            self.level.learn(median, slot);
            self.change.learn(change, 0);
            teach(&mut self.level_tail, level_v);
            teach(&mut self.change_tail, change_v);
        }
        // Both are ordinary nearly always: then no chance is worked out.
        let joint = if p.0 >= 1.0 && p.1 >= 1.0 { 1.0 } else { acat([p.0, p.1]).unwrap_or(1.0) };
        Some(Sampled { band, notional, level_z, change, p, joint })
    }

    /// What was smoothed so far says nothing of the next second.
    pub(super) fn forget(&mut self) {
        self.recent.clear();
        self.median = None;
    }
}

fn teach(tail: &mut Hill, v: f64) {
    let most = tail.tail().filter(|tail| v > tail.quantile()).map(|tail| tail.value(TAUGHT));
    tail.learn(most.map_or(v, |most| v.min(most)));
}

/// The middle one of a few.
fn median(values: &[f64]) -> f64 {
    let mut sorted = [0.0; SMOOTHED];
    let sorted = &mut sorted[..values.len()];
    sorted.copy_from_slice(values);
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[values.len() / 2]
}
