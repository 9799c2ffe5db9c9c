//! `feed`: the service's own input is silent, late, torn or stamped by a wrong clock.
//!
//! This detector judges nothing itself. [`crate::trust`] decides, and what it decides comes in as a [`ModeChange`]. Here that
//! becomes a signal about the input, so that on-call is paged about it as about everything else, by one incident for all
//! partitions concerned. The incident is never about the market.
//!
//! There are two of these detectors. What the service decides by its clock ([`Subject::Pipeline`]) is published at once; what
//! the records say ([`Subject::Records`]) waits for the watermark as every finding does. One finding of both would depend on
//! which came first, and that differs from one reading of the input to the next.
//!
//! Trouble with the input is a fact and has no p-value. The figures in the place of p-values only order findings: a trouble
//! that pages has a lower figure than one that does not, and two troubles have a lower one than one, so that a growing
//! incident is revised.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    Change, Counted, Criterion, Detector, Evidence, Feature, Finding, Severity, Signal, Subject, Threshold,
    ThresholdSource, Unit, WarmUp,
};
use crate::{
    event::{RecordRange, RecordRef},
    stats::math::pow,
    time::{EventTime, Span},
    trust::{Cause, Mode, ModeChange, Scope, Trouble},
};

/// The figure in the place of the p-value of a trouble that does not page (DETECTION 3.1: a fact has 1e-6).
const FACT_P: f64 = 1e-6;
/// The figure in the place of the p-value of a trouble that pages: a thousandth of that.
const PAGING_FACT_P: f64 = 1e-9;
/// The least p-value.
const P_MIN: f64 = 1e-300;
/// The most troubles that a finding lists: the longest list in an alert (CONTRACT).
const LISTED_MAX: usize = 20;

/// The detector of the service's input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PipelineDetector {
    /// The subject of its signals.
    subject: Subject,
    /// The highest severity of the episode, and the finding last published with its record; `None` without an episode.
    published: Option<(Severity, RecordRef, Box<Finding>)>,
    /// The time of the last signal. Each signal has a time of its own, even while all clocks stand still: the time
    /// distinguishes two incidents that begin at the same record.
    published_at: Option<EventTime>,
}

impl PipelineDetector {
    /// A detector that has seen no trouble.
    pub const fn new(subject: Subject) -> Self {
        Self { subject, published: None, published_at: None }
    }

    /// Handles a decision about the input.
    pub fn handle(&mut self, change: &ModeChange) -> Option<Signal> {
        let at = self.published_at.map_or(change.from, |last| change.from.max(last.plus(Span::from_nanos(1))));
        let Some(first) = change.troubles.first() else {
            let (severity, record, finding) = self.published.take()?;
            self.published_at = Some(at);
            return Some(self.signal(Change::Cleared, severity, at, record, *finding));
        };
        let pages = change.troubles.iter().any(|trouble| trouble.pages);
        let severity = if pages { Severity::Critical } else { Severity::Warning };
        let (kind, severity) = match &self.published {
            None => (Change::Opened, severity),
            Some((before, ..)) => (Change::Raised, severity.max(*before)),
        };
        let record = RecordRef { source: first.source, offset: first.after_offset };
        let finding = finding(&change.troubles, change.mode == Mode::Blind, at);
        self.published = Some((severity, record, Box::new(finding.clone())));
        self.published_at = Some(at);
        Some(self.signal(kind, severity, at, record, finding))
    }

    fn signal(&self, change: Change, severity: Severity, at: EventTime, record: RecordRef, finding: Finding) -> Signal {
        Signal {
            detector: Detector::Feed,
            subject: self.subject.clone(),
            change,
            severity,
            at,
            visible_at: at,
            origin: record.into(),
            finding,
            flow: None,
            is_shadow: false,
        }
    }
}

/// Returns the finding about troubles, of which there is at least one.
fn finding(troubles: &[Trouble], is_blind: bool, at: EventTime) -> Finding {
    let first = &troubles[0];
    let paging = troubles.iter().filter(|trouble| trouble.pages).count();
    let p = pow(PAGING_FACT_P, paging as f64) * pow(FACT_P, (troubles.len() - paging) as f64);
    let listed = || troubles.iter().take(LISTED_MAX);
    let record = |trouble: &Trouble| {
        let last = RecordRef { source: trouble.source, offset: trouble.after_offset };
        RecordRange::from(trouble.example.map_or(last, |example| example.record))
    };
    let reason = |trouble: &Trouble| trouble.example?.reason;
    let of_symbols = troubles.iter().filter(|trouble| trouble.scope == Scope::Symbol);
    let symbols: BTreeSet<_> = of_symbols.filter_map(|trouble| trouble.who.clone()).collect();
    let criterion = |trouble: &Trouble| Criterion {
        name: Counted::Trouble(trouble.cause),
        value: trouble.value,
        level: limit(trouble),
        at,
    };
    Finding {
        p: p.max(P_MIN),
        statistic: first.value,
        threshold: limit(first),
        starts_at: troubles.iter().map(|trouble| trouble.clock).min().expect("a finding is about a trouble at least"),
        features: listed().map(feature).collect(),
        evidence: Evidence {
            records: listed().map(record).collect(),
            is_wider: troubles.iter().any(|trouble| trouble.scope != Scope::Symbol),
            streams: listed().map(|trouble| trouble.who.clone()).collect(),
            reasons: listed().map(reason).collect(),
            symbols: symbols.into_iter().collect(),
            is_blind,
            critical: listed().filter(|trouble| trouble.pages).map(criterion).collect(),
            ..Evidence::default()
        },
        related: Vec::new(),
        warm_up: WarmUp::Done,
        borrowed_share: 0.0,
    }
}

const fn limit(trouble: &Trouble) -> Threshold {
    Threshold { value: trouble.limit, unit: unit(trouble.cause), source: ThresholdSource::Default }
}

fn feature(trouble: &Trouble) -> Feature {
    Feature {
        name: Counted::Trouble(trouble.cause),
        window: Span::ZERO,
        value: trouble.value,
        expected: 0.0,
        low: 0.0,
        high: trouble.limit,
        unit: unit(trouble.cause),
        p: if trouble.pages { PAGING_FACT_P } else { FACT_P },
        is_capped: false,
        dispersion: None,
        would_not_fire_below: Some(trouble.limit),
    }
}

const fn unit(cause: Cause) -> Unit {
    match cause {
        Cause::Gap | Cause::NewLog | Cause::Poison => Unit::Gaps,
        Cause::Lag
        | Cause::Silence
        | Cause::Skew
        | Cause::SilentProducer
        | Cause::NothingUsable
        | Cause::Book
        | Cause::Behind
        | Cause::MachineClock => Unit::Seconds,
        Cause::SilentSymbols
        | Cause::Duplicates
        | Cause::Late
        | Cause::Rejected
        | Cause::Unusable
        | Cause::UnknownType => Unit::Share,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{event::SourceId, time::EventTime};

    fn change(mode: Mode, pages: &[bool]) -> ModeChange {
        let trouble = |(source, &pages): (u32, &bool)| Trouble {
            cause: Cause::Silence,
            source: SourceId(source),
            after_offset: 9,
            clock: EventTime::from_nanos(5),
            value: 4.6,
            limit: 4.5,
            pages,
            scope: Scope::Partition,
            who: None,
            example: None,
        };
        ModeChange { from: EventTime::from_nanos(100), mode, troubles: (0..).zip(pages).map(trouble).collect() }
    }

    fn published(feed: &mut PipelineDetector, mode: Mode, pages: &[bool]) -> Option<(Change, Severity)> {
        feed.handle(&change(mode, pages)).map(|signal| (signal.change, signal.severity))
    }

    #[test]
    fn troubles_open_rise_and_clear_as_one_finding() {
        let mut feed = PipelineDetector::new(Subject::Pipeline);
        assert_eq!(published(&mut feed, Mode::Normal, &[]), None);
        assert_eq!(published(&mut feed, Mode::Degraded, &[false]), Some((Change::Opened, Severity::Warning)));
        assert_eq!(published(&mut feed, Mode::Blind, &[true, true]), Some((Change::Raised, Severity::Critical)));
        assert_eq!(published(&mut feed, Mode::Degraded, &[false]), Some((Change::Raised, Severity::Critical)));
        assert_eq!(published(&mut feed, Mode::Normal, &[]), Some((Change::Cleared, Severity::Critical)));
        assert_eq!(published(&mut feed, Mode::Normal, &[]), None);
    }

    #[test]
    fn a_thousand_silent_partitions_are_one_finding_with_twenty_listed() {
        let signal = PipelineDetector::new(Subject::Pipeline).handle(&change(Mode::Blind, &[true; 1_000])).unwrap();
        assert_eq!((signal.finding.p, signal.finding.features.len()), (P_MIN, LISTED_MAX));
    }
}
