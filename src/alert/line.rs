//! Signals as JSON lines, for `--signals`: every verdict of the detectors, before any is joined to others or held back.

use schemars::JsonSchema;
use serde::Serialize;

use super::Context;
use crate::{
    detect::{Change, Detector, Severity, Signal, Subject, Threshold, WarmUp},
    time::EventTime,
};

/// A change in a detector's verdict about one subject.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SignalLine<'a> {
    /// The detector whose verdict changed.
    pub detector: Detector,
    /// The subject of the verdict.
    pub subject: SubjectRef<'a>,
    /// The kind of change.
    pub change: Change,
    /// The highest severity since the finding opened.
    pub severity: Severity,
    /// When the verdict changed, by the venue's clock.
    pub at: EventTime,
    /// Since when the finding has been building.
    pub starts_at: EventTime,
    /// The chance of such a finding in quiet flow.
    pub p: f64,
    /// The statistic, in the threshold's unit.
    pub statistic: f64,
    /// The level that the statistic had to reach for a warning.
    pub threshold: Threshold,
    /// How far the baseline has come.
    pub warm_up: WarmUp,
    /// The first of the finding's numbers, as it was seen.
    pub value: Option<f64>,
    /// The value of that number that the baseline expects.
    pub expected: Option<f64>,
    /// The length of the window of that number.
    pub window_ms: Option<i64>,
    /// The position of the record that completed the finding.
    pub position: String,
    /// Whether the detector is in shadow; absent where it is not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shadow: bool,
}

/// A subject by its kind and name, borrowed from a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "kind", content = "name", rename_all = "snake_case")]
pub enum SubjectRef<'a> {
    /// One symbol.
    Symbol(&'a str),
    /// One account.
    Account(&'a str),
    /// One account on one symbol.
    AccountSymbol(&'a str, &'a str),
    /// One owner.
    Owner(&'a str),
    /// One owner on one symbol.
    OwnerSymbol(&'a str, &'a str),
    /// All symbols together.
    Market,
    /// The service's own input, as its clock shows it.
    Pipeline,
    /// The service's own input, as its records show it.
    Records,
}

impl<'a> From<&'a Subject> for SubjectRef<'a> {
    fn from(subject: &'a Subject) -> Self {
        match subject {
            Subject::Symbol(name) => Self::Symbol(name),
            Subject::Account(name) => Self::Account(name),
            Subject::AccountSymbol(account, symbol) => Self::AccountSymbol(account, symbol),
            Subject::Owner(name) => Self::Owner(name),
            Subject::OwnerSymbol(owner, symbol) => Self::OwnerSymbol(owner, symbol),
            Subject::Market => Self::Market,
            Subject::Pipeline => Self::Pipeline,
            Subject::Records => Self::Records,
        }
    }
}

impl<'a> SignalLine<'a> {
    /// Returns the line of a signal.
    #[must_use]
    pub fn new(signal: &'a Signal, context: &Context) -> Self {
        let finding = &signal.finding;
        let first = finding.features.first();
        Self {
            detector: signal.detector,
            subject: SubjectRef::from(&signal.subject),
            change: signal.change,
            severity: signal.severity,
            at: signal.at,
            starts_at: finding.starts_at,
            p: finding.p,
            statistic: finding.statistic,
            threshold: finding.threshold,
            warm_up: finding.warm_up,
            value: first.map(|f| f.value),
            expected: first.map(|f| f.expected),
            window_ms: first.map(|f| f.window.millis()),
            position: context.record_text(signal.origin.record),
            shadow: signal.is_shadow,
        }
    }
}
