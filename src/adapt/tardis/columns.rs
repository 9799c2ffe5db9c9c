//! The columns of a file, by the names in its header, and the fields of a row.

use csv::{ReaderBuilder, StringRecord};

use super::super::record::{Exact, wrong};
use crate::event::{Reason, Rejection};

/// Kind of data in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `incremental_book_L2`.
    Changes,
    /// `trades`.
    Trades,
    /// `liquidations`, which has the columns of `trades`.
    Liquidations,
    /// `book_snapshot_N`.
    Snapshots {
        /// Number of levels on each side.
        levels: usize,
    },
}

/// The columns of a file.
#[derive(Debug)]
pub(super) struct Columns {
    pub kind: Kind,
    names: StringRecord,
    /// Index of the columns `asks[i].price`, `asks[i].amount`, `bids[i].price` and `bids[i].amount` for each level.
    levels: Vec<[usize; 4]>,
}

/// A row with its columns.
pub(super) struct Row<'c> {
    columns: &'c Columns,
    fields: StringRecord,
}

impl Columns {
    /// Reads a header. `file` is the name of the file, which alone tells liquidations from trades.
    pub fn of(header: &str, file: &str) -> Result<Self, Rejection> {
        let names = record(header.trim_start_matches('\u{feff}'))?;
        let has = |name: &str| names.iter().any(|column| column == name);
        for name in ["symbol", "timestamp", "local_timestamp"] {
            if !has(name) {
                return Err(wrong(format!("expected a header with the column `{name}`")));
            }
        }
        let levels = levels(&names);
        let kind = if has("is_snapshot") && has("side") && has("price") && has("amount") {
            Kind::Changes
        } else if !levels.is_empty() {
            Kind::Snapshots { levels: levels.len() }
        } else if has("side") && has("price") && has("amount") {
            if file.contains("liquidations") { Kind::Liquidations } else { Kind::Trades }
        } else {
            return Err(wrong("expected the columns of incremental_book_L2, trades, book_snapshot or liquidations"));
        };
        Ok(Self { kind, names, levels })
    }

    /// Splits a row into its fields.
    pub fn row(&self, row: &str) -> Result<Row<'_>, Rejection> {
        let fields = record(row)?;
        if fields.len() == self.names.len() {
            return Ok(Row { columns: self, fields });
        }
        Err(wrong(format!("expected {} columns as in the header, found {}", self.names.len(), fields.len())))
    }
}

impl Row<'_> {
    /// Returns a field; `None` if it is empty or the file does not have it.
    pub fn optional(&self, name: &str) -> Option<&str> {
        let index = self.columns.names.iter().position(|column| column == name)?;
        self.fields.get(index).filter(|field| !field.is_empty())
    }

    /// Returns a field that every row has.
    pub fn required(&self, name: &str) -> Result<&str, Rejection> {
        self.optional(name).ok_or_else(|| Rejection::new(Reason::MissingField, format!("`{name}`")))
    }

    /// Returns a field with a whole number.
    pub fn whole(&self, name: &str) -> Result<i64, Rejection> {
        self.required(name)?.parse().map_err(|_| wrong(format!("`{name}`: expected a whole number")))
    }

    /// Returns a field with a decimal.
    pub fn number(&self, name: &str) -> Result<Exact, Rejection> {
        Exact::parse(self.required(name)?).map_err(|rejection| wrong(format!("`{name}`: {}", rejection.detail)))
    }

    /// Returns the level with this index on a side; `None` where the book has no more levels.
    pub fn level(&self, side: &'static str, index: usize) -> Result<Option<(Exact, Exact)>, Rejection> {
        let [ask, ask_amount, bid, bid_amount] = self.columns.levels[index];
        let (price, amount) = if side == "asks" { (ask, ask_amount) } else { (bid, bid_amount) };
        let field = |index: usize| self.fields.get(index).filter(|field| !field.is_empty());
        match (field(price), field(amount)) {
            (Some(price), Some(amount)) => Ok(Some((Exact::parse(price)?, Exact::parse(amount)?))),
            (None, None) => Ok(None),
            (Some(_), None) | (None, Some(_)) => {
                Err(wrong(format!("`{side}[{index}]`: expected a price and an amount")))
            }
        }
    }
}

/// Finds the columns of the levels, from the best on.
fn levels(names: &StringRecord) -> Vec<[usize; 4]> {
    let find = |name: String| names.iter().position(|column| column == name);
    let level = |i: usize| {
        let [asks, bids] =
            ["asks", "bids"].map(|side| find(format!("{side}[{i}].price")).zip(find(format!("{side}[{i}].amount"))));
        let ((ask, ask_amount), (bid, bid_amount)) = asks.zip(bids)?;
        Some([ask, ask_amount, bid, bid_amount])
    };
    (0..names.len()).map_while(level).collect()
}

/// Splits one line.
fn record(line: &str) -> Result<StringRecord, Rejection> {
    let mut fields = StringRecord::new();
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).buffer_capacity(line.len()).from_reader(line.as_bytes());
    match reader.read_record(&mut fields) {
        Ok(true) if reader.position().byte() >= line.len() as u64 => Ok(fields),
        Ok(_) => Err(wrong("expected one row of a CSV file")),
        Err(e) => Err(wrong(e.to_string())),
    }
}
