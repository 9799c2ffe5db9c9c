//! The fields of each event type, beside the fields that all types share.
//!
//! These types are the contract with a venue: `decode` fills them, the simulator and the adapters create them, and
//! `foreshock schema events` prints them as a JSON Schema. The doc comments of types, variants and fields are the
//! descriptions in that schema, so they are written for the engineers of a venue.
//!
//! The types check single values only. `decode` checks which fields an event must have.

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    CancelReason, Decimal, LiquidationPhase, MarginMode, Name, OrderKind, Price, Quantity, Side, Tick, TradingPhase,
};
use crate::time::EventTime;

/// One level of a book: `[price, quantity]`. In a `book_delta`, quantity 0 removes the level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct Level(pub Price, pub Decimal);

/// The venue accepted a new order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct OrderNew<'a> {
    /// Id of the order, unique within its symbol.
    pub order: Name<'a>,
    /// Side of the order.
    pub side: Side,
    /// Limit price; absent for a market order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// Quantity of the order.
    pub qty: Quantity,
    /// How the order is executed; `limit` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<OrderKind>,
    /// Time in force, in the venue's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tif: Option<Name<'a>>,
    /// Whether the order may only add liquidity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_only: Option<bool>,
    /// Whether the order may only reduce a position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reduce_only: Option<bool>,
}

/// An order got another price, quantity or id. If it was filled completely, a new order takes its place (iceberg refresh).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct OrderReplace<'a> {
    /// Id of the order.
    pub order: Name<'a>,
    /// New id of the order, if the id changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_order: Option<Name<'a>>,
    /// New price of the order.
    pub price: Price,
    /// Quantity that remains after the change.
    pub qty: Quantity,
}

/// An order was cancelled. A side, price or quantity that is absent is taken from the order's own `order_new`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct OrderCancel<'a> {
    /// Id of the order.
    pub order: Name<'a>,
    /// Side of the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// Price of the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// Quantity that remained when the order was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qty: Option<Quantity>,
    /// Why the order was cancelled; `user` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<CancelReason>,
}

/// The venue refused an order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct OrderReject<'a> {
    /// Id of the order, if the order got one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Name<'a>>,
    /// Why the order was refused, in the venue's own words.
    pub reason: Name<'a>,
}

/// Two orders were executed against each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct Trade<'a> {
    /// Id of the trade.
    pub trade: Name<'a>,
    /// Price of the trade.
    pub price: Price,
    /// Quantity of the trade.
    pub qty: Quantity,
    /// Side of the aggressor; absent in an auction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// Id of the resting order. Its remaining quantity shrinks by the traded quantity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maker_order: Option<Name<'a>>,
    /// Id of the aggressor's order. If the order rests in the book, its remaining quantity shrinks too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taker_order: Option<Name<'a>>,
    /// Account of the resting order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maker: Option<Name<'a>>,
    /// Account of the aggressor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taker: Option<Name<'a>>,
    /// Owner of the maker's account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maker_owner: Option<Name<'a>>,
    /// Owner of the aggressor's account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taker_owner: Option<Name<'a>>,
    /// Whether the aggressor was being liquidated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub liquidation: Option<bool>,
}

impl<'a> Trade<'a> {
    /// A trade as a venue tells everybody: without orders, accounts and owners.
    #[must_use]
    pub const fn public(trade: Name<'a>, price: Price, qty: Quantity, side: Option<Side>) -> Self {
        Self {
            trade,
            price,
            qty,
            side,
            maker_order: None,
            taker_order: None,
            maker: None,
            taker: None,
            maker_owner: None,
            taker_owner: None,
            liquidation: None,
        }
    }
}

/// The whole visible book. It already contains the deltas up to its own `seq`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct BookSnapshot {
    /// Bid levels, highest price first.
    pub bids: Vec<Level>,
    /// Ask levels, lowest price first.
    pub asks: Vec<Level>,
}

/// Levels of the book that changed, with their new quantities.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct BookDelta {
    /// Bid levels that changed.
    pub bids: Vec<Level>,
    /// Ask levels that changed.
    pub asks: Vec<Level>,
    /// `seq` of the previous update, for a venue whose numbers jump. It decides whether an update is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prev_seq: Option<u64>,
}

/// An account set its leverage.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct Leverage {
    /// Leverage as a multiple of the margin: `20` stands for a position of twenty times its margin.
    pub leverage: Quantity,
    /// The margin that backs the positions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin_mode: Option<MarginMode>,
}

/// Position of an account in a symbol. It contains all of the account's fills up to `ts`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct Position {
    /// Quantity of the position: above zero is long, below zero is short.
    pub qty: Decimal,
    /// Mean entry price; 0 if there is no position.
    pub entry: Decimal,
    /// The margin that backs the position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin_mode: Option<MarginMode>,
    /// Margin that was set aside for the position, if it is isolated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin: Option<Decimal>,
    /// Leverage in force, as a multiple of the margin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leverage: Option<Quantity>,
}

/// Equity of an account.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct Balance<'a> {
    /// Equity without unrealised profit or loss.
    pub equity: Decimal,
    /// Asset in which the equity is stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset: Option<Name<'a>>,
}

/// Mark price of a symbol.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct Mark {
    /// Price with which the venue calculates margins.
    pub mark: Price,
    /// Index price from which the venue derives the mark price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<Price>,
}

/// Funding rate of a perpetual.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct Funding {
    /// Funding rate for one interval, as a share of the notional.
    pub rate: Decimal,
    /// Length of an interval, in hours.
    pub interval_hours: Quantity,
    /// The next interval's rate, as the venue predicts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicted: Option<Decimal>,
}

/// Open interest of a symbol: all open positions of one direction.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct OpenInterest {
    /// Quantity of the open positions, zero or more.
    pub qty: Decimal,
}

/// Forced reduction of a position, step by step.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct Liquidation {
    /// Step of the liquidation.
    pub phase: LiquidationPhase,
    /// Side of the orders that close the position.
    pub side: Side,
    /// Quantity that was taken over or closed in this step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qty: Option<Quantity>,
    /// Price at which the quantity was taken over or closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
}

/// Balance of the venue's insurance fund.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct InsuranceFund {
    /// Balance in the venue's settlement asset.
    pub balance: Decimal,
}

/// One margin tier: `[largest notional, maintenance margin rate]`. The largest notional is `null` in the last tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct Tier(pub Option<Decimal>, pub Decimal);

/// Contract terms of a symbol.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct Instrument<'a> {
    /// Smallest price step.
    pub tick: Tick,
    /// Smallest quantity step.
    pub lot: Quantity,
    /// Quantity of the base asset in one contract; 1 if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multiplier: Option<Quantity>,
    /// Margin tiers, smallest notional first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tiers: Option<Vec<Tier>>,
    /// Taker fee, as a share of the notional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taker_fee: Option<Decimal>,
    /// Liquidation fee, as a share of the notional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub liquidation_fee: Option<Decimal>,
    /// Whether the contract is quoted in one asset and settled in the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inverse: Option<bool>,
    /// Underlying asset or index of the contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub underlying: Option<Name<'a>>,
}

/// Load of the venue's matching engine.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct EngineLoad {
    /// Median time to acknowledge an order, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack_p50_us: Option<Decimal>,
    /// 99th percentile of the time to acknowledge an order, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack_p99_us: Option<Decimal>,
    /// Messages that wait to be processed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_depth: Option<Decimal>,
    /// Messages since the last `engine` event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<Decimal>,
    /// Rejections since the last `engine` event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejects: Option<Decimal>,
}

/// The feed worked up to `ts`, even if no other event came.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct Heartbeat<'a> {
    /// Producer that sent the heartbeat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub producer: Option<Name<'a>>,
}

/// The state of trading changed: of the symbol, or of all symbols of the partition where no symbol is given. The state of a
/// whole venue must be sent to every partition. While it is not `open`, nothing is learned, judged or awaited.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct TradingStatus<'a> {
    /// The state from `ts` on.
    pub status: TradingPhase,
    /// The reason, in the venue's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Name<'a>>,
    /// When the state ends unless another status comes before, by the venue's clock: nanoseconds since the Unix epoch, in the
    /// years 2000 to 2099.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<EventTime>,
}
