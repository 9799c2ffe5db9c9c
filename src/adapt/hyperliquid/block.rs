//! One block, read and checked: its time and its fills, each with its wallet.

use jiff::{civil::DateTime, tz::TimeZone};
use serde::Deserialize;

use super::super::record::{self, Exact, Rounded, json, price, quantity, wrong};
use crate::{
    event::{Decimal, DecodeLimits, Name, Price, Quantity, Rejection, Side},
    time::EventTime,
};

/// A block.
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
    /// Whether it took what rested.
    pub took: bool,
    /// What its execution is called, on both sides.
    pub tid: u64,
    pub order: u64,
    /// The wallet's position before, signed; of a spot coin what it held.
    pub start: Decimal,
    /// What the part that closed a position earned, without fees.
    pub closed_pnl: Decimal,
    pub forced: Option<Forced>,
}

/// A liquidation that an execution belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Forced {
    /// Who is liquidated.
    pub wallet: Name<'static>,
    /// Taken over by the venue's own vault instead of being closed in the book.
    pub backstop: bool,
}

#[derive(Deserialize)]
#[serde(expecting = "a block")]
struct BlockJson<'a> {
    block_time: &'a str,
    #[serde(borrow)]
    events: Vec<(&'a str, FillJson<'a>)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a fill")]
struct FillJson<'a> {
    coin: &'a str,
    px: Exact,
    sz: Exact,
    side: &'a str,
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
    liquidated_user: &'a str,
    method: &'a str,
}

impl Block {
    /// Reads a line.
    ///
    /// # Errors
    /// Says why it is no block.
    pub fn parse(line: &[u8], limits: DecodeLimits) -> Result<Self, Rejection> {
        let block: BlockJson<'_> = json(record::text(line, limits)?.trim_ascii())?;
        let fills = block.events.iter().map(|(wallet, fill)| Fill::new(wallet, fill));
        Ok(Self { at: time(block.block_time)?, fills: fills.collect::<Result<_, _>>()? })
    }
}

impl Fill {
    fn new(wallet: &str, fill: &FillJson<'_>) -> Result<Self, Rejection> {
        let side = match fill.side {
            "B" => Side::Buy,
            "A" => Side::Sell,
            _ => return Err(wrong("`side` is neither A nor B")),
        };
        Ok(Self {
            wallet: record::name(wallet)?,
            coin: record::name(fill.coin)?,
            price: price(fill.px.0)?,
            qty: quantity(fill.sz.0)?,
            side,
            took: fill.crossed,
            tid: fill.tid,
            order: fill.oid,
            start: fill.start_position.0,
            closed_pnl: fill.closed_pnl.0,
            forced: fill.liquidation.as_ref().map(Forced::new).transpose()?,
        })
    }

    /// Whether the coin is bought and sold itself: `@107`, or `PURR/USDC`. There is no position in it then.
    pub fn is_spot(&self) -> bool {
        self.coin.starts_with('@') || self.coin.contains('/')
    }

    /// What it adds to the position.
    pub const fn signed(&self) -> Decimal {
        match self.side {
            Side::Buy => self.qty.get(),
            Side::Sell => Decimal::ZERO.minus(self.qty.get()),
        }
    }
}

impl Forced {
    fn new(forced: &ForcedJson<'_>) -> Result<Self, Rejection> {
        let backstop = match forced.method {
            "market" => false,
            "backstop" => true,
            _ => return Err(wrong("`method` is neither market nor backstop")),
        };
        Ok(Self { wallet: record::name(forced.liquidated_user)?, backstop })
    }
}

/// A time without a zone, which is universal time.
fn time(text: &str) -> Result<EventTime, Rejection> {
    let at: DateTime = text.parse().map_err(|_| wrong("`block_time`: expected a time like 2025-10-27T17:00:00.5"))?;
    let at = TimeZone::UTC.to_timestamp(at).map_err(|e| wrong(format!("`block_time`: {e}")))?;
    record::nanos(at.as_nanosecond())
}
