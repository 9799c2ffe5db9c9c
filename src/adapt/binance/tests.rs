//! Tests with frames in the form of the venue, written by hand, and the events that they become. `tests/binance.rs`
//! reads whole recordings.

use proptest::prelude::*;

use super::{super::spelling::respell, *};

const DEPTH: &str = r#"{"stream":"xyzusdt@depth@0ms","data":{"e":"depthUpdate","E":1680000000020,"T":1680000000010,"s":"XYZUSDT","U":101,"u":105,"pu":99,"b":[["10.50","3.000"],["10.40","0.000"]],"a":[["10.60","1.25"]]}}"#;
const SNAPSHOT: &str = r#"{"lastUpdateId":100,"E":1680000000002,"T":1680000000001,"bids":[["10.50","2.5"],["10.40","1"]],"asks":[["10.60","4"]]}"#;
const TRADE: &str = r#"{"e":"trade","E":1680000000021,"T":1680000000011,"s":"XYZUSDT","t":77,"p":"10.50","q":"0.5","X":"MARKET","m":true}"#;
const AGGREGATE: &str = r#"{"e":"aggTrade","E":1680000000021,"a":5,"s":"XYZUSDT","p":"10.60","q":"1.5","f":77,"l":79,"T":1680000000011,"m":false}"#;
const MARK: &str = r#"{"e":"markPriceUpdate","E":1680000001000,"s":"XYZUSDT","p":"10.51234567","P":"10.5","i":"10.49","r":"-0.00002754","T":1680002800000}"#;
const TICKER: &str = r#"{"e":"bookTicker","u":103,"s":"XYZUSDT","b":"10.50","B":"3","a":"10.60","A":"4","T":1680000000010,"E":1680000000011}"#;
const FORCED: &str = r#"{"e":"forceOrder","E":1680000000031,"o":{"s":"XYZUSDT","S":"SELL","o":"LIMIT","f":"IOC","q":"2","p":"9.9","ap":"10.1","X":"FILLED","l":"1","z":"2","T":1680000000030}}"#;

const COIN_DEPTH: &str = r#"{"e":"depthUpdate","E":1680000000020,"T":1680000000010,"s":"XYZUSD_PERP","ps":"XYZUSD","U":101,"u":105,"pu":99,"b":[["10.5","3"]],"a":[]}"#;
const SPOT_DEPTH: &str =
    r#"{"e":"depthUpdate","E":1680000000020,"s":"XYZUSDT","U":101,"u":105,"b":[["10.5","3"]],"a":[]}"#;

fn adapter() -> Binance {
    Binance::new(None, DecodeLimits::default())
}

/// Reads frames and returns their events as event lines.
fn read(adapter: &mut Binance, frames: &[&str]) -> Vec<String> {
    let mut out = Vec::new();
    for frame in frames {
        adapter.read(format!("1680000000123456 {frame}").as_bytes(), &mut out).unwrap();
    }
    out.iter().map(|event| serde_json::to_string(event).unwrap()).collect()
}

#[test]
fn a_snapshot_and_its_deltas_have_sequence_numbers() {
    let events = read(&mut adapter(), &[TICKER, SNAPSHOT, DEPTH]);
    insta::assert_snapshot!(events.join("\n"), @r#"
    {"ts":1680000000001000000,"symbol":"XYZUSDT","seq":100,"type":"book_snapshot","bids":[["10.5","2.5"],["10.4","1"]],"asks":[["10.6","4"]]}
    {"ts":1680000000010000000,"symbol":"XYZUSDT","seq":105,"type":"book_delta","bids":[["10.5","3"],["10.4","0"]],"asks":[["10.6","1.25"]],"prev_seq":99}
    "#);
}

#[test]
fn a_trade_has_no_sequence_number() {
    let events = read(&mut adapter(), &[AGGREGATE, TRADE, AGGREGATE]);
    insta::assert_snapshot!(events.join("\n"), @r#"
    {"ts":1680000000011000000,"symbol":"XYZUSDT","type":"trade","trade":"5","price":"10.6","qty":"1.5","side":"buy"}
    {"ts":1680000000011000000,"symbol":"XYZUSDT","type":"trade","trade":"77","price":"10.5","qty":"0.5","side":"sell"}
    "#);
}

#[test]
fn a_print_of_the_insurance_fund_or_of_deleveraging_is_a_liquidation() {
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
fn a_mark_has_the_funding_rate_and_two_marks_give_the_interval() {
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
fn a_snapshot_belongs_to_the_only_symbol_or_to_the_given_one() {
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
fn a_frame_that_reports_nothing_new_is_accepted() {
    let kline = r#"{"e":"kline","E":1680000000000,"s":"XYZUSDT","k":{}}"#;
    let answers = [r#"{"result":null,"id":1}"#, r#"{"id":null,"result":null}"#, r#"{"error":{"code":2,"msg":"no"}}"#];
    assert_eq!(read(&mut adapter(), &[&[TICKER, kline][..], &answers].concat()), Vec::<String>::new());
}

/// Reads lines as they are, without a receive time before them.
fn read_lines(lines: &[&str]) -> String {
    let (mut adapter, mut out) = (adapter(), Vec::new());
    for line in lines {
        adapter.read(line.as_bytes(), &mut out).unwrap_or_else(|rejection| panic!("{line}: {rejection}"));
    }
    let lines: Vec<String> = out.iter().map(|event| serde_json::to_string(event).unwrap()).collect();
    lines.join("\n")
}

#[test]
fn spot_frames_have_no_previous_number_and_depth_has_only_the_event_time() {
    let trade = r#"{"e":"trade","E":1680000000021000,"s":"XYZUSDT","t":77,"p":"10.5","q":"0.5","b":8,"a":9,"T":1680000000011000,"m":true,"M":true}"#;
    let ticker = r#"{"u":103,"s":"XYZUSDT","b":"10.50","B":"3","a":"10.60","A":"4"}"#;
    let rest = r#"{"lastUpdateId":103,"bids":[["10.5","2"]],"asks":[]}"#;
    let partial =
        r#"{"stream":"abcusdt@depth20@100ms","data":{"lastUpdateId":160,"bids":[["5","1"]],"asks":[["6","1"]]}}"#;
    insta::assert_snapshot!(read_lines(&[ticker, SPOT_DEPTH, rest, trade, partial]), @r#"
    {"ts":1680000000020000000,"symbol":"XYZUSDT","seq":105,"type":"book_delta","bids":[["10.5","3"]],"asks":[],"prev_seq":100}
    {"ts":1680000000020000000,"symbol":"XYZUSDT","seq":103,"type":"book_snapshot","bids":[["10.5","2"]],"asks":[]}
    {"ts":1680000000011000000,"symbol":"XYZUSDT","type":"trade","trade":"77","price":"10.5","qty":"0.5","side":"sell"}
    {"ts":1680000000020000000,"symbol":"ABCUSDT","type":"book_snapshot","bids":[["5","1"]],"asks":[["6","1"]]}
    "#);
}

#[test]
fn coin_m_frames_name_their_pair_too_and_a_book_names_its_symbol() {
    let rest = r#"{"lastUpdateId":100,"symbol":"XYZUSD_PERP","pair":"XYZUSD","E":1680000000002,"T":1680000000001,"bids":[["10.5","2"]],"asks":[]}"#;
    let mark = r#"{"e":"markPriceUpdate","E":1680000001000,"s":"XYZUSD_230630","p":"10.5","P":"10.4","r":"","T":0}"#;
    let forced = FORCED.replace(r#""s":"XYZUSDT","#, r#""s":"XYZUSD_PERP","ps":"XYZUSD","#);
    let trade = AGGREGATE.replace(r#""s":"XYZUSDT","#, r#""s":"XYZUSD_PERP","ps":"XYZUSD","#);
    insta::assert_snapshot!(read_lines(&[rest, COIN_DEPTH, mark, &forced, &trade]), @r#"
    {"ts":1680000000001000000,"symbol":"XYZUSD_PERP","seq":100,"type":"book_snapshot","bids":[["10.5","2"]],"asks":[]}
    {"ts":1680000000010000000,"symbol":"XYZUSD_PERP","seq":105,"type":"book_delta","bids":[["10.5","3"]],"asks":[],"prev_seq":99}
    {"ts":1680000001000000000,"symbol":"XYZUSD_230630","type":"mark","mark":"10.5"}
    {"ts":1680000000030000000,"symbol":"XYZUSD_PERP","type":"liquidation","phase":"filled","side":"sell","qty":"2","price":"10.1"}
    {"ts":1680000000011000000,"symbol":"XYZUSD_PERP","type":"trade","trade":"5","price":"10.6","qty":"1.5","side":"buy"}
    "#);
}

#[test]
fn an_array_of_the_whole_market_is_one_record_with_several_events() {
    let other = MARK.replace("XYZ", "ABC");
    let bare = read_lines(&[&format!("[{MARK}, {other}]")]);
    assert_eq!(read_lines(&[&format!(r#"{{"stream":"!markPrice@arr@1s","data":[{MARK},{other}]}}"#)]), bare);
    assert_eq!(read_lines(&[MARK, &other]), bare);
    assert_eq!(bare.lines().count(), 4, "{bare}");
}

#[test]
fn partial_books_are_snapshots_until_deltas_come() {
    let depth: serde_json::Value = serde_json::from_str(DEPTH).unwrap();
    let partial = format!(r#"{{"stream":"xyzusdt@depth5@100ms","data":{}}}"#, depth["data"]);
    let events = read_lines(&[&partial, DEPTH, &partial]);
    let kinds: Vec<_> = events.lines().map(|line| (line.contains("book_snapshot"), line.contains("seq"))).collect();
    assert_eq!(kinds, [(true, false), (false, true)], "{events}");
}

#[test]
fn a_book_of_spot_has_the_time_of_the_frames_before_it_or_its_receive_time() {
    let book = r#"{"stream":"xyzusdt@depthSnapshot","data":{"lastUpdateId":100,"bids":[["10.5","2"]],"asks":[]}}"#;
    let rejection = adapter().read(book.as_bytes(), &mut Vec::new()).unwrap_err();
    assert_eq!((rejection.reason, rejection.detail.contains("time")), (Reason::MissingField, true), "{rejection}");
    let received = format!("2023-03-28T10:40:00.5Z {book}");
    let events = read_lines(&[&received, SPOT_DEPTH, &received]);
    let times: Vec<&str> = events.lines().map(|line| &line[6..19]).collect();
    assert_eq!(times, ["1680000000500", "1680000000020", "1680000000020"], "{events}");
}

#[test]
fn a_line_that_is_not_a_frame_is_refused() {
    let long = format!("\"b\":[{}]", vec![r#"["1","1"]"#; 5_001].join(","));
    let frame = |text: &str| format!("1680000000123456 {text}");
    for (line, reason) in [
        (String::new(), Reason::NotInFormat),
        (format!("{TRADE}{TRADE}"), Reason::NotInFormat),
        (format!("\"m\":true}}{TRADE}"), Reason::NotInFormat),
        (format!("[{TRADE},{SNAPSHOT}]"), Reason::NotInFormat),
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
        (frame(&DEPTH.replace("\"pu\":99,", "").replace("\"U\":101,", "")), Reason::NotInFormat),
        (frame(&TRADE.replace("\"T\":1680000000011,", "").replace("\"E\":1680000000021,", "")), Reason::NotInFormat),
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

/// Reads one line and returns its events as event lines.
fn events(line: &str) -> Vec<String> {
    let mut out = Vec::new();
    adapter().read(line.as_bytes(), &mut out).unwrap_or_else(|rejection| panic!("{line}: {rejection}"));
    out.iter().map(|event| serde_json::to_string(event).unwrap()).collect()
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

    #[test]
    fn every_spelling_of_a_frame_and_of_its_receive_time_gives_the_same_events(
        frame in prop::sample::select(vec![DEPTH, TRADE, AGGREGATE, MARK, TICKER, FORCED, COIN_DEPTH, SPOT_DEPTH]),
        symbol in prop::sample::select(vec!["XYZUSDT", "币安人生USDT", "\u{1f600}USDT", "A/B"]),
        choices in prop::collection::vec(any::<u8>(), 0..800),
        received in prop::sample::select(vec![
            "", "1680000000123456789 ", "1680000000123 ", "1680000000.123\t", "2023-03-28T10:40:00.0081234Z ",
            "2023-03-28 10:40:00,008 ", "recv=17: ", "[x] ", "- ",
        ]),
    ) {
        let frame = frame.replace("XYZUSDT", symbol);
        let expected = events(&format!("1680000000123456 {frame}"));
        prop_assert_eq!(events(&format!("{received}{}", respell(&frame, &choices))), expected);
    }
}
