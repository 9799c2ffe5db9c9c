//! The likeness of a file, by its first bytes: for a message that names the format of a file that was taken for another.
//!
//! Magic bytes are certain. Text is judged by its first line: the columns of a header, the fields of a JSON object, the
//! number and range of a row's columns. A line that fits nothing is not named.

use std::fmt;

use serde_json::Value;

use super::{Format, record::before_json};

/// Number of bytes at a file's beginning that are enough for a verdict: the longest first line, a book of a thousand
/// levels, fits.
pub const HEAD_BYTES: usize = 1 << 16;

/// The format that a file looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// One of the formats that are read. The text names it, with its kind of data where there are several.
    Format(Format, String),
    /// Compressed data whose name lacks the ending by which it is decompressed.
    Packed(&'static str, &'static str),
    /// A format that is not read.
    Other(&'static str),
}

impl Likeness {
    /// Judges a file by its first bytes, decompressed if its name says so. `None` if they say nothing.
    #[must_use]
    pub fn of(head: &[u8]) -> Option<Self> {
        of_magic(head).or_else(|| {
            let line = head.split(|&byte| byte == b'\n').find(|line| !line.trim_ascii().is_empty())?;
            of_line(std::str::from_utf8(line).ok()?.trim_ascii())
        })
    }

    /// Whether the file cannot be read as this format, whatever is in its lines.
    #[must_use]
    pub fn excludes(&self, format: Format) -> bool {
        match self {
            Self::Format(own, _) => *own != format && (own.is_binary() || format.is_binary()),
            Self::Packed(..) => true,
            Self::Other(_) => format.is_binary(),
        }
    }
}

impl fmt::Display for Likeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format(_, name) => f.write_str(name),
            Self::Packed(name, ending) => write!(f, "{name} data whose name does not end with `{ending}`"),
            Self::Other(name) => write!(f, "{name}, which is not read"),
        }
    }
}

fn of_magic(head: &[u8]) -> Option<Likeness> {
    const MAGIC: [(&[u8], Likeness); 6] = [
        (b"\x1f\x8b", Likeness::Packed("gzip", ".gz")),
        (b"\x28\xb5\x2f\xfd", Likeness::Packed("zstd", ".zst")),
        (b"\xfd7zXZ\0", Likeness::Packed("xz", ".xz")),
        (b"PAR1", Likeness::Other("parquet")),
        (b"PK\x03\x04", Likeness::Other("a zip archive")),
        (b"ARROW1", Likeness::Other("arrow")),
    ];
    if head.starts_with(b"DBN") && head.get(3).is_some_and(|&version| version < 32) {
        return Some(Likeness::Format(Format::Dbn, "databento dbn".to_owned()));
    }
    MAGIC.into_iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, likeness)| likeness)
}

fn of_line(line: &str) -> Option<Likeness> {
    of_header(line).or_else(|| of_row(line)).or_else(|| of_json(line))
}

/// Judges the header of a CSV file.
fn of_header(line: &str) -> Option<Likeness> {
    let columns: Vec<&str> = line.split(',').collect();
    let has = |column: &str| columns.contains(&column);
    if has("ts_event") && has("rtype") {
        return Some(Likeness::Other("databento csv"));
    }
    if !(has("symbol") && has("local_timestamp")) {
        return None;
    }
    let tardis = |kind: &str| Some(Likeness::Format(Format::Tardis, format!("tardis csv ({kind})")));
    if has("is_snapshot") {
        return tardis("incremental_book_L2");
    }
    if has("asks[0].price") {
        let is_ask =
            |column: &&&str| column.strip_prefix("asks[").is_some_and(|rest| rest.strip_suffix("].price").is_some());
        let levels = columns.iter().filter(is_ask).count();
        return tardis(&format!("book_snapshot_{levels}"));
    }
    if has("side") && has("price") && has("amount") { tardis("trades") } else { Some(Likeness::Other("tardis csv")) }
}

/// Judges a row of numbers: LOBSTER's messages have a time, a type, an order, a size, a price and a direction; its books
/// have four whole numbers for each level.
fn of_row(line: &str) -> Option<Likeness> {
    let lobster = |kind: &str| Some(Likeness::Format(Format::Lobster, format!("lobster ({kind})")));
    let numbers: Vec<f64> = line.split(',').map(|column| column.trim_ascii().parse().ok()).collect::<Option<_>>()?;
    match numbers.as_slice() {
        &[seconds, kind, _, _, _, direction]
            if (0.0..86_400.0).contains(&seconds)
                && (1..=7).any(|known| f64::from(known).to_bits() == kind.to_bits())
                && (direction.abs() - 1.0).abs() < 0.5 =>
        {
            lobster("messages")
        }
        levels if levels.len() >= 4 && levels.len().is_multiple_of(4) && !line.contains('.') => lobster("book"),
        _ => None,
    }
}

fn of_json(line: &str) -> Option<Likeness> {
    let (before, body) = before_json(line).ok()?;
    let known = |format: Format, name: &str| Some(Likeness::Format(format, name.to_owned()));
    if before.split_ascii_whitespace().nth(1).is_some_and(|kind| kind.starts_with("order_") || kind == "trade") {
        return known(Format::Bitstamp, "bitstamp lines");
    }
    let value: Value = serde_json::from_str(body).ok()?;
    let first = if let Value::Array(items) = &value { items.first()? } else { &value };
    let has = |field: &str| first.get(field).is_some();
    if has("type") && has("ts") {
        known(Format::Events, "event lines")
    } else if has("event") && has("channel") {
        known(Format::Bitstamp, "bitstamp frames")
    } else if has("block_time") && has("events") {
        known(Format::Hyperliquid, "hyperliquid blocks")
    } else if (has("stream") && has("data")) || (has("e") && has("E")) || has("lastUpdateId") {
        known(Format::Binance, "binance frames")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(head: &[u8]) -> String {
        Likeness::of(head).map_or_else(String::new, |likeness| likeness.to_string())
    }

    #[test]
    fn each_kind_of_file_is_named_by_its_first_bytes() {
        let cases: [(&[u8], &str); 20] = [
            (b"DBN\x03\x00\x01\x00\x00", "databento dbn"),
            (b"\x1f\x8b\x08\x00", "gzip data whose name does not end with `.gz`"),
            (b"\x28\xb5\x2f\xfd\x04", "zstd data whose name does not end with `.zst`"),
            (b"\xfd7zXZ\x00\x00", "xz data whose name does not end with `.xz`"),
            (b"PAR1\x15\x04", "parquet, which is not read"),
            (
                b"exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\r\n",
                "tardis csv (incremental_book_L2)",
            ),
            (b"exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n", "tardis csv (trades)"),
            (
                b"exchange,symbol,timestamp,local_timestamp,asks[0].price,asks[0].amount,asks[1].price\n",
                "tardis csv (book_snapshot_2)",
            ),
            (b"exchange,symbol,timestamp,local_timestamp,funding_rate\n", "tardis csv, which is not read"),
            (b"ts_recv,ts_event,rtype,publisher_id\n", "databento csv, which is not read"),
            (b"34200.004241176,1,16113575,18,5853300,1\n", "lobster (messages)"),
            (b"5859400,200,5853300,18,5859800,200,5853000,150\n", "lobster (book)"),
            (b"1430000000000 order_created {\"id\": 1}\n", "bitstamp lines"),
            (b"\n {\"event\":\"trade\",\"channel\":\"live_trades_btcusd\",\"data\":{}}\n", "bitstamp frames"),
            (b"1680 {\"stream\":\"x@trade\",\"data\":{}}\n", "binance frames"),
            (b"[{\"e\":\"trade\",\"E\":1}]\n", "binance frames"),
            (b"{\"block_time\":\"\",\"events\":[]}\n", "hyperliquid blocks"),
            (b"{\"type\":\"trade\",\"ts\":1}\n", "event lines"),
            (b"noise\n", ""),
            (b"", ""),
        ];
        for (head, expected) in cases {
            assert_eq!(words(head), expected, "{}", String::from_utf8_lossy(head));
        }
    }

    #[test]
    fn only_what_cannot_be_read_line_by_line_excludes_a_format() {
        let dbn = Likeness::of(b"DBN\x03").unwrap();
        assert!(dbn.excludes(Format::Events) && !dbn.excludes(Format::Dbn));
        let tardis = Likeness::of(b"symbol,local_timestamp,side,price,amount\n").unwrap();
        assert!(!tardis.excludes(Format::Binance) && tardis.excludes(Format::Dbn));
        assert!(Likeness::of(b"\x1f\x8b").unwrap().excludes(Format::Events));
    }
}
