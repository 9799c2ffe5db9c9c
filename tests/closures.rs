//! Markets that close: what is reported of them, and of the minutes after.
//!
//! Each case has an input of its own. Where the inputs of `../shared/field` are present, they are replayed too.
#![cfg(feature = "app")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/field.rs"]
mod field;
#[path = "support/lines.rs"]
mod lines;

use field::field;
use foreshock::{detect::Detector, trust::Mode};
use lines::{Replayed, replay};

/// 2025-10-09, on a whole minute.
const START: i64 = 1_760_000_400;
const HOUR: i64 = 3_600;

fn line(second: f64, fields: &str) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a few hours")]
    let ts = START * 1_000_000_000 + (second * 1e9) as i64;
    format!(r#"{{"ts":{ts},{fields}}}"#)
}

fn cancel(second: f64) -> String {
    line(second, r#""type":"order_cancel","symbol":"S","order":"o","reason":"user""#)
}

fn heartbeat(second: i64) -> String {
    line(second as f64 + 0.9, r#""type":"heartbeat","producer":"m""#)
}

fn status(second: i64, status: &str) -> String {
    line(second as f64, &format!(r#""type":"trading_status","symbol":"S","status":"{status}""#))
}

/// A trade, whose id begins with its second.
fn trade(second: f64, qty: u32, side: &str) -> String {
    let side = if side.is_empty() { String::new() } else { format!(r#","side":"{side}""#) };
    line(second, &format!(r#""type":"trade","symbol":"S","trade":"t{second}","price":"10","qty":"{qty}"{side}"#))
}

/// A withdrawal each second from one second to another, in which some come two or three at once.
fn flow(from: i64, until: i64) -> Vec<String> {
    let of_second = |second: i64| (0..=second * second % 7 / 3).map(move |n| cancel(second as f64 + 0.1 * n as f64));
    (from..until).flat_map(of_second).collect()
}

fn with_heartbeats(mut lines: Vec<String>, until: i64) -> Vec<String> {
    lines.extend((0..until).map(heartbeat));
    let time = |line: &String| line[6..25].parse::<i64>().unwrap();
    lines.sort_by_key(time);
    lines
}

/// How many incidents hold a finding of a detector.
fn incidents(found: &Replayed, detector: Detector) -> usize {
    found.alerts.iter().filter(|alert| alert.revision == 1 && alert.detectors.contains(&detector)).count()
}

#[test]
fn the_flow_after_two_hours_without_a_word_is_no_burst() {
    let (closes, opens, ends) = (2 * HOUR, 4 * HOUR, 4 * HOUR + 900);
    let lines = || [flow(0, closes), flow(opens, ends)].concat();
    assert_eq!(incidents(&replay(lines()), Detector::CancelBurst), 0);
    assert_eq!(incidents(&replay(with_heartbeats(lines(), ends)), Detector::CancelBurst), 0, "with heartbeats");
    for name in ["control.jsonl.zst", "input.jsonl.zst", "input-with-heartbeats.jsonl.zst"] {
        let Some(lines) = field("reopening-after-a-close", name) else { continue };
        assert_eq!(incidents(&replay(lines), Detector::CancelBurst), 0, "{name}");
    }
}

#[test]
fn a_burst_after_the_first_minutes_of_a_session_is_reported_by_the_levels_of_the_sessions_before() {
    let (closes, opens) = (2 * HOUR, 4 * HOUR);
    let burst = |second: i64, size: i32| (0..size).map(|n| cancel(second as f64 + 0.02 * f64::from(n))).collect();
    let is_reported = |minutes: i64, size: i32| {
        let at = opens + 60 * minutes;
        let lines = [flow(0, closes), flow(opens, at), burst(at, size), flow(at + 1, at + 120)].concat();
        incidents(&replay(lines), Detector::CancelBurst) == 1
    };
    let least = |minutes: i64| (4..40).find(|size| is_reported(minutes, *size)).unwrap();
    let (soon, later) = (least(3), least(15));
    assert!(later < soon, "{later} after 15 minutes, {soon} after 3");
}

#[test]
fn what_is_withdrawn_while_a_symbol_is_not_open_is_not_reported() {
    let mass: Vec<String> = (0..300).map(|n| cancel(5_000.0 + 0.01 * f64::from(n))).collect();
    let day = |word: Option<&str>| {
        let word = word.map(|word| status(5_000, word));
        let open = status(5_600, "open");
        let lines = [flow(0, 5_000), word.into_iter().collect(), mass.clone(), vec![open], flow(5_601, 7_000)].concat();
        incidents(&replay(lines), Detector::CancelBurst)
    };
    assert_eq!(day(None), 1);
    for word in ["auction", "halted", "closed", "ended"] {
        assert_eq!(day(Some(word)), 0, "{word}");
    }
}

#[test]
fn the_prints_of_an_auction_are_no_burst() {
    let quiet = (0_u32..5_000).map(|second| trade(f64::from(second), 1 + second % 3, "buy"));
    let prints = |side| (0..300).map(move |n| trade(5_000.0 + 0.01 * f64::from(n), 2, side));
    let reported = |side| incidents(&replay(quiet.clone().chain(prints(side))), Detector::TradeBurst);
    assert_eq!(reported("buy"), 1);
    assert_eq!(reported(""), 0);
}

#[test]
fn a_venue_that_never_names_aggressors_is_judged_by_its_trades() {
    let quiet = (0_u32..5_000).map(|second| trade(f64::from(second), 1 + second % 3, ""));
    let burst = (0..300).map(|n| trade(5_000.0 + 0.01 * f64::from(n), 2, ""));
    assert_eq!(incidents(&replay(quiet.chain(burst)), Detector::TradeBurst), 1);
}

#[test]
fn notional_that_is_counted_up_to_a_limit_is_written_as_that_much_or_more() {
    let quiet = (0_u32..3 * 3_600).map(|second| trade(f64::from(second), 1 + second % 3, "buy"));
    let blocks = (0..6).map(|n| trade(10_800.0 + 0.3 * f64::from(n), 100_000, "sell"));
    let found = replay(quiet.chain(blocks));
    let summary = found.alerts.iter().map(|alert| alert.summary.as_str()).next().unwrap();
    assert!(summary.contains(" or more median trades on S in"), "{summary}");
}

/// An order that rests, with its minute of the hour.
fn order(second: i64, id: &str, side: &str, price: &str) -> String {
    let fields =
        format!(r#""type":"order_new","symbol":"S","order":"{id}","side":"{side}","price":"{price}","qty":"5""#);
    line(second as f64, &fields)
}

#[test]
fn a_book_that_is_crossed_in_an_auction_is_neither_reported_nor_repaired() {
    let day = |word: &str| {
        let mut lines = vec![order(0, "b", "buy", "9"), order(1, "a", "sell", "11"), status(2, word)];
        lines.push(order(3, "c", "buy", "12"));
        lines.extend((4..200).map(|second| order(second, &format!("o{second}"), "buy", "8")));
        // The auction fills the order that crossed.
        let fill =
            r#""type":"trade","symbol":"S","trade":"1","price":"11","qty":"5","maker_order":"a","taker_order":"c""#;
        lines.push(line(200.0, fill));
        lines.push(status(201, "open"));
        lines.extend((202..300).map(|second| order(second, &format!("p{second}"), "sell", "12")));
        let found = replay(lines);
        (incidents(&found, Detector::Feed), found.counters().book_faults.iter().sum::<u64>())
    };
    assert_eq!(day("auction"), (0, 0));
    let (reported, faults) = day("open");
    assert!(reported == 0 && faults > 0, "reported {reported}, faults {faults}: it is repaired before it is reported");
}

#[test]
fn symbols_whose_orders_expire_are_not_awaited() {
    let Some(lines) = field("kafka-symbols-expire", "input.jsonl.zst") else { return };
    let found = replay(lines);
    assert_eq!(found.engine.standing().0.mode, Mode::Normal);
    assert_eq!(incidents(&found, Detector::Feed), 0);
}
