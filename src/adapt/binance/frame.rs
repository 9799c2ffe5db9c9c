//! Reads and checks one line: a receive time in any form or none, then one frame, bare or in the envelope of a combined
//! stream, or an array of frames.

use serde_json::value::RawValue;

use super::{
    super::record::{self, Reading, Text, before_json, json, micros, millis, receive_time, wrong},
    json::{BookJson, DepthJson, ForceJson, Head, MarkJson, TradeJson},
};
use crate::{
    event::{BookSnapshot, Decimal, Level, LiquidationPhase, Name, Price, Quantity, Rejection, Side},
    time::EventTime,
};

/// One frame, by its kind.
#[derive(Debug)]
pub(super) enum Frame {
    Depth(Depth),
    Trade(Trade),
    Mark(Mark),
    Forced(Forced),
    Book(Book),
    /// A correct frame that yields no event, with its symbol if it names one.
    NoEvent(Option<Name<'static>>),
}

/// Changes of the book.
#[derive(Debug)]
pub(super) struct Depth {
    pub at: EventTime,
    pub symbol: Name<'static>,
    pub seq: u64,
    pub prev_seq: u64,
    pub bids: Vec<Level>,
    pub asks: Vec<Level>,
}

/// A whole book, from the REST API or from a stream of partial books.
#[derive(Debug)]
pub(super) struct Book {
    /// Time of the venue. Spot books have none.
    pub at: Option<EventTime>,
    /// Receive time, if it can be read.
    pub received_at: Option<EventTime>,
    /// Symbol, if the frame or its stream names it.
    pub symbol: Option<Name<'static>>,
    pub seq: u64,
    /// Whether these are the best levels only, which a stream repeats several times a second.
    pub is_partial: bool,
    pub levels: BookSnapshot,
}

/// One trade, or several that the venue reports as one.
#[derive(Debug)]
pub(super) struct Trade {
    pub at: EventTime,
    pub symbol: Name<'static>,
    pub id: u64,
    /// Whether these are all trades of one order at one price (`aggTrade`).
    pub aggregated: bool,
    pub price: Price,
    pub qty: Quantity,
    /// Side of the aggressor.
    pub side: Side,
    /// Phase of the liquidation that the print belongs to, if the print is outside the market.
    pub off_market: Option<LiquidationPhase>,
}

/// Mark price, with the funding rate.
#[derive(Debug)]
pub(super) struct Mark {
    pub at: EventTime,
    pub symbol: Name<'static>,
    pub price: Price,
    pub index: Option<Price>,
    /// Funding rate, and the next funding time in milliseconds. A delivery contract has neither.
    pub funding: Option<(Decimal, i64)>,
}

/// An order that closes a liquidated position.
#[derive(Debug)]
pub(super) struct Forced {
    pub at: EventTime,
    pub symbol: Name<'static>,
    pub side: Side,
    pub price: Option<Price>,
    pub qty: Option<Quantity>,
}

/// The parts of a line around its frame.
#[derive(Clone, Copy, Debug)]
struct Around<'a> {
    /// Text before the JSON.
    received: &'a str,
    /// Name of the stream, in a combined stream.
    stream: Option<&'a str>,
}

impl Around<'_> {
    /// Returns the symbol that the stream's name begins with, in the spelling of the frames; a stream of the whole
    /// market (`!markPrice@arr`) names none.
    fn symbol(self) -> Option<Name<'static>> {
        let (symbol, _) = self.stream?.split_once('@')?;
        if symbol.starts_with('!') { None } else { Name::new(symbol.to_uppercase()) }
    }

    /// Whether the stream is one of partial books: `btcusdt@depth20` or `btcusdt@depth5@100ms`.
    fn is_partial(self) -> bool {
        let levels = |part: &str| part.strip_prefix("depth").is_some_and(|levels| levels.parse::<u32>().is_ok());
        self.stream.is_some_and(|stream| stream.split('@').skip(1).any(levels))
    }
}

impl Frame {
    /// Reads a line: one frame, or the frames of an array.
    ///
    /// # Errors
    /// Returns the reason for which the line is not a frame of the venue.
    pub fn parse(line: &[u8], reading: &mut Reading) -> Result<Vec<Self>, Rejection> {
        let (received, body) = before_json(record::text(line, reading.limits)?)?;
        let around = Around { received, stream: None };
        if body.starts_with('[') {
            return Self::of_array(body, around, reading);
        }
        let outer: Head<'_> = json(body)?;
        match outer.data {
            Some(data) => {
                let around = Around { stream: outer.stream.as_deref(), ..around };
                let body = data.get();
                if body.starts_with('[') {
                    return Self::of_array(body, around, reading);
                }
                Self::of_object(&json(body)?, body, around, reading).map(|frame| vec![frame])
            }
            None => Self::of_object(&outer, body, around, reading).map(|frame| vec![frame]),
        }
    }

    /// Reads an array, as the streams of the whole market send it.
    fn of_array(body: &str, around: Around<'_>, reading: &mut Reading) -> Result<Vec<Self>, Rejection> {
        let frames: Vec<&RawValue> = json(body)?;
        let mut frame = |frame: &RawValue| {
            let frame = Self::of_object(&json(frame.get())?, frame.get(), around, reading)?;
            if matches!(frame, Self::Book(_)) { Err(wrong("a book in an array")) } else { Ok(frame) }
        };
        frames.into_iter().map(&mut frame).collect()
    }

    fn of_object(head: &Head<'_>, body: &str, around: Around<'_>, reading: &mut Reading) -> Result<Self, Rejection> {
        match (head.e.as_deref(), head.lastUpdateId) {
            (Some("depthUpdate"), _) => depth(&json(body)?, around, reading),
            (Some("trade" | "aggTrade"), _) => trade(&json(body)?, reading),
            (Some("markPriceUpdate"), _) => mark(&json(body)?, reading).map(Self::Mark),
            (Some("forceOrder"), _) => forced(&json(body)?, reading).map(Self::Forced),
            (None, Some(id)) => book(id, &json(body)?, around, reading).map(Self::Book),
            // Another event, or a spot `bookTicker`, which has no `e`.
            (Some(_), _) => Self::no_event(head.s.as_ref()),
            (None, None) if head.B => Self::no_event(head.s.as_ref()),
            // The answer to a request, such as a subscription.
            (None, None) if head.id || head.result || head.error => Ok(Self::NoEvent(None)),
            (None, None) => Err(wrong("expected an event with `e` or a book with `lastUpdateId`")),
        }
    }

    fn no_event(symbol: Option<&Text<'_>>) -> Result<Self, Rejection> {
        Ok(Self::NoEvent(symbol.map(|symbol| record::name(symbol)).transpose()?))
    }
}

/// Makes the time of an event: `T`, or `E` where the frame has no `T`.
fn event_time(transaction: Option<i64>, event: Option<i64>) -> Result<EventTime, Rejection> {
    time(transaction.or(event).ok_or_else(|| wrong("expected a time `T` or `E`"))?)
}

/// Makes a time of milliseconds, or of microseconds, which spot streams send on request.
fn time(number: i64) -> Result<EventTime, Rejection> {
    millis(number).or_else(|rejection| micros(number).map_err(|_| rejection))
}

fn depth(depth: &DepthJson<'_>, around: Around<'_>, reading: &mut Reading) -> Result<Frame, Rejection> {
    let at = event_time(depth.T, depth.E)?;
    let symbol = record::name(&depth.s)?;
    let (bids, asks) = (reading.levels(&depth.b)?, reading.levels(&depth.a)?);
    if around.is_partial() {
        let levels = BookSnapshot { bids, asks };
        let (at, symbol) = (Some(at), Some(symbol));
        return Ok(Frame::Book(Book { at, received_at: None, symbol, seq: depth.u, is_partial: true, levels }));
    }
    let first = depth.U.map(|first| first.saturating_sub(1));
    let prev_seq = depth.pu.or(first).ok_or_else(|| wrong("expected a depth update with `pu` or `U`"))?;
    Ok(Frame::Depth(Depth { at, symbol, seq: depth.u, prev_seq, bids, asks }))
}

fn trade(trade: &TradeJson<'_>, reading: &mut Reading) -> Result<Frame, Rejection> {
    let symbol = record::name(&trade.s)?;
    let off_market = match trade.X.as_deref() {
        None | Some("MARKET") => None,
        Some("INSURANCE_FUND") => Some(LiquidationPhase::Insurance),
        Some("ADL") => Some(LiquidationPhase::Adl),
        // The venue sends such a placeholder with price and quantity 0.
        Some("NA") => return Ok(Frame::NoEvent(Some(symbol))),
        Some(_) => return Err(wrong("`X`: expected MARKET, INSURANCE_FUND, ADL or NA")),
    };
    Ok(Frame::Trade(Trade {
        at: event_time(trade.T, trade.E)?,
        symbol,
        id: trade.t.or(trade.a).ok_or_else(|| wrong("expected a trade with the id `t` or `a`"))?,
        aggregated: trade.t.is_none(),
        price: reading.price(trade.p)?,
        qty: reading.quantity(trade.q)?,
        side: if trade.m { Side::Sell } else { Side::Buy },
        off_market,
    }))
}

fn mark(mark: &MarkJson<'_>, reading: &mut Reading) -> Result<Mark, Rejection> {
    let rate = mark.r.as_deref().filter(|rate| !rate.is_empty());
    let rate = rate.map(|rate| Decimal::parse_counting(rate, &mut reading.rounded)).transpose();
    let rate = rate.map_err(|e| wrong(format!("`r`: {e}")))?;
    Ok(Mark {
        at: time(mark.E)?,
        symbol: record::name(&mark.s)?,
        price: reading.price(mark.p)?,
        index: mark.i.and_then(|index| record::price(reading.number(index)).ok()),
        funding: rate.zip(mark.T.filter(|&next| next > 0)),
    })
}

fn forced(ForceJson { E, o: order }: &ForceJson<'_>, reading: &mut Reading) -> Result<Forced, Rejection> {
    let side = match &*order.S {
        "BUY" => Side::Buy,
        "SELL" => Side::Sell,
        _ => return Err(wrong("`S`: expected BUY or SELL")),
    };
    let (price, qty) = (record::price(reading.number(order.ap)).ok(), Quantity::new(reading.number(order.z)));
    Ok(Forced { at: event_time(order.T, *E)?, symbol: record::name(&order.s)?, side, price, qty })
}

fn book(id: u64, book: &BookJson<'_>, around: Around<'_>, reading: &mut Reading) -> Result<Book, Rejection> {
    Ok(Book {
        at: book.T.or(book.E).map(time).transpose()?,
        received_at: receive_time(around.received),
        symbol: book.symbol.as_ref().map(|symbol| record::name(symbol)).transpose()?.or_else(|| around.symbol()),
        seq: id,
        is_partial: around.is_partial(),
        levels: BookSnapshot { bids: reading.levels(&book.bids)?, asks: reading.levels(&book.asks)? },
    })
}
