//! A schedule of values, each in force from an instant of event time on.
//!
//! A change is scheduled before any clock reaches its instant, so the value at an event time is the same in every replay.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::time::EventTime;

/// The most changes that wait for the clock. The service makes a few in a minute at most. Beyond the limit the oldest
/// change takes effect at once; newer ones have superseded it.
const AHEAD_MAX: usize = 1_024;

/// A value that changes at instants of event time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Schedule<T> {
    current: T,
    /// The changes that the clock has not reached, in the order of their times.
    ahead: VecDeque<(EventTime, T)>,
}

impl<T> Schedule<T> {
    /// Schedules a value from a time on. It replaces every value scheduled for the same time or a later one.
    pub(crate) fn push(&mut self, from: EventTime, value: T) {
        while self.ahead.back().is_some_and(|(at, _)| *at >= from) {
            self.ahead.pop_back();
        }
        self.ahead.push_back((from, value));
        if self.ahead.len() > AHEAD_MAX {
            self.apply_first();
        }
    }

    /// Returns the value in force at a time.
    #[must_use]
    pub(crate) fn at(&self, time: EventTime) -> &T {
        self.ahead.iter().rev().find(|(from, _)| *from <= time).map_or(&self.current, |(_, value)| value)
    }

    /// Moves the clock. Values that were superseded by then are not kept.
    pub(crate) fn advance(&mut self, to: EventTime) {
        while self.ahead.front().is_some_and(|(from, _)| *from <= to) {
            self.apply_first();
        }
    }

    /// The value in force at the clock.
    #[must_use]
    pub(crate) const fn current(&self) -> &T {
        &self.current
    }

    /// The value scheduled last.
    #[must_use]
    pub(crate) fn latest(&self) -> &T {
        self.ahead.back().map_or(&self.current, |(_, value)| value)
    }

    /// Puts the first scheduled value in force.
    fn apply_first(&mut self) {
        let (_, value) = self.ahead.pop_front().expect("a value is applied only while one is scheduled");
        self.current = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(nanos: i64) -> EventTime {
        EventTime::from_nanos(nanos)
    }

    #[test]
    fn a_value_is_in_force_from_its_own_instant_on() {
        let mut schedule = Schedule::default();
        schedule.push(at(10), 1);
        schedule.push(at(20), 2);
        assert_eq!([9, 10, 19, 20].map(|t| *schedule.at(at(t))), [0, 1, 1, 2]);
        schedule.advance(at(10));
        assert_eq!((*schedule.current(), *schedule.at(at(9)), *schedule.latest()), (1, 1, 2));
    }

    #[test]
    fn a_value_replaces_the_one_scheduled_before_for_the_same_instant() {
        let mut schedule = Schedule::default();
        schedule.push(at(10), 1);
        schedule.push(at(10), 2);
        assert_eq!(*schedule.at(at(10)), 2);
    }

    #[test]
    fn a_schedule_has_a_limit_while_the_clock_stands_still() {
        let mut schedule = Schedule::default();
        for i in 0..5_000 {
            schedule.push(at(i), i);
        }
        assert_eq!(schedule.ahead.len(), AHEAD_MAX);
        assert_eq!(*schedule.at(at(4_999)), 4_999);
    }
}
