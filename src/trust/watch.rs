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

use std::time::Duration;

use super::{Cause, Mode, Trouble};
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
/// How long a silence or a lag must be gone before it is over: as a detector's hysteresis (DETECTION 2.1).
const CALM: Duration = Duration::from_secs(10);

/// What the engine knows of a feed.
#[derive(Clone, Copy, Debug, PartialEq)]
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
    /// By cause: how much, and until when it counts.
    held: [Option<(f64, Duration)>; Cause::ALL.len()],
}

impl Watch {
    /// Begins to watch, from what was last decided.
    #[must_use]
    pub fn new(feeds: &[FeedView], now: Duration, mode: Mode, troubles: Vec<Trouble>) -> Self {
        let mut partitions: Vec<Partition> = feeds.iter().map(|feed| Partition::new(feed, now)).collect();
        // What was wrong before a restart still is until the opposite has shown for a while.
        for trouble in &troubles {
            if let Some(partition) = partitions.get_mut(trouble.source.0 as usize) {
                partition.hold(trouble.cause, trouble.value, now + CALM);
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
                partition.hold(Cause::Lag, age.secs_f64(), now + CALM);
            }
        }
        if let Some(ahead) = heard.ahead.filter(|ahead| *ahead > SKEW) {
            partition.hold(Cause::Skew, ahead.secs_f64(), now + HELD);
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
                let held = partition.held[cause as usize].filter(|(_, until)| *until > now);
                // Only a partition that has carried something can fall silent, lag or lose anything.
                if let (Some((value, _)), Some(clock), Some(after_offset)) = (held, feed.clock, feed.last_offset) {
                    let pages = cause == Cause::Silence && feed.beats;
                    let limit = limit(cause, feed);
                    troubles.push(Trouble { cause, source: SourceId(i), after_offset, clock, value, limit, pages });
                }
            }
        }
        troubles
    }
}

impl Partition {
    const fn new(feed: &FeedView, now: Duration) -> Self {
        Self { heard_at: now, gaps: feed.gaps, caught_up: false, held: [None; Cause::ALL.len()] }
    }

    fn hold(&mut self, cause: Cause, value: f64, until: Duration) {
        self.held[cause as usize] = Some((value, until));
    }

    fn look(&mut self, now: Duration, feed: &FeedView, drained: bool) {
        if feed.gaps > self.gaps {
            self.hold(Cause::Gap, (feed.gaps - self.gaps) as f64, now + HELD);
            self.gaps = feed.gaps;
        }
        let silence = now.saturating_sub(self.heard_at).as_secs_f64();
        if drained && silence >= limit(Cause::Silence, feed) {
            self.hold(Cause::Silence, silence, now + CALM);
        }
    }
}

/// What makes a trouble another one: not how much it is.
const fn kind(trouble: &Trouble) -> (Cause, SourceId, bool) {
    (trouble.cause, trouble.source, trouble.pages)
}

/// How much is tolerated.
fn limit(cause: Cause, feed: &FeedView) -> f64 {
    match cause {
        Cause::Gap => 0.0,
        Cause::Lag => LAG.secs_f64(),
        Cause::Silence if feed.beats => SILENCE.as_secs_f64(),
        Cause::Silence => SILENCE.as_secs_f64().max(SILENCE_GAPS * feed.usual_gap.secs_f64()),
        Cause::Skew => SKEW.secs_f64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(beats: bool, gap_millis: i64) -> FeedView {
        FeedView {
            clock: Some(EventTime::from_nanos(1)),
            last_offset: Some(7),
            beats,
            usual_gap: Span::from_millis(gap_millis),
            gaps: 0,
        }
    }

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    const FRESH: Heard = Heard { age: Some(Span::from_millis(3)), ahead: None };
    const FIRST: SourceId = SourceId(0);
    const SECOND: SourceId = SourceId(1);

    type Decision = (Mode, Vec<(Cause, u32, bool)>);

    fn decided(watch: &mut Watch, now: u64, feeds: &[FeedView]) -> Option<Decision> {
        let (mode, troubles) = watch.judge(at(now), feeds, true)?;
        Some((mode, troubles.iter().map(|t| (t.cause, t.source.0, t.pages)).collect()))
    }

    #[test]
    fn a_silence_of_all_is_blindness_and_pages_within_five_seconds() {
        let feeds = [feed(true, 1), feed(true, 1)];
        let mut watch = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
        watch.heard(FIRST, at(1_000), FRESH);
        assert_eq!(decided(&mut watch, 4_499, &feeds), None);
        let one = vec![(Cause::Silence, 1, true)];
        assert_eq!(decided(&mut watch, 4_500, &feeds), Some((Mode::Degraded, one)));
        assert_eq!(decided(&mut watch, 5_499, &feeds), None, "said already");
        let both = vec![(Cause::Silence, 0, true), (Cause::Silence, 1, true)];
        assert_eq!(decided(&mut watch, 5_500, &feeds), Some((Mode::Blind, both)));
    }

    #[test]
    fn a_trouble_is_over_when_it_has_been_gone_for_ten_seconds() {
        let feeds = [feed(true, 1)];
        let mut watch = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
        assert!(decided(&mut watch, 5_000, &feeds).is_some());
        watch.heard(FIRST, at(6_000), FRESH);
        watch.heard(FIRST, at(14_000), FRESH);
        assert_eq!(decided(&mut watch, 14_999, &feeds), None);
        assert_eq!(decided(&mut watch, 15_000, &feeds), Some((Mode::Normal, Vec::new())));
    }

    #[test]
    fn without_heartbeats_a_silence_is_twenty_usual_gaps_and_wakes_nobody_alone() {
        let feeds = [feed(false, 1_000), feed(true, 1)];
        let mut watch = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
        watch.heard(SECOND, at(19_000), FRESH);
        assert_eq!(decided(&mut watch, 19_999, &feeds), None);
        let quiet = vec![(Cause::Silence, 0, false)];
        assert_eq!(decided(&mut watch, 20_000, &feeds), Some((Mode::Degraded, quiet)));
    }

    #[test]
    fn silence_is_not_judged_while_there_is_more_to_read() {
        let feeds = [feed(true, 1)];
        let mut watch = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
        assert_eq!(watch.judge(at(60_000), &feeds, false), None);
    }

    #[test]
    fn a_partition_that_never_carried_anything_is_not_silent() {
        let feeds = [FeedView { clock: None, last_offset: None, ..feed(false, 1) }];
        let mut watch = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
        assert_eq!(decided(&mut watch, 60_000, &feeds), None);
    }

    #[test]
    fn what_was_there_before_the_start_does_not_lag() {
        let feeds = [feed(true, 1)];
        let mut watch = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
        let old = Heard { age: Some(Span::from_secs(60)), ahead: None };
        watch.heard(FIRST, at(0), old);
        assert_eq!(decided(&mut watch, 0, &feeds), None);
        watch.heard(FIRST, at(1), FRESH);
        watch.heard(FIRST, at(2), old);
        assert_eq!(decided(&mut watch, 2, &feeds), Some((Mode::Degraded, vec![(Cause::Lag, 0, false)])));
    }

    #[test]
    fn gaps_and_skew_are_held_for_the_longest_window() {
        let mut feeds = [feed(true, 1)];
        let mut watch = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
        feeds[0].gaps = 3;
        watch.heard(FIRST, at(0), Heard { age: None, ahead: Some(Span::from_secs(3)) });
        let both = vec![(Cause::Gap, 0, false), (Cause::Skew, 0, false)];
        assert_eq!(decided(&mut watch, 0, &feeds), Some((Mode::Degraded, both)));
        watch.heard(FIRST, at(59_999), FRESH);
        assert_eq!(decided(&mut watch, 59_999, &feeds), None);
        assert_eq!(decided(&mut watch, 60_000, &feeds), Some((Mode::Normal, Vec::new())));
    }

    #[test]
    fn a_restart_into_a_silence_is_the_same_silence() {
        let feeds = [feed(true, 1)];
        let mut before = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
        let (mode, troubles) = before.judge(at(5_000), &feeds, true).map(|(m, t)| (m, t.to_vec())).unwrap();
        let mut after = Watch::new(&feeds, at(100_000), mode, troubles);
        for now in (100_000..130_000).step_by(100) {
            assert_eq!(decided(&mut after, now, &feeds), None, "at {now}");
        }
    }

    #[test]
    fn a_partition_is_idle_after_half_a_second() {
        let feeds = [feed(true, 1)];
        let watch = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
        assert!(!watch.is_idle(FIRST, at(499)));
        assert!(watch.is_idle(FIRST, at(500)));
    }
}
