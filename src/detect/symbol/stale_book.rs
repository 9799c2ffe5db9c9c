//! `stale_book`: the book does not change while trades print.
//!
//! A book that stops updating describes the past, so staleness is its own finding and `thin_book` is paused while it lasts. In a
//! book from orders every trade with its orders is a change, so this detector is about books from levels.
//!
//! How long a book may stand still is a matter of its own rhythm: one that is polled every half minute does so after every poll.
//! The book is stale when it has missed twenty trades, and the first of them for longer than
//!
//! ```text
//!   limit = max(10 s, 3 × usual)       usual = the longest that trades usually wait for the book to change
//!         = 300 s                      before the book has answered ten times
//! ```
//! `usual` is the greatest wait so far, halved for each hour observed: a quantile of waits would forget the long ones, because a
//! poll that comes as a hundred deltas is a hundred short waits and one long one. Three times that lets a poll fail twice in a
//! row.
//! Waits count from the first trade that the book has missed, not from its last change: a book of a quiet market stands still for
//! minutes because nothing happens. So a feed of deltas that stops is found 10 s after the first missed trade, one that is polled
//! each 5 s after 15 s, each 30 s after 90 s, each 60 s after 180 s; later only where twenty trades take longer.
//!
//! One wait raises `usual` by half at most: an outage of an hour must not hide the next ones for three hours, and a venue that
//! polls less often from now on is known after a few polls.

use serde::{Deserialize, Serialize};

use super::{BookSecond, Moment, SymbolDetector, SymbolNow, TradeSeen};
use crate::{
    detect::{
        Counted, CoverageState, Detection, Detector, Severity, Unit, Verdict,
        condition::{CONDITION_P, Condition, ConditionKind, Measured},
    },
    event::RecordRef,
    stats::math::exp,
    time::EventTime,
};

/// Trades without a change of the book that are no longer chance, because each trade takes quantity from the book.
const TRADES: f64 = 20.0;
/// The least time that the book must have been unchanged as well, in seconds: an auction prints many trades at once, before its
/// levels.
const UNCHANGED_MIN: f64 = 10.0;
/// Limit of a wait, in usual longest waits: two polls in a row may fail.
const WAITS_MAX: f64 = 3.0;
/// Limit of a wait before the rhythm is known, in seconds: longer than any interval at which a book is worth polling.
const UNCHANGED_AT_FIRST: f64 = 300.0;
/// Waits after which the rhythm is known. A trade comes at a random time between two polls, so the longest of ten waits is less
/// than a third of the interval, and the limit shorter than one interval, one time in 60,000.
const KNOWN_FROM: u8 = 10;
/// The most by which one wait raises the usual longest one: from a book of deltas to polls each minute takes five of them.
const RISE_MAX: f64 = 1.5;
/// The time constant with which the longest wait is forgotten, in seconds: half of it in an hour.
const TAU_SECONDS: f64 = 3_600.0 / std::f64::consts::LN_2;
/// The most seconds that count as observed between two waits: a symbol that does not trade shows nothing of its book's rhythm.
const OBSERVED_MAX: f64 = 60.0;
/// The condition: [`TRADES`] missed trades are a ticket.
const KIND: ConditionKind = ConditionKind {
    detector: Detector::StaleBook,
    severity: Severity::Warning,
    measure: (Counted::TradesUnseen, Unit::Events, TRADES),
};

/// The detector of one symbol.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct StaleBook {
    /// The book's count of changes at its last change, and when it was seen; `None` before there is a book.
    changed: Option<(u64, EventTime)>,
    trades: u32,
    /// The first trade since the last change.
    waiting_since: Option<EventTime>,
    rhythm: Rhythm,
    condition: Condition,
}

/// How long trades usually wait, at the longest, for the book to change.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Rhythm {
    /// In seconds.
    usual: f64,
    /// Waits so far, up to [`KNOWN_FROM`].
    waits: u8,
    /// When the last wait ended.
    learned_at: Option<EventTime>,
}

impl Rhythm {
    /// Learns from a wait that has ended.
    fn learn(&mut self, since: EventTime, at: EventTime) {
        let wait = at.since(since).secs_f64().max(0.0);
        let observed = self.learned_at.map_or(0.0, |learned_at| at.since(learned_at).secs_f64());
        let kept = self.usual * exp(-observed.clamp(0.0, OBSERVED_MAX) / TAU_SECONDS);
        let most = if self.is_known() { (RISE_MAX * kept).max(UNCHANGED_MIN / WAITS_MAX) } else { UNCHANGED_AT_FIRST };
        self.usual = kept.max(wait.min(most));
        self.waits = (self.waits + 1).min(KNOWN_FROM);
        self.learned_at = self.learned_at.max(Some(at));
    }

    const fn is_known(&self) -> bool {
        self.waits >= KNOWN_FROM
    }

    /// Returns the longest wait of a healthy book, in seconds.
    fn limit(&self) -> f64 {
        if self.is_known() { (WAITS_MAX * self.usual).max(UNCHANGED_MIN) } else { UNCHANGED_AT_FIRST }
    }
}

impl StaleBook {
    /// Whether the book is stale now.
    #[must_use]
    pub const fn is_firing(&self) -> bool {
        self.condition.is_firing()
    }

    /// Takes a trade beside the number of changes of the book so far.
    fn trade(&mut self, at: EventTime, changes: u64, record: RecordRef) -> Option<Verdict> {
        self.note_changes(at, changes);
        let since = self.changed?.1;
        self.trades = self.trades.saturating_add(1);
        let waited = at.since(*self.waiting_since.get_or_insert(at)).secs_f64();
        let value = if waited >= self.rhythm.limit() { f64::from(self.trades) } else { 0.0 };
        self.condition.handle(&KIND, &Measured { at, record, since, value, p: CONDITION_P }, &[])
    }

    fn note_changes(&mut self, at: EventTime, changes: u64) {
        if changes > 0 && self.changed.is_none_or(|(seen, _)| seen != changes) {
            (self.changed, self.trades) = (Some((changes, at)), 0);
            if let Some(since) = self.waiting_since.take() {
                self.rhythm.learn(since, at);
            }
        }
    }
}

impl SymbolDetector for StaleBook {
    fn new(_settings: &Detection) -> Self {
        Self::default()
    }

    /// The detector has no settings.
    fn retune(&mut self, _before: &Detection, _settings: &Detection) {}

    fn traded(&mut self, moment: &Moment, seen: &TradeSeen<'_>) -> Option<Verdict> {
        self.trade(moment.at, seen.level_changes?, moment.record)
    }

    fn second(&mut self, second: &BookSecond<'_>) -> Option<Verdict> {
        self.note_changes(second.at, second.changes);
        None
    }

    fn gap(&mut self, _from: EventTime, _until: EventTime) {
        (self.changed, self.trades, self.waiting_since) = (None, 0, None);
    }

    fn deadline(&self) -> Option<EventTime> {
        self.condition.deadline()
    }

    fn expire(&mut self, now: EventTime) -> Option<Verdict> {
        self.condition.expire(KIND.detector, now)
    }

    fn coverage(&self, now: &SymbolNow) -> (Detector, CoverageState) {
        let state = if now.uses_levels { CoverageState::once(self.changed.is_some()) } else { CoverageState::NoBook };
        (Detector::StaleBook, state)
    }

    fn end(&mut self) -> Option<Verdict> {
        self.condition.end(KIND.detector)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{detect::Change, event::SourceId};

    fn at(second: f64) -> EventTime {
        #[expect(clippy::cast_possible_truncation, reason = "small numbers")]
        EventTime::from_nanos((second * 1e9) as i64)
    }

    fn trade(book: &mut StaleBook, second: f64, changes: u64) -> Option<Change> {
        let record = RecordRef { source: SourceId(0), offset: 0 };
        book.trade(at(second), changes, record).map(|verdict| verdict.change)
    }

    /// A symbol that trades `per_second` times a second, with a book whose changes the caller makes.
    struct Market {
        book: StaleBook,
        per_second: f64,
        now: f64,
        changes: u64,
    }

    impl Market {
        fn new(per_second: f64) -> Self {
            Self { book: StaleBook::default(), per_second, now: 0.0, changes: 1 }
        }

        /// Trades until a time, with the book as it is. Returns when the book is first called stale.
        fn trade_until(&mut self, end: f64) -> Option<f64> {
            let mut reported = None;
            while self.now < end {
                self.book.expire(at(self.now));
                let opened = trade(&mut self.book, self.now, self.changes) == Some(Change::Opened);
                reported = reported.or(opened.then_some(self.now));
                self.now += 1.0 / self.per_second;
                self.book.note_changes(at(self.now.floor()), self.changes);
            }
            reported
        }

        /// Trades for some time while the book is polled. Each poll is late by up to a tenth; of forty, so many fail.
        fn poll(&mut self, every: f64, polls: u32, failing: u32) -> Option<f64> {
            let (start, mut reported) = (self.now, None);
            for nth in 1..=polls {
                let late = 0.1 * every * (f64::from(nth) * 0.618).fract();
                reported = reported.or(self.trade_until(start + f64::from(nth) * every + late));
                self.changes += u64::from(nth % 40 >= failing);
            }
            reported
        }
    }

    #[test]
    fn a_polled_book_is_never_stale_and_one_that_stops_is_reported_after_three_polls() {
        for per_second in [0.5, 2.0, 40.0] {
            for every in [0.2, 1.0, 5.0, 30.0, 60.0] {
                let mut market = Market::new(per_second);
                assert_eq!(market.poll(every, 239, 0), None, "each {every} s, {per_second} trades a second");
                let stopped = market.now;
                let reported = market.trade_until(stopped + 600.0).expect("a book that stops") - stopped;
                // The usual wait is that of the latest poll; after the limit comes a trade, the twentieth at least.
                let (soonest, latest) = ((3.0 * every).max(10.0), (3.0 * 1.1 * every).max(10.0).max(20.0 / per_second));
                let trade = 1.0 / per_second;
                assert!(
                    (soonest - 2.0 * trade - 1.0..=latest + 2.0 * trade).contains(&reported),
                    "{reported} s for {every} s"
                );
            }
        }
    }

    #[test]
    fn a_polled_book_of_which_two_polls_in_a_row_fail_is_never_stale() {
        for every in [1.0, 5.0, 30.0, 60.0] {
            let mut market = Market::new(2.0);
            assert_eq!(market.poll(every, 800, 2), None, "each {every} s");
        }
    }

    #[test]
    fn a_book_of_deltas_that_stops_is_reported_after_ten_seconds() {
        let mut market = Market::new(4.0);
        for _ in 0..1_000 {
            market.changes += 1;
            assert_eq!(market.trade_until(market.now + 0.25), None);
        }
        let stopped = market.now;
        let reported = market.trade_until(stopped + 60.0).unwrap() - stopped;
        assert!((9.5..11.0).contains(&reported), "{reported}");
    }

    #[test]
    fn a_book_that_never_answered_is_reported_after_five_minutes() {
        let mut market = Market::new(1.0);
        let reported = market.trade_until(600.0).unwrap();
        assert!((300.0..=301.0).contains(&reported), "{reported}");
    }

    #[test]
    fn an_outage_does_not_make_the_book_deaf_to_the_next_one() {
        let mut market = Market::new(2.0);
        market.poll(5.0, 720, 0);
        assert!(market.trade_until(market.now + 3_600.0).is_some());
        market.changes += 1;
        assert_eq!(market.poll(5.0, 120, 0), None);
        let stopped = market.now;
        let reported = market.trade_until(stopped + 600.0).unwrap() - stopped;
        assert!(reported <= 30.0, "{reported}");
    }

    #[test]
    fn a_book_that_is_polled_less_often_from_now_on_is_understood() {
        let mut market = Market::new(2.0);
        market.poll(1.0, 3_600, 0);
        market.poll(60.0, 10, 0);
        assert_eq!(market.poll(60.0, 120, 0), None);
    }

    #[test]
    fn a_quiet_market_is_no_stale_book() {
        let mut book = StaleBook::default();
        // The book changes with each trade, a moment later; between them nothing happens for ten minutes.
        for nth in 0..200_u64 {
            let now = nth as f64 * 600.0;
            assert_eq!((0..25).find_map(|k| trade(&mut book, now + f64::from(k) * 0.01, nth + 1)), None);
            book.note_changes(at(now + 1.0), nth + 2);
        }
        assert!(book.rhythm.limit() <= UNCHANGED_MIN);
    }

    #[test]
    fn an_auction_prints_before_its_levels_and_a_stale_book_ends_when_it_moves() {
        let mut book = StaleBook::default();
        for nth in 0..20_u32 {
            trade(&mut book, f64::from(nth), u64::from(nth) + 1);
        }
        assert_eq!((0..40).find_map(|_| trade(&mut book, 20.0, 30)), None, "an auction");
        book.note_changes(at(21.0), 31);
        assert_eq!((21..41).find_map(|n| trade(&mut book, f64::from(n), 31)), Some(Change::Opened));
        assert_eq!((41..50_u32).find_map(|n| trade(&mut book, f64::from(n), u64::from(n))), None);
        assert_eq!(book.expire(at(50.0)).map(|verdict| verdict.change), Some(Change::Cleared));
    }

    #[test]
    fn a_symbol_without_a_book_has_no_stale_one() {
        let mut book = StaleBook::default();
        assert_eq!((0..1_000).find_map(|second| trade(&mut book, f64::from(second), 0)), None);
    }
}
