//! Findings: what a detector saw, beside what is usual, with what a person needs to check it.

use compact_str::CompactString;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Node,
    burst_facts::{Pace, Shares, SideSums, Sweep},
    counted::Counted,
};
use crate::{
    event::{Reason, RecordRange, RecordRef, Side},
    time::{EventTime, Span},
};

/// How far a detector's baseline has come for its subject.
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
    /// The origin of the value: `default` (fixed, before self-calibration), `calibrated` (the subject's own tail) or
    /// `floor` (self-calibrated, but held up by the least allowed).
    #[schemars(with = "String")]
    pub source: ThresholdSource,
}

/// The unit of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Minus the natural logarithm of a chance.
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
    /// A ratio: so many times something.
    Times,
    /// Standard deviations.
    Deviations,
    /// Hundredths of a percent of the middle.
    BasisPoints,
}

/// The origin of a threshold.
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
            Self::BasisPoints => "basis_points",
        }
    }
}

impl ThresholdSource {
    /// The name in alerts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Calibrated => "calibrated",
            Self::Floor => "floor",
        }
    }
}

/// One number behind a finding, beside what is usual.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// The quantity.
    pub name: Counted,
    /// The length of time over which it was measured.
    pub window: Span,
    /// The value seen.
    pub value: f64,
    /// The value that the baseline expects.
    pub expected: f64,
    /// The baseline's .05 quantile.
    pub low: f64,
    /// The baseline's .95 quantile.
    pub high: f64,
    /// Whether a sample was capped, so that the true value may be higher.
    pub is_capped: bool,
    /// The unit of value, expected, low and high.
    pub unit: Unit,
    /// The p-value of this number alone.
    pub p: f64,
    /// The Fano factor of the baseline's counts in such windows: their variance over their mean, 1 where events are independent;
    /// `None` where the number is no count.
    pub dispersion: Option<f64>,
    /// The least value at which the detector would have fired, all else equal; `None` where that cannot be inverted.
    pub would_not_fire_below: Option<f64>,
}

/// A statistic that made a finding critical, beside the level that it had to reach.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Criterion {
    /// The number that the statistic judges.
    pub name: Counted,
    /// The statistic.
    pub value: f64,
    /// The level that the rule for critical findings asks of it.
    pub level: Threshold,
    /// When it was last there, by the venue's clock.
    pub at: EventTime,
}

/// References that a person can look up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
    /// Symbols, in the order in which they became part of it; of a `feed` finding those with a trouble of their own, by name.
    pub symbols: Vec<CompactString>,
    /// Whether a `feed` finding is about more than these symbols.
    pub is_wider: bool,
    /// The records in which it can be read.
    pub records: Vec<RecordRange>,
    /// The producer or symbol concerned, beside each feature of a `feed` finding.
    pub streams: Vec<Option<CompactString>>,
    /// The reason for which the record was rejected, beside each feature of a `feed` finding.
    pub reasons: Vec<Option<Reason>>,
    /// Whether nothing usable arrived at all, in a `feed` finding.
    pub is_blind: bool,
    /// Why the finding is critical by itself: each statistic that its rule asks for. Empty if it is not.
    pub critical: Vec<Criterion>,
    /// The accounts with most of the samples, in a burst.
    pub shares: Shares,
    /// The orders withdrawn since the pace rose, by side, in a burst of cancels.
    pub withdrawn: SideSums,
    /// The pace of late beside that before, in a burst that is not too young.
    pub pace: Option<Pace>,
    /// The thinner side of a thin book.
    pub thin_side: Option<Side>,
    /// The largest order that took, in a burst of trades.
    pub sweep: Option<Sweep>,
}

impl Evidence {
    /// Evidence of one record.
    #[must_use]
    pub fn of_record(record: RecordRef) -> Self {
        Self { records: vec![record.into()], ..Self::default() }
    }
}

/// One detector's finding about one subject, with its reasons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The chance of such a sample in quiet flow, per minute of the subject's time; within [1e-300, 1].
    pub p: f64,
    /// The statistic, in the threshold's unit.
    pub statistic: f64,
    /// The level that it had to reach.
    pub threshold: Threshold,
    /// Since when it has been building, as the samples show.
    pub starts_at: EventTime,
    /// The numbers behind it.
    pub features: Vec<Feature>,
    /// The orders, trades, accounts and symbols of the finding.
    pub evidence: Evidence,
    /// The accounts, owners and symbols that the finding touches beside its subject.
    pub related: Vec<Node>,
    /// How far the baseline has come.
    pub warm_up: WarmUp,
    /// How much of the baseline is borrowed from others, from 0 to 1.
    pub borrowed_share: f64,
}

impl Finding {
    /// Whether the finding's p-value comes from the subject's own past, or the finding is a fact.
    ///
    /// A subject in its cold start is judged by a fixed level, and its p-value is that of a model (a burst of 25 nats has
    /// 5e-7, whatever the flow). Such a figure may open a ticket, but two of them together prove no more than one
    /// (`correlate`). Both marks are needed to tell a cold start: a fact has a fixed limit for ever, and a slow metric is
    /// judged by its own tail long before it knows every time of day.
    #[must_use]
    pub fn is_calibrated(&self) -> bool {
        self.warm_up == WarmUp::Done || self.threshold.source != ThresholdSource::Default
    }
}
