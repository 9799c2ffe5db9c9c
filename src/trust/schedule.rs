//! What is in force from which event time on.
//!
//! A change is known before any clock reaches it, so whoever asks with an event time gets the same answer in every replay.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::time::EventTime;

/// Changes that a clock has not reached yet. The service makes a few in a minute at most; beyond that the older have been
/// superseded long since.
const AHEAD_MAX: usize = 1_024;

/// A value that changes at instants of event time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule<T> {
    current: T,
    /// In the order of their times.
    ahead: VecDeque<(EventTime, T)>,
}

impl<T> Schedule<T> {
    /// From this time on another value holds. Of two for the same instant the later said counts.
    pub fn push(&mut self, from: EventTime, value: T) {
        while self.ahead.back().is_some_and(|(at, _)| *at >= from) {
            self.ahead.pop_back();
        }
        self.ahead.push_back((from, value));
        if self.ahead.len() > AHEAD_MAX {
            self.pop();
        }
    }

    /// What holds at a time.
    #[must_use]
    pub fn at(&self, time: EventTime) -> &T {
        self.ahead.iter().rev().find(|(from, _)| *from <= time).map_or(&self.current, |(_, value)| value)
    }

    /// Moves the clock: what it has passed need not be kept.
    pub fn advance(&mut self, to: EventTime) {
        while self.ahead.front().is_some_and(|(from, _)| *from <= to) {
            self.pop();
        }
    }

    /// What holds at the clock.
    #[must_use]
    pub const fn current(&self) -> &T {
        &self.current
    }

    /// What holds in the end.
    #[must_use]
    pub fn latest(&self) -> &T {
        self.ahead.back().map_or(&self.current, |(_, value)| value)
    }

    fn pop(&mut self) {
        if let Some((_, value)) = self.ahead.pop_front() {
            self.current = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(nanos: i64) -> EventTime {
        EventTime::from_nanos(nanos)
    }

    #[test]
    fn a_change_holds_from_its_own_instant_on() {
        let mut schedule = Schedule::default();
        schedule.push(at(10), 1);
        schedule.push(at(20), 2);
        assert_eq!([9, 10, 19, 20].map(|t| *schedule.at(at(t))), [0, 1, 1, 2]);
        schedule.advance(at(10));
        assert_eq!((*schedule.current(), *schedule.at(at(9)), *schedule.latest()), (1, 1, 2));
    }

    #[test]
    fn of_two_changes_for_one_instant_the_later_counts() {
        let mut schedule = Schedule::default();
        schedule.push(at(10), 1);
        schedule.push(at(10), 2);
        assert_eq!(*schedule.at(at(10)), 2);
    }

    #[test]
    fn a_clock_that_stands_does_not_make_it_grow() {
        let mut schedule = Schedule::default();
        for i in 0..5_000 {
            schedule.push(at(i), i);
        }
        assert_eq!(schedule.ahead.len(), AHEAD_MAX);
        assert_eq!(*schedule.at(at(4_999)), 4_999);
    }
}
