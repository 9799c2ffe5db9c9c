//! Adapter for the CSV files of Tardis: `incremental_book_L2`, `trades`, `book_snapshot_N` and `liquidations`.
//!
//! The source of the format is the vendor's documentation of its downloadable files. Each file begins with a header; the
//! columns are found by their names. Files are read one after the other, so books and trades of the same hours must be
//! merged by time before they are replayed together.
//!
//! | row | events |
//! |---|---|
//! | of `incremental_book_L2`, `is_snapshot` false | `book_delta` of all rows of the same message |
//! | of `incremental_book_L2`, `is_snapshot` true | `book_snapshot` of all rows of the same message, and of the messages before it that belong to the same snapshot |
//! | of `trades` | `trade`; without a side if the venue does not report it |
//! | of `book_snapshot_N` | `book_snapshot` of the levels that are there |
//! | of `liquidations` | `liquidation`, phase `filled`; the side is that of the forced order |
//!
//! **Rows of one message** have the same symbol, `timestamp` and `local_timestamp`. A message is complete when the next one
//! begins, so its event comes with the row after it, or at the end of the input.
//! **A snapshot** begins where `is_snapshot` turns true: all levels from before are gone. Some venues send it in several
//! messages, so each of these yields a snapshot of what has come of it so far.
//! **Time** is `timestamp`, in microseconds: the venue's own, or the receive time where the venue has none.
//! **Sequence.** The files have no numbers of the venue, so events have no `seq`.
//! **Ids.** Where a venue gives a trade no id, it gets one of its time and its row: `1585699202957000#57`.
//! **Numbers** were doubles before the vendor wrote them, so they may have up to 17 digits. All digits are read.

mod columns;
mod message;

use self::{
    columns::{Columns, Kind},
    message::{Message, Messages, event},
};
use super::record::{self, Reading, micros, wrong};
use crate::{
    event::{
        Body, BookSnapshot, DecodeLimits, Event, Level, Liquidation, LiquidationPhase, Name, Rejection, Side, Trade,
    },
    time::EventTime,
};

/// Adapter for Tardis' files. It remembers the columns of the current file, and the rows of the current message.
#[derive(Debug)]
pub struct Tardis {
    limits: DecodeLimits,
    files: Vec<String>,
    columns: Option<Columns>,
    messages: Messages,
    /// Number of trades and liquidations without an id so far.
    unnamed: u64,
    /// How many numbers were rounded.
    rounded: u64,
}

impl Tardis {
    /// Makes the adapter for files of these names.
    #[must_use]
    pub fn new(files: &[String], limits: DecodeLimits) -> Self {
        Self {
            limits,
            files: files.to_vec(),
            columns: None,
            messages: Messages::new(limits.levels_max),
            unnamed: 0,
            rounded: 0,
        }
    }

    /// Reads the header of the file with this index.
    ///
    /// # Errors
    /// Returns the reason for which the text is not the header of one of the four kinds of files.
    pub fn header(&mut self, file: usize, header: &[u8]) -> Result<(), Rejection> {
        let name = self.files.get(file).map_or("", String::as_str);
        self.columns = Some(Columns::of(record::text(header, self.limits)?, name)?);
        Ok(())
    }

    /// Reads one row and appends the events that it completes.
    ///
    /// # Errors
    /// Returns the reason for which the row cannot be used. Nothing has changed then.
    pub fn read(&mut self, row: &[u8], out: &mut Vec<Event<'static>>) -> Result<(), Rejection> {
        let Some(columns) = &self.columns else { return Err(wrong("expected a header before the first row")) };
        let mut reading = Reading::with_spreads(self.limits);
        let row = columns.row(record::text(row, self.limits)?)?;
        let (symbol, at) = (record::name(row.required("symbol")?)?, micros(row.whole("timestamp")?)?);
        match columns.kind {
            Kind::Changes => {
                let message = Message { symbol, at, received_at: row.whole("local_timestamp")? };
                let level = reading.level((row.number("price")?, row.number("amount")?))?;
                let side = side_of_book(row.required("side")?)?;
                let is_snapshot = flag(row.required("is_snapshot")?)?;
                self.messages.take(message, is_snapshot, side, level, out)?;
            }
            Kind::Trades | Kind::Liquidations => {
                let (price, qty) = (reading.price(row.number("price")?)?, reading.quantity(row.number("amount")?)?);
                let side = aggressor(row.required("side")?)?;
                let body = if columns.kind == Kind::Liquidations {
                    let side = side.ok_or_else(|| wrong("`side`: expected buy or sell"))?;
                    let phase = LiquidationPhase::Filled;
                    Body::Liquidation(Liquidation { phase, side, qty: Some(qty), price: Some(price) })
                } else {
                    Body::Trade(Trade::public(trade_id(row.optional("id"), at, self.unnamed)?, price, qty, side))
                };
                self.unnamed += u64::from(row.optional("id").is_none());
                self.messages.flush(out);
                out.push(event(at, symbol, body));
            }
            Kind::Snapshots { levels } => {
                let mut side = |name: &'static str| -> Result<Vec<Level>, Rejection> {
                    reading.check_levels(levels)?;
                    let pairs = (0..levels).map_while(|i| row.level(name, i).transpose());
                    pairs.map(|pair| reading.level(pair?)).collect()
                };
                let (bids, asks) = (side("bids")?, side("asks")?);
                self.messages.flush(out);
                out.push(event(at, symbol, Body::BookSnapshot(BookSnapshot { bids, asks })));
            }
        }
        self.rounded += reading.rounded;
        Ok(())
    }

    /// Ends the input: appends the event of the last message.
    pub fn finish(&mut self, out: &mut Vec<Event<'static>>) {
        self.messages.flush(out);
    }

    /// Returns how many numbers were rounded.
    #[must_use]
    pub const fn rounded(&self) -> u64 {
        self.rounded
    }

    /// Returns how many symbols with an unfinished snapshot were evicted to keep within the limit.
    #[must_use]
    pub const fn forgotten(&self) -> u64 {
        self.messages.evicted()
    }
}

fn side_of_book(word: &str) -> Result<Side, Rejection> {
    match word {
        "bid" => Ok(Side::Buy),
        "ask" => Ok(Side::Sell),
        _ => Err(wrong("`side`: expected bid or ask")),
    }
}

fn aggressor(word: &str) -> Result<Option<Side>, Rejection> {
    match word {
        "buy" => Ok(Some(Side::Buy)),
        "sell" => Ok(Some(Side::Sell)),
        "unknown" => Ok(None),
        _ => Err(wrong("`side`: expected buy, sell or unknown")),
    }
}

fn flag(word: &str) -> Result<bool, Rejection> {
    match word {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(wrong("`is_snapshot`: expected true or false")),
    }
}

fn trade_id(id: Option<&str>, at: EventTime, unnamed: u64) -> Result<Name<'static>, Rejection> {
    match id {
        Some(id) => record::name(id),
        None => record::name(&format!("{}#{unnamed}", at.nanos() / 1_000)),
    }
}

#[cfg(test)]
mod tests;
