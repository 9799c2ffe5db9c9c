//! What the market stage keeps of one symbol: its sequence, its books, its detectors.

mod lateness;
mod orders;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

pub use self::lateness::Age;
use super::{Detection, crowd::Crowd, observe::Counters, pulse::UsualGap, sequence::Sequence};
use crate::{
    book::{Book, Fault, Levels, Order, Orders},
    detect::{Burst, Detect, Kind, OneSidedBook, Sample, StaleBook, ThinBook, Verdict, trade_burst::Meter},
    event::{Body, Event, EventType, Place, Trade},
    table::Handle,
    time::{EventTime, Span},
    trust::Mode,
};

/// Seconds after which another state of the book is passed on: it flickers around its quantile.
const UNLIKE: u8 = 5;
/// How often a symbol's trades pass the level of the market's form (DETECTION 3: its own h(20)).
const FAST_PER_DAY: f64 = 20.0;
/// Seconds without an event after which the book was not looked at rather than unchanged.
const UNSEEN_MAX: i64 = 60;

/// State of one symbol.
#[derive(Clone, Serialize, Deserialize)]
pub struct Symbol {
    sequence: Option<Sequence>,
    /// The newest time of each kind of input.
    newest: [EventTime; EventType::ALL.len()],
    /// From orders.
    book: Book,
    /// From snapshots and deltas, where the venue publishes them.
    levels: Option<Box<Levels>>,
    /// How far its newest sample lies behind its feed's clock: nothing in an ordered feed, an hour where a producer reads an
    /// hour's backlog into a partition that others keep up to date.
    behind: Span,
    /// What came before this time may have been missed.
    blind_until: EventTime,
    /// When it was last heard of, and the usual gap between two times.
    heard_at: EventTime,
    usual_gap: UsualGap,
    /// The last second at whose beginning the book was looked at.
    sampled: Option<i64>,
    meter: Meter,
    /// Whether the book was thin when that was last passed on, and seconds since it last was what was passed on.
    thin: Option<bool>,
    unlike: u8,
    /// The minute in which it was last passed on that it trades.
    traded: Option<i64>,
    /// When one of its detectors must be looked at again; may be early, never late. Nearly always nothing fires, and asking five
    /// detectors for each event would be felt.
    due: Option<EventTime>,
    cancel_burst: Burst,
    trade_burst: Burst,
    thin_book: ThinBook,
    one_sided_book: OneSidedBook,
    stale_book: StaleBook,
}

/// Where a symbol's samples come from, and in which mode they are judged.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The time of the event.
    pub at: EventTime,
    /// The clock of the feed.
    pub clock: Option<EventTime>,
    /// The record.
    pub place: Place,
    /// The mode in force.
    pub mode: Mode,
}

/// What the symbols of a partition share.
pub struct Shared<'a> {
    /// Live orders.
    pub orders: &'a mut Orders,
    /// Accounts by name.
    pub crowd: &'a mut Crowd,
    /// Counters.
    pub counters: &'a mut Counters,
    /// An order that had to make room for this event's, with its symbol: to be taken off that symbol's book.
    pub displaced: Option<(Handle, Order)>,
    /// Whether the event says another owner of its account than was known.
    pub owner_changed: bool,
    /// Whose order now rests that did not before.
    pub placed: Option<Handle>,
}

/// An order that somebody decided to withdraw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Withdrawal<'a> {
    /// Which order.
    pub order: &'a str,
    /// Whose.
    pub account: Option<Handle>,
}

impl Symbol {
    /// A symbol never seen before.
    #[must_use]
    pub fn new(settings: &Detection) -> Self {
        Self {
            sequence: None,
            newest: [EventTime::from_nanos(i64::MIN); EventType::ALL.len()],
            book: Book::default(),
            levels: None,
            behind: Span::ZERO,
            blind_until: EventTime::from_nanos(i64::MIN),
            heard_at: EventTime::from_nanos(i64::MIN),
            usual_gap: UsualGap::default(),
            sampled: None,
            meter: Meter::default(),
            thin: None,
            unlike: 0,
            traded: None,
            due: None,
            cancel_burst: Burst::new(Kind::Cancels, settings.cancel_burst.window),
            trade_burst: Burst::new(Kind::Trades, settings.trade_burst.window),
            thin_book: ThinBook::new(settings.thin_book),
            one_sided_book: OneSidedBook::default(),
            stale_book: StaleBook::default(),
        }
    }

    /// Goes on under other settings: a detector whose own did not change keeps all that it has learned.
    pub fn retune(&mut self, before: &Detection, settings: &Detection) {
        if before.cancel_burst != settings.cancel_burst {
            self.cancel_burst.retune(settings.cancel_burst.window);
        }
        if before.trade_burst != settings.trade_burst {
            self.trade_burst.retune(settings.trade_burst.window);
        }
        self.thin_book.retune(settings.thin_book);
    }

    /// Every detector of a symbol, in the order in which they speak.
    fn detectors(&self) -> [&dyn Detect; 5] {
        [&self.cancel_burst, &self.trade_burst, &self.thin_book, &self.one_sided_book, &self.stale_book]
    }

    fn detectors_mut(&mut self) -> [&mut dyn Detect; 5] {
        [
            &mut self.cancel_burst,
            &mut self.trade_burst,
            &mut self.thin_book,
            &mut self.one_sided_book,
            &mut self.stale_book,
        ]
    }

    /// When, by the feed's clock, [`Symbol::handle_timeout`] must be called: a symbol that is behind is given its time to come.
    #[must_use]
    pub fn deadline(&self) -> Option<EventTime> {
        self.due.map(|at| at.plus(self.behind))
    }

    /// Ends episodes whose time has come by the feed's clock.
    pub fn handle_timeout(&mut self, clock: EventTime, verdicts: &mut Vec<Verdict>) {
        self.end_until(clock.minus(self.behind), verdicts);
    }

    /// Ends episodes whose time has come by its own.
    fn end_until(&mut self, now: EventTime, verdicts: &mut Vec<Verdict>) {
        if self.due.is_some_and(|at| at <= now) {
            verdicts.extend(self.detectors_mut().into_iter().filter_map(|detector| detector.handle_timeout(now)));
            self.plan();
        }
    }

    /// Notes when its detectors must be looked at, after one of them has said something.
    fn plan(&mut self) {
        self.due = self.detectors().into_iter().filter_map(Detect::deadline).min();
    }

    /// Takes down what a detector says.
    fn note(&mut self, verdict: Option<Verdict>, verdicts: &mut Vec<Verdict>) {
        if let Some(verdict) = verdict {
            verdicts.push(verdict);
            self.plan();
        }
    }

    /// Ends every episode, because the symbol is forgotten.
    pub fn end(&mut self, verdicts: &mut Vec<Verdict>) {
        verdicts.extend(self.detectors_mut().into_iter().filter_map(Detect::end));
    }

    /// The feed is known to have been blind in [from, until). Where something of the symbol is missing, so may levels be.
    pub fn gap(&mut self, from: EventTime, until: EventTime, lost: bool, counters: &mut Counters) {
        self.detectors_mut().into_iter().for_each(|detector| detector.gap(from, until));
        self.sampled = None;
        self.blind_until = self.blind_until.max(until);
        if lost && self.levels.as_mut().is_some_and(|levels| levels.lose()) {
            counters.book_faults[Fault::Broken as usize] += 1;
        }
    }

    /// The time before which something may have been missed.
    #[must_use]
    pub const fn blind_until(&self) -> EventTime {
        self.blind_until
    }

    /// When it was last heard of, and its usual gap between two times, in seconds.
    #[must_use]
    pub const fn rhythm(&self) -> (EventTime, f64) {
        (self.heard_at, self.usual_gap.seconds())
    }

    /// Its detector of cancels.
    #[must_use]
    pub const fn cancels(&self) -> &Burst {
        &self.cancel_burst
    }

    /// Nothing happened up to the heartbeat.
    pub fn heartbeat(&mut self, at: EventTime) {
        self.detectors_mut().into_iter().for_each(|detector| detector.heartbeat(at));
    }

    /// Before a sample is judged: ends episodes whose time has come by the symbol's own events, and notes how far those are
    /// behind the feed's clock.
    fn catch_up(&mut self, moment: &Moment, stream: EventType, verdicts: &mut Vec<Verdict>) {
        if moment.at >= self.newest[stream as usize] {
            self.behind = moment.clock.map_or(Span::ZERO, |clock| clock.since(moment.at));
        }
        self.end_until(moment.at, verdicts);
    }

    /// Looks at the book as it was when each second began that is over, before an event is applied.
    pub fn look_at_book(&mut self, moment: &Moment, verdicts: &mut Vec<Verdict>) {
        let now = moment.at.slot(Span::SECOND);
        let Some(last) = self.sampled.replace(now) else { return };
        if now <= last {
            self.sampled = Some(last);
            return;
        }
        let (book, levels) = (&mut self.book, &mut self.levels);
        let Some(book) = levels.as_mut().map_or(Some(book), |levels| levels.book()) else { return };
        if book.changes() == 0 {
            return;
        }
        let (changes, depth) = (book.changes(), book.depth());
        let sides = (book.best_bid().is_some(), book.best_ask().is_some());
        let seen = now - (now - last).min(UNSEEN_MAX);
        for at in (seen + 1..=now).map(|second| EventTime::of_slot(second, Span::SECOND)) {
            let moment = Moment { at, ..*moment };
            self.catch_up(&moment, EventType::BookSnapshot, verdicts);
            self.stale_book.look(at, changes);
            let verdict = self.one_sided_book.sample(at, sides, moment.place);
            self.note(verdict, verdicts);
            if let Some(depth) = depth.as_ref().filter(|_| !self.stale_book.is_firing()) {
                let Self { thin_book, cancel_burst, .. } = self;
                let verdict = thin_book.sample(at, depth, (moment.place, moment.mode), || cancel_burst.busiest());
                self.note(verdict, verdicts);
                let same = self.thin_book.is_low() == self.thin;
                self.unlike = if same { 0 } else { self.unlike.saturating_add(1) };
            }
        }
    }

    /// Whether the book became thin, with those who withdrew most of late, or no longer is; once it has been so for some seconds.
    pub fn thinned(&mut self) -> Option<(bool, Vec<CompactString>)> {
        let is_low = self.thin_book.is_low().filter(|_| self.unlike >= UNLIKE || self.thin.is_none())?;
        (self.thin, self.unlike) = (Some(is_low), 0);
        Some((is_low, if is_low { self.cancel_burst.busiest() } else { Vec::new() }))
    }

    /// Whether it is to be passed on that the symbol trades, and whether that is far faster than usual.
    pub fn trades(&mut self, event: &Event<'_>) -> Option<bool> {
        let Body::Trade(_) = event.body else { return None };
        let fast = self.trade_burst.passes(FAST_PER_DAY);
        let minute = event.ts.slot(Span::from_secs(60));
        let first = self.traded.replace(minute) != Some(minute);
        (fast || first).then_some(fast)
    }

    /// An order was withdrawn.
    pub fn withdrawn(&mut self, moment: &Moment, sample: &Sample<'_>, verdicts: &mut Vec<Verdict>) {
        self.catch_up(moment, EventType::OrderNew, verdicts);
        let verdict = self.cancel_burst.handle(sample, &[1], moment.mode, |_| true);
        self.note(verdict, verdicts);
    }

    /// A trade was printed.
    pub fn traded(&mut self, moment: &Moment, trade: &Trade<'_>, verdicts: &mut Vec<Verdict>) {
        self.catch_up(moment, EventType::Trade, verdicts);
        let amounts = self.meter.measure(moment.at, trade);
        let sample = Sample {
            at: moment.at,
            place: moment.place,
            id: &trade.trade,
            account: trade.taker.as_deref(),
            owner: trade.taker_owner.as_deref(),
        };
        let verdict = self.trade_burst.handle(&sample, &amounts, moment.mode, |_| true);
        self.note(verdict, verdicts);
        if let Some(levels) = &self.levels {
            let verdict = self.stale_book.trade(moment.at, levels.changes(), moment.place);
            self.note(verdict, verdicts);
        }
    }

    /// Applies an event to the book. Returns what it withdraws, if it does.
    pub fn apply<'e>(&mut self, me: Handle, event: &'e Event<'_>, shared: &mut Shared<'_>) -> Option<Withdrawal<'e>> {
        let levels = self.levels.as_mut().and_then(|levels| levels.check(event.ts));
        for fault in self.book.check(event.ts).into_iter().chain(levels) {
            shared.counters.book_faults[fault as usize] += 1;
        }
        match &event.body {
            Body::OrderNew(order) => {
                self.order_new(me, event, order, shared);
                None
            }
            Body::OrderReplace(order) => self.order_replace(me, event, order, shared),
            Body::OrderCancel(order) => self.order_cancel(me, event, order, shared),
            Body::Trade(trade) => {
                self.trade(me, trade, shared);
                None
            }
            Body::BookSnapshot(snapshot) => {
                self.levels.get_or_insert_default().snapshot(snapshot);
                None
            }
            Body::BookDelta(delta) => {
                self.levels.get_or_insert_default().delta(delta);
                None
            }
            Body::OrderReject(_)
            | Body::Leverage(_)
            | Body::Position(_)
            | Body::Balance(_)
            | Body::Mark(_)
            | Body::Funding(_)
            | Body::OpenInterest(_)
            | Body::Liquidation(_)
            | Body::InsuranceFund(_)
            | Body::Instrument(_)
            | Body::Engine(_)
            | Body::Heartbeat(_)
            | Body::Unknown => None,
        }
    }
}

impl Shared<'_> {
    /// The number of the event's account.
    fn account(&mut self, event: &Event<'_>) -> Option<Handle> {
        let (handle, owner_changed) = self.crowd.account(event)?;
        self.owner_changed |= owner_changed;
        Some(handle)
    }
}

#[cfg(test)]
mod tests;
