//! One market maker: its habits, its quotes, and where they should be.

use std::ops::Range;

use crate::{
    event::Side,
    simulate::random::{RandomStream, floor},
    time::EventTime,
};

/// Makers of a symbol.
pub(super) const MAKERS: usize = 3;
/// Levels that a maker quotes on a side.
pub(super) const LEVELS: usize = 3;
/// Most ticks by which fills widen a side.
const WIDENED_MAX: i64 = 2;
/// A maker that skews its quotes away from a side quotes it this many ticks further out, with this share of its size: a lean
/// that shows in the prices and is no withdrawal.
const SKEW_TICKS: i64 = 2;
const SKEW_SIZE: (i64, i64) = (7, 10);
/// A maker that has withdrawn quotes one level of three with this part of its size: a sixtieth of its usual depth.
const WITHDRAWN_SIZE: i64 = 20;

/// How a maker moves its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// All quotes are cancelled in one batch, then placed in another.
    Batch,
    /// Quotes are moved one after another by `order_replace`.
    Replace,
    /// Quotes are cancelled and placed anew one after another.
    CancelNew,
}

/// One maker with its quotes.
#[derive(Clone, Debug)]
pub(super) struct Maker {
    pub(super) account: u32,
    pub(super) style: Style,
    /// Distance of the nearest quotes from the anchor, in ticks.
    half_spread: f64,
    /// Ticks between two levels.
    gap: i64,
    /// Usual size of a quote.
    lots: i64,
    /// Drift of the fair value that causes no re-quote, in ticks.
    pub(super) tolerance: f64,
    /// The fair value around which the maker quotes: that of its last re-quote.
    pub(super) anchor: Option<f64>,
    /// Ticks by which fills have widened the bids and the asks.
    pub(super) widened: [i64; 2],
    /// Orders of the quotes: bids then asks, nearest first.
    pub(super) slots: [Option<u64>; 2 * LEVELS],
    /// The maker has withdrawn: it shows one small quote a side.
    pub(super) withdrawn: bool,
    /// A stale order of another account kept a quote from its price.
    pub(super) blocked: bool,
    /// Time of the last scheduled update of a quote.
    pub(super) busy_until: EventTime,
}

impl Maker {
    /// Draws a symbol's makers: for each firm one of its two accounts, and habits of its own.
    pub(super) fn draw(rng: &mut RandomStream) -> [Self; MAKERS] {
        let mut firm = 0;
        [Style::Batch, Style::Replace, Style::CancelNew].map(|style| {
            firm += 1;
            Self {
                account: 2 * firm - u32::from(rng.chance(0.5)),
                style,
                half_spread: 1.0 + rng.uniform(),
                gap: rng.between(1, 3),
                lots: rng.between(20, 60),
                tolerance: 2.5 + 1.5 * rng.uniform(),
                anchor: None,
                widened: [0; 2],
                slots: [None; 2 * LEVELS],
                withdrawn: false,
                blocked: false,
                busy_until: EventTime::from_nanos(i64::MIN),
            }
        })
    }

    /// The side and price at which the quote of a slot should be.
    pub(super) fn target(&self, slot: usize, fair: f64, skewed: Option<Side>) -> (Side, i64) {
        let anchor = self.anchor.unwrap_or(fair);
        let out = self.gap * i64::try_from(slot % LEVELS).unwrap_or(0);
        let skew = |side| if skewed == Some(side) { SKEW_TICKS } else { 0 };
        if slot < LEVELS {
            (Side::Buy, floor(anchor - self.half_spread) - out - self.widened[0] - skew(Side::Buy))
        } else {
            (Side::Sell, -floor(-(anchor + self.half_spread)) + out + self.widened[1] + skew(Side::Sell))
        }
    }

    /// The size that the quote of a slot should have.
    pub(super) fn size(&self, slot: usize, skewed: Option<Side>) -> i64 {
        let skewed = skewed.is_some_and(|side| slots(side).contains(&slot));
        match (self.withdrawn, skewed) {
            (true, _) => (self.lots / WITHDRAWN_SIZE).max(1),
            (false, true) => self.lots * SKEW_SIZE.0 / SKEW_SIZE.1,
            (false, false) => self.lots,
        }
    }

    /// Widens one side by a tick, up to the limit.
    pub(super) fn widen(&mut self, side: Side) {
        let widened = &mut self.widened[side as usize];
        *widened = (*widened + 1).min(WIDENED_MAX);
    }
}

/// The slots of a side.
pub(super) fn slots(side: Side) -> Range<usize> {
    match side {
        Side::Buy => 0..LEVELS,
        Side::Sell => LEVELS..2 * LEVELS,
    }
}
