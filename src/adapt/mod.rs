//! Adapters: from a venue's recorded lines to the contract's events.
//!
//! An adapter is a state machine over records: one record yields no event, one, or several, and what it cannot use it refuses
//! with a [`Reason`](crate::event::Reason), like the decoder. It keeps only what it needs to put together facts that the
//! venue tells in pieces, bounded, and counts what had to make room. It reads no clock: a record's own time is the time.
//!
//! What a venue sends and the contract has no event for (a ticker that repeats the book, a trading halt) is accepted and yields
//! nothing: it is no fault of the recording.

mod binance;
mod bitstamp;
mod format;
mod hyperliquid;
mod lobster;
mod record;

pub use self::{
    binance::Binance,
    bitstamp::Bitstamp,
    format::{Format, UnfitFile, UnknownFormat},
    hyperliquid::Hyperliquid,
    lobster::Lobster,
};
use crate::event::{Event, Rejection};

/// The adapter of one foreign format, with what it remembers.
#[derive(Debug)]
pub enum Adapter {
    /// See [`Bitstamp`].
    Bitstamp(Box<Bitstamp>),
    /// See [`Lobster`].
    Lobster(Box<Lobster>),
    /// See [`Binance`].
    Binance(Box<Binance>),
    /// See [`Hyperliquid`].
    Hyperliquid(Box<Hyperliquid>),
}

impl Adapter {
    /// Reads one record of a file, by its place among the files, and appends the events that it completes.
    ///
    /// # Errors
    /// Says why the record cannot be used; nothing was appended then and nothing remembered of it.
    pub fn read(&mut self, file: usize, record: &[u8], out: &mut Vec<Event<'static>>) -> Result<(), Rejection> {
        match self {
            Self::Bitstamp(bitstamp) => bitstamp.read(record, out),
            Self::Lobster(lobster) => lobster.read(file, record, out),
            Self::Binance(binance) => binance.read(record, out),
            Self::Hyperliquid(hyperliquid) => hyperliquid.read(record, out),
        }
    }

    /// The input is over: appends what still waited for another record.
    pub fn finish(&mut self, out: &mut Vec<Event<'static>>) {
        match self {
            Self::Bitstamp(bitstamp) => bitstamp.finish(out),
            Self::Lobster(_) | Self::Binance(_) | Self::Hyperliquid(_) => {}
        }
    }

    /// How much of what was remembered (orders, positions, symbols) had to make room.
    #[must_use]
    pub fn forgotten(&self) -> u64 {
        match self {
            Self::Bitstamp(bitstamp) => bitstamp.forgotten(),
            Self::Lobster(lobster) => lobster.forgotten(),
            Self::Binance(binance) => binance.forgotten(),
            Self::Hyperliquid(hyperliquid) => hyperliquid.forgotten(),
        }
    }
}
