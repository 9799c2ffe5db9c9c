//! The levels that the deltas of the last 10 s changed, so that a snapshot that comes late can be applied beneath them.
//!
//! Venues tell consumers to subscribe to the deltas first and to ask for the snapshot then, so its answer is older than
//! the deltas before it. A delta states quantities and not differences. So it is enough to know which levels were changed
//! after the snapshot: the book already holds what the deltas made of them, whatever was there before.
//!
//! Only prices are kept, 16 bytes each, and 24 bytes for each delta.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::{
    event::{BookDelta, Level, Price, Side},
    time::{EventTime, Span},
};

/// How long deltas are kept (CONTRACT). A venue answers the request for a snapshot within a few seconds.
const KEPT: Span = Span::from_secs(10);
/// The most levels that are kept of one symbol: 1,600 changes a second for 10 s, several times what the busiest public
/// books change. The limit bounds a symbol's memory to 256 kB. Once it is reached, the deltas reach back less far, so a
/// snapshot is too late sooner.
const LEVELS_MAX: usize = 16_384;

/// The changed levels of the last deltas.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct RecentDeltas {
    /// The deltas, oldest first, so by rising numbers.
    deltas: VecDeque<Changed>,
    /// The levels of all deltas in the same order, of each its bids and then its asks.
    prices: VecDeque<Price>,
    /// Every delta with a number above this one is kept; `None` before the first number.
    complete_above: Option<u64>,
}

/// One delta, and how many levels of each side it changed.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Changed {
    seq: u64,
    at: EventTime,
    levels: [u32; 2],
}

impl RecentDeltas {
    /// Keeps a delta, and forgets those that are too old. Returns how many were forgotten before their time, to make room.
    pub fn push(&mut self, seq: u64, at: EventTime, delta: &BookDelta) -> u64 {
        self.complete_above.get_or_insert(delta.prev_seq.unwrap_or(seq.saturating_sub(1)));
        let count = |levels: &[Level]| u32::try_from(levels.len()).unwrap_or(u32::MAX);
        self.deltas.push_back(Changed { seq, at, levels: [count(&delta.bids), count(&delta.asks)] });
        self.prices.extend(delta.bids.iter().chain(&delta.asks).map(|level| level.0));
        while self.deltas.front().is_some_and(|oldest| at.since(oldest.at) > KEPT) {
            self.pop();
        }
        let mut early = 0;
        while self.prices.len() > LEVELS_MAX {
            self.pop();
            early += 1;
        }
        early
    }

    fn pop(&mut self) {
        let Some(oldest) = self.deltas.pop_front() else { return };
        let [bids, asks] = oldest.levels;
        self.prices.drain(..(bids + asks) as usize);
        self.complete_above = Some(oldest.seq);
    }

    /// Whether all deltas above a number are kept.
    pub fn reach_back_to(&self, seq: u64) -> bool {
        self.complete_above.is_some_and(|above| seq >= above)
    }

    /// Records a snapshot's number. If no delta came before it, all deltas above that number will be kept.
    pub fn begin_at(&mut self, seq: u64) {
        self.complete_above.get_or_insert(seq);
    }

    /// The levels that deltas above a number changed; a level may occur several times.
    pub fn changed_above(&self, seq: u64) -> impl Iterator<Item = (Side, Price)> {
        let older: usize = self.deltas.iter().take_while(|delta| delta.seq <= seq).map(Changed::len).sum();
        let sides = self.deltas.iter().filter(move |delta| delta.seq > seq).flat_map(|delta| {
            let [bids, asks] = delta.levels.map(|levels| levels as usize);
            std::iter::repeat_n(Side::Buy, bids).chain(std::iter::repeat_n(Side::Sell, asks))
        });
        sides.zip(self.prices.range(older..).copied())
    }
}

impl Changed {
    fn len(&self) -> usize {
        self.levels.iter().map(|&levels| levels as usize).sum()
    }
}
