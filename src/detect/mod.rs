//! Detectors: from samples of one subject to signals.
//!
//! The list of detectors is closed and stands here; each has a file of its own that says what it counts, how it judges and
//! what it is blind to. A detector owns the state of one subject, is called with event times only, and returns a [`Verdict`]
//! when its finding opens, rises or clears: not one for each event that is over a level.

mod burst;
pub mod cancel_burst;
mod fact;
pub mod feed;
mod gate;
mod insolvent;
mod leverage_jump;
mod market_wide;
mod one_sided_book;
pub mod parties;
mod signal;
mod stale_book;
pub mod thin_book;
pub mod trade_burst;
mod trail;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    burst::{Burst, Kind},
    gate::{Change, Gate},
    insolvent::Insolvent,
    leverage_jump::{LeverageJump, Sample as LeverageSample},
    market_wide::MarketWide,
    one_sided_book::OneSidedBook,
    signal::{
        Counted, Evidence, Feature, Finding, Node, Severity, Signal, Subject, Threshold, ThresholdSource, Unit,
        Verdict, WarmUp,
    },
    stale_book::StaleBook,
    thin_book::ThinBook,
    trail::{Ids, Sample, Trail},
};
use crate::time::EventTime;

/// Every detector, by its name in code, metrics, configuration and alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Detector {
    /// Orders are withdrawn far faster than is usual for the subject.
    CancelBurst,
    /// What the service reads is silent, late, torn or wrongly stamped.
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
}

impl Detector {
    /// Every detector with its name.
    pub const ALL: [(Self, &'static str); 9] = [
        (Self::CancelBurst, "cancel_burst"),
        (Self::Feed, "feed"),
        (Self::TradeBurst, "trade_burst"),
        (Self::ThinBook, "thin_book"),
        (Self::OneSidedBook, "one_sided_book"),
        (Self::StaleBook, "stale_book"),
        (Self::ThinBookCluster, "thin_book_cluster"),
        (Self::LeverageJump, "leverage_jump"),
        (Self::Insolvent, "insolvent"),
    ];

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// What every detector of one subject can be told, whatever its samples are.
pub trait Detect {
    /// When [`Detect::handle_timeout`] must be called unless something comes before.
    fn deadline(&self) -> Option<EventTime>;

    /// Nothing was sampled up to `at`.
    fn heartbeat(&mut self, at: EventTime);

    /// The feed is known to have been blind in [from, until).
    fn gap(&mut self, from: EventTime, until: EventTime);

    /// Ends the episode if its time has come.
    fn handle_timeout(&mut self, now: EventTime) -> Option<Verdict>;

    /// Ends the episode because the subject is forgotten.
    fn end(&mut self) -> Option<Verdict>;
}
