//! What parties of one size have in common: the rate, the clustering and the extremes of those that have a full window.
//!
//! A party is promoted in the middle of what may be its first burst, and a window that knows nothing is blind for 91 s. So it begins
//! with what others of its tier (the decade of its events in 24 h) are like (DETECTION 2.1, "A promoted window starts warm"). A
//! member teaches its tier once it knows itself for a quarter of an hour, and then every ten minutes while it goes on; what it has
//! from its tier and not unlearned by then it tells it back.
//!
//! Before the first lesson the first burst of a party that is not ten seconds old cannot be told from its habit.

use serde::{Deserialize, Serialize};

use super::{BORROWED_SECONDS, Calibrated, Light, SECONDS, Warm};
use crate::time::{EventTime, Span};

/// The fewest seconds that a pace is taken from.
const OBSERVED_MIN: f64 = 5.0;
/// How often a member teaches.
pub const TEACH_EVERY: Span = Span::from_secs(600);
/// Seconds of its own that a member has learned before it teaches.
const OWN_MIN: u64 = 900;
/// Lessons that a tier remembers: some ten hours of one member, or a few lessons of each of many.
const LESSONS: u32 = 64;
/// The Fano factor before any lesson where there is no symbol whose factors serve (DETECTION 2.1), as for an account on all of
/// them: that of the flow that DETECTION 2.1 measures on (Hawkes, n = .6: 1/(1 − n)²).
const FANO: f64 = 6.25;
/// The .95 quantile of block maxima and the Pareto index before any lesson (DETECTION 2.1).
const TAIL: (f64, f64) = (8.0, 0.3);

/// One tier.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tier {
    /// When its first member was promoted: the cold start is the tier's.
    since: Option<EventTime>,
    lessons: u32,
    rate: f64,
    factors: [f64; SECONDS.len()],
    tail: (f64, f64),
}

impl Default for Tier {
    fn default() -> Self {
        Self { since: None, lessons: 0, rate: 0.0, factors: [FANO; SECONDS.len()], tail: TAIL }
    }
}

impl Tier {
    /// What a member begins with: its own rate, shrunk to the tier's. Before any lesson it is held to have come at its own pace
    /// for ever, and to cluster as its symbol does.
    pub fn warm(
        &mut self,
        light: &Light,
        times: Vec<EventTime>,
        at: EventTime,
        of_symbol: Option<[f64; SECONDS.len()]>,
    ) -> Warm {
        let since = *self.since.get_or_insert(at);
        let (events, seconds) = light.rate();
        let usual = if self.lessons > 0 { self.rate } else { events / seconds.max(OBSERVED_MIN) };
        let rate = (events + BORROWED_SECONDS * usual) / (seconds + BORROWED_SECONDS);
        let age = u64::try_from(at.since(since).nanos() / Span::SECOND.nanos()).unwrap_or(0);
        let factors = of_symbol.filter(|_| self.lessons == 0).unwrap_or(self.factors);
        Warm { rate, factors, tail: self.tail, age, own: seconds, times }
    }

    /// Learns from a member, if that knows itself.
    pub fn learn(&mut self, member: &Calibrated) {
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
