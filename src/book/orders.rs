//! The live orders of one partition, whatever their symbol, up to a limit.
//!
//! One table for all symbols, so that the limit is on memory rather than on each book. The oldest order makes room: it is
//! taken off its book as if cancelled, and what is said of it later has no effect on the book.

use std::hash::{Hash, Hasher};

use compact_str::CompactString;
use hashbrown::Equivalent;
use serde::{Deserialize, Serialize};

use crate::{
    event::{Decimal, Price, Quantity, Side},
    table::{Handle, Table},
};

/// An order as it rests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Which side it is on.
    pub side: Side,
    /// Its limit.
    pub price: Price,
    /// What is left of it.
    pub quantity: Decimal,
    /// Whose it is.
    pub account: Option<Handle>,
}

/// An order's id within its symbol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderKey {
    symbol: Handle,
    id: CompactString,
}

impl OrderKey {
    /// Whose order it is.
    #[must_use]
    pub const fn symbol(&self) -> Handle {
        self.symbol
    }
}

/// The same, borrowed from an event; it hashes alike.
#[derive(Hash)]
struct Id<'a> {
    symbol: Handle,
    id: &'a str,
}

impl Hash for OrderKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Id { symbol: self.symbol, id: &self.id }.hash(state);
    }
}

impl Equivalent<OrderKey> for Id<'_> {
    fn equivalent(&self, key: &OrderKey) -> bool {
        self.symbol == key.symbol && self.id == key.id
    }
}

/// How many used-up orders are remembered for an iceberg's refresh, which follows at once.
const USED_UP_MAX: usize = 4_096;

/// All live orders of a partition, and those used up last.
#[derive(Clone, Serialize, Deserialize)]
pub struct Orders {
    live: Table<OrderKey, Order>,
    used_up: Table<OrderKey, Order>,
}

impl Orders {
    /// No orders yet, and never more than `max`.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { live: Table::new(max), used_up: Table::new(USED_UP_MAX) }
    }

    /// Lets at most so many be live from now on. Returns those that had to make room, oldest first.
    pub fn limit(&mut self, max: usize) -> Vec<(OrderKey, Order)> {
        self.live.limit(max)
    }

    /// How many are live.
    #[must_use]
    pub fn len(&self) -> usize {
        self.live.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// How many had to make room.
    #[must_use]
    pub const fn evicted(&self) -> u64 {
        self.live.evicted()
    }

    /// The order of an id, if it is live.
    #[must_use]
    pub fn get(&self, symbol: Handle, id: &str) -> Option<&Order> {
        self.live.get(self.live.find(&Id { symbol, id })?)
    }

    /// Takes out an order that was used up, which a replacement starts anew.
    pub fn take_used_up(&mut self, symbol: Handle, id: &str) -> Option<Order> {
        let handle = self.used_up.find(&Id { symbol, id })?;
        self.used_up.remove(handle).map(|(_, order)| order)
    }

    /// Adds an order under an id that is not live. Returns the oldest order if it had to make room.
    #[must_use]
    pub fn insert(&mut self, symbol: Handle, id: &str, order: Order) -> Option<(OrderKey, Order)> {
        self.live.insert(OrderKey { symbol, id: CompactString::new(id) }, order).1
    }

    /// Takes an order out.
    pub fn remove(&mut self, symbol: Handle, id: &str) -> Option<Order> {
        let handle = self.live.find(&Id { symbol, id })?;
        self.live.remove(handle).map(|(_, order)| order)
    }

    /// Shrinks an order by what was traded; once nothing is left it is used up. Returns what it could give and its place;
    /// `None` if it is not live.
    pub fn fill(&mut self, symbol: Handle, id: &str, traded: Quantity) -> Option<Filled> {
        let handle = self.live.find(&Id { symbol, id })?;
        let order = self.live.get_mut(handle)?;
        let given = order.quantity.min(traded.get());
        order.quantity = order.quantity.minus(given);
        let filled = Filled { side: order.side, price: order.price, given, overfilled: given < traded.get() };
        if !order.quantity.is_positive()
            && let Some((key, order)) = self.live.remove(handle)
        {
            // An id that is used up again after a refresh is there already.
            if let Some(old) = self.used_up.find(&key) {
                self.used_up.remove(old);
            }
            self.used_up.insert(key, order);
        }
        Some(filled)
    }
}

/// What a fill took from an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filled {
    /// The order's side.
    pub side: Side,
    /// The order's price.
    pub price: Price,
    /// How much it gave.
    pub given: Decimal,
    /// Whether the trade wanted more than there was.
    pub overfilled: bool,
}
