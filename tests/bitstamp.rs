//! `convert bitstamp`, and the adapter on five hours of the real feed.
#![cfg(feature = "app")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/recordings.rs"]
mod recordings;

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use foreshock::{
    adapt::Format,
    app::files::LineReader,
    event::{Body, BookSnapshot, CancelReason, Decimal, DecodeLimits, Event, Level, Side},
};

const LINES: &str = concat!(
    "1430000000000 order_created {\"price\": \"236\", \"amount\": \"2\", \"id\": 7, \"order_type\": 0}\n",
    "no line of the feed\n",
    "1430000000100 order_deleted {\"price\": \"236\", \"amount\": \"2\", \"id\": 7, \"order_type\": 0}\n",
);

fn convert(dir: &Path, args: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } =
        Command::new(env!("CARGO_BIN_EXE_foreshock")).arg("convert").args(args).current_dir(dir).output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[test]
fn a_line_that_cannot_be_used_is_reported_and_the_others_are_converted() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.log"), LINES).unwrap();
    let (code, stderr) = convert(dir.path(), &["bitstamp", "a.log", "--out", "e.jsonl.gz", "--symbol", "X"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("a.log:2: rejected: not_in_format"), "{stderr}");
    assert!(stderr.contains("3 lines, 1 rejected, 2 events: order_new 1, order_cancel 1"), "{stderr}");
    // The command reads what it writes, compressed or not.
    let (code, stderr) = convert(dir.path(), &["events", "e.jsonl.gz", "--out", "again.jsonl"]);
    assert_eq!(code, Some(0), "{stderr}");
    let again = fs::read_to_string(dir.path().join("again.jsonl")).unwrap();
    assert_eq!(again.lines().count(), 2, "{again}");
    assert!(again.contains(r#""symbol":"X""#), "{again}");
}

#[test]
fn a_failed_conversion_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("noise.log"), "noise\nnoise\n").unwrap();
    fs::write(dir.path().join("cut.log.xz"), [0xfd, b'7', b'z', b'X', b'Z', 0, 0]).unwrap();
    for (file, words) in [("noise.log", "format"), ("cut.log.xz", "line 1"), ("nowhere.log", "nowhere.log")] {
        let (code, stderr) = convert(dir.path(), &["bitstamp", file, "--out", "e.jsonl"]);
        assert_eq!(code, Some(65), "{file}: {stderr}");
        assert!(stderr.lines().last().unwrap().starts_with("foreshock: ") && stderr.contains(words), "{stderr}");
        assert!(!dir.path().join("e.jsonl").exists(), "{file}");
    }
    fs::write(dir.path().join("a.log"), LINES).unwrap();
    assert_eq!(convert(dir.path(), &["bitstamp", "a.log", "--out", "e.jsonl.xz"]).0, Some(64));
}

#[test]
fn a_reader_of_standard_output_that_goes_away_is_no_failure() {
    let dir = tempfile::tempdir().unwrap();
    let line = "1430000000000 order_book {\"bids\": [[\"236\", \"2\"]], \"asks\": []}\n";
    fs::write(dir.path().join("a.log"), line.repeat(20_000)).unwrap();
    for args in [&["schema", "events"][..], &["convert", "bitstamp", "a.log", "--out", "-"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_foreshock"))
            .args(args)
            .current_dir(dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// The book that orders alone make, and the fate of every unit that was ordered.
#[derive(Default)]
struct Ledger {
    orders: BTreeMap<String, (Side, Decimal, Decimal)>,
    created: Decimal,
    replaced_away: Decimal,
    cancelled: Decimal,
    filled: Decimal,
    events: BTreeMap<&'static str, u64>,
    cancels_by_venue: u64,
    trades_of_two: u64,
    /// Levels of the venue's own snapshots: all, and those that differ from the book of the orders.
    levels: (u64, u64),
}

impl Ledger {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the adapter makes no other types")]
    fn take(&mut self, event: &Event<'_>) {
        *self.events.entry(event.body.kind().name()).or_default() += 1;
        match &event.body {
            Body::OrderNew(new) => {
                let order = (new.side, new.price.unwrap().get(), new.qty.get());
                self.created = self.created.plus(order.2);
                assert!(self.orders.insert(new.order.to_string(), order).is_none(), "{event:?}");
            }
            Body::OrderReplace(replace) => {
                let (_, price, qty) = self.orders.get_mut(&*replace.order).unwrap();
                self.replaced_away = self.replaced_away.plus(qty.minus(replace.qty.get()));
                (*price, *qty) = (replace.price.get(), replace.qty.get());
            }
            Body::OrderCancel(cancel) => {
                self.cancels_by_venue += u64::from(cancel.reason == Some(CancelReason::System));
                if let Some((_, _, qty)) = self.orders.remove(&*cancel.order) {
                    assert_eq!(Some(qty), cancel.qty.map(foreshock::event::Quantity::get), "{event:?}");
                    self.cancelled = self.cancelled.plus(qty);
                }
            }
            Body::Trade(trade) => {
                self.trades_of_two += u64::from(trade.maker_order.is_some() && trade.taker_order.is_some());
                for order in [&trade.maker_order, &trade.taker_order].into_iter().flatten() {
                    self.fill(order, trade.qty.get());
                }
            }
            Body::BookSnapshot(book) => self.compare(book),
            other => panic!("{other:?}"),
        }
    }

    fn fill(&mut self, order: &str, by: Decimal) {
        let Some((_, _, qty)) = self.orders.get_mut(order) else { return };
        *qty = qty.minus(by);
        assert!(*qty >= Decimal::ZERO, "order {order} was filled by more than it had");
        self.filled = self.filled.plus(by);
        if qty.is_zero() {
            self.orders.remove(order);
        }
    }

    fn compare(&mut self, book: &BookSnapshot) {
        let mut ours: BTreeMap<(Side, Decimal), Decimal> = BTreeMap::new();
        for (side, price, qty) in self.orders.values() {
            let level = ours.entry((*side, *price)).or_insert(Decimal::ZERO);
            *level = level.plus(*qty);
        }
        for (side, levels) in [(Side::Buy, &book.bids), (Side::Sell, &book.asks)] {
            for Level(price, qty) in levels {
                self.levels.0 += 1;
                self.levels.1 += u64::from(ours.get(&(side, price.get())) != Some(qty));
            }
        }
    }
}

#[test]
fn every_unit_ordered_in_the_recording_is_accounted_for() {
    let Some(file) = recordings::find("bitstamp-l3-2015-05-01/2015-05-01.log.xz") else { return };
    let ledger = read(file);
    let count = |name: &str| ledger.events.get(name).copied().unwrap_or_default();
    // Of 24,894 lines `created`, 5 come after the order's deletion. Of 24,918 lines `deleted`, 580 are of orders with
    // nothing left and 21 come twice. Of 602 lines `changed`, 36 set another price; the others are fills.
    assert_eq!(count("order_new"), 24_889);
    assert_eq!(count("order_cancel"), 24_317);
    assert_eq!(count("order_replace"), 36);
    assert_eq!((count("trade"), ledger.trades_of_two), (575, 575));
    assert_eq!(count("book_snapshot"), 5_011);
    assert_eq!(ledger.cancels_by_venue, 4);
    // Created = replaced away + cancelled + filled + resting at the end, to the last of 8 digits.
    let rests = ledger.orders.values().fold(Decimal::ZERO, |sum, (_, _, qty)| sum.plus(*qty));
    let gone = ledger.replaced_away.plus(ledger.cancelled).plus(ledger.filled);
    assert_eq!(gone.plus(rests), ledger.created);
    // The orders make the venue's own book, except for orders from before the recording: a tenth of the levels.
    let (all, other) = ledger.levels;
    assert_eq!(all, 200_440);
    assert!(other < 22_000, "{other} levels of {all} are not the venue's");
}

fn read(file: PathBuf) -> Ledger {
    let mut adapter = Format::Bitstamp.adapter(&[], None, DecodeLimits::default()).unwrap().unwrap();
    let mut reader = LineReader::open(&[file]).unwrap();
    let (mut ledger, mut events, mut lines) = (Ledger::default(), Vec::new(), 0);
    while let Some(line) = reader.next_line().unwrap() {
        lines += 1;
        adapter.read(line.file, line.bytes, &mut events).unwrap();
        events.drain(..).for_each(|event| ledger.take(&event));
    }
    adapter.finish(&mut events);
    events.drain(..).for_each(|event| ledger.take(&event));
    assert_eq!(lines, 56_000);
    ledger
}
