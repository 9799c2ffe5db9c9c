//! Coverage: what each detector can judge, and why not the rest, so that "nothing found" can be told from "could not look".
#[path = "support/lines.rs"]
mod lines;

use foreshock::{
    detect::{CoverageState, Detector},
    engine::{Covered, Engine},
};
use lines::replay;

/// 2025-10-09, on a whole minute.
const START: i64 = 1_760_000_400;

fn line(second: i64, kind: &str, fields: &str) -> String {
    format!(r#"{{"type":"{kind}","ts":{}000000000,{fields}}}"#, START + second)
}

/// An order that is placed and one that is withdrawn, each second of a range.
fn orders(symbol: &str, seconds: std::ops::Range<i64>) -> impl Iterator<Item = String> {
    seconds.flat_map(move |second| {
        let whose = format!(r#""symbol":"{symbol}","account":"quotes""#);
        let (side, price) = if second % 2 == 0 { ("buy", 99) } else { ("sell", 101) };
        let new = format!(r#"{whose},"order":"o{second}","side":"{side}","price":{price},"qty":1"#);
        let cancel = format!(r#"{whose},"order":"o{}""#, second - 20);
        [line(second, "order_new", &new), line(second, "order_cancel", &cancel)]
    })
}

/// The counts of a row that are not 0.
fn of(engine: &Engine, detector: Detector, subject: Covered) -> Vec<(&'static str, u64)> {
    let counts = engine.coverage().of((detector, subject));
    let all = CoverageState::ALL.into_iter().map(|(_, name)| name).zip(counts);
    all.filter(|(_, n)| *n > 0).collect()
}

fn of_symbols(engine: &Engine, detector: Detector) -> Vec<(&'static str, u64)> {
    of(engine, detector, Covered::Symbol)
}

#[test]
fn a_new_symbol_is_in_warm_up_and_what_does_not_come_is_named() {
    let young = replay(orders("A", 0..600)).engine;
    assert_eq!(of_symbols(&young, Detector::CancelBurst), [("warm_up", 1)]);
    assert_eq!(of_symbols(&young, Detector::TradeBurst), [("no_events", 1)]);
    assert_eq!(of_symbols(&young, Detector::StaleBook), [("no_book", 1)]);
    assert_eq!(of_symbols(&young, Detector::ThinBook), [("warm_up", 1)]);
    assert_eq!(of_symbols(&young, Detector::OneSidedBook), [("judged", 1)]);
    assert_eq!(of(&young, Detector::ThinBookCluster, Covered::Market), [("too_few_symbols", 1)]);
    let older = replay(orders("A", 0..2_400)).engine;
    assert_eq!(of_symbols(&older, Detector::CancelBurst), [("judged", 1)]);
    assert_eq!(of(&older, Detector::CancelBurst, Covered::Account), [("judged", 1)]);
}

#[test]
fn a_book_is_judged_from_the_third_hour_on_unless_it_cannot_be_used() {
    let delta = |second: i64| {
        let fields = format!(r#""symbol":"L","bids":[["99","{}"]],"asks":[["101",3]]"#, 2 + second % 7);
        line(second, if second == 0 { "book_snapshot" } else { "book_delta" }, &fields)
    };
    let two_hours = replay((0..7_100).map(delta)).engine;
    assert_eq!(of_symbols(&two_hours, Detector::SpreadWidening), [("warm_up", 1)]);
    let third_hour = replay((0..7_400).map(delta)).engine;
    for detector in [Detector::ThinBook, Detector::SpreadWidening, Detector::StaleBook] {
        assert_eq!(of_symbols(&third_hour, detector), [("judged", 1)], "{detector:?}");
    }
    let crossed =
        (7_400..7_405).map(|second| line(second, "book_delta", r#""symbol":"L","bids":[["102",1]],"asks":[]"#));
    let crossed = replay((0..7_400).map(delta).chain(crossed)).engine;
    assert_eq!(of_symbols(&crossed, Detector::ThinBook), [("book_unusable", 1)]);
    let unbuilt = replay((1..600).map(delta)).engine;
    assert_eq!(of_symbols(&unbuilt, Detector::OneSidedBook), [("book_unusable", 1)], "no snapshot has come");
}

#[test]
fn a_symbol_that_is_closed_or_long_silent_is_not_judged_whatever_was_learned() {
    let halted = line(1_200, "trading_status", r#""symbol":"A","status":"halted""#);
    let halted = replay(orders("A", 0..1_200).chain([halted])).engine;
    let goes_on = (1_200..4_900).map(|second| line(second, "mark", r#""symbol":"B","mark":"5""#));
    let silent = replay(orders("A", 0..1_200).chain(goes_on)).engine;
    for detector in [Detector::CancelBurst, Detector::TradeBurst, Detector::OneSidedBook, Detector::StaleBook] {
        assert_eq!(of_symbols(&halted, detector), [("closed", 1)], "{detector:?}");
        let all = of_symbols(&silent, detector);
        assert!(all.contains(&("silent", 1)), "{detector:?}: {all:?}");
        assert_eq!(all.iter().map(|(_, n)| n).sum::<u64>(), 2, "{detector:?}: each symbol is counted once");
    }
}

#[test]
fn an_account_of_which_nothing_is_stated_has_no_positions() {
    let stated = [
        line(30, "position", r#""account":"holds","symbol":"A","qty":"5","entry":"100""#),
        line(30, "balance", r#""account":"holds","equity":"200""#),
        line(30, "balance", r#""account":"flat","equity":"200""#),
    ];
    let end = line(100, "heartbeat", r#""producer":"p""#);
    let engine = replay(orders("A", 0..60).chain(stated).chain(orders("A", 60..90)).chain([end])).engine;
    assert_eq!(of(&engine, Detector::Insolvent, Covered::Account), [("judged", 1), ("no_positions", 2)]);
    assert_eq!(of(&engine, Detector::LeverageJump, Covered::Account), [("warm_up", 1), ("no_positions", 2)]);
    assert_eq!(of(&engine, Detector::CancelBurst, Covered::Account), [("warm_up", 1)]);
    assert_eq!(of(&engine, Detector::Feed, Covered::Partition), [("judged", 1)]);
}

#[test]
fn nothing_that_never_came_is_called_judged() {
    let engine = replay(std::iter::empty::<String>()).engine;
    assert_eq!(of(&engine, Detector::Feed, Covered::Partition), [("no_events", 1)]);
    for (detector, _) in Detector::ALL {
        assert_eq!(of_symbols(&engine, detector), [], "{detector:?}");
    }
}
