//! Recorded inputs, handed out where they belong among the records that are read again.
//!
//! An [`Idle`] belongs between two records of its own partition: after the last that was handled, before the next. A mode
//! change belongs before the first record that moves any clock to where it takes effect; within that it may stand anywhere,
//! because it changes nothing before. So the order in which partitions are read does not matter.
//!
//! How the mode's own alert stands among the others in a file may differ from the live topic; each incident's revisions do not.

use std::collections::VecDeque;

use super::input::{Idle, Input};
use crate::{
    event::{Event, Source, SourceId},
    time::EventTime,
    trust::ModeChange,
};

use super::Recorded;

/// What was recorded, waiting for its place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inputs {
    /// By source, in the order in which they were made.
    idles: Vec<VecDeque<Idle>>,
    modes: VecDeque<ModeChange>,
    unknown: u64,
}

impl Inputs {
    /// Sorts what was recorded by the sources that are read.
    #[must_use]
    pub fn new(recorded: impl IntoIterator<Item = Recorded>, sources: &[Source]) -> Self {
        let mut inputs = Self { idles: vec![VecDeque::new(); sources.len()], modes: VecDeque::new(), unknown: 0 };
        for recorded in recorded {
            match recorded.input(sources) {
                Some(Input::Idle(idle)) => inputs.idles[idle.source.0 as usize].push_back(idle),
                Some(Input::Mode(change)) => inputs.modes.push_back(change),
                Some(Input::Record(_)) | None => inputs.unknown += 1,
            }
        }
        inputs
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.modes.len() + self.idles.iter().map(VecDeque::len).sum::<usize>()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many name a partition that is not read.
    #[must_use]
    pub const fn unknown(&self) -> u64 {
        self.unknown
    }

    /// Leaves out idles that belong behind the end of what is read: offsets by source, the first that is not.
    pub fn retain_before(&mut self, ends: &[u64]) {
        for (idles, end) in self.idles.iter_mut().zip(ends) {
            idles.retain(|idle| idle.after_offset.is_none_or(|after| after < *end));
        }
    }

    /// The next input that comes before a record; to be asked until there is none.
    pub fn before(&mut self, source: SourceId, offset: u64, events: &[Event<'_>]) -> Option<Input<'static>> {
        if self.is_empty() {
            return None;
        }
        let idle = self.idles.get(source.0 as usize).and_then(VecDeque::front).copied();
        let due = idle.filter(|idle| idle.after_offset.is_none_or(|after| after < offset));
        let newest = events.iter().map(|event| event.ts).chain(due.map(|idle| idle.until)).max();
        if let Some(mode) = self.mode(newest) {
            return Some(mode);
        }
        due?;
        self.idles.get_mut(source.0 as usize).and_then(VecDeque::pop_front).map(Input::Idle)
    }

    /// The next input of those that come after the last record; to be asked until there is none.
    pub fn rest(&mut self) -> Option<Input<'static>> {
        let first = self.idles.iter_mut().filter(|idles| !idles.is_empty()).min_by_key(|idles| idles[0].until);
        let until = first.as_ref().map(|idles| idles[0].until);
        if until.is_none_or(|until| self.modes.front().is_some_and(|mode| mode.from <= until)) {
            return self.modes.pop_front().map(Input::Mode);
        }
        first.and_then(VecDeque::pop_front).map(Input::Idle)
    }

    fn mode(&mut self, newest: Option<EventTime>) -> Option<Input<'static>> {
        let due = self.modes.front().is_some_and(|mode| newest.is_some_and(|newest| newest >= mode.from));
        if due { self.modes.pop_front().map(Input::Mode) } else { None }
    }
}
