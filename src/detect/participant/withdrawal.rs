//! Input and output of the detector of a party: a batch of withdrawals, and a verdict.

use std::{fmt::Debug, hash::Hash};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    detect::{Burst, Sample, Subject, Verdict},
    event::SharedName,
    table::Handle,
    time::EventTime,
    trust::Mode,
};

/// A key of parties.
pub(crate) trait Key: Clone + Ord + Hash + Serialize + DeserializeOwned {
    /// The subject whose budget the party shares with the others of that subject.
    type Budget: Clone + Debug + Ord + Serialize + DeserializeOwned;

    /// The subject whose budget the party shares.
    fn budget(&self) -> Self::Budget;
}

/// A party and a symbol: each symbol has a budget.
impl Key for (Handle, Handle) {
    type Budget = Handle;

    fn budget(&self) -> Handle {
        self.1
    }
}

/// A party over all symbols: there is one budget for all.
impl Key for SharedName {
    type Budget = ();

    fn budget(&self) {}
}

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
