//! The status of a venue: what is said of everything that a partition carries.

use std::sync::Arc;

use super::{FeedStage, Outbox, symbol::Unseen};
use crate::{
    engine::message::Blind,
    event::{Body, Event, Origin},
};

impl FeedStage {
    /// Observes the status of everything that the partition carries.
    pub(super) fn observe_venue(&mut self, event: &Event<'_>, origin: Origin, outbox: &mut Outbox) {
        let Body::TradingStatus(status) = &event.body else { return };
        for symbol in self.symbols.values_mut() {
            Arc::make_mut(symbol).observe_status(status, event.ts);
        }
        let unseen = self.session.observe_status(status, event.ts);
        self.reopen(unseen, origin, outbox);
    }

    /// Observes whether a closure of the venue is over with an event.
    pub(super) fn observe_session(&mut self, event: &Event<'_>, origin: Origin, outbox: &mut Outbox) {
        let unseen = self.session.observe(event);
        self.reopen(unseen, origin, outbox);
    }

    /// Tells the stages behind that the venue was closed.
    fn reopen(&self, unseen: Option<Unseen>, origin: Origin, outbox: &mut Outbox) {
        if let (Some(Unseen { until, .. }), Some(clock)) = (unseen, self.clock) {
            outbox.send_blind(Blind { until, reopens: true }, clock, origin);
        }
    }
}

#[cfg(test)]
mod tests;
