//! What is known of wallets' positions from their fills.
//!
//! A fill says the position before it, so the quantity after it is always known. The contract's `position` also has the mean
//! entry price, and that a fill says in part:
//!
//! | the fill | the entry after it |
//! |---|---|
//! | closes all | 0: there is no position |
//! | opens one, or turns it round | the fill's price |
//! | adds to one | the mean by quantity, if the entry before was known |
//! | closes a part | the same as before: price ∓ `closedPnl` / quantity (the venue reckons it so) |
//!
//! What opened before the recording and only grew has an entry that nothing tells: then there is no `position` until a fill
//! closes a part of it. A made-up entry would make profit and loss of the account wrong without a sign of it. In the
//! recording of 2025-10-27 two of three positions after a block are known.
//!
//! A quotient has no end, and `closedPnl` is rounded to a millionth: the entry is given to [`DIGITS`] digits.

use compact_str::CompactString;

use super::block::Fill;
use crate::{event::Decimal, table::Table};

/// Wallets' positions that are remembered, for the entries of those that grow; the venue had some 200,000 open ones in 2025.
const HELD_MAX: usize = 500_000;
/// Significant digits of an entry: the venue's own prices have five.
const DIGITS: usize = 12;

/// A position, with its entry where that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub qty: Decimal,
    pub entry: Option<Decimal>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Positions {
    held: Table<(CompactString, CompactString), Held>,
}

impl Positions {
    pub fn new() -> Self {
        Self { held: Table::new(HELD_MAX) }
    }

    /// How many were forgotten for want of room.
    pub const fn forgotten(&self) -> u64 {
        self.held.evicted()
    }

    /// What the wallet holds of the coin after this fill.
    pub fn after(&mut self, fill: &Fill) -> Held {
        let key = (CompactString::new(&*fill.wallet), CompactString::new(&*fill.coin));
        let known = self.held.find(&key);
        let before = known.and_then(|handle| self.held.get(handle)).filter(|held| held.qty == fill.start);
        let qty = fill.start.plus(fill.signed());
        let now = Held { qty, entry: entry(fill, qty, before.and_then(|held| held.entry)) };
        match known {
            // What is closed need not be remembered: the next fill opens anew.
            Some(handle) if qty.is_zero() => {
                self.held.remove(handle);
            }
            Some(handle) => {
                self.held.touch(handle);
                if let Some(held) = self.held.get_mut(handle) {
                    *held = now;
                }
            }
            None if qty.is_zero() => {}
            None => {
                self.held.insert(key, now);
            }
        }
        now
    }
}

fn entry(fill: &Fill, after: Decimal, before: Option<Decimal>) -> Option<Decimal> {
    let start = fill.start;
    if after.is_zero() {
        return Some(Decimal::ZERO);
    }
    if start.is_zero() || start.is_positive() != after.is_positive() {
        return Some(fill.price.get());
    }
    let (price, qty) = (fill.price.get().to_f64(), fill.qty.get().to_f64());
    if start.is_positive() == fill.signed().is_positive() {
        let (entry, size) = (before?.to_f64(), start.to_f64().abs());
        return rounded((size * entry + qty * price) / (size + qty));
    }
    let gain = fill.closed_pnl.to_f64() / qty;
    rounded(if start.is_positive() { price - gain } else { price + gain })
}

/// To the digits that an entry has; `None` where it is no price.
fn rounded(entry: f64) -> Option<Decimal> {
    let text = format!("{entry:.*e}", DIGITS - 1);
    Decimal::parse(&text).ok().filter(|entry| entry.is_positive())
}
