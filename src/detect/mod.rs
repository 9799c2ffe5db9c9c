//! Detectors: from samples of one subject to signals.
//!
//! The list of detectors is closed and stands here; each has a file of its own that says what it counts, how it judges and
//! what it is blind to. A detector owns the state of one subject, is called with event times only, and returns a [`Signal`]
//! when its finding opens, rises or clears: not one for each event that is over a level.

pub mod cancel_burst;
pub mod feed;
mod gate;
mod signal;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    gate::{Change, Gate},
    signal::{
        Counted, Evidence, Feature, Finding, Severity, Signal, Subject, Threshold, ThresholdSource, Unit, WarmUp,
    },
};

/// Every detector, by its name in code, metrics, configuration and alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Detector {
    /// Orders are withdrawn far faster than is usual for the subject.
    CancelBurst,
    /// What the service reads is silent, late, torn or wrongly stamped.
    Feed,
}

impl Detector {
    /// Every detector with its name.
    pub const ALL: [(Self, &'static str); 2] = [(Self::CancelBurst, "cancel_burst"), (Self::Feed, "feed")];

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}
