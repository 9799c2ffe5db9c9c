//! Outbox of a shard of the account stage.

use crate::{
    detect::Signal,
    engine::message::{CorrelationFact, Message},
};

/// Signals and messages that a shard leaves for correlation.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Signals for the correlation stage, where they wait in a queue of their own.
    pub signals: Vec<Signal>,
    /// Messages for the correlation stage.
    pub facts: Vec<Message<CorrelationFact>>,
}
