//! A market with its makers: three to a symbol, each with three levels a side around the fair value.
//!
//! A maker quotes around its anchor, the fair value at its last re-quote. When the fair value has drifted from the anchor by the
//! maker's tolerance, or has jumped, the maker re-quotes everything: one cancels all quotes in one batch and places new ones,
//! the others move one quote after another. A filled quote is placed again a little later; now and then a fill makes the maker
//! widen that side by a tick. These batches are the reason why ordinary cancels are clustered, and a burst detector must
//! know them as ordinary: after a jump some twenty cancels come within two seconds, every few minutes.
//!
//! All other agents send their orders through [`QuotedMarket::submit`], because makers react to fills of their quotes.

use super::{
    environment::Environment,
    job::Job,
    maker::{LEVELS, MAKERS, Maker, Style, slots},
};
use crate::{
    event::{CancelReason, Side},
    simulate::market::{Order, RestingOrder, TimeInForce},
    time::Span,
};

/// Time by which every maker has re-quoted after a jump: the slowest reaction and the slowest pace, and some room.
pub(crate) const SETTLED: Span = Span::from_millis(2_500);
/// Shortest and longest reaction time of a maker to a jump.
const AFTER_JUMP: (Span, Span) = (Span::from_millis(50), Span::from_millis(900));
/// Shortest and longest reaction time of a maker to drift.
const AFTER_DRIFT: (Span, Span) = (Span::from_millis(20), Span::from_millis(300));
/// Shortest and longest reaction time of a maker to a fill.
const AFTER_FILL: (Span, Span) = (Span::from_millis(100), Span::from_millis(800));
/// Shortest and longest time between two messages of a maker that moves quote by quote.
const PACED: (Span, Span) = (Span::from_millis(30), Span::from_millis(200));
/// Shortest and longest time between two messages of a batch.
const BATCHED: (Span, Span) = (Span::from_millis(1), Span::from_millis(5));
/// Probability that a fill makes the maker widen that side.
const WIDENS: f64 = 0.2;

/// The environment of a symbol, with the makers that quote in it.
#[derive(Debug)]
pub(super) struct QuotedMarket {
    pub(super) env: Environment,
    pub(super) makers: [Maker; MAKERS],
    /// Makers and background traders have withdrawn, and takers know.
    pub(super) thin: bool,
    /// The side from which makers skew their quotes away.
    pub(super) skewed: Option<Side>,
    /// Account and side of resting orders that the order at hand filled completely; empty between orders.
    filled: Vec<(u32, Side)>,
}

impl QuotedMarket {
    /// Makes a market whose makers have not quoted yet.
    pub(super) const fn new(env: Environment, makers: [Maker; MAKERS]) -> Self {
        Self { env, makers, thin: false, skewed: None, filled: Vec::new() }
    }

    /// Sends an order to the market; makers react if it fills their quotes. Returns the order's id if it rests.
    pub(super) fn submit(&mut self, order: &Order) -> Option<u64> {
        let mut filled = std::mem::take(&mut self.filled);
        let resting = self.env.market.submit(self.env.now, order, &mut filled);
        for (account, side) in filled.drain(..) {
            self.react_to_fill(account, side);
        }
        self.filled = filled;
        resting
    }

    /// Cancels an order, if it still rests.
    pub(super) fn cancel(&mut self, order: u64, reason: CancelReason) {
        self.env.market.cancel(self.env.now, order, reason);
    }

    /// Compares the fair value with each maker's anchor; makers that are far off re-quote.
    pub(super) fn react_to_drift(&mut self) {
        for i in 0..MAKERS {
            let maker = &self.makers[i];
            if self.env.now < maker.busy_until {
                continue;
            }
            let off = maker.anchor.is_some_and(|anchor| (self.env.fair.ticks() - anchor).abs() >= maker.tolerance);
            if off {
                let delay = self.env.rng.span(AFTER_DRIFT.0, AFTER_DRIFT.1);
                self.requote(i, delay);
            } else if maker.blocked {
                self.makers[i].blocked = false;
                self.update_slots(i, 0..2 * LEVELS, Span::ZERO, BATCHED);
            }
        }
    }

    /// Lets each maker re-quote everything after a jump, also one that is busy.
    pub(super) fn react_to_jump(&mut self) {
        for i in 0..MAKERS {
            let delay = self.env.rng.span(AFTER_JUMP.0, AFTER_JUMP.1);
            self.requote(i, delay);
        }
    }

    /// Lets a maker take the fair value as its anchor and move all quotes there.
    pub(super) fn requote(&mut self, i: usize, delay: Span) {
        let fair = self.env.fair.ticks();
        let maker = &mut self.makers[i];
        let rising = maker.anchor.is_some_and(|anchor| fair > anchor);
        maker.anchor = Some(fair);
        maker.widened = [0; 2];
        let pace = if maker.style == Style::Batch { BATCHED } else { PACED };
        if maker.style == Style::Batch {
            self.env.add_after(delay, Job::CancelQuotes(i));
        }
        // The side towards which the price moves goes first, or the other side would run into it.
        let (first, second) = if rising { (Side::Sell, Side::Buy) } else { (Side::Buy, Side::Sell) };
        self.update_slots(i, slots(first).chain(slots(second)), delay, pace);
    }

    /// Schedules updates of a maker's slots, one after another.
    fn update_slots(&mut self, i: usize, slots: impl Iterator<Item = usize>, delay: Span, pace: (Span, Span)) {
        let mut delay = delay;
        for slot in slots {
            delay = Span::from_nanos(delay.nanos() + self.env.rng.span(pace.0, pace.1).nanos());
            self.makers[i].busy_until = self.env.add_after(delay, Job::UpdateQuote(i, slot));
        }
    }

    /// Cancels all quotes of a maker at once.
    pub(super) fn cancel_quotes(&mut self, i: usize) {
        for slot in 0..2 * LEVELS {
            if let Some(order) = self.makers[i].slots[slot].take() {
                self.cancel(order, CancelReason::User);
            }
        }
    }

    /// Moves the quote of a slot to where it should be, or as near as a stale order of another account allows: makers never
    /// take.
    pub(super) fn update_quote(&mut self, i: usize, slot: usize) {
        if self.makers[i].withdrawn && !slot.is_multiple_of(LEVELS) {
            return;
        }
        let (side, target) = self.makers[i].target(slot, self.env.fair.ticks(), self.skewed);
        let price = match (side, self.env.market.best(side.opposite())) {
            (Side::Buy, Some(ask)) => target.min(ask - 1),
            (Side::Sell, Some(bid)) => target.max(bid + 1),
            (Side::Buy | Side::Sell, None) => target,
        };
        let lots = self.makers[i].size(slot, self.skewed);
        let maker = &mut self.makers[i];
        maker.blocked |= price != target;
        let (account, style) = (maker.account, maker.style);
        let live = maker.slots[slot].and_then(|order| Some((order, *self.env.market.resting(order)?)));
        match live {
            Some((_, resting)) if resting.price == price => {}
            Some((order, _)) if style == Style::Replace => {
                self.env.market.replace(self.env.now, order, RestingOrder { account, side, price, lots });
            }
            live => {
                if let Some((order, _)) = live {
                    self.cancel(order, CancelReason::User);
                }
                let order = Order { account, side, price: Some(price), lots, time_in_force: TimeInForce::PostOnly };
                self.makers[i].slots[slot] = self.submit(&order);
            }
        }
    }

    /// Lets a maker place a filled quote again, or widen that side; does nothing where the account is no maker's.
    fn react_to_fill(&mut self, account: u32, side: Side) {
        let Some(i) = self.makers.iter().position(|maker| maker.account == account) else { return };
        let delay = self.env.rng.span(AFTER_FILL.0, AFTER_FILL.1);
        if self.env.rng.chance(WIDENS) {
            self.env.add_after(delay, Job::WidenSide(i, side));
            return;
        }
        for slot in slots(side) {
            let gone = self.makers[i].slots[slot].is_none_or(|order| self.env.market.resting(order).is_none());
            if gone {
                self.env.add_after(delay, Job::UpdateQuote(i, slot));
            }
        }
    }

    /// Widens one side of a maker's quotes by a tick.
    pub(super) fn widen_side(&mut self, i: usize, side: Side) {
        self.makers[i].widen(side);
        self.update_slots(i, slots(side), Span::ZERO, BATCHED);
    }
}
