//! A feed whose clock is set back, because a leap of it that was believed was wrong (`trust::Stamps`).
//!
//! Windows cannot go back in time. So everything that goes by the clock begins anew at the time at which the flow goes on; books do
//! too, because what they remember bears times. Only counters stay, and the trouble, which says how far the clock was ahead.

use super::{FeedStage, Outbox, streams::Streams, symbol::Session};
use crate::{
    book::Orders,
    engine::Limits,
    event::{Event, Origin},
    trust::SetBack,
};

impl FeedStage {
    /// Whether a record shows that the last leap of the feed's clock was wrong.
    pub fn set_back(&mut self, events: &[Event<'_>]) -> Option<SetBack> {
        let newest = events.iter().map(|event| event.ts).max()?;
        self.stamps.set_back(newest)
    }

    /// Begins anew at the time at which the flow goes on.
    pub fn begin_anew_at(&mut self, limits: Limits, back: SetBack, origin: Origin, outbox: &mut Outbox) {
        self.counters.set_back += 1;
        self.forget_history(limits, origin, outbox);
        self.orders = Orders::new(limits.orders_max);
        (self.pulse, self.streams, self.session) = (None, Streams::default(), Session::default());
        self.session.set_calendar(self.calendars.of_venue());
        self.judge.set_back(back);
    }

    /// Forgets the clock with which messages are stamped: nothing behind the feed remembers it either.
    pub const fn forget_clock(&mut self) {
        self.clock = None;
    }
}
