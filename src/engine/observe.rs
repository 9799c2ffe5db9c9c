//! What the engine counts about itself. Plain numbers, read by the shell and exported there as metrics.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Engine;
use crate::{
    book::Fault,
    detect::{Detector, Severity},
    event::{EventType, Reason},
};

/// What became of a record: exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Taken into account.
    Accepted,
    /// Could not be used; it is in the dead letters.
    Rejected,
    /// Too old to be counted.
    Late,
    /// Seen before.
    Duplicate,
    /// Left out on purpose, to keep up.
    Shed,
}

impl Fate {
    /// Every fate with its name.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Accepted, "accepted"),
        (Self::Rejected, "rejected"),
        (Self::Late, "late"),
        (Self::Duplicate, "duplicate"),
        (Self::Shed, "shed"),
    ];
}

/// How many records had which fate; the five sum to the records read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fates([u64; Fate::ALL.len()]);

impl Fates {
    /// Counts one record.
    pub const fn count(&mut self, fate: Fate) {
        self.0[fate as usize] += 1;
    }

    /// How many had this fate.
    #[must_use]
    pub const fn of(&self, fate: Fate) -> u64 {
        self.0[fate as usize]
    }

    /// All records.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Both together.
    #[must_use]
    pub fn plus(mut self, other: &Self) -> Self {
        for (sum, n) in self.0.iter_mut().zip(other.0) {
            *sum += n;
        }
        self
    }
}

/// Tables that have a limit, as metrics name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keys {
    /// Symbols with state.
    Symbol,
    /// Accounts by name.
    Account,
    /// Live orders.
    Order,
    /// Open incidents.
    Incident,
    /// Signals that wait for the other partitions.
    Signal,
    /// Accounts with positions or equity.
    Holder,
    /// Facts that wait for the other partitions.
    Fact,
    /// Owners by name.
    Owner,
    /// Parties (accounts, owners, either on one symbol) that have withdrawn, without a full window.
    Party,
    /// Parties with a full window.
    Burst,
}

impl Keys {
    /// Every kind with its name.
    pub const ALL: [(Self, &'static str); 10] = [
        (Self::Symbol, "symbol"),
        (Self::Account, "account"),
        (Self::Order, "order"),
        (Self::Incident, "incident"),
        (Self::Signal, "signal"),
        (Self::Holder, "holder"),
        (Self::Fact, "fact"),
        (Self::Owner, "owner"),
        (Self::Party, "party"),
        (Self::Burst, "burst"),
    ];
}

/// Counters since the start, apart from the fates, which are kept for each source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Events by type.
    pub events: [u64; EventType::ALL.len()],
    /// Rejected records by reason.
    pub rejected: [u64; Reason::ALL.len()],
    /// Signals that opened or rose, by what they reached.
    pub signals: BTreeMap<(Detector, Severity), u64>,
    /// Incidents that opened, by the severity at which they did.
    pub incidents_opened: BTreeMap<Severity, u64>,
    /// Alert revisions.
    pub alerts: u64,
    /// Gaps in symbols' sequences.
    pub gaps: u64,
    /// Sequences that began anew.
    pub restarts: u64,
    /// Times that a feed's clock stood.
    pub stops: u64,
    /// Events behind the newest of their subject and kind, but within the grace.
    pub disordered: u64,
    /// Contradictions between a book and its feed.
    pub book_faults: [u64; Fault::ALL.len()],
}

/// How full a limited table is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Occupancy {
    /// Entries now.
    pub held: u64,
    /// Entries that had to make room so far.
    pub evicted: u64,
}

impl Occupancy {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self { held: self.held + other.held, evicted: self.evicted + other.evicted }
    }
}

impl Engine {
    /// How full each limited table is.
    #[must_use]
    pub fn occupancy(&self) -> [(Keys, Occupancy); Keys::ALL.len()] {
        let state = &self.state;
        let over_feeds = |nth: usize| {
            state.feeds.iter().map(|feed| feed.occupancy()[nth]).fold(Occupancy::default(), Occupancy::plus)
        };
        let [symbols, orders, accounts, owners, parties, bursts] = std::array::from_fn(over_feeds);
        let [holders, all_owners, all_parties, all_bursts] = state.joined.accounts.occupancy();
        let of = |(held, evicted): (usize, u64)| Occupancy { held: held as u64, evicted };
        let facts = state.feeds.iter().map(|feed| of(feed.waiting())).fold(Occupancy::default(), Occupancy::plus);
        let incidents = (state.correlator.incidents().count(), state.correlator.incidents_evicted());
        [
            (Keys::Symbol, symbols),
            (Keys::Account, accounts),
            (Keys::Order, orders),
            (Keys::Incident, of(incidents)),
            (Keys::Signal, of(state.correlator.pending())),
            (Keys::Holder, holders),
            (Keys::Fact, facts),
            (Keys::Owner, owners.plus(all_owners)),
            (Keys::Party, parties.plus(all_parties)),
            (Keys::Burst, bursts.plus(all_bursts)),
        ]
    }
}
