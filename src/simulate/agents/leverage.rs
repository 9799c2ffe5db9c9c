//! A change of leverage: an account takes, order by order, until its positions cost what the wanted leverage allows.
//!
//! Each order asks the ledger how much exposure is still missing, so that the account ends at its target whatever it had, paid
//! and traded elsewhere meanwhile. Orders are small beside the book and evenly spaced: the planted episode is the leverage,
//! not a burst of trades.

use super::{job::Job, makers::QuotedMarket};
use crate::{
    event::Side,
    simulate::{
        ledger::Ledger,
        market::{Order, TimeInForce},
        random::floor,
    },
    time::{EventTime, Span},
};

/// Orders from the old leverage to the new one.
const ORDERS: i64 = 36;
/// Greatest size of an order, in lots: what the makers show on a side.
const LOTS_MAX: i64 = 400;
/// A jump goes to this many times the account's own leverage. An account's habit varies: the logarithm's standard deviation
/// is about .6 over the first hours, and five of them are a factor of 20.
const TIMES_OWN: f64 = 25.0;
/// A jump goes at least to this many times the leverage that one account in a hundred exceeds.
const TIMES_RARE: f64 = 3.0;
/// The quantile of that one account in a hundred.
const RARE: f64 = 0.99;
/// No jump goes beyond this leverage, which a setting of 100 allows.
const LEVERAGE_MAX: f64 = 80.0;

/// The leverage that an account wants to reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum LeverageGoal {
    /// Far above what is ordinary for this account and for all others.
    Jump,
    /// This many times its present leverage.
    Times(f64),
    /// The leverage to which the account tends.
    Habit,
}

/// A change of an account's leverage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LeverageChange {
    pub(crate) account: u32,
    pub(crate) goal: LeverageGoal,
    /// The side to build on where the account has no position on the symbol.
    pub(crate) side: Side,
    /// Build on `side` also where the account has a position on the other one.
    pub(crate) always_on_side: bool,
    /// Time from the first order to the last.
    pub(crate) length: Span,
}

/// A change of leverage under way, the `index`-th of its symbol.
#[derive(Debug)]
pub(super) struct LeverageRun {
    index: usize,
    change: LeverageChange,
    start: EventTime,
    /// The leverage to reach; known from the first order on.
    target: Option<f64>,
    /// Orders so far.
    sent: i64,
}

impl LeverageRun {
    /// Schedules a change of leverage.
    pub(super) fn schedule(index: usize, change: LeverageChange, start: EventTime, market: &mut QuotedMarket) -> Self {
        market.env.schedule.add(start, Job::ChangeLeverage(index));
        Self { index, change, start, target: None, sent: 0 }
    }

    /// Sends the next order and schedules the one after it.
    pub(super) fn send_next(&mut self, market: &mut QuotedMarket, ledger: &Ledger) {
        let target = *self.target.get_or_insert_with(|| self.change.target(ledger));
        let (side, wanted) = self.change.missing(target, market, ledger);
        let lots = (wanted / (ORDERS - self.sent)).min(LOTS_MAX);
        if lots > 0 && market.env.market.best(side.opposite()).is_some() {
            let time_in_force = TimeInForce::ImmediateOrCancel;
            market.submit(&Order { account: self.change.account, side, price: None, lots, time_in_force });
        }
        self.sent += 1;
        if self.sent < ORDERS {
            let elapsed = Span::from_nanos(self.change.length.nanos() / ORDERS * self.sent);
            market.env.schedule.add(self.start.plus(elapsed), Job::ChangeLeverage(self.index));
        }
    }
}

impl LeverageChange {
    /// The leverage to reach.
    fn target(&self, ledger: &Ledger) -> f64 {
        let own = ledger.leverage(self.account);
        match self.goal {
            LeverageGoal::Jump => (TIMES_OWN * own).max(TIMES_RARE * ledger.leverage_quantile(RARE)).min(LEVERAGE_MAX),
            LeverageGoal::Times(times) => times * own,
            LeverageGoal::Habit => ledger.habitual_leverage(self.account),
        }
    }

    /// The side and the lots that the account still has to trade to reach a leverage.
    fn missing(&self, leverage: f64, market: &QuotedMarket, ledger: &Ledger) -> (Side, i64) {
        let held = ledger.lots(market.env.symbol, self.account);
        let price = floor(market.env.fair.ticks());
        let grows = if self.always_on_side || held == 0 {
            self.side
        } else if held > 0 {
            Side::Buy
        } else {
            Side::Sell
        };
        // A position on the other side is closed first; its exposure is then missing as well, so it counts twice.
        let opposite = if (held > 0) == (grows == Side::Buy) { 0 } else { held.abs() };
        let missing = ledger.missing_exposure(self.account, leverage) / price;
        if missing > 0 {
            (grows, missing + 2 * opposite)
        } else {
            (if held > 0 { Side::Sell } else { Side::Buy }, (-missing).min(held.abs()))
        }
    }
}
