//! `one_sided_book`: one side of the book is empty, where both were there before.
//!
//! A fact, and worse than thin: who must trade on that side has no price. A book that has not had both sides for a minute is one
//! that is being built, and nothing is said of it.

use serde::{Deserialize, Serialize};

use super::{
    Counted, Detect, Detector, Severity, Unit, Verdict,
    fact::{FACT, Fact, Kind, Measured},
};
use crate::{
    event::Place,
    time::{EventTime, Span},
};

/// How long both sides must have been there before.
const BUILT: Span = Span::from_secs(60);
/// How long a side must be empty: between two orders of one second anything can be empty for a moment.
const EMPTY_SECONDS: f64 = 1.0;
const KIND: Kind = Kind {
    detector: Detector::OneSidedBook,
    severity: Severity::Warning,
    measure: (Counted::EmptySide, Unit::Seconds, EMPTY_SECONDS),
};

/// The detector of one symbol.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct OneSidedBook {
    /// Since when both sides have been there, before the one under way went empty.
    both_since: Option<EventTime>,
    /// Since when a side has been empty after both had long been there.
    empty_since: Option<EventTime>,
    fact: Fact,
}

impl OneSidedBook {
    /// Takes the book as it was when a second began: whether there are bids, and asks.
    pub fn sample(&mut self, at: EventTime, (bids, asks): (bool, bool), place: Place) -> Option<Verdict> {
        if bids && asks {
            self.both_since.get_or_insert(at);
            self.empty_since = None;
        } else if let Some(both) = self.both_since.take() {
            // An empty book is one that was cleared; the side that is left makes it one-sided.
            self.empty_since = Some(at).filter(|_| at.since(both) >= BUILT);
        }
        let since = self.empty_since.filter(|_| bids != asks);
        let value = since.map_or(0.0, |since| at.since(since).secs_f64());
        self.fact.handle(&KIND, &Measured { at, place, since: since.unwrap_or(at), value, p: FACT }, &[])
    }
}

impl Detect for OneSidedBook {
    fn deadline(&self) -> Option<EventTime> {
        self.fact.deadline()
    }

    fn heartbeat(&mut self, _at: EventTime) {}

    fn gap(&mut self, _from: EventTime, _until: EventTime) {
        (self.both_since, self.empty_since) = (None, None);
    }

    fn handle_timeout(&mut self, now: EventTime) -> Option<Verdict> {
        self.fact.handle_timeout(KIND.detector, now)
    }

    fn end(&mut self) -> Option<Verdict> {
        self.fact.end(KIND.detector)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{detect::Change, event::SourceId};

    fn said(book: &mut OneSidedBook, second: i64, bids: bool, asks: bool) -> Option<Change> {
        let at = EventTime::from_nanos(0).plus(Span::from_secs(second));
        let ended = book.handle_timeout(at).map(|verdict| verdict.change);
        let place = Place { source: SourceId(0), offset: 0 };
        ended.or(book.sample(at, (bids, asks), place).map(|verdict| verdict.change))
    }

    #[test]
    fn a_side_that_empties_after_a_minute_of_both_is_said_and_over_ten_seconds_after_it_is_back() {
        let mut book = OneSidedBook::default();
        assert_eq!((0..=60).find_map(|second| said(&mut book, second, true, true)), None);
        assert_eq!(said(&mut book, 61, false, true), None);
        assert_eq!(said(&mut book, 62, false, true), Some(Change::Opened));
        assert_eq!((63..=71).find_map(|second| said(&mut book, second, true, true)), None);
        assert_eq!(said(&mut book, 72, true, true), Some(Change::Cleared));
    }

    #[test]
    fn a_book_that_is_being_built_or_was_cleared_is_not_one_sided() {
        let mut book = OneSidedBook::default();
        assert_eq!((0..100).find_map(|second| said(&mut book, second, true, false)), None);
        assert_eq!((100..130).find_map(|second| said(&mut book, second, true, true)), None);
        assert_eq!((130..200).find_map(|second| said(&mut book, second, false, false)), None);
    }
}
