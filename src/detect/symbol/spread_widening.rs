//! `spread_widening`: the spread is far wider than is usual for the symbol at this time of day.
//!
//! Once a second the logarithm of the spread in basis points of the middle is sampled. The median over 5 s is judged against the
//! quarter of an hour of the day, in the upper tail (DETECTION 2.3, which does not smooth); episodes, probation and levels are
//! those of any slow metric (`detect::slow_metric`). The detector and `thin_book` do not confirm each other, because orders that
//! leave the touch set off both ([`Detector::view`]). Alone it makes a ticket at most. It is blind to a book with an empty side
//! (`one_sided_book`), and to a spread that is back within 2 s.

use serde::{Deserialize, Serialize};

use super::{BookSecond, SymbolDetector, SymbolNow};
use crate::{
    detect::{
        Counted, CoverageState, Detection, Detector, Evidence, Feature, Finding, Node, Unit, Verdict,
        slow_metric::{Channel, DAY, Side, SlowMetric, SlowMetricSettings, Smoothed, USUAL_Z, slot},
    },
    stats::math::{exp, ln},
    time::{EventTime, Span},
};

/// The detector of one symbol.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SpreadWidening {
    settings: SlowMetricSettings,
    /// Created with the first sample: most symbols of a venue never have a book.
    spread: Option<Box<(Smoothed, Channel)>>,
    metric: SlowMetric,
}

impl SymbolDetector for SpreadWidening {
    fn new(settings: &Detection) -> Self {
        Self { settings: settings.spread_widening, spread: None, metric: SlowMetric::default() }
    }

    fn retune(&mut self, _before: &Detection, settings: &Detection) {
        self.settings = settings.spread_widening;
    }

    fn second(&mut self, second: &BookSecond<'_>) -> Option<Verdict> {
        if second.is_paused {
            self.spread.iter_mut().for_each(|spread| spread.0.clear());
        }
        let bps = second.spread_bps.filter(|_| !second.is_stale)?;
        let (smoothed, channel) =
            &mut **self.spread.get_or_insert_with(|| Box::new((Smoothed::default(), Channel::new(DAY))));
        let (x, slot, learns) = (smoothed.push(ln(bps)), slot(second.at), self.metric.count_sample(second.at));
        let judged = channel.judge(x, slot, Side::Upper);
        if learns {
            channel.learn(x, slot, &judged);
        }
        let judgement = self.metric.observe(
            Detector::SpreadWidening,
            second.at,
            judged.p,
            (self.settings.warnings_per_day, second.mode),
        )?;
        let (usual, width) = (channel.expected(slot).expect("a judged channel has a level"), USUAL_Z * channel.scale());
        let accounts = second.withdrawals.busiest();
        let finding = Finding {
            p: judgement.p,
            statistic: -ln(judgement.p),
            threshold: judgement.threshold,
            starts_at: second.at,
            features: vec![Feature {
                name: Counted::Spread,
                window: Span::from_secs(5),
                value: exp(x),
                expected: exp(usual),
                low: exp(usual - width),
                high: exp(usual + width),
                unit: Unit::BasisPoints,
                p: judged.p,
                is_capped: false,
                dispersion: None,
                would_not_fire_below: None,
            }],
            related: accounts.iter().cloned().map(Node::Account).collect(),
            evidence: Evidence { accounts, ..Evidence::of_record(second.record) },
            warm_up: self.metric.warm_up(),
            borrowed_share: 0.0,
        };
        Some(self.metric.publish(Detector::SpreadWidening, judgement, finding))
    }

    fn gap(&mut self, _from: EventTime, _until: EventTime) {
        self.spread.iter_mut().for_each(|spread| spread.0.clear());
    }

    fn deadline(&self) -> Option<EventTime> {
        self.metric.deadline()
    }

    fn expire(&mut self, now: EventTime) -> Option<Verdict> {
        self.metric.expire(Detector::SpreadWidening, now)
    }

    fn coverage(&self, now: &SymbolNow) -> (Detector, CoverageState) {
        (Detector::SpreadWidening, now.of_book(self.metric.judges()))
    }

    fn end(&mut self) -> Option<Verdict> {
        self.metric.end(Detector::SpreadWidening)
    }
}
