//! The formats by name, and how their files lie.

use std::{fmt, str::FromStr};

use super::{Adapter, Binance, Bitstamp, Hyperliquid, Lobster};
use crate::event::{DecodeLimits, Name};

/// What the lines of a recording are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The contract's own event lines: nothing to adapt.
    Events,
    /// Bitstamp's live order feed, one message per line behind its receive time.
    Bitstamp,
    /// LOBSTER's message and order book files, in pairs.
    Lobster,
    /// Binance USD-M websocket frames, one per line behind its receive time.
    Binance,
    /// Hyperliquid's `node_fills_by_block`, one block per line.
    Hyperliquid,
}

impl Format {
    /// Every format with its name on the command line.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Events, "events"),
        (Self::Bitstamp, "bitstamp"),
        (Self::Lobster, "lobster"),
        (Self::Binance, "binance"),
        (Self::Hyperliquid, "hyperliquid"),
    ];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// How many files lie side by side, so that line n of each together is one record.
    #[must_use]
    pub const fn files_abreast(self) -> usize {
        match self {
            Self::Events | Self::Bitstamp | Self::Binance | Self::Hyperliquid => 1,
            Self::Lobster => 2,
        }
    }

    /// The adapter for files of these names, at its start; `None` for the contract's own lines.
    ///
    /// The symbol is used where the format does not name it.
    ///
    /// # Errors
    /// Says which name does not tell what the format's files must tell by their names.
    pub fn adapter(
        self,
        files: &[String],
        symbol: Option<Name<'static>>,
        limits: DecodeLimits,
    ) -> Result<Option<Adapter>, UnfitFile> {
        Ok(match self {
            Self::Events => None,
            Self::Bitstamp => Some(Adapter::Bitstamp(Box::new(Bitstamp::new(symbol, limits)))),
            Self::Lobster => Some(Adapter::Lobster(Box::new(Lobster::new(files, limits)?))),
            Self::Binance => Some(Adapter::Binance(Box::new(Binance::new(symbol, limits)))),
            Self::Hyperliquid => Some(Adapter::Hyperliquid(Box::new(Hyperliquid::new(limits)))),
        })
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

/// A file whose name does not tell what it must, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{file}`: {what}")]
pub struct UnfitFile {
    /// As it was given.
    pub file: String,
    /// What is missing and what to do.
    pub what: String,
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
        assert_eq!(
            words("xml"),
            "unknown format `xml`: expected events or bitstamp or lobster or binance or hyperliquid"
        );
    }
}
