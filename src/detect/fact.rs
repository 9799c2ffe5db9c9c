//! A finding that is a fact: it is so or it is not, and no history says how often. What has a limit and a length has one detector.
//!
//! The fact holds while its measure is at its limit or above. The figure in the place of its p-value only orders findings, as
//! DETECTION 3.1 has it for a fact. It is over when it has not held for 10 s.

use serde::{Deserialize, Serialize};

use super::{
    Change, Counted, Detector, Evidence, Feature, Finding, Gate, Node, Severity, Threshold, ThresholdSource, Unit,
    Verdict, WarmUp,
    gate::{Episode, Reading},
};
use crate::{
    event::{Place, RecordRange},
    time::{EventTime, Span},
};

/// In the place of a p-value (DETECTION 3.1: a fact has 1e-6).
pub const FACT: f64 = 1e-6;

/// One kind of fact.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Whose finding it is.
    pub detector: Detector,
    /// How much it matters.
    pub severity: Severity,
    /// What is measured, in which unit, and from where on it is a fact.
    pub measure: (Counted, Unit, f64),
}

/// What is measured at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// When.
    pub at: EventTime,
    /// The record that says so.
    pub place: Place,
    /// Since when it has been so.
    pub since: EventTime,
    /// How much.
    pub value: f64,
    /// The chance of it, or [`FACT`] where it has none.
    pub p: f64,
}

/// Whether the fact holds for a subject.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Fact {
    gate: Gate,
    said: Option<Box<Finding>>,
}

impl Fact {
    /// Takes a measure. Deadlines up to its time must have been honoured.
    pub fn handle(&mut self, kind: &Kind, measured: &Measured, related: &[Node]) -> Option<Verdict> {
        let (.., limit) = kind.measure;
        let holds = measured.value >= limit;
        if !holds && self.gate.episode().is_none() {
            return None;
        }
        let reading =
            Reading { severity: holds.then_some(kind.severity), ratio: f64::from(u8::from(holds)), p: measured.p };
        let change = self.gate.handle(measured.at, reading)?;
        let finding = finding(kind, measured, related);
        self.said = Some(Box::new(finding.clone()));
        let severity = self.gate.episode()?.severity();
        Some(Verdict { detector: kind.detector, change, severity, at: measured.at, finding })
    }

    /// Whether it is being said.
    #[must_use]
    pub const fn is_firing(&self) -> bool {
        self.gate.episode().is_some()
    }

    /// When it is over unless it comes back.
    #[must_use]
    pub fn deadline(&self) -> Option<EventTime> {
        self.gate.episode().map(Episode::clears_at)
    }

    /// It still holds, though nothing was measured.
    pub fn hold(&mut self, at: EventTime) {
        self.gate.hold(at);
    }

    /// Ends the episode if its time has come.
    pub fn handle_timeout(&mut self, detector: Detector, now: EventTime) -> Option<Verdict> {
        let episode = self.gate.handle_timeout(now)?;
        self.clear(detector, &episode)
    }

    /// Ends the episode because the subject is forgotten.
    pub fn end(&mut self, detector: Detector) -> Option<Verdict> {
        let episode = *self.gate.episode()?;
        self.clear(detector, &episode)
    }

    fn clear(&mut self, detector: Detector, episode: &Episode) -> Option<Verdict> {
        let finding = *self.said.take()?;
        let (severity, at) = (episode.severity(), episode.clears_at());
        Some(Verdict { detector, change: Change::Cleared, severity, at, finding })
    }
}

fn finding(kind: &Kind, measured: &Measured, related: &[Node]) -> Finding {
    let (name, unit, limit) = kind.measure;
    let &Measured { at, place, since, value, p } = measured;
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
            would_not_fire_below: Some(limit),
        }],
        evidence: Evidence {
            records: vec![RecordRange { source: place.source, from: place.offset, to: place.offset }],
            ..Evidence::default()
        },
        related: related.to_vec(),
        warm_up: WarmUp::Done,
        borrowed_share: 0.0,
    }
}
