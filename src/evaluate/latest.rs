//! Alerts read back from a topic, reduced to the newest revision of each incident.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::IncidentView;
use crate::{detect::Severity, time::EventTime};

/// The fields of an alert that the score needs.
#[derive(Debug, Deserialize)]
pub struct ScoredAlert {
    id: String,
    revision: u64,
    starts_at: EventTime,
    ends_at: Option<EventTime>,
    detected_at: EventTime,
    symbols: Vec<String>,
    accounts: Vec<String>,
    detectors: Vec<String>,
    severity: Severity,
}

/// The newest revision of each incident, by incident.
#[derive(Debug, Default)]
pub struct LatestAlerts(BTreeMap<String, ScoredAlert>);

impl LatestAlerts {
    /// Adds an alert, unless a newer revision of its incident is already known.
    pub fn insert(&mut self, alert: ScoredAlert) {
        if self.0.get(&alert.id).is_none_or(|known| known.revision < alert.revision) {
            self.0.insert(alert.id.clone(), alert);
        }
    }

    /// Returns the incidents whose newest revision is a warning or worse.
    #[must_use]
    pub fn into_views(self) -> Vec<IncidentView> {
        self.0
            .into_values()
            .filter(|alert| alert.severity >= Severity::Warning)
            .map(|alert| IncidentView {
                detected_at: alert.detected_at,
                starts_at: alert.starts_at,
                ends_at: alert.ends_at,
                symbols: alert.symbols,
                accounts: alert.accounts,
                detectors: alert.detectors,
            })
            .collect()
    }
}
