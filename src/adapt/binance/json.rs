//! The frames as JSON objects. The venue tells fields apart by their case and leaves out what a market does not have:
//! spot has no `T` and no `pu` in depth updates, COIN-M adds the pair `ps`. A field that is not listed is ignored.
//!
//! In every frame `E` is the event time, `T` the transaction time (in a mark: the next funding time) and `s` the symbol.
#![expect(non_snake_case, reason = "the venue tells fields apart by their case")]

use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::value::RawValue;

use super::super::record::{Exact, Text};

/// The fields that tell the kinds of frames apart.
#[derive(Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each says that a key is there, whatever its value")]
pub(super) struct Head<'a> {
    /// Content of a combined stream's envelope.
    #[serde(borrow)]
    pub data: Option<&'a RawValue>,
    /// Name of the stream in a combined stream's envelope: `btcusdt@depth20@100ms`.
    #[serde(borrow)]
    pub stream: Option<Text<'a>>,
    /// Type of an event.
    #[serde(borrow)]
    pub e: Option<Text<'a>>,
    /// Symbol of an event.
    #[serde(borrow)]
    pub s: Option<Text<'a>>,
    /// Number of a book.
    pub lastUpdateId: Option<u64>,
    /// Whether there is a best bid's quantity, as in a spot `bookTicker`, which has no `e`.
    #[serde(default, deserialize_with = "present")]
    pub B: bool,
    /// Whether there is the number of the request that the frame answers.
    #[serde(default, deserialize_with = "present")]
    pub id: bool,
    /// Whether there is the result of a request.
    #[serde(default, deserialize_with = "present")]
    pub result: bool,
    /// Whether there is the error of a request.
    #[serde(default, deserialize_with = "present")]
    pub error: bool,
}

/// Reads whether a field is there, whatever its value is: the venue answers `"result":null`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// Changes of the book: first and last update id (`U`, `u`), last id of the frame before (`pu`), bids and asks.
#[derive(Deserialize)]
#[serde(expecting = "a depth update")]
pub(super) struct DepthJson<'a> {
    pub E: Option<i64>,
    pub T: Option<i64>,
    #[serde(borrow)]
    pub s: Text<'a>,
    pub U: Option<u64>,
    pub u: u64,
    pub pu: Option<u64>,
    pub b: Vec<(Exact, Exact)>,
    pub a: Vec<(Exact, Exact)>,
}

/// One trade (id `t`) or an aggregate of several (id `a`): price, quantity, whether the buyer is the maker (`m`), and
/// the kind of print (`X`).
#[derive(Deserialize)]
#[serde(expecting = "a trade")]
pub(super) struct TradeJson<'a> {
    pub E: Option<i64>,
    pub T: Option<i64>,
    #[serde(borrow)]
    pub s: Text<'a>,
    pub t: Option<u64>,
    pub a: Option<u64>,
    pub p: Exact,
    pub q: Exact,
    pub m: bool,
    #[serde(borrow)]
    pub X: Option<Text<'a>>,
}

/// Mark price (`p`), index price (`i`) and funding rate (`r`).
#[derive(Deserialize)]
#[serde(expecting = "a mark price")]
pub(super) struct MarkJson<'a> {
    pub E: i64,
    pub T: Option<i64>,
    #[serde(borrow)]
    pub s: Text<'a>,
    pub p: Exact,
    pub i: Option<Exact>,
    #[serde(borrow)]
    pub r: Option<Text<'a>>,
}

/// Frame around a forced order (`o`).
#[derive(Deserialize)]
#[serde(expecting = "a forced order")]
pub(super) struct ForceJson<'a> {
    pub E: Option<i64>,
    #[serde(borrow)]
    pub o: ForcedJson<'a>,
}

/// Order that closes a liquidated position: side (`S`), average price (`ap`) and filled quantity (`z`).
#[derive(Deserialize)]
#[serde(expecting = "a forced order")]
pub(super) struct ForcedJson<'a> {
    pub T: Option<i64>,
    #[serde(borrow)]
    pub s: Text<'a>,
    #[serde(borrow)]
    pub S: Text<'a>,
    pub ap: Exact,
    pub z: Exact,
}

/// A whole book. Its `lastUpdateId` is read in [`Head`].
#[derive(Deserialize)]
#[serde(expecting = "a book")]
pub(super) struct BookJson<'a> {
    pub E: Option<i64>,
    pub T: Option<i64>,
    #[serde(borrow)]
    pub symbol: Option<Text<'a>>,
    pub bids: Vec<(Exact, Exact)>,
    pub asks: Vec<(Exact, Exact)>,
}
