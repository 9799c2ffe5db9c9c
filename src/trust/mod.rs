//! How far the findings are to be trusted: the modes, and the troubles that bring them about (DETECTION 6).
//!
//! A detector whose feed is late, incomplete or silent looks as quiet as a detector that has nothing to find. Troubles are found
//! in two places:
//!
//! - What follows from the records alone is judged in the engine, by event time (`judge`, one for each feed), so a replay finds it
//!   too. Which stamps are believed is `stamps`.
//! - What needs this machine's clock is judged by the service (`watch`), and its decision enters the engine as an input, a
//!   [`ModeChange`]. It takes effect at an instant of event time that no partition's clock has reached (`Schedule`), which is the
//!   same instant in every replay.
//!
//! A trouble names what it affects ([`Scope`]). `overall` makes one mode of both kinds.
//!
//! This module does not judge the market, and does not repair a feed.

mod decision;
mod judge;
mod overall;
mod policy;
mod schedule;
mod stamps;
mod unread;
mod watch;

use compact_str::CompactString;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    decision::{Ceiling, Decision, Idle, Loss, NewLog, Skip},
    judge::Report,
    overall::{FeedStanding, Sight},
    policy::{InputPolicy, Situation},
    unread::Unread,
    watch::{Arrivals, FeedView, Watch},
};
pub(crate) use self::{
    judge::{BOOK_UNUSABLE, FeedJudge, Known, PRODUCER_SILENT, Use},
    overall::Overall,
    schedule::Schedule,
    stamps::{SetBack, Stamps},
};
use crate::{
    event::{Reason, RecordRef, SourceId},
    time::{EventTime, Span},
};

/// How many seconds a gap, or a wrong clock, is held: the longest window, which overlaps it for as long (DETECTION 6).
const HELD_S: u32 = 60;
/// How many seconds any other trouble must be absent before it is over: as long as a detector's hysteresis (DETECTION 2.1).
const CALM_S: u32 = 10;

/// How far the findings are to be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Everything arrives, in time.
    #[default]
    Normal,
    /// Something is wrong with the input: every threshold is that of a tenth of the false alarms.
    Degraded,
    /// Nothing arrives: nothing that happens is seen.
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

/// A trouble of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Records are missing: sequence numbers were skipped, records were deleted before they were read, or a partition is not read.
    Gap,
    /// Records are handled long after they were written.
    Lag,
    /// No records arrive.
    Silence,
    /// Events are stamped ahead of this machine's clock, or of the rest of their flow: a clock is wrong.
    Skew,
    /// A producer's heartbeats have stopped while the rest of its partition goes on.
    SilentProducer,
    /// Many symbols have fallen silent while the rest of their partition goes on.
    SilentSymbols,
    /// Too many records arrive a second time.
    Duplicates,
    /// Too many events arrive too late to be counted.
    Late,
    /// A topic was deleted and made again: another log has begun.
    NewLog,
    /// A record stopped the service, and is left out.
    Poison,
    /// Too many records are rejected.
    Rejected,
    /// Most records of one symbol are rejected, late, seen before or held back.
    Unusable,
    /// Records arrive, and none of them can be used.
    NothingUsable,
    /// The book of a symbol cannot be used.
    Book,
    /// A partition's clock is far behind those of the others.
    Behind,
    /// Most of a partition's events are stamped ahead of this machine's clock: it is this machine's clock that is wrong.
    MachineClock,
    /// Too many records are of an event type that is not known.
    UnknownType,
}

impl Cause {
    /// Every cause with its name.
    pub const ALL: [(Self, &'static str); 17] = [
        (Self::Gap, "gap"),
        (Self::Lag, "lag"),
        (Self::Silence, "silence"),
        (Self::Skew, "skew"),
        (Self::SilentProducer, "silent_producer"),
        (Self::SilentSymbols, "silent_symbols"),
        (Self::Duplicates, "duplicates"),
        (Self::Late, "late"),
        (Self::NewLog, "new_log"),
        (Self::Poison, "poison"),
        (Self::Rejected, "rejected"),
        (Self::Unusable, "unusable"),
        (Self::NothingUsable, "nothing_usable"),
        (Self::Book, "book"),
        (Self::Behind, "behind"),
        (Self::MachineClock, "machine_clock"),
        (Self::UnknownType, "unknown_type"),
    ];

    /// The name in `trust.reasons`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// A producer whose heartbeats have stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilentProducer {
    /// The producer's name.
    pub name: CompactString,
    /// How long it has been silent, by its partition's clock.
    pub silence: Span,
}

/// Symbols of one partition that have fallen silent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilentSymbols {
    /// The first of the silent symbols by name.
    pub first: CompactString,
    /// How many symbols are silent.
    pub silent: u32,
    /// How many symbols are active.
    pub active: u32,
    /// How many symbols have a known rhythm, these two kinds included.
    pub known: u32,
}

/// The extent of a trouble.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Everything that the partition carries.
    #[default]
    Partition,
    /// The events that one producer sends to the partition.
    Producer,
    /// One symbol of the partition.
    Symbol,
}

impl Scope {
    /// Whether all of the partition is affected.
    #[must_use]
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
    pub(crate) fn is_partition(&self) -> bool {
        *self == Self::Partition
    }
}

/// A record that shows a trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The record.
    pub record: RecordRef,
    /// The reason for which it was rejected, if it was.
    pub reason: Option<Reason>,
}

/// One thing that is wrong with one partition, or with a part of what it carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trouble {
    /// The cause.
    pub cause: Cause,
    /// The partition.
    pub source: SourceId,
    /// The last record of the partition that was handled before the trouble was noticed.
    pub after_offset: u64,
    /// The partition's clock at that moment.
    pub clock: EventTime,
    /// The magnitude, in the unit of the cause: seconds, a share, or a count of gaps.
    pub value: f64,
    /// The magnitude that is tolerated, in the same unit.
    pub limit: f64,
    /// Whether the trouble pages on-call.
    pub pages: bool,
    /// The extent of what is affected.
    pub scope: Scope,
    /// The producer or symbol concerned, the first of the silent symbols, or a partition that is not read; `None` if the whole
    /// partition is affected.
    pub who: Option<CompactString>,
    /// A record that shows it, where single records do.
    pub example: Option<Example>,
}

impl Trouble {
    /// Whether two lists are of the same troubles.
    pub(crate) fn are_same(these: &[Self], those: &[Self]) -> bool {
        these.iter().map(Self::identity).eq(those.iter().map(Self::identity))
    }

    /// Identity of a trouble: everything but its magnitude, its limit, its example and when it was noticed.
    fn identity(&self) -> (Cause, SourceId, bool, Option<&CompactString>) {
        // A symbol is only an example of the silent ones.
        let who = self.who.as_ref().filter(|_| self.cause != Cause::SilentSymbols);
        (self.cause, self.source, self.pages, who)
    }
}

/// A decision of the service about its own mode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModeChange {
    /// The event time from which the mode is in force: the first bucket after every partition's clock.
    pub from: EventTime,
    /// The new mode.
    pub mode: Mode,
    /// The reasons, sorted by cause and source; empty in the normal mode.
    pub troubles: Vec<Trouble>,
}

/// The mode in force and its causes, as an alert states them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The mode.
    pub mode: Mode,
    /// The causes, each once, in the order of [`Cause`].
    pub reasons: Vec<Cause>,
}

impl Standing {
    /// A mode with the causes of these troubles.
    pub(crate) fn new(mode: Mode, causes: impl IntoIterator<Item = Cause>) -> Self {
        let mut reasons: Vec<Cause> = causes.into_iter().collect();
        reasons.sort_unstable();
        reasons.dedup();
        Self { mode, reasons }
    }
}

impl From<&ModeChange> for Standing {
    fn from(change: &ModeChange) -> Self {
        Self::new(change.mode, change.troubles.iter().map(|trouble| trouble.cause))
    }
}
