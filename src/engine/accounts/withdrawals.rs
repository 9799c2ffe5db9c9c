//! What accounts withdraw on all symbols of all feeds, and owners over all their accounts.
//!
//! It comes in tenths of a second, gathered by each feed; a bucket counts at its end. Evidence is the records, as the orders are
//! known only where they were: `engine::crowd` has them by symbol. An owner of whom one account has ever withdrawn anything is
//! that account, and no party of its own.
//!
//! The tables are apart from those of who holds positions, which names that only trade must not displace.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::Said;
use crate::{
    detect::{
        Sample, Subject,
        parties::{self, Parties, Saying},
    },
    engine::{
        Limits,
        forward::{Forwarded, Withdrawn},
        observe::Occupancy,
        sink::signals,
    },
    event::Place,
    table::Table,
    time::EventTime,
    window::BurstSettings,
};

/// Accounts and owners by what they withdraw.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Withdrawals {
    accounts: Parties<CompactString>,
    owners: Parties<CompactString>,
    known_owners: Table<CompactString, KnownOwner>,
    /// Some feed may have missed what came before this time.
    blind_until: EventTime,
}

/// An owner, by the accounts that have withdrawn something.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum KnownOwner {
    /// One.
    Of(CompactString),
    /// More than one.
    OfSeveral,
}

impl Withdrawals {
    /// Nothing was withdrawn yet.
    pub fn new(limits: &Limits, settings: BurstSettings) -> Self {
        let parties = || Parties::new(limits.accounts_max, limits.bursts_max, settings);
        let known_owners = Table::new(limits.accounts_max);
        Self { accounts: parties(), owners: parties(), known_owners, blind_until: EventTime::from_nanos(i64::MIN) }
    }

    /// Goes on under other limits and settings.
    pub fn retune(&mut self, limits: &Limits, settings: BurstSettings, place: Place, said: &mut Said<'_>) {
        self.known_owners.limit(limits.accounts_max);
        let mut sayings = Vec::new();
        for parties in [&mut self.accounts, &mut self.owners] {
            parties.retune(limits.accounts_max, limits.bursts_max, settings, &mut sayings);
        }
        said.signals.extend(signals(sayings.drain(..), None, place, None));
    }

    /// Owners, parties without a full window, and full windows.
    pub fn occupancy(&self) -> [Occupancy; 3] {
        let of = |held: usize, evicted| Occupancy { held: held as u64, evicted };
        let (accounts, owners) = (self.accounts.occupancy(), self.owners.occupancy());
        let both = |nth: usize| of(accounts[nth].0 + owners[nth].0, accounts[nth].1 + owners[nth].1);
        [of(self.known_owners.len(), self.known_owners.evicted()), both(0), both(1)]
    }

    /// Whether an episode waits for the clock to be over.
    pub const fn waits(&self) -> bool {
        self.accounts.waits() || self.owners.waits()
    }

    /// A feed may have missed what came before this time.
    pub fn blind(&mut self, until: EventTime) {
        self.blind_until = self.blind_until.max(until);
    }

    /// Does what is due up to and including a time; of what was visible by `now` nothing is said earlier.
    pub fn advance(&mut self, to: EventTime, now: EventTime, place: Place, said: &mut Said<'_>) {
        for parties in [&mut self.accounts, &mut self.owners] {
            while let Some(at) = parties.deadline().filter(|at| *at <= to) {
                let mut sayings: Vec<Saying> = Vec::new();
                parties.advance(at, &mut sayings);
                said.signals.extend(signals(sayings.drain(..), Some(at.max(now)), place, None));
            }
        }
    }

    /// An account has withdrawn orders.
    pub fn take(&mut self, fact: &Withdrawn, forwarded: &Forwarded, said: &mut Said<'_>) {
        let Forwarded { visible_at, at, place, appended_at, .. } = *forwarded;
        let withdrawn = parties::Withdrawn {
            sample: Sample { at, place, id: "", account: None, owner: None },
            orders: fact.orders,
            placed: fact.placed,
            clock: visible_at,
            blind_until: self.blind_until,
            symbol: None,
            mode: said.mode,
        };
        let mut sayings = Vec::new();
        self.accounts.withdrawn(&fact.account, &withdrawn, || Subject::Account(fact.account.clone()), &mut sayings);
        if let Some(owner) = fact.owner.as_ref().filter(|owner| self.has_several(owner, &fact.account)) {
            self.owners.withdrawn(owner, &withdrawn, || Subject::Owner(owner.clone()), &mut sayings);
        }
        said.signals.extend(signals(sayings.drain(..), Some(visible_at), place, appended_at));
    }

    /// Whether more than one account of an owner has withdrawn anything, this one among them.
    fn has_several(&mut self, owner: &CompactString, account: &CompactString) -> bool {
        let Some(handle) = self.known_owners.find(owner.as_str()) else {
            self.known_owners.insert(owner.clone(), KnownOwner::Of(account.clone()));
            return false;
        };
        self.known_owners.touch(handle);
        match self.known_owners.get_mut(handle) {
            Some(KnownOwner::OfSeveral) => true,
            Some(KnownOwner::Of(first)) if first == account => false,
            Some(one) => {
                *one = KnownOwner::OfSeveral;
                true
            }
            None => false,
        }
    }
}
