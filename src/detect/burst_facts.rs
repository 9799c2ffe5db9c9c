//! Facts about a burst, for its alert: whose it is, which side of the book it is on, how its pace goes, what it swept.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::{
    event::Side,
    time::{EventTime, Span},
};

/// How many of a finding's samples are whose: the accounts with most of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shares {
    /// How many samples there were since the pace rose.
    pub of: u32,
    /// Accounts, each with at least so many of them; the busiest first.
    pub by: Vec<(CompactString, u32)>,
}

/// An order that took, with its fills so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sweep {
    /// The time of its first fill.
    pub at: EventTime,
    /// The side that it took for; `None` where the venue does not say.
    pub side: Option<Side>,
    /// The price of its first fill.
    pub from: f64,
    /// The price of its last fill.
    pub to: f64,
    /// How many prices it went through.
    pub levels: u32,
    /// The quantity that it took.
    pub quantity: f64,
    /// The same as price times quantity.
    pub notional: f64,
    /// The account that sent it, where the venue names it.
    pub taker: Option<CompactString>,
}

/// The orders withdrawn in a burst, by the side of the book on which they rested: bids, then asks. An order that the book did not
/// know is in neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SideSums {
    /// How many orders.
    pub orders: [u32; 2],
    /// Their price times quantity, without its sign, summed up.
    pub notional: [f64; 2],
}

impl SideSums {
    /// Adds an order.
    pub fn add(&mut self, side: Side, notional: f64) {
        let orders = &mut self.orders[side as usize];
        *orders = orders.saturating_add(1);
        self.notional[side as usize] += notional.abs();
    }

    /// The notional of both sides together.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.notional[0] + self.notional[1]
    }

    /// The share of bids in the notional; `None` where nothing is known.
    #[must_use]
    pub fn bids_share(&self) -> Option<f64> {
        (self.total() > 0.0).then(|| self.notional[Side::Buy as usize] / self.total())
    }
}

/// The pace of a burst of late, beside its pace before.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pace {
    /// When it was measured.
    pub at: EventTime,
    /// The length of the last part: a window of at most half of the time since the pace rose.
    pub late: Span,
    /// Events a second in the last part.
    pub late_per_s: f64,
    /// Events a second from when the pace rose up to the last part.
    pub before_per_s: f64,
}
