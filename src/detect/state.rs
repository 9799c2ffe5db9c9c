//! The state of a detector: on, in shadow, or off.
//!
//! A venue tries a detector in shadow before it reports to on-call, and switches off a detector that does not fit the venue. A
//! detector learns the same in every state, so one that is switched on again has lost nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Detector;

/// The use that is made of a detector's findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DetectorState {
    /// Findings open incidents and join them.
    #[default]
    On,
    /// Findings are counted and published as incidents of their own, marked and of severity `info`. They join no other incident.
    Shadow,
    /// No finding is reported.
    Off,
}

/// The state of each detector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetectorStates([DetectorState; Detector::ALL.len()]);

impl DetectorStates {
    /// The state of a detector.
    #[must_use]
    pub const fn of(&self, detector: Detector) -> DetectorState {
        self.0[detector as usize]
    }

    /// The same states but for one detector.
    #[must_use]
    pub const fn with(mut self, detector: Detector, state: DetectorState) -> Self {
        self.0[detector as usize] = state;
        self
    }

    /// The detectors that are not on, by name.
    pub fn not_on(&self) -> impl Iterator<Item = (&'static str, DetectorState)> {
        let all = Detector::ALL.into_iter().map(move |(detector, name)| (name, self.of(detector)));
        all.filter(|(_, state)| *state != DetectorState::On)
    }
}
