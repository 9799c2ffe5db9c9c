//! Recorded inputs in stretches, between which the settings change.
//!
//! Under which settings a record is read matters to every stage, and the stages behind the feeds join all partitions. So a change of
//! the settings has one place in the input as a whole: the last record of each partition that was handled before it. A restart and a
//! replay read every partition up to there, hand in the decisions that were made before the change, then the change, and only then
//! read on. So no record is read under the settings of another time, however the partitions interleave.
//!
//! A change is left out, and named, if another build wrote settings that this one cannot read.

use super::{Inputs, Recorded, Settings};
use crate::event::{LogPosition, Source, SourceId};

/// A part of the input that is read under the same settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stretch {
    /// The decisions that belong here.
    pub inputs: Inputs,
    /// The change that ends the stretch; the last one has none.
    pub change: Option<SettingsChange>,
}

/// A recorded change of the settings.
#[derive(Clone, Debug, PartialEq)]
pub struct SettingsChange {
    /// The position of the last record before the change, by source.
    after: Vec<Option<u64>>,
    /// The settings before.
    pub before: Settings,
    /// The settings from there on.
    pub now: Settings,
}

impl SettingsChange {
    /// The first offset in a log of a source that is read after the change.
    #[must_use]
    pub fn reads_up_to(&self, source: SourceId, generation: u32) -> u64 {
        let Some(last) = self.after.get(source.index()).copied().flatten().map(LogPosition::of) else { return 0 };
        match last.generation.cmp(&generation) {
            // The log that is read began after the change.
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Equal => last.offset.saturating_add(1),
            // The log that is read had ended before the change.
            std::cmp::Ordering::Greater => u64::MAX,
        }
    }

    /// Whether the change lies behind the end of what is read: no source goes on to its place. `ends` are the first positions not
    /// read, by source.
    fn is_behind(&self, ends: &[u64]) -> bool {
        !self.after.iter().zip(ends).any(|(after, end)| after.is_none_or(|after| after < *end))
    }
}

/// Recorded inputs in the order of their numbers, cut where the settings changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretches {
    /// The stretches before the last one, each with its change.
    changed: Vec<(Inputs, SettingsChange)>,
    last: Inputs,
    /// Why changes could not be read.
    unreadable: Vec<String>,
    /// How many changes name no partition that is read.
    unknown: u64,
}

impl Stretches {
    /// Sorts recorded inputs by the sources that are read.
    #[must_use]
    pub fn new(recorded: impl IntoIterator<Item = Recorded>, sources: &[Source]) -> Self {
        let mut stretches =
            Self { changed: Vec::new(), last: Inputs::new([], sources), unreadable: Vec::new(), unknown: 0 };
        let mut decisions = Vec::new();
        for recorded in recorded {
            match change(&recorded, sources) {
                None => decisions.push(recorded),
                Some(Ok(Some(change))) => {
                    stretches.changed.push((Inputs::new(decisions.drain(..), sources), change));
                }
                Some(Ok(None)) => stretches.unknown += 1,
                Some(Err(reason)) => stretches.unreadable.push(reason),
            }
        }
        stretches.last = Inputs::new(decisions, sources);
        stretches
    }

    /// The settings before the first change; `None` if there is none.
    #[must_use]
    pub fn first_settings(&self) -> Option<&Settings> {
        self.changed.first().map(|(_, change)| &change.before)
    }

    /// The settings after each change.
    pub fn settings(&self) -> impl Iterator<Item = &Settings> {
        self.changed.iter().map(|(_, change)| &change.now)
    }

    /// How many changes of the settings there are.
    #[must_use]
    pub const fn changes(&self) -> usize {
        self.changed.len()
    }

    /// The reason for each change that could not be read.
    #[must_use]
    pub fn unreadable(&self) -> &[String] {
        &self.unreadable
    }

    /// How many inputs name partitions that are not read.
    #[must_use]
    pub fn unknown(&self) -> u64 {
        self.unknown + self.inputs().map(Inputs::unknown).sum::<u64>()
    }

    /// How many inputs wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.changed.len() + self.inputs().map(Inputs::len).sum::<usize>()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of the last log that a source is known to have, from 0 for the first.
    #[must_use]
    pub fn generation(&self, source: SourceId) -> u32 {
        let of = |change: &SettingsChange| {
            let last = change.after.get(source.index()).copied().flatten();
            last.map_or(0, |last| LogPosition::of(last).generation)
        };
        let places = self.changed.iter().map(|(_, change)| of(change));
        self.inputs().map(|inputs| inputs.generation(source)).chain(places).max().unwrap_or(0)
    }

    /// Leaves out what belongs behind the end of what is read. `ends` are the first positions not read, by source.
    pub fn retain_before(&mut self, ends: &[u64]) {
        let kept = self.changed.iter().take_while(|(_, change)| !change.is_behind(ends)).count();
        let mut rest: Vec<Inputs> = self.changed.drain(kept..).map(|(inputs, _)| inputs).collect();
        rest.push(std::mem::take(&mut self.last));
        let mut rest = rest.into_iter();
        self.last = rest.next().unwrap_or_default();
        rest.for_each(|later| self.last.append(later));
        self.changed.iter_mut().for_each(|(inputs, _)| inputs.retain_before(ends));
        self.last.retain_before(ends);
    }

    fn inputs(&self) -> impl Iterator<Item = &Inputs> {
        self.changed.iter().map(|(inputs, _)| inputs).chain([&self.last])
    }
}

impl IntoIterator for Stretches {
    type Item = Stretch;
    type IntoIter = std::vec::IntoIter<Stretch>;

    fn into_iter(self) -> Self::IntoIter {
        let changed = self.changed.into_iter().map(|(inputs, change)| Stretch { inputs, change: Some(change) });
        let all: Vec<Stretch> = changed.chain([Stretch { inputs: self.last, change: None }]).collect();
        all.into_iter()
    }
}

/// Reads a recorded input as a change of the settings; `None` if it is a decision. `Ok(None)`: it names none of the sources.
fn change(recorded: &Recorded, sources: &[Source]) -> Option<Result<Option<SettingsChange>, String>> {
    let Recorded::Settings { after: places, before, now } = recorded else { return None };
    let place = |source: &Source| {
        places.iter().find(|place| place.topic == source.name && Some(place.partition) == source.partition)
    };
    if !sources.iter().any(|source| place(source).is_some()) {
        return Some(Ok(None));
    }
    let read = || {
        let (before, now) = (Settings::read(&before.settings)?, Settings::read(&now.settings)?);
        // A partition that was not there had no record.
        let after = sources.iter().map(|source| place(source)?.position()).collect();
        Ok(Some(SettingsChange { after, before, now }))
    };
    Some(read())
}
