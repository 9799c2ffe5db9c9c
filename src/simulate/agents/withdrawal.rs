//! Withdrawal of liquidity: makers that withdraw, skew their quotes or step away, and background traders that leave with them.
//!
//! A book thins as books do before a fall: one maker after another cancels its quotes and shows one small quote a side from then
//! on, and within half a minute nearly all background orders near the touch are gone, half cancelled and half expired; traders
//! that still come ask for little and offer little. Nothing moves the price. When liquidity returns, the makers quote in full at
//! once and the background traders within a minute or two.

use super::{job::Job, maker::MAKERS, makers::QuotedMarket};
use crate::{
    event::{CancelReason, Side},
    simulate::population::MAKER_ACCOUNTS,
    time::Span,
};

/// Share of background orders that stay in a thinning book.
const ORDERS_STAY: f64 = 0.04;
/// Time by which the other background orders are gone.
const ORDERS_GONE: Span = Span::from_secs(25);
/// Shortest and longest time from one maker's withdrawal to the next.
const MAKER_AFTER: (Span, Span) = (Span::from_secs(2), Span::from_secs(6));
/// Greatest difference between the returns of makers that step away together.
const RETURN_SPREAD: Span = Span::from_millis(100);
/// Longest time until a maker starts to skew its quotes, or stops.
const SKEW_DELAY_MAX: Span = Span::from_secs(2);
/// Time that a maker needs to quote anew when it withdraws or comes back.
const REQUOTE_AFTER: Span = Span::from_millis(200);

/// Starts the withdrawal of makers and background traders; orders of the accounts `except` stay.
pub(super) fn thin_out(market: &mut QuotedMarket, except: &[u32]) {
    market.thin = true;
    let env = &mut market.env;
    let mut at = env.now;
    for maker in 0..MAKERS {
        env.schedule.add(at, Job::WithdrawMaker(maker));
        at = at.plus(env.rng.span(MAKER_AFTER.0, MAKER_AFTER.1));
    }
    let background = |account| account > MAKER_ACCOUNTS && !except.contains(&account);
    let orders: Vec<u64> =
        env.market.resting_orders().filter(|(_, o)| background(o.account)).map(|(order, _)| order).collect();
    for order in orders {
        if !env.rng.chance(ORDERS_STAY) {
            let reason = if env.rng.chance(0.5) { CancelReason::User } else { CancelReason::Expired };
            let at = env.now.plus(env.rng.span(Span::ZERO, ORDERS_GONE));
            env.schedule.add(at, Job::CancelOrder(order, reason));
        }
    }
}

/// Lets one maker withdraw, unless liquidity has returned meanwhile.
pub(super) fn withdraw_maker(market: &mut QuotedMarket, maker: usize) {
    if market.thin {
        market.makers[maker].withdrawn = true;
        market.cancel_quotes(maker);
        market.requote(maker, REQUOTE_AFTER);
    }
}

/// Brings makers and background traders back.
pub(super) fn refill(market: &mut QuotedMarket) {
    market.thin = false;
    for maker in 0..MAKERS {
        market.makers[maker].withdrawn = false;
        market.cancel_quotes(maker);
        market.requote(maker, REQUOTE_AFTER);
    }
}

/// Lets the makers cancel all quotes, and quote anew after `length`.
pub(super) fn step_away(market: &mut QuotedMarket, length: Span) {
    for maker in 0..MAKERS {
        let apart = market.env.rng.span(Span::ZERO, RETURN_SPREAD);
        market.cancel_quotes(maker);
        let delay = market.env.unscaled(Span::from_nanos(length.nanos() + apart.nanos()));
        market.requote(maker, delay);
    }
}

/// Lets the makers skew their quotes away from a side, or from none any more.
pub(super) fn skew_quotes(market: &mut QuotedMarket, side: Option<Side>) {
    market.skewed = side;
    for maker in 0..MAKERS {
        let delay = market.env.rng.span(Span::ZERO, SKEW_DELAY_MAX);
        let delay = market.env.unscaled(delay);
        // A cancel of all quotes first, because an unchanged price would keep its old size.
        market.env.add_after(delay, Job::CancelQuotes(maker));
        market.requote(maker, delay);
    }
}
