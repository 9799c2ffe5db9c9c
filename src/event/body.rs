//! What each of the eighteen event types says beside the common fields.
//!
//! These types are the contract: decoding fills them, the simulator and the adapters make them, and `schema events` prints
//! them. A field's doc comment is its description in the JSON Schema.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Decimal, Name, Price, Quantity};

/// Which side of the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Buys; rests among the bids.
    Buy,
    /// Sells; rests among the asks.
    Sell,
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

/// How an order is to be executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderKind {
    /// At its price or better; rests with what is left.
    Limit,
    /// At once at whatever price.
    Market,
    /// Waits outside the book for a trigger.
    Stop,
}

/// Why an order was cancelled. Only `user`, or no reason, is somebody's decision to withdraw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// The account asked for it.
    User,
    /// Its time ran out.
    Expired,
    /// It would have traded with the same account.
    SelfTrade,
    /// It would have opened what it may only reduce.
    ReduceOnly,
    /// It would have taken what it may only make.
    PostOnly,
    /// The account is being liquidated.
    Liquidation,
    /// The venue did it.
    System,
}

/// Whether a position's margin is the account's or its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MarginMode {
    /// Backed by the whole account.
    Cross,
    /// Backed by what was set aside for it.
    Isolated,
}

/// How far a forced reduction has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LiquidationPhase {
    /// The venue took the position over.
    Started,
    /// A part was sold or bought in the book.
    Filled,
    /// Auto-deleveraging: a part was closed against a profitable account.
    Adl,
    /// The insurance fund took a part.
    Insurance,
    /// It is over.
    Completed,
}

/// One level of a book: price, then quantity; quantity 0 in a delta removes the level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Level(pub Price, pub Decimal);

/// A new order was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OrderNew<'a> {
    /// The order's id, unique within its symbol.
    pub order: Name<'a>,
    /// Which side.
    pub side: Side,
    /// Its limit; absent for a market order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// How much.
    pub qty: Quantity,
    /// Limit where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<OrderKind>,
    /// Time in force, in the venue's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tif: Option<Name<'a>>,
    /// Whether it may only make.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_only: Option<bool>,
    /// Whether it may only reduce a position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reduce_only: Option<bool>,
}

/// An order got another price, quantity or id. Of a used-up order it starts a new one in its place (an iceberg's refresh).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OrderReplace<'a> {
    /// The order's id.
    pub order: Name<'a>,
    /// Its id from now on, where it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_order: Option<Name<'a>>,
    /// Its price from now on.
    pub price: Price,
    /// What remains of it.
    pub qty: Quantity,
}

/// An order was withdrawn. What is absent is taken from the order's own `order_new`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OrderCancel<'a> {
    /// The order's id.
    pub order: Name<'a>,
    /// Which side it was on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// Its price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// What remained of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qty: Option<Quantity>,
    /// Why; the account's wish where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<CancelReason>,
}

/// An order was refused by the venue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OrderReject<'a> {
    /// The order's id, if it got one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Name<'a>>,
    /// Why, in the venue's words.
    pub reason: Name<'a>,
}

/// Two orders met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Trade<'a> {
    /// The trade's id.
    pub trade: Name<'a>,
    /// At which price.
    pub price: Price,
    /// How much.
    pub qty: Quantity,
    /// The aggressor's side; absent in an auction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// The resting order; it shrinks by the quantity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maker_order: Option<Name<'a>>,
    /// The aggressor's order; it shrinks too if it rests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taker_order: Option<Name<'a>>,
    /// The account that rested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maker: Option<Name<'a>>,
    /// The account that took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taker: Option<Name<'a>>,
    /// The party behind the maker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maker_owner: Option<Name<'a>>,
    /// The party behind the taker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taker_owner: Option<Name<'a>>,
    /// Whether the aggressor was being liquidated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub liquidation: Option<bool>,
}

/// The whole visible book, best first; deltas up to its `seq` are already in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BookSnapshot {
    /// Bids, highest first.
    pub bids: Vec<Level>,
    /// Asks, lowest first.
    pub asks: Vec<Level>,
}

/// Levels of the book that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BookDelta {
    /// Bids that changed.
    pub bids: Vec<Level>,
    /// Asks that changed.
    pub asks: Vec<Level>,
    /// The sequence before this one, where the venue's ids jump: the gap is judged by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prev_seq: Option<u64>,
}

/// An account set its leverage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Leverage {
    /// How many times its margin.
    pub leverage: Quantity,
    /// Which margin backs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin_mode: Option<MarginMode>,
}

/// An account's position in a symbol, with all its fills up to `ts`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Position {
    /// Signed: below zero is short.
    pub qty: Decimal,
    /// Mean entry price; 0 where there is no position.
    pub entry: Decimal,
    /// Which margin backs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin_mode: Option<MarginMode>,
    /// The margin set aside, where isolated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin: Option<Decimal>,
    /// The leverage in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leverage: Option<Quantity>,
}

/// An account's money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Balance<'a> {
    /// Without unrealised profit.
    pub equity: Decimal,
    /// In which asset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset: Option<Name<'a>>,
}

/// The venue's mark price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Mark {
    /// What margins are reckoned with.
    pub mark: Price,
    /// The index behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<Price>,
}

/// A perpetual's funding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Funding {
    /// Per interval, as a share of the notional.
    pub rate: Decimal,
    /// How long an interval is.
    pub interval_hours: Quantity,
    /// The next rate as the venue expects it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicted: Option<Decimal>,
}

/// All open positions of one direction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OpenInterest {
    /// Zero or more.
    pub qty: Decimal,
}

/// A forced reduction and its progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Liquidation {
    /// How far it has come.
    pub phase: LiquidationPhase,
    /// The side of the closing orders.
    pub side: Side,
    /// How much.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qty: Option<Quantity>,
    /// At which price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
}

/// What the insurance fund holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct InsuranceFund {
    /// In the venue's settlement asset.
    pub balance: Decimal,
}

/// One margin tier: notional up to (`null` in the last), maintenance rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Tier(pub Option<Decimal>, pub Decimal);

/// A symbol's terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Instrument<'a> {
    /// Smallest price step.
    pub tick: Price,
    /// Smallest quantity step.
    pub lot: Quantity,
    /// Base asset in one contract; 1 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multiplier: Option<Quantity>,
    /// Margin tiers, smallest notional first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tiers: Option<Vec<Tier>>,
    /// As a share of the notional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taker_fee: Option<Decimal>,
    /// As a share of the notional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub liquidation_fee: Option<Decimal>,
    /// Quoted in one asset, settled in the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inverse: Option<bool>,
    /// What it is written on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub underlying: Option<Name<'a>>,
}

/// How the matching engine is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EngineLoad {
    /// Median time to acknowledge an order, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack_p50_us: Option<Decimal>,
    /// The same for the slowest of a hundred.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack_p99_us: Option<Decimal>,
    /// Messages waiting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_depth: Option<Decimal>,
    /// Messages since the last such event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<Decimal>,
    /// Rejects since the last such event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejects: Option<Decimal>,
}

/// The feed is alive up to `ts`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Heartbeat<'a> {
    /// Who says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub producer: Option<Name<'a>>,
}
