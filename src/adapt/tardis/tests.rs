//! Tests with files in the form of the vendor, written by hand, and the events that they become.

use super::*;
use crate::event::Reason;

const BOOK: &str = "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount";
const TRADES: &str = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount";
const SNAPSHOTS: &str = "exchange,symbol,timestamp,local_timestamp,asks[0].price,asks[0].amount,bids[0].price,\
                         bids[0].amount,asks[1].price,asks[1].amount,bids[1].price,bids[1].amount";

fn adapter(file: &str, header: &str) -> Tardis {
    let mut adapter = Tardis::new(&[file.to_owned()], DecodeLimits::default());
    adapter.header(0, header.as_bytes()).unwrap();
    adapter
}

/// Reads rows, each with `venue,XYZ,` before it and its times in milliseconds after a start.
fn read(adapter: &mut Tardis, rows: &str) -> String {
    let mut out = Vec::new();
    for row in rows.lines().map(str::trim).filter(|row| !row.is_empty()) {
        adapter.read(expand(row).as_bytes(), &mut out).unwrap_or_else(|rejection| panic!("{row}: {rejection}"));
    }
    adapter.finish(&mut out);
    let lines: Vec<String> = out.iter().map(|event| serde_json::to_string(event).unwrap()).collect();
    lines.join("\n")
}

fn expand(row: &str) -> String {
    let (symbol, row) = row.split_once(' ').unwrap_or(("XYZ", row));
    let (ms, rest) = row.split_once(',').unwrap();
    let at = 1_700_000_000_000 + ms.parse::<i64>().unwrap();
    format!("venue,{symbol},{at}000,{at}500,{rest}")
}

#[test]
fn rows_of_one_message_are_one_event_and_a_snapshot_may_have_several_messages() {
    let rows = "
        1,true,bid,10.5,2
        1,true,ask,10.6,4
        1,true,bid,10.7,0
        2,true,bid,10.4,1
        3,false,bid,10.5,0
        3,false,ask,10.6,1e-7
        ABC 3,false,bid,7,1
        4,true,ask,11,1
        5,false,ask,11,2";
    insta::assert_snapshot!(read(&mut adapter("book.csv", BOOK), rows), @r#"
    {"ts":1700000000001000000,"symbol":"XYZ","type":"book_snapshot","bids":[["10.5","2"]],"asks":[["10.6","4"]]}
    {"ts":1700000000002000000,"symbol":"XYZ","type":"book_snapshot","bids":[["10.5","2"],["10.4","1"]],"asks":[["10.6","4"]]}
    {"ts":1700000000003000000,"symbol":"XYZ","type":"book_delta","bids":[["10.5","0"]],"asks":[["10.6","0.0000001"]]}
    {"ts":1700000000003000000,"symbol":"ABC","type":"book_delta","bids":[["7","1"]],"asks":[]}
    {"ts":1700000000004000000,"symbol":"XYZ","type":"book_snapshot","bids":[],"asks":[["11","1"]]}
    {"ts":1700000000005000000,"symbol":"XYZ","type":"book_delta","bids":[],"asks":[["11","2"]]}
    "#);
}

#[test]
fn trades_and_liquidations_differ_by_the_name_of_the_file() {
    let rows = "
        1,t1,sell,10.5,0.30000000000000004
        1,,buy,10.5,2
        2,t2,unknown,10.6,3";
    insta::assert_snapshot!(read(&mut adapter("binance_trades_2020-04-01.csv", TRADES), rows), @r#"
    {"ts":1700000000001000000,"symbol":"XYZ","type":"trade","trade":"t1","price":"10.5","qty":"0.30000000000000004","side":"sell"}
    {"ts":1700000000001000000,"symbol":"XYZ","type":"trade","trade":"1700000000001000#0","price":"10.5","qty":"2","side":"buy"}
    {"ts":1700000000002000000,"symbol":"XYZ","type":"trade","trade":"t2","price":"10.6","qty":"3"}
    "#);
    let forced = read(&mut adapter("x_liquidations_2020-04-01_X.csv.gz", TRADES), "1,,buy,10.5,2");
    insta::assert_snapshot!(forced, @r#"
    {"ts":1700000000001000000,"symbol":"XYZ","type":"liquidation","phase":"filled","side":"buy","qty":"2","price":"10.5"}
    "#);
}

#[test]
fn a_row_of_levels_is_a_snapshot_of_those_that_are_there() {
    let rows = "
        1,10.6,4,10.5,2,10.7,5,10.4,1
        2,10.6,4,,,,,,";
    insta::assert_snapshot!(read(&mut adapter("s.csv", SNAPSHOTS), rows), @r#"
    {"ts":1700000000001000000,"symbol":"XYZ","type":"book_snapshot","bids":[["10.5","2"],["10.4","1"]],"asks":[["10.6","4"],["10.7","5"]]}
    {"ts":1700000000002000000,"symbol":"XYZ","type":"book_snapshot","bids":[],"asks":[["10.6","4"]]}
    "#);
}

#[test]
fn columns_are_found_by_their_names() {
    let mut other = Tardis::new(&[String::new()], DecodeLimits::default());
    other.header(0, b"amount,price,symbol,side,local_timestamp,timestamp,more").unwrap();
    let mut out = Vec::new();
    other.read(b"2,10.5,\"X,Y\",buy,1700000000000500,1700000000000000,?", &mut out).unwrap();
    assert_eq!(out[0].symbol.as_deref(), Some("X,Y"));
}

#[test]
fn a_number_with_digits_below_a_unit_is_counted() {
    let mut adapter = adapter("t.csv", TRADES);
    read(&mut adapter, "1,t1,sell,1.2345678901234565e-8,1\n2,t2,sell,1.5,1");
    assert_eq!(adapter.rounded(), 1);
}

#[test]
fn a_row_or_a_header_of_another_form_is_refused() {
    for header in
        ["", "34200.1,1,2,3,4,1", "symbol,timestamp,local_timestamp,ask_price", "timestamp,local_timestamp,side"]
    {
        let mut adapter = Tardis::new(&[String::new()], DecodeLimits::default());
        assert_eq!(adapter.header(0, header.as_bytes()).unwrap_err().reason, Reason::NotInFormat, "{header}");
    }
    let mut other = adapter("t.csv", TRADES);
    for (row, reason) in [
        ("1,t1,sell,10.5", Reason::NotInFormat),
        ("1,t1,sell,10.5,1,", Reason::NotInFormat),
        ("1,t1,up,10.5,1", Reason::NotInFormat),
        ("1,t1,sell,,1", Reason::MissingField),
        ("1,t1,sell,-1.1e15,1", Reason::NotInFormat),
        ("1,t1,sell,10.5,-1", Reason::NotInFormat),
        ("1,t1,sell,NaN,1", Reason::NotInFormat),
        ("-1700000000000,t1,sell,1,1", Reason::TsUnit),
    ] {
        let mut out = Vec::new();
        let rejection = other.read(expand(row).as_bytes(), &mut out).unwrap_err();
        assert_eq!((rejection.reason, out.len()), (reason, 0), "{row}: {rejection}");
    }
    let mut out = Vec::new();
    other.read(expand("1,t1,sell,-10.5,1").as_bytes(), &mut out).unwrap();
    assert_eq!(out.len(), 1, "a spread may cost less than nothing");
    let mut book = adapter("b.csv", BOOK);
    for row in ["1,maybe,bid,1,1", "1,true,buy,1,1", "1,true,bid,1,-1"] {
        assert_eq!(
            book.read(expand(row).as_bytes(), &mut Vec::new()).unwrap_err().reason,
            Reason::NotInFormat,
            "{row}"
        );
    }
}
