//! Recorded decisions, handed out where they belong among the records that are read again.
//!
//! A decision about a partition belongs between two of its records: after the last that was handled, before the next. A mode
//! change belongs before the first record that moves any clock to where it takes effect; before that it may be handed in at any
//! point, because it changes nothing earlier. So the order in which partitions are read does not matter.
//!
//! The position of a mode's own alert among the others in a file may differ from the live topic; the revisions of each incident do
//! not differ.

use std::collections::VecDeque;

use crate::{
    event::{Event, LogPosition, Source, SourceId},
    time::EventTime,
    trust::{Ceiling, Decision, Idle, Loss, ModeChange, NewLog, Skip},
};

use super::Recorded;

/// Recorded decisions that wait for their place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inputs {
    /// Decisions about each source, in the order in which they were made.
    placed: Vec<VecDeque<Placed>>,
    modes: VecDeque<ModeChange>,
    unknown: u64,
}

/// A decision about one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Placed {
    Idle(Idle),
    Ceiling(Ceiling),
    NewLog(NewLog),
    Loss(Loss),
    Skip(Skip),
}

impl Placed {
    /// The position of the last record that was handled before.
    const fn after(&self) -> Option<u64> {
        match self {
            Self::Idle(idle) => idle.after_offset,
            Self::Ceiling(ceiling) => ceiling.after_offset,
            Self::NewLog(new) => new.after_offset,
            Self::Loss(loss) => loss.after_offset,
            Self::Skip(skip) => skip.after_offset,
        }
    }

    /// The time to which the decision moves the partition's clock.
    const fn until(&self) -> Option<EventTime> {
        match self {
            Self::Idle(idle) => Some(idle.until),
            Self::Ceiling(_) | Self::NewLog(_) | Self::Loss(_) | Self::Skip(_) => None,
        }
    }
}

impl From<Placed> for Decision {
    fn from(placed: Placed) -> Self {
        match placed {
            Placed::Idle(idle) => Self::Idle(idle),
            Placed::Ceiling(ceiling) => Self::Ceiling(ceiling),
            Placed::NewLog(new) => Self::NewLog(new),
            Placed::Loss(loss) => Self::Loss(loss),
            Placed::Skip(skip) => Self::Skip(skip),
        }
    }
}

impl Inputs {
    /// Sorts recorded decisions by the sources that are read.
    #[must_use]
    pub fn new(recorded: impl IntoIterator<Item = Recorded>, sources: &[Source]) -> Self {
        let mut inputs = Self { placed: vec![VecDeque::new(); sources.len()], modes: VecDeque::new(), unknown: 0 };
        for recorded in recorded {
            match recorded.decision(sources) {
                Some(Decision::Idle(idle)) => inputs.placed[idle.source.index()].push_back(Placed::Idle(idle)),
                Some(Decision::Ceiling(ceiling)) => {
                    inputs.placed[ceiling.source.index()].push_back(Placed::Ceiling(ceiling));
                }
                Some(Decision::NewLog(new)) => inputs.placed[new.source.index()].push_back(Placed::NewLog(new)),
                Some(Decision::Loss(loss)) => inputs.placed[loss.source.index()].push_back(Placed::Loss(loss)),
                Some(Decision::Skip(skip)) => inputs.placed[skip.source.index()].push_back(Placed::Skip(skip)),
                Some(Decision::Mode(change)) => inputs.modes.push_back(change),
                None => inputs.unknown += 1,
            }
        }
        inputs
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.modes.len() + self.placed.iter().map(VecDeque::len).sum::<usize>()
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

    /// The number of the last log that a source is known to have, from 0 for the first.
    #[must_use]
    pub fn generation(&self, source: SourceId) -> u32 {
        let of = |placed: &Placed| match placed {
            Placed::NewLog(new) => new.generation,
            Placed::Idle(_) | Placed::Ceiling(_) | Placed::Loss(_) | Placed::Skip(_) => {
                placed.after().map_or(0, |after| LogPosition::of(after).generation)
            }
        };
        self.placed.get(source.index()).into_iter().flatten().map(of).max().unwrap_or(0)
    }

    /// Leaves out decisions that belong behind the end of what is read. `ends` are the first positions not read, by source.
    pub fn retain_before(&mut self, ends: &[u64]) {
        for (placed, end) in self.placed.iter_mut().zip(ends) {
            placed.retain(|placed| placed.after().is_none_or(|after| after < *end));
        }
    }

    /// Adds decisions that come after all of these.
    pub(super) fn append(&mut self, later: Self) {
        let Self { placed, modes, unknown } = later;
        for (own, mut later) in self.placed.iter_mut().zip(placed) {
            own.append(&mut later);
        }
        self.modes.extend(modes);
        self.unknown += unknown;
    }

    /// The next decision that comes before a record; to be called until there is none.
    pub fn before(&mut self, source: SourceId, offset: u64, events: &[Event<'_>]) -> Option<Decision> {
        if self.is_empty() {
            return None;
        }
        let first = self.placed.get(source.index()).and_then(VecDeque::front).copied();
        let due = first.filter(|placed| placed.after().is_none_or(|after| after < offset));
        let newest = events.iter().map(|event| event.ts).chain(due.as_ref().and_then(Placed::until)).max();
        if let Some(mode) = self.mode(newest) {
            return Some(mode);
        }
        due?;
        self.placed.get_mut(source.index()).and_then(VecDeque::pop_front).map(Decision::from)
    }

    /// The next decision of those that come after the last record; to be called until there is none.
    pub fn rest(&mut self) -> Option<Decision> {
        // One that moves no clock comes first.
        let first = self.placed.iter_mut().filter(|placed| !placed.is_empty()).min_by_key(|placed| placed[0].until());
        let until = first.as_ref().map(|placed| placed[0].until());
        if until.is_none_or(|until| self.modes.front().is_some_and(|mode| Some(mode.from) <= until)) {
            return self.modes.pop_front().map(Decision::Mode);
        }
        first.and_then(VecDeque::pop_front).map(Decision::from)
    }

    fn mode(&mut self, newest: Option<EventTime>) -> Option<Decision> {
        let due = self.modes.front().is_some_and(|mode| newest.is_some_and(|newest| newest >= mode.from));
        if due { self.modes.pop_front().map(Decision::Mode) } else { None }
    }
}
