//! `insolvent`: an account holds positions and has nothing left.
//!
//! A fact: its equity, without unrealised profit, is zero or less. Its leverage is then no number, so it is no `leverage_jump`. What
//! the position has gained or lost since its entry is not in it, so an account may be said to be so that lives on its gains:
//! the venue's own margin decides, and a person.

use serde::{Deserialize, Serialize};

use super::{
    Counted, Detector, Node, Severity, Unit, Verdict,
    fact::{FACT, Fact, Kind, Measured},
};
use crate::{event::Place, time::EventTime};

const KIND: Kind = Kind {
    detector: Detector::Insolvent,
    severity: Severity::Warning,
    measure: (Counted::Deficit, Unit::Notional, 0.0),
};

/// The detector of one account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Insolvent {
    since: Option<EventTime>,
    fact: Fact,
}

impl Insolvent {
    /// Takes how far below zero the equity is, while there is a position; minus infinity where there is none.
    pub fn handle(&mut self, at: EventTime, owes: f64, place: Place, related: &[Node]) -> Option<Verdict> {
        self.since = if owes >= 0.0 { self.since.or(Some(at)) } else { None };
        let since = self.since.unwrap_or(at);
        self.fact.handle(&KIND, &Measured { at, place, since, value: owes, p: FACT }, related)
    }

    /// When [`Insolvent::handle_timeout`] must be called unless something comes before.
    #[must_use]
    pub fn deadline(&self) -> Option<EventTime> {
        self.fact.deadline()
    }

    /// Ends the episode if its time has come. While it still owes it goes on, though nothing more is heard.
    pub fn handle_timeout(&mut self, now: EventTime) -> Option<Verdict> {
        if self.since.is_some() {
            self.fact.hold(now);
            return None;
        }
        self.fact.handle_timeout(KIND.detector, now)
    }

    /// Ends the episode because the account is forgotten.
    pub fn end(&mut self) -> Option<Verdict> {
        self.fact.end(KIND.detector)
    }
}
