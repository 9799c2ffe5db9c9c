//! Conditions: findings that hold or do not, and have no history of how often they hold. One detector serves all that have a limit.
//!
//! A condition holds while its measure is at its limit or above. The figure in the place of its p-value only orders findings, as
//! DETECTION 3.1 has it for a fact. The episode is over when the condition has not held for 10 s.

use serde::{Deserialize, Serialize};

use super::{
    Counted, Detector, Episode, Evidence, Feature, Finding, Node, Severity, Threshold, ThresholdSource, Unit, Verdict,
    WarmUp, episode::Reading,
};
use crate::{
    event::RecordRef,
    time::{EventTime, Span},
};

/// The figure in the place of a p-value (DETECTION 3.1: a fact has 1e-6).
pub const CONDITION_P: f64 = 1e-6;

/// One kind of condition.
#[derive(Clone, Copy, Debug)]
pub struct ConditionKind {
    /// The detector that reports it.
    pub detector: Detector,
    /// How much it matters.
    pub severity: Severity,
    /// The quantity measured, its unit, and the limit from which on the condition holds.
    pub measure: (Counted, Unit, f64),
}

/// The measure at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// The moment.
    pub at: EventTime,
    /// The record behind the measure.
    pub record: RecordRef,
    /// Since when the condition has held.
    pub since: EventTime,
    /// The measure.
    pub value: f64,
    /// The chance of the measure, or [`CONDITION_P`] where it has none.
    pub p: f64,
}

/// Whether the condition holds for a subject.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Condition {
    episode: Episode,
}

impl Condition {
    /// Takes a measure. `expire` must have been called for earlier deadlines.
    pub fn handle(&mut self, kind: &ConditionKind, measured: &Measured, related: &[Node]) -> Option<Verdict> {
        let (.., limit) = kind.measure;
        let holds = measured.value >= limit;
        if !holds && !self.is_firing() {
            return None;
        }
        let reading =
            Reading { severity: holds.then_some(kind.severity), ratio: f64::from(u8::from(holds)), p: measured.p };
        let decision = self.episode.observe(measured.at, reading)?;
        let transition = self.episode.publish(decision, finding(kind, measured, related));
        Some(Verdict::new(kind.detector, transition))
    }

    /// Whether an episode is going on.
    #[must_use]
    pub const fn is_firing(&self) -> bool {
        self.episode.is_firing()
    }

    /// When the episode is over unless the condition comes back.
    #[must_use]
    pub fn deadline(&self) -> Option<EventTime> {
        self.episode.deadline()
    }

    /// Keeps the episode going: the condition still holds, though nothing was measured.
    pub fn hold(&mut self, at: EventTime) {
        self.episode.hold(at);
    }

    /// Ends the episode if its deadline has come.
    pub fn expire(&mut self, detector: Detector, now: EventTime) -> Option<Verdict> {
        self.episode.expire(now).map(|transition| Verdict::new(detector, transition))
    }

    /// Ends the episode because the subject is forgotten.
    pub fn end(&mut self, detector: Detector) -> Option<Verdict> {
        self.episode.end().map(|transition| Verdict::new(detector, transition))
    }
}

fn finding(kind: &ConditionKind, measured: &Measured, related: &[Node]) -> Finding {
    let (name, unit, limit) = kind.measure;
    let &Measured { at, record, since, value, p } = measured;
    Finding {
        p,
        statistic: value,
        threshold: Threshold { value: limit, unit, source: ThresholdSource::Default },
        starts_at: since,
        features: vec![Feature {
            name,
            window: at.since(since).max(Span::ZERO),
            value,
            expected: 0.0,
            low: 0.0,
            high: limit,
            unit,
            p,
            is_capped: false,
            dispersion: None,
            would_not_fire_below: Some(limit),
        }],
        evidence: Evidence::of_record(record),
        related: related.to_vec(),
        warm_up: WarmUp::Done,
        borrowed_share: 0.0,
    }
}
