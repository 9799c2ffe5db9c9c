//! One frame, read and checked: `<receive time> <json>`, the JSON bare or in the envelope of a combined stream.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::record::{self, Exact, json, levels, millis, price, quantity, wrong};
use crate::{
    event::{BookSnapshot, Decimal, DecodeLimits, Level, LiquidationPhase, Name, Price, Quantity, Rejection, Side},
    time::EventTime,
};

/// A frame, by its kind.
#[derive(Debug)]
pub(super) enum Frame {
    Depth(Depth),
    Trade(Trade),
    Mark(Mark),
    /// An order that closes a liquidated position, from the stream of them.
    Forced(Forced),
    /// The book as the venue's REST answer has it, which does not say of which symbol it is.
    Snapshot(EventTime, u64, BookSnapshot),
    /// A frame of this symbol that tells nothing new.
    Silent(Option<Name<'static>>),
}

#[derive(Debug)]
pub(super) struct Depth {
    pub at: EventTime,
    pub symbol: Name<'static>,
    pub seq: u64,
    pub prev_seq: u64,
    pub bids: Vec<Level>,
    pub asks: Vec<Level>,
}

#[derive(Debug)]
pub(super) struct Trade {
    pub at: EventTime,
    pub symbol: Name<'static>,
    pub id: u64,
    /// Several of one order at one price, told as one.
    pub aggregated: bool,
    pub price: Price,
    pub qty: Quantity,
    /// The aggressor's.
    pub side: Side,
    /// Where the print is none of the market's.
    pub off_market: Option<LiquidationPhase>,
}

#[derive(Debug)]
pub(super) struct Mark {
    pub at: EventTime,
    pub symbol: Name<'static>,
    pub price: Price,
    pub index: Option<Price>,
    /// The rate, and when it is paid next; a delivery contract has none.
    pub funding: Option<(Decimal, i64)>,
}

#[derive(Debug)]
pub(super) struct Forced {
    pub at: EventTime,
    pub symbol: Name<'static>,
    pub side: Side,
    pub price: Option<Price>,
    pub qty: Option<Quantity>,
}

/// The fields by which frames are told apart.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    e: Option<&'a str>,
    #[serde(rename = "lastUpdateId")]
    last_update_id: Option<u64>,
    #[serde(borrow)]
    s: Option<&'a str>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[expect(non_snake_case, reason = "the venue tells fields apart by their case")]
#[serde(expecting = "a depth update")]
struct DepthJson<'a> {
    T: i64,
    s: &'a str,
    u: u64,
    pu: u64,
    b: Vec<(Exact, Exact)>,
    a: Vec<(Exact, Exact)>,
}

#[derive(Deserialize)]
#[expect(non_snake_case, reason = "the venue tells fields apart by their case")]
#[serde(expecting = "a trade")]
struct TradeJson<'a> {
    T: i64,
    s: &'a str,
    t: Option<u64>,
    a: Option<u64>,
    p: Exact,
    q: Exact,
    m: bool,
    X: Option<&'a str>,
}

#[derive(Deserialize)]
#[expect(non_snake_case, reason = "the venue tells fields apart by their case")]
#[serde(expecting = "a mark price")]
struct MarkJson<'a> {
    E: i64,
    T: i64,
    s: &'a str,
    p: Exact,
    i: Option<Exact>,
    r: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(expecting = "a forced order")]
struct ForceJson<'a> {
    #[serde(borrow)]
    o: ForcedJson<'a>,
}

#[derive(Deserialize)]
#[expect(non_snake_case, reason = "the venue tells fields apart by their case")]
#[serde(expecting = "a forced order")]
struct ForcedJson<'a> {
    T: i64,
    s: &'a str,
    S: &'a str,
    ap: Exact,
    z: Exact,
}

#[derive(Deserialize)]
#[expect(non_snake_case, reason = "the venue tells fields apart by their case")]
#[serde(expecting = "a book snapshot")]
struct SnapshotJson {
    T: i64,
    bids: Vec<(Exact, Exact)>,
    asks: Vec<(Exact, Exact)>,
}

impl Frame {
    /// Reads a line.
    ///
    /// # Errors
    /// Says why it is none of the venue's frames.
    pub fn parse(line: &[u8], limits: DecodeLimits) -> Result<Self, Rejection> {
        let line = record::text(line, limits)?.trim_ascii();
        let Some((received, body)) = line.split_once(' ') else {
            return Err(wrong("expected `<receive time> <json>`"));
        };
        received.parse::<u64>().map_err(|_| wrong("expected a receive time before the frame"))?;
        let outer: Head<'_> = json(body)?;
        match outer.data {
            Some(data) => Self::of(&json(data.get())?, data.get(), limits),
            None => Self::of(&outer, body, limits),
        }
    }

    fn of(head: &Head<'_>, body: &str, limits: DecodeLimits) -> Result<Self, Rejection> {
        match (head.e, head.last_update_id) {
            (Some("depthUpdate"), _) => depth(&json(body)?, limits).map(Self::Depth),
            (Some("trade" | "aggTrade"), _) => trade(&json(body)?),
            (Some("markPriceUpdate"), _) => mark(&json(body)?).map(Self::Mark),
            (Some("forceOrder"), _) => forced(&json::<ForceJson<'_>>(body)?.o).map(Self::Forced),
            (Some(_), _) => Ok(Self::Silent(head.s.map(record::name).transpose()?)),
            (None, Some(id)) => snapshot(id, &json(body)?, limits),
            // The answer to a subscription.
            (None, None) if head.id.is_some() => Ok(Self::Silent(None)),
            (None, None) => Err(wrong("neither an event `e` nor a book `lastUpdateId`")),
        }
    }
}

fn depth(depth: &DepthJson<'_>, limits: DecodeLimits) -> Result<Depth, Rejection> {
    Ok(Depth {
        at: millis(depth.T)?,
        symbol: record::name(depth.s)?,
        seq: depth.u,
        prev_seq: depth.pu,
        bids: levels(&depth.b, limits)?,
        asks: levels(&depth.a, limits)?,
    })
}

fn trade(trade: &TradeJson<'_>) -> Result<Frame, Rejection> {
    let symbol = record::name(trade.s)?;
    let off_market = match trade.X {
        None | Some("MARKET") => None,
        Some("INSURANCE_FUND") => Some(LiquidationPhase::Insurance),
        Some("ADL") => Some(LiquidationPhase::Adl),
        // A placeholder of price and quantity 0.
        Some("NA") => return Ok(Frame::Silent(Some(symbol))),
        Some(_) => return Err(wrong("unknown kind of trade `X`")),
    };
    Ok(Frame::Trade(Trade {
        at: millis(trade.T)?,
        symbol,
        id: trade.t.or(trade.a).ok_or_else(|| wrong("a trade without `t` or `a`"))?,
        aggregated: trade.t.is_none(),
        price: price(trade.p.0)?,
        qty: quantity(trade.q.0)?,
        side: if trade.m { Side::Sell } else { Side::Buy },
        off_market,
    }))
}

fn mark(mark: &MarkJson<'_>) -> Result<Mark, Rejection> {
    let rate = mark.r.filter(|rate| !rate.is_empty()).map(Decimal::parse).transpose();
    let rate = rate.map_err(|e| wrong(format!("`r`: {e}")))?;
    Ok(Mark {
        at: millis(mark.E)?,
        symbol: record::name(mark.s)?,
        price: price(mark.p.0)?,
        index: mark.i.and_then(|index| Price::new(index.0)),
        funding: rate.filter(|_| mark.T > 0).map(|rate| (rate, mark.T)),
    })
}

fn forced(order: &ForcedJson<'_>) -> Result<Forced, Rejection> {
    let side = match order.S {
        "BUY" => Side::Buy,
        "SELL" => Side::Sell,
        _ => return Err(wrong("`S` is neither BUY nor SELL")),
    };
    let (price, qty) = (Price::new(order.ap.0), Quantity::new(order.z.0));
    Ok(Forced { at: millis(order.T)?, symbol: record::name(order.s)?, side, price, qty })
}

fn snapshot(id: u64, book: &SnapshotJson, limits: DecodeLimits) -> Result<Frame, Rejection> {
    let book_of = |side: &[_]| levels(side, limits);
    let (bids, asks) = (book_of(&book.bids)?, book_of(&book.asks)?);
    Ok(Frame::Snapshot(millis(book.T)?, id, BookSnapshot { bids, asks }))
}
