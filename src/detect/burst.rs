//! Bursts: something is counted far faster than is usual for the subject (DETECTION 2.1).
//!
//! One or two channels count the same samples in different units, each in a window of its own: a scan over nine window lengths for
//! short bursts and a CUSUM for long weak ones, against the subject's own rate and clustering, with thresholds that its own
//! quiet flow sets. Either alone makes information or a warning; critical needs both at their highest level within 60 s. While
//! the mode is not normal every level is one step stricter: a tenth of the false alarms (DETECTION 6 says that thresholds rise,
//! not how far).
//!
//! Only the first channel counts things; what a second one adds up has a tail of its own (one block trade is fifty at once), so it is
//! silent until its window has learned that tail.
//!
//! While it fires the baselines are frozen, until 61 s after it clears (a bin comes due 61 s late) and for 10 min at most: then
//! the new pace is the subject's pace. It does not say whose doing it is beyond its evidence, and it is blind for the
//! first 91 s of a subject's life.

mod channel;
mod kind;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

pub use self::kind::Kind;
use self::{channel::Channel, kind::Counting};
use super::{
    Change, Detect, Finding, Gate, Sample, Trail, Unit, Verdict, WarmUp,
    gate::{Episode, Reading},
};
use crate::{
    event::Place,
    time::{EventTime, Span},
    trust::Mode,
    window::{BurstSettings, Calibrated, Levels, Observation, Phase, Warm},
};

/// How long after clearing the baseline stays frozen: what the burst left comes due 61 s late (DETECTION 2.1).
const THAW: Span = Span::from_secs(61);
/// How long a baseline is frozen at most; then the new regime is accepted (DETECTION 3).
const FROZEN_MAX: Span = Span::from_secs(600);

/// How near to the level of ten a day that of fewer than seventy can be: 7^−.7 (`stats::block_tail`).
const NEAR: f64 = 0.25;

/// The detector of one subject.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Burst {
    kind: Kind,
    channels: Vec<Channel>,
    gate: Gate,
    /// The mode in which it last judged.
    mode: Mode,
    trail: Trail,
    /// The scan of the last sample in the first channel.
    last_scan: f64,
    /// What was last said while firing.
    said: Option<Box<Finding>>,
}

/// What a channel saw: its statistics, and the p-values of scan and CUSUM.
struct Seen {
    channel: usize,
    observation: Observation,
    p: (f64, Option<f64>),
}

impl Seen {
    fn least_p(&self) -> f64 {
        self.p.1.map_or(self.p.0, |cusum| cusum.min(self.p.0))
    }

    fn by_cusum(&self) -> Option<f64> {
        self.p.1.filter(|&cusum| cusum < self.p.0)
    }
}

impl Burst {
    /// A detector that has seen nothing.
    #[must_use]
    pub fn new(kind: Kind, settings: BurstSettings) -> Self {
        Self::on(kind, kind.cold(), |nth| Calibrated::counting(settings, kind.channels()[nth].at_once_max))
    }

    /// A detector whose windows begin with what is known of others like its subject, and whose fixed levels are raised by so
    /// many nats until they are calibrated.
    #[must_use]
    pub fn warm(kind: Kind, settings: BurstSettings, warm: &Warm, cold: f64) -> Self {
        Self::on(kind, cold, |_| Calibrated::warm(settings, warm))
    }

    fn on(kind: Kind, cold: f64, window: impl Fn(usize) -> Calibrated) -> Self {
        let channel = |nth| Channel::new(window(nth), cold);
        Self {
            kind,
            channels: (0..kind.channels().len()).map(channel).collect(),
            gate: Gate::Quiet,
            mode: Mode::Normal,
            trail: Trail::default(),
            last_scan: 0.0,
            said: None,
        }
    }

    /// Goes on under other settings: what was learned of the subject's own extremes was learned under the old ones and goes; its
    /// rates stay, and so does an episode.
    pub fn retune(&mut self, settings: BurstSettings) {
        for channel in &mut self.channels {
            channel.retune(settings);
        }
    }

    /// Goes on with another share of false alarms a day, with all that it has learned.
    pub fn share(&mut self, warnings_per_day: f64) {
        self.channels.iter_mut().for_each(|channel| channel.window.share(warnings_per_day));
    }

    /// The window of its first channel.
    #[must_use]
    pub fn window(&self) -> &Calibrated {
        &self.channels[0].window
    }

    /// Whether the last sample passed the level that is passed so often a day, once the window has levels of its own.
    #[must_use]
    pub fn passes(&self, per_day: f64) -> bool {
        // The level of information is passed ten times a day: far below it no power need be taken.
        let window = &self.channels[0].window;
        let near = matches!(*window.levels(), Levels::Own { scan, .. } if self.last_scan >= scan[0].value * NEAR);
        near && window.tails().0.tail().is_some_and(|tail| self.last_scan >= tail.scan_threshold(per_day).value)
    }

    /// Who has most of the last samples, at most three.
    #[must_use]
    pub fn busiest(&self) -> Vec<CompactString> {
        self.trail.busiest()
    }

    /// Whether an episode is under way.
    #[must_use]
    pub const fn is_firing(&self) -> bool {
        self.gate.episode().is_some()
    }

    /// Takes a sample that counts so much in each channel. Deadlines up to its time must have been honoured. `allowed` may
    /// refuse a finding that begins then.
    pub fn handle(
        &mut self,
        sample: &Sample<'_>,
        amounts: &[u16],
        mode: Mode,
        allowed: impl Fn(EventTime) -> bool,
    ) -> Option<Verdict> {
        self.mode = mode;
        self.trail.push(sample);
        let mut reading = Reading { severity: None, ratio: 0.0, p: 1.0 };
        let mut seen: Option<Seen> = None;
        for (nth, (channel, &amount)) in self.channels.iter_mut().zip(amounts).enumerate() {
            if amount == 0 {
                continue;
            }
            let Some(observation) = channel.window.handle_many(sample.at, amount) else { continue };
            if nth == 0 {
                self.last_scan = observation.scan.score;
            }
            if nth > 0 && channel.window.phase() != Phase::Calibrated {
                continue;
            }
            let (severity, ratio) = channel.read(sample.at, &observation, mode != Mode::Normal);
            reading.ratio = reading.ratio.max(ratio);
            reading.severity = reading.severity.max(severity);
            if severity.is_some() {
                // The p-value takes a power or two: only where something may be said.
                let one = Seen { channel: nth, observation, p: channel.window.p(&observation) };
                if seen.as_ref().is_none_or(|best| one.least_p() < best.least_p()) {
                    seen = Some(one);
                }
            }
        }
        reading.severity = reading.severity.map(|severity| severity.min(self.kind.severity_max()));
        if let Some(seen) = &seen {
            // Each channel is a try.
            reading.p = (seen.least_p() * self.channels.len() as f64).min(1.0);
            if !self.is_firing() && !allowed(self.starts_at(seen)) {
                return None;
            }
        }
        let change = self.gate.handle(sample.at, reading)?;
        let seen = seen?;
        if change == Change::Opened {
            self.freeze_until(sample.at.plus(FROZEN_MAX));
        }
        let finding = self.finding(&seen, reading.p, sample.place);
        self.said = Some(Box::new(finding.clone()));
        let severity = self.gate.episode()?.severity();
        Some(Verdict { detector: self.kind.detector(), change, severity, at: sample.at, finding })
    }

    fn freeze_until(&mut self, until: EventTime) {
        self.channels.iter_mut().for_each(|channel| channel.window.freeze_until(until));
    }

    fn clear(&mut self, episode: &Episode) -> Option<Verdict> {
        let at = episode.clears_at();
        self.freeze_until(at.plus(THAW).min(episode.opened_at().plus(FROZEN_MAX)));
        let finding = *self.said.take()?;
        let severity = episode.severity();
        Some(Verdict { detector: self.kind.detector(), change: Change::Cleared, severity, at, finding })
    }

    fn starts_at(&self, seen: &Seen) -> EventTime {
        let burst = self.channels[seen.channel].window.burst();
        match (seen.by_cusum(), seen.observation.scan.window) {
            (Some(_), _) | (None, None) => burst.cusum_run().0,
            (None, Some(window)) => burst.window(window).1,
        }
    }

    fn finding(&self, seen: &Seen, p: f64, place: Place) -> Finding {
        let channel = &self.channels[seen.channel];
        let Counting { each, sustained, unit, .. } = self.kind.channels()[seen.channel];
        let scan = channel.scan_feature(&seen.observation, seen.p.0, (each, unit), self.is_strict());
        let features = match (seen.by_cusum(), scan) {
            (Some(cusum_p), scan) => {
                std::iter::once(channel.cusum_feature(cusum_p, (sustained, unit))).chain(scan).collect()
            }
            (None, scan) => scan.into_iter().collect::<Vec<_>>(),
        };
        let now = channel.window.burst().now().unwrap_or(EventTime::from_nanos(0));
        let starts_at = self.starts_at(seen);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of events")]
        let total = if unit == Unit::Events { features.first().map_or(0.0, |f| f.value) as u64 } else { 0 };
        let is_cusum = seen.by_cusum().is_some();
        Finding {
            p,
            statistic: if is_cusum { seen.observation.cusum } else { seen.observation.scan.score },
            threshold: channel.threshold(is_cusum, self.is_strict()),
            starts_at,
            evidence: self.trail.evidence(starts_at, now, place, (self.kind.ids(), total)),
            related: self.trail.parties(starts_at, now),
            features,
            warm_up: channel.window.phase().into(),
            borrowed_share: channel.window.borrowed_share(),
        }
    }

    fn is_strict(&self) -> bool {
        self.mode != Mode::Normal
    }
}

impl Detect for Burst {
    fn deadline(&self) -> Option<EventTime> {
        self.gate.episode().map(Episode::clears_at)
    }

    fn heartbeat(&mut self, at: EventTime) {
        self.channels.iter_mut().for_each(|channel| channel.window.heartbeat(at));
    }

    fn gap(&mut self, from: EventTime, until: EventTime) {
        self.channels.iter_mut().for_each(|channel| channel.window.gap(from, until));
    }

    fn handle_timeout(&mut self, now: EventTime) -> Option<Verdict> {
        let episode = self.gate.handle_timeout(now)?;
        self.clear(&episode)
    }

    fn end(&mut self) -> Option<Verdict> {
        let episode = *self.gate.episode()?;
        self.clear(&episode)
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
