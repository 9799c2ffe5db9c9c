//! Breaks of a feed's log: the log does not continue at the position that was read, because records are missing or the log is new.
//!
//! Learned rates are of the market and not of the log, so they are kept: hours of flow are not learned anew because
//! a topic was made again. State that follows from one record to the next begins anew with another log: sequence numbers, books,
//! resting orders, heartbeats. The time in between counts as unseen. If the new log begins long before the feed's own clock, it
//! holds another history, and everything begins anew, because windows cannot go back in time.
//!
//! The feed's own clock then begins anew too, and with it all that is judged by it. The clock of its messages is kept: messages
//! that were sent are stamped with it, and no later one may be stamped lower.
//!
//! A break is reported at once, as of the last record before it. From the first event after it the report is repeated for a while.

use std::sync::Arc;

use super::{FeedStage, Outbox, feed::Resume, participants::Participants, streams::Streams};
use crate::{
    book::{Fault, Orders},
    detect::symbol::FlowPools,
    engine::{Limits, message::Blind},
    event::{Event, Origin, RecordRef},
    table::Table,
    time::{EventTime, Span},
    trust::Cause,
};

/// A log that begins further than this before the feed's own clock holds another history: events that late do not count (DESIGN,
/// "Lateness").
const EARLIER: Span = Span::from_secs(60);

/// The last record before a break, and the feed's own clock then.
type Before = (Option<RecordRef>, Option<EventTime>);

impl FeedStage {
    /// Handles the start of another log under the partition's name. `unread` offsets of the old log were not read. `before` is the
    /// feed's last record before the break, and its own clock at that time.
    pub fn begin_log(&mut self, limits: Limits, unread: u64, before: Before, outbox: &mut Outbox) {
        self.counters.new_logs += 1;
        self.counters.lost += unread;
        self.resume = Some(Resume::WithLog(limits));
        self.orders = Orders::new(limits.orders_max);
        (self.pulse, self.streams) = (None, Streams::default());
        for symbol in self.symbols.values_mut().map(Arc::make_mut) {
            symbol.release_held(&mut outbox.settled);
            symbol.begin_log();
        }
        self.adopt_clock(before);
        if let (Some(clock), (Some(last), _), 1..) = (self.stamps.newest(), before, unread) {
            self.judge.happened((Cause::Gap, unread), last, None, clock);
        }
        self.tell((Cause::NewLog, 1), before.0, None, outbox);
    }

    /// Handles offsets that were deleted before they were read. `before` is the feed's last record before the break, and its own
    /// clock at that time.
    pub fn lose(&mut self, offsets: u64, before: Before, outbox: &mut Outbox) {
        self.counters.lost += offsets;
        self.resume = self.resume.or(Some(Resume::AfterLoss));
        self.adopt_clock(before);
        self.tell((Cause::Gap, offsets), before.0, None, outbox);
    }

    /// Takes over the clock that the feed had at the break, if all records before the break are gone, as they may be in a replay.
    fn adopt_clock(&mut self, (_, clock): Before) {
        if let (None, None, Some(clock)) = (self.clock, self.stamps.newest(), clock) {
            self.clock = Some(clock);
            self.stamps.believe(clock);
        }
    }

    /// Applies a break of the log to the feed's state, before the first event after the break is handled.
    pub fn resume(&mut self, event: &Event<'_>, origin: Origin, outbox: &mut Outbox) {
        let Some(resume) = self.resume.take() else { return };
        let Some((clock, own)) = self.clock.zip(self.stamps.newest()) else { return };
        if let Resume::WithLog(limits) = resume
            && event.ts < own.minus(EARLIER)
        {
            self.forget_history(limits, origin, outbox);
            self.stamps.rewind();
            self.judge.rewind(event.ts);
            return;
        }
        self.judge.resume(event.ts);
        for symbol in self.symbols.values_mut().map(Arc::make_mut) {
            let (newest, _) = symbol.rhythm();
            // A symbol without any event has seen nothing that could be missing.
            if (EventTime::from_nanos(0)..event.ts).contains(&newest) && symbol.lose(newest, event.ts) {
                self.counters.book_faults[Fault::Broken as usize] += 1;
            }
        }
        let (until, clock) = (event.ts, clock.max(event.ts));
        outbox.send_blind(Blind { until, reopens: false }, clock, origin);
    }

    /// Ends every episode and forgets everything but the clocks and the counters.
    pub(super) fn forget_history(&mut self, limits: Limits, origin: Origin, outbox: &mut Outbox) {
        let symbols = std::mem::replace(&mut self.symbols, Table::new(limits.symbols_max));
        self.deadlines.clear();
        self.pools = FlowPools::default();
        for (name, symbol) in symbols.iter() {
            self.forget(name, Arc::clone(symbol), origin, outbox);
        }
        if let Some(clock) = self.clock {
            self.participants.end(clock, &mut outbox.accounts, &mut self.party_verdicts);
        }
        self.publish_parties(origin, outbox);
        self.participants = Participants::new(&limits, &self.settings);
    }
}
