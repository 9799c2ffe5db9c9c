//! What accounts withdraw on all symbols of all feeds, and owners over all their accounts.
//!
//! It comes in tenths of a second, gathered by each feed; a bucket counts at its end. Evidence is the records, as the orders are
//! known only where they were: `engine::crowd` has them by symbol.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{Accounts, Said};
use crate::{
    detect::{
        Sample, Subject,
        parties::{Parties, Saying, Withdrawn},
    },
    engine::{Limits, forward::Forwarded, observe::Occupancy},
    event::Place,
    table::Handle,
    time::{EventTime, WallTime},
    window::BurstSettings,
};

/// Accounts and owners by what they withdraw.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Withdrawals {
    accounts: Parties<Handle>,
    owners: Parties<Handle>,
    /// Some feed may have missed what came before this time.
    blind_until: EventTime,
}

impl Withdrawals {
    /// Nothing was withdrawn yet.
    pub fn new(limits: &Limits, settings: BurstSettings) -> Self {
        let parties = || Parties::new(limits.accounts_max, limits.bursts_max, settings);
        Self { accounts: parties(), owners: parties(), blind_until: EventTime::from_nanos(i64::MIN) }
    }

    /// Goes on under other limits and settings.
    pub fn retune(&mut self, limits: &Limits, settings: BurstSettings, place: Place, said: &mut Said<'_>) {
        let mut sayings = Vec::new();
        for parties in [&mut self.accounts, &mut self.owners] {
            parties.retune(limits.accounts_max, limits.bursts_max, settings, &mut sayings);
        }
        repeat(sayings, None, (place, None), said);
    }

    /// Parties without a full window, and full windows.
    pub fn occupancy(&self) -> [Occupancy; 2] {
        let (accounts, owners) = (self.accounts.occupancy(), self.owners.occupancy());
        [0, 1].map(|nth| Occupancy {
            held: (accounts[nth].0 + owners[nth].0) as u64,
            evicted: accounts[nth].1 + owners[nth].1,
        })
    }

    /// Whether an episode waits for the clock to be over.
    pub const fn waits(&self) -> bool {
        self.accounts.waits() || self.owners.waits()
    }

    /// A feed may have missed what came before this time.
    pub fn blind(&mut self, until: EventTime) {
        self.blind_until = self.blind_until.max(until);
    }

    /// Does what is due up to and including a time.
    pub fn advance(&mut self, to: EventTime, place: Place, said: &mut Said<'_>) {
        for parties in [&mut self.accounts, &mut self.owners] {
            while let Some(at) = parties.deadline().filter(|at| *at <= to) {
                let mut sayings = Vec::new();
                parties.advance(at, &mut sayings);
                repeat(sayings, Some(at), (place, None), said);
            }
        }
    }
}

impl Accounts {
    /// An account belongs to an owner, from now on.
    pub(super) fn belongs(&mut self, me: Handle, owner: &CompactString) {
        let known = self.owners.find(owner.as_str());
        let owner = known.unwrap_or_else(|| self.owners.insert(owner.clone(), 0).0);
        self.owners.touch(owner);
        let Some(account) = self.known.get_mut(me) else { return };
        let before = account.owner.replace(owner);
        if before == Some(owner) {
            return;
        }
        if let Some(accounts) = self.owners.get_mut(owner) {
            *accounts += 1;
        }
        if let Some(accounts) = before.and_then(|before| self.owners.get_mut(before)) {
            *accounts = accounts.saturating_sub(1);
        }
    }

    /// An account has withdrawn so many orders within a tenth of a second, and placed so many since the last time.
    pub(super) fn withdrawn(
        &mut self,
        me: Handle,
        (orders, placed): (u16, u16),
        forwarded: &Forwarded,
        said: &mut Said<'_>,
    ) {
        let Self { known, owners, withdrawals, .. } = self;
        let Forwarded { visible_at, at, place, appended_at, .. } = *forwarded;
        let withdrawn = Withdrawn {
            sample: Sample { at, place, id: "", account: None, owner: None },
            orders,
            placed,
            clock: visible_at,
            blind_until: withdrawals.blind_until,
            symbol: None,
            mode: said.mode,
        };
        let mut sayings = Vec::new();
        if let Some(name) = known.key(me) {
            let subject = || Subject::Account(name.clone());
            withdrawals.accounts.withdrawn(me, &withdrawn, subject, &mut sayings);
        }
        let owner = known.get(me).and_then(|account| account.owner);
        if let Some(owner) = owner.filter(|owner| owners.get(*owner).is_some_and(|accounts| *accounts > 1))
            && let Some(name) = owners.key(owner)
        {
            withdrawals.owners.withdrawn(owner, &withdrawn, || Subject::Owner(name.clone()), &mut sayings);
        }
        repeat(sayings, Some(visible_at), (place, appended_at), said);
    }
}

/// Makes signals of what was said, as it is seen at a time.
fn repeat(
    sayings: Vec<Saying>,
    visible_at: Option<EventTime>,
    (place, appended_at): (Place, Option<WallTime>),
    said: &mut Said<'_>,
) {
    said.signals.extend(sayings.into_iter().map(|(subject, verdict)| {
        let visible_at = visible_at.unwrap_or(verdict.at);
        verdict.signal(subject, visible_at, place, appended_at)
    }));
}
