//! `thin_book`: far less rests near the touch than is usual for the symbol at this time of day.
//!
//! Once a second the thinner side's notional D within five bands is sampled, and a median over 5 s taken of ln D: makers who pull their
//! quotes after a jump are back within two. Two channels judge each band: the *level* against its quarter of an hour of the
//! day, and the *change* over a second, which has no season. (DETECTION smooths the change only.) Each is
//! a residual in robust scales with a heavy-tailed p-value (`stats::seasonal`, `stats::hill`); only the lower side counts. The
//! band's p joins both by ACAT, and a second's is five times the least band's. It fires at a share of the symbol's daily
//! false alarms, spread over its minutes (DETECTION 3): one test each minute. Seconds of one minute are many tests of the same
//! book, and as such alarmed 18 times a day on quiet simulated flow where .25 are meant; so a second's S = −ln p is held
//! against the tail of the symbol's own minutes (the greatest S of each): above their .95 quantile by the slope between that and
//! the .8 quantile once 60 are known, by `stats::joint::ExpTail` once 200 are. Before that it says nothing.
//!
//! It names who withdrew most on the symbol of late and is related to them: books that thin by one maker are one incident. While it
//! fires nothing is learned, for 10 min at most. An empty band counts as a hundredth of what is usual
//! there, and takes no part where it is empty every now and then: a spread of its width is nothing thin. A symbol's
//! first hour is its probation. Alone it makes a ticket at most. Blind: a book that is thin beyond 100 bps only, and what is
//! filled again within 3 s. Not here: order-flow imbalance as a confirmation (DETECTION names it), which needs returns.

mod band;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use self::band::{Band, DAY, Sampled};
use super::{
    Change, Counted, Detect, Detector, Evidence, Feature, Finding, Gate, Node, Severity, Threshold, ThresholdSource,
    Unit, Verdict, WarmUp,
    gate::{Episode, Reading},
};
use crate::{
    book::{BANDS_BPS, Sides},
    event::{Place, RecordRange},
    stats::{
        block_tail::{BlockTail, Tail},
        joint::ExpTail,
        math::{exp, ln},
        seasonal::slot_of_day,
    },
    time::{EventTime, Span},
    trust::Mode,
};

const BANDS: usize = BANDS_BPS.len();
/// Samples before anything is said: an hour (DETECTION 6, probation of slow metrics).
const PROBATION: u64 = 3_600;
/// Samples after which every slot was visited: a day.
const SEASONED: u64 = 86_400;
/// Detectors that make tickets and share a symbol's daily false alarms: cancel and trade bursts, thin books, leverage.
const TICKET_DETECTORS: f64 = 4.0;
/// One test each minute of the day.
const TESTS_PER_DAY: f64 = 1_440.0;
/// The share of minutes above the first tail's quantile, and how much its logarithm falls from the .8 quantile to there.
const ABOVE: f64 = 0.05;
const LN_4: f64 = 2.0 * std::f64::consts::LN_2;
/// Information at ten times a ticket's chance.
const INFO: f64 = 10.0;
/// A tenth of the false alarms where the mode is not normal.
const STRICTER: f64 = 0.1;
/// How long nothing is learned at most; then the new regime is accepted (DETECTION 3).
const FROZEN_MAX: Span = Span::from_secs(600);
/// A normal law's .95 quantile, for what an alert calls usual.
const USUAL: f64 = 1.645;
/// No p-value is smaller.
const P_MIN: f64 = 1e-300;
/// The share of seconds that a symbol spends under its own low quantile, for the cluster (DETECTION 3).
const LOW_SHARE: f64 = 0.1;
/// The band whose level tells the cluster: the middle one.
const LOW_BAND: usize = 2;
/// How fast that quantile follows: within a tenth of a scale after some minutes.
const LOW_STEP: f64 = 0.02;

/// What the detector is set to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// False alarms a day for which all ticket detectors of a symbol are meant together.
    pub warnings_per_day: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { warnings_per_day: 1.0 }
    }
}

impl Settings {
    /// The p-value at which it fires.
    fn budget(self, mode: Mode) -> f64 {
        let strict = if mode == Mode::Normal { 1.0 } else { STRICTER };
        strict * self.warnings_per_day / TICKET_DETECTORS / TESTS_PER_DAY
    }
}

/// The detector of one symbol.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ThinBook {
    settings: Settings,
    bands: Vec<Band>,
    samples: u64,
    /// The minute under way with its greatest S, and the tail of those before.
    minute: (i64, f64),
    minutes: ExpTail,
    first_minutes: BlockTail,
    gate: Gate,
    mode: Mode,
    /// The z of the middle band's level that is passed downwards a tenth of the time, and whether it is now.
    low_z: f64,
    is_low: bool,
    low_since: Option<EventTime>,
    said: Option<Box<Finding>>,
}

/// The chance of a minute's S where few minutes are known. No slope is under 1: that of an exact p-value.
fn first_p(tail: &Tail, score: f64) -> f64 {
    let (q80, q95) = tail.quantiles();
    let slope = ((q95 - q80) / LN_4).max(1.0);
    // Nor is the quantile under that of an exact p-value.
    (ABOVE * exp(-(score - q95.max(-ln(ABOVE))) / slope)).min(1.0)
}

impl ThinBook {
    /// A detector that has seen nothing.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            bands: Vec::new(),
            samples: 0,
            minute: (i64::MIN, 0.0),
            minutes: ExpTail::default(),
            first_minutes: BlockTail::default(),
            gate: Gate::Quiet,
            mode: Mode::Normal,
            low_z: -1.0,
            is_low: false,
            low_since: None,
            said: None,
        }
    }

    /// Goes on under other settings; what was learned does not depend on them.
    pub const fn retune(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// Whether its book is thinner than nine tenths of the time, for the cluster; `None` in its probation.
    #[must_use]
    pub fn is_low(&self) -> Option<bool> {
        (self.samples >= PROBATION).then_some(self.is_low)
    }

    /// Whether an episode is under way.
    #[must_use]
    pub const fn is_firing(&self) -> bool {
        self.gate.episode().is_some()
    }

    /// Takes the book as it was when a second began. Deadlines up to then must have been honoured.
    /// `by` says who has withdrawn most of late, where something is said.
    pub fn sample(
        &mut self,
        at: EventTime,
        sides: &Sides,
        (place, mode): (Place, Mode),
        by: impl Fn() -> Vec<CompactString>,
    ) -> Option<Verdict> {
        if self.bands.is_empty() {
            self.bands = (0..BANDS).map(|_| Band::new()).collect();
        }
        self.mode = mode;
        let frozen = self.gate.episode().is_some_and(|episode| at.since(episode.opened_at()) < FROZEN_MAX);
        let slot = slot_of_day(at.nanos(), DAY.slots);
        let mut least: Option<Sampled> = None;
        for (band, channels) in self.bands.iter_mut().enumerate() {
            let thinner = sides[0][band].min(sides[1][band]);
            let Some(sampled) = channels.sample(band, thinner, slot, frozen) else { continue };
            if band == LOW_BAND {
                let (below, q) = (sampled.level_z < self.low_z, self.low_z);
                self.is_low = below;
                if !frozen {
                    self.low_z = q - LOW_STEP * (f64::from(u8::from(below)) - LOW_SHARE);
                }
            }
            if least.is_none_or(|least| sampled.joint < least.joint) {
                least = Some(sampled);
            }
        }
        self.samples += 1;
        let least = least?;
        if least.level_z < self.low_z {
            self.low_since.get_or_insert(at);
        } else if !self.is_firing() {
            self.low_since = None;
        }
        self.judge(at, &least, place, by)
    }

    fn judge(
        &mut self,
        at: EventTime,
        least: &Sampled,
        place: Place,
        by: impl Fn() -> Vec<CompactString>,
    ) -> Option<Verdict> {
        if self.samples < PROBATION {
            return None;
        }
        let p = self.by_minute(at, (least.joint * BANDS as f64).clamp(P_MIN, 1.0));
        let budget = self.settings.budget(self.mode);
        let severity =
            if p <= budget { Some(Severity::Warning) } else { (p <= budget * INFO).then_some(Severity::Info) };
        if severity.is_none() && !self.is_firing() {
            return None;
        }
        let reading = Reading { severity, ratio: ln(p) / ln(budget * INFO), p };
        let change = self.gate.handle(at, reading)?;
        let severity = self.gate.episode()?.severity();
        let mut finding = self.finding(at, least, p, place);
        finding.evidence.accounts = by();
        finding.related = finding.evidence.accounts.iter().cloned().map(Node::Account).collect();
        self.said = Some(Box::new(finding.clone()));
        Some(Verdict { detector: Detector::ThinBook, change, severity, at, finding })
    }

    /// The chance of such a second within a minute; learns the minute before where one begins.
    fn by_minute(&mut self, at: EventTime, p: f64) -> f64 {
        let (minute, score) = (at.slot(Span::from_secs(60)), -ln(p));
        if minute == self.minute.0 {
            self.minute.1 = self.minute.1.max(score);
        } else {
            if self.samples >= PROBATION && !self.is_firing() {
                self.minutes.learn(self.minute.1);
                self.first_minutes.learn(self.minute.1);
            }
            self.minute = (minute, score);
        }
        let first = || self.first_minutes.tail().map_or(1.0, |tail| first_p(tail, score));
        self.minutes.p(score).unwrap_or_else(first).max(P_MIN)
    }

    fn finding(&self, at: EventTime, least: &Sampled, p: f64, place: Place) -> Finding {
        let threshold = -ln(self.settings.budget(self.mode));
        let band = &self.bands[least.band];
        let slot = slot_of_day(at.nanos(), DAY.slots);
        let (expected, spread) = (band.level.expected(slot).unwrap_or(0.0), USUAL * band.level.scale());
        #[expect(clippy::cast_possible_truncation, reason = "one of five")]
        let nth = least.band as u8;
        let level = Feature {
            name: Counted::Depth(nth),
            window: Span::from_secs(1),
            value: least.notional,
            expected: exp(expected),
            low: exp(expected - spread),
            high: exp(expected + spread),
            unit: Unit::Notional,
            p: least.p.0,
            would_not_fire_below: None,
        };
        let usual = USUAL * band.change.scale();
        let change = Feature {
            name: Counted::DepthChange(nth),
            window: Span::from_secs(1),
            value: exp(least.change),
            expected: 1.0,
            low: exp(-usual),
            high: exp(usual),
            unit: Unit::Share,
            p: least.p.1,
            would_not_fire_below: None,
        };
        let warm_up = if self.samples < SEASONED { WarmUp::Provisional } else { WarmUp::Done };
        Finding {
            p,
            statistic: -ln(p),
            threshold: Threshold { value: threshold, unit: Unit::Nats, source: ThresholdSource::Default },
            starts_at: self.low_since.unwrap_or(at).min(at),
            features: vec![level, change],
            evidence: Evidence {
                records: vec![RecordRange { source: place.source, from: place.offset, to: place.offset }],
                ..Evidence::default()
            },
            related: Vec::new(),
            warm_up,
            borrowed_share: 0.0,
        }
    }

    fn clear(&mut self, episode: &Episode) -> Option<Verdict> {
        self.low_since = None;
        let finding = *self.said.take()?;
        let (severity, at) = (episode.severity(), episode.clears_at());
        Some(Verdict { detector: Detector::ThinBook, change: Change::Cleared, severity, at, finding })
    }
}

impl Detect for ThinBook {
    fn deadline(&self) -> Option<EventTime> {
        self.gate.episode().map(Episode::clears_at)
    }

    fn heartbeat(&mut self, _at: EventTime) {}

    /// What was seen before says nothing of the second after.
    fn gap(&mut self, _from: EventTime, _until: EventTime) {
        for band in &mut self.bands {
            band.forget();
        }
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
