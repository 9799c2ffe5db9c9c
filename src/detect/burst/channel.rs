//! One channel of a burst: a window, the levels in force, and the numbers that an alert shows of it.

use serde::{Deserialize, Serialize};

use crate::{
    detect::{Counted, Feature, Severity, Threshold, ThresholdSource, Unit},
    stats::nb1,
    time::{EventTime, Span},
    window::{BurstSettings, Calibrated, Levels, Observation},
};

/// What a fixed level rises by where the mode is not normal: from one false alarm a day to a tenth (DETECTION 2.1).
const STRICTER: f64 = 3.8;
/// How close together scan and CUSUM must be at their highest level (DETECTION 2.1).
const TOGETHER: Span = Span::from_secs(60);
/// The tails of the baseline that an alert calls usual (CONTRACT: the .05 and .95 quantiles).
const USUAL: (f64, f64) = (0.05, 0.95);

/// One window, and when its statistics were last at their highest level.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Channel {
    pub(super) window: Calibrated,
    /// What the fixed levels are raised by before it is calibrated, in nats.
    cold: f64,
    scan_high_at: Option<EventTime>,
    cusum_high_at: Option<EventTime>,
}

impl Channel {
    pub(super) const fn new(window: Calibrated, cold: f64) -> Self {
        Self { window, cold, scan_high_at: None, cusum_high_at: None }
    }

    /// Goes on under other settings.
    pub(super) fn retune(&mut self, settings: BurstSettings) {
        self.window.retune(settings);
        (self.scan_high_at, self.cusum_high_at) = (None, None);
    }

    /// Holds what was seen against the levels in force.
    pub(super) fn read(&mut self, at: EventTime, seen: &Observation, strict: bool) -> (Option<Severity>, f64) {
        match *self.window.levels() {
            Levels::Fixed(level) => {
                let level = level + self.cold + if strict { STRICTER } else { 0.0 };
                ((seen.scan.score >= level).then_some(Severity::Warning), seen.scan.score / level)
            }
            Levels::Own { scan, cusum } => {
                let step = usize::from(strict);
                let (scan, cusum) = (&scan[step..], &cusum[step..]);
                let reaches = |i: usize| seen.scan.score >= scan[i].value || seen.cusum >= cusum[i].value;
                if seen.scan.score >= scan[2].value {
                    self.scan_high_at = Some(at);
                }
                if seen.cusum >= cusum[2].value {
                    self.cusum_high_at = Some(at);
                }
                let recent = |high: Option<EventTime>| high.is_some_and(|high| at.since(high) <= TOGETHER);
                let severity = if reaches(2) && recent(self.scan_high_at) && recent(self.cusum_high_at) {
                    Some(Severity::Critical)
                } else if reaches(1) {
                    Some(Severity::Warning)
                } else {
                    reaches(0).then_some(Severity::Info)
                };
                (severity, (seen.scan.score / scan[0].value).max(seen.cusum / cusum[0].value))
            }
        }
    }

    /// The level of a warning, at which an incident opens.
    pub(super) fn threshold(&self, by_cusum: bool, strict: bool) -> Threshold {
        let (value, source) = match *self.window.levels() {
            Levels::Fixed(level) => (level + self.cold + if strict { STRICTER } else { 0.0 }, ThresholdSource::Default),
            Levels::Own { scan, cusum } => {
                let warning = 1 + usize::from(strict);
                let level = if by_cusum { cusum[warning] } else { scan[warning] };
                (level.value, if level.is_floor { ThresholdSource::Floor } else { ThresholdSource::Calibrated })
            }
        };
        Threshold { value, unit: Unit::Nats, source }
    }

    pub(super) fn scan_feature(
        &self,
        seen: &Observation,
        p: f64,
        what: (Counted, Unit),
        strict: bool,
    ) -> Option<Feature> {
        let window = seen.scan.window?;
        let burst = self.window.burst();
        let (expected, fano) = (burst.expected(window), burst.baseline().fano_so_far(window));
        let (low, high) = nb1::quantiles(expected, fano, USUAL);
        let level = self.threshold(false, strict).value;
        Some(Feature {
            name: what.0,
            window: crate::window::length(window),
            value: f64::from(burst.window(window).0),
            expected,
            low,
            high,
            unit: what.1,
            p,
            would_not_fire_below: Some(nb1::least_count(expected, fano, level, burst.settings().a_min)),
        })
    }

    /// What the CUSUM has gathered since it left zero. How many fewer would have kept it quiet depends on when they came.
    pub(super) fn cusum_feature(&self, p: f64, what: (Counted, Unit)) -> Feature {
        let burst = self.window.burst();
        let (since, count) = burst.cusum_run();
        let length = burst.now().map_or(Span::ZERO, |now| now.since(since));
        let longest = crate::window::SECONDS.len() - 1;
        let expected = burst.baseline().rate() * length.secs_f64();
        let (low, high) = nb1::quantiles(expected, burst.baseline().fano_so_far(longest), USUAL);
        Feature {
            name: what.0,
            window: length,
            value: f64::from(count),
            expected,
            low,
            high,
            unit: what.1,
            p,
            would_not_fire_below: None,
        }
    }
}
