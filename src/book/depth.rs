//! How much rests near the touch: the notional within 5, 10, 25, 50 and 100 bps of the middle, kept as the book changes.
//!
//! A change of a level moves the bands that it lies in, by one comparison each. When the middle moves, only the levels between the
//! old and the new edges are looked at. The sums are floats, so what they gather in rounding is cleared by summing anew every
//! few thousand changes.
//!
//! The bands are around the middle as of the last question, not as of now: between two questions nobody sees them.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde::{Deserialize, Serialize};

use crate::event::{Decimal, Price, Side};

/// The bands, in basis points of the middle (DETECTION 3, `thin_book`).
pub const BANDS_BPS: [i64; 5] = [5, 10, 25, 50, 100];
const ONE_IN_BPS: i64 = 10_000;
/// Changes and moved levels after which the sums are made anew: rounding has then cost 1e-12 of the largest sum at most.
const ANEW_AFTER: u32 = 4_096;

/// Notional within each band, of bids and of asks.
pub type Sides = [[f64; BANDS_BPS.len()]; 2];

/// The running sums of one book.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Depth {
    middle: Decimal,
    /// The price at the end of each band, for bids and for asks.
    edges: [[Decimal; BANDS_BPS.len()]; 2],
    sums: Sides,
    /// Changes since the sums were made anew; none yet before the first question.
    changes: Option<u32>,
}

impl Depth {
    /// A level has gained so much, or lost it.
    pub fn changed(&mut self, side: Side, price: Decimal, quantity: f64) {
        let Some(changes) = &mut self.changes else { return };
        let edges = &self.edges[side as usize];
        let within = |edge: Decimal| match side {
            Side::Buy => price >= edge,
            Side::Sell => price <= edge,
        };
        if !within(edges[BANDS_BPS.len() - 1]) {
            return;
        }
        *changes += 1;
        let notional = price.to_f64() * quantity;
        for (sum, &edge) in self.sums[side as usize].iter_mut().zip(edges) {
            *sum += if within(edge) { notional } else { 0.0 };
        }
    }

    /// The sums around this middle.
    pub fn at(&mut self, middle: Decimal, bids: &BTreeMap<Price, Decimal>, asks: &BTreeMap<Price, Decimal>) -> Sides {
        let anew = self.changes.is_none_or(|changes| changes >= ANEW_AFTER);
        if anew {
            (self.changes, self.sums) = (Some(0), Sides::default());
        }
        if anew || self.middle != middle {
            for (band, &bps) in BANDS_BPS.iter().enumerate() {
                for (side, levels) in [(Side::Buy, bids), (Side::Sell, asks)] {
                    let out = if side == Side::Buy { -bps } else { bps };
                    let edge = middle.parts(ONE_IN_BPS + out, ONE_IN_BPS);
                    // Made anew, a band begins as if nothing had been within it.
                    let before = if anew { far(side) } else { self.edges[side as usize][band] };
                    self.edges[side as usize][band] = edge;
                    self.sums[side as usize][band] += between(levels, side, before, edge, &mut self.changes);
                }
            }
            self.middle = middle;
        }
        self.sums.map(|side| side.map(|sum| sum.max(0.0)))
    }
}

/// An edge within which nothing is.
const fn far(side: Side) -> Decimal {
    match side {
        Side::Buy => Decimal::MAX,
        Side::Sell => Decimal::ZERO,
    }
}

/// What a band gains, or loses, while its edge moves.
fn between(
    levels: &BTreeMap<Price, Decimal>,
    side: Side,
    from: Decimal,
    to: Decimal,
    changes: &mut Option<u32>,
) -> f64 {
    let (low, high, gains) = (from.min(to), from.max(to), (side == Side::Buy) == (to < from));
    // A bid on the edge is within, and so is an ask: the range is closed on the side of the edge that includes more.
    let bounds = match side {
        Side::Buy => (bound(low, Bound::Included), bound(high, Bound::Excluded)),
        Side::Sell => (bound(low, Bound::Excluded), bound(high, Bound::Included)),
    };
    if low == high {
        return 0.0;
    }
    let mut sum = 0.0;
    for (price, quantity) in levels.range(bounds) {
        sum += price.get().to_f64() * quantity.to_f64();
        *changes = changes.map(|changes| changes.saturating_add(1));
    }
    if gains { sum } else { -sum }
}

/// Prices are above zero; an edge at zero bounds nothing.
fn bound(edge: Decimal, kind: fn(Price) -> Bound<Price>) -> Bound<Price> {
    Price::new(edge).map_or(Bound::Unbounded, kind)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Book;
    use super::*;

    fn price(ticks: i64) -> Price {
        Price::new(Decimal::from_parts(ticks, 2).unwrap()).unwrap()
    }

    fn lots(n: i64) -> Decimal {
        Decimal::from_parts(n, 0).unwrap()
    }

    /// The definition: every level, every band.
    fn naive(levels: &[(Side, i64, i64)], middle: f64) -> Sides {
        let mut sums = Sides::default();
        for (band, bps) in BANDS_BPS.into_iter().enumerate() {
            for &(side, ticks, n) in levels {
                let (at, edge) = (ticks as f64 / 100.0, bps as f64 / 1e4);
                let within = match side {
                    Side::Buy => at >= middle * (1.0 - edge) - 1e-9,
                    Side::Sell => at <= middle * (1.0 + edge) + 1e-9,
                };
                sums[side as usize][band] += if within { at * n as f64 } else { 0.0 };
            }
        }
        sums
    }

    proptest! {
        #[test]
        fn the_bands_are_those_of_a_recount(
            sets in prop::collection::vec((any::<bool>(), 0_i64..150, 0_i64..5, -3_i64..4), 1..200)
        ) {
            let mut book = Book::default();
            let mut levels = std::collections::BTreeMap::new();
            let mut centre = 10_000;
            for (buy, out, n, drift) in sets {
                centre += drift;
                // What the centre passes is gone, so the book is never crossed.
                let passed: Vec<(Side, i64)> = levels.keys().copied().filter(|&(side, at): &(Side, i64)| match side {
                    Side::Buy => at >= centre,
                    Side::Sell => at <= centre,
                }).collect();
                let side = if buy { Side::Buy } else { Side::Sell };
                let at = if buy { centre - 1 - out } else { centre + 1 + out };
                for (side, at) in passed {
                    levels.remove(&(side, at));
                    book.set(side, price(at), Decimal::ZERO);
                }
                if n > 0 { levels.insert((side, at), n); } else { levels.remove(&(side, at)); }
                book.set(side, price(at), lots(n));
                let (Some(bid), Some(ask)) = (book.best_bid(), book.best_ask()) else {
                    prop_assert_eq!(book.depth(), None);
                    continue;
                };
                let middle = f64::midpoint(bid.get().to_f64(), ask.get().to_f64());
                let list: Vec<(Side, i64, i64)> = levels.iter().map(|(&(side, at), &n)| (side, at, n)).collect();
                let (got, expected) = (book.depth().unwrap(), naive(&list, middle));
                for (got, expected) in got.iter().flatten().zip(expected.iter().flatten()) {
                    prop_assert!((got - expected).abs() <= 1e-6, "{got} for {expected}");
                }
            }
        }
    }
}
