//! Troubles that are easily overlooked, because most of the flow is well; and a trouble that mends itself, which is none.
#![cfg(feature = "app")]

#[path = "support/lines.rs"]
mod lines;

use foreshock::{
    detect::{CoverageState, Detector},
    engine::Covered,
    trust::Cause,
};
use lines::{Replayed, replay};

const START: i64 = 1_782_739_800;

fn line(second: f64, fields: &str) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a few hours")]
    let ts = START * 1_000_000_000 + (second * 1e9) as i64;
    format!(r#"{{"ts":{ts},{fields}}}"#)
}

fn cancel(second: f64, symbol: &str) -> String {
    line(second, &format!(r#""type":"order_cancel","symbol":"{symbol}","order":"o","reason":"user""#))
}

/// Two records a second of a symbol that is well.
fn healthy(second: i64) -> [String; 2] {
    [0.0, 0.5].map(|part| cancel(second as f64 + part, "WELL"))
}

fn order(second: f64, symbol: &str, id: &str, side: &str, price: &str) -> String {
    let fields =
        format!(r#""type":"order_new","symbol":"{symbol}","order":"{id}","side":"{side}","price":"{price}","qty":"1""#);
    line(second, &fields)
}

/// The causes of the troubles that were reported, each once.
fn reported(found: &Replayed) -> Vec<Cause> {
    let mut causes: Vec<Cause> = found.alerts.iter().flat_map(|alert| alert.trust.reasons.clone()).collect();
    causes.sort_unstable();
    causes.dedup();
    causes
}

#[test]
fn a_mass_of_unknown_types_is_reported_with_an_example_and_a_few_are_not() {
    let flow = |every: i64| {
        let trades = move |second: i64| line(second as f64 + 0.7, r#""type":"trades","symbol":"WELL","price":"1""#);
        (0..300)
            .flat_map(move |second| healthy(second).into_iter().chain((second % every == 0).then(|| trades(second))))
    };
    let found = replay(flow(1));
    let alert = found.alerts.iter().find(|alert| alert.trust.reasons == [Cause::UnknownType]).unwrap();
    assert!(alert.summary.contains("of a type that is not known"), "{}", alert.summary);
    assert!(alert.summary.contains(" among them"), "{}", alert.summary);
    assert_eq!(reported(&replay(flow(30))), []);
}

#[test]
fn a_thin_symbol_of_which_every_record_is_rejected_is_reported_beside_a_healthy_flow() {
    let flow = |bad_every: i64| {
        (0..3_000).flat_map(move |second| {
            let thin = (second % 120 == 0).then(|| {
                let price = if second / 120 % bad_every == 0 { r#""nonsense""# } else { r#""1""# };
                line(
                    second as f64,
                    &format!(r#""type":"trade","symbol":"THIN","trade":"{second}","price":{price},"qty":"1""#),
                )
            });
            healthy(second).into_iter().chain(thin)
        })
    };
    let found = replay(flow(1));
    let alert = found.alerts.iter().find(|alert| alert.detectors.contains(&Detector::Feed)).unwrap();
    assert!(alert.summary.contains("the records of THIN"), "{}", alert.summary);
    // Every second one can be used.
    assert_eq!(replay(flow(2)).alerts.len(), 0);
}

/// A book from orders of a symbol with an event a second, in which orders of a price above the best ask rest.
fn crossed(until: i64, stuck: impl Fn(i64) -> bool) -> Replayed {
    let mut lines = vec![order(0.0, "X", "a", "sell", "11"), order(0.1, "X", "b", "buy", "9")];
    for second in 1..until {
        if stuck(second) {
            lines.push(order(second as f64 + 0.1, "X", &format!("c{second}"), "buy", "12"));
            lines.push(order(second as f64 + 0.15, "X", &format!("d{second}"), "sell", "11"));
        }
        lines.push(order(second as f64 + 0.2, "X", &format!("s{second}"), "sell", "13"));
        lines.push(order(second as f64 + 0.3, "X", &format!("t{second}"), "buy", "8"));
    }
    replay(lines)
}

#[test]
fn a_book_that_is_crossed_through_one_order_mends_itself_before_it_is_reported() {
    let found = crossed(300, |second| second == 100);
    assert!(found.counters().book_faults.iter().sum::<u64>() > 0);
    assert_eq!(reported(&found), []);
}

#[test]
fn a_book_that_is_crossed_again_and_again_is_reported() {
    let found = crossed(300, |second| second >= 100);
    assert!(found.alerts.iter().any(|alert| alert.summary.contains("the book of X")), "{:?}", reported(&found));
}

#[test]
fn a_book_that_never_had_two_sides_is_not_in_warm_up_for_ever() {
    let found = replay((0..600).map(|second| order(f64::from(second), "X", &format!("o{second}"), "buy", "9")));
    let coverage = found.engine.coverage();
    let states = coverage.of((Detector::OneSidedBook, Covered::Symbol));
    assert_eq!((states[CoverageState::WarmUp as usize], states[CoverageState::BookUnusable as usize]), (0, 1));
}

#[test]
fn an_account_without_equity_has_zero_and_not_minus_zero() {
    let account =
        |kind: &str, fields: &str, second: f64| line(second, &format!(r#""type":"{kind}","account":"a1",{fields}"#));
    let mut lines = vec![
        line(0.0, r#""type":"mark","symbol":"X","mark":"10""#),
        account("position", r#""symbol":"X","qty":"5","entry":"10""#, 1.0),
        account("balance", r#""equity":"0""#, 2.0),
    ];
    lines.extend((3..120).map(|second| line(f64::from(second), r#""type":"mark","symbol":"X","mark":"10""#)));
    let found = replay(lines);
    let alert = found.alerts.iter().find(|alert| alert.detectors.contains(&Detector::Insolvent)).unwrap();
    assert!(alert.summary.contains("its equity is zero"), "{}", alert.summary);
}
