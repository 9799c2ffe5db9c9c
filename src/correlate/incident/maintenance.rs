//! Changes of the configuration as an incident meets them: windows that begin and end, and detectors in another state.

use super::Incident;
use crate::{
    calendar::MaintenanceWindows,
    correlate::{incident::Revision, published::Status},
    detect::{DetectorState, DetectorStates},
    time::EventTime,
};

impl Incident {
    /// Whether other windows cover the incident at a time than did when it was last held against them.
    pub(in crate::correlate) fn windows_changed(&self, windows: &mut MaintenanceWindows, at: EventTime) -> bool {
        self.cleared_at.is_none() && self.maintenance.differs(windows, &self.parts, at)
    }

    /// Holds the incident against the windows after one of them has begun or ended, or others are in force. Returns a revision if
    /// the severity is another one than was published.
    pub(in crate::correlate) fn change_windows(
        &mut self,
        windows: &mut MaintenanceWindows,
        at: EventTime,
    ) -> Option<Revision> {
        self.judge_maintenance(windows, at);
        let revised_at = self.maintenance.judged_at();
        (self.severity() != self.published.severity).then(|| self.revise(Status::Amended, revised_at, None))
    }

    /// When a maintenance window next begins or ends after a time, and after the last one that was taken into account; `None`
    /// while the incident is calm.
    pub(in crate::correlate) fn windows_change_at(
        &self,
        windows: &mut MaintenanceWindows,
        at: EventTime,
    ) -> Option<EventTime> {
        if self.cleared_at.is_some() { None } else { self.maintenance.changes_at(windows, at) }
    }

    /// Ends the findings of detectors whose state is another one now than the incident is of: the signal that clears them goes
    /// elsewhere.
    pub(in crate::correlate) fn end_findings(&mut self, states: &DetectorStates, at: EventTime) {
        let own = if self.is_shadow { DetectorState::Shadow } else { DetectorState::On };
        for (_, part) in self.parts.iter_mut().filter(|((detector, _), _)| states.of(*detector) != own) {
            part.cleared_at.get_or_insert(at);
        }
        self.update_totals();
    }
}
