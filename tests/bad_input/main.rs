//! Bad input: records that a venue, a broken producer or a hostile one may send, and the fate of each.
//!
//! A table holds records, each with the fate and the reason that the contract gives it. One check serves all rows: the
//! record goes through decoding and the engine between two good ones, and has exactly one fate. If it is rejected, the
//! engine names its position (from which the shell copies its bytes to the dead letters), no clock moves, and the next
//! good record is accepted.
//!
//! Memory needs no test here: a record that is too large is refused before it is read, names, levels and tiers are
//! bounded by the record's size, and a field that no type has is skipped and not kept.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod mutation;
mod table;

use foreshock::{
    engine::{Detection, Engine, Fate, Input, Limits, Outbox, Output, Plan, Record, StageSettings},
    event::{DecodeLimits, EventType, Reason, RecordRef, Source, SourceId, decode},
    time::{EventTime, WallTime},
    trust::{Ceiling, Decision, InputPolicy},
};
use proptest::prelude::*;

use self::{
    mutation::{GOOD, mutate, mutation},
    table::{Row, other, rows},
};

/// The event time of the good record, and this machine's clock at each record unless its row says otherwise.
const T: i64 = 1_760_130_000_000_000_000;
/// The offset of the record under test.
const OFFSET: u64 = 41;

fn engine() -> Engine {
    let source = Source { name: "orderflow.events".to_owned(), partition: Some(0), feed: 0 };
    Engine::new(Plan {
        calendars: foreshock::calendar::Calendars::default(),
        maintenance: foreshock::calendar::MaintenanceWindows::default(),
        limits: Limits::default(),
        detection: Detection::default(),
        sources: vec![source],
        stages: StageSettings::default(),
        replay: "foreshock replay".to_owned(),
        currency: None,
    })
}

/// Does what the shell does with a record: decodes it, raises the ceiling to its clock if it has one and must, gives the record to
/// the engine, and collects the outputs.
fn feed(engine: &mut Engine, bytes: &[u8], offset: u64, clock: Option<i64>) -> Vec<Output> {
    let mut outbox = Outbox::default();
    let source = SourceId(0);
    let record = |content| Record { source, offset, appended_at: None, content };
    let content = decode(bytes, DecodeLimits::default());
    if let (Ok(event), Some(clock)) = (&content, clock)
        && let Some(until) = InputPolicy::ceiling(engine.ceiling(source), event.ts, WallTime::from_nanos(clock))
    {
        let ceiling = Ceiling { source, after_offset: offset.checked_sub(1), until };
        engine.handle(Input::Decision(Decision::Ceiling(ceiling)), &mut outbox);
    }
    match content {
        Ok(event) => engine.handle(Input::Record(record(Ok(&[event]))), &mut outbox),
        Err(rejection) => engine.handle(Input::Record(record(Err(rejection))), &mut outbox),
    }
    outbox.drain().collect()
}

fn total(engine: &Engine, fate: Fate) -> u64 {
    engine.fates()[0].of(fate)
}

fn good(seq: u64, ts: i64) -> String {
    format!(
        r#"{{"type":"order_new","ts":{ts},"symbol":"BTC-PERP","seq":{seq},"order":"g{seq}","side":"buy","price":"1","qty":"1"}}"#
    )
}

fn check(row: &Row) {
    let (name, head) = (row.name, String::from_utf8_lossy(&row.bytes[..row.bytes.len().min(200)]));
    let mut engine = engine();
    assert_eq!(feed(&mut engine, good(70, T).as_bytes(), OFFSET - 1, row.clock.map(|_| T)), []);
    let before = engine.watermark();
    assert_eq!(before, Some(EventTime::from_nanos(T)));

    let outputs = feed(&mut engine, &row.bytes, OFFSET, row.clock);
    match &row.expected {
        Err(reason) => {
            let [Output::Rejected(place, rejection)] = outputs.as_slice() else {
                panic!("{name}: {outputs:?} for {head}");
            };
            assert_eq!(rejection.reason, *reason, "{name}: {rejection} for {head}");
            assert!(!rejection.detail.is_empty() && rejection.detail.len() < 500, "{name}: {}", rejection.detail);
            // The dead letter is the record at the position that the engine names.
            assert_eq!(*place, RecordRef { source: SourceId(0), offset: OFFSET }, "{name}");
            assert_eq!(engine.counters().rejected[*reason as usize], 1, "{name}");
            assert_eq!(engine.counters().events.iter().sum::<u64>(), 1, "{name}: only the good record is an event");
            assert_eq!(engine.watermark(), before, "{name}: no clock moves");
            assert_eq!(total(&engine, Fate::Rejected), 1, "{name}");
        }
        Ok(fate) => {
            assert_eq!(outputs, [], "{name}: {head}");
            let expected = 1 + u64::from(*fate == Fate::Accepted);
            assert_eq!(total(&engine, Fate::Accepted), expected, "{name}");
            assert_eq!(total(&engine, *fate), if *fate == Fate::Accepted { 2 } else { 1 }, "{name}");
        }
    }
    assert_eq!(engine.fates()[0].total(), 2, "{name}: each record has one fate");

    let accepted = total(&engine, Fate::Accepted);
    assert_eq!(feed(&mut engine, good(71, T + 1).as_bytes(), OFFSET + 1, row.clock.map(|_| T + 1)), [], "{name}");
    assert_eq!(total(&engine, Fate::Accepted), accepted + 1, "{name}: the next good record is accepted");
    assert_eq!(engine.counters().gaps, 0, "{name}: a rejected record leaves no gap");
}

#[test]
fn every_bad_record_has_its_fate_and_reason_and_does_not_stop_the_flow() {
    let rows = rows();
    let rejected = rows.iter().filter(|row| row.expected.is_err()).count();
    assert!(rejected >= 40, "{rejected} kinds of bad records");
    rows.iter().for_each(check);
    // Each reason that decoding can give is in some row, so that a new one cannot be forgotten.
    for (reason, name) in
        Reason::ALL.into_iter().filter(|(reason, _)| !matches!(reason, Reason::NotInFormat | Reason::Poison))
    {
        assert!(rows.iter().any(|row| row.expected == Err(reason)), "{name} is in no row");
    }
}

#[test]
fn the_records_that_mutation_starts_from_are_accepted_and_of_all_types() {
    let mut engine = engine();
    for (offset, line) in (0..).zip(GOOD) {
        assert_eq!(feed(&mut engine, line.as_bytes(), offset, None), [], "{line}");
    }
    let events = engine.counters().events;
    let (unknown, known) = events.split_last().unwrap();
    assert!(*unknown == 0 && known.iter().all(|n| *n == 1), "{events:?}");
}

#[test]
fn an_event_of_an_unknown_type_is_counted_and_changes_nothing_else() {
    let mut engine = engine();
    let line = other("order_triggered", r#""order":[1,2],"qty":"NaN","seq":5"#);
    assert_eq!(feed(&mut engine, line.as_bytes(), 0, None), []);
    assert_eq!(engine.counters().events[EventType::Unknown as usize], 1);
    assert_eq!(total(&engine, Fate::Accepted), 1);
    assert_eq!(engine.watermark(), Some(EventTime::from_nanos(T)), "its event time moves the clock");
    feed(&mut engine, other("order_triggered", r#""seq":5"#).as_bytes(), 1, None);
    assert_eq!(total(&engine, Fate::Duplicate), 1, "its sequence number is tracked");
}

/// Feeds records, and proves after each that it has exactly one fate, and a rejection only if that is its fate.
fn assert_one_fate_each(records: &[Vec<u8>]) {
    let mut engine = engine();
    for (n, bytes) in (1..).zip(records) {
        let outputs = feed(&mut engine, bytes, n, None);
        let rejections =
            outputs.iter().filter(|output| matches!(output, Output::Rejected(place, _) if place.offset == n));
        assert!(rejections.count() <= 1 && outputs.len() <= 1);
        assert_eq!(engine.fates()[0].total(), n);
        assert_eq!(total(&engine, Fate::Rejected), engine.counters().rejected.iter().sum::<u64>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn a_record_of_any_bytes_has_exactly_one_fate(records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 1..20)) {
        assert_one_fate_each(&records);
    }

    #[test]
    fn mutated_good_records_have_exactly_one_fate(
        records in prop::collection::vec((0..GOOD.len(), prop::collection::vec(mutation(), 0..4)), 1..30)
    ) {
        let records: Vec<Vec<u8>> = records
            .into_iter()
            .map(|(line, mutations)| {
                let mut bytes = GOOD[line].as_bytes().to_vec();
                for mutation in &mutations {
                    mutate(&mut bytes, mutation);
                }
                bytes
            })
            .collect();
        assert_one_fate_each(&records);
    }
}
