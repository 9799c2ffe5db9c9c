//! Bursts: events come far faster than is usual for the subject (DETECTION 2.1).
//!
//! One or two channels count the same samples in different units, each in a window of its own. A scan over nine window
//! lengths finds short bursts, and a CUSUM finds long weak ones. Both compare with the subject's own rate and clustering,
//! and their thresholds come from the subject's own quiet flow. Either alone makes information or a warning; a critical
//! finding needs one of them at the level of a warning, and both at their critical ones within 60 s. While the mode is not
//! normal, every level is one step stricter, for a tenth of the false alarms (DETECTION 6 says that thresholds rise, not how
//! far).
//!
//! Only the first channel counts events. A second one sums amounts, which have a tail of their own (one block trade is
//! fifty at once), so it reports nothing until its window has learned that tail.
//!
//! While an episode is going on, the baselines are frozen. They stay frozen until 61 s after it clears, because a bin
//! comes due 61 s late, but for 10 min at most: then the new pace is the subject's usual pace.
//!
//! After a closure of its market the subject keeps its baselines, and for ten minutes its levels are at least those of
//! a cold start: an opening is busier than a session, and no alarm. There is no CUSUM meanwhile, and no critical finding.
//!
//! A burst does not show who caused it, except by its evidence. Nothing is found in the first 91 s of a subject's life.

mod channel;
mod kind;
mod tally;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

pub use self::kind::BurstKind;
pub(super) use self::kind::UNITS_MAX;
use self::{
    channel::{Channel, Raise},
    kind::ChannelKind,
    tally::Tally,
};
use super::{
    Change, CoverageState, Decision, Episode, Feature, Finding, Sample, Severity, Unit, Verdict, WarmUp,
    episode::{HYSTERESIS, Reading, Transition},
    trail::Trail,
};
use crate::{
    event::RecordRef,
    stats::tail_prior::Pools,
    time::{EventTime, Span},
    trust::Mode,
    window::{BurstSettings, Calibrated, Observation, Phase, Warm},
};

/// How long the baselines stay frozen after a burst: its bins come due 61 s late (DETECTION 2.1).
const THAW: Span = Span::from_secs(61);
/// The longest time for which baselines are frozen; then the new pace is accepted (DETECTION 3).
const FROZEN_MAX: Span = Span::from_secs(600);

/// How long after a reopening levels are raised to those of a cold start: the time constant with which a rate is learned,
/// after which most of the baseline is of the new session (DETECTION 2.1 and 6).
pub const REOPENED_FOR: Span = Span::from_secs(600);

/// The burst detector of one subject.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Burst {
    kind: BurstKind,
    channels: Vec<Channel>,
    episode: Episode,
    /// The mode in which the last sample was judged.
    mode: Mode,
    /// When the subject's market reopened; `None` once that was more than [`REOPENED_FOR`] ago.
    opened_at: Option<EventTime>,
    trail: Trail,
    tally: Tally,
}

/// The statistics of one channel at a sample, with their p-values.
struct ChannelResult {
    /// The index of the channel.
    channel: usize,
    observation: Observation,
    /// The severity that the channel reaches.
    severity: Severity,
    scan_p: f64,
    /// `None` until the window is calibrated.
    cusum_p: Option<f64>,
}

impl ChannelResult {
    fn least_p(&self) -> f64 {
        self.cusum_p.map_or(self.scan_p, |cusum| cusum.min(self.scan_p))
    }

    /// The p-value of the CUSUM, where it is lower than that of the scan.
    fn leading_cusum_p(&self) -> Option<f64> {
        self.cusum_p.filter(|&cusum| cusum < self.scan_p)
    }
}

impl Burst {
    /// A detector that has seen nothing. Its statistics share the false alarms of the settings.
    #[must_use]
    pub fn new(kind: BurstKind, settings: BurstSettings) -> Self {
        Self::with_windows(kind, kind.fixed_level_raise(), |channel| {
            Calibrated::assuming(channel.priors, channel.share(settings))
        })
    }

    /// A detector whose windows begin with the averages of its subject's tier. Its fixed levels are raised by so many nats
    /// until the windows are calibrated.
    #[must_use]
    pub fn warm(kind: BurstKind, settings: BurstSettings, warm: &Warm, fixed_level_raise: f64) -> Self {
        Self::with_windows(kind, fixed_level_raise, |channel| Calibrated::warm(channel.share(settings), warm))
    }

    fn with_windows(kind: BurstKind, fixed_level_raise: f64, window: impl Fn(&ChannelKind) -> Calibrated) -> Self {
        let channel = |channel: &ChannelKind| Channel::new(window(channel), fixed_level_raise);
        Self {
            kind,
            channels: kind.channels().iter().map(channel).collect(),
            episode: Episode::Quiet,
            mode: Mode::Normal,
            opened_at: None,
            trail: Trail::default(),
            tally: Tally::default(),
        }
    }

    /// Continues under other settings. The subject's own tails begin anew, because they were learned under the old settings;
    /// its rates stay, and so does an episode that is going on.
    pub fn retune(&mut self, settings: BurstSettings) {
        for (channel, kind) in self.channels.iter_mut().zip(self.kind.channels()) {
            channel.retune(kind.share(settings));
        }
    }

    /// Changes the number of false alarms a day, and keeps everything that was learned.
    pub fn set_warnings_per_day(&mut self, warnings_per_day: f64) {
        for (channel, kind) in self.channels.iter_mut().zip(self.kind.channels()) {
            channel.window.set_warnings_per_day(kind.share_of(warnings_per_day));
        }
    }

    /// Shows the new exceedances of each channel's tails to its pools, and takes over what these have of others.
    pub fn exchange(&mut self, pools: &mut [Pools]) {
        debug_assert_eq!(pools.len(), self.channels.len(), "a channel has one pair of pools");
        self.channels.iter_mut().zip(pools).for_each(|(channel, pools)| channel.window.exchange(pools));
    }

    /// The window of the first channel.
    #[must_use]
    pub fn window(&self) -> &Calibrated {
        &self.channels[0].window
    }

    /// The accounts with most of the last samples, at most three, the busiest first.
    #[must_use]
    pub fn busiest(&self) -> Vec<CompactString> {
        self.trail.busiest()
    }

    /// Whether the subject is judged, and if not, why not. In the first half hour only what is beyond doubt is reported.
    #[must_use]
    pub fn coverage(&self) -> CoverageState {
        if self.window().burst().now().is_none() {
            return CoverageState::NoEvents;
        }
        CoverageState::once(self.window().phase() != Phase::Learning)
    }

    /// The pace of the last ten seconds as a multiple of the usual one; `None` in the first quarter of an hour, in which too little
    /// is known.
    #[must_use]
    pub fn pace(&self, at: EventTime) -> Option<f64> {
        self.window().has_baseline().then(|| self.window().burst().pace(at)).flatten()
    }

    /// Whether an episode is going on.
    #[must_use]
    pub const fn is_firing(&self) -> bool {
        self.episode.is_firing()
    }

    /// Handles a sample with its amount in each channel. Deadlines up to its time must have been handled. An episode opens only
    /// if `allowed` is true of the time at which its finding begins.
    ///
    /// # Panics
    /// Never: a reading has a severity only where a channel has a result.
    pub fn handle(
        &mut self,
        sample: &Sample<'_>,
        amounts: &[u16],
        mode: Mode,
        allowed: impl Fn(EventTime) -> bool,
    ) -> Option<Verdict> {
        debug_assert_eq!(amounts.len(), self.channels.len(), "a sample has one amount for each channel");
        self.mode = mode;
        self.opened_at = self.opened_at.filter(|opened_at| sample.at.since(*opened_at) < REOPENED_FOR);
        let raise = self.raise();
        self.trail.push(sample);
        let mut reading = Reading { severity: None, ratio: 0.0, p: 1.0 };
        let mut strongest: Option<ChannelResult> = None;
        for (index, (channel, &amount)) in self.channels.iter_mut().zip(amounts).enumerate() {
            if amount == 0 {
                continue;
            }
            if let Some(limit) = self.kind.channels()[index].cap()
                && amount >= limit
            {
                channel.cap(sample.at);
            }
            let Some(mut observation) = channel.window.handle_many(sample.at, amount) else { continue };
            if index == 0 {
                self.tally.count(channel.window.burst().cusum_run().0, sample);
            }
            if raise.is_reopened {
                // The CUSUM of the opening is discarded, so it does not count afterwards.
                observation.cusum = 0.0;
                channel.window.empty_cusum(sample.at);
            }
            if self.episode.is_firing() {
                let is_calm = channel.window.burst().is_calm();
                observation.cusum = channel.drain(sample.at, observation.cusum, is_calm);
            }
            if index > 0 && channel.window.phase() != Phase::Calibrated {
                continue;
            }
            let (severity, ratio) = channel.read(sample.at, &observation, raise);
            reading.ratio = reading.ratio.max(ratio);
            reading.severity = reading.severity.max(severity);
            if let Some(severity) = severity {
                // The p-values cost a power or two, so they are computed only where a level is reached.
                let (scan_p, cusum_p) = channel.window.p(&observation);
                let result = ChannelResult { channel: index, observation, severity, scan_p, cusum_p };
                if strongest.as_ref().is_none_or(|best| result.least_p() < best.least_p()) {
                    strongest = Some(result);
                }
            }
        }
        reading.severity = reading.severity.map(|severity| severity.min(self.kind.severity_max()));
        if let Some(strongest) = &strongest {
            // Each channel is a test of its own.
            reading.p = (strongest.least_p() * self.channels.len() as f64).min(1.0);
            if !self.is_firing() && !allowed(self.starts_at(strongest)) {
                return None;
            }
        }
        let decision = self.episode.observe(sample.at, reading)?;
        Some(self.publish(decision, strongest, reading.p, sample))
    }

    /// Carries a decision out. Opening an episode freezes the baselines.
    fn publish(
        &mut self,
        decision: Decision,
        strongest: Option<ChannelResult>,
        p: f64,
        sample: &Sample<'_>,
    ) -> Verdict {
        let strongest = strongest.expect("a change needs a channel that reached a level");
        if decision.change() == Change::Opened {
            self.freeze_until(sample.at.plus(FROZEN_MAX));
            self.channels.iter_mut().for_each(|channel| channel.begin_episode(sample.at));
        }
        let finding = self.finding(&strongest, p, sample.record);
        Verdict::new(self.kind.detector(), self.episode.publish(decision, finding))
    }

    /// The time at which [`Burst::expire`] must be called unless a sample comes before.
    #[must_use]
    pub fn deadline(&self) -> Option<EventTime> {
        self.episode.deadline()
    }

    /// Handles a reopening of the subject's market; one that is known already changes nothing.
    pub fn reopen(&mut self, at: EventTime) {
        if self.window().burst().now().is_some_and(|now| now.since(at) >= REOPENED_FOR) || self.opened_at >= Some(at) {
            return;
        }
        self.opened_at = Some(at);
        // The opening is learned as one block, like an episode; its minutes would teach the tails that openings are usual.
        for channel in &mut self.channels {
            channel.window.begin_episode(at);
            channel.window.end_episode(at.plus(REOPENED_FOR));
        }
    }

    /// Handles a gap: the feed is known to have been blind in [from, until).
    pub fn gap(&mut self, from: EventTime, until: EventTime) {
        self.channels.iter_mut().for_each(|channel| channel.window.gap(from, until));
    }

    /// Ends the episode if its deadline has come and no statistic is high any more: an episode lasts as long as its statistic.
    /// At each deadline the statistics are computed as they are then without a sample, so that the result does not depend
    /// on when this is called.
    pub fn expire(&mut self, now: EventTime) -> Option<Verdict> {
        while let Some(deadline) = self.episode.deadline().filter(|deadline| *deadline <= now) {
            if !self.is_high(deadline) {
                break;
            }
            self.episode.hold(deadline);
        }
        let transition = self.episode.expire(now)?;
        Some(self.cleared(transition))
    }

    /// Ends the episode because the subject is no longer followed.
    pub fn end(&mut self) -> Option<Verdict> {
        let transition = self.episode.end()?;
        Some(self.cleared(transition))
    }

    /// Whether a statistic is high enough at a time without a sample for the episode to go on.
    fn is_high(&mut self, at: EventTime) -> bool {
        let is_reopened = self.opened_at.is_some_and(|opened_at| at.since(opened_at) < REOPENED_FOR);
        let raise = Raise { is_reopened, ..self.raise() };
        let judged =
            |(index, channel): &(usize, &mut Channel)| *index == 0 || channel.window.phase() == Phase::Calibrated;
        let ratios = self.channels.iter_mut().enumerate().filter(judged);
        // Every channel must be asked, because each drains its own CUSUM.
        ratios.map(|(_, channel)| channel.ratio_ahead(at, raise)).fold(0.0, f64::max) >= HYSTERESIS
    }

    fn freeze_until(&mut self, until: EventTime) {
        self.channels.iter_mut().for_each(|channel| channel.window.freeze_until(until));
    }

    /// Returns the verdict about an episode that has ended. The baselines thaw once the burst's own bins have come due.
    fn cleared(&mut self, transition: Transition<Finding>) -> Verdict {
        self.freeze_until(transition.at.plus(THAW).min(transition.opened_at.plus(FROZEN_MAX)));
        self.channels.iter_mut().for_each(|channel| channel.end_episode(transition.at));
        Verdict::new(self.kind.detector(), transition)
    }

    /// Returns when the finding of a channel begins: where the CUSUM left zero, or with the window of the scan.
    fn starts_at(&self, result: &ChannelResult) -> EventTime {
        let burst = self.channels[result.channel].window.burst();
        match (result.leading_cusum_p(), result.observation.scan.window) {
            (Some(_), _) | (None, None) => burst.cusum_run().0,
            (None, Some(window)) => burst.window(window).1,
        }
    }

    fn finding(&self, result: &ChannelResult, p: f64, record: RecordRef) -> Finding {
        let channel = &self.channels[result.channel];
        let ChannelKind { in_window, sustained, unit, .. } = self.kind.channels()[result.channel];
        let scan = channel.scan_feature(&result.observation, result.scan_p, (in_window, unit), self.raise());
        let sustained_feature = result.leading_cusum_p().map(|p| channel.cusum_feature(p, (sustained, unit)));
        let features: Vec<Feature> =
            sustained_feature.into_iter().chain(scan).chain(self.events_beside(result)).collect();
        let now = channel.window.burst().now().expect("a window that was judged has a clock");
        let starts_at = self.starts_at(result);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of events")]
        let total = if unit == Unit::Events { features.first().map_or(0.0, |f| f.value) as u64 } else { 0 };
        let mut evidence = self.trail.evidence(starts_at, now, record, (self.kind.ids(), total));
        (evidence.shares, evidence.withdrawn) = (self.tally.shares(), self.tally.sides());
        // The pace is that of events: of two slower trades the larger may be the burst.
        evidence.pace = (result.channel == 0).then(|| channel.pace()).flatten();
        if result.severity.min(self.kind.severity_max()) == Severity::Critical {
            evidence.critical = channel.criteria(in_window, sustained);
        }
        let is_cusum = result.leading_cusum_p().is_some();
        Finding {
            p,
            statistic: if is_cusum { result.observation.cusum } else { result.observation.scan.score },
            threshold: channel.threshold(is_cusum, self.raise()),
            starts_at,
            evidence,
            related: self.trail.parties(starts_at, now),
            features,
            warm_up: self.warm_up(channel),
            borrowed_share: channel.window.borrowed_share(),
        }
    }

    /// The number of events in the window that a channel of amounts found most unusual: how many orders the amount came from.
    fn events_beside(&self, result: &ChannelResult) -> Option<Feature> {
        if result.channel == 0 {
            return None;
        }
        let window = result.observation.scan.window?;
        let ChannelKind { in_window, unit, .. } = self.kind.channels()[0];
        Some(self.channels[0].counted(window, (in_window, unit)))
    }

    /// How far the levels are raised at the last sample.
    fn raise(&self) -> Raise {
        Raise { is_strict: self.mode != Mode::Normal, is_reopened: self.opened_at.is_some() }
    }

    /// How far a channel's baseline has come; after a reopening it is no better than provisional.
    fn warm_up(&self, channel: &Channel) -> WarmUp {
        let warm_up = WarmUp::from(channel.window.phase());
        if self.opened_at.is_some() { warm_up.min(WarmUp::Provisional) } else { warm_up }
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
