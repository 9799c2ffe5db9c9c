//! Prices at and below zero, as spreads between contracts have them every day: books and counts work, and what is in basis points
//! or logarithms pauses and says so.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/lines.rs"]
mod lines;

use foreshock::{
    detect::{CoverageState, Detector},
    engine::{Covered, Fate},
    time::EventTime,
};
use lines::{Replayed, replay};
use proptest::prelude::*;

/// 2025-10-09, on a whole minute.
const START: i64 = 1_760_000_400;

fn counts(found: &Replayed, detector: Detector, state: CoverageState) -> u64 {
    found.engine.coverage().of((detector, Covered::Symbol))[state as usize]
}

fn opened(found: &Replayed) -> Vec<(Vec<Detector>, EventTime)> {
    let opened = found.alerts.iter().filter(|alert| alert.revision == 1);
    opened.map(|alert| (alert.detectors.clone(), alert.detected_at)).collect()
}

fn line(millis: i64, kind: &str, fields: &str) -> String {
    format!(r#"{{"type":"{kind}","ts":{},{fields}}}"#, START * 1_000_000_000 + millis * 1_000_000)
}

/// Cents as a price.
fn price(cents: i64) -> String {
    format!("{}{}.{:02}", if cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100)
}

/// Half an hour of a symbol whose prices lie around so many cents, with a burst of cancels and one of trades.
fn around(cents: i64) -> impl Iterator<Item = String> {
    (0..18_000_i64).flat_map(move |tenth| {
        let symbol = r#""symbol":"CLK0-CLM0""#;
        let (side, at) = if tenth % 20 < 10 { ("buy", cents - 1) } else { ("sell", cents + 1) };
        let order = |n: i64| {
            let new = format!(r#"{symbol},"order":"o{tenth}-{n}","side":"{side}","price":"{}","qty":2"#, price(at));
            let cancel = format!(r#"{symbol},"order":"o{tenth}-{n}""#);
            [line(100 * tenth, "order_new", &new), line(100 * tenth + 50, "order_cancel", &cancel)]
        };
        let trade = |n: i64| {
            let fields = format!(r#"{symbol},"trade":"t{tenth}-{n}","price":"{}","qty":1,"side":"sell""#, price(cents));
            line(100 * tenth + 60 + n, "trade", &fields)
        };
        let (orders, trades) = match tenth {
            12_000..12_100 => (4, 0),
            15_000..15_100 => (0, 4),
            _ => (i64::from(tenth % 10 == 0), i64::from(tenth % 20 == 0)),
        };
        let rests = (tenth == 0).then(|| {
            [("buy", cents - 2), ("sell", cents + 2)].map(|(side, at)| {
                let fields = format!(r#"{symbol},"order":"{side}","side":"{side}","price":"{}","qty":5"#, price(at));
                line(0, "order_new", &fields)
            })
        });
        let all: Vec<String> =
            rests.into_iter().flatten().chain((0..orders).flat_map(order)).chain((0..trades).map(trade)).collect();
        all
    })
}

#[test]
fn bursts_are_found_at_any_price_and_depth_and_spread_say_that_they_pause() {
    let above = replay(around(1_750));
    assert_eq!(opened(&above).len(), 2, "{:?}", opened(&above));
    for cents in [-1_750, 0, 2] {
        let below = replay(around(cents));
        assert_eq!(opened(&below), opened(&above), "around {cents}");
        assert_eq!(below.engine.fates()[0].of(Fate::Rejected), 0);
        for detector in [Detector::ThinBook, Detector::SpreadWidening] {
            assert_eq!(counts(&below, detector, CoverageState::PriceNotPositive), 1, "{detector:?} around {cents}");
            assert_eq!(counts(&above, detector, CoverageState::PriceNotPositive), 0);
        }
        assert_eq!(counts(&below, Detector::OneSidedBook, CoverageState::Judged), 1);
        assert_eq!(below.engine.coverage().not_priced(), Some("CLK0-CLM0"));
        let books = below.engine.symbols(10);
        assert_eq!(
            (books.usable, books.listed[0].1.spread_bps),
            (1, None),
            "usable, and without a spread in basis points"
        );
    }
}

#[test]
fn an_account_with_a_position_below_zero_has_no_leverage_and_can_be_insolvent() {
    let flow = |mark: &str, equity: &str| {
        let lines = [
            line(0, "mark", &format!(r#""symbol":"S","mark":"{mark}""#)),
            line(10, "position", r#""account":"a","symbol":"S","qty":"-5","entry":"-1""#),
            line(20, "balance", &format!(r#""account":"a","equity":"{equity}""#)),
        ];
        let beats = (1..6).map(|second| line(1_000 * second, "heartbeat", r#""producer":"p""#));
        replay(lines.into_iter().chain(beats))
    };
    let state = |found: &Replayed, detector| found.engine.coverage().of((detector, Covered::Account));
    let negative = flow("-2", "100");
    assert_eq!(state(&negative, Detector::LeverageJump)[CoverageState::PriceNotPositive as usize], 1);
    assert_eq!(state(&negative, Detector::Insolvent)[CoverageState::Judged as usize], 1);
    assert_eq!(state(&flow("2", "100"), Detector::LeverageJump)[CoverageState::WarmUp as usize], 1);
    for mark in ["-2", "2"] {
        let insolvent = flow(mark, "-3").alerts;
        assert!(insolvent.iter().any(|alert| alert.detectors == [Detector::Insolvent]), "at {mark}");
    }
}

/// Numbers that look random and are the same in each run.
struct Noise(u64);

impl Noise {
    fn below(&mut self, n: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap() % n
    }
}

/// Two and a half hours of a book from levels, of one from orders, of marks and of accounts, with prices that wander through zero.
fn wandering(seed: u64) -> Vec<String> {
    let (mut noise, mut middle, mut lines) = (Noise(seed), 5_i64, Vec::new());
    for (account, symbol, qty) in [("a", "L", "3"), ("b", "O", "-7")] {
        lines.push(line(
            0,
            "position",
            &format!(r#""account":"{account}","symbol":"{symbol}","qty":"{qty}","entry":"0""#),
        ));
        lines.push(line(0, "balance", &format!(r#""account":"{account}","equity":"2""#)));
    }
    for second in 0..9_000_i64 {
        middle = (middle + noise.below(5) - 2).clamp(-20, 40);
        let mut side = |sign: i64, n: i64| {
            let level = |k| (price(middle + sign * (1 + k)), 1 + noise.below(9));
            let levels: Vec<String> = (0..n).map(level).map(|(at, qty)| format!(r#"["{at}",{qty}]"#)).collect();
            levels.join(",")
        };
        let (bids, asks) = (side(-1, i64::from(second % 97 != 0) * 3), side(1, i64::from(second % 89 != 0) * 3));
        let at = 1_000 * second;
        lines.push(line(at, "book_snapshot", &format!(r#""symbol":"L","bids":[{bids}],"asks":[{asks}]"#)));
        let (buys, away) = (noise.below(2) == 0, noise.below(12) - 2);
        let order = format!(
            r#""symbol":"O","account":"b","order":"o{second}","side":"{}","price":"{}","qty":{}"#,
            if buys { "buy" } else { "sell" },
            price(if buys { middle - away } else { middle + away }),
            1 + noise.below(5)
        );
        lines.push(line(at + 10, "order_new", &order));
        lines.push(line(at + 20, "order_cancel", &format!(r#""symbol":"O","order":"o{}""#, second - noise.below(60))));
        if noise.below(4) == 0 {
            let trade = format!(
                r#""symbol":"{}","trade":"t{second}","price":"{}","qty":{},"side":"buy","taker":"a""#,
                if buys { "L" } else { "O" },
                price(middle),
                1 + noise.below(9)
            );
            lines.push(line(at + 30, "trade", &trade));
            lines.push(line(at + 40, "mark", &format!(r#""symbol":"L","mark":"{}""#, price(middle))));
            lines.push(line(at + 40, "mark", &format!(r#""symbol":"O","mark":"{}""#, price(-middle))));
        }
    }
    lines
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]
    #[test]
    fn prices_that_wander_through_zero_give_no_number_that_is_none(seed in any::<u64>()) {
        let found = replay(wandering(seed).into_iter());
        for signal in &found.signals {
            let finding = &signal.finding;
            let features = finding.features.iter().flat_map(|f| {
                [f.value, f.expected, f.low, f.high, f.p].into_iter().chain(f.would_not_fire_below)
            });
            for number in features.chain([finding.p, finding.statistic, finding.threshold.value]) {
                prop_assert!(number.is_finite(), "{signal:?}");
            }
        }
        for (symbol, reading) in &found.engine.symbols(10).listed {
            let spread = reading.spread_bps;
            prop_assert!(spread.is_none_or(|bps| bps.is_finite() && bps >= 0.0), "{symbol}: {spread:?}");
        }
        let coverage = found.engine.coverage();
        for row in foreshock::engine::Coverage::ROWS.iter().filter(|row| row.1 == Covered::Symbol) {
            prop_assert_eq!(coverage.of(*row).iter().sum::<u64>(), 2, "{:?}: each symbol is counted once", row.0);
        }
    }
}
