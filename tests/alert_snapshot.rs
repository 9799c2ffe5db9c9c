//! One seed's alerts, byte for byte: what on-call would have read. The file was read by hand; a change to it is a change to what
//! the product says, and is read again.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use foreshock::{
    engine::{Detection, Engine, Input, Limits, Outbox, Output, Plan, Record},
    event::{Source, SourceId},
    simulate,
};

/// Two symbols for 100 minutes: a burst in the provisional phase, a look-alike, and a burst once thresholds are calibrated.
fn alerts() -> String {
    let mut plan = simulate::Plan::new(7, 100);
    plan.symbols = 2;
    plan.scenarios =
        ["cancel_burst@40", "maker_requote@60", "cancel_burst@95"].iter().map(|s| s.parse().unwrap()).collect();
    let mut engine = Engine::new(Plan {
        limits: Limits::default(),
        detection: Detection::default(),
        sources: vec![Source { name: "seed-7.jsonl".to_owned(), partition: None, feed: 0 }],
        replay: "foreshock replay seed-7.jsonl --alerts again.jsonl".to_owned(),
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
fn one_seed_says_what_was_read_by_hand() {
    let expected = include_str!("golden/alerts-seed-7.jsonl");
    let now = alerts();
    for (i, (now, expected)) in now.lines().zip(expected.lines()).enumerate() {
        assert_eq!(now, expected, "line {}", i + 1);
    }
    assert_eq!(now.lines().count(), expected.lines().count());
}
