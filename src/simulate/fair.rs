//! The latent fair value that makers quote around: a slow drift with jumps, in ticks.
//!
//! An Ornstein–Uhlenbeck walk: in minutes it is a plain random walk, over hours it is drawn back to the reference, so that
//! no length of run leaves the range of prices. Jumps come on top, heavy-tailed, as news.

use super::dice::Dice;
use crate::time::Span;

/// Standard deviation of one second's drift, in ticks: with a tick of 1 bp about 28 % a year.
const DRIFT_TICKS: f64 = 0.5;
/// How strongly the reference draws, per second: a time constant of four hours.
const PULL_PER_SEC: f64 = 1.0 / 14_400.0;
/// Smallest and greatest jump, and the tail index between.
const JUMP_TICKS: (i64, i64) = (6, 20);
const JUMP_INDEX: f64 = 2.5;

/// A symbol's fair value.
#[derive(Clone, Debug)]
pub(super) struct Fair {
    reference: f64,
    ticks: f64,
}

impl Fair {
    /// A fair value at its reference.
    pub(super) fn new(reference_ticks: i64) -> Self {
        Self { reference: reference_ticks as f64, ticks: reference_ticks as f64 }
    }

    /// The value now, in ticks.
    pub(super) fn ticks(&self) -> f64 {
        self.ticks
    }

    /// Lets time pass.
    pub(super) fn drift(&mut self, by: Span, dice: &mut Dice) {
        let secs = by.secs_f64();
        self.ticks += (self.reference - self.ticks) * PULL_PER_SEC * secs + DRIFT_TICKS * secs.sqrt() * dice.normal();
    }

    /// Moves it by some ticks.
    pub(super) fn jump(&mut self, ticks: i64) {
        // Half the reference is never reached in practice; the bound keeps prices positive by construction.
        self.ticks = (self.ticks + ticks as f64).clamp(self.reference * 0.5, self.reference * 1.5);
    }
}

/// The size of an ordinary jump, with its sign.
pub(super) fn ordinary_jump(dice: &mut Dice) -> i64 {
    let size = JUMP_TICKS.0 - 1 + dice.pareto(JUMP_INDEX, JUMP_TICKS.1 - JUMP_TICKS.0 + 1);
    if dice.chance(0.5) { size } else { -size }
}
