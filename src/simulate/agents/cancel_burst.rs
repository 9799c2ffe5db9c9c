//! A burst of cancels: one account places many small orders, then cancels them all in a few seconds.

use std::collections::VecDeque;

use super::{job::Job, makers::QuotedMarket};
use crate::{
    event::{CancelReason, Side},
    simulate::{
        market::{Order, TimeInForce},
        random::{floor, secs},
    },
    stats::math,
    time::{EventTime, Span},
};

/// Least distance of the orders from the fair value, in ticks: beyond the reach of a jump and a market order, so that the
/// burst is whole and its first and last cancel are the label's.
const DISTANCE_MIN: i64 = 70;
/// Number of price levels that the orders use.
const LEVELS: i64 = 100;

/// How the cancels of a burst are spread over its time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// The k-th of n cancels comes at (k/n)ᵉ of the time: 1 is even, above 1 most come early, below 1 most come late.
    Power(f64),
    /// A number of waves, with pauses three times as long as a wave between them.
    Waves(i64),
}

/// The shape of a burst of cancels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CancelBurst {
    pub(crate) account: u32,
    pub(crate) side: Side,
    /// Number of orders that are placed and cancelled.
    pub(crate) orders: i64,
    /// Time that placing takes; it ends when cancelling begins.
    pub(crate) build_up: Span,
    /// Time that cancelling takes.
    pub(crate) length: Span,
    pub(crate) pace: Pace,
}

impl CancelBurst {
    /// The time of the k-th order from the first cancel: negative, because placing comes before.
    pub(crate) fn placed(&self, k: i64) -> Span {
        let to_come = (self.orders - k) as f64 / self.orders as f64;
        Span::from_nanos(-secs(self.build_up.secs_f64() * to_come).nanos())
    }

    /// The time of the k-th cancel from the first one.
    pub(crate) fn cancelled(&self, k: i64) -> Span {
        let share = match self.pace {
            Pace::Power(exponent) => math::pow(k as f64 / (self.orders - 1) as f64, exponent),
            Pace::Waves(waves) => {
                let each = self.orders / waves;
                let inside = 0.25 * (k % each) as f64 / (each - 1) as f64;
                ((k / each) as f64 + inside) / ((waves - 1) as f64 + 0.25)
            }
        };
        if k == 0 { Span::ZERO } else { secs(self.length.secs_f64() * share) }
    }
}

/// A burst under way, the `index`-th of its symbol.
#[derive(Debug)]
pub(super) struct BurstRun {
    index: usize,
    /// Time of the first cancel.
    start: EventTime,
    burst: CancelBurst,
    placed: i64,
    cancelled: i64,
    /// Orders to cancel, oldest first; `None` for one that never rested.
    orders: VecDeque<Option<u64>>,
}

impl BurstRun {
    /// Schedules a burst whose first cancel comes at `start`.
    pub(super) fn schedule(index: usize, burst: CancelBurst, start: EventTime, market: &mut QuotedMarket) -> Self {
        market.env.schedule.add(start.plus(burst.placed(0)), Job::PlaceBurstOrder(index));
        market.env.schedule.add(start, Job::CancelBurstOrder(index));
        Self { index, start, burst, placed: 0, cancelled: 0, orders: VecDeque::new() }
    }

    /// The account whose burst it is.
    pub(super) const fn account(&self) -> u32 {
        self.burst.account
    }

    /// Places the next order.
    pub(super) fn place_next(&mut self, market: &mut QuotedMarket) {
        let out = DISTANCE_MIN + self.placed * 7 % LEVELS;
        let fair = floor(market.env.fair.ticks());
        let order = market.submit(&Order {
            account: self.burst.account,
            side: self.burst.side,
            price: Some(if self.burst.side == Side::Buy { fair - out } else { fair + out }),
            lots: 1 + self.placed % 3,
            time_in_force: TimeInForce::PostOnly,
        });
        self.orders.push_back(order);
        self.placed += 1;
        if self.placed < self.burst.orders {
            let at = self.start.plus(self.burst.placed(self.placed));
            market.env.schedule.add(at, Job::PlaceBurstOrder(self.index));
        }
    }

    /// Cancels the next order.
    pub(super) fn cancel_next(&mut self, market: &mut QuotedMarket) {
        if let Some(order) = self.orders.pop_front().flatten() {
            market.cancel(order, CancelReason::User);
        }
        self.cancelled += 1;
        if self.cancelled < self.burst.orders {
            let at = self.start.plus(self.burst.cancelled(self.cancelled));
            market.env.schedule.add(at, Job::CancelBurstOrder(self.index));
        }
    }
}
