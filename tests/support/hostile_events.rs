//! Events that no venue should send: builders of single ones, and proptest strategies.
#![allow(dead_code, reason = "each test is a crate of its own and uses its part")]
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use foreshock::{
    event::{
        Body, BookDelta, BookSnapshot, Decimal, Event, Heartbeat, Name, OrderCancel, OrderNew, OrderReplace, Price,
        Quantity, Side, Trade,
    },
    time::{EventTime, Span},
};
use proptest::prelude::*;

/// 2025-10-10.
pub const START: i64 = 1_760_130_000;
pub const HOUR: i64 = 3_600;
pub const YEAR: i64 = 365 * 24 * HOUR;

pub fn secs(seconds: i64) -> EventTime {
    EventTime::from_nanos(seconds * 1_000_000_000)
}

pub fn millis(seconds: i64, millis: i64) -> EventTime {
    secs(seconds).plus(Span::from_millis(millis))
}

pub fn name(text: impl Into<String>) -> Name<'static> {
    Name::new(text.into()).unwrap()
}

pub fn price(whole: i64) -> Price {
    Price::new(Decimal::from_parts(whole, 0).unwrap()).unwrap()
}

pub fn quantity(whole: i64) -> Quantity {
    Quantity::new(Decimal::from_parts(whole, 0).unwrap()).unwrap()
}

pub fn cancel(order: impl Into<String>) -> Body<'static> {
    Body::OrderCancel(OrderCancel { order: name(order), side: None, price: None, qty: None, reason: None })
}

pub fn order(id: impl Into<String>, side: Side, at: i64, qty: i64) -> Body<'static> {
    Body::OrderNew(OrderNew {
        order: name(id),
        side,
        price: Some(price(at)),
        qty: quantity(qty),
        kind: None,
        tif: None,
        post_only: None,
        reduce_only: None,
    })
}

/// Event times that are equal, close, hours apart or years apart, in both directions.
pub fn time() -> impl Strategy<Value = EventTime> {
    prop_oneof![
        6 => (0_i64..200_000).prop_map(|ms| millis(START, ms)),
        2 => (0_i64..4).prop_map(|s| secs(START + s)),
        1 => (-2 * HOUR..2 * HOUR).prop_map(|s| secs(START + s)),
        1 => (946_684_800_i64..4_102_444_800).prop_map(secs),
    ]
}

pub fn body() -> impl Strategy<Value = Body<'static>> {
    let id = || (0_u8..5).prop_map(|n| name(n.to_string()));
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let huge = 1_000_000_000_000_000_i64;
    let size = || prop_oneof![1_i64..4, Just(huge)];
    prop_oneof![
        4 => (id(), side, 1_i64..4, size()).prop_map(|(id, side, price, size)| order(id.to_string(), side, price, size)),
        6 => id().prop_map(|id| cancel(id.to_string())),
        2 => (id(), id(), 1_i64..4, size()).prop_map(|(order, new, at, size)| {
            Body::OrderReplace(OrderReplace { order, new_order: Some(new), price: price(at), qty: quantity(size) })
        }),
        2 => (id(), id(), size()).prop_map(|(maker, taker, size)| Body::Trade(Trade {
            trade: name("t"),
            price: price(1),
            qty: quantity(size),
            side: None,
            maker_order: Some(maker),
            taker_order: Some(taker),
            maker: None,
            taker: None,
            maker_owner: None,
            taker_owner: None,
            liquidation: None,
        })),
        1 => Just(Body::Heartbeat(Heartbeat { producer: None })),
        1 => Just(Body::BookSnapshot(BookSnapshot { bids: Vec::new(), asks: Vec::new() })),
        1 => proptest::option::of(any::<u64>())
            .prop_map(|prev_seq| Body::BookDelta(BookDelta { bids: Vec::new(), asks: Vec::new(), prev_seq })),
        1 => Just(Body::Unknown),
    ]
}

pub fn event() -> impl Strategy<Value = Event<'static>> {
    let seq = prop_oneof![3 => Just(None), 3 => (0_u64..50).prop_map(Some), 1 => any::<u64>().prop_map(Some)];
    (time(), 0_u8..4, seq, 0_u8..6, body()).prop_map(|(ts, symbol, seq, account, body)| {
        let symbol = Some(name(format!("S{symbol}")));
        Event { ts, symbol, seq, account: Some(name(format!("a{account}"))), owner: None, body }
    })
}
