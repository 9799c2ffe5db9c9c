//! Watches the service's own input by the wall clock, and decides when a partition is idle and when the service is
//! degraded or blind.
//!
//! Every call gets the time as an argument: a duration since some start, from any clock that never goes back. The watch
//! does no I/O. Its decisions become inputs of the engine and are recorded, so a replay repeats them without this file.
//! Troubles that follow from the records alone are not judged here but in the engine (`super::judge`).
//!
//! ```text
//!  records handled ──▶ per partition: when, how old, how far ahead of this clock ─┐
//!  partition's clock ──▶ how far behind the others                                ├─▶ judge ─▶ mode and troubles, if they changed
//!  nothing usable    ──▶ silence grows                                            ┘
//! ```
//!
//! A trouble ends once it has been absent for [`CALM`] (a wrong clock: for [`HELD`]), so that a feed with short
//! interruptions makes one incident and not twenty.

use std::{collections::VecDeque, time::Duration};

use super::{
    CALM_S, Cause, HELD_S, Mode, Scope, Trouble,
    unread::{Unread, UnreadPartitions},
};
use crate::{
    event::SourceId,
    time::{EventTime, Span},
};

/// A partition without records for this long no longer holds up the others (DESIGN, "Determinism").
const IDLE_AFTER: Duration = Duration::from_millis(500);
/// The shortest silence that is a trouble. DESIGN allows 5 s until the page; the rest is for noticing and for the
/// commit.
const SILENCE: Duration = Duration::from_millis(4_500);
/// Without heartbeats, a silence must also be this many times the usual gap (DESIGN, "Silence").
const SILENCE_GAPS: f64 = 20.0;
/// A record that is older than this when it is handled lags: five times what an alert may take in all (DESIGN,
/// "Guarantees").
const LAG: Span = Span::from_secs(5);
/// An event that is further ahead of this machine's clock than this has a wrong clock, or this machine has: the clocks of venue
/// and broker agree to some milliseconds. Beyond 5 s it moves no clock any more.
const SKEW: Span = Span::from_secs(2);
/// The fewest stamps ahead of this machine's clock within a minute that are a trouble; one or two are a slip.
const AHEAD_MIN: u64 = 3;
/// The share of a minute's stamps from which on it is this machine's clock that is wrong: producers have a clock each, and most of
/// them are not wrong by chance.
const AHEAD_MOST: f64 = 0.5;
/// How long a wrong clock is held, by this machine's clock.
const HELD: Duration = Duration::from_secs(HELD_S as u64);
/// A partition whose clock is further behind the newest than this holds up the others' alerts: they go on without it.
const BEHIND: Span = Span::from_secs(5);
/// How long a partition must be behind before that is reported, which must be within five seconds (DETECTION 6). The time is by
/// this machine's clock, because event time runs fast where a flow is read at full speed.
const BEHIND_REPORTED: Duration = Duration::from_secs(4);
/// How long a partition may be behind before it pages: a producer that catches up has done so by then.
const BEHIND_PAGES: Duration = Duration::from_mins(1);
/// How often the counts of stamps are taken.
const COUNT_EVERY: Duration = Duration::from_secs(5);
/// Number of such intervals over which a share is computed: a minute.
const COUNTS: u32 = 12;
/// How long any other trouble must be absent before it is over, by this machine's clock.
const CALM: Duration = Duration::from_secs(CALM_S as u64);

/// The state of a feed, as the engine reports it.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedView {
    /// The feed's clock, or the one that it was given while others waited for it.
    pub clock: Option<EventTime>,
    /// The feed's own clock: the newest time that was seen there and believed.
    pub own_clock: Option<EventTime>,
    /// The last record that was handled.
    pub last_offset: Option<u64>,
    /// Whether heartbeats arrive.
    pub beats: bool,
    /// Whether nothing is awaited now, because everything that the feed carries is closed.
    pub rests: bool,
    /// The median gap between the times of records.
    pub usual_gap: Span,
    /// Records so far that were accepted and whose stamps are believed.
    pub usable: u64,
}

/// The records of a partition that were handled since the last call of [`Watch::observe`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Arrivals {
    /// Whether any of them could be used.
    pub usable: bool,
    /// The age of the last record when it was handled.
    pub age: Option<Span>,
    /// How many events there were.
    pub stamps: u64,
    /// How many of them were ahead of this machine's clock by more than clocks differ.
    pub stamps_ahead: u64,
    /// The furthest that one was ahead.
    pub ahead: Span,
}

impl Arrivals {
    /// Adds the stamp of an event, by how far it is ahead of this machine's clock.
    pub(super) fn add_stamp(&mut self, ahead: Span) {
        self.stamps += 1;
        self.stamps_ahead += u64::from(ahead > SKEW);
        self.ahead = self.ahead.max(ahead);
    }
}

/// The watch over all partitions.
#[derive(Debug)]
pub struct Watch {
    partitions: Vec<Partition>,
    unread: UnreadPartitions,
    /// The mode that was decided last.
    mode: Mode,
    /// The troubles that were decided last.
    troubles: Vec<Trouble>,
}

/// The state of one partition.
#[derive(Clone, Debug)]
struct Partition {
    /// When a usable record was last handled.
    active_at: Duration,
    /// When the partition last rested, so that no records were awaited.
    rested_at: Duration,
    /// When any record was last handled.
    arrived_at: Option<Duration>,
    /// Whether the partition was ever up to date. Until then its old records are a backlog and no lag.
    caught_up: bool,
    /// Since when the partition's clock is behind those of the others, and when that was last seen.
    behind: Option<(Duration, Duration)>,
    /// Stamps of the last minute, those ahead of this machine's clock, and the furthest, oldest first.
    stamps: VecDeque<(Duration, [u64; 2], Span)>,
    /// The troubles that are held, by cause.
    held: [Option<Held>; Cause::ALL.len()],
}

/// A trouble that lasts until a time, unless it is observed again.
#[derive(Clone, Copy, Debug)]
struct Held {
    value: f64,
    until: Duration,
}

impl Watch {
    /// Begins to watch, with the mode and the troubles that were decided last.
    #[must_use]
    pub fn new(feeds: &[FeedView], now: Duration, mode: Mode, troubles: Vec<Trouble>) -> Self {
        let mut partitions: Vec<Partition> = feeds.iter().map(|_| Partition::new(now)).collect();
        // A trouble from before a restart lasts until it has been absent for a while.
        let unread = UnreadPartitions::of(&troubles, now + CALM);
        // A gap is no trouble of the partition beside which it is reported.
        for trouble in troubles.iter().filter(|trouble| trouble.cause != Cause::Gap) {
            if let Some(partition) = partitions.get_mut(trouble.source.0 as usize) {
                partition.hold(trouble.cause, trouble.value, now + CALM);
                if trouble.cause == Cause::Behind {
                    partition.behind = Some((now, now));
                }
            }
        }
        Self { partitions, unread, mode, troubles }
    }

    /// Observes that records of a partition were handled.
    pub fn observe(&mut self, source: SourceId, now: Duration, arrivals: Arrivals) {
        let Some(partition) = self.partitions.get_mut(source.0 as usize) else { return };
        partition.arrived_at = Some(now);
        if arrivals.usable {
            partition.active_at = now;
        }
        if let Some(age) = arrivals.age {
            partition.caught_up |= age <= LAG;
            if partition.caught_up && age > LAG {
                partition.hold(Cause::Lag, age.secs_f64(), now + CALM);
            }
        }
        partition.count(now, arrivals);
    }

    /// Observes which partitions exist and have not been read for too long.
    pub fn observe_unread(&mut self, now: Duration, unread: Vec<Unread>) {
        self.unread.observe(now, unread, now + CALM);
    }

    /// Observes that a partition that was read to its end is behind the newest clock, and by how much.
    pub(super) fn observe_behind(&mut self, source: SourceId, now: Duration, behind: Span) {
        let Some(partition) = self.partitions.get_mut(source.0 as usize) else { return };
        if behind <= BEHIND {
            partition.behind = None;
            return;
        }
        let before = partition.behind.filter(|(_, seen)| now.saturating_sub(*seen) <= CALM);
        let (since, _) = before.unwrap_or((now, now));
        partition.behind = Some((since, now));
        if now.saturating_sub(since) < BEHIND_REPORTED {
            return;
        }
        partition.hold(Cause::Behind, behind.secs_f64(), now + CALM);
    }

    /// Whether a partition has had nothing usable for so long that the others need not wait for it.
    #[must_use]
    pub fn is_idle(&self, source: SourceId, now: Duration) -> bool {
        self.is_idle_for(source, now, IDLE_AFTER)
    }

    /// Whether a partition has had nothing usable for a time.
    #[must_use]
    pub(super) fn is_idle_for(&self, source: SourceId, now: Duration, time: Duration) -> bool {
        let partition = self.partitions.get(source.0 as usize);
        partition.is_some_and(|partition| now.saturating_sub(partition.active_at) >= time)
    }

    /// Whether a partition is so far behind the others that they need not wait for it.
    #[must_use]
    pub(super) fn is_behind(&self, source: SourceId, now: Duration) -> bool {
        let behind = self.partitions.get(source.0 as usize).and_then(|partition| partition.behind);
        behind.is_some_and(|(_, seen)| now.saturating_sub(seen) <= IDLE_AFTER)
    }

    /// Decides the mode and the troubles. Returns them if they differ from the last ones. `drained`: every record that
    /// was read has been handled; only then is silence judged. `clock` stands for that of a partition that never had one.
    pub fn judge(
        &mut self,
        now: Duration,
        feeds: &[FeedView],
        drained: bool,
        clock: EventTime,
    ) -> Option<(Mode, &[Trouble])> {
        for (partition, feed) in self.partitions.iter_mut().zip(feeds) {
            partition.update(now, feed, drained);
        }
        let troubles = self.troubles(now, feeds, clock);
        let is_dark = |source: SourceId| {
            let is_dark = |trouble: &Trouble| matches!(trouble.cause, Cause::Silence | Cause::NothingUsable);
            troubles.iter().any(|trouble| trouble.source == source && is_dark(trouble))
        };
        // Nothing is seen where every partition that is awaited is dark.
        let mut sources = (0..).map(SourceId).zip(feeds);
        let is_blind =
            sources.all(|(source, feed)| feed.rests || is_dark(source)) && feeds.iter().any(|feed| !feed.rests);
        let mode = match troubles.len() {
            0 => Mode::Normal,
            _ if is_blind => Mode::Blind,
            _ => Mode::Degraded,
        };
        let pages = mode == Mode::Blind;
        let troubles: Vec<Trouble> =
            troubles.into_iter().map(|trouble| Trouble { pages: trouble.pages || pages, ..trouble }).collect();
        if mode == self.mode && Trouble::are_same(&troubles, &self.troubles) {
            return None;
        }
        (self.mode, self.troubles) = (mode, troubles);
        Some((self.mode, &self.troubles))
    }

    /// The troubles that are held, sorted by cause and partition.
    fn troubles(&self, now: Duration, feeds: &[FeedView], newest: EventTime) -> Vec<Trouble> {
        let last = |source: SourceId| feeds.get(source.index()).and_then(|feed| Some((feed.last_offset?, feed.clock)));
        let mut troubles = self.unread.troubles(now, feeds.len(), last, newest);
        for (cause, _) in Cause::ALL {
            for ((source, partition), feed) in (0..).map(SourceId).zip(&self.partitions).zip(feeds) {
                let held = partition.held[cause as usize].as_ref().filter(|held| held.until > now);
                // A partition that never carried a record cannot have a trouble.
                let (Some(held), Some(after_offset)) = (held, feed.last_offset) else { continue };
                let pages = match cause {
                    // A silence pages where heartbeats came: their sender must not stop.
                    Cause::Silence => feed.beats,
                    Cause::Behind => {
                        partition.behind.is_some_and(|(since, seen)| seen.saturating_sub(since) >= BEHIND_PAGES)
                    }
                    Cause::NothingUsable => true,
                    Cause::Gap
                    | Cause::Lag
                    | Cause::Skew
                    | Cause::SilentProducer
                    | Cause::SilentSymbols
                    | Cause::Duplicates
                    | Cause::Late
                    | Cause::Rejected
                    | Cause::Unusable
                    | Cause::Book
                    | Cause::NewLog
                    | Cause::Poison
                    | Cause::UnknownType
                    | Cause::MachineClock => false,
                };
                troubles.push(Trouble {
                    cause,
                    source,
                    after_offset,
                    clock: feed.clock.unwrap_or(newest),
                    value: held.value,
                    limit: limit(cause, feed),
                    pages,
                    scope: Scope::Partition,
                    who: None,
                    example: None,
                });
            }
        }
        troubles
    }
}

impl Partition {
    const fn new(now: Duration) -> Self {
        let held = [const { None }; Cause::ALL.len()];
        Self {
            active_at: now,
            rested_at: now,
            arrived_at: None,
            caught_up: false,
            behind: None,
            stamps: VecDeque::new(),
            held,
        }
    }

    const fn hold(&mut self, cause: Cause, value: f64, until: Duration) {
        self.held[cause as usize] = Some(Held { value, until });
    }

    /// Holds the troubles that the state of the feed shows now.
    fn update(&mut self, now: Duration, feed: &FeedView, drained: bool) {
        if feed.rests {
            self.rested_at = now;
        }
        let unusable = now.saturating_sub(self.active_at).as_secs_f64();
        let silence = now.saturating_sub(self.active_at.max(self.rested_at)).as_secs_f64();
        let arrives = self.arrived_at.is_some_and(|at| now.saturating_sub(at) < SILENCE);
        if arrives && unusable >= SILENCE.as_secs_f64() {
            self.hold(Cause::NothingUsable, unusable, now + CALM);
        } else if drained && feed.clock.is_some() && silence >= limit(Cause::Silence, feed) {
            self.hold(Cause::Silence, silence, now + CALM);
        }
    }

    /// Counts stamps, and holds a trouble if too many of the last minute were ahead of this machine's clock.
    fn count(&mut self, now: Duration, arrivals: Arrivals) {
        while self.stamps.front().is_some_and(|(at, ..)| now.saturating_sub(*at) >= COUNT_EVERY * COUNTS) {
            self.stamps.pop_front();
        }
        let Arrivals { stamps, stamps_ahead, ahead, .. } = arrivals;
        match self.stamps.back_mut().filter(|(at, ..)| now.saturating_sub(*at) < COUNT_EVERY) {
            Some((_, counts, furthest)) => {
                counts[0] += stamps;
                counts[1] += stamps_ahead;
                *furthest = ahead.max(*furthest);
            }
            None => self.stamps.push_back((now, [stamps, stamps_ahead], ahead)),
        }
        if stamps_ahead == 0 {
            return;
        }
        let sum = |nth: usize| self.stamps.iter().map(|(_, counts, _)| counts[nth]).sum::<u64>();
        let furthest = self.stamps.iter().map(|(.., furthest)| *furthest).max().unwrap_or(ahead);
        if sum(1) >= AHEAD_MIN {
            let most = sum(1) as f64 >= AHEAD_MOST * sum(0) as f64;
            let cause = if most { Cause::MachineClock } else { Cause::Skew };
            self.hold(cause, furthest.secs_f64(), now + HELD);
        }
    }
}

/// Returns the magnitude of a cause that is tolerated.
fn limit(cause: Cause, feed: &FeedView) -> f64 {
    match cause {
        Cause::Lag => LAG.secs_f64(),
        Cause::Silence if feed.beats => SILENCE.as_secs_f64(),
        Cause::Silence => SILENCE.as_secs_f64().max(SILENCE_GAPS * feed.usual_gap.secs_f64()),
        Cause::NothingUsable => SILENCE.as_secs_f64(),
        Cause::Skew | Cause::MachineClock => SKEW.secs_f64(),
        Cause::Behind => BEHIND.secs_f64(),
        // Judged in the engine.
        Cause::Gap
        | Cause::SilentProducer
        | Cause::SilentSymbols
        | Cause::Duplicates
        | Cause::Late
        | Cause::Rejected
        | Cause::Unusable
        | Cause::NewLog
        | Cause::Poison
        | Cause::UnknownType
        | Cause::Book => 0.0,
    }
}

#[cfg(test)]
mod tests;
