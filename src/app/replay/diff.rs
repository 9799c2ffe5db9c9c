//! `--diff`: compares the alerts of a replay with recorded ones, revision by revision.
//!
//! A revision is found by its incident's id and its number, so the order of lines does not matter. Fields that depend on the wall
//! clock or on the build are ignored. Ids and positions are comparable only between runs over the same source (the same topics
//! or files) with the same detection settings. In any other case, such as a file converted from the topic, an incident is found
//! by its fingerprint and the time of its first detection, and ids and positions are ignored.
//!
//! Memory holds the recorded alerts, and those of the replay's alerts that differ.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde_json::Value;

use crate::{
    alert::Context,
    app::{Exit, Failure, files::LineReader, progress},
};

/// How many differences are reported one by one; the rest are only counted.
const REPORTED_MAX: usize = 10;
/// How many names of differing fields are reported for one revision.
const FIELDS_MAX: usize = 8;
/// Fields that depend on the wall clock, on the build, on how the replay was called, or on what was read before.
const CIRCUMSTANCES: [&str; 10] = [
    "/history",
    "/emitted_at",
    "/latency_ms",
    "/audit/build",
    "/audit/chain",
    "/evidence/replay",
    "/action/runbook",
    "/action/dashboard",
    "/action/page",
    "/action/silence",
];
/// Fields that depend on where the records lie.
const POSITIONS: [&str; 3] = ["/id", "/merged_into", "/evidence/records"];

/// The alerts of a recorded file.
pub struct RecordedAlerts(Vec<Value>);

impl RecordedAlerts {
    /// Reads a file of alerts, one JSON object a line.
    ///
    /// # Errors
    /// Exit 65 where the file cannot be read, or a line is no alert.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let mut reader = LineReader::open(&[path.to_path_buf()])?;
        let mut alerts = Vec::new();
        while let Some(line) = reader.next_line()? {
            alerts.push(alert(line.bytes).map_err(|why| {
                let at = format!("`{}`, line {}", path.display(), line.number);
                Failure::new(Exit::Input, format!("{at}: expected an alert as `--alerts` writes it: {why}"))
            })?);
        }
        Ok(Self(alerts))
    }

    /// Returns the topics or files that the alerts' evidence names.
    fn sources(&self) -> BTreeSet<&str> {
        let records = self.0.iter().filter_map(|alert| alert.pointer("/evidence/records")?.as_array());
        records.flatten().filter_map(|range| range["topic"].as_str()).collect()
    }
}

/// Reads one line. A line that is no alert, such as an event or a label, is refused.
fn alert(line: &[u8]) -> Result<Value, String> {
    let alert: Value = serde_json::from_slice(line).map_err(|e| e.to_string())?;
    for field in ["id", "fingerprint", "status"] {
        if !alert[field].is_string() {
            return Err(format!("it has no text `{field}`"));
        }
    }
    for field in ["revision", "detected_at"] {
        if !alert[field].is_i64() {
            return Err(format!("it has no whole number `{field}`"));
        }
    }
    Ok(alert)
}

/// One revision of one incident.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Revision {
    incident: String,
    number: i64,
}

/// Alerts by revision. One revision has several only where ids are left out and two incidents look alike, or where a recording
/// repeats it.
type Alerts = BTreeMap<Revision, Vec<Value>>;

/// Compares a replay's alerts with recorded ones as they come out.
pub struct Comparison {
    /// Whether ids and positions are comparable.
    same_source: bool,
    /// Recorded alerts that no alert of the replay has equalled yet.
    recorded: Alerts,
    /// Alerts of the replay that equal no recorded one.
    unmatched: Alerts,
    /// How many alerts the replay has published.
    taken: usize,
}

impl Comparison {
    /// Begins a comparison with the alerts that an engine of this context will publish. `configs` are the hashes of all settings that
    /// it will have.
    pub fn new(recorded: RecordedAlerts, context: &Context, configs: &BTreeSet<String>) -> Self {
        let sources = recorded.sources();
        let config = |alert: &Value| alert.pointer("/audit/config").and_then(Value::as_str).map(ToOwned::to_owned);
        let same_settings = |alert: &Value| config(alert).is_some_and(|config| configs.contains(&config));
        let same_source = context.sources.iter().any(|source| sources.contains(source.name.as_str()))
            && recorded.0.iter().all(same_settings);
        let mut comparison = Self { same_source, recorded: Alerts::new(), unmatched: Alerts::new(), taken: 0 };
        for alert in recorded.0 {
            let revision = comparison.revision(&alert);
            let alert = comparison.stripped(alert);
            comparison.recorded.entry(revision).or_default().push(alert);
        }
        comparison
    }

    /// Compares the replay's next alert.
    pub fn take(&mut self, alert: Value) {
        self.taken += 1;
        let revision = self.revision(&alert);
        let alert = self.stripped(alert);
        let recorded = self.recorded.entry(revision.clone()).or_default();
        if let Some(i) = recorded.iter().position(|other| *other == alert) {
            recorded.remove(i);
        } else {
            self.unmatched.entry(revision).or_default().push(alert);
        }
    }

    /// Reports the first differences and how many there are of each kind.
    pub fn finish(mut self) -> Exit {
        let mut differences = Vec::new();
        let (mut changed, mut missing, mut added) = (0, 0, 0);
        let revisions: BTreeSet<Revision> = self.recorded.keys().chain(self.unmatched.keys()).cloned().collect();
        for revision in revisions {
            let mut recorded = self.recorded.remove(&revision).unwrap_or_default().into_iter();
            let mut now = self.unmatched.remove(&revision).unwrap_or_default().into_iter();
            loop {
                let (alert, what) = match (recorded.next(), now.next()) {
                    (Some(recorded), Some(now)) => {
                        changed += 1;
                        let fields = differing(&recorded, &now);
                        (now, format!("differs in {fields}"))
                    }
                    (Some(recorded), None) => {
                        missing += 1;
                        (recorded, "is recorded, but the replay does not put it out".to_owned())
                    }
                    (None, Some(now)) => {
                        added += 1;
                        (now, "is published by the replay, but not recorded".to_owned())
                    }
                    (None, None) => break,
                };
                differences.push((alert["revised_at"].as_i64(), format!("diff: {} {what}", name(&revision, &alert))));
            }
        }
        differences.sort();
        for (_, line) in differences.iter().take(REPORTED_MAX) {
            progress::print_line(line);
        }
        if !self.same_source {
            progress::print_line(
                "diff: another source or other detection settings: compared without ids and positions",
            );
        }
        if differences.is_empty() {
            progress::print_line(&format!("diff: all {} alerts agree", self.taken));
            return Exit::Done;
        }
        progress::print_line(&format!(
            "diff: differing revisions: {} ({changed} with other values, {missing} missing, {added} not recorded)",
            differences.len()
        ));
        Exit::Differs
    }

    fn revision(&self, alert: &Value) -> Revision {
        let text = |field: &str| alert[field].as_str().unwrap_or_default();
        let incident = if self.same_source {
            text("id").to_owned()
        } else {
            format!("{} at {}", text("fingerprint"), alert["detected_at"])
        };
        Revision { incident, number: alert["revision"].as_i64().unwrap_or_default() }
    }

    /// Returns the alert without the fields that are not compared.
    fn stripped(&self, mut alert: Value) -> Value {
        let positions = if self.same_source { &[][..] } else { &POSITIONS };
        for path in CIRCUMSTANCES.iter().chain(positions) {
            if let Some(value) = alert.pointer_mut(path) {
                *value = Value::Null;
            }
        }
        alert
    }
}

/// Names an alert for a person.
fn name(revision: &Revision, alert: &Value) -> String {
    let text = |field: &str| alert[field].as_str().unwrap_or("?");
    let Revision { incident, number } = revision;
    format!("revision {number} of {incident} ({}: {})", text("status"), text("title"))
}

/// Lists the fields in which two alerts differ, up to [`FIELDS_MAX`] of them.
fn differing(recorded: &Value, now: &Value) -> String {
    let mut fields = Vec::new();
    compare("", recorded, now, &mut fields);
    let more = fields.len().saturating_sub(FIELDS_MAX);
    fields.truncate(FIELDS_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", fields.join(", "))
}

/// Adds the paths of differing fields: those of nested objects one by one, a list as a whole.
fn compare(path: &str, recorded: &Value, now: &Value, fields: &mut Vec<String>) {
    if recorded == now {
        return;
    }
    let (Value::Object(recorded), Value::Object(now)) = (recorded, now) else {
        fields.push(path.to_owned());
        return;
    };
    let keys: BTreeSet<&String> = recorded.keys().chain(now.keys()).collect();
    for key in keys {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        compare(&path, recorded.get(key).unwrap_or(&Value::Null), now.get(key).unwrap_or(&Value::Null), fields);
    }
}
