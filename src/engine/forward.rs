//! What a feed passes on to the stages that see all feeds: facts about accounts, marks, and how its symbols stand.
//!
//! A record has one key, so what an account does is spread over partitions. Each feed therefore passes on what the account stage
//! needs, with its clock as of then; the stage takes it once the global watermark is above that, in the order (time, feed, as it
//! arose), which no interleaving changes (DESIGN, "Order"; there the subject's name comes before the partition, which matters
//! only to findings of the very same instant).

use std::collections::VecDeque;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::{
    event::Place,
    time::{EventTime, WallTime},
};

/// How much of one feed may wait while others are behind; some 150 B each.
const WAITING_MAX: usize = 500_000;

/// One fact on its way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forwarded {
    /// The feed's clock when it arose.
    pub visible_at: EventTime,
    /// Its own time.
    pub at: EventTime,
    /// The record.
    pub place: Place,
    /// The record's own time.
    pub appended_at: Option<WallTime>,
    /// What it says.
    pub fact: Fact,
}

/// What an account has withdrawn on all symbols of a feed within a tenth of a second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Withdrawn {
    /// Whose.
    pub account: CompactString,
    /// And who is behind it.
    pub owner: Option<CompactString>,
    /// How many orders.
    pub orders: u16,
    /// How many it has placed within the ten seconds before, and since the last time.
    pub placed: u16,
}

/// A fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Fact {
    /// An account's position in a symbol: signed quantity and entry price.
    Position(CompactString, CompactString, f64, f64),
    /// An account's equity without unrealised profit.
    Equity(CompactString, f64),
    /// An account bought so much of a symbol, or sold it.
    Fill(CompactString, CompactString, f64),
    /// An account belongs to an owner.
    Owner(CompactString, CompactString),
    /// What the venue values a symbol at.
    Mark(CompactString, f64),
    /// An account has withdrawn orders.
    Withdrawn(Withdrawn),
    /// The feed may have missed what came before this time.
    Blind(EventTime),
    /// A symbol's book is thinner than nine tenths of the time, with those who withdrew most; or no longer.
    Thin(CompactString, bool, Vec<CompactString>),
    /// A symbol is no longer followed.
    Forgotten(CompactString),
    /// A symbol trades; and whether far faster than twenty times a day.
    Trades(CompactString, bool),
}

/// What waits of one feed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Queue {
    waiting: VecDeque<Forwarded>,
    evicted: u64,
}

impl Queue {
    /// Adds a fact. Where too many wait the oldest makes room and is counted: it happens only when one feed is read that far ahead
    /// of another.
    pub fn push(&mut self, fact: Forwarded) {
        if self.waiting.len() >= WAITING_MAX {
            self.waiting.pop_front();
            self.evicted += 1;
        }
        self.waiting.push_back(fact);
    }

    /// When the next one arose.
    #[must_use]
    pub fn first(&self) -> Option<EventTime> {
        self.waiting.front().map(|fact| fact.visible_at)
    }

    /// The next one.
    pub fn pop(&mut self) -> Option<Forwarded> {
        self.waiting.pop_front()
    }

    /// How many wait, and how many had to make room.
    #[must_use]
    pub fn occupancy(&self) -> (usize, u64) {
        (self.waiting.len(), self.evicted)
    }
}
