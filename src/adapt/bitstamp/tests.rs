//! Lines in the feed's form, written for these tests, and what they become. The whole recording is read in
//! `tests/bitstamp.rs`.

use super::*;
use crate::event::{Price, Reason, Side};

/// What the lines `<ms> <kind> <rest>` become, one short text per event. `B7` and `S7` are orders 7 to buy and to sell.
fn read(lines: &[&str]) -> Vec<String> {
    let mut adapter = Bitstamp::new(None, DecodeLimits::default());
    let mut out = Vec::new();
    for line in lines {
        adapter.read(expand(line).as_bytes(), &mut out).unwrap();
    }
    adapter.finish(&mut out);
    out.iter().map(short).collect()
}

fn expand(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let ms = 1_430_000_000_000 + words[0].parse::<i64>().unwrap();
    match words[1] {
        "trade" => {
            format!(r#"{ms} trade {{"price": {}, "amount": {}, "id": {}}}"#, words[3], words[4], words[2])
        }
        kind => {
            let (side, id) = words[2].split_at(1);
            let side = u8::from(side == "S");
            format!(
                r#"{ms} order_{kind} {{"price": "{}", "amount": "{}", "datetime": "1430000000", "id": {id}, "order_type": {side}}}"#,
                words[3], words[4]
            )
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the adapter makes no other types")]
fn short(event: &Event<'_>) -> String {
    let ms = event.ts.nanos() / 1_000_000 - 1_430_000_000_000;
    let order = |order: &Option<Name<'_>>| order.as_deref().unwrap_or("?").to_owned();
    match &event.body {
        Body::OrderNew(o) => format!("{ms} new {} {:?} {:?} {}", &*o.order, o.side, o.price.map(Price::get), o.qty),
        Body::OrderReplace(o) => format!("{ms} replace {} {} {}", &*o.order, o.price, o.qty),
        Body::OrderCancel(o) => format!("{ms} cancel {} {} {:?}", &*o.order, o.qty.unwrap(), o.reason.unwrap()),
        Body::Trade(t) => {
            let (maker, taker) = (order(&t.maker_order), order(&t.taker_order));
            format!("{ms} trade {} {} {} {:?} {maker}<{taker}", &*t.trade, t.price, t.qty, t.side)
        }
        other => format!("{ms} {}", other.kind().name()),
    }
}

#[test]
fn an_execution_is_one_trade_that_names_both_orders() {
    let lines = [
        "0 created B7 236.47 2.00000000",
        "9 created S8 236.40 0.21144331",
        "10 changed B7 236.47 1.78855669",
        "12 deleted S8 236.40 0.00000000",
        "20 trade 501 236.47000000000003 0.21144331000000001",
    ];
    let events = read(&lines);
    assert_eq!(events[2..], ["20 trade 501 236.47 0.21144331 Some(Sell) 7<8"]);
}

#[test]
fn a_trade_line_that_overtakes_a_fill_waits_for_it() {
    let lines = [
        "0 created B7 236 1",
        "1 created S8 236 1",
        "10 deleted B7 236 0",
        "20 trade 501 236.0 1.0",
        "25 created B9 230 1",
        "30 deleted S8 236 0",
    ];
    assert_eq!(read(&lines)[2..], ["25 new 9 Buy Some(230) 1", "20 trade 501 236 1 Some(Sell) 7<8"]);
}

#[test]
fn what_is_deleted_with_a_rest_is_a_cancel_and_without_is_a_fill() {
    let lines = ["0 created B7 236 2", "5 deleted B7 236 2", "6 created B8 236 2", "7 deleted B8 236 0"];
    let events = read(&lines);
    assert_eq!(events[1], "5 cancel 7 2 User");
    // Its trade line never came: the book still shrinks.
    assert_eq!(events[3..], ["7 trade 8-0@1430000000007 236 2 Some(Sell) 8<?"]);
}

#[test]
fn a_market_order_walks_by_replaces_and_its_rest_is_no_users_cancel() {
    let lines =
        ["0 created B7 235.82 2", "5 changed B7 236.33 1.9", "9 changed B7 236.33 0.5", "12 deleted B7 236.33 0.5"];
    let events = read(&lines);
    assert_eq!(events[1], "5 replace 7 236.33 1.9");
    assert_eq!(events[2], "12 cancel 7 0.5 System");
    assert!(events[3].contains(" 1.4 "), "{}", events[3]);
}

#[test]
fn a_market_order_that_goes_before_its_execution_is_told_is_no_users_cancel() {
    let lines = [
        "0 created S7 236.68 5",
        "100 created B8 236.68 2.00004",
        "200 deleted B8 236.68 2.00004",
        "201 changed S7 236.68 3",
        "210 trade 501 236.68 2",
        "300 deleted S7 236.68 3",
    ];
    let events = read(&lines);
    assert_eq!(
        events[2..],
        ["200 cancel 8 2.00004 System", "210 trade 501 236.68 2 Some(Buy) 7<8", "300 cancel 7 3 User"]
    );
}

#[test]
fn lines_that_overtook_each_other_leave_no_ghost_in_the_book() {
    let lines = [
        "0 deleted B7 236 2",
        "1 created B7 236 2",
        "2 changed B7 236 1",
        "3 deleted B7 236 2",
        "4 created S9 237 1",
        "4 created S9 237 1",
    ];
    assert_eq!(read(&lines), ["0 cancel 7 2 User", "4 new 9 Sell Some(237) 1"]);
}

#[test]
fn an_order_without_a_price_is_a_market_order() {
    assert_eq!(read(&["0 created B7 0.00 2"]), ["0 new 7 Buy None 2"]);
}

#[test]
fn a_book_becomes_a_snapshot() {
    let mut adapter = Bitstamp::new(None, DecodeLimits::default());
    let mut out = Vec::new();
    let line = br#"1430000000000 order_book {"bids": [["236.47", "1.7"]], "asks": [["236.50", "2"], ["237", "3"]]}"#;
    adapter.read(line, &mut out).unwrap();
    let json = serde_json::to_string(&out[0]).unwrap();
    insta::assert_snapshot!(json, @r#"{"ts":1430000000000000000,"symbol":"BTC-USD","type":"book_snapshot","bids":[["236.47","1.7"]],"asks":[["236.5","2"],["237","3"]]}"#);
}

#[test]
fn what_is_no_line_of_the_feed_is_refused() {
    let mut adapter = Bitstamp::new(None, DecodeLimits::default());
    let order = r#"{"price": "1", "amount": "AMOUNT", "id": 1, "order_type": 0}"#;
    let created = |amount: &str| format!("1430000000000 order_created {}", order.replace("AMOUNT", amount));
    for (line, reason) in [
        (String::new(), Reason::NotInFormat),
        ("1430000000000 order_created".into(), Reason::NotInFormat),
        ("soon order_created {}".into(), Reason::NotInFormat),
        (created("2").replace("1430000000000", "1430000000"), Reason::TsUnit),
        (created("2").replace("created", "eaten"), Reason::NotInFormat),
        (created("0"), Reason::NotInFormat),
        (created("-1"), Reason::NotInFormat),
        (created("NaN"), Reason::NotInFormat),
        (created("inf"), Reason::NotInFormat),
        (created("1e300"), Reason::NotInFormat),
        (created("2").replace("\"order_type\": 0", "\"order_type\": 2"), Reason::NotInFormat),
        (created("2").replace("\"id\": 1", "\"id\": -1"), Reason::NotInFormat),
        (created("2") + "}", Reason::NotInFormat),
        (r#"1430000000000 trade {"price": 0, "amount": 1, "id": 1}"#.into(), Reason::NotInFormat),
    ] {
        let mut out = Vec::new();
        let rejection = adapter.read(line.as_bytes(), &mut out).unwrap_err();
        assert_eq!((rejection.reason, out.len()), (reason, 0), "{line}: {rejection}");
    }
    let mut out = Vec::new();
    assert_eq!(adapter.read(b"\xff", &mut out).unwrap_err().reason, Reason::NotUtf8);
    adapter.read(created("2").as_bytes(), &mut out).unwrap();
    assert_eq!(out.len(), 1);
    assert!(matches!(&out[0].body, Body::OrderNew(new) if new.side == Side::Buy));
}
