//! The alerts that the notifications raise themselves, without an incident: `Storm` and `Watchdog`.

use std::{collections::BTreeSet, sync::Arc};

use super::notice::Notice;
use crate::{app::kafka::life_sign::YOUNG_FOR, detect::Severity, time::WallTime};

/// How many incidents a storm describes; its symbols are those of all.
const DESCRIBED_MAX: usize = 5;
/// Names of the two alerts (CONTRACT, "Alertmanager").
const STORM: &str = "Storm";
const WATCHDOG: &str = "Watchdog";

/// An alert of the notifications themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnAlert {
    /// The label `alertname`.
    pub name: &'static str,
    pub severity: Severity,
    /// One sentence.
    pub summary: String,
    /// A few words.
    pub description: String,
    /// All symbols that are named.
    pub symbols: Vec<String>,
    pub since: WallTime,
    /// When it ended; `None` while it fires.
    pub ended_at: Option<WallTime>,
    /// A number that changes with the content of the alert.
    pub version: u64,
}

/// Makes the alert that stands for critical incidents which are held back; `open` are those that are open, the strongest first.
#[must_use]
pub fn storm(
    open: &[Arc<Notice>],
    per_hour: usize,
    since: WallTime,
    ended_at: Option<WallTime>,
    version: u64,
) -> OwnAlert {
    let described: Vec<&str> = open.iter().take(DESCRIBED_MAX).map(|notice| notice.title.as_str()).collect();
    let more = open.len().saturating_sub(DESCRIBED_MAX);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let symbols: BTreeSet<&String> = open.iter().flat_map(|notice| &notice.symbols).collect();
    let count = open.len();
    let summary = if count == 0 {
        "Every critical incident that was held back has ended.".to_owned()
    } else {
        format!(
            "{count} critical incidents are open that did not page by themselves, because {per_hour} had within an hour. \
             The strongest first: {}{more}.",
            described.join("; ")
        )
    };
    OwnAlert {
        name: STORM,
        severity: Severity::Critical,
        summary,
        description: format!("A storm: {count} more critical incidents"),
        symbols: symbols.into_iter().cloned().collect(),
        since,
        ended_at,
        version,
    }
}

/// Signs of life of processes at work.
#[derive(Clone, Copy, Debug)]
pub struct Life {
    /// Since when signs have followed each other, and the newest.
    signs: Option<(WallTime, WallTime)>,
}

impl Life {
    /// Makes the state before the first sign.
    #[must_use]
    pub const fn none() -> Self {
        Self { signs: None }
    }

    /// Takes a sign that was written at this time.
    pub fn observe(&mut self, at: WallTime) {
        self.signs = Some(match self.signs {
            Some((since, newest)) if at.since(newest) < YOUNG_FOR => (since, newest.max(at)),
            Some(_) | None => (at, at),
        });
    }

    /// Returns the alert that fires while some process is at work, so that another system can notice its absence.
    #[must_use]
    pub fn watchdog(self, now: WallTime) -> Option<OwnAlert> {
        let (since, newest) = self.signs?;
        let is_young = now.since(newest) < YOUNG_FOR;
        let until = newest.plus(YOUNG_FOR);
        Some(OwnAlert {
            name: WATCHDOG,
            severity: Severity::Info,
            summary: "A Foreshock is at work. This alert always fires: be told by someone else when it does not."
                .to_owned(),
            description: "Foreshock is at work".to_owned(),
            symbols: Vec::new(),
            since,
            ended_at: (!is_young).then_some(until),
            version: 0,
        })
    }
}
