//! `cancel_burst`: orders are withdrawn far faster than is usual for the symbol.
//!
//! Counts withdrawals (`order_cancel` by the user or without a reason, and `order_replace` to another price or less quantity;
//! the caller decides) in the burst window of DETECTION 2.1: a scan over nine window lengths for short bursts and a CUSUM for
//! long weak ones, against the symbol's own rate and clustering, with thresholds that the symbol's own quiet flow
//! sets. Either alone makes information or a warning; critical needs both at their highest level within 60 s. While the mode is
//! not normal every level is one step stricter: a tenth of the false alarms (DETECTION 6 says that thresholds rise, not how far).
//!
//! While it fires the baseline is frozen, until 61 s after it clears (its bins come due 61 s late) and for 10 min at most: then
//! the new pace is the symbol's pace. It does not say whose cancels they are beyond its evidence, and it is blind for the
//! first 91 s of a symbol's life.

use std::collections::{BTreeSet, VecDeque};

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{
    Change, Counted, Evidence, Feature, Finding, Gate, Severity, Threshold, ThresholdSource, Unit, WarmUp,
    gate::{Episode, Reading},
};
use crate::{
    event::{Place, RecordRange},
    stats::nb1,
    time::{EventTime, Span},
    trust::Mode,
    window::{BurstSettings, Calibrated, Levels, Observation, Phase},
};

/// What a fixed level rises by where the mode is not normal: from one false alarm a day to a tenth (DETECTION 2.1).
const STRICTER: f64 = 3.8;
/// How close together scan and CUSUM must be at their highest level (DETECTION 2.1).
const TOGETHER: Span = Span::from_secs(60);
/// How long after clearing the baseline stays frozen: what the burst left comes due 61 s late (DETECTION 2.1).
const THAW: Span = Span::from_secs(61);
/// How long a baseline is frozen at most; then the new regime is accepted (DETECTION 3).
const FROZEN_MAX: Span = Span::from_secs(600);
/// How many withdrawals are kept as evidence: the longest list in an alert (CONTRACT).
const EVIDENCE_MAX: usize = 20;
/// Seconds whose first record is remembered: the longest window, the current second, and one that it reaches into.
const SECONDS_MAX: usize = 62;
/// The tails of the baseline that an alert calls usual (CONTRACT: the .05 and .95 quantiles).
const USUAL: (f64, f64) = (0.05, 0.95);

/// What the detector is set to.
/// Transparent, so that its keys stand where they stand in the configuration; a snapshot's format knows no `flatten`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings {
    /// The window's own settings.
    pub window: BurstSettings,
}

/// One withdrawal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample<'a> {
    /// When.
    pub at: EventTime,
    /// The record that says so.
    pub place: Place,
    /// Of which order.
    pub order: &'a str,
    /// Whose.
    pub account: Option<&'a str>,
}

/// A change in what the detector says.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What changed.
    pub change: Change,
    /// The highest severity of the episode.
    pub severity: Severity,
    /// When, in event time.
    pub at: EventTime,
    /// What was found.
    pub finding: Finding,
}

/// The detector of one symbol.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CancelBurst {
    window: Calibrated,
    gate: Gate,
    /// The mode in which it last judged.
    mode: Mode,
    /// When scan and CUSUM were last at their highest level.
    scan_high_at: Option<EventTime>,
    cusum_high_at: Option<EventTime>,
    trail: Trail,
    /// What was last said while firing.
    said: Option<Box<Finding>>,
}

impl CancelBurst {
    /// A detector that has seen nothing.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            window: Calibrated::new(settings.window),
            gate: Gate::Quiet,
            mode: Mode::Normal,
            scan_high_at: None,
            cusum_high_at: None,
            trail: Trail::default(),
            said: None,
        }
    }

    /// Goes on under other settings: what was learned of the subject's own extremes was learned under the old ones and goes; its
    /// rates stay, and so does an episode.
    pub fn retune(&mut self, settings: Settings) {
        self.window.retune(settings.window);
        (self.scan_high_at, self.cusum_high_at) = (None, None);
    }

    /// When [`CancelBurst::handle_timeout`] must be called unless something comes before.
    #[must_use]
    pub fn deadline(&self) -> Option<EventTime> {
        self.gate.episode().map(Episode::clears_at)
    }

    /// Takes one withdrawal. Deadlines up to its time must have been honoured.
    pub fn handle(&mut self, sample: Sample<'_>, mode: Mode) -> Option<Verdict> {
        self.mode = mode;
        self.trail.push(&sample);
        let seen = self.window.handle(sample.at)?;
        let reading = self.read(sample.at, &seen);
        let change = self.gate.handle(sample.at, reading)?;
        if change == Change::Opened {
            self.window.freeze_until(sample.at.plus(FROZEN_MAX));
        }
        let finding = self.finding(&seen, reading.p, sample.place);
        self.said = Some(Box::new(finding.clone()));
        let severity = self.gate.episode()?.severity();
        Some(Verdict { change, severity, at: sample.at, finding })
    }

    /// Nothing was withdrawn up to `at`.
    pub fn heartbeat(&mut self, at: EventTime) {
        self.window.heartbeat(at);
    }

    /// The feed is known to have been blind in [from, until).
    pub fn gap(&mut self, from: EventTime, until: EventTime) {
        self.window.gap(from, until);
    }

    /// Ends the episode if its time has come.
    pub fn handle_timeout(&mut self, now: EventTime) -> Option<Verdict> {
        let episode = self.gate.handle_timeout(now)?;
        self.clear(&episode)
    }

    /// Ends the episode because the symbol is forgotten.
    pub fn end(&mut self) -> Option<Verdict> {
        let episode = *self.gate.episode()?;
        self.clear(&episode)
    }

    fn clear(&mut self, episode: &Episode) -> Option<Verdict> {
        let at = episode.clears_at();
        self.window.freeze_until(at.plus(THAW).min(episode.opened_at().plus(FROZEN_MAX)));
        let finding = *self.said.take()?;
        Some(Verdict { change: Change::Cleared, severity: episode.severity(), at, finding })
    }

    /// Holds what was seen against the levels in force.
    fn read(&mut self, at: EventTime, seen: &Observation) -> Reading {
        let (severity, ratio) = match *self.window.levels() {
            Levels::Fixed(level) => {
                let level = level + if self.is_strict() { STRICTER } else { 0.0 };
                ((seen.scan.score >= level).then_some(Severity::Warning), seen.scan.score / level)
            }
            Levels::Own { scan, cusum } => {
                let step = usize::from(self.is_strict());
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
        };
        // The p-value takes a power or two: only where something may be said.
        let p = if severity.is_some() {
            let (scan, cusum) = self.window.p(seen);
            cusum.map_or(scan, |p| p.min(scan))
        } else {
            1.0
        };
        Reading { severity, ratio, p }
    }

    fn finding(&self, seen: &Observation, p: f64, place: Place) -> Finding {
        let (scan_p, cusum_p) = self.window.p(seen);
        let by_cusum = cusum_p.filter(|&cusum| cusum < scan_p);
        let scan = self.scan_feature(seen, scan_p);
        let features = match (by_cusum, scan) {
            (Some(cusum_p), scan) => std::iter::once(self.cusum_feature(cusum_p)).chain(scan).collect(),
            (None, scan) => scan.into_iter().collect::<Vec<_>>(),
        };
        let now = self.window.burst().now().unwrap_or(EventTime::from_nanos(0));
        let starts_at = match (by_cusum, seen.scan.window) {
            (Some(_), _) | (None, None) => self.window.burst().cusum_run().0,
            (None, Some(window)) => self.window.burst().window(window).1,
        };
        let total = features.first().map_or(0.0, |f| f.value);
        Finding {
            p,
            statistic: if by_cusum.is_some() { seen.cusum } else { seen.scan.score },
            threshold: self.threshold(by_cusum.is_some()),
            starts_at,
            evidence: self.trail.evidence(starts_at, now, place, total),
            features,
            warm_up: self.window.phase().into(),
        }
    }

    fn is_strict(&self) -> bool {
        self.mode != Mode::Normal
    }

    /// The level of a warning, at which an incident opens.
    fn threshold(&self, by_cusum: bool) -> Threshold {
        let (value, source) = match *self.window.levels() {
            Levels::Fixed(level) => (level + if self.is_strict() { STRICTER } else { 0.0 }, ThresholdSource::Default),
            Levels::Own { scan, cusum } => {
                let warning = 1 + usize::from(self.is_strict());
                let level = if by_cusum { cusum[warning] } else { scan[warning] };
                (level.value, if level.is_floor { ThresholdSource::Floor } else { ThresholdSource::Calibrated })
            }
        };
        Threshold { value, unit: Unit::Nats, source }
    }

    fn scan_feature(&self, seen: &Observation, p: f64) -> Option<Feature> {
        let window = seen.scan.window?;
        let burst = self.window.burst();
        let (expected, fano) = (burst.expected(window), burst.baseline().fano_so_far(window));
        let (low, high) = nb1::quantiles(expected, fano, USUAL);
        let level = self.threshold(false).value;
        Some(Feature {
            name: Counted::Cancels,
            window: crate::window::length(window),
            value: f64::from(burst.window(window).0),
            expected,
            low,
            high,
            unit: Unit::Events,
            p,
            would_not_fire_below: Some(nb1::least_count(expected, fano, level, burst.settings().a_min)),
        })
    }

    /// What the CUSUM has gathered since it left zero. How many fewer would have kept it quiet depends on when they came.
    fn cusum_feature(&self, p: f64) -> Feature {
        let burst = self.window.burst();
        let (since, count) = burst.cusum_run();
        let length = burst.now().map_or(Span::ZERO, |now| now.since(since));
        let longest = crate::window::SECONDS.len() - 1;
        let expected = burst.baseline().rate() * length.secs_f64();
        let (low, high) = nb1::quantiles(expected, burst.baseline().fano_so_far(longest), USUAL);
        Feature {
            name: Counted::SustainedCancels,
            window: length,
            value: f64::from(count),
            expected,
            low,
            high,
            unit: Unit::Events,
            p,
            would_not_fire_below: None,
        }
    }
}

impl From<Phase> for WarmUp {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Learning => Self::Learning,
            Phase::Provisional => Self::Provisional,
            Phase::Calibrated => Self::Done,
        }
    }
}

/// The last withdrawals, and where each of the last seconds began.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Trail {
    last: VecDeque<Withdrawn>,
    /// Second and first record in it, oldest first.
    seconds: VecDeque<(i64, Place)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Withdrawn {
    at: EventTime,
    order: CompactString,
    account: Option<CompactString>,
}

impl Trail {
    fn push(&mut self, sample: &Sample<'_>) {
        if self.last.len() == EVIDENCE_MAX {
            self.last.pop_front();
        }
        let account = sample.account.map(CompactString::new);
        self.last.push_back(Withdrawn { at: sample.at, order: CompactString::new(sample.order), account });
        let second = sample.at.slot(Span::from_secs(1));
        if self.seconds.back().is_none_or(|(newest, _)| *newest < second) {
            if self.seconds.len() == SECONDS_MAX {
                self.seconds.pop_front();
            }
            self.seconds.push_back((second, sample.place));
        }
    }

    /// What happened from `since` to `now`, up to and including the record at `place`.
    fn evidence(&self, since: EventTime, now: EventTime, place: Place, total: f64) -> Evidence {
        let during = || self.last.iter().filter(|w| w.at >= since && w.at <= now);
        let accounts: BTreeSet<&CompactString> = during().filter_map(|w| w.account.as_ref()).collect();
        let first = since.slot(Span::from_secs(1));
        let mut records: Vec<RecordRange> = Vec::new();
        let starts = self.seconds.iter().filter(|(second, _)| *second >= first).map(|(_, start)| *start);
        for Place { source, offset } in starts.chain([place]) {
            match records.last_mut() {
                Some(range) if range.source == source => range.to = range.to.max(offset),
                Some(_) | None => records.push(RecordRange { source, from: offset, to: offset }),
            }
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of events")]
        let orders_total = total as u64;
        Evidence {
            orders: during().map(|w| w.order.clone()).collect(),
            orders_total,
            accounts: accounts.into_iter().cloned().collect(),
            records,
        }
    }
}
