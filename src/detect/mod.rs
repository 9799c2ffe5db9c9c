//! Detectors: from samples of one subject to signals.
//!
//! The list of detectors is closed and stands here. Each has a file of its own, in the folder of its kind of subject, that says
//! what it counts, how it judges and what it is blind to. A detector owns the state of one subject, is called with event times
//! only, and returns a [`Verdict`] when its finding opens, rises or clears: not one for each event that is over a level.
//!
//! ```text
//! symbol/       bursts, prices and books of a symbol: one file and one line in a list each
//! account/      leverage_jump, insolvent
//! participant/  cancel_burst of accounts and owners, on one symbol and over all
//! market/       thin_book_cluster; trade_burst and price_shock of the market
//! pipeline/     feed
//! ```
//! Detectors share parts: `burst` (windows of counts), `slow_metric` (numbers sampled each second), `condition` (what holds or does
//! not), `episode` (from crossings to one finding), `trail` (evidence), `budget` (how often a ticket may be wrong).

pub mod account;
pub mod budget;
mod burst;
mod burst_facts;
mod condition;
mod counted;
mod coverage;
mod episode;
mod finding;
mod flow_facts;
mod market;
mod market_sample;
mod overrides;
pub(crate) mod participant;
mod pipeline;
mod section;
mod settings;
mod severity;
mod signal;
pub mod slow_metric;
mod state;
mod subject;
pub mod symbol;
mod trail;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::market_sample::MarketSample;
pub use self::{
    account::{Insolvent, LeverageJump, LeverageSample},
    burst::{Burst, BurstKind, REOPENED_FOR},
    burst_facts::{Pace, Shares, SideSums, Sweep},
    counted::Counted,
    coverage::{BookSight, CoverageState},
    episode::{Change, Decision, Episode, Reading, Transition},
    finding::{Criterion, Evidence, Feature, Finding, Threshold, ThresholdSource, Unit, WarmUp},
    flow_facts::{FlowFacts, PriceMove},
    overrides::{OverrideSettings, Overrides},
    section::{DetectSections, Section},
    settings::{Detection, OneSidedBookSettings},
    severity::Severity,
    signal::{Signal, Verdict},
    state::{DetectorState, DetectorStates},
    subject::{Node, Subject},
    trail::Sample,
};
pub(crate) use self::{
    market::{Arrival, MarketWide},
    market_sample::SLOT,
    pipeline::PipelineDetector,
};

/// Every detector, by its name in code, metrics, configuration and alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Detector {
    /// Orders are withdrawn far faster than is usual for the subject.
    CancelBurst,
    /// The service's own input is silent, late, torn or wrongly stamped.
    Feed,
    /// Trades come far faster, or far larger, than is usual for the symbol.
    TradeBurst,
    /// Far less rests near the touch than is usual at this time of day.
    ThinBook,
    /// One side of the book is empty.
    OneSidedBook,
    /// The book does not change while trades print.
    StaleBook,
    /// Many books are thin at once.
    ThinBookCluster,
    /// An account has taken far more leverage than it ever does.
    LeverageJump,
    /// An account holds positions and has nothing left.
    Insolvent,
    /// The spread is far wider than is usual at this time of day.
    SpreadWidening,
    /// The price moves far more than is usual at this time of day.
    PriceShock,
}

impl Detector {
    /// Every detector with its name.
    pub const ALL: [(Self, &'static str); 11] = [
        (Self::CancelBurst, "cancel_burst"),
        (Self::Feed, "feed"),
        (Self::TradeBurst, "trade_burst"),
        (Self::ThinBook, "thin_book"),
        (Self::OneSidedBook, "one_sided_book"),
        (Self::StaleBook, "stale_book"),
        (Self::ThinBookCluster, "thin_book_cluster"),
        (Self::LeverageJump, "leverage_jump"),
        (Self::Insolvent, "insolvent"),
        (Self::SpreadWidening, "spread_widening"),
        (Self::PriceShock, "price_shock"),
    ];

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// The detector's share of the ticket budget of a symbol, in hundredths (`budget`).
    #[must_use]
    pub const fn ticket_share(self) -> u32 {
        match self {
            Self::TradeBurst => 25,
            Self::CancelBurst => 15,
            Self::ThinBook | Self::PriceShock => 12,
            Self::SpreadWidening => 6,
            // States that are there or not: no chance is involved. A jump of leverage is about an account.
            Self::Feed
            | Self::OneSidedBook
            | Self::StaleBook
            | Self::ThinBookCluster
            | Self::Insolvent
            | Self::LeverageJump => 0,
        }
    }

    /// The detector under whose name a finding counts when several must agree: two detectors of the same thing count once.
    #[must_use]
    pub const fn view(self) -> Self {
        match self {
            // Orders that leave the touch make the book thin and the spread wide.
            Self::SpreadWidening => Self::ThinBook,
            Self::CancelBurst
            | Self::Feed
            | Self::TradeBurst
            | Self::ThinBook
            | Self::OneSidedBook
            | Self::StaleBook
            | Self::ThinBookCluster
            | Self::LeverageJump
            | Self::Insolvent
            | Self::PriceShock => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_detector_has_its_row_in_the_list() {
        let schema = serde_json::to_string(&schemars::schema_for!(Detector)).unwrap();
        let variants = schema.matches("\"const\":").count();
        assert_eq!(variants, Detector::ALL.len(), "{schema}");
        for (index, (detector, name)) in Detector::ALL.iter().enumerate() {
            assert_eq!((*detector as usize, serde_json::to_value(detector).unwrap()), (index, (*name).into()));
        }
    }

    #[test]
    fn the_readme_explains_every_detector() {
        let readme = include_str!("../../README.md");
        for (_, name) in Detector::ALL {
            assert!(readme.contains(&format!("`{name}`")), "README.md does not name `{name}`");
        }
    }
}
