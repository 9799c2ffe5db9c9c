//! The life of an incident: signals that belong together, from the first that matters until all have been calm for a minute.
//!
//! It opens at the first signal of severity warning, is revised when its severity rises or its p-value falls tenfold, and
//! is resolved 60 s after its last signal cleared (DETECTION 4). Signals of mere information open nothing, but while an
//! incident is open they keep it so.
//!
//! With one detector and one subject the joint p-value is that of the strongest finding; what joins several comes with them.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    detect::{Change, Detector, Finding, Severity, Signal, Subject},
    event::Place,
    time::{EventTime, Span, WallTime},
};

/// How long all must be calm before it is over (DETECTION 4).
const CALM: Span = Span::from_secs(60);
/// How far the joint p-value must fall for a revision (DETECTION 4).
const ESCALATION: f64 = 0.1;

/// Where an incident stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It has just opened.
    Firing,
    /// It goes on, and is worse than last said.
    Amended,
    /// It is over.
    Resolved,
    /// It is no longer followed, because newer incidents needed its place.
    Withdrawn,
}

/// An incident as of one revision.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    /// The incident.
    pub incident: Incident,
    /// Where it stands.
    pub status: Status,
    /// When that became so, in event time.
    pub at: EventTime,
    /// The own time of the record that made it so; a timer has none.
    pub completed_at: Option<WallTime>,
}

/// What opened an incident: with its subject, what its id is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// The detector that found it.
    pub detector: Detector,
    /// The record that completed the finding.
    pub place: Place,
    /// The hash of the settings of that time: other ones may be in force when it ends, and its id stays.
    pub config: CompactString,
}

/// Related signals with a life.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    subject: Subject,
    opening: Opening,
    revision: u64,
    severity: Severity,
    p: f64,
    /// As last published.
    said_p: f64,
    /// Where the finding that opened it begins: a later one with a longer window reaches back into ordinary flow.
    starts_at: EventTime,
    detected_at: EventTime,
    /// The strongest finding of each detector.
    findings: BTreeMap<Detector, Finding>,
    /// Detectors that still fire.
    active: BTreeSet<Detector>,
    cleared_at: Option<EventTime>,
}

impl Incident {
    /// Opens an incident, under the settings of this hash, if the signal matters enough.
    #[must_use]
    pub fn open(signal: &Signal, config: &str) -> Option<(Self, Revision)> {
        if signal.severity < Severity::Warning || signal.change == Change::Cleared {
            return None;
        }
        let incident = Self {
            subject: signal.subject.clone(),
            opening: Opening { detector: signal.detector, place: signal.place, config: CompactString::new(config) },
            revision: 1,
            severity: signal.severity,
            p: signal.finding.p,
            said_p: signal.finding.p,
            starts_at: signal.finding.starts_at,
            detected_at: signal.at,
            findings: BTreeMap::from([(signal.detector, signal.finding.clone())]),
            active: BTreeSet::from([signal.detector]),
            cleared_at: None,
        };
        let revision = Revision {
            incident: incident.clone(),
            status: Status::Firing,
            at: signal.at,
            completed_at: signal.appended_at,
        };
        Some((incident, revision))
    }

    /// Takes a further signal about the same subject. Returns a revision if it is worth one.
    pub fn join(&mut self, signal: &Signal) -> Option<Revision> {
        match signal.change {
            Change::Opened | Change::Raised => {
                self.active.insert(signal.detector);
                self.cleared_at = None;
            }
            Change::Cleared => {
                self.active.remove(&signal.detector);
                self.cleared_at = Some(signal.at).filter(|_| self.active.is_empty());
            }
        }
        let strongest = self.findings.get(&signal.detector);
        if strongest.is_none_or(|known| signal.finding.p < known.p) {
            self.findings.insert(signal.detector, signal.finding.clone());
        }
        self.p = self.p.min(signal.finding.p);
        let rises = signal.severity > self.severity;
        if !rises && self.p > self.said_p * ESCALATION {
            return None;
        }
        self.severity = self.severity.max(signal.severity);
        Some(self.revise(Status::Amended, signal.at, signal.appended_at))
    }

    /// Ends the incident.
    #[must_use]
    pub fn resolve(mut self, at: EventTime) -> Revision {
        self.revise(Status::Resolved, at, None)
    }

    /// Lets go of the incident.
    #[must_use]
    pub fn withdraw(mut self, at: EventTime) -> Revision {
        self.cleared_at = Some(at);
        self.revise(Status::Withdrawn, at, None)
    }

    fn revise(&mut self, status: Status, at: EventTime, completed_at: Option<WallTime>) -> Revision {
        self.revision += 1;
        self.said_p = self.p;
        Revision { incident: self.clone(), status, at, completed_at }
    }

    /// When it is over unless something comes back.
    #[must_use]
    pub fn closes_at(&self) -> Option<EventTime> {
        self.cleared_at.map(|at| at.plus(CALM))
    }

    /// What it is about.
    #[must_use]
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }

    /// What opened it.
    #[must_use]
    pub const fn opening(&self) -> &Opening {
        &self.opening
    }

    /// Which revision this is, from 1.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// The highest severity so far.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.severity
    }

    /// The joint p-value, the lowest so far.
    #[must_use]
    pub const fn p(&self) -> f64 {
        self.p
    }

    /// Since when it has been building.
    #[must_use]
    pub const fn starts_at(&self) -> EventTime {
        self.starts_at
    }

    /// When it was first detected.
    #[must_use]
    pub const fn detected_at(&self) -> EventTime {
        self.detected_at
    }

    /// When it ended, as far as it has.
    #[must_use]
    pub const fn cleared_at(&self) -> Option<EventTime> {
        self.cleared_at
    }

    /// The strongest finding of each detector.
    #[must_use]
    pub const fn findings(&self) -> &BTreeMap<Detector, Finding> {
        &self.findings
    }
}
