//! The burst window with levels of its own: thresholds by false alarms a day, and p-values.
//!
//! The greatest scan and CUSUM of each block are learned (`stats::block_tail`). Blocks are whole minutes of the window's clock,
//! from 15 min of baseline on. After fifteen blocks both tails are known well enough for levels, which are higher the less is
//! known; after sixty the window is calibrated. The scan and the CUSUM share the rate of the settings. Before the first levels only
//! the scan has one, and only for a warning: 25 nats (DETECTION 6), or five times the greatest scan of the minutes so far. Flow
//! with the tail of real trades passes 25 nats twenty times a day.
//!
//! In the first 75 minutes only windows with many events are judged (`cold_a_min`). What is learned is the scan over all
//! windows, as it will be judged later: thin subjects, whose windows all have few events, would learn a tail of zeros and
//! alarm once those windows are judged.
//!
//! A party's window begins with the tail of its tier, and has fixed levels of 25 nats, then 17, until that is as old as a
//! tail of its own would have to be (DETECTION 6).

use serde::{Deserialize, Serialize};

use super::{
    Baseline, Burst, BurstSettings, SECONDS, Scan, Seen,
    blocks::Blocks,
    cold::{COLD_LEVEL, Cold},
    levels::{Both, Levels},
};
use crate::{
    stats::{
        block_tail::{BlockTail, Tail, fixed_p},
        tail_prior::{Pools, Priors},
    },
    time::EventTime,
};

/// Seconds learned before blocks are learned: 15 min.
const BLOCKS_FROM: u64 = 900;
/// The fixed levels of the scan of a party, in nats: before [`BLOCKS_FROM`], and from then until its tier's tail is in force.
const COLD_LEVELS: (f64, f64) = (COLD_LEVEL, 17.0);
/// False alarms at the levels info and warning, as multiples of those at warning. The third is the level of a warning in a mode in
/// which every level is one step stricter.
const RATES: [f64; 3] = [10.0, 1.0, 0.1];
/// The share of the scan in the false alarms of a window; the CUSUM has the rest. The scan's far tail is the heavier one, so
/// that a false alarm more a day lowers its level less, and what it finds the CUSUM finds a second or two later.
const SCAN_SHARE: f64 = 1.0 / 3.0;
/// The share of the scan, and that of the CUSUM, in the false alarms of a window at the levels that both must reach for a critical
/// finding. A symbol's withdrawals have .15 a day, so these are the .1 and .05 a day of DETECTION 2.1. They follow from the
/// estimated tail and not, as a ticket's, from the predictive one: two views that agree stand in for what is not known.
const CRITICAL_SHARES: (f64, f64) = (2.0 / 3.0, 1.0 / 3.0);
/// Seconds learned before a borrowed tail is in force: 75 min, the time that a window needs for a tail of its own.
const OWN_FROM: u64 = 4_500;
/// The weight of the tier's rate against the subject's own, in seconds of observation (DETECTION 2.1).
pub(crate) const BORROWED_SECONDS: f64 = 60.0;

/// How far the calibration of a window has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Too little is learned for levels of the window's own; for a party, fewer than 15 minutes.
    Learning,
    /// Levels are in force that rest on less than an hour of blocks; for a party, a fixed one.
    Provisional,
    /// The window's own levels are in force.
    Calibrated,
}

/// The statistics at one event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation {
    /// The scan.
    pub scan: Scan,
    /// The CUSUM, in nats.
    pub cusum: f64,
}

/// The start of a window whose subject belongs to a tier ([`super::Tier`]).
#[derive(Clone, Debug, PartialEq)]
pub struct Warm {
    /// Events per second: the subject's own rate, shrunk to that of its tier.
    pub rate: f64,
    /// Fano factors by window.
    pub factors: [f64; SECONDS.len()],
    /// The .95 quantile of the block maxima of the tier's scans, and the Pareto index above it.
    pub tail: (f64, f64),
    /// Seconds since the tier's first member was promoted: the cold-start rules apply to the tier, not to the member.
    pub age: u64,
    /// Seconds of observation behind the subject's own rate.
    pub own: f64,
    /// Times of the subject's last events, oldest first, none older than a minute.
    pub times: Vec<EventTime>,
}

/// The burst window of a subject.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Calibrated {
    burst: Burst,
    blocks: Blocks,
    levels: Levels,
    /// How a warm start began; `None` for a window that began empty.
    borrowed: Option<Borrowed>,
    /// The greatest scans of a window that began empty, until it has levels of its own.
    cold: Cold,
}

/// The part of a window's start that it had not learned itself.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Borrowed {
    /// Seconds that counted as learned at the start.
    bins: u64,
    /// Seconds of observation behind the subject's own rate at the start.
    own: f64,
}

impl Calibrated {
    /// A window that has learned nothing.
    #[must_use]
    pub fn new(settings: BurstSettings) -> Self {
        Self::assuming(Priors::CANCELS, settings)
    }

    /// A window that has learned nothing, and assumes this of its tails.
    #[must_use]
    pub(crate) fn assuming(priors: Priors, settings: BurstSettings) -> Self {
        Self {
            // What the CUSUM reaches before it has a level is what its tail begins with, so nothing limits it.
            burst: Burst::new(settings, f64::INFINITY),
            blocks: Blocks::new(priors),
            levels: Levels::Fixed(COLD_LEVEL),
            borrowed: None,
            cold: Cold::default(),
        }
    }

    /// A window that begins with the averages of its tier. An empty window would miss the subject's first burst,
    /// because it judges nothing for 91 s (DETECTION 2.1, "A promoted window starts warm"). While the tier is in its
    /// cold start, so is its member.
    #[must_use]
    pub(crate) fn warm(settings: BurstSettings, warm: &Warm) -> Self {
        let base = Baseline::borrowed(warm.rate, &warm.factors, warm.age);
        let bins = base.bins();
        let mut window = Self {
            burst: Burst::warm(settings, f64::INFINITY, base, &warm.times),
            blocks: Blocks::borrowed(BlockTail::borrowed(warm.tail.0, warm.tail.1)),
            borrowed: Some(Borrowed { bins, own: warm.own }),
            levels: Levels::Fixed(if bins >= BLOCKS_FROM { COLD_LEVELS.1 } else { COLD_LEVELS.0 }),
            cold: Cold::default(),
        };
        window.apply_tails();
        window
    }

    /// The share of what the window judges by that is still borrowed, from 0 to 1: the tier's weight of 60 s against
    /// the seconds that were observed of the subject itself.
    #[must_use]
    pub(crate) fn borrowed_share(&self) -> f64 {
        self.borrowed
            .map_or(0.0, |borrowed| BORROWED_SECONDS / (BORROWED_SECONDS + borrowed.own + self.own_seconds() as f64))
    }

    /// Seconds that the window has learned from its own subject.
    #[must_use]
    pub(crate) fn own_seconds(&self) -> u64 {
        self.burst.baseline().bins().saturating_sub(self.borrowed.map_or(0, |borrowed| borrowed.bins))
    }

    /// Changes the false alarms a day and keeps everything that was learned.
    pub(crate) fn set_warnings_per_day(&mut self, warnings_per_day: f64) {
        self.burst.share(warnings_per_day);
        if matches!(self.levels, Levels::Own { .. }) {
            self.apply_tails();
        }
    }

    /// Shows the tails' new exceedances to the pools of a feed, and takes over what these have of others. The levels follow with
    /// the next block.
    pub(crate) fn exchange(&mut self, pools: &mut Pools) {
        self.blocks.exchange(pools);
    }

    /// Changes the settings. The baseline stays; the tails, and the levels that follow from them, begin anew.
    pub(crate) fn retune(&mut self, settings: BurstSettings) {
        self.burst.retune(settings, f64::INFINITY);
        self.blocks.reset();
        self.borrowed = None;
        self.cold = Cold::default();
        self.levels = Levels::Fixed(COLD_LEVEL);
        if let Some(now) = self.burst.now() {
            self.close_blocks(now);
        }
    }

    /// The burst window itself, without levels.
    #[must_use]
    pub const fn burst(&self) -> &Burst {
        &self.burst
    }

    /// The levels in force.
    #[must_use]
    pub const fn levels(&self) -> &Levels {
        &self.levels
    }

    /// Whether the baseline is long enough to say what is usual: 15 min.
    #[must_use]
    pub(crate) fn has_baseline(&self) -> bool {
        self.burst.baseline().bins() >= BLOCKS_FROM
    }

    /// How far the calibration has come.
    #[must_use]
    pub(crate) fn phase(&self) -> Phase {
        let is_party = self.borrowed.is_some();
        match self.levels {
            Levels::Own { .. } if self.blocks.scan.tail().is_some() => Phase::Calibrated,
            Levels::Own { .. } => Phase::Provisional,
            Levels::Fixed(_) if is_party && self.burst.baseline().bins() >= BLOCKS_FROM => Phase::Provisional,
            Levels::Fixed(_) => Phase::Learning,
        }
    }

    /// Returns the chance of this scan, and that of this CUSUM, within a quiet minute. The CUSUM has none before its
    /// tail is known.
    #[must_use]
    pub fn p(&self, observation: &Observation) -> (f64, Option<f64>) {
        match self.known_tails() {
            Some((scan, cusum)) => (scan.scan_p(observation.scan.score), Some(cusum.cusum_p(observation.cusum))),
            None => (fixed_p(observation.scan.score), None),
        }
    }

    /// The tails of the block maxima: the scan's and the CUSUM's.
    #[must_use]
    pub fn tails(&self) -> (&BlockTail, &BlockTail) {
        (&self.blocks.scan, &self.blocks.cusum)
    }

    /// Freezes the baseline: seconds that come due up to this time are not learned.
    pub(crate) const fn freeze_until(&mut self, until: EventTime) {
        self.burst.freeze_until(until);
    }

    /// Empties the CUSUM: what it holds is over.
    pub(crate) const fn empty_cusum(&mut self, at: EventTime) {
        self.burst.empty_cusum(at);
    }

    /// An episode begins: until it ends, its minutes are one block.
    pub(crate) fn begin_episode(&mut self, at: EventTime) {
        self.blocks.begin_episode(at);
    }

    /// The episode is over.
    pub(crate) fn end_episode(&mut self, at: EventTime) {
        self.blocks.end_episode(at);
    }

    /// Handles a gap: the feed is known to have been blind in [from, until).
    pub(crate) fn gap(&mut self, from: EventTime, until: EventTime) {
        // The time before the gap was observed and is learned as usual.
        let blind_from = self.burst.now().map_or(until, |now| from.max(now).min(until));
        if self.burst.now().is_some() {
            self.heartbeat(blind_from);
        }
        self.burst.gap(from, until);
        if self.blocks.skip(blind_from, until) {
            self.apply_tails();
        }
        self.close_blocks(until);
    }

    /// Moves the clock to `at`: no event was counted up to then.
    pub(crate) fn heartbeat(&mut self, at: EventTime) {
        self.burst.heartbeat(at);
        self.close_blocks(at);
    }

    /// Handles one event. `None` if the event was late or too little is learned to judge it.
    pub fn handle(&mut self, at: EventTime) -> Option<Observation> {
        self.handle_many(at, 1)
    }

    /// Handles several events of one instant.
    pub(crate) fn handle_many(&mut self, at: EventTime, events: u16) -> Option<Observation> {
        if self.burst.now().is_none_or(|now| at >= now) {
            self.heartbeat(at);
        }
        let Seen::Judged(Some(scan)) = self.burst.handle_many(at, events) else { return None };
        let observation = Observation { scan, cusum: self.burst.cusum() };
        self.observe_cold(at, scan.score);
        self.blocks.observe(at, self.burst.full_score().unwrap_or(scan.score), observation.cusum);
        Some(observation)
    }

    /// Sets the level of a window that began empty and has none of its own yet.
    fn observe_cold(&mut self, at: EventTime, score: f64) {
        if self.borrowed.is_some() || !matches!(self.levels, Levels::Fixed(_)) {
            return;
        }
        let was_reported = self.blocks.is_in_episode(self.cold.minute());
        self.levels = Levels::Fixed(self.cold.observe(at, score, was_reported));
    }

    /// Learns the blocks that are over at `at`, and starts blocks once the baseline is long enough.
    fn close_blocks(&mut self, at: EventTime) {
        let bins = self.burst.baseline().bins();
        if !self.blocks.has_begun() && bins >= BLOCKS_FROM {
            self.blocks.begin_after(at);
        }
        if self.borrowed.is_some() && self.levels == Levels::Fixed(COLD_LEVELS.0) && bins >= BLOCKS_FROM {
            self.levels = Levels::Fixed(COLD_LEVELS.1);
        }
        if self.blocks.close(at) {
            self.apply_tails();
        }
    }

    /// The tails of scan and CUSUM, once both are known well enough for levels. A borrowed tail must wait for [`OWN_FROM`].
    fn known_tails(&self) -> Option<(Tail, Tail)> {
        let is_too_young = self.borrowed.is_some() && self.burst.baseline().bins() < OWN_FROM;
        if is_too_young { None } else { self.blocks.scan.so_far().zip(self.blocks.cusum.so_far()) }
    }

    /// Puts the levels that follow from the tails in force, once these are known.
    fn apply_tails(&mut self) {
        if let Some((scan, cusum)) = self.known_tails() {
            let rates = RATES.map(|rate| rate * self.burst.settings().warnings_per_day);
            self.levels = Levels::Own {
                scan: rates.map(|rate| scan.scan_level(SCAN_SHARE * rate)),
                cusum: rates.map(|rate| cusum.cusum_level((1.0 - SCAN_SHARE) * rate)),
                critical: [rates[1], rates[2]].map(|rate| Both {
                    scan: scan.scan_estimate(CRITICAL_SHARES.0 * rate),
                    cusum: cusum.cusum_estimate(CRITICAL_SHARES.1 * rate),
                }),
            };
            self.burst.cap_cusum(2.0 * cusum.cusum_level((1.0 - SCAN_SHARE) * rates[2]).value);
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

    /// A window after three hours with one event a second and a small burst now and then.
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
    fn minutes_inside_a_gap_are_not_learned_by_the_tail() {
        let (mut blind, mut quiet) = (calibrated(), calibrated());
        let before = q95(&blind);
        blind.gap(second(10_800), second(10_800 + 86_400));
        blind.handle(second(10_800 + 86_461));
        // Only the minute that ended as the gap began and the empty one after the gap are learned.
        assert!((q95(&blind) - before).abs() < 0.01 * before, "{} after {before}", q95(&blind));
        quiet.heartbeat(second(10_800 + 86_461));
        assert!(q95(&quiet) < 0.97 * before, "{} after {before}", q95(&quiet));
    }

    #[test]
    fn a_feed_that_loses_a_second_of_every_minute_is_calibrated() {
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
    fn a_window_costs_at_most_2_600_bytes() {
        // The ring of buckets is on the heap: 610 counts of two bytes.
        let size = size_of::<Calibrated>() + 610 * size_of::<u16>();
        assert!(size <= 2_600, "{size} bytes");
    }
}
