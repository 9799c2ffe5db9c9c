//! Maintenance windows: what is found about symbols in maintenance is in the topic and wakes nobody, until the window ends.
#![cfg(feature = "app")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/lines.rs"]
mod lines;

use foreshock::{
    alert::Alert,
    calendar::{MaintenanceSettings, MaintenanceWindows},
    correlate::{Correlator, Status, Step},
    detect::{
        Change::{self, Cleared, Opened, Raised},
        Detector, Evidence, Finding, Node,
        Severity::{self, Critical, Info, Warning},
        Signal, Subject, Threshold, ThresholdSource, Unit, WarmUp,
    },
    event::{RecordRef, SourceId},
    simulate::{Exchange, SimulationPlan},
    time::{EventTime, Span},
};
use lines::{replay, replay_in_maintenance};

fn at(second: i64) -> EventTime {
    EventTime::from_nanos(0).plus(Span::from_secs(second))
}

fn window(name: &str, symbols: &[&str], from: EventTime, until: EventTime) -> MaintenanceSettings {
    MaintenanceSettings {
        name: name.to_owned(),
        symbols: symbols.iter().map(|&symbol| symbol.to_owned()).collect(),
        from: Some(from.to_string()),
        until: Some(until.to_string()),
        zone: None,
        hours: Vec::new(),
    }
}

fn windows(settings: &[MaintenanceSettings]) -> MaintenanceWindows {
    MaintenanceWindows::new(settings).unwrap()
}

fn signal(subject: Subject, second: i64, change: Change, severity: Severity) -> Signal {
    Signal {
        detector: Detector::CancelBurst,
        subject,
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

fn symbol(name: &str) -> Subject {
    Subject::Symbol(name.into())
}

/// A published revision: status, severity, the name of the window, second.
type Published = (Status, Severity, Option<String>, i64);

/// Moves the watermark to this second, and returns what is published.
fn advance(correlator: &mut Correlator, second: i64) -> Vec<Published> {
    let mut steps = Vec::new();
    correlator.advance(at(second), &mut steps);
    let revisions = steps.into_iter().filter_map(|step| match step {
        Step::Revision { revision, .. } => Some(revision),
        Step::Signal(_) => None,
    });
    let published = revisions.map(|revision| {
        let second = revision.at.slot(Span::from_secs(1));
        let incident = &revision.incident;
        (revision.status, incident.severity(), incident.maintenance().map(ToOwned::to_owned), second)
    });
    published.collect()
}

fn correlator(settings: &[MaintenanceSettings]) -> Correlator {
    let mut correlator = Correlator::new("sha256:", 100, 10);
    correlator.follow_windows(&windows(settings));
    correlator
}

fn published(signals: Vec<Signal>, settings: &[MaintenanceSettings], until: i64) -> Vec<Published> {
    let mut correlator = correlator(settings);
    correlator.handle(signals.into_iter());
    advance(&mut correlator, until)
}

#[expect(clippy::unnecessary_wraps, reason = "as an alert has it")]
fn named(name: &str) -> Option<String> {
    Some(name.to_owned())
}

#[test]
fn an_incident_in_maintenance_is_information_and_rises_when_the_window_ends_before_it() {
    let one = [window("upgrade", &["S*"], at(0), at(100))];
    let signals = vec![signal(symbol("S1"), 10, Opened, Critical), signal(symbol("S1"), 150, Cleared, Critical)];
    let expected = [
        (Status::Firing, Info, named("upgrade"), 10),
        (Status::Amended, Critical, None, 100),
        (Status::Resolved, Critical, None, 210),
    ];
    assert_eq!(published(signals, &one, 1_000), expected);
}

#[test]
fn an_incident_that_is_calm_when_the_window_ends_pages_nobody() {
    let one = [window("upgrade", &["S*"], at(0), at(100))];
    let calm = || vec![signal(symbol("S1"), 10, Opened, Critical), signal(symbol("S1"), 90, Cleared, Critical)];
    let expected = [(Status::Firing, Info, named("upgrade"), 10), (Status::Resolved, Info, named("upgrade"), 150)];
    assert_eq!(published(calm(), &one, 1_000), expected);
    let again = [calm(), vec![signal(symbol("S1"), 120, Opened, Critical)]].concat();
    let expected = [(Status::Firing, Info, named("upgrade"), 10), (Status::Amended, Critical, None, 120)];
    assert_eq!(published(again, &one, 1_000), expected, "it fires again after the window");
}

#[test]
fn an_incident_that_pages_is_lowered_when_a_window_begins_and_rises_again_when_it_ends() {
    let one = [window("a", &["S1"], at(50), at(60)), window("b", &["S1"], at(60), at(70))];
    let expected = [
        (Status::Firing, Critical, None, 10),
        (Status::Amended, Info, named("a"), 50),
        (Status::Amended, Critical, None, 70),
    ];
    assert_eq!(published(vec![signal(symbol("S1"), 10, Opened, Critical)], &one, 1_000), expected);
}

#[test]
fn an_incident_that_is_about_more_than_the_window_keeps_its_severity() {
    let some = |symbols: &[&str]| [window("upgrade", symbols, at(0), at(1_000))];
    let first = |signal: Signal, symbols: &[&str]| {
        let (_, severity, ..) = published(vec![signal], &some(symbols), 20)[0];
        severity
    };
    let mut both = signal(symbol("S1"), 10, Opened, Warning);
    both.finding.related = vec![Node::Symbol("S2".into()), Node::Account("a".into())];
    assert_eq!(first(both.clone(), &["S1"]), Warning);
    assert_eq!(first(both, &["S1", "S2"]), Info);
    let mut account = signal(Subject::Account("a".into()), 10, Opened, Warning);
    assert_eq!(
        [first(account.clone(), &["S*"]), first(account.clone(), &["*"])],
        [Warning, Info],
        "it names no symbol"
    );
    account.finding.related = vec![Node::Symbol("S1".into())];
    assert_eq!(first(account, &["S*"]), Info);
    let market = signal(Subject::Market, 10, Opened, Critical);
    assert_eq!([first(market.clone(), &["S*"]), first(market, &["*"])], [Critical, Info]);
    let joined = vec![
        signal(symbol("S1"), 10, Opened, Critical),
        signal(Subject::AccountSymbol("a".into(), "S1".into()), 11, Opened, Warning),
        signal(Subject::AccountSymbol("a".into(), "S2".into()), 12, Opened, Warning),
    ];
    let found = published(joined, &some(&["S1"]), 20);
    assert_eq!(found.last().unwrap(), &(Status::Amended, Critical, None, 12), "another symbol joins");
}

#[test]
fn trouble_with_the_input_is_lowered_only_where_all_of_it_is_about_symbols_in_maintenance() {
    let about = |symbols: &[&str]| {
        let mut signal = signal(Subject::Records, 10, Opened, Warning);
        signal.detector = Detector::Feed;
        signal.finding.evidence.symbols = symbols.iter().map(|&name| name.into()).collect();
        signal
    };
    let severity = |signal: Signal, symbols: &[&str]| {
        let (_, severity, ..) = published(vec![signal], &[window("upgrade", symbols, at(0), at(1_000))], 20)[0];
        severity
    };
    assert_eq!(severity(about(&["S1", "S2"]), &["S*"]), Info);
    assert_eq!(severity(about(&["S1", "T2"]), &["S*"]), Warning);
    assert_eq!(severity(about(&[]), &["S*"]), Warning, "a whole partition");
    assert_eq!(severity(about(&[]), &["*"]), Info);
}

#[test]
fn an_incident_that_a_window_lowers_waits_for_its_end() {
    let mut correlator = correlator(&[window("upgrade", &["S*"], at(0), at(100))]);
    correlator.handle(std::iter::once(signal(symbol("S1"), 10, Opened, Critical)));
    advance(&mut correlator, 20);
    assert!(correlator.waits());
    assert_eq!(advance(&mut correlator, 100), [], "not before the watermark is above the end");
    assert_eq!(advance(&mut correlator, 101), [(Status::Amended, Critical, None, 100)]);
    assert!(!correlator.waits());
}

#[test]
fn open_incidents_are_checked_against_other_windows_when_the_watermark_moves() {
    let mut correlator = correlator(&[]);
    correlator.handle(std::iter::once(signal(symbol("S1"), 10, Opened, Critical)));
    assert_eq!(advance(&mut correlator, 20), [(Status::Firing, Critical, None, 10)]);
    let one = windows(&[window("upgrade", &["S*"], at(0), at(100))]);
    correlator.follow_windows(&one);
    assert_eq!(advance(&mut correlator, 31), [(Status::Amended, Info, named("upgrade"), 30)]);
    correlator.follow_windows(&one);
    assert_eq!(advance(&mut correlator, 40), [], "they are the same");
    correlator.follow_windows(&MaintenanceWindows::default());
    assert_eq!(advance(&mut correlator, 51), [(Status::Amended, Critical, None, 50)]);
    correlator.handle(std::iter::once(signal(symbol("S1"), 60, Raised, Critical)));
    correlator.end_all(at(70), &mut Vec::new());
    assert_eq!(correlator.incidents().count(), 0);
}

/// The events of eight symbols whose makers withdraw after two hours, as lines; and the alerts under these windows.
fn crisis() -> (SimulationPlan, Vec<Vec<u8>>) {
    let scenarios = vec!["crisis@125".parse().unwrap()];
    let plan = SimulationPlan { symbols: 8, scenarios, ..SimulationPlan::new(3, 140) };
    let events = Exchange::try_new(&plan).unwrap().map(|item| serde_json::to_vec(&item.into_event()).unwrap());
    (plan.clone(), events.collect())
}

fn severities(alerts: &[Alert]) -> Vec<Severity> {
    alerts.iter().map(|alert| alert.severity).collect()
}

#[test]
fn a_crisis_in_maintenance_is_in_the_topic_and_pages_nobody_and_one_that_outlives_the_window_pages() {
    let (plan, events) = crisis();
    let plain = replay(&events).alerts;
    let first_page = plain.iter().find(|alert| alert.severity == Critical).unwrap();
    assert!(plain.iter().all(|alert| alert.maintenance.is_none()));
    let minute = |minute: i64| plan.start.plus(Span::from_secs(60 * minute));

    let all = replay_in_maintenance(&events, windows(&[window("upgrade", &["*"], minute(0), minute(200))])).alerts;
    assert!(severities(&all).iter().all(|severity| *severity == Info), "{:?}", severities(&all));
    let same = all.iter().find(|alert| alert.fingerprint == first_page.fingerprint).unwrap();
    assert_eq!(same.maintenance.as_deref(), Some("upgrade"));
    assert!(same.summary.contains("; in maintenance (upgrade), so it pages nobody"), "{}", same.summary);

    let ends_at = first_page.revised_at.plus(Span::from_secs(20));
    let short = replay_in_maintenance(&events, windows(&[window("upgrade", &["*"], minute(0), ends_at)])).alerts;
    let first = short.iter().find(|alert| alert.severity == Critical).unwrap();
    assert_eq!((first.status, first.revised_at, first.maintenance.as_deref()), (Status::Amended, ends_at, None));
    let before = short.iter().filter(|alert| alert.revised_at < ends_at);
    assert!(before.clone().count() > 0 && before.into_iter().all(|alert| alert.severity == Info));
}

#[test]
fn windows_are_part_of_the_configurations_hash() {
    let none: [String; 0] = [];
    let config = |windows: MaintenanceWindows| replay_in_maintenance(&none, windows).engine.context().config.clone();
    let plain = replay(&none).engine.context().config.clone();
    assert_eq!(plain, config(MaintenanceWindows::default()));
    assert_ne!(plain, config(windows(&[window("upgrade", &["*"], at(0), at(1))])));
}
