//! The severity of an incident depends on the findings in it, and not on the order in which they came.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use foreshock::{
    alert::{Context, render},
    correlate::{Correlator, Incident, Revision, Status},
    detect::{
        Change::{self, Cleared, Opened},
        Detector, Evidence, Finding, Node,
        Severity::{self, Critical, Info, Warning},
        Signal, Subject, Threshold, ThresholdSource, Unit, WarmUp,
    },
    event::{RecordRef, SourceId},
    stats::joint::acat,
    time::{EventTime, Span},
    trust::Standing,
};
use proptest::prelude::*;

/// The baseline behind a finding.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Baseline {
    /// A model's: the subject's cold start.
    Cold,
    /// The subject's own.
    Calibrated,
    /// None: the finding is a fact.
    Fact,
}

/// A finding as the rule sees it: detector, number of the subject, severity, p-value, baseline.
type Found = (Detector, usize, Severity, f64, Baseline);

/// Two symbols and an account that trades on both: a finding about the account joins those about the symbols.
fn subject(number: usize) -> Subject {
    match number {
        0 => Subject::Symbol("S0".into()),
        1 => Subject::Symbol("S1".into()),
        _ => Subject::Account("a".into()),
    }
}

fn at(second: i64) -> EventTime {
    EventTime::from_nanos(0).plus(Span::from_secs(second))
}

fn signal(&(detector, number, severity, p, baseline): &Found, second: i64, change: Change) -> Signal {
    let symbols = || [0, 1].map(|symbol| Node::Symbol(format!("S{symbol}").into())).to_vec();
    let (warm_up, source) = match baseline {
        Baseline::Cold => (WarmUp::Provisional, ThresholdSource::Default),
        Baseline::Calibrated => (WarmUp::Done, ThresholdSource::Calibrated),
        Baseline::Fact => (WarmUp::Done, ThresholdSource::Default),
    };
    Signal {
        detector,
        subject: subject(number),
        change,
        severity,
        at: at(second),
        visible_at: at(second),
        origin: RecordRef { source: SourceId(0), offset: second.unsigned_abs() }.into(),
        finding: Finding {
            p,
            statistic: 20.0,
            threshold: Threshold { value: 13.2, unit: Unit::Nats, source },
            starts_at: at(second - 1),
            features: Vec::new(),
            evidence: Evidence::default(),
            related: if number > 1 { symbols() } else { Vec::new() },
            warm_up,
            borrowed_share: 0.0,
        },
        flow: None,
        is_shadow: false,
    }
}

/// The incidents that are left after findings have come, one a second; those in `cleared` are cleared three seconds later.
fn incidents(findings: &[Found], cleared: &[bool]) -> Vec<Incident> {
    let mut correlator = Correlator::new("sha256:", 100, 10);
    for ((found, is_cleared), second) in findings.iter().zip(cleared).zip(1..) {
        correlator.handle(std::iter::once(signal(found, second, Opened)));
        if *is_cleared {
            correlator.handle(std::iter::once(signal(found, second + 3, Cleared)));
        }
    }
    correlator.advance(at(30), &mut Vec::new());
    correlator.incidents().cloned().collect()
}

/// The severity after findings in this order, all of which are of one incident.
fn severity(findings: &[Found]) -> Severity {
    let incidents = incidents(findings, &vec![false; findings.len()]);
    assert_eq!(incidents.len(), 1, "{findings:?}");
    incidents[0].severity()
}

/// The rule by itself: the highest severity of a finding, or critical where two findings of different views, at least one of which
/// is not a model's, combine to a probability of one in a million or less.
fn expected(findings: &[Found]) -> Severity {
    let agree = |a: &Found, b: &Found| {
        a.0.view() != b.0.view()
            && ![a.0, b.0].contains(&Detector::Feed)
            && a.2.min(b.2) >= Warning
            && (a.4, b.4) != (Baseline::Cold, Baseline::Cold)
            && acat([a.3, b.3]).unwrap() <= 1e-6
    };
    let pages = findings.iter().any(|a| findings.iter().any(|b| agree(a, b)));
    if pages { Critical } else { findings.iter().map(|found| found.2).max().unwrap() }
}

/// Every order of up to five findings.
fn permutations(findings: &[Found]) -> Vec<Vec<Found>> {
    if findings.len() <= 1 {
        return vec![findings.to_vec()];
    }
    let mut all = Vec::new();
    for first in 0..findings.len() {
        let mut rest = findings.to_vec();
        let found = rest.remove(first);
        all.extend(permutations(&rest).into_iter().map(|rest| [vec![found], rest].concat()));
    }
    all
}

#[test]
fn a_fact_and_a_ticket_page_or_not_whichever_comes_first() {
    let fact = (Detector::StaleBook, 0, Warning, 1e-6, Baseline::Fact);
    let ticket = |p| (Detector::TradeBurst, 0, Warning, p, Baseline::Calibrated);
    for (p, severity_of_both) in [(1e-3, Warning), (1.1e-6, Warning), (0.9e-6, Critical), (1e-9, Critical)] {
        assert_eq!(severity(&[fact, ticket(p)]), severity_of_both, "{p}");
        assert_eq!(severity(&[ticket(p), fact]), severity_of_both, "{p}");
    }
}

#[test]
fn a_weak_third_finding_does_not_keep_two_strong_ones_from_paging() {
    let strong = [
        (Detector::StaleBook, 0, Warning, 1e-6, Baseline::Fact),
        (Detector::TradeBurst, 0, Warning, 0.9e-6, Baseline::Calibrated),
    ];
    let weak = (Detector::ThinBook, 0, Warning, 1e-3, Baseline::Calibrated);
    for order in permutations(&[strong[0], strong[1], weak]) {
        assert_eq!(severity(&order), Critical, "{order:?}");
    }
}

#[test]
fn two_findings_of_a_cold_start_never_page_together_and_one_with_a_calibrated_one_does() {
    let cold = |detector| (detector, 0, Warning, 1e-30, Baseline::Cold);
    let three = [cold(Detector::CancelBurst), cold(Detector::TradeBurst), cold(Detector::LeverageJump)];
    assert_eq!(severity(&three[..2]), Warning);
    assert_eq!(severity(&three), Warning);
    let calibrated = (Detector::ThinBook, 0, Warning, 1e-5, Baseline::Calibrated);
    assert_eq!(severity(&[three[0], calibrated]), Critical);
    let fact = (Detector::OneSidedBook, 0, Warning, 1e-6, Baseline::Fact);
    assert_eq!(severity(&[fact, three[0]]), Critical, "a fact is in no warm-up");
}

#[test]
fn of_two_findings_that_are_as_strong_the_calibrated_one_counts_whichever_comes_first() {
    let of = |baseline| (Detector::CancelBurst, 0, Warning, 1e-9, baseline);
    let other = (Detector::TradeBurst, 0, Warning, 1e-9, Baseline::Cold);
    for order in permutations(&[of(Baseline::Cold), of(Baseline::Calibrated), other]) {
        assert_eq!(severity(&order), Critical, "{order:?}");
    }
}

#[test]
fn an_alert_lists_its_detectors_by_name() {
    let found = |detector| (detector, 0, Warning, 1e-5, Baseline::Calibrated);
    let all = [Detector::TradeBurst, Detector::SpreadWidening, Detector::CancelBurst, Detector::ThinBook].map(found);
    let incident = incidents(&all, &[false; 4]).remove(0);
    let revision = Revision { status: Status::Amended, at: at(30), completed_at: None, incident };
    let context = Context { config: String::new(), sources: Vec::new(), replay: String::new(), currency: None };
    let alert = render(&revision, &context, &Standing::default(), None);
    let names: Vec<&str> = alert.detectors.iter().map(|detector| detector.name()).collect();
    assert_eq!(names, ["cancel_burst", "spread_widening", "thin_book", "trade_burst"]);
}

fn found() -> impl Strategy<Value = Found> {
    let detector = prop_oneof![
        Just(Detector::CancelBurst),
        Just(Detector::TradeBurst),
        Just(Detector::ThinBook),
        Just(Detector::SpreadWidening),
        Just(Detector::StaleBook),
        Just(Detector::LeverageJump),
    ];
    let severity = prop_oneof![1 => Just(Info), 8 => Just(Warning)];
    let p = prop_oneof![Just(1e-3), Just(1e-5), Just(1e-6), Just(0.9e-6), Just(0.6e-6), Just(1e-9)];
    let baseline = prop_oneof![Just(Baseline::Cold), Just(Baseline::Calibrated), Just(Baseline::Fact)];
    (detector, 0_usize..3, severity, p, baseline)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// For any two to five findings about two symbols and an account that joins them, in any order, cleared or not: wherever they
    /// came to one incident, its severity is that of the set.
    #[test]
    fn severity_is_a_function_of_the_set_of_findings(
        findings in prop::collection::vec(found(), 2..6),
        cleared in prop::collection::vec(any::<bool>(), 5),
    ) {
        // One finding of each detector about each subject: the strongest.
        let distinct: BTreeMap<(Detector, usize), Found> = findings.iter().map(|found| ((found.0, found.1), *found)).collect();
        let findings: Vec<Found> = distinct.into_values().collect();
        for order in permutations(&findings) {
            for incident in incidents(&order, &cleared) {
                let held = |found: &&Found| incident.parts().contains_key(&(found.0, subject(found.1)));
                let held: Vec<Found> = order.iter().filter(held).copied().collect();
                prop_assert_eq!(incident.severity(), expected(&held), "{:?}", order);
            }
        }
        let warns = |found: &Found| found.2 >= Warning;
        if findings.iter().all(warns) && findings.iter().any(|found| found.1 == 2) {
            let all: Vec<usize> = permutations(&findings).iter().map(|order| incidents(order, &cleared).len()).collect();
            prop_assert!(all.iter().all(|n| *n == 1), "the account joins all: {all:?}");
        }
    }
}
