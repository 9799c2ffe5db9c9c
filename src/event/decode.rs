//! Decoding: a record's bytes become an [`Event`], or a rejection with its reason.
//!
//! Decoding has two steps. The first finds every field of the record ([`Fields`]); the second reads the fields that the
//! event's type has. This is faster than serde's internally tagged enum, which buffers the whole object first and costs
//! 2.5 times as much. Numbers stay exact, because a JSON number never becomes a double on the way. A field that the
//! type does not have is ignored, whatever its value is. Memory is bounded by the size of the record, and that size is
//! checked first.
#![expect(
    clippy::inline_always,
    reason = "saves a tenth of the decoding time: otherwise each value and the event itself are copied between calls"
)]

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::{
    Balance, Body, BookDelta, BookSnapshot, Decimal, EngineLoad, Event, EventType, Funding, Heartbeat, Instrument,
    InsuranceFund, Level, Leverage, Liquidation, Mark, Name, OpenInterest, OrderCancel, OrderNew, OrderReject,
    OrderReplace, Position, Reason, Rejection, Tier, Trade, TradingStatus,
    field::Field,
    fields::{Fields, Value},
    value::FromValue,
};
use crate::time::EventTime;

/// The first nanosecond of the years 2000 and 2100. A time outside is most likely in another unit than nanoseconds.
pub(super) const YEARS: (i64, i64) = (946_684_800_000_000_000, 4_102_444_800_000_000_000);

/// Limits on the size of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Bytes of a record. The default is the 1 MiB that a Kafka broker accepts by default.
    pub record_bytes_max: usize,
    /// Levels on one side of a book event, and tiers of an instrument. The default is 5,000, as many levels as the
    /// deepest public snapshots have.
    pub levels_max: usize,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self { record_bytes_max: 1 << 20, levels_max: 5_000 }
    }
}

/// Decodes one JSON object. Never panics.
///
/// # Errors
/// Returns the rule of the contract that the record breaks.
pub fn decode(bytes: &[u8], limits: DecodeLimits) -> Result<Event<'_>, Rejection> {
    decode_counting(bytes, limits, &mut 0)
}

/// Decodes like [`decode`], and adds to `rounded` how many numbers of the event had digits below 10⁻²³ and were rounded.
///
/// # Errors
/// Returns the rule of the contract that the record breaks; nothing is counted then.
pub fn decode_counting<'a>(bytes: &'a [u8], limits: DecodeLimits, rounded: &mut u64) -> Result<Event<'a>, Rejection> {
    if bytes.len() > limits.record_bytes_max {
        return Err(Rejection::new(Reason::TooLarge, format!("{} bytes", bytes.len())));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| Rejection::new(Reason::NotUtf8, e.to_string()))?;
    let mut fields = Fields::new();
    parse(text, &mut fields)?;
    let event = event(&fields, limits);
    if event.is_ok() {
        *rounded += fields.rounded.get();
        // Returned as it is: an event is large, and a `Result` that is taken apart and made again is copied twice.
        return event;
    }
    event.map_err(|rejection| {
        let symbol: Option<Name<'_>> = fields.optional(Field::Symbol).ok().flatten();
        rejection.of_symbol(symbol.as_deref())
    })
}

#[inline(always)]
fn event<'a>(fields: &Fields<'a>, limits: DecodeLimits) -> Result<Event<'a>, Rejection> {
    let ts = in_years(fields.required(Field::Ts)?)?;
    let kind = event_type(fields)?;
    let event = Event {
        ts,
        symbol: fields.optional(Field::Symbol)?,
        seq: fields.optional(Field::Seq)?,
        account: fields.optional(Field::Account)?,
        owner: fields.optional(Field::Owner)?,
        body: fields.body(kind, limits)?,
    };
    if kind.requires_account() && event.account.is_none() {
        return Err(missing(Field::Account));
    }
    if kind.requires_symbol() && event.symbol.is_none() {
        return Err(missing(Field::Symbol));
    }
    Ok(event)
}

fn parse<'a>(text: &'a str, fields: &mut Fields<'a>) -> Result<(), Rejection> {
    let start = text.trim_ascii_start();
    if start.is_empty() {
        return Err(Rejection::new(Reason::Empty, "no bytes but white space"));
    }
    if !start.starts_with('{') {
        return Err(match serde_json::from_str::<serde::de::IgnoredAny>(text) {
            Ok(_) => Rejection::new(Reason::NotObject, "expected an object"),
            Err(e) => Rejection::new(Reason::NotJson, e.to_string()),
        });
    }
    fields.read(text).map_err(|e| {
        // The pass that failed took every value as JSON text, so no value can have a wrong type: a data error is a
        // duplicate key.
        let reason = if e.is_data() { Reason::DuplicateField } else { Reason::NotJson };
        Rejection::new(reason, e.to_string())
    })
}

/// Checks that a time is in nanoseconds, by the year that it would be in.
fn in_years(nanos: i64) -> Result<EventTime, Rejection> {
    if (YEARS.0..YEARS.1).contains(&nanos) {
        return Ok(EventTime::from_nanos(nanos));
    }
    Err(Rejection::new(Reason::TsUnit, format!("`{nanos}` is outside the years 2000 to 2099 in nanoseconds")))
}

fn event_type(fields: &Fields<'_>) -> Result<EventType, Rejection> {
    let word: Cow<'_, str> = fields.required(Field::Type)?;
    let known = EventType::ALL.into_iter().find(|(kind, name)| *name == word && *kind != EventType::Unknown);
    Ok(known.map_or(EventType::Unknown, |(kind, _)| kind))
}

/// Reads the body of each type. The bodies of the most frequent types are inlined: an event has some 300 bytes, which
/// would otherwise be copied once for each function that returns it.
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
            EventType::TradingStatus => Body::TradingStatus(self.trading_status()?),
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
            entry: self.required(Field::Entry)?,
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

    fn trading_status(&self) -> Result<TradingStatus<'a>, Rejection> {
        Ok(TradingStatus {
            status: self.required(Field::Status)?,
            reason: self.optional(Field::Reason)?,
            until: self.optional(Field::Until)?.map(in_years).transpose()?,
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

/// Two numbers of a list, as JSON text: a level's or a tier's. `None` is `null`.
type Pair<'a> = (Option<&'a RawValue>, Option<&'a RawValue>);

/// Reads single fields and lists.
impl<'a> Fields<'a> {
    #[inline(always)]
    fn optional<T: FromValue<'a>>(&self, field: Field) -> Result<Option<T>, Rejection> {
        match self.get(field) {
            None => Ok(None),
            Some(value) => self.read_value(field, value).map(Some),
        }
    }

    #[inline(always)]
    fn required<T: FromValue<'a>>(&self, field: Field) -> Result<T, Rejection> {
        match self.get(field) {
            None => Err(missing(field)),
            Some(value) => self.read_value(field, value),
        }
    }

    fn not_negative(&self, field: Field) -> Result<Decimal, Rejection> {
        not_negative(field, self.required(field)?)
    }

    fn levels(&self, field: Field, limits: DecodeLimits) -> Result<Vec<Level>, Rejection> {
        let Some(pairs) = self.pairs(field, limits)? else { return Err(missing(field)) };
        let level = |(price, qty)| {
            let price = self.number(field, price)?.ok_or_else(|| missing(field))?;
            let qty = self.number(field, qty)?.ok_or_else(|| missing(field))?;
            Ok(Level(price, not_negative(field, qty)?))
        };
        pairs.into_iter().map(level).collect()
    }

    fn tiers(&self, field: Field, limits: DecodeLimits) -> Result<Option<Vec<Tier>>, Rejection> {
        let Some(pairs) = self.pairs(field, limits)? else { return Ok(None) };
        let tier = |(up_to, rate)| {
            let up_to = self.number(field, up_to)?;
            let rate = self.number(field, rate)?.ok_or_else(|| missing(field))?;
            Ok(Tier(up_to, not_negative(field, rate)?))
        };
        pairs.into_iter().map(tier).collect::<Result<_, _>>().map(Some)
    }

    fn pairs(&self, field: Field, limits: DecodeLimits) -> Result<Option<Vec<Pair<'a>>>, Rejection> {
        let json = match self.get(field) {
            None => return Ok(None),
            Some(Value::Json(json)) => json,
            Some(Value::Text(_) | Value::Natural(_) | Value::Bool(_)) => return Err(wrong(field, Reason::WrongType)),
        };
        let pairs: Vec<Pair<'a>> = serde_json::from_str(json).map_err(|_| wrong(field, Reason::WrongType))?;
        if pairs.len() > limits.levels_max {
            return Err(Rejection::new(Reason::TooMany, format!("{} in `{}`", pairs.len(), field.name())));
        }
        Ok(Some(pairs))
    }

    /// Reads one number of a pair; `None` if it is `null`.
    fn number<T: FromValue<'a>>(&self, field: Field, json: Option<&'a RawValue>) -> Result<Option<T>, Rejection> {
        json.map(|json| self.read_value(field, Value::Json(json.get()))).transpose()
    }

    #[inline(always)]
    fn read_value<T: FromValue<'a>>(&self, field: Field, value: Value<'a>) -> Result<T, Rejection> {
        T::from_value_counting(value, &self.rounded).map_err(|reason| wrong(field, reason))
    }
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
