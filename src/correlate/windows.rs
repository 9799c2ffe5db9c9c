//! The maintenance windows of a correlator: open incidents are checked against them again whenever one begins or ends.
//!
//! One timer serves all incidents, because a window begins or ends for all of them at once. It goes off after the signals of its
//! instant, as the other timers do.

use super::correlator::{Correlator, Step};
use crate::{calendar::MaintenanceWindows, time::EventTime};

impl Correlator {
    /// Uses these maintenance windows from now on. If they differ from those in force, open incidents are checked against them when
    /// the watermark next moves.
    pub fn follow_windows(&mut self, windows: &MaintenanceWindows) {
        if self.windows == *windows {
            return;
        }
        (self.windows, self.windows_change_at) = (windows.clone(), None);
        self.has_other_windows = !self.incidents.is_empty();
    }

    /// Checks every open incident against the windows, one of which begins or ends at this time.
    pub(super) fn change_windows(&mut self, at: EventTime, steps: &mut Vec<Step>) {
        let Self { incidents, windows, .. } = self;
        self.windows_change_at = if incidents.is_empty() { None } else { windows.changes_after(at) };
        let changed = incidents.iter().filter(|(_, incident)| incident.windows_changed(windows, at));
        let changed: Vec<u64> = changed.map(|(id, _)| *id).collect();
        for id in changed {
            let mut incident = self.remove(id);
            let revision = incident.change_windows(&mut self.windows, at);
            // Later than the timer where the service's own clock is ahead of the watermark.
            let revised_at = revision.as_ref().map_or(at, |revision| revision.at);
            steps.extend(revision.map(|revision| Step::revision(revision, revised_at)));
            self.insert(id, incident, revised_at);
        }
    }
}
