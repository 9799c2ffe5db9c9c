//! Facts about the market around a finding: where the price went, who took, how much, and what the book looked like. They judge
//! nothing: they answer what is asked first when an alert comes.

use compact_str::CompactString;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The market of one symbol around a finding, as of its newest signal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FlowFacts {
    /// The symbol.
    #[schemars(with = "String")]
    pub symbol: CompactString,
    /// How far the last price moved, in basis points; below zero it fell.
    pub price_move_bps: PriceMove,
    /// The share of the quantity that buyers took since the finding began (at most five minutes ago), from 0 to 1; null where
    /// nothing was traded.
    pub aggressor_share: Option<f64>,
    /// The share of that quantity which the venue says was traded in liquidations; null where it says of no trade whether it was one.
    pub liquidation_share: Option<f64>,
    /// The quantity traded in that time.
    pub volume: f64,
    /// The same as price times quantity; in `currency`, if the configuration names it.
    pub notional: f64,
    /// The spread of the book, in basis points of its middle; null without both sides.
    pub spread_bps: Option<f64>,
    /// Notional within 25 basis points on the thinner side, as a share of what is usual at this time of day; null before that is
    /// known.
    pub depth_share: Option<f64>,
}

/// Moves of a price over three times, in basis points; null without prices above zero.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PriceMove {
    /// Since the finding began, at most five minutes ago.
    pub since_start: Option<f64>,
    /// Over the last minute.
    pub over_60_s: Option<f64>,
    /// Over the last five minutes.
    pub over_300_s: Option<f64>,
}
