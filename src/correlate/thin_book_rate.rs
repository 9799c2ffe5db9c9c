//! The rate at which books become thin, and the rule that relates a thin book to the market while that rate is low.
//!
//! Makers often withdraw from one symbol after the other, before the thin books have anything else in common that can be seen.
//! Where two books hardly ever become thin within a minute by accident, two that do have one cause. So while the rate is low, a
//! thin book is related to the market, and the next thin book joins its incident. The rate is taken over a day without the last
//! five minutes; with them, a crisis would soon count as usual. On a venue with thousands of symbols such accidents are common,
//! and the rule relates nothing.
//!
//! DETECTION 4 joins incidents through account, owner, symbol and market, and does not define when a book belongs to the
//! market. An incident that pages is related to the market too ([`super::Incident::nodes`]).

use std::collections::{BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use crate::{
    detect::{Change, Detector, Node, Severity, Signal, Subject},
    stats::math::exp,
    time::{EventTime, Span},
};

/// A thin book follows another one within so many seconds: as long as related signals join (DETECTION 4).
const FOLLOWS_WITHIN_SECONDS: f64 = 60.0;
/// The highest chance that a thin book is followed by accident: one time in twenty.
const BY_ACCIDENT_MAX: f64 = 0.05;
/// Thin books younger than this are not counted yet: a crisis builds over minutes.
const GUARD: Span = Span::from_secs(300);
/// The time constant of the count, in seconds: a day, in which each symbol may have one false alarm.
const TAU_SECONDS: f64 = 86_400.0;
/// The rate is taken over at least so many seconds: three thin books in the first hour make no rate.
const OBSERVED_MIN: f64 = 3_600.0;
/// The most thin books that may wait to be counted: more in five minutes are no accident in any case.
const UNCOUNTED_MAX: usize = 1_000;

/// The rate at which books become thin, as a count that decays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct ThinBookRate {
    /// The subjects whose books are thin at the moment: at most as many as there are symbols.
    thin: BTreeSet<Subject>,
    /// The times at which books became thin, as far as they are younger than [`GUARD`].
    uncounted: VecDeque<EventTime>,
    /// The decayed count of older times.
    count: f64,
    /// The newest time counted.
    counted_at: Option<EventTime>,
    /// The time of the first finding of a thin book.
    observed_since: Option<EventTime>,
}

impl ThinBookRate {
    /// Observes a signal. If a book becomes thin while that is rare, relates the signal to the market.
    pub(super) fn observe(&mut self, signal: &mut Signal) {
        if signal.detector != Detector::ThinBook {
            return;
        }
        self.observed_since.get_or_insert(signal.visible_at);
        if signal.change == Change::Cleared {
            self.thin.remove(&signal.subject);
        }
        let is_thin = signal.change != Change::Cleared && signal.severity >= Severity::Warning;
        if !is_thin || !self.thin.insert(signal.subject.clone()) {
            return;
        }
        let now = signal.visible_at;
        while let Some(at) = self.uncounted.pop_front_if(|at| now.since(*at) >= GUARD) {
            self.count(at);
        }
        self.uncounted.push_back(now);
        if self.uncounted.len() > UNCOUNTED_MAX {
            self.uncounted.pop_front();
        }
        if self.per_second(now) * FOLLOWS_WITHIN_SECONDS <= BY_ACCIDENT_MAX {
            signal.finding.related.push(Node::Market);
        }
    }

    /// Returns how many books become thin in a second, on average.
    fn per_second(&self, now: EventTime) -> f64 {
        let elapsed = |since: Option<EventTime>| since.map_or(0.0, |since| now.since(since).secs_f64().max(0.0));
        let observed = TAU_SECONDS * (1.0 - exp(-elapsed(self.observed_since).max(OBSERVED_MIN) / TAU_SECONDS));
        self.count * exp(-elapsed(self.counted_at) / TAU_SECONDS) / observed
    }

    /// Adds the time of a thin book to the count.
    fn count(&mut self, at: EventTime) {
        let passed = self.counted_at.map_or(0.0, |counted_at| at.since(counted_at).secs_f64().max(0.0));
        self.count = self.count * exp(-passed / TAU_SECONDS) + 1.0;
        self.counted_at = self.counted_at.max(Some(at));
    }
}
