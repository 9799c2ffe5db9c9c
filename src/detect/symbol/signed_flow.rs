//! The signed flow of a symbol's trades: what aggressors buy less what they sell within ten seconds, against what is usual.
//!
//! A trade without an aggressor (an auction's) has no direction and is not counted, so a feed that never states the side has no
//! signed flow, and its symbols take no part in the market's statistic.

use serde::{Deserialize, Serialize};

use crate::{detect::SLOT, event::Side, time::EventTime};

/// Slots in the mean of the usual excess: an hour, as long as the burst statistic remembers how trades cluster (DETECTION 2.1).
const MEMORY: f64 = 360.0;
/// Slots before there is a score: 15 min (DETECTION 6).
const JUDGED_FROM: f64 = 90.0;
/// A slot teaches at most this many scales, or one block trade would hide the next hour (DETECTION 2.3).
const CLIP: f64 = 4.0;
/// Slots after which clipping begins: before that the scale is far off.
const CLIPPED_FROM: f64 = 30.0;
/// The factor from a mean absolute value to the standard deviation of a normal law: √(π/2).
const MEAN_ABS_TO_SD: f64 = 1.2533;
/// The least scale, in median trades: where hardly anybody trades, one ordinary trade is an ordinary excess.
const SCALE_MIN: f64 = 1.0;
/// The most empty slots that are learned one by one; a longer silence was not quiet but closed, or not seen.
const EMPTY_MAX: i64 = 30;

/// The signed flow of one symbol.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SignedFlow {
    /// The slot under way; `None` before the first trade with a side.
    slot: Option<i64>,
    /// Its excess so far, in median trades.
    excess: f64,
    /// The mean of the absolute excess, and the slots learned.
    mean: f64,
    slots: f64,
    /// The scores of the slots that are over, since they were last taken.
    score: f64,
}

impl SignedFlow {
    /// Counts a trade of so many median trades. One that is older than the slot under way is counted in it.
    pub fn add(&mut self, at: EventTime, side: Side, median_trades: f64) {
        self.advance(at);
        self.excess += match side {
            Side::Buy => median_trades,
            Side::Sell => -median_trades,
        };
    }

    /// The score of the slots that are over by a time since it was last taken, between −1 and 1; `None` while too little is
    /// known.
    pub fn take(&mut self, at: EventTime) -> Option<f64> {
        self.slot?;
        self.advance(at);
        let score = std::mem::take(&mut self.score).clamp(-1.0, 1.0);
        (self.slots >= JUDGED_FROM).then_some(score)
    }

    /// Handles a gap: the slot in which the feed sees again begins anew.
    pub fn gap(&mut self, until: EventTime) {
        self.slot = self.slot.map(|slot| slot.max(until.slot(SLOT)));
        self.excess = 0.0;
    }

    fn advance(&mut self, at: EventTime) {
        let now = at.slot(SLOT);
        let slot = *self.slot.get_or_insert(now);
        if now <= slot {
            return;
        }
        self.close();
        for _ in 1..(now - slot).min(EMPTY_MAX) {
            self.close();
        }
        self.slot = Some(now);
    }

    /// Judges the slot under way by those before it, then learns it.
    fn close(&mut self) {
        let excess = std::mem::take(&mut self.excess);
        let scale = (MEAN_ABS_TO_SD * self.mean).max(SCALE_MIN);
        self.score += (excess / scale).clamp(-1.0, 1.0);
        let limit = if self.slots >= CLIPPED_FROM { CLIP * scale } else { f64::INFINITY };
        let gain = (1.0 / (self.slots + 1.0)).max(1.0 / MEMORY);
        self.mean += (excess.abs().min(limit) - self.mean) * gain;
        self.slots += 1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    fn at(second: i64) -> EventTime {
        EventTime::from_nanos(0).plus(Span::from_secs(second))
    }

    /// A flow that has traded for 15 minutes, ten median trades a slot, in turn bought and sold.
    fn usual() -> SignedFlow {
        let mut flow = SignedFlow::default();
        for slot in 0..90 {
            let side = if slot % 2 == 0 { Side::Buy } else { Side::Sell };
            assert_eq!(flow.take(at(slot * 10)), None);
            flow.add(at(slot * 10 + 3), side, 10.0);
        }
        flow.take(at(910)).unwrap();
        flow
    }

    #[test]
    fn an_excess_counts_by_its_side_and_at_most_as_one_ordinary_excess() {
        let mut flow = usual();
        flow.add(at(912), Side::Sell, 2.5);
        let small = flow.take(at(920)).unwrap();
        assert!((-0.25..-0.15).contains(&small), "{small}");
        flow.add(at(921), Side::Buy, 1_000.0);
        assert_eq!(flow.take(at(930)).map(f64::to_bits), Some(1.0_f64.to_bits()));
    }

    #[test]
    fn what_is_bought_and_sold_alike_is_no_excess() {
        let mut flow = usual();
        flow.add(at(912), Side::Sell, 500.0);
        flow.add(at(913), Side::Buy, 500.0);
        assert_eq!(flow.take(at(920)).map(f64::to_bits), Some(0.0_f64.to_bits()));
    }

    #[test]
    fn a_score_is_taken_once() {
        let mut flow = usual();
        flow.add(at(912), Side::Buy, 50.0);
        assert!(flow.take(at(920)).unwrap() > 0.9);
        assert!(flow.take(at(930)).unwrap().abs() < 1e-9);
    }
}
