//! Formats as venues and archives send them: `replay` and `convert` read each of them, and name a file that is another.
//!
//! The inputs are written here, in the forms that recordings were reported to have. Each has a twin in a form that was
//! always read, and both must give the same events.
#![cfg(feature = "app")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    os::raw::c_char,
    path::Path,
    process::{Command, Output},
};

use dbn::{
    MboMsg, Metadata, RecordHeader, SType, Schema,
    encode::{DbnEncoder, EncodeRecord as _},
    rtype,
};
use serde_json::Value;

/// 2025-10-20T22:40:00Z in milliseconds.
const T: u64 = 1_761_000_000_000;

#[track_caller]
fn exits(dir: &Path, args: &[&str], code: i32) -> (String, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_foreshock")).args(args).current_dir(dir).output();
    let Output { status, stdout, stderr } = run.unwrap();
    let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert_eq!(status.code(), Some(code), "{args:?}\n{stdout}\n{stderr}");
    (stdout, stderr)
}

/// Converts lines of a format, and returns the event lines.
#[track_caller]
fn events(format: &str, lines: &[String]) -> String {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("in.log"), lines.join("\n")).unwrap();
    exits(dir.path(), &["convert", format, "in.log", "--out", "out.jsonl"], 0);
    fs::read_to_string(dir.path().join("out.jsonl")).unwrap()
}

/// Replays a file, and returns the records that were read and those that were accepted.
#[track_caller]
fn replayed(dir: &Path, args: &[&str]) -> (u64, u64) {
    let (stdout, _) = exits(dir, &[&["replay"], args].concat(), 0);
    let summary: Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
    (summary["records"].as_u64().unwrap(), summary["accepted"].as_u64().unwrap())
}

/// Ten frames of depth and trades in turn.
fn binance(symbol: &str) -> Vec<String> {
    let depth = |i: u64| {
        let (at, first, last, before) = (T + i, 100 + 10 * i, 109 + 10 * i, 99 + 10 * i);
        format!(
            r#"{{"stream":"x@depth@100ms","data":{{"e":"depthUpdate","E":{at},"T":{at},"s":"{symbol}","U":{first},"u":{last},"pu":{before},"b":[["0.1812","1500"]],"a":[["0.1813","900"]]}}}}"#
        )
    };
    let trade = |i: u64| {
        let at = T + i;
        format!(
            r#"{{"e":"aggTrade","E":{at},"a":{i},"s":"{symbol}","p":"0.1812","q":"12","f":1,"l":1,"T":{at},"m":true}}"#
        )
    };
    (0..5).flat_map(|i| [depth(i), trade(i)]).collect()
}

#[test]
fn the_time_before_a_binance_frame_may_have_any_form() {
    let frames = binance("XYZUSDT");
    let with = |received: &str| -> Vec<String> { frames.iter().map(|frame| format!("{received}{frame}")).collect() };
    let usual = events("binance", &with("1761000000008000000 "));
    assert_eq!(usual.lines().count(), 10);
    for received in ["2025-10-20T22:40:00.0081234Z ", "1761000000.008 ", "1761000000008\t", "recv ", ""] {
        assert_eq!(events("binance", &with(received)), usual, "{received:?}");
    }
}

#[test]
fn a_symbol_with_escapes_is_the_symbol() {
    let plain: Vec<String> = binance("龙蛋USDT").iter().map(|frame| format!("1 {frame}")).collect();
    let escaped: Vec<String> = plain.iter().map(|frame| frame.replace("龙蛋", "\\u9f99\\u86cb")).collect();
    assert_ne!(plain, escaped);
    let events_of_plain = events("binance", &plain);
    assert!(events_of_plain.contains("龙蛋USDT"), "{events_of_plain}");
    assert_eq!(events("binance", &escaped), events_of_plain);
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.log"), escaped.join("\n")).unwrap();
    assert_eq!(replayed(dir.path(), &["--format", "binance", "a.log"]), (10, 10));
}

#[test]
fn bitstamps_frames_and_its_older_lines_give_the_same_events() {
    let order = |id: u64, event: &str, micros: u64, amount: &str| {
        let data = format!(
            r#"{{"id":{id},"id_str":"{id}","order_type":0,"datetime":"1761000000","microtimestamp":"{micros}","amount":{amount},"amount_str":"{amount}","amount_traded":"0","amount_at_create":"0.25","price":42000,"price_str":"42000"}}"#
        );
        let old = format!("{} {event} {data}", micros / 1_000);
        (old, format!(r#"2025 {{"data":{data},"channel":"live_orders_btcusd","event":"{event}"}}"#))
    };
    let lines: Vec<_> = (0..6)
        .flat_map(|i| {
            let at = (T + i * 100) * 1_000;
            [order(1 << 50 | i, "order_created", at, "0.25"), order(1 << 50 | i, "order_deleted", at + 20_000, "0.25")]
        })
        .collect();
    let (old, new): (Vec<String>, Vec<String>) = lines.into_iter().unzip();
    let expected = events("bitstamp", &old);
    assert_eq!(expected.lines().count(), 12, "{expected}");
    assert_eq!(events("bitstamp", &new).replace("\"btcusd\"", "\"BTC-USD\""), expected);
}

#[test]
fn a_file_of_another_format_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let book = "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n\
                venue,X,1761000000000000,1761000000000500,true,bid,10,1\n";
    let lobster = "34200.004241176,1,16113575,18,5853300,1\n34200.1,3,16113575,18,5853300,1\n";
    let mut dbn = b"DBN\x03".to_vec();
    dbn.extend([0; 60]);
    for (file, bytes, words) in [
        ("a.dbn", dbn.as_slice(), "looks like databento dbn"),
        ("a.csv", book.as_bytes(), "`a.csv` looks like tardis csv (incremental_book_L2)"),
        ("a.txt", lobster.as_bytes(), "`a.txt` looks like lobster"),
        ("a", b"\x1f\x8b\x08\x00\x00", "looks like gzip data whose name does not end with `.gz`"),
        ("a.log", binance("X").join("\n").as_bytes(), "`a.log` looks like binance frames"),
    ] {
        fs::write(dir.path().join(file), bytes).unwrap();
        for format in ["events", "hyperliquid"] {
            let (_, stderr) = exits(dir.path(), &["replay", "--format", format, file], 65);
            assert!(stderr.lines().last().unwrap().contains(words), "{format} {file}: {stderr}");
            let (_, stderr) = exits(dir.path(), &["convert", format, file, "--out", "e.jsonl"], 65);
            assert!(stderr.lines().last().unwrap().contains(words), "{format} {file}: {stderr}");
        }
        assert!(!dir.path().join("e.jsonl").exists(), "{file}");
    }
}

#[test]
fn a_file_of_which_most_lines_are_refused_is_unusable_and_says_how_many_and_why() {
    let dir = tempfile::tempdir().unwrap();
    let good = |i: u64| format!(r#"{{"type":"heartbeat","ts":{}}}"#, (T + i) * 1_000_000);
    let write = |good_ones: u64, bad_ones: usize| {
        let lines = (0..good_ones).map(good).chain(vec!["noise".to_owned(); bad_ones]);
        fs::write(dir.path().join("a.jsonl"), lines.collect::<Vec<_>>().join("\n")).unwrap();
    };
    write(9, 11);
    let (stdout, stderr) = exits(dir.path(), &["replay", "a.jsonl", "--alerts", "alerts.jsonl"], 65);
    let summary: Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
    assert_eq!((summary["records"].as_u64(), summary["rejected"].as_u64()), (Some(20), Some(11)));
    let last = stderr.lines().last().unwrap();
    for words in ["11 of 20 were rejected", "11 of them are `not_json`", "the first is a.jsonl:10: not_json"] {
        assert!(last.contains(words), "{words}: {stderr}");
    }
    assert!(!dir.path().join("alerts.jsonl").exists());
    exits(dir.path(), &["convert", "events", "a.jsonl", "--out", "e.jsonl"], 65);
    for (good_ones, bad_ones) in [(10, 10), (2, 3)] {
        write(good_ones, bad_ones);
        exits(dir.path(), &["replay", "a.jsonl"], 0);
    }
}

/// The producer has renamed a field: nothing can be seen, and the alerts that say so are written.
#[test]
fn what_was_reported_of_an_unusable_input_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let order = |i: u64| {
        let ts = (T + 500 * i) * 1_000_000;
        format!(r#"{{"type":"order_new","ts":{ts},"symbol":"S","order":"o{i}","side":"buy","price":"9","size":"1"}}"#)
    };
    let beat = |i: u64| format!(r#"{{"type":"heartbeat","ts":{}}}"#, (T + 500 * i) * 1_000_000);
    let lines: Vec<String> = (0..60).flat_map(|i| [beat(i), order(i), order(i)]).collect();
    fs::write(dir.path().join("a.jsonl"), lines.join("\n")).unwrap();
    exits(dir.path(), &["replay", "a.jsonl", "--alerts", "alerts.jsonl"], 65);
    let alerts = fs::read_to_string(dir.path().join("alerts.jsonl")).unwrap();
    let first: Value = serde_json::from_str(alerts.lines().next().unwrap()).unwrap();
    assert_eq!((&first["severity"], &first["trust"]["mode"]), (&"critical".into(), &"blind".into()), "{first}");
    assert_eq!(first["trust"]["reasons"], serde_json::json!(["nothing_usable"]), "{first}");
}

#[test]
fn a_rounded_number_is_counted_and_reported() {
    let dir = tempfile::tempdir().unwrap();
    let trade =
        |price: &str| format!(r#"{{"type":"trade","ts":{T}000000,"symbol":"S","trade":"1","price":{price},"qty":1}}"#);
    fs::write(dir.path().join("a.jsonl"), [trade("1.2345678901234567e-12"), trade("0.30000000000000004")].join("\n"))
        .unwrap();
    let (_, stderr) = exits(dir.path(), &["replay", "a.jsonl", "--metrics", "m.txt"], 0);
    assert!(stderr.contains("replay: 1 numbers had digits below 1e-23 and were rounded"), "{stderr}");
    let metrics = fs::read_to_string(dir.path().join("m.txt")).unwrap();
    assert!(metrics.contains("\nforeshock_numbers_rounded_total 1\n"), "{metrics}");
    let (_, stderr) = exits(dir.path(), &["convert", "events", "a.jsonl", "--out", "e.jsonl"], 0);
    assert!(stderr.contains("convert: 1 numbers"), "{stderr}");
}

#[test]
fn tardis_files_are_recognised_and_their_last_message_counts() {
    let dir = tempfile::tempdir().unwrap();
    let rows = [
        "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount",
        "venue,X,1761000000000000,1761000000000500,true,bid,10,1",
        "venue,X,1761000000000000,1761000000000500,true,ask,11,1",
        "venue,X,1761000000001000,1761000000001500,false,ask,11,0.30000000000000004",
    ];
    fs::write(dir.path().join("a.csv"), rows.join("\n")).unwrap();
    let (stdout, stderr) = exits(dir.path(), &["replay", "a.csv", "--metrics", "m.txt"], 0);
    assert!(stdout.contains(r#""records":3,"accepted":3"#), "{stdout}");
    assert!(
        stderr.contains("`a.csv` looks like tardis csv (incremental_book_L2): read with `--format tardis`"),
        "{stderr}"
    );
    let metrics = fs::read_to_string(dir.path().join("m.txt")).unwrap();
    for kind in ["book_snapshot", "book_delta"] {
        assert!(metrics.contains(&format!("foreshock_events_total{{type=\"{kind}\"}} 1\n")), "{metrics}");
    }
    assert_eq!(replayed(dir.path(), &["--format", "tardis", "a.csv"]), (3, 3));
}

#[test]
fn dbn_files_are_recognised_compressed_or_not() {
    let dir = tempfile::tempdir().unwrap();
    let metadata = Metadata::builder()
        .dataset("TEST.DATA")
        .schema(Some(Schema::Mbo))
        .start(T * 1_000_000)
        .stype_in(Some(SType::InstrumentId))
        .stype_out(SType::InstrumentId)
        .build();
    let letter = |letter: u8| c_char::try_from(letter).unwrap();
    let order = |i: u64, action: u8| MboMsg {
        hd: RecordHeader::new::<MboMsg>(rtype::MBO, 1, 7, (T + i) * 1_000_000),
        order_id: i,
        price: 4_200_000_000_000,
        size: 5,
        action: letter(action),
        side: letter(b'B'),
        ts_recv: (T + i) * 1_000_000,
        ..Default::default()
    };
    let mut bytes = Vec::new();
    let orders = [order(1, b'A'), order(2, b'A'), order(3, b'T')];
    DbnEncoder::new(&mut bytes, &metadata).unwrap().encode_records(&orders).unwrap();
    fs::write(dir.path().join("a.dbn"), &bytes).unwrap();
    fs::write(dir.path().join("a.dbn.zst"), zstd::encode_all(bytes.as_slice(), 1).unwrap()).unwrap();
    for file in ["a.dbn", "a.dbn.zst"] {
        assert_eq!(replayed(dir.path(), &[file]), (3, 3), "{file}");
        let (_, stderr) = exits(dir.path(), &["convert", "dbn", file, "--out", "e.jsonl"], 0);
        assert!(stderr.contains("3 lines, 0 rejected, 3 events: order_new 2, trade 1"), "{stderr}");
    }
    fs::write(dir.path().join("cut.dbn"), &bytes[..bytes.len() - 1]).unwrap();
    let (_, stderr) = exits(dir.path(), &["replay", "cut.dbn"], 65);
    assert!(stderr.contains("`cut.dbn`, record 3: cannot be read: the last record is cut off"), "{stderr}");
}
