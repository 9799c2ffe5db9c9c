//! Tests with files that the vendor's own crate encodes, and the events that they become.

use std::os::raw::c_char;

use dbn::{
    FlagSet, MappingInterval, Mbp1Msg, RecordHeader, SType, Schema, SymbolMapping, UNDEF_PRICE,
    encode::{DbnEncoder, EncodeRecord},
    flags, rtype,
};
use time::{Date, Duration};

use super::*;
use crate::event::{DecodeLimits, Reason};

/// 2023-06-15T12:00:00Z.
const T: u64 = 1_686_830_400_000_000_000;
const LAST: u8 = flags::LAST;

fn metadata() -> Metadata {
    let start_date = Date::from_ordinal_date(2023, 166).unwrap();
    let interval = MappingInterval { start_date, end_date: start_date + Duration::days(1), symbol: "7".to_owned() };
    Metadata::builder()
        .dataset("TEST.DATA")
        .schema(Some(Schema::Mbo))
        .start(T)
        .stype_in(Some(SType::RawSymbol))
        .stype_out(SType::InstrumentId)
        .symbols(vec!["ESM3".to_owned()])
        .mappings(vec![SymbolMapping { raw_symbol: "ESM3".to_owned(), intervals: vec![interval] }])
        .build()
}

/// Makes a record: an action, a side, an order, a price in whole units, a size and flags.
fn mbo(ms: u64, action: char, side: char, order: u64, price: i64, size: u32, flags: u8) -> MboMsg {
    let char = |letter: char| c_char::try_from(u32::from(letter)).unwrap();
    MboMsg {
        hd: RecordHeader::new::<MboMsg>(rtype::MBO, 1, 7, T + ms * 1_000_000),
        order_id: order,
        price: if price == i64::MAX { UNDEF_PRICE } else { price * 1_000_000_000 },
        size,
        flags: FlagSet::from(flags),
        action: char(action),
        side: char(side),
        ts_recv: T + ms * 1_000_000 + 500,
        sequence: 9,
        ..Default::default()
    }
}

/// Encodes records and cuts them into the header and the records, as the shell does it.
fn encoded<R: dbn::encode::DbnEncodable>(records: &[R]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut bytes = Vec::new();
    DbnEncoder::new(&mut bytes, &metadata()).unwrap().encode_records(records).unwrap();
    let length = 8 + u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
    let records = bytes.split_off(length);
    let length = records[0] as usize * 4;
    (bytes, records.chunks(length).map(<[u8]>::to_vec).collect())
}

fn read(records: &[MboMsg]) -> Vec<Event<'static>> {
    let (header, records) = encoded(records);
    let (mut adapter, mut out) = (Dbn::new(), Vec::new());
    adapter.header(&header).unwrap();
    for record in records {
        adapter.read(&record, &mut out).unwrap();
    }
    adapter.finish(&mut out);
    out
}

fn lines(events: &[Event<'_>]) -> String {
    let lines: Vec<String> = events.iter().map(|event| serde_json::to_string(event).unwrap()).collect();
    lines.join("\n")
}

#[test]
fn orders_become_orders_and_a_trade_names_both() {
    let events = read(&[
        mbo(0, 'R', 'N', 0, i64::MAX, 0, 0),
        mbo(1, 'A', 'B', 11, 4200, 5, LAST),
        mbo(2, 'A', 'B', 12, 4200, 3, LAST),
        mbo(3, 'M', 'B', 12, 4199, 2, LAST),
        // An order to sell takes 6: all of order 11, and one of order 12.
        mbo(4, 'T', 'A', 99, 4200, 6, 0),
        mbo(4, 'F', 'B', 11, 4200, 5, 0),
        mbo(4, 'F', 'B', 12, 4199, 1, 0),
        mbo(4, 'C', 'B', 11, 4200, 5, 0),
        mbo(4, 'M', 'B', 12, 4199, 1, LAST),
        // What is left of it is withdrawn.
        mbo(5, 'C', 'B', 12, 4199, 1, LAST),
        // A trade of which no resting order is shown.
        mbo(6, 'T', 'N', 0, 4201, 1, LAST),
    ]);
    insta::assert_snapshot!(lines(&events), @r#"
    {"ts":1686830400001000000,"symbol":"ESM3","type":"order_new","order":"11","side":"buy","price":"4200","qty":"5"}
    {"ts":1686830400002000000,"symbol":"ESM3","type":"order_new","order":"12","side":"buy","price":"4200","qty":"3"}
    {"ts":1686830400003000000,"symbol":"ESM3","type":"order_replace","order":"12","price":"4199","qty":"2"}
    {"ts":1686830400004000000,"symbol":"ESM3","type":"trade","trade":"9#1","price":"4200","qty":"5","side":"sell","maker_order":"11","taker_order":"99"}
    {"ts":1686830400004000000,"symbol":"ESM3","type":"trade","trade":"9#2","price":"4199","qty":"1","side":"sell","maker_order":"12","taker_order":"99"}
    {"ts":1686830400005000000,"symbol":"ESM3","type":"order_cancel","order":"12","side":"buy","price":"4199","qty":"1"}
    {"ts":1686830400006000000,"symbol":"ESM3","type":"trade","trade":"9#3","price":"4201","qty":"1"}
    "#);
}

#[test]
fn a_part_that_is_withdrawn_is_a_replace_and_a_clear_is_the_venues() {
    let events = read(&[
        mbo(1, 'A', 'A', 11, 4200, 5, LAST),
        mbo(2, 'C', 'A', 11, 4200, 2, LAST),
        mbo(3, 'C', 'B', 77, 4100, 4, LAST),
        mbo(4, 'R', 'N', 0, i64::MAX, 0, LAST),
    ]);
    insta::assert_snapshot!(lines(&events), @r#"
    {"ts":1686830400001000000,"symbol":"ESM3","type":"order_new","order":"11","side":"sell","price":"4200","qty":"5"}
    {"ts":1686830400002000000,"symbol":"ESM3","type":"order_replace","order":"11","price":"4200","qty":"3"}
    {"ts":1686830400003000000,"symbol":"ESM3","type":"order_cancel","order":"77","side":"buy","price":"4100","qty":"4"}
    {"ts":1686830400004000000,"symbol":"ESM3","type":"order_cancel","order":"11","side":"sell","price":"4200","qty":"3","reason":"system"}
    "#);
}

#[test]
fn an_order_from_before_the_file_is_filled_and_not_withdrawn() {
    let events =
        read(&[mbo(1, 'T', 'B', 0, 4200, 2, 0), mbo(1, 'F', 'A', 11, 4200, 2, 0), mbo(1, 'C', 'A', 11, 4200, 2, LAST)]);
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(matches!(&events[0].body, Body::Trade(trade) if trade.maker_order.as_deref() == Some("11")));
}

#[test]
fn a_snapshot_has_its_own_time_and_levels_are_no_orders() {
    let mut old = mbo(0, 'A', 'B', 11, 4200, 5, flags::SNAPSHOT | flags::BAD_TS_RECV);
    old.hd.ts_event = T - 86_400_000_000_000;
    let events = read(&[old, mbo(1, 'A', 'B', 0, 4200, 5, flags::TOB), mbo(2, 'N', 'N', 0, i64::MAX, 0, LAST)]);
    let ts = i64::try_from(T + 500).unwrap();
    assert_eq!(events.iter().map(|event| event.ts.nanos()).collect::<Vec<_>>(), [ts]);
}

#[test]
fn trades_have_the_symbol_of_the_mapping_or_their_number() {
    let trade = |instrument: u32| TradeMsg {
        hd: RecordHeader::new::<TradeMsg>(rtype::MBP_0, 1, instrument, T),
        price: 4_200_250_000_000,
        size: 3,
        action: c_char::try_from(u32::from('T')).unwrap(),
        side: c_char::try_from(u32::from('A')).unwrap(),
        ts_recv: T,
        sequence: 5,
        ..Default::default()
    };
    let (header, records) = encoded(&[trade(7), trade(8)]);
    let (mut adapter, mut out) = (Dbn::new(), Vec::new());
    adapter.header(&header).unwrap();
    for record in &records {
        adapter.read(record, &mut out).unwrap();
    }
    insta::assert_snapshot!(lines(&out), @r#"
    {"ts":1686830400000000000,"symbol":"ESM3","type":"trade","trade":"5#1","price":"4200.25","qty":"3","side":"sell"}
    {"ts":1686830400000000000,"symbol":"8","type":"trade","trade":"5#2","price":"4200.25","qty":"3","side":"sell"}
    "#);
    // What was written as events reads back as the same.
    for event in &out {
        let line = serde_json::to_string(event).unwrap();
        assert_eq!(&crate::event::decode(line.as_bytes(), DecodeLimits::default()).unwrap(), event);
    }
}

#[test]
fn a_price_of_a_spread_may_be_zero_or_below() {
    let (header, records) = encoded(&[mbo(1, 'A', 'B', 11, 0, 5, LAST), mbo(2, 'A', 'A', 12, -5, 5, LAST)]);
    let mut adapter = Dbn::new();
    adapter.header(&header).unwrap();
    let mut out = Vec::new();
    for record in &records {
        adapter.read(record, &mut out).unwrap();
    }
    let price = |event: &Event<'_>| if let Body::OrderNew(order) = &event.body { order.price } else { None };
    let prices: Vec<String> = out.iter().filter_map(price).map(|price| price.to_string()).collect();
    assert_eq!(prices, ["0", "-5"]);
}

#[test]
fn a_record_that_cannot_be_used_is_refused_and_the_next_is_read() {
    let (header, good) = encoded(&[mbo(1, 'A', 'B', 11, 4200, 5, LAST)]);
    let (_, other) = encoded(&[Mbp1Msg::default()]);
    let bad = [
        mbo(1, 'A', 'N', 11, 4200, 5, LAST),
        mbo(1, 'A', 'B', 11, i64::MAX, 5, LAST),
        mbo(1, 'A', 'B', 11, 4200, 0, LAST),
        mbo(1, 'X', 'B', 11, 4200, 5, LAST),
    ];
    let (_, bad) = encoded(&bad);
    let mut adapter = Dbn::new();
    assert!(adapter.read(&good[0], &mut Vec::new()).is_err(), "no metadata yet");
    assert!(adapter.header(b"DBN").is_err() && adapter.header(b"noise that is no metadata").is_err());
    adapter.header(&header).unwrap();
    let damaged = [vec![14], good[0][1..20].to_vec()].concat();
    for record in bad.iter().chain(&other).chain([&damaged, &vec![4; 16]]) {
        let mut out = Vec::new();
        let rejection = adapter.read(record, &mut out).unwrap_err();
        assert_eq!((rejection.reason, out.len()), (Reason::NotInFormat, 0), "{rejection}");
        adapter.read(&good[0], &mut out).unwrap();
        assert_eq!(out.len(), 1);
    }
}
