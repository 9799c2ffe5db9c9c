//! How messages get from one stage to the next.

use crate::{
    detect::Signal,
    engine::message::{AccountFact, CorrelationFact, Message, StageMessage, wire},
    event::Source,
};

/// The way of a message from one stage to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// Messages are passed as they are, in memory.
    #[default]
    Memory,
    /// Messages are encoded and decoded, as between processes. Tests prove by it that the outputs are the same.
    Wire,
}

impl Link {
    /// Passes a message on.
    #[must_use]
    pub fn account(self, message: Message<AccountFact>, sources: &[Source]) -> Message<AccountFact> {
        match self.send(StageMessage::Account(message), sources) {
            StageMessage::Account(message) => message,
            StageMessage::Correlation(_) | StageMessage::Signal(_) => {
                unreachable!("a message is read as it was written")
            }
        }
    }

    /// Passes a message on.
    #[must_use]
    pub fn correlation(self, message: Message<CorrelationFact>, sources: &[Source]) -> Message<CorrelationFact> {
        match self.send(StageMessage::Correlation(message), sources) {
            StageMessage::Correlation(message) => message,
            StageMessage::Account(_) | StageMessage::Signal(_) => unreachable!("a message is read as it was written"),
        }
    }

    /// Passes a signal on.
    #[must_use]
    pub fn signal(self, signal: Signal, sources: &[Source]) -> Signal {
        match self {
            Self::Memory => signal,
            Self::Wire => match self.send(StageMessage::Signal(Box::new(signal)), sources) {
                StageMessage::Signal(signal) => *signal,
                StageMessage::Account(_) | StageMessage::Correlation(_) => {
                    unreachable!("a message is read as it was written")
                }
            },
        }
    }

    fn send(self, message: StageMessage, sources: &[Source]) -> StageMessage {
        match self {
            Self::Memory => message,
            Self::Wire => {
                let bytes = wire::encode(&wire::Frame::Message(message), sources);
                match wire::decode(&bytes, sources).expect("a frame of this process is readable") {
                    wire::Frame::Message(message) => message,
                    wire::Frame::Clock(_) => unreachable!("a message is read as it was written"),
                }
            }
        }
    }
}
