//! The quantities that findings measure, by name. `docs/alerts.md` explains each.

use serde::{Deserialize, Serialize};

use crate::trust::Cause;

/// The quantity that a feature measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// Withdrawals in a window.
    Cancels,
    /// Withdrawals since the CUSUM left zero.
    SustainedCancels,
    /// Trades in a window.
    Trades,
    /// Trades since the CUSUM left zero.
    SustainedTrades,
    /// Notional traded in a window.
    TradedNotional,
    /// Notional traded since the CUSUM left zero.
    SustainedNotional,
    /// Notional resting within the band of this index, on the thinner side.
    Depth(u8),
    /// Notional within that band, as a share of a second before.
    DepthChange(u8),
    /// How long one side has been empty.
    EmptySide,
    /// Trades since the book last changed.
    TradesUnseen,
    /// The share of symbols whose books are thin.
    ThinSymbols,
    /// The share of active symbols by which buyers outweigh sellers; below zero if sellers outweigh buyers.
    MarketFlow,
    /// The share of active symbols by which rising prices outweigh falling ones; below zero if falling outweigh
    /// rising.
    MarketPrice,
    /// The share of active symbols whose price moves more than in 99 of 100 of their own times, all in one direction.
    ShockedSymbols,
    /// The part of all moves of prices that is common to the symbols.
    CommonMove,
    /// The move of the price.
    PriceMove,
    /// Notional over equity.
    Leverage,
    /// The factor by which the account itself has multiplied its leverage of late.
    LeverageByIntent,
    /// The factor by which the marks have multiplied the leverage.
    LeverageByMarks,
    /// How far equity is below zero.
    Deficit,
    /// The spread.
    Spread,
    /// How much is wrong with the input.
    Trouble(Cause),
}

/// The bands of [`crate::book::BANDS_BPS`], by name.
const DEPTH: [&str; 5] = ["depth_5_bps", "depth_10_bps", "depth_25_bps", "depth_50_bps", "depth_100_bps"];
/// The changes of depth within the same bands over a second, by name.
const DEPTH_CHANGE: [&str; 5] = [
    "depth_5_bps_after_1_s",
    "depth_10_bps_after_1_s",
    "depth_25_bps_after_1_s",
    "depth_50_bps_after_1_s",
    "depth_100_bps_after_1_s",
];

impl Counted {
    /// Every quantity but the troubles of the input, which [`Cause::ALL`] lists.
    const MEASURED: [Self; 29] = [
        Self::Cancels,
        Self::SustainedCancels,
        Self::Trades,
        Self::SustainedTrades,
        Self::TradedNotional,
        Self::SustainedNotional,
        Self::Depth(0),
        Self::Depth(1),
        Self::Depth(2),
        Self::Depth(3),
        Self::Depth(4),
        Self::DepthChange(0),
        Self::DepthChange(1),
        Self::DepthChange(2),
        Self::DepthChange(3),
        Self::DepthChange(4),
        Self::EmptySide,
        Self::TradesUnseen,
        Self::ThinSymbols,
        Self::MarketFlow,
        Self::MarketPrice,
        Self::ShockedSymbols,
        Self::CommonMove,
        Self::PriceMove,
        Self::Leverage,
        Self::LeverageByIntent,
        Self::LeverageByMarks,
        Self::Deficit,
        Self::Spread,
    ];

    /// Every quantity that can stand in an alert.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::MEASURED.into_iter().chain(Cause::ALL.into_iter().map(|(cause, _)| Self::Trouble(cause)))
    }

    /// The name in alerts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cancels => "cancels",
            Self::SustainedCancels => "sustained_cancels",
            Self::Trades => "trades",
            Self::SustainedTrades => "sustained_trades",
            Self::TradedNotional => "traded_notional",
            Self::SustainedNotional => "sustained_notional",
            Self::Depth(band) => DEPTH[band as usize],
            Self::DepthChange(band) => DEPTH_CHANGE[band as usize],
            Self::EmptySide => "empty_side",
            Self::TradesUnseen => "trades_unseen",
            Self::ThinSymbols => "thin_symbols",
            Self::MarketFlow => "market_flow",
            Self::MarketPrice => "market_price",
            Self::ShockedSymbols => "shocked_symbols",
            Self::CommonMove => "common_move",
            Self::PriceMove => "price_move",
            Self::Leverage => "leverage",
            Self::LeverageByIntent => "leverage_by_intent",
            Self::LeverageByMarks => "leverage_by_marks",
            Self::Deficit => "deficit",
            Self::Spread => "spread",
            Self::Trouble(cause) => cause.name(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The place of a quantity in [`Counted::MEASURED`]; `None` for a trouble. A new quantity does not compile without one.
    const fn place(counted: Counted) -> Option<usize> {
        Some(match counted {
            Counted::Cancels => 0,
            Counted::SustainedCancels => 1,
            Counted::Trades => 2,
            Counted::SustainedTrades => 3,
            Counted::TradedNotional => 4,
            Counted::SustainedNotional => 5,
            Counted::Depth(band) => 6 + band as usize,
            Counted::DepthChange(band) => 11 + band as usize,
            Counted::EmptySide => 16,
            Counted::TradesUnseen => 17,
            Counted::ThinSymbols => 18,
            Counted::MarketFlow => 19,
            Counted::MarketPrice => 20,
            Counted::ShockedSymbols => 21,
            Counted::CommonMove => 22,
            Counted::PriceMove => 23,
            Counted::Leverage => 24,
            Counted::LeverageByIntent => 25,
            Counted::LeverageByMarks => 26,
            Counted::Deficit => 27,
            Counted::Spread => 28,
            Counted::Trouble(_) => return None,
        })
    }

    #[test]
    fn the_list_of_quantities_has_each_once() {
        let places: Vec<Option<usize>> = Counted::MEASURED.into_iter().map(place).collect();
        let expected: Vec<Option<usize>> = (0..=28).map(Some).collect();
        assert_eq!(places, expected);
    }
}
