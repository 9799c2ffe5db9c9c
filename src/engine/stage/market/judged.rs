//! A feed's judgement of itself: which stamps it believes, how its records were used, which troubles it has, and which of its
//! subjects the detectors can judge.

use super::{FeedStage, Outbox, streams::FORGOTTEN};
use crate::{
    detect::{CoverageState, Detector},
    engine::{Coverage, Covered, observe::Fate},
    event::{Event, Reason, RecordRef},
    time::{EventTime, Span},
    trust::{Cause, Example, Use},
};

impl FeedStage {
    /// Counts what the detectors of the feed's symbols can judge, and whether the feed itself is judged.
    pub fn coverage(&self, coverage: &mut Coverage) {
        let feed = (Detector::Feed, Covered::Partition);
        let Some(clock) = self.stamps.newest() else { return coverage.add(feed, CoverageState::NoEvents, 1) };
        coverage.add(feed, CoverageState::Judged, 1);
        let now = (clock, &self.calendars.at(clock));
        for (name, symbol) in self.symbols.iter() {
            let is_silent = clock.since(symbol.rhythm().0) >= FORGOTTEN;
            symbol.coverage(now, is_silent, |detector, state| coverage.add_symbol(detector, state, name.as_str()));
        }
    }

    /// The ceiling above the feed's stamps; `None` in files.
    #[must_use]
    pub const fn ceiling(&self) -> Option<EventTime> {
        self.stamps.ceiling()
    }

    /// The newest stamp that was believed.
    #[must_use]
    pub const fn own_clock(&self) -> Option<EventTime> {
        self.stamps.newest()
    }

    /// Raises the ceiling above the feed's stamps.
    pub fn raise_ceiling(&mut self, until: EventTime) {
        self.stamps.raise_ceiling(until);
    }

    /// Judges the stamps of a record. Returns the time up to which they are believed.
    ///
    /// # Errors
    /// Returns how far they lie ahead of the ceiling if the record cannot be used.
    pub fn judge_stamps(&mut self, events: &[Event<'_>]) -> Result<EventTime, Span> {
        let newest = events.iter().map(|event| event.ts).max();
        let until = newest.map_or(Ok(EventTime::from_nanos(i64::MAX)), |newest| self.stamps.judge(newest));
        // Under a ceiling no stamp is refuted later: the service judges such stamps by this machine's clock.
        if let (Some((n, ahead)), Some(clock)) = (self.stamps.take_refuted(), self.stamps.newest()) {
            self.judge.held_back(n, ahead, clock);
        }
        until
    }

    /// Counts how a record was used. `symbol` is the one that it names.
    pub fn count(&mut self, used: Use, record: RecordRef, symbol: Option<&str>, outbox: &mut Outbox) {
        if let Use::Rejected(reason) = used {
            self.counters.rejected[reason as usize] += 1;
        }
        self.judge.count(used, record, symbol, self.stamps.newest());
        // Records of the same symbol that were held until now.
        for &(earlier, fate) in &outbox.settled {
            self.judge.count(use_of(fate), earlier, symbol, self.stamps.newest());
        }
        if let (true, Some(clock)) = (self.judge.is_overdue(), self.stamps.newest()) {
            self.report(clock, record.into(), outbox);
        }
        if let Use::Rejected(reason @ Reason::Poison) = used {
            let example = Example { record, reason: Some(reason) };
            self.tell((Cause::Poison, 1), Some(record), Some(example), outbox);
        }
    }

    /// Reports at once something that happened to the whole feed, as of its last record. Nothing is reported before the feed has a
    /// clock: nothing was seen that the event could affect, and the report would have no time.
    pub(super) fn tell(
        &mut self,
        what: (Cause, u64),
        last: Option<RecordRef>,
        example: Option<Example>,
        outbox: &mut Outbox,
    ) {
        let Some((clock, last)) = self.stamps.newest().zip(last) else { return };
        self.judge.happened(what, last, example, clock);
        self.report(clock, last.into(), outbox);
    }
}

/// The use of a record whose fate is settled by one after it.
const fn use_of(fate: Fate) -> Use {
    match fate {
        Fate::Late => Use::Late,
        Fate::Duplicate => Use::Duplicate,
        Fate::Accepted | Fate::Rejected | Fate::Shed => Use::Counted,
    }
}
