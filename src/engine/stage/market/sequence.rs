//! The sequence numbers of one symbol in one topic: which events are new, repeated, late or missing.
//!
//! CONTRACT: numbers increase strictly over all types of events. A gap means that events are lost. The same number, time
//! and content again is a duplicate, and any other lower number is late. A producer that starts over would make all its
//! events late for ever. So three lower numbers in a row that are no duplicates and whose times do not fall begin a new
//! sequence. The first two of them are held until the third decides ([`Succession::Held`]), so nothing is lost.
//!
//! "Do not fall" also means: not below the time of the last event but one. A missing event that comes late after all
//! fails this, and so does a record that is sent again from long ago. The last event but one is asked, and not the last,
//! because one event with a wrong time in the future must not keep a new sequence from beginning. A number that is known to
//! be missing is held only if its time is later than that of the last event: events of one instant that arrive in another
//! order are no new sequence.
//!
//! The three have different numbers: a producer that repeats a number, as one that polls a quiet book does, has not
//! started over.
//!
//! A snapshot with a lower number is one of the three like any other event, and what follows decides. If higher numbers
//! follow, it was the late answer to a request, also where it is stamped with the time at which it was received. If it can
//! be applied beneath the deltas kept, it is applied at once, and again if a new sequence begins with it.
//!
//! The last 1,024 numbers are kept as runs of consecutive numbers: one run where nothing is lost, and at most 1,024 runs
//! where a venue's numbers jump. A hash of the content is kept of the newest 32 events alone: 768 bytes, where a hash of
//! all would be 24 kB for each symbol. An event whose number is older than those was seen before if its time is not later
//! than theirs, because a new sequence has later times.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::time::EventTime;

/// The numbers that are kept to recognise duplicates.
const KEPT_MAX: u64 = 1_024;
/// The newest events whose times and contents are kept: more than a venue sends of one symbol at one instant, except for
/// the fills of a large order, which the time recognises.
const CONTENTS_MAX: usize = 32;
/// The lower numbers in a row that begin a new sequence (CONTRACT).
const RESTART_AFTER: usize = 3;

/// The invariant of [`Sequence::runs`].
const NEVER_EMPTY: &str = "a sequence has the run of its newest number";

/// The relation of an event to the sequence before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Succession {
    /// The event is the next one.
    Next,
    /// The event is newer than the last one, but events between them are missing.
    Gap {
        /// The time of the last event before the gap.
        since: EventTime,
        /// The newest number that is missing.
        up_to: u64,
    },
    /// The event may be one of the first two of a new sequence: those after it decide.
    Held,
    /// The event is the third that shows a new sequence: it begins with those that are held.
    Restart,
    /// The event was seen before.
    Duplicate,
    /// The number is lower than the last one.
    Late,
}

/// The fields of an event that decide its place in the sequence.
#[derive(Clone, Copy, Debug)]
pub struct SequencedEvent {
    /// The sequence number.
    pub seq: u64,
    /// The sequence number before it, where the venue's numbers jump.
    pub prev: Option<u64>,
    /// The event time.
    pub at: EventTime,
    /// A hash of the whole event.
    pub content: u64,
}

/// An event that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    seq: u64,
    at: EventTime,
    content: u64,
}

/// The sequence of a symbol, up to its newest event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sequence {
    /// Runs of consecutive numbers, oldest first, both ends included.
    runs: VecDeque<(u64, u64)>,
    /// The numbers in all runs.
    kept: u64,
    /// The newest events, oldest first.
    newest: VecDeque<Seen>,
    /// The time of the last event, and of the one before it.
    last_at: [EventTime; 2],
    /// Events in a row that may begin a new sequence.
    held: Vec<Seen>,
}

impl SequencedEvent {
    const fn seen(&self) -> Seen {
        Seen { seq: self.seq, at: self.at, content: self.content }
    }
}

impl Sequence {
    /// A sequence that begins with this event.
    #[must_use]
    pub fn new(first: SequencedEvent) -> Self {
        Self {
            runs: VecDeque::from([(first.seq, first.seq)]),
            kept: 1,
            newest: VecDeque::from([first.seen()]),
            last_at: [first.at; 2],
            held: Vec::new(),
        }
    }

    /// The newest number.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.runs.back().expect(NEVER_EMPTY).1
    }

    /// Keeps the content of an event that was taken although its number is lower, so that a copy of it is a duplicate.
    pub fn remember(&mut self, event: SequencedEvent) {
        if self.newest.len() == CONTENTS_MAX {
            self.newest.pop_front();
        }
        self.newest.push_back(event.seen());
    }

    /// How many events are held.
    #[must_use]
    pub const fn held(&self) -> usize {
        self.held.len()
    }

    /// Gives up the events that are held.
    pub fn release(&mut self) {
        self.held.clear();
    }

    /// Handles an event. Returns its relation to the events before.
    pub fn handle(&mut self, event: SequencedEvent) -> Succession {
        let last = self.last();
        if event.seq > last && !self.continues_held(&event) {
            let up_to = event.prev.unwrap_or(event.seq - 1);
            let since = self.last_at[0];
            self.push(event);
            return if up_to <= last { Succession::Next } else { Succession::Gap { since, up_to } };
        }
        if self.is_duplicate(&event) {
            return Succession::Duplicate;
        }
        let ends = |before: &Seen| event.at < before.at || event.seq == before.seq;
        if self.held.iter().any(ends) {
            self.held.clear();
        }
        if !self.may_begin(&event) {
            self.held.clear();
            return Succession::Late;
        }
        if self.held.len() + 1 == RESTART_AFTER {
            return Succession::Restart;
        }
        self.held.push(event.seen());
        Succession::Held
    }

    /// Whether an event with a higher number goes on from two that are held: a new sequence may pass the old one's last
    /// number before it has had three.
    fn continues_held(&self, event: &SequencedEvent) -> bool {
        let Some(before) = self.held.last().filter(|_| self.held.len() + 1 == RESTART_AFTER) else { return false };
        event.at >= before.at && event.prev.map_or(event.seq == before.seq + 1, |prev| prev == before.seq)
    }

    /// Whether an event with a lower number may belong to a new sequence.
    fn may_begin(&self, event: &SequencedEvent) -> bool {
        let [last, before] = self.last_at;
        let is_missing = event.seq >= self.runs[0].0 && event.seq <= self.last() && !self.contains(event.seq);
        event.at >= last.min(before) && (event.at > last || !is_missing)
    }

    /// Whether an event was seen before.
    fn is_duplicate(&self, event: &SequencedEvent) -> bool {
        let seen = event.seen();
        if self.newest.contains(&seen) || self.held.contains(&seen) {
            return true;
        }
        let oldest = self.newest.front().expect("the newest event is kept");
        event.seq < oldest.seq && event.at <= oldest.at && self.contains(event.seq)
    }

    /// Adds an event with a higher number.
    fn push(&mut self, event: SequencedEvent) {
        let newest = self.runs.back_mut().expect(NEVER_EMPTY);
        if newest.1 + 1 == event.seq {
            newest.1 = event.seq;
        } else {
            self.runs.push_back((event.seq, event.seq));
        }
        self.kept += 1;
        if self.kept > KEPT_MAX {
            self.kept -= 1;
            let oldest = self.runs.front_mut().expect(NEVER_EMPTY);
            oldest.0 += 1;
            if oldest.0 > oldest.1 {
                self.runs.pop_front();
            }
        }
        self.remember(event);
        self.last_at = [event.at, self.last_at[0]];
        self.held.clear();
    }

    /// Whether a number is among those kept.
    fn contains(&self, seq: u64) -> bool {
        let next = self.runs.partition_point(|run| run.0 <= seq);
        next.checked_sub(1).is_some_and(|run| seq <= self.runs[run].1)
    }
}

#[cfg(test)]
mod tests;
