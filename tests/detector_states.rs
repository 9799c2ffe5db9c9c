//! Detectors in shadow and switched off: what is reported of them, and that nothing else changes.
#![cfg(feature = "app")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/lines.rs"]
mod lines;

use foreshock::{
    alert::{Alert, SignalLine},
    config::Config,
    correlate::{Correlator, Status, Step},
    detect::{
        Change::{self, Cleared, Opened, Raised},
        CoverageState, Detector, DetectorState, DetectorStates, Evidence, Finding,
        Severity::{self, Critical, Info, Warning},
        Signal, Subject, Threshold, ThresholdSource, Unit, WarmUp,
    },
    engine::{Covered, Detection},
    event::{RecordRef, SourceId},
    simulate::{Exchange, SimulationPlan},
    time::{EventTime, Span},
};
use lines::{Replayed, replay, replay_under};

fn at(second: i64) -> EventTime {
    EventTime::from_nanos(0).plus(Span::from_secs(second))
}

fn signal(detector: Detector, second: i64, change: Change, severity: Severity) -> Signal {
    Signal {
        detector,
        subject: Subject::Symbol("S1".into()),
        change,
        severity,
        at: at(second),
        visible_at: at(second),
        origin: RecordRef { source: SourceId(0), offset: second.unsigned_abs() }.into(),
        finding: Finding {
            p: 1e-6,
            statistic: 20.0,
            threshold: Threshold { value: 13.2, unit: Unit::Nats, source: ThresholdSource::Calibrated },
            starts_at: at(second - 1),
            features: Vec::new(),
            evidence: Evidence::default(),
            related: Vec::new(),
            warm_up: WarmUp::Done,
            borrowed_share: 0.0,
        },
        flow: None,
        is_shadow: false,
    }
}

/// A published revision: detector that opened the incident, whether it is in shadow, status, severity, second.
type Published = (Detector, bool, Status, Severity, i64);

fn advance(correlator: &mut Correlator, second: i64) -> Vec<Published> {
    let mut steps = Vec::new();
    correlator.advance(at(second), &mut steps);
    let revisions = steps.into_iter().filter_map(|step| match step {
        Step::Revision { revision, .. } => Some(revision),
        Step::Signal(_) => None,
    });
    let published = revisions.map(|revision| {
        let incident = &revision.incident;
        let second = revision.at.slot(Span::from_secs(1));
        (incident.opening().detector, incident.is_shadow(), revision.status, incident.severity(), second)
    });
    published.collect()
}

fn correlator(incidents_max: usize, states: DetectorStates) -> Correlator {
    let mut correlator = Correlator::new("sha256:", 100, incidents_max);
    correlator.follow_states(states);
    correlator
}

fn state(detector: Detector, state: DetectorState) -> DetectorStates {
    DetectorStates::default().with(detector, state)
}

#[test]
fn a_finding_in_shadow_has_an_incident_of_its_own_and_changes_no_other() {
    let thin = |second, change| signal(Detector::ThinBook, second, change, Warning);
    let burst = |second, change| signal(Detector::CancelBurst, second, change, Critical);
    let signals = || vec![thin(1, Opened), burst(2, Opened), thin(3, Raised), burst(20, Cleared), thin(30, Cleared)];
    let mut shadowed = correlator(10, state(Detector::CancelBurst, DetectorState::Shadow));
    shadowed.handle(signals().into_iter());
    let found = advance(&mut shadowed, 1_000);
    let expected = [
        (Detector::ThinBook, false, Status::Firing, Warning, 1),
        (Detector::CancelBurst, true, Status::Firing, Info, 2),
        (Detector::CancelBurst, true, Status::Resolved, Info, 80),
        (Detector::ThinBook, false, Status::Resolved, Warning, 90),
    ];
    assert_eq!(found, expected);
    let mut without = correlator(10, state(Detector::CancelBurst, DetectorState::Off));
    without.handle(signals().into_iter());
    let others: Vec<Published> = found.into_iter().filter(|(_, is_shadow, ..)| !is_shadow).collect();
    assert_eq!(advance(&mut without, 1_000), others);
}

#[test]
fn a_finding_in_shadow_that_comes_back_within_a_minute_keeps_its_incident() {
    let burst = |second, change| signal(Detector::CancelBurst, second, change, Warning);
    let mut shadowed = correlator(10, state(Detector::CancelBurst, DetectorState::Shadow));
    shadowed.handle([burst(1, Opened), burst(20, Cleared), burst(79, Opened), burst(100, Cleared)].into_iter());
    let expected = [
        (Detector::CancelBurst, true, Status::Firing, Info, 1),
        (Detector::CancelBurst, true, Status::Resolved, Info, 160),
    ];
    assert_eq!(advance(&mut shadowed, 1_000), expected);
}

#[test]
fn an_incident_in_shadow_takes_no_place_of_another_one() {
    let mut one = correlator(1, state(Detector::CancelBurst, DetectorState::Shadow));
    one.handle(
        [signal(Detector::ThinBook, 1, Opened, Warning), signal(Detector::CancelBurst, 2, Opened, Warning)].into_iter(),
    );
    assert_eq!(advance(&mut one, 10), [(Detector::ThinBook, false, Status::Firing, Warning, 1)]);
    assert_eq!(one.incidents_evicted(), 1);
    let mut one = correlator(1, state(Detector::CancelBurst, DetectorState::Shadow));
    one.handle(
        [signal(Detector::CancelBurst, 1, Opened, Warning), signal(Detector::ThinBook, 2, Opened, Warning)].into_iter(),
    );
    let expected = [
        (Detector::CancelBurst, true, Status::Firing, Info, 1),
        (Detector::CancelBurst, true, Status::Withdrawn, Info, 2),
        (Detector::ThinBook, false, Status::Firing, Warning, 2),
    ];
    assert_eq!(advance(&mut one, 10), expected);
}

#[test]
fn findings_of_a_detector_whose_state_changes_end_and_begin_anew_in_the_new_one() {
    let burst = |second, change| signal(Detector::CancelBurst, second, change, Warning);
    let shadow = state(Detector::CancelBurst, DetectorState::Shadow);
    for (before, after) in [(DetectorStates::default(), shadow), (shadow, DetectorStates::default())] {
        let is_shadow = |states: DetectorStates| states.of(Detector::CancelBurst) == DetectorState::Shadow;
        let severity = |states| if is_shadow(states) { Info } else { Warning };
        let mut correlator = correlator(10, before);
        correlator.handle(std::iter::once(burst(1, Opened)));
        advance(&mut correlator, 10);
        correlator.follow_states(after);
        assert_eq!(advance(&mut correlator, 21), [], "its finding ends at once");
        correlator.handle([burst(30, Raised), burst(40, Cleared)].into_iter());
        let expected = [
            (Detector::CancelBurst, is_shadow(after), Status::Firing, severity(after), 30),
            (Detector::CancelBurst, is_shadow(before), Status::Resolved, severity(before), 80),
            (Detector::CancelBurst, is_shadow(after), Status::Resolved, severity(after), 100),
        ];
        assert_eq!(advance(&mut correlator, 1_000), expected);
        assert!(!correlator.waits());
    }
}

/// Two symbols with a burst of withdrawals once thresholds are known.
fn flow() -> Vec<Vec<u8>> {
    let scenarios = vec!["cancel_burst@85".parse().unwrap()];
    let plan = SimulationPlan { symbols: 2, scenarios, ..SimulationPlan::new(7, 90) };
    Exchange::try_new(&plan).unwrap().map(|item| serde_json::to_vec(&item.into_event()).unwrap()).collect()
}

fn under(lines: &[Vec<u8>], of_burst: DetectorState) -> Replayed {
    replay_under(lines, Detection { states: state(Detector::CancelBurst, of_burst), ..Detection::default() })
}

fn bursts(found: &Replayed) -> Vec<&Alert> {
    found.alerts.iter().filter(|alert| alert.detectors.contains(&Detector::CancelBurst)).collect()
}

#[test]
fn a_detector_in_shadow_is_counted_and_published_marked_and_one_that_is_off_is_not_reported() {
    let lines = flow();
    let plain = replay(&lines);
    assert!(bursts(&plain).iter().any(|alert| alert.severity > Info && !alert.shadow));
    let shadowed = under(&lines, DetectorState::Shadow);
    assert_eq!(shadowed.counters().signals, plain.counters().signals);
    assert!(!bursts(&shadowed).is_empty());
    for alert in bursts(&shadowed) {
        assert_eq!((alert.shadow, alert.severity, alert.detectors.len()), (true, Info, 1));
        assert!(alert.summary.contains("; in shadow, so it pages nobody"), "{}", alert.summary);
        assert_eq!(serde_json::to_value(alert).unwrap()["shadow"], true);
    }
    let context = shadowed.engine.context();
    for signal in &shadowed.signals {
        let line = serde_json::to_value(SignalLine::new(signal, context)).unwrap();
        assert_eq!(line.get("shadow").is_some(), signal.detector == Detector::CancelBurst);
    }
    let off = under(&lines, DetectorState::Off);
    assert!(bursts(&off).is_empty() && off.signals.iter().all(|signal| signal.detector != Detector::CancelBurst));
    let coverage = |found: &Replayed, kind| {
        let counts = found.engine.coverage().of((Detector::CancelBurst, kind));
        (counts[CoverageState::Disabled as usize], counts.iter().sum::<u64>())
    };
    assert_eq!([coverage(&off, Covered::Symbol), coverage(&plain, Covered::Symbol)], [(2, 2), (0, 2)]);
    let (disabled, accounts) = coverage(&off, Covered::Account);
    assert!(disabled == accounts && accounts > 0);
}

#[test]
fn states_are_part_of_the_configurations_hash_and_stand_in_the_section_of_their_detector() {
    let none: [String; 0] = [];
    let config = |states| {
        let found = replay_under(&none, Detection { states, ..Detection::default() });
        found.engine.context().config.clone()
    };
    assert_eq!(config(DetectorStates::default()), replay(&none).engine.context().config);
    assert_ne!(config(state(Detector::ThinBook, DetectorState::Off)), config(DetectorStates::default()));
    let parse = |text: &str| Config::parse("f.toml", text, std::iter::empty());
    let text = "[detect.thin_book]\nstate = 'off'\nwarnings_per_day = 2\n[detect.stale_book]\nstate = 'shadow'\n";
    let detection = parse(text).unwrap().detection;
    let expected = state(Detector::ThinBook, DetectorState::Off).with(Detector::StaleBook, DetectorState::Shadow);
    assert_eq!(detection.states, expected);
    assert!((detection.thin_book.warnings_per_day - 2.0).abs() < 1e-9);
    let mistake = |text: &str| parse(text).unwrap_err().to_string();
    let wrong = mistake("[detect.thin_book]\nstate = 'dark'\n");
    assert!(wrong.starts_with("f.toml:2:9: `detect.thin_book.state`: unknown variant `dark`"), "{wrong}");
    let wrong = mistake("[detect.thin_book]\nstate = 'on'\nwarnings_per_day = 'many'\n");
    assert!(wrong.starts_with("f.toml:3:20: `detect.thin_book.warnings_per_day`: invalid type"), "{wrong}");
    let wrong = mistake("[detect.thin_book]\nwarning_per_day = 2\n");
    assert!(wrong.starts_with("f.toml:2:1: unknown key `detect.thin_book.warning_per_day`: did you mean"), "{wrong}");
    let wrong = mistake("[detect.feed]\nstate = 'off'\n");
    assert!(wrong.starts_with("f.toml:1:9: unknown key `detect.feed`"), "{wrong}");
}
