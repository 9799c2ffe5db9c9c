//! The table of records, each with the fate and the reason that the contract gives it.

use foreshock::{engine::Fate, event::Reason};

use super::T;

/// Five minutes: the longest time by which an event may lie after the time at which its record was appended.
const FUTURE_MAX: i64 = 300_000_000_000;

/// A good `order_new`, field by field as JSON text.
const ORDER_NEW: [(&str, &str); 8] = [
    ("type", r#""order_new""#),
    ("ts", "1760130000000000000"),
    ("symbol", r#""ODD-PERP""#),
    ("account", r#""a17""#),
    ("order", r#""8812""#),
    ("side", r#""buy""#),
    ("price", r#""64000.5""#),
    ("qty", r#""0.25""#),
];

/// A row: a name, the record's bytes, the time at which it was appended, and its expected fate.
pub struct Row {
    pub name: &'static str,
    pub bytes: Vec<u8>,
    pub clock: Option<i64>,
    pub expected: Result<Fate, Reason>,
}

fn row(name: &'static str, bytes: impl Into<Vec<u8>>, expected: Result<Fate, Reason>) -> Row {
    Row { name, bytes: bytes.into(), clock: Some(T), expected }
}

fn bad(name: &'static str, bytes: impl Into<Vec<u8>>, reason: Reason) -> Row {
    row(name, bytes, Err(reason))
}

fn fine(name: &'static str, bytes: impl Into<Vec<u8>>) -> Row {
    row(name, bytes, Ok(Fate::Accepted))
}

impl Row {
    fn on_clock(self, at: impl Into<Option<i64>>) -> Self {
        Self { clock: at.into(), ..self }
    }
}

fn object<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let fields: Vec<String> = fields.into_iter().map(|(name, value)| format!(r#""{name}":{value}"#)).collect();
    format!("{{{}}}", fields.join(","))
}

/// The good order with the JSON text of one field replaced or added.
fn with(field: &str, text: &str) -> String {
    let others = ORDER_NEW.into_iter().filter(|(name, _)| *name != field);
    object(others.chain([(field, text)]))
}

/// The good order without one field.
fn without(field: &str) -> String {
    object(ORDER_NEW.into_iter().filter(|(name, _)| *name != field))
}

/// The good order with the bytes of one field replaced; they need not be UTF-8.
fn with_bytes(field: &str, bytes: &[u8]) -> Vec<u8> {
    let text = with(field, "@");
    let at = text.find('@').unwrap();
    [&text.as_bytes()[..at], bytes, &text.as_bytes()[at + 1..]].concat()
}

/// A record of another type, with its own fields besides type, time, symbol and account.
pub fn other(kind: &str, fields: &str) -> String {
    format!(r#"{{"type":"{kind}","ts":{T},"symbol":"ODD-PERP","account":"a17",{fields}}}"#)
}

fn cut(text: &str, share: usize) -> String {
    text[..text.len() * share / 4].to_owned()
}

/// Every row.
pub fn rows() -> Vec<Row> {
    [framing(), fields(), names_and_words(), numbers(), levels(), times()].into_iter().flatten().collect()
}

fn framing() -> Vec<Row> {
    use Reason::{Empty, NotJson, NotObject, NotUtf8, TooLarge};
    let good = object(ORDER_NEW);
    vec![
        bad("no bytes", "", Empty),
        bad("one blank", " ", Empty),
        bad("white space of all kinds", " \t\r\n\n", Empty),
        bad("cut after a quarter", cut(&good, 1), NotJson),
        bad("cut in the middle", cut(&good, 2), NotJson),
        bad("cut after three quarters", cut(&good, 3), NotJson),
        bad("cut before the closing brace", &good[..good.len() - 1], NotJson),
        bad("an opening brace", "{", NotJson),
        bad("two objects on a line", format!("{good}{good}"), NotJson),
        bad("two objects apart by a blank", format!("{good} {good}"), NotJson),
        bad("words after the object", format!("{good} and so on"), NotJson),
        bad("a comma after the last field", good.replace('}', ",}"), NotJson),
        bad("single quotes", good.replace('"', "'"), NotJson),
        bad("a name without quotes", good.replace(r#""ts""#, "ts"), NotJson),
        bad("a comment", format!("/* new */{good}"), NotJson),
        bad("not JSON at all", "8=FIX.4.4|9=112|35=D|", NotJson),
        bad("an XML element", "<order id='1'/>", NotJson),
        bad("a byte order mark", format!("\u{feff}{good}"), NotJson),
        bad("UTF-16", good.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>(), NotJson),
        bad("compressed bytes", [0x1f, 0x8b, 0x08, 0x00, 0x00], NotUtf8),
        bad("a Confluent schema id before the object", [b"\0\0\0\0\x07".as_slice(), good.as_bytes()].concat(), NotJson),
        bad("an array of events", format!("[{good}]"), NotObject),
        bad("the fields as an array", r#"["order_new",1760130000000000000,"ODD-PERP"]"#, NotObject),
        bad("a string", r#""order_new""#, NotObject),
        bad("the object as a string", serde_json::to_string(&good).unwrap(), NotObject),
        bad("a number", "1760130000000000000", NotObject),
        bad("null", "null", NotObject),
        bad("an array of arrays, 100,000 deep", "[".repeat(100_000), NotJson),
        bad("the same, closed", "[".repeat(100_000) + &"]".repeat(100_000), NotObject),
        bad("more than a mebibyte", with("note", &format!("\"{}\"", "x".repeat(1 << 20))), TooLarge),
        bad("a mebibyte of blanks and one more", " ".repeat((1 << 20) + 1), TooLarge),
        bad("a raw NUL in a name", with("order", "\"88\0\""), NotJson),
        bad("a raw line feed in a name", with("order", "\"88\n12\""), NotJson),
        bad("a NUL between fields", good.replace(r#","side""#, ",\0\"side\""), NotJson),
        bad("a lone continuation byte in a name", with_bytes("order", b"\"a\x80\""), NotUtf8),
        bad("an overlong slash in a name", with_bytes("order", b"\"\xc0\xaf\""), NotUtf8),
        bad("a surrogate as UTF-8", with_bytes("order", b"\"\xed\xa0\x80\""), NotUtf8),
        bad("half a character", with_bytes("order", b"\"\xe2\x82\""), NotUtf8),
        bad("Latin-1", with_bytes("account", b"\"J\xfcrgen\""), NotUtf8),
        bad("bytes above Unicode", with_bytes("order", b"\"\xf5\x80\x80\x80\""), NotUtf8),
        bad("invalid UTF-8 in a field that nobody reads", with_bytes("note", b"\"\xff\""), NotUtf8),
        fine("white space around the object", format!(" \r\n{good}\n")),
        fine("an unknown field", with("colour", r#""red""#)),
        fine("an unknown field, 100,000 deep", with("extra", &("[".repeat(100_000) + &"]".repeat(100_000)))),
        fine("an unknown field twice", with("colour", r#""red","colour":"blue""#)),
    ]
}

fn fields() -> Vec<Row> {
    use Reason::{DuplicateField, MissingField, NotUtf8, WrongType};
    let mut rows = vec![
        bad("no field at all", "{}", MissingField),
        bad("a field twice", with("qty", r#""1","qty":"2""#), DuplicateField),
        bad("the same field twice with one value", with("ts", &format!("{T},\"ts\":{T}")), DuplicateField),
        bad("a field twice, first null", with("qty", r#"null,"qty":"2""#), DuplicateField),
        bad("a field twice, once escaped", with("qty", r#""1","\u0071ty":"2""#), DuplicateField),
        bad("a field of another type twice", with("rate", "1,\"rate\":1"), DuplicateField),
        bad("the type is a number", with("type", "1"), WrongType),
        bad("the type is an object", with("type", r#"{"order_new":{}}"#), WrongType),
        bad("the symbol is a number", with("symbol", "7"), WrongType),
        bad("the symbol is an array", with("symbol", r#"["BTC"]"#), WrongType),
        bad("the account is a number", with("account", "17"), WrongType),
        bad("the owner is a boolean", with("owner", "false"), WrongType),
        bad("the order is a number", with("order", "8812"), WrongType),
        bad("the side is a number", with("side", "1"), WrongType),
        bad("the price is a boolean", with("price", "true"), WrongType),
        bad("the price is an object", with("price", r#"{"value":1}"#), WrongType),
        bad("the quantity is an array", with("qty", "[1]"), WrongType),
        bad("a known field, 100,000 deep", with("qty", &("[".repeat(100_000) + &"]".repeat(100_000))), WrongType),
        bad("a boolean as a string", with("post_only", r#""true""#), WrongType),
        bad("a boolean as a number", with("reduce_only", "1"), WrongType),
        bad("the sequence is negative", with("seq", "-1"), WrongType),
        bad("the sequence has a fraction", with("seq", "7.5"), WrongType),
        bad("the sequence is whole but a float", with("seq", "7.0"), WrongType),
        bad("the sequence is beyond 64 bits", with("seq", "18446744073709551616"), WrongType),
        bad("the sequence is a string", with("seq", r#""7""#), WrongType),
        bad("a lone high surrogate in a name", with("order", r#""\ud800""#), NotUtf8),
        bad("a lone low surrogate in a name", with("order", r#""a\udc00b""#), NotUtf8),
        bad("surrogates in the wrong order", with("symbol", r#""\udc00\ud800""#), NotUtf8),
        bad("a lone surrogate in a number", with("price", r#""1\ud800""#), NotUtf8),
        fine("a pair of surrogates", with("order", r#""\ud83d\ude00""#)),
        fine("an escaped field name", with("qty", "1").replace("qty", r"\u0071ty")),
        fine("an optional field is null", with("kind", "null")),
        fine("an optional account is absent", without("account")),
        fine("no price: a market order", without("price")),
        fine("the greatest sequence", with("seq", "18446744073709551615")),
    ];
    for field in ["type", "ts", "symbol", "order", "side", "qty"] {
        rows.push(bad("a required field is missing", without(field), MissingField));
        rows.push(bad("a required field is null", with(field, "null"), MissingField));
    }
    rows
}

fn names_and_words() -> Vec<Row> {
    use Reason::{BadName, MissingField, UnknownWord, WrongType};
    let long = |bytes: usize| format!("\"{}\"", "x".repeat(bytes));
    vec![
        bad("the symbol is empty", with("symbol", r#""""#), BadName),
        bad("the order is empty", with("order", r#""""#), BadName),
        bad("an escaped NUL in a name", with("order", r#""88\u0000""#), BadName),
        bad("an escaped line feed in a name", with("account", r#""a\nb""#), BadName),
        bad("a tab in a name", with("symbol", r#""BTC\tPERP""#), BadName),
        bad("a C1 control in a name", with("symbol", r#""BTC\u0085PERP""#), BadName),
        bad("a DEL in a name", with("symbol", "\"BTC\u{7f}\""), BadName),
        bad("a symbol of 129 bytes", with("symbol", &long(129)), BadName),
        bad("a name of half a mebibyte", with("account", &long(1 << 19)), BadName),
        bad("65 characters of two bytes", with("symbol", &format!("\"{}\"", "ü".repeat(65))), BadName),
        fine("a symbol of 128 bytes", with("symbol", &long(128))),
        fine("a name outside ASCII", with("account", r#""Jürgen ☃""#)),
        bad("an unknown side", with("side", r#""hold""#), UnknownWord),
        bad("a side in capitals", with("side", r#""Buy""#), UnknownWord),
        bad("an empty side", with("side", r#""""#), UnknownWord),
        bad("a side with a blank", with("side", r#""buy ""#), UnknownWord),
        bad("an unknown kind", with("kind", r#""iceberg""#), UnknownWord),
        bad("an unknown reason", other("order_cancel", r#""order":"1","reason":"because""#), UnknownWord),
        bad("an unknown margin mode", other("leverage", r#""leverage":5,"margin_mode":"both""#), UnknownWord),
        bad("an unknown phase", other("liquidation", r#""phase":"begun","side":"buy""#), UnknownWord),
        bad("a reason that is an object", other("order_cancel", r#""order":"1","reason":{"user":1}"#), WrongType),
        bad(
            "an account event without an account",
            format!(r#"{{"type":"balance","ts":{T},"equity":1}}"#),
            MissingField,
        ),
        bad(
            "a position without a symbol",
            object([
                ("type", r#""position""#),
                ("ts", "1760130000000000000"),
                ("account", r#""a""#),
                ("qty", "1"),
                ("entry", "1"),
            ]),
            MissingField,
        ),
        fine("a type of a later version", with("type", r#""order_triggered""#)),
        fine("a type in capitals is another type", with("type", r#""ORDER_NEW""#)),
        fine("the type is called unknown", with("type", r#""unknown""#)),
        fine("an empty type", with("type", r#""""#)),
    ]
}

fn numbers() -> Vec<Row> {
    use Reason::{NotDecimal, NotJson, OutOfRange};
    vec![
        bad("NaN", with("price", "NaN"), NotJson),
        bad("Infinity", with("price", "Infinity"), NotJson),
        bad("negative Infinity", with("qty", "-Infinity"), NotJson),
        bad("NaN as a string", with("price", r#""NaN""#), NotDecimal),
        bad("Infinity as a string", with("qty", r#""Infinity""#), NotDecimal),
        bad("inf as a string", with("qty", r#""-inf""#), NotDecimal),
        bad("an empty number", with("price", r#""""#), NotDecimal),
        bad("words for a number", with("price", r#""market""#), NotDecimal),
        bad("hexadecimal as a string", with("qty", r#""0x10""#), NotDecimal),
        bad("hexadecimal", with("qty", "0x10"), NotJson),
        bad("a comma for the point", with("price", r#""64000,5""#), NotDecimal),
        bad("thousands kept apart", with("price", r#""64_000""#), NotDecimal),
        bad("blanks in a number", with("price", r#"" 64000""#), NotDecimal),
        bad("a plus before a number", with("price", r#""+64000""#), NotDecimal),
        bad("Arabic digits", with("price", r#""٦٤""#), NotDecimal),
        bad("an escaped NUL after a number", with("qty", r#""1\u0000""#), NotDecimal),
        bad("a number with a leading zero", with("qty", "01"), NotJson),
        bad("a number without digits after the point", with("qty", "1."), NotJson),
        bad("a huge number", with("price", "1e400"), OutOfRange),
        bad("a huge number as a string", with("price", r#""1e999999999999999999999""#), OutOfRange),
        bad("above the range", with("qty", "1e16"), OutOfRange),
        bad("just above the range", with("qty", r#""1000000000000001""#), OutOfRange),
        bad("a tiny number", with("price", "1e-400"), OutOfRange),
        bad("just below the range", with("qty", r#""0.000000000000999""#), OutOfRange),
        bad("eighteen digits", with("price", "0.123456789012345678"), OutOfRange),
        bad("eighteen digits as a string", with("price", r#""1234567.89012345678""#), OutOfRange),
        fine("seventeen digits", with("price", "0.12345678901234567")),
        fine("seventeen digits as a string", with("price", r#""1234567.8901234567""#)),
        fine("the noise of a double", with("price", "0.30000000000000004")),
        fine("digits below a unit, which are rounded", with("qty", "1.2345678901234565e-12")),
        bad("half a mebibyte of digits", with("qty", &"7".repeat(1 << 19)), OutOfRange),
        bad("a negative quantity", with("qty", r#""-0.25""#), OutOfRange),
        fine("a negative price", with("price", "-64000.5")),
        bad("a quantity of zero", with("qty", "0"), OutOfRange),
        bad("a quantity of minus zero", with("qty", "-0.0"), OutOfRange),
        fine("a price of zero as a string", with("price", r#""0e5""#)),
        bad("a price below the least one", with("price", "-1.1e15"), OutOfRange),
        bad("a step of prices of zero", other("instrument", r#""tick":0,"lot":1"#), OutOfRange),
        fine("a negative entry", other("position", r#""qty":1,"entry":"-1""#)),
        bad("a negative open interest", other("open_interest", r#""qty":-1"#), OutOfRange),
        fine("fifteen digits", with("price", "999999999999999")),
        fine("the least and the greatest", with("price", r#""1e15","note":"1e-12""#)),
        fine("half a mebibyte of zeros behind the point", with("qty", &format!("1.{}", "0".repeat(1 << 19)))),
    ]
}

fn levels() -> Vec<Row> {
    use Reason::{NotDecimal, OutOfRange, WrongType};
    vec![
        bad("bids are missing", other("book_delta", r#""asks":[]"#), Reason::MissingField),
        bad("bids are an object", other("book_delta", r#""bids":{},"asks":[]"#), WrongType),
        bad("bids are a string", other("book_snapshot", r#""bids":"[]","asks":[]"#), WrongType),
        bad("a level of one element", other("book_delta", r#""bids":[["1"]],"asks":[]"#), WrongType),
        bad("a level of three", other("book_delta", r#""bids":[["1","2","3"]],"asks":[]"#), WrongType),
        bad("an empty level", other("book_delta", r#""bids":[[]],"asks":[]"#), WrongType),
        bad("levels as objects", other("book_delta", r#""bids":[{"price":1,"qty":2}],"asks":[]"#), WrongType),
        bad("levels flat", other("book_delta", r#""bids":["1","2"],"asks":[]"#), WrongType),
        bad("a level within a level", other("book_delta", r#""bids":[[["1","2"],"3"]],"asks":[]"#), WrongType),
        bad("a level without a price", other("book_delta", r#""bids":[[null,"2"]],"asks":[]"#), Reason::MissingField),
        fine("a level at a price of zero", other("book_delta", r#""bids":[["0","2"]],"asks":[["-0.5",1]]"#)),
        bad("a level with a negative quantity", other("book_delta", r#""bids":[],"asks":[["1","-2"]]"#), OutOfRange),
        bad("a level of NaN", other("book_snapshot", r#""bids":[],"asks":[["1","NaN"]]"#), NotDecimal),
        bad(
            "too many levels",
            other("book_snapshot", &format!(r#""bids":[{}],"asks":[]"#, ["[1,1]"; 5_001].join(","))),
            Reason::TooMany,
        ),
        bad(
            "too many tiers",
            other("instrument", &format!(r#""tick":1,"lot":1,"tiers":[{}]"#, ["[1,1]"; 5_001].join(","))),
            Reason::TooMany,
        ),
        bad(
            "a tier without a rate",
            other("instrument", r#""tick":1,"lot":1,"tiers":[["5",null]]"#),
            Reason::MissingField,
        ),
        fine(
            "as many levels as may be",
            other("book_snapshot", &format!(r#""bids":[{}],"asks":[]"#, ["[1,1]"; 5_000].join(","))),
        ),
        fine("a delta that removes", other("book_delta", r#""bids":[["1","0"]],"asks":[]"#)),
    ]
}

fn times() -> Vec<Row> {
    use Reason::{TsFuture, TsUnit, WrongType};
    let at = |ts: i64| with("ts", &ts.to_string());
    let year_2000 = 946_684_800_000_000_000;
    let year_2100 = 4_102_444_800_000_000_000;
    vec![
        bad("seconds for nanoseconds", at(T / 1_000_000_000), TsUnit),
        bad("milliseconds for nanoseconds", at(T / 1_000_000), TsUnit),
        bad("microseconds for nanoseconds", at(T / 1_000), TsUnit),
        bad("the epoch", at(0), TsUnit),
        bad("a negative time", at(-T), TsUnit),
        bad("the least 64-bit time", at(i64::MIN), TsUnit),
        bad("the greatest 64-bit time", at(i64::MAX), TsUnit),
        bad("a time beyond 64 bits", with("ts", "9223372036854775808"), WrongType),
        bad("a time as a string", with("ts", r#""1760130000000000000""#), WrongType),
        bad("a time with a fraction", with("ts", "1760130000.123"), WrongType),
        bad("a time with an exponent", with("ts", "1.76e18"), WrongType),
        bad("a calendar time", with("ts", r#""2025-10-10T21:00:00Z""#), WrongType),
        bad("a time as a boolean", with("ts", "true"), WrongType),
        bad("a time below zero by a hair", with("ts", "-0"), WrongType),
        bad("the last nanosecond before 2000", at(year_2000 - 1), TsUnit),
        fine("the first nanosecond of 2000", at(year_2000)),
        bad("the first nanosecond of 2100", at(year_2100), TsUnit).on_clock(year_2100),
        fine("the last nanosecond of 2099, from a file", at(year_2100 - 1)).on_clock(None),
        bad("the last nanosecond of 2099, in the service", at(year_2100 - 1), TsFuture),
        fine("five minutes ahead of this machine", at(T + FUTURE_MAX)),
        bad("five minutes and a nanosecond ahead", at(T + FUTURE_MAX + 1), TsFuture),
        bad("an hour ahead, for a time zone", at(T + 3_600_000_000_000), TsFuture),
        fine("an hour ahead, from a file", at(T + 3_600_000_000_000)).on_clock(None),
        fine("this machine's clock is set back to the least time of all", at(T)).on_clock(i64::MIN),
        fine("an hour behind this machine", at(T - 3_600_000_000_000)),
        bad(
            "a time outside and an unknown type",
            other("x", "\"ts\":0").replacen(&format!("\"ts\":{T},"), "", 1),
            TsUnit,
        ),
        row("the record before again", GOOD_70.replace("TS", &T.to_string()), Ok(Fate::Duplicate)),
        row(
            "a sequence number seen before, of another event",
            with("symbol", r#""BTC-PERP","seq":70"#),
            Ok(Fate::Late),
        ),
        row("a sequence number from before", with("symbol", r#""BTC-PERP","seq":69"#), Ok(Fate::Late)),
        row(
            "an hour behind the newest of its symbol",
            with("symbol", r#""BTC-PERP""#).replace(&T.to_string(), &(T - 3_600_000_000_000).to_string()),
            Ok(Fate::Late),
        ),
    ]
}

/// The record that comes before each row.
const GOOD_70: &str =
    r#"{"type":"order_new","ts":TS,"symbol":"BTC-PERP","seq":70,"order":"g70","side":"buy","price":"1","qty":"1"}"#;
