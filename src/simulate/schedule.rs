//! A schedule of entries by the time at which they are due; entries of the same time come in the order of adding.

use std::collections::BTreeMap;

use crate::time::EventTime;

/// Entries in the order in which they are due.
#[derive(Debug)]
pub(super) struct Schedule<T> {
    due: BTreeMap<(EventTime, u64), T>,
    /// How many entries were ever added: the second part of the next key.
    added: u64,
}

impl<T> Schedule<T> {
    /// An empty schedule.
    pub(super) const fn new() -> Self {
        Self { due: BTreeMap::new(), added: 0 }
    }

    /// Adds an entry.
    pub(super) fn add(&mut self, at: EventTime, entry: T) {
        self.due.insert((at, self.added), entry);
        self.added += 1;
    }

    /// The time of the next entry.
    pub(super) fn next_ts(&self) -> Option<EventTime> {
        self.due.first_key_value().map(|(&(at, _), _)| at)
    }

    /// Removes and returns the next entry.
    pub(super) fn pop(&mut self) -> Option<(EventTime, T)> {
        self.due.pop_first().map(|((at, _), entry)| (at, entry))
    }

    /// Removes and returns the next entry if it is due before `end`.
    pub(super) fn pop_before(&mut self, end: EventTime) -> Option<(EventTime, T)> {
        let next = self.due.first_entry()?;
        let at = next.key().0;
        (at < end).then(|| (at, next.remove()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_by_time_then_in_order_of_adding_and_none_from_the_end_on() {
        let at = EventTime::from_nanos;
        let mut schedule = Schedule::new();
        schedule.add(at(5), 'c');
        schedule.add(at(3), 'a');
        schedule.add(at(3), 'b');
        schedule.add(at(9), 'd');
        let order: Vec<_> = std::iter::from_fn(|| schedule.pop_before(at(9))).collect();
        assert_eq!(order, [(at(3), 'a'), (at(3), 'b'), (at(5), 'c')]);
        assert_eq!((schedule.next_ts(), schedule.pop()), (Some(at(9)), Some((at(9), 'd'))));
    }
}
