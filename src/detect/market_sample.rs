//! The part of a symbol in the statistic of the whole market: its flow and its price within ten seconds, and its price over a
//! quarter of an hour, each against its own habit.
//!
//! All are scores between −1 and 1. One ordinary movement is a whole score and a move of ten times that counts no more, so the
//! market's mean says how many symbols move one way, and not how far. A fall of a minute is bounded by that, whatever its depth;
//! what counts is that it lasts ([`super::market`]).

use serde::{Deserialize, Serialize};

use crate::time::Span;

/// The time over which a symbol's flow and price are summed up: short against the minutes that a move of the market builds, long
/// enough for several trades on most symbols. It is the shortest window of `price_shock` (DETECTION 3).
pub(crate) const SLOT: Span = Span::from_secs(10);

/// The scores of one symbol since it was last asked.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MarketSample {
    /// The quantity that aggressors bought, less what they sold; 1 is one ordinary excess.
    pub flow: f64,
    /// The change of the price; 1 is one ordinary change.
    pub price: f64,
    /// The price against a quarter of an hour before; 1 is one ordinary change of that time.
    pub net: f64,
    /// The direction in which the price moves more than in 99 of 100 of the symbol's own times: 1 up, −1 down, 0 neither.
    pub shock: i8,
}
