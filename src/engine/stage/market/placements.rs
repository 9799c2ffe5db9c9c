//! The orders that an account has placed within the last second.
//!
//! Some makers place the new quote before they cancel the old one, so that they are never out of the market. An order that is
//! withdrawn within a second after as much was placed on its side has moved, and so has the one that was placed. The
//! withdrawn order must be older than all of the placements: a party that places a hundred orders and withdraws the same hundred
//! at once has moved nothing. Placements that are left after their second were placed for good.
//!
//! One symbol is held at a time, the last one, for a second from its first order on. A maker that moves its quotes on several
//! symbols at once is known by what it places afterwards only (`requotes`).

use serde::{Deserialize, Serialize};

use super::requotes::{WITHIN, is_back};
use crate::{
    event::Side,
    table::Handle,
    time::{EventTime, Span},
};

/// The orders of the last second, on one symbol.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Placements(Option<Recent>);

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Recent {
    symbol: Handle,
    since: EventTime,
    /// Orders and quantity that were not withdrawn since.
    orders: u16,
    quantity: [f64; 2],
}

/// Orders that were placed for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The symbol.
    pub symbol: Handle,
    /// The time of the first.
    pub at: EventTime,
    /// The number of orders.
    pub orders: u16,
}

impl Placements {
    /// Adds an order. Returns those before it that were placed for good.
    pub fn add(&mut self, symbol: Handle, (side, quantity): (Side, f64), at: EventTime) -> Option<Placed> {
        let kept = self.of(symbol, at).is_none().then(|| self.end()).flatten();
        let recent = self.0.get_or_insert(Recent { symbol, since: at, orders: 0, quantity: [0.0; 2] });
        recent.orders = recent.orders.saturating_add(1);
        recent.quantity[side as usize] += quantity;
        kept
    }

    /// Handles the withdrawal of an order of a quantity and an age. Returns whether the placements replace it.
    pub fn replaces(&mut self, symbol: Handle, (side, quantity, age): (Side, f64, Span), at: EventTime) -> bool {
        let is_older = self.0.is_some_and(|recent| at.minus(age) < recent.since);
        is_older && self.take(symbol, (side, quantity), at)
    }

    /// Takes an order of such a quantity away. Returns whether there was one.
    pub fn take(&mut self, symbol: Handle, (side, quantity): (Side, f64), at: EventTime) -> bool {
        let Some(recent) = self.of(symbol, at) else { return false };
        let placed = &mut recent.quantity[side as usize];
        if recent.orders == 0 || !is_back(*placed, quantity) {
            return false;
        }
        *placed = (*placed - quantity).max(0.0);
        recent.orders -= 1;
        true
    }

    /// Returns the orders that were placed for good by a time.
    pub fn kept(&mut self, at: EventTime) -> Option<Placed> {
        let is_over = self.0.is_some_and(|recent| at.since(recent.since) > WITHIN);
        is_over.then(|| self.end()).flatten()
    }

    /// The orders on a symbol, while they are of the last second.
    fn of(&mut self, symbol: Handle, at: EventTime) -> Option<&mut Recent> {
        self.0.as_mut().filter(|recent| recent.symbol == symbol && at.since(recent.since) <= WITHIN)
    }

    fn end(&mut self) -> Option<Placed> {
        let Recent { symbol, since, orders, .. } = self.0.take()?;
        (orders > 0).then_some(Placed { symbol, at: since, orders })
    }
}
