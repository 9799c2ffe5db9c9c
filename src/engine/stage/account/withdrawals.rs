//! The withdrawals of accounts on all symbols of all feeds.
//!
//! Withdrawals come as digests of a tenth of a second, gathered by each feed; a digest counts at its end. A withdrawal is in a
//! digest only once its order has not been put back for a second, so an account is judged a second late. Evidence is the records,
//! because the orders are known only in the market stage. Owners are followed in correlation, because their accounts may be on
//! several shards: each shard sends one sum for each owner and tenth of a second (`owner_sums`).
//!
//! The table is apart from that of accounts that hold positions, which accounts that only trade must not displace.

use serde::{Deserialize, Serialize};

use super::{Outbox, owner_sums::OwnerSums};
use crate::{
    detect::{
        CoverageState, Sample, Signal, Subject, budget,
        participant::{self, Parties, PartyVerdict},
    },
    engine::{
        Limits, Plan,
        message::{AccountFact, Blind, Message, WithdrawalDigest},
        observe::Occupancy,
    },
    event::{RecordRef, SharedName},
    time::EventTime,
    trust::Mode,
    window::BurstSettings,
};

/// Accounts by their withdrawals.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Withdrawals {
    accounts: Parties<SharedName>,
    owners: OwnerSums,
    /// Time before which some feed may have missed events.
    blind_until: EventTime,
    /// When the last venue reopened.
    opened_at: EventTime,
}

impl Withdrawals {
    /// Makes a table without withdrawals.
    pub fn new(limits: &Limits, plan: &Plan) -> Self {
        let accounts = Parties::new(limits.accounts_max, limits.bursts_max, of_shard(plan))
            .overridden(&plan.detection.overrides, plan.detection.cancel_burst);
        let never = EventTime::from_nanos(i64::MIN);
        Self { accounts, owners: OwnerSums::default(), blind_until: never, opened_at: never }
    }

    /// Continues under other limits and settings.
    pub fn retune(&mut self, limits: &Limits, plan: &Plan, last: RecordRef, outbox: &mut Vec<Signal>) {
        let mut verdicts = Vec::new();
        self.accounts.follow_overrides(&plan.detection.overrides, plan.detection.cancel_burst);
        self.accounts.retune(limits.accounts_max, limits.bursts_max, of_shard(plan), &mut verdicts);
        participant::publish(verdicts, None, last.into(), outbox);
    }

    /// How full the tables of accounts without and with a full window are.
    pub fn occupancy(&self) -> [Occupancy; 2] {
        self.accounts.occupancy().map(|(held, evicted)| Occupancy { held: held as u64, evicted })
    }

    /// The accounts that withdraw, each with whether it is judged.
    pub fn coverage(&self, at: EventTime) -> impl Iterator<Item = (&SharedName, CoverageState)> {
        self.accounts.coverage(at)
    }

    /// Whether an episode is open that will end when the clock moves on.
    pub const fn waits(&self) -> bool {
        self.accounts.waits()
    }

    /// Notes that a feed may have missed what came before a time.
    pub fn blind(&mut self, blind: &Blind) {
        let &Blind { until, reopens } = blind;
        self.blind_until = self.blind_until.max(until);
        if reopens {
            self.opened_at = self.opened_at.max(until);
        }
    }

    /// Does what is due up to and including `to`. No signal is published as visible before `now`.
    pub fn advance(&mut self, to: EventTime, now: EventTime, last: RecordRef, outbox: &mut Outbox) {
        while let Some(at) = self.accounts.deadline().filter(|at| *at <= to) {
            let mut verdicts: Vec<PartyVerdict> = Vec::new();
            self.accounts.advance(at, &mut verdicts);
            participant::publish(verdicts, Some(at.max(now)), last.into(), &mut outbox.signals);
        }
        self.owners.advance(to, now, &mut outbox.facts);
    }

    /// Counts and judges the withdrawals of a digest, with the message that brought it.
    pub fn handle(
        &mut self,
        digest: &WithdrawalDigest,
        message: &Message<AccountFact>,
        mode: Mode,
        outbox: &mut Vec<Signal>,
    ) {
        let &Message { visible_at, at, origin, .. } = message;
        let withdrawn = participant::WithdrawalBatch {
            sample: Sample::of_party(at, origin.record, "", None),
            orders: digest.orders,
            placed: digest.placed,
            clock: visible_at,
            blind_until: self.blind_until,
            opened_at: self.opened_at,
            symbol: None,
            mode,
        };
        let mut verdicts = Vec::new();
        let account = || Subject::Account(digest.account.to_compact());
        self.accounts.withdrawn(&digest.account, &withdrawn, account, &mut verdicts);
        participant::publish(verdicts, Some(visible_at), origin, outbox);
        self.owners.add(digest, at, origin);
    }
}

/// Returns the settings of one shard: the share of all accounts in everybody's budget is divided among the shards.
fn of_shard(plan: &Plan) -> BurstSettings {
    let settings = budget::of_everybody(plan.detection.cancel_burst);
    BurstSettings { warnings_per_day: settings.warnings_per_day / plan.stages.account_shards as f64, ..settings }
}
