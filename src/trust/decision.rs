//! Decisions of the service that enter the engine beside records.
//!
//! Facts of the wall clock reach the engine only as decisions: numbered, recorded in the audit log with the outputs that they
//! influence, and handed in again by a replay (DESIGN, "Determinism").

use super::ModeChange;
use crate::{event::SourceId, time::EventTime};

/// One decision.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// A partition is idle or far behind: the others go on without it.
    Idle(Idle),
    /// The service's mode changes.
    Mode(ModeChange),
    /// The ceiling above a partition's stamps rises.
    Ceiling(Ceiling),
    /// Another log has begun under a partition's name.
    NewLog(NewLog),
    /// Records of a partition were deleted before they were read.
    Loss(Loss),
    /// A record is left out, because the service stopped at it.
    Skip(Skip),
}

/// A record is left out, because processes of the service stopped at it by a fault of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skip {
    /// The partition.
    pub source: SourceId,
    /// The position of the last record that was handled before.
    pub after_offset: Option<u64>,
    /// The position of the record.
    pub offset: u64,
}

/// Another log has begun under a partition's name: its topic was deleted and made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewLog {
    /// The partition.
    pub source: SourceId,
    /// The position of the last record that was handled before.
    pub after_offset: Option<u64>,
    /// The number of the log, from 0 for the first.
    pub generation: u32,
    /// How many offsets of the old log were not read, as far as that is known.
    pub unread: u64,
    /// The partition's own clock at that moment. A replay in which the records before are gone begins with it.
    pub clock: Option<EventTime>,
}

/// Records of a partition were deleted before they were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The partition.
    pub source: SourceId,
    /// The position of the last record that was handled before.
    pub after_offset: Option<u64>,
    /// How many offsets are missing. Some of them may have been markers of transactions.
    pub offsets: u64,
    /// The partition's own clock at that moment. A replay in which the records before are gone begins with it.
    pub clock: Option<EventTime>,
}

/// A partition had no records for a while or is far behind, so the others no longer wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Idle {
    /// The partition.
    pub source: SourceId,
    /// The source's last record that was handled before.
    pub after_offset: Option<u64>,
    /// The clock that the partition is given: the greatest of the others.
    pub until: EventTime,
}

/// This machine's clock, with which the engine compares a partition's stamps. The clock is recorded, because an input that is
/// read again must be judged by the same clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ceiling {
    /// The partition.
    pub source: SourceId,
    /// The source's last record that was handled before.
    pub after_offset: Option<u64>,
    /// This machine's clock.
    pub until: EventTime,
}
