//! The latent fair value that makers quote around: a slow drift with jumps, in ticks.
//!
//! The drift is an Ornstein–Uhlenbeck process: over minutes a plain random walk, over hours drawn back to the reference, so
//! that prices stay in range however long the run. Jumps with a heavy tail are added to it, as news.

use super::random::RandomStream;
use crate::time::Span;

/// Standard deviation of one second's drift, in ticks: with a tick of 1 bp about 28 % a year.
const DRIFT_TICKS: f64 = 0.5;
/// How strongly the value reverts to the reference, per second: a time constant of four hours.
const REVERSION_PER_SEC: f64 = 1.0 / 14_400.0;
/// The price at which falls end, in ticks: after some hundred build-ups the tick would be too coarse to quote.
const REFERENCE_MIN: f64 = 2_000.0;
/// Smallest and greatest ordinary jump, in ticks.
const JUMP_TICKS: (i64, i64) = (6, 20);
/// Tail index of the sizes of ordinary jumps.
const JUMP_INDEX: f64 = 2.5;

/// A symbol's fair value.
#[derive(Clone, Debug)]
pub(super) struct FairValue {
    reference: f64,
    ticks: f64,
}

impl FairValue {
    /// A fair value at its reference.
    pub(super) fn new(reference_ticks: i64) -> Self {
        Self { reference: reference_ticks as f64, ticks: reference_ticks as f64 }
    }

    /// The value now, in ticks.
    pub(super) fn ticks(&self) -> f64 {
        self.ticks
    }

    /// Moves the value as time passes.
    pub(super) fn drift(&mut self, elapsed: Span, rng: &mut RandomStream) {
        let secs = elapsed.secs_f64();
        let reversion = (self.reference - self.ticks) * REVERSION_PER_SEC * secs;
        self.ticks += reversion + DRIFT_TICKS * secs.sqrt() * rng.normal();
    }

    /// Moves the value by some tenths of a basis point, and with it the reference: what moves a market for minutes is no noise that
    /// prices return from.
    pub(super) fn shift(&mut self, tenths_of_bps: i64) {
        let factor = 1.0 + tenths_of_bps as f64 / 1e5;
        if self.reference * factor >= REFERENCE_MIN {
            (self.ticks, self.reference) = (self.ticks * factor, self.reference * factor);
        }
    }

    /// Moves the value by some ticks at once.
    pub(super) fn jump(&mut self, ticks: i64) {
        // Half the reference is never reached in practice; the bound keeps prices positive by construction.
        self.ticks = (self.ticks + ticks as f64).clamp(self.reference * 0.5, self.reference * 1.5);
    }
}

/// Draws an ordinary jump, in ticks with its sign.
pub(super) fn ordinary_jump(rng: &mut RandomStream) -> i64 {
    let size = JUMP_TICKS.0 - 1 + rng.pareto(JUMP_INDEX, JUMP_TICKS.1 - JUMP_TICKS.0 + 1);
    if rng.chance(0.5) { size } else { -size }
}
