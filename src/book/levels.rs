//! The book of a symbol whose venue publishes levels: a snapshot, then what changes.
//!
//! It is whole from a snapshot on and until something is missing or contradicts it: a gap in the sequence, a book that stays
//! crossed, a level below nothing (which the decoder refuses). Then it says so once, follows the deltas without being believed, and
//! is whole again with the next snapshot. Deltas before the first snapshot are followed in the same way.

use serde::{Deserialize, Serialize};

use super::{Book, Fault};
use crate::{
    event::{BookDelta, BookSnapshot, Level, Side},
    time::EventTime,
};

/// A book by levels.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Levels {
    book: Book,
    is_whole: bool,
}

impl Levels {
    /// The book, where it can be believed.
    pub const fn book(&mut self) -> Option<&mut Book> {
        if self.is_whole { Some(&mut self.book) } else { None }
    }

    /// Begins anew from a snapshot.
    pub fn snapshot(&mut self, snapshot: &BookSnapshot) {
        self.book.clear();
        self.is_whole = true;
        self.set(Side::Buy, &snapshot.bids);
        self.set(Side::Sell, &snapshot.asks);
    }

    /// Takes what changed.
    pub fn delta(&mut self, delta: &BookDelta) {
        self.set(Side::Buy, &delta.bids);
        self.set(Side::Sell, &delta.asks);
    }

    /// Looks whether it was left crossed when the clock moved on, before an event of this time is applied.
    pub fn check(&mut self, at: EventTime) -> Option<Fault> {
        let fault = self.book.check(at)?;
        self.is_whole = false;
        Some(fault)
    }

    /// How often it changed.
    #[must_use]
    pub const fn changes(&self) -> u64 {
        self.book.changes()
    }

    /// Something is missing. Whether it was whole until now.
    pub const fn lose(&mut self) -> bool {
        std::mem::replace(&mut self.is_whole, false)
    }

    fn set(&mut self, side: Side, levels: &[Level]) {
        for Level(price, quantity) in levels {
            self.book.set(side, *price, *quantity);
        }
    }
}
