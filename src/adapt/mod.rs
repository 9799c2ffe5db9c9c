//! Adapters: from a venue's recorded lines to the contract's events.
//!
//! An adapter is a state machine over lines: one line yields no event, one, or several, and what it cannot use it refuses
//! with a [`Reason`](crate::event::Reason), like the decoder. It keeps only what it needs to put together facts that the
//! venue tells in pieces, bounded. It reads no clock: a line's own time is the time.

mod bitstamp;

use std::{fmt, str::FromStr};

pub use self::bitstamp::Bitstamp;
use crate::event::{DecodeLimits, Event, Name, Rejection};

/// What the lines of a recording are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The contract's own event lines: nothing to adapt.
    Events,
    /// Bitstamp's live order feed, one message per line behind its receive time.
    Bitstamp,
}

impl Format {
    /// Every format with its name on the command line.
    pub const ALL: [(Self, &'static str); 2] = [(Self::Events, "events"), (Self::Bitstamp, "bitstamp")];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// The adapter for a foreign format, at its start; `None` for the contract's own lines.
    ///
    /// The symbol is used where the format does not name it.
    #[must_use]
    pub fn adapter(self, symbol: Name<'static>, limits: DecodeLimits) -> Option<Adapter> {
        match self {
            Self::Events => None,
            Self::Bitstamp => Some(Adapter::Bitstamp(Box::new(Bitstamp::new(symbol, limits)))),
        }
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        let found = Self::ALL.into_iter().find(|(_, known)| *known == name);
        found.map(|(format, _)| format).ok_or_else(|| UnknownFormat(name.to_owned()))
    }
}

/// A name that is no format's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct UnknownFormat(String);

impl fmt::Display for UnknownFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Format::ALL.map(|(_, name)| name);
        write!(f, "unknown format `{}`", self.0)?;
        match crate::nearest::nearest(&self.0, names) {
            Some(near) => write!(f, ": did you mean `{near}`?"),
            None => write!(f, ": expected {}", names.join(" or ")),
        }
    }
}

/// The adapter of one foreign format, with what it remembers.
#[derive(Debug)]
pub enum Adapter {
    /// See [`Bitstamp`].
    Bitstamp(Box<Bitstamp>),
}

impl Adapter {
    /// Reads one line and appends the events that it completes.
    ///
    /// # Errors
    /// Says why the line cannot be used; nothing was appended then and nothing remembered of it.
    pub fn read(&mut self, line: &[u8], out: &mut Vec<Event<'static>>) -> Result<(), Rejection> {
        match self {
            Self::Bitstamp(bitstamp) => bitstamp.read(line, out),
        }
    }

    /// The input is over: appends what still waited for another line.
    pub fn finish(&mut self, out: &mut Vec<Event<'static>>) {
        match self {
            Self::Bitstamp(bitstamp) => bitstamp.finish(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_reads_from_its_name() {
        for (i, (format, name)) in Format::ALL.into_iter().enumerate() {
            assert_eq!(format as usize, i);
            assert_eq!(name.parse(), Ok(format));
        }
    }

    #[test]
    fn an_unknown_format_names_the_nearest() {
        let words = |name: &str| name.parse::<Format>().unwrap_err().to_string();
        assert_eq!(words("bitstmap"), "unknown format `bitstmap`: did you mean `bitstamp`?");
        assert_eq!(words("xml"), "unknown format `xml`: expected events or bitstamp");
    }
}
