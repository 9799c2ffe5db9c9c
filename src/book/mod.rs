//! The limit order book of one symbol, kept from its orders or from its levels, and checked.
//!
//! L3: the venue's own sequence of new, replaced, cancelled and traded orders is replayed: an [`Orders`] table shared by all
//! symbols of a partition knows each live order, and a [`Book`] sums what they leave at each price. A book that contradicts itself
//! is not repaired by guessing: the contradiction is counted and the order that caused it ignored. L2: snapshots and deltas set
//! levels directly ([`Levels`]). Both are a [`Book`], which keeps its depth near the touch as it changes (`depth`).
//!
//! It does not match orders: the venue has done that. Between an aggressive order and its trades the book is crossed for a
//! moment; it counts as a fault only if it is still so when the symbol's clock has moved on.

mod depth;
mod levels;
mod orders;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::depth::Depth;
pub use self::{
    depth::{BANDS_BPS, Sides},
    levels::Levels,
    orders::{Order, OrderKey, Orders},
};
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
    /// Levels are missing: the book is as of the next snapshot only.
    Broken,
}

impl Fault {
    /// Every fault with its label.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Crossed, "crossed"),
        (Self::Overfilled, "overfilled"),
        (Self::DuplicateOrder, "duplicate_order"),
        (Self::Broken, "broken"),
    ];
}

/// Resting quantity by price.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Book {
    bids: BTreeMap<Price, Decimal>,
    asks: BTreeMap<Price, Decimal>,
    /// The best price of each side, for which every event asks.
    best: [Option<Price>; 2],
    /// Since when it has been crossed; taken back when the fault is reported.
    crossed_at: Option<EventTime>,
    depth: Depth,
    /// How often it changed.
    changes: u64,
}

impl Book {
    /// The highest bid.
    #[must_use]
    pub const fn best_bid(&self) -> Option<Price> {
        self.best[Side::Buy as usize]
    }

    /// The lowest ask.
    #[must_use]
    pub const fn best_ask(&self) -> Option<Price> {
        self.best[Side::Sell as usize]
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

    /// Nothing rests any more; that it changed stays counted.
    pub fn clear(&mut self) {
        *self = Self { changes: self.changes + 1, ..Self::default() };
    }

    /// Puts a quantity on a level.
    pub fn add(&mut self, side: Side, price: Price, quantity: Decimal) {
        let level = self.side_mut(side).entry(price).or_insert(Decimal::ZERO);
        *level = level.plus(quantity);
        self.appeared(side, price);
        self.changed(side, price, quantity.to_f64());
    }

    /// Takes a quantity off a level; an empty level is gone.
    pub fn take(&mut self, side: Side, price: Price, quantity: Decimal) {
        let levels = self.side_mut(side);
        let Some(level) = levels.get_mut(&price) else { return };
        let taken = quantity.min(*level);
        *level = level.minus(quantity);
        if !level.is_positive() {
            levels.remove(&price);
            self.disappeared(side, price);
        }
        self.changed(side, price, -taken.to_f64());
    }

    /// Sets a level; nothing on it removes it.
    pub fn set(&mut self, side: Side, price: Price, quantity: Decimal) {
        let levels = self.side_mut(side);
        let before = if quantity.is_positive() { levels.insert(price, quantity) } else { levels.remove(&price) }
            .unwrap_or_default();
        if quantity.is_positive() {
            self.appeared(side, price);
        } else {
            self.disappeared(side, price);
        }
        if before != quantity {
            self.changed(side, price, quantity.to_f64() - before.to_f64());
        }
    }

    /// A price holds something.
    fn appeared(&mut self, side: Side, price: Price) {
        let best = &mut self.best[side as usize];
        let better = |best: Price| if side == Side::Buy { price > best } else { price < best };
        if best.is_none_or(better) {
            *best = Some(price);
        }
    }

    /// A price holds nothing.
    fn disappeared(&mut self, side: Side, price: Price) {
        if self.best[side as usize] == Some(price) {
            let levels = self.side(side);
            let best = if side == Side::Buy { levels.last_key_value() } else { levels.first_key_value() };
            self.best[side as usize] = best.map(|(price, _)| *price);
        }
    }

    fn changed(&mut self, side: Side, price: Price, quantity: f64) {
        self.changes += 1;
        self.depth.changed(side, price.get(), quantity);
    }

    /// How often it changed.
    #[must_use]
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// Whether the best bid is at or above the best ask.
    #[must_use]
    pub fn is_crossed(&self) -> bool {
        matches!((self.best_bid(), self.best_ask()), (Some(bid), Some(ask)) if bid >= ask)
    }

    /// The notional of bids and asks within each band around the middle of the touch; `None` while a side is empty or the book
    /// is crossed.
    pub fn depth(&mut self) -> Option<Sides> {
        let (bid, ask) = (self.best_bid()?, self.best_ask()?);
        (bid < ask).then(|| self.depth.at(bid.get().midpoint(ask.get()), &self.bids, &self.asks))
    }

    /// Looks whether the book was left crossed when the clock moved on. To be called with each event's time before the
    /// event is applied; reports one fault for each time it crosses.
    pub fn check(&mut self, at: EventTime) -> Option<Fault> {
        if !self.is_crossed() {
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
