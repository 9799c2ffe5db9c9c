//! Reads and checks one block: its time and its fills, each with its wallet.

use jiff::{civil::DateTime, tz::TimeZone};
use serde::Deserialize;

use super::super::record::{self, Exact, Reading, Rounded, Text, json, wrong};
use crate::{
    event::{Decimal, Name, Price, Quantity, Rejection, Side},
    time::EventTime,
};

/// One block.
#[derive(Debug)]
pub(super) struct Block {
    pub at: EventTime,
    pub fills: Vec<Fill>,
}

/// One side of an execution.
#[derive(Clone, Debug)]
pub(super) struct Fill {
    pub wallet: Name<'static>,
    pub coin: Name<'static>,
    pub price: Price,
    pub qty: Quantity,
    pub side: Side,
    /// Whether the wallet took liquidity (`crossed`).
    pub is_taker: bool,
    /// Id of the execution, the same on both sides.
    pub tid: u64,
    pub order: u64,
    /// Signed position of the wallet before the fill; for a spot coin, the amount that it held.
    pub start_position: Decimal,
    /// Profit or loss of the part that closed a position, without fees.
    pub closed_pnl: Decimal,
    /// Liquidation that the execution belongs to.
    pub forced: Option<Forced>,
}

/// Liquidation of a wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Forced {
    /// Wallet that is liquidated.
    pub wallet: Name<'static>,
    /// Whether the venue's own vault takes over the position, instead of an order in the book closing it.
    pub backstop: bool,
}

#[derive(Deserialize)]
#[serde(expecting = "a block")]
struct BlockJson<'a> {
    #[serde(borrow)]
    block_time: Text<'a>,
    #[serde(borrow)]
    events: Vec<(Text<'a>, FillJson<'a>)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a fill")]
struct FillJson<'a> {
    #[serde(borrow)]
    coin: Text<'a>,
    px: Exact,
    sz: Exact,
    #[serde(borrow)]
    side: Text<'a>,
    start_position: Rounded,
    closed_pnl: Rounded,
    oid: u64,
    crossed: bool,
    tid: u64,
    #[serde(borrow)]
    liquidation: Option<ForcedJson<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a liquidation")]
struct ForcedJson<'a> {
    #[serde(borrow)]
    liquidated_user: Text<'a>,
    #[serde(borrow)]
    method: Text<'a>,
}

impl Block {
    /// Reads a line.
    ///
    /// # Errors
    /// Returns the reason for which the line is not a block.
    pub fn parse(line: &[u8], reading: &mut Reading) -> Result<Self, Rejection> {
        let block: BlockJson<'_> = json(record::text(line, reading.limits)?.trim_ascii())?;
        let fills = block.events.iter().map(|(wallet, fill)| Fill::new(wallet, fill, reading));
        Ok(Self { at: time(&block.block_time)?, fills: fills.collect::<Result<_, _>>()? })
    }
}

impl Fill {
    fn new(wallet: &str, fill: &FillJson<'_>, reading: &mut Reading) -> Result<Self, Rejection> {
        let side = match &*fill.side {
            "B" => Side::Buy,
            "A" => Side::Sell,
            _ => return Err(wrong("`side`: expected A or B")),
        };
        Ok(Self {
            wallet: record::name(wallet)?,
            coin: record::name(&fill.coin)?,
            price: reading.price(fill.px)?,
            qty: reading.quantity(fill.sz)?,
            side,
            is_taker: fill.crossed,
            tid: fill.tid,
            order: fill.oid,
            start_position: fill.start_position.0,
            closed_pnl: fill.closed_pnl.0,
            forced: fill.liquidation.as_ref().map(Forced::new).transpose()?,
        })
    }

    /// Whether the coin is traded in the spot market (`@107` or `PURR/USDC`), where there are no positions.
    pub fn is_spot(&self) -> bool {
        self.coin.starts_with('@') || self.coin.contains('/')
    }

    /// Returns the change of the position: the quantity of a purchase, or minus the quantity of a sale.
    pub const fn signed_qty(&self) -> Decimal {
        match self.side {
            Side::Buy => self.qty.get(),
            Side::Sell => Decimal::ZERO.minus(self.qty.get()),
        }
    }
}

impl Forced {
    fn new(forced: &ForcedJson<'_>) -> Result<Self, Rejection> {
        let backstop = match &*forced.method {
            "market" => false,
            "backstop" => true,
            _ => return Err(wrong("`method`: expected market or backstop")),
        };
        Ok(Self { wallet: record::name(&forced.liquidated_user)?, backstop })
    }
}

/// Reads a time without a time zone, which is in UTC.
fn time(text: &str) -> Result<EventTime, Rejection> {
    let at: DateTime = text.parse().map_err(|_| wrong("`block_time`: expected a time like 2025-10-27T17:00:00.5"))?;
    let at = TimeZone::UTC.to_timestamp(at).map_err(|e| wrong(format!("`block_time`: {e}")))?;
    record::nanos(at.as_nanosecond())
}
