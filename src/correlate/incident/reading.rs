//! The parts of an incident that alerts, metrics and tests read.

use std::collections::BTreeMap;

use super::Incident;
use crate::{
    correlate::{
        part::{FindingKey, Part},
        published::{Opening, Published},
    },
    detect::Subject,
    time::EventTime,
};

impl Incident {
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
