//! Forced selling: the venue closes an account's position into whatever book there is.
//!
//! It announces the liquidation, sells a step every half second at the market, says what was filled, and says when it is over.
//! In a thin book most of a step finds nobody and is cancelled; what is left of the position stays with the account, as no
//! insurance fund stands behind this venue.

use super::{
    agenda::Job,
    ledger::Ledger,
    market::Market,
    tape::{Entry, How},
};
use crate::{
    event::{LiquidationPhase, Side},
    time::{EventTime, Span},
};

/// From one step to the next.
const STEP: Span = Span::from_millis(500);
/// Lots in a step, at most.
const LOTS: i64 = 40;

/// A position that is being closed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Forced {
    pub(super) account: u32,
    pub(super) until: EventTime,
    /// Its side and what has not been offered yet, once it has begun.
    pub(super) left: Option<(Side, i64)>,
}

impl Market {
    /// The next step.
    pub(super) fn force(&mut self, nth: usize, ledger: &Ledger) {
        let Forced { account, until, left } = self.forced[nth];
        let has = ledger.lots(self.index, account);
        if left.is_none() && has == 0 {
            return;
        }
        let (side, left) = left.unwrap_or_else(|| {
            let side = if has > 0 { Side::Sell } else { Side::Buy };
            self.tape.liquidated(self.now, account, LiquidationPhase::Started, side, has.abs());
            (side, has.abs())
        });
        let lots = left.min(LOTS);
        if lots == 0 || self.now.plus(STEP) > until {
            self.tape.liquidated(self.now, account, LiquidationPhase::Completed, side, 0);
            return;
        }
        let before = self.tape.traded_lots();
        if self.book.best(side.opposite()).is_some() {
            self.submit(&Entry { account, side, price: None, lots, how: How::Forced });
        }
        let filled = self.tape.traded_lots() - before;
        if filled > 0 {
            self.tape.liquidated(self.now, account, LiquidationPhase::Filled, side, filled);
        }
        self.forced[nth].left = Some((side, left - lots));
        self.agenda.add(self.now.plus(STEP), Job::Force(nth));
    }
}
