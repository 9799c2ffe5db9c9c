//! Maintenance: an incident that is all about symbols in a maintenance window has severity `info` at most, so it wakes nobody.
//!
//! The severity stays a function of the set of findings and of the windows at one instant: findings count as ever, and the window only
//! lowers what is published. That instant is the time of the newest signal, or of the newest beginning or end of a window; it stands
//! still while the incident is calm, so that one whose findings were all cleared within the window does not page at its end.

use std::collections::BTreeSet;

use super::Incident;
use crate::{
    calendar::{MaintenanceWindows, Reach},
    correlate::{Revision, Status},
    detect::Detector,
    time::EventTime,
};

impl Incident {
    /// Holds the incident against the maintenance windows of an instant.
    pub(super) fn judge_maintenance(&mut self, windows: &mut MaintenanceWindows, at: EventTime) {
        if self.cleared_at.is_none() {
            self.judged_at = self.judged_at.max(at);
        }
        let judged_at = self.judged_at;
        let covering = if windows.is_empty() { None } else { windows.covering(&self.reach(), judged_at) };
        self.maintenance = covering.map(Into::into);
    }

    /// Whether other windows cover the incident at a time than did when it was last held against them.
    pub(in crate::correlate) fn windows_changed(&self, windows: &mut MaintenanceWindows, at: EventTime) -> bool {
        let at = self.judged_at.max(at);
        self.cleared_at.is_none() && windows.covering(&self.reach(), at).as_deref() != self.maintenance.as_deref()
    }

    /// Holds the incident against the windows after one of them has begun or ended, or others are in force. Returns a revision if the
    /// severity is another one than was published.
    pub(in crate::correlate) fn change_windows(
        &mut self,
        windows: &mut MaintenanceWindows,
        at: EventTime,
    ) -> Option<Revision> {
        self.judge_maintenance(windows, at);
        (self.severity() != self.published_severity).then(|| self.revise(Status::Amended, self.judged_at, None))
    }

    /// When a maintenance window next begins or ends after a time, and after the last one that was taken into account; `None` while the
    /// incident is calm.
    pub(in crate::correlate) fn windows_change_at(
        &self,
        windows: &mut MaintenanceWindows,
        at: EventTime,
    ) -> Option<EventTime> {
        let is_followed = !windows.is_empty() && self.cleared_at.is_none();
        if is_followed { windows.changes_after(self.judged_at.max(at)) } else { None }
    }

    /// The names of the maintenance windows that lower the severity; `None` outside of maintenance.
    #[must_use]
    pub fn maintenance(&self) -> Option<&str> {
        self.maintenance.as_deref()
    }

    /// Whether the incident is that of a detector in shadow.
    #[must_use]
    pub const fn is_shadow(&self) -> bool {
        self.is_shadow
    }

    /// Ends the findings of some detectors, because their state has changed.
    pub(in crate::correlate) fn end_findings(&mut self, detectors: &BTreeSet<Detector>, at: EventTime) {
        for (_, part) in self.parts.iter_mut().filter(|((detector, _), _)| detectors.contains(detector)) {
            part.cleared_at.get_or_insert(at);
        }
        self.update_totals();
    }

    /// What the findings that warn are about.
    fn reach(&self) -> Reach<'_> {
        let warning = self.parts.iter().filter(|(_, part)| part.warns());
        let symbols: Option<Vec<_>> = warning.map(|((_, subject), part)| part.symbols(subject)).collect();
        // Without a finding that warns nothing says what the incident is about.
        symbols
            .filter(|parts| !parts.is_empty())
            .map_or(Reach::Everything, |parts| Reach::Symbols(parts.into_iter().flatten().collect()))
    }
}
