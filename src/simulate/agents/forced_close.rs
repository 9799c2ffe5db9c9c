//! A forced close: the venue closes an account's position into whatever book there is.
//!
//! The venue announces the liquidation, sends a market order every half second, publishes each fill, and publishes the end.
//! In a thin book most of an order finds no counterparty and is cancelled; the rest of the position stays with the account, as
//! this venue has no insurance fund.

use super::{job::Job, makers::QuotedMarket};
use crate::{
    event::{LiquidationPhase, Side},
    simulate::{
        ledger::Ledger,
        market::{Order, TimeInForce},
    },
    time::{EventTime, Span},
};

/// Time from one order to the next.
const STEP: Span = Span::from_millis(500);
/// Greatest size of an order, in lots.
const LOTS_MAX: i64 = 40;

/// A position that the venue closes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ForcedClose {
    pub(crate) account: u32,
    /// The last order comes at least one step before this time.
    pub(crate) until: EventTime,
}

/// A forced close under way, the `index`-th of its symbol.
#[derive(Debug)]
pub(super) struct ForcedCloseRun {
    index: usize,
    close: ForcedClose,
    /// Side of the orders and the lots not yet offered; known from the first order on.
    left: Option<(Side, i64)>,
}

impl ForcedCloseRun {
    /// Schedules a forced close.
    pub(super) fn schedule(index: usize, close: ForcedClose, start: EventTime, market: &mut QuotedMarket) -> Self {
        market.env.schedule.add(start, Job::ForceClose(index));
        Self { index, close, left: None }
    }

    /// Sends the next order, or publishes the end; does nothing where the account has no position at the beginning.
    pub(super) fn send_next(&mut self, market: &mut QuotedMarket, ledger: &Ledger) {
        let ForcedClose { account, until } = self.close;
        let now = market.env.now;
        let held = ledger.lots(market.env.symbol, account);
        if self.left.is_none() && held == 0 {
            return;
        }
        let (side, left) = self.left.unwrap_or_else(|| {
            let side = if held > 0 { Side::Sell } else { Side::Buy };
            market.env.market.tape.liquidated(now, account, LiquidationPhase::Started, side, held.abs());
            (side, held.abs())
        });
        let lots = left.min(LOTS_MAX);
        if lots == 0 || now.plus(STEP) > until {
            market.env.market.tape.liquidated(now, account, LiquidationPhase::Completed, side, 0);
            return;
        }
        let before = market.env.market.tape.traded_lots();
        if market.env.market.best(side.opposite()).is_some() {
            market.submit(&Order { account, side, price: None, lots, time_in_force: TimeInForce::Liquidation });
        }
        let filled = market.env.market.tape.traded_lots() - before;
        if filled > 0 {
            market.env.market.tape.liquidated(now, account, LiquidationPhase::Filled, side, filled);
        }
        self.left = Some((side, left - lots));
        market.env.schedule.add(now.plus(STEP), Job::ForceClose(self.index));
    }
}
