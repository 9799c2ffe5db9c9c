//! The JSON Schema of events agrees with the decoder: both accept the same events, and written events are valid.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use foreshock::event::{DecodeLimits, EventType, decode, schema};
use jsonschema::Validator;
use serde_json::Value;

/// The contract's examples, then every type with all of its fields, then types with as few fields as they may have.
const GOOD: &str = r#"
{"type":"order_new","ts":1760130000123456789,"symbol":"BTC-PERP","seq":71,"account":"a17","order":"8812","side":"buy","price":"64000.5","qty":"0.25"}
{"type":"order_cancel","ts":1760130000223456789,"symbol":"BTC-PERP","seq":72,"account":"a17","order":"8812","qty":"0.25","reason":"user"}
{"type":"trade","ts":1760130000323456789,"symbol":"BTC-PERP","seq":73,"trade":"991","price":"64000.5","qty":"0.1","side":"sell","maker":"a17","taker":"a9","liquidation":false}
{"type":"book_delta","ts":1760130000423456789,"symbol":"ETH-PERP","bids":[["2500.1","3"]],"asks":[["2500.2","0"]]}
{"type":"position","ts":1760130000523456789,"account":"a17","symbol":"BTC-PERP","qty":"-2.5","entry":"63100","margin_mode":"cross"}
{"type":"balance","ts":1760130000623456789,"account":"a17","equity":"12000","asset":"USDT"}
{"type":"order_new","ts":1760130000000000000,"symbol":"S","account":"a","owner":"o","order":"1","side":"sell","price":1.5e3,"qty":2,"kind":"limit","tif":"GTC","post_only":true,"reduce_only":false}
{"type":"order_replace","ts":1760130000000000000,"symbol":"S","order":"1","new_order":"2","price":"1","qty":"2"}
{"type":"order_cancel","ts":1760130000000000000,"symbol":"S","order":"1","side":"buy","price":"1","qty":"2","reason":"self_trade"}
{"type":"order_reject","ts":1760130000000000000,"symbol":"S","order":"1","reason":"no margin"}
{"type":"trade","ts":1760130000000000000,"symbol":"S","trade":"1","price":"1","qty":"2","side":"buy","maker_order":"1","taker_order":"2","maker":"a","taker":"b","maker_owner":"o","taker_owner":"p","liquidation":true}
{"type":"book_snapshot","ts":1760130000000000000,"symbol":"S","seq":9,"bids":[["1","2"],[0.5,3]],"asks":[]}
{"type":"book_delta","ts":1760130000000000000,"symbol":"S","bids":[],"asks":[],"prev_seq":8}
{"type":"leverage","ts":1760130000000000000,"account":"a","symbol":"S","leverage":"20","margin_mode":"isolated"}
{"type":"position","ts":1760130000000000000,"account":"a","symbol":"S","qty":"0","entry":"0","margin":"5","leverage":"3"}
{"type":"mark","ts":1760130000000000000,"symbol":"S","mark":"1","index":"1.01"}
{"type":"funding","ts":1760130000000000000,"symbol":"S","rate":"-0.0001","interval_hours":8,"predicted":"0"}
{"type":"open_interest","ts":1760130000000000000,"symbol":"S","qty":"0"}
{"type":"liquidation","ts":1760130000000000000,"symbol":"S","account":"a","phase":"filled","side":"sell","qty":"1","price":"2"}
{"type":"trading_status","ts":1760130000000000000,"symbol":"S","status":"closed","reason":"weekend","until":1760400000000000000}
{"type":"insurance_fund","ts":1760130000000000000,"symbol":"S","balance":"-5"}
{"type":"instrument","ts":1760130000000000000,"symbol":"S","tick":"0.1","lot":"0.01","multiplier":1,"tiers":[["1000","0.01"],[null,"0.02"]],"taker_fee":"0.0005","liquidation_fee":"0.01","inverse":false,"underlying":"BTC"}
{"type":"engine","ts":1760130000000000000,"symbol":"S","ack_p50_us":90,"ack_p99_us":400,"queue_depth":3,"messages":1000,"rejects":2}
{"type":"heartbeat","ts":1760130000000000000,"producer":"p"}
{"type":"order_new","ts":1760130000000000000,"symbol":"S","order":"1","side":"sell","qty":"2"}
{"type":"order_cancel","ts":1760130000000000000,"symbol":"S","order":"1","reason":null,"extra":{"a":1}}
{"type":"order_reject","ts":1760130000000000000,"symbol":"S","reason":"x"}
{"type":"leverage","ts":1760130000000000000,"account":"a","symbol":null,"leverage":"20"}
{"type":"liquidation","ts":1760130000000000000,"symbol":"S","phase":"started","side":"buy"}
{"type":"trading_status","ts":1760130000000000000,"status":"open"}
{"type":"insurance_fund","ts":1760130000000000000,"balance":"5"}
{"type":"instrument","ts":1760130000000000000,"symbol":"S","tick":"0.1","lot":"0.01"}
{"type":"engine","ts":1760130000000000000}
{"type":"heartbeat","ts":1760130000000000000}
"#;

/// Events that both refuse: a field is missing, null, of another type, or outside its list or range.
const BAD: &str = r#"
{"ts":1760130000000000000}
{"type":"heartbeat"}
{"type":"heartbeat","ts":"1760130000000000000"}
{"type":"heartbeat","ts":1760130000000}
{"type":"heartbeat","ts":4102444800000000000}
{"type":"order_new","ts":1760130000000000000,"order":"1","side":"sell","qty":"2"}
{"type":"order_new","ts":1760130000000000000,"symbol":null,"order":"1","side":"sell","qty":"2"}
{"type":"order_new","ts":1760130000000000000,"symbol":"","order":"1","side":"sell","qty":"2"}
{"type":"order_new","ts":1760130000000000000,"symbol":"S","order":7,"side":"sell","qty":"2"}
{"type":"order_new","ts":1760130000000000000,"symbol":"S","order":"1","side":"SELL","qty":"2"}
{"type":"order_new","ts":1760130000000000000,"symbol":"S","order":"1","side":"sell"}
{"type":"order_new","ts":1760130000000000000,"symbol":"S","order":"1","side":"sell","qty":"two"}
{"type":"order_new","ts":1760130000000000000,"symbol":"S","order":"1","side":"sell","qty":"2","post_only":"yes"}
{"type":"order_new","ts":1760130000000000000,"symbol":"S","seq":-1,"order":"1","side":"sell","qty":"2"}
{"type":"balance","ts":1760130000000000000,"equity":"5"}
{"type":"position","ts":1760130000000000000,"account":"a","qty":"0","entry":"0"}
{"type":"book_delta","ts":1760130000000000000,"symbol":"S","bids":[["1"]],"asks":[]}
{"type":"book_delta","ts":1760130000000000000,"symbol":"S","bids":[["1","2","3"]],"asks":[]}
{"type":"book_delta","ts":1760130000000000000,"symbol":"S","bids":[]}
{"type":"liquidation","ts":1760130000000000000,"symbol":"S","phase":"over","side":"buy"}
{"type":"trading_status","ts":1760130000000000000,"symbol":"S","status":"paused"}
{"type":"trading_status","ts":1760130000000000000,"symbol":"S"}
"#;

fn validator() -> Validator {
    jsonschema::draft202012::new(&schema()).unwrap()
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty())
}

#[test]
fn an_event_that_the_decoder_accepts_is_valid_as_read_and_as_written() {
    let (validator, limits) = (validator(), DecodeLimits::default());
    let mut seen = BTreeSet::new();
    for line in lines(GOOD) {
        let event = decode(line.as_bytes(), limits).unwrap_or_else(|rejection| panic!("{line}: {rejection}"));
        seen.insert(event.body.kind());
        let written = serde_json::to_value(&event).unwrap();
        for value in [serde_json::from_str(line).unwrap(), written.clone()] {
            let errors: Vec<String> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
            assert!(errors.is_empty(), "{value}\n{errors:#?}");
        }
        let text = written.to_string();
        assert_eq!(decode(text.as_bytes(), limits).unwrap(), event, "{text}");
    }
    assert_eq!(seen.len(), EventType::ALL.len() - 1, "every type but `unknown` has a line");
}

#[test]
fn an_event_that_the_decoder_refuses_is_not_valid() {
    let validator = validator();
    for line in lines(BAD) {
        assert!(decode(line.as_bytes(), DecodeLimits::default()).is_err(), "the decoder accepts {line}");
        let value: Value = serde_json::from_str(line).unwrap();
        assert!(!validator.is_valid(&value), "the schema accepts {line}");
    }
}
