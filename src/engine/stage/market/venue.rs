//! The status of a venue: a `trading_status` or a calendar that holds for all symbols of a partition.

use std::sync::Arc;

use super::{
    FeedStage, Outbox,
    streams::FORGOTTEN,
    symbol::{Symbol, Unseen},
};
use crate::{
    calendar::Calendars,
    engine::message::Blind,
    event::{Body, Event, Origin},
    time::EventTime,
};

impl FeedStage {
    /// Observes a status that holds for all symbols of the partition.
    pub(super) fn observe_venue(&mut self, event: &Event<'_>, origin: Origin, outbox: &mut Outbox) {
        let Body::TradingStatus(status) = &event.body else { return };
        for symbol in self.symbols.values_mut() {
            Arc::make_mut(symbol).observe_status(status, event.ts, &mut self.calendars);
        }
        let unseen = self.session.observe_status(status, event.ts, &mut self.calendars);
        self.reopen(unseen, origin, outbox);
    }

    /// Observes whether a closure of the venue is over with an event.
    pub(super) fn observe_session(&mut self, event: &Event<'_>, origin: Origin, outbox: &mut Outbox) {
        let unseen = self.session.observe(event, &mut self.calendars);
        self.reopen(unseen, origin, outbox);
    }

    /// Follows these calendars from now on, if they differ from those in force.
    pub(super) fn follow_calendars(&mut self, calendars: &Calendars) {
        if self.calendars == *calendars {
            return;
        }
        self.calendars = calendars.clone();
        self.session.set_calendar(calendars.of_venue());
        for (name, symbol) in self.symbols.iter_mut() {
            Arc::make_mut(symbol).set_calendar(calendars.of_symbol(name.as_str()));
        }
    }

    /// Whether no events are awaited at a time: every symbol that had an event within the hour before the feed's last is closed
    /// then. If there is no such symbol, the venue as a whole must be closed.
    pub fn rests(&self, now: EventTime) -> bool {
        let Some(clock) = self.stamps.newest() else { return false };
        let closures = self.calendars.at(now);
        let is_alive = |symbol: &&Arc<Symbol>| clock.since(symbol.rhythm().0) < FORGOTTEN;
        let mut alive = self.symbols.iter().map(|(_, symbol)| symbol).filter(is_alive).peekable();
        if alive.peek().is_none() {
            return self.session.awaited_since(now, &closures).is_none();
        }
        alive.all(|symbol| symbol.awaited_since(now, &closures).is_none())
    }

    /// Sends to the stages behind that the venue was closed.
    fn reopen(&self, unseen: Option<Unseen>, origin: Origin, outbox: &mut Outbox) {
        if let (Some(Unseen { until, .. }), Some(clock)) = (unseen, self.clock) {
            outbox.send_blind(Blind { until, reopens: true }, clock, origin);
        }
    }
}

#[cfg(test)]
mod tests;
