//! Joins the rows of one message into one event.

use std::collections::BTreeMap;

use compact_str::CompactString;

use super::super::record::wrong;
use crate::{
    event::{Body, BookDelta, BookSnapshot, Decimal, Event, Level, Name, Price, Reason, Rejection, Side},
    table::Table,
    time::EventTime,
};

/// Largest number of symbols whose unfinished snapshots are remembered: as many as a file of a whole venue has.
const SYMBOLS_MAX: usize = 10_000;

/// Identity of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub symbol: Name<'static>,
    pub at: EventTime,
    /// `local_timestamp`.
    pub received_at: i64,
}

/// The levels of a snapshot, as far as its messages have come: asks and bids, by price.
#[derive(Debug, Default)]
struct Stated {
    bids: BTreeMap<Price, Decimal>,
    asks: BTreeMap<Price, Decimal>,
}

/// The rows of the current message, and the snapshots that are not complete yet.
#[derive(Debug)]
pub(super) struct Messages {
    levels_max: usize,
    /// The current message: its identity, its rows so far, and whether they belong to a snapshot.
    open: Option<(Message, BookDelta, bool)>,
    /// Snapshots that may go on in the next message of their symbol.
    stated: Table<CompactString, Stated>,
}

impl Messages {
    pub fn new(levels_max: usize) -> Self {
        Self { levels_max, open: None, stated: Table::new(SYMBOLS_MAX) }
    }

    /// Returns how many symbols were evicted.
    pub const fn evicted(&self) -> u64 {
        self.stated.evicted()
    }

    /// Takes a row. If it begins another message, the event of the one before is appended.
    pub fn take(
        &mut self,
        message: Message,
        is_snapshot: bool,
        side: Side,
        level: Level,
        out: &mut Vec<Event<'static>>,
    ) -> Result<(), Rejection> {
        let goes_on = |open: &(Message, BookDelta, bool)| open.0 == message && open.2 == is_snapshot;
        if !self.open.as_ref().is_some_and(goes_on) {
            self.flush(out);
            self.open = Some((message, BookDelta { bids: Vec::new(), asks: Vec::new(), prev_seq: None }, is_snapshot));
        }
        let Some((_, rows, _)) = &mut self.open else { return Err(wrong("expected a message")) };
        let levels = match side {
            Side::Buy => &mut rows.bids,
            Side::Sell => &mut rows.asks,
        };
        if levels.len() >= self.levels_max {
            return Err(Rejection::new(Reason::TooMany, format!("more than {} levels in a message", self.levels_max)));
        }
        levels.push(level);
        Ok(())
    }

    /// Appends the event of the open message, if there is one.
    pub fn flush(&mut self, out: &mut Vec<Event<'static>>) {
        let Some((Message { symbol, at, .. }, rows, is_snapshot)) = self.open.take() else { return };
        let body = if is_snapshot {
            Body::BookSnapshot(self.state(&symbol, &rows))
        } else {
            if let Some(handle) = self.stated.find(&*symbol) {
                self.stated.remove(handle);
            }
            Body::BookDelta(rows)
        };
        out.push(event(at, symbol, body));
    }

    /// Adds rows to the symbol's snapshot, or begins one with them, and returns the snapshot so far.
    fn state(&mut self, symbol: &str, rows: &BookDelta) -> BookSnapshot {
        let handle = self.stated.find(symbol);
        let handle = handle.unwrap_or_else(|| self.stated.insert(CompactString::new(symbol), Stated::default()).0);
        self.stated.touch(handle);
        let Some(stated) = self.stated.get_mut(handle) else {
            return BookSnapshot { bids: Vec::new(), asks: Vec::new() };
        };
        for (side, rows) in [(&mut stated.bids, &rows.bids), (&mut stated.asks, &rows.asks)] {
            for &Level(price, qty) in rows {
                // The documentation allows levels of zero, which stand for no level.
                if qty.is_zero() {
                    side.remove(&price);
                } else {
                    side.insert(price, qty);
                }
            }
        }
        let level = |(&price, &qty): (&Price, &Decimal)| Level(price, qty);
        // A snapshot of many messages may exceed the limit: the levels furthest from the best price are left out.
        let bids = stated.bids.iter().rev().map(level).take(self.levels_max).collect();
        let asks = stated.asks.iter().map(level).take(self.levels_max).collect();
        BookSnapshot { bids, asks }
    }
}

/// Makes an event, which has no sequence number.
pub(super) const fn event(ts: EventTime, symbol: Name<'static>, body: Body<'static>) -> Event<'static> {
    Event { ts, symbol: Some(symbol), seq: None, account: None, owner: None, body }
}
