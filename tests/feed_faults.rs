//! The faults of the simulated feed: what must be reported of them, and what must not.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/lines.rs"]
mod lines;

use foreshock::{
    evaluate::Label,
    event::Body,
    simulate::{Exchange, Item, SimulationPlan},
    time::{EventTime, Span},
};
use lines::{Replayed, replay, replay_by_the_clock};

/// A quiet half hour of two symbols with a fault at minute 20, and its labels.
fn run(seed: u64, fault: &str) -> (Vec<Vec<u8>>, Vec<Label>) {
    let plan = SimulationPlan { symbols: 2, faults: vec![fault.parse().unwrap()], ..SimulationPlan::new(seed, 30) };
    let exchange = Exchange::try_new(&plan).unwrap();
    let labels = exchange.labels().to_vec();
    (exchange.map(|item| serde_json::to_vec(&item.into_event()).unwrap()).collect(), labels)
}

/// Whether an incident of a detector that names a symbol was detected while a label holds.
fn is_reported(found: &Replayed, label: &Label) -> bool {
    let symbol = label.symbol.as_ref().unwrap();
    found.alerts.iter().any(|alert| {
        alert.detectors.iter().any(|detector| detector.name() == label.kind)
            && alert.symbols.contains(symbol)
            && (label.start..label.end).contains(&alert.detected_at)
    })
}

fn assert_what_is_to_be_reported_is(found: &Replayed, labels: &[Label], case: &str) {
    for label in labels.iter().filter(|label| !label.benign) {
        assert!(is_reported(found, label), "{case}: {label:?}");
    }
}

fn assert_nothing_benign_is_reported(found: &Replayed, labels: &[Label], case: &str) {
    for label in labels.iter().filter(|label| label.benign) {
        assert!(!is_reported(found, label), "{case}: {label:?}");
    }
}

fn is_usable(found: &Replayed) -> bool {
    found.engine.symbols(10).listed.iter().all(|(_, reading)| reading.is_usable != Some(false))
}

#[test]
fn a_late_snapshot_brings_the_book_back_within_seconds() {
    for seed in 0..4 {
        let (lines, labels) = run(seed, "late_snapshot@20");
        let total = lines.len() as u64;
        let found = replay(&lines);
        assert_nothing_benign_is_reported(&found, &labels, &format!("seed {seed}"));
        assert_what_is_to_be_reported_is(&found, &labels, &format!("seed {seed}"));
        assert_eq!(found.fates(), [total, 0, 0, 0, 0], "seed {seed}");
        assert_eq!((found.counters().restarts, found.counters().gaps), (0, 1), "seed {seed}: one delta was lost");
        assert!(is_usable(&found), "seed {seed}");
        for label in labels {
            let until = lines.iter().position(|line| time(line) >= label.end).unwrap();
            assert!(is_usable(&replay(&lines[..until])), "seed {seed}: ten seconds after {}", label.start);
        }
    }
}

#[test]
fn orders_whose_cancels_are_lost_are_dropped_and_the_book_is_not_called_thin() {
    let mut crossed = 0;
    for seed in 0..4 {
        let (lines, labels) = run(seed, "lost_cancels@20");
        let found = replay(&lines);
        assert_nothing_benign_is_reported(&found, &labels, &format!("seed {seed}"));
        let [faults, stuck] = [0, 4].map(|fault| found.counters().book_faults[fault]);
        assert!(faults == 0 || stuck > 0, "seed {seed}: crossed {faults}, dropped {stuck}");
        assert_eq!(found.counters().gaps, 0, "seed {seed}: the loss cannot be seen by the numbers");
        crossed += u64::from(faults > 0);
    }
    assert!(crossed >= 3, "{crossed} of 4 books were crossed");
}

#[test]
fn what_happens_while_a_market_is_closed_and_when_it_opens_again_is_not_reported() {
    for (fault, feed_labels) in [("halt", 1), ("close", 2), ("pause", 0), ("expiry", 1)] {
        for seed in 0..3 {
            let (lines, labels) = run(seed, &format!("{fault}@20"));
            let found = replay(&lines);
            assert_eq!(labels.iter().filter(|label| label.kind == "feed").count(), feed_labels, "{fault}");
            assert_nothing_benign_is_reported(&found, &labels, &format!("{fault}, seed {seed}"));
            assert_eq!(found.counters().gaps, 0, "{fault}, seed {seed}");
            assert_eq!(found.fates(), [lines.len() as u64, 0, 0, 0, 0], "{fault}, seed {seed}");
        }
    }
}

#[test]
fn a_producer_with_a_wrong_clock_is_reported_and_its_flow_is_no_burst() {
    for seed in 0..3 {
        let (lines, labels) = run(seed, "wrong_clock@20");
        let found = replay_by_the_clock(&lines);
        assert_nothing_benign_is_reported(&found, &labels, &format!("seed {seed}"));
        let label = labels.iter().find(|label| !label.benign).unwrap();
        assert_eq!(label.kind, "feed");
        let is_of_feed = |alert: &foreshock::alert::Alert| {
            alert.detectors.iter().any(|detector| detector.name() == "feed")
                && (label.start..label.start.plus(Span::from_secs(30))).contains(&alert.detected_at)
        };
        assert!(found.alerts.iter().any(is_of_feed), "seed {seed}");
    }
}

#[test]
fn a_fault_changes_nothing_of_other_symbols() {
    let of_second = |fault: Option<&str>| {
        let faults = fault.iter().map(|fault| fault.parse().unwrap()).collect();
        let plan = SimulationPlan { symbols: 2, faults, ..SimulationPlan::new(5, 4) };
        let events = Exchange::try_new(&plan).unwrap().map(Item::into_event);
        events.filter(|event| event.symbol.as_deref() != Some("S1")).collect::<Vec<_>>()
    };
    let quiet = of_second(None);
    for fault in ["late_snapshot@2", "lost_cancels@2", "halt@2", "expiry@2", "wrong_clock@2"] {
        assert!(of_second(Some(fault)) == quiet, "{fault}");
    }
    assert!(quiet.iter().any(|event| matches!(event.body, Body::OrderNew(_))));
}

#[test]
fn an_unknown_fault_is_refused_with_the_nearest_name() {
    let refused = "late_snapshots@3".parse::<foreshock::simulate::PlannedFault>().unwrap_err();
    assert_eq!(refused.to_string(), "unknown fault `late_snapshots`: did you mean `late_snapshot`?");
}

fn time(line: &[u8]) -> EventTime {
    let event: serde_json::Value = serde_json::from_slice(line).unwrap();
    EventTime::from_nanos(0).plus(Span::from_nanos(event["ts"].as_i64().unwrap()))
}
