//! Maintenance: the windows that cover everything that an incident is about lower its severity, so that it wakes nobody.
//!
//! The severity stays a function of the set of findings and of the windows at one instant: findings count as ever, and the windows
//! only lower what is published. That instant is the time of the newest signal, or of the newest beginning or end of a window; it
//! stands still while the incident is calm, so that one whose findings were all cleared within a window does not page at its end.

use std::collections::BTreeMap;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::part::{FindingKey, Part};
use crate::{
    calendar::{MaintenanceWindows, Reach},
    time::EventTime,
};

/// The windows that cover an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Maintenance {
    /// The names of the windows; `None` outside of maintenance.
    names: Option<CompactString>,
    /// The instant at which the incident was last checked against the windows.
    judged_at: EventTime,
}

impl Maintenance {
    /// No maintenance, as of an instant.
    pub(super) const fn new(at: EventTime) -> Self {
        Self { names: None, judged_at: at }
    }

    /// Checks the findings of an incident against the windows, at this time if the incident fires.
    pub(super) fn judge(
        &mut self,
        windows: &mut MaintenanceWindows,
        parts: &BTreeMap<FindingKey, Part>,
        (fires, at): (bool, EventTime),
    ) {
        if fires {
            self.judged_at = self.judged_at.max(at);
        }
        let covering = if windows.is_empty() { None } else { windows.covering(&reach(parts), self.judged_at) };
        self.names = covering.map(CompactString::from);
    }

    /// Whether the windows that cover the findings of a firing incident at a time differ from those of the last check.
    pub(super) fn differs(
        &self,
        windows: &mut MaintenanceWindows,
        parts: &BTreeMap<FindingKey, Part>,
        at: EventTime,
    ) -> bool {
        windows.covering(&reach(parts), self.judged_at.max(at)).as_deref() != self.names()
    }

    /// When a window next begins or ends, after a time and after the instant of the last check.
    pub(super) fn changes_at(&self, windows: &mut MaintenanceWindows, at: EventTime) -> Option<EventTime> {
        if windows.is_empty() { None } else { windows.changes_after(self.judged_at.max(at)) }
    }

    /// The names of the windows; `None` outside of maintenance.
    pub(super) fn names(&self) -> Option<&str> {
        self.names.as_deref()
    }

    /// Whether windows cover the incident.
    pub(super) const fn is_in_force(&self) -> bool {
        self.names.is_some()
    }

    /// The instant at which the incident was last checked against the windows.
    pub(super) const fn judged_at(&self) -> EventTime {
        self.judged_at
    }
}

/// The extent of what the findings that warn are about.
fn reach(parts: &BTreeMap<FindingKey, Part>) -> Reach<'_> {
    let warning = parts.iter().filter(|(_, part)| part.warns());
    let symbols: Option<Vec<_>> = warning.map(|((_, subject), part)| part.symbols(subject)).collect();
    // Without a finding that warns nothing says what the incident is about.
    symbols
        .filter(|parts| !parts.is_empty())
        .map_or(Reach::Everything, |parts| Reach::Symbols(parts.into_iter().flatten().collect()))
}
