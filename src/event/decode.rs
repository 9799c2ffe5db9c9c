//! From a record's bytes to an [`Event`], or to the reason why not.
//!
//! One flat struct takes every field of every type as the raw JSON text behind it; what a type needs is then read from those
//! texts. That is the fast way (an internally tagged enum buffers the whole object first: 2.5 times the cost), it keeps
//! numbers exact (a JSON number never becomes a double on the way), and a field that the type does not have is ignored
//! whatever it holds. Memory is bounded by the record's own size, which is bounded first.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    Balance, Body, BookDelta, BookSnapshot, Decimal, EngineLoad, Event, EventType, Funding, Heartbeat, Instrument,
    InsuranceFund, Key, Level, Leverage, Liquidation, Mark, OpenInterest, OrderCancel, OrderNew, OrderReject,
    OrderReplace, Position, Reason, Rejection, Tier, Trade, field::FromJson,
};
use crate::time::{EventTime, Span, WallTime};

/// The first nanosecond of the year 2000 and of the year 2100: a time outside was not meant as nanoseconds.
pub(super) const YEARS: (i64, i64) = (946_684_800_000_000_000, 4_102_444_800_000_000_000);
/// How far an event may lie after its record's own time: clocks of one venue differ by less (DETECTION 6).
const FUTURE_MAX: Span = Span::from_secs(300);

/// How much one record may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Bytes of a record; 1 MiB is what a Kafka broker takes by default.
    pub record_bytes_max: usize,
    /// Levels on one side of a book event, and tiers of an instrument; the deepest public snapshots have 5,000.
    pub levels_max: usize,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self { record_bytes_max: 1 << 20, levels_max: 5_000 }
    }
}

/// Reads one JSON object. `appended_at` is the Kafka record's own time; files have none.
///
/// # Errors
/// Says which rule of the contract the record breaks. Never panics.
pub fn decode(bytes: &[u8], appended_at: Option<WallTime>, limits: DecodeLimits) -> Result<Event<'_>, Rejection> {
    if bytes.len() > limits.record_bytes_max {
        return Err(Rejection::new(Reason::TooLarge, format!("{} bytes", bytes.len())));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| Rejection::new(Reason::NotUtf8, e.to_string()))?;
    let raw = parse(text)?;
    let ts = event_time(&raw, appended_at)?;
    let kind = event_type(&raw)?;
    let event = Event {
        ts,
        symbol: optional("symbol", raw.symbol)?,
        seq: optional("seq", raw.seq)?,
        account: optional("account", raw.account)?,
        owner: optional("owner", raw.owner)?,
        body: raw.body(kind, limits)?,
    };
    match kind.key() {
        Key::Symbol if event.symbol.is_none() => Err(missing("symbol")),
        Key::Account if event.account.is_none() => Err(missing("account")),
        Key::Account if matches!(event.body, Body::Position(_)) && event.symbol.is_none() => Err(missing("symbol")),
        Key::Symbol | Key::Account | Key::Any => Ok(event),
    }
}

fn parse(text: &str) -> Result<Raw<'_>, Rejection> {
    let start = text.trim_ascii_start();
    if start.is_empty() {
        return Err(Rejection::new(Reason::Empty, "no bytes but white space"));
    }
    let outcome = if start.starts_with('{') {
        serde_json::from_str::<Raw<'_>>(text)
    } else {
        return Err(match serde_json::from_str::<serde::de::IgnoredAny>(text) {
            Ok(_) => Rejection::new(Reason::NotObject, "expected an object"),
            Err(e) => Rejection::new(Reason::NotJson, e.to_string()),
        });
    };
    outcome.map_err(|e| {
        // The fields are raw texts, so no value can be of a wrong type here: what remains is a key that comes twice.
        let reason = if e.is_data() { Reason::DuplicateField } else { Reason::NotJson };
        Rejection::new(reason, e.to_string())
    })
}

fn event_time(raw: &Raw<'_>, appended_at: Option<WallTime>) -> Result<EventTime, Rejection> {
    let nanos: i64 = required("ts", raw.ts)?;
    if !(YEARS.0..YEARS.1).contains(&nanos) {
        return Err(Rejection::new(
            Reason::TsUnit,
            format!("`{nanos}` is outside the years 2000 to 2099 in nanoseconds"),
        ));
    }
    let ts = EventTime::from_nanos(nanos);
    match appended_at {
        Some(at) if ts.ahead_of(at) > FUTURE_MAX => Err(Rejection::new(
            Reason::TsFuture,
            format!("{} s after the record's own time", ts.ahead_of(at).secs_f64()),
        )),
        Some(_) | None => Ok(ts),
    }
}

fn event_type(raw: &Raw<'_>) -> Result<EventType, Rejection> {
    let word: Cow<'_, str> = required("type", raw.r#type)?;
    let known = EventType::ALL.into_iter().find(|(kind, name)| *name == word && *kind != EventType::Unknown);
    Ok(known.map_or(EventType::Unknown, |(kind, _)| kind))
}

/// Every field of every type, unread.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Raw<'a> {
    #[serde(borrow)]
    r#type: Field<'a>,
    ts: Field<'a>,
    symbol: Field<'a>,
    seq: Field<'a>,
    account: Field<'a>,
    owner: Field<'a>,
    order: Field<'a>,
    new_order: Field<'a>,
    side: Field<'a>,
    price: Field<'a>,
    qty: Field<'a>,
    kind: Field<'a>,
    tif: Field<'a>,
    post_only: Field<'a>,
    reduce_only: Field<'a>,
    reason: Field<'a>,
    trade: Field<'a>,
    maker_order: Field<'a>,
    taker_order: Field<'a>,
    maker: Field<'a>,
    taker: Field<'a>,
    maker_owner: Field<'a>,
    taker_owner: Field<'a>,
    liquidation: Field<'a>,
    bids: Field<'a>,
    asks: Field<'a>,
    prev_seq: Field<'a>,
    leverage: Field<'a>,
    margin_mode: Field<'a>,
    entry: Field<'a>,
    margin: Field<'a>,
    equity: Field<'a>,
    asset: Field<'a>,
    mark: Field<'a>,
    index: Field<'a>,
    rate: Field<'a>,
    interval_hours: Field<'a>,
    predicted: Field<'a>,
    phase: Field<'a>,
    balance: Field<'a>,
    tick: Field<'a>,
    lot: Field<'a>,
    multiplier: Field<'a>,
    tiers: Field<'a>,
    taker_fee: Field<'a>,
    liquidation_fee: Field<'a>,
    inverse: Field<'a>,
    underlying: Field<'a>,
    ack_p50_us: Field<'a>,
    ack_p99_us: Field<'a>,
    queue_depth: Field<'a>,
    messages: Field<'a>,
    rejects: Field<'a>,
    producer: Field<'a>,
}

/// The JSON text of a field; `None` where it is absent or null.
type Field<'a> = Option<&'a RawValue>;

impl<'a> Raw<'a> {
    fn body(&self, kind: EventType, limits: DecodeLimits) -> Result<Body<'a>, Rejection> {
        Ok(match kind {
            EventType::OrderNew => Body::OrderNew(self.order_new()?),
            EventType::OrderReplace => Body::OrderReplace(self.order_replace()?),
            EventType::OrderCancel => Body::OrderCancel(self.order_cancel()?),
            EventType::OrderReject => Body::OrderReject(self.order_reject()?),
            EventType::Trade => Body::Trade(self.trade()?),
            EventType::BookSnapshot => Body::BookSnapshot(self.book_snapshot(limits)?),
            EventType::BookDelta => Body::BookDelta(self.book_delta(limits)?),
            EventType::Leverage => Body::Leverage(self.leverage()?),
            EventType::Position => Body::Position(self.position()?),
            EventType::Balance => Body::Balance(self.balance()?),
            EventType::Mark => Body::Mark(self.mark()?),
            EventType::Funding => Body::Funding(self.funding()?),
            EventType::OpenInterest => Body::OpenInterest(OpenInterest { qty: not_negative("qty", self.qty)? }),
            EventType::Liquidation => Body::Liquidation(self.liquidation()?),
            EventType::InsuranceFund => {
                Body::InsuranceFund(InsuranceFund { balance: required("balance", self.balance)? })
            }
            EventType::Instrument => Body::Instrument(self.instrument(limits)?),
            EventType::Engine => Body::Engine(self.engine_load()?),
            EventType::Heartbeat => Body::Heartbeat(Heartbeat { producer: optional("producer", self.producer)? }),
            EventType::Unknown => Body::Unknown,
        })
    }

    fn order_new(&self) -> Result<OrderNew<'a>, Rejection> {
        Ok(OrderNew {
            order: required("order", self.order)?,
            side: required("side", self.side)?,
            price: optional("price", self.price)?,
            qty: required("qty", self.qty)?,
            kind: optional("kind", self.kind)?,
            tif: optional("tif", self.tif)?,
            post_only: optional("post_only", self.post_only)?,
            reduce_only: optional("reduce_only", self.reduce_only)?,
        })
    }

    fn order_replace(&self) -> Result<OrderReplace<'a>, Rejection> {
        Ok(OrderReplace {
            order: required("order", self.order)?,
            new_order: optional("new_order", self.new_order)?,
            price: required("price", self.price)?,
            qty: required("qty", self.qty)?,
        })
    }

    fn order_cancel(&self) -> Result<OrderCancel<'a>, Rejection> {
        Ok(OrderCancel {
            order: required("order", self.order)?,
            side: optional("side", self.side)?,
            price: optional("price", self.price)?,
            qty: optional("qty", self.qty)?,
            reason: optional("reason", self.reason)?,
        })
    }

    fn order_reject(&self) -> Result<OrderReject<'a>, Rejection> {
        Ok(OrderReject { order: optional("order", self.order)?, reason: required("reason", self.reason)? })
    }

    fn trade(&self) -> Result<Trade<'a>, Rejection> {
        Ok(Trade {
            trade: required("trade", self.trade)?,
            price: required("price", self.price)?,
            qty: required("qty", self.qty)?,
            side: optional("side", self.side)?,
            maker_order: optional("maker_order", self.maker_order)?,
            taker_order: optional("taker_order", self.taker_order)?,
            maker: optional("maker", self.maker)?,
            taker: optional("taker", self.taker)?,
            maker_owner: optional("maker_owner", self.maker_owner)?,
            taker_owner: optional("taker_owner", self.taker_owner)?,
            liquidation: optional("liquidation", self.liquidation)?,
        })
    }

    fn book_snapshot(&self, limits: DecodeLimits) -> Result<BookSnapshot, Rejection> {
        Ok(BookSnapshot { bids: levels("bids", self.bids, limits)?, asks: levels("asks", self.asks, limits)? })
    }

    fn book_delta(&self, limits: DecodeLimits) -> Result<BookDelta, Rejection> {
        Ok(BookDelta {
            bids: levels("bids", self.bids, limits)?,
            asks: levels("asks", self.asks, limits)?,
            prev_seq: optional("prev_seq", self.prev_seq)?,
        })
    }

    fn leverage(&self) -> Result<Leverage, Rejection> {
        Ok(Leverage {
            leverage: required("leverage", self.leverage)?,
            margin_mode: optional("margin_mode", self.margin_mode)?,
        })
    }

    fn position(&self) -> Result<Position, Rejection> {
        Ok(Position {
            qty: required("qty", self.qty)?,
            entry: not_negative("entry", self.entry)?,
            margin_mode: optional("margin_mode", self.margin_mode)?,
            margin: optional("margin", self.margin)?,
            leverage: optional("leverage", self.leverage)?,
        })
    }

    fn balance(&self) -> Result<Balance<'a>, Rejection> {
        Ok(Balance { equity: required("equity", self.equity)?, asset: optional("asset", self.asset)? })
    }

    fn mark(&self) -> Result<Mark, Rejection> {
        Ok(Mark { mark: required("mark", self.mark)?, index: optional("index", self.index)? })
    }

    fn funding(&self) -> Result<Funding, Rejection> {
        Ok(Funding {
            rate: required("rate", self.rate)?,
            interval_hours: required("interval_hours", self.interval_hours)?,
            predicted: optional("predicted", self.predicted)?,
        })
    }

    fn liquidation(&self) -> Result<Liquidation, Rejection> {
        Ok(Liquidation {
            phase: required("phase", self.phase)?,
            side: required("side", self.side)?,
            qty: optional("qty", self.qty)?,
            price: optional("price", self.price)?,
        })
    }

    fn instrument(&self, limits: DecodeLimits) -> Result<Instrument<'a>, Rejection> {
        Ok(Instrument {
            tick: required("tick", self.tick)?,
            lot: required("lot", self.lot)?,
            multiplier: optional("multiplier", self.multiplier)?,
            tiers: self.tiers.map(|raw| tiers(raw, limits)).transpose()?,
            taker_fee: optional("taker_fee", self.taker_fee)?,
            liquidation_fee: optional("liquidation_fee", self.liquidation_fee)?,
            inverse: optional("inverse", self.inverse)?,
            underlying: optional("underlying", self.underlying)?,
        })
    }

    fn engine_load(&self) -> Result<EngineLoad, Rejection> {
        Ok(EngineLoad {
            ack_p50_us: optional("ack_p50_us", self.ack_p50_us)?,
            ack_p99_us: optional("ack_p99_us", self.ack_p99_us)?,
            queue_depth: optional("queue_depth", self.queue_depth)?,
            messages: optional("messages", self.messages)?,
            rejects: optional("rejects", self.rejects)?,
        })
    }
}

fn missing(field: &'static str) -> Rejection {
    Rejection::new(Reason::MissingField, format!("`{field}`"))
}

fn optional<'a, T: FromJson<'a>>(field: &'static str, raw: Field<'a>) -> Result<Option<T>, Rejection> {
    let Some(raw) = raw else { return Ok(None) };
    T::from_json(raw.get()).map(Some).map_err(|reason| Rejection::new(reason, format!("`{field}`")))
}

fn required<'a, T: FromJson<'a>>(field: &'static str, raw: Field<'a>) -> Result<T, Rejection> {
    optional(field, raw)?.ok_or_else(|| missing(field))
}

fn not_negative(field: &'static str, raw: Field<'_>) -> Result<Decimal, Rejection> {
    let value: Decimal = required(field, raw)?;
    if value < Decimal::ZERO { Err(Rejection::new(Reason::OutOfRange, format!("`{field}`"))) } else { Ok(value) }
}

fn levels(field: &'static str, raw: Field<'_>, limits: DecodeLimits) -> Result<Vec<Level>, Rejection> {
    let raw = raw.ok_or_else(|| missing(field))?;
    pairs(field, raw, limits)?
        .into_iter()
        .map(|(price, qty)| Ok(Level(required(field, price)?, not_negative(field, qty)?)))
        .collect()
}

fn tiers(raw: &RawValue, limits: DecodeLimits) -> Result<Vec<Tier>, Rejection> {
    pairs("tiers", raw, limits)?
        .into_iter()
        .map(|(up_to, rate)| Ok(Tier(optional("tiers", up_to)?, not_negative("tiers", rate)?)))
        .collect()
}

fn pairs<'a>(
    field: &'static str,
    raw: &'a RawValue,
    limits: DecodeLimits,
) -> Result<Vec<(Field<'a>, Field<'a>)>, Rejection> {
    let pairs: Vec<(Field<'a>, Field<'a>)> =
        serde_json::from_str(raw.get()).map_err(|_| Rejection::new(Reason::WrongType, format!("`{field}`")))?;
    if pairs.len() > limits.levels_max {
        return Err(Rejection::new(Reason::TooMany, format!("{} in `{field}`", pairs.len())));
    }
    Ok(pairs)
}
