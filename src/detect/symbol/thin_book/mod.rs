//! `thin_book`: far less rests near the touch than is usual for the symbol at this time of day.
//!
//! Once a second the notional D of the thinner side within five bands is sampled, and a median over 5 s taken of ln D. Two
//! channels judge each band: the *level* against its quarter of an hour of the day, and the *change* over a second, which has no
//! season. (DETECTION smooths the change only.) Only the lower side counts. The p-value of a band joins both by ACAT, and the
//! p-value of a second is five times that of the least band. Episodes, probation and levels are those of any slow metric
//! (`detect::slow_metric`).
//!
//! The finding names the accounts that withdrew most on the symbol of late and is related to them, so that books which one maker
//! makes thin are one incident. An empty band counts as a hundredth of what is usual there. A band that is empty every now and then
//! is not judged, because spreads of its width are usual. Alone the detector makes a ticket at most. It is blind to a book that is
//! thin beyond 100 bps only, and to one that is filled again within 3 s. Order-flow imbalance as a confirmation (DETECTION names
//! it) is left out, because it needs returns.

mod band;

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use self::band::{Band, Sampled};
use super::{BookSecond, SymbolDetector, SymbolNow};
use crate::{
    book::{BANDS_BPS, Sides},
    detect::{
        Counted, CoverageState, Detection, Detector, Evidence, Feature, Finding, Node, Unit, Verdict,
        slow_metric::{Judgement, SlowMetric, SlowMetricSettings, USUAL_Z, slot},
    },
    event::Side,
    stats::math::{exp, ln},
    time::{EventTime, Span},
};

/// The share of seconds that a symbol spends under its own low quantile, for the cluster (DETECTION 3).
const LOW_SHARE: f64 = 0.1;
/// The band whose level counts for the cluster: the middle one.
const LOW_BAND: usize = 2;
/// The step of the low quantile: after some minutes it is within a tenth of a scale.
const LOW_STEP: f64 = 0.02;

/// The detector of one symbol.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ThinBook {
    settings: SlowMetricSettings,
    /// Empty before the first sample: most symbols of a venue never have a book.
    bands: Vec<Band>,
    metric: SlowMetric,
    /// The low quantile: the z of the middle band's level that is passed downwards a tenth of the time.
    low_z: f64,
    /// Whether the middle band's level is below the low quantile now.
    is_low: bool,
    /// Since when the least band's level has been below the low quantile; kept while an episode is going on.
    low_since: Option<EventTime>,
}

impl ThinBook {
    /// Whether the book is below its own .1 quantile of depth, for the cluster; `None` during probation.
    #[must_use]
    pub fn is_low(&self) -> Option<bool> {
        self.metric.is_past_probation().then_some(self.is_low)
    }

    /// The share of its usual depth that a book has now within the middle band, on the thinner side; `None` before that is known.
    #[must_use]
    pub fn share_of_usual(&self, depth: &Sides, at: EventTime) -> Option<f64> {
        let expected = self.bands.get(LOW_BAND)?.level.expected(slot(at))?;
        self.metric.is_past_probation().then(|| depth[0][LOW_BAND].min(depth[1][LOW_BAND]) / exp(expected))
    }

    /// Samples every band. Returns the band with the least joint p-value.
    fn sample(&mut self, second: &BookSecond<'_>) -> Option<Sampled> {
        if self.bands.is_empty() {
            self.bands = (0..BANDS_BPS.len()).map(|_| Band::new()).collect();
        }
        let learns = self.metric.count_sample(second.at);
        let sides = second.depth?;
        let slot = slot(second.at);
        let mut least: Option<Sampled> = None;
        for (band, channels) in self.bands.iter_mut().enumerate() {
            let thinner = sides[0][band].min(sides[1][band]);
            let Some(sampled) = channels.sample(band, thinner, slot, learns) else { continue };
            if band == LOW_BAND {
                let q = self.low_z;
                self.is_low = sampled.level_z < q;
                if learns {
                    self.low_z = q - LOW_STEP * (f64::from(u8::from(self.is_low)) - LOW_SHARE);
                }
            }
            if least.is_none_or(|least| sampled.joint < least.joint) {
                least = Some(sampled);
            }
        }
        least
    }

    fn finding(&self, second: &BookSecond<'_>, least: &Sampled, judgement: &Judgement) -> Finding {
        let band = &self.bands[least.band];
        let slot = slot(second.at);
        let expected = band.level.expected(slot).expect("a band that was sampled has a level");
        let (spread, usual) = (USUAL_Z * band.level.scale(), USUAL_Z * band.change.scale());
        let nth = u8::try_from(least.band).expect("there are five bands");
        let level = Feature {
            name: Counted::Depth(nth),
            window: Span::from_secs(1),
            value: least.notional,
            expected: exp(expected),
            low: exp(expected - spread),
            high: exp(expected + spread),
            unit: Unit::Notional,
            p: least.p.0,
            is_capped: false,
            dispersion: None,
            would_not_fire_below: None,
        };
        let change = Feature {
            name: Counted::DepthChange(nth),
            window: Span::from_secs(1),
            value: exp(least.change),
            expected: 1.0,
            low: exp(-usual),
            high: exp(usual),
            unit: Unit::Share,
            p: least.p.1,
            is_capped: false,
            dispersion: None,
            would_not_fire_below: None,
        };
        let accounts = second.withdrawals.busiest();
        let thinner = |sides: &Sides| match sides[0][least.band].total_cmp(&sides[1][least.band]) {
            Ordering::Less => Some(Side::Buy),
            Ordering::Equal => None,
            Ordering::Greater => Some(Side::Sell),
        };
        let thin_side = second.depth.and_then(thinner);
        Finding {
            p: judgement.p,
            statistic: -ln(judgement.p),
            threshold: judgement.threshold,
            starts_at: self.low_since.unwrap_or(second.at).min(second.at),
            features: vec![level, change],
            related: accounts.iter().cloned().map(Node::Account).collect(),
            evidence: Evidence { accounts, thin_side, ..Evidence::of_record(second.record) },
            warm_up: self.metric.warm_up(),
            borrowed_share: 0.0,
        }
    }
}

impl SymbolDetector for ThinBook {
    fn new(settings: &Detection) -> Self {
        Self {
            settings: settings.thin_book,
            bands: Vec::new(),
            metric: SlowMetric::default(),
            low_z: -1.0,
            is_low: false,
            low_since: None,
        }
    }

    /// Continues under other settings; the learned state does not depend on them.
    fn retune(&mut self, _before: &Detection, settings: &Detection) {
        self.settings = settings.thin_book;
    }

    /// Judges a second. A stale book describes the past, and a crossed or one-sided one has no depth: neither is judged.
    fn second(&mut self, second: &BookSecond<'_>) -> Option<Verdict> {
        if second.is_paused {
            self.bands.iter_mut().for_each(Band::forget);
        }
        if second.is_stale || second.depth.is_none() {
            return None;
        }
        let least = self.sample(second)?;
        if least.level_z < self.low_z {
            self.low_since.get_or_insert(second.at);
        } else if !self.metric.is_firing() {
            self.low_since = None;
        }
        let p = least.joint * BANDS_BPS.len() as f64;
        let judgement =
            self.metric.observe(Detector::ThinBook, second.at, p, (self.settings.warnings_per_day, second.mode))?;
        let finding = self.finding(second, &least, &judgement);
        Some(self.metric.publish(Detector::ThinBook, judgement, finding))
    }

    /// Forgets the smoothed samples: those before a gap say nothing of the second after it.
    fn gap(&mut self, _from: EventTime, _until: EventTime) {
        self.bands.iter_mut().for_each(Band::forget);
    }

    fn deadline(&self) -> Option<EventTime> {
        self.metric.deadline()
    }

    fn expire(&mut self, now: EventTime) -> Option<Verdict> {
        let verdict = self.metric.expire(Detector::ThinBook, now)?;
        self.low_since = None;
        Some(verdict)
    }

    fn coverage(&self, now: &SymbolNow) -> (Detector, CoverageState) {
        (Detector::ThinBook, now.of_book(self.metric.judges()))
    }

    fn end(&mut self) -> Option<Verdict> {
        self.metric.end(Detector::ThinBook)
    }
}
