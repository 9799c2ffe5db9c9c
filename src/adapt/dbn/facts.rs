//! Conversions from the vendor's prices, sizes and sides to those of events, and constructors of the events' bodies.

use dbn::UNDEF_PRICE;

use super::super::record::{self, id, wrong};
use crate::{
    event::{
        Body, CancelReason, Decimal, Event, Name, OrderCancel, OrderNew, OrderReplace, Price, Quantity, Rejection, Side,
    },
    time::EventTime,
};

pub(super) fn new_order(order: u64, side: Side, price: Price, qty: Quantity) -> Body<'static> {
    let price = Some(price);
    Body::OrderNew(OrderNew {
        order: id(order),
        side,
        price,
        qty,
        kind: None,
        tif: None,
        post_only: None,
        reduce_only: None,
    })
}

pub(super) fn replaced(order: u64, price: Price, qty: Quantity) -> Body<'static> {
    Body::OrderReplace(OrderReplace { order: id(order), new_order: None, price, qty })
}

pub(super) fn cancelled(
    order: u64,
    (side, price): (Option<Side>, Option<Price>),
    qty: Quantity,
    reason: Option<CancelReason>,
) -> Body<'static> {
    Body::OrderCancel(OrderCancel { order: id(order), side, price, qty: Some(qty), reason })
}

/// Converts the vendor's side, of an order or of a trade's aggressor; `None` if the record states none.
pub(super) const fn side_of(side: dbn::Side) -> Option<Side> {
    match side {
        dbn::Side::Bid => Some(Side::Buy),
        dbn::Side::Ask => Some(Side::Sell),
        dbn::Side::None => None,
    }
}

pub(super) fn price(units: i64) -> Result<Price, Rejection> {
    /// Decimal places of a price.
    const PLACES: u32 = 9;
    let units = Some(units).filter(|&units| units != UNDEF_PRICE);
    let price = units.and_then(|units| Decimal::from_parts(units, PLACES));
    record::any_price(price.ok_or_else(|| wrong("expected a price"))?)
}

pub(super) fn quantity(size: u32) -> Result<Quantity, Rejection> {
    record::quantity(Decimal::from_parts(i64::from(size), 0).unwrap_or(Decimal::ZERO))
}

pub(super) const fn event(ts: EventTime, symbol: Name<'static>, body: Body<'static>) -> Event<'static> {
    Event { ts, symbol: Some(symbol), seq: None, account: None, owner: None, body }
}
