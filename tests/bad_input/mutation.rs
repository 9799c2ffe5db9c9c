//! Good records of all types, and mutations of their bytes.

use proptest::prelude::*;

/// The records that mutation starts from, one of each type.
pub const GOOD: [&str; 19] = [
    r#"{"type":"order_new","ts":1760130000123456789,"symbol":"BTC-PERP","seq":71,"account":"a17","order":"8812","side":"buy","price":"64000.5","qty":"0.25","kind":"limit","tif":"gtc","post_only":true}"#,
    r#"{"type":"order_replace","ts":1760130000123456790,"symbol":"BTC-PERP","order":"8812","new_order":"8813","price":1.5e3,"qty":2}"#,
    r#"{"type":"order_cancel","ts":1760130000223456789,"symbol":"BTC-PERP","seq":72,"account":"a17","order":"8812","qty":"0.25","reason":"user"}"#,
    r#"{"type":"order_reject","ts":1760130000223456789,"symbol":"BTC-PERP","reason":"too late"}"#,
    r#"{"type":"trade","ts":1760130000323456789,"symbol":"BTC-PERP","seq":73,"trade":"991","price":"64000.5","qty":"0.1","side":"sell","maker":"a17","taker":"a9","maker_order":"8812","liquidation":false}"#,
    r#"{"type":"book_snapshot","ts":1760130000423456789,"symbol":"ETH-PERP","seq":3,"bids":[["2500.1","3"]],"asks":[["2500.2","1"]]}"#,
    r#"{"type":"book_delta","ts":1760130000423456789,"symbol":"ETH-PERP","seq":9,"prev_seq":3,"bids":[["2500.1","3"]],"asks":[["2500.2","0"]]}"#,
    r#"{"type":"leverage","ts":1760130000423456789,"account":"a17","leverage":20,"margin_mode":"cross"}"#,
    r#"{"type":"position","ts":1760130000523456789,"account":"a17","symbol":"BTC-PERP","qty":"-2.5","entry":"63100","margin_mode":"cross"}"#,
    r#"{"type":"balance","ts":1760130000623456789,"account":"a17","equity":"12000","asset":"USDT"}"#,
    r#"{"type":"mark","ts":1760130000623456789,"symbol":"BTC-PERP","mark":"64000.1","index":"64000.2"}"#,
    r#"{"type":"funding","ts":1760130000623456789,"symbol":"BTC-PERP","rate":"-0.0001","interval_hours":8}"#,
    r#"{"type":"open_interest","ts":1760130000623456789,"symbol":"BTC-PERP","qty":"120000"}"#,
    r#"{"type":"liquidation","ts":1760130000623456789,"symbol":"BTC-PERP","phase":"adl","side":"sell","qty":"1"}"#,
    r#"{"type":"trading_status","ts":1760130000623456789,"symbol":"BTC-PERP","status":"halted","reason":"volatility","until":1760130600000000000}"#,
    r#"{"type":"insurance_fund","ts":1760130000623456789,"balance":"1e9"}"#,
    r#"{"type":"instrument","ts":1760130000623456789,"symbol":"BTC-PERP","tick":"0.1","lot":"0.001","tiers":[["100000","0.005"],[null,"0.01"]]}"#,
    r#"{"type":"engine","ts":1760130000623456789,"ack_p50_us":120,"ack_p99_us":900.5,"queue_depth":3}"#,
    r#"{"type":"heartbeat","ts":1760130000623456789,"symbol":"BTC-PERP","producer":"gw1"}"#,
];

/// A change of a record's bytes.
#[derive(Clone, Debug)]
pub enum Mutation {
    Set(usize, u8),
    Remove(usize, usize),
    Insert(usize, Vec<u8>),
    Splice(usize, usize, usize),
    Swap(usize, usize),
}

pub fn mutation() -> impl Strategy<Value = Mutation> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 1..8),
        prop::sample::select(vec![
            "\"",
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "null",
            "-",
            "e9",
            "0",
            "\\u0000",
            "\\ud800",
            "NaN",
            "\u{0}",
            "é",
            "999999999999999999",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Set(at, byte)),
        (any::<usize>(), 1_usize..20).prop_map(|(at, n)| Mutation::Remove(at, n)),
        (any::<usize>(), piece).prop_map(|(at, piece)| Mutation::Insert(at, piece)),
        (any::<usize>(), any::<usize>(), any::<usize>())
            .prop_map(|(at, other, from)| Mutation::Splice(at, other, from)),
        (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Mutation::Swap(a, b)),
    ]
}

pub fn mutate(bytes: &mut Vec<u8>, mutation: &Mutation) {
    let within = |at: usize, bytes: &[u8]| at % (bytes.len() + 1);
    match mutation {
        Mutation::Set(at, byte) => {
            let at = within(*at, bytes);
            if let Some(old) = bytes.get_mut(at) {
                *old = *byte;
            }
        }
        Mutation::Remove(at, n) => {
            let at = within(*at, bytes);
            bytes.drain(at..(at + n).min(bytes.len()));
        }
        Mutation::Insert(at, piece) => {
            let at = within(*at, bytes);
            bytes.splice(at..at, piece.iter().copied());
        }
        Mutation::Splice(at, other, from) => {
            let other = GOOD[other % GOOD.len()].as_bytes();
            bytes.truncate(within(*at, bytes));
            bytes.extend(&other[within(*from, other)..]);
        }
        Mutation::Swap(a, b) if !bytes.is_empty() => {
            let len = bytes.len();
            bytes.swap(a % len, b % len);
        }
        Mutation::Swap(..) => {}
    }
}
