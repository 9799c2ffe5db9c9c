//! The book of a symbol whose venue publishes levels: a snapshot, and then the levels that change.
//!
//! The book is whole from a snapshot on, until something is missing: a gap in the sequence. From then on the book follows
//! the deltas but cannot be read, until the next snapshot makes it whole again. Deltas before the first snapshot are
//! handled in the same way. A book that stays crossed contradicts its feed and cannot be read either. It may uncross by
//! itself, as books of some venues do every day; it is then trusted again after 10 s without a fault (`trust`). (A
//! negative quantity never gets here: the decoder refuses it.)

use serde::{Deserialize, Serialize};

use super::{Book, BookFlaw, BookState, Fault, recent::RecentDeltas, trust::Trust};
use crate::{
    event::{BookDelta, BookSnapshot, Decimal, Level, Price, Side},
    time::EventTime,
};

/// A book that is set level by level.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Levels {
    book: Book,
    recent: RecentDeltas,
    /// The number of the newest snapshot.
    base: Option<u64>,
    /// The missing part; `None` while the book is whole.
    missing: Option<Missing>,
    trust: Trust,
}

/// The snapshot that a book waits for.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Missing {
    flaw: BookFlaw,
    since: EventTime,
    /// The newest number that may be missing: only a snapshot with this number or a higher one makes the book whole.
    up_to: u64,
}

impl Levels {
    /// A book of which the first snapshot or delta is about to come.
    #[must_use]
    pub fn new(at: EventTime) -> Self {
        Self {
            book: Book::default(),
            recent: RecentDeltas::default(),
            base: None,
            missing: Some(Missing { flaw: BookFlaw::NoSnapshot, since: at, up_to: 0 }),
            trust: Trust::default(),
        }
    }

    /// The book; `None` while it cannot be used.
    #[must_use]
    pub fn book(&mut self) -> Option<&mut Book> {
        (self.state() == BookState::Usable).then_some(&mut self.book)
    }

    /// Whether the book can be used.
    #[must_use]
    pub fn state(&self) -> BookState {
        match (self.missing, self.trust.doubted_since()) {
            (Some(Missing { flaw, since, .. }), _) => BookState::Unusable { since, flaw },
            (None, Some(since)) => BookState::Unusable { since, flaw: BookFlaw::Crossed },
            (None, None) => BookState::Usable,
        }
    }

    /// Whether a snapshot with a number below the newest one can be applied: all deltas above it are kept.
    #[must_use]
    pub fn takes_late(&self, seq: u64) -> bool {
        self.recent.reach_back_to(seq)
    }

    /// Replaces the book by a snapshot. Levels that deltas above the snapshot's number have changed stay as they are. A
    /// snapshot that is older than the newest one changes nothing. One that is crossed itself ends no doubt.
    pub fn snapshot(&mut self, seq: Option<u64>, snapshot: &BookSnapshot) {
        if seq.is_some_and(|seq| self.base.is_some_and(|base| seq < base)) {
            return;
        }
        let changed: Vec<(Side, Price, Decimal)> = match seq {
            Some(seq) => {
                self.recent.changed_above(seq).map(|(side, at)| (side, at, self.book.quantity(side, at))).collect()
            }
            None => Vec::new(),
        };
        let crossing = self.book.crossing();
        self.book.clear();
        self.set(Side::Buy, &snapshot.bids);
        self.set(Side::Sell, &snapshot.asks);
        for (side, price, quantity) in changed {
            self.book.set(side, price, quantity);
        }
        if self.book.is_crossed() {
            self.book.begin_crossing(crossing);
        } else {
            self.trust = Trust::default();
        }
        self.missing = self.missing.filter(|missing| seq.is_some_and(|seq| seq < missing.up_to));
        self.base = seq;
        if let Some(seq) = seq {
            self.recent.begin_at(seq);
        }
    }

    /// Applies the levels that changed. Returns how many earlier deltas were evicted to make room.
    pub fn delta(&mut self, seq: Option<u64>, at: EventTime, delta: &BookDelta) -> u64 {
        self.set(Side::Buy, &delta.bids);
        self.set(Side::Sell, &delta.asks);
        seq.map_or(0, |seq| self.recent.push(seq, at, delta))
    }

    /// Checks nothing, because the symbol does not trade continuously: its book may stay crossed.
    pub fn leave_crossed(&mut self, at: EventTime) {
        self.book.restart_crossing();
        self.trust.review(at);
    }

    /// Checks whether the book stayed crossed while the clock moved on. Call this with each event's time before the
    /// event is applied. A crossed book cannot be used until 10 s have passed without a fault.
    pub fn check(&mut self, at: EventTime) -> Option<Fault> {
        let fault = self.book.check(at);
        match self.book.crossed_since() {
            Some(since) => self.trust.doubt(since, at),
            None => self.trust.review(at),
        }
        fault
    }

    /// How often the book changed.
    #[must_use]
    pub const fn changes(&self) -> u64 {
        self.book.changes()
    }

    /// The book as it is, whether it can be used or not.
    #[must_use]
    pub const fn unchecked(&self) -> &Book {
        &self.book
    }

    /// Marks the book as not whole, because events up to a number are missing. Returns whether it was whole until now.
    pub fn lose(&mut self, at: EventTime, up_to: u64) -> bool {
        let was_whole = self.missing.is_none();
        let since = self.trust.doubted_since().unwrap_or(at);
        let missing = self.missing.get_or_insert(Missing { flaw: BookFlaw::Broken, since, up_to });
        missing.up_to = up_to;
        was_whole
    }

    /// The numbers begin anew. That alone says nothing of missing levels, so a whole book stays whole.
    pub fn renumber(&mut self) {
        (self.recent, self.base) = (RecentDeltas::default(), None);
        if let Some(missing) = &mut self.missing {
            missing.up_to = 0;
        }
    }

    /// Sets the levels of one side.
    fn set(&mut self, side: Side, levels: &[Level]) {
        for Level(price, quantity) in levels {
            self.book.set(side, *price, *quantity);
        }
    }
}
