//! The parts that an incident publishes of itself: its status, the finding that opened it, and its state as of a revision.

use compact_str::CompactString;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    detect::{Detector, Severity, Subject},
    event::RecordRef,
    time::EventTime,
};

/// The status of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The incident has just opened.
    Firing,
    /// The incident goes on, and is worse than last published, or a maintenance window has begun or ended.
    Amended,
    /// The incident is over.
    Resolved,
    /// The incident is no longer followed under this id: it became a part of another incident (`merged_into`), or newer
    /// ones needed its place.
    Withdrawn,
}

/// The finding that opened an incident. The incident's id and fingerprint are made from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// The subject of the finding.
    pub subject: Subject,
    /// The detector that found it.
    pub detector: Detector,
    /// The record that completed the finding.
    pub record: RecordRef,
    /// The event time at which it was found.
    pub at: EventTime,
    /// The hash of the settings of that time. Others may be in force when the incident ends, and its id stays.
    pub config: CompactString,
}

/// The state of an incident as one revision published it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Published {
    /// The joint p-value.
    pub p: f64,
    /// The severity.
    pub severity: Severity,
    /// The event time of the revision.
    pub at: EventTime,
    /// The number of symbols.
    pub symbols: usize,
}
