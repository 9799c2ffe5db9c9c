//! Overrides by pattern: some symbols and accounts have other settings than all, from when they are first seen.
#![cfg(feature = "app")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/lines.rs"]
mod lines;

use foreshock::{
    detect::{Counted, Detector, OverrideSettings, Overrides, Signal, Subject},
    engine::{Detection, Engine, Limits, Plan, Snapshot, StageSettings},
    event::Source,
    simulate::{Exchange, SimulationPlan},
};
use lines::{Replayed, replay_under};

fn under(overrides: &[OverrideSettings]) -> Detection {
    let detection = Detection { overrides: Overrides::new(overrides).unwrap(), ..Detection::default() };
    detection.check_overrides().unwrap();
    detection
}

/// An override from JSON, as the configuration has it in TOML.
fn one(json: serde_json::Value) -> OverrideSettings {
    serde_json::from_value(json).unwrap()
}

/// An override by which no burst in a window is found.
fn no_burst(chosen: &str, pattern: &str) -> OverrideSettings {
    one(
        serde_json::json!({ chosen: [pattern], "detect": { "cancel_burst": { "a_min": 1_000_000, "cold_a_min": 1_000_000 } } }),
    )
}

/// Two symbols, an account that withdraws in a burst on one of them once thresholds are known, and one whose leverage jumps.
fn flow() -> Vec<Vec<u8>> {
    let scenarios = vec!["cancel_burst@85".parse().unwrap(), "leverage_jump@150".parse().unwrap()];
    let plan = SimulationPlan { symbols: 2, scenarios, ..SimulationPlan::new(7, 160) };
    Exchange::try_new(&plan).unwrap().map(|item| serde_json::to_vec(&item.into_event()).unwrap()).collect()
}

/// The subjects of the findings of one detector that have this number.
fn subjects(found: &Replayed, detector: Detector, number: Counted) -> Vec<Subject> {
    let has = |signal: &&Signal| signal.finding.features.iter().any(|feature| feature.name == number);
    let signals = found.signals.iter().filter(|signal| signal.detector == detector);
    let mut subjects: Vec<Subject> = signals.filter(has).map(|signal| signal.subject.clone()).collect();
    subjects.sort();
    subjects.dedup();
    subjects
}

/// The subjects of bursts in a window, which `a_min` is for.
fn bursts_of(found: &Replayed) -> Vec<Subject> {
    subjects(found, Detector::CancelBurst, Counted::Cancels)
}

#[test]
fn what_is_other_for_symbols_accounts_and_owners_is_judged_by_their_own_settings() {
    let lines = flow();
    let plain = replay_under(&lines, Detection::default());
    let bursts = bursts_of(&plain);
    let is_of_symbol = |subject: &Subject| matches!(subject, Subject::Symbol(_));
    let is_of_account = |subject: &Subject| matches!(subject, Subject::Account(_) | Subject::AccountSymbol(..));
    let of_symbol = bursts.iter().find(|subject| is_of_symbol(subject)).unwrap().symbol().unwrap();
    assert!(bursts.iter().any(is_of_account), "{bursts:?}");
    let without = |is_left_out: &dyn Fn(&Subject) -> bool| -> Vec<Subject> {
        bursts.iter().filter(|subject| !is_left_out(subject)).cloned().collect()
    };

    let quiet = bursts_of(&replay_under(&lines, under(&[no_burst("symbols", of_symbol)])));
    assert_eq!(quiet, without(&|subject| subject.symbol() == Some(of_symbol)));
    let other = bursts_of(&replay_under(&lines, under(&[no_burst("symbols", "none*")])));
    assert_eq!(other, bursts, "no symbol matches");

    let quiet = bursts_of(&replay_under(&lines, under(&[no_burst("accounts", "*")])));
    assert_eq!(quiet, without(&is_of_account));
    let back = one(serde_json::json!({
        "accounts": ["*"], "detect": { "cancel_burst": { "a_min": 5, "cold_a_min": 20 } }
    }));
    let again = under(&[no_burst("accounts", "*"), back]);
    assert_eq!(bursts_of(&replay_under(&lines, again)), bursts, "the last one counts");

    let jumps_of = |found: &Replayed| subjects(found, Detector::LeverageJump, Counted::Leverage);
    let jumps = jumps_of(&plain);
    let Some(Subject::Account(account)) = jumps.first() else { panic!("{jumps:?}") };
    let strict = one(serde_json::json!({
        "accounts": [account.as_str()], "detect": { "leverage_jump": { "deviations_min": 100.0 } }
    }));
    assert_eq!(jumps_of(&replay_under(&lines, under(&[strict]))), jumps[1..]);
}

#[test]
fn a_restored_engine_follows_the_overrides_of_its_plan() {
    let plan = |detection: Detection| Plan {
        calendars: foreshock::calendar::Calendars::default(),
        maintenance: foreshock::calendar::MaintenanceWindows::default(),
        limits: Limits::default(),
        detection,
        stages: StageSettings::default(),
        sources: vec![Source { name: "orderflow.events".to_owned(), partition: Some(0), feed: 0 }],
        replay: String::new(),
        currency: None,
    };
    let lines = flow();
    let overrides = under(&[no_burst("accounts", "*"), no_burst("symbols", "*")]);
    let state = |engine: &Engine| engine.snapshot().encode();
    let found = replay_under(&lines, overrides.clone());
    let restored = |detection: Detection, bytes: &[u8]| {
        Engine::restore(&plan(detection), Snapshot::decode(bytes).unwrap()).unwrap()
    };
    let same = restored(overrides.clone(), &state(&found.engine));
    assert_eq!(state(&same), state(&found.engine), "nothing begins anew");
    let other = restored(Detection::default(), &state(&found.engine));
    assert_ne!(state(&other), state(&found.engine));
    let back = restored(overrides, &state(&other));
    assert_ne!(state(&back), state(&other));
}

#[test]
fn overrides_are_part_of_the_configurations_hash() {
    let none: [String; 0] = [];
    let config = |detection| replay_under(&none, detection).engine.context().config.clone();
    assert_eq!(config(under(&[])), config(Detection::default()));
    assert_ne!(config(under(&[no_burst("symbols", "A")])), config(Detection::default()));
    assert_ne!(config(under(&[no_burst("symbols", "A")])), config(under(&[no_burst("symbols", "B")])));
}
