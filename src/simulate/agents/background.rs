//! Background traders: ordinary accounts that place a limit order, wait, and cancel it if it did not trade.
//!
//! Their waiting times are a mixture from seconds to minutes, so that cancels are spread and not in step with arrivals.

use super::{job::Job, makers::QuotedMarket};
use crate::{
    event::{CancelReason, Side},
    simulate::{
        market::{Order, TimeInForce},
        population::ordinary_account,
        random::{RandomStream, floor, secs},
    },
};

/// Orders per second at density 1.
const PER_SEC: f64 = 1.6;
/// Share and mean wait in seconds of the impatient, the ordinary and the patient traders.
const WAITS: [(f64, f64); 3] = [(0.3, 3.0), (0.4, 20.0), (0.3, 120.0)];
/// Longest wait, in seconds.
const WAIT_MAX: f64 = 600.0;
/// Tail index of the distance from the fair value (Bouchaud, Mézard, Potters 2002 find .6; less depth suffices here).
const DISTANCE_INDEX: f64 = 1.0;
/// Greatest distance, in ticks.
const DISTANCE_MAX: i64 = 50;
/// Greatest size, in lots.
const LOTS_MAX: i64 = 100;
/// Greatest size in a thin book, in lots.
const LOTS_MAX_THIN: i64 = 3;
/// Share of traders that still place orders in a thin book.
const STAYS: f64 = 0.12;

/// One arrival: the trader places an order unless the book is thin and the trader stays away; the next arrival is scheduled.
pub(super) fn arrive(market: &mut QuotedMarket) {
    if !market.thin || market.env.rng.chance(STAYS) {
        place(market);
    }
    market.env.add_after_wait(PER_SEC, Job::PlaceOrder);
}

/// Places one limit order and schedules its end: a cancel by the trader, or expiry.
fn place(market: &mut QuotedMarket) {
    let lots_max = if market.thin { LOTS_MAX_THIN } else { LOTS_MAX };
    let fair = market.env.fair.ticks();
    let rng = &mut market.env.rng;
    let side = if rng.chance(0.5) { Side::Buy } else { Side::Sell };
    let out = rng.pareto(DISTANCE_INDEX, DISTANCE_MAX) - 1;
    let order = Order {
        account: ordinary_account(market.env.accounts, rng),
        side,
        price: Some(if side == Side::Buy { floor(fair) - out } else { -floor(-fair) + out }),
        lots: rng.pareto(1.2, lots_max),
        time_in_force: if rng.chance(0.3) { TimeInForce::PostOnly } else { TimeInForce::GoodTillCancel },
    };
    let wait = wait(rng);
    if let Some(order) = market.submit(&order) {
        let expires = market.env.rng.chance(0.1);
        let reason = if expires { CancelReason::Expired } else { CancelReason::User };
        market.env.add_after(secs(wait), Job::CancelOrder(order, reason));
    }
}

/// Draws how long a trader waits, in seconds.
fn wait(rng: &mut RandomStream) -> f64 {
    let (mut u, mut mean) = (rng.uniform(), WAITS[0].1);
    for (share, mean_of_kind) in WAITS {
        mean = mean_of_kind;
        if u < share {
            break;
        }
        u -= share;
    }
    (mean * rng.exponential()).min(WAIT_MAX)
}
