//! Outbox of a shard of the account stage.

use crate::{
    detect::Signal,
    engine::message::{CorrelationFact, Message},
};

/// Signals and messages that a shard leaves for correlation.
#[derive(Debug, Default)]
pub struct Outbox {
    /// For the correlation stage, where signals wait in a queue of their own.
    pub signals: Vec<Signal>,
    /// For the correlation stage.
    pub facts: Vec<Message<CorrelationFact>>,
}
