//! Self-exciting arrivals (Hawkes 1971): every arrival makes further ones more likely, for a while and with a long tail.
//!
//! The intensity is λ(t) = μ + Σ φ(t − tᵢ). The kernel φ is a sum of four exponentials whose time constants lie a decade apart and
//! whose shares fall with the time constant: from a tenth of a second to minutes it decays about as t^−1.3, as measured
//! kernels of order flow do (Bacry, Jaisson, Muzy 2016), and costs four multiplications per arrival. Arrivals are drawn by
//! thinning (Ogata 1981): between arrivals the intensity only falls, so its present value is an upper bound.

use super::random::{RandomStream, secs};
use crate::{
    stats::math,
    time::{EventTime, Span},
};

/// Decay per second of each exponential, and its share of the branching ratio.
const KERNEL: [(f64, f64); 4] = [(10.0, 0.4), (1.0, 0.3), (0.1, 0.2), (0.01, 0.1)];

/// A process of arrivals that excite each other.
#[derive(Clone, Debug)]
pub(super) struct Hawkes {
    /// Arrivals per second that no other arrival excited.
    base: f64,
    /// Mean number of arrivals that one arrival excites directly; from 1 on the process would explode.
    branching: f64,
    /// Intensity that past arrivals add, for each exponential, as of `at`.
    excited: [f64; KERNEL.len()],
    at: EventTime,
}

impl Hawkes {
    /// Arrivals with this mean rate in the long run; the process starts without any past arrival.
    pub(super) fn new(mean_per_sec: f64, branching: f64, at: EventTime) -> Self {
        Self { base: mean_per_sec * (1.0 - branching), branching, excited: [0.0; KERNEL.len()], at }
    }

    /// Draws the next arrival after the last one, and counts it as having happened.
    pub(super) fn next(&mut self, rng: &mut RandomStream) -> EventTime {
        loop {
            let bound = self.intensity();
            self.decay(secs(rng.exponential() / bound));
            if rng.chance(self.intensity() / bound) {
                self.excite(1.0);
                return self.at;
            }
        }
    }

    /// Raises the intensity as this many arrivals at the current time would.
    pub(super) fn excite(&mut self, arrivals: f64) {
        for (excited, (decay, share)) in self.excited.iter_mut().zip(KERNEL) {
            *excited += arrivals * self.branching * share * decay;
        }
    }

    fn intensity(&self) -> f64 {
        self.base + self.excited.iter().sum::<f64>()
    }

    fn decay(&mut self, by: Span) {
        self.at = self.at.plus(by);
        for (excited, (decay, _)) in self.excited.iter_mut().zip(KERNEL) {
            *excited *= math::exp(-decay * by.secs_f64());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_rate_is_the_one_asked_for_and_counts_are_clustered() {
        let (mut rng, start) = (RandomStream::new(3, 0), EventTime::from_nanos(0));
        let mut hawkes = Hawkes::new(2.0, 0.6, start);
        let seconds: usize = 40_000;
        let mut counts = vec![0.0_f64; seconds / 10];
        while let Some(count) =
            usize::try_from(hawkes.next(&mut rng).slot(Span::from_secs(10))).ok().and_then(|slot| counts.get_mut(slot))
        {
            *count += 1.0;
        }
        let n = counts.len() as f64;
        let mean = counts.iter().sum::<f64>() / n;
        let variance = counts.iter().map(|c| (c - mean) * (c - mean)).sum::<f64>() / n;
        assert!((18.0..22.0).contains(&mean), "{mean} in 10 s");
        assert!((2.0..6.25).contains(&(variance / mean)), "Fano {}: between Poisson and its limit", variance / mean);
    }
}
