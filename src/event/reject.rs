//! Why a record cannot be used.

use std::{borrow::Cow, fmt};

use schemars::JsonSchema;
use serde::Serialize;

/// The closed list of reasons; each is a label in metrics and a header in the dead-letter topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No bytes at all, or a tombstone.
    Empty,
    /// More bytes than a record may have.
    TooLarge,
    /// Not UTF-8.
    NotUtf8,
    /// Not one JSON value: cut off, or otherwise broken.
    NotJson,
    /// JSON, but not an object.
    NotObject,
    /// A field that its type or the contract requires is absent or null.
    MissingField,
    /// A field stands there twice.
    DuplicateField,
    /// A field is of another JSON type.
    WrongType,
    /// A word that is not in the field's list.
    UnknownWord,
    /// A name is empty, too long, or has control characters.
    BadName,
    /// A text that is no decimal number.
    NotDecimal,
    /// A number outside its range, or with more than 15 significant digits.
    OutOfRange,
    /// More levels or tiers than a record may have.
    TooMany,
    /// A time outside the years 2000 to 2099: most likely not nanoseconds.
    TsUnit,
    /// A time more than five minutes after the record's own.
    TsFuture,
    /// Not a line of the adapter's format.
    NotInFormat,
}

impl Reason {
    /// Every reason with its name.
    pub const ALL: [(Self, &'static str); 16] = [
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
    ];

    /// The name in metrics and in the dead-letter topic.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// A reason and where it applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Which rule was broken.
    pub reason: Reason,
    /// The field or the parser's own words, for a person.
    pub detail: Cow<'static, str>,
}

impl Rejection {
    /// A reason with a word on where it applies.
    pub fn new(reason: Reason, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason.name(), self.detail)
    }
}
