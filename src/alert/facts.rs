//! Facts of an alert that answer a question each: the market around it, whose orders they are, why it pages, whether it happened
//! before.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    correlate::Status,
    detect::{Detector, FlowFacts},
    event::Side,
    time::EventTime,
};

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
    /// The level that it had to reach.
    pub level: f64,
    /// The unit of both.
    pub unit: String,
    /// The source of the level: `default`, `calibrated` or `floor`, as of `threshold`.
    pub source: String,
    /// When the statistic was last there, by the venue's clock.
    pub at: EventTime,
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
