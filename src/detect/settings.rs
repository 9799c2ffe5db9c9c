//! The settings of all detectors, written once: their keys, defaults, schema and checks stand beside what they set.
//!
//! The configuration writes them as the tables of `[detect]` (`section`), and the engine takes them as they are here.

use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    account::leverage_jump,
    market::ClusterSettings,
    slow_metric::SlowMetricSettings,
    state::DetectorStates,
};
use crate::{
    setting::{Invalid, check_range},
    window::BurstSettings,
};

/// The settings of the detectors. The hash of these keys and of the number of shards is in every alert.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// Orders are withdrawn far faster than is usual for the symbol.
    pub cancel_burst: BurstSettings,
    /// Trades come far faster, or far larger, than is usual for the symbol.
    pub trade_burst: BurstSettings,
    /// The price moves far more than is usual at this time of day.
    pub price_shock: SlowMetricSettings,
    /// Far less rests near the touch than is usual at this time of day.
    pub thin_book: SlowMetricSettings,
    /// The spread is far wider than is usual at this time of day.
    pub spread_widening: SlowMetricSettings,
    /// One side of the book is empty.
    pub one_sided_book: OneSidedBookSettings,
    /// Many books are thin at once.
    pub thin_book_cluster: ClusterSettings,
    /// An account has taken far more leverage than it ever does.
    pub leverage_jump: leverage_jump::Settings,
    /// The state of each detector. No part of a snapshot of what was learned: a window does not begin anew with it.
    #[serde(skip)]
    pub states: DetectorStates,
}

impl Detection {
    /// Checks every key.
    ///
    /// # Errors
    /// The first key that breaks its rule.
    pub fn check(&self) -> Result<(), Invalid> {
        let Self {
            cancel_burst,
            trade_burst,
            price_shock,
            thin_book,
            spread_widening,
            one_sided_book,
            thin_book_cluster,
            leverage_jump,
            states: _,
        } = self;
        cancel_burst.check().map_err(|e| e.within("cancel_burst"))?;
        trade_burst.check().map_err(|e| e.within("trade_burst"))?;
        price_shock.check().map_err(|e| e.within("price_shock"))?;
        thin_book.check().map_err(|e| e.within("thin_book"))?;
        spread_widening.check().map_err(|e| e.within("spread_widening"))?;
        one_sided_book.check().map_err(|e| e.within("one_sided_book"))?;
        thin_book_cluster.check().map_err(|e| e.within("thin_book_cluster"))?;
        leverage_jump.check().map_err(|e| e.within("leverage_jump"))
    }
}

/// The settings of `one_sided_book`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OneSidedBookSettings {
    /// Seconds for which a side must be empty.
    pub empty_s_min: f64,
}

impl Default for OneSidedBookSettings {
    fn default() -> Self {
        // Between two orders of one second anything can be empty for a moment.
        Self { empty_s_min: 1.0 }
    }
}

/// The book is looked at once a second; a side that may be empty for an hour is nothing to wake anybody for.
const EMPTY: RangeInclusive<f64> = 1.0..=3_600.0;

impl OneSidedBookSettings {
    /// Checks every key.
    ///
    /// # Errors
    /// The first key that breaks its rule.
    pub fn check(self) -> Result<(), Invalid> {
        check_range("empty_s_min", &self.empty_s_min, &EMPTY)
    }
}
