//! The shape of a planted burst of cancels: one account places many small orders, then pulls them all in a few seconds.
//!
//! It is sized to be unmistakable: eight times the ordinary cancels of that time and 350 more. Scored as DETECTION 2.1 does,
//! that is at least 40 nats even on flow with a Fano factor of 8, against thresholds of 13 to 25.

use super::{
    crowd,
    dice::{Dice, secs},
    plan::Plan,
};
use crate::{event::Side, time::Span};

/// A symbol's ordinary cancels per second at density 1, as measured (a test holds it to that).
pub(super) const CANCELS_PER_SEC: f64 = 1.5;
/// How many times the ordinary cancels a burst has, and how many more.
const TIMES_ORDINARY: f64 = 8.0;
const MORE: i64 = 350;
/// Lengths that a burst can have, in seconds.
const LENGTHS: [i64; 6] = [1, 2, 5, 6, 8, 10];

/// How the pulls of a burst are spread over its time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pace {
    /// The k-th of n falls at (k/n)ᵉ of the time: 1 is even, above 1 most come early, below 1 most come late.
    Power(f64),
    /// So many waves with pauses three times as long between.
    Waves(i64),
}

/// A planted burst of cancels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Burst {
    pub(super) account: u32,
    pub(super) side: Side,
    /// How many orders are placed and pulled.
    pub(super) orders: i64,
    /// How long the placing takes; it ends when the pulling begins.
    pub(super) build_up: Span,
    /// How long the pulling takes.
    pub(super) length: Span,
    pub(super) pace: Pace,
}

impl Burst {
    /// A burst of an account of the crowd.
    pub(super) fn draw(plan: &Plan, dice: &mut Dice) -> Self {
        let length = LENGTHS[usize::try_from(dice.between(0, 5)).unwrap_or(0)];
        let ordinary = CANCELS_PER_SEC * plan.density * length as f64;
        let pace = match dice.between(0, 3) {
            0 => Pace::Power(1.0),
            1 => Pace::Power(1.6),
            2 => Pace::Power(0.7),
            _ => Pace::Waves(4),
        };
        Self {
            account: crowd::account(plan.accounts, dice),
            side: if dice.chance(0.5) { Side::Buy } else { Side::Sell },
            orders: super::dice::whole(TIMES_ORDINARY * ordinary) / 4 * 4 + MORE / 4 * 4 + 4,
            build_up: dice.span(Span::from_secs(20), Span::from_secs(40)),
            length: Span::from_secs(length),
            pace,
        }
    }

    /// When the k-th order is placed, counted from the first pull: before it.
    pub(super) fn placed(&self, k: i64) -> Span {
        let to_come = (self.orders - k) as f64 / self.orders as f64;
        Span::from_nanos(-secs(self.build_up.secs_f64() * to_come).nanos())
    }

    /// When the k-th order is pulled, counted from the first pull.
    pub(super) fn pulled(&self, k: i64) -> Span {
        let share = match self.pace {
            Pace::Power(exponent) => crate::stats::math::pow(k as f64 / (self.orders - 1) as f64, exponent),
            Pace::Waves(waves) => {
                let each = self.orders / waves;
                let inside = 0.25 * (k % each) as f64 / (each - 1) as f64;
                ((k / each) as f64 + inside) / ((waves - 1) as f64 + 0.25)
            }
        };
        if k == 0 { Span::ZERO } else { secs(self.length.secs_f64() * share) }
    }
}
