//! `stale_book`: the book does not change while trades print.
//!
//! Then it is not thin and not thick but old: what is said of depth would be said of the past. So a stale book is its own finding,
//! and `thin_book` is not asked while it lasts. In a book from orders every trade with its orders is a change, so this is about
//! books from levels.

use serde::{Deserialize, Serialize};

use super::{
    Counted, Detect, Detector, Severity, Unit, Verdict,
    fact::{FACT, Fact, Kind, Measured},
};
use crate::{
    event::Place,
    time::{EventTime, Span},
};

/// Trades without a change that are no longer chance: a trade takes from the book.
const TRADES: f64 = 20.0;
/// And how long it must be so: an auction prints many trades at once, before its levels.
const UNCHANGED: Span = Span::from_secs(10);
const KIND: Kind = Kind {
    detector: Detector::StaleBook,
    severity: Severity::Warning,
    measure: (Counted::TradesUnseen, Unit::Events, TRADES),
};

/// The detector of one symbol.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct StaleBook {
    /// How often the book had changed when it last did, and when that was seen; none before there is a book.
    changed: Option<(u64, EventTime)>,
    trades: u32,
    fact: Fact,
}

impl StaleBook {
    /// Takes a trade beside the book's changes so far.
    pub fn trade(&mut self, at: EventTime, changes: u64, place: Place) -> Option<Verdict> {
        self.look(at, changes);
        self.trades = self.trades.saturating_add(1);
        let since = self.changed?.1;
        let value = if at.since(since) >= UNCHANGED { f64::from(self.trades) } else { 0.0 };
        self.fact.handle(&KIND, &Measured { at, place, since, value, p: FACT }, &[])
    }

    /// Takes the book's changes so far.
    pub fn look(&mut self, at: EventTime, changes: u64) {
        if changes > 0 && self.changed.is_none_or(|(seen, _)| seen != changes) {
            (self.changed, self.trades) = (Some((changes, at)), 0);
        }
    }

    /// Whether the book is stale now.
    #[must_use]
    pub const fn is_firing(&self) -> bool {
        self.fact.is_firing()
    }
}

impl Detect for StaleBook {
    fn deadline(&self) -> Option<EventTime> {
        self.fact.deadline()
    }

    fn heartbeat(&mut self, _at: EventTime) {}

    fn gap(&mut self, _from: EventTime, _until: EventTime) {
        (self.changed, self.trades) = (None, 0);
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

    fn at(second: i64) -> EventTime {
        EventTime::from_nanos(0).plus(Span::from_secs(second))
    }

    fn trade(book: &mut StaleBook, second: i64, changes: u64) -> Option<Change> {
        let place = Place { source: SourceId(0), offset: 0 };
        book.trade(at(second), changes, place).map(|verdict| verdict.change)
    }

    #[test]
    fn twenty_trades_over_ten_seconds_without_a_change_are_a_stale_book() {
        let mut book = StaleBook::default();
        assert_eq!((0..40).find_map(|_| trade(&mut book, 0, 1)), None, "an auction");
        book.look(at(1), 2);
        assert_eq!((1..20).find_map(|n| trade(&mut book, n, 2)), None);
        assert_eq!(trade(&mut book, 20, 2), Some(Change::Opened));
        assert_eq!((21..30).find_map(|n| trade(&mut book, n, n.unsigned_abs())), None);
        assert_eq!(book.handle_timeout(at(30)).map(|verdict| verdict.change), Some(Change::Cleared));
    }

    #[test]
    fn a_symbol_without_a_book_has_no_stale_one() {
        let mut book = StaleBook::default();
        assert_eq!((0..100).find_map(|second| trade(&mut book, second, 0)), None);
    }
}
