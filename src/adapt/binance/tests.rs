//! Frames in the venue's form, written for these tests, and what they become. Whole recordings are read in
//! `tests/binance.rs`.

use proptest::prelude::*;

use super::*;

const DEPTH: &str = r#"{"stream":"xyzusdt@depth@0ms","data":{"e":"depthUpdate","E":1680000000020,"T":1680000000010,"s":"XYZUSDT","U":101,"u":105,"pu":99,"b":[["10.50","3.000"],["10.40","0.000"]],"a":[["10.60","1.25"]]}}"#;
const SNAPSHOT: &str = r#"{"lastUpdateId":100,"E":1680000000002,"T":1680000000001,"bids":[["10.50","2.5"],["10.40","1"]],"asks":[["10.60","4"]]}"#;
const TRADE: &str = r#"{"e":"trade","E":1680000000021,"T":1680000000011,"s":"XYZUSDT","t":77,"p":"10.50","q":"0.5","X":"MARKET","m":true}"#;
const AGGREGATE: &str = r#"{"e":"aggTrade","E":1680000000021,"a":5,"s":"XYZUSDT","p":"10.60","q":"1.5","f":77,"l":79,"T":1680000000011,"m":false}"#;
const MARK: &str = r#"{"e":"markPriceUpdate","E":1680000001000,"s":"XYZUSDT","p":"10.51234567","P":"10.5","i":"10.49","r":"-0.00002754","T":1680002800000}"#;
const TICKER: &str = r#"{"e":"bookTicker","u":103,"s":"XYZUSDT","b":"10.50","B":"3","a":"10.60","A":"4","T":1680000000010,"E":1680000000011}"#;
const FORCED: &str = r#"{"e":"forceOrder","E":1680000000031,"o":{"s":"XYZUSDT","S":"SELL","o":"LIMIT","f":"IOC","q":"2","p":"9.9","ap":"10.1","X":"FILLED","l":"1","z":"2","T":1680000000030}}"#;

fn adapter() -> Binance {
    Binance::new(None, DecodeLimits::default())
}

/// What the frames become, as event lines.
fn read(adapter: &mut Binance, frames: &[&str]) -> Vec<String> {
    let mut out = Vec::new();
    for frame in frames {
        adapter.read(format!("1680000000123456 {frame}").as_bytes(), &mut out).unwrap();
    }
    out.iter().map(|event| serde_json::to_string(event).unwrap()).collect()
}

#[test]
fn a_book_and_what_changes_in_it_are_numbered() {
    let events = read(&mut adapter(), &[TICKER, SNAPSHOT, DEPTH]);
    insta::assert_snapshot!(events.join("\n"), @r#"
    {"ts":1680000000001000000,"symbol":"XYZUSDT","seq":100,"type":"book_snapshot","bids":[["10.5","2.5"],["10.4","1"]],"asks":[["10.6","4"]]}
    {"ts":1680000000010000000,"symbol":"XYZUSDT","seq":105,"type":"book_delta","bids":[["10.5","3"],["10.4","0"]],"asks":[["10.6","1.25"]],"prev_seq":99}
    "#);
}

#[test]
fn a_trade_has_no_number_in_the_books_sequence() {
    let events = read(&mut adapter(), &[AGGREGATE, TRADE, AGGREGATE]);
    insta::assert_snapshot!(events.join("\n"), @r#"
    {"ts":1680000000011000000,"symbol":"XYZUSDT","type":"trade","trade":"5","price":"10.6","qty":"1.5","side":"buy"}
    {"ts":1680000000011000000,"symbol":"XYZUSDT","type":"trade","trade":"77","price":"10.5","qty":"0.5","side":"sell"}
    "#);
}

#[test]
fn what_the_fund_or_deleveraging_takes_is_no_trade_of_the_market() {
    let insurance = TRADE.replace("MARKET", "INSURANCE_FUND");
    let adl = TRADE.replace("MARKET", "ADL").replace("true", "false");
    let nothing = TRADE.replace("MARKET", "NA").replace("\"10.50\"", "\"0\"");
    let waiting = FORCED.replace(r#""z":"2""#, r#""z":"0""#).replace("10.1", "0");
    let events = read(&mut adapter(), &[&insurance, &adl, &nothing, FORCED, &waiting]);
    insta::assert_snapshot!(events.join("\n"), @r#"
    {"ts":1680000000011000000,"symbol":"XYZUSDT","type":"liquidation","phase":"insurance","side":"sell","qty":"0.5","price":"10.5"}
    {"ts":1680000000011000000,"symbol":"XYZUSDT","type":"liquidation","phase":"adl","side":"buy","qty":"0.5","price":"10.5"}
    {"ts":1680000000030000000,"symbol":"XYZUSDT","type":"liquidation","phase":"filled","side":"sell","qty":"2","price":"10.1"}
    {"ts":1680000000030000000,"symbol":"XYZUSDT","type":"liquidation","phase":"started","side":"sell"}
    "#);
}

#[test]
fn a_mark_carries_the_funding_and_two_of_them_the_interval() {
    let delivery = MARK.replace("-0.00002754", "").replace("XYZUSDT", "XYZUSDT_230630");
    let next = MARK.replace("1680002800000", "1680017200000");
    let lost = MARK.replace("1680002800000", "1680190000000");
    let events = read(&mut adapter(), &[MARK, &delivery, &next, &lost]);
    let intervals: Vec<_> = events.iter().filter_map(|e| e.split("interval_hours").nth(1)).collect();
    assert_eq!(intervals, [r#"":"8"}"#, r#"":"4"}"#, r#"":"4"}"#]);
    insta::assert_snapshot!(events[..3].join("\n"), @r#"
    {"ts":1680000001000000000,"symbol":"XYZUSDT","type":"mark","mark":"10.51234567","index":"10.49"}
    {"ts":1680000001000000000,"symbol":"XYZUSDT","type":"funding","rate":"-0.00002754","interval_hours":"8"}
    {"ts":1680000001000000000,"symbol":"XYZUSDT_230630","type":"mark","mark":"10.51234567","index":"10.49"}
    "#);
}

#[test]
fn a_snapshot_is_of_the_only_symbol_or_of_the_one_asked_for() {
    let line = format!("1680000000123456 {SNAPSHOT}");
    let mut out = Vec::new();
    let mut alone = adapter();
    let rejection = alone.read(line.as_bytes(), &mut out).unwrap_err();
    assert_eq!(rejection.reason, Reason::MissingField);
    assert!(rejection.detail.contains("--symbol"), "{rejection}");
    read(&mut alone, &[TRADE, &TRADE.replace("XYZ", "ABC")]);
    assert!(alone.read(line.as_bytes(), &mut out).unwrap_err().detail.contains("several"));
    let mut asked = Binance::new(Name::new("ABCUSDT"), DecodeLimits::default());
    asked.read(line.as_bytes(), &mut out).unwrap();
    assert_eq!(out.len(), 1);
    assert_eq!(out[0].symbol.as_deref(), Some("ABCUSDT"));
}

#[test]
fn what_tells_nothing_new_is_accepted() {
    let kline = r#"{"e":"kline","E":1680000000000,"s":"XYZUSDT","k":{}}"#;
    assert_eq!(read(&mut adapter(), &[TICKER, kline, r#"{"result":null,"id":1}"#]), Vec::<String>::new());
}

#[test]
fn what_is_no_frame_is_refused() {
    let long = format!("\"b\":[{}]", vec![r#"["1","1"]"#; 5_001].join(","));
    let frame = |text: &str| format!("1680000000123456 {text}");
    for (line, reason) in [
        (String::new(), Reason::NotInFormat),
        (TRADE.to_owned(), Reason::NotInFormat),
        (format!("soon {TRADE}"), Reason::NotInFormat),
        (frame("{}"), Reason::NotInFormat),
        (frame("[]"), Reason::NotInFormat),
        (frame(&TRADE[..60]), Reason::NotInFormat),
        (frame(&format!("{TRADE}}}")), Reason::NotInFormat),
        (frame(&TRADE.replace("MARKET", "GIFT")), Reason::NotInFormat),
        (frame(&TRADE.replace("\"0.5\"", "\"0\"")), Reason::NotInFormat),
        (frame(&TRADE.replace("\"0.5\"", "\"-1\"")), Reason::NotInFormat),
        (frame(&TRADE.replace("\"0.5\"", "\"NaN\"")), Reason::NotInFormat),
        (frame(&TRADE.replace("\"10.50\"", "\"1e300\"")), Reason::NotInFormat),
        (frame(&TRADE.replace("\"10.50\"", "10.50")), Reason::NotInFormat),
        (frame(&TRADE.replace("\"t\":77,", "")), Reason::NotInFormat),
        (frame(&TRADE.replace("1680000000011", "1680000000")), Reason::TsUnit),
        (frame(&TRADE.replace("1680000000011", "9223372036854775807")), Reason::TsUnit),
        (frame(&TRADE.replace("XYZUSDT", "")), Reason::BadName),
        (frame(&DEPTH.replace("\"pu\":99,", "")), Reason::NotInFormat),
        (frame(&DEPTH.replace("\"3.000\"", "\"-3\"")), Reason::NotInFormat),
        (frame(&DEPTH.replace("\"10.40\"", "\"0\"")), Reason::NotInFormat),
        (frame(&DEPTH.replace("\"b\":[", &format!("{long},\"x\":["))), Reason::TooMany),
        (frame(&MARK.replace("-0.00002754", "much")), Reason::NotInFormat),
        (frame(&FORCED.replace("SELL", "GIVE")), Reason::NotInFormat),
        (frame(&format!("{{\"x\":\"{}\"}}", "x".repeat(1 << 20))), Reason::TooLarge),
    ] {
        let mut out = Vec::new();
        let rejection = adapter().read(line.as_bytes(), &mut out).unwrap_err();
        assert_eq!((rejection.reason, out.len()), (reason, 0), "{}: {rejection}", &line[..line.len().min(300)]);
    }
    assert_eq!(adapter().read(b"1 \xff", &mut Vec::new()).unwrap_err().reason, Reason::NotUtf8);
}

proptest! {
    #[test]
    fn no_line_panics(
        whole in prop::sample::select(vec![DEPTH, SNAPSHOT, TRADE, AGGREGATE, MARK, TICKER, FORCED]),
        at in any::<prop::sample::Index>(),
        length in 0_usize..20,
        noise in prop::collection::vec(any::<u8>(), 0..20),
        digits in "[0-9e.\"-]{0,20}",
    ) {
        let mut adapter = adapter();
        let line = format!("1680000000123456 {whole}");
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
}
