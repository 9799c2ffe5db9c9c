//! The life of an incident: related signals, from the first warning until all of them have been calm for a minute.
//!
//! An incident opens at the first signal of severity warning or above. It is revised when its severity rises, its joint p-value
//! falls tenfold, another detector joins or its symbols have doubled, and is resolved once every finding that warns has been
//! cleared for 60 s (DETECTION 4). Signals of mere information neither open an incident nor hold one open: after a crisis some
//! subject is always a little unusual.
//!
//! The joint p-value combines the detectors by ACAT, each with its strongest finding: detectors look at the same flow,
//! so their p-values may not be multiplied.
//!
//! The severity is a function of the set of findings, each the strongest of its detector and subject, and not of the
//! order in which they came: the highest severity of a finding, or critical where two findings agree
//! (`super::agreement`). It never falls while the incident lasts: no finding that joins can take an agreement away, and
//! a severity once reached stays, even if a finding is evicted. Only a maintenance window lowers what is published, for as long as
//! it is open (`maintenance`).

mod maintenance;
mod timers;

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{
    agreement::{Agreement, agreement},
    lowered::Maintenance,
    part::{FindingKey, Part, finding_key},
    published::{Opening, Published, Status},
};
use crate::{
    calendar::MaintenanceWindows,
    detect::{Change, Detector, Node, Severity, Signal, Subject},
    stats::joint::acat,
    time::{EventTime, Span, WallTime},
};

/// How long every finding must be clear before the incident ends, and how long a cleared finding still joins others
/// (DETECTION 4).
pub const CALM: Span = Span::from_secs(60);
/// Factor by which the symbols must have grown since the last revision for a new one; one revision per symbol would be fourteen in
/// three minutes.
const GROWTH: usize = 2;
/// How far the joint p-value must fall for a revision (DETECTION 4).
const ESCALATION: f64 = 0.1;
/// The most findings that one incident holds: as many as an alert lists symbols (CONTRACT).
const FINDINGS_MAX: usize = 64;

/// An incident as of one revision.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    /// The incident.
    pub incident: Incident,
    /// The incident's status.
    pub status: Status,
    /// The event time of the revision.
    pub at: EventTime,
    /// The append time of the record that caused the revision; `None` if a timer did.
    pub completed_at: Option<WallTime>,
}

/// Related signals, as one incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    opening: Opening,
    /// The finding that made more of the incident than its opening says: the first of another detector, or later one of the whole
    /// market. Titles are made of the opening and of this, so that further findings do not change them.
    companion: Option<FindingKey>,
    revision: u64,
    /// Whether its one finding is of a detector in shadow.
    is_shadow: bool,
    /// The highest severity by the findings.
    severity: Severity,
    /// The maintenance windows that lower it.
    maintenance: Maintenance,
    p: f64,
    /// The state as of the last revision.
    published: Published,
    /// The state as of the revision before that; `None` in the first revision.
    before: Option<Published>,
    /// When the finding that opened the incident began; after a merge, the earlier of both.
    starts_at: EventTime,
    parts: BTreeMap<FindingKey, Part>,
    /// The number of findings that were left out or removed because of [`FINDINGS_MAX`].
    findings_omitted: u64,
    /// When the last finding that warns was cleared; `None` while one fires.
    cleared_at: Option<EventTime>,
    /// The opening of the incident that absorbed this one.
    absorbed_by: Option<Box<Opening>>,
}

impl Incident {
    /// Opens an incident under the settings with this hash. Returns it with its first revision; `None` if the signal is
    /// cleared or does not warn.
    #[must_use]
    pub(super) fn open(signal: &Signal, config: &str, windows: &mut MaintenanceWindows) -> Option<(Self, Revision)> {
        if signal.severity < Severity::Warning || signal.change == Change::Cleared {
            return None;
        }
        let opening = Opening {
            subject: signal.subject.clone(),
            detector: signal.detector,
            record: signal.origin.record,
            at: signal.at,
            config: CompactString::new(config),
        };
        let (p, severity) = (signal.finding.p, signal.severity);
        let mut incident = Self {
            opening,
            companion: None,
            revision: 1,
            is_shadow: signal.is_shadow,
            severity,
            maintenance: Maintenance::new(signal.visible_at),
            p,
            published: Published { p, severity, at: signal.at, symbols: 0 },
            before: None,
            starts_at: signal.finding.starts_at,
            parts: BTreeMap::from([(finding_key(signal), Part::new(signal, None, 1))]),
            findings_omitted: 0,
            cleared_at: None,
            absorbed_by: None,
        };
        incident.judge_maintenance(windows, signal.visible_at);
        (incident.published.severity, incident.published.symbols) = (incident.severity(), incident.symbols());
        let revision = Revision {
            incident: incident.clone(),
            status: Status::Firing,
            at: signal.at,
            completed_at: signal.origin.appended_at,
        };
        Some((incident, revision))
    }

    /// Adds a further signal, which has the node `join_reason` in common with the incident. Returns a revision if there
    /// is something to publish.
    pub(super) fn add(
        &mut self,
        signal: &Signal,
        join_reason: Option<Node>,
        windows: &mut MaintenanceWindows,
    ) -> Option<Revision> {
        let has_new_detector = self.update_parts(signal, join_reason);
        self.update_totals();
        self.judge_maintenance(windows, signal.visible_at);
        self.amend(signal.at, signal.origin.appended_at, has_new_detector)
    }

    /// Absorbs another incident. Returns the last revision of the other one.
    pub(super) fn absorb(&mut self, other: Self, at: EventTime) -> Revision {
        let mut absorbed = other.clone();
        for (key, mut part) in other.parts {
            (part.published_in, part.joined_in) = (self.revision + 1, self.revision + 1);
            if let Some(known) = self.parts.get_mut(&key) {
                known.merge(part);
            } else if self.make_room() {
                self.parts.insert(key, part);
            } else {
                self.findings_omitted += 1;
            }
        }
        self.findings_omitted += other.findings_omitted;
        self.severity = self.severity.max(other.severity);
        self.starts_at = self.starts_at.min(other.starts_at);
        self.update_totals();
        absorbed.absorbed_by = Some(Box::new(self.opening.clone()));
        absorbed.withdraw(at)
    }

    /// Adds a signal to its part. Returns whether a detector warns that the incident did not have before. A further
    /// subject of a known detector is only noted, because twenty of them may come within a second.
    fn update_parts(&mut self, signal: &Signal, join_reason: Option<Node>) -> bool {
        let key = finding_key(signal);
        let is_known = self.parts.keys().any(|(detector, _)| *detector == signal.detector);
        let is_cleared = signal.change == Change::Cleared;
        let warns = signal.severity >= Severity::Warning;
        if let Some(part) = self.parts.get_mut(&key) {
            part.update(signal, self.revision + 1);
        } else if !is_cleared && self.make_room() {
            self.parts.insert(key, Part::new(signal, join_reason, self.revision + 1));
        } else {
            self.findings_omitted += u64::from(!is_cleared);
        }
        self.severity = self.severity.max(signal.severity);
        !is_known && warns
    }

    /// Makes room for another finding: beyond the limit, the weakest cleared finding is removed. Returns whether there is
    /// room.
    fn make_room(&mut self) -> bool {
        if self.parts.len() < FINDINGS_MAX {
            return true;
        }
        let cleared = self.parts.iter().filter(|(_, part)| !part.is_firing());
        let weakest = cleared.max_by(|a, b| a.1.finding.p.total_cmp(&b.1.finding.p)).map(|(key, _)| key.clone());
        let Some(weakest) = weakest else { return false };
        self.parts.remove(&weakest);
        self.findings_omitted += 1;
        true
    }

    /// Computes when the incident was cleared, its joint p-value and its severity from the parts that warn.
    fn update_totals(&mut self) {
        let warning = || self.parts.iter().filter(|(_, part)| part.warns());
        let last_cleared_at = warning().map(|(_, part)| part.cleared_at).max().flatten();
        self.cleared_at = last_cleared_at.filter(|_| warning().all(|(_, part)| !part.is_firing()));
        let mut least: BTreeMap<Detector, f64> = BTreeMap::new();
        for ((detector, _), part) in warning() {
            let p = least.entry(*detector).or_insert(1.0);
            *p = p.min(part.finding.p);
        }
        // ACAT clips what it combines; a single detector keeps its own p-value.
        let joint = if least.len() == 1 { least.values().next().copied() } else { acat(least.into_values()) };
        self.p = joint.unwrap_or(1.0);
        if self.agreement().is_some() {
            self.severity = Severity::Critical;
        }
    }

    /// Checks the incident against the maintenance windows of an instant.
    fn judge_maintenance(&mut self, windows: &mut MaintenanceWindows, at: EventTime) {
        self.maintenance.judge(windows, &self.parts, (self.cleared_at.is_none(), at));
    }

    /// The two findings that page together, if any do.
    #[must_use]
    pub fn agreement(&self) -> Option<Agreement> {
        agreement(self.parts.iter().filter(|(_, part)| part.warns()).map(|(key, part)| (key, &part.finding)))
    }

    /// Returns a revision if the incident is worse than last published: if its severity has risen, its joint p-value has
    /// fallen tenfold, a detector is new, or its symbols have doubled.
    fn amend(&mut self, at: EventTime, completed_at: Option<WallTime>, has_new_detector: bool) -> Option<Revision> {
        let is_more_severe = self.severity() > self.published.severity;
        let is_less_likely = self.p <= self.published.p * ESCALATION;
        let has_grown = self.symbols() >= GROWTH * self.published.symbols.max(1);
        let is_worse = is_more_severe || is_less_likely || has_new_detector || has_grown;
        is_worse.then(|| self.revise(Status::Amended, at, completed_at))
    }

    /// The number of symbols that the findings which warn are about.
    fn symbols(&self) -> usize {
        let warning = self.parts.iter().filter(|(_, part)| part.warns());
        let nodes =
            warning.flat_map(|((_, subject), part)| subject.nodes().into_iter().chain(part.finding.related.clone()));
        nodes.filter(|node| matches!(node, Node::Symbol(_))).collect::<BTreeSet<_>>().len()
    }

    fn revise(&mut self, status: Status, at: EventTime, completed_at: Option<WallTime>) -> Revision {
        self.revision += 1;
        let now = Published { p: self.p, severity: self.severity(), at, symbols: self.symbols() };
        self.before = Some(std::mem::replace(&mut self.published, now));
        self.find_companion();
        Revision { incident: self.clone(), status, at, completed_at }
    }

    /// Chooses the companion of the opening from the findings that warn, the strongest first. A finding of the whole market takes
    /// precedence, because the incident is then about the whole market.
    fn find_companion(&mut self) {
        let of_market = |(_, subject): &FindingKey| *subject == Subject::Market;
        let has_market = self.opening.subject == Subject::Market || self.companion.as_ref().is_some_and(of_market);
        let warning = || self.parts.iter().filter(|(key, part)| part.warns() && key.0 != self.opening.detector);
        let strongest = |market: bool| {
            let found = warning().filter(|(key, _)| !market || of_market(key));
            found.min_by(|a, b| a.1.finding.p.total_cmp(&b.1.finding.p)).map(|(key, _)| key.clone())
        };
        if let Some(market) = strongest(true).filter(|_| !has_market) {
            self.companion = Some(market);
        } else if self.companion.is_none() {
            self.companion = strongest(false);
        }
    }

    /// The highest severity so far; information in shadow, and where a maintenance window covers everything that the incident is
    /// about.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        if self.is_shadow || self.maintenance.is_in_force() { Severity::Info } else { self.severity }
    }

    /// The subject of the finding that opened the incident.
    #[must_use]
    pub const fn subject(&self) -> &Subject {
        &self.opening.subject
    }

    /// The opening of the incident that absorbed this one; `None` if none did.
    #[must_use]
    pub fn absorbed_by(&self) -> Option<&Opening> {
        self.absorbed_by.as_deref()
    }

    /// The finding that opened the incident.
    #[must_use]
    pub const fn opening(&self) -> &Opening {
        &self.opening
    }

    /// The finding that made more of the incident than its opening says: the first of another detector, or later one of the whole
    /// market; `None` while one detector alone warns.
    #[must_use]
    pub const fn companion(&self) -> Option<&FindingKey> {
        self.companion.as_ref()
    }

    /// The state as of the revision before this one; `None` in the first.
    #[must_use]
    pub const fn before(&self) -> Option<&Published> {
        self.before.as_ref()
    }

    /// The number of symbols as of this revision.
    #[must_use]
    pub const fn published_symbols(&self) -> usize {
        self.published.symbols
    }

    /// The number of the revision, from 1.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// The names of the maintenance windows that lower the severity; `None` outside of maintenance.
    #[must_use]
    pub fn maintenance(&self) -> Option<&str> {
        self.maintenance.names()
    }

    /// Whether the incident is that of a detector in shadow.
    #[must_use]
    pub const fn is_shadow(&self) -> bool {
        self.is_shadow
    }

    /// The joint p-value of the findings that warn.
    #[must_use]
    pub const fn p(&self) -> f64 {
        self.p
    }

    /// When the incident began to build.
    #[must_use]
    pub const fn starts_at(&self) -> EventTime {
        self.starts_at
    }

    /// When the incident was first detected.
    #[must_use]
    pub const fn detected_at(&self) -> EventTime {
        self.opening.at
    }

    /// When the last finding that warns was cleared, or when the incident was withdrawn; `None` while one fires.
    #[must_use]
    pub const fn cleared_at(&self) -> Option<EventTime> {
        self.cleared_at
    }

    /// The findings of each detector about each subject.
    #[must_use]
    pub const fn parts(&self) -> &BTreeMap<FindingKey, Part> {
        &self.parts
    }
}

#[cfg(test)]
mod tests;
