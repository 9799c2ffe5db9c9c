//! Recent trades: what was traded and how far the price moved within the last five minutes, for the words of an alert.
//!
//! Bins of five seconds keep the sums, so that a symbol costs 3.5 kB at most and a trade a few additions. Nothing is judged here.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::{
    event::Side,
    time::{EventTime, Span},
};

/// The length of a bin: finer than an alert's numbers need to be.
const BIN: Span = Span::from_secs(5);
/// The number of bins: five minutes, and the bin that the time begins in.
const BINS_MAX: i64 = 61;
/// The shorter time over which a move of the price is reported (CONTRACT).
const MINUTE: Span = Span::from_secs(60);
/// The longer time over which a move of the price is reported (CONTRACT).
const FIVE_MINUTES: Span = Span::from_secs(300);
/// Basis points in a whole.
const BPS: f64 = 1e4;

/// The sums of one bin.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Bin {
    slot: i64,
    /// The last price before the first trade of the bin.
    price_before: f64,
    /// The quantities that buyers and sellers took, by [`Side`], and the notional.
    taken: [f64; 2],
    notional: f64,
    /// The quantities of trades of which the venue says that they are liquidations, and that they are none.
    stated: [f64; 2],
}

/// The trades of the last five minutes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RecentTrades {
    bins: VecDeque<Bin>,
    /// The price of the last trade.
    price: Option<f64>,
}

/// A summary of recent trades.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Traded {
    /// The move of the price since a time (at most five minutes ago), over the last minute and over the last five, in basis points;
    /// `None` without a price above zero at both ends.
    pub move_bps: [Option<f64>; 3],
    /// The share of the quantity that buyers took since that time; `None` where nothing was traded.
    pub bought_share: Option<f64>,
    /// The share of that quantity which the venue says was traded in liquidations; `None` where it says of no trade whether it was one.
    pub liquidation_share: Option<f64>,
    /// The quantity traded since that time.
    pub volume: f64,
    /// The sum of price times quantity.
    pub notional: f64,
}

impl RecentTrades {
    /// Takes a trade of an aggressor, with whether it is a liquidation, where the venue says. One that is late counts in the newest
    /// bin.
    ///
    /// # Panics
    /// Never: a trade has a bin.
    pub fn take(&mut self, at: EventTime, side: Side, (price, quantity): (f64, f64), is_liquidation: Option<bool>) {
        let slot = at.slot(BIN);
        if self.bins.back().is_none_or(|newest| newest.slot < slot) {
            let price_before = self.price.unwrap_or(price);
            self.bins.push_back(Bin { slot, price_before, taken: [0.0; 2], notional: 0.0, stated: [0.0; 2] });
            // One bin a slot, so that there are never more than slots.
            while self.bins.front().is_some_and(|oldest| slot - oldest.slot >= BINS_MAX) {
                self.bins.pop_front();
            }
        }
        let bin = self.bins.back_mut().expect("a bin was just made");
        bin.taken[side as usize] += quantity;
        bin.notional += price * quantity;
        if let Some(is_liquidation) = is_liquidation {
            bin.stated[usize::from(!is_liquidation)] += quantity;
        }
        self.price = Some(price);
    }

    /// Sums up what was traded from a time on until now.
    #[must_use]
    pub fn summary(&self, since: EventTime, now: EventTime) -> Traded {
        let since = since.max(now.minus(FIVE_MINUTES));
        let from = |at: EventTime| self.bins.iter().filter(move |bin| bin.slot >= at.slot(BIN));
        let move_since = |at: EventTime| {
            let (then, now) = (from(at).next().map_or(self.price?, |bin| bin.price_before), self.price?);
            (then > 0.0 && now > 0.0).then(|| (now / then - 1.0) * BPS)
        };
        let [bought, sold] = [Side::Buy, Side::Sell].map(|side| total(from(since).map(|bin| bin.taken[side as usize])));
        let volume = bought + sold;
        let [forced, free] = [0, 1].map(|nth| total(from(since).map(|bin| bin.stated[nth])));
        Traded {
            move_bps: [since, now.minus(MINUTE), now.minus(FIVE_MINUTES)].map(move_since),
            bought_share: (volume > 0.0).then(|| bought / volume),
            liquidation_share: (forced + free > 0.0 && volume > 0.0).then(|| forced / volume),
            volume,
            notional: total(from(since).map(|bin| bin.notional)),
        }
    }
}

/// Returns the sum of numbers; +0 of none, where `sum` gives −0.
fn total(numbers: impl Iterator<Item = f64>) -> f64 {
    numbers.fold(0.0, |sum, number| sum + number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> EventTime {
        EventTime::from_nanos(0).plus(Span::from_secs(second))
    }

    #[test]
    fn a_move_is_from_the_last_price_before_its_time() {
        let mut trades = RecentTrades::default();
        for (second, side, price) in [(0, Side::Buy, 100.0), (250, Side::Sell, 101.0), (299, Side::Sell, 99.0)] {
            trades.take(at(second), side, (price, 2.0), None);
        }
        let seen = trades.summary(at(280), at(300));
        let expected = [(99.0 / 101.0 - 1.0) * BPS, (99.0 / 100.0 - 1.0) * BPS, (99.0 / 100.0 - 1.0) * BPS];
        for (seen, expected) in seen.move_bps.iter().zip(expected) {
            assert!((seen.unwrap() - expected).abs() < 1e-9, "{seen:?} for {expected}");
        }
        assert_eq!((seen.volume, seen.bought_share), (2.0, Some(0.0)));
        let all = trades.summary(at(0), at(300));
        assert_eq!((all.volume, all.notional, all.bought_share), (6.0, 600.0, Some(2.0 / 6.0)));
    }

    #[test]
    fn without_trades_nothing_moves_and_below_zero_no_move_has_a_size() {
        assert_eq!(RecentTrades::default().summary(at(0), at(9)), Traded::default());
        let mut trades = RecentTrades::default();
        trades.take(at(0), Side::Buy, (-3.0, 1.0), None);
        assert_eq!(trades.summary(at(0), at(9)).move_bps, [None; 3]);
        // A quiet minute after a price is a move of nothing.
        trades.take(at(1), Side::Buy, (3.0, 1.0), None);
        assert_eq!(trades.summary(at(500), at(900)).move_bps, [Some(0.0); 3]);
    }

    #[test]
    fn liquidations_are_a_share_of_all_as_far_as_the_venue_says() {
        let mut trades = RecentTrades::default();
        for (second, says) in [(0, Some(true)), (1, None)] {
            trades.take(at(second), Side::Sell, (1.0, 3.0), says);
        }
        assert_eq!(trades.summary(at(0), at(9)).liquidation_share, Some(0.5));
        trades.take(at(2), Side::Sell, (1.0, 6.0), Some(false));
        assert_eq!(trades.summary(at(0), at(9)).liquidation_share, Some(0.25));
        assert_eq!(trades.summary(at(100), at(109)).liquidation_share, None);
    }

    #[test]
    fn memory_is_bounded_whatever_comes() {
        let mut trades = RecentTrades::default();
        for second in 0..10_000 {
            trades.take(at(second), Side::Buy, (1.0, 1.0), None);
        }
        assert_eq!(i64::try_from(trades.bins.len()), Ok(BINS_MAX));
        trades.take(at(1_000_000), Side::Buy, (1.0, 1.0), None);
        assert_eq!(trades.bins.len(), 1);
    }
}
