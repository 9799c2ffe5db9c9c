//! Judges one feed from its records alone, by event time, and reports its troubles when they change.
//!
//! Time is the feed's own clock: the newest stamp that was believed. So the same records give the same troubles in a replay, after
//! a restart, and however partitions interleave. A feed whose clock stands still judges nothing; that is the silence of the whole
//! partition, which the service's [`Watch`](super::Watch) judges by its own clock.
//!
//! ```text
//! record ─▶ what became of it ─▶ counts of the last minute ──┐
//!                             └▶ suspects: symbols of which  ├─▶ each second: troubles, each held for a while ─▶ Report
//!                                something was unusable      │
//! gaps, stamps held back, books, silent streams ─────────────┘
//! ```

mod counts;
mod judging;
mod report;
mod suspects;
mod used;

use std::collections::BTreeMap;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

pub(crate) use self::judging::{BOOK_UNUSABLE, PRODUCER_SILENT};
pub(crate) use self::report::Known;
pub use self::report::Report;
pub(crate) use self::used::Use;
use self::{counts::Counts, suspects::Suspects};
use super::{CALM_S, Cause, Example, HELD_S, Mode, SetBack};
use crate::{
    event::{RecordRef, SourceId},
    time::{EventTime, Span},
};

/// How long a gap, or a wrong clock, is held, by the feed's own clock.
const HELD: Span = Span::from_secs(HELD_S as i64);
/// How long any other trouble must be absent before it is over, by the feed's own clock.
const CALM: Span = Span::from_secs(CALM_S as i64);
/// How many stamps that were held back within [`HELD`] are a trouble: one or two are a slip.
const HELD_BACK: usize = 3;
/// How long a period with only unusable records must last to be a trouble. Judged each second, it is reported within five.
const DARK: Span = Span::from_secs(4);
/// The longest time between two successive unusable records of one such period. Rarer ones are strays, such as orders that are
/// refused while the venue is closed.
const DARK_STEP: Span = Span::from_secs(20);
/// How many usual pauses between usable records the period must also last: a quiet feed with one bad producer is not blind.
const DARK_PAUSES: f64 = 20.0;
/// The weight of a new pause in the usual one: about the last ten count.
const PAUSE_WEIGHT: f64 = 0.1;
/// Unusable records in a row after which the feed is judged although its clock stands still: enough for every share, and fewer than
/// a feed worth watching has in ten seconds.
const UNUSABLE_RUN: u32 = 200;
/// The fewest records in such a period.
const DARK_MIN: u32 = 3;
/// How long a feed counts as seeing after its last usable record: a quiet partition has an order a minute.
const SEEN: Span = Span::from_secs(60);
/// Troubles of symbols that are followed at once; as many as a partition has symbols by default. Beyond the limit a new one is
/// counted and not followed, and the mode is degraded long before.
const SYMBOLS_MAX: usize = 10_000;

/// The judge of one feed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct FeedJudge {
    /// The source of the feed's first record: its name among the feeds.
    source: Option<SourceId>,
    counts: Counts,
    suspects: Suspects,
    /// The troubles of the whole feed or of a producer.
    feed: BTreeMap<Cause, Held>,
    /// The troubles of symbols.
    symbols: BTreeMap<(CompactString, Cause), Held>,
    /// Troubles of symbols that were left out because there were too many.
    omitted: u64,
    /// The last times at which stamps were held back, and how far they were ahead.
    held_back: [Option<(EventTime, Span)>; HELD_BACK],
    /// When a usable record last came.
    seen_at: Option<EventTime>,
    dark: Option<Dark>,
    /// The usual excess over a second of the pauses between seconds with usable records, in seconds.
    usual_pause: f64,
    /// Records since the last that could be used, or since the feed was judged for their number.
    unusable_run: u32,
    /// The last record that was rejected, came late or came twice.
    examples: BTreeMap<Cause, Example>,
    last_report: report::LastReport,
}

/// A trouble that lasts until a time, unless it is found again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Held {
    value: f64,
    until: EventTime,
    who: Option<CompactString>,
    example: Option<Example>,
}

/// A period in which records come and none can be used.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Dark {
    since: EventTime,
    newest_at: EventTime,
    records: u32,
}

impl FeedJudge {
    /// Counts a record. `clock` is the feed's own, `symbol` the one that the record names, if it names one.
    pub(crate) fn count(&mut self, used: Use, record: RecordRef, symbol: Option<&str>, clock: Option<EventTime>) {
        self.source.get_or_insert(record.source);
        self.counts.add(used);
        if let Some(symbol) = symbol {
            self.suspects.count(used, symbol, record, clock);
        }
        let (cause, reason) = match used {
            Use::Heartbeat | Use::Open => return,
            Use::Counted => {
                self.see(clock);
                return;
            }
            Use::Rejected(reason) => (Cause::Rejected, Some(reason)),
            Use::Late => (Cause::Late, None),
            Use::Duplicate => (Cause::Duplicates, None),
            Use::HeldBack => (Cause::Skew, None),
            Use::Unknown => {
                self.examples.insert(Cause::UnknownType, Example { record, reason: None });
                return;
            }
        };
        self.unusable_run = self.unusable_run.saturating_add(1);
        self.examples.insert(cause, Example { record, reason });
        // A duplicate was seen once.
        if used == Use::Duplicate {
            return;
        }
        let Some(clock) = clock else { return };
        let dark = self.dark.filter(|dark| clock.since(dark.newest_at) <= DARK_STEP);
        let dark = dark.unwrap_or(Dark { since: clock, newest_at: clock, records: 0 });
        self.dark = Some(Dark { newest_at: clock, records: dark.records.saturating_add(1), ..dark });
    }

    /// Observes that something usable came.
    fn see(&mut self, clock: Option<EventTime>) {
        if let Some((before, now)) = self.seen_at.zip(clock)
            && before.slot(Span::SECOND) != now.slot(Span::SECOND)
        {
            let pause = (now.since(before).secs_f64() - 1.0).max(0.0);
            self.usual_pause += PAUSE_WEIGHT * (pause - self.usual_pause);
        }
        (self.seen_at, self.dark, self.unusable_run) = (clock, None, 0);
    }

    /// Whether so many records in a row could not be used that the feed is to be judged whatever its clock says.
    pub(crate) const fn is_overdue(&self) -> bool {
        self.unusable_run >= UNUSABLE_RUN
    }

    /// Observes that a symbol's sequence has a gap.
    pub(crate) fn gap(&mut self, symbol: &str, record: RecordRef, clock: EventTime) {
        let key = (CompactString::new(symbol), Cause::Gap);
        let before = self.symbols.get(&key).map_or(0.0, |held| held.value);
        let example = Some(Example { record, reason: None });
        self.hold_symbol(key, Held { value: before + 1.0, until: clock.plus(HELD), who: None, example });
    }

    /// Observes an event that affects the whole feed: `n` records were deleted unread, another log began, or a record is left out.
    /// `last` is the feed's last record before it. Events of one cause add up while their trouble is held.
    pub(crate) fn happened(
        &mut self,
        (cause, n): (Cause, u64),
        last: RecordRef,
        example: Option<Example>,
        clock: EventTime,
    ) {
        self.source.get_or_insert(last.source);
        let before = self.feed.get(&cause).map_or(0.0, |held| held.value);
        self.feed.insert(cause, Held { value: before + n as f64, until: clock.plus(HELD), who: None, example });
    }

    /// Holds a break of the log anew from the first event after it on, because the windows that overlap the break reach that far.
    pub(crate) fn resume(&mut self, clock: EventTime) {
        for cause in [Cause::Gap, Cause::NewLog] {
            self.feed.entry(cause).and_modify(|held| held.until = held.until.max(clock.plus(HELD)));
        }
    }

    /// Begins anew, because the feed holds another history from now on. Troubles that led to it are still reported.
    pub(crate) fn rewind(&mut self, clock: EventTime) {
        let mut feed = std::mem::take(&mut self.feed);
        feed.retain(|cause, _| matches!(cause, Cause::Gap | Cause::NewLog | Cause::Poison));
        for held in feed.values_mut() {
            held.until = clock.plus(HELD);
        }
        *self = Self { source: self.source, omitted: self.omitted(), feed, ..Self::default() };
    }

    /// Observes that stamps that were held back have turned out to be wrong, how far the furthest is ahead, and the clock.
    pub(crate) fn held_back(&mut self, stamps: u32, ahead: Span, clock: EventTime) {
        for _ in 0..HELD_BACK.min(stamps as usize) {
            self.held_back.rotate_left(1);
            self.held_back[HELD_BACK - 1] = Some((clock, ahead));
        }
        let first = self.held_back[0].filter(|(at, _)| clock.since(*at) <= HELD);
        if first.is_some() {
            let most = self.held_back.iter().flatten().map(|(_, ahead)| *ahead).max();
            let value = most.unwrap_or(ahead).secs_f64();
            let example = self.examples.get(&Cause::Skew).copied();
            self.feed.insert(Cause::Skew, Held { value, until: clock.plus(HELD), who: None, example });
        }
    }

    /// Begins anew at the time at which the flow goes on, and holds the trouble that the clock was ahead.
    pub(crate) fn set_back(&mut self, SetBack { to, ahead, .. }: SetBack) {
        let example = self.examples.get(&Cause::Late).copied();
        self.rewind(to);
        self.feed.insert(Cause::Skew, Held { value: ahead.secs_f64(), until: to.plus(HELD), who: None, example });
    }

    /// Observes that a symbol's book has not been usable for a time.
    pub(crate) fn book(&mut self, symbol: &str, since: EventTime, clock: EventTime) {
        let value = clock.since(since).secs_f64();
        let held = Held { value, until: clock.plus(CALM), who: None, example: None };
        self.hold_symbol((CompactString::new(symbol), Cause::Book), held);
    }

    fn hold_symbol(&mut self, key: (CompactString, Cause), held: Held) {
        if self.symbols.len() < SYMBOLS_MAX || self.symbols.contains_key(&key) {
            self.symbols.insert(key, held);
        } else {
            self.omitted += 1;
        }
    }

    /// The mode of a symbol by the feed's own troubles: that of the whole feed, or degraded if the symbol has a trouble.
    #[must_use]
    pub(crate) fn mode(&self, symbol: &str) -> Mode {
        let own = self.last_report.mode;
        if self.symbols.is_empty() || own > Mode::Normal {
            return own;
        }
        let (first, last) = (Cause::ALL[0].0, Cause::ALL[Cause::ALL.len() - 1].0);
        let name = CompactString::new(symbol);
        let has_trouble = self.symbols.range((name.clone(), first)..=(name, last)).next().is_some();
        if has_trouble { Mode::Degraded } else { Mode::Normal }
    }

    /// Troubles of symbols, and symbols that are suspected of one.
    #[must_use]
    pub(crate) fn kept(&self) -> usize {
        self.symbols.len() + self.suspects.len()
    }

    /// Troubles and suspects that were left out because there were too many.
    #[must_use]
    pub(crate) const fn omitted(&self) -> u64 {
        self.omitted + self.suspects.omitted()
    }
}

#[cfg(test)]
mod tests;
