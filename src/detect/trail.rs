//! The last samples of a subject, as evidence: which orders or trades, whose, and in which records.
//!
//! Bounded by what an alert may list, so it costs the same in a storm as in calm: the last twenty samples, and where each of the
//! last seconds began. Not here: how many there were, which the window knows.

use std::collections::{BTreeMap, VecDeque};

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::signal::{Evidence, Node};
use crate::{
    event::{Place, RecordRange},
    time::{EventTime, Span},
};

/// How many samples are kept as evidence: the longest list in an alert (CONTRACT).
const EVIDENCE_MAX: usize = 20;
/// Seconds whose first record is remembered: the longest window, the current second, and one that it reaches into.
const SECONDS_MAX: usize = 62;
/// The share of the samples from which on an account is part of what happened, and not only a witness: a maker is in
/// every burst of its symbols, and must not join them.
const PART: f64 = 0.5;

/// How many are told as the busiest.
const BUSIEST: usize = 3;

/// One counted fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample<'a> {
    /// When.
    pub at: EventTime,
    /// The record that says so.
    pub place: Place,
    /// Of which order, or which trade; empty where it is of many.
    pub id: &'a str,
    /// Whose.
    pub account: Option<&'a str>,
    /// And the party behind it.
    pub owner: Option<&'a str>,
}

/// What an id in the trail is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// Orders.
    Orders,
    /// Trades.
    Trades,
}

/// The last samples, and where each of the last seconds began.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Trail {
    last: VecDeque<Kept>,
    /// Second and first record in it, oldest first.
    seconds: VecDeque<(i64, Place)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    at: EventTime,
    id: CompactString,
    account: Option<CompactString>,
    owner: Option<CompactString>,
}

impl Trail {
    /// Keeps a sample.
    pub fn push(&mut self, sample: &Sample<'_>) {
        if self.last.len() == EVIDENCE_MAX {
            self.last.pop_front();
        }
        let [account, owner] = [sample.account, sample.owner].map(|name| name.map(CompactString::new));
        self.last.push_back(Kept { at: sample.at, id: CompactString::new(sample.id), account, owner });
        let second = sample.at.slot(Span::SECOND);
        if self.seconds.back().is_none_or(|(newest, _)| *newest < second) {
            if self.seconds.len() == SECONDS_MAX {
                self.seconds.pop_front();
            }
            self.seconds.push_back((second, sample.place));
        }
    }

    /// What happened from `since` to `now`, up to and including the record at `place`.
    #[must_use]
    pub fn evidence(&self, since: EventTime, now: EventTime, place: Place, ids: (Ids, u64)) -> Evidence {
        let during: Vec<&Kept> = self.last.iter().filter(|kept| kept.at >= since && kept.at <= now).collect();
        let accounts: BTreeMap<&CompactString, usize> =
            during.iter().filter_map(|kept| kept.account.as_ref()).fold(BTreeMap::new(), |mut counts, account| {
                *counts.entry(account).or_default() += 1;
                counts
            });
        let mut evidence = Evidence {
            accounts: accounts.keys().map(|&account| account.clone()).collect(),
            records: self.records(since, place),
            ..Evidence::default()
        };
        let listed = during.iter().map(|kept| kept.id.clone()).filter(|id| !id.is_empty()).collect();
        match ids {
            (Ids::Orders, total) => (evidence.orders, evidence.orders_total) = (listed, total),
            (Ids::Trades, total) => (evidence.trades, evidence.trades_total) = (listed, total),
        }
        evidence
    }

    /// Who was part of it: accounts with at least half of the samples from `since` to `now`, and their owners.
    #[must_use]
    pub fn parties(&self, since: EventTime, now: EventTime) -> Vec<Node> {
        let mut counts: BTreeMap<Node, usize> = BTreeMap::new();
        let mut all = 0;
        for kept in self.last.iter().filter(|kept| kept.at >= since && kept.at <= now) {
            all += 1;
            let account = kept.account.clone().map(Node::Account);
            for node in account.into_iter().chain(kept.owner.clone().map(Node::Owner)) {
                *counts.entry(node).or_default() += 1;
            }
        }
        let part = |n: usize| n as f64 >= PART * f64::from(all);
        counts.into_iter().filter(|(_, n)| part(*n)).map(|(node, _)| node).collect()
    }

    /// Who has most of what is kept, at most three, the busiest first.
    #[must_use]
    pub fn busiest(&self) -> Vec<CompactString> {
        let mut counts: BTreeMap<&CompactString, usize> = BTreeMap::new();
        self.last
            .iter()
            .filter_map(|kept| kept.account.as_ref())
            .for_each(|account| *counts.entry(account).or_default() += 1);
        let mut accounts: Vec<(usize, &CompactString)> = counts.into_iter().map(|(account, n)| (n, account)).collect();
        accounts.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
        accounts.into_iter().take(BUSIEST).map(|(_, account)| account.clone()).collect()
    }

    fn records(&self, since: EventTime, place: Place) -> Vec<RecordRange> {
        let first = since.slot(Span::SECOND);
        let mut records: Vec<RecordRange> = Vec::new();
        let starts = self.seconds.iter().filter(|(second, _)| *second >= first).map(|(_, start)| *start);
        for Place { source, offset } in starts.chain([place]) {
            match records.last_mut() {
                Some(range) if range.source == source => range.to = range.to.max(offset),
                Some(_) | None => records.push(RecordRange { source, from: offset, to: offset }),
            }
        }
        records
    }
}
