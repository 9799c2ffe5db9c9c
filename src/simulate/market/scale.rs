//! The scale of a symbol: how its ticks and lots become the contract's decimals.
//!
//! The decimals of a tick and of a lot are three together, so that a lot at a price of n ticks costs n thousandths on every
//! symbol, some ten of the quote currency: amounts of one account on several symbols can be added.

use crate::event::{Decimal, Price, Quantity, Tick};

/// The decimals of one tick and one lot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// Decimals of a tick, 0 to 3.
    pub(crate) price_places: u32,
}

impl Scale {
    /// Returns the decimals of a lot.
    pub(crate) const fn lot_places(self) -> u32 {
        3 - self.price_places
    }

    /// Converts a number of ticks to a price.
    pub(super) fn price(self, ticks: i64) -> Price {
        let price = Decimal::from_parts(ticks, self.price_places).and_then(Price::new);
        price.expect("the fair value stays within half of its reference, so prices are within range")
    }

    /// Returns the step between two prices.
    pub(super) fn tick(self) -> Tick {
        let tick = Decimal::from_parts(1, self.price_places).and_then(Tick::new);
        tick.expect("a tick has at most three decimals")
    }

    /// Converts a number of lots to a quantity.
    pub(super) fn quantity(self, lots: i64) -> Quantity {
        let qty = Decimal::from_parts(lots, self.lot_places()).and_then(Quantity::new);
        qty.expect("quantities on the tape are at least a lot")
    }
}
