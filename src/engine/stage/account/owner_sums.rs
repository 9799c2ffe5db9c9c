//! The sums of owners: the withdrawals of an owner's accounts on one shard, one sum for each owner and tenth of a second.
//!
//! All digests of a tenth of a second are visible before it ends, so a sum is sent when it ends. A digest that comes later begins
//! another sum of the same tenth, which is sent at once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    engine::message::{CorrelationFact, Message, OwnerAccounts, OwnerWithdrawals, WithdrawalDigest},
    event::{Origin, SharedName},
    time::EventTime,
};

/// Open sums, by the end of their tenth of a second and by owner: at most as many as a tenth of a second has digests with owners.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct OwnerSums(BTreeMap<(EventTime, SharedName), (OwnerWithdrawals, Origin)>);

impl OwnerSums {
    /// Adds a digest that ends at a time, if its account has an owner.
    pub fn add(&mut self, digest: &WithdrawalDigest, at: EventTime, origin: Origin) {
        let Some(owner) = &digest.owner else { return };
        let first = || {
            let accounts = OwnerAccounts::One(digest.account.clone());
            (OwnerWithdrawals { owner: owner.clone(), accounts, orders: 0, placed: 0 }, origin)
        };
        let (sum, last) = self.0.entry((at, owner.clone())).or_insert_with(first);
        if sum.accounts != OwnerAccounts::One(digest.account.clone()) {
            sum.accounts = OwnerAccounts::Several;
        }
        sum.orders = sum.orders.saturating_add(digest.orders);
        sum.placed = sum.placed.saturating_add(digest.placed);
        *last = origin;
    }

    /// Sends the sums that end up to a time, none earlier than `now`.
    pub fn advance(&mut self, to: EventTime, now: EventTime, facts: &mut Vec<Message<CorrelationFact>>) {
        while let Some(sum) = self.0.first_entry().filter(|sum| sum.key().0 <= to) {
            let ((at, _), (sum, origin)) = sum.remove_entry();
            facts.push(Message { visible_at: at.max(now), at, origin, body: CorrelationFact::Owner(sum) });
        }
    }
}
