//! The end of an incident and the times that lead to it, and what it touches until then.

use super::{CALM, Incident, Revision};
use crate::{
    correlate::{
        part::{FindingKey, Part},
        published::Status,
    },
    detect::{Node, Severity, Subject},
    time::{EventTime, Span},
};

/// How long an incident may be open without a revision before it is published again. Readers of the alerts topic look back for
/// a week and Kafka keeps records for a week (both by default): several revisions of an open incident are always there.
const RESTATED_EVERY: Span = Span::from_secs(86_400);

impl Incident {
    /// Publishes the incident again as it is.
    pub(in crate::correlate) fn restate(&mut self, at: EventTime) -> Revision {
        self.revise(Status::Amended, at, None)
    }

    /// Ends the incident. Returns its last revision.
    #[must_use]
    pub(in crate::correlate) fn resolve(mut self, at: EventTime) -> Revision {
        self.revise(Status::Resolved, at, None)
    }

    /// Ends the incident although its findings may still fire. Returns its last revision.
    #[must_use]
    pub(in crate::correlate) fn withdraw(mut self, at: EventTime) -> Revision {
        self.cleared_at = Some(at);
        self.revise(Status::Withdrawn, at, None)
    }

    /// Returns when the incident is published again unless it is revised before.
    #[must_use]
    pub(in crate::correlate) const fn restates_at(&self) -> EventTime {
        self.published.at.plus(RESTATED_EVERY)
    }

    /// Returns when the incident ends unless a finding fires again; `None` while one fires.
    #[must_use]
    pub(in crate::correlate) fn closes_at(&self) -> Option<EventTime> {
        self.cleared_at.map(|at| at.plus(CALM))
    }

    /// Returns the nodes that the incident touches: those of the parts that warn and fire, or were cleared within the last
    /// minute. As long as there is such a part, an incident that pages touches the whole market, so that books that
    /// become thin elsewhere meanwhile join it (`super::thin_book_rate`).
    pub(in crate::correlate) fn nodes(&self, at: EventTime) -> impl Iterator<Item = Node> {
        let is_recent =
            move |part: &Part| part.warns() && part.cleared_at.is_none_or(|cleared| at.since(cleared) <= CALM);
        let recent = self.parts.iter().filter(move |(_, part)| is_recent(part));
        let pages = self.severity() == Severity::Critical
            && !matches!(self.opening.subject, Subject::Pipeline | Subject::Records);
        let market = pages.then_some(Node::Market).filter(|_| self.parts.values().any(is_recent));
        recent
            .flat_map(|((_, subject), part)| subject.nodes().into_iter().chain(part.finding.related.iter().cloned()))
            .chain(market)
    }

    /// Returns the keys of the findings that still fire.
    pub(in crate::correlate) fn firing(&self) -> impl Iterator<Item = &FindingKey> {
        self.parts.iter().filter(|(_, part)| part.is_firing()).map(|(key, _)| key)
    }
}
