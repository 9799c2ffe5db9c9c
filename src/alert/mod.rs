//! Alerts: the outward form of incidents, as CONTRACT pins it.
//!
//! The types here are the contract, and `schema alerts` prints them. [`render()`] fills them from a revision of an
//! incident, and `words` holds the sentences. Fields that depend on the wall clock or on the build are null in a
//! replay, so that the same input gives the same bytes; the running service fills them with its [`Stamp`]. Fields
//! without a source yet are null too. What a null or an empty list means is said beside it, in `nulls`.
//!
//! Inside, each part uses only those before it: `facts`, `context`, `identity`, `headline`, `words`, `pages`, `nulls`, `render`;
//! `stamp`, `line` and `links` stand beside them.

mod context;
mod facts;
mod headline;
mod identity;
mod line;
mod links;
mod nulls;
mod pages;
mod render;
mod stamp;
mod words;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

pub use self::{
    context::Context,
    facts::{
        BookSide, Breadth, Criterion, Flow, Headline, History, Level, PagesBecause, Party, Rule, SideTotal, Sweep,
        Trend, TrendState, WithdrawnSides,
    },
    identity::hexadecimal,
    line::SignalLine,
    links::Links,
    render::render,
    stamp::Stamp,
    words::PAST_UNKNOWN,
};
use crate::{
    correlate::Status,
    detect::{Detector, Severity, WarmUp},
    time::{EventTime, WallTime},
    trust::{Cause, Mode},
};

/// One revision of one incident.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Alert {
    /// Identifies the incident: a hash of the configuration and of the subject, detector and record that opened it.
    pub id: String,
    /// A hash of the opening subject and detector alone: the same for each incident that opens this way.
    pub fingerprint: String,
    /// The number of this revision, from 1, without gaps.
    pub revision: u64,
    /// The state of the incident.
    pub status: Status,
    /// The highest severity so far; critical pages. Information in shadow, and while a maintenance window covers the incident.
    pub severity: Severity,
    /// The name of the maintenance window that covers everything the incident is about, several with commas between; absent outside of
    /// maintenance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<String>,
    /// Whether its detector is in shadow: the incident stands by itself and wakes nobody. Absent where it is not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shadow: bool,
    /// The incident in a few words, at most 80 characters. The words stay the same unless the incident becomes another kind of
    /// thing: when a second detector, a further symbol or the whole market joins, or another finding makes it critical.
    pub title: String,
    /// The finding that the summary, `statistic` and `threshold` are about: the first one that pages, where one does, and else
    /// the strongest.
    pub headline: Headline,
    /// The incident in one plain sentence, at most 240 characters.
    pub summary: String,
    /// News since the last revision, in one sentence; null in the first.
    pub news: Option<String>,
    /// The incident with all that the summary has no room for; at most 1,000 characters.
    pub description: String,
    /// Since when the incident has been building, by the venue's clock.
    pub starts_at: EventTime,
    /// When the incident ended, by the venue's clock; null while it goes on.
    pub ends_at: Option<EventTime>,
    /// The id of the incident that this one became a part of; absent unless it ended this way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<String>,
    /// When the incident was first detected, by the venue's clock.
    pub detected_at: EventTime,
    /// When this revision became due, by the venue's clock.
    pub revised_at: EventTime,
    /// `starts_at` as RFC 3339, in UTC.
    pub starts_at_text: String,
    /// `ends_at` as RFC 3339, in UTC; null while the incident goes on.
    pub ends_at_text: Option<String>,
    /// `detected_at` as RFC 3339, in UTC.
    pub detected_at_text: String,
    /// `revised_at` as RFC 3339, in UTC.
    pub revised_at_text: String,
    /// When this revision was emitted, by this machine's clock; null in a replay.
    pub emitted_at: Option<WallTime>,
    /// The parts of the time until then; null in a replay.
    pub latency_ms: Option<Latency>,
    /// The detectors with findings in the incident, sorted by name.
    pub detectors: Vec<Detector>,
    /// The symbols concerned; at most 64.
    pub symbols: Vec<String>,
    /// The number of symbols; absent unless the list was cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbols_total: Option<u64>,
    /// The accounts concerned, with those in the evidence; at most 20.
    pub accounts: Vec<String>,
    /// The number of accounts; absent unless the list was cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts_total: Option<u64>,
    /// The owners concerned: the parties behind accounts; at most 20.
    pub owners: Vec<String>,
    /// The chance of such an incident in quiet flow.
    pub p: f64,
    /// −log10 of `p`.
    pub score: f64,
    /// The numbers behind the findings.
    pub features: Vec<Feature>,
    /// The statistic of the headline's finding, in the threshold's unit. `p` is not computed from it by a formula: `p`
    /// is how often such a statistic comes in quiet flow.
    pub statistic: f64,
    /// The level that this statistic had to reach for the severity that stands in it. In a critical alert that is nearly always the
    /// level of a warning; what makes it critical is in `pages_because`, with levels of its own.
    pub threshold: Level,
    /// Why the incident pages: each statistic that made it critical, beside its own level; null unless it is critical.
    pub pages_because: Option<PagesBecause>,
    /// Whether the incident gets worse.
    pub trend: Trend,
    /// How many symbols the incident concerns, of how many; null where it is about no symbol.
    pub breadth: Option<Breadth>,
    /// The market around the headline's finding, or else around the strongest one about one symbol; null without one.
    pub flow: Option<Flow>,
    /// The incidents before this one with the same fingerprint. Null in the alerts topic and in a replay, because only a reader of
    /// that topic knows them: webhooks are sent them.
    pub history: Option<History>,
    /// The orders, trades, parties and records to look at.
    pub evidence: Evidence,
    /// The possible cost of the incident.
    pub impact: Impact,
    /// How far to trust the alert.
    pub trust: Trust,
    /// How to reproduce the alert.
    pub audit: Audit,
    /// The action to take.
    pub action: Action,
    /// The meaning of each field above that is null or empty though a reader may ask for it, by the field's path: `not known`,
    /// `none`, `not configured` or `does not apply`, and why. Times of this machine, the build and addresses are left out: they are
    /// null in every replay, and where the configuration does not say them.
    pub nulls: BTreeMap<String, String>,
}

/// The time from the completing event to the sending, by stage, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Latency {
    /// From the event to the append of its record.
    pub feed: Option<f64>,
    /// From the append of the record to the engine.
    pub queue: Option<f64>,
    /// In the engine.
    pub engine: Option<f64>,
    /// Always null: unknown before the commit. The metric has it.
    pub delivery: Option<f64>,
}

impl Latency {
    /// The time before the delivery; `None` where no record completed the revision. A venue's clock that is ahead counts as 0.
    #[must_use]
    pub fn before_delivery(&self) -> Option<f64> {
        Some(self.feed?.max(0.0) + self.queue? + self.engine?)
    }
}

/// One number behind a finding, beside what was usual.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Feature {
    /// The detector that measured the number.
    pub detector: Detector,
    /// The subject that it was measured on: `symbol:S1`, `account:a7`, `account:a7:symbol:S1`, `owner:o1`,
    /// `owner:o1:symbol:S1`, `market`, `pipeline`.
    pub subject: String,
    /// The name of the number: the kind of thing that it counts.
    pub name: String,
    /// The length of the window that it was counted in.
    pub window_ms: i64,
    /// The number that was seen.
    pub value: f64,
    /// The number that the baseline expects.
    pub expected: f64,
    /// The baseline's .05 quantile.
    pub low: f64,
    /// The baseline's .95 quantile.
    pub high: f64,
    /// The unit of `value`, `expected`, `low` and `high`.
    pub unit: String,
    /// The Fano factor of the baseline's counts in windows of this length: their variance over their mean, 1 where events are
    /// independent. The more they cluster, the less unusual is the same count. Null where the number is no count.
    pub dispersion: Option<f64>,
    /// −ln of the number's own p-value, over the incident's sum of these.
    pub share: f64,
    /// The least value at which the detector would have fired, all else equal. Null where that cannot be inverted, and
    /// where the number only stands beside the one that fired.
    pub would_not_fire_below: Option<f64>,
}

/// The orders, trades, parties and records to look at.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Evidence {
    /// Order ids; at most 20.
    pub orders: Vec<String>,
    /// The number of orders; absent unless the list was cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orders_total: Option<u64>,
    /// Trade ids; at most 20.
    pub trades: Vec<String>,
    /// The number of trades; absent unless the list was cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trades_total: Option<u64>,
    /// The accounts with most of each burst's orders, and how many of them; at most 20.
    pub parties: Vec<Party>,
    /// The orders of each burst of cancels by side, with their worth; at most 20.
    pub withdrawn: Vec<WithdrawnSides>,
    /// The thinner side of the strongest finding of a thin book; null without one.
    pub thin_side: Option<BookSide>,
    /// The largest order that took in a burst of trades; null without one.
    pub sweep: Option<Sweep>,
    /// How the findings were joined into this incident; at most 64. Absent if there is only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<Vec<Edge>>,
    /// The records that show it.
    pub records: Vec<Records>,
    /// The command that shows it again.
    pub replay: String,
}

/// One finding of the incident, and what it has in common with the findings before it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Edge {
    /// The detector of the finding.
    pub detector: Detector,
    /// The subject of the finding, as `kind:name`.
    pub subject: String,
    /// Since when it has been building, by the venue's clock.
    pub starts_at: EventTime,
    /// The severity of this finding alone.
    pub severity: Severity,
    /// The chance of such a finding in quiet flow.
    pub p: f64,
    /// The number that its detector judged, in the threshold's unit.
    pub statistic: f64,
    /// The level that this statistic had to reach for the severity that stands in it.
    pub threshold: Level,
    /// The node that joined the finding to the incident, as `kind:name`; null for the finding that opened it.
    pub through: Option<String>,
}

/// A range of records of one partition or file, both ends included.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Records {
    /// The topic, or the file's path.
    pub topic: String,
    /// The partition; null for a file.
    pub partition: Option<i32>,
    /// The first offset, or line.
    pub from: u64,
    /// The last offset, or line.
    pub to: u64,
    /// The number of the partition's log, where the topic was made again since the service first read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
}

/// The possible cost of the incident. Nothing fills these fields yet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Impact {
    /// The notional that may be liquidated.
    pub notional_at_risk: Option<f64>,
    /// The prices between which positions are forced.
    pub band: Option<[f64; 2]>,
    /// The cascade number.
    pub cascade: Option<f64>,
    /// The path of forced executions.
    pub path: Option<String>,
}

/// How far to trust the alert.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Trust {
    /// The mode that the service ran in.
    pub mode: Mode,
    /// Why the mode was not normal.
    pub reasons: Vec<Cause>,
    /// How far the baselines behind the findings have come; the least of them.
    pub warm_up: WarmUp,
    /// The share of the strongest finding's baseline that was borrowed from others, from 0 to 1.
    pub borrowed_share: f64,
}

/// How to reproduce the alert.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Audit {
    /// The hash of the detection settings.
    pub config: String,
    /// The version of the program; null in a replay.
    pub build: Option<String>,
    /// The alert's place in the audit log; null without one.
    pub chain: Option<String>,
}

/// The action to take.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Action {
    /// The action in one sentence.
    pub suggested: String,
    /// The address of a page with more.
    pub runbook: Option<String>,
    /// The address of a dashboard that shows it.
    pub dashboard: Option<String>,
    /// The address of the incident on the product's page; absent where the configuration has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// How to silence the alert.
    pub silence: Option<String>,
}
