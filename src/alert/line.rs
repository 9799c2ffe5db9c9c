//! A signal as one JSON line, for `--signals`: what the detectors said before anything was joined or held back.

use schemars::JsonSchema;
use serde::Serialize;

use super::Context;
use crate::{
    detect::{Change, Detector, Severity, Signal, Subject, Threshold, WarmUp},
    time::EventTime,
};

/// One change in what a detector says about a subject.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SignalLine<'a> {
    /// Who says so.
    pub detector: Detector,
    /// About what.
    pub subject: Named<'a>,
    /// What changed.
    pub change: Change,
    /// The highest severity since it opened.
    pub severity: Severity,
    /// When, by the venue's clock.
    pub at: EventTime,
    /// Since when it has been building.
    pub starts_at: EventTime,
    /// The chance of this in quiet flow.
    pub p: f64,
    /// The statistic, in the threshold's unit.
    pub statistic: f64,
    /// What it had to reach for a warning.
    pub threshold: Threshold,
    /// How far the baseline has come.
    pub warm_up: WarmUp,
    /// The first of its numbers: what was seen, and what was expected.
    pub value: Option<f64>,
    /// See `value`.
    pub expected: Option<f64>,
    /// The length of the window of that number.
    pub window_ms: Option<i64>,
    /// The record that completed it.
    pub position: String,
}

/// A subject by its kind and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "kind", content = "name", rename_all = "snake_case")]
pub enum Named<'a> {
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
    /// The service's own input.
    Pipeline,
}

impl<'a> From<&'a Subject> for Named<'a> {
    fn from(subject: &'a Subject) -> Self {
        match subject {
            Subject::Symbol(name) => Self::Symbol(name),
            Subject::Account(name) => Self::Account(name),
            Subject::AccountSymbol(account, symbol) => Self::AccountSymbol(account, symbol),
            Subject::Owner(name) => Self::Owner(name),
            Subject::OwnerSymbol(owner, symbol) => Self::OwnerSymbol(owner, symbol),
            Subject::Market => Self::Market,
            Subject::Pipeline => Self::Pipeline,
        }
    }
}

impl<'a> SignalLine<'a> {
    /// The line of a signal.
    #[must_use]
    pub fn new(signal: &'a Signal, context: &Context) -> Self {
        let finding = &signal.finding;
        let first = finding.features.first();
        Self {
            detector: signal.detector,
            subject: Named::from(&signal.subject),
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
            position: context.written(signal.place),
        }
    }
}
