//! The limit order book of one symbol, kept from its orders or from its levels.
//!
//! From orders (L3): the new, replaced, cancelled and traded orders of the venue are applied in their sequence. One
//! `Orders` table holds the live orders of all symbols of a partition, and a `Book` sums their quantities at each
//! price. From levels (L2): snapshots and deltas set the levels directly (`Levels`). Either is a `Book`, which keeps
//! its depth near the touch up to date (`depth`).
//!
//! A book that contradicts its feed is not repaired by guessing: the contradiction is counted, and the order that caused
//! it is ignored. Between an aggressive order and its trades the book is crossed for a moment. That is a fault only if
//! the book is still crossed when the symbol's clock has moved on.
//!
//! This module does not match orders: the venue has done that.

mod depth;
mod fact;
mod levels;
mod orders;
mod recent;
mod trust;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::depth::Depth;
pub(crate) use self::{
    depth::{BANDS_BPS, Sides},
    fact::{Filled, OrderFact, OrderFacts, Party, Placed, Replaced, Terms, Withdrawn},
    levels::Levels,
    orders::{Order, Orders},
    trust::{BookFlaw, BookState, Trust},
};
use crate::{
    event::{BookSnapshot, Decimal, Price, Side},
    time::EventTime,
};

/// A contradiction between a book and its feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The best bid stayed above the best ask while the clock moved on.
    Crossed,
    /// A trade takes more than the order had left.
    Overfilled,
    /// A new or replaced order takes the id of an order that still rests.
    DuplicateOrder,
    /// Levels are missing: the book cannot be read until the next snapshot.
    Broken,
    /// An order that its book had been crossed through for a minute was dropped: its cancel or its last fill was lost.
    StuckOrder,
    /// A snapshot states other levels than the orders make.
    Mismatch,
}

impl Fault {
    /// Every fault with its label.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Crossed, "crossed"),
        (Self::Overfilled, "overfilled"),
        (Self::DuplicateOrder, "duplicate_order"),
        (Self::Broken, "broken"),
        (Self::StuckOrder, "stuck_order"),
        (Self::Mismatch, "mismatch"),
    ];
}

/// A crossing of the best bid and the best ask.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Crossing {
    since: EventTime,
    /// Whether it lasted while the clock moved on: the fault is then reported, once.
    is_reported: bool,
}

/// The resting quantity at each price.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Book {
    bids: BTreeMap<Price, Decimal>,
    asks: BTreeMap<Price, Decimal>,
    /// The best bid and the best ask, kept because every event reads them.
    best: [Option<Price>; 2],
    /// The crossing that the book was found in when it was last checked.
    crossing: Option<Crossing>,
    depth: Depth,
    /// The number of changes so far.
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

    /// The quantity that rests at a price.
    #[must_use]
    pub fn quantity(&self, side: Side, price: Price) -> Decimal {
        self.side(side).get(&price).copied().unwrap_or(Decimal::ZERO)
    }

    /// The number of prices with a resting quantity.
    #[cfg(test)]
    pub fn levels(&self, side: Side) -> usize {
        self.side(side).len()
    }

    /// Removes every level. The count of changes goes on.
    pub fn clear(&mut self) {
        *self = Self { changes: self.changes + 1, ..Self::default() };
    }

    /// Adds a quantity to a level. Returns the quantity that rested at its price before.
    pub fn add(&mut self, side: Side, price: Price, quantity: Decimal) -> Decimal {
        let level = self.side_mut(side).entry(price).or_insert(Decimal::ZERO);
        let before = *level;
        *level = before.plus(quantity);
        self.level_added(side, price);
        self.record_change(side, price, quantity.to_f64());
        before
    }

    /// Removes a quantity from a level; an empty level is removed.
    pub fn remove(&mut self, side: Side, price: Price, quantity: Decimal) {
        let levels = self.side_mut(side);
        // The level may be gone: quantities saturate, so a sum may be less than its parts.
        let Some(level) = levels.get_mut(&price) else { return };
        let removed = quantity.min(*level);
        *level = level.minus(quantity);
        if !level.is_positive() {
            levels.remove(&price);
            self.level_removed(side, price);
        }
        self.record_change(side, price, -removed.to_f64());
    }

    /// Sets the quantity of a level; zero removes the level.
    pub fn set(&mut self, side: Side, price: Price, quantity: Decimal) {
        let levels = self.side_mut(side);
        let before = if quantity.is_positive() { levels.insert(price, quantity) } else { levels.remove(&price) }
            .unwrap_or_default();
        if quantity.is_positive() {
            self.level_added(side, price);
        } else {
            self.level_removed(side, price);
        }
        if before != quantity {
            self.record_change(side, price, quantity.to_f64() - before.to_f64());
        }
    }

    /// Updates the best price after a level was added.
    fn level_added(&mut self, side: Side, price: Price) {
        let best = &mut self.best[side as usize];
        let better = |best: Price| if side == Side::Buy { price > best } else { price < best };
        if best.is_none_or(better) {
            *best = Some(price);
        }
    }

    /// Updates the best price after a level was removed.
    fn level_removed(&mut self, side: Side, price: Price) {
        if self.best[side as usize] == Some(price) {
            let levels = self.side(side);
            let best = if side == Side::Buy { levels.last_key_value() } else { levels.first_key_value() };
            self.best[side as usize] = best.map(|(price, _)| *price);
        }
    }

    /// Counts a change, and adds it to the depth.
    fn record_change(&mut self, side: Side, price: Price, quantity: f64) {
        self.changes += 1;
        self.depth.changed(side, price.get(), quantity);
    }

    /// The number of changes so far.
    #[must_use]
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// Whether the best bid is above the best ask. A bid at the ask's price is no contradiction: the book is locked, as
    /// it may be for a moment on any venue and for long where orders of one party do not trade with each other.
    #[must_use]
    pub fn is_crossed(&self) -> bool {
        matches!((self.best_bid(), self.best_ask()), (Some(bid), Some(ask)) if bid > ask)
    }

    /// The notional of bids and asks within each band around the middle of the touch; `None` where there is no middle.
    pub fn depth(&mut self) -> Option<Sides> {
        let middle = self.middle()?;
        Some(self.depth.at(middle, &self.bids, &self.asks))
    }

    /// Returns the depth around the middle at which [`Book::depth`] was last called, with all changes since. Where that middle is
    /// unknown, as after a snapshot, the depth is that around the present middle. `None` where there is no middle now.
    #[must_use]
    pub fn last_depth(&self) -> Option<Sides> {
        let middle = self.middle()?;
        Some(self.depth.last().unwrap_or_else(|| self.within(middle, BANDS_BPS)))
    }

    /// The middle of the touch; `None` while a side is empty, the book is crossed, or the best bid is not above zero.
    #[must_use]
    pub fn middle(&self) -> Option<Decimal> {
        let (bid, ask) = (self.best_bid()?, self.best_ask()?);
        (bid <= ask && self.is_priced()).then(|| bid.get().midpoint(ask.get()))
    }

    /// The spread in basis points of the middle, 0 while the book is locked; `None` where there is no middle.
    #[must_use]
    pub fn spread_bps(&self) -> Option<f64> {
        self.middle()?;
        let (bid, ask) = (self.best_bid()?.get().to_f64(), self.best_ask()?.get().to_f64());
        Some((ask - bid) / f64::midpoint(bid, ask) * 1e4)
    }

    /// Whether the best bid is above zero, and with it every price that a distance in basis points of the middle can reach.
    #[must_use]
    pub fn is_priced(&self) -> bool {
        self.best_bid().is_some_and(|bid| bid.get().is_positive())
    }

    /// Whether there are bids, and asks.
    #[must_use]
    pub const fn sides(&self) -> (bool, bool) {
        (self.best_bid().is_some(), self.best_ask().is_some())
    }

    /// The cumulative notional of bids and asks within each of the given distances from a middle. The distances are in
    /// basis points and ascending. Every level within the widest distance is visited once, so this is for one call a second,
    /// not for one per event.
    #[must_use]
    pub fn within<const N: usize>(&self, middle: Decimal, bps: [i64; N]) -> [[f64; N]; 2] {
        depth::within(middle, bps, &self.bids, &self.asks)
    }

    /// Checks whether the book stayed crossed while the clock moved on. Call this with each event's time before the event
    /// is applied. Returns one fault for each time that the book becomes crossed.
    pub fn check(&mut self, at: EventTime) -> Option<Fault> {
        if !self.is_crossed() {
            self.crossing = None;
            return None;
        }
        let crossing = self.crossing.get_or_insert(Crossing { since: at, is_reported: false });
        if crossing.is_reported || at <= crossing.since {
            return None;
        }
        crossing.is_reported = true;
        Some(Fault::Crossed)
    }

    /// Since when the book has been crossed, once that is reported; `None` where it is not crossed.
    #[must_use]
    pub fn crossed_since(&self) -> Option<EventTime> {
        let crossing = self.crossing.filter(|crossing| crossing.is_reported && self.is_crossed())?;
        Some(crossing.since)
    }

    /// The crossing that the book was found in when it was last checked.
    #[must_use]
    pub const fn crossing(&self) -> Option<Crossing> {
        self.crossing
    }

    /// Goes on with a crossing that a replaced book was in.
    pub const fn begin_crossing(&mut self, crossing: Option<Crossing>) {
        self.crossing = crossing;
    }

    /// Begins to count anew how long the book has been crossed.
    pub const fn restart_crossing(&mut self) {
        self.crossing = None;
    }

    /// Whether the book is crossed through an order on one side, at a price.
    #[must_use]
    pub fn is_crossed_by(&self, side: Side, price: Price) -> bool {
        match side {
            Side::Buy => self.best_ask().is_some_and(|ask| price > ask),
            Side::Sell => self.best_bid().is_some_and(|bid| price < bid),
        }
    }

    /// Whether the book has the levels of a snapshot, and no others as near to the touch as those.
    #[must_use]
    pub fn agrees_with(&self, snapshot: &BookSnapshot) -> bool {
        [(Side::Buy, &snapshot.bids), (Side::Sell, &snapshot.asks)].into_iter().all(|(side, levels)| {
            let levels: BTreeMap<Price, Decimal> =
                levels.iter().filter(|level| level.1.is_positive()).map(|level| (level.0, level.1)).collect();
            let (worst, ours) = match side {
                Side::Buy => (levels.first_key_value(), &self.bids),
                Side::Sell => (levels.last_key_value(), &self.asks),
            };
            let near = |price: &Price| match (worst, side) {
                (None, _) => true,
                (Some((worst, _)), Side::Buy) => price >= worst,
                (Some((worst, _)), Side::Sell) => price <= worst,
            };
            ours.iter().filter(|(price, _)| near(price)).eq(&levels)
        })
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
