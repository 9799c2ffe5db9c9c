//! The stamp that a running service puts on an alert: when it was emitted, by which build, and where the time went.
//!
//! All of it depends on the wall clock or on the program, so a replay leaves these fields null and its bytes stay the
//! same. Reading the clock is the shell's business; the instants come in as fields.

use super::{Alert, Latency};
use crate::time::{EventTime, Span, WallTime};

/// The facts about an alert that a running service knows and a replay does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp<'a> {
    /// When the alert is emitted.
    pub emitted_at: WallTime,
    /// The version of the program that emits it.
    pub build: &'a str,
    /// When the record that completed the revision was appended to its topic; `None` if no record did, or if its time
    /// is unknown.
    pub appended_at: Option<WallTime>,
    /// When the service took the record whose handling released the alert; `None` if a decision of the service released
    /// it.
    pub handled_at: Option<WallTime>,
}

impl Stamp<'_> {
    /// Fills the fields of the alert that only a running service can fill. Returns the latency, for the metrics.
    pub fn apply(self, alert: &mut Alert) -> Latency {
        let latency = self.latency(alert.revised_at);
        alert.emitted_at = Some(self.emitted_at);
        alert.latency_ms = Some(latency);
        alert.audit.build = Some(self.build.to_owned());
        latency
    }

    /// Splits the time from the completing event to now into stages. The feed's part compares the venue's clock with
    /// this machine's, so it may be negative.
    fn latency(self, revised_at: EventTime) -> Latency {
        Latency {
            feed: self.appended_at.map(|appended| -millis(revised_at.ahead_of(appended))),
            queue: self.appended_at.zip(self.handled_at).map(|(appended, handled)| millis(handled.since(appended))),
            engine: self.handled_at.map(|handled| millis(self.emitted_at.since(handled))),
            delivery: None,
        }
    }
}

fn millis(span: Span) -> f64 {
    span.secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        alert::{Action, Audit, Evidence, Headline, Impact, Level, Trend, TrendState, Trust},
        correlate::Status,
        detect::{Detector, Severity, Threshold, ThresholdSource, Unit, WarmUp},
        trust::Mode,
    };

    const fn wall(millis: i64) -> WallTime {
        WallTime::from_nanos(millis * 1_000_000)
    }

    const fn event(millis: i64) -> EventTime {
        EventTime::from_nanos(millis * 1_000_000)
    }

    /// A record that was appended 4 ms after the second 1 and taken after 10 ms, and its alert emitted after 12.5 ms.
    const fn stamp() -> Stamp<'static> {
        let emitted_at = WallTime::from_nanos(1_012_500_000);
        Stamp { emitted_at, build: "0.3.0", appended_at: Some(wall(1004)), handled_at: Some(wall(1010)) }
    }

    #[test]
    fn each_stage_ends_where_the_next_begins() {
        let latency = stamp().latency(event(1000));
        let expected = Latency { feed: Some(4.0), queue: Some(6.0), engine: Some(2.5), delivery: None };
        assert_eq!(latency, expected);
    }

    #[test]
    fn a_venue_whose_clock_is_ahead_gives_a_negative_feed_latency() {
        assert_eq!(stamp().latency(event(1054)).feed, Some(-50.0));
    }

    #[test]
    fn without_an_append_time_only_the_engine_is_measured() {
        let latency = Stamp { appended_at: None, ..stamp() }.latency(event(1000));
        assert_eq!(latency, Latency { feed: None, queue: None, engine: Some(2.5), delivery: None });
    }

    #[test]
    fn a_decision_of_the_service_was_in_no_queue() {
        let latency = Stamp { handled_at: None, ..stamp() }.latency(event(1000));
        assert_eq!(latency, Latency { feed: Some(4.0), queue: None, engine: None, delivery: None });
    }

    #[test]
    fn a_stamp_fills_what_a_replay_leaves_null_and_nothing_else() {
        let before = alert();
        let mut stamped = before.clone();
        let latency = stamp().apply(&mut stamped);
        assert_eq!(latency, stamp().latency(before.revised_at));
        let mut expected = before;
        expected.emitted_at = Some(stamp().emitted_at);
        expected.latency_ms = Some(latency);
        expected.audit.build = Some("0.3.0".to_owned());
        assert_eq!(stamped, expected);
    }

    /// An alert as a replay gives it.
    fn alert() -> Alert {
        Alert {
            id: "id".to_owned(),
            fingerprint: "fingerprint".to_owned(),
            revision: 1,
            status: Status::Firing,
            severity: Severity::Warning,
            maintenance: None,
            shadow: false,
            title: String::new(),
            headline: Headline { detector: Detector::ThinBook, subject: String::new() },
            summary: String::new(),
            news: None,
            description: String::new(),
            starts_at: event(0),
            ends_at: None,
            merged_into: None,
            detected_at: event(1000),
            revised_at: event(1000),
            starts_at_text: String::new(),
            ends_at_text: None,
            detected_at_text: String::new(),
            revised_at_text: String::new(),
            emitted_at: None,
            latency_ms: None,
            detectors: Vec::new(),
            symbols: Vec::new(),
            symbols_total: None,
            accounts: Vec::new(),
            accounts_total: None,
            owners: Vec::new(),
            p: 1.0,
            score: 0.0,
            features: Vec::new(),
            statistic: 0.0,
            threshold: Level {
                threshold: Threshold { value: 0.0, unit: Unit::Nats, source: ThresholdSource::Default },
                severity: Severity::Warning,
                times: None,
            },
            pages_because: None,
            trend: Trend {
                state: TrendState::JustBegun,
                text: String::new(),
                lasted_ms: 0,
                late_per_s: None,
                late_ms: None,
                before_per_s: None,
            },
            breadth: None,
            flow: None,
            history: None,
            evidence: Evidence {
                orders: Vec::new(),
                orders_total: None,
                trades: Vec::new(),
                trades_total: None,
                parties: Vec::new(),
                withdrawn: Vec::new(),
                thin_side: None,
                sweep: None,
                path: None,
                records: Vec::new(),
                replay: String::new(),
            },
            impact: Impact::default(),
            trust: Trust { mode: Mode::Normal, reasons: Vec::new(), warm_up: WarmUp::Done, borrowed_share: 0.0 },
            audit: Audit { config: String::new(), build: None, chain: None },
            action: Action { suggested: String::new(), runbook: None, dashboard: None, page: None, silence: None },
            nulls: std::collections::BTreeMap::new(),
        }
    }
}
