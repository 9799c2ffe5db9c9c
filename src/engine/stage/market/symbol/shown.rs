//! The state of a symbol as metrics and coverage show it.

use super::Symbol;
use crate::{
    book::BookState,
    calendar::ClosuresAt,
    detect::{CoverageState, Detector},
    engine::observe::{NamedReading, SymbolReading},
    event::SharedName,
    time::EventTime,
};

impl Symbol {
    /// The symbol as the metrics show it at the time of its feed's own clock.
    #[must_use]
    pub fn reading<'a>(&self, name: &'a SharedName, clock: EventTime) -> NamedReading<'a> {
        let state = self.books.state();
        let reading = SymbolReading {
            is_usable: match state {
                BookState::Absent => None,
                BookState::Usable => Some(true),
                BookState::Unusable { .. } => Some(false),
            },
            spread_bps: self.books.spread_bps(),
            depth: self.books.thinner_depth(),
            pace: self.detectors.pace(clock),
        };
        NamedReading { symbol: name, state, changes: self.books.changes(), reading }
    }

    /// The coverage of each detector of the symbol. `at` is the feed's own clock with the closures of the calendars then,
    /// `is_silent` whether the symbol no longer counts as open by it.
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
