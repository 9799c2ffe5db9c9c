//! `insolvent`: an account holds positions and has nothing left.
//!
//! The finding is a condition: the account's equity, without unrealised profit, is zero or less. Its leverage is then
//! undefined, so `leverage_jump` does not judge it. Unrealised profit is not counted, so an account with large gains may be
//! reported wrongly: check the venue's own margin.

use serde::{Deserialize, Serialize};

use crate::{
    detect::{
        Counted, Detector, Node, Severity, Unit, Verdict,
        condition::{CONDITION_P, Condition, ConditionKind, Measured},
    },
    event::RecordRef,
    time::EventTime,
};

/// The condition: a deficit of zero or more is a ticket.
const KIND: ConditionKind = ConditionKind {
    detector: Detector::Insolvent,
    severity: Severity::Warning,
    measure: (Counted::Deficit, Unit::Notional, 0.0),
};

/// The detector of one account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Insolvent {
    since: Option<EventTime>,
    condition: Condition,
}

impl Insolvent {
    /// Takes the deficit: equity below zero, in the account's asset; minus infinity while there is no position.
    pub fn handle(&mut self, at: EventTime, deficit: f64, record: RecordRef, related: &[Node]) -> Option<Verdict> {
        self.since = if deficit >= 0.0 { self.since.or(Some(at)) } else { None };
        let since = self.since.unwrap_or(at);
        // Equity of zero gives −0.0; adding 0.0 removes the sign.
        let deficit = deficit + 0.0;
        self.condition.handle(&KIND, &Measured { at, record, since, value: deficit, p: CONDITION_P }, related)
    }

    /// When [`Insolvent::expire`] must be called unless a measure comes before.
    #[must_use]
    pub fn deadline(&self) -> Option<EventTime> {
        self.condition.deadline()
    }

    /// Ends the episode if its deadline has come. An account with a deficit stays insolvent, though no more events of it come.
    pub fn expire(&mut self, now: EventTime) -> Option<Verdict> {
        if self.since.is_some() {
            self.condition.hold(now);
            return None;
        }
        self.condition.expire(KIND.detector, now)
    }

    /// Ends the episode because the account is forgotten.
    pub fn end(&mut self) -> Option<Verdict> {
        self.condition.end(KIND.detector)
    }
}
