//! The orders that the adapter remembers: the live ones with their prices, and the ids of those deleted last.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::event::{Decimal, Price, Side};

/// Largest number of live orders. Beyond it the oldest order is evicted, and its later lines are read as those of an
/// unknown order. The recording of 2015-05-01 has 200 live orders at once.
const LIVE_MAX: usize = 1_000_000;
/// Largest number of deleted orders whose ids are remembered, for lines that come late. In the recording they come at
/// most two lines late.
const DELETED_MAX: usize = 4_096;

/// An order as its last line reported it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub side: Side,
    pub price: Option<Price>,
    pub qty: Decimal,
    /// Whether the venue gave the order another price: then it is a market order that walks through the book.
    pub walked: bool,
}

/// Outcome of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deletion {
    /// This order was deleted; it was live.
    Known(Order),
    /// The order is from before the recording.
    Unknown,
    /// The order was deleted before.
    Repeated,
}

/// The live orders, and the ids of the orders deleted last.
#[derive(Debug, Default)]
pub(super) struct Orders {
    live: BTreeMap<u64, Order>,
    /// The ids of the live orders by side and price, to find two orders that meet.
    levels: BTreeMap<(Side, Price), BTreeSet<u64>>,
    deleted: BTreeSet<u64>,
    /// The ids of deleted orders in the order of their deletion, the oldest first.
    deleted_in_order: VecDeque<u64>,
    evicted: u64,
}

impl Orders {
    pub fn get(&self, id: u64) -> Option<Order> {
        self.live.get(&id).copied()
    }

    pub fn is_deleted(&self, id: u64) -> bool {
        self.deleted.contains(&id)
    }

    /// Remembers an order as it is now. If there are too many, the order with the lowest id is evicted: ids rise, so it
    /// is the oldest.
    pub fn put(&mut self, id: u64, order: Order) {
        self.remove(id);
        self.live.insert(id, order);
        if let Some(price) = order.price {
            self.levels.entry((order.side, price)).or_default().insert(id);
        }
        if self.live.len() > LIVE_MAX
            && let Some((&oldest, _)) = self.live.first_key_value()
        {
            self.remove(oldest);
            self.evicted += 1;
        }
    }

    /// Returns how many live orders were evicted.
    pub const fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Removes a live order and remembers that its id is deleted.
    pub fn delete(&mut self, id: u64) -> Deletion {
        if !self.deleted.insert(id) {
            return Deletion::Repeated;
        }
        self.deleted_in_order.push_back(id);
        if self.deleted_in_order.len() > DELETED_MAX
            && let Some(oldest) = self.deleted_in_order.pop_front()
        {
            self.deleted.remove(&oldest);
        }
        self.remove(id).map_or(Deletion::Unknown, Deletion::Known)
    }

    /// Whether an older order of the other side is live at exactly this price: then the two are being executed against
    /// each other. An order at a better price would show the same, but such an order may be one whose deletion was
    /// lost, and then every order beyond its price would seem to meet it.
    pub fn meets_older(&self, id: u64, side: Side, price: Price) -> bool {
        let others = self.levels.get(&(side.opposite(), price));
        others.and_then(BTreeSet::first).is_some_and(|&oldest| oldest < id)
    }

    fn remove(&mut self, id: u64) -> Option<Order> {
        let order = self.live.remove(&id)?;
        if let Some(price) = order.price {
            let level = (order.side, price);
            if let Some(ids) = self.levels.get_mut(&level) {
                ids.remove(&id);
                if ids.is_empty() {
                    self.levels.remove(&level);
                }
            }
        }
        Some(order)
    }
}
