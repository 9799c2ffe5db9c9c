//! The kinds of bursts, and the channels of each.

use serde::{Deserialize, Serialize};

use crate::{
    detect::{Counted, Detector, Severity, Unit, trail::Ids},
    stats::tail_prior::Priors,
    window::BurstSettings,
};

/// The kind of events that a burst counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BurstKind {
    /// Withdrawals.
    Cancels,
    /// Trades, and their notional.
    Trades,
}

impl BurstKind {
    pub(super) const fn detector(self) -> Detector {
        match self {
            Self::Cancels => Detector::CancelBurst,
            Self::Trades => Detector::TradeBurst,
        }
    }

    pub(super) const fn channels(self) -> &'static [ChannelKind] {
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

    /// How far the fixed levels are raised before a window has levels of its own, in nats. The far tail of real trades is heavy:
    /// they pass 25 nats twenty times a day. Ten-fold bursts of simulated trades reach 50 to 250.
    pub(super) const fn fixed_level_raise(self) -> f64 {
        match self {
            Self::Cancels => 0.0,
            Self::Trades => 25.0,
        }
    }

    /// The highest severity that the detector reports by itself.
    pub(super) const fn severity_max(self) -> Severity {
        match self {
            Self::Cancels => Severity::Critical,
            Self::Trades => Severity::Warning,
        }
    }
}

/// The greatest amount of one trade, in median trades (DETECTION 3). Without it a single block trade would be a burst.
pub(in crate::detect) const UNITS_MAX: u16 = 50;

/// The unit of one channel, and the names of its features.
#[derive(Clone, Copy)]
pub(super) struct ChannelKind {
    /// The name of the amount in a window of the scan.
    pub(super) in_window: Counted,
    /// The name of the amount since the CUSUM left zero.
    pub(super) sustained: Counted,
    /// The unit of the amounts.
    pub(super) unit: Unit,
    /// The greatest amount of one sample.
    pub(super) at_once_max: u16,
    /// The part of the burst's false alarms that the channel may make (`detect::budget`).
    part: f64,
    /// The assumptions about the tails of its statistics.
    pub(super) priors: Priors,
}

impl ChannelKind {
    /// Returns the amount at which a sample was capped; `None` if every sample counts as one.
    pub(super) const fn cap(self) -> Option<u16> {
        if self.at_once_max > 1 { Some(self.at_once_max) } else { None }
    }

    /// Returns the channel's part of a burst's false alarms a day.
    pub(super) fn share_of(self, warnings_per_day: f64) -> f64 {
        warnings_per_day * self.part
    }

    /// Returns the settings of the channel's window: those of the burst with the channel's part of the false alarms.
    pub(super) fn share(self, settings: BurstSettings) -> BurstSettings {
        BurstSettings { warnings_per_day: self.share_of(settings.warnings_per_day), ..settings }
    }
}

/// Withdrawals, each counted as one. The only channel of its burst.
const CANCELS: ChannelKind = ChannelKind {
    in_window: Counted::Cancels,
    sustained: Counted::SustainedCancels,
    unit: Unit::Events,
    at_once_max: 1,
    part: 1.0,
    priors: Priors::CANCELS,
};
/// Arrivals, each counted as one. Three quarters of the false alarms (`detect::budget`).
const TRADES: ChannelKind = ChannelKind {
    in_window: Counted::Trades,
    sustained: Counted::SustainedTrades,
    unit: Unit::Events,
    at_once_max: 1,
    part: 0.75,
    priors: Priors::TRADES,
};
/// Traded notional, in median trades. A quarter of the false alarms, because an arrival's amount is mostly noise.
const NOTIONAL: ChannelKind = ChannelKind {
    in_window: Counted::TradedNotional,
    sustained: Counted::SustainedNotional,
    unit: Unit::MedianTrades,
    at_once_max: UNITS_MAX,
    part: 0.25,
    priors: Priors::TRADES,
};
