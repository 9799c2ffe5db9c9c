//! Whether a symbol trades. Time in which it cannot trade is neither learned nor judged, and no events are awaited in it.
//!
//! A closed symbol is not calm. Its hours without flow, learned as empty, make the first minute after the reopening look
//! like a burst; and what happens while it is closed (mass cancels, an auction's orders, a crossed book) is no news. So a
//! closure is time unseen, like a gap of the feed. There are two kinds:
//!
//! - *Stated*: a `trading_status` that is not `open`, of the symbol or of its whole partition. It lasts until the next
//!   status, until its own `until`, or until a trade with an aggressor shows that the next status was lost. The symbol is
//!   not awaited meanwhile, because its venue says that nothing will come. A calendar of the configuration states the same
//!   for the time outside its hours. The venue takes precedence: a status, or a trade that shows that the calendar is
//!   wrong, holds until the calendar's next closure, and no calendar opens a symbol that a status has closed.
//! - *Inferred*: a pause that is longer than any ordinary one ([`Pauses`]), once it is over. Nothing is known while it
//!   lasts, so the symbol is awaited: a dead producer looks the same.
//!
//! A symbol whose orders have expired is not awaited either.

use serde::{Deserialize, Serialize};

use super::pauses::Pauses;
use crate::{
    calendar::{CalendarId, Calendars, Closure, ClosuresAt},
    event::{Body, CancelReason, Event, TradingPhase, TradingStatus},
    time::{EventTime, Span},
};

/// Time after a stated closure from which on a trade with an aggressor shows that the symbol trades after all. Trades of the last
/// moment before a closure may be stamped a little after it.
const LOST_WORD: Span = Span::from_secs(10);

/// A time in which a symbol could not be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unseen {
    /// The beginning of that time.
    pub from: EventTime,
    /// The end of that time: the reopening.
    pub until: EventTime,
}

/// Whether a symbol trades, as far as is known.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    /// The calendar that the symbol follows.
    calendar: Option<CalendarId>,
    /// Closures of the calendar that began by this time no longer count: they are over, or the venue has stated otherwise.
    calendar_from: EventTime,
    /// Whether the last event about the symbol's orders was an expiry.
    has_expired: bool,
    /// The closure that was stated, while it lasts.
    closed: Option<Closed>,
    /// The time of the newest status.
    stated_at: EventTime,
    /// The newest reopening.
    opened_at: EventTime,
    /// Whether a trade has ever named its aggressor.
    names_aggressors: bool,
    pauses: Pauses,
}

/// A closure that the venue or a calendar has stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Closed {
    since: EventTime,
    phase: TradingPhase,
    until: Option<EventTime>,
    by_calendar: bool,
}

impl Default for Session {
    /// A symbol of which nothing is known: it is open.
    fn default() -> Self {
        let never = EventTime::from_nanos(i64::MIN);
        Self {
            calendar: None,
            calendar_from: never,
            has_expired: false,
            closed: None,
            stated_at: never,
            opened_at: never,
            names_aggressors: false,
            pauses: Pauses::default(),
        }
    }
}

impl Session {
    /// A symbol that is first seen: it trades if its venue does, and follows a calendar of its own.
    #[must_use]
    pub fn of_venue(venue: &Self, calendar: Option<CalendarId>) -> Self {
        let closed = venue.closed.filter(|closed| !closed.by_calendar);
        Self { calendar, closed, stated_at: venue.stated_at, calendar_from: venue.stated_at, ..Self::default() }
    }

    /// Follows another calendar from now on, or none.
    pub fn set_calendar(&mut self, calendar: Option<CalendarId>) {
        self.calendar = calendar;
        if let Some(closed) = self.closed.take_if(|closed| closed.by_calendar) {
            // Whether it is still closed is for the new calendar to say.
            self.calendar_from = closed.since.minus(Span::from_nanos(1));
        }
    }

    /// Observes an event before it is applied. Returns the closure that is over with it.
    pub fn observe(&mut self, event: &Event<'_>, calendars: &mut Calendars) -> Option<Unseen> {
        let at = event.ts;
        self.observe_expiry(&event.body);
        let unseen = self.pass(at);
        self.follow_calendar(at, calendars);
        let unseen = join(unseen, self.pass(at));
        let unseen = match self.closed {
            Some(closed) if self.shows_trading(closed, event) => {
                self.calendar_from = at;
                join(unseen, self.open(at))
            }
            Some(_) => return unseen,
            None => unseen,
        };
        if !is_activity(&event.body) {
            return unseen;
        }
        let Some(from) = self.pauses.observe(at) else { return unseen };
        self.opened_at = at;
        join(unseen, Some(Unseen { from, until: at }))
    }

    /// Ends a stated closure whose own end has passed.
    fn pass(&mut self, at: EventTime) -> Option<Unseen> {
        let until = self.closed?.until.filter(|until| *until <= at)?;
        self.open(until)
    }

    /// Closes with the newest closure of the calendar, if the venue has stated nothing since that began.
    fn follow_calendar(&mut self, at: EventTime, calendars: &mut Calendars) {
        let Some(closure) = self.calendar.and_then(|calendar| calendars.closure(calendar, at)) else { return };
        if closure.since <= self.calendar_from || self.closed.is_some() {
            return;
        }
        self.calendar_from = closure.since;
        let Closure { since, until } = closure;
        self.closed = Some(Closed { since, phase: TradingPhase::Closed, until: Some(until), by_calendar: true });
    }

    /// Observes a status. Returns the closure that is over with it. A status older than the newest changes nothing.
    pub fn observe_status(
        &mut self,
        status: &TradingStatus<'_>,
        at: EventTime,
        calendars: &mut Calendars,
    ) -> Option<Unseen> {
        if at < self.stated_at {
            return None;
        }
        self.stated_at = at;
        self.follow_calendar(at, calendars);
        let over = self.pass(at);
        self.calendar_from = self.calendar_from.max(at);
        match status.status {
            TradingPhase::Open => over.or_else(|| self.open(at)),
            phase @ (TradingPhase::Auction | TradingPhase::Halted | TradingPhase::Closed | TradingPhase::Ended) => {
                let since = self.closed.map_or(at, |closed| closed.since);
                let until = status.until.filter(|until| *until > at);
                self.closed = Some(Closed { since, phase, until, by_calendar: false });
                over
            }
        }
    }

    /// Ends a stated closure.
    fn open(&mut self, at: EventTime) -> Option<Unseen> {
        let Closed { since, .. } = self.closed.take()?;
        let from = self.pauses.closed_before(since).unwrap_or(since);
        self.pauses.resume(at);
        self.opened_at = at;
        Some(Unseen { from, until: at })
    }

    /// Whether a trade shows that a symbol trades although it was stated to be closed, because the status of its reopening was
    /// lost. A trade without an aggressor shows this only where the venue never names one, and not in an auction.
    fn shows_trading(&self, closed: Closed, event: &Event<'_>) -> bool {
        let Body::Trade(trade) = &event.body else { return false };
        let is_continuous = trade.side.is_some() || (!self.names_aggressors && closed.phase != TradingPhase::Auction);
        is_continuous && event.ts.since(closed.since) >= LOST_WORD
    }

    /// Observes whether the symbol's orders have expired, and whether its trades name their aggressors.
    fn observe_expiry(&mut self, body: &Body<'_>) {
        match body {
            Body::OrderCancel(cancel) => self.has_expired = cancel.reason == Some(CancelReason::Expired),
            Body::Trade(trade) => {
                self.has_expired = false;
                self.names_aggressors |= trade.side.is_some();
            }
            Body::OrderNew(_) | Body::OrderReplace(_) => self.has_expired = false,
            Body::BookSnapshot(book) => self.has_expired &= book.bids.is_empty() && book.asks.is_empty(),
            Body::BookDelta(book) => {
                let adds = book.bids.iter().chain(&book.asks).any(|level| !level.1.is_zero());
                self.has_expired &= !adds;
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
            | Body::TradingStatus(_)
            | Body::Heartbeat(_)
            | Body::Unknown => {}
        }
    }

    /// Whether what happens is judged and learned.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    /// Whether a trade is one of an auction: it names no aggressor, where others do.
    #[must_use]
    pub const fn is_of_auction(&self, side: Option<crate::event::Side>) -> bool {
        self.names_aggressors && side.is_none()
    }

    /// The newest reopening; before all times if there was none.
    #[must_use]
    pub const fn opened_at(&self) -> EventTime {
        self.opened_at
    }

    /// Since when events have been awaited at a time, so that a silence counts from then on; `None` while they are not.
    /// `closures` are those of the calendars at that time: no event may have come since they began.
    #[must_use]
    pub fn awaited_since(&self, now: EventTime, closures: &ClosuresAt) -> Option<EventTime> {
        if self.has_expired {
            return None;
        }
        let since = match self.closed {
            Some(Closed { until, .. }) => until.filter(|until| *until <= now)?,
            None => self.opened_at,
        };
        let closure = self.calendar.and_then(|calendar| closures.of(calendar));
        match closure.filter(|closure| closure.since > self.calendar_from) {
            Some(closure) if closure.contains(now) => None,
            Some(closure) => Some(since.max(closure.until)),
            None => Some(since),
        }
    }

    /// Returns when the closure began that reaches up to `at`, the end of a gap, so that closure and gap count as one unseen time;
    /// `None` if the symbol was not closed.
    #[must_use]
    pub fn unseen_before(&self, at: EventTime) -> Option<EventTime> {
        let since = self.closed.map(|closed| closed.since);
        self.pauses.closed_before(since.unwrap_or(at)).or(since)
    }
}

/// Joins two closures that are over to one.
fn join(first: Option<Unseen>, second: Option<Unseen>) -> Option<Unseen> {
    match (first, second) {
        (Some(first), Some(second)) => {
            Some(Unseen { from: first.from.min(second.from), until: first.until.max(second.until) })
        }
        (one, other) => one.or(other),
    }
}

/// Whether an event shows that the market is active. Marks, rates and heartbeats go on while a venue is closed.
const fn is_activity(body: &Body<'_>) -> bool {
    match body {
        Body::OrderNew(_)
        | Body::OrderReplace(_)
        | Body::OrderCancel(_)
        | Body::Trade(_)
        | Body::BookSnapshot(_)
        | Body::BookDelta(_) => true,
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
        | Body::TradingStatus(_)
        | Body::Heartbeat(_)
        | Body::Unknown => false,
    }
}
