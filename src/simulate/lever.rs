//! An account that moves to another leverage by taking, order by order, until its positions cost what it wants.
//!
//! How much that is, the ledger knows: each order asks it what is still missing, so that the end is where it should be
//! whatever the account had, paid and traded elsewhere meanwhile. Orders are small beside the book and evenly spaced:
//! what is planted is the leverage, not a burst of trades.

use super::{
    agenda::Job,
    dice::whole,
    ledger::Ledger,
    market::Market,
    tape::{Entry, How},
};
use crate::{
    event::Side,
    time::{EventTime, Span},
};

/// Orders from the old leverage to the new one.
const ORDERS: i64 = 36;
/// No order is larger, in lots: what the makers show on a side.
const LOTS_MAX: i64 = 400;
/// A jump goes to so many times the account's own leverage, and to so many times what one account in a hundred has; but
/// not beyond what a setting of 100 lets it have. Its own habit varies: the logarithm's deviation is about .6 over the first
/// hours, and five of them are a factor of 20.
const TIMES_OWN: f64 = 25.0;
const TIMES_RARE: f64 = 3.0;
const RARE: f64 = 0.99;
const LEVERAGE_MAX: f64 = 80.0;

/// Where an account wants to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Goal {
    /// Far above what is ordinary for it and for anybody.
    Jump,
    /// So many times what it is.
    Times(f64),
    /// Where it feels at home.
    Home,
}

/// An account on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Lever {
    pub(super) account: u32,
    pub(super) goal: Goal,
    /// The side to build on where it has none here; a crisis wants it even against what it has.
    pub(super) side: Side,
    pub(super) against: bool,
    pub(super) length: Span,
}

/// One that has begun.
#[derive(Debug)]
pub(super) struct Levering {
    lever: Lever,
    start: EventTime,
    target: Option<f64>,
    sent: i64,
}

impl Levering {
    pub(super) const fn new(lever: Lever, start: EventTime) -> Self {
        Self { lever, start, target: None, sent: 0 }
    }
}

impl Market {
    /// The next order of an account on its way.
    pub(super) fn lever(&mut self, nth: usize, ledger: &Ledger) {
        let Levering { lever, start, target, sent } = self.levers[nth];
        let target = target.unwrap_or_else(|| aim(&lever, ledger));
        let has = ledger.lots(self.index, lever.account);
        let price = whole(self.fair.ticks());
        let grows = if lever.against || has == 0 {
            lever.side
        } else if has > 0 {
            Side::Buy
        } else {
            Side::Sell
        };
        // What is on the other side must go first, and comes back.
        let opposite = if (has > 0) == (grows == Side::Buy) { 0 } else { has.abs() };
        let missing = ledger.missing(lever.account, target) / price;
        let (side, lots) = if missing > 0 {
            (grows, missing + 2 * opposite)
        } else {
            (if has > 0 { Side::Sell } else { Side::Buy }, (-missing).min(has.abs()))
        };
        let lots = (lots / (ORDERS - sent)).min(LOTS_MAX);
        if lots > 0 && self.book.best(side.opposite()).is_some() {
            self.submit(&Entry { account: lever.account, side, price: None, lots, how: How::Immediate });
        }
        self.levers[nth].target = Some(target);
        self.levers[nth].sent = sent + 1;
        if sent + 1 < ORDERS {
            let at = start.plus(Span::from_nanos(lever.length.nanos() / ORDERS * (sent + 1)));
            self.agenda.add(at, Job::Lever(nth));
        }
    }
}

fn aim(lever: &Lever, ledger: &Ledger) -> f64 {
    let own = ledger.leverage(lever.account);
    match lever.goal {
        Goal::Jump => (TIMES_OWN * own).max(TIMES_RARE * ledger.quantile(RARE)).min(LEVERAGE_MAX),
        Goal::Times(times) => times * own,
        Goal::Home => ledger.home(lever.account),
    }
}
