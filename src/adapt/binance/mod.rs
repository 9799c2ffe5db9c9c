//! Adapter for Binance: websocket frames of USD-M futures, COIN-M futures and spot, one per line.
//!
//! The source of the format is the venue's API documentation of the three markets: the market streams, and the order
//! book of the REST API for snapshots. A frame is bare, or in the envelope of a combined stream
//! (`{"stream":"btcusdt@trade","data":{…}}`), and streams of the whole market send arrays of frames.
//!
//! | frame | events |
//! |---|---|
//! | `depthUpdate` | `book_delta`: `seq` is `u`; `prev_seq` is `pu`, or in spot the number before `U` |
//! | `depthUpdate` of a stream of partial books (`@depth5`) | `book_snapshot` without `seq`, until a delta of the symbol has come |
//! | a book with `lastUpdateId` (a REST answer, or a partial book of spot) | `book_snapshot`: `seq` is `lastUpdateId` |
//! | `trade`, `aggTrade` | `trade`: the aggressor sells if the buyer is the maker (`m`) |
//! | `trade` whose `X` is `INSURANCE_FUND` or `ADL` | `liquidation`, phase `insurance` or `adl` |
//! | `markPriceUpdate` | `mark`; then `funding`, except for a delivery contract |
//! | `forceOrder` | `liquidation`, phase `filled`, or `started` if nothing is filled yet |
//! | `bookTicker`, other events, answers to subscriptions, trades whose `X` is `NA` | none |
//!
//! **Sequence.** Update ids count the changes of all symbols' books, and trade ids count trades: these are two
//! sequences. The contract's `seq` runs over all events of a symbol, so only book events have one. Update ids jump. A
//! missing frame shows in `pu`, which is the `u` of the frame before; in spot in `U`, which follows it. Deltas that a
//! snapshot already contains have lower numbers, by which the engine recognises them.
//! **Partial books** in the form of a delta would leave old levels in the book, so they are snapshots. Only the name of
//! the stream tells them apart: without it, a partial book of futures is read as a delta.
//! **`bookTicker`** reports the best level more often than `depthUpdate`, under ids of the same sequence that run ahead
//! of it. As deltas they would make the next `depthUpdate` look late, so they yield no events.
//! **Time** is `E` for marks (their `T` is the next funding time), otherwise `T`, and `E` where a frame has no `T` (depth
//! of spot). Both are milliseconds, or microseconds. A book of spot has neither: its time is the newest of the frames
//! before it, or the receive time if no frame had one. Except for that the receive time is not used, so it may have any
//! form or be absent.
//! **Prints outside the market.** The insurance fund takes over a bankrupt position at its bankruptcy price; in the
//! recording of 2023-04-05 that price is 2 % away from the market. As trades such prints would look like a jump of the
//! price. The aggressor is the party whose position is closed: it gets a better price than the market would give, which
//! is the purpose of the fund.
//! **`trade` and `aggTrade`** report the same executions. Once a `trade` of a symbol has come, its `aggTrade`s yield no
//! event.
//! **The funding interval** is the distance between two successive funding times of a symbol, once the second is known.
//! Before that it is [`INTERVAL_HOURS`].
//! **The symbol of a snapshot** is named by the frame (COIN-M) or by its stream. Otherwise it is the one that the user
//! gave (`--symbol`), or else the only symbol of the frames so far. A snapshot is rejected if there was no other frame
//! yet, or frames of several symbols.

mod frame;
mod json;

use compact_str::CompactString;

use self::frame::{Book, Depth, Forced, Frame, Mark, Trade};
use super::record::{Reading, id};
use crate::{
    event::{
        self, Body, BookDelta, Decimal, DecodeLimits, Event, Funding, Liquidation, LiquidationPhase, Name, Quantity,
        Reason, Rejection,
    },
    table::Table,
    time::EventTime,
};

/// Funding interval of most contracts, and of all contracts until 2023, in hours.
const INTERVAL_HOURS: i64 = 8;
/// Longest distance between two funding times that is taken for a funding interval: a day, because no contract has a
/// longer one. If the times are further apart, frames are missing.
const INTERVAL_HOURS_MAX: i64 = 24;
/// Largest number of symbols that are remembered; the venue lists about 600 contracts and 1,500 spot pairs.
const SYMBOLS_MAX: usize = 10_000;
/// Milliseconds in an hour.
const HOUR_MS: i64 = 3_600_000;

/// Adapter for Binance's frames. It remembers each symbol's funding times and kinds of frames.
#[derive(Debug)]
pub struct Binance {
    limits: DecodeLimits,
    /// Symbol of the snapshots that do not name theirs, if the user gave it.
    symbol: Option<Name<'static>>,
    seen: SymbolsSeen,
    /// The newest time of the venue so far.
    newest: Option<EventTime>,
    /// How many numbers were rounded.
    rounded: u64,
    symbols: Table<CompactString, Symbol>,
}

/// State that is kept for one symbol.
#[derive(Clone, Copy, Debug, Default)]
struct Symbol {
    /// Whether a `trade` has come, so that an `aggTrade` would be a repetition.
    has_trades: bool,
    /// Whether a delta has come, so that a partial book would be a repetition.
    has_deltas: bool,
    schedule: Option<Schedule>,
}

/// The symbols of the frames so far.
#[derive(Debug)]
enum SymbolsSeen {
    None,
    One(Name<'static>),
    Several,
}

/// The funding times of a symbol.
#[derive(Clone, Copy, Debug)]
struct Schedule {
    /// Next funding time, in milliseconds since the Unix epoch.
    next_ms: i64,
    /// Funding interval.
    hours: i64,
}

impl Binance {
    /// Makes the adapter for a recording. `symbol` is the symbol of its snapshots that do not name it themselves.
    #[must_use]
    pub fn new(symbol: Option<Name<'static>>, limits: DecodeLimits) -> Self {
        Self { limits, symbol, seen: SymbolsSeen::None, newest: None, rounded: 0, symbols: Table::new(SYMBOLS_MAX) }
    }

    /// Reads one line and appends its events.
    ///
    /// # Errors
    /// Returns the reason for which the line cannot be used. Nothing has changed then.
    pub fn read(&mut self, line: &[u8], out: &mut Vec<Event<'static>>) -> Result<(), Rejection> {
        let mut reading = Reading::new(self.limits);
        let frames = Frame::parse(line, &mut reading)?;
        frames.into_iter().try_for_each(|frame| self.take(frame, out))?;
        self.rounded += reading.rounded;
        Ok(())
    }

    /// Takes one frame. Only a book can be refused, and a book is alone in its line.
    fn take(&mut self, frame: Frame, out: &mut Vec<Event<'static>>) -> Result<(), Rejection> {
        match frame {
            Frame::Depth(frame) => {
                self.observe(&frame.symbol, Some(frame.at));
                self.remembered(&frame.symbol).has_deltas = true;
                out.push(delta(frame));
            }
            Frame::Trade(frame) => {
                self.observe(&frame.symbol, Some(frame.at));
                let symbol = self.remembered(&frame.symbol);
                symbol.has_trades |= !frame.aggregated;
                if !(symbol.has_trades && frame.aggregated) {
                    out.push(trade(frame));
                }
            }
            Frame::Mark(frame) => {
                self.observe(&frame.symbol, Some(frame.at));
                self.mark(frame, out);
            }
            Frame::Forced(frame) => {
                self.observe(&frame.symbol, Some(frame.at));
                out.push(forced(frame));
            }
            Frame::Book(frame) => out.extend(self.book(frame)?),
            Frame::NoEvent(symbol) => {
                if let Some(symbol) = symbol {
                    self.observe(&symbol, None);
                }
            }
        }
        Ok(())
    }

    /// Returns how many numbers were rounded.
    #[must_use]
    pub const fn rounded(&self) -> u64 {
        self.rounded
    }

    /// Returns how many symbols were evicted to keep within the limit.
    #[must_use]
    pub const fn forgotten(&self) -> u64 {
        self.symbols.evicted()
    }

    /// Records that a frame of this symbol and time has come.
    fn observe(&mut self, symbol: &Name<'static>, at: Option<EventTime>) {
        self.newest = self.newest.max(at);
        match &self.seen {
            SymbolsSeen::None => self.seen = SymbolsSeen::One(symbol.clone()),
            SymbolsSeen::One(only) if only != symbol => self.seen = SymbolsSeen::Several,
            SymbolsSeen::One(_) | SymbolsSeen::Several => {}
        }
    }

    /// Returns the state of a symbol, to change it.
    fn remembered(&mut self, symbol: &str) -> &mut Symbol {
        let handle = self.symbols.find(symbol);
        let handle = handle.unwrap_or_else(|| self.symbols.insert(CompactString::new(symbol), Symbol::default()).0);
        self.symbols.touch(handle);
        self.symbols.get_mut(handle).expect("the entry was found or inserted")
    }

    /// Makes the snapshot of a book; `None` if the symbol's deltas already report the same levels.
    fn book(&mut self, frame: Book) -> Result<Option<Event<'static>>, Rejection> {
        let Book { at, received_at, symbol, seq, is_partial, levels } = frame;
        let symbol = symbol.map_or_else(|| self.snapshot_symbol(), Ok)?;
        let without_time = || Rejection::new(Reason::MissingField, "no time in this book or before it");
        let ts = at.or(self.newest).or(received_at).ok_or_else(without_time)?;
        self.observe(&symbol, at);
        if is_partial && self.remembered(&symbol).has_deltas {
            return Ok(None);
        }
        // A partial book may come twice under the same number.
        let seq = if is_partial { None } else { Some(seq) };
        Ok(Some(Event { seq, ..event(ts, symbol, Body::BookSnapshot(levels)) }))
    }

    /// Returns the symbol of a snapshot that neither its frame nor its stream names.
    fn snapshot_symbol(&self) -> Result<Name<'static>, Rejection> {
        let missing = |detail| Rejection::new(Reason::MissingField, detail);
        match (&self.symbol, &self.seen) {
            (Some(symbol), _) | (None, SymbolsSeen::One(symbol)) => Ok(symbol.clone()),
            (None, SymbolsSeen::None) => {
                Err(missing("no earlier frame names the symbol of this book: give it with `--symbol`"))
            }
            (None, SymbolsSeen::Several) => {
                Err(missing("earlier frames are of several symbols: give that of this book with `--symbol`"))
            }
        }
    }

    fn mark(&mut self, frame: Mark, out: &mut Vec<Event<'static>>) {
        let Mark { at, symbol, price: mark, index, funding } = frame;
        out.push(event(at, symbol.clone(), Body::Mark(event::Mark { mark, index })));
        if let Some((rate, next_ms)) = funding {
            let hours = self.interval(&symbol, next_ms);
            let hours = Decimal::from_parts(hours, 0).and_then(Quantity::new);
            let interval_hours = hours.expect("a funding interval has 1 to 24 hours");
            out.push(event(at, symbol, Body::Funding(Funding { rate, interval_hours, predicted: None })));
        }
    }

    /// Records a symbol's next funding time and returns its funding interval in hours, as far as it is known.
    fn interval(&mut self, symbol: &str, next_ms: i64) -> i64 {
        let schedule = &mut self.remembered(symbol).schedule;
        let schedule = schedule.get_or_insert(Schedule { next_ms, hours: INTERVAL_HOURS });
        let apart = next_ms.saturating_sub(schedule.next_ms);
        if apart > 0 && apart % HOUR_MS == 0 && apart <= INTERVAL_HOURS_MAX * HOUR_MS {
            schedule.hours = apart / HOUR_MS;
        }
        schedule.next_ms = next_ms;
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
        None => Body::Trade(event::Trade::public(id(frame.id), price, qty, Some(side))),
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
