//! Rolling windows over a subject's events: what is happening now against what is usual for it.
//!
//! A window moves only by calls with event times and says nothing by itself: a detector asks it. `burst` is the statistic of
//! DETECTION 2.1, `calibrated` gives it the levels that its own subject's quiet flow sets. One costs 2.4 kB, half of it the
//! ring of `buckets`. An event costs a step of that ring and of the CUSUM and one `scan`, mostly a single score; a second
//! costs one bin of the `baseline`; an hour without events costs next to nothing more (`silence`).

mod baseline;
mod buckets;
mod burst;
mod calibrated;
mod light;
mod scan;
mod silence;
mod tier;

use serde::{Deserialize, Serialize};

use crate::time::Span;

pub use self::{
    baseline::{Baseline, SECONDS},
    burst::{Burst, Seen},
    calibrated::{BORROWED_SECONDS, Calibrated, Levels, Observation, Phase, Warm},
    light::{Busy, DECADES, Light, Recent},
    scan::Scan,
    tier::{TEACH_EVERY, Tier},
};

/// How long the window of an index is.
#[must_use]
pub const fn length(window: usize) -> Span {
    buckets::LENGTHS[window]
}

/// What a burst window is set to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BurstSettings {
    /// The fewest events in a window that can be a burst (DETECTION 2.1).
    pub a_min: u32,
    /// The same for the first 75 minutes, when every busy feed looks like a burst (DETECTION 6).
    pub cold_a_min: u32,
    /// False alarms a day for which a warning's threshold is meant, once it calibrates itself; information gets ten times
    /// as many, critical a tenth (DETECTION 2.1).
    pub warnings_per_day: f64,
}

impl Default for BurstSettings {
    fn default() -> Self {
        Self { a_min: 5, cold_a_min: 20, warnings_per_day: 1.0 }
    }
}
