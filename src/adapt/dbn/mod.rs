//! Adapter for Databento's binary encoding (DBN): the schemas `mbo` (market by order) and `trades`.
//!
//! The vendor's own crate decodes the records; the source of their meaning is the vendor's documentation of its schemas.
//! A file begins with metadata, which is its header and no record.
//!
//! | record | events |
//! |---|---|
//! | `A` add | `order_new` |
//! | `M` modify | `order_replace`; none if fills explain the new size |
//! | `C` cancel | `order_cancel`; `order_replace` if a part of the order is left; none if fills explain it |
//! | `R` clear | `order_cancel` by the venue (`system`) for each order of the instrument that is known |
//! | `T` trade, then `F` fills | a `trade` for each fill, with maker and taker; for what no fill explains, a `trade` without a maker |
//! | a record of the schema `trades` | `trade` |
//! | `N`, status, definitions, statistics, messages of the gateway, levels instead of orders (the flags `TOB`, `MBP`) | none |
//! | a record of any other schema | rejected |
//!
//! **Fills.** A trade and its fills do not change the book: a cancel or a modification of the filled order follows. The
//! contract's `trade` takes its quantity from the order, so what follows must not do it again, and must not look like a
//! withdrawal. So `orders` remembers how much of each order was filled, and that much of what follows is no event.
//! **The aggressor** is the side of the trade. A trade waits for its fills until another record of its instrument comes,
//! or until a record has the flag `LAST`.
//! **Prices** are in units of 10⁻⁹; an undefined price counts as no price. **Sizes** are whole numbers.
//! **Symbols** are those of the metadata's mappings for the record's time, and of mappings within the stream; an
//! instrument without one has its number as a symbol.
//! **Time** is `ts_event`. A record of a snapshot has the time at which its order was entered, maybe days before; its
//! time is `ts_recv`, which is that of the snapshot.
//! **Sequence** numbers belong to a channel and not to a symbol, so events have no `seq`.
//! **Ids** of trades are made of the sequence number and a count: `4711#57`.

mod facts;
mod orders;

use std::collections::BTreeMap;

use dbn::{
    Action, MboMsg, Metadata, RType, Record as _, TradeMsg, TsSymbolMap, UNDEF_TIMESTAMP,
    decode::dbn::fsm::{DbnFsm, ProcessResult},
};

use self::{
    facts::{cancelled, event, new_order, price, quantity, replaced, side_of},
    orders::{Cancelled, Orders},
};
use super::record::{self, id, nanos, wrong};
use crate::{
    event::{Body, CancelReason, Event, Name, Price, Quantity, Rejection, Side, Trade},
    time::EventTime,
};

/// Largest number of instruments whose trades wait for their fills: as many as a venue trades at the same instant.
const WAITING_MAX: usize = 10_000;
/// Largest number of symbol mappings, over all days of a file.
const SYMBOLS_MAX: usize = 1_000_000;

/// Adapter for Databento's files. It remembers symbols, live orders, and the trades that wait for fills.
#[derive(Debug)]
pub struct Dbn {
    decoder: Option<Decoder>,
    symbols: TsSymbolMap,
    orders: Orders,
    /// The trade of each instrument that waits for its fills.
    waiting: BTreeMap<u32, Waiting>,
    /// Number of trades so far.
    trades: u64,
    /// Number of symbol mappings that were left out because there were [`SYMBOLS_MAX`].
    unmapped: u64,
}

/// The vendor's decoder, with the settings to make a new one after a damaged record.
#[derive(Debug)]
struct Decoder {
    machine: DbnFsm,
    version: u8,
    ts_out: bool,
}

/// A trade that waits for its fills.
#[derive(Debug)]
struct Waiting {
    at: EventTime,
    symbol: Name<'static>,
    sequence: u32,
    price: Price,
    /// Size that no fill has explained so far.
    left: u32,
    side: Option<Side>,
    taker: Option<u64>,
}

/// The fields that all records of an order or a trade have.
struct Head {
    at: EventTime,
    symbol: Name<'static>,
    instrument: u32,
    sequence: u32,
}

impl Dbn {
    /// Makes the adapter for files.
    #[must_use]
    pub fn new() -> Self {
        Self {
            decoder: None,
            symbols: TsSymbolMap::new(),
            orders: Orders::default(),
            waiting: BTreeMap::new(),
            trades: 0,
            unmapped: 0,
        }
    }

    /// Reads the metadata with which a file begins. The orders of the file before stay known.
    ///
    /// # Errors
    /// Returns the reason for which the file cannot be read.
    pub fn header(&mut self, header: &[u8]) -> Result<(), Rejection> {
        let mut machine = DbnFsm::default();
        machine.write_all(header);
        let metadata: Metadata = match machine.process() {
            ProcessResult::Metadata(metadata) => metadata,
            ProcessResult::Err(e) => return Err(wrong(e.to_string())),
            ProcessResult::ReadMore(_) | ProcessResult::Record(()) => return Err(wrong("expected metadata")),
        };
        // Metadata without mappings of numbers to symbols have no map; then the numbers stand for themselves.
        self.symbols = TsSymbolMap::from_metadata(&metadata).unwrap_or_default();
        self.decoder = Some(Decoder { machine, version: metadata.version, ts_out: metadata.ts_out });
        Ok(())
    }

    /// Reads one record and appends the events that it completes.
    ///
    /// # Errors
    /// Returns the reason for which the record cannot be used. Nothing has changed then.
    pub fn read(&mut self, record: &[u8], out: &mut Vec<Event<'static>>) -> Result<(), Rejection> {
        let Some(mut decoder) = self.decoder.take() else {
            return Err(wrong("expected metadata before the first record"));
        };
        decoder.machine.write_all(record);
        let outcome = match decoder.machine.process() {
            ProcessResult::Record(()) => self.take(&decoder.machine, out),
            ProcessResult::Err(e) => {
                decoder = decoder.anew()?;
                Err(wrong(e.to_string()))
            }
            ProcessResult::ReadMore(_) | ProcessResult::Metadata(_) => {
                decoder = decoder.anew()?;
                Err(wrong("expected one record"))
            }
        };
        self.decoder = Some(decoder);
        outcome
    }

    /// Ends the input: appends the trades that still waited for fills.
    pub fn finish(&mut self, out: &mut Vec<Event<'static>>) {
        while let Some((_, waiting)) = self.waiting.pop_first() {
            self.conclude(waiting, out);
        }
    }

    /// Returns how many live orders and symbol mappings were more than the limits allow.
    #[must_use]
    pub const fn forgotten(&self) -> u64 {
        self.orders.evicted() + self.unmapped
    }

    fn take(&mut self, machine: &DbnFsm, out: &mut Vec<Event<'static>>) -> Result<(), Rejection> {
        let Some(record) = machine.last_record() else { return Err(wrong("expected one record")) };
        if let Ok(message) = record.try_get::<MboMsg>() {
            let at = if message.flags.is_snapshot() { message.ts_recv } else { message.hd.ts_event };
            let head = self.head(at, message.ts_recv, message.hd.instrument_id, message.sequence)?;
            return self.order(&head, message, out);
        }
        if let Ok(message) = record.try_get::<TradeMsg>() {
            let head = self.head(message.hd.ts_event, message.ts_recv, message.hd.instrument_id, message.sequence)?;
            let (price, qty) = (price(message.price)?, quantity(message.size)?);
            let side = side_of(message.side().map_err(|e| wrong(e.to_string()))?);
            let trade = self.trade(head.sequence, price, qty, side, (None, None));
            out.push(event(head.at, head.symbol, Body::Trade(trade)));
            return Ok(());
        }
        match record.rtype() {
            Ok(RType::SymbolMapping) => {
                if self.symbols.len() >= SYMBOLS_MAX {
                    self.unmapped += 1;
                    return Ok(());
                }
                self.symbols.on_record(record).map_err(|e| wrong(e.to_string()))
            }
            Ok(
                RType::Status
                | RType::InstrumentDef
                | RType::Imbalance
                | RType::Error
                | RType::System
                | RType::Statistics,
            ) => Ok(()),
            Ok(other) => Err(wrong(format!("a record of the type {other:?}: expected the schema mbo or trades"))),
            Err(e) => Err(wrong(e.to_string())),
        }
    }

    /// Reads what all records have. `received_at` is the time of a record without an event time.
    fn head(&self, at: u64, received_at: u64, instrument: u32, sequence: u32) -> Result<Head, Rejection> {
        let at = if at == UNDEF_TIMESTAMP { received_at } else { at };
        let symbol = match self.symbols.get_for_ts(at, instrument) {
            Some(symbol) => record::name(symbol)?,
            None => id(u64::from(instrument)),
        };
        Ok(Head { at: nanos(i128::from(at))?, symbol, instrument, sequence })
    }

    fn order(&mut self, head: &Head, message: &MboMsg, out: &mut Vec<Event<'static>>) -> Result<(), Rejection> {
        let failed = |e: dbn::Error| wrong(e.to_string());
        let (action, side) = (message.action().map_err(failed)?, message.side().map_err(failed)?);
        if message.flags.is_tob() || message.flags.is_mbp() {
            return Ok(());
        }
        let key = (head.instrument, message.order_id);
        match action {
            Action::Add => {
                let (price, qty) = (price(message.price)?, quantity(message.size)?);
                let side = side_of(side).ok_or_else(|| wrong("an order without a side"))?;
                self.end_trade(head.instrument, out);
                self.orders.add(key, side, price, message.size);
                out.push(head.event(new_order(message.order_id, side, price, qty)));
            }
            Action::Modify => {
                let (price, qty) = (price(message.price)?, quantity(message.size)?);
                let side = side_of(side).ok_or_else(|| wrong("an order without a side"))?;
                self.end_trade(head.instrument, out);
                if self.orders.modify(key, side, price, message.size) {
                    out.push(head.event(replaced(message.order_id, price, qty)));
                }
            }
            Action::Cancel => {
                quantity(message.size)?;
                self.end_trade(head.instrument, out);
                let known = (side_of(side), price(message.price).ok());
                out.extend(self.cancel(key, known, message.size).map(|body| head.event(body)));
            }
            Action::Clear => {
                self.end_trade(head.instrument, out);
                for (order, live) in self.orders.clear(head.instrument) {
                    let (known, reason) = ((Some(live.side), Some(live.price)), Some(CancelReason::System));
                    out.extend(quantity(live.left()).ok().map(|qty| head.event(cancelled(order, known, qty, reason))));
                }
            }
            Action::Trade => {
                let (price, _) = (price(message.price)?, quantity(message.size)?);
                self.end_trade(head.instrument, out);
                let taker = Some(message.order_id).filter(|&order| order != 0);
                let (at, symbol, sequence) = (head.at, head.symbol.clone(), head.sequence);
                let waiting = Waiting { at, symbol, sequence, price, left: message.size, side: side_of(side), taker };
                self.wait(head.instrument, waiting, out);
            }
            Action::Fill => {
                let (price, qty) = (price(message.price)?, quantity(message.size)?);
                let waiting = self.waiting.get_mut(&head.instrument);
                let maker_side = side_of(side);
                let (taker_side, taker) = waiting.map_or((None, None), |waiting| {
                    waiting.left = waiting.left.saturating_sub(message.size);
                    (waiting.side, waiting.taker)
                });
                let side = taker_side.or_else(|| maker_side.map(Side::opposite));
                self.orders.fill(key, side.map_or(Side::Buy, Side::opposite), price, message.size);
                let trade = self.trade(head.sequence, price, qty, side, (Some(message.order_id), taker));
                out.push(head.event(Body::Trade(trade)));
            }
            Action::None => {}
        }
        if message.flags.is_last() {
            self.end_trade(head.instrument, out);
        }
        Ok(())
    }

    /// Cancels a size of an order. `known` are the record's side and price, for an order that is not remembered.
    fn cancel(&mut self, key: (u32, u64), known: (Option<Side>, Option<Price>), size: u32) -> Option<Body<'static>> {
        match self.orders.cancel(key, size) {
            Cancelled::Filled => None,
            Cancelled::Part { price, left } => Some(replaced(key.1, price, quantity(left).ok()?)),
            Cancelled::Whole { known: order, size } => {
                let known = order.map_or(known, |(side, price)| (Some(side), Some(price)));
                Some(cancelled(key.1, known, quantity(size).ok()?, None))
            }
        }
    }

    /// Lets a trade wait for its fills. If too many wait, the one of the lowest instrument is ended without further fills.
    fn wait(&mut self, instrument: u32, waiting: Waiting, out: &mut Vec<Event<'static>>) {
        self.waiting.insert(instrument, waiting);
        if self.waiting.len() > WAITING_MAX
            && let Some((_, waiting)) = self.waiting.pop_first()
        {
            self.conclude(waiting, out);
        }
    }

    /// Ends the wait of an instrument's trade for fills.
    fn end_trade(&mut self, instrument: u32, out: &mut Vec<Event<'static>>) {
        if let Some(waiting) = self.waiting.remove(&instrument) {
            self.conclude(waiting, out);
        }
    }

    /// Appends a trade for the part of a trade's size that no fill has explained.
    fn conclude(&mut self, waiting: Waiting, out: &mut Vec<Event<'static>>) {
        let Waiting { at, symbol, sequence, price, left, side, taker } = waiting;
        if let Ok(qty) = quantity(left) {
            let trade = self.trade(sequence, price, qty, side, (None, taker));
            out.push(event(at, symbol, Body::Trade(trade)));
        }
    }

    fn trade(
        &mut self,
        sequence: u32,
        price: Price,
        qty: Quantity,
        side: Option<Side>,
        (maker, taker): (Option<u64>, Option<u64>),
    ) -> Trade<'static> {
        self.trades += 1;
        Trade {
            trade: record::name(&format!("{sequence}#{}", self.trades)).expect("digits are a name"),
            price,
            qty,
            side,
            maker_order: maker.map(id),
            taker_order: taker.map(id),
            maker: None,
            taker: None,
            maker_owner: None,
            taker_owner: None,
            liquidation: None,
        }
    }
}

impl Default for Dbn {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// Returns a decoder without the bytes of a record that it could not read.
    fn anew(self) -> Result<Self, Rejection> {
        let Self { version, ts_out, .. } = self;
        let builder = DbnFsm::builder().input_dbn_version(Some(version)).map_err(|e| wrong(e.to_string()))?;
        let machine = builder.skip_metadata(true).ts_out(ts_out).build().map_err(|e| wrong(e.to_string()))?;
        Ok(Self { machine, version, ts_out })
    }
}

impl Head {
    fn event(&self, body: Body<'static>) -> Event<'static> {
        event(self.at, self.symbol.clone(), body)
    }
}

#[cfg(test)]
mod tests;
