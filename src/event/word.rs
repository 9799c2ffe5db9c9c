//! The words of the contract: fields whose value is one of a closed list.
//!
//! Their doc comments are descriptions in the schema, as those in `body` are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Side of an order or a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The order buys; in the book it is a bid.
    Buy,
    /// The order sells; in the book it is an ask.
    Sell,
}

impl Side {
    /// Returns the other side.
    #[must_use]
    pub(crate) const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

/// How an order is executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderKind {
    /// Executed at its price or better; the rest of the order stays in the book.
    Limit,
    /// Executed at once, at any price.
    Market,
    /// Waits outside the book until it is triggered.
    Stop,
}

/// Why an order was cancelled. Only `user`, or no reason at all, counts as a decision to withdraw the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// The account cancelled the order.
    User,
    /// The order's time in force ended.
    Expired,
    /// The order would have traded with another order of the same account.
    SelfTrade,
    /// The order may only reduce a position and would have opened or enlarged one.
    ReduceOnly,
    /// The order may only add liquidity and would have taken it.
    PostOnly,
    /// The account is being liquidated.
    Liquidation,
    /// The venue cancelled the order for another reason.
    System,
}

/// The margin that backs a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MarginMode {
    /// The money of the whole account backs the position.
    Cross,
    /// Only the margin that was set aside for the position backs it.
    Isolated,
}

/// Step of a liquidation that an event reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LiquidationPhase {
    /// The venue took over the position.
    Started,
    /// A part of the position was closed by a trade in the book.
    Filled,
    /// Auto-deleveraging: a part of the position was closed against a profitable account.
    Adl,
    /// The insurance fund took over a part of the position.
    Insurance,
    /// The liquidation ended.
    Completed,
}

/// The state of trading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TradingPhase {
    /// Orders trade continuously.
    Open,
    /// Orders are collected for an auction.
    Auction,
    /// Trading is stopped for a while.
    Halted,
    /// The session is over; another one follows.
    Closed,
    /// The symbol has expired or was delisted.
    Ended,
}
