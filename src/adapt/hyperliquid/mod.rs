//! Adapter for Hyperliquid's `node_fills_by_block`: one line is one block, with the fills of all its executions and the
//! wallet of each fill.
//!
//! The source of the format is the venue's documentation of the data that a node writes ("L1 data schemas").
//!
//! | in a block | events |
//! |---|---|
//! | two fills with one `tid` | `trade`: the fill that `crossed` is the taker's; the wallets are the accounts, the `oid` are the orders |
//! | a fill without its other side | `trade` with one party |
//! | an execution with `liquidation` | before its `trade`: `liquidation` of that wallet, phase `filled` (`insurance` for `backstop`) |
//! | the last fill of a wallet in a perpetual | after all trades: `position`, if its entry price is known (`positions`) |
//! | no fills | none |
//!
//! **Time** is the block's time, to the nanosecond. The time of a fill is the same, cut to milliseconds.
//! **Sequence.** Events have no `seq`. A block has several events of one symbol, and a symbol is not in every block, so
//! block numbers would repeat and jump within a symbol.
//! **Symbols** are the coins: `ETH`, `xyz:XYZ100` (a perpetual that a third party runs), `@107` (spot). A spot coin is
//! held itself, so there is no position in it.
//! **`liquidation` on a trade** says that the trade's taker was being liquidated. With the method `backstop` the
//! venue's vault takes over the position.
//! **A block is used completely or not at all**: one fill that cannot be read rejects the line.

mod block;
mod positions;

use std::collections::BTreeMap;

use self::{
    block::{Block, Fill},
    positions::{Holding, Positions},
};
use super::record::{Reading, id};
use crate::{
    event::{Body, DecodeLimits, Event, Liquidation, LiquidationPhase, Name, Position, Rejection, Trade},
    time::EventTime,
};

/// Adapter for Hyperliquid's blocks. It remembers the positions of wallets.
#[derive(Debug)]
pub struct Hyperliquid {
    limits: DecodeLimits,
    positions: Positions,
    /// How many numbers were rounded.
    rounded: u64,
}

/// One execution with the fills that its block has: at least one.
#[derive(Debug, Default)]
struct Execution<'a> {
    maker: Option<&'a Fill>,
    taker: Option<&'a Fill>,
}

impl Hyperliquid {
    /// Makes the adapter for a recording.
    #[must_use]
    pub fn new(limits: DecodeLimits) -> Self {
        Self { limits, positions: Positions::new(), rounded: 0 }
    }

    /// Reads one line and appends its events.
    ///
    /// # Errors
    /// Returns the reason for which the line cannot be used. Nothing has changed then.
    pub fn read(&mut self, line: &[u8], out: &mut Vec<Event<'static>>) -> Result<(), Rejection> {
        let mut reading = Reading::new(self.limits);
        let Block { at, fills } = Block::parse(line, &mut reading)?;
        self.rounded += reading.rounded;
        for execution in &executions(&fills) {
            out.extend(execution.liquidation(at));
            out.extend(execution.trade(at));
        }
        // By wallet and coin, so that the last fill of each decides.
        let mut holdings: BTreeMap<(&str, &str), (&Fill, Holding)> = BTreeMap::new();
        for fill in fills.iter().filter(|fill| !fill.is_spot()) {
            holdings.insert((&fill.wallet, &fill.coin), (fill, self.positions.apply(fill)));
        }
        out.extend(holdings.into_values().filter_map(|(fill, holding)| position(at, fill, holding)));
        Ok(())
    }

    /// Returns how many numbers were rounded.
    #[must_use]
    pub const fn rounded(&self) -> u64 {
        self.rounded
    }

    /// Returns how many positions were evicted to keep within the limit.
    #[must_use]
    pub const fn forgotten(&self) -> u64 {
        self.positions.evicted()
    }
}

/// Joins fills into executions, in the order of each execution's first fill.
fn executions(fills: &[Fill]) -> Vec<Execution<'_>> {
    let mut all: Vec<Execution<'_>> = Vec::with_capacity(fills.len() / 2);
    let mut last_of_tid: BTreeMap<u64, usize> = BTreeMap::new();
    for fill in fills {
        let index = last_of_tid.get(&fill.tid).copied().filter(|&index| all[index].lacks(fill));
        let index = index.unwrap_or_else(|| {
            all.push(Execution::default());
            last_of_tid.insert(fill.tid, all.len() - 1);
            all.len() - 1
        });
        let side = if fill.is_taker { &mut all[index].taker } else { &mut all[index].maker };
        *side = Some(fill);
    }
    all
}

impl<'a> Execution<'a> {
    /// Whether this fill is the other side of the one that the execution has.
    fn lacks(&self, fill: &Fill) -> bool {
        let (same, other) = if fill.is_taker { (self.taker, self.maker) } else { (self.maker, self.taker) };
        same.is_none()
            && other.is_some_and(|other| {
                (&other.coin, other.price, other.qty, other.side)
                    == (&fill.coin, fill.price, fill.qty, fill.side.opposite())
            })
    }

    /// Returns the fills that are known, the taker's first.
    fn fills(&self) -> impl Iterator<Item = &'a Fill> {
        self.taker.into_iter().chain(self.maker)
    }

    fn liquidation(&self, at: EventTime) -> Option<Event<'static>> {
        let forced = self.fills().find_map(|fill| fill.forced.as_ref())?;
        let closed = self.fills().find(|fill| fill.wallet == forced.wallet);
        let any = self.fills().next()?;
        // If the fill of the liquidated wallet is missing, the known fill is its other side.
        let side = closed.map_or(any.side.opposite(), |fill| fill.side);
        let phase = if forced.backstop { LiquidationPhase::Insurance } else { LiquidationPhase::Filled };
        let body = Body::Liquidation(Liquidation { phase, side, qty: Some(any.qty), price: Some(any.price) });
        Some(event(at, &any.coin, Some(forced.wallet.clone()), body))
    }

    fn trade(&self, at: EventTime) -> Option<Event<'static>> {
        let any = self.fills().next()?;
        let side = self.taker.map(|taker| taker.side).or_else(|| self.maker.map(|maker| maker.side.opposite()));
        let forced = self.taker.filter(|taker| taker.forced.as_ref().is_some_and(|f| f.wallet == taker.wallet));
        let trade = Trade {
            trade: id(any.tid),
            price: any.price,
            qty: any.qty,
            side,
            maker_order: self.maker.map(|maker| id(maker.order)),
            taker_order: self.taker.map(|taker| id(taker.order)),
            maker: self.maker.map(|maker| maker.wallet.clone()),
            taker: self.taker.map(|taker| taker.wallet.clone()),
            maker_owner: None,
            taker_owner: None,
            liquidation: self.taker.map(|_| forced.is_some()),
        };
        Some(event(at, &any.coin, None, Body::Trade(trade)))
    }
}

fn position(at: EventTime, fill: &Fill, holding: Holding) -> Option<Event<'static>> {
    let position =
        Position { qty: holding.qty, entry: holding.entry?, margin_mode: None, margin: None, leverage: None };
    Some(event(at, &fill.coin, Some(fill.wallet.clone()), Body::Position(position)))
}

fn event(ts: EventTime, symbol: &Name<'static>, account: Option<Name<'static>>, body: Body<'static>) -> Event<'static> {
    Event { ts, symbol: Some(symbol.clone()), seq: None, account, owner: None, body }
}

#[cfg(test)]
mod tests;
