//! Signals: changes in what a detector finds about a subject.

use serde::{Deserialize, Serialize};

use super::{Change, Detector, Finding, FlowFacts, Severity, Subject, episode::Transition};
use crate::{event::Origin, time::EventTime};

/// A change in what one detector finds; the caller knows about which subject.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The detector.
    pub detector: Detector,
    /// The change.
    pub change: Change,
    /// The highest severity of the episode.
    pub severity: Severity,
    /// When, in event time.
    pub at: EventTime,
    /// The finding; at a clearing, the last one published.
    pub finding: Finding,
}

impl Verdict {
    /// The verdict of a detector whose episode has changed.
    #[must_use]
    pub fn new(detector: Detector, transition: Transition<Finding>) -> Self {
        let Transition { change, severity, at, finding, .. } = transition;
        Self { detector, change, severity, at, finding }
    }

    /// The signal about a subject, visible from a time on, with the record that completed it. It says nothing of the market around.
    #[must_use]
    pub fn signal(self, subject: Subject, visible_at: EventTime, origin: Origin) -> Signal {
        let Self { detector, change, severity, at, finding } = self;
        Signal { detector, subject, change, severity, at, visible_at, origin, finding, flow: None, is_shadow: false }
    }
}

/// A change in what a detector finds about a subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// The detector.
    pub detector: Detector,
    /// The subject.
    pub subject: Subject,
    /// The change.
    pub change: Change,
    /// The highest severity since the episode opened.
    pub severity: Severity,
    /// When, in event time.
    pub at: EventTime,
    /// The clock of the sending stage when the signal arose: others may take it into account once the watermark is above it.
    pub visible_at: EventTime,
    /// The record that completed the finding.
    pub origin: Origin,
    /// The finding; at a clearing, the last one published.
    pub finding: Finding,
    /// The market around the finding, where it is about one symbol.
    pub flow: Option<Box<FlowFacts>>,
    /// Whether the detector is in shadow, as correlation finds; false before.
    pub is_shadow: bool,
}
