//! A tier: the rate, the clustering and the extremes that parties of one size with a full window have in common.
//!
//! A party is promoted to a full window in the middle of what may be its first burst, and an empty window judges
//! nothing for 91 s. So a new member begins with the averages of its tier: the parties with the same decade of events
//! in 24 h (DETECTION 2.1, "A promoted window starts warm"). A member teaches its tier once it has learned a quarter of
//! an hour of its own, and then every ten minutes while it is active. Part of what a member teaches may be what it
//! borrowed from its tier.
//!
//! Before a tier's first lesson, the first burst of a party younger than ten seconds cannot be distinguished from its
//! usual rate.

use serde::{Deserialize, Serialize};

use super::{BORROWED_SECONDS, Calibrated, Light, SECONDS, Warm};
use crate::time::{EventTime, Span};

/// The fewest seconds that a party's own rate is divided by, because a shorter observation says little.
const OBSERVED_MIN: f64 = 5.0;
/// How often a member teaches its tier.
pub(crate) const TEACH_EVERY: Span = Span::from_secs(600);
/// Seconds of its own that a member must have learned before it teaches.
const OWN_MIN: u64 = 900;
/// Lessons that a tier remembers: some ten hours of one member, or a few lessons from each of many.
const LESSONS: u32 = 64;
/// The Fano factor before any lesson, where no symbol provides one, as for an account on all symbols. It is that of the
/// flow on which DETECTION 2.1 was measured (Hawkes, n = .6: 1/(1 − n)²).
const FANO: f64 = 6.25;
/// The .95 quantile of block maxima and the Pareto index before any lesson (DETECTION 2.1).
const TAIL: (f64, f64) = (8.0, 0.3);

/// The averages of one tier.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tier {
    /// When the first member was promoted. The rules of the cold start count from here, for all members.
    since: Option<EventTime>,
    lessons: u32,
    /// Events per second.
    rate: f64,
    /// Fano factors by window.
    factors: [f64; SECONDS.len()],
    /// The .95 quantile of the block maxima of scans, and the Pareto index above it.
    tail: (f64, f64),
}

impl Default for Tier {
    fn default() -> Self {
        Self { since: None, lessons: 0, rate: 0.0, factors: [FANO; SECONDS.len()], tail: TAIL }
    }
}

impl Tier {
    /// Returns the start of a member that is promoted at `at`: its own rate, shrunk to that of the tier. Before any
    /// lesson, the party's own rate stands in for that of the tier, and the Fano factors of its symbol for the tier's where they
    /// are lower: a symbol's flow also has the orders that makers move, which come in storms and are no withdrawals.
    pub(crate) fn warm(
        &mut self,
        light: &Light,
        times: Vec<EventTime>,
        at: EventTime,
        symbol_factors: Option<[f64; SECONDS.len()]>,
    ) -> Warm {
        let since = *self.since.get_or_insert(at);
        let (events, seconds) = light.rate();
        let tier_rate = if self.lessons > 0 { self.rate } else { events / seconds.max(OBSERVED_MIN) };
        let rate = (events + BORROWED_SECONDS * tier_rate) / (seconds + BORROWED_SECONDS);
        let age = u64::try_from(at.since(since).nanos() / Span::SECOND.nanos()).unwrap_or(0);
        let mut factors = self.factors;
        if let Some(of_symbol) = symbol_factors.filter(|_| self.lessons == 0) {
            factors.iter_mut().zip(of_symbol).for_each(|(factor, of_symbol)| *factor = factor.min(of_symbol));
        }
        Warm { rate, factors, tail: self.tail, age, own: seconds, times }
    }

    /// Learns from a member that has learned enough of its own; any other changes nothing.
    pub(crate) fn learn(&mut self, member: &Calibrated) {
        let rate = member.burst().baseline().raw().0;
        if member.own_seconds() < OWN_MIN || !rate.is_finite() {
            return;
        }
        self.lessons = self.lessons.saturating_add(1);
        let weight = 1.0 / f64::from(self.lessons.min(LESSONS));
        let baseline = member.burst().baseline();
        let towards = |known: &mut f64, lesson: f64| *known += (lesson - *known) * weight;
        towards(&mut self.rate, rate);
        self.factors.iter_mut().zip(baseline.factors()).for_each(|(factor, lesson)| towards(factor, lesson));
        if let Some(tail) = member.tails().0.tail() {
            towards(&mut self.tail.0, tail.quantiles().1);
            towards(&mut self.tail.1, tail.index());
        }
    }
}
