//! The page of the whole market: a build-up pages before its half, its look-alikes never do, and symbols that follow join it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/lines.rs"]
mod lines;

use foreshock::{
    alert::Alert,
    correlate::{Correlator, Incident, Status},
    detect::{
        Change, Detector, Evidence, Finding, Node, Severity, Signal, Subject, Threshold, ThresholdSource, Unit, WarmUp,
    },
    evaluate::Label,
    event::{Body, RecordRef, SourceId},
    simulate::{Exchange, SimulationPlan},
    time::{EventTime, Span},
};
use lines::replay;

/// The trades of eight symbols with these episodes, and their labels. The market's statistic needs nothing but trades.
fn trades(seed: u64, minutes: u64, scenarios: &[&str]) -> (Vec<Vec<u8>>, Vec<Label>) {
    let scenarios = scenarios.iter().map(|text| text.parse().unwrap()).collect();
    let plan = SimulationPlan { symbols: 8, scenarios, ..SimulationPlan::new(seed, minutes) };
    let exchange = Exchange::try_new(&plan).unwrap();
    let labels = exchange.labels().to_vec();
    let trades = exchange.filter_map(|item| {
        let mut event = item.into_event();
        // The numbers count the other events too.
        event.seq = None;
        matches!(event.body, Body::Trade(_) | Body::Heartbeat(_)).then(|| serde_json::to_vec(&event).unwrap())
    });
    (trades.collect(), labels)
}

fn is_of_moves(alert: &Alert) -> bool {
    alert.detectors.iter().any(|detector| matches!(detector, Detector::TradeBurst | Detector::PriceShock))
}

#[test]
fn a_build_up_pages_before_its_half_and_nothing_else_does() {
    for seed in 1..4 {
        let scenarios = ["market_sell_off@95", "market_rebound@105", "market_build_up@116"];
        let (lines, labels) = trades(seed, 136, &scenarios);
        let build_up = labels.iter().find(|label| label.kind == "trade_burst" && !label.benign).unwrap();
        let found = replay(&lines);
        assert_eq!((found.fates()[0], found.counters().gaps), (lines.len() as u64, 0), "seed {seed}: all is seen");
        let alerts = found.alerts;
        let pages = || alerts.iter().filter(|alert| alert.severity == Severity::Critical);
        let first = pages().min_by_key(|alert| alert.revised_at).unwrap();
        let half = build_up.start.plus(Span::from_nanos(build_up.end.since(build_up.start).nanos() / 2));
        assert!((build_up.start..half).contains(&first.revised_at), "seed {seed}: {}", first.summary);
        let both = [Detector::PriceShock, Detector::TradeBurst];
        assert!(pages().any(|page| both.iter().all(|detector| page.detectors.contains(detector))), "seed {seed}");
        assert!(pages().all(|page| page.id == first.id), "seed {seed}: one page");
        let beside = alerts.iter().filter(|alert| {
            let after = first.revised_at < alert.detected_at && alert.detected_at <= build_up.end;
            alert.id != first.id && alert.status == Status::Firing && after && is_of_moves(alert)
        });
        let beside: Vec<&str> = beside.map(|alert| alert.title.as_str()).collect();
        assert_eq!(beside, [""; 0], "seed {seed}: they are part of the page");
    }
}

fn signal(detector: Detector, subject: Subject, second: i64, related: &[&str]) -> Signal {
    let at = EventTime::from_nanos(0).plus(Span::from_secs(second));
    let is_market = subject == Subject::Market;
    Signal {
        detector,
        subject,
        change: Change::Opened,
        severity: if is_market { Severity::Critical } else { Severity::Warning },
        at,
        visible_at: at,
        origin: RecordRef { source: SourceId(0), offset: second.unsigned_abs() }.into(),
        finding: Finding {
            p: 1e-4,
            statistic: 20.0,
            threshold: Threshold { value: 13.2, unit: Unit::Nats, source: ThresholdSource::Calibrated },
            starts_at: at,
            features: Vec::new(),
            evidence: Evidence::default(),
            related: related.iter().map(|symbol| Node::Symbol((*symbol).into())).collect(),
            warm_up: WarmUp::Done,
            borrowed_share: 0.0,
        },
        flow: None,
        is_shadow: false,
    }
}

fn incidents(signals: Vec<Signal>) -> Vec<Incident> {
    let mut correlator = Correlator::new("sha256:", 100, 10);
    correlator.handle(signals.into_iter());
    correlator.advance(EventTime::from_nanos(0).plus(Span::from_secs(30)), &mut Vec::new());
    correlator.incidents().cloned().collect()
}

#[test]
fn a_symbol_that_follows_the_market_joins_its_incident_and_a_thin_spread_elsewhere_does_not() {
    let symbol = |name: &str| Subject::Symbol(name.into());
    for of_market in [Detector::TradeBurst, Detector::PriceShock] {
        for later in [Detector::TradeBurst, Detector::PriceShock] {
            let mut market = signal(of_market, Subject::Market, 1, &["S1", "S2"]);
            // A ticket: an incident that pages touches the whole market in any case.
            market.severity = Severity::Warning;
            let found = incidents(vec![market, signal(later, symbol("S9"), 5, &[])]);
            assert_eq!(found.len(), 1, "{of_market:?}, {later:?}");
            assert_eq!(found[0].subject(), &Subject::Market);
            assert_eq!(found[0].parts().len(), 2);
        }
    }
    let mut market = signal(Detector::TradeBurst, Subject::Market, 1, &["S1", "S2"]);
    market.severity = Severity::Warning;
    assert_eq!(incidents(vec![market, signal(Detector::SpreadWidening, symbol("S9"), 5, &[])]).len(), 2);
    let apart =
        vec![signal(Detector::TradeBurst, symbol("S1"), 1, &[]), signal(Detector::PriceShock, symbol("S9"), 5, &[])];
    assert_eq!(incidents(apart).len(), 2, "without a move of the market they have nothing in common");
}
