//! What goes into the engine.

use crate::{
    event::{Event, Rejection, SourceId},
    time::{EventTime, WallTime},
    trust::ModeChange,
};

/// One record: a Kafka record or an input line.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// From where.
    pub source: SourceId,
    /// Its offset, or its line number from 1.
    pub offset: u64,
    /// The Kafka record's own time.
    pub appended_at: Option<WallTime>,
    /// What it says: no event, one, or several where a foreign format packs them; or why it cannot be used.
    pub content: Result<&'a [Event<'a>], Rejection>,
}

/// A partition had nothing for a while, and the others shall no longer wait for it. That it had nothing is a fact of the
/// wall clock, so the service decides it and records it (DESIGN, "Determinism").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Idle {
    /// Which partition.
    pub source: SourceId,
    /// Its last record that was handled before.
    pub after_offset: Option<u64>,
    /// What its clock becomes: the greatest of the others.
    pub until: EventTime,
}

/// Everything that can happen to the engine.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// A record arrived.
    Record(Record<'a>),
    /// A partition is idle.
    Idle(Idle),
    /// The service's mode changes.
    Mode(ModeChange),
}
