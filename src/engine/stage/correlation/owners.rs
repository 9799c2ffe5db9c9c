//! Owners of several accounts, by their withdrawals over all accounts, symbols and feeds.
//!
//! The accounts of an owner are on several shards, so owners are followed where all shards are seen, by one sum from each shard for
//! each tenth of a second. An owner of whom only one account has ever withdrawn is not tracked separately.

use serde::{Deserialize, Serialize};

use crate::{
    detect::{
        Sample, Signal, Subject, budget,
        participant::{self, Parties, PartyVerdict},
    },
    engine::{
        Plan,
        message::{Blind, CorrelationFact, Message, OwnerAccounts, OwnerWithdrawals},
        observe::Occupancy,
    },
    event::{RecordRef, SharedName},
    table::Table,
    time::EventTime,
    trust::Mode,
};

/// All owners.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Owners {
    parties: Parties<SharedName>,
    /// The accounts of each owner that have withdrawn something: one, or several.
    known: Table<SharedName, OwnerAccounts>,
    /// Time before which some feed may have missed events.
    blind_until: EventTime,
    /// When the last venue reopened.
    opened_at: EventTime,
}

impl Owners {
    /// Makes a table without owners.
    pub fn new(plan: &Plan) -> Self {
        let (limits, settings) = (&plan.limits, budget::of_everybody(plan.detection.cancel_burst));
        Self {
            parties: Parties::new(limits.accounts_max, limits.bursts_max, settings)
                .overridden(&plan.detection.overrides, plan.detection.cancel_burst),
            known: Table::new(limits.accounts_max),
            blind_until: EventTime::from_nanos(i64::MIN),
            opened_at: EventTime::from_nanos(i64::MIN),
        }
    }

    /// Continues under other limits and settings.
    pub fn retune(&mut self, plan: &Plan, last: RecordRef, signals: &mut Vec<Signal>) {
        let (limits, settings) = (&plan.limits, budget::of_everybody(plan.detection.cancel_burst));
        self.known.limit(limits.accounts_max);
        let mut verdicts = Vec::new();
        self.parties.follow_overrides(&plan.detection.overrides, plan.detection.cancel_burst);
        self.parties.retune(limits.accounts_max, limits.bursts_max, settings, &mut verdicts);
        participant::publish(verdicts, None, last.into(), signals);
    }

    /// Occupancy of the table of owners, and of owners with a light and with a full window.
    pub fn occupancy(&self) -> [Occupancy; 3] {
        let of = |(held, evicted): (usize, u64)| Occupancy { held: held as u64, evicted };
        let [light, full] = self.parties.occupancy();
        [of((self.known.len(), self.known.evicted())), of(light), of(full)]
    }

    /// Whether an episode is open that will end when the clock moves on.
    pub const fn waits(&self) -> bool {
        self.parties.waits()
    }

    /// Notes that a feed may have missed what came before a time.
    pub fn blind(&mut self, blind: &Blind) {
        let &Blind { until, reopens } = blind;
        self.blind_until = self.blind_until.max(until);
        if reopens {
            self.opened_at = self.opened_at.max(until);
        }
    }

    /// Ends episodes with deadlines up to and including `to`; their signals are visible no earlier than `now`.
    pub fn advance(&mut self, to: EventTime, now: EventTime, last: RecordRef, signals: &mut Vec<Signal>) {
        while let Some(at) = self.parties.deadline().filter(|at| *at <= to) {
            let mut verdicts: Vec<PartyVerdict> = Vec::new();
            self.parties.advance(at, &mut verdicts);
            participant::publish(verdicts, Some(at.max(now)), last.into(), signals);
        }
    }

    /// Counts and judges the withdrawals of a sum, with the message that brought it, if the owner has several accounts.
    pub fn handle(
        &mut self,
        sum: &OwnerWithdrawals,
        message: &Message<CorrelationFact>,
        mode: Mode,
        signals: &mut Vec<Signal>,
    ) {
        if !self.has_several(sum) {
            return;
        }
        let &Message { visible_at, at, origin, .. } = message;
        let withdrawn = participant::WithdrawalBatch {
            sample: Sample::of_party(at, origin.record, "", None),
            orders: sum.orders,
            placed: sum.placed,
            clock: visible_at,
            blind_until: self.blind_until,
            opened_at: self.opened_at,
            symbol: None,
            mode,
        };
        let mut verdicts = Vec::new();
        let owner = || Subject::Owner(sum.owner.to_compact());
        self.parties.withdrawn(&sum.owner, &withdrawn, owner, &mut verdicts);
        participant::publish(verdicts, Some(visible_at), origin, signals);
    }

    /// Whether more than one account of the owner has withdrawn anything, this sum's accounts included.
    fn has_several(&mut self, sum: &OwnerWithdrawals) -> bool {
        let Some(handle) = self.known.find(&sum.owner.as_ref()) else {
            self.known.insert(sum.owner.clone(), sum.accounts.clone());
            return sum.accounts == OwnerAccounts::Several;
        };
        self.known.touch(handle);
        let known = self.known.get_mut(handle).expect("an entry that was just found");
        if *known != sum.accounts {
            *known = OwnerAccounts::Several;
        }
        *known == OwnerAccounts::Several
    }
}
