//! Thin books that follow one another.
//!
//! Makers withdraw from one symbol after the other before anything that two of them have in common can be seen. Two books that thin
//! within a minute are one thing where that hardly ever happens by accident: then a thin book touches the market, and so
//! the one that follows joins it. How often books thin is counted over a day, leaving out the last five minutes, or a
//! crisis would soon be usual. An incident that pages touches the market too. On a venue of thousands of symbols accidents are common, and nothing is joined by this.
//!
//! DETECTION 4 joins through account, owner, symbol and market, and does not say when a book belongs to the market.

use std::collections::{BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use crate::{
    detect::{Change, Detector, Node, Severity, Signal, Subject},
    stats::math::exp,
    time::{EventTime, Span},
};

/// How long the other may follow: as long as what is related joins (DETECTION 4).
const WITHIN_SECONDS: f64 = 60.0;
/// How often one may follow by accident: one time in twenty.
const BY_ACCIDENT_MAX: f64 = 0.05;
/// What is younger does not count as usual yet: a crisis builds over minutes.
const GUARD: Span = Span::from_secs(300);
/// Memory of how often it happens, in seconds: a day, in which each symbol may have one false alarm.
const TAU_SECONDS: f64 = 86_400.0;
/// The fewest seconds that a pace is taken from: three in the first hour are none.
const OBSERVED_MIN: f64 = 3_600.0;
/// As many as may wait to be counted: more in five minutes are no accident in any case.
const WAITING_MAX: usize = 1_000;

/// How often books become thin.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Following {
    /// Whose books are thin at the moment: as many as there are symbols at most.
    thin: BTreeSet<Subject>,
    waiting: VecDeque<EventTime>,
    counted: f64,
    as_of: Option<EventTime>,
    /// When the first book was found thin.
    since: Option<EventTime>,
}

impl Following {
    /// Lets a signal that a book is thin touch the market where that is rare.
    pub fn note(&mut self, signal: &mut Signal) {
        if signal.detector != Detector::ThinBook {
            return;
        }
        self.since.get_or_insert(signal.visible_at);
        if signal.change == Change::Cleared {
            self.thin.remove(&signal.subject);
        }
        let thin = signal.change != Change::Cleared && signal.severity >= Severity::Warning;
        if !thin || !self.thin.insert(signal.subject.clone()) {
            return;
        }
        let now = signal.visible_at;
        while let Some(at) = self.waiting.pop_front_if(|at| now.since(*at) >= GUARD) {
            self.count(at);
        }
        self.waiting.push_back(now);
        if self.waiting.len() > WAITING_MAX {
            self.waiting.pop_front();
        }
        if self.per_second(now) * WITHIN_SECONDS <= BY_ACCIDENT_MAX {
            signal.finding.related.push(Node::Market);
        }
    }

    /// How often it happens.
    fn per_second(&self, now: EventTime) -> f64 {
        let past = |since: Option<EventTime>| since.map_or(0.0, |since| now.since(since).secs_f64().max(0.0));
        let observed = TAU_SECONDS * (1.0 - exp(-past(self.since).max(OBSERVED_MIN) / TAU_SECONDS));
        self.counted * exp(-past(self.as_of) / TAU_SECONDS) / observed
    }

    fn count(&mut self, at: EventTime) {
        let passed = self.as_of.map_or(0.0, |as_of| at.since(as_of).secs_f64().max(0.0));
        self.counted = self.counted * exp(-passed / TAU_SECONDS) + 1.0;
        self.as_of = self.as_of.max(Some(at));
    }
}
