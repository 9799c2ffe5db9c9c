//! Input and output of the detector of a party: a batch of withdrawals, and a verdict.

use std::hash::Hash;

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    detect::{Burst, Sample, Subject, Verdict},
    time::EventTime,
    trust::Mode,
};

/// The traits that a key of parties needs.
pub(crate) trait Key: Clone + Ord + Hash + Serialize + DeserializeOwned {}
impl<K: Clone + Ord + Hash + Serialize + DeserializeOwned> Key for K {}

/// The withdrawals of a party at one instant.
#[derive(Clone, Copy)]
pub(crate) struct WithdrawalBatch<'a> {
    /// The last withdrawal.
    pub sample: Sample<'a>,
    /// The number of orders withdrawn.
    pub orders: u16,
    /// The number of orders placed since the batch before.
    pub placed: u16,
    /// The clock of the stage.
    pub clock: EventTime,
    /// Samples before this time may have been missed.
    pub blind_until: EventTime,
    /// The newest reopening of what the party trades.
    pub opened_at: EventTime,
    /// The symbol's own burst detector, where all orders are of one symbol. A new window begins with its clustering.
    pub symbol: Option<&'a Burst>,
    /// The mode in force.
    pub mode: Mode,
}

/// A verdict about a party.
pub(crate) type PartyVerdict = (Subject, Verdict);
