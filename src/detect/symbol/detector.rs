//! The interface of a detector of one symbol: the samples that it gets and the calls that it answers.

use crate::{
    book::Sides,
    detect::{BookSight, Burst, CoverageState, Detection, Detector, Sample, Verdict},
    event::{RecordRef, SharedName, Trade},
    time::EventTime,
    trust::Mode,
};

/// The moment of a sample: its time, the clock beside it, its record and the mode in which it is judged.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The event's own time.
    pub at: EventTime,
    /// The clock of the feed.
    pub clock: EventTime,
    /// The record.
    pub record: RecordRef,
    /// The mode in force.
    pub mode: Mode,
}

/// A trade, with what the stage knows of it.
#[derive(Clone, Copy, Debug)]
pub struct TradeSeen<'a> {
    /// The trade.
    pub trade: &'a Trade<'a>,
    /// The aggressor's account.
    pub taker: Option<&'a SharedName>,
    /// The owner behind it.
    pub taker_owner: Option<&'a SharedName>,
    /// How often the book from levels has changed; `None` where the symbol has no such book.
    pub level_changes: Option<u64>,
}

/// The book as it was when a second began.
#[derive(Clone, Copy, Debug)]
pub struct BookSample<'a> {
    /// The beginning of the second.
    pub at: EventTime,
    /// The record that brought the clock there.
    pub record: RecordRef,
    /// The mode in force.
    pub mode: Mode,
    /// Whether there are bids, and asks.
    pub sides: (bool, bool),
    /// The notional near the touch; `None` while a side is empty, the book is crossed, or the best bid is not above zero.
    pub depth: Option<&'a Sides>,
    /// The spread in basis points of the middle; `None` as for the depth, and where the book is locked.
    pub spread_bps: Option<f64>,
    /// Whether both sides are there and the best bid is not above zero: what is in basis points or logarithms pauses.
    pub is_paused: bool,
    /// How often the book has changed.
    pub changes: u64,
}

/// The book as it was when a second began, with the results of the detectors that are called earlier.
#[derive(Clone, Copy)]
pub struct BookSecond<'a> {
    /// The beginning of the second.
    pub at: EventTime,
    /// The record that brought the clock there.
    pub record: RecordRef,
    /// The mode in force.
    pub mode: Mode,
    /// Whether there are bids, and asks.
    pub sides: (bool, bool),
    /// The notional near the touch; `None` while a side is empty, the book is crossed, or the best bid is not above zero.
    pub depth: Option<&'a Sides>,
    /// The spread in basis points of the middle; `None` as for the depth, and where the book is locked.
    pub spread_bps: Option<f64>,
    /// Whether both sides are there and the best bid is not above zero: what is in basis points or logarithms pauses.
    pub is_paused: bool,
    /// How often the book has changed.
    pub changes: u64,
    /// Whether the book no longer changes though trades print.
    pub is_stale: bool,
    /// The recent withdrawals, which tell who made most of them.
    pub withdrawals: &'a Burst,
}

/// A symbol that is open, at the moment at which somebody asks what can be judged of it.
#[derive(Clone, Copy, Debug)]
pub struct SymbolNow {
    /// The feed's own clock.
    pub at: EventTime,
    /// The book in use.
    pub book: BookSight,
    /// Whether that book no longer changes though trades print.
    pub is_stale: bool,
    /// Whether the book in use is one from levels.
    pub uses_levels: bool,
}

impl SymbolNow {
    /// The state of a detector of depth or spread, which judges once enough is learned.
    #[must_use]
    pub fn of_book(&self, is_learned: bool) -> CoverageState {
        let stale = self.is_stale.then_some(CoverageState::BookUnusable);
        self.book.obstacle().or(stale).unwrap_or(CoverageState::once(is_learned))
    }
}

/// A detector of one symbol. `expire` is called for earlier deadlines before a sample is handed in.
pub trait SymbolDetector {
    /// A detector that has seen nothing.
    fn new(settings: &Detection) -> Self
    where
        Self: Sized;

    /// Continues under other settings: a detector whose own did not change keeps all that it has learned.
    fn retune(&mut self, before: &Detection, settings: &Detection);

    /// An order was withdrawn by its account.
    fn withdrawn(&mut self, _moment: &Moment, _sample: &Sample<'_>) -> Option<Verdict> {
        None
    }

    /// A trade was printed.
    fn traded(&mut self, _moment: &Moment, _seen: &TradeSeen<'_>) -> Option<Verdict> {
        None
    }

    /// A second has begun.
    fn second(&mut self, _second: &BookSecond<'_>) -> Option<Verdict> {
        None
    }

    /// The feed is known to have been blind in [from, until).
    fn gap(&mut self, from: EventTime, until: EventTime);

    /// The symbol trades again after a closure, which was a gap.
    fn reopen(&mut self, _at: EventTime) {}

    /// When [`SymbolDetector::expire`] must be called unless a sample comes before.
    fn deadline(&self) -> Option<EventTime>;

    /// Ends the episode if its deadline has come.
    fn expire(&mut self, now: EventTime) -> Option<Verdict>;

    /// Whether the detector can judge the symbol now, and if not, why not.
    fn coverage(&self, now: &SymbolNow) -> (Detector, CoverageState);

    /// Ends the episode because the symbol is forgotten.
    fn end(&mut self) -> Option<Verdict>;
}
