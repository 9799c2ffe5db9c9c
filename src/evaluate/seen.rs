//! Alerts read back, revision by revision, as the score needs them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::IncidentView;
use crate::{detect::Severity, time::EventTime};

/// What the score reads of an alert.
#[derive(Debug, Deserialize)]
pub struct SeenAlert {
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

/// The newest revision of each incident.
#[derive(Debug, Default)]
pub struct Seen(BTreeMap<String, SeenAlert>);

impl Seen {
    /// Takes one alert.
    pub fn take(&mut self, alert: SeenAlert) {
        if self.0.get(&alert.id).is_none_or(|known| known.revision < alert.revision) {
            self.0.insert(alert.id.clone(), alert);
        }
    }

    /// The incidents that matter.
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
