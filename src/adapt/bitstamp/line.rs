//! One line of the feed, read and checked: `<receive time in ms> <kind> <json>`.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    super::record::{json as parse, millis, text, wrong},
    fills::Print,
};
use crate::{
    event::{BookSnapshot, Decimal, DecodeLimits, Level, Price, Quantity, Reason, Rejection, Side},
    time::EventTime,
};

/// Decimals of the venue's prices and quantities.
const PLACES: u32 = 8;
/// The greatest number of 10⁻⁸ that the contract's 15 significant digits hold.
const UNITS_MAX: f64 = 999_999_999_999_999.0;

/// A line, by its kind.
#[derive(Debug)]
pub(super) enum Line {
    Created(OrderLine),
    Changed(OrderLine),
    Deleted(OrderLine),
    Traded(Print),
    Book(EventTime, BookSnapshot),
}

/// What the lines on an order's life have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct OrderLine {
    pub at: EventTime,
    pub id: u64,
    pub side: Side,
    /// `None` for a market order.
    pub price: Option<Price>,
    /// What remains.
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
    amount: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(expecting = "a trade")]
struct TradeJson<'a> {
    id: u64,
    #[serde(borrow)]
    price: &'a RawValue,
    #[serde(borrow)]
    amount: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(expecting = "a book")]
struct BookJson<'a> {
    #[serde(borrow)]
    bids: Vec<(&'a RawValue, &'a RawValue)>,
    #[serde(borrow)]
    asks: Vec<(&'a RawValue, &'a RawValue)>,
}

impl Line {
    /// Reads a line.
    ///
    /// # Errors
    /// Says why the line is none of the feed's.
    pub fn parse(line: &[u8], limits: DecodeLimits) -> Result<Self, Rejection> {
        let mut parts = text(line, limits)?.trim_ascii().splitn(3, ' ');
        let (Some(ms), Some(kind), Some(json)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong("expected `<ms> <kind> <json>`"));
        };
        let at = receive_time(ms)?;
        match kind {
            "order_created" => {
                let order = OrderLine::parse(at, json)?;
                if order.qty.is_zero() { Err(wrong("a new order of `amount` 0")) } else { Ok(Self::Created(order)) }
            }
            "order_changed" => OrderLine::parse(at, json).map(Self::Changed),
            "order_deleted" => OrderLine::parse(at, json).map(Self::Deleted),
            "trade" => print(at, json).map(Self::Traded),
            "order_book" => book(json, limits).map(|book| Self::Book(at, book)),
            _ => Err(wrong("unknown kind of line")),
        }
    }

    /// When it was received.
    pub fn at(&self) -> EventTime {
        match self {
            Self::Created(order) | Self::Changed(order) | Self::Deleted(order) => order.at,
            Self::Traded(print) => print.at,
            Self::Book(at, _) => *at,
        }
    }
}

impl OrderLine {
    fn parse(at: EventTime, json: &str) -> Result<Self, Rejection> {
        let order: OrderJson<'_> = parse(json)?;
        let side = match order.order_type {
            0 => Side::Buy,
            1 => Side::Sell,
            _ => return Err(wrong("`order_type` is neither 0 nor 1")),
        };
        let price = Price::new(number(order.price, "`price`")?);
        Ok(Self { at, id: order.id, side, price, qty: number(order.amount, "`amount`")? })
    }
}

fn print(at: EventTime, json: &str) -> Result<Print, Rejection> {
    let trade: TradeJson<'_> = parse(json)?;
    let price = Price::new(number(trade.price, "`price`")?).ok_or_else(|| wrong("a trade of `price` 0"))?;
    let qty = Quantity::new(number(trade.amount, "`amount`")?).ok_or_else(|| wrong("a trade of `amount` 0"))?;
    Ok(Print { at, id: trade.id, price, qty })
}

fn book(json: &str, limits: DecodeLimits) -> Result<BookSnapshot, Rejection> {
    let book: BookJson<'_> = parse(json)?;
    if book.bids.len().max(book.asks.len()) > limits.levels_max {
        return Err(Rejection::new(Reason::TooMany, "levels of an `order_book`"));
    }
    let levels = |side: &[(&RawValue, &RawValue)]| {
        side.iter().map(|(price, qty)| level(price, qty)).collect::<Result<Vec<_>, _>>()
    };
    Ok(BookSnapshot { bids: levels(&book.bids)?, asks: levels(&book.asks)? })
}

fn level(price: &RawValue, qty: &RawValue) -> Result<Level, Rejection> {
    let price = Price::new(number(price, "a level's price")?).ok_or_else(|| wrong("a level of price 0"))?;
    Ok(Level(price, number(qty, "a level's amount")?))
}

fn receive_time(ms: &str) -> Result<EventTime, Rejection> {
    millis(ms.parse().map_err(|_| wrong("expected a receive time in milliseconds"))?)
}

/// A decimal string, or a number, to the venue's 8 decimals; zero or above.
fn number(raw: &RawValue, field: &'static str) -> Result<Decimal, Rejection> {
    let text = raw.get();
    let units = text.trim_matches('"').parse::<f64>().map(|number| (number * 1e8).round());
    match units {
        // Exact: 15 digits survive a double, and so does the product's nearest whole number.
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 15 digits")]
        Ok(units) if (0.0..=UNITS_MAX).contains(&units) => {
            Decimal::from_parts(units as i64, PLACES).ok_or_else(|| wrong(field))
        }
        Ok(_) | Err(_) => Err(wrong(format!("{field}: expected a number from 0 to 9999999.99999999"))),
    }
}
