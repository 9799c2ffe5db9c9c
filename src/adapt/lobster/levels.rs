//! Reads one row of the book file: the best levels of both sides after the message of the same row.

use std::collections::BTreeMap;

use super::{
    super::record::{price, wrong},
    message::{PLACES, number},
};
use crate::event::{BookDelta, BookSnapshot, Decimal, DecodeLimits, Level, Price, Reason, Rejection};

/// Values in place of a price, used if a side has fewer levels than the file has columns.
const NO_LEVEL: [&str; 2] = ["9999999999", "-9999999999"];

/// Levels of one row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Levels {
    bids: BTreeMap<Price, Decimal>,
    asks: BTreeMap<Price, Decimal>,
}

impl Levels {
    /// Reads a row: ask price, ask size, bid price, bid size, from the best level to the last.
    ///
    /// # Errors
    /// Returns the reason for which the text is not a row of a book.
    pub fn parse(row: &str, limits: DecodeLimits) -> Result<Self, Rejection> {
        let fields: Vec<&str> = row.split(',').collect();
        let (rows, []) = fields.as_chunks::<4>() else {
            return Err(wrong("expected four fields for each level: ask price and size, bid price and size"));
        };
        if rows.len() > limits.levels_max {
            return Err(Rejection::new(Reason::TooMany, format!("{} levels", rows.len())));
        }
        let mut levels = Self::default();
        for [ask, ask_size, bid, bid_size] in rows {
            for (at, size, side) in [(ask, ask_size, &mut levels.asks), (bid, bid_size, &mut levels.bids)] {
                if NO_LEVEL.contains(at) {
                    continue;
                }
                let size = number(size, 0)?;
                if !size.is_positive() || side.insert(price(number(at, PLACES)?)?, size).is_some() {
                    return Err(wrong("expected levels with a size, each price once"));
                }
            }
        }
        Ok(levels)
    }

    /// Returns all levels.
    pub fn snapshot(&self) -> BookSnapshot {
        let level = |(&price, &qty): (&Price, &Decimal)| Level(price, qty);
        BookSnapshot { bids: self.bids.iter().rev().map(level).collect(), asks: self.asks.iter().map(level).collect() }
    }

    /// Returns the levels that changed since the row before; `None` if none changed.
    pub fn since(&self, before: &Self) -> Option<BookDelta> {
        let bids: Vec<Level> = changed(&before.bids, &self.bids);
        let asks: Vec<Level> = changed(&before.asks, &self.asks);
        (!bids.is_empty() || !asks.is_empty()).then_some(BookDelta { bids, asks, prev_seq: None })
    }
}

/// Returns the levels that disappeared, then those that are new or have another size.
fn changed(before: &BTreeMap<Price, Decimal>, after: &BTreeMap<Price, Decimal>) -> Vec<Level> {
    let removed = before.keys().filter(|price| !after.contains_key(price)).map(|&price| Level(price, Decimal::ZERO));
    let other = after.iter().filter(|(price, qty)| before.get(price) != Some(qty));
    removed.chain(other.map(|(&price, &qty)| Level(price, qty))).collect()
}
