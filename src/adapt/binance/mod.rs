//! Binance USD-M futures as websocket frames, one per line behind its receive time: `<receive time> <json>`.
//!
//! | frame | events |
//! |---|---|
//! | `depthUpdate` | `book_delta`: `seq` is `u`, `prev_seq` is `pu` |
//! | a book with `lastUpdateId` (a REST answer) | `book_snapshot`: `seq` is `lastUpdateId` |
//! | `trade`, `aggTrade` | `trade`: the aggressor sells where the buyer is the maker (`m`) |
//! | `trade` whose `X` is `INSURANCE_FUND` or `ADL` | `liquidation`, phase `insurance` or `adl` |
//! | `markPriceUpdate` | `mark`; and `funding`, unless it is a delivery contract's |
//! | `forceOrder` | `liquidation`, phase `filled`, or `started` where nothing is filled yet |
//! | `bookTicker`, other events, answers to subscriptions, trades whose `X` is `NA` | none |
//!
//! **Sequence.** Update ids count changes of the book of all symbols, trade ids count trades: two sequences. The contract's `seq`
//! runs over all of a symbol's events, so only the book has it. Its ids jump; that a frame is missing shows in `pu`, which is the
//! last `u` before it. Deltas that a snapshot already contains are old by their number, and the engine knows them by it.
//! **`bookTicker`** has the best level more often than `depthUpdate`, under ids of the same sequence that run ahead of it. As
//! deltas they would make the depth that follows look late, so they tell nothing.
//! **Time** is `E` for marks (their `T` is the next funding), `T` elsewhere. The receive time is only required to be there.
//! **Prints that are none of the market's.** The insurance fund takes a bankrupt position at its bankruptcy price: in the recording
//! of 2023-04-05, 2 % away from the market. As trades they would look like a jump. The aggressor is the party
//! that is closed: it gets more than the market would give, which is what the fund is there for.
//! **`trade` and `aggTrade`** tell the same executions: once a `trade` came, an `aggTrade` yields nothing.
//! **The funding interval** is how far apart two next funding times of a symbol are, once the second is known; [`HOURS`] before.
//! **A snapshot's symbol** is the one that was asked for (`--symbol`), else the only one of the frames so far. Where there are
//! none or several it is refused.

mod frame;

use compact_str::CompactString;

use self::frame::{Depth, Forced, Frame, Mark, Trade};
use super::record::id;
use crate::{
    event::{
        self, Body, BookDelta, Decimal, DecodeLimits, Event, Funding, Liquidation, LiquidationPhase, Name, Quantity,
        Reason, Rejection,
    },
    table::Table,
    time::EventTime,
};

/// The funding interval of most contracts, and of all until 2023.
const HOURS: i64 = 8;
/// The longest interval that is taken for one: a day. Beyond it frames are missing.
const HOURS_MAX: i64 = 24;
/// Symbols whose funding times are remembered; the venue lists some 600.
const SYMBOLS_MAX: usize = 10_000;
const HOUR_MS: i64 = 3_600_000;

/// The adapter: what it remembers of funding times, and whose frames came.
#[derive(Debug)]
pub struct Binance {
    limits: DecodeLimits,
    /// Of snapshots, where it was asked for.
    symbol: Option<Name<'static>>,
    seen: Seen,
    /// Whether single trades are told.
    trades: bool,
    schedules: Table<CompactString, Schedule>,
}

/// Whose frames came so far.
#[derive(Debug)]
enum Seen {
    None,
    One(Name<'static>),
    Several,
}

/// A symbol's funding times, in milliseconds.
#[derive(Clone, Copy, Debug)]
struct Schedule {
    next: i64,
    hours: i64,
}

impl Binance {
    /// At the start of a recording. The symbol is that of its snapshots, which do not name it.
    #[must_use]
    pub fn new(symbol: Option<Name<'static>>, limits: DecodeLimits) -> Self {
        Self { limits, symbol, seen: Seen::None, trades: false, schedules: Table::new(SYMBOLS_MAX) }
    }

    /// Reads one line and appends its events.
    ///
    /// # Errors
    /// Says why the line cannot be used; it leaves no trace then.
    pub fn read(&mut self, line: &[u8], out: &mut Vec<Event<'static>>) -> Result<(), Rejection> {
        match Frame::parse(line, self.limits)? {
            Frame::Depth(frame) => {
                self.see(&frame.symbol);
                out.push(delta(frame));
            }
            Frame::Trade(frame) => {
                self.see(&frame.symbol);
                self.trades |= !frame.aggregated;
                if !(self.trades && frame.aggregated) {
                    out.push(trade(frame));
                }
            }
            Frame::Mark(frame) => {
                self.see(&frame.symbol);
                self.mark(frame, out);
            }
            Frame::Forced(frame) => {
                self.see(&frame.symbol);
                out.push(forced(frame));
            }
            Frame::Snapshot(at, seq, book) => {
                let symbol = self.snapshot_symbol()?;
                out.push(Event { seq: Some(seq), ..event(at, symbol, Body::BookSnapshot(book)) });
            }
            Frame::Silent(symbol) => {
                if let Some(symbol) = symbol {
                    self.see(&symbol);
                }
            }
        }
        Ok(())
    }

    /// How many symbols' funding times were forgotten for want of room.
    #[must_use]
    pub const fn forgotten(&self) -> u64 {
        self.schedules.evicted()
    }

    fn see(&mut self, symbol: &Name<'static>) {
        match &self.seen {
            Seen::None => self.seen = Seen::One(symbol.clone()),
            Seen::One(only) if only != symbol => self.seen = Seen::Several,
            Seen::One(_) | Seen::Several => {}
        }
    }

    fn snapshot_symbol(&self) -> Result<Name<'static>, Rejection> {
        let missing = |detail| Rejection::new(Reason::MissingField, detail);
        match (&self.symbol, &self.seen) {
            (Some(symbol), _) | (None, Seen::One(symbol)) => Ok(symbol.clone()),
            (None, Seen::None) => Err(missing("a book of which no frame before it tells the symbol: say `--symbol`")),
            (None, Seen::Several) => Err(missing("a book among frames of several symbols: say `--symbol`")),
        }
    }

    fn mark(&mut self, frame: Mark, out: &mut Vec<Event<'static>>) {
        let Mark { at, symbol, price: mark, index, funding } = frame;
        out.push(event(at, symbol.clone(), Body::Mark(event::Mark { mark, index })));
        if let Some((rate, next)) = funding {
            let hours = self.interval(&symbol, next);
            let hours = Decimal::from_parts(hours, 0).and_then(Quantity::new);
            let interval_hours = hours.expect("an hour to a day");
            out.push(event(at, symbol, Body::Funding(Funding { rate, interval_hours, predicted: None })));
        }
    }

    /// How many hours lie between a symbol's fundings, as far as it is known.
    fn interval(&mut self, symbol: &str, next: i64) -> i64 {
        let Some(handle) = self.schedules.find(symbol) else {
            self.schedules.insert(CompactString::new(symbol), Schedule { next, hours: HOURS });
            return HOURS;
        };
        self.schedules.touch(handle);
        let Some(schedule) = self.schedules.get_mut(handle) else { return HOURS };
        let apart = next.saturating_sub(schedule.next);
        if apart > 0 && apart % HOUR_MS == 0 && apart <= HOURS_MAX * HOUR_MS {
            schedule.hours = apart / HOUR_MS;
        }
        schedule.next = next;
        schedule.hours
    }
}

fn delta(frame: Depth) -> Event<'static> {
    let delta = BookDelta { bids: frame.bids, asks: frame.asks, prev_seq: Some(frame.prev_seq) };
    Event { seq: Some(frame.seq), ..event(frame.at, frame.symbol, Body::BookDelta(delta)) }
}

fn trade(frame: Trade) -> Event<'static> {
    let Trade { price, qty, side, .. } = frame;
    let body = match frame.off_market {
        Some(phase) => Body::Liquidation(Liquidation { phase, side, qty: Some(qty), price: Some(price) }),
        None => Body::Trade(event::Trade {
            trade: id(frame.id),
            price,
            qty,
            side: Some(side),
            maker_order: None,
            taker_order: None,
            maker: None,
            taker: None,
            maker_owner: None,
            taker_owner: None,
            liquidation: None,
        }),
    };
    event(frame.at, frame.symbol, body)
}

fn forced(frame: Forced) -> Event<'static> {
    let Forced { side, qty, price, .. } = frame;
    let phase = if qty.is_some() { LiquidationPhase::Filled } else { LiquidationPhase::Started };
    event(frame.at, frame.symbol, Body::Liquidation(Liquidation { phase, side, qty, price }))
}

const fn event(ts: EventTime, symbol: Name<'static>, body: Body<'static>) -> Event<'static> {
    Event { ts, symbol: Some(symbol), seq: None, account: None, owner: None, body }
}

#[cfg(test)]
mod tests;
