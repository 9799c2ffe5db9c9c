//! Adapters: a venue's recorded lines become events of the contract.
//!
//! An adapter is a state machine over records. One record yields no event, one event, or several. A record that cannot
//! be used is rejected with a [`Reason`](crate::event::Reason), as the decoder does it. A venue may report one fact in
//! several records, so an adapter keeps the parts that wait for the others; its memory is bounded, and evicted entries
//! are counted. An adapter reads no clock: time is the record's own time.
//!
//! A record may be correct although the contract has no event for it (a ticker that repeats the book, a trading halt).
//! Such a record is accepted and yields no event, because the recording is not at fault.

mod binance;
mod bitstamp;
mod dbn;
mod format;
mod hyperliquid;
mod likeness;
mod lobster;
mod record;
#[cfg(test)]
mod spelling;
mod tardis;
mod unfit_file;

pub use self::{
    binance::Binance,
    bitstamp::Bitstamp,
    dbn::Dbn,
    format::{Format, UnknownFormat},
    hyperliquid::Hyperliquid,
    likeness::{HEAD_BYTES, Likeness},
    lobster::Lobster,
    tardis::Tardis,
    unfit_file::UnfitFile,
};
use crate::event::{Event, Rejection};

/// The adapter of one venue's format, with its memory.
#[derive(Debug)]
pub enum Adapter {
    /// Reads Bitstamp's order feed.
    Bitstamp(Box<Bitstamp>),
    /// Reads LOBSTER's pairs of files.
    Lobster(Box<Lobster>),
    /// Reads Binance's frames.
    Binance(Box<Binance>),
    /// Reads Hyperliquid's blocks.
    Hyperliquid(Box<Hyperliquid>),
    /// Reads Tardis' CSV files.
    Tardis(Box<Tardis>),
    /// Reads Databento's files.
    Dbn(Box<Dbn>),
}

impl Adapter {
    /// Reads the header with which a file begins, where the format has one ([`Format::has_header`]).
    ///
    /// # Errors
    /// Returns the reason for which the file cannot be read.
    pub fn header(&mut self, file: usize, header: &[u8]) -> Result<(), Rejection> {
        match self {
            Self::Tardis(tardis) => tardis.header(file, header),
            Self::Dbn(dbn) => dbn.header(header),
            Self::Bitstamp(_) | Self::Lobster(_) | Self::Binance(_) | Self::Hyperliquid(_) => Ok(()),
        }
    }

    /// Reads one record and appends the events that it completes. `file` is the index of the record's file among all
    /// files.
    ///
    /// # Errors
    /// Returns the reason for which the record cannot be used. Then no event was appended, and nothing was remembered
    /// of the record, except that its row counts where rows are numbered ([`Lobster`]).
    pub fn read(&mut self, file: usize, record: &[u8], out: &mut Vec<Event<'static>>) -> Result<(), Rejection> {
        match self {
            Self::Bitstamp(bitstamp) => bitstamp.read(record, out),
            Self::Lobster(lobster) => lobster.read(file, record, out),
            Self::Binance(binance) => binance.read(record, out),
            Self::Hyperliquid(hyperliquid) => hyperliquid.read(record, out),
            Self::Tardis(tardis) => tardis.read(record, out),
            Self::Dbn(dbn) => dbn.read(record, out),
        }
    }

    /// Ends the input: appends the events that still waited for another record.
    pub fn finish(&mut self, out: &mut Vec<Event<'static>>) {
        match self {
            Self::Bitstamp(bitstamp) => bitstamp.finish(out),
            Self::Tardis(tardis) => tardis.finish(out),
            Self::Dbn(dbn) => dbn.finish(out),
            Self::Lobster(_) | Self::Binance(_) | Self::Hyperliquid(_) => {}
        }
    }

    /// Returns how many numbers had digits below 10⁻²³ and were rounded.
    #[must_use]
    pub fn rounded(&self) -> u64 {
        match self {
            Self::Bitstamp(bitstamp) => bitstamp.rounded(),
            // Their numbers are whole.
            Self::Lobster(_) | Self::Dbn(_) => 0,
            Self::Tardis(tardis) => tardis.rounded(),
            Self::Binance(binance) => binance.rounded(),
            Self::Hyperliquid(hyperliquid) => hyperliquid.rounded(),
        }
    }

    /// Returns how many remembered entries (orders, positions or symbols) were evicted to keep within the limits.
    #[must_use]
    pub fn forgotten(&self) -> u64 {
        match self {
            Self::Bitstamp(bitstamp) => bitstamp.forgotten(),
            Self::Lobster(lobster) => lobster.forgotten(),
            Self::Binance(binance) => binance.forgotten(),
            Self::Hyperliquid(hyperliquid) => hyperliquid.forgotten(),
            Self::Tardis(tardis) => tardis.forgotten(),
            Self::Dbn(dbn) => dbn.forgotten(),
        }
    }
}
