//! The trail of a subject: its last samples, kept as evidence with their orders or trades, their accounts and records.
//!
//! A trail holds no more than an alert may list: the last twenty samples, and the first record of each of the last seconds.
//! Its cost is the same in a storm as in calm. The window, not the trail, counts the samples.

use std::collections::{BTreeMap, VecDeque};

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{Evidence, Node};
use crate::{
    event::{RecordRange, RecordRef, SharedName, Side},
    time::{EventTime, Span},
};

/// The most samples that are kept as evidence: the longest list in an alert (CONTRACT).
const EVIDENCE_MAX: usize = 20;
/// The most seconds whose first record is kept: those of the longest window, the second in which it begins, and the
/// current one.
const SECONDS_MAX: usize = 62;
/// The least share of the samples that makes an account a party to them. A maker has a smaller share in every burst of its
/// symbols, and must not connect these bursts.
const PARTY_SHARE: f64 = 0.5;
/// The most accounts that are named as the busiest.
const BUSIEST_MAX: usize = 3;

/// One counted event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample<'a> {
    /// The event time.
    pub at: EventTime,
    /// The record of the event.
    pub record: RecordRef,
    /// The id of the order or trade; empty where the sample is a sum of several.
    pub id: &'a str,
    /// The account.
    pub account: Option<&'a SharedName>,
    /// The owner behind the account.
    pub owner: Option<&'a SharedName>,
    /// The side of the book on which the order rested, and its price times quantity; `None` where that is not known.
    pub rested: Option<(Side, f64)>,
}

impl<'a> Sample<'a> {
    /// A sample of a party that the detector knows by itself.
    #[must_use]
    pub const fn of_party(at: EventTime, record: RecordRef, id: &'a str, rested: Option<(Side, f64)>) -> Self {
        Self { at, record, id, account: None, owner: None, rested }
    }
}

/// The kind of ids in a trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ids {
    /// Orders.
    Orders,
    /// Trades.
    Trades,
}

/// The last samples, and the first record of each of the last seconds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Trail {
    samples: VecDeque<KeptSample>,
    /// Each second with a sample, and its first record, oldest first.
    seconds: VecDeque<(i64, RecordRef)>,
}

/// A sample as evidence keeps it: its time, its id, and whose it was.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct KeptSample {
    at: EventTime,
    id: CompactString,
    account: Option<SharedName>,
    owner: Option<SharedName>,
}

impl Trail {
    /// Adds a sample.
    pub fn push(&mut self, sample: &Sample<'_>) {
        if self.samples.len() == EVIDENCE_MAX {
            self.samples.pop_front();
        }
        let (account, owner) = (sample.account.cloned(), sample.owner.cloned());
        self.samples.push_back(KeptSample { at: sample.at, id: CompactString::new(sample.id), account, owner });
        let second = sample.at.slot(Span::SECOND);
        if self.seconds.back().is_none_or(|(newest, _)| *newest < second) {
            if self.seconds.len() == SECONDS_MAX {
                self.seconds.pop_front();
            }
            self.seconds.push_back((second, sample.record));
        }
    }

    /// Returns the evidence from `since` to `now`, up to and including a record. `ids` is the kind of the samples' ids, and
    /// how many there are in all.
    #[must_use]
    pub fn evidence(&self, since: EventTime, now: EventTime, record: RecordRef, ids: (Ids, u64)) -> Evidence {
        let during: Vec<&KeptSample> = self.samples.iter().filter(|kept| kept.at >= since && kept.at <= now).collect();
        let accounts: BTreeMap<&SharedName, usize> =
            during.iter().filter_map(|kept| kept.account.as_ref()).fold(BTreeMap::new(), |mut counts, account| {
                *counts.entry(account).or_default() += 1;
                counts
            });
        let mut evidence = Evidence {
            accounts: accounts.keys().map(|account| account.to_compact()).collect(),
            records: self.records(since, record),
            ..Evidence::default()
        };
        let listed = during.iter().map(|kept| kept.id.clone()).filter(|id| !id.is_empty()).collect();
        match ids {
            (Ids::Orders, total) => (evidence.orders, evidence.orders_total) = (listed, total),
            (Ids::Trades, total) => (evidence.trades, evidence.trades_total) = (listed, total),
        }
        evidence
    }

    /// Returns the parties to the samples from `since` to `now`: accounts with at least half of them, and their owners.
    #[must_use]
    pub fn parties(&self, since: EventTime, now: EventTime) -> Vec<Node> {
        let mut counts: BTreeMap<Node, usize> = BTreeMap::new();
        let mut all = 0;
        for kept in self.samples.iter().filter(|kept| kept.at >= since && kept.at <= now) {
            all += 1;
            let account = kept.account.as_ref().map(|account| Node::Account(account.to_compact()));
            for node in account.into_iter().chain(kept.owner.as_ref().map(|owner| Node::Owner(owner.to_compact()))) {
                *counts.entry(node).or_default() += 1;
            }
        }
        let is_party = |n: usize| n as f64 >= PARTY_SHARE * f64::from(all);
        counts.into_iter().filter(|(_, n)| is_party(*n)).map(|(node, _)| node).collect()
    }

    /// Returns the accounts with most of the kept samples, at most three, the busiest first.
    #[must_use]
    pub fn busiest(&self) -> Vec<CompactString> {
        let mut counts: BTreeMap<&SharedName, usize> = BTreeMap::new();
        self.samples
            .iter()
            .filter_map(|kept| kept.account.as_ref())
            .for_each(|account| *counts.entry(account).or_default() += 1);
        let mut accounts: Vec<(usize, &SharedName)> = counts.into_iter().map(|(account, n)| (n, account)).collect();
        accounts.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
        accounts.into_iter().take(BUSIEST_MAX).map(|(_, account)| account.to_compact()).collect()
    }

    /// Returns the records from the first of the second of `since` up to a record, as one range for each source.
    fn records(&self, since: EventTime, record: RecordRef) -> Vec<RecordRange> {
        let first = since.slot(Span::SECOND);
        let mut records: Vec<RecordRange> = Vec::new();
        let starts = self.seconds.iter().filter(|(second, _)| *second >= first).map(|(_, start)| *start);
        for RecordRef { source, offset } in starts.chain([record]) {
            match records.last_mut() {
                Some(range) if range.source == source => range.to = range.to.max(offset),
                Some(_) | None => records.push(RecordRange { source, from: offset, to: offset }),
            }
        }
        records
    }
}
