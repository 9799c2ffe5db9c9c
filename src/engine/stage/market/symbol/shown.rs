//! The state of a symbol as metrics and coverage show it.

use super::Symbol;
use crate::{
    book::BookState,
    calendar::ClosuresAt,
    detect::{CoverageState, Detector},
    engine::observe::BookReading,
    event::SharedName,
    time::EventTime,
};

impl Symbol {
    /// The book in use as the metrics show it; `None` where the symbol has none.
    #[must_use]
    pub fn book_reading<'a>(&self, name: &'a SharedName) -> Option<BookReading<'a>> {
        let flaw = match self.books.state() {
            BookState::Absent => return None,
            BookState::Usable => None,
            BookState::Unusable { flaw, .. } => Some(flaw),
        };
        Some(BookReading { symbol: name, flaw, spread_bps: self.books.spread_bps(), changes: self.books.changes() })
    }

    /// The coverage of each detector of the symbol. `at` is the feed's own clock with the closures of the calendars then, `is_silent` whether the symbol no longer counts
    /// as open by it.
    pub fn coverage(
        &self,
        (at, closures): (EventTime, &ClosuresAt),
        is_silent: bool,
        mut count: impl FnMut(Detector, CoverageState),
    ) {
        let is_closed = !self.is_open() || self.awaited_since(at, closures).is_none();
        let closed = is_closed.then_some(CoverageState::Closed);
        let rests = closed.or(is_silent.then_some(CoverageState::Silent));
        let now = (at, self.books.sight(), self.books.uses_levels());
        self.detectors.coverage(now, |detector, state| count(detector, rests.unwrap_or(state)));
    }
}
