//! `foreshock replay` of a topic: its alerts and its totals.

use std::fs;

use serde::Deserialize;
use serde_json::Value;

use super::command::foreshock;
use super::topic::Topic;

/// The results of a replay.
#[derive(Debug)]
pub struct Replay {
    pub alerts: Vec<Value>,
    pub totals: Totals,
}

/// Totals in the last line of standard output, as far as they are compared.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Totals {
    pub records: u64,
    pub accepted: u64,
    pub rejected: u64,
    pub late: u64,
    pub duplicate: u64,
    pub shed: u64,
    pub incidents: u64,
    pub alerts: u64,
}

impl Totals {
    /// The sum of the five fates.
    pub fn fates(&self) -> u64 {
        self.accepted + self.rejected + self.late + self.duplicate + self.shed
    }
}

impl Replay {
    /// Replays a topic from its beginning to its end, with the recorded inputs of a service in the topic `inputs`.
    pub fn of(bootstrap: &str, topic: &Topic, inputs: &str) -> Self {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let file = dir.path().join("alerts.jsonl");
        let output = foreshock()
            .args(["replay", "--kafka", bootstrap, "--topic", &topic.name, "--inputs", inputs, "--alerts"])
            .arg(&file)
            .output()
            .unwrap();
        assert!(output.status.success(), "replay: {output:?}");
        let stdout = String::from_utf8(output.stdout).unwrap();
        let totals = serde_json::from_str(stdout.lines().last().expect("a last line")).unwrap();
        let lines = fs::read_to_string(&file).unwrap();
        Self { alerts: lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), totals }
    }
}
