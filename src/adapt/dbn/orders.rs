//! The live orders, and how much of each was filled before a cancel or a modification took that from the book.

use std::collections::BTreeMap;

use crate::event::{Price, Side};

/// Largest number of live orders. A busy day of a futures exchange has some hundred thousand at once.
const LIVE_MAX: usize = 5_000_000;

/// An order as the book shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Live {
    pub side: Side,
    pub price: Price,
    /// Size in the book.
    size: u32,
    /// Part of the size that was filled; a cancel or a modification will take it from the book.
    filled: u32,
}

/// Effect of a cancel record on its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cancelled {
    /// The size had been filled.
    Filled,
    /// A part of the order was withdrawn.
    Part {
        /// Price of the order.
        price: Price,
        /// Size that is left.
        left: u32,
    },
    /// All that was left was withdrawn.
    Whole {
        /// Side and price of the order, if it is known.
        known: Option<(Side, Price)>,
        /// Size that was withdrawn.
        size: u32,
    },
}

/// The live orders of all instruments.
#[derive(Debug, Default)]
pub(super) struct Orders {
    live: BTreeMap<(u32, u64), Live>,
    evicted: u64,
}

impl Live {
    /// Returns the size that is neither filled nor withdrawn.
    pub const fn left(&self) -> u32 {
        self.size.saturating_sub(self.filled)
    }
}

impl Orders {
    /// Returns how many orders were evicted.
    pub const fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Adds an order of this instrument and id.
    pub fn add(&mut self, key: (u32, u64), side: Side, price: Price, size: u32) {
        self.put(key, Live { side, price, size, filled: 0 });
    }

    /// Changes an order to a price and a size. Returns whether the change is more than its fills explain.
    pub fn modify(&mut self, key: (u32, u64), side: Side, price: Price, size: u32) -> bool {
        let before = self.live.get(&key).copied();
        self.put(key, Live { side, price, size, filled: 0 });
        before.is_none_or(|before| before.filled == 0 || before.price != price || before.left() != size)
    }

    /// Notes that a part of an order was filled. An order from before the file is known from now on by that part.
    pub fn fill(&mut self, key: (u32, u64), side: Side, price: Price, size: u32) {
        if let Some(live) = self.live.get_mut(&key) {
            live.filled = live.filled.saturating_add(size);
        } else {
            self.put(key, Live { side, price, size, filled: size });
        }
    }

    /// Takes a size from an order: first what was filled, then what is withdrawn.
    pub fn cancel(&mut self, key: (u32, u64), size: u32) -> Cancelled {
        let Some(live) = self.live.get_mut(&key) else { return Cancelled::Whole { known: None, size } };
        let by_fills = live.filled.min(size);
        live.filled -= by_fills;
        live.size = live.size.saturating_sub(size);
        let Live { side, price, size: left, .. } = *live;
        if left == 0 {
            self.live.remove(&key);
        }
        match (size - by_fills, left) {
            (0, _) => Cancelled::Filled,
            (withdrawn, 0) => Cancelled::Whole { known: Some((side, price)), size: withdrawn },
            (_, left) => Cancelled::Part { price, left },
        }
    }

    /// Removes all orders of an instrument, and returns them with their ids.
    pub fn clear(&mut self, instrument: u32) -> Vec<(u64, Live)> {
        let keys: Vec<_> = self.live.range((instrument, 0)..=(instrument, u64::MAX)).map(|(&key, _)| key).collect();
        keys.into_iter().filter_map(|key| Some((key.1, self.live.remove(&key)?))).collect()
    }

    /// Remembers an order. If there are too many, the one with the lowest instrument and id is evicted.
    fn put(&mut self, key: (u32, u64), live: Live) {
        self.live.insert(key, live);
        if self.live.len() > LIVE_MAX {
            self.live.pop_first();
            self.evicted += 1;
        }
    }
}
