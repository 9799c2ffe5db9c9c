//! What is remembered of orders: those that live, at which price, and those that were deleted lately.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::event::{Decimal, Price, Side};

/// Orders that are remembered; the oldest is forgotten beyond that, and its later lines are those of an unknown order. The
/// recording of 2015-05-01 holds 200 of its own at once.
const LIVE_MAX: usize = 1_000_000;
/// Deleted orders that are remembered, for lines that come late: in the recording two lines late at most.
const GONE_MAX: usize = 4_096;

/// An order as its last line told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub side: Side,
    pub price: Option<Price>,
    pub qty: Decimal,
    /// The venue gave it another price: it is a market order on its way through the book.
    pub walked: bool,
}

/// What a deletion met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deleted {
    /// This order, as it was.
    Known(Order),
    /// An order from before the recording.
    Unknown,
    /// An order that was deleted already.
    Again,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Orders {
    live: BTreeMap<u64, Order>,
    /// The living by side and price, to see which meet.
    standing: BTreeMap<(Side, Price), BTreeSet<u64>>,
    gone: BTreeSet<u64>,
    gone_in_order: VecDeque<u64>,
    forgotten: u64,
}

impl Orders {
    pub fn get(&self, id: u64) -> Option<Order> {
        self.live.get(&id).copied()
    }

    pub fn is_gone(&self, id: u64) -> bool {
        self.gone.contains(&id)
    }

    /// Remembers an order as it is now.
    pub fn put(&mut self, id: u64, order: Order) {
        self.take(id);
        self.live.insert(id, order);
        if let Some(price) = order.price {
            self.standing.entry((order.side, price)).or_default().insert(id);
        }
        if self.live.len() > LIVE_MAX
            && let Some((&oldest, _)) = self.live.first_key_value()
        {
            self.take(oldest);
            self.forgotten += 1;
        }
    }

    /// How many living orders had to make room.
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Forgets an order, except that it is gone.
    pub fn delete(&mut self, id: u64) -> Deleted {
        if !self.gone.insert(id) {
            return Deleted::Again;
        }
        self.gone_in_order.push_back(id);
        if self.gone_in_order.len() > GONE_MAX
            && let Some(oldest) = self.gone_in_order.pop_front()
        {
            self.gone.remove(&oldest);
        }
        self.take(id).map_or(Deleted::Unknown, Deleted::Known)
    }

    /// Whether an older order of the other side lives at this very price: the two are being executed against each other.
    /// A better price would say so too, but then one order whose deletion was lost would speak for all that are beyond it.
    pub fn is_met(&self, id: u64, side: Side, price: Price) -> bool {
        let others = self.standing.get(&(side.opposite(), price));
        others.and_then(BTreeSet::first).is_some_and(|&oldest| oldest < id)
    }

    fn take(&mut self, id: u64) -> Option<Order> {
        let order = self.live.remove(&id)?;
        if let Some(price) = order.price {
            let level = (order.side, price);
            if let Some(ids) = self.standing.get_mut(&level) {
                ids.remove(&id);
                if ids.is_empty() {
                    self.standing.remove(&level);
                }
            }
        }
        Some(order)
    }
}
