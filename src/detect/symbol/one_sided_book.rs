//! `one_sided_book`: one side of the book is empty, where both were there before.
//!
//! The finding is a condition, and worse than a thin book: a party that must trade on that side has no price. A book that has not
//! had both sides for a minute is still being built, and is not judged.

use serde::{Deserialize, Serialize};

use super::{BookSecond, SymbolDetector, SymbolNow};
use crate::{
    detect::{
        BookSight, Counted, CoverageState, Detection, Detector, OneSidedBookSettings, Severity, Unit, Verdict,
        condition::{CONDITION_P, Condition, ConditionKind, Measured},
    },
    event::RecordRef,
    time::{EventTime, Span},
};

/// How long both sides must have been there before.
const BUILT: Span = Span::from_secs(60);
const fn kind(settings: OneSidedBookSettings) -> ConditionKind {
    let measure = (Counted::EmptySide, Unit::Seconds, settings.empty_s_min);
    ConditionKind { detector: Detector::OneSidedBook, severity: Severity::Warning, measure }
}

/// The detector of one symbol.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct OneSidedBook {
    settings: OneSidedBookSettings,
    /// Since when both sides have been there; `None` while one is empty.
    both_since: Option<EventTime>,
    /// Since when a side has been empty, where both had been there for [`BUILT`].
    empty_since: Option<EventTime>,
    condition: Condition,
}

impl OneSidedBook {
    /// Takes whether there are bids, and asks.
    fn sample(&mut self, at: EventTime, (bids, asks): (bool, bool), record: RecordRef) -> Option<Verdict> {
        if bids && asks {
            self.both_since.get_or_insert(at);
            self.empty_since = None;
        } else if let Some(both) = self.both_since.take() {
            // An empty book is one that was cleared; the side that is left makes it one-sided.
            self.empty_since = Some(at).filter(|_| at.since(both) >= BUILT);
        }
        let since = self.empty_since.filter(|_| bids != asks);
        let value = since.map_or(0.0, |since| at.since(since).secs_f64());
        let measured = Measured { at, record, since: since.unwrap_or(at), value, p: CONDITION_P };
        self.condition.handle(&kind(self.settings), &measured, &[])
    }
}

impl SymbolDetector for OneSidedBook {
    fn new(settings: &Detection) -> Self {
        Self { settings: settings.one_sided_book, ..Self::default() }
    }

    fn retune(&mut self, _before: &Detection, settings: &Detection) {
        self.settings = settings.one_sided_book;
    }

    fn second(&mut self, second: &BookSecond<'_>) -> Option<Verdict> {
        self.sample(second.at, second.sides, second.record)
    }

    fn gap(&mut self, _from: EventTime, _until: EventTime) {
        (self.both_since, self.empty_since) = (None, None);
    }

    fn deadline(&self) -> Option<EventTime> {
        self.condition.deadline()
    }

    fn expire(&mut self, now: EventTime) -> Option<Verdict> {
        self.condition.expire(Detector::OneSidedBook, now)
    }

    fn coverage(&self, now: &SymbolNow) -> (Detector, CoverageState) {
        let was_built = self.both_since.is_some_and(|both| now.at.since(both) >= BUILT) || self.empty_since.is_some();
        let state = match now.book {
            BookSight::Absent => CoverageState::NoBook,
            BookSight::Unusable => CoverageState::BookUnusable,
            // A side that never was there cannot empty.
            BookSight::OneSided if !was_built => CoverageState::BookUnusable,
            BookSight::OneSided | BookSight::NotPriced | BookSight::Priced => CoverageState::once(was_built),
        };
        (Detector::OneSidedBook, state)
    }

    fn end(&mut self) -> Option<Verdict> {
        self.condition.end(Detector::OneSidedBook)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{detect::Change, event::SourceId};

    fn observed(book: &mut OneSidedBook, second: i64, bids: bool, asks: bool) -> Option<Change> {
        let at = EventTime::from_nanos(0).plus(Span::from_secs(second));
        let ended = book.expire(at).map(|verdict| verdict.change);
        let record = RecordRef { source: SourceId(0), offset: 0 };
        ended.or(book.sample(at, (bids, asks), record).map(|verdict| verdict.change))
    }

    #[test]
    fn a_side_that_empties_after_a_minute_of_both_is_found_and_clears_ten_seconds_after_it_is_back() {
        let mut book = OneSidedBook::default();
        assert_eq!((0..=60).find_map(|second| observed(&mut book, second, true, true)), None);
        assert_eq!(observed(&mut book, 61, false, true), None);
        assert_eq!(observed(&mut book, 62, false, true), Some(Change::Opened));
        assert_eq!((63..=71).find_map(|second| observed(&mut book, second, true, true)), None);
        assert_eq!(observed(&mut book, 72, true, true), Some(Change::Cleared));
    }

    #[test]
    fn a_book_that_is_being_built_or_was_cleared_is_not_one_sided() {
        let mut book = OneSidedBook::default();
        assert_eq!((0..100).find_map(|second| observed(&mut book, second, true, false)), None);
        assert_eq!((100..130).find_map(|second| observed(&mut book, second, true, true)), None);
        assert_eq!((130..200).find_map(|second| observed(&mut book, second, false, false)), None);
    }
}
