//! A notice: one revision of an alert as a notification needs it, read from a record of the alerts topic.

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::{
    alert::{History, PAST_UNKNOWN},
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
    /// News since the last revision; `None` in an alert of an older build.
    #[serde(default)]
    pub news: Option<String>,
    /// The incident with all that the summary has no room for; `None` in an alert of an older build.
    #[serde(default)]
    pub description: Option<String>,
    /// The same for each incident that opens in this way; `None` in an alert of another program.
    #[serde(default)]
    pub fingerprint: Option<String>,
    /// Since when it has been building, by the venue's clock.
    pub starts_at: EventTime,
    #[serde(default)]
    detected_at: Option<EventTime>,
    /// When it ended, by the venue's clock.
    #[serde(default)]
    pub ends_at: Option<EventTime>,
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

    /// When the incident was first detected, by the venue's clock, as far as the alert says.
    #[must_use]
    pub fn detected_at(&self) -> EventTime {
        self.detected_at.unwrap_or(self.starts_at)
    }

    /// The alert as it is in the topic, with what happened before.
    ///
    /// # Panics
    /// A notice whose payload was not kept ([`Notice::parse`]).
    #[must_use]
    pub fn payload_with(&self, history: Option<&History>) -> String {
        let payload = self.payload.as_deref().expect("with a webhook the reader keeps payloads");
        let Some(history) = history else { return payload.to_owned() };
        let raw = to_raw_value(history).expect("a history is JSON");
        let mut alert: BTreeMap<String, &RawValue> =
            serde_json::from_str(payload).expect("the notice was read from this object");
        alert.insert("history".to_owned(), &raw);
        // What was said of the null in its place no longer holds.
        let told = |text: &String| to_raw_value(&format!("{}\n{}", without_unknown_past(text), before(history))).ok();
        let description = self.description.as_ref().and_then(told);
        if let Some(description) = &description {
            alert.insert("description".to_owned(), description);
        }
        let known = alert.get("nulls").and_then(|nulls| {
            let mut nulls: BTreeMap<String, &RawValue> = serde_json::from_str(nulls.get()).ok()?;
            nulls.remove("history")?;
            to_raw_value(&nulls).ok()
        });
        if let Some(known) = &known {
            alert.insert("nulls".to_owned(), known);
        }
        serde_json::to_string(&alert).expect("raw values are JSON")
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

/// Says how often it happened before, when last, and how that ended.
pub fn before(history: &History) -> String {
    let Some(last_at) = history.last_at else { return "Not seen before within the look-back".to_owned() };
    let times = if history.times_before == 1 { "once".to_owned() } else { format!("{} times", history.times_before) };
    let ended = history.last_ended.map_or_else(|| "is still open".to_owned(), |at| format!("ended {at}"));
    format!("Seen {times} before within the look-back: the last was detected {last_at} and {ended}")
}

/// Returns a description without the words that the past is not known.
pub fn without_unknown_past(description: &str) -> String {
    description.replacen(&format!("; {PAST_UNKNOWN}"), "", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_with_its_history_is_the_same_to_the_last_digit() {
        let payload = r#"{"id":"a","revision":1,"status":"firing","severity":"warning","title":"t","summary":"\"history\":null",
            "description":"d; whether it happened before is not known here; what to do",
            "starts_at":5,"emitted_at":null,"detectors":[],"symbols":[],"accounts":[],"p":0.00004688802575859948,
            "history":null,"evidence":{"replay":"r"},"trust":{"mode":"normal"},"nulls":{"history":"not known","impact":"no"}}"#;
        let notice = Notice::parse(payload.as_bytes(), true).unwrap();
        assert_eq!(notice.payload_with(None), payload);
        let history = History { times_before: 0, last_at: None, last_ended: None, last_status: None };
        let sent = notice.payload_with(Some(&history));
        assert!(sent.contains(r#""p":0.00004688802575859948"#), "{sent}");
        let mut expected: serde_json::Value = serde_json::from_str(payload).unwrap();
        expected["history"] = serde_json::to_value(&history).unwrap();
        expected["nulls"] = serde_json::json!({"impact": "no"});
        expected["description"] = "d; what to do\nNot seen before within the look-back".into();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&sent).unwrap(), expected);
    }
}
