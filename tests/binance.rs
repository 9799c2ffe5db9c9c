//! The adapter on eight minutes of Binance's real frames, and `replay --format binance`.
#![cfg(feature = "app")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/recordings.rs"]
mod recordings;

use std::{collections::BTreeMap, path::PathBuf, process::Command};

use foreshock::{
    adapt::Format,
    app::files::LineReader,
    event::{Body, Decimal, DecodeLimits, Event, Level, LiquidationPhase, Price, Side},
};

fn file(day: &str) -> Option<PathBuf> {
    recordings::find(&format!("binance-perp-2023-04/usdm_btcusdt_{day}.dat.gz"))
}

/// The book that snapshots and deltas make, and the number of events of each type.
#[derive(Default)]
struct Ledger {
    records: u64,
    events: BTreeMap<&'static str, u64>,
    bids: BTreeMap<Price, Decimal>,
    asks: BTreeMap<Price, Decimal>,
    seq: Option<u64>,
    snapshot: bool,
    off_market: Vec<(LiquidationPhase, Side, String)>,
    span: Option<(String, String)>,
}

impl Ledger {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others are only counted")]
    fn take(&mut self, event: &Event<'_>) {
        *self.events.entry(event.body.kind().name()).or_default() += 1;
        assert_eq!(event.symbol.as_deref(), Some("BTCUSDT"));
        match &event.body {
            Body::BookSnapshot(book) => {
                (self.bids, self.asks) = (BTreeMap::new(), BTreeMap::new());
                self.snapshot = true;
                self.apply(&book.bids, &book.asks);
                self.seq = event.seq;
            }
            Body::BookDelta(delta) => {
                // No delta is missing, and only deltas that are older than the snapshot may overlap it.
                assert!(
                    self.seq.is_none_or(|seq| delta.prev_seq.unwrap() <= seq && event.seq.unwrap() > seq),
                    "{event:?}"
                );
                self.seq = event.seq;
                self.apply(&delta.bids, &delta.asks);
                let time = event.ts.to_string();
                self.span = Some((self.span.take().map_or(time.clone(), |(first, _)| first), time));
            }
            Body::Liquidation(forced) => {
                assert_eq!(event.seq, None);
                self.off_market.push((forced.phase, forced.side, forced.price.unwrap().to_string()));
            }
            _ => assert_eq!(event.seq, None, "{event:?}"),
        }
    }

    fn apply(&mut self, bids: &[Level], asks: &[Level]) {
        for (levels, side) in [(bids, &mut self.bids), (asks, &mut self.asks)] {
            for Level(price, qty) in levels {
                if qty.is_zero() {
                    side.remove(price)
                } else {
                    side.insert(*price, *qty)
                };
            }
        }
        if self.snapshot {
            let (bid, ask) = self.best();
            assert!(bid < ask, "{bid} {ask}");
        }
    }

    fn best(&self) -> (Price, Price) {
        (*self.bids.last_key_value().unwrap().0, *self.asks.first_key_value().unwrap().0)
    }
}

fn read(files: &[PathBuf]) -> Ledger {
    let mut adapter = Format::Binance.adapter(&[], None, DecodeLimits::default()).unwrap().unwrap();
    let mut reader = LineReader::open(files).unwrap();
    let (mut ledger, mut events) = (Ledger::default(), Vec::new());
    while let Some(line) = reader.next_line().unwrap() {
        ledger.records += 1;
        adapter.read(line.file, line.bytes, &mut events).unwrap();
        events.drain(..).for_each(|event| ledger.take(&event));
    }
    adapter.finish(&mut events);
    assert!(events.is_empty());
    assert_eq!(adapter.forgotten(), 0);
    ledger
}

fn counts(ledger: &Ledger) -> Vec<(&'static str, u64)> {
    ledger.events.iter().map(|(kind, n)| (*kind, *n)).collect()
}

#[test]
fn a_book_over_two_files_is_never_crossed_from_its_snapshot_on() {
    let (Some(first), Some(second)) = (file("20230404"), file("20230405")) else { return };
    let ledger = read(std::slice::from_ref(&first));
    // Counted independently, by the frames' `e` and `X`; 6,765 frames are `bookTicker`.
    assert_eq!(ledger.records, 13_384);
    let expected = [("book_delta", 4_322), ("book_snapshot", 1), ("funding", 99), ("mark", 99), ("trade", 2_197)];
    assert_eq!(counts(&ledger), expected);
    let best = ledger.best();
    assert_eq!((best.0.to_string(), best.1.to_string()), ("28155.1".to_owned(), "28155.2".to_owned()));

    let ledger = read(&[first, second]);
    assert_eq!(ledger.records, 13_384 + 60_381);
    let expected = [
        ("book_delta", 4_322 + 11_788),
        ("book_snapshot", 1),
        ("funding", 99 + 415),
        ("liquidation", 1),
        ("mark", 99 + 415),
        ("trade", 2_197 + 10_737),
    ];
    assert_eq!(counts(&ledger), expected);
    assert_eq!(ledger.off_market, [(LiquidationPhase::Insurance, Side::Sell, "28722.5".to_owned())]);
    let best = ledger.best();
    assert_eq!((best.0.to_string(), best.1.to_string()), ("28140.1".to_owned(), "28140.2".to_owned()));
    let (first, last) = ledger.span.unwrap();
    assert_eq!(first, "2023-04-04T23:58:20.586Z");
    assert!(last.starts_with("2023-04-05T00:06:5"), "{last}");
}

#[test]
fn a_replay_has_a_fate_for_every_frame() {
    let Some(file) = file("20230404") else { return };
    let output = Command::new(env!("CARGO_BIN_EXE_foreshock"))
        .args(["replay", "--format", "binance"])
        .arg(file)
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let expected = r#"{"records":13384,"accepted":13384,"rejected":0,"late":0,"duplicate":0,"shed":0,"#;
    assert!(stdout.starts_with(expected), "{stdout}");
}
