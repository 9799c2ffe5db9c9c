//! The alerts of one seed, byte for byte, as on-call would have read them.
//!
//! A person has read the golden file. A change to it is a change of the alerts' text: `make golden` writes the file,
//! and a person reads it again before it is committed.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/environment.rs"]
mod environment;
#[path = "support/golden.rs"]
mod golden;

use foreshock::{
    engine::{Detection, Engine, Input, Limits, Outbox, Output, Plan, Record, StageSettings},
    event::{Source, SourceId},
    simulate,
};

/// The alerts of two symbols over 100 minutes, as JSON lines: a burst in the provisional phase, a look-alike, and a
/// burst once thresholds are calibrated.
fn alerts() -> String {
    let mut plan = simulate::SimulationPlan::new(7, 100);
    plan.symbols = 2;
    plan.scenarios =
        ["cancel_burst@40", "maker_requote@60", "cancel_burst@95"].iter().map(|s| s.parse().unwrap()).collect();
    let mut engine = Engine::new(Plan {
        calendars: foreshock::calendar::Calendars::default(),
        maintenance: foreshock::calendar::MaintenanceWindows::default(),
        limits: Limits::default(),
        detection: Detection::default(),
        stages: StageSettings::default(),
        sources: vec![Source { name: "seed-7.jsonl".to_owned(), partition: None, feed: 0 }],
        replay: "foreshock replay seed-7.jsonl --alerts again.jsonl".to_owned(),
        currency: None,
    });
    let (mut outbox, mut lines) = (Outbox::default(), String::new());
    for (offset, item) in (1..).zip(simulate::Exchange::try_new(&plan).unwrap()) {
        let event = item.into_event();
        let content = Ok(std::slice::from_ref(&event));
        let record = Record { source: SourceId(0), offset, appended_at: None, content };
        engine.handle(Input::Record(record), &mut outbox);
        for output in outbox.drain() {
            if let Output::Notify(alert, _) = output {
                lines.push_str(&serde_json::to_string(&alert).unwrap());
                lines.push('\n');
            }
        }
    }
    lines
}

#[test]
fn the_alerts_of_seed_7_equal_the_golden_file() {
    golden::assert_lines("alerts-seed-7.jsonl", &alerts());
}
