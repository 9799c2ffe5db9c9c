//! The adapter on a thousand real blocks of Hyperliquid, and `replay --format hyperliquid`.
#![cfg(feature = "app")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/recordings.rs"]
mod recordings;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    process::Command,
};

use foreshock::{
    adapt::Format,
    app::files::LineReader,
    event::{Body, DecodeLimits},
};
use serde_json::Value;

fn file() -> Option<PathBuf> {
    recordings::find("hyperliquid-fills-2025-10-27/node_fills_by_block_1000blocks.jsonl.gz")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap()
}

#[test]
#[expect(clippy::wildcard_enum_match_arm, reason = "the others are only counted")]
fn two_fills_make_a_trade_and_a_position_equals_the_start_of_the_next_fill() {
    let Some(file) = file() else { return };
    let mut adapter = Format::Hyperliquid.adapter(&[], None, DecodeLimits::default()).unwrap().unwrap();
    let mut reader = LineReader::open(&[file]).unwrap();
    let (mut blocks, mut fills, mut tids) = (0, 0, BTreeSet::new());
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut positions, mut compared) = (BTreeMap::new(), 0);
    let mut liquidated = Vec::new();
    let (mut events, mut times) = (Vec::new(), Vec::new());
    while let Some(line) = reader.next_line().unwrap() {
        blocks += 1;
        let block: Value = serde_json::from_slice(line.bytes).unwrap();
        let mut seen = BTreeSet::new();
        for event in block["events"].as_array().unwrap() {
            let (wallet, fill) = (event[0].as_str().unwrap(), &event[1]);
            fills += 1;
            tids.insert(fill["tid"].as_u64().unwrap());
            let key = (wallet.to_owned(), text(fill, "coin").to_owned());
            let start: f64 = text(fill, "startPosition").parse().unwrap();
            if seen.insert(key.clone())
                && let Some(position) = positions.remove(&key)
            {
                let position: f64 = position;
                assert!((position - start).abs() <= start.abs() * 1e-12, "{key:?}: {position} {start}");
                compared += 1;
            }
        }
        let time = text(&block, "block_time").trim_end_matches('0');
        adapter.read(line.file, line.bytes, &mut events).unwrap();
        for event in events.drain(..) {
            *counts.entry(event.body.kind().name()).or_default() += 1;
            assert_eq!((event.ts.to_string().trim_end_matches('Z'), event.seq), (time, None));
            times.push(event.ts);
            let key =
                (event.account.as_deref().unwrap_or_default().to_owned(), event.symbol.as_deref().unwrap().to_owned());
            match &event.body {
                Body::Trade(trade) => {
                    assert!(trade.maker.is_some() && trade.taker.is_some() && trade.side.is_some());
                    liquidated.extend(trade.liquidation.filter(|forced| *forced).map(|_| key.1));
                }
                Body::Position(position) => {
                    positions.insert(key, position.qty.to_f64());
                }
                _ => assert_eq!(key.1, "WLFI"),
            }
        }
    }
    assert_eq!((blocks, fills, tids.len()), (1_000, 7_282, 3_641));
    assert_eq!(liquidated, ["WLFI"]);
    // Counted independently: a wallet's fills in a perpetual end with a block 4,674 times, and in 1,604 of them no fill
    // shows the entry price.
    let expected = [("liquidation", 1), ("position", 3_070), ("trade", 3_641)];
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), expected);
    assert!(compared > 1_000, "{compared}");
    assert!(times.is_sorted());
    assert_eq!(adapter.forgotten(), 0);
}

#[test]
fn a_replay_has_a_fate_for_every_block() {
    let Some(file) = file() else { return };
    let output = Command::new(env!("CARGO_BIN_EXE_foreshock"))
        .args(["replay", "--format", "hyperliquid"])
        .arg(file)
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let expected = r#"{"records":1000,"accepted":1000,"rejected":0,"late":0,"duplicate":0,"shed":0,"#;
    assert!(stdout.starts_with(expected), "{stdout}");
}
