//! The parts of an incident: the findings that it holds, one for each detector and subject.

use std::collections::BTreeSet;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::{
    detect::{Change, Detector, Finding, FlowFacts, Node, Severity, Signal, Subject},
    time::EventTime,
};

/// The key of a part: the detector and the subject.
pub type FindingKey = (Detector, Subject);

/// Returns the key of the part that a signal belongs to.
pub(super) fn finding_key(signal: &Signal) -> FindingKey {
    (signal.detector, signal.subject.clone())
}

/// A detector's finding about a subject, as part of an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The strongest finding so far.
    pub finding: Finding,
    /// When the first finding began. A stronger one with a longer window reaches back into ordinary flow.
    pub starts_at: EventTime,
    /// The highest severity so far.
    pub severity: Severity,
    /// The first revision that publishes the part, or publishes it at this severity.
    pub published_in: u64,
    /// The first revision that publishes the part at all.
    pub joined_in: u64,
    /// The node that the part had in common with the incident when it joined; `None` for the first part.
    pub join_reason: Option<Node>,
    /// The market around the newest signal, where the part is about one symbol.
    pub flow: Option<Box<FlowFacts>>,
    /// When the part cleared; `None` while it fires.
    pub(super) cleared_at: Option<EventTime>,
}

impl Part {
    /// A part that begins with a signal and is first published in a revision.
    pub(super) fn new(signal: &Signal, join_reason: Option<Node>, published_in: u64) -> Self {
        let finding = signal.finding.clone();
        let (starts_at, severity) = (finding.starts_at, signal.severity);
        let joined_in = published_in;
        let flow = signal.flow.clone();
        Self { finding, starts_at, severity, published_in, joined_in, join_reason, flow, cleared_at: None }
    }

    /// Takes a further signal of the same detector and subject. `revision` is the one that will publish it.
    pub(super) fn update(&mut self, signal: &Signal, revision: u64) {
        if signal.severity >= Severity::Warning || self.severity < Severity::Warning {
            self.cleared_at = (signal.change == Change::Cleared).then_some(signal.at);
        }
        if signal.severity > self.severity {
            self.published_in = revision;
        }
        if signal.flow.is_some() {
            self.flow.clone_from(&signal.flow);
        }
        self.severity = self.severity.max(signal.severity);
        if is_stronger(&signal.finding, &self.finding) {
            let before = std::mem::replace(&mut self.finding, signal.finding.clone());
            self.keep_criteria(&before);
            // The part stays related to the market, even if that is no longer rare.
            self.finding.related.extend(before.related.into_iter().filter(|node| *node == Node::Market));
        } else {
            self.keep_criteria(&signal.finding);
        }
    }

    /// Keeps why another finding of the part was critical, unless the strongest one has its own reasons.
    fn keep_criteria(&mut self, other: &Finding) {
        if self.finding.evidence.critical.is_empty() {
            self.finding.evidence.critical.clone_from(&other.evidence.critical);
        }
    }

    /// Merges the part that another incident holds under the same key. The stronger finding stays, with the earliest
    /// start and the highest severity of both. The part fires if either of them does.
    pub(super) fn merge(&mut self, other: Self) {
        self.published_in = if other.severity > self.severity { other.published_in } else { self.published_in };
        self.starts_at = self.starts_at.min(other.starts_at);
        self.severity = self.severity.max(other.severity);
        self.cleared_at = self.cleared_at.zip(other.cleared_at).map(|(own, others)| own.max(others));
        if is_stronger(&other.finding, &self.finding) {
            let before = std::mem::replace(&mut self.finding, other.finding);
            self.join_reason = other.join_reason;
            self.keep_criteria(&before);
        } else {
            self.keep_criteria(&other.finding);
        }
    }

    /// The symbols that the part is about; `None` if it is about the whole market, a whole partition, or names no symbol.
    pub(super) fn symbols<'a>(&'a self, subject: &'a Subject) -> Option<BTreeSet<&'a str>> {
        let Finding { related, evidence, .. } = &self.finding;
        let related =
            related.iter().filter_map(|node| if let Node::Symbol(name) = node { Some(name.as_str()) } else { None });
        let symbols: BTreeSet<&str> = match subject {
            Subject::Symbol(_)
            | Subject::Account(_)
            | Subject::AccountSymbol(..)
            | Subject::Owner(_)
            | Subject::OwnerSymbol(..) => subject.symbol().into_iter().chain(related).collect(),
            Subject::Market => BTreeSet::new(),
            Subject::Pipeline | Subject::Records if evidence.is_wider => BTreeSet::new(),
            Subject::Pipeline | Subject::Records => evidence.symbols.iter().map(CompactString::as_str).collect(),
        };
        (!symbols.is_empty()).then_some(symbols)
    }

    /// Whether the part fires.
    pub(super) const fn is_firing(&self) -> bool {
        self.cleared_at.is_none()
    }

    /// Whether the part is severe enough to open an incident and to hold one open.
    #[must_use]
    pub fn warns(&self) -> bool {
        self.severity >= Severity::Warning
    }
}

/// Whether a finding takes the place of another one of its part: it is less likely, or as likely and calibrated where
/// the other is not. So the strongest of several does not depend on the order in which they came.
fn is_stronger(finding: &Finding, other: &Finding) -> bool {
    finding.p < other.p || (finding.p <= other.p && finding.is_calibrated() && !other.is_calibrated())
}
