//! `convert lobster`, `replay --format lobster`, and the adapter on LOBSTER's real sample.
#![cfg(feature = "app")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/recordings.rs"]
mod recordings;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use foreshock::{
    adapt::Format,
    app::files::LineReader,
    event::{Body, Decimal, DecodeLimits, Level, Price},
};

const MESSAGE: &str = "AAPL_2012-06-21_34200000_57600000_message_10.csv";
const BOOK: &str = "AAPL_2012-06-21_34200000_57600000_orderbook_10.csv";

fn files() -> Option<[PathBuf; 2]> {
    let folder = recordings::find("lobster-aapl-2012-06-21")?;
    Some([MESSAGE, BOOK].map(|name| folder.join(name)))
}

fn foreshock(dir: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_foreshock")).args(args).current_dir(dir).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn two_files_that_are_no_pair_are_refused_with_advice() {
    let dir = tempfile::tempdir().unwrap();
    for name in [MESSAGE, BOOK, "messages.csv", "book.csv"] {
        let line =
            if name == MESSAGE { "34200,1,11,7,999000,1\n34201,3,11,7,999000,1\n" } else { "1001000,5,999000,7\n" };
        fs::write(dir.path().join(name), line).unwrap();
    }
    for (files, code, words) in [
        (&[MESSAGE][..], 64, "its book is missing: name `AAPL_2012-06-21_34200000_57600000_orderbook_10.csv` after it"),
        (&[MESSAGE, MESSAGE], 64, "expected the book of"),
        (&["messages.csv", "book.csv"], 64, "expected one like `AAPL_2012-06-21_"),
        (&[MESSAGE, BOOK], 65, "one ends after line 1"),
    ] {
        for command in [&["convert", "lobster"][..], &["replay", "--format", "lobster"]] {
            let out = if command[0] == "convert" { &["--out", "e.jsonl"][..] } else { &[] };
            let (found, _, stderr) = foreshock(dir.path(), &[command, files, out].concat());
            assert_eq!(found, Some(code), "{files:?}: {stderr}");
            assert!(stderr.lines().last().unwrap().starts_with("foreshock: ") && stderr.contains(words), "{stderr}");
        }
        assert!(!dir.path().join("e.jsonl").exists());
    }
}

/// A row of the book file: asks and bids, each from price in 10⁻⁴ to size.
fn row(line: &str) -> [BTreeMap<i64, i64>; 2] {
    let numbers: Vec<i64> = line.split(',').map(|number| number.trim().parse().unwrap()).collect();
    [0, 2].map(|at| numbers.chunks(4).map(|level| (level[at], level[at + 1])).collect())
}

/// A side of the book in the units of [`row`].
fn plain(book: &BTreeMap<Price, Decimal>) -> BTreeMap<i64, i64> {
    let whole = |number: Decimal, by: f64| format!("{:.0}", number.to_f64() * by).parse::<i64>().unwrap();
    book.iter().map(|(price, qty)| (whole(price.get(), 1e4), whole(*qty, 1.0))).collect()
}

#[test]
#[expect(clippy::wildcard_enum_match_arm, reason = "the others are only counted")]
fn the_events_of_the_sample_make_the_book_of_every_row() {
    let Some(files) = files() else { return };
    let names = files.each_ref().map(|path| path.display().to_string());
    let mut adapter = Format::Lobster.adapter(&names, None, DecodeLimits::default()).unwrap().unwrap();
    let mut reader = LineReader::open_abreast(&files, Format::Lobster.files_abreast()).unwrap();
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut bids, mut asks) = (BTreeMap::new(), BTreeMap::new());
    let (mut events, mut times, mut records) = (Vec::new(), Vec::new(), 0);
    while let Some(line) = reader.next_line().unwrap() {
        records += 1;
        adapter.read(line.file, line.bytes, &mut events).unwrap();
        for event in events.drain(..) {
            *counts.entry(event.body.kind().name()).or_default() += 1;
            times.push(event.ts);
            let changed = match &event.body {
                Body::BookSnapshot(book) => [(&book.bids, &mut bids), (&book.asks, &mut asks)],
                Body::BookDelta(delta) => [(&delta.bids, &mut bids), (&delta.asks, &mut asks)],
                _ => continue,
            };
            for (levels, side) in changed {
                for Level(price, qty) in levels {
                    if qty.is_zero() {
                        side.remove(price)
                    } else {
                        side.insert(*price, *qty)
                    };
                }
            }
        }
        let book = std::str::from_utf8(line.bytes).unwrap().lines().nth(1).unwrap();
        assert_eq!([plain(&asks), plain(&bids)], row(book), "row {records}");
        assert!(bids.last_key_value().unwrap().0 < asks.first_key_value().unwrap().0, "row {records}");
    }
    // Counted independently, by type: 471 submissions, 369 deletions, 98 visible and 61 hidden executions. 937 rows
    // differ from the one before.
    assert_eq!(records, 999);
    let expected =
        [("book_delta", 937), ("book_snapshot", 1), ("order_cancel", 369), ("order_new", 471), ("trade", 159)];
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), expected);
    assert!(times.is_sorted());
    assert_eq!(times[0].to_string(), "2012-06-21T13:30:00.004241176Z");
    assert_eq!(times.last().unwrap().to_string(), "2012-06-21T13:30:49.086375027Z");
}

#[test]
fn a_replay_has_a_fate_for_every_pair_of_lines() {
    let Some(files) = files() else { return };
    let [message, book] = files.each_ref().map(|path| path.to_str().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let (code, stdout, stderr) = foreshock(dir.path(), &["replay", "--format", "lobster", message, book]);
    assert_eq!(code, Some(0), "{stderr}");
    let expected = r#"{"records":999,"accepted":999,"rejected":0,"late":0,"duplicate":0,"shed":0,"#;
    assert!(stdout.starts_with(expected), "{stdout}");
}
