//! Reads and checks the JSON of one line, by the line's kind.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    super::record::{Reading, json, price, quantity, wrong},
    fills::Print,
    number::{either, number},
};
use crate::{
    event::{BookDelta, BookSnapshot, Decimal, Level, Price, Rejection, Side},
    time::EventTime,
};

/// One line of the feed, by its kind.
#[derive(Debug)]
pub(super) enum Line {
    Created(OrderLine),
    Changed(OrderLine),
    Deleted(OrderLine),
    Traded(Print),
    Book(EventTime, BookSnapshot),
    Levels(EventTime, BookDelta),
}

/// The fields of a line about an order.
#[derive(Clone, Copy, Debug)]
pub(super) struct OrderLine {
    pub at: EventTime,
    pub id: u64,
    pub side: Side,
    /// `None` for a market order.
    pub price: Option<Price>,
    /// Quantity that remains.
    pub qty: Decimal,
}

#[derive(Deserialize)]
#[serde(expecting = "an order")]
struct OrderJson<'a> {
    id: u64,
    order_type: u8,
    #[serde(borrow)]
    price: &'a RawValue,
    #[serde(borrow)]
    price_str: Option<&'a RawValue>,
    #[serde(borrow)]
    amount: &'a RawValue,
    #[serde(borrow)]
    amount_str: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(expecting = "a trade")]
struct TradeJson<'a> {
    id: u64,
    #[serde(borrow)]
    price: &'a RawValue,
    #[serde(borrow)]
    price_str: Option<&'a RawValue>,
    #[serde(borrow)]
    amount: &'a RawValue,
    #[serde(borrow)]
    amount_str: Option<&'a RawValue>,
    /// Side of the aggressor.
    #[serde(rename = "type")]
    side: Option<u8>,
    buy_order_id: Option<u64>,
    sell_order_id: Option<u64>,
}

#[derive(Deserialize)]
#[serde(expecting = "a book")]
struct BookJson<'a> {
    #[serde(borrow)]
    bids: Vec<Vec<&'a RawValue>>,
    #[serde(borrow)]
    asks: Vec<Vec<&'a RawValue>>,
}

impl Line {
    /// Reads the JSON of a line of this kind and time.
    pub fn of(kind: Kind, at: EventTime, body: &str, reading: &mut Reading) -> Result<Self, Rejection> {
        match kind {
            Kind::Created => {
                let order = OrderLine::parse(at, body, reading)?;
                if order.qty.is_zero() { Err(wrong("a new order of `amount` 0")) } else { Ok(Self::Created(order)) }
            }
            Kind::Changed => OrderLine::parse(at, body, reading).map(Self::Changed),
            Kind::Deleted => OrderLine::parse(at, body, reading).map(Self::Deleted),
            Kind::Trade => print(at, body, reading).map(Self::Traded),
            Kind::Book => {
                let (bids, asks) = sides(body, reading)?;
                Ok(Self::Book(at, BookSnapshot { bids, asks }))
            }
            Kind::Levels => {
                let (bids, asks) = sides(body, reading)?;
                Ok(Self::Levels(at, BookDelta { bids, asks, prev_seq: None }))
            }
        }
    }

    /// Returns the time of the line.
    pub fn at(&self) -> EventTime {
        match self {
            Self::Created(order) | Self::Changed(order) | Self::Deleted(order) => order.at,
            Self::Traded(print) => print.at,
            Self::Book(at, _) | Self::Levels(at, _) => *at,
        }
    }
}

/// Kind of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Created,
    Changed,
    Deleted,
    Trade,
    Book,
    Levels,
}

impl Kind {
    /// Returns the kind of a line or an event of this name.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "order_created" => Self::Created,
            "order_changed" => Self::Changed,
            "order_deleted" => Self::Deleted,
            "trade" => Self::Trade,
            "order_book" => Self::Book,
            _ => return None,
        })
    }
}

impl OrderLine {
    fn parse(at: EventTime, body: &str, reading: &mut Reading) -> Result<Self, Rejection> {
        let order: OrderJson<'_> = json(body)?;
        let side = side(order.order_type).ok_or_else(|| wrong("`order_type` is neither 0 nor 1"))?;
        // A market order states the price 0.
        let price = price(either(order.price_str, order.price, "`price`", reading)?).ok();
        Ok(Self { at, id: order.id, side, price, qty: either(order.amount_str, order.amount, "`amount`", reading)? })
    }
}

/// Returns the side of a number: 0 is a buy, 1 is a sell.
const fn side(number: u8) -> Option<Side> {
    match number {
        0 => Some(Side::Buy),
        1 => Some(Side::Sell),
        _ => None,
    }
}

fn print(at: EventTime, body: &str, reading: &mut Reading) -> Result<Print, Rejection> {
    let trade: TradeJson<'_> = json(body)?;
    let aggressor = trade.side.map(|number| side(number).ok_or_else(|| wrong("`type` is neither 0 nor 1")));
    Ok(Print {
        at,
        id: trade.id,
        price: price(either(trade.price_str, trade.price, "`price`", reading)?)?,
        qty: quantity(either(trade.amount_str, trade.amount, "`amount`", reading)?)?,
        orders: trade.buy_order_id.zip(trade.sell_order_id),
        aggressor: aggressor.transpose()?,
    })
}

fn sides(body: &str, reading: &mut Reading) -> Result<(Vec<Level>, Vec<Level>), Rejection> {
    let book: BookJson<'_> = json(body)?;
    Ok((levels(&book.bids, reading)?, levels(&book.asks, reading)?))
}

/// Reads the levels of one side. A `detail_order_book` has one entry for each order: `[price, amount, order]`, so entries
/// of one price after another are one level.
fn levels(side: &[Vec<&RawValue>], reading: &mut Reading) -> Result<Vec<Level>, Rejection> {
    reading.check_levels(side.len())?;
    let mut levels: Vec<Level> = Vec::with_capacity(side.len());
    for entry in side {
        let (&[at, qty] | &[at, qty, _]) = entry.as_slice() else {
            return Err(wrong("a level: expected a price and an amount"));
        };
        let (at, qty) = (price(number(at, "a level's price", reading)?)?, number(qty, "a level's amount", reading)?);
        match levels.last_mut() {
            Some(last) if last.0 == at => last.1 = last.1.plus(qty),
            Some(_) | None => levels.push(Level(at, qty)),
        }
    }
    Ok(levels)
}
