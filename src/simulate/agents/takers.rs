//! Takers: arrivals that excite each other, with heavy-tailed sizes and persistent sides; some of them take stale quotes.

use super::{job::Job, lean::Lean, makers::QuotedMarket};
use crate::{
    event::Side,
    simulate::{
        hawkes::Hawkes,
        market::{Order, TimeInForce},
        population::ordinary_account,
        random::{RandomStream, floor},
    },
    time::{EventTime, Span},
};

/// Arrivals per second at density 1.
const PER_SEC: f64 = 0.65;
/// Mean number of arrivals that one arrival excites.
const BRANCHING: f64 = 0.6;
/// Tail index of the sizes (Gopikrishnan and others 2000: about 1.5).
const SIZE_INDEX: f64 = 1.5;
/// Greatest size, in lots.
const SIZE_MAX: i64 = 400;
/// Probability that a taker has the same side as the one before.
const SAME_SIDE: f64 = 0.6;
/// A jump excites takers as this many arrivals do.
const JUMP_EXCITES: f64 = 2.0;
/// News excites takers as this many more arrivals do: with those that they excite in turn, some 25 trades come within 20 s
/// where 13 are usual. News that brought as many as a planted burst would be one.
const NEWS_EXCITES: f64 = 12.0;
/// A rush adds this many times the ordinary arrivals to them, and this many more per second, so that it can be told from
/// chance where almost nobody trades.
const RUSH_TIMES: f64 = 9.0;
const RUSH_MORE: f64 = 3.0;
/// A quote this many ticks on the wrong side of the fair value is stale.
const STALE: f64 = 2.0;

/// The takers of a symbol.
#[derive(Debug)]
pub(super) struct Takers {
    arrivals: Hawkes,
    /// Stream of the arrivals alone.
    rng: RandomStream,
    last_side: Side,
    /// A sweep of stale quotes is scheduled.
    sweeping: bool,
}

impl Takers {
    /// Takers of a symbol whose trading begins at `start`.
    pub(super) fn new(density: f64, start: EventTime, rng: &mut RandomStream) -> Self {
        // After the makers' first quotes. A stream of its own keeps arrivals the same whatever else is planted.
        let open = start.plus(Span::from_secs(3));
        let arrivals = Hawkes::new(PER_SEC * density, BRANCHING, open);
        Self { arrivals, rng: rng.fork(), last_side: Side::Buy, sweeping: false }
    }

    /// Makes more takers arrive after a jump.
    pub(super) fn react_to_jump(&mut self) {
        self.arrivals.excite(JUMP_EXCITES);
    }

    /// Makes many more takers arrive after news.
    pub(super) fn react_to_news(&mut self) {
        self.arrivals.excite(NEWS_EXCITES);
    }

    /// Schedules the next arrival.
    pub(super) fn schedule_next(&mut self, market: &mut QuotedMarket) {
        let at = self.arrivals.next(&mut self.rng);
        market.env.schedule.add(at, Job::TakerArrives);
    }

    /// Lets a taker send an order, and schedules the next arrival.
    pub(super) fn arrive(&mut self, market: &mut QuotedMarket) {
        self.send_order(market);
        self.schedule_next(market);
    }

    /// Lets a taker of a rush send an order, and schedules the next one until the rush ends.
    pub(super) fn arrive_in_rush(&mut self, market: &mut QuotedMarket, until: EventTime) {
        self.send_order(market);
        let env = &mut market.env;
        let next = env.now.plus(env.rng.poisson_wait(RUSH_TIMES * PER_SEC * env.density + RUSH_MORE));
        if next <= until {
            env.schedule.add(next, Job::Rush(until));
        }
    }

    fn send_order(&mut self, market: &mut QuotedMarket) {
        let rng = &mut market.env.rng;
        self.last_side = if rng.chance(SAME_SIDE) { self.last_side } else { self.last_side.opposite() };
        send_order_on(market, self.last_side);
    }
    /// Schedules a sweep if a quote is stale.
    pub(super) fn look_for_stale(&mut self, market: &mut QuotedMarket) {
        if !self.sweeping && (is_stale(market, Side::Sell) || is_stale(market, Side::Buy)) {
            self.sweeping = true;
            let delay = market.env.rng.span(Span::from_millis(50), Span::from_millis(400));
            market.env.add_after(delay, Job::Sweep);
        }
    }

    /// Takes the stale quotes, up to the fair value.
    pub(super) fn sweep(&mut self, market: &mut QuotedMarket) {
        self.sweeping = false;
        for side in [Side::Buy, Side::Sell] {
            if is_stale(market, side.opposite()) {
                let env = &mut market.env;
                let account = ordinary_account(env.accounts, &mut env.rng);
                let fair = floor(env.fair.ticks());
                let price = Some(if side == Side::Buy { fair - 1 } else { fair + 1 });
                let lots = env.rng.between(10, 80);
                let lots = if market.thin { 1 } else { lots };
                let time_in_force = TimeInForce::ImmediateOrCancel;
                market.submit(&Order { account, side, price, lots, time_in_force });
            }
        }
    }
}

/// Lets a taker of one side send an order, and schedules the next one until the time is over.
pub(super) fn arrive_leaning(market: &mut QuotedMarket, lean: Lean, until: EventTime) {
    send_order_on(market, lean.side);
    let env = &mut market.env;
    let next = env.now.plus(env.rng.poisson_wait(f64::from(lean.percent) / 100.0 * PER_SEC * env.density));
    if next <= until {
        env.schedule.add(next, Job::Lean(lean, until));
    }
}

/// Sends a taker's order on a side: of any account, of any size, at the market or with a limit.
fn send_order_on(market: &mut QuotedMarket, side: Side) {
    let rng = &mut market.env.rng;
    let account = ordinary_account(market.env.accounts, rng);
    let lots = (2 * rng.pareto(SIZE_INDEX, SIZE_MAX)).min(SIZE_MAX);
    // A taker that sees a thin book asks for little.
    let lots = if market.thin { 1 } else { lots };
    let best = market.env.market.best(side.opposite());
    match best {
        _ if rng.chance(0.005) => {
            market.env.market.tape.rejected(market.env.now, account, "insufficient_margin");
        }
        None => market.env.market.tape.rejected(market.env.now, account, "no_liquidity"),
        Some(best) => {
            let through = rng.between(0, 4);
            let limit = if side == Side::Buy { best + through } else { best - through };
            let price = rng.chance(0.4).then_some(limit);
            let time_in_force = TimeInForce::ImmediateOrCancel;
            market.submit(&Order { account, side, price, lots, time_in_force });
        }
    }
}

/// Whether the best quote of a side is on the wrong side of the fair value.
fn is_stale(market: &QuotedMarket, side: Side) -> bool {
    let fair = market.env.fair.ticks();
    market.env.market.best(side).is_some_and(|best| match side {
        Side::Sell => best as f64 <= fair - STALE,
        Side::Buy => best as f64 >= fair + STALE,
    })
}
