//! The limit order book of one symbol, kept from its orders, and checked.
//!
//! The venue's own sequence of new, replaced, cancelled and traded orders is replayed: an [`Orders`] table shared by all symbols
//! of a partition knows each live order, and a [`Book`] sums what they leave at each price. A book that contradicts itself is
//! not repaired by guessing: the contradiction is counted and the order that caused it ignored.
//!
//! It does not match orders: the venue has done that. Between an aggressive order and its trades the book is crossed for a
//! moment; it counts as a fault only if it is still so when the symbol's clock has moved on.

mod orders;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::orders::{Order, OrderKey, Orders};
use crate::{
    event::{Decimal, Price, Side},
    time::EventTime,
};

/// Where a book and its feed contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The best bid is at or above the best ask, and the clock moved on.
    Crossed,
    /// A trade or replacement takes more than the order had.
    Overfilled,
    /// A new order under an id that still rests.
    DuplicateOrder,
}

impl Fault {
    /// Every fault with its label.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Crossed, "crossed"), (Self::Overfilled, "overfilled"), (Self::DuplicateOrder, "duplicate_order")];
}

/// Resting quantity by price.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Book {
    bids: BTreeMap<Price, Decimal>,
    asks: BTreeMap<Price, Decimal>,
    /// Since when it has been crossed; taken back when the fault is reported.
    crossed_at: Option<EventTime>,
}

impl Book {
    /// The highest bid.
    #[must_use]
    pub fn best_bid(&self) -> Option<Price> {
        self.bids.last_key_value().map(|(price, _)| *price)
    }

    /// The lowest ask.
    #[must_use]
    pub fn best_ask(&self) -> Option<Price> {
        self.asks.first_key_value().map(|(price, _)| *price)
    }

    /// What rests at a price.
    #[must_use]
    pub fn quantity(&self, side: Side, price: Price) -> Decimal {
        self.side(side).get(&price).copied().unwrap_or(Decimal::ZERO)
    }

    /// How many prices hold something.
    #[must_use]
    pub fn levels(&self, side: Side) -> usize {
        self.side(side).len()
    }

    /// Puts a quantity on a level.
    pub fn add(&mut self, side: Side, price: Price, quantity: Decimal) {
        let level = self.side_mut(side).entry(price).or_insert(Decimal::ZERO);
        *level = level.plus(quantity);
    }

    /// Takes a quantity off a level; an empty level is gone.
    pub fn take(&mut self, side: Side, price: Price, quantity: Decimal) {
        let levels = self.side_mut(side);
        if let Some(level) = levels.get_mut(&price) {
            *level = level.minus(quantity);
            if !level.is_positive() {
                levels.remove(&price);
            }
        }
    }

    /// Looks whether the book was left crossed when the clock moved on. To be called with each event's time before the
    /// event is applied; reports one fault for each time it crosses.
    pub fn check(&mut self, at: EventTime) -> Option<Fault> {
        let crossed = matches!((self.best_bid(), self.best_ask()), (Some(bid), Some(ask)) if bid >= ask);
        if !crossed {
            self.crossed_at = None;
            return None;
        }
        match self.crossed_at {
            None => {
                self.crossed_at = Some(at);
                None
            }
            // Reported already: the end of time never moves on.
            Some(since) if at > since => {
                self.crossed_at = Some(EventTime::from_nanos(i64::MAX));
                Some(Fault::Crossed)
            }
            Some(_) => None,
        }
    }

    const fn side(&self, side: Side) -> &BTreeMap<Price, Decimal> {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    const fn side_mut(&mut self, side: Side) -> &mut BTreeMap<Price, Decimal> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }
}
