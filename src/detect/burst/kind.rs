//! What a burst can be of, and what its channels count.

use serde::{Deserialize, Serialize};

use crate::detect::{Counted, Detector, Ids, Severity, Unit, trade_burst};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Withdrawals.
    Cancels,
    /// Trades, and their notional.
    Trades,
}

impl Kind {
    pub(super) const fn detector(self) -> Detector {
        match self {
            Self::Cancels => Detector::CancelBurst,
            Self::Trades => Detector::TradeBurst,
        }
    }

    pub(super) const fn channels(self) -> &'static [Counting] {
        match self {
            Self::Cancels => &[CANCELS],
            Self::Trades => &[TRADES, NOTIONAL],
        }
    }

    pub(super) const fn ids(self) -> Ids {
        match self {
            Self::Cancels => Ids::Orders,
            Self::Trades => Ids::Trades,
        }
    }

    /// What the fixed levels are raised by before a window is calibrated, in nats. Trades excite each other: with the levels of
    /// DETECTION 6 (25, then 17) four of 36 fresh simulated symbols alarmed, and their largest scores were below 20.
    pub(super) const fn cold(self) -> f64 {
        match self {
            Self::Cancels => 0.0,
            Self::Trades => 8.0,
        }
    }

    /// The most that it says alone.
    pub(super) const fn severity_max(self) -> Severity {
        match self {
            Self::Cancels => Severity::Critical,
            Self::Trades => Severity::Warning,
        }
    }
}

/// What a channel counts.
#[derive(Clone, Copy)]
pub(super) struct Counting {
    /// In a window.
    pub(super) each: Counted,
    /// Since the CUSUM left zero.
    pub(super) sustained: Counted,
    pub(super) unit: Unit,
    /// The most that one sample counts.
    pub(super) at_once_max: u16,
}

const CANCELS: Counting =
    Counting { each: Counted::Cancels, sustained: Counted::SustainedCancels, unit: Unit::Events, at_once_max: 1 };
const TRADES: Counting =
    Counting { each: Counted::Trades, sustained: Counted::SustainedTrades, unit: Unit::Events, at_once_max: 1 };
const NOTIONAL: Counting = Counting {
    each: Counted::TradedNotional,
    sustained: Counted::SustainedNotional,
    unit: Unit::MedianTrades,
    at_once_max: trade_burst::UNITS_MAX,
};
