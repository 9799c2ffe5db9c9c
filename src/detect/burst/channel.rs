//! One channel of a burst detector: a window, the levels in force, and the numbers that an alert shows.

use serde::{Deserialize, Serialize};

use crate::{
    detect::{Counted, Criterion, Feature, Pace, Severity, Threshold, ThresholdSource, Unit},
    stats::{block_tail::Bounded, nb1},
    time::{EventTime, Span},
    window::{BurstSettings, COLD_LEVEL, Calibrated, Levels, Observation, Phase},
};

/// How far a fixed level rises while the mode is not normal, in nats: from one false alarm a day to a tenth of one
/// (DETECTION 2.1).
const STRICTER: f64 = 3.8;
/// The most time between the scan and the CUSUM at their critical levels for a critical finding (DETECTION 2.1).
const TOGETHER: Span = Span::from_secs(60);
/// The calm time after which a CUSUM that is still high is emptied. By itself it drains by 3 λ a second, which takes a thin symbol
/// hours. The pace is measured over a minute, so an episode ends three minutes after its flow.
const DRAINED_AFTER: Span = Span::from_secs(120);
/// The least time that the halves of a run are compared over: windows are made of tenths of a second.
const HALF_MIN: f64 = 0.5;
/// The tails beyond the range that an alert calls usual (CONTRACT: from the .05 to the .95 quantile).
const USUAL: (f64, f64) = (0.05, 0.95);

/// The reasons for which levels are raised.
#[derive(Clone, Copy, Debug)]
pub(super) struct Raise {
    /// The mode is not normal: every level is one step stricter.
    pub(super) is_strict: bool,
    /// The market has just reopened: levels are at least those of a cold start.
    pub(super) is_reopened: bool,
}

/// A statistic when it was last at its critical level.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct High {
    at: EventTime,
    value: f64,
    level: Threshold,
}

impl High {
    /// The statistic of a time, if it reaches the level.
    fn of(at: EventTime, value: f64, level: Bounded) -> Option<Self> {
        (value >= level.value).then(|| Self { at, value, level: own(level) })
    }
}

/// A level of the subject's own tail.
const fn own(level: Bounded) -> Threshold {
    let source = if level.is_floor { ThresholdSource::Floor } else { ThresholdSource::Calibrated };
    Threshold { value: level.value, unit: Unit::Nats, source }
}

/// A window, and its statistics as they were last at their critical levels.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Channel {
    pub(super) window: Calibrated,
    /// How far the fixed levels are raised before the window is calibrated, in nats.
    fixed_level_raise: f64,
    scan_high: Option<High>,
    cusum_high: Option<High>,
    /// The newest sample that counted only up to the limit of one.
    capped_at: Option<EventTime>,
    /// During an episode: when the pace was last not calm, or when the episode began.
    busy_at: Option<EventTime>,
}

impl Channel {
    pub(super) const fn new(window: Calibrated, fixed_level_raise: f64) -> Self {
        Self { window, fixed_level_raise, scan_high: None, cusum_high: None, capped_at: None, busy_at: None }
    }

    /// Continues under other settings.
    pub(super) fn retune(&mut self, settings: BurstSettings) {
        self.window.retune(settings);
        (self.scan_high, self.cusum_high) = (None, None);
    }

    /// Compares an observation with the levels in force. Returns the severity reached, and the ratio to the lowest level.
    pub(super) fn read(&mut self, at: EventTime, observation: &Observation, raise: Raise) -> (Option<Severity>, f64) {
        let (score, sum) = (observation.scan.score, observation.cusum);
        if raise.is_reopened {
            let level = self.reopened_level(raise.is_strict);
            return ((score >= level).then_some(Severity::Warning), score / level);
        }
        let is_strict = raise.is_strict;
        match *self.window.levels() {
            Levels::Fixed(level) => {
                let level = self.raised(level, is_strict);
                ((score >= level).then_some(Severity::Warning), score / level)
            }
            Levels::Own { scan, cusum, critical } => {
                let step = usize::from(is_strict);
                let (scan, cusum, critical) = (&scan[step..], &cusum[step..], critical[step]);
                let reaches = |level: usize| score >= scan[level].value || sum >= cusum[level].value;
                self.scan_high = High::of(at, score, critical.scan).or(self.scan_high);
                self.cusum_high = High::of(at, sum, critical.cusum).or(self.cusum_high);
                let is_recent = |high: Option<High>| high.is_some_and(|high| at.since(high.at) <= TOGETHER);
                let severity = if !reaches(1) {
                    reaches(0).then_some(Severity::Info)
                } else if is_recent(self.scan_high) && is_recent(self.cusum_high) {
                    Some(Severity::Critical)
                } else {
                    Some(Severity::Warning)
                };
                // A tail of less than an hour is no ground for the highest severity.
                let most = if self.is_calibrated() { Severity::Critical } else { Severity::Warning };
                let severity = severity.map(|severity| severity.min(most));
                (severity, (score / scan[0].value).max(sum / cusum[0].value))
            }
        }
    }

    /// The greatest ratio of a statistic to its lowest level in force.
    fn ratio(&self, score: f64, sum: f64, raise: Raise) -> f64 {
        let is_strict = raise.is_strict;
        match self.window.levels() {
            _ if raise.is_reopened => score / self.reopened_level(is_strict),
            Levels::Fixed(level) => score / self.raised(*level, is_strict),
            Levels::Own { scan, cusum, .. } => {
                let step = usize::from(is_strict);
                (score / scan[step].value).max(sum / cusum[step].value)
            }
        }
    }

    /// Notes that a sample counted only up to the limit of one.
    pub(super) fn cap(&mut self, at: EventTime) {
        self.capped_at = self.capped_at.max(Some(at));
    }

    fn is_capped_since(&self, since: EventTime) -> bool {
        self.capped_at.is_some_and(|at| at >= since)
    }

    /// Records that an episode begins.
    pub(super) fn begin_episode(&mut self, at: EventTime) {
        self.busy_at = Some(at);
        self.window.begin_episode(at);
    }

    /// Records that an episode has ended.
    pub(super) fn end_episode(&mut self, at: EventTime) {
        self.busy_at = None;
        self.window.end_episode(at);
    }

    /// Returns the CUSUM at a time of an episode; after [`DRAINED_AFTER`] of calm it is emptied.
    pub(super) fn drain(&mut self, at: EventTime, cusum: f64, is_calm: bool) -> f64 {
        let Some(busy_at) = self.busy_at else { return cusum };
        if !is_calm {
            self.busy_at = Some(busy_at.max(at));
        } else if at.since(busy_at) >= DRAINED_AFTER {
            self.window.empty_cusum(at);
            return 0.0;
        }
        cusum
    }

    /// Returns the greatest ratio of a statistic to its lowest level in force, at a time without an event, during an episode.
    pub(super) fn ratio_ahead(&mut self, at: EventTime, raise: Raise) -> f64 {
        let ahead = self.window.burst().ahead(at);
        let cusum = self.drain(at, ahead.cusum, ahead.is_calm);
        self.ratio(ahead.scan.score, cusum, raise)
    }

    fn is_calibrated(&self) -> bool {
        self.window.phase() == Phase::Calibrated
    }

    /// A fixed level, raised by as much as the detector and the mode need.
    fn raised(&self, level: f64, is_strict: bool) -> f64 {
        level + self.fixed_level_raise + if is_strict { STRICTER } else { 0.0 }
    }

    /// The scan's level of a warning while the market has just reopened: the subject's own or that of a cold start,
    /// whichever is higher.
    fn reopened_level(&self, is_strict: bool) -> f64 {
        let cold = self.raised(COLD_LEVEL, is_strict);
        match *self.window.levels() {
            Levels::Fixed(level) => cold.max(self.raised(level, is_strict)),
            Levels::Own { scan, .. } => cold.max(scan[1 + usize::from(is_strict)].value),
        }
    }

    /// The level of a warning, at which an incident opens.
    pub(super) fn threshold(&self, is_cusum: bool, raise: Raise) -> Threshold {
        let is_strict = raise.is_strict;
        let (value, source) = match *self.window.levels() {
            _ if raise.is_reopened => (self.reopened_level(is_strict), ThresholdSource::Default),
            Levels::Fixed(level) => (self.raised(level, is_strict), ThresholdSource::Default),
            Levels::Own { scan, cusum, .. } => {
                let warning = 1 + usize::from(is_strict);
                let level = if is_cusum { cusum[warning] } else { scan[warning] };
                // The tail of less than an hour is no calibration.
                let source = if self.is_calibrated() { own(level).source } else { ThresholdSource::Default };
                return Threshold { source, ..own(level) };
            }
        };
        Threshold { value, unit: Unit::Nats, source }
    }

    /// Why a finding of this time is critical: both statistics as they were last at their highest level, each with that level.
    pub(super) fn criteria(&self, in_window: Counted, sustained: Counted) -> Vec<Criterion> {
        let both = [(in_window, self.scan_high), (sustained, self.cusum_high)];
        let criterion = |(name, high): (Counted, Option<High>)| {
            high.map(|High { at, value, level }| Criterion { name, value, level, at })
        };
        both.into_iter().filter_map(criterion).collect()
    }

    /// The count in the window that the scan found most unusual; `None` where it judged none.
    pub(super) fn scan_feature(
        &self,
        observation: &Observation,
        p: f64,
        (name, unit): (Counted, Unit),
        raise: Raise,
    ) -> Option<Feature> {
        let window = observation.scan.window?;
        let counted = self.counted(window, (name, unit));
        let (burst, level) = (self.window.burst(), self.threshold(false, raise).value);
        let least =
            nb1::least_count(counted.expected, burst.baseline().fano_so_far(window), level, burst.settings().a_min);
        Some(Feature { p, would_not_fire_below: Some(least), ..counted })
    }

    /// The pace in the longest window that is no longer than half of the run, and the pace of the run before; `None` for a run of
    /// less than a second.
    pub(super) fn pace(&self) -> Option<Pace> {
        let burst = self.window.burst();
        let ((since, count), at) = (burst.cusum_run(), burst.now()?);
        let half = at.since(since).secs_f64() / 2.0;
        let window = crate::window::SECONDS.iter().rposition(|seconds| *seconds <= half.max(HALF_MIN))?;
        let (late_count, from) = burst.window(window);
        let (late, before) = (at.since(from), from.since(since));
        let is_known = half >= HALF_MIN && late > Span::ZERO && before > Span::ZERO;
        is_known.then(|| Pace {
            at,
            late,
            late_per_s: f64::from(late_count) / late.secs_f64(),
            before_per_s: f64::from(count.saturating_sub(late_count)) / before.secs_f64(),
        })
    }

    /// The count in a window beside what is usual, without a judgement.
    pub(super) fn counted(&self, window: usize, (name, unit): (Counted, Unit)) -> Feature {
        let burst = self.window.burst();
        let (expected, fano) = (burst.expected(window), burst.baseline().fano_so_far(window));
        let (low, high) = nb1::quantiles(expected, fano, USUAL);
        let (count, since) = burst.window(window);
        Feature {
            name,
            window: crate::window::length(window),
            value: f64::from(count),
            expected,
            low,
            high,
            unit,
            p: 1.0,
            is_capped: self.is_capped_since(since),
            dispersion: Some(fano),
            would_not_fire_below: None,
        }
    }

    /// The count since the CUSUM left zero. It has no `would_not_fire_below`: how many fewer events would have kept the CUSUM
    /// below its level depends on when they came.
    pub(super) fn cusum_feature(&self, p: f64, (name, unit): (Counted, Unit)) -> Feature {
        let burst = self.window.burst();
        let (since, count) = burst.cusum_run();
        let length = burst.now().map_or(Span::ZERO, |now| now.since(since));
        let longest = crate::window::SECONDS.len() - 1;
        let expected = burst.baseline().rate() * length.secs_f64();
        let fano = burst.baseline().fano_so_far(longest);
        let (low, high) = nb1::quantiles(expected, fano, USUAL);
        Feature {
            name,
            window: length,
            value: f64::from(count),
            expected,
            low,
            high,
            unit,
            p,
            is_capped: self.is_capped_since(since),
            dispersion: Some(fano),
            would_not_fire_below: None,
        }
    }
}
