//! Outputs of the engine.

use std::collections::VecDeque;

use crate::{
    alert::Alert,
    detect::Signal,
    event::{RecordRef, Rejection},
    time::WallTime,
};

/// Something for the world outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// A revision of an incident to be published, and the append time of the record that completed it; `None` if a timer did.
    Notify(Box<Alert>, Option<WallTime>),
    /// A signal, for `--signals` and metrics.
    Signal(Box<Signal>),
    /// The record being handled cannot be used: its bytes go to the dead letters.
    Rejected(RecordRef, Rejection),
}

/// The engine's outputs, in the order in which they are to be published.
#[derive(Debug, Default)]
pub struct Outbox(VecDeque<Output>);

impl Outbox {
    /// Adds an output.
    pub fn push(&mut self, output: Output) {
        self.0.push_back(output);
    }

    /// Takes the oldest output.
    pub fn pop(&mut self) -> Option<Output> {
        self.0.pop_front()
    }

    /// Takes all outputs, oldest first.
    pub fn drain(&mut self) -> impl Iterator<Item = Output> + '_ {
        self.0.drain(..)
    }
}
