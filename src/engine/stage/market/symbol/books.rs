//! The books of one symbol: one from its orders, one from levels, and which of the two is in use.
//!
//! CONTRACT: where a symbol has both, the levels win. But one snapshot is not a book that is kept: venues that publish
//! each order also send a snapshot of the whole book once, at the beginning or on request, and nothing updates it. So
//! where a symbol has orders, the levels are in use only while updates of them keep coming. Until then a snapshot only
//! checks the book from orders: a difference is counted, and nothing is repaired by guessing. (Seeding the book with the
//! snapshot's levels would need orders that nobody knows: neither their cancels nor their fills name a level.)

use serde::{Deserialize, Serialize};

use crate::{
    book::{BANDS_BPS, Book, BookFlaw, BookState, Fault, Levels, Orders, Trust},
    detect::BookSight,
    event::{BookDelta, BookSnapshot, Event},
    table::Handle,
    time::{EventTime, Span},
};

/// Updates in a row after which the levels count as kept up to date: a snapshot and two more. A single further one might be the
/// answer to a second request.
const KEEPS_COMING: u32 = 3;
/// The longest time between two updates in a row, and from the last one until changes of orders show that levels have
/// stopped. It is the time after which an unusable book is a trouble: a book that is not updated for so long, while its
/// orders change, is no better.
const FOLLOWS_WITHIN: Span = Span::from_secs(60);
/// How long a book from orders may stay crossed before the order that it is crossed through is dropped. The book is trusted again
/// ten seconds later. That is before the 55 s after which an unusable book is reported, so a book that recovers by itself is no
/// trouble.
const CROSSED_MAX: Span = Span::from_secs(40);

/// The counters of a feed that books count in.
pub struct Counts<'a> {
    /// Contradictions between books and their feeds.
    pub faults: &'a mut [u64; Fault::ALL.len()],
    /// Deltas that were evicted before they were too old to be needed.
    pub deltas_forgotten: &'a mut u64,
}

/// The books of one symbol.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Books {
    /// The book from orders.
    pub orders: Book,
    trust: Trust,
    /// The book from snapshots and deltas, where the venue publishes them.
    levels: Option<Box<Levels>>,
    updates: Updates,
}

/// The updates of the levels in a row.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Updates {
    in_row: u32,
    last_at: Option<EventTime>,
    /// How often the book from orders had changed at the last update of the levels.
    order_changes: u64,
}

impl Books {
    /// Whether the book from levels is the one in use.
    #[must_use]
    pub const fn uses_levels(&self) -> bool {
        self.levels.is_some() && (self.orders.changes() == 0 || self.updates.in_row >= KEEPS_COMING)
    }

    /// The book in use; `None` while it cannot be used.
    #[must_use]
    pub fn in_use(&mut self) -> Option<&mut Book> {
        if self.state() != BookState::Usable {
            return None;
        }
        match &mut self.levels {
            Some(levels) if self.orders.changes() == 0 || self.updates.in_row >= KEEPS_COMING => levels.book(),
            Some(_) | None => Some(&mut self.orders),
        }
    }

    /// Whether the book in use can be used.
    #[must_use]
    pub fn state(&self) -> BookState {
        if let Some(levels) = self.levels.as_ref().filter(|_| self.uses_levels()) {
            return levels.state();
        }
        let doubted = self.trust.doubted_since();
        match self.orders.crossed_since().into_iter().chain(doubted).min() {
            Some(since) => BookState::Unusable { since, flaw: BookFlaw::Crossed },
            None if self.orders.changes() == 0 => BookState::Absent,
            None => BookState::Usable,
        }
    }

    /// Returns since when, without interruption, the book in use has been unusable at a time; `None` where it is usable, and where
    /// there is none. The doubt in a book from orders may end by that time although no event has come since.
    #[must_use]
    pub fn unusable_since(&self, at: EventTime) -> Option<EventTime> {
        let recovers = !self.uses_levels() && self.orders.crossed_since().is_none() && !self.trust.doubts(at);
        match self.state() {
            BookState::Unusable { since, .. } if !recovers => Some(since),
            BookState::Unusable { .. } | BookState::Usable | BookState::Absent => None,
        }
    }

    /// The spread of the book in use, in basis points of the middle; `None` while there is none.
    #[must_use]
    pub fn spread_bps(&self) -> Option<f64> {
        if self.state() == BookState::Usable { self.look().spread_bps() } else { None }
    }

    /// The notional of the thinner side within each band; `None` where there is no middle or the book cannot be used.
    #[must_use]
    pub fn thinner_depth(&self) -> Option<[f64; BANDS_BPS.len()]> {
        let [bids, asks] = self.look().last_depth().filter(|_| self.state() == BookState::Usable)?;
        Some(std::array::from_fn(|band| bids[band].min(asks[band])))
    }

    /// The book in use, whether it can be used or not.
    fn look(&self) -> &Book {
        self.levels.as_ref().filter(|_| self.uses_levels()).map_or(&self.orders, |levels| levels.unchecked())
    }

    /// The state of the book in use for the detectors that read it.
    #[must_use]
    pub fn sight(&self) -> BookSight {
        let book = self.look();
        match (self.state(), book.sides()) {
            (BookState::Absent, _) => BookSight::Absent,
            (BookState::Unusable { .. }, _) => BookSight::Unusable,
            (BookState::Usable, (true, true)) if !book.is_priced() => BookSight::NotPriced,
            (BookState::Usable, (true, true)) => BookSight::Priced,
            (BookState::Usable, _) => BookSight::OneSided,
        }
    }

    /// How often the book in use changed.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.level_changes().filter(|_| self.uses_levels()).unwrap_or(self.orders.changes())
    }

    /// How often the levels changed, where there are any.
    #[must_use]
    pub fn level_changes(&self) -> Option<u64> {
        self.levels.as_ref().map(|levels| levels.changes())
    }

    /// Whether a snapshot with a number below the newest can be applied beneath the deltas above it.
    #[must_use]
    pub fn takes_late(&self, seq: u64) -> bool {
        self.levels.as_ref().is_some_and(|levels| levels.takes_late(seq))
    }

    /// Checks both books before an event is applied, drops the orders that a book has long been crossed through, and counts
    /// what contradicts the feed.
    pub fn check(&mut self, me: Handle, at: EventTime, orders: &mut Orders, counts: &mut Counts<'_>) {
        let levels = self.levels.as_mut().and_then(|levels| levels.check(at));
        for fault in self.orders.check(at).into_iter().chain(levels) {
            counts.faults[fault as usize] += 1;
        }
        if let Some(since) = self.orders.crossed_since()
            && self.trust.doubts(at)
        {
            // The book was crossed again while it was in doubt, so it counts as crossed in between too.
            self.trust.doubt(since, at);
        }
        self.trust.review(at);
        if let Some(since) = self.orders.crossed_since().filter(|since| at.since(*since) >= CROSSED_MAX) {
            counts.faults[Fault::StuckOrder as usize] += self.uncross(me, orders);
            self.trust.doubt(since, at);
        }
        let is_behind = |last| at.since(last) > FOLLOWS_WITHIN && self.orders.changes() != self.updates.order_changes;
        if self.updates.last_at.is_some_and(is_behind) {
            self.updates.in_row = 0;
        }
    }

    /// Leaves both books unchecked, because the book of a symbol that does not trade continuously may stay crossed. The time for
    /// which a book is crossed counts anew from the next check.
    pub fn leave_crossed(&mut self, at: EventTime) {
        self.orders.restart_crossing();
        self.trust.review(at);
        if let Some(levels) = &mut self.levels {
            levels.leave_crossed(at);
        }
    }

    /// Drops orders until the book is no longer crossed, the oldest first. Returns how many.
    ///
    /// Price and time decide what a venue fills. An order that others cross would have been filled before any of them could
    /// rest, so the oldest of those that cross is the one whose end was lost.
    fn uncross(&mut self, me: Handle, orders: &mut Orders) -> u64 {
        let (Some(bid), Some(ask)) = (self.orders.best_bid(), self.orders.best_ask()) else { return 0 };
        let mut dropped = 0;
        for (id, side, price) in orders.crossing(me, bid, ask) {
            if self.orders.is_crossed_by(side, price)
                && let Some(order) = orders.remove(me, &id)
            {
                self.orders.remove(side, price, order.quantity);
                dropped += 1;
            }
        }
        // If the book is still crossed, the time until the next orders are dropped begins anew.
        self.orders.restart_crossing();
        dropped
    }

    /// Takes a snapshot. `is_late` says that events with higher numbers came before it.
    pub fn snapshot(&mut self, event: &Event<'_>, snapshot: &BookSnapshot, is_late: bool, counts: &mut Counts<'_>) {
        if self.orders.changes() > 0 && !self.uses_levels() && !is_late && !self.orders.agrees_with(snapshot) {
            counts.faults[Fault::Mismatch as usize] += 1;
        }
        self.levels.get_or_insert_with(|| Box::new(Levels::new(event.ts))).snapshot(event.seq, snapshot);
        self.count_update(event.ts);
    }

    /// Takes the levels that changed.
    pub fn delta(&mut self, event: &Event<'_>, delta: &BookDelta, counts: &mut Counts<'_>) {
        let levels = self.levels.get_or_insert_with(|| Box::new(Levels::new(event.ts)));
        *counts.deltas_forgotten += levels.delta(event.seq, event.ts, delta);
        self.count_update(event.ts);
    }

    fn count_update(&mut self, at: EventTime) {
        let Updates { in_row, last_at, .. } = self.updates;
        let follows = last_at.is_some_and(|last| at.since(last) <= FOLLOWS_WITHIN);
        let in_row = if follows { in_row.saturating_add(1) } else { 1 };
        self.updates = Updates { in_row, last_at: last_at.max(Some(at)), order_changes: self.orders.changes() };
    }

    /// Handles the loss of events up to a number. Returns whether the book from levels was whole until now.
    pub fn lose(&mut self, at: EventTime, up_to: u64) -> bool {
        self.levels.as_mut().is_some_and(|levels| levels.lose(at, up_to))
    }

    /// Handles sequence numbers that begin anew.
    pub fn renumber(&mut self) {
        if let Some(levels) = &mut self.levels {
            levels.renumber();
        }
    }
}
