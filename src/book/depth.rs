//! The depth near the touch: the notional within 5, 10, 25, 50 and 100 bps of the middle, kept up to date as the book
//! changes.
//!
//! Summing the book each time would be slow. So a change of a level is added to the bands that contain it, by one
//! comparison each; and when the middle moves, only the levels between the old and the new edges are visited. The sums
//! are floats, so they are computed anew every few thousand changes, before their rounding errors add up.
//!
//! The depth is read only while the best bid is above zero, because bands in basis points need a middle above zero. No level at or
//! below zero lies within a band then: such levels were removed again, and subtracted from the sums that they were added to.
//!
//! The bands are moved only when the depth is read ([`Depth::at`]). Between two reads they lie around the middle of the
//! last read.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde::{Deserialize, Serialize};

use crate::event::{Decimal, Price, Side};

/// The bands, in basis points of the middle (DETECTION 3, `thin_book`).
pub const BANDS_BPS: [i64; 5] = [5, 10, 25, 50, 100];
/// The whole in basis points.
const ONE_IN_BPS: i64 = 10_000;
/// Changes and moved levels after which the sums are computed anew: the rounding error is then at most 1e-12 of the
/// largest sum.
const ANEW_AFTER: u32 = 4_096;

/// Notional within each band, of bids and of asks.
pub type Sides = [[f64; BANDS_BPS.len()]; 2];

/// The running sums of one book.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Depth {
    /// The middle of the last read.
    middle: Decimal,
    /// The price at the end of each band, for bids and for asks.
    edges: [[Decimal; BANDS_BPS.len()]; 2],
    sums: Sides,
    /// Changes since the sums were computed anew; `None` before the first read.
    changes: Option<u32>,
}

impl Depth {
    /// Adds a change of a level's quantity, which is negative where the level lost some.
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

    /// Moves the bands to a middle. Returns the notional within them.
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
                    // A band that is computed anew grows from an edge that contains nothing.
                    let before = if anew { empty_edge(side) } else { self.edges[side as usize][band] };
                    self.edges[side as usize][band] = edge;
                    self.sums[side as usize][band] += moved(levels, side, before, edge, &mut self.changes);
                }
            }
            self.middle = middle;
        }
        self.sums()
    }

    /// The notional within the bands as they were last moved; `None` before the first read.
    pub fn last(&self) -> Option<Sides> {
        self.changes.map(|_| self.sums())
    }

    fn sums(&self) -> Sides {
        self.sums.map(|side| side.map(|sum| sum.max(0.0)))
    }
}

/// The cumulative notional of bids and asks within each distance, in basis points and ascending, from a middle.
pub(super) fn within<const N: usize>(
    middle: Decimal,
    bps: [i64; N],
    bids: &BTreeMap<Price, Decimal>,
    asks: &BTreeMap<Price, Decimal>,
) -> [[f64; N]; 2] {
    let notional = |(price, quantity): (&Price, &Decimal)| (price.get(), price.get().to_f64() * quantity.to_f64());
    let sum = |side: Side, levels: &mut dyn Iterator<Item = (Decimal, f64)>| {
        let edges = bps.map(|bps| {
            let out = if side == Side::Buy { -bps } else { bps };
            middle.parts(ONE_IN_BPS + out, ONE_IN_BPS)
        });
        let (mut sums, mut total, mut band) = ([0.0; N], 0.0, 0);
        for (price, notional) in levels {
            let beyond = |edge: Decimal| if side == Side::Buy { price < edge } else { price > edge };
            while band < N && beyond(edges[band]) {
                sums[band] = total;
                band += 1;
            }
            if band == N {
                break;
            }
            total += notional;
        }
        sums[band..].fill(total);
        sums
    };
    [sum(Side::Buy, &mut bids.iter().rev().map(notional)), sum(Side::Sell, &mut asks.iter().map(notional))]
}

/// Returns an edge within which no level lies.
const fn empty_edge(side: Side) -> Decimal {
    match side {
        Side::Buy => Decimal::MAX,
        Side::Sell => Decimal::MIN,
    }
}

/// Returns the notional that a band gains when its edge moves; negative where the band loses some. Counts the levels
/// visited in `changes`.
fn moved(levels: &BTreeMap<Price, Decimal>, side: Side, from: Decimal, to: Decimal, changes: &mut Option<u32>) -> f64 {
    let (low, high, gains) = (from.min(to), from.max(to), (side == Side::Buy) == (to < from));
    // A level exactly on an edge lies within the band, so bids in [low, high) and asks in (low, high] change.
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

/// Returns the bound of a range at an edge. An edge beyond the largest price is no bound.
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

    /// The definition: sums every level in every band.
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

    fn signed(ticks: i64) -> Price {
        Price::new(Decimal::from_parts(ticks, 2).unwrap()).unwrap()
    }

    proptest! {
        /// Books whose middle wanders through zero: the depth is there exactly while the best bid is above zero.
        #[test]
        fn around_zero_the_sums_agree_with_a_recount_wherever_there_are_any(
            sets in prop::collection::vec((any::<bool>(), -60_i64..150, 0_i64..5), 1..300)
        ) {
            let (mut book, mut levels) = (Book::default(), std::collections::BTreeMap::new());
            for (buy, ticks, n) in sets {
                let side = if buy { Side::Buy } else { Side::Sell };
                if n > 0 { levels.insert((side, ticks), n); } else { levels.remove(&(side, ticks)); }
                book.set(side, signed(ticks), lots(n));
                let bid = levels.keys().filter(|(side, _)| *side == Side::Buy).map(|(_, ticks)| *ticks).max();
                let ask = levels.keys().filter(|(side, _)| *side == Side::Sell).map(|(_, ticks)| *ticks).min();
                let (Some(bid), Some(ask)) = (bid.filter(|bid| *bid > 0), ask) else {
                    prop_assert_eq!((book.depth(), book.spread_bps()), (None, None));
                    continue;
                };
                let Some(got) = book.depth() else { prop_assert!(bid > ask); continue };
                let middle = (bid + ask) as f64 / 200.0;
                let list: Vec<(Side, i64, i64)> = levels.iter().map(|(&(side, at), &n)| (side, at, n)).collect();
                for (got, expected) in got.iter().flatten().zip(naive(&list, middle).iter().flatten()) {
                    prop_assert!((got - expected).abs() <= 1e-6, "{got} for {expected}");
                }
            }
        }

        #[test]
        fn the_sums_agree_with_a_recount_of_every_level(
            sets in prop::collection::vec((any::<bool>(), 0_i64..150, 0_i64..5, -3_i64..4), 1..200)
        ) {
            let mut book = Book::default();
            let mut levels = std::collections::BTreeMap::new();
            let mut centre = 10_000;
            for (buy, out, n, drift) in sets {
                centre += drift;
                // Levels that the centre has passed are removed, so the book is never crossed.
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
