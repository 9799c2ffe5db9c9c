//! Tests with lines in LOBSTER's form, written by hand, and the events that they become. `tests/lobster.rs` reads the
//! whole sample.

use proptest::prelude::*;

use super::*;
use crate::event::Reason;

const BOOK: &str = "1001000,5,999000,7,1002000,1,998000,2";

fn adapter() -> Lobster {
    let day = |date: &str, kind: &str| format!("XYZ_2020-01-{date}_34200000_57600000_{kind}_2.csv");
    let files = ["02", "03"].map(|date| ["message", "orderbook"].map(|kind| day(date, kind))).concat();
    Lobster::new(&files, DecodeLimits::default()).unwrap()
}

fn read(adapter: &mut Lobster, file: usize, records: &[(&str, &str)]) -> Vec<String> {
    let mut out = Vec::new();
    for (message, row) in records {
        adapter.read(file, format!("{message}\n{row}").as_bytes(), &mut out).unwrap();
    }
    out.iter().map(|event| serde_json::to_string(event).unwrap()).collect()
}

/// Reads a message with a row that changes nothing, and returns the type and the fields of its event.
fn body_of(adapter: &mut Lobster, message: &str) -> String {
    let events = read(adapter, 0, &[(message, BOOK)]).join("\n");
    events.split_once("\"type\":").map_or(events.clone(), |(_, body)| body.replace('}', ""))
}

#[test]
fn the_first_row_is_a_snapshot_and_a_changed_row_is_a_delta() {
    let events = read(
        &mut adapter(),
        0,
        &[
            ("34200.004241176,1,11,7,999000,1", BOOK),
            ("34200.5,5,0,3,1000500,1", BOOK),
            ("34201,1,12,4,1000000,-1", "1000000,4,999000,7,1001000,5,998000,2"),
        ],
    );
    insta::assert_snapshot!(events.join("\n"), @r##"
    {"ts":1577975400004241176,"symbol":"XYZ","type":"order_new","order":"11","side":"buy","price":"99.9","qty":"7"}
    {"ts":1577975400004241176,"symbol":"XYZ","type":"book_snapshot","bids":[["99.9","7"],["99.8","2"]],"asks":[["100.1","5"],["100.2","1"]]}
    {"ts":1577975400500000000,"symbol":"XYZ","type":"trade","trade":"2020-01-02#2","price":"100.05","qty":"3","side":"sell"}
    {"ts":1577975401000000000,"symbol":"XYZ","type":"order_new","order":"12","side":"sell","price":"100","qty":"4"}
    {"ts":1577975401000000000,"symbol":"XYZ","type":"book_delta","bids":[],"asks":[["100.2","0"],["100","4"]]}
    "##);
}

#[test]
fn every_type_of_message_becomes_its_event() {
    let mut adapter = adapter();
    read(&mut adapter, 0, &[("34200,1,11,10,999000,1", BOOK)]);
    let bodies = [
        "34201,2,11,3,999000,1",
        "34202,4,11,2,999000,1",
        "34203,2,11,1,999000,1",
        "34204,3,11,4,999000,1",
        "34205,6,-1,500,1000000,-1",
        "34206,7,0,0,-1,-1",
        "34207,4,99,5,1001000,-1,NITE",
    ]
    .map(|message| body_of(&mut adapter, message));
    insta::assert_snapshot!(bodies.join("\n"), @r##"
    "order_replace","order":"11","price":"99.9","qty":"7"
    "trade","trade":"2020-01-02#3","price":"99.9","qty":"2","side":"sell","maker_order":"11"
    "order_replace","order":"11","price":"99.9","qty":"4"
    "order_cancel","order":"11","side":"buy","price":"99.9","qty":"4"
    "trade","trade":"2020-01-02#6","price":"100","qty":"500"

    "trade","trade":"2020-01-02#8","price":"100.1","qty":"5","side":"buy","maker_order":"99"
    "##);
}

#[test]
fn a_partial_cancel_of_an_unknown_order_is_a_cancel_of_the_part() {
    let mut adapter = adapter();
    read(&mut adapter, 0, &[("34200,7,0,0,-1,-1", BOOK)]);
    let cancel = r#""order_cancel","order":"5","side":"sell","price":"100.1","qty":"3""#;
    assert_eq!(body_of(&mut adapter, "34201,2,5,3,1001000,-1"), cancel);
    assert_eq!(body_of(&mut adapter, "34202,3,5,3,1001000,-1"), cancel);
    // So is a partial cancel of all that remains.
    read(&mut adapter, 0, &[("34203,1,5,3,1001000,-1", BOOK)]);
    assert_eq!(body_of(&mut adapter, "34204,2,5,3,1001000,-1"), cancel);
}

#[test]
fn another_day_starts_without_orders_and_book() {
    let mut adapter = adapter();
    read(&mut adapter, 0, &[("34200,1,11,10,999000,1", BOOK)]);
    let events = read(&mut adapter, 2, &[("34200,2,11,3,999000,1", BOOK)]);
    assert!(events[0].contains("order_cancel") && events[0].contains("\"ts\":1578061800"), "{events:?}");
    assert!(events[1].contains("book_snapshot"), "{events:?}");
}

#[test]
fn a_side_with_fewer_levels_than_columns_is_shorter() {
    let row = "1001000,5,-9999999999,0,9999999999,0,-9999999999,0";
    let events = read(&mut adapter(), 0, &[("34200,7,0,0,-1,-1", row)]);
    assert!(events[0].ends_with(r#""bids":[],"asks":[["100.1","5"]]}"#), "{events:?}");
}

#[test]
fn a_record_that_is_not_a_pair_of_lines_is_refused() {
    let message = "34200,1,11,10,999000,1";
    let with = |message: &str, row: &str| format!("{message}\n{row}");
    for (record, reason) in [
        (String::new(), Reason::NotInFormat),
        (message.to_owned(), Reason::NotInFormat),
        (with("", BOOK), Reason::NotInFormat),
        (with("34200,1,11,10,999000", BOOK), Reason::NotInFormat),
        (with("34200,1,11,10,999000,1,2,3", BOOK), Reason::NotInFormat),
        (with("-1,1,11,10,999000,1", BOOK), Reason::NotInFormat),
        (with("NaN,1,11,10,999000,1", BOOK), Reason::NotInFormat),
        (with("inf,1,11,10,999000,1", BOOK), Reason::NotInFormat),
        (with("1577975400,1,11,10,999000,1", BOOK), Reason::NotInFormat),
        (with("34200,0,11,10,999000,1", BOOK), Reason::NotInFormat),
        (with("34200,8,11,10,999000,1", BOOK), Reason::NotInFormat),
        (with("34200,1,-11,10,999000,1", BOOK), Reason::NotInFormat),
        (with("34200,1,11,0,999000,1", BOOK), Reason::NotInFormat),
        (with("34200,1,11,1.5,999000,1", BOOK), Reason::NotInFormat),
        (with("34200,1,11,10,-999000,1", BOOK), Reason::NotInFormat),
        (with("34200,1,11,10,9223372036854775807,1", BOOK), Reason::NotInFormat),
        (with("34200,1,11,10,999000,0", BOOK), Reason::NotInFormat),
        (with(message, ""), Reason::NotInFormat),
        (with(message, "1001000,5,999000"), Reason::NotInFormat),
        (with(message, "1001000,0,999000,7"), Reason::NotInFormat),
        (with(message, "1001000,5,0,7"), Reason::NotInFormat),
        (with(message, "1001000,5,999000,7,1001000,5,998000,7"), Reason::NotInFormat),
        (with(message, &vec![BOOK; 2_501].join(",")), Reason::TooMany),
        (with(message, &"1,".repeat(1 << 19)), Reason::TooLarge),
    ] {
        let mut out = Vec::new();
        let rejection = adapter().read(0, record.as_bytes(), &mut out).unwrap_err();
        assert_eq!((rejection.reason, out.len()), (reason, 0), "{}: {rejection}", &record[..record.len().min(200)]);
    }
    assert_eq!(adapter().read(0, b"\xff", &mut Vec::new()).unwrap_err().reason, Reason::NotUtf8);
    assert!(adapter().read(9, with(message, BOOK).as_bytes(), &mut Vec::new()).is_err(), "a file that was not named");
}

proptest! {
    #[test]
    fn no_record_panics(
        kind in 0_u8..9,
        at in any::<prop::sample::Index>(),
        length in 0_usize..20,
        noise in prop::collection::vec(any::<u8>(), 0..20),
        digits in "[0-9,.\n-]{0,20}",
    ) {
        let mut adapter = adapter();
        let record = format!("34200.004241176,{kind},11,7,999000,1\n{BOOK}");
        let from = at.index(record.len());
        let to = (from + length).min(record.len());
        for inserted in [noise.as_slice(), digits.as_bytes()] {
            let mut damaged = record.clone().into_bytes();
            damaged.splice(from..to, inserted.iter().copied());
            let mut out = Vec::new();
            let outcome = adapter.read(0, &damaged, &mut out);
            prop_assert!(outcome.is_ok() || out.is_empty());
            let _ = adapter.read(2, inserted, &mut out);
        }
    }
}
