//! The largest orders that took within the last minute, as evidence of a burst: side, prices, levels and quantity.
//!
//! Fills are grouped into arrivals by the meter of the burst. The current arrival grows with each of its fills; the largest of each
//! ten seconds is kept, so that the cost is the same in a storm as in calm. Nothing is judged here.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::{
    detect::{Sweep, symbol::TradeSeen},
    time::{EventTime, Span},
};

/// The length of a slot; the largest arrival of each slot is kept.
const SLOT: Span = Span::from_secs(10);
/// The number of slots: those of a burst's longest window, and the one in which the window begins.
const SLOTS_MAX: usize = 7;

/// The current arrival, and the largest of each slot before.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Sweeps {
    current: Option<Sweep>,
    /// Oldest first; one for each slot.
    largest: VecDeque<Sweep>,
}

impl Sweeps {
    /// Takes a trade, which is the first fill of an arrival or a further one.
    pub fn take(&mut self, at: EventTime, seen: &TradeSeen<'_>, is_first: bool) {
        let trade = seen.trade;
        let (price, quantity) = (trade.price.get().to_f64(), trade.qty.get().to_f64());
        if is_first {
            self.keep();
        }
        let current = self.current.get_or_insert_with(|| Sweep {
            at,
            side: trade.side,
            from: price,
            to: price,
            levels: 1,
            quantity: 0.0,
            notional: 0.0,
            taker: seen.taker.map(crate::event::SharedName::to_compact),
        });
        if (price - current.to).abs() > 0.0 {
            current.to = price;
            current.levels = current.levels.saturating_add(1);
        }
        current.quantity += quantity;
        current.notional += price * quantity;
    }

    /// Ends the current arrival, and keeps it if it is the largest of its slot.
    fn keep(&mut self) {
        let Some(over) = self.current.take() else { return };
        match self.largest.back_mut() {
            Some(newest) if newest.at.slot(SLOT) >= over.at.slot(SLOT) => {
                if size(&over) > size(newest) {
                    *newest = over;
                }
            }
            Some(_) | None => {
                if self.largest.len() == SLOTS_MAX {
                    self.largest.pop_front();
                }
                self.largest.push_back(over);
            }
        }
    }

    /// Returns the largest arrival since a time, at most a minute ago.
    pub fn largest(&self, since: EventTime) -> Option<Sweep> {
        let all = self.largest.iter().chain(&self.current).filter(|sweep| sweep.at >= since);
        all.max_by(|a, b| size(a).total_cmp(&size(b))).cloned()
    }
}

/// The size by which arrivals are compared. Where prices are below zero so is the notional.
const fn size(sweep: &Sweep) -> f64 {
    sweep.notional.abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Decimal, Name, Price, Quantity, Side, Trade};

    fn take(sweeps: &mut Sweeps, millis: i64, (price, lots): (i64, i64), is_first: bool) {
        let decimal = |n| Decimal::from_parts(n, 0).unwrap();
        let trade = Trade::public(
            Name::new("1".to_owned()).unwrap(),
            Price::new(decimal(price)).unwrap(),
            Quantity::new(decimal(lots)).unwrap(),
            Some(Side::Sell),
        );
        let seen = TradeSeen { trade: &trade, taker: None, taker_owner: None, level_changes: None };
        sweeps.take(EventTime::from_nanos(millis * 1_000_000), &seen, is_first);
    }

    fn at(millis: i64) -> EventTime {
        EventTime::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn a_sweep_has_the_prices_levels_and_quantity_of_its_fills() {
        let mut sweeps = Sweeps::default();
        take(&mut sweeps, 0, (100, 1), true);
        for (price, lots) in [(100, 3), (99, 2), (99, 1), (97, 4)] {
            take(&mut sweeps, 500, (price, lots), price == 100);
        }
        take(&mut sweeps, 600, (97, 1), true);
        let largest = sweeps.largest(at(0)).unwrap();
        let seen = (largest.side, largest.from, largest.to, largest.levels, largest.quantity, largest.notional);
        assert_eq!(seen, (Some(Side::Sell), 100.0, 97.0, 3, 10.0, 985.0));
        assert!((sweeps.largest(at(501)).unwrap().quantity - 1.0).abs() < 1e-9, "the one since then");
        assert_eq!(sweeps.largest(at(601)), None);
    }

    #[test]
    fn one_for_each_ten_seconds_is_kept_and_no_more_than_a_minute_of_them() {
        let mut sweeps = Sweeps::default();
        for second in 0..1_000 {
            take(&mut sweeps, second * 1_000, (100, 1 + second % 10), true);
        }
        assert_eq!(sweeps.largest.len(), SLOTS_MAX);
        assert!(
            sweeps.largest.iter().all(|sweep| (sweep.quantity - 10.0).abs() < f64::EPSILON || sweep.at >= at(990_000))
        );
    }
}
