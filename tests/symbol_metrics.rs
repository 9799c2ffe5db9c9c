//! Metrics of symbols: what they show, their bounded labels, and the size of a scrape at a venue of 3,000 symbols.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/lines.rs"]
mod lines;

use std::collections::{BTreeMap, BTreeSet};

use foreshock::app::metrics::{ALL, Numbers, text};
use foreshock::engine::Engine;
use lines::replay;
use rustix::time::{ClockId, clock_gettime};

/// 2025-10-09, on a whole minute.
const START: i64 = 1_760_000_400;
/// The default of `metrics.symbols_max`.
const SYMBOLS_MAX: usize = 300;
/// The most bytes of a scrape that is asked for every few seconds.
const BYTES_MAX: usize = 1_000_000;
/// The most processor time of a scrape, five times the 20 ms that are meant: tests are built with little optimisation.
const CPU_MAX: f64 = 0.1;

fn line(millis: i64, kind: &str, fields: &str) -> String {
    format!(r#"{{"type":"{kind}","ts":{}000000,{fields}}}"#, START * 1_000 + millis)
}

/// A book with a side of 99, 9,900 of notional, and a thinner one of 101, of so many lots.
fn snapshot(millis: i64, symbol: &str, lots: i64) -> String {
    let fields = format!(r#""symbol":"{symbol}","bids":[["99.99",99]],"asks":[["100.01","{lots}"]]"#);
    line(millis, "book_snapshot", &fields)
}

fn trade(millis: i64, symbol: &str) -> String {
    line(millis, "trade", &format!(r#""symbol":"{symbol}","trade":"t{millis}","price":"100","qty":1,"side":"buy""#))
}

/// The series of a scrape by name and labels.
fn scrape(engine: &Engine, symbols_max: usize) -> BTreeMap<String, f64> {
    let text = text(&Numbers::of(engine, symbols_max, 0), None).unwrap();
    let series = text.lines().filter(|line| !line.starts_with('#'));
    series.map(|line| line.rsplit_once(' ').unwrap()).map(|(name, n)| (name.to_owned(), n.parse().unwrap())).collect()
}

/// Books of several symbols with a snapshot each second, the later ones thinner, and one trade a second until the last
/// ten seconds, which have ten.
fn venue() -> Engine {
    let names = ["A", "B", "C", "other"];
    let seconds = 0..1_200;
    let flow = seconds.flat_map(|second| {
        let books = (1..).zip(names).map(move |(nth, name)| snapshot(second * 1_000 + nth, name, 50 - nth * 10));
        let trades = if second < 1_190 { 1 } else { 10 };
        books.chain((0..trades).map(move |nth| trade(second * 1_000 + 100 + nth * 50, "A")))
    });
    replay(flow).engine
}

#[test]
fn a_symbol_shows_its_depth_its_spread_and_its_pace_and_the_others_show_the_worst_of_them() {
    let series = scrape(&venue(), 2);
    let of = |name: &str| series.get(name).copied();
    assert_eq!(of(r#"foreshock_book_usable{symbol="A"}"#), Some(1.0));
    let spread = of(r#"foreshock_book_spread_bps{symbol="A"}"#).unwrap();
    assert!((spread - 2.0).abs() < 1e-9, "{spread}");
    let depth = |symbol: &str| of(&format!(r#"foreshock_depth_notional{{band_bps="5",symbol="{symbol}"}}"#)).unwrap();
    assert!((depth("A") - 100.01 * 40.0).abs() < 1e-6, "{}", depth("A"));
    // C and the symbol that is called like the others.
    assert!((depth("other") - 100.01 * 10.0).abs() < 1e-6, "{}", depth("other"));
    let pace = of(r#"foreshock_pace_ratio{flow="trades",symbol="A"}"#).unwrap();
    assert!((8.0..=10.0).contains(&pace), "ten times the usual, of which a part is learned: {pace}");
    assert_eq!(of(r#"foreshock_pace_ratio{flow="cancels",symbol="A"}"#), None, "none has come");
    assert_eq!(of("foreshock_thin_share"), None, "too few symbols");
}

#[test]
fn a_venue_of_3_000_symbols_has_bounded_labels_and_a_small_scrape() {
    let names: Vec<String> = (0..3_000).map(|nth| format!("INSTRUMENT-{nth:04}-PERPETUAL")).collect();
    let round = |minute: i64| {
        names.iter().zip(0..).flat_map(move |(name, nth)| {
            let at = minute * 60_000 + nth * 20;
            [snapshot(at, name, 40), trade(at + 1, name)]
        })
    };
    let engine = replay((0..18).flat_map(round)).engine;
    let scrape_text = || text(&Numbers::of(&engine, SYMBOLS_MAX, 0), None).unwrap();
    let whole = scrape_text();
    assert!(whole.len() <= BYTES_MAX, "{} bytes", whole.len());
    let label = |line: &str| Some(line.split_once("symbol=\"")?.1.split_once('"')?.0.to_owned());
    let mut symbols: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for line in whole.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        symbols.entry(name).or_default().extend(label(line));
    }
    for name in ["book_usable", "book_spread_bps", "depth_notional", "pace_ratio"] {
        let symbols = &symbols[format!("foreshock_{name}").as_str()];
        assert!(symbols.len() == SYMBOLS_MAX + 1 && symbols.contains("other"), "{name}: {} symbols", symbols.len());
    }
    let cpu = || {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
    };
    let began = cpu();
    let runs = 5;
    (0..runs).for_each(|_| assert_eq!(scrape_text().len(), whole.len()));
    let each = (cpu() - began) / f64::from(runs);
    assert!(each <= CPU_MAX, "{each} s of the processor for a scrape");
}

#[test]
fn no_metric_has_a_label_for_an_account_or_an_owner() {
    for metric in ALL {
        let party = metric.labels.iter().find(|label| ["account", "owner", "order", "incident"].contains(label));
        assert_eq!(party, None, "{}", metric.name);
    }
}
