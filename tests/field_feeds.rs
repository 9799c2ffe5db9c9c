//! Books that come back and sequences that begin anew, as people have met them with real feeds.
//!
//! Each case is here with an input of its own. Where the inputs of `../shared/field` are present, they are replayed too.
#![cfg(feature = "app")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/field.rs"]
mod field;
#[path = "support/lines.rs"]
mod lines;

use field::field;
use foreshock::{correlate::Status, time::EventTime};
use lines::{Replayed, replay};

const START: i64 = 1_760_000_400_000_000_000;
const SECOND: i64 = 1_000_000_000;
/// The seconds at which the book is thin: four hours of learning come before.
const THIN: std::ops::Range<i64> = 14_580..14_880;
/// The indices of book faults in the counters.
const CROSSED: usize = 0;
const BROKEN: usize = 3;
const STUCK: usize = 4;
const MISMATCH: usize = 5;

/// Numbers that look random and are the same in each run.
struct Noise(u64);

impl Noise {
    /// A quantity about 100, between 70 and 130.
    fn quantity(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        70.0 + (self.0 >> 33) as f64 / f64::from(u32::MAX >> 1) * 60.0
    }
}

/// An event without its number: its time in milliseconds, and its fields.
type Unnumbered = (i64, String);

fn delta(bids: &str, asks: &str) -> String {
    format!(r#""type":"book_delta","bids":[{bids}],"asks":[{asks}]"#)
}

/// Four levels with quantities of a factor.
fn four(noise: &mut Noise, factor: f64) -> String {
    let [a, b, c, d] = std::array::from_fn(|_| noise.quantity() * factor);
    delta(&format!(r#"["49.99","{a:.1}"],["49.98","{b:.1}"]"#), &format!(r#"["50.01","{c:.1}"],["50.02","{d:.1}"]"#))
}

/// A book of four levels that change every five seconds for four hours, and then are thin for five minutes.
fn levels() -> Vec<Unnumbered> {
    // Four hours are few to learn from: with some seeds the finding is no more than an information.
    let mut noise = Noise(2);
    let factor = |second| if THIN.contains(&second) { 0.05 } else { 1.0 };
    (5..15_120).step_by(5).map(|second| (second * 1_000 + 40, four(&mut noise, factor(second)))).collect()
}

/// Gives deltas of one symbol their numbers, which jump, and each the number before.
fn numbered(events: impl IntoIterator<Item = Unnumbered>) -> Vec<String> {
    let mut seq = 1_000;
    events
        .into_iter()
        .map(|(millis, fields)| {
            let prev = seq;
            seq += 1 + millis % 7;
            let ts = START + millis * 1_000_000;
            format!(r#"{{"ts":{ts},"symbol":"PERP1","seq":{seq},"prev_seq":{prev},{fields}}}"#)
        })
        .collect()
}

fn snapshot(millis: i64, seq: u64) -> String {
    let ts = START + millis * 1_000_000;
    format!(
        r#"{{"type":"book_snapshot","ts":{ts},"symbol":"PERP1","seq":{seq},"bids":[["49.99","100"],["49.98","100"]],"asks":[["50.01","100"],["50.02","100"]]}}"#
    )
}

/// The replay of a snapshot and then deltas.
fn with_snapshot(events: Vec<Unnumbered>) -> Replayed {
    replay(std::iter::once(snapshot(0, 1_000)).chain(numbered(events)))
}

/// When incidents of a detector were first detected, in order.
fn detected(found: &Replayed, detector: &str) -> Vec<EventTime> {
    let opened = found.alerts.iter().filter(|alert| alert.revision == 1 && alert.status == Status::Firing);
    let of_detector = opened.filter(|alert| alert.detectors.iter().any(|found| found.name() == detector));
    of_detector.map(|alert| alert.detected_at).collect()
}

/// Asserts that exactly one thin book was found, in the first 20 s of the thin time, and returns when.
fn assert_thin(replayed: &Replayed, case: &str) -> i64 {
    let found = detected(replayed, "thin_book");
    assert_eq!(found.len(), 1, "{case}: {found:?}");
    let second = (found[0].nanos() - START) / SECOND;
    assert!((THIN.start..THIN.start + 20).contains(&second), "{case}: at {second} s");
    second
}

#[test]
fn a_book_by_levels_that_was_crossed_or_locked_for_three_seconds_is_trusted_again() {
    let control = assert_thin(&with_snapshot(levels()), "control");
    for (bid, faults) in [("50.03", 1), ("50.01", 0)] {
        let mut events = levels();
        let at = events.iter().position(|(millis, _)| *millis > 300_000).unwrap();
        let set = |quantity: &str| delta(&format!(r#"["{bid}","{quantity}"]"#), "");
        let inserted = [(300_100, set("5")), (301_500, delta("", r#"["50.02","90"]"#)), (303_100, set("0"))];
        events.splice(at..at, inserted);
        let found = with_snapshot(events);
        assert_eq!(assert_thin(&found, bid), control, "bid at {bid}");
        assert_eq!(found.counters().book_faults[CROSSED], faults, "bid at {bid}");
    }
}

#[test]
fn a_book_that_is_crossed_is_never_called_thin() {
    let mut events = levels();
    // From the thin time on there is a bid above all asks, which lasts to the end.
    let at = events.iter().position(|(millis, _)| *millis > THIN.start * 1_000).unwrap();
    events.insert(at, (THIN.start * 1_000 + 10, delta(r#"["50.05","1"]"#, "")));
    let found = with_snapshot(events);
    assert_eq!((detected(&found, "thin_book"), detected(&found, "spread_widening")), (vec![], vec![]));
    assert_eq!(found.counters().book_faults[CROSSED], 1);
    let books = found.engine.symbols(1);
    let [(symbol, reading)] = &books.listed[..] else { panic!("{books:?}") };
    assert_eq!((symbol.as_str(), reading.is_usable, reading.spread_bps), ("PERP1", Some(false), None));
    assert_eq!((books.usable, books.unusable), (0, [0, 0, 1]));
}

#[test]
fn a_snapshot_behind_the_deltas_is_applied_beneath_them_whatever_its_stamp_is() {
    let control = assert_thin(&with_snapshot(levels()), "control");
    let deltas = numbered(levels());
    let number = |nth: usize| -> u64 {
        let event: serde_json::Value = serde_json::from_str(&deltas[nth]).unwrap();
        event["seq"].as_u64().unwrap()
    };
    // Of its own time, stamped when it was received, and behind two deltas.
    for (millis, seq, after) in
        [(5_040, number(0), 1), (5_090, number(0), 1), (10_200, number(0), 2), (6_000, 1_000, 2)]
    {
        let mut lines = deltas.clone();
        lines.insert(after, snapshot(millis, seq));
        let total = lines.len() as u64;
        let found = replay(lines);
        assert_eq!(assert_thin(&found, "late"), control);
        assert_eq!(found.fates(), [total, 0, 0, 0, 0], "{millis} {seq}");
        assert_eq!((found.counters().restarts, found.counters().gaps), (0, 0), "{millis} {seq}");
    }
}

#[test]
fn a_snapshot_older_than_the_deltas_kept_is_late() {
    let mut lines = numbered(levels());
    lines.truncate(20);
    lines.insert(10, snapshot(30_000, 1_000));
    let found = replay(lines);
    assert_eq!(found.fates(), [20, 0, 1, 0, 0]);
    assert_eq!(found.engine.symbols(0).unusable, [1, 0, 0], "still without a snapshot");
}

/// Four orders that are amended every five seconds, with a snapshot after the first of them.
fn orders(snapshot_quantity: &str) -> Vec<String> {
    let mut noise = Noise(2);
    let mut all: Vec<Unnumbered> = Vec::new();
    let of = |side: &str, nth: usize| match (side, nth) {
        ("buy", 0) => "49.99",
        ("buy", _) => "49.98",
        (_, 0) => "50.01",
        (_, _) => "50.02",
    };
    let each = [("buy", 0), ("sell", 0), ("buy", 1), ("sell", 1)];
    for (side, nth) in each {
        let price = of(side, nth);
        all.push((
            0,
            format!(r#""type":"order_new","order":"{side}{nth}","side":"{side}","price":"{price}","qty":"100""#),
        ));
    }
    let [bids, asks] = ["49.99", "50.01"].map(|price| format!(r#"["{price}","{snapshot_quantity}"]"#));
    all.push((2, format!(r#""type":"book_snapshot","bids":[{bids}],"asks":[{asks}]"#)));
    for second in (5..15_120).step_by(5) {
        let factor = if THIN.contains(&second) { 0.05 } else { 1.0 };
        for (side, nth) in each {
            let (price, quantity) = (of(side, nth), noise.quantity() * factor);
            let fields =
                format!(r#""type":"order_replace","order":"{side}{nth}","price":"{price}","qty":"{quantity:.1}""#);
            all.push((second * 1_000, fields));
        }
    }
    let line = |(seq, (millis, fields)): (usize, Unnumbered)| {
        let ts = START + millis * 1_000_000;
        format!(r#"{{"ts":{ts},"symbol":"PERP2","seq":{seq},{fields}}}"#)
    };
    all.into_iter().enumerate().map(line).collect()
}

#[test]
fn one_snapshot_of_a_book_by_orders_checks_it_and_does_not_replace_it() {
    for (quantity, mismatches) in [("100", 0), ("99", 1)] {
        let found = replay(orders(quantity));
        assert_thin(&found, quantity);
        assert_eq!(found.counters().book_faults[MISMATCH], mismatches);
    }
}

#[test]
fn an_order_whose_cancel_was_lost_is_dropped_before_its_book_is_a_trouble_and_the_book_comes_back() {
    let mut lines = orders("100");
    // A bid from long before at the price of the asks' middle, whose cancel never comes: the asks go below it for good.
    let stuck = r#"{"ts":1760000500000000000,"symbol":"PERP2","type":"order_new","order":"lost","side":"buy","price":"50.005","qty":"1"}"#;
    let below = r#"{"ts":1760001000500000000,"symbol":"PERP2","type":"order_new","order":"live","side":"sell","price":"50.004","qty":"1"}"#;
    let at = |ts: i64| {
        let ts = START + ts * SECOND;
        move |line: &String| serde_json::from_str::<serde_json::Value>(line).unwrap()["ts"].as_i64().unwrap() > ts
    };
    let early = lines.iter().position(at(100)).unwrap();
    lines.insert(early, stuck.to_owned());
    let later = lines.iter().position(at(600)).unwrap();
    lines.insert(later, below.to_owned());
    let until = |second: i64| lines.iter().position(at(second)).unwrap();
    // It is crossed from second 600.5 on.
    let crossed = replay(&lines[..until(640)]);
    assert_eq!(crossed.engine.symbols(0).unusable, [0, 0, 1]);
    assert_eq!(crossed.counters().book_faults[STUCK], 0);
    let dropped = replay(&lines[..until(645)]);
    assert_eq!(dropped.counters().book_faults[STUCK], 1);
    assert_eq!(dropped.engine.symbols(0).unusable, [0, 0, 1], "in doubt for ten seconds");
    let whole = replay(&lines);
    assert_thin(&whole, "all");
    assert_eq!((whole.counters().book_faults[CROSSED], whole.counters().book_faults[STUCK]), (1, 1));
    let (_, reading) = &whole.engine.symbols(1).listed[0];
    assert!(reading.is_usable == Some(true) && reading.spread_bps.is_some_and(|bps| bps > 0.0), "{reading:?}");
}

/// One order and its cancel a second, in two sessions; in the second a burst of cancels. `begins` is its first number.
fn sessions(begins: Option<u64>, apart_millis: i64) -> Vec<String> {
    let (mut lines, mut seq) = (Vec::new(), 0);
    let mut send = |millis: i64, seq: &mut u64, fields: String| {
        *seq += 1;
        let ts = START + millis * 1_000_000;
        lines.push(format!(r#"{{"ts":{ts},"symbol":"FUT-1","seq":{seq},"account":"a1",{fields}}}"#));
    };
    let new = |id: &str| format!(r#""type":"order_new","order":"{id}","side":"buy","price":"99.98","qty":"1""#);
    let cancel = |id: &str| format!(r#""type":"order_cancel","order":"{id}","reason":"user""#);
    for second in (0..1_500).chain(1_800..2_000) {
        if second == 1_800 {
            seq = begins.map_or(seq, |first| first - 1);
        }
        let id = second.to_string();
        send(second * 1_000, &mut seq, new(&id));
        send(second * 1_000 + apart_millis, &mut seq, cancel(&id));
    }
    for nth in 0..400 {
        send(2_000_000 + nth * apart_millis, &mut seq, new(&format!("b{nth}")));
    }
    for nth in 0..400 {
        send(2_003_000 + nth * apart_millis, &mut seq, cancel(&format!("b{nth}")));
    }
    send(2_010_000, &mut seq, new("last"));
    lines
}

#[test]
fn nothing_of_a_sequence_that_begins_again_is_lost() {
    for apart_millis in [0, 5] {
        let control = replay(sessions(None, apart_millis));
        let burst = detected(&control, "cancel_burst");
        assert_eq!(burst.len(), 1, "{burst:?}");
        for begins in [1, 100, 2_998] {
            let lines = sessions(Some(begins), apart_millis);
            let total = lines.len() as u64;
            let found = replay(lines);
            assert_eq!(detected(&found, "cancel_burst"), burst, "begins with {begins}");
            assert_eq!(found.fates(), [total, 0, 0, 0, 0], "begins with {begins}");
            assert_eq!((found.counters().restarts, found.counters().gaps), (1, 0), "begins with {begins}");
        }
    }
}

#[test]
fn the_symbols_beyond_those_listed_are_one_that_shows_the_worst_of_them() {
    let book = |symbol: &str, kind: &str, bid: &str, nth: i64| {
        let ts = START + nth * SECOND;
        format!(r#"{{"type":"book_{kind}","ts":{ts},"symbol":"{symbol}","bids":[["{bid}","1"]],"asks":[["101","1"]]}}"#)
    };
    let lines = [
        book("A", "snapshot", "99", 0),
        book("A", "delta", "100", 1),
        book("A", "delta", "99.5", 2),
        book("B", "delta", "99", 2),
        book("C", "snapshot", "99", 2),
    ];
    let books = replay(lines).engine.symbols(1);
    assert_eq!(books.listed.len(), 1);
    let (name, reading) = &books.listed[0];
    let spread = reading.spread_bps.map(f64::round);
    assert_eq!((name.as_str(), reading.is_usable, spread), ("A", Some(true), Some(100.0)));
    let others = books.others.unwrap();
    assert_eq!((others.is_usable, others.spread_bps.map(f64::round)), (Some(false), Some(200.0)));
    assert_eq!((books.usable, books.unusable), (2, [1, 0, 0]), "B has no snapshot");
}

#[test]
fn the_inputs_of_the_field_give_what_is_right() {
    let thin = START + 14_583 * SECOND;
    let burst = START + 2_003 * SECOND;
    for (folder, name, detector, expected) in [
        ("l2-crossed-for-three-seconds", "control.jsonl.zst", "thin_book", thin),
        ("l2-crossed-for-three-seconds", "input.jsonl.zst", "thin_book", thin),
        ("snapshot-behind-stream", "control.jsonl.zst", "thin_book", thin),
        ("snapshot-behind-stream", "input.jsonl.zst", "thin_book", thin),
        ("snapshot-behind-stream", "input-receive-time.jsonl.zst", "thin_book", thin),
        ("l3-with-one-book-snapshot", "input.jsonl.zst", "thin_book", thin),
        ("sequence-begins-again-shared-ms", "control.jsonl.zst", "cancel_burst", burst),
        ("sequence-begins-again-shared-ms", "input.jsonl.zst", "cancel_burst", burst),
        ("pass-sequence-begins-again-distinct-times", "input.jsonl.zst", "cancel_burst", burst),
    ] {
        let Some(lines) = field(folder, name) else { continue };
        let total = lines.len() as u64;
        let found = replay(lines);
        let seconds: Vec<i64> = detected(&found, detector).iter().map(|at| at.nanos() / SECOND).collect();
        println!(
            "{folder}/{name}: {detector} {seconds:?}, fates {:?}, restarts {}, gaps {}, faults {:?}",
            found.fates(),
            found.counters().restarts,
            found.counters().gaps,
            found.counters().book_faults
        );
        assert_eq!(seconds, [expected / SECOND], "{folder}/{name}");
        assert_eq!(found.fates(), [total, 0, 0, 0, 0], "{folder}/{name}: nothing is late");
        assert_eq!(found.counters().book_faults[BROKEN], 0, "{folder}/{name}");
    }
}
