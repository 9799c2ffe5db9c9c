//! `feed`: what the service reads is silent, late, torn or stamped by a wrong clock.
//!
//! It judges nothing itself: the service's watch over its own input decides ([`crate::trust`]), and the decision comes in as a
//! [`ModeChange`]. Here it becomes a signal about the pipeline, so that on-call hears of it by the same way as of everything else,
//! as one incident however many partitions are concerned. It pages as pipeline, never as market.
//!
//! Such a finding is a fact and has no chance. The figures in its place only order findings: a trouble that pages weighs more than
//! one that does not, and two weigh more than one, so that an incident which grows is revised.

use serde::{Deserialize, Serialize};

use super::{
    Change, Counted, Detector, Evidence, Feature, Finding, Severity, Signal, Subject, Threshold, ThresholdSource, Unit,
    WarmUp,
};
use crate::{
    event::{Place, RecordRange},
    stats::math::pow,
    time::{EventTime, Span},
    trust::{Cause, ModeChange, Trouble},
};

/// In the place of the p-value of a trouble: as DETECTION 3.1 has it for a fact, and a thousandth for one that pages.
const FACT: f64 = 1e-6;
const PAGING_FACT: f64 = 1e-9;
/// The least that goes for a p-value.
const P_MIN: f64 = 1e-300;
/// Troubles that are told one by one: as many as the longest list in an alert (CONTRACT).
const TOLD_MAX: usize = 20;

/// What is being said about the feeds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Feed {
    /// The highest severity of the episode, and what was last found.
    said: Option<(Severity, Place, Box<Finding>)>,
    /// When something was last said. Each word has an instant of its own, also where all clocks stand still: it tells two
    /// incidents apart that begin at the same place.
    said_at: Option<EventTime>,
}

impl Feed {
    /// Takes a decision of the watch.
    pub fn handle(&mut self, change: &ModeChange) -> Option<Signal> {
        let at = self.said_at.map_or(change.from, |last| change.from.max(last.plus(Span::from_nanos(1))));
        let Some(first) = change.troubles.first() else {
            let (severity, place, finding) = self.said.take()?;
            self.said_at = Some(at);
            return Some(signal(Change::Cleared, severity, at, place, *finding));
        };
        let pages = change.troubles.iter().any(|trouble| trouble.pages);
        let severity = if pages { Severity::Critical } else { Severity::Warning };
        let (word, severity) = match &self.said {
            None => (Change::Opened, severity),
            Some((before, ..)) => (Change::Raised, severity.max(*before)),
        };
        let place = Place { source: first.source, offset: first.after_offset };
        let finding = finding(first, &change.troubles);
        self.said = Some((severity, place, Box::new(finding.clone())));
        self.said_at = Some(at);
        Some(signal(word, severity, at, place, finding))
    }
}

fn signal(word: Change, severity: Severity, at: EventTime, place: Place, finding: Finding) -> Signal {
    Signal {
        detector: Detector::Feed,
        subject: Subject::Pipeline,
        change: word,
        severity,
        at,
        visible_at: at,
        place,
        appended_at: None,
        finding,
    }
}

fn finding(first: &Trouble, troubles: &[Trouble]) -> Finding {
    let paging = troubles.iter().filter(|trouble| trouble.pages).count();
    let p = pow(PAGING_FACT, paging as f64) * pow(FACT, (troubles.len() - paging) as f64);
    let told = || troubles.iter().take(TOLD_MAX);
    let record = |trouble: &Trouble| RecordRange {
        source: trouble.source,
        from: trouble.after_offset,
        to: trouble.after_offset,
    };
    Finding {
        p: p.max(P_MIN),
        statistic: first.value,
        threshold: Threshold { value: first.limit, unit: unit(first.cause), source: ThresholdSource::Default },
        starts_at: troubles.iter().map(|trouble| trouble.clock).min().unwrap_or(first.clock),
        features: told().map(feature).collect(),
        evidence: Evidence {
            records: told().map(record).collect(),
            streams: told().map(|trouble| trouble.who.clone()).collect(),
            ..Evidence::default()
        },
        related: Vec::new(),
        warm_up: WarmUp::Done,
        borrowed_share: 0.0,
    }
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
        p: if trouble.pages { PAGING_FACT } else { FACT },
        would_not_fire_below: Some(trouble.limit),
    }
}

const fn unit(cause: Cause) -> Unit {
    match cause {
        Cause::Gap => Unit::Gaps,
        Cause::Lag | Cause::Silence | Cause::Skew | Cause::SilentProducer => Unit::Seconds,
        Cause::SilentSymbols | Cause::Duplicates | Cause::Late => Unit::Share,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{event::SourceId, time::EventTime, trust::Mode};

    fn change(mode: Mode, pages: &[bool]) -> ModeChange {
        let trouble = |(source, &pages): (u32, &bool)| Trouble {
            cause: Cause::Silence,
            source: SourceId(source),
            after_offset: 9,
            clock: EventTime::from_nanos(5),
            value: 4.6,
            limit: 4.5,
            pages,
            who: None,
        };
        ModeChange { from: EventTime::from_nanos(100), mode, troubles: (0..).zip(pages).map(trouble).collect() }
    }

    fn said(feed: &mut Feed, mode: Mode, pages: &[bool]) -> Option<(Change, Severity)> {
        feed.handle(&change(mode, pages)).map(|signal| (signal.change, signal.severity))
    }

    #[test]
    fn troubles_open_rise_and_clear_as_one_finding() {
        let mut feed = Feed::default();
        assert_eq!(said(&mut feed, Mode::Normal, &[]), None);
        assert_eq!(said(&mut feed, Mode::Degraded, &[false]), Some((Change::Opened, Severity::Warning)));
        assert_eq!(said(&mut feed, Mode::Blind, &[true, true]), Some((Change::Raised, Severity::Critical)));
        assert_eq!(said(&mut feed, Mode::Degraded, &[false]), Some((Change::Raised, Severity::Critical)));
        assert_eq!(said(&mut feed, Mode::Normal, &[]), Some((Change::Cleared, Severity::Critical)));
        assert_eq!(said(&mut feed, Mode::Normal, &[]), None);
    }

    #[test]
    fn a_thousand_silent_partitions_are_one_finding_with_twenty_told() {
        let signal = Feed::default().handle(&change(Mode::Blind, &[true; 1_000])).unwrap();
        assert_eq!((signal.finding.p, signal.finding.features.len()), (P_MIN, TOLD_MAX));
    }
}
