//! The sequence numbers of one symbol in one topic: what is new, what came before, what is missing.
//!
//! CONTRACT: strictly increasing over all types; a gap means loss; one of the last 1,024 seen again is a duplicate, another lower
//! one is late. A producer that starts over would make everything late for ever, so a book snapshot with a lower number
//! and a later time, or 100 lower numbers in a row with rising times, begin a new sequence.
//!
//! The last 1,024 are kept as runs of consecutive numbers: one run where nothing is lost, at most 1,024 where a venue's
//! numbers jump.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::time::EventTime;

/// How many numbers back a repetition is known for one (CONTRACT).
const SEEN_MAX: u64 = 1_024;
/// How many lower numbers in a row begin a new sequence (CONTRACT).
const RESTART_AFTER: u32 = 100;

/// What a sequence number says about its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Succession {
    /// The next one.
    Next,
    /// Newer, but something between is missing since the time of the last one.
    Gap {
        /// When the last event before the loss happened.
        since: EventTime,
    },
    /// The first of a new sequence.
    Restart,
    /// Seen before.
    Duplicate,
    /// Lower, and not among the last ones seen.
    Late,
}

/// One event's place in the sequence.
#[derive(Clone, Copy, Debug)]
pub struct Numbered {
    /// Its number.
    pub seq: u64,
    /// The number before it, where the venue's numbers jump.
    pub prev: Option<u64>,
    /// Its time.
    pub at: EventTime,
    /// Whether it holds the whole book.
    pub snapshot: bool,
}

/// What has been seen of a symbol's sequence.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sequence {
    /// Runs of consecutive numbers, oldest first, both ends included.
    runs: VecDeque<(u64, u64)>,
    seen: u64,
    last_at: EventTime,
    /// Lower numbers in a row with rising times, and the last of those times.
    lower: (u32, EventTime),
}

impl Sequence {
    /// A sequence that begins with this event.
    #[must_use]
    pub fn new(first: Numbered) -> Self {
        let start = EventTime::from_nanos(i64::MIN);
        Self { runs: VecDeque::from([(first.seq, first.seq)]), seen: 1, last_at: first.at, lower: (0, start) }
    }

    /// Places an event.
    pub fn handle(&mut self, event: Numbered) -> Succession {
        let last = self.runs.back().map_or(0, |run| run.1);
        if event.seq > last {
            let complete = event.prev.map_or(event.seq == last + 1, |prev| prev <= last);
            let since = self.last_at;
            self.push(event);
            return if complete { Succession::Next } else { Succession::Gap { since } };
        }
        if event.snapshot && event.at > self.last_at {
            *self = Self::new(event);
            return Succession::Restart;
        }
        if self.contains(event.seq) {
            return Succession::Duplicate;
        }
        let rising = event.at > self.lower.1;
        self.lower = (if rising { self.lower.0 + 1 } else { 1 }, event.at);
        if self.lower.0 < RESTART_AFTER {
            return Succession::Late;
        }
        *self = Self::new(event);
        Succession::Restart
    }

    fn push(&mut self, event: Numbered) {
        match self.runs.back_mut() {
            Some(run) if run.1 + 1 == event.seq => run.1 = event.seq,
            Some(_) | None => self.runs.push_back((event.seq, event.seq)),
        }
        self.seen += 1;
        if self.seen > SEEN_MAX
            && let Some(oldest) = self.runs.front_mut()
        {
            self.seen -= 1;
            oldest.0 += 1;
            if oldest.0 > oldest.1 {
                self.runs.pop_front();
            }
        }
        self.last_at = self.last_at.max(event.at);
        self.lower = (0, EventTime::from_nanos(i64::MIN));
    }

    fn contains(&self, seq: u64) -> bool {
        let after = self.runs.partition_point(|run| run.0 <= seq);
        after.checked_sub(1).is_some_and(|i| seq <= self.runs[i].1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(seq: u64, millis: i64) -> Numbered {
        Numbered { seq, prev: None, at: EventTime::from_nanos(millis), snapshot: false }
    }

    #[test]
    fn a_number_left_out_is_a_gap_since_the_last_event() {
        let mut sequence = Sequence::new(event(7, 1));
        assert_eq!(sequence.handle(event(8, 2)), Succession::Next);
        assert_eq!(sequence.handle(event(10, 5)), Succession::Gap { since: EventTime::from_nanos(2) });
        assert_eq!(sequence.handle(event(9, 3)), Succession::Late, "what was missing comes after all");
    }

    #[test]
    fn jumping_numbers_are_judged_by_the_one_before() {
        let mut sequence = Sequence::new(event(100, 1));
        assert_eq!(sequence.handle(Numbered { prev: Some(100), ..event(250, 2) }), Succession::Next);
        assert!(matches!(sequence.handle(Numbered { prev: Some(300), ..event(400, 3) }), Succession::Gap { .. }));
    }

    #[test]
    fn a_number_is_a_duplicate_among_the_last_1024_and_late_before() {
        let mut sequence = Sequence::new(event(1, 1));
        for seq in 2..=1_025 {
            assert_eq!(sequence.handle(event(seq, 2)), Succession::Next);
        }
        assert_eq!(sequence.handle(event(2, 3)), Succession::Duplicate);
        assert_eq!(sequence.handle(event(1, 3)), Succession::Late);
    }

    #[test]
    fn a_producer_that_starts_over_is_followed() {
        let mut sequence = Sequence::new(event(5_000, 10));
        assert_eq!(sequence.handle(Numbered { snapshot: true, ..event(3, 10) }), Succession::Late, "not later");
        assert_eq!(sequence.handle(Numbered { snapshot: true, ..event(3, 11) }), Succession::Restart);
        assert_eq!(sequence.handle(event(4, 12)), Succession::Next);
        assert!(matches!(sequence.handle(event(9_000, 13)), Succession::Gap { .. }));
        for i in 0..99 {
            assert_eq!(sequence.handle(event(100 + i, 14 + i64::try_from(i).unwrap())), Succession::Late);
        }
        assert_eq!(sequence.handle(event(199, 500)), Succession::Restart);
        assert_eq!(sequence.handle(event(200, 501)), Succession::Next);
    }

    proptest! {
        #[test]
        fn the_runs_agree_with_a_list_of_the_last_1024(seqs in prop::collection::vec(1_u64..3_000, 1..2_500)) {
            // Equal times: nothing starts over.
            let mut sequence = Sequence::new(event(seqs[0], 0));
            let mut seen = vec![seqs[0]];
            for &seq in &seqs[1..] {
                let last = *seen.last().unwrap();
                let expected = if seq > last {
                    let gap = seq != last + 1;
                    seen.push(seq);
                    seen.drain(..seen.len().saturating_sub(1_024));
                    if gap { Succession::Gap { since: EventTime::from_nanos(0) } } else { Succession::Next }
                } else if seen.contains(&seq) { Succession::Duplicate } else { Succession::Late };
                prop_assert_eq!(sequence.handle(event(seq, 0)), expected);
            }
        }
    }
}
