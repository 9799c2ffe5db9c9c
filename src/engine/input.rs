//! Inputs of the engine: records, and decisions.

use super::Settings;
use crate::{
    event::{Event, Rejection, SourceId},
    time::WallTime,
    trust::Decision,
};

/// One record: a Kafka record or an input line.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// The record's source.
    pub source: SourceId,
    /// Its position ([`crate::event::LogPosition`]), or its line number from 1.
    pub offset: u64,
    /// The Kafka record's own time.
    pub appended_at: Option<WallTime>,
    /// The events of the record: none, one, or several where a foreign format packs them; or the reason why it cannot be used.
    pub content: Result<&'a [Event<'a>], Rejection>,
}

/// Everything that can happen to the engine.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// A record arrived.
    Record(Record<'a>),
    /// The service decided something. Decisions are numbered in the order in which they are taken ([`super::Engine::decided`]).
    Decision(Decision),
    /// The settings change from here on: the configuration was reloaded, or the service was started with another one. Numbered as
    /// decisions are. Every source must stand where it stood when the change was recorded ([`super::Stretches`]).
    Settings(&'a Settings),
}
