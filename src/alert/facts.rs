//! Facts of an alert that answer a question each: what it is about, the market around it, whose orders they are and on which side,
//! which level was reached, why it pages, whether it gets worse, how broad it is, whether it happened before.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    correlate::Status,
    detect::{Detector, FlowFacts, Severity, Threshold},
    event::Side,
    time::EventTime,
};

/// The finding that an alert is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Headline {
    /// The detector.
    pub detector: Detector,
    /// The subject, as `kind:name`.
    pub subject: String,
}

/// A level that a statistic had to reach, with the severity that begins there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Level {
    /// The level.
    #[serde(flatten)]
    pub threshold: Threshold,
    /// The severity that a statistic at this level gives: `warning` for nearly all detectors, because an incident opens there. A
    /// critical finding has further levels: `pages_because` lists them.
    pub severity: Severity,
    /// The statistic as a multiple of `value`: 1 has just reached it. Null where `value` is not above zero.
    pub times: Option<f64>,
}

/// The market of one symbol around a finding.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Flow {
    /// The facts.
    #[serde(flatten)]
    pub facts: FlowFacts,
    /// The currency of notionals (`[venue] currency`); null where the configuration does not say.
    pub currency: Option<String>,
}

/// The part of an account in a burst.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Party {
    /// The detector of the burst.
    pub detector: Detector,
    /// The subject of the burst, as `kind:name`.
    pub subject: String,
    /// The account.
    pub account: String,
    /// How many of the orders are the account's, at least.
    pub count: u64,
    /// How many orders there were since the pace rose.
    pub of: u64,
}

/// The orders that were withdrawn in a burst of cancels since the pace rose, by the side of the book on which they rested. Orders
/// that were not seen before are in neither.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct WithdrawnSides {
    /// The detector of the burst.
    pub detector: Detector,
    /// The subject of the burst, as `kind:name`.
    pub subject: String,
    /// The orders to buy.
    pub bids: SideTotal,
    /// The orders to sell.
    pub asks: SideTotal,
    /// The share of bids in the notional, from 0 to 1; null where the notional is zero.
    pub bids_share: Option<f64>,
    /// The notional of both sides.
    pub notional: f64,
    /// The currency of the notionals (`[venue] currency`); null where the configuration does not say, and then it is the quote
    /// currency of the symbol.
    pub currency: Option<String>,
}

/// The orders of one side.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SideTotal {
    /// How many.
    pub orders: u64,
    /// Their price times quantity, summed up.
    pub notional: f64,
}

/// A side of the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BookSide {
    /// The orders to buy.
    Bids,
    /// The orders to sell.
    Asks,
}

impl From<Side> for BookSide {
    fn from(side: Side) -> Self {
        match side {
            Side::Buy => Self::Bids,
            Side::Sell => Self::Asks,
        }
    }
}

/// An order that took, with its fills so far: the fills of one taker's order, or of one taker and side within 5 ms.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Sweep {
    /// The symbol.
    pub symbol: String,
    /// The time of its first fill, by the venue's clock.
    pub at: EventTime,
    /// The side that it took for, `buy` or `sell`; null where the venue does not say.
    #[schemars(with = "Option<String>")]
    pub side: Option<Side>,
    /// The price of its first fill.
    pub from: f64,
    /// The price of its last fill.
    pub to: f64,
    /// How many prices it went through.
    pub levels: u64,
    /// The quantity that it took.
    pub quantity: f64,
    /// The same as price times quantity.
    pub notional: f64,
    /// The account that sent it; null where the venue does not name it.
    pub account: Option<String>,
}

/// The rule by which an incident pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// A finding is critical by itself.
    Finding,
    /// Two findings that warn, of different views of the market, are together too unlikely.
    Agreement,
}

/// Why an incident pages.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PagesBecause {
    /// The rule.
    pub rule: Rule,
    /// The rule in words.
    pub explanation: String,
    /// The statistics that the rule asks for, each beside its own level; at most 20. Of an agreement: those of the two findings.
    pub criteria: Vec<Criterion>,
    /// The joint chance of the two findings that agree; null for a finding that is critical by itself, and once one of the two had
    /// to make room.
    pub joint_p: Option<f64>,
    /// The joint chance at which two findings page; null for a finding that is critical by itself.
    pub joint_p_max: Option<f64>,
}

/// One statistic that made an incident critical.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Criterion {
    /// The detector.
    pub detector: Detector,
    /// The subject, as `kind:name`.
    pub subject: String,
    /// The number that the statistic judges, as `features` name it.
    pub name: String,
    /// The statistic.
    pub value: f64,
    /// The level that the rule asks of it. It may be lower than `threshold`, because the rule asks for several statistics at once.
    pub level: f64,
    /// The statistic as a multiple of the level; null where that is not above zero.
    pub times: Option<f64>,
    /// The unit of both.
    pub unit: String,
    /// The source of the level: `default`, `calibrated` or `floor`, as of `threshold`.
    pub source: String,
    /// When the statistic was last there, by the venue's clock.
    pub at: EventTime,
}

/// How an incident develops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrendState {
    /// It began less than ten seconds ago, so that there is nothing to compare with.
    JustBegun,
    /// It gets worse: the pace of late is higher than before, or the revision tells of something new.
    Rising,
    /// Neither.
    Steady,
    /// The pace of late is lower than before.
    Falling,
    /// It has lasted for longer, and nothing shows its course.
    NotKnown,
    /// It has ended.
    Over,
}

/// Whether an incident gets worse, as of its revision.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Trend {
    /// The answer.
    pub state: TrendState,
    /// The answer in words.
    pub text: String,
    /// How long the incident has lasted, by the venue's clock.
    pub lasted_ms: i64,
    /// Of a burst that is not too young: events a second within the last `late_ms`, as of this revision; null otherwise.
    pub late_per_s: Option<f64>,
    /// The length of that last part of the burst.
    pub late_ms: Option<i64>,
    /// Events a second in the burst before that.
    pub before_per_s: Option<f64>,
}

/// How broad an incident is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Breadth {
    /// The symbols that it concerns.
    pub symbols: u64,
    /// The symbols that were active within the last ten minutes, these included; null before any is known to be.
    pub active_symbols: Option<u64>,
}

/// The incidents with the same fingerprint before this one, as far as a reader of the alerts topic has read them back
/// (`notify.look_back_s`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct History {
    /// How many there were, at least.
    pub times_before: u64,
    /// When the last one was detected, by the venue's clock; null without one.
    pub last_at: Option<EventTime>,
    /// When the last one ended, by the venue's clock; null without one and while it goes on.
    pub last_ended: Option<EventTime>,
    /// The status of the last one; null without one.
    pub last_status: Option<Status>,
}
