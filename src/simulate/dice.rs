//! Random numbers: one seeded stream, and the few distributions that the agents draw from.
//!
//! `ChaCha8` gives the same numbers on every machine and cheap independent streams of one seed; the distributions use the
//! portable functions of `stats::math` only.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use crate::{
    stats::math,
    time::{NANOS_PER_SEC, Span},
};

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    /// Stream `stream` of `seed`; streams of one seed are independent.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    /// An independent stream, seeded from this one.
    pub(super) fn fork(&mut self) -> Self {
        Self(ChaCha8Rng::seed_from_u64(self.0.next_u64()))
    }

    /// Uniform in the open interval (0, 1), so that its logarithm is finite.
    pub(super) fn unit(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
        ((self.0.next_u64() >> 11) as f64 + 0.5) * STEP
    }

    /// True with this probability.
    pub(super) fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Uniform from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + whole(self.unit() * (high - low + 1) as f64).min(high - low)
    }

    /// Uniform from `low` to `high`.
    pub(super) fn span(&mut self, low: Span, high: Span) -> Span {
        Span::from_nanos(self.between(low.nanos(), high.nanos()))
    }

    /// Exponential with mean 1.
    pub(super) fn exponential(&mut self) -> f64 {
        -math::ln(self.unit())
    }

    /// Time to the next event of a Poisson process.
    pub(super) fn wait(&mut self, per_sec: f64) -> Span {
        secs(self.exponential() / per_sec)
    }

    /// Pareto from 1 on with this tail index, whole and at most `max`.
    pub(super) fn pareto(&mut self, index: f64, max: i64) -> i64 {
        whole(math::pow(self.unit(), -1.0 / index).min(max as f64))
    }

    /// Standard normal, by Marsaglia's polar method: it needs no sine.
    pub(super) fn normal(&mut self) -> f64 {
        loop {
            let (x, y) = (2.0 * self.unit() - 1.0, 2.0 * self.unit() - 1.0);
            let square = x * x + y * y;
            if square < 1.0 && square > 0.0 {
                return x * (-2.0 * math::ln(square) / square).sqrt();
            }
        }
    }
}

/// A span of real seconds, at least a nanosecond so that time moves on, at most a year.
pub(super) fn secs(secs: f64) -> Span {
    const YEAR: f64 = 3.2e7;
    Span::from_nanos(whole(secs.clamp(0.0, YEAR) * NANOS_PER_SEC as f64).max(1))
}

/// The whole part of a number that is known to fit.
#[expect(clippy::cast_possible_truncation, reason = "draws are far below 2^53, and a float cast saturates")]
pub(super) fn whole(x: f64) -> i64 {
    x.floor() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_one_seed_differ_and_repeat() {
        let draw = |stream| Dice::new(7, stream).unit().to_bits();
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn draws_have_their_moments() {
        let mut dice = Dice::new(1, 0);
        let n = 100_000;
        let (mut exponential, mut normal, mut square) = (0.0, 0.0, 0.0);
        for _ in 0..n {
            exponential += dice.exponential();
            let z = dice.normal();
            normal += z;
            square += z * z;
        }
        let n = f64::from(n);
        assert!((exponential / n - 1.0).abs() < 0.02);
        assert!((normal / n).abs() < 0.02);
        assert!((square / n - 1.0).abs() < 0.03);
    }

    #[test]
    fn both_ends_of_a_range_come_up() {
        let mut dice = Dice::new(2, 0);
        let draws: Vec<i64> = (0..1000).map(|_| dice.between(-1, 2)).collect();
        assert_eq!((draws.iter().min(), draws.iter().max()), (Some(&-1), Some(&2)));
    }
}
