//! The level of a window in its cold start, before it has levels of its own.
//!
//! DETECTION 6 has absolute rules for a cold start: nothing below 25 nats. Flow with the tail of real trades passes that
//! twenty times a day, so the scan must also stand out from everything that the window has shown so far.

use serde::{Deserialize, Serialize};

use crate::time::{EventTime, Span};

/// The least level of a subject in its cold start, and of one whose market has just reopened, in nats (DETECTION 6).
pub(crate) const COLD_LEVEL: f64 = 25.0;
/// How far above everything that a window has shown so far its scan must be before it has levels of its own. With the tail of real
/// trades (an index of .5) a minute exceeds five times the greatest of n minutes before it once in 25 (n + 1).
const FACTOR: f64 = 5.0;
const MINUTE: Span = Span::from_secs(60);

/// The greatest scans of a window without levels of its own, by the minute, without those that were reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Cold {
    /// The number of the newest minute.
    minute: i64,
    /// The greatest scan of that minute.
    newest: f64,
    /// The greatest scan of the minute before. It does not count yet: a burst that has just begun may have been in it.
    last: f64,
    /// The greatest scan of all minutes before that.
    greatest: f64,
}

impl Cold {
    /// The number of the newest minute.
    pub(super) const fn minute(&self) -> i64 {
        self.minute
    }

    /// Observes a scan, and returns the level for it. What was reported in the newest minute so far (`was_reported`) is no part of
    /// what is usual: the next burst of the same size is reported again.
    pub(super) fn observe(&mut self, at: EventTime, score: f64, was_reported: bool) -> f64 {
        let minute = at.slot(MINUTE);
        if minute > self.minute {
            let last = if was_reported { 0.0 } else { self.newest };
            *self = Self { minute, newest: 0.0, last, greatest: self.greatest.max(self.last) };
        }
        self.newest = self.newest.max(score);
        COLD_LEVEL.max(FACTOR * self.greatest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> EventTime {
        EventTime::from_nanos(0).plus(Span::from_secs(seconds))
    }

    #[test]
    fn a_minute_counts_once_the_one_after_it_is_over() {
        let mut cold = Cold::default();
        let levels = [0, 60, 70, 120, 180].map(|second| cold.observe(at(second), 10.0, false));
        assert_eq!(levels.map(f64::to_bits), [25.0, 25.0, 25.0, 50.0, 50.0].map(f64::to_bits));
    }

    #[test]
    fn what_was_reported_does_not_raise_the_level() {
        let mut cold = Cold::default();
        cold.observe(at(0), 100.0, false);
        let reported = [60, 120, 180].map(|second| cold.observe(at(second), 200.0, true));
        assert_eq!(reported.map(f64::to_bits), [COLD_LEVEL; 3].map(f64::to_bits));
        let after = [240, 300, 360].map(|second| cold.observe(at(second), 8.0, second == 240));
        assert_eq!(after.map(f64::to_bits), [25.0, 25.0, 40.0].map(f64::to_bits));
    }
}
