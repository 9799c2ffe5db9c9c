//! Alerts: the outward form of an incident, as CONTRACT pins it.
//!
//! The types say what is in an alert and `schema alerts` prints them; `render` fills them from an incident's revision. What
//! depends on the wall clock or on the build is added by the shell and is null in a replay, so that the same input gives
//! the same bytes. What has no source yet is null too.

mod line;
mod render;
mod words;

use schemars::JsonSchema;
use serde::Serialize;

pub use self::{
    line::SignalLine,
    render::{Context, hexadecimal, render},
};
use crate::{
    correlate::Status,
    detect::{Detector, Severity, Threshold, WarmUp},
    time::{EventTime, WallTime},
    trust::{Cause, Mode},
};

/// One revision of one incident.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Alert {
    /// The incident: a hash of configuration, subject, opening detectors and opening position.
    pub id: String,
    /// The same without configuration and position: what comes back looks the same.
    pub fingerprint: String,
    /// From 1, without gaps.
    pub revision: u64,
    /// Where the incident stands.
    pub status: Status,
    /// The highest so far; critical pages.
    pub severity: Severity,
    /// A few words.
    pub title: String,
    /// One plain sentence.
    pub summary: String,
    /// Since when it has been building, by the venue's clock.
    pub starts_at: EventTime,
    /// When it ended; null while it goes on.
    pub ends_at: Option<EventTime>,
    /// The incident that this one became a part of, where that is how it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<String>,
    /// When it was first detected, by the venue's clock.
    pub detected_at: EventTime,
    /// When this revision became due, by the venue's clock.
    pub revised_at: EventTime,
    /// When it was sent, by this machine's clock; null in a replay.
    pub emitted_at: Option<WallTime>,
    /// Where the time went; null in a replay.
    pub latency_ms: Option<Latency>,
    /// Who found it.
    pub detectors: Vec<Detector>,
    /// The symbols concerned; at most 64.
    pub symbols: Vec<String>,
    /// How many symbols there are, where the list was cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbols_total: Option<u64>,
    /// The accounts seen in the evidence; at most 20.
    pub accounts: Vec<String>,
    /// How many accounts there are, where the list was cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts_total: Option<u64>,
    /// The parties behind them; at most 20.
    pub owners: Vec<String>,
    /// The chance of this in quiet flow.
    pub p: f64,
    /// −log10 p.
    pub score: f64,
    /// The numbers behind it.
    pub features: Vec<Feature>,
    /// The strongest finding's statistic, in the threshold's unit. `p` is not its exponential: it is how often such a statistic comes
    /// in quiet flow.
    pub statistic: f64,
    /// What that had to reach.
    pub threshold: Threshold,
    /// Where to look.
    pub evidence: Evidence,
    /// What it may cost.
    pub impact: Impact,
    /// How far to trust it.
    pub trust: Trust,
    /// How to reproduce it.
    pub audit: Audit,
    /// What to do.
    pub action: Action,
}

/// Where the time from the completing event to the sending went, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Latency {
    /// From the event to its record.
    pub feed: Option<f64>,
    /// From the record to the engine.
    pub queue: Option<f64>,
    /// In the engine.
    pub engine: Option<f64>,
    /// Always null: unknown before the commit; the metric has it.
    pub delivery: Option<f64>,
}

/// One number beside what was usual.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Feature {
    /// Whose number it is.
    pub detector: Detector,
    /// And of what: `symbol:S1`, `account:a7`, `account:a7:symbol:S1`, `owner:o1`, `market`, `pipeline`.
    pub subject: String,
    /// What it counts.
    pub name: String,
    /// Over how long.
    pub window_ms: i64,
    /// What was seen.
    pub value: f64,
    /// What the baseline expects.
    pub expected: f64,
    /// The baseline's .05 quantile.
    pub low: f64,
    /// The baseline's .95 quantile.
    pub high: f64,
    /// Of value, expected, low and high.
    pub unit: String,
    /// −ln p over the incident's sum.
    pub share: f64,
    /// With less than this, all else equal, it stays quiet; null where that cannot be inverted, and where it is no more than a
    /// further number beside the one that fired.
    pub would_not_fire_below: Option<f64>,
}

/// Where to look.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Evidence {
    /// Order ids; at most 20.
    pub orders: Vec<String>,
    /// How many orders there are, where the list was cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orders_total: Option<u64>,
    /// Trade ids; at most 20.
    pub trades: Vec<String>,
    /// How many trades there are, where the list was cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trades_total: Option<u64>,
    /// What joined the findings of this incident, where there are several; at most 64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<Vec<Edge>>,
    /// The records in which it can be read.
    pub records: Vec<Records>,
    /// The command that shows it again.
    pub replay: String,
}

/// A finding of the incident, and what it has in common with those before it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Edge {
    /// Who found it.
    pub detector: Detector,
    /// About what, as `kind:name`.
    pub subject: String,
    /// Since when it has been building, by the venue's clock.
    pub starts_at: EventTime,
    /// How much it matters, alone.
    pub severity: Severity,
    /// Its chance in quiet flow.
    pub p: f64,
    /// What its detector measured, in the threshold's unit.
    pub statistic: f64,
    /// What that had to reach.
    pub threshold: Threshold,
    /// What joined it, as `kind:name`; null for what opened the incident.
    pub through: Option<String>,
}

/// Records of one partition or file, both ends included.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Records {
    /// The topic, or the file's path.
    pub topic: String,
    /// The partition; null for a file.
    pub partition: Option<i32>,
    /// The first offset, or line.
    pub from: u64,
    /// The last.
    pub to: u64,
}

/// What it may cost. Without a source yet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Impact {
    /// Notional that may be liquidated.
    pub notional_at_risk: Option<f64>,
    /// Prices in which positions are forced.
    pub band: Option<[f64; 2]>,
    /// The cascade number.
    pub cascade: Option<f64>,
    /// The forced-execution path.
    pub path: Option<String>,
}

/// How far to trust it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Trust {
    /// In which mode the service ran.
    pub mode: Mode,
    /// Why it was not normal.
    pub reasons: Vec<Cause>,
    /// How far the baselines behind it have come; the least of them.
    pub warm_up: WarmUp,
    /// How much of the baseline is another's.
    pub borrowed_share: f64,
}

/// How to reproduce it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Audit {
    /// Hash of the detection settings.
    pub config: String,
    /// Version; null in a replay.
    pub build: Option<String>,
    /// Its place in the audit log; null without one.
    pub chain: Option<String>,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Action {
    /// In one sentence.
    pub suggested: String,
    /// A page with more.
    pub runbook: Option<String>,
    /// A picture of it.
    pub dashboard: Option<String>,
    /// How to silence it.
    pub silence: Option<String>,
}
