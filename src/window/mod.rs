//! Rolling windows over a subject's events: they compare what is happening now with what is usual for the subject.
//!
//! A window moves only by calls with event times, and only its detector turns what it shows into findings. `burst`
//! computes the statistics of DETECTION 2.1, and `calibrated` adds levels that follow from the subject's own quiet
//! flow. A party that does little has a count and a rate instead of a window (`light`). When it gets a window, that
//! window begins with the averages of similar parties (`tier`).
//!
//! A window costs 2.4 kB, half of it the ring of `buckets`. An event costs one step of that ring, one of the CUSUM, and
//! one `scan`, which mostly computes a single score. A second costs one bin of the `baseline`; a long silence is
//! learned at once, however long it is (`silence`).

mod baseline;
mod blocks;
mod buckets;
mod burst;
mod calibrated;
mod cold;
mod levels;
mod light;
mod recent_trades;
mod scan;
mod silence;
mod tier;

use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    setting::{Invalid, RATES, check_range},
    time::Span,
};

pub use self::{
    baseline::{Baseline, SECONDS},
    burst::{Burst, Seen},
    calibrated::{Calibrated, Observation, Warm},
    levels::{Both, Levels},
    recent_trades::{RecentTrades, Traded},
    scan::Scan,
    tier::Tier,
};
pub(crate) use self::{
    calibrated::{BORROWED_SECONDS, Phase},
    cold::COLD_LEVEL,
    light::{Busy, DECADES, Light},
    tier::TEACH_EVERY,
};

/// Returns the length of a window by its index in [`SECONDS`].
#[must_use]
pub const fn length(window: usize) -> Span {
    buckets::LENGTHS[window]
}

/// The settings of a burst window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BurstSettings {
    /// The fewest events in a window that can be a burst.
    pub a_min: u32,
    /// The same for the first 75 minutes of a symbol, when every busy feed looks like a burst.
    pub cold_a_min: u32,
    /// False tickets allowed per symbol and day, and as many for all accounts and owners together. This is the total of all
    /// detectors, of which this one has its share. Information comes ten times as often.
    pub warnings_per_day: f64,
}

impl Default for BurstSettings {
    fn default() -> Self {
        // DETECTION 2.1; the cold start is DETECTION 6.
        Self { a_min: 5, cold_a_min: 20, warnings_per_day: 1.0 }
    }
}

/// The statistic needs a count; above a million a bucket would have to hold more than it can.
const A_MIN: RangeInclusive<u32> = 1..=1_000_000;

impl BurstSettings {
    /// Checks every key.
    ///
    /// # Errors
    /// The first key that breaks its rule.
    pub(crate) fn check(&self) -> Result<(), Invalid> {
        check_range("a_min", &self.a_min, &A_MIN)?;
        check_range("cold_a_min", &self.cold_a_min, &A_MIN)?;
        check_range("warnings_per_day", &self.warnings_per_day, &RATES)
    }
}
