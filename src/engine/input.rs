//! What goes into the engine.

use crate::{
    event::{Event, Rejection, SourceId},
    time::WallTime,
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

/// Everything that can happen to the engine.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// A record arrived.
    Record(Record<'a>),
}
