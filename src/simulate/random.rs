//! Random numbers: seeded streams, and the few distributions that the simulator draws from.
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
pub(super) struct RandomStream(ChaCha8Rng);

impl RandomStream {
    /// Opens stream `stream` of `seed`; streams of one seed are independent.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    /// Opens an independent stream, seeded from this one.
    pub(super) fn fork(&mut self) -> Self {
        Self(ChaCha8Rng::seed_from_u64(self.0.next_u64()))
    }

    /// Draws uniformly from the open interval (0, 1), so that the draw's logarithm is finite.
    pub(super) fn uniform(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
        ((self.0.next_u64() >> 11) as f64 + 0.5) * STEP
    }

    /// Returns true with probability `p`.
    pub(super) fn chance(&mut self, p: f64) -> bool {
        self.uniform() < p
    }

    /// Draws a whole number uniformly from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + floor(self.uniform() * (high - low + 1) as f64).min(high - low)
    }

    /// Draws a span uniformly from `low` to `high`, both included.
    pub(super) fn span(&mut self, low: Span, high: Span) -> Span {
        Span::from_nanos(self.between(low.nanos(), high.nanos()))
    }

    /// Draws from the exponential distribution with mean 1.
    pub(super) fn exponential(&mut self) -> f64 {
        -math::ln(self.uniform())
    }

    /// Draws the time to the next event of a Poisson process.
    pub(super) fn poisson_wait(&mut self, per_sec: f64) -> Span {
        secs(self.exponential() / per_sec)
    }

    /// Draws from a Pareto distribution that begins at 1 and has this tail index, rounded down, at most `max`.
    pub(super) fn pareto(&mut self, index: f64, max: i64) -> i64 {
        floor(math::pow(self.uniform(), -1.0 / index).min(max as f64))
    }

    /// Draws from the standard normal distribution by Marsaglia's polar method, which needs no sine.
    pub(super) fn normal(&mut self) -> f64 {
        loop {
            let (x, y) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
            let square = x * x + y * y;
            if square < 1.0 && square > 0.0 {
                return x * (-2.0 * math::ln(square) / square).sqrt();
            }
        }
    }
}

/// Converts a number of seconds to a span of at least a nanosecond, so that time moves on, and at most a year.
pub(super) fn secs(secs: f64) -> Span {
    const YEAR: f64 = 3.2e7;
    Span::from_nanos(floor(secs.clamp(0.0, YEAR) * NANOS_PER_SEC as f64).max(1))
}

/// Returns the greatest whole number not above `x`, which is known to fit.
#[expect(clippy::cast_possible_truncation, reason = "draws are far below 2^53, and a float cast saturates")]
pub(super) fn floor(x: f64) -> i64 {
    x.floor() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_one_seed_differ_and_repeat() {
        let draw = |stream| RandomStream::new(7, stream).uniform().to_bits();
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn draws_have_their_moments() {
        let mut rng = RandomStream::new(1, 0);
        let n = 100_000;
        let (mut exponential, mut normal, mut square) = (0.0, 0.0, 0.0);
        for _ in 0..n {
            exponential += rng.exponential();
            let z = rng.normal();
            normal += z;
            square += z * z;
        }
        let n = f64::from(n);
        assert!((exponential / n - 1.0).abs() < 0.02);
        assert!((normal / n).abs() < 0.02);
        assert!((square / n - 1.0).abs() < 0.03);
    }

    #[test]
    fn both_ends_of_a_range_are_drawn() {
        let mut rng = RandomStream::new(2, 0);
        let draws: Vec<i64> = (0..1000).map(|_| rng.between(-1, 2)).collect();
        assert_eq!((draws.iter().min(), draws.iter().max()), (Some(&-1), Some(&2)));
    }
}
