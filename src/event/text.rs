//! Names as the venue writes them: symbols, accounts, order ids.
//!
//! A name borrows its text from the record if the text stands there without escapes. So decoding allocates nothing in
//! the common case.

use std::{borrow::Cow, ops::Deref};

use schemars::JsonSchema;
use serde::Serialize;

/// Largest length of a name, in bytes. An order id of 36 bytes (a UUID) and a wallet address of 66 fit easily, and a
/// hostile sender cannot make the entries of a bounded table arbitrarily large.
pub(crate) const NAME_BYTES_MAX: usize = 128;

/// A name of 1 to 128 bytes without control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Name<'a>(#[schemars(length(min = 1, max = 128))] Cow<'a, str>);

impl<'a> Name<'a> {
    /// Makes a name of a text; `None` if the text is empty, too long, or has control characters.
    #[must_use]
    pub fn new(text: impl Into<Cow<'a, str>>) -> Option<Self> {
        let text = text.into();
        // Printable ASCII needs no look at whole characters. Beyond ASCII only the C1 block (0xc2 0x80..0x9f) has
        // control characters.
        let printable = text.bytes().all(|b| (0x20..0x7f).contains(&b)) || !text.chars().any(char::is_control);
        if printable { Self::from_printable(text) } else { None }
    }

    /// Makes a name of a text that is known to have no control characters; `None` if the text is empty or too long.
    #[inline]
    pub(super) fn from_printable(text: impl Into<Cow<'a, str>>) -> Option<Self> {
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
