//! The live orders of one partition, of all its symbols, up to a limit.
//!
//! All symbols share one table, so that the limit bounds memory and not the size of one book. The oldest order makes room:
//! it is removed from its book as if it were cancelled, and its later events have no effect on the book.

use std::hash::{Hash, Hasher};

use compact_str::CompactString;
use hashbrown::Equivalent;
use serde::{Deserialize, Serialize};

use crate::{
    event::{Decimal, Price, Quantity, Side},
    table::{Handle, Table},
    time::EventTime,
};

/// An order that rests in the book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    /// The side.
    pub side: Side,
    /// The limit price.
    pub price: Price,
    /// The quantity that is left.
    pub quantity: Decimal,
    /// The account, where the venue names it.
    pub account: Option<Handle>,
    /// When the order took its place in the queue.
    pub placed_at: EventTime,
}

/// The key of an order: its symbol, and its id there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OrderKey {
    symbol: Handle,
    id: CompactString,
}

impl OrderKey {
    /// The symbol.
    #[must_use]
    pub const fn symbol(&self) -> Handle {
        self.symbol
    }
}

/// An [`OrderKey`] that borrows its id from an event. Both have the same hash.
#[derive(Hash)]
struct BorrowedKey<'a> {
    symbol: Handle,
    id: &'a str,
}

impl Hash for OrderKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        BorrowedKey { symbol: self.symbol, id: &self.id }.hash(state);
    }
}

impl Equivalent<OrderKey> for BorrowedKey<'_> {
    fn equivalent(&self, key: &OrderKey) -> bool {
        self.symbol == key.symbol && self.id == key.id
    }
}

/// The most filled orders that are remembered. An iceberg's refresh replaces a filled order at once, so a few suffice.
const FILLED_MAX: usize = 4_096;

/// The live orders of a partition, and the orders that were filled last.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Orders {
    live: Table<OrderKey, Order>,
    filled: Table<OrderKey, Order>,
}

impl Orders {
    /// An empty table for at most `max` live orders.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { live: Table::new(max), filled: Table::new(FILLED_MAX) }
    }

    /// Sets another limit. Returns the orders that had to make room, oldest first.
    pub fn limit(&mut self, max: usize) -> Vec<(OrderKey, Order)> {
        self.live.limit(max)
    }

    /// The number of live orders.
    #[must_use]
    pub fn len(&self) -> usize {
        self.live.len()
    }

    /// The number of live orders that had to make room so far.
    #[must_use]
    pub const fn evicted(&self) -> u64 {
        self.live.evicted()
    }

    /// The live order with an id.
    #[must_use]
    pub fn get(&self, symbol: Handle, id: &str) -> Option<&Order> {
        self.live.get(self.live.find(&BorrowedKey { symbol, id })?)
    }

    /// The live orders of a symbol that cross the best price of the other side, oldest first. All orders of the partition
    /// are looked at, so this is for rare occasions.
    #[must_use]
    pub fn crossing(&self, symbol: Handle, bid: Price, ask: Price) -> Vec<(CompactString, Side, Price)> {
        let crosses = |order: &Order| match order.side {
            Side::Buy => order.price > ask,
            Side::Sell => order.price < bid,
        };
        let of_symbol = self.live.iter().filter(|(key, order)| key.symbol == symbol && crosses(order));
        let mut found: Vec<(&OrderKey, &Order)> = of_symbol.collect();
        found.sort_unstable_by_key(|(key, order)| (order.placed_at, &key.id));
        found.into_iter().map(|(key, order)| (key.id.clone(), order.side, order.price)).collect()
    }

    /// Removes an order that was filled, so that a replacement can start it anew.
    pub fn remove_filled(&mut self, symbol: Handle, id: &str) -> Option<Order> {
        let handle = self.filled.find(&BorrowedKey { symbol, id })?;
        self.filled.remove(handle).map(|(_, order)| order)
    }

    /// Adds an order under an id that is not live. Returns the oldest order if it had to make room.
    #[must_use]
    pub fn insert(&mut self, symbol: Handle, id: &str, order: Order) -> Option<(OrderKey, Order)> {
        self.live.insert(OrderKey { symbol, id: CompactString::new(id) }, order).1
    }

    /// Removes a live order.
    pub fn remove(&mut self, symbol: Handle, id: &str) -> Option<Order> {
        let handle = self.live.find(&BorrowedKey { symbol, id })?;
        self.live.remove(handle).map(|(_, order)| order)
    }

    /// Fills a live order by a traded quantity; once nothing is left, the order is no longer live. Returns what the order
    /// contributed; `None` if it is not live.
    pub fn fill(&mut self, symbol: Handle, id: &str, traded: Quantity) -> Option<OrderFill> {
        let handle = self.live.find(&BorrowedKey { symbol, id })?;
        let order = self.live.get_mut(handle).expect("an entry that was just found");
        let quantity = order.quantity.min(traded.get());
        order.quantity = order.quantity.minus(quantity);
        let Order { side, price, account, placed_at, .. } = *order;
        let fill = OrderFill { side, price, account, placed_at, quantity, overfilled: quantity < traded.get() };
        if !order.quantity.is_positive() {
            let (key, order) = self.live.remove(handle).expect("an entry that was just found");
            // An iceberg that was refreshed is filled again under the same id.
            if let Some(before) = self.filled.find(&key) {
                self.filled.remove(before);
            }
            self.filled.insert(key, order);
        }
        Some(fill)
    }
}

/// The part of a trade that one order contributed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OrderFill {
    /// The order's side.
    pub side: Side,
    /// The order's limit price.
    pub price: Price,
    /// The order's account, where the venue names it.
    pub account: Option<Handle>,
    /// When the order took its place in the queue.
    pub placed_at: EventTime,
    /// The quantity that the order contributed.
    pub quantity: Decimal,
    /// Whether the trade's quantity was more than the order had left.
    pub overfilled: bool,
}
