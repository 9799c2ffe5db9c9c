//! Orders as accounts send them to the venue, in whole ticks and lots.

use crate::event::Side;

/// An incoming order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    pub(crate) account: u32,
    pub(crate) side: Side,
    /// Limit in ticks; a market order has none.
    pub(crate) price: Option<i64>,
    pub(crate) lots: i64,
    pub(crate) time_in_force: TimeInForce,
}

/// Treatment of the part of an order that does not trade at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeInForce {
    /// The remainder rests in the book.
    GoodTillCancel,
    /// The whole order rests, or is cancelled if it would trade at once.
    PostOnly,
    /// The remainder is cancelled.
    ImmediateOrCancel,
    /// The remainder is cancelled; the venue sends the order itself to close the account's position.
    Liquidation,
}
