//! `--diff`: whether a replay says what was recorded.
//!
//! What the wall clock and the build put into an alert is left out. Recorded alerts of the same source must agree in
//! everything else; those of another source (a file converted from the topic, say) cannot agree in positions and so not in
//! ids, and are compared without them.

use std::{collections::BTreeSet, path::Path};

use serde_json::Value;

use crate::app::{Exit, Failure, files::LineReader, progress};

/// How many differences are shown one by one.
const SHOWN_MAX: usize = 10;

/// The alerts that were recorded.
pub struct Recorded(Vec<Value>);

impl Recorded {
    /// Reads them from a file of JSON lines.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let mut reader = LineReader::open(&[path.to_path_buf()])?;
        let mut alerts = Vec::new();
        while let Some(line) = reader.next_line()? {
            let alert = serde_json::from_slice(line.bytes).map_err(|e| {
                let what = format!("`{}`, line {}: expected an alert in JSON: {e}", path.display(), line.number);
                Failure::new(Exit::Input, what)
            })?;
            alerts.push(alert);
        }
        Ok(Self(alerts))
    }

    /// Compares them with what came out now, one after the other, and shows the first differences.
    pub fn compare(self, now: &[Value]) -> Exit {
        let same_source = sources(&self.0) == sources(now);
        let strip = |alert: &Value| stripped(alert, same_source);
        let mut differences = 0_usize;
        for i in 0..self.0.len().max(now.len()) {
            let (then, now) = (self.0.get(i).map(strip), now.get(i).map(strip));
            if then == now {
                continue;
            }
            differences += 1;
            if differences <= SHOWN_MAX {
                progress::say(&format!("alert {}: {}", i + 1, words(then.as_ref(), now.as_ref())));
            }
        }
        if differences == 0 {
            return Exit::Done;
        }
        progress::say(&format!("diff: {differences} of {} alerts differ", self.0.len().max(now.len())));
        Exit::Differs
    }
}

/// Topics or files that the alerts' evidence names.
fn sources(alerts: &[Value]) -> BTreeSet<&str> {
    let records = alerts.iter().filter_map(|alert| alert.pointer("/evidence/records")?.as_array());
    records.flatten().filter_map(|range| range["topic"].as_str()).collect()
}

fn stripped(alert: &Value, same_source: bool) -> Value {
    let mut alert = alert.clone();
    let mut paths = vec!["/emitted_at", "/latency_ms", "/audit/build", "/audit/chain", "/evidence/replay"];
    if !same_source {
        paths.extend(["/id", "/evidence/records"]);
    }
    for path in paths {
        if let Some(value) = alert.pointer_mut(path) {
            *value = Value::Null;
        }
    }
    alert
}

fn words(then: Option<&Value>, now: Option<&Value>) -> String {
    match (then, now) {
        (Some(then), None) => format!("recorded, but not there now: {}", name(then)),
        (None, Some(now)) => format!("there now, but not recorded: {}", name(now)),
        (Some(Value::Object(then)), Some(Value::Object(now))) => {
            let fields: Vec<&str> =
                now.keys().filter(|key| then.get(*key) != now.get(*key)).map(String::as_str).collect();
            format!("differs in {}", fields.join(", "))
        }
        (_, _) => "differs".to_owned(),
    }
}

fn name(alert: &Value) -> String {
    let text = |key: &str| alert[key].as_str().unwrap_or("?").to_owned();
    format!("{} {} ({})", text("status"), text("title"), alert["revised_at"])
}
