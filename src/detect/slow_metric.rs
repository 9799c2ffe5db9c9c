//! Slow metrics: numbers sampled once a second whose level depends on the time of day and whose tails are heavy.
//!
//! Depth near the touch is one; spread, funding and open interest are others. A detector of such a metric is made of two parts
//! of this file. The detector then only chooses its number and writes its finding.
//!
//! - [`Channel`] judges one number: its residual against the season in robust scales (`stats::seasonal`), and the p-value of
//!   that residual by the tail of its own past (`stats::hill`).
//! - [`SlowMetric`] makes episodes of the p-values of one subject. The first hour is probation, in which nothing is
//!   reported; the sixty minutes of the table below count from then on, so nothing is found before the third hour.
//!   While an episode is going on nothing is learned, for 10 min at most. The levels come from the symbol's ticket budget
//!   (`super::budget`).
//!
//! There is one test each minute. The seconds of a minute are many tests of the same thing: judged one by one, they alarmed
//! 18 times a day on quiet simulated flow where .25 are meant. So the S = −ln p of a second is compared with the greatest S of
//! each of the subject's past minutes:
//!
//! | minutes known | tail of their S |
//! |---|---|
//! | under 60 | none: p is 1 |
//! | 60 to 199 | exponential above the .95 quantile, its slope from the .8 and .95 quantiles |
//! | 200 and more | `stats::joint::ExpTail` |

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Detector, Episode, Severity, Verdict, WarmUp,
    budget::TicketLevels,
    episode::{Decision, Reading},
    finding::{Finding, Threshold, ThresholdSource, Unit},
};
use crate::{
    setting::{Invalid, RATES, check_range},
    stats::{
        block_tail::{BlockTail, Tail},
        hill::Hill,
        joint::ExpTail,
        math::{exp, ln},
        seasonal::{Season, Seasonal, slot_of_day},
    },
    time::{EventTime, Span},
    trust::Mode,
};

/// Quarters of an hour of the day; a visit is one pass, and a slot forgets half in three (DETECTION 2.3).
pub const DAY: Season = Season { slots: 96, per_visit: 900, half_life_visits: 3.0 };
/// The season of a number that has none, such as a change over a second.
pub const NO_SEASON: Season = Season { slots: 1, ..DAY };
/// Samples before anything is reported: an hour (DETECTION 6, probation of slow metrics).
const PROBATION: u64 = 3_600;
/// Samples after which every slot was visited: a day.
const SEASONED: u64 = 86_400;
/// The share of minutes above the first tail's upper quantile, .95.
const ABOVE: f64 = 0.05;
/// How much the logarithm of that share falls from the .8 quantile to the .95 quantile: ln (.2 / .05).
const LN_4: f64 = 2.0 * std::f64::consts::LN_2;
/// The longest time for which learning pauses; then the new regime is accepted (DETECTION 3).
const FROZEN_MAX: Span = Span::from_secs(600);
/// Samples of which the median is taken: makers who pull their quotes after a jump are back within two seconds.
const SMOOTHED: usize = 5;
/// No p-value is smaller.
const P_MIN: f64 = 1e-300;
/// A tail is taught no value rarer than this: the seconds in which a metric leaves its habit would otherwise raise the tail's index
/// before they are found, and hide what comes next.
const TAUGHT_P_MIN: f64 = 1e-3;

/// The residual, in robust scales, up to which an alert calls a value usual: a normal law's .95 quantile.
pub const USUAL_Z: f64 = 1.645;

/// The settings of a detector of a slow metric.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SlowMetricSettings {
    /// False tickets allowed per symbol and day. This is the total of all detectors of the symbol and its parties, of which this
    /// one has its share.
    pub warnings_per_day: f64,
}

impl Default for SlowMetricSettings {
    fn default() -> Self {
        // DETECTION 4: one per symbol-day for tickets.
        Self { warnings_per_day: 1.0 }
    }
}

impl SlowMetricSettings {
    /// Checks every key.
    ///
    /// # Errors
    /// The first key that breaks its rule.
    pub fn check(&self) -> Result<(), Invalid> {
        check_range("warnings_per_day", &self.warnings_per_day, &RATES)
    }
}

/// The tail of a channel that counts as unusual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Low values: depth.
    Lower,
    /// High values: spreads.
    Upper,
}

/// One number of a slow metric: its season, and the tail of its residuals on one side.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Channel {
    season: Seasonal,
    tail: Hill,
}

/// The median of a number's last five samples: what is over within two seconds does not show in it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Smoothed {
    /// The samples, newest last.
    recent: Vec<f64>,
}

impl Smoothed {
    /// Takes a sample and returns the median. While there are few samples, it is the middle one of those (of two, the greater).
    pub fn push(&mut self, x: f64) -> f64 {
        if self.recent.len() == SMOOTHED {
            self.recent.remove(0);
        }
        self.recent.push(x);
        let mut sorted = [0.0; SMOOTHED];
        let sorted = &mut sorted[..self.recent.len()];
        sorted.copy_from_slice(&self.recent);
        sorted.sort_unstable_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    }

    /// Forgets the samples, which say nothing of the next one after a gap.
    pub fn clear(&mut self) {
        self.recent.clear();
    }
}

/// A value judged by its channel.
#[derive(Clone, Copy, Debug)]
pub struct Judged {
    /// The residual, in robust scales.
    pub z: f64,
    /// The residual towards the unusual side, at least 0.
    v: f64,
    /// The chance of such a residual; 1 for one that is not among the rarest fiftieth.
    pub p: f64,
}

impl Channel {
    /// A channel that has seen nothing.
    #[must_use]
    pub fn new(season: Season) -> Self {
        Self { season: Seasonal::new(season), tail: Hill::default() }
    }

    /// Judges a value of a slot. Judging comes before learning.
    #[must_use]
    pub fn judge(&self, x: f64, slot: usize, side: Side) -> Judged {
        let z = self.season.z(x, slot);
        let v = match side {
            Side::Lower => (-z).max(0.0),
            Side::Upper => z.max(0.0),
        };
        Judged { z, v, p: self.tail.p_above(v) }
    }

    /// Learns a value that was judged.
    pub fn learn(&mut self, x: f64, slot: usize, judged: &Judged) {
        self.season.learn(x, slot);
        let most = self.tail.tail().filter(|tail| judged.v > tail.quantile()).map(|tail| tail.value(TAUGHT_P_MIN));
        self.tail.learn(most.map_or(judged.v, |most| judged.v.min(most)));
    }

    /// The usual value of a slot; `None` before the first sample.
    #[must_use]
    pub fn expected(&self, slot: usize) -> Option<f64> {
        self.season.expected(slot)
    }

    /// One robust scale.
    #[must_use]
    pub fn scale(&self) -> f64 {
        self.season.scale()
    }
}

/// The slot of the day that an instant is in.
#[must_use]
pub fn slot(at: EventTime) -> usize {
    slot_of_day(at.nanos(), DAY.slots)
}

/// The episodes of one slow metric of one subject.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SlowMetric {
    samples: u64,
    /// The minute under way with its greatest S.
    minute: (i64, f64),
    /// The tail of the minutes before.
    minutes: ExpTail,
    first_minutes: BlockTail,
    episode: Episode,
}

impl Default for SlowMetric {
    /// A metric that has seen nothing.
    fn default() -> Self {
        Self {
            samples: 0,
            minute: (i64::MIN, 0.0),
            minutes: ExpTail::default(),
            first_minutes: BlockTail::default(),
            episode: Episode::Quiet,
        }
    }
}

/// A change of a metric's episode, with the chance behind it. [`SlowMetric::publish`] applies it.
#[derive(Clone, Copy, Debug)]
pub struct Judgement {
    decision: Decision,
    /// The chance of such a second within a quiet minute.
    pub p: f64,
    /// The level that S = −ln p had to reach for a ticket.
    pub threshold: Threshold,
}

impl SlowMetric {
    /// Counts a sample. Returns whether it may be learned: false during an episode's first 10 min.
    pub fn count_sample(&mut self, at: EventTime) -> bool {
        self.count_seconds(at, 1)
    }

    /// Counts a sample that stands for several seconds, as [`SlowMetric::count_sample`] does.
    pub fn count_seconds(&mut self, at: EventTime, seconds: u64) -> bool {
        self.samples += seconds;
        self.episode.opened_at().is_none_or(|opened_at| at.since(opened_at) >= FROZEN_MAX)
    }

    /// Whether the first hour is over.
    #[must_use]
    pub const fn is_past_probation(&self) -> bool {
        self.samples >= PROBATION
    }

    /// Whether seconds are judged: the first hour is over, and a tail of minutes is known.
    #[must_use]
    pub fn judges(&self) -> bool {
        self.is_past_probation() && (self.minutes.p(0.0).is_some() || self.first_minutes.tail().is_some())
    }

    /// Whether an episode is going on.
    #[must_use]
    pub const fn is_firing(&self) -> bool {
        self.episode.is_firing()
    }

    /// How far the baseline has come.
    #[must_use]
    pub const fn warm_up(&self) -> WarmUp {
        if self.samples < SEASONED { WarmUp::Provisional } else { WarmUp::Done }
    }

    /// Judges the p-value of a second. [`SlowMetric::expire`] must have been called for earlier deadlines.
    pub fn observe(
        &mut self,
        detector: Detector,
        at: EventTime,
        p: f64,
        (warnings_per_day, mode): (f64, Mode),
    ) -> Option<Judgement> {
        if !self.is_past_probation() {
            return None;
        }
        let p = self.by_minute(at, p.clamp(P_MIN, 1.0));
        let levels = TicketLevels::of(detector, warnings_per_day, mode);
        let severity = match p {
            p if p <= levels.warning => Some(Severity::Warning),
            p if p <= levels.info => Some(Severity::Info),
            _ => None,
        };
        if severity.is_none() && !self.is_firing() {
            return None;
        }
        let decision = self.episode.observe(at, Reading { severity, ratio: ln(p) / ln(levels.info), p })?;
        // The level is a share of the budget, and what reaches it is measured by the metric's own minutes: past the first
        // hour there is nothing fixed in it.
        let threshold = Threshold { value: -ln(levels.warning), unit: Unit::Nats, source: ThresholdSource::Calibrated };
        Some(Judgement { decision, p, threshold })
    }

    /// Applies a judgement and stores its finding.
    pub fn publish(&mut self, detector: Detector, judgement: Judgement, finding: Finding) -> Verdict {
        Verdict::new(detector, self.episode.publish(judgement.decision, finding))
    }

    /// Returns the p-value of a second's S among minutes. At the start of a minute, learns the greatest S of the last one first.
    fn by_minute(&mut self, at: EventTime, p: f64) -> f64 {
        let (minute, score) = (at.slot(Span::from_secs(60)), -ln(p));
        if minute == self.minute.0 {
            self.minute.1 = self.minute.1.max(score);
        } else {
            if !self.is_firing() {
                self.minutes.learn(self.minute.1);
                self.first_minutes.learn(self.minute.1);
            }
            self.minute = (minute, score);
        }
        let first = || self.first_minutes.tail().map_or(1.0, |tail| first_p(tail, score));
        self.minutes.p(score).unwrap_or_else(first).max(P_MIN)
    }

    /// When [`SlowMetric::expire`] must be called unless a sample comes before.
    #[must_use]
    pub fn deadline(&self) -> Option<EventTime> {
        self.episode.deadline()
    }

    /// Ends the episode if its deadline has come.
    pub fn expire(&mut self, detector: Detector, now: EventTime) -> Option<Verdict> {
        self.episode.expire(now).map(|transition| Verdict::new(detector, transition))
    }

    /// Ends the episode because the subject is forgotten.
    pub fn end(&mut self, detector: Detector) -> Option<Verdict> {
        self.episode.end().map(|transition| Verdict::new(detector, transition))
    }
}

/// The p-value of a minute's S where few minutes are known.
fn first_p(tail: &Tail, score: f64) -> f64 {
    let (q80, q95) = tail.quantiles();
    // If p is exact, S is exponential: its slope is 1 and its .95 quantile −ln .05. Smaller estimates are raised to these.
    let slope = ((q95 - q80) / LN_4).max(1.0);
    (ABOVE * exp(-(score - q95.max(-ln(ABOVE))) / slope)).min(1.0)
}
