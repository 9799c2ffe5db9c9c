//! The state of one symbol in the market stage: its sequence, its books, its detectors.

mod books;
mod held;
mod lateness;
mod orders;
mod pauses;
mod session;
mod shown;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use self::books::Books;
pub use self::{
    books::Counts,
    held::Held,
    lateness::Age,
    orders::{Applied, Shared},
    session::{Session, Unseen},
};
use super::{
    participants::{SymbolView, Symbols},
    pulse::UsualGap,
    sequence::Sequence,
};
use crate::{
    book::BookState,
    calendar::{CalendarId, Calendars, ClosuresAt},
    detect::{
        Burst, Detection, FlowFacts, MarketSample, PriceMove, REOPENED_FOR, SLOT, Sample, Verdict,
        symbol::{BookSample, Detectors, FlowPools, Moment, TradeSeen},
    },
    engine::message::DEPTH_BPS,
    event::{Decimal, Event, EventType, SharedName, TradingStatus},
    table::{Handle, Table},
    time::{EventTime, Span},
    trust::Mode,
    window::RecentTrades,
};

/// Seconds for which a changed state of the book must last before it is reported, because the book flickers around its quantile.
const UNLIKE: u8 = 5;
/// Seconds without an event after which the book counts as not observed, and no longer as unchanged.
const UNSEEN_MAX: i64 = 60;
/// Seconds between two summaries of the depth. A summary visits every level within 20 % of the middle: each second, it was a
/// twentieth of the engine's cost.
const SUMMARY_EVERY: i64 = 5;
/// How long after a reopening the book is being built: as long as `one_sided_book` lets it.
const BUILT: Span = Span::from_secs(60);

/// State of one symbol.
#[derive(Clone, Serialize, Deserialize)]
pub struct Symbol {
    sequence: Option<Sequence>,
    /// Events that may be the first of a new sequence, in the order in which they came.
    held: Vec<Held>,
    /// The newest time of each kind of input.
    newest: [EventTime; EventType::ALL.len()],
    books: Books,
    /// How far the newest sample lies behind the feed's clock: nothing in an ordered feed, an hour where a producer reads an
    /// hour's backlog into a partition that others keep up to date.
    behind: Span,
    /// Samples before this time may have been missed.
    blind_until: EventTime,
    /// The newest time of any event, and the usual gap between two times.
    newest_at: EventTime,
    usual_gap: UsualGap,
    /// The last second at whose beginning the book was looked at.
    sampled: Option<i64>,
    /// Whether the book was last reported as thin, and for how many seconds it has differed from that report.
    thin: Option<bool>,
    unlike: u8,
    /// The slot in which the symbol was last asked for its part of the market's statistic.
    asked: i64,
    /// The minute in which the symbol's tails were last exchanged with the feed's pools.
    exchanged: i64,
    session: Session,
    trades: RecentTrades,
    detectors: Detectors,
}

/// The depth of a book as it was when a second began.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DepthAt {
    /// The beginning of the second.
    pub at: EventTime,
    /// The middle of the touch.
    pub middle: Decimal,
    /// The notional of bids and of asks within each distance.
    pub notional: [[f64; DEPTH_BPS.len()]; 2],
}

impl Symbol {
    /// A symbol never seen before.
    #[must_use]
    pub fn new(settings: &Detection, session: Session) -> Self {
        Self {
            sequence: None,
            held: Vec::new(),
            newest: [EventTime::from_nanos(i64::MIN); EventType::ALL.len()],
            books: Books::default(),
            behind: Span::ZERO,
            blind_until: EventTime::from_nanos(i64::MIN),
            newest_at: EventTime::from_nanos(i64::MIN),
            usual_gap: UsualGap::default(),
            sampled: None,
            thin: None,
            unlike: 0,
            asked: i64::MIN,
            exchanged: i64::MIN,
            session,
            trades: RecentTrades::default(),
            detectors: Detectors::new(settings),
        }
    }

    /// Continues under other settings: a detector whose own did not change keeps all that it has learned.
    pub fn retune(&mut self, before: &Detection, settings: &Detection) {
        self.detectors.retune(before, settings);
    }

    /// Once a minute, exchanges what the symbol's tails have shown with the feed's pools.
    pub fn exchange(&mut self, at: EventTime, pools: &mut FlowPools) {
        let minute = at.slot(Span::from_secs(60));
        if minute > self.exchanged {
            self.exchanged = minute;
            self.detectors.exchange(pools);
        }
    }

    /// Returns when, by the feed's clock, [`Symbol::expire`] must be called. A symbol whose events lag behind that clock is given
    /// as much more time.
    #[must_use]
    pub fn deadline(&self) -> Option<EventTime> {
        self.detectors.due().map(|at| at.plus(self.behind))
    }

    /// Ends episodes whose deadline has come by the feed's clock.
    pub fn expire(&mut self, clock: EventTime, verdicts: &mut Vec<Verdict>) {
        self.detectors.expire(clock.minus(self.behind), verdicts);
    }

    /// Ends every episode, because the symbol is forgotten.
    pub fn end(&mut self, verdicts: &mut Vec<Verdict>) {
        self.detectors.end(verdicts);
    }

    /// Observes whether a closure is over with an event, before it is applied.
    pub fn observe_session(&mut self, event: &Event<'_>, calendars: &mut Calendars) {
        let unseen = self.session.observe(event, calendars);
        self.reopen(unseen);
    }

    /// Observes a status of the symbol or of its venue.
    pub fn observe_status(&mut self, status: &TradingStatus<'_>, at: EventTime, calendars: &mut Calendars) {
        let unseen = self.session.observe_status(status, at, calendars);
        self.reopen(unseen);
    }

    /// Ends a closure: nothing of it is learned, and the levels are raised for a while.
    fn reopen(&mut self, unseen: Option<Unseen>) {
        let Some(Unseen { from, until }) = unseen else { return };
        self.gap(from, until, None);
        self.detectors.reopen(until);
    }

    /// Whether what happens is judged and learned.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.session.is_open()
    }

    /// Since when events have been awaited at a time, so that a silence would be news; `None` while they are not.
    /// `closures` are those of the calendars at that time.
    #[must_use]
    pub fn awaited_since(&self, now: EventTime, closures: &ClosuresAt) -> Option<EventTime> {
        self.session.awaited_since(now, closures)
    }

    /// Follows another calendar from now on, or none.
    pub fn set_calendar(&mut self, calendar: Option<CalendarId>) {
        self.session.set_calendar(calendar);
    }

    /// The newest reopening; before all times if there was none.
    #[must_use]
    pub const fn opened_at(&self) -> EventTime {
        self.session.opened_at()
    }

    /// Begins another log under the partition's name: the sequence and the books begin anew. Events that are held must have been
    /// released.
    pub fn begin_log(&mut self) {
        (self.sequence, self.books) = (None, Books::default());
        (self.sampled, self.unlike) = (None, 0);
    }

    /// Handles a gap: the feed is known to have been blind in [from, until). If events of the symbol up to a number are missing,
    /// levels may be missing too. Returns whether its book from levels was whole until now and no longer is.
    pub fn gap(&mut self, from: EventTime, until: EventTime, lost_up_to: Option<u64>) -> bool {
        // A closure that lasts until the gap was unseen time too.
        let from = self.session.unseen_before(until).map_or(from, |closed| closed.min(from));
        self.detectors.gap(from, until);
        self.sampled = None;
        self.blind_until = self.blind_until.max(until);
        lost_up_to.is_some_and(|up_to| self.books.lose(until, up_to))
    }

    /// Handles the loss of records of the feed in [from, until), which may be the symbol's: the next newer snapshot makes its book
    /// whole. Returns whether its book from levels was whole until now.
    pub fn lose(&mut self, from: EventTime, until: EventTime) -> bool {
        let was_whole = self.gap(from, until, Some(0));
        self.books.renumber();
        was_whole
    }

    /// Returns since when, without interruption, the book in use has been unusable at a time; `None` where it is usable, and where
    /// the symbol has none.
    #[must_use]
    pub fn book_unusable_since(&self, at: EventTime) -> Option<EventTime> {
        self.books.unusable_since(at)
    }

    /// The time before which samples may have been missed.
    #[must_use]
    pub const fn blind_until(&self) -> EventTime {
        self.blind_until
    }

    /// The newest time of any event, and the usual gap between two times, in seconds.
    #[must_use]
    pub const fn rhythm(&self) -> (EventTime, f64) {
        (self.newest_at, self.usual_gap.seconds())
    }

    /// The detector of its withdrawals.
    #[must_use]
    pub const fn cancels(&self) -> &Burst {
        self.detectors.flow.cancel_burst.burst()
    }

    /// Ends the episodes whose deadline has come by the symbol's own events, before a sample is judged. Notes how far those events
    /// are behind the feed's clock.
    fn catch_up(&mut self, moment: &Moment, stream: EventType, verdicts: &mut Vec<Verdict>) {
        if moment.at >= self.newest[stream as usize] {
            self.behind = moment.clock.since(moment.at);
        }
        self.detectors.expire(moment.at, verdicts);
    }

    /// The mode by which prices and books are judged: levels are raised for a while after a reopening.
    fn raised(&self, moment: &Moment) -> Mode {
        let is_raised = moment.at.since(self.opened_at()) < REOPENED_FOR;
        if is_raised { moment.mode.max(Mode::Degraded) } else { moment.mode }
    }

    /// Samples the book as it was when each second began that is over, before an event is applied. Returns the depth where
    /// five seconds began.
    pub fn sample_book(&mut self, moment: &Moment, verdicts: &mut Vec<Verdict>) -> Option<DepthAt> {
        let now = moment.at.slot(Span::SECOND);
        let last = self.sampled.replace(now)?;
        if now <= last {
            self.sampled = Some(last);
            return None;
        }
        if !self.is_open() || moment.at.since(self.opened_at()) < BUILT {
            return None;
        }
        let mode = self.raised(moment);
        let book = self.books.in_use()?;
        let changes = book.changes();
        if changes == 0 {
            return None;
        }
        let depth = book.depth();
        let at = EventTime::of_slot(now, Span::SECOND);
        let is_due = now.div_euclid(SUMMARY_EVERY) > last.div_euclid(SUMMARY_EVERY);
        let middle = if is_due { book.middle() } else { None };
        let summary = middle.map(|middle| DepthAt { at, middle, notional: book.within(middle, DEPTH_BPS) });
        // The spread of a locked book has no logarithm.
        let spread_bps = book.spread_bps().filter(|bps| *bps > 0.0);
        let sides = book.sides();
        let is_paused = sides == (true, true) && !book.is_priced();
        let seen = now - (now - last).min(UNSEEN_MAX);
        for at in (seen + 1..=now).map(|second| EventTime::of_slot(second, Span::SECOND)) {
            self.catch_up(&Moment { at, ..*moment }, EventType::BookSnapshot, verdicts);
            let record = moment.record;
            self.detectors.second(
                &BookSample { at, record, mode, sides, depth: depth.as_ref(), spread_bps, is_paused, changes },
                verdicts,
            );
            if depth.is_some() && !self.detectors.book.stale_book.is_firing() {
                let same = self.detectors.book.thin_book.is_low() == self.thin;
                self.unlike = if same { 0 } else { self.unlike.saturating_add(1) };
            }
        }
        summary
    }

    /// Whether the book became thin, or no longer is; once it has been so for some seconds.
    pub fn thinned(&mut self) -> Option<bool> {
        if self.thin == Some(true) && (matches!(self.books.state(), BookState::Unusable { .. }) || !self.is_open()) {
            // A book that cannot be read, or whose symbol is closed, counts as not thin.
            (self.thin, self.unlike) = (Some(false), 0);
            return Some(false);
        }
        let is_low = self.detectors.book.thin_book.is_low();
        let is_low = is_low.filter(|_| self.unlike >= UNLIKE || self.thin.is_none())?;
        (self.thin, self.unlike) = (Some(is_low), 0);
        Some(is_low)
    }

    /// The symbol's part of the market's statistic: with the first event of each ten seconds, where it is not zero, and else with
    /// the first of each minute. None while the symbol is closed and for the first minutes after it has reopened.
    pub fn market_sample(&mut self, at: EventTime) -> Option<MarketSample> {
        let slot = at.slot(SLOT);
        if slot <= self.asked {
            return None;
        }
        let before = EventTime::of_slot(std::mem::replace(&mut self.asked, slot), SLOT);
        let sample = self.detectors.market_sample(at)?;
        if !self.is_open() || at.since(self.opened_at()) < REOPENED_FOR {
            return None;
        }
        let is_zero = sample.flow.abs() + sample.price.abs() <= 0.0;
        let minute = Span::from_secs(60);
        (!is_zero || before.slot(minute) < at.slot(minute)).then_some(sample)
    }

    /// Hands a withdrawal to the detectors.
    pub fn withdrawn(&mut self, moment: &Moment, sample: &Sample<'_>, verdicts: &mut Vec<Verdict>) {
        self.catch_up(moment, EventType::OrderNew, verdicts);
        if self.is_open() {
            self.detectors.withdrawn(moment, sample, verdicts);
        }
    }

    /// Hands a trade to the detectors, unless it is one of an auction.
    pub fn traded(&mut self, moment: &Moment, seen: TradeSeen<'_>, verdicts: &mut Vec<Verdict>) {
        self.catch_up(moment, EventType::Trade, verdicts);
        if !self.is_open() || self.session.is_of_auction(seen.trade.side) {
            return;
        }
        if let Some(side) = seen.trade.side {
            let taken = (seen.trade.price.get().to_f64(), seen.trade.qty.get().to_f64());
            self.trades.take(moment.at, side, taken, seen.trade.liquidation);
        }
        // Levels that are no longer in use are followed until the finding that they are stale has ended.
        let is_followed = self.books.uses_levels() || self.detectors.book.stale_book.is_firing();
        let level_changes = self.books.level_changes().filter(|_| is_followed);
        let raised = self.raised(moment);
        self.detectors.traded(moment, raised, &TradeSeen { level_changes, ..seen }, verdicts);
    }

    /// The market around a finding that began at a time.
    pub fn flow_facts(&mut self, name: &SharedName, since: EventTime, now: EventTime) -> FlowFacts {
        let traded = self.trades.summary(since, now);
        let [since_start, over_60_s, over_300_s] = traded.move_bps;
        let (spread_bps, depth) = self.books.in_use().map_or((None, None), |book| (book.spread_bps(), book.depth()));
        FlowFacts {
            symbol: name.to_compact(),
            price_move_bps: PriceMove { since_start, over_60_s, over_300_s },
            aggressor_share: traded.bought_share,
            liquidation_share: traded.liquidation_share,
            volume: traded.volume,
            notional: traded.notional,
            spread_bps,
            depth_share: depth.and_then(|depth| self.detectors.book.thin_book.share_of_usual(&depth, now)),
        }
    }
}

impl Symbols for Table<SharedName, Arc<Symbol>> {
    fn symbol(&self, symbol: Handle) -> Option<SymbolView<'_>> {
        let (name, symbol) = self.key(symbol).zip(self.get(symbol))?;
        let (blind_until, opened_at) = (symbol.blind_until(), symbol.opened_at());
        Some(SymbolView { name, blind_until, opened_at, cancels: symbol.cancels() })
    }
}

#[cfg(test)]
mod resync_tests;
#[cfg(test)]
mod tests;
