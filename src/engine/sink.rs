//! Where a feed leaves what it has to say: signals in the order in which they arose, and counts.

use super::observe::Counters;
use crate::{
    detect::{Signal, Subject, Verdict, parties::Saying},
    event::Place,
    time::{EventTime, WallTime},
};

/// Where a feed leaves what it has to say.
pub struct Sink<'a> {
    /// Counters of the engine.
    pub counters: &'a mut Counters,
    /// Signals, in the order in which they arose.
    pub signals: &'a mut Vec<Signal>,
    /// Of the symbol at hand; emptied after each event, and kept for its memory.
    pub verdicts: &'a mut Vec<Verdict>,
    /// The same of parties.
    pub sayings: &'a mut Vec<Saying>,
    /// The own time of the record that is being handled.
    pub appended_at: Option<WallTime>,
}

impl Sink<'_> {
    /// Makes signals about a subject of what its detectors have said, as of a feed's clock.
    pub fn say(&mut self, subject: &Subject, clock: Option<EventTime>, place: Place) {
        let appended_at = self.appended_at;
        self.signals.extend(self.verdicts.drain(..).map(|verdict| {
            let visible_at = clock.unwrap_or(verdict.at);
            verdict.signal(subject.clone(), visible_at, place, appended_at)
        }));
    }

    /// Makes signals of what was said of parties.
    pub fn repeat(&mut self, clock: Option<EventTime>, place: Place) {
        self.signals.extend(signals(self.sayings.drain(..), clock, place, self.appended_at));
    }
}

/// Signals of what was said of parties, as it is seen at a time.
pub fn signals(
    sayings: impl Iterator<Item = Saying>,
    visible_at: Option<EventTime>,
    place: Place,
    appended_at: Option<WallTime>,
) -> impl Iterator<Item = Signal> {
    sayings.map(move |(subject, verdict)| {
        let visible_at = visible_at.unwrap_or(verdict.at);
        verdict.signal(subject, visible_at, place, appended_at)
    })
}
