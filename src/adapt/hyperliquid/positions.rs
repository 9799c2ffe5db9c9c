//! Follows the positions of wallets by their fills.
//!
//! A fill reports the position before it, so the quantity after it is always known. The contract's `position` also has
//! the mean entry price, which a fill gives only in part:
//!
//! | the fill | the entry price after it |
//! |---|---|
//! | closes the position | 0: there is no position |
//! | opens a position, or turns it to the other side | the fill's price |
//! | adds to the position | the mean of entry and price by quantity, if the entry before is known |
//! | closes a part | the same as before: price ∓ `closedPnl` / quantity, as the venue calculates it |
//!
//! A position from before the recording that only grows has an unknown entry. There is no `position` event for it until
//! a fill closes a part of it: a made-up entry would make the account's profit and loss wrong without a sign of the
//! error. In the recording of 2025-10-27, two of three positions after a block are known.
//!
//! A quotient may have any number of digits, and `closedPnl` is rounded to a millionth. So an entry has [`DIGITS`]
//! digits.

use compact_str::CompactString;

use super::block::Fill;
use crate::{event::Decimal, table::Table};

/// Largest number of positions that are remembered, for the entries of those that grow. The venue had about 200,000
/// open positions in 2025.
const POSITIONS_MAX: usize = 500_000;
/// Significant digits of an entry price. The venue's own prices have five.
const DIGITS: usize = 12;

/// The position of a wallet in a coin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Holding {
    pub qty: Decimal,
    /// Mean entry price, if it is known.
    pub entry: Option<Decimal>,
}

/// The open positions of all wallets, by wallet and coin.
#[derive(Debug)]
pub(super) struct Positions {
    open: Table<(CompactString, CompactString), Holding>,
}

impl Positions {
    pub fn new() -> Self {
        Self { open: Table::new(POSITIONS_MAX) }
    }

    /// Returns how many positions were evicted.
    pub const fn evicted(&self) -> u64 {
        self.open.evicted()
    }

    /// Applies a fill. Returns the position of its wallet in its coin after it.
    pub fn apply(&mut self, fill: &Fill) -> Holding {
        let key = (CompactString::new(&*fill.wallet), CompactString::new(&*fill.coin));
        let known = self.open.find(&key);
        let before = known.and_then(|handle| self.open.get(handle)).filter(|before| before.qty == fill.start_position);
        let qty = fill.start_position.plus(fill.signed_qty());
        let after = Holding { qty, entry: entry(fill, qty, before.and_then(|before| before.entry)) };
        match known {
            // A closed position need not be remembered: the next fill opens a new one.
            Some(handle) if qty.is_zero() => {
                self.open.remove(handle);
            }
            Some(handle) => {
                self.open.touch(handle);
                if let Some(holding) = self.open.get_mut(handle) {
                    *holding = after;
                }
            }
            None if qty.is_zero() => {}
            None => {
                self.open.insert(key, after);
            }
        }
        after
    }
}

/// Calculates the entry price after a fill by the module's table; `None` if it is unknown. `after` is the quantity
/// after the fill, `before` the entry before it.
fn entry(fill: &Fill, after: Decimal, before: Option<Decimal>) -> Option<Decimal> {
    let start = fill.start_position;
    if after.is_zero() {
        return Some(Decimal::ZERO);
    }
    if start.is_zero() || start.is_positive() != after.is_positive() {
        return Some(fill.price.get());
    }
    let (price, qty) = (fill.price.get().to_f64(), fill.qty.get().to_f64());
    if start.is_positive() == fill.signed_qty().is_positive() {
        let (entry, size) = (before?.to_f64(), start.to_f64().abs());
        return rounded((size * entry + qty * price) / (size + qty));
    }
    let gain = fill.closed_pnl.to_f64() / qty;
    rounded(if start.is_positive() { price - gain } else { price + gain })
}

/// Rounds an entry to [`DIGITS`] digits; `None` if it is not a price.
fn rounded(entry: f64) -> Option<Decimal> {
    let text = format!("{entry:.*e}", DIGITS - 1);
    Decimal::parse(&text).ok().filter(|entry| entry.is_positive())
}
