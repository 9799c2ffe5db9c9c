//! The formats of recordings: their names on the command line, their files, and their adapters.

use std::{fmt, str::FromStr};

use super::{Adapter, Binance, Bitstamp, Hyperliquid, Lobster, Tardis, UnfitFile};
use crate::event::{DecodeLimits, Name};

/// Format of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The contract's own event lines, which need no adapter.
    Events,
    /// Bitstamp's live order feed, one message per line.
    Bitstamp,
    /// LOBSTER's message and order book files, in pairs.
    Lobster,
    /// Binance's websocket frames of USD-M, COIN-M and spot, one per line.
    Binance,
    /// Hyperliquid's `node_fills_by_block`, one block per line.
    Hyperliquid,
    /// Tardis' CSV files: `incremental_book_L2`, `trades`, `book_snapshot_N`.
    Tardis,
    /// Databento's binary encoding: the schemas `mbo` and `trades`.
    Dbn,
}

impl Format {
    /// Every format with its name on the command line.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Events, "events"),
        (Self::Bitstamp, "bitstamp"),
        (Self::Lobster, "lobster"),
        (Self::Binance, "binance"),
        (Self::Hyperliquid, "hyperliquid"),
        (Self::Tardis, "tardis"),
        (Self::Dbn, "dbn"),
    ];

    /// Returns the name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// Returns how many files are read side by side: line n of each of them together is one record.
    #[must_use]
    pub const fn files_abreast(self) -> usize {
        match self {
            Self::Events | Self::Bitstamp | Self::Binance | Self::Hyperliquid | Self::Tardis | Self::Dbn => 1,
            Self::Lobster => 2,
        }
    }

    /// Whether a file consists of binary records instead of lines.
    #[must_use]
    pub const fn is_binary(self) -> bool {
        matches!(self, Self::Dbn)
    }

    /// Whether each file begins with a header, which is no record.
    #[must_use]
    pub const fn has_header(self) -> bool {
        matches!(self, Self::Dbn | Self::Tardis)
    }

    /// Makes the adapter for files of these names; `None` for the contract's own lines.
    ///
    /// `symbol` is the symbol of records that do not name theirs.
    ///
    /// # Errors
    /// Returns the first file whose name lacks what a name must contain in this format.
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
            Self::Tardis => Some(Adapter::Tardis(Box::new(Tardis::new(files, limits)))),
            Self::Dbn => Some(Adapter::Dbn(Box::default())),
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

/// A name that is not the name of a format.
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
            "unknown format `xml`: expected events or bitstamp or lobster or binance or hyperliquid or tardis or dbn"
        );
    }
}
