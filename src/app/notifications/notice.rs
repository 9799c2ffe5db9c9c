//! A notice: one revision of an alert as a notification needs it, read from a record of the alerts topic.

use std::sync::Arc;

use serde::Deserialize;

use crate::{
    correlate::Status,
    detect::Severity,
    time::{EventTime, WallTime},
};

/// The name of an alert whose lists were cut, because its record was too large for the topic.
const NAMELESS: &str = "foreshock";

/// The fields of an alert that a notification needs.
#[derive(Clone, Debug, Deserialize)]
pub struct Notice {
    /// The incident.
    pub id: String,
    /// The number of the revision.
    pub revision: u64,
    /// The state of the incident.
    pub status: Status,
    /// The highest severity so far, as far as no maintenance window lowers it.
    pub severity: Severity,
    /// The incident in a few words.
    pub title: String,
    /// The incident in one sentence.
    pub summary: String,
    /// Since when it has been building, by the venue's clock.
    pub starts_at: EventTime,
    /// When the revision was emitted.
    pub emitted_at: Option<WallTime>,
    detectors: Vec<String>,
    /// The symbols, perhaps cut.
    pub symbols: Vec<String>,
    /// The number of symbols where the list was cut.
    pub symbols_total: Option<u64>,
    accounts: Vec<String>,
    accounts_total: Option<u64>,
    /// The chance of such an incident in quiet flow.
    pub p: f64,
    evidence: Evidence,
    trust: Trust,
    /// The addresses that it leads to.
    #[serde(default)]
    pub action: Action,
    /// The alert as it is in the topic, where a receiver takes it so.
    #[serde(skip)]
    pub payload: Option<Arc<str>>,
}

/// The part of an alert's evidence that a notification needs.
#[derive(Clone, Debug, Deserialize)]
struct Evidence {
    path: Option<Vec<Edge>>,
    replay: String,
}

/// The addresses of an alert; none in one of an older build.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Action {
    pub runbook: Option<String>,
    pub dashboard: Option<String>,
    pub page: Option<String>,
}

/// One finding of the incident's path; `through` is absent in the finding that opened it.
#[derive(Clone, Debug, Deserialize)]
struct Edge {
    detector: String,
    through: Option<String>,
}

/// The mode from an alert's statement of trust.
#[derive(Clone, Debug, Deserialize)]
struct Trust {
    mode: String,
}

impl Notice {
    /// Reads the payload of a record, and keeps it if it will be sent on.
    ///
    /// # Errors
    /// The first field that is missing or of another type.
    pub fn parse(payload: &[u8], is_kept: bool) -> Result<Self, serde_json::Error> {
        let notice: Self = serde_json::from_slice(payload)?;
        // What serde_json reads is UTF-8.
        Ok(Self { payload: is_kept.then(|| String::from_utf8_lossy(payload).into()), ..notice })
    }

    /// Whether the incident goes on.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        match self.status {
            Status::Firing | Status::Amended => true,
            Status::Resolved | Status::Withdrawn => false,
        }
    }

    /// Returns the detector that opened the incident, as far as this revision tells: the first one of its path, or its only one.
    #[must_use]
    pub fn opening_detector(&self) -> &str {
        let mut path = self.evidence.path.iter().flatten();
        let opening = path.find(|edge| edge.through.is_none()).map(|edge| &edge.detector);
        opening.or_else(|| self.detectors.first()).map_or(NAMELESS, String::as_str)
    }

    /// The number of accounts.
    #[must_use]
    pub fn accounts_total(&self) -> u64 {
        self.accounts_total.unwrap_or(self.accounts.len() as u64)
    }

    /// The mode that the service ran in.
    #[must_use]
    pub fn mode(&self) -> &str {
        &self.trust.mode
    }

    /// The command that shows the alert again.
    #[must_use]
    pub fn replay(&self) -> &str {
        &self.evidence.replay
    }
}
