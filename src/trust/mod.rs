//! How far the findings are to be trusted: the modes, and the troubles that bring them about (DETECTION 6).
//!
//! A detector that reads a feed which is late, torn or silent looks as quiet as one that has nothing to find. So the service
//! watches its own input (`watch`), and what it sees there by the wall clock enters the engine as an input: a
//! [`ModeChange`]. It takes effect at an instant of event time after every partition's clock ([`Schedule`]), which is the same
//! instant in every replay.
//!
//! It does not judge the market, and it does not repair a feed.

mod schedule;
mod watch;

use compact_str::CompactString;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    schedule::Schedule,
    watch::{FeedView, Heard, Watch},
};
use crate::{
    event::SourceId,
    time::{EventTime, Span},
};

/// How far the findings are to be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Everything arrives, in time.
    #[default]
    Normal,
    /// Something is wrong with what arrives: thresholds are ten times stricter.
    Degraded,
    /// Nothing arrives: whatever happens is not seen.
    Blind,
}

impl Mode {
    /// Every mode with its name.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Normal, "normal"), (Self::Degraded, "degraded"), (Self::Blind, "blind")];

    /// The name in alerts and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// What is wrong with a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Records are missing: sequence numbers were left out.
    Gap,
    /// Records are handled long after they were written.
    Lag,
    /// No records come.
    Silence,
    /// Events are stamped later than their records were written: a clock is wrong.
    Skew,
    /// A producer's heartbeats have ended while the rest of its partition goes on.
    SilentProducer,
    /// Many symbols have fallen silent while the rest of their partition goes on.
    SilentSymbols,
    /// Records come that came before.
    Duplicates,
    /// Events come too late to be counted.
    Late,
}

impl Cause {
    /// Every cause with its name.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Gap, "gap"),
        (Self::Lag, "lag"),
        (Self::Silence, "silence"),
        (Self::Skew, "skew"),
        (Self::SilentProducer, "silent_producer"),
        (Self::SilentSymbols, "silent_symbols"),
        (Self::Duplicates, "duplicates"),
        (Self::Late, "late"),
    ];

    /// The name in `trust.reasons`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// A producer that says nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilentProducer {
    /// Which.
    pub name: CompactString,
    /// For how long, by its partition's clock.
    pub silence: Span,
}

/// Symbols of which nothing comes, though it used to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilentSymbols {
    /// One of them, the first by name.
    pub first: CompactString,
    /// How many.
    pub silent: u32,
    /// How many go on.
    pub active: u32,
    /// Of how many.
    pub known: u32,
}

/// One thing that is wrong with one partition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trouble {
    /// What.
    pub cause: Cause,
    /// Where.
    pub source: SourceId,
    /// The last record that was handled before it was noticed.
    pub after_offset: u64,
    /// That partition's clock then.
    pub clock: EventTime,
    /// How much: seconds, or a share; gaps are counted.
    pub value: f64,
    /// How much is tolerated.
    pub limit: f64,
    /// Whether it is worth waking somebody.
    pub pages: bool,
    /// Which producer or symbol, where it is not all of the partition.
    pub who: Option<CompactString>,
}

/// A decision of the service about itself: from now on it runs in this mode, for these reasons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModeChange {
    /// From which event time on: the first bucket after every partition's clock.
    pub from: EventTime,
    /// Into which mode.
    pub mode: Mode,
    /// Why; none in the normal mode. Sorted by cause and source.
    pub troubles: Vec<Trouble>,
}

/// The mode in force, and why, as an alert says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The mode.
    pub mode: Mode,
    /// The causes, each once, in order.
    pub reasons: Vec<Cause>,
}

impl From<&ModeChange> for Standing {
    fn from(change: &ModeChange) -> Self {
        let mut reasons: Vec<Cause> = change.troubles.iter().map(|trouble| trouble.cause).collect();
        reasons.sort_unstable();
        reasons.dedup();
        Self { mode: change.mode, reasons }
    }
}
