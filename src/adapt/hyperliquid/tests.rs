//! Tests with blocks in the form of the venue, written by hand, and the events that they become. `tests/hyperliquid.rs`
//! reads a whole recording.

use proptest::prelude::*;

use super::{super::spelling::respell, *};
use crate::event::Reason;

/// Makes a block of fills, one per line:
/// `<wallet> <side> <coin> <price> <quantity> <start> <pnl> <tid> <m|t>[!<liquidated>:<method>]`.
fn block(second: u32, fills: &str) -> String {
    let fills: Vec<String> = fills.lines().map(str::trim).filter(|line| !line.is_empty()).map(fill).collect();
    format!(
        r#"{{"local_time":"2025-10-27T17:00:01.06","block_time":"2025-10-27T17:00:{second:02}.797563798","block_number":777,"events":[{}]}}"#,
        fills.join(",")
    )
}

fn fill(line: &str) -> String {
    let [wallet, side, coin, px, sz, start, pnl, tid, role] =
        <[&str; 9]>::try_from(line.split_whitespace().collect::<Vec<_>>()).unwrap();
    let (role, forced) = role.split_once('!').unwrap_or((role, ""));
    let forced = forced.split_once(':').map_or(String::new(), |(wallet, method)| {
        format!(r#""liquidation":{{"liquidatedUser":"{wallet}","markPx":"1.5","method":"{method}"}},"#)
    });
    let crossed = role == "t";
    format!(
        r#"["{wallet}",{{"coin":"{coin}","px":"{px}","sz":"{sz}","side":"{side}","time":1761584400797,"startPosition":"{start}","dir":"?","closedPnl":"{pnl}","hash":"0x0","oid":{tid}{},"crossed":{crossed},"fee":"0.1","tid":{tid},{forced}"feeToken":"USDC","twapId":null}}]"#,
        u8::from(crossed)
    )
}

fn adapter() -> Hyperliquid {
    Hyperliquid::new(DecodeLimits::default())
}

fn read(adapter: &mut Hyperliquid, lines: &[String]) -> Vec<String> {
    let mut out = Vec::new();
    for line in lines {
        adapter.read(line.as_bytes(), &mut out).unwrap();
    }
    out.iter().map(|event| serde_json::to_string(event).unwrap()).collect()
}

/// Reads a block and returns its positions as `<wallet> <coin> <qty>@<entry>`.
fn positions(adapter: &mut Hyperliquid, line: &str) -> Vec<String> {
    let mut out = Vec::new();
    adapter.read(line.as_bytes(), &mut out).unwrap();
    let short = |event: &Event<'_>| {
        let Body::Position(position) = &event.body else { return None };
        let (wallet, coin) = (event.account.as_deref().unwrap(), event.symbol.as_deref().unwrap());
        Some(format!("{wallet} {coin} {}@{}", position.qty, position.entry))
    };
    out.iter().filter_map(short).collect()
}

#[test]
fn two_fills_with_one_tid_are_one_trade() {
    let block = block(
        1,
        "0xa B ETH 4215.9 0.5 0 0 9 t
         0xb A ETH 4215.9 0.5 -0.5 0 9 m",
    );
    insta::assert_snapshot!(read(&mut adapter(), &[block]).join("\n"), @r#"
    {"ts":1761584401797563798,"symbol":"ETH","type":"trade","trade":"9","price":"4215.9","qty":"0.5","side":"buy","maker_order":"90","taker_order":"91","maker":"0xb","taker":"0xa","liquidation":false}
    {"ts":1761584401797563798,"symbol":"ETH","account":"0xa","type":"position","qty":"0.5","entry":"4215.9"}
    "#);
}

#[test]
fn a_liquidation_comes_before_its_trade() {
    let block = block(
        1,
        "0xa B X 1.5 890 -890 -11.3475 9 t!0xa:market
         0xb A X 1.5 890 0 0 9 m!0xa:market
         0xc A Y 1.5 2 2 0 8 t!0xc:backstop
         0xd B Y 1.5 2 0 0 8 m!0xc:backstop
         0xe B Z 1.5 2 0 0 7 t!0xf:market",
    );
    let events = read(&mut adapter(), &[block]);
    insta::assert_snapshot!(events[..6].join("\n"), @r#"
    {"ts":1761584401797563798,"symbol":"X","account":"0xa","type":"liquidation","phase":"filled","side":"buy","qty":"890","price":"1.5"}
    {"ts":1761584401797563798,"symbol":"X","type":"trade","trade":"9","price":"1.5","qty":"890","side":"buy","maker_order":"90","taker_order":"91","maker":"0xb","taker":"0xa","liquidation":true}
    {"ts":1761584401797563798,"symbol":"Y","account":"0xc","type":"liquidation","phase":"insurance","side":"sell","qty":"2","price":"1.5"}
    {"ts":1761584401797563798,"symbol":"Y","type":"trade","trade":"8","price":"1.5","qty":"2","side":"sell","maker_order":"80","taker_order":"81","maker":"0xd","taker":"0xc","liquidation":true}
    {"ts":1761584401797563798,"symbol":"Z","account":"0xf","type":"liquidation","phase":"filled","side":"sell","qty":"2","price":"1.5"}
    {"ts":1761584401797563798,"symbol":"Z","type":"trade","trade":"7","price":"1.5","qty":"2","side":"buy","taker_order":"71","taker":"0xe","liquidation":false}
    "#);
}

#[test]
fn fills_that_do_not_fit_each_other_are_trades_of_their_own() {
    let lines = "0xa B X 1 2 0 0 9 t
                 0xb A X 1 3 0 0 9 m
                 0xc B X 1 2 0 0 9 m
                 0xd A Y 1 2 0 0 9 m";
    let trades = read(&mut adapter(), &[block(1, lines)]).into_iter().filter(|event| event.contains("\"trade\":"));
    assert_eq!(trades.count(), 4);
}

#[test]
fn there_is_a_position_only_if_its_entry_is_known() {
    let mut adapter = adapter();
    let mut after = |second: u32, fill: &str| positions(&mut adapter, &block(second, fill)).join(", ");
    assert_eq!(after(1, "0xa B X 2 1 0 0 1 t"), "0xa X 1@2", "opened");
    assert_eq!(after(2, "0xa B X 5 2 1 0 2 t"), "0xa X 3@4", "added: (1·2 + 2·5) / 3");
    assert_eq!(after(3, "0xa A X 6 1 3 2 3 t"), "0xa X 2@4", "a part closed: 6 - 2/1");
    assert_eq!(after(4, "0xa A X 7 5 2 6 4 t"), "0xa X -3@7", "turned to the other side");
    assert_eq!(after(5, "0xa B X 5 1 -3 2 5 t"), "0xa X -2@7", "a part closed: 5 + 2/1");
    assert_eq!(after(6, "0xa B X 5 2 -2 4 6 t"), "0xa X 0@0", "closed");
    assert_eq!(after(7, "0xb B X 5 2 10 0 7 t"), "", "from before the recording");
    assert_eq!(after(8, "0xb B X 5 2 12 0 8 t"), "", "and still");
    assert_eq!(after(9, "0xb A X 5 4 14 2 9 t"), "0xb X 10@4.5", "a part closed: 5 - 2/4");
    assert_eq!(after(10, "0xb B X 5 2 11 0 10 t"), "", "something is missing in between");
    assert_eq!(after(11, "0xc B @107 5 2 0 0 11 t"), "", "spot");
    assert_eq!(after(12, "0xc B PURR/USDC 5 2 0 0 12 t"), "", "spot");
}

#[test]
fn the_last_fill_in_a_block_decides_the_position() {
    let lines = "0xb A X 2 1 0 0 1 m
                 0xa B X 2 1 0 0 1 t
                 0xa B X 4 1 1 0 2 t
                 0xa B Y 4 1 0 0 3 t";
    assert_eq!(positions(&mut adapter(), &block(1, lines)), ["0xa X 2@3", "0xa Y 1@4", "0xb X -1@2"]);
}

#[test]
fn a_position_calculated_with_doubles_is_rounded() {
    let found = positions(&mut adapter(), &block(1, "0xa B X 2 1223 -1544223.1000000001 -5.25 1 t"));
    assert_eq!(found, ["0xa X -1543000.1@1.99570727719"]);
}

#[test]
fn a_block_without_fills_yields_no_events() {
    assert_eq!(read(&mut adapter(), &[block(1, "")]), Vec::<String>::new());
}

#[test]
fn a_line_that_is_not_a_block_is_refused_completely() {
    let good = block(1, "0xa B X 2 1 0 0 1 t\n0xb A X 2 1 0 0 1 m");
    for (line, reason) in [
        (String::new(), Reason::NotInFormat),
        ("{}".to_owned(), Reason::NotInFormat),
        ("[]".to_owned(), Reason::NotInFormat),
        (good[..good.len() - 2].to_owned(), Reason::NotInFormat),
        (good.replace("17:00:01", "17:00"), Reason::NotInFormat),
        (good.replace("2025-10-27T17:00:01.797563798", "1761584400"), Reason::NotInFormat),
        (good.replace("2025-10-27T17:00:01.797", "1925-10-27T17:00:01.797"), Reason::TsUnit),
        (good.replace("\"side\":\"A\"", "\"side\":\"C\""), Reason::NotInFormat),
        (good.replace("\"sz\":\"1\"", "\"sz\":\"0\""), Reason::NotInFormat),
        (good.replace("\"px\":\"2\"", "\"px\":\"-2\""), Reason::NotInFormat),
        (good.replace("\"px\":\"2\"", "\"px\":2"), Reason::NotInFormat),
        (good.replace("\"startPosition\":\"0\"", "\"startPosition\":\"NaN\""), Reason::NotInFormat),
        (good.replace("\"startPosition\":\"0\",", ""), Reason::NotInFormat),
        (good.replace("\"tid\":1", "\"tid\":-1"), Reason::NotInFormat),
        (good.replace("0xb", ""), Reason::BadName),
        (block(1, "0xa B X 2 1 0 0 1 t!0xa:kindness"), Reason::NotInFormat),
        (format!("{{\"x\":\"{}\"}}", "x".repeat(1 << 20)), Reason::TooLarge),
    ] {
        let mut adapter = adapter();
        let mut out = Vec::new();
        let rejection = adapter.read(line.as_bytes(), &mut out).unwrap_err();
        assert_eq!((rejection.reason, out.len()), (reason, 0), "{}: {rejection}", &line[..line.len().min(300)]);
    }
    assert_eq!(adapter().read(b"\xff", &mut Vec::new()).unwrap_err().reason, Reason::NotUtf8);
}

proptest! {
    #[test]
    fn every_spelling_of_a_block_gives_the_same_events(
        coin in prop::sample::select(vec!["ETH", "币安人生", "\u{1f600}", "A\\/B"]),
        choices in prop::collection::vec(any::<u8>(), 0..1_500),
    ) {
        let fills = "a B COIN 1.5 2 0 0 7 m\nb A COIN 1.5 2 2 0.5 7 t!b:market";
        let plain = block(1, &fills.replace("COIN", coin));
        let other = respell(&plain, &choices);
        prop_assert_eq!(read(&mut adapter(), &[other]), read(&mut adapter(), &[plain]));
    }
}

proptest! {
    #[test]
    fn no_line_panics(
        at in any::<prop::sample::Index>(),
        length in 0_usize..20,
        noise in prop::collection::vec(any::<u8>(), 0..20),
        digits in "[0-9e.\"-]{0,20}",
    ) {
        let mut adapter = adapter();
        let line = block(1, "0xa B X 2 1 -3.5 0.25 1 t!0xa:market\n0xb A X 2 1 0 0 1 m\n0xb A @1 2 1 0 0 2 m");
        let from = at.index(line.len());
        let to = (from + length).min(line.len());
        for inserted in [noise.as_slice(), digits.as_bytes()] {
            let mut damaged = line.clone().into_bytes();
            damaged.splice(from..to, inserted.iter().copied());
            let mut out = Vec::new();
            let outcome = adapter.read(&damaged, &mut out);
            prop_assert!(outcome.is_ok() || out.is_empty());
            let _ = adapter.read(inserted, &mut out);
        }
    }

    #[test]
    fn a_position_follows_any_chain_of_fills(
        fills in prop::collection::vec((any::<bool>(), 1_u32..50, 1_u32..1_000), 1..40),
    ) {
        let mut adapter = adapter();
        let (mut qty, mut paid) = (0_i64, 0.0);
        for (i, (buys, size, price)) in fills.into_iter().enumerate() {
            // The plainest rule: what is added moves the mean entry, what is closed keeps it.
            let signed = if buys { i64::from(size) } else { -i64::from(size) };
            let (before, entry) = (qty, if qty == 0 { 0.0 } else { paid });
            qty += signed;
            let closed = if before.signum() * signed.signum() < 0 { before.abs().min(signed.abs()) } else { 0 };
            let pnl = closed as f64 * (f64::from(price) - entry) * before.signum() as f64;
            paid = if before == 0 || before.signum() * qty.signum() < 0 {
                f64::from(price)
            } else if closed > 0 {
                entry
            } else {
                (entry * before.abs() as f64 + f64::from(price) * f64::from(size)) / qty.abs() as f64
            };
            let side = if buys { "B" } else { "A" };
            let line = block(1, &format!("0xa {side} X {price} {size} {before} {pnl:.6} {} t", i + 1));
            let mut out = Vec::new();
            adapter.read(line.as_bytes(), &mut out).unwrap();
            let Some(Body::Position(position)) = out.last().map(|event| &event.body) else { panic!("{out:?}") };
            prop_assert_eq!(position.qty.to_f64().to_string(), (qty as f64).to_string());
            let expected = if qty == 0 { 0.0 } else { paid };
            prop_assert!((position.entry.to_f64() - expected).abs() < 1e-5, "{} {}", position.entry, expected);
        }
    }
}
