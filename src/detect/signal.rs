//! A signal: one detector's finding about one subject, with what a person needs to check it.

use compact_str::CompactString;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Change, Detector};
use crate::{
    event::{Place, RecordRange},
    time::{EventTime, Span, WallTime},
    trust::Cause,
};

/// How much it matters. Critical pages; warning makes a ticket; information is kept and not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Kept for whoever looks.
    Info,
    /// Somebody should look today.
    Warning,
    /// Somebody should look now.
    Critical,
}

impl Severity {
    /// Every severity with its name.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Info, "info"), (Self::Warning, "warning"), (Self::Critical, "critical")];

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// What a finding is about. Ordered by name, never by an internal number, so that the order is the same in every process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Subject {
    /// One symbol.
    Symbol(CompactString),
    /// One account, over all symbols.
    Account(CompactString),
    /// One account on one symbol.
    AccountSymbol(CompactString, CompactString),
    /// One owner, over all accounts and symbols.
    Owner(CompactString),
    /// One owner on one symbol.
    OwnerSymbol(CompactString, CompactString),
    /// All symbols together.
    Market,
    /// The service's own input.
    Pipeline,
}

impl Subject {
    /// The symbol that it is about, if it is about one.
    #[must_use]
    pub fn symbol(&self) -> Option<&str> {
        match self {
            Self::Symbol(symbol) | Self::AccountSymbol(_, symbol) | Self::OwnerSymbol(_, symbol) => Some(symbol),
            Self::Account(_) | Self::Owner(_) | Self::Market | Self::Pipeline => None,
        }
    }

    /// What it touches by itself.
    #[must_use]
    pub fn nodes(&self) -> Vec<Node> {
        match self {
            Self::Symbol(name) => vec![Node::Symbol(name.clone())],
            Self::Account(name) => vec![Node::Account(name.clone())],
            Self::Owner(name) => vec![Node::Owner(name.clone())],
            Self::AccountSymbol(account, symbol) => vec![Node::Account(account.clone()), Node::Symbol(symbol.clone())],
            Self::OwnerSymbol(owner, symbol) => vec![Node::Owner(owner.clone()), Node::Symbol(symbol.clone())],
            Self::Market => vec![Node::Market],
            Self::Pipeline => vec![Node::Pipeline],
        }
    }
}

/// What findings can have in common: findings that touch the same are about one thing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Node {
    /// An account.
    Account(CompactString),
    /// An owner of accounts.
    Owner(CompactString),
    /// A symbol.
    Symbol(CompactString),
    /// All symbols together.
    Market,
    /// The service's own input.
    Pipeline,
}

/// How far a detector's baseline has come for this subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WarmUp {
    /// Under 15 minutes: only what is far beyond any doubt is reported.
    Learning,
    /// Fixed thresholds, stricter than usual, until the subject's own are known.
    Provisional,
    /// The subject's own thresholds are in force.
    Done,
}

/// The level that a statistic had to reach.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Threshold {
    /// In `unit`.
    pub value: f64,
    /// The unit of the statistic.
    #[schemars(with = "String")]
    pub unit: Unit,
    /// Where the value comes from: `default` (fixed, before self-calibration), `calibrated` (the subject's own tail) or
    /// `floor` (self-calibrated, but held up by the least allowed).
    #[schemars(with = "String")]
    pub source: ThresholdSource,
}

/// What a number is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Natural logarithm of a chance.
    Nats,
    /// A count of events.
    Events,
    /// A length of time.
    Seconds,
    /// A count of gaps in sequences.
    Gaps,
    /// Notional, counted in the symbol's median trades.
    MedianTrades,
    /// Notional in the quote currency.
    Notional,
    /// A part of a whole, from 0 to 1.
    Share,
    /// So many times something.
    Times,
    /// Standard deviations.
    Deviations,
}

/// Where a threshold comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdSource {
    /// Fixed, before self-calibration.
    Default,
    /// The subject's own tail.
    Calibrated,
    /// Self-calibrated, but held up by the least allowed.
    Floor,
}

/// What a feature counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// Withdrawals in a window.
    Cancels,
    /// Withdrawals since the CUSUM left zero.
    SustainedCancels,
    /// Trades in a window.
    Trades,
    /// Trades since the CUSUM left zero.
    SustainedTrades,
    /// What was traded in a window.
    TradedNotional,
    /// What was traded since the CUSUM left zero.
    SustainedNotional,
    /// What rests within the band of this index, on the thinner side.
    Depth(u8),
    /// The same a second later, against the second before.
    DepthChange(u8),
    /// How long one side has been empty.
    EmptySide,
    /// Trades since the book last changed.
    TradesUnseen,
    /// The share of symbols whose books are thin.
    ThinSymbols,
    /// The share of active symbols that trade far faster than usual.
    BurstingSymbols,
    /// Notional over equity.
    Leverage,
    /// By how much the account itself has multiplied it, of late.
    LeverageByIntent,
    /// By how much the marks have.
    LeverageByMarks,
    /// How far equity is below zero.
    Deficit,
    /// How much is wrong with the input.
    Trouble(Cause),
}

impl Unit {
    /// The name in alerts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nats => "nats",
            Self::Events => "events",
            Self::Seconds => "seconds",
            Self::Gaps => "gaps",
            Self::MedianTrades => "median_trades",
            Self::Notional => "notional",
            Self::Share => "share",
            Self::Times => "times",
            Self::Deviations => "deviations",
        }
    }
}

/// The bands of [`crate::book::BANDS_BPS`], by name.
const DEPTH: [&str; 5] = ["depth_5_bps", "depth_10_bps", "depth_25_bps", "depth_50_bps", "depth_100_bps"];
const DEPTH_CHANGE: [&str; 5] = [
    "depth_5_bps_after_1_s",
    "depth_10_bps_after_1_s",
    "depth_25_bps_after_1_s",
    "depth_50_bps_after_1_s",
    "depth_100_bps_after_1_s",
];

impl Counted {
    /// The name in alerts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cancels => "cancels",
            Self::SustainedCancels => "sustained_cancels",
            Self::Trades => "trades",
            Self::SustainedTrades => "sustained_trades",
            Self::TradedNotional => "traded_notional",
            Self::SustainedNotional => "sustained_notional",
            Self::Depth(band) => DEPTH[band as usize % DEPTH.len()],
            Self::DepthChange(band) => DEPTH_CHANGE[band as usize % DEPTH.len()],
            Self::EmptySide => "empty_side",
            Self::TradesUnseen => "trades_unseen",
            Self::ThinSymbols => "thin_symbols",
            Self::BurstingSymbols => "bursting_symbols",
            Self::Leverage => "leverage",
            Self::LeverageByIntent => "leverage_by_intent",
            Self::LeverageByMarks => "leverage_by_marks",
            Self::Deficit => "deficit",
            Self::Trouble(cause) => cause.name(),
        }
    }
}

/// One number that made the finding, beside what was usual.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// What it counts.
    pub name: Counted,
    /// Over how long.
    pub window: Span,
    /// What was seen.
    pub value: f64,
    /// What the baseline expects.
    pub expected: f64,
    /// The baseline's .05 quantile.
    pub low: f64,
    /// The baseline's .95 quantile.
    pub high: f64,
    /// Of value, expected, low and high.
    pub unit: Unit,
    /// The p-value of this number alone.
    pub p: f64,
    /// The least value at which it would have fired, all else equal; `None` where that cannot be inverted.
    pub would_not_fire_below: Option<f64>,
}

/// What a person can look up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Order ids, newest last.
    pub orders: Vec<CompactString>,
    /// How many orders there are in all.
    pub orders_total: u64,
    /// Trade ids, newest last.
    pub trades: Vec<CompactString>,
    /// How many trades there are in all.
    pub trades_total: u64,
    /// Accounts, by name.
    pub accounts: Vec<CompactString>,
    /// Symbols, in the order in which it came to them.
    pub symbols: Vec<CompactString>,
    /// The records in which it can be read.
    pub records: Vec<RecordRange>,
    /// Of the feed's troubles, one by one as its features: which producer or symbol.
    pub streams: Vec<Option<CompactString>>,
}

/// What was found, with its reasons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The chance of such a sample in quiet flow, per minute of the subject's time; within [1e-300, 1].
    pub p: f64,
    /// The statistic, in the threshold's unit.
    pub statistic: f64,
    /// What it had to reach.
    pub threshold: Threshold,
    /// Since when it has been building, as the samples tell.
    pub starts_at: EventTime,
    /// The numbers behind it.
    pub features: Vec<Feature>,
    /// Where to look.
    pub evidence: Evidence,
    /// What it touches beside its subject: who was part of it, and where.
    pub related: Vec<Node>,
    /// How far the baseline has come.
    pub warm_up: WarmUp,
    /// How much of the baseline is another's, from 0 to 1.
    pub borrowed_share: f64,
}

/// A change in what a detector says.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Who says so.
    pub detector: Detector,
    /// What changed.
    pub change: Change,
    /// The highest severity of the episode.
    pub severity: Severity,
    /// When, in event time.
    pub at: EventTime,
    /// What was found.
    pub finding: Finding,
}

impl Verdict {
    /// The same about a subject, as it is seen at a time, with the record that completed it.
    #[must_use]
    pub fn signal(
        self,
        subject: Subject,
        visible_at: EventTime,
        place: Place,
        appended_at: Option<WallTime>,
    ) -> Signal {
        let Self { detector, change, severity, at, finding } = self;
        Signal { detector, subject, change, severity, at, visible_at, place, appended_at, finding }
    }
}

/// A change in what a detector says about a subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// Who says so.
    pub detector: Detector,
    /// About what.
    pub subject: Subject,
    /// What changed.
    pub change: Change,
    /// The highest severity since it opened.
    pub severity: Severity,
    /// When, in event time.
    pub at: EventTime,
    /// The clock of its partition when it arose: when others may take it into account.
    pub visible_at: EventTime,
    /// The record that completed it.
    pub place: Place,
    /// That record's own time, from which latency is counted.
    pub appended_at: Option<WallTime>,
    /// What was found; at a clearing, what was found last.
    pub finding: Finding,
}
