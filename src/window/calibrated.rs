//! The burst window with thresholds of its own: levels by false alarms a day, and p-values.
//!
//! Blocks are whole minutes of the window's clock, from 15 min of baseline on; after 60 of them the tails of scan and CUSUM are
//! known. Before that only the scan speaks, at a fixed level and only as a warning: 25 nats, then 17 (DETECTION 6).
//!
//! The reference says nothing of a minute that a gap overlaps. Here one that is blind from end to end is not learned, as its
//! seconds are not: a long outage must not lower the thresholds of what follows. One that was seen in part is learned
//! with what was seen, or a feed that loses a little every minute would never be calibrated.

use serde::{Deserialize, Serialize};

use super::{Baseline, Burst, BurstSettings, SECONDS, Scan, Seen};
use crate::{
    stats::block_tail::{BlockTail, Bounded, cusum_cap_at_first, fixed_p},
    time::{EventTime, Span},
};

/// Seconds learned before blocks are: 15 min.
const BLOCKS_FROM: u64 = 900;
/// The scan's level before that, and from then until it is calibrated, in nats.
const COLD_LEVELS: (f64, f64) = (25.0, 17.0);
/// False alarms at the levels info, warning and critical, as multiples of those at warning; the last is for critical where every
/// level is one step stricter.
const RATES: [f64; 4] = [10.0, 1.0, 0.1, 0.01];
/// Empty blocks that are learned one by one after a silence, some 10 ns each: a year. Then the tails have long been at rest.
const SILENCE_MAX: i64 = 527_040;

/// Seconds learned before a borrowed tail is in force: 75 min, as long as a window of its own takes.
const OWN_FROM: u64 = 4_500;
/// What the others' rate weighs against the subject's own, in seconds (DETECTION 2.1).
pub const BORROWED_SECONDS: f64 = 60.0;

const MINUTE: Span = Span::from_secs(60);

/// How far the window has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Under 15 minutes of baseline.
    Learning,
    /// The baseline is good, the tails are not known yet.
    Provisional,
    /// The window's own levels are in force.
    Calibrated,
}

/// The levels in force.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Levels {
    /// Only the scan, and only a warning.
    Fixed(f64),
    /// Of scan and CUSUM for info, warning and critical, and one step beyond.
    Own {
        /// Of the scan.
        scan: [Bounded; 4],
        /// Of the CUSUM.
        cusum: [Bounded; 4],
    },
}

/// What was seen at one event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation {
    /// The scan.
    pub scan: Scan,
    /// The CUSUM, in nats.
    pub cusum: f64,
}

/// What a window begins with where others like its subject are known.
#[derive(Clone, Debug, PartialEq)]
pub struct Warm {
    /// Events per second: the subject's own, shrunk to the others'.
    pub rate: f64,
    /// Fano factors by window.
    pub factors: [f64; SECONDS.len()],
    /// The .95 quantile of their scans' block maxima, and the Pareto index above it.
    pub tail: (f64, f64),
    /// Seconds for which they are known: the cold start is theirs.
    pub age: u64,
    /// Seconds of its own that the subject's rate rests on.
    pub own: f64,
    /// The subject's last events, none older than a minute.
    pub times: Vec<EventTime>,
}

/// The burst window of a subject.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Calibrated {
    burst: Burst,
    scan: BlockTail,
    cusum: BlockTail,
    /// The minute under way, once there are blocks, and its maxima.
    block: Option<i64>,
    top: (f64, f64),
    levels: Levels,
    /// The CUSUM's cap before it has a level of its own.
    first_cap: f64,
    /// How much of it began as others', and since how many seconds learned its own levels may be in force.
    borrowed: Option<Borrowed>,
}

/// What is not a window's own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Borrowed {
    /// Seconds that it counted as learned when it began.
    bins: u64,
    /// Seconds of its own behind its rate then.
    own: f64,
}

impl Calibrated {
    /// A window that has seen nothing.
    #[must_use]
    pub fn new(settings: BurstSettings) -> Self {
        Self::counting(settings, 1)
    }

    /// The same for one that counts up to so many at once, which its CUSUM must have room for before it has a level of its own.
    #[must_use]
    pub fn counting(settings: BurstSettings, at_once_max: u16) -> Self {
        let first_cap = f64::from(at_once_max) * cusum_cap_at_first();
        Self {
            burst: Burst::new(settings, first_cap),
            first_cap,
            scan: BlockTail::default(),
            cusum: BlockTail::default(),
            block: None,
            top: (0.0, 0.0),
            levels: Levels::Fixed(COLD_LEVELS.0),
            borrowed: None,
        }
    }

    /// A window that begins with what is known of others like its subject, or the first burst of its life would go unseen for
    /// 91 s (DETECTION 2.1, "A promoted window starts warm"). Where the others are young too, their cold start holds for it.
    #[must_use]
    pub fn warm(settings: BurstSettings, warm: &Warm) -> Self {
        let base = Baseline::borrowed(warm.rate, &warm.factors, warm.age);
        let bins = base.bins();
        let tail = BlockTail::borrowed(warm.tail.0, warm.tail.1);
        let mut window = Self {
            burst: Burst::warm(settings, cusum_cap_at_first(), base, &warm.times),
            scan: tail.clone(),
            cusum: tail,
            borrowed: Some(Borrowed { bins, own: warm.own }),
            ..Self::new(settings)
        };
        if bins >= OWN_FROM {
            window.apply_tails();
        } else if bins >= BLOCKS_FROM {
            window.levels = Levels::Fixed(COLD_LEVELS.1);
        }
        window
    }

    /// How much of what it judges by is still others', from 0 to 1: their minute against the subject's own seconds.
    #[must_use]
    pub fn borrowed_share(&self) -> f64 {
        self.borrowed
            .map_or(0.0, |borrowed| BORROWED_SECONDS / (BORROWED_SECONDS + borrowed.own + self.own_seconds() as f64))
    }

    /// Seconds that it has learned of its own subject.
    #[must_use]
    pub fn own_seconds(&self) -> u64 {
        self.burst.baseline().bins().saturating_sub(self.borrowed.map_or(0, |borrowed| borrowed.bins))
    }

    /// Goes on with another share of false alarms a day, with all that it has learned.
    pub fn share(&mut self, warnings_per_day: f64) {
        self.burst.share(warnings_per_day);
        if matches!(self.levels, Levels::Own { .. }) {
            self.apply_tails();
        }
    }

    /// Goes on under other settings: the rates stay, the tails and the levels that come from them begin anew.
    pub fn retune(&mut self, settings: BurstSettings) {
        self.burst.retune(settings, self.first_cap);
        (self.scan, self.cusum) = (BlockTail::default(), BlockTail::default());
        (self.block, self.top, self.borrowed) = (None, (0.0, 0.0), None);
        self.levels = Levels::Fixed(COLD_LEVELS.0);
        if let Some(now) = self.burst.now() {
            self.close_blocks(now);
        }
    }

    /// The window behind it.
    #[must_use]
    pub const fn burst(&self) -> &Burst {
        &self.burst
    }

    /// The levels in force.
    #[must_use]
    pub const fn levels(&self) -> &Levels {
        &self.levels
    }

    /// How far it has come.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.levels {
            Levels::Own { .. } => Phase::Calibrated,
            Levels::Fixed(_) if self.burst.baseline().bins() >= BLOCKS_FROM => Phase::Provisional,
            Levels::Fixed(_) => Phase::Learning,
        }
    }

    /// The chances of this scan and of this CUSUM within a quiet minute; the CUSUM has none before calibration.
    #[must_use]
    pub fn p(&self, seen: &Observation) -> (f64, Option<f64>) {
        match (self.scan.tail(), self.cusum.tail()) {
            (Some(scan), Some(cusum)) => (scan.scan_p(seen.scan.score), Some(cusum.cusum_p(seen.cusum))),
            (None, _) | (_, None) => (fixed_p(seen.scan.score), None),
        }
    }

    /// The quantiles .8 and .95 of the scan's block maxima with the Pareto index, and the CUSUM's, once they are known.
    #[must_use]
    pub fn tails(&self) -> (&BlockTail, &BlockTail) {
        (&self.scan, &self.cusum)
    }

    /// The seconds that come due up to this time are not learned.
    pub const fn freeze_until(&mut self, until: EventTime) {
        self.burst.freeze_until(until);
    }

    /// The feed is known to have been blind in [from, until).
    pub fn gap(&mut self, from: EventTime, until: EventTime) {
        // What was seen before it counts as ever.
        let blind_from = self.burst.now().map_or(until, |now| from.max(now).min(until));
        if self.burst.now().is_some() {
            self.heartbeat(blind_from);
        }
        self.burst.gap(from, until);
        let minute = until.slot(MINUTE);
        if let Some(block) = self.block.filter(|&block| block < minute) {
            if EventTime::of_slot(block, MINUTE) < blind_from {
                self.learn_blocks(block + 1);
            }
            self.block = Some(minute);
            self.apply_tails();
        }
        self.close_blocks(until);
    }

    /// Nothing was counted up to `at`.
    pub fn heartbeat(&mut self, at: EventTime) {
        self.burst.heartbeat(at);
        self.close_blocks(at);
    }

    /// Takes one event. `None` where it was late, or too little is learned to judge it.
    pub fn handle(&mut self, at: EventTime) -> Option<Observation> {
        self.handle_many(at, 1)
    }

    /// Takes so many events of one instant.
    pub fn handle_many(&mut self, at: EventTime, events: u16) -> Option<Observation> {
        if self.burst.now().is_none_or(|now| at >= now) {
            self.heartbeat(at);
        }
        let Seen::Judged(Some(scan)) = self.burst.handle_many(at, events) else { return None };
        let seen = Observation { scan, cusum: self.burst.cusum() };
        if self.block == Some(at.slot(MINUTE)) {
            self.top = (self.top.0.max(scan.score), self.top.1.max(seen.cusum));
        }
        Some(seen)
    }

    fn close_blocks(&mut self, at: EventTime) {
        let minute = at.slot(MINUTE);
        let bins = self.burst.baseline().bins();
        if self.block.is_none() && bins >= BLOCKS_FROM {
            self.block = Some(minute + 1);
        }
        if self.levels == Levels::Fixed(COLD_LEVELS.0) && bins >= BLOCKS_FROM {
            self.levels = Levels::Fixed(COLD_LEVELS.1);
        }
        if self.block.is_some_and(|block| block < minute) {
            self.learn_blocks(minute);
            self.apply_tails();
        }
    }

    /// Learns the blocks under way up to, not including, `minute`; all but the first of them are empty.
    fn learn_blocks(&mut self, minute: i64) {
        let Some(block) = &mut self.block else { return };
        *block = (*block).max(minute - SILENCE_MAX);
        while *block < minute {
            self.scan.learn(self.top.0);
            self.cusum.learn(self.top.1);
            *block += 1;
            self.top = (0.0, 0.0);
        }
    }

    /// Puts what the tails have learned in force.
    fn apply_tails(&mut self) {
        if self.borrowed.is_some() && self.burst.baseline().bins() < OWN_FROM {
            return;
        }
        if let (Some(scan), Some(cusum)) = (self.scan.tail(), self.cusum.tail()) {
            let rates = RATES.map(|rate| rate * self.burst.settings().warnings_per_day);
            self.levels = Levels::Own {
                scan: rates.map(|rate| scan.scan_threshold(rate)),
                cusum: rates.map(|rate| cusum.cusum_threshold(rate)),
            };
            self.burst.cap_cusum(2.0 * cusum.cusum_threshold(rates[2]).value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::NANOS_PER_SEC;

    fn second(n: i64) -> EventTime {
        EventTime::from_nanos(n * NANOS_PER_SEC)
    }

    /// Three hours of a steady trickle with a small burst now and then.
    fn calibrated() -> Calibrated {
        let mut window = Calibrated::new(BurstSettings::default());
        for n in 0..10_800 {
            for k in 0..if n % 97 == 0 { 9 } else { 1 } {
                window.handle(EventTime::from_nanos(n * NANOS_PER_SEC + k));
            }
        }
        assert_eq!(window.phase(), Phase::Calibrated);
        window
    }

    fn q95(window: &Calibrated) -> f64 {
        window.tails().0.tail().unwrap().quantiles().1
    }

    #[test]
    fn minutes_that_nobody_saw_teach_the_tail_nothing() {
        let (mut blind, mut quiet) = (calibrated(), calibrated());
        let before = q95(&blind);
        blind.gap(second(10_800), second(10_800 + 86_400));
        blind.handle(second(10_800 + 86_461));
        // But for the minute that ended as the gap began and the empty one after it.
        assert!((q95(&blind) - before).abs() < 0.1 * before, "{} after {before}", q95(&blind));
        quiet.heartbeat(second(10_800 + 86_461));
        assert!(q95(&quiet) < 0.7 * before);
    }

    #[test]
    fn a_feed_that_loses_a_second_a_minute_is_calibrated_all_the_same() {
        let mut window = Calibrated::new(BurstSettings::default());
        for n in 0..10_800 {
            window.handle(second(n));
            if n % 60 == 30 {
                window.gap(second(n), second(n + 1));
            }
        }
        assert_eq!(window.phase(), Phase::Calibrated);
    }

    #[test]
    fn a_window_costs_little() {
        // Ring of buckets apart: 610 of two bytes.
        let size = size_of::<Calibrated>() + 610 * size_of::<u16>();
        assert!(size <= 2_600, "{size} bytes");
    }
}
