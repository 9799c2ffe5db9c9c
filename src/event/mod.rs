//! Events: the facts that a venue's records report, decoded, exact and checked.
//!
//! An [`Event`] holds the fields that all types share; its [`Body`] holds the fields of its own type. The event borrows
//! its names from the record's bytes, so decoding a common event allocates nothing. [`decode()`] is the only way from
//! bytes to an event; a record that it rejects gets a [`Reason`] from a closed list.
//!
//! Events carry names and no ids. The engine gives names their ids (`table`), because an id depends on the order in
//! which names arrive and a name does not.

mod body;
mod decimal;
mod decode;
mod field;
mod fields;
mod origin;
mod reject;
mod schema;
mod shared_name;
mod text;
mod value;
mod word;

use schemars::JsonSchema;
use serde::Serialize;

pub(crate) use self::shared_name::NameRef;
pub use self::{
    body::{
        Balance, BookDelta, BookSnapshot, EngineLoad, Funding, Heartbeat, Instrument, InsuranceFund, Level, Leverage,
        Liquidation, Mark, OpenInterest, OrderCancel, OrderNew, OrderReject, OrderReplace, Position, Tier, Trade,
        TradingStatus,
    },
    decimal::{Decimal, DecimalError, Price, Quantity, Tick},
    decode::{DecodeLimits, decode, decode_counting},
    origin::{LogPosition, Origin, RecordRange, RecordRef, Source, SourceId},
    reject::{Reason, Rejection},
    schema::schema,
    shared_name::SharedName,
    text::Name,
    word::{CancelReason, LiquidationPhase, MarginMode, OrderKind, Side, TradingPhase},
};
use crate::time::EventTime;

/// One fact about orders, trades, books, accounts or the feed, as a venue reports it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct Event<'a> {
    /// Time of the event by the venue's clock: nanoseconds since the Unix epoch, in the years 2000 to 2099.
    pub ts: EventTime,
    /// Symbol that the event is about. Required for the types that are keyed by symbol, and for `position`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol: Option<Name<'a>>,
    /// Sequence number, which rises with each event of a symbol in one topic. A gap means that events were lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// Account that the event is about. Required for the types that are keyed by account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Name<'a>>,
    /// Owner of the account: the party behind several accounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Name<'a>>,
    /// Fields of the event's own type.
    #[serde(flatten)]
    pub body: Body<'a>,
}

/// The fields that differ by type, under the type's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
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
    TradingStatus(TradingStatus<'a>),
    Heartbeat(Heartbeat<'a>),
    /// A type that this version does not know. The event is counted, and its time and sequence number are followed; it
    /// has no other effect.
    #[serde(skip)]
    Unknown,
}

/// The field that the records of a type are keyed by, which also names the stage that handles them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The symbol, which is required; the market stage handles the event.
    Symbol,
    /// The account, which is required; the account stage handles the event.
    Account,
    /// Neither; both fields are optional.
    Any,
}

/// Type of an event, used as a label and as an index.
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
    TradingStatus,
    Heartbeat,
    Unknown,
}

impl EventType {
    /// Every type with its name in the contract, in the contract's order. The last type gives the length, so a type
    /// without a row does not compile.
    pub const ALL: [(Self, &'static str); Self::Unknown as usize + 1] = [
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
        (Self::TradingStatus, "trading_status"),
        (Self::Heartbeat, "heartbeat"),
        (Self::Unknown, "unknown"),
    ];

    /// Returns the name in the contract and in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// Returns the field that the records of this type are keyed by.
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
            Self::InsuranceFund | Self::Engine | Self::TradingStatus | Self::Heartbeat | Self::Unknown => Key::Any,
        }
    }

    /// Whether an event of this type must name a symbol. A position is keyed by its account and belongs to a symbol
    /// too.
    const fn requires_symbol(self) -> bool {
        match self {
            Self::OrderNew
            | Self::OrderReplace
            | Self::OrderCancel
            | Self::OrderReject
            | Self::Trade
            | Self::BookSnapshot
            | Self::BookDelta
            | Self::Position
            | Self::Mark
            | Self::Funding
            | Self::OpenInterest
            | Self::Liquidation
            | Self::Instrument => true,
            Self::Leverage
            | Self::Balance
            | Self::InsuranceFund
            | Self::Engine
            | Self::TradingStatus
            | Self::Heartbeat
            | Self::Unknown => false,
        }
    }

    /// Whether an event of this type must name an account.
    const fn requires_account(self) -> bool {
        match self.key() {
            Key::Account => true,
            Key::Symbol | Key::Any => false,
        }
    }
}

impl Body<'_> {
    /// Returns the type that the body belongs to.
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
            Self::TradingStatus(_) => EventType::TradingStatus,
            Self::Heartbeat(_) => EventType::Heartbeat,
            Self::Unknown => EventType::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_listed_at_its_own_index() {
        for (i, (kind, _)) in EventType::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, i);
        }
    }

    #[test]
    fn the_symbol_is_required_wherever_it_is_the_key() {
        for (kind, name) in EventType::ALL {
            assert!(kind.requires_symbol() || kind.key() != Key::Symbol, "{name}");
        }
    }
}
