//! Checks of settings: a key that breaks its rule, and the rules that several modules share.
//!
//! Each module that has settings owns their keys, defaults and checks; `config` assembles them and shows a mistake at its place.

use std::{fmt::Display, ops::RangeInclusive};

/// Range of the false alarms a day: a rate below one in three years cannot be learned, and above one in twenty minutes the tail
/// of a minute's values says nothing.
pub const RATES: RangeInclusive<f64> = 0.001..=72.0;

/// A key that breaks its rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The key, the outermost table first.
    pub path: Vec<String>,
    /// The expected form.
    pub message: String,
}

impl Invalid {
    /// A key that breaks its rule, with what was expected.
    #[must_use]
    pub fn new(key: &str, message: impl Into<String>) -> Self {
        Self { path: vec![key.to_owned()], message: message.into() }
    }

    /// Returns the same mistake with the key's path as seen from the table around it.
    #[must_use]
    pub fn within(mut self, table: &str) -> Self {
        self.path.insert(0, table.to_owned());
        self
    }
}

/// Checks that a value is in its range.
///
/// # Errors
/// The key, where the value is out of range.
pub fn check_range<T: PartialOrd + Display>(key: &str, value: &T, range: &RangeInclusive<T>) -> Result<(), Invalid> {
    if range.contains(value) {
        return Ok(());
    }
    Err(Invalid::new(key, format!("expected {} to {}", range.start(), range.end())))
}
