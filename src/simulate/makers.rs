//! Market makers: three to a symbol, each with three levels a side around the fair value.
//!
//! A maker quotes around its anchor, the fair value when it last thought about it. When the fair value has drifted from the
//! anchor by its tolerance, or has jumped, it re-quotes everything: some pull all quotes in one batch and place new ones,
//! some move one after another. A quote that is filled comes back a little later; now and then a fill makes the maker
//! stand back by a tick on that side. These batches are why ordinary cancels are clustered, and what a burst detector must
//! know to be ordinary: after a jump some twenty cancels come within two seconds, every few minutes.

use super::{
    agenda::Job,
    book::Resting,
    dice::{Dice, whole},
    market::Market,
    tape::{Entry, How},
    thin,
};
use crate::{
    event::{CancelReason, Side},
    time::{EventTime, Span},
};

/// Makers of a symbol.
pub(super) const MAKERS: usize = 3;
/// Levels on a side.
const LEVELS: usize = 3;
/// By when every maker has re-quoted after a jump: the slowest reaction and the slowest pace, and some room.
pub(super) const SETTLED: Span = Span::from_millis(2_500);
/// Reaction to a jump, the same to drift, and to a fill.
const AFTER_JUMP: (Span, Span) = (Span::from_millis(50), Span::from_millis(900));
const AFTER_DRIFT: (Span, Span) = (Span::from_millis(20), Span::from_millis(300));
const AFTER_FILL: (Span, Span) = (Span::from_millis(100), Span::from_millis(800));
/// From one message to the next of a maker that moves quote by quote, and of a batch.
const PACED: (Span, Span) = (Span::from_millis(30), Span::from_millis(200));
const BATCHED: (Span, Span) = (Span::from_millis(1), Span::from_millis(5));
/// How often a fill makes the maker stand back, and by how many ticks at most.
const STAND_BACK: f64 = 0.2;
const SKEW_MAX: i64 = 2;

/// A maker that leans quotes one side this many ticks further out, and seven tenths of its size there: a lean that shows in the
/// prices and is no withdrawal.
const LEANED: i64 = 2;
const LEANED_SIZE: (i64, i64) = (7, 10);

/// How a maker moves its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// All out in one batch, then all in.
    Batch,
    /// One `order_replace` after another.
    Replace,
    /// One cancel and new order after another.
    CancelNew,
}

/// One maker's quotes.
#[derive(Clone, Debug)]
pub(super) struct Maker {
    account: u32,
    style: Style,
    half_spread: f64,
    /// Ticks between its levels.
    gap: i64,
    lots: i64,
    /// Drift that it lets pass, in ticks.
    tolerance: f64,
    anchor: Option<f64>,
    /// Ticks by which it stands back, bids and asks.
    skew: [i64; 2],
    /// Bids then asks, nearest first.
    slots: [Option<u64>; 2 * LEVELS],
    /// It has withdrawn: one small quote a side is all it shows.
    pub(super) retreated: bool,
    /// A quote could not go where it should because of somebody's stale order.
    held_off: bool,
    busy_until: EventTime,
}

impl Maker {
    /// A symbol's makers: one of each firm's two accounts, each with its own habits.
    pub(super) fn draw(dice: &mut Dice) -> [Self; MAKERS] {
        let mut firm = 0;
        [Style::Batch, Style::Replace, Style::CancelNew].map(|style| {
            firm += 1;
            Self {
                account: 2 * firm - u32::from(dice.chance(0.5)),
                style,
                half_spread: 1.0 + dice.unit(),
                gap: dice.between(1, 3),
                lots: dice.between(20, 60),
                tolerance: 2.5 + 1.5 * dice.unit(),
                anchor: None,
                skew: [0; 2],
                slots: [None; 2 * LEVELS],
                retreated: false,
                held_off: false,
                busy_until: EventTime::from_nanos(i64::MIN),
            }
        })
    }

    /// Where a quote should be.
    fn target(&self, slot: usize, fair: f64, lean: Option<Side>) -> (Side, i64) {
        let anchor = self.anchor.unwrap_or(fair);
        let out = self.gap * i64::try_from(slot % LEVELS).unwrap_or(0);
        let leaned = |side| if lean == Some(side) { LEANED } else { 0 };
        if slot < LEVELS {
            (Side::Buy, whole(anchor - self.half_spread) - out - self.skew[0] - leaned(Side::Buy))
        } else {
            (Side::Sell, -whole(-(anchor + self.half_spread)) + out + self.skew[1] + leaned(Side::Sell))
        }
    }
}

/// The slots of a side.
fn slots(side: Side) -> std::ops::Range<usize> {
    match side {
        Side::Buy => 0..LEVELS,
        Side::Sell => LEVELS..2 * LEVELS,
    }
}

impl Market {
    /// Each maker compares the fair value with its anchor.
    pub(super) fn makers_look(&mut self) {
        for i in 0..MAKERS {
            let maker = &self.makers[i];
            if self.now < maker.busy_until {
                continue;
            }
            let away = maker.anchor.is_some_and(|anchor| (self.fair.ticks() - anchor).abs() >= maker.tolerance);
            if away {
                let delay = self.dice.span(AFTER_DRIFT.0, AFTER_DRIFT.1);
                self.requote(i, delay);
            } else if maker.held_off {
                self.makers[i].held_off = false;
                self.visit(i, 0..2 * LEVELS, Span::ZERO, BATCHED);
            }
        }
    }

    /// Each maker re-quotes everything, whatever it is doing.
    pub(super) fn makers_react(&mut self) {
        for i in 0..MAKERS {
            let delay = self.dice.span(AFTER_JUMP.0, AFTER_JUMP.1);
            self.requote(i, delay);
        }
    }

    /// A maker takes the fair value as its anchor and moves all quotes there.
    pub(super) fn requote(&mut self, i: usize, delay: Span) {
        let fair = self.fair.ticks();
        let maker = &mut self.makers[i];
        let rising = maker.anchor.is_some_and(|anchor| fair > anchor);
        maker.anchor = Some(fair);
        maker.skew = [0; 2];
        let pace = if maker.style == Style::Batch { BATCHED } else { PACED };
        if maker.style == Style::Batch {
            self.later(delay, Job::Pull(i));
        }
        // The side that the price runs into goes first, or the other would run into it.
        let (first, second) = if rising { (Side::Sell, Side::Buy) } else { (Side::Buy, Side::Sell) };
        self.visit(i, slots(first).chain(slots(second)), delay, pace);
    }

    fn visit(&mut self, i: usize, slots: impl Iterator<Item = usize>, delay: Span, pace: (Span, Span)) {
        let mut delay = delay;
        for slot in slots {
            delay = Span::from_nanos(delay.nanos() + self.dice.span(pace.0, pace.1).nanos());
            self.makers[i].busy_until = self.later(delay, Job::Quote(i, slot));
        }
    }

    /// All of a maker's quotes go at once.
    pub(super) fn pull_quotes(&mut self, i: usize) {
        for slot in 0..2 * LEVELS {
            if let Some(order) = self.makers[i].slots[slot].take() {
                self.cancel(order, CancelReason::User);
            }
        }
    }

    /// One quote goes where it should be, or as near as somebody's stale order allows: makers never take.
    pub(super) fn quote(&mut self, i: usize, slot: usize) {
        if self.makers[i].retreated && !slot.is_multiple_of(LEVELS) {
            return;
        }
        let (side, target) = self.makers[i].target(slot, self.fair.ticks(), self.lean);
        let price = match (side, self.book.best(side.opposite())) {
            (Side::Buy, Some(ask)) => target.min(ask - 1),
            (Side::Sell, Some(bid)) => target.max(bid + 1),
            (Side::Buy | Side::Sell, None) => target,
        };
        let lots = self.quoted_lots(i, slot);
        let maker = &mut self.makers[i];
        maker.held_off |= price != target;
        let (account, style) = (maker.account, maker.style);
        let live = maker.slots[slot].and_then(|order| Some((order, *self.book.get(order)?)));
        match live {
            Some((_, resting)) if resting.price == price => {}
            Some((order, _)) if style == Style::Replace => {
                self.book.cancel(order);
                self.book.rest(order, Resting { account, side, price, lots });
                self.tape.replaced(self.now, account, order, price, lots);
            }
            live => {
                if let Some((order, _)) = live {
                    self.cancel(order, CancelReason::User);
                }
                let entry = Entry { account, side, price: Some(price), lots, how: How::PostOnly };
                self.makers[i].slots[slot] = self.submit(&entry);
            }
        }
    }

    /// How much a maker shows in a slot.
    fn quoted_lots(&self, i: usize, slot: usize) -> i64 {
        let maker = &self.makers[i];
        let leaned = self.lean.is_some_and(|side| slots(side).contains(&slot));
        match (maker.retreated, leaned) {
            (true, _) => (maker.lots / thin::MAKER_SHARE).max(1),
            (false, true) => maker.lots * LEANED_SIZE.0 / LEANED_SIZE.1,
            (false, false) => maker.lots,
        }
    }

    /// An account's resting order was used up; if it is a maker's, its quote comes back.
    pub(super) fn maker_filled(&mut self, account: u32, side: Side) {
        let Some(i) = self.makers.iter().position(|maker| maker.account == account) else { return };
        let delay = self.dice.span(AFTER_FILL.0, AFTER_FILL.1);
        if self.dice.chance(STAND_BACK) {
            self.later(delay, Job::StandBack(i, side));
            return;
        }
        for slot in slots(side) {
            let gone = self.makers[i].slots[slot].is_none_or(|order| self.book.get(order).is_none());
            if gone {
                self.later(delay, Job::Quote(i, slot));
            }
        }
    }

    /// A maker moves one side away by a tick.
    pub(super) fn stand_back(&mut self, i: usize, side: Side) {
        let skew = &mut self.makers[i].skew[side as usize];
        *skew = (*skew + 1).min(SKEW_MAX);
        self.visit(i, slots(side), Span::ZERO, BATCHED);
    }
}
