//! Bad input: what a venue, a broken producer or a hostile one may send, and what becomes of each record.
//!
//! One table of records, each with the fate and the reason that the contract gives it, and one check: the record goes between two
//! good ones through decoding and the engine; it has exactly one fate; if it is rejected its place leads back to its
//! original bytes (which the shell puts into the dead letters), no clock moves, and the next good record is taken.
//!
//! Memory needs no test of its own here: a record is refused by its size before anything is read, names, levels and tiers are
//! bounded by the record, and a field that no type has is skipped without being kept.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod mutation;
mod table;

use foreshock::{
    engine::{Detection, Engine, Fate, Input, Limits, Outbox, Output, Plan, Record},
    event::{DecodeLimits, EventType, Place, Reason, Source, SourceId, decode},
    time::{EventTime, WallTime},
};
use proptest::prelude::*;

use self::{
    mutation::{GOOD, mutate, mutation},
    table::{Row, other, rows},
};

/// The time of the good record, and the own time of each record unless a row says otherwise.
const T: i64 = 1_760_130_000_000_000_000;
/// Where the row under test stands in its partition.
const OFFSET: u64 = 41;

fn engine() -> Engine {
    let source = Source { name: "orderflow.events".to_owned(), partition: Some(0), feed: 0 };
    Engine::new(Plan {
        limits: Limits::default(),
        detection: Detection::default(),
        sources: vec![source],
        replay: "foreshock replay".to_owned(),
    })
}

/// What the shell does with a record: decode it, hand it over, collect what comes out.
fn feed(engine: &mut Engine, bytes: &[u8], offset: u64, appended_at: Option<i64>) -> Vec<Output> {
    let appended_at = appended_at.map(WallTime::from_nanos);
    let mut outbox = Outbox::default();
    let record = |content| Record { source: SourceId(0), offset, appended_at, content };
    match decode(bytes, appended_at, DecodeLimits::default()) {
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
    assert_eq!(feed(&mut engine, good(70, T).as_bytes(), OFFSET - 1, Some(T)), []);
    let before = engine.watermark();
    assert_eq!(before, Some(EventTime::from_nanos(T)));

    // The topic as the shell keeps it: the dead letter is the record at the place that the engine names.
    let original = row.bytes.clone();
    let outputs = feed(&mut engine, &row.bytes, OFFSET, row.appended_at);
    match &row.expected {
        Err(reason) => {
            let [Output::Rejected(place, rejection)] = outputs.as_slice() else {
                panic!("{name}: {outputs:?} for {head}");
            };
            assert_eq!(rejection.reason, *reason, "{name}: {rejection} for {head}");
            assert!(!rejection.detail.is_empty() && rejection.detail.len() < 500, "{name}: {}", rejection.detail);
            assert_eq!(*place, Place { source: SourceId(0), offset: OFFSET }, "{name}");
            assert_eq!(row.bytes, original, "{name}: the dead letter holds the original bytes");
            assert_eq!(engine.counters().rejected[*reason as usize], 1, "{name}");
            assert_eq!(
                engine.counters().events.iter().sum::<u64>(),
                1,
                "{name}: nothing but the good one was an event"
            );
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
    assert_eq!(engine.fates()[0].total(), 2, "{name}: one fate each");

    let accepted = total(&engine, Fate::Accepted);
    assert_eq!(feed(&mut engine, good(71, T + 1).as_bytes(), OFFSET + 1, Some(T + 1)), [], "{name}");
    assert_eq!(total(&engine, Fate::Accepted), accepted + 1, "{name}: the next good record is accepted");
    assert_eq!(engine.counters().gaps, 0, "{name}: a rejected record leaves no gap");
}

#[test]
fn every_bad_record_has_its_fate_and_its_reason_and_stops_nothing() {
    let rows = rows();
    let rejected = rows.iter().filter(|row| row.expected.is_err()).count();
    assert!(rejected >= 40, "{rejected} kinds of bad records");
    rows.iter().for_each(check);
    // Each reason that decoding can give is in the table, so a new one cannot be forgotten.
    for (reason, name) in Reason::ALL.into_iter().filter(|(reason, _)| *reason != Reason::NotInFormat) {
        assert!(rows.iter().any(|row| row.expected == Err(reason)), "{name} is in no row");
    }
}

#[test]
fn the_good_records_that_mutation_starts_from_are_good_and_of_all_types() {
    let mut engine = engine();
    for (offset, line) in (0..).zip(GOOD) {
        assert_eq!(feed(&mut engine, line.as_bytes(), offset, None), [], "{line}");
    }
    let (unknown, known) = engine.counters().events.split_last().unwrap();
    assert_eq!((*unknown, known), (0, [1; 18].as_slice()));
}

#[test]
fn an_event_of_an_unknown_type_is_counted_and_changes_nothing_else() {
    let mut engine = engine();
    let line = other("order_triggered", r#""order":[1,2],"qty":"NaN","seq":5"#);
    assert_eq!(feed(&mut engine, line.as_bytes(), 0, None), []);
    assert_eq!(engine.counters().events[EventType::Unknown as usize], 1);
    assert_eq!(total(&engine, Fate::Accepted), 1);
    assert_eq!(engine.watermark(), Some(EventTime::from_nanos(T)), "its clock is followed");
    feed(&mut engine, other("order_triggered", r#""seq":5"#).as_bytes(), 1, None);
    assert_eq!(total(&engine, Fate::Duplicate), 1, "its sequence is followed");
}

/// Feeds records and asks after each that exactly one fate was counted, and a rejection exactly where there is one.
fn one_fate_each(records: &[Vec<u8>]) {
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
    fn whatever_bytes_arrive_have_exactly_one_fate(records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 1..20)) {
        one_fate_each(&records);
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
        one_fate_each(&records);
    }
}
