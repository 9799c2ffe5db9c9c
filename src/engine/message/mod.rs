//! Messages between the stages.
//!
//! A record has one key, so what an account does is spread over partitions, and what a symbol does is on one. Each market stage
//! (one per partition) therefore sends on what the stages that see all partitions need: [`AccountFact`]s to the account shards,
//! [`CorrelationFact`]s and signals to correlation. Account shards send signals and the withdrawals of owners to correlation. A
//! message carries its sender's clock as of then ([`Message::visible_at`]); `super::watermark` says when it may be taken.
//!
//! Messages carry what the venue stated, exactly, whether the receiving stage uses it yet or not. In memory a name is a
//! [`SharedName`] and a record a pair of numbers; `wire` writes both out for another process.

pub mod wire;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::{
    detect::{MarketSample, Signal},
    event::{Decimal, Instrument, MarginMode, Origin, Price, Quantity, SharedName, Side, Tick, Tier},
    time::EventTime,
    trust::{FeedStanding, Report},
};

/// The distances from the middle, in basis points, at which depth is summed up for the stages after the market stage.
pub const DEPTH_BPS: [i64; 9] = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_000];

/// A message on its way, with what orders it and what it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message<B> {
    /// The sender's clock when the message arose: it may be taken once the watermark is above.
    pub visible_at: EventTime,
    /// The event time of the fact.
    pub at: EventTime,
    /// The record behind it.
    pub origin: Origin,
    /// The content.
    pub body: B,
}

/// A message between stages, by its destination.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum StageMessage {
    /// To the account stage.
    Account(Message<AccountFact>),
    /// To the correlation stage.
    Correlation(Message<CorrelationFact>),
    /// To the correlation stage, where signals wait in a queue of their own.
    Signal(Box<Signal>),
}

/// The shards that a fact concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route<'a> {
    /// The shard of this account.
    Account(&'a SharedName),
    /// All shards.
    All,
}

/// A fact for the account stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AccountFact {
    /// The venue stated a position.
    Position(PositionStated),
    /// The venue stated a balance.
    Balance(BalanceStated),
    /// An account set its leverage.
    Leverage(LeverageSet),
    /// An account traded.
    Fill(Fill),
    /// An account belongs to an owner.
    Owner(OwnerStated),
    /// An account withdrew orders.
    Withdrawals(WithdrawalDigest),
    /// The venue set a mark.
    Mark(MarkSet),
    /// The venue stated a symbol's terms.
    Instrument(Box<InstrumentStated>),
    /// A feed may have missed something.
    Blind(Blind),
    /// The part of a feed's report that decides the mode of all findings.
    Feed(FeedStanding),
}

impl AccountFact {
    /// Returns the shards that need the fact.
    #[must_use]
    pub const fn route(&self) -> Route<'_> {
        match self {
            Self::Position(PositionStated { account, .. })
            | Self::Balance(BalanceStated { account, .. })
            | Self::Leverage(LeverageSet { account, .. })
            | Self::Fill(Fill { account, .. })
            | Self::Owner(OwnerStated { account, .. })
            | Self::Withdrawals(WithdrawalDigest { account, .. }) => Route::Account(account),
            Self::Mark(_) | Self::Instrument(_) | Self::Blind(_) | Self::Feed(_) => Route::All,
        }
    }
}

/// A position of an account, with all its fills up to the message's time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PositionStated {
    /// The account.
    pub account: SharedName,
    /// The symbol.
    pub symbol: SharedName,
    /// Signed: below zero is short.
    pub quantity: Decimal,
    /// Mean entry price.
    pub entry: Decimal,
    /// The margin that backs it.
    pub margin_mode: Option<MarginMode>,
    /// The margin set aside, where isolated.
    pub margin: Option<Decimal>,
    /// The leverage in force.
    pub leverage: Option<Quantity>,
}

/// The equity of an account, without unrealised profit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BalanceStated {
    /// The account.
    pub account: SharedName,
    /// Equity in units of `asset`.
    pub equity: Decimal,
    /// The asset, where the venue names it.
    pub asset: Option<SharedName>,
}

/// A leverage setting of an account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeverageSet {
    /// The account.
    pub account: SharedName,
    /// The symbol, where the setting is for one.
    pub symbol: Option<SharedName>,
    /// Notional as a multiple of the margin.
    pub leverage: Quantity,
    /// The margin that it is for.
    pub margin_mode: Option<MarginMode>,
}

/// One side of a trade.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fill {
    /// The account.
    pub account: SharedName,
    /// The symbol.
    pub symbol: SharedName,
    /// The side of this account.
    pub side: Side,
    /// The trade's price.
    pub price: Price,
    /// The trade's quantity.
    pub quantity: Quantity,
    /// Whether this account was the aggressor.
    pub is_taker: bool,
    /// Whether the aggressor was being liquidated.
    pub is_liquidation: bool,
}

impl Fill {
    /// Returns the change of the position, signed.
    #[must_use]
    pub fn signed_quantity(&self) -> f64 {
        let quantity = self.quantity.get().to_f64();
        match self.side {
            Side::Buy => quantity,
            Side::Sell => -quantity,
        }
    }
}

/// The owner of an account, as the venue stated it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwnerStated {
    /// The account.
    pub account: SharedName,
    /// The account's owner.
    pub owner: SharedName,
}

/// The withdrawals of an account on all symbols of a feed within a tenth of a second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WithdrawalDigest {
    /// The account.
    pub account: SharedName,
    /// The account's owner.
    pub owner: Option<SharedName>,
    /// Orders withdrawn.
    pub orders: u16,
    /// Orders placed since the account's last digest on the symbol, those older than ten seconds left out.
    pub placed: u16,
}

/// The mark of a symbol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MarkSet {
    /// The symbol.
    pub symbol: SharedName,
    /// The price with which margins are computed.
    pub mark: Price,
    /// The index behind it.
    pub index: Option<Price>,
}

/// The terms of a symbol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstrumentStated {
    /// The symbol.
    pub symbol: SharedName,
    /// Smallest price step.
    pub tick: Tick,
    /// Smallest quantity step.
    pub lot: Quantity,
    /// Base asset in one contract.
    pub multiplier: Option<Quantity>,
    /// Maintenance margin by notional, smallest notional first.
    pub tiers: Vec<(Option<Decimal>, Decimal)>,
    /// Taker fee as a share of the notional.
    pub taker_fee: Option<Decimal>,
    /// Fee of a liquidation as a share of the notional.
    pub liquidation_fee: Option<Decimal>,
    /// Whether the symbol is quoted in one asset and settled in the other.
    pub is_inverse: bool,
    /// The underlying.
    pub underlying: Option<SharedName>,
}

impl InstrumentStated {
    /// The terms that an event states.
    #[must_use]
    pub fn of(symbol: SharedName, instrument: &Instrument<'_>) -> Self {
        let tiers = instrument.tiers.iter().flatten().map(|Tier(up_to, rate)| (*up_to, *rate));
        Self {
            symbol,
            tick: instrument.tick,
            lot: instrument.lot,
            multiplier: instrument.multiplier,
            tiers: tiers.collect(),
            taker_fee: instrument.taker_fee,
            liquidation_fee: instrument.liquidation_fee,
            is_inverse: instrument.inverse == Some(true),
            underlying: instrument.underlying.as_ref().map(|name| SharedName::new(name)),
        }
    }
}

/// A gap in what a feed has seen: it may have missed events before a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blind {
    /// The end of the gap.
    pub until: EventTime,
    /// Whether the venue was closed until then, so that levels are raised for a while.
    pub reopens: bool,
}

/// A fact for the correlation stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CorrelationFact {
    /// A book became thin, or no longer is.
    Book(BookState),
    /// A symbol's part of the market's statistic.
    Market(SymbolSample),
    /// The depth of a book.
    Depth(Box<DepthSummary>),
    /// A symbol is no longer followed.
    Forgotten(SymbolForgotten),
    /// The accounts of an owner withdrew orders.
    Owner(OwnerWithdrawals),
    /// A feed may have missed something.
    Blind(Blind),
    /// The report of a feed on its own troubles.
    Feed(Report),
}

/// Whether a symbol's book is below its own .1 quantile of depth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BookState {
    /// The symbol.
    pub symbol: SharedName,
    /// Whether the book is thin.
    pub is_thin: bool,
    /// The accounts that withdrew most, where it is.
    pub withdrew_most: Vec<CompactString>,
}

/// The scores of a symbol's flow and price; sent every ten seconds while the symbol trades, where they are not zero, and else
/// once a minute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SymbolSample {
    /// The symbol.
    pub symbol: SharedName,
    /// The scores.
    pub sample: MarketSample,
}

/// The depth of a book; sent at most once in five seconds and symbol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DepthSummary {
    /// The symbol.
    pub symbol: SharedName,
    /// The middle of the touch.
    pub middle: Decimal,
    /// The notional of bids and of asks within each distance of [`DEPTH_BPS`].
    pub notional: [[f64; DEPTH_BPS.len()]; 2],
}

/// A symbol is no longer followed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SymbolForgotten {
    /// The symbol.
    pub symbol: SharedName,
}

/// The withdrawals of an owner's accounts on one shard, on all symbols and feeds, within a tenth of a second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwnerWithdrawals {
    /// The owner.
    pub owner: SharedName,
    /// The accounts that withdrew.
    pub accounts: OwnerAccounts,
    /// Orders withdrawn.
    pub orders: u16,
    /// Orders placed, as far as the digests report them.
    pub placed: u16,
}

/// The accounts of an owner that withdrew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum OwnerAccounts {
    /// One.
    One(SharedName),
    /// More than one.
    Several,
}
