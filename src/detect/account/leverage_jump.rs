//! `leverage_jump`: an account has taken far more leverage than it ever does.
//!
//! ℓ = ln(Σ|q|·mark / equity). Once a minute ℓ teaches the account's own mean and variance (half-life a day, after clipping at
//! three deviations); at each event of the account z = (ℓ − m)/√(v + .01) is judged. The detector warns at z ≥ 5
//! (`deviations_min`) where ℓ is also above the .99 quantile of accounts with equity of the same decade: far from the account's
//! habit and from everybody's (DETECTION 3). The finding separates what the account did (orders, deposits, a setting) from what
//! the marks did to it.
//!
//! While an episode is going on nothing is learned, for 10 min at most; then the leverage reported is accepted: the episode ends,
//! and only more than that is news. An account without a position has no leverage, and one with nothing left is `insolvent`, a
//! condition of its own. The detector needs two hours of history.
//!
//! From the third hour on the steps are those of the reference. In the reference the first minute sets the mean and every later one
//! moves it by 1/2078, so an account that begins small is unusual for days (90 false jumps in three simulated hours). Here the
//! first half hour, in which an account builds its positions, is not learned, and the rest of the first two hours is a plain mean
//! and variance.

use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    detect::{
        Counted, Detector, Episode, Evidence, Feature, Finding, Node, Severity, Threshold, ThresholdSource, Unit,
        Verdict, WarmUp, episode::Reading,
    },
    event::RecordRef,
    setting::{Invalid, check_range},
    stats::math::{exp, ln, normal_tail},
    time::{EventTime, Span},
    trust::Mode,
};

/// Variance at the start, as of an account whose leverage varies by a fifth.
const VARIANCE: f64 = 0.04;
/// The variance that is added to any: without it the least move of an account that never moves would be a jump.
const VARIANCE_MIN: f64 = 0.01;
/// Minutes in which an account builds its first positions; they are not part of its habit.
const BUILDING: u32 = 30;
/// Weight of the variance at the start, in minutes.
const VARIANCE_PRIOR: f64 = 11.0;
/// Minutes learned before an account is judged: two hours.
const MINUTES_MIN: u32 = 120;
/// ℓ of an account whose positions are worth its equity. Below that the account owes nothing, whatever its habit: a maker's
/// inventory that doubles is no leverage (DETECTION 3 asks for an activity floor and names none).
const LEVERED: f64 = 0.0;
/// Deviations at which a minute is clipped before it teaches.
const CLIP: f64 = 3.0;
/// The gain of a minute at a half-life of a day: 1 − 2^(−1/1440).
const GAIN: f64 = 0.000_481_236_377_333_771_34;
/// Deviations by which the level of information is below that of a ticket.
const INFO_BELOW: f64 = 1.0;
/// Deviations by which a ticket's level rises where the mode is not normal: a tenth of the false alarms of a normal law's tail.
const STRICTER: f64 = 0.5;
/// The share of the lowest level under which an episode ends: well apart from the level, so that it does not flicker.
const HELD: f64 = 0.7;
/// A normal law's .95 quantile, for what an alert calls usual.
const USUAL: f64 = 1.645;
/// Least p-value: a normal law that far out is a guess.
const P_MIN: f64 = 1e-12;
/// The longest time for which learning pauses and a jump is reported; then the new leverage is accepted (DETECTION 3).
const FROZEN_MAX: Span = Span::from_secs(600);
/// Gain per minute with which the account's own part and the marks' part are forgotten: a half-life of half an hour.
const CAUSE_GAIN: f64 = 0.022_840_031_565_754_093;

/// The settings of `leverage_jump`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Standard deviations from the account's own habit at which a jump is a ticket; it is information one deviation below.
    pub deviations_min: f64,
}

impl Default for Settings {
    fn default() -> Self {
        // DETECTION 3.
        Self { deviations_min: 5.0 }
    }
}

/// Range of `deviations_min`: below two deviations every tenth account jumps at any time; above a hundred none ever does.
const DEVIATIONS: RangeInclusive<f64> = 2.0..=100.0;

impl Settings {
    /// Checks every key.
    ///
    /// # Errors
    /// The first key that breaks its rule.
    pub fn check(&self) -> Result<(), Invalid> {
        check_range("deviations_min", &self.deviations_min, &DEVIATIONS)
    }

    /// The level of information.
    const fn info(self) -> f64 {
        self.deviations_min - INFO_BELOW
    }

    /// The level of a ticket in a mode.
    const fn warning(self, mode: Mode) -> f64 {
        match mode {
            Mode::Normal => self.deviations_min,
            Mode::Degraded | Mode::Blind => self.deviations_min + STRICTER,
        }
    }

    /// The level under which an episode ends.
    const fn held(self) -> f64 {
        HELD * self.info()
    }
}

/// The leverage of an account at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// When.
    pub at: EventTime,
    /// The record behind it.
    pub record: RecordRef,
    /// ℓ, in nats.
    pub log_leverage: f64,
    /// The part of its change since the last sample that was the account's own doing, in nats; the rest is the marks'.
    pub intent: f64,
    /// The .99 quantile of ℓ among accounts like it, once it is known.
    pub peers_q99: Option<f64>,
    /// The mode in force.
    pub mode: Mode,
    /// The settings of the detector for the account.
    pub settings: Settings,
}

/// The detector of one account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LeverageJump {
    /// The mean of ℓ; `None` before the first minute.
    mean: Option<f64>,
    /// The variance of ℓ.
    variance: f64,
    /// Minutes learned.
    minutes: u32,
    /// ℓ of the last sample.
    last: f64,
    /// The distance of the last sample from the habit, in deviations; `None` while too little is known.
    last_z: Option<f64>,
    /// The account's own part in recent changes of ℓ, in nats.
    intent: f64,
    /// The marks' part in them, in nats.
    drift: f64,
    /// Since when z has been at or above the level of information; `None` while it is below.
    since: Option<EventTime>,
    /// The ℓ that was reported and is no longer news, until the account is back at its habit. The habit itself does not change:
    /// an account that returns and jumps again is reported again.
    accepted: Option<f64>,
    /// The state of the finding.
    episode: Episode,
}

impl Default for LeverageJump {
    fn default() -> Self {
        Self {
            mean: None,
            variance: VARIANCE,
            minutes: 0,
            last: 0.0,
            last_z: None,
            intent: 0.0,
            drift: 0.0,
            since: None,
            accepted: None,
            episode: Episode::Quiet,
        }
    }
}

impl LeverageJump {
    /// An account whose habit is known.
    #[must_use]
    pub fn with_habit(mean: f64, variance: f64) -> Self {
        Self { mean: Some(mean), variance, minutes: MINUTES_MIN, ..Self::default() }
    }

    /// The distance of ℓ from the account's habit, or from the accepted level, in deviations; `None` while too little is known.
    #[must_use]
    pub fn z(&self, log_leverage: f64) -> Option<f64> {
        self.usual().filter(|_| self.is_learned()).map(|usual| (log_leverage - usual) / self.deviation())
    }

    /// Whether enough is known of the account's habit to judge it.
    #[must_use]
    pub const fn is_learned(&self) -> bool {
        self.minutes >= MINUTES_MIN
    }

    fn usual(&self) -> Option<f64> {
        self.mean.map(|mean| self.accepted.map_or(mean, |accepted| accepted.max(mean)))
    }

    /// The change of ℓ since the last sample.
    #[must_use]
    pub fn change(&self, log_leverage: f64) -> f64 {
        if self.mean.is_some() { log_leverage - self.last } else { 0.0 }
    }

    /// Learns a minute.
    pub fn learn(&mut self, at: EventTime, log_leverage: f64) {
        self.intent -= CAUSE_GAIN * self.intent;
        self.drift -= CAUSE_GAIN * self.drift;
        if self.is_firing() && self.is_news(at) {
            return;
        }
        let mean = self.mean.get_or_insert(log_leverage);
        let (off, n) = (log_leverage - *mean, f64::from(self.minutes.saturating_sub(BUILDING)));
        if self.minutes < BUILDING {
            *mean = log_leverage;
        } else if self.minutes < MINUTES_MIN {
            *mean += off / (n + 1.0);
            self.variance += (off * off - self.variance) / (n + VARIANCE_PRIOR);
        } else {
            let deviation = (self.variance + VARIANCE_MIN).sqrt();
            let off = off.clamp(-CLIP * deviation, CLIP * deviation);
            *mean += GAIN * off;
            self.variance += GAIN * (off * off - self.variance);
        }
        self.minutes = self.minutes.saturating_add(1);
    }

    /// Judges a moment. `expire` must have been called for earlier deadlines. `related` is called only where there is a finding.
    pub fn handle(&mut self, sample: &Sample, related: impl Fn() -> Vec<Node>) -> Option<Verdict> {
        let change = self.change(sample.log_leverage);
        self.last = sample.log_leverage;
        if self.mean.is_some() {
            self.intent += sample.intent;
            self.drift += change - sample.intent;
        }
        let back = |mean: f64| sample.log_leverage < mean + sample.settings.held() * self.deviation();
        if self.accepted.is_some() && self.mean.is_some_and(back) {
            self.accepted = None;
        }
        self.last_z = self.z(sample.log_leverage);
        let z = self.last_z?;
        let unusual = sample.peers_q99.is_some_and(|q99| sample.log_leverage > q99.max(LEVERED));
        let (level, info) = (sample.settings.warning(sample.mode), sample.settings.info());
        let severity = match z {
            z if unusual && z >= level => Some(Severity::Warning),
            z if unusual && z >= info => Some(Severity::Info),
            _ => None,
        };
        if z < info {
            self.since = None;
        } else {
            self.since.get_or_insert(sample.at);
        }
        if severity.is_none() && !self.is_firing() {
            return None;
        }
        let p = normal_tail(z).max(P_MIN);
        let ratio = if self.is_news(sample.at) { z / info } else { 0.0 };
        let decision = self.episode.observe(sample.at, Reading { severity, ratio, p })?;
        let finding = self.finding(sample, z, p, related());
        Some(Verdict::new(Detector::LeverageJump, self.episode.publish(decision, finding)))
    }

    /// The mean and the variance of ℓ, once a minute was learned.
    #[must_use]
    pub fn habit(&self) -> Option<(f64, f64)> {
        self.mean.map(|mean| (mean, self.variance))
    }

    /// Whether an episode is going on.
    #[must_use]
    pub const fn is_firing(&self) -> bool {
        self.episode.is_firing()
    }

    /// When [`LeverageJump::expire`] must be called unless a sample comes before.
    #[must_use]
    pub fn deadline(&self) -> Option<EventTime> {
        self.episode.deadline()
    }

    /// Ends the episode if its deadline has come.
    ///
    /// # Panics
    /// Never: every finding of a jump has its leverage as the first feature.
    pub fn expire(&mut self, now: EventTime, settings: Settings) -> Option<Verdict> {
        // An account that does nothing more keeps its leverage: that is no calm.
        let held = self.last_z.is_some_and(|z| z >= settings.held());
        if held && self.is_news(now) {
            self.episode.hold(now);
            return None;
        }
        let transition = self.episode.expire(now)?;
        if held {
            let published = transition.finding.features.first().expect("a jump's first feature is the leverage");
            self.accepted = Some(ln(published.value));
        }
        Some(Verdict::new(Detector::LeverageJump, transition))
    }

    /// Whether the episode, if there is one, is young enough to go on.
    fn is_news(&self, now: EventTime) -> bool {
        self.episode.opened_at().is_none_or(|opened_at| now.since(opened_at) < FROZEN_MAX)
    }

    /// Ends the episode because the account is forgotten.
    pub fn end(&mut self) -> Option<Verdict> {
        self.episode.end().map(|transition| Verdict::new(Detector::LeverageJump, transition))
    }

    fn deviation(&self) -> f64 {
        (self.variance + VARIANCE_MIN).sqrt()
    }

    fn finding(&self, sample: &Sample, z: f64, p: f64, related: Vec<Node>) -> Finding {
        let (mean, deviation) = (self.usual().expect("a jump is judged against a habit"), self.deviation());
        let times = |nats: f64| exp(nats);
        let leverage = Feature {
            name: Counted::Leverage,
            window: Span::ZERO,
            value: times(sample.log_leverage),
            expected: times(mean),
            low: times(mean - USUAL * deviation),
            high: times(mean + USUAL * deviation),
            unit: Unit::Times,
            p,
            is_capped: false,
            dispersion: None,
            would_not_fire_below: Some(
                times(mean + sample.settings.warning(sample.mode) * deviation)
                    .max(times(sample.peers_q99.unwrap_or(LEVERED).max(LEVERED))),
            ),
        };
        let part = |name, nats| Feature {
            name,
            window: Span::from_secs(1_800),
            value: times(nats),
            expected: 1.0,
            low: times(-USUAL * deviation),
            high: times(USUAL * deviation),
            unit: Unit::Times,
            p: 1.0,
            is_capped: false,
            dispersion: None,
            would_not_fire_below: None,
        };
        Finding {
            p,
            statistic: z,
            threshold: Threshold {
                value: sample.settings.warning(sample.mode),
                unit: Unit::Deviations,
                source: ThresholdSource::Default,
            },
            starts_at: self.since.unwrap_or(sample.at),
            features: vec![
                leverage,
                part(Counted::LeverageByIntent, self.intent),
                part(Counted::LeverageByMarks, self.drift),
            ],
            evidence: Evidence::of_record(sample.record),
            related,
            warm_up: if self.minutes < 1_440 { WarmUp::Provisional } else { WarmUp::Done },
            borrowed_share: 0.0,
        }
    }
}

#[cfg(test)]
mod tests;
