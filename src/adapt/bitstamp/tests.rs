//! Tests with lines in the form of the feed, written by hand, and the events that they become. `tests/bitstamp.rs`
//! reads the whole recording.

use proptest::prelude::*;

use super::{super::spelling::respell, *};
use crate::event::{Body, Price, Reason, Side};

/// Reads lines of the form `<ms> <kind> <rest>` and returns one short text per event. `B7` is order 7 to buy, `S7` to
/// sell.
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
fn a_deletion_with_a_rest_is_a_cancel_and_without_a_rest_a_fill() {
    let lines = ["0 created B7 236 2", "5 deleted B7 236 2", "6 created B8 236 2", "7 deleted B8 236 0"];
    let events = read(&lines);
    assert_eq!(events[1], "5 cancel 7 2 User");
    // Its trade line never came: the book still shrinks.
    assert_eq!(events[3..], ["7 trade 8-0@1430000000007 236 2 Some(Sell) 8<?"]);
}

#[test]
fn a_market_order_walks_by_replaces_and_the_venue_cancels_its_rest() {
    let lines =
        ["0 created B7 235.82 2", "5 changed B7 236.33 1.9", "9 changed B7 236.33 0.5", "12 deleted B7 236.33 0.5"];
    let events = read(&lines);
    assert_eq!(events[1], "5 replace 7 236.33 1.9");
    assert_eq!(events[2], "12 cancel 7 0.5 System");
    assert!(events[3].contains(" 1.4 "), "{}", events[3]);
}

#[test]
fn a_market_order_deleted_before_its_execution_is_reported_is_cancelled_by_the_venue() {
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
fn lines_that_overtook_each_other_leave_no_deleted_order_in_the_book() {
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

/// Reads lines as they are and returns their events as event lines.
fn lines(lines: &[String]) -> Vec<String> {
    let mut adapter = Bitstamp::new(None, DecodeLimits::default());
    let mut out = Vec::new();
    for line in lines {
        adapter.read(line.as_bytes(), &mut out).unwrap_or_else(|rejection| panic!("{line}: {rejection}"));
    }
    adapter.finish(&mut out);
    out.iter().map(|event| serde_json::to_string(event).unwrap()).collect()
}

/// Makes a frame of version 2, `ms` after the start.
fn frame(ms: i64, event: &str, channel: &str, fields: &str) -> String {
    let micros = (1_700_000_000_000 + ms) * 1_000;
    format!(r#"{{"event":"{event}","channel":"{channel}_btcusd","data":{{{fields},"microtimestamp":"{micros}"}}}}"#)
}

fn order(id: u64, side: u8, amount: &str) -> String {
    format!(
        r#""id":{id},"id_str":"{id}","order_type":{side},"datetime":"1700000000","amount":{amount},"amount_str":"{amount}","amount_traded":"0","price":42000,"price_str":"42000""#
    )
}

#[test]
fn frames_of_version_2_have_their_own_time_and_market() {
    let trade = r#""id":77,"timestamp":"1700000000","amount":0.25,"amount_str":"0.25","price":42000,"price_str":"42000","type":1,"buy_order_id":7,"sell_order_id":8"#;
    let events = lines(&[
        r#"{"event":"bts:subscription_succeeded","channel":"live_orders_btcusd","data":{}}"#.to_owned(),
        frame(0, "order_created", "live_orders", &order(7, 0, "0.75")),
        frame(1, "order_created", "live_orders", &order(8, 1, "0.25")),
        // Another execution of the same size: only the ids tell the two apart.
        frame(2, "order_created", "live_orders", &order(6, 1, "0.25")),
        frame(3, "order_deleted", "live_orders", &order(6, 1, "0.00000000")),
        frame(4, "order_changed", "live_orders", &order(7, 0, "0.50000000")),
        frame(4, "order_deleted", "live_orders", &order(8, 1, "0.00000000")),
        frame(5, "trade", "live_trades", trade),
        format!("1700000000009 {}", frame(8, "order_deleted", "live_orders", &order(7, 0, "0.50000000"))),
        frame(9, "data", "order_book", r#""timestamp":"1700000000","bids":[["41999","1"]],"asks":[]"#),
        frame(10, "data", "diff_order_book", r#""timestamp":"1700000000","bids":[],"asks":[["42001","0.00000000"]]"#),
        frame(11, "data", "detail_order_book", r#""bids":[["5","1","9"],["5","2","8"],["4","1","7"]],"asks":[]"#),
        frame(12, "funding", "funding_rate", r#""rate":"0""#),
    ]);
    insta::assert_snapshot!(events.join("\n"), @r#"
    {"ts":1700000000000000000,"symbol":"btcusd","type":"order_new","order":"7","side":"buy","price":"42000","qty":"0.75"}
    {"ts":1700000000001000000,"symbol":"btcusd","type":"order_new","order":"8","side":"sell","price":"42000","qty":"0.25"}
    {"ts":1700000000002000000,"symbol":"btcusd","type":"order_new","order":"6","side":"sell","price":"42000","qty":"0.25"}
    {"ts":1700000000005000000,"symbol":"btcusd","type":"trade","trade":"77","price":"42000","qty":"0.25","side":"sell","maker_order":"7","taker_order":"8"}
    {"ts":1700000000008000000,"symbol":"btcusd","type":"order_cancel","order":"7","side":"buy","price":"42000","qty":"0.5","reason":"user"}
    {"ts":1700000000009000000,"symbol":"btcusd","type":"book_snapshot","bids":[["41999","1"]],"asks":[]}
    {"ts":1700000000010000000,"symbol":"btcusd","type":"book_delta","bids":[],"asks":[["42001","0"]]}
    {"ts":1700000000011000000,"symbol":"btcusd","type":"book_snapshot","bids":[["5","3"],["4","1"]],"asks":[]}
    {"ts":1700000000003000000,"symbol":"btcusd","type":"trade","trade":"6-0@1700000000003","price":"42000","qty":"0.25","side":"buy","maker_order":"6"}
    "#);
}

#[test]
fn a_trade_that_names_its_orders_waits_for_no_fills_where_orders_are_not_recorded() {
    let trade = r#""id":77,"amount":0.25,"price":42000,"type":0,"buy_order_id":7,"sell_order_id":8"#;
    let mut adapter = Bitstamp::new(None, DecodeLimits::default());
    let mut out = Vec::new();
    adapter.read(frame(5, "trade", "live_trades", trade).as_bytes(), &mut out).unwrap();
    let Body::Trade(trade) = &out[0].body else { panic!("{out:?}") };
    let orders = [&trade.maker_order, &trade.taker_order].map(|order| order.as_deref().unwrap().to_owned());
    assert_eq!((orders, trade.side), (["8".to_owned(), "7".to_owned()], Some(Side::Buy)));
}

#[test]
fn markets_do_not_mix_and_older_lines_are_of_the_given_symbol() {
    let created = frame(0, "order_created", "live_orders", &order(7, 0, "1"));
    let events = lines(&[
        created.clone(),
        created.replace("btcusd", "ethusd"),
        expand("0 created B7 236 1"),
        created.clone(),
        created.replace("btcusd", "ethusd"),
    ]);
    let symbols: Vec<_> = events.iter().filter_map(|line| line.split('"').nth(5)).collect();
    assert_eq!(symbols, ["btcusd", "ethusd", "BTC-USD"], "{events:?}");
}

#[test]
fn amounts_reach_to_the_limits_of_the_contract_and_noise_of_doubles_goes() {
    let amount = |json: &str| {
        let order = format!(r#"{{"price": "0.00001", "amount": {json}, "id": 1, "order_type": 0}}"#);
        let events = lines(&[format!("1430000000000 order_created {order}")]);
        let Some((_, qty)) = events[0].split_once("\"qty\":\"") else { panic!("{events:?}") };
        qty.trim_end_matches("\"}").to_owned()
    };
    for (json, qty) in [
        (r#""999999999999999.99""#, "999999999999999.99"),
        (r#""123456789.12345678""#, "123456789.12345678"),
        (r#""0.000000000001""#, "0.000000000001"),
        ("0.30000000000000004", "0.3"),
        ("1e-8", "0.00000001"),
        ("2e9", "2000000000"),
        ("1e-10", "0.0000000001"),
    ] {
        assert_eq!(amount(json), qty, "{json}");
    }
}

proptest! {
    #[test]
    fn every_spelling_of_a_line_gives_the_same_events(choices in prop::collection::vec(any::<u8>(), 0..1_200), is_old in any::<bool>()) {
        let trade = r#""id":77,"amount":"0.25","price":42000.5,"type":1,"buy_order_id":7,"sell_order_id":8"#;
        let book = r#""timestamp":"1700000000","bids":[["41999","1"]],"asks":[["42001","0.5"]]"#;
        let frames = [
            frame(0, "order_created", "live_orders", &order(7, 0, "0.75")),
            frame(4, "order_changed", "live_orders", &order(7, 0, "0.50000000")),
            frame(5, "trade", "live_trades", trade),
            frame(9, "data", "order_book", book),
        ];
        let kinds = ["order_created", "order_changed", "trade", "order_book"];
        let as_old = |(frame, kind): (&String, &str)| {
            let data = serde_json::from_str::<serde_json::Value>(frame).unwrap()["data"].to_string();
            (format!("1700000000000 {kind} "), data)
        };
        let all: Vec<(String, String)> = if is_old {
            frames.iter().zip(kinds).map(as_old).collect()
        } else {
            frames.iter().map(|frame| (String::new(), frame.clone())).collect()
        };
        let plain: Vec<String> = all.iter().map(|(before, json)| format!("{before}{json}")).collect();
        let other: Vec<String> = all.iter().map(|(before, json)| format!("{before}{}", respell(json, &choices))).collect();
        prop_assert_eq!(lines(&other), lines(&plain));
    }
}

#[test]
fn a_line_that_is_not_of_the_feed_is_refused() {
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
        (frame(0, "order_created", "live_orders", "\"id\":1"), Reason::NotInFormat),
        (frame(0, "order_created", "live_orders", &self::order(1, 2, "1")), Reason::NotInFormat),
        (frame(-1_699_999_000_000, "order_created", "live_orders", &self::order(1, 0, "1")), Reason::TsUnit),
        (r#"{"channel":"live_orders_btcusd","data":{}}"#.into(), Reason::NotInFormat),
        (r#"{"event":"order_created","channel":"live_orders_btcusd"}"#.into(), Reason::NotInFormat),
        (r#"{"event":"data","channel":"order_book_x","data":{"bids":[],"asks":[]}}"#.into(), Reason::MissingField),
        (
            r#"{"event":"data","channel":"order_book_","data":{"timestamp":"1700000000","bids":[],"asks":[]}}"#.into(),
            Reason::BadName,
        ),
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
