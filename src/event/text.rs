//! Names as the venue writes them: symbols, accounts, order ids.
//!
//! Borrowed from the record where its bytes allow it, so that decoding allocates nothing in the common case.

use std::{borrow::Cow, ops::Deref};

use schemars::JsonSchema;
use serde::Serialize;

/// The longest name, in bytes: an order id of 36 (a UUID) and a wallet of 66 fit with room to spare, and a hostile name
/// cannot fill a bounded table with unbounded entries.
pub const NAME_BYTES_MAX: usize = 128;

/// A name of 1 to 128 bytes without control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Name<'a>(#[schemars(length(min = 1, max = 128))] Cow<'a, str>);

impl<'a> Name<'a> {
    /// The text as a name, if it may be one.
    #[must_use]
    pub fn new(text: impl Into<Cow<'a, str>>) -> Option<Self> {
        let text = text.into();
        // Bytes from 0x80 on belong to characters outside ASCII; of those only C1 (0xc2 0x80..0x9f) controls.
        let plain = text.bytes().all(|b| (0x20..0x7f).contains(&b)) || !text.chars().any(char::is_control);
        if plain { Self::of_printable(text) } else { None }
    }

    /// The same of a text that is known to have no control characters.
    #[inline]
    pub(super) fn of_printable(text: impl Into<Cow<'a, str>>) -> Option<Self> {
        let text = text.into();
        (1..=NAME_BYTES_MAX).contains(&text.len()).then_some(Self(text))
    }
}

impl Deref for Name<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}
