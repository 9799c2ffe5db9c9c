//! The effects of maintenance windows and of changed detector states on an incident.

use super::Incident;
use crate::{
    calendar::MaintenanceWindows,
    correlate::{incident::Revision, published::Status},
    detect::{DetectorState, DetectorStates},
    time::EventTime,
};

impl Incident {
    /// Whether the windows that cover the incident at a time differ from those of the last check.
    pub(in crate::correlate) fn windows_changed(&self, windows: &mut MaintenanceWindows, at: EventTime) -> bool {
        self.cleared_at.is_none() && self.maintenance.differs(windows, &self.parts, at)
    }

    /// Checks the incident against the windows after one of them has begun or ended, or after their settings changed. Returns a
    /// revision if the severity differs from the published one.
    pub(in crate::correlate) fn change_windows(
        &mut self,
        windows: &mut MaintenanceWindows,
        at: EventTime,
    ) -> Option<Revision> {
        self.judge_maintenance(windows, at);
        let revised_at = self.maintenance.judged_at();
        (self.severity() != self.published.severity).then(|| self.revise(Status::Amended, revised_at, None))
    }

    /// When a maintenance window next begins or ends, after a time and after the instant of the last check; `None` while the
    /// incident is calm.
    pub(in crate::correlate) fn windows_change_at(
        &self,
        windows: &mut MaintenanceWindows,
        at: EventTime,
    ) -> Option<EventTime> {
        if self.cleared_at.is_some() { None } else { self.maintenance.changes_at(windows, at) }
    }

    /// Ends the findings of detectors whose state no longer fits the incident, because the signals that clear them go to another
    /// incident.
    pub(in crate::correlate) fn end_findings(&mut self, states: &DetectorStates, at: EventTime) {
        let own = if self.is_shadow { DetectorState::Shadow } else { DetectorState::On };
        for (_, part) in self.parts.iter_mut().filter(|((detector, _), _)| states.of(*detector) != own) {
            part.cleared_at.get_or_insert(at);
        }
        self.update_totals();
    }
}
