//! Watches the service's own input by the wall clock, and decides when it is idle, degraded or blind.
//!
//! Facts come in with the time at which they were seen (any clock that never goes back, as a length since some start);
//! decisions come out. It does no I/O and reads no clock. What it decides becomes an input of the engine and is recorded, so
//! a replay repeats it without this file.
//!
//! ```text
//!  heard a record ──▶ partition: when, how old, how far ahead ─┐
//!  sequence gaps  ──▶ held for a minute                        ├─▶ judge ─▶ mode and troubles, if they changed
//!  nothing to read ─▶ silence grows                            ┘
//! ```
//!
//! A trouble lasts until it has been absent for [`CALM`], so that a feed which stutters makes one incident and not twenty.

use std::{collections::VecDeque, time::Duration};

use compact_str::CompactString;

use super::{Cause, Mode, SilentProducer, SilentSymbols, Trouble};
use crate::{
    event::SourceId,
    time::{EventTime, Span},
};

/// A partition with nothing for so long no longer holds the others up (DESIGN, "Determinism").
const IDLE_AFTER: Duration = Duration::from_millis(500);
/// The shortest silence that is an alarm. DESIGN gives the page 5 s in all; the rest is for noticing and for the commit.
const SILENCE: Duration = Duration::from_millis(4_500);
/// Where there are no heartbeats a silence is one that is this many times the usual gap (DESIGN, "Silence").
const SILENCE_GAPS: f64 = 20.0;
/// A record that is older than this when it is handled lags: five times what an alert may take in all (DESIGN, "Guarantees").
const LAG: Span = Span::from_secs(5);
/// An event that is further ahead of its record's own time than this is stamped by a wrong clock: venue and broker keep
/// time to some milliseconds, and beyond 300 s a record is rejected.
const SKEW: Span = Span::from_secs(2);
/// How long a gap or a skew is remembered: the longest window, which overlaps it for so long (DETECTION 6).
const HELD: Duration = Duration::from_mins(1);
/// The share of symbols that are silent at once from which on a part of the venue is gone, and the fewest: a symbol that says
/// nothing for a minute though it used to is one in a hundred at most (simulated flow).
const SYMBOLS_SILENT: f64 = 0.1;
const SYMBOLS_SILENT_MIN: u32 = 3;
/// The share of a minute's records that come twice, or too late, and the fewest: what is in the windows is then wrong by as much.
const SHARE: f64 = 0.01;
const SHARE_MIN: u64 = 20;
/// How often records are counted, and over how many such times a share is: a minute.
const COUNT_EVERY: Duration = Duration::from_secs(5);
const COUNTS: usize = 12;
/// How long a silence or a lag must be gone before it is over: as a detector's hysteresis (DETECTION 2.1).
const CALM: Duration = Duration::from_secs(10);

/// What the engine knows of a feed.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedView {
    /// Its clock.
    pub clock: Option<EventTime>,
    /// The last record that was handled.
    pub last_offset: Option<u64>,
    /// Whether heartbeats come.
    pub beats: bool,
    /// The median gap between times of records.
    pub usual_gap: Span,
    /// Gaps in sequences so far.
    pub gaps: u64,
    /// Records so far, and those of them that came twice or too late.
    pub records: u64,
    /// See [`FeedView::records`].
    pub duplicates: u64,
    /// See [`FeedView::records`].
    pub late: u64,
    /// The producer that has been silent longest.
    pub silent_producer: Option<SilentProducer>,
    /// Symbols that are silent.
    pub silent_symbols: Option<SilentSymbols>,
}

/// What was heard of a partition since it was last told.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Heard {
    /// How long the last record had been written when it was handled.
    pub age: Option<Span>,
    /// The furthest that an event was ahead of its record.
    pub ahead: Option<Span>,
}

/// The watch over all partitions.
#[derive(Debug)]
pub struct Watch {
    partitions: Vec<Partition>,
    /// What was last decided.
    mode: Mode,
    troubles: Vec<Trouble>,
}

#[derive(Clone, Debug)]
struct Partition {
    heard_at: Duration,
    gaps: u64,
    /// Whether it was ever up to date: what was there before the start is a backlog and no lag.
    caught_up: bool,
    /// Records, duplicates and late ones, as they were counted of late, oldest first.
    counts: VecDeque<(Duration, [u64; 3])>,
    /// By cause: how much, until when it counts, and of whom.
    held: [Option<Held>; Cause::ALL.len()],
}

#[derive(Clone, Debug)]
struct Held {
    value: f64,
    until: Duration,
    who: Option<CompactString>,
}

impl Watch {
    /// Begins to watch, from what was last decided.
    #[must_use]
    pub fn new(feeds: &[FeedView], now: Duration, mode: Mode, troubles: Vec<Trouble>) -> Self {
        let mut partitions: Vec<Partition> = feeds.iter().map(|feed| Partition::new(feed, now)).collect();
        // What was wrong before a restart still is until the opposite has shown for a while.
        for trouble in &troubles {
            if let Some(partition) = partitions.get_mut(trouble.source.0 as usize) {
                partition.hold(trouble.cause, trouble.value, now + CALM, trouble.who.clone());
            }
        }
        Self { partitions, mode, troubles }
    }

    /// Records of a partition were handled.
    pub fn heard(&mut self, source: SourceId, now: Duration, heard: Heard) {
        let Some(partition) = self.partitions.get_mut(source.0 as usize) else { return };
        partition.heard_at = now;
        if let Some(age) = heard.age {
            partition.caught_up |= age <= LAG;
            if partition.caught_up && age > LAG {
                partition.hold(Cause::Lag, age.secs_f64(), now + CALM, None);
            }
        }
        if let Some(ahead) = heard.ahead.filter(|ahead| *ahead > SKEW) {
            partition.hold(Cause::Skew, ahead.secs_f64(), now + HELD, None);
        }
    }

    /// Whether a partition has had nothing for so long that the others need not wait for it.
    #[must_use]
    pub fn is_idle(&self, source: SourceId, now: Duration) -> bool {
        let partition = self.partitions.get(source.0 as usize);
        partition.is_some_and(|partition| now.saturating_sub(partition.heard_at) >= IDLE_AFTER)
    }

    /// Decides anew. `drained` says that everything there was has been handled: silence is known only then. Returns the mode
    /// and the troubles if they are others than before.
    pub fn judge(&mut self, now: Duration, feeds: &[FeedView], drained: bool) -> Option<(Mode, &[Trouble])> {
        for (partition, feed) in self.partitions.iter_mut().zip(feeds) {
            partition.look(now, feed, drained);
        }
        let troubles = self.troubles(now, feeds);
        let silent = troubles.iter().filter(|trouble| trouble.cause == Cause::Silence).count();
        let mode = match troubles.len() {
            0 => Mode::Normal,
            _ if silent == self.partitions.len() => Mode::Blind,
            _ => Mode::Degraded,
        };
        let pages = mode == Mode::Blind;
        let troubles: Vec<Trouble> =
            troubles.into_iter().map(|trouble| Trouble { pages: trouble.pages || pages, ..trouble }).collect();
        if mode == self.mode && troubles.iter().map(kind).eq(self.troubles.iter().map(kind)) {
            return None;
        }
        (self.mode, self.troubles) = (mode, troubles);
        Some((self.mode, &self.troubles))
    }

    fn troubles(&self, now: Duration, feeds: &[FeedView]) -> Vec<Trouble> {
        let mut troubles = Vec::new();
        for (cause, _) in Cause::ALL {
            for ((i, partition), feed) in (0_u32..).zip(&self.partitions).zip(feeds) {
                let held = partition.held[cause as usize].as_ref().filter(|held| held.until > now);
                // Only a partition that has carried something can fall silent, lag or lose anything.
                if let (Some(held), Some(clock), Some(after_offset)) = (held, feed.clock, feed.last_offset) {
                    // Whoever sends heartbeats has promised to go on.
                    let pages = cause == Cause::Silence && feed.beats || cause == Cause::SilentProducer;
                    let (value, limit, who) = (held.value, limit(cause, feed), held.who.clone());
                    let source = SourceId(i);
                    troubles.push(Trouble { cause, source, after_offset, clock, value, limit, pages, who });
                }
            }
        }
        troubles
    }
}

impl Partition {
    fn new(feed: &FeedView, now: Duration) -> Self {
        let held = [const { None }; Cause::ALL.len()];
        Self { heard_at: now, gaps: feed.gaps, caught_up: false, counts: VecDeque::new(), held }
    }

    fn hold(&mut self, cause: Cause, value: f64, until: Duration, who: Option<CompactString>) {
        self.held[cause as usize] = Some(Held { value, until, who });
    }

    fn look(&mut self, now: Duration, feed: &FeedView, drained: bool) {
        if feed.gaps > self.gaps {
            self.hold(Cause::Gap, (feed.gaps - self.gaps) as f64, now + HELD, None);
            self.gaps = feed.gaps;
        }
        let silence = now.saturating_sub(self.heard_at).as_secs_f64();
        if drained && silence >= limit(Cause::Silence, feed) {
            self.hold(Cause::Silence, silence, now + CALM, None);
        }
        if let Some(SilentProducer { name, silence }) = &feed.silent_producer {
            self.hold(Cause::SilentProducer, silence.secs_f64(), now + CALM, Some(name.clone()));
        }
        if let Some(SilentSymbols { first, silent, active, known }) = &feed.silent_symbols {
            let share = f64::from(*silent) / f64::from(*known);
            if *silent >= SYMBOLS_SILENT_MIN && active >= silent && share >= SYMBOLS_SILENT {
                self.hold(Cause::SilentSymbols, share, now + CALM, Some(first.clone()));
            }
        }
        self.count(now, feed);
    }

    /// Which share of the last minute's records came twice, and which too late.
    fn count(&mut self, now: Duration, feed: &FeedView) {
        if self.counts.back().is_some_and(|(at, _)| now.saturating_sub(*at) < COUNT_EVERY) {
            return;
        }
        let counts = [feed.records, feed.duplicates, feed.late];
        self.counts.push_back((now, counts));
        if self.counts.len() > COUNTS + 1 {
            self.counts.pop_front();
        }
        let Some((_, before)) = self.counts.front() else { return };
        let [records, duplicates, late] = std::array::from_fn(|i| counts[i].saturating_sub(before[i]));
        for (cause, bad) in [(Cause::Duplicates, duplicates), (Cause::Late, late)] {
            let share = bad as f64 / records.max(1) as f64;
            if bad >= SHARE_MIN && share >= SHARE {
                self.hold(cause, share, now + CALM, None);
            }
        }
    }
}

/// What makes a trouble another one: not how much it is.
fn kind(trouble: &Trouble) -> (Cause, SourceId, bool, Option<&CompactString>) {
    // Which of the symbols is named does not matter.
    let who = trouble.who.as_ref().filter(|_| trouble.cause == Cause::SilentProducer);
    (trouble.cause, trouble.source, trouble.pages, who)
}

/// How much is tolerated.
fn limit(cause: Cause, feed: &FeedView) -> f64 {
    match cause {
        Cause::Gap => 0.0,
        Cause::Lag => LAG.secs_f64(),
        Cause::Silence if feed.beats => SILENCE.as_secs_f64(),
        Cause::Silence => SILENCE.as_secs_f64().max(SILENCE_GAPS * feed.usual_gap.secs_f64()),
        Cause::Skew => SKEW.secs_f64(),
        Cause::SilentProducer => SILENCE.as_secs_f64(),
        Cause::SilentSymbols => SYMBOLS_SILENT,
        Cause::Duplicates | Cause::Late => SHARE,
    }
}

#[cfg(test)]
mod tests;
