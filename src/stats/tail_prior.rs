//! The assumptions about the tail of block maxima, and what the subjects of one feed show each other of theirs.
//!
//! A level lies so far out that a subject needs days to learn its tail's index alone, and both errors cost: with the index of
//! simulated flow a young symbol of real flow opens five tickets a day, with that of real flow a young symbol of simulated
//! flow misses half of its bursts. Symbols of one venue are alike in this, so their exceedances are pooled: a hundred symbols
//! know the index within the hour.

use serde::{Deserialize, Serialize};

/// Exceedances that the index of a tail remembers (DETECTION 2.1).
pub(super) const INDEX_MEMORY: f64 = 200.0;
/// The most that the exceedances of others weigh against a subject's own, of which as many as [`INDEX_MEMORY`] count: half. Symbols
/// are alike, and not the same.
const OTHERS_MAX: f64 = 0.5 * INDEX_MEMORY;
/// The exceedances at which a pool forgets half of them, so that it follows a market that changes: those of a hundred symbols in
/// a working day.
const POOLED_MAX: f64 = 2_400.0;

/// The assumption about a tail's index before the subject has shown its own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prior {
    /// The Pareto index.
    pub(super) index: f64,
    /// The weight of that index, in exceedances.
    pub(super) weight: f64,
}

impl Prior {
    /// The reference's (DETECTION 2.1).
    pub(super) const REFERENCE: Self = Self::of(0.3, 20.0);
    const fn of(index: f64, weight: f64) -> Self {
        Self { index, weight }
    }

    /// The tail that others have shown: as much as an index ever remembers.
    pub(super) const fn of_others(index: f64) -> Self {
        Self::of(index, INDEX_MEMORY)
    }
}

/// The assumptions about the tails of a scan and of the CUSUM beside it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Priors {
    /// The assumption about the scan.
    pub(crate) scan: Prior,
    /// The assumption about the CUSUM. A run adds up, so its sums differ less than its scores.
    pub(crate) cusum: Prior,
}

impl Priors {
    /// A symbol's withdrawals: the reference's index. There is no public flow of cancels by which to know better. The CUSUM is what
    /// finds a burst on a young symbol, so it begins between real and simulated flow, and unlearns sooner.
    pub(crate) const CANCELS: Self = Self { scan: Prior::of(0.3, 40.0), cusum: Prior::of(0.25, 30.0) };
    /// A symbol's trades. The far tail of real trades, and of the flow that imitates it in tests, has .45 to .55 between one minute
    /// in a hundred and one in ten thousand, and that of their CUSUM .3 to .4; simulated flow has .15 for both. The CUSUM begins
    /// between them, as that of withdrawals: with .35 half of the ten-fold bursts on simulated symbols of two hours were missed.
    pub(crate) const TRADES: Self = Self { scan: Prior::of(0.45, 40.0), cusum: Prior::of(0.25, 30.0) };
}

/// The tails of the other subjects of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Others {
    index: f32,
    weight: f32,
}

impl Others {
    /// Nothing is known of others.
    pub(super) const NONE: Self = Self { index: 0.0, weight: 0.0 };

    /// The Pareto index that they have shown.
    pub(super) fn index(self) -> f64 {
        self.index.into()
    }

    /// The exceedances that the index is worth.
    pub(super) fn weight(self) -> f64 {
        self.weight.into()
    }
}

/// Exceedances of the .95 quantile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Exceedances {
    /// How many there were.
    pub(super) count: f64,
    /// The sum of their logarithms, in .95 quantiles. Its mean is the estimate of a Pareto index (Hill).
    pub(super) sum: f64,
}

impl Exceedances {
    /// Counts one more.
    pub(super) fn add(&mut self, over: f64) {
        *self = self.plus(Self { count: 1.0, sum: over });
    }

    fn plus(self, other: Self) -> Self {
        Self { count: self.count + other.count, sum: self.sum + other.sum }
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self { count: (self.count - other.count).max(0.0), sum: (self.sum - other.sum).max(0.0) }
    }

    /// The exceedances as an assumption about someone else's tail.
    #[expect(clippy::cast_possible_truncation, reason = "an estimate of three digits, in half the memory")]
    fn assumption(self) -> Others {
        if self.count < 1.0 {
            return Others::NONE;
        }
        Others { index: (self.sum / self.count) as f32, weight: self.count.min(OTHERS_MAX) as f32 }
    }
}

/// The exceedances of one statistic that the subjects of a feed have shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pool {
    all: Exceedances,
}

impl Pool {
    /// Adds what a subject has shown since it last did (`new`), of `own` in all. Returns what the others have shown. A pool that
    /// has forgotten some counts less for the others than there was, never more.
    pub(super) fn exchange(&mut self, new: Exceedances, own: Exceedances) -> Others {
        self.all = self.all.plus(new);
        if self.all.count > POOLED_MAX {
            self.all = Exceedances { count: 0.5 * self.all.count, sum: 0.5 * self.all.sum };
        }
        self.all.minus(own).assumption()
    }
}

/// The pools of a window's two statistics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pools {
    /// The pool of the scans.
    pub(crate) scan: Pool,
    /// The pool of the CUSUMs.
    pub(crate) cusum: Pool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_shown_what_the_others_have_shown_and_not_its_own() {
        let mut pool = Pool::default();
        let own = |count: f64, index: f64| Exceedances { count, sum: count * index };
        assert_eq!(pool.exchange(own(10.0, 0.5), own(10.0, 0.5)), Others::NONE);
        assert_eq!(pool.exchange(own(30.0, 0.25), own(30.0, 0.25)), Others { index: 0.5, weight: 10.0 });
        assert_eq!(pool.exchange(own(0.0, 0.0), own(10.0, 0.5)), Others { index: 0.25, weight: 30.0 });
    }

    #[test]
    fn a_pool_follows_a_market_that_changes() {
        let mut pool = Pool::default();
        let mut shown = |index: f64| {
            let new = Exceedances { count: 100.0, sum: 100.0 * index };
            (0..200).map(|_| pool.exchange(new, Exceedances::default())).last().expect("some")
        };
        assert!((shown(0.5).index() - 0.5).abs() < 1e-9);
        let after = shown(0.2);
        assert!((after.index() - 0.2).abs() < 1e-3, "{after:?}");
        assert_eq!(after.weight().to_bits(), OTHERS_MAX.to_bits());
    }
}
