//! The life of an incident: signals that belong together, from the first that matters until all have been calm for a minute.
//!
//! It opens at the first signal of severity warning, is revised when its severity rises, its joint p-value falls tenfold or
//! another detector joins, and is resolved once all that would open it has been gone for 60 s (DETECTION 4). Signals of mere
//! information neither open an incident nor hold one open: after a crisis some subject is always a little unusual.
//!
//! Its p-value joins its detectors by ACAT, each with its strongest finding: they look at the same flow and may not be multiplied.
//! Its severity is the highest that a signal has reached, and critical where two detectors agree and the joint p-value is one
//! that pages: no detector here pages for another.

use std::collections::BTreeMap;

use compact_str::CompactString;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    detect::{Change, Detector, Finding, Node, Severity, Signal, Subject},
    event::Place,
    stats::joint::acat,
    time::{EventTime, Span, WallTime},
};

/// How long all must be calm before it is over, and how long what has cleared still joins others (DETECTION 4).
pub const CALM: Span = Span::from_secs(60);
/// How soon after a revision it is said that no more than further subjects came.
const GROWTH_SPACING: Span = Span::from_secs(10);
/// How far the joint p-value must fall for a revision (DETECTION 4).
const ESCALATION: f64 = 0.1;
/// Findings that one incident holds: as many as the symbols in an alert (CONTRACT).
const FINDINGS_MAX: usize = 64;
/// The joint p-value at which two detectors that agree page: once a day in all over some seven hundred symbols, with a test each
/// minute (DETECTION 4 wants one false page a day).
const PAGE: f64 = 1e-6;
/// Detectors that must agree.
const AGREE: usize = 2;

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
    /// It is no longer followed under this id: it became a part of another incident (`merged_into`), or newer ones needed its place.
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
    /// What it is about.
    pub subject: Subject,
    /// The detector that found it.
    pub detector: Detector,
    /// The record that completed the finding.
    pub place: Place,
    /// When.
    pub at: EventTime,
    /// The hash of the settings of that time: other ones may be in force when it ends, and its id stays.
    pub config: CompactString,
}

/// A detector's finding about a subject, as part of an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The strongest so far.
    pub finding: Finding,
    /// Where its first finding begins: a stronger one with a longer window reaches back into ordinary flow.
    pub starts_at: EventTime,
    /// The highest severity so far.
    pub severity: Severity,
    /// The revision that is the first to tell of it, or of it at this severity.
    pub told_in: u64,
    /// What it has in common with what was there before; `None` for the first.
    pub through: Option<Node>,
    /// When it cleared, if it has.
    cleared_at: Option<EventTime>,
}

impl Part {
    fn new(signal: &Signal, through: Option<Node>, told_in: u64) -> Self {
        let finding = signal.finding.clone();
        Self { starts_at: finding.starts_at, finding, severity: signal.severity, told_in, through, cleared_at: None }
    }

    /// Takes over what another incident holds of the same: the stronger stays, with what either has had.
    fn join(&mut self, mut other: Self) {
        self.told_in = if other.severity > self.severity { other.told_in } else { self.told_in };
        self.starts_at = self.starts_at.min(other.starts_at);
        self.severity = self.severity.max(other.severity);
        if self.finding.p <= other.finding.p {
            self.cleared_at = self.cleared_at.and(other.cleared_at);
        } else {
            (other.told_in, other.starts_at, other.severity) = (self.told_in, self.starts_at, self.severity);
            *self = other;
        }
    }
}

/// Who found what: the key of a part.
pub type Source = (Detector, Subject);

/// Related signals with a life.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    opening: Opening,
    revision: u64,
    severity: Severity,
    p: f64,
    /// As last published.
    said_p: f64,
    said_severity: Severity,
    said_at: EventTime,
    /// It has grown since.
    grown: bool,
    /// Where the finding that opened it begins.
    starts_at: EventTime,
    parts: BTreeMap<Source, Part>,
    /// Findings that found no place.
    left_out: u64,
    cleared_at: Option<EventTime>,
    /// What it became a part of.
    absorbed_by: Option<Box<Opening>>,
}

impl Incident {
    /// Opens an incident, under the settings of this hash, if the signal matters enough.
    #[must_use]
    pub fn open(signal: &Signal, config: &str) -> Option<(Self, Revision)> {
        if signal.severity < Severity::Warning || signal.change == Change::Cleared {
            return None;
        }
        let opening = Opening {
            subject: signal.subject.clone(),
            detector: signal.detector,
            place: signal.place,
            at: signal.at,
            config: CompactString::new(config),
        };
        let part = Part::new(signal, None, 1);
        let incident = Self {
            opening,
            revision: 1,
            severity: signal.severity,
            p: signal.finding.p,
            said_p: signal.finding.p,
            said_severity: signal.severity,
            said_at: signal.at,
            grown: false,
            starts_at: signal.finding.starts_at,
            parts: BTreeMap::from([(source(signal), part)]),
            left_out: 0,
            cleared_at: None,
            absorbed_by: None,
        };
        let revision = Revision {
            incident: incident.clone(),
            status: Status::Firing,
            at: signal.at,
            completed_at: signal.appended_at,
        };
        Some((incident, revision))
    }

    /// Takes a further signal, which has this in common with it. Returns a revision if it is worth one.
    pub fn join(&mut self, signal: &Signal, through: Option<Node>) -> Option<Revision> {
        let news = self.take(signal, through);
        self.rise(signal.at, signal.appended_at, news)
    }

    /// Takes over what another incident holds, which ends by it.
    pub fn absorb(&mut self, other: Self, at: EventTime) -> Revision {
        let mut ended = other.clone();
        for (source, mut part) in other.parts {
            part.told_in = self.revision + 1;
            if let Some(known) = self.parts.get_mut(&source) {
                known.join(part);
            } else if self.has_room(&source) {
                self.parts.insert(source, part);
            } else {
                self.left_out += 1;
            }
        }
        self.left_out += other.left_out;
        self.severity = self.severity.max(other.severity);
        self.starts_at = self.starts_at.min(other.starts_at);
        self.settle();
        ended.absorbed_by = Some(Box::new(self.opening.clone()));
        ended.withdraw(at)
    }

    /// What became of a signal within: whether a detector came that was not there before. That a subject came is news too, but not
    /// with each of twenty in a second.
    fn take(&mut self, signal: &Signal, through: Option<Node>) -> bool {
        let source = source(signal);
        let known = self.parts.keys().any(|(detector, _)| *detector == signal.detector);
        let cleared_at = (signal.change == Change::Cleared).then_some(signal.at);
        if let Some(part) = self.parts.get_mut(&source) {
            if signal.severity >= Severity::Warning || part.severity < Severity::Warning {
                part.cleared_at = cleared_at;
            }
            if signal.severity > part.severity {
                part.told_in = self.revision + 1;
            }
            part.severity = part.severity.max(signal.severity);
            if signal.finding.p < part.finding.p {
                let before = std::mem::replace(&mut part.finding, signal.finding.clone());
                // What it was joined by stays.
                part.finding.related.extend(before.related.into_iter().filter(|node| *node == Node::Market));
            }
        } else if cleared_at.is_none() && self.has_room(&source) {
            self.grown |= signal.severity >= Severity::Warning;
            self.parts.insert(source, Part::new(signal, through, self.revision + 1));
        } else {
            self.left_out += u64::from(cleared_at.is_none());
        }
        self.severity = self.severity.max(signal.severity);
        self.settle();
        !known && signal.severity >= Severity::Warning
    }

    /// Makes room for another finding: the weakest that is over goes.
    fn has_room(&mut self, source: &Source) -> bool {
        if self.parts.len() < FINDINGS_MAX || self.parts.contains_key(source) {
            return true;
        }
        let over = self.parts.iter().filter(|(_, part)| part.cleared_at.is_some());
        let weakest = over.max_by(|a, b| a.1.finding.p.total_cmp(&b.1.finding.p)).map(|(source, _)| source.clone());
        self.left_out += u64::from(weakest.is_some());
        weakest.is_some_and(|source| self.parts.remove(&source).is_some())
    }

    /// What follows from its parts.
    fn settle(&mut self) {
        let held = || self.parts.values().filter(|part| part.severity >= Severity::Warning).map(|part| part.cleared_at);
        self.cleared_at = held().max().flatten().filter(|_| held().all(|cleared_at| cleared_at.is_some()));
        let mut least: BTreeMap<Detector, f64> = BTreeMap::new();
        for ((detector, _), part) in self.parts.iter().filter(|(_, part)| part.severity >= Severity::Warning) {
            let p = least.entry(*detector).or_insert(1.0);
            *p = p.min(part.finding.p);
        }
        let market = least.iter().filter(|(detector, _)| **detector != Detector::Feed).count();
        // One alone is what it is; the clipping of a combination is for several.
        let joint = if least.len() == 1 { least.values().next().copied() } else { acat(least.into_values()) };
        self.p = self.p.min(joint.unwrap_or(1.0));
        if market >= AGREE && self.p <= PAGE {
            self.severity = Severity::Critical;
        }
    }

    fn rise(&mut self, at: EventTime, completed_at: Option<WallTime>, news: bool) -> Option<Revision> {
        let rises = self.severity > self.said_severity;
        let news = news || self.grown && at.since(self.said_at) >= GROWTH_SPACING;
        if !rises && !news && self.p > self.said_p * ESCALATION {
            return None;
        }
        Some(self.revise(Status::Amended, at, completed_at))
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
        (self.said_p, self.said_severity, self.said_at, self.grown) = (self.p, self.severity, at, false);
        Revision { incident: self.clone(), status, at, completed_at }
    }

    /// When it is over unless something comes back.
    #[must_use]
    pub fn closes_at(&self) -> Option<EventTime> {
        self.cleared_at.map(|at| at.plus(CALM))
    }

    /// What the finding that opened it is about.
    #[must_use]
    pub const fn subject(&self) -> &Subject {
        &self.opening.subject
    }

    /// What it became a part of, if it ended so.
    #[must_use]
    pub fn absorbed_by(&self) -> Option<&Opening> {
        self.absorbed_by.as_deref()
    }

    /// What it touches, with its parts; what has been over for a minute touches nothing. One that pages is a matter of the
    /// whole market: books that thin elsewhere meanwhile follow it (`super::following`).
    pub fn nodes(&self, at: EventTime) -> impl Iterator<Item = Node> {
        let near = move |part: &Part| {
            part.severity >= Severity::Warning && part.cleared_at.is_none_or(|cleared| at.since(cleared) <= CALM)
        };
        let parts = self.parts.iter().filter(move |(_, part)| near(part));
        let pages = self.severity == Severity::Critical && !self.is_of_pipeline();
        let market = pages.then_some(Node::Market).filter(|_| self.parts.values().any(near));
        parts
            .flat_map(|((_, subject), part)| subject.nodes().into_iter().chain(part.finding.related.iter().cloned()))
            .chain(market)
    }

    /// Whether it is about the service's own input.
    fn is_of_pipeline(&self) -> bool {
        self.opening.subject == Subject::Pipeline
    }

    /// Whose findings still fire.
    pub fn firing(&self) -> impl Iterator<Item = &Source> {
        self.parts.iter().filter(|(_, part)| part.cleared_at.is_none()).map(|(source, _)| source)
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
        self.opening.at
    }

    /// When it ended, as far as it has.
    #[must_use]
    pub const fn cleared_at(&self) -> Option<EventTime> {
        self.cleared_at
    }

    /// The strongest finding of each detector about each subject, and how it came to it.
    #[must_use]
    pub const fn parts(&self) -> &BTreeMap<Source, Part> {
        &self.parts
    }

    /// Findings that found no place.
    #[must_use]
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }
}

fn source(signal: &Signal) -> Source {
    (signal.detector, signal.subject.clone())
}
