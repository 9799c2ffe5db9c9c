//! From a record's bytes to an [`Event`], or to the reason why not.
//!
//! First every field of the record is found ([`Fields`]); what the event's type needs is then read from them. That is the fast
//! way (an internally tagged enum buffers the whole object first: 2.5 times the cost), it keeps numbers exact (a JSON number
//! never becomes a double on the way), and a field that the type does not have is ignored whatever it holds. Memory is bounded
//! by the record's own size, which is bounded first.
#![expect(
    clippy::inline_always,
    reason = "a tenth of decoding: else each value and the event itself are moved between calls"
)]

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::{
    Balance, Body, BookDelta, BookSnapshot, Decimal, EngineLoad, Event, EventType, Funding, Heartbeat, Instrument,
    InsuranceFund, Key, Level, Leverage, Liquidation, Mark, OpenInterest, OrderCancel, OrderNew, OrderReject,
    OrderReplace, Position, Reason, Rejection, Tier, Trade,
    field::Field,
    fields::{Fields, Value},
    value::FromValue,
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
    let mut fields = Fields::new();
    parse(text, &mut fields)?;
    let ts = event_time(&fields, appended_at)?;
    let kind = event_type(&fields)?;
    let event = Event {
        ts,
        symbol: fields.optional(Field::Symbol)?,
        seq: fields.optional(Field::Seq)?,
        account: fields.optional(Field::Account)?,
        owner: fields.optional(Field::Owner)?,
        body: fields.body(kind, limits)?,
    };
    match kind.key() {
        Key::Symbol if event.symbol.is_none() => Err(missing(Field::Symbol)),
        Key::Account if event.account.is_none() => Err(missing(Field::Account)),
        Key::Account if matches!(event.body, Body::Position(_)) && event.symbol.is_none() => {
            Err(missing(Field::Symbol))
        }
        Key::Symbol | Key::Account | Key::Any => Ok(event),
    }
}

fn parse<'a>(text: &'a str, fields: &mut Fields<'a>) -> Result<(), Rejection> {
    let start = text.trim_ascii_start();
    if start.is_empty() {
        return Err(Rejection::new(Reason::Empty, "no bytes but white space"));
    }
    let outcome = if start.starts_with('{') {
        fields.read(text)
    } else {
        return Err(match serde_json::from_str::<serde::de::IgnoredAny>(text) {
            Ok(_) => Rejection::new(Reason::NotObject, "expected an object"),
            Err(e) => Rejection::new(Reason::NotJson, e.to_string()),
        });
    };
    outcome.map_err(|e| {
        // What fails was read as raw texts, so no value can be of a wrong type here: what remains is a key that comes twice.
        let reason = if e.is_data() { Reason::DuplicateField } else { Reason::NotJson };
        Rejection::new(reason, e.to_string())
    })
}

fn event_time(fields: &Fields<'_>, appended_at: Option<WallTime>) -> Result<EventTime, Rejection> {
    let nanos: i64 = fields.required(Field::Ts)?;
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

fn event_type(fields: &Fields<'_>) -> Result<EventType, Rejection> {
    let word: Cow<'_, str> = fields.required(Field::Type)?;
    let known = EventType::ALL.into_iter().find(|(kind, name)| *name == word && *kind != EventType::Unknown);
    Ok(known.map_or(EventType::Unknown, |(kind, _)| kind))
}

/// The bodies by type. Those of the order flow's own types are inlined, as an event of some 300 bytes is otherwise moved once for
/// each function that it is returned from.
impl<'a> Fields<'a> {
    #[inline(always)]
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
            EventType::OpenInterest => Body::OpenInterest(OpenInterest { qty: self.not_negative(Field::Qty)? }),
            EventType::Liquidation => Body::Liquidation(self.liquidation()?),
            EventType::InsuranceFund => Body::InsuranceFund(InsuranceFund { balance: self.required(Field::Balance)? }),
            EventType::Instrument => Body::Instrument(self.instrument(limits)?),
            EventType::Engine => Body::Engine(self.engine_load()?),
            EventType::Heartbeat => Body::Heartbeat(Heartbeat { producer: self.optional(Field::Producer)? }),
            EventType::Unknown => Body::Unknown,
        })
    }

    #[inline(always)]
    fn order_new(&self) -> Result<OrderNew<'a>, Rejection> {
        Ok(OrderNew {
            order: self.required(Field::Order)?,
            side: self.required(Field::Side)?,
            price: self.optional(Field::Price)?,
            qty: self.required(Field::Qty)?,
            kind: self.optional(Field::Kind)?,
            tif: self.optional(Field::Tif)?,
            post_only: self.optional(Field::PostOnly)?,
            reduce_only: self.optional(Field::ReduceOnly)?,
        })
    }

    #[inline(always)]
    fn order_replace(&self) -> Result<OrderReplace<'a>, Rejection> {
        Ok(OrderReplace {
            order: self.required(Field::Order)?,
            new_order: self.optional(Field::NewOrder)?,
            price: self.required(Field::Price)?,
            qty: self.required(Field::Qty)?,
        })
    }

    #[inline(always)]
    fn order_cancel(&self) -> Result<OrderCancel<'a>, Rejection> {
        Ok(OrderCancel {
            order: self.required(Field::Order)?,
            side: self.optional(Field::Side)?,
            price: self.optional(Field::Price)?,
            qty: self.optional(Field::Qty)?,
            reason: self.optional(Field::Reason)?,
        })
    }

    fn order_reject(&self) -> Result<OrderReject<'a>, Rejection> {
        Ok(OrderReject { order: self.optional(Field::Order)?, reason: self.required(Field::Reason)? })
    }

    #[inline(always)]
    fn trade(&self) -> Result<Trade<'a>, Rejection> {
        Ok(Trade {
            trade: self.required(Field::Trade)?,
            price: self.required(Field::Price)?,
            qty: self.required(Field::Qty)?,
            side: self.optional(Field::Side)?,
            maker_order: self.optional(Field::MakerOrder)?,
            taker_order: self.optional(Field::TakerOrder)?,
            maker: self.optional(Field::Maker)?,
            taker: self.optional(Field::Taker)?,
            maker_owner: self.optional(Field::MakerOwner)?,
            taker_owner: self.optional(Field::TakerOwner)?,
            liquidation: self.optional(Field::Liquidation)?,
        })
    }

    fn book_snapshot(&self, limits: DecodeLimits) -> Result<BookSnapshot, Rejection> {
        Ok(BookSnapshot { bids: self.levels(Field::Bids, limits)?, asks: self.levels(Field::Asks, limits)? })
    }

    fn book_delta(&self, limits: DecodeLimits) -> Result<BookDelta, Rejection> {
        Ok(BookDelta {
            bids: self.levels(Field::Bids, limits)?,
            asks: self.levels(Field::Asks, limits)?,
            prev_seq: self.optional(Field::PrevSeq)?,
        })
    }

    fn leverage(&self) -> Result<Leverage, Rejection> {
        Ok(Leverage { leverage: self.required(Field::Leverage)?, margin_mode: self.optional(Field::MarginMode)? })
    }

    fn position(&self) -> Result<Position, Rejection> {
        Ok(Position {
            qty: self.required(Field::Qty)?,
            entry: self.not_negative(Field::Entry)?,
            margin_mode: self.optional(Field::MarginMode)?,
            margin: self.optional(Field::Margin)?,
            leverage: self.optional(Field::Leverage)?,
        })
    }

    fn balance(&self) -> Result<Balance<'a>, Rejection> {
        Ok(Balance { equity: self.required(Field::Equity)?, asset: self.optional(Field::Asset)? })
    }

    fn mark(&self) -> Result<Mark, Rejection> {
        Ok(Mark { mark: self.required(Field::Mark)?, index: self.optional(Field::Index)? })
    }

    fn funding(&self) -> Result<Funding, Rejection> {
        Ok(Funding {
            rate: self.required(Field::Rate)?,
            interval_hours: self.required(Field::IntervalHours)?,
            predicted: self.optional(Field::Predicted)?,
        })
    }

    fn liquidation(&self) -> Result<Liquidation, Rejection> {
        Ok(Liquidation {
            phase: self.required(Field::Phase)?,
            side: self.required(Field::Side)?,
            qty: self.optional(Field::Qty)?,
            price: self.optional(Field::Price)?,
        })
    }

    fn instrument(&self, limits: DecodeLimits) -> Result<Instrument<'a>, Rejection> {
        Ok(Instrument {
            tick: self.required(Field::Tick)?,
            lot: self.required(Field::Lot)?,
            multiplier: self.optional(Field::Multiplier)?,
            tiers: self.tiers(Field::Tiers, limits)?,
            taker_fee: self.optional(Field::TakerFee)?,
            liquidation_fee: self.optional(Field::LiquidationFee)?,
            inverse: self.optional(Field::Inverse)?,
            underlying: self.optional(Field::Underlying)?,
        })
    }

    fn engine_load(&self) -> Result<EngineLoad, Rejection> {
        Ok(EngineLoad {
            ack_p50_us: self.optional(Field::AckP50Us)?,
            ack_p99_us: self.optional(Field::AckP99Us)?,
            queue_depth: self.optional(Field::QueueDepth)?,
            messages: self.optional(Field::Messages)?,
            rejects: self.optional(Field::Rejects)?,
        })
    }
}

type Pair<'a> = (Option<&'a RawValue>, Option<&'a RawValue>);

impl<'a> Fields<'a> {
    #[inline(always)]
    fn optional<T: FromValue<'a>>(&self, field: Field) -> Result<Option<T>, Rejection> {
        match self.get(field) {
            None => Ok(None),
            Some(value) => read(field, value).map(Some),
        }
    }

    #[inline(always)]
    fn required<T: FromValue<'a>>(&self, field: Field) -> Result<T, Rejection> {
        match self.get(field) {
            None => Err(missing(field)),
            Some(value) => read(field, value),
        }
    }

    fn not_negative(&self, field: Field) -> Result<Decimal, Rejection> {
        not_negative(field, self.required(field)?)
    }

    fn levels(&self, field: Field, limits: DecodeLimits) -> Result<Vec<Level>, Rejection> {
        let Some(pairs) = self.pairs(field, limits)? else { return Err(missing(field)) };
        let level = |(price, qty)| {
            let price = element(field, price)?.ok_or_else(|| missing(field))?;
            let qty = element(field, qty)?.ok_or_else(|| missing(field))?;
            Ok(Level(price, not_negative(field, qty)?))
        };
        pairs.into_iter().map(level).collect()
    }

    fn tiers(&self, field: Field, limits: DecodeLimits) -> Result<Option<Vec<Tier>>, Rejection> {
        let Some(pairs) = self.pairs(field, limits)? else { return Ok(None) };
        let tier = |(up_to, rate)| {
            let up_to = element(field, up_to)?;
            let rate = element(field, rate)?.ok_or_else(|| missing(field))?;
            Ok(Tier(up_to, not_negative(field, rate)?))
        };
        pairs.into_iter().map(tier).collect::<Result<_, _>>().map(Some)
    }

    fn pairs(&self, field: Field, limits: DecodeLimits) -> Result<Option<Vec<Pair<'a>>>, Rejection> {
        let json = match self.get(field) {
            None => return Ok(None),
            Some(Value::Json(json)) => json,
            Some(Value::Text(_) | Value::Natural(_) | Value::Truth(_)) => return Err(wrong(field, Reason::WrongType)),
        };
        let pairs: Vec<Pair<'a>> = serde_json::from_str(json).map_err(|_| wrong(field, Reason::WrongType))?;
        if pairs.len() > limits.levels_max {
            return Err(Rejection::new(Reason::TooMany, format!("{} in `{}`", pairs.len(), field.name())));
        }
        Ok(Some(pairs))
    }
}

/// One number of a pair; `None` where it is null.
fn element<'a, T: FromValue<'a>>(field: Field, json: Option<&'a RawValue>) -> Result<Option<T>, Rejection> {
    json.map(|json| read(field, Value::Json(json.get()))).transpose()
}

#[inline(always)]
fn read<'a, T: FromValue<'a>>(field: Field, value: Value<'a>) -> Result<T, Rejection> {
    T::from_value(value).map_err(|reason| wrong(field, reason))
}

fn not_negative(field: Field, value: Decimal) -> Result<Decimal, Rejection> {
    if value < Decimal::ZERO { Err(wrong(field, Reason::OutOfRange)) } else { Ok(value) }
}

#[cold]
fn missing(field: Field) -> Rejection {
    wrong(field, Reason::MissingField)
}

#[cold]
fn wrong(field: Field, reason: Reason) -> Rejection {
    Rejection::new(reason, format!("`{}`", field.name()))
}
