//! Events: what one record says, decoded, exact and checked.
//!
//! An [`Event`] borrows its names from the record's bytes. The common fields stand in the event, what differs by type in its
//! [`Body`]. `decode` is the only way from bytes to an event and gives every refusal a [`Reason`] of a closed list.
//! Names become numbers (`table`) only inside the engine, because numbers depend on the order of arrival and names do not.

mod body;
mod decimal;
mod decode;
mod field;
mod fields;
mod place;
mod reject;
mod schema;
mod text;
mod value;

use schemars::JsonSchema;
use serde::Serialize;

pub use self::{
    body::{
        Balance, BookDelta, BookSnapshot, CancelReason, EngineLoad, Funding, Heartbeat, Instrument, InsuranceFund,
        Level, Leverage, Liquidation, LiquidationPhase, MarginMode, Mark, OpenInterest, OrderCancel, OrderKind,
        OrderNew, OrderReject, OrderReplace, Position, Side, Tier, Trade,
    },
    decimal::{Decimal, DecimalError, Price, Quantity},
    decode::{DecodeLimits, decode},
    place::{Place, RecordRange, Source, SourceId},
    reject::{Reason, Rejection},
    schema::schema,
    text::{NAME_BYTES_MAX, Name},
};
use crate::time::EventTime;

/// One fact of the venue's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Event<'a> {
    /// When it happened, by the venue's clock: nanoseconds since the Unix epoch, in the years 2000 to 2099.
    pub ts: EventTime,
    /// What it is about. Required where the symbol is the type's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol: Option<Name<'a>>,
    /// Strictly increasing over all events of a symbol in one topic; a gap means loss.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// Whose it is. Required where the account is the type's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Name<'a>>,
    /// The party behind several accounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Name<'a>>,
    /// The rest, by type.
    #[serde(flatten)]
    pub body: Body<'a>,
}

/// What differs by type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant is documented by the type that it holds")]
pub enum Body<'a> {
    OrderNew(OrderNew<'a>),
    OrderReplace(OrderReplace<'a>),
    OrderCancel(OrderCancel<'a>),
    OrderReject(OrderReject<'a>),
    Trade(Trade<'a>),
    BookSnapshot(BookSnapshot),
    BookDelta(BookDelta),
    Leverage(Leverage),
    Position(Position),
    Balance(Balance<'a>),
    Mark(Mark),
    Funding(Funding),
    OpenInterest(OpenInterest),
    Liquidation(Liquidation),
    InsuranceFund(InsuranceFund),
    Instrument(Instrument<'a>),
    Engine(EngineLoad),
    Heartbeat(Heartbeat<'a>),
    /// A type that this version does not know: counted, its clock and sequence followed, otherwise without effect.
    #[serde(skip)]
    Unknown,
}

/// By what a type's records are keyed, and so which stage they belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The symbol is required; the market stage takes it.
    Symbol,
    /// The account is required; the account stage takes it.
    Account,
    /// Neither is required.
    Any,
}

/// An event's type, as a label and as an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the variants of `Body`, by name")]
pub enum EventType {
    OrderNew,
    OrderReplace,
    OrderCancel,
    OrderReject,
    Trade,
    BookSnapshot,
    BookDelta,
    Leverage,
    Position,
    Balance,
    Mark,
    Funding,
    OpenInterest,
    Liquidation,
    InsuranceFund,
    Instrument,
    Engine,
    Heartbeat,
    Unknown,
}

impl EventType {
    /// Every type with its name in the contract, in the contract's order.
    pub const ALL: [(Self, &'static str); 19] = [
        (Self::OrderNew, "order_new"),
        (Self::OrderReplace, "order_replace"),
        (Self::OrderCancel, "order_cancel"),
        (Self::OrderReject, "order_reject"),
        (Self::Trade, "trade"),
        (Self::BookSnapshot, "book_snapshot"),
        (Self::BookDelta, "book_delta"),
        (Self::Leverage, "leverage"),
        (Self::Position, "position"),
        (Self::Balance, "balance"),
        (Self::Mark, "mark"),
        (Self::Funding, "funding"),
        (Self::OpenInterest, "open_interest"),
        (Self::Liquidation, "liquidation"),
        (Self::InsuranceFund, "insurance_fund"),
        (Self::Instrument, "instrument"),
        (Self::Engine, "engine"),
        (Self::Heartbeat, "heartbeat"),
        (Self::Unknown, "unknown"),
    ];

    /// The name in the contract and in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// By what its records are keyed.
    #[must_use]
    pub const fn key(self) -> Key {
        match self {
            Self::OrderNew
            | Self::OrderReplace
            | Self::OrderCancel
            | Self::OrderReject
            | Self::Trade
            | Self::BookSnapshot
            | Self::BookDelta
            | Self::Mark
            | Self::Funding
            | Self::OpenInterest
            | Self::Liquidation
            | Self::Instrument => Key::Symbol,
            Self::Leverage | Self::Position | Self::Balance => Key::Account,
            Self::InsuranceFund | Self::Engine | Self::Heartbeat | Self::Unknown => Key::Any,
        }
    }
}

impl Body<'_> {
    /// Which type it is.
    #[must_use]
    pub const fn kind(&self) -> EventType {
        match self {
            Self::OrderNew(_) => EventType::OrderNew,
            Self::OrderReplace(_) => EventType::OrderReplace,
            Self::OrderCancel(_) => EventType::OrderCancel,
            Self::OrderReject(_) => EventType::OrderReject,
            Self::Trade(_) => EventType::Trade,
            Self::BookSnapshot(_) => EventType::BookSnapshot,
            Self::BookDelta(_) => EventType::BookDelta,
            Self::Leverage(_) => EventType::Leverage,
            Self::Position(_) => EventType::Position,
            Self::Balance(_) => EventType::Balance,
            Self::Mark(_) => EventType::Mark,
            Self::Funding(_) => EventType::Funding,
            Self::OpenInterest(_) => EventType::OpenInterest,
            Self::Liquidation(_) => EventType::Liquidation,
            Self::InsuranceFund(_) => EventType::InsuranceFund,
            Self::Instrument(_) => EventType::Instrument,
            Self::Engine(_) => EventType::Engine,
            Self::Heartbeat(_) => EventType::Heartbeat,
            Self::Unknown => EventType::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_stands_at_its_own_index() {
        for (i, (kind, _)) in EventType::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, i);
        }
    }
}
