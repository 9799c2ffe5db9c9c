//! Hyperliquid's `node_fills_by_block`: a line is a block, with the fills of all its executions and the wallet of each.
//!
//! | in a block | events |
//! |---|---|
//! | two fills with one `tid` | `trade`: the one that `crossed` took; wallets are the accounts, `oid` the orders |
//! | a fill without its other side | `trade` with one party |
//! | an execution with `liquidation` | before its `trade`: `liquidation` of that wallet, phase `filled` (`insurance` for `backstop`) |
//! | the last fill of a wallet in a perpetual | after the trades: `position`, where its entry is known (`positions`) |
//! | no fills | none |
//!
//! **Time** is the block's, to the nanosecond; the fills' own is the same, cut to milliseconds.
//! **Sequence.** There is none: a block has several events of one symbol, and a symbol is not in every block, so that block
//! numbers neither rise nor follow each other within a symbol.
//! **Symbols** are the coins: `ETH`, `xyz:XYZ100` (a perpetual of somebody's own), `@107` (spot). A spot coin is held and has no
//! position.
//! **A trade's `liquidation`** says that its taker was being liquidated. With `backstop` the venue's vault takes the position
//! over.
//! **A block is used whole or not at all**: one fill that cannot be read refuses the line.

mod block;
mod positions;

use std::collections::BTreeMap;

use self::{
    block::{Block, Fill},
    positions::{Held, Positions},
};
use super::record::id;
use crate::{
    event::{Body, DecodeLimits, Event, Liquidation, LiquidationPhase, Name, Position, Rejection, Trade},
    time::EventTime,
};

/// The adapter: what it remembers of positions.
#[derive(Debug)]
pub struct Hyperliquid {
    limits: DecodeLimits,
    positions: Positions,
}

/// One execution, as far as the block tells it: at least one side.
#[derive(Debug, Default)]
struct Execution<'a> {
    maker: Option<&'a Fill>,
    taker: Option<&'a Fill>,
}

impl Hyperliquid {
    /// At the start of a recording.
    #[must_use]
    pub fn new(limits: DecodeLimits) -> Self {
        Self { limits, positions: Positions::new() }
    }

    /// Reads one line and appends its events.
    ///
    /// # Errors
    /// Says why the line cannot be used; it leaves no trace then.
    pub fn read(&mut self, line: &[u8], out: &mut Vec<Event<'static>>) -> Result<(), Rejection> {
        let Block { at, fills } = Block::parse(line, self.limits)?;
        for execution in &executions(&fills) {
            out.extend(execution.liquidation(at));
            out.extend(execution.trade(at));
        }
        let mut held: BTreeMap<(&str, &str), (&Fill, Held)> = BTreeMap::new();
        for fill in fills.iter().filter(|fill| !fill.is_spot()) {
            held.insert((&fill.wallet, &fill.coin), (fill, self.positions.after(fill)));
        }
        out.extend(held.into_values().filter_map(|(fill, held)| position(at, fill, held)));
        Ok(())
    }

    /// How many positions were forgotten for want of room.
    #[must_use]
    pub const fn forgotten(&self) -> u64 {
        self.positions.forgotten()
    }
}

/// Joins the fills to executions, in the order of their first.
fn executions(fills: &[Fill]) -> Vec<Execution<'_>> {
    let mut all: Vec<Execution<'_>> = Vec::with_capacity(fills.len() / 2);
    let mut open: BTreeMap<u64, usize> = BTreeMap::new();
    for fill in fills {
        let place = open.get(&fill.tid).copied().filter(|&place| all[place].lacks(fill));
        let place = place.unwrap_or_else(|| {
            all.push(Execution::default());
            open.insert(fill.tid, all.len() - 1);
            all.len() - 1
        });
        let side = if fill.took { &mut all[place].taker } else { &mut all[place].maker };
        *side = Some(fill);
    }
    all
}

impl<'a> Execution<'a> {
    /// Whether this is its other side.
    fn lacks(&self, fill: &Fill) -> bool {
        let (same, other) = if fill.took { (self.taker, self.maker) } else { (self.maker, self.taker) };
        same.is_none()
            && other.is_some_and(|other| {
                (&other.coin, other.price, other.qty, other.side)
                    == (&fill.coin, fill.price, fill.qty, fill.side.opposite())
            })
    }

    fn sides(&self) -> impl Iterator<Item = &'a Fill> {
        self.taker.into_iter().chain(self.maker)
    }

    fn liquidation(&self, at: EventTime) -> Option<Event<'static>> {
        let forced = self.sides().find_map(|fill| fill.forced.as_ref())?;
        let closed = self.sides().find(|fill| fill.wallet == forced.wallet);
        let any = self.sides().next()?;
        // Where the liquidated side is missing, the other is its counterpart.
        let side = closed.map_or(any.side.opposite(), |fill| fill.side);
        let phase = if forced.backstop { LiquidationPhase::Insurance } else { LiquidationPhase::Filled };
        let body = Body::Liquidation(Liquidation { phase, side, qty: Some(any.qty), price: Some(any.price) });
        Some(event(at, &any.coin, Some(forced.wallet.clone()), body))
    }

    fn trade(&self, at: EventTime) -> Option<Event<'static>> {
        let any = self.sides().next()?;
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

fn position(at: EventTime, fill: &Fill, held: Held) -> Option<Event<'static>> {
    let position = Position { qty: held.qty, entry: held.entry?, margin_mode: None, margin: None, leverage: None };
    Some(event(at, &fill.coin, Some(fill.wallet.clone()), Body::Position(position)))
}

fn event(ts: EventTime, symbol: &Name<'static>, account: Option<Name<'static>>, body: Body<'static>) -> Event<'static> {
    Event { ts, symbol: Some(symbol.clone()), seq: None, account, owner: None, body }
}

#[cfg(test)]
mod tests;
