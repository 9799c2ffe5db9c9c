//! The reasons for which a record is rejected.
//!
//! The list is closed, so every rejection can be counted under its reason. The decoder and the adapters share it.

use std::{borrow::Cow, fmt};

use compact_str::CompactString;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Reason for which a record is rejected. The name is a label in metrics and a header in the dead-letter topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The record has no bytes but white space, or is a tombstone.
    Empty,
    /// The record is larger than its limit.
    TooLarge,
    /// The bytes are not UTF-8.
    NotUtf8,
    /// The text is not one JSON value: it is cut off or otherwise broken.
    NotJson,
    /// The JSON value is not an object.
    NotObject,
    /// A field that the contract requires is absent or null.
    MissingField,
    /// The same field occurs twice.
    DuplicateField,
    /// A field has a value of the wrong JSON type.
    WrongType,
    /// A word is not in the list of its field.
    UnknownWord,
    /// A name is empty, too long, or has control characters.
    BadName,
    /// A text is not a decimal number.
    NotDecimal,
    /// A number is outside its range, or has more than 17 significant digits.
    OutOfRange,
    /// A list has more levels or tiers than a record may have.
    TooMany,
    /// A time is outside the years 2000 to 2099; most likely it is not in nanoseconds.
    TsUnit,
    /// The event's time is more than five minutes after this machine's clock.
    TsFuture,
    /// The line is not in the format that the adapter reads.
    NotInFormat,
    /// The service stopped at the record by a fault of its own, more than once.
    Poison,
}

impl Reason {
    /// Every reason with its name, each at its own index.
    pub const ALL: [(Self, &'static str); 17] = [
        (Self::Empty, "empty"),
        (Self::TooLarge, "too_large"),
        (Self::NotUtf8, "not_utf8"),
        (Self::NotJson, "not_json"),
        (Self::NotObject, "not_object"),
        (Self::MissingField, "missing_field"),
        (Self::DuplicateField, "duplicate_field"),
        (Self::WrongType, "wrong_type"),
        (Self::UnknownWord, "unknown_word"),
        (Self::BadName, "bad_name"),
        (Self::NotDecimal, "not_decimal"),
        (Self::OutOfRange, "out_of_range"),
        (Self::TooMany, "too_many"),
        (Self::TsUnit, "ts_unit"),
        (Self::TsFuture, "ts_future"),
        (Self::NotInFormat, "not_in_format"),
        (Self::Poison, "poison"),
    ];

    /// Returns the name in metrics and in the dead-letter topic.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// Rejection of a record: the reason, and the detail that made it apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Reason of the rejection.
    pub reason: Reason,
    /// The field, or the parser's own message, for a person to read.
    pub detail: Cow<'static, str>,
    /// The symbol that the record names, where it could be read.
    pub symbol: Option<CompactString>,
}

impl Rejection {
    /// Makes a rejection of a reason and its detail.
    pub(crate) fn new(reason: Reason, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, detail: detail.into(), symbol: None }
    }
}

impl Rejection {
    /// The same rejection with the symbol that the record names.
    pub(crate) fn of_symbol(self, symbol: Option<&str>) -> Self {
        Self { symbol: symbol.map(CompactString::new), ..self }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason.name(), self.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_listed_at_its_own_index_and_under_its_own_name() {
        let schema = schemars::schema_for!(Reason).to_value();
        let variants = schema["oneOf"].as_array().unwrap();
        assert_eq!(variants.len(), Reason::ALL.len());
        for (i, (variant, (reason, name))) in variants.iter().zip(Reason::ALL).enumerate() {
            assert_eq!((reason as usize, &variant["const"]), (i, &serde_json::json!(name)));
        }
    }
}
