//! One field's value from its JSON text: names, words, exact decimals and plain values, or the reason why not.
//!
//! The text is known to be one valid JSON value and not `null`. A number is read from its own digits, so it never becomes a
//! double on the way.

use std::borrow::Cow;

use super::{
    CancelReason, Decimal, DecimalError, LiquidationPhase, MarginMode, Name, OrderKind, Price, Quantity, Reason, Side,
};

/// A value read from the JSON text of one field, which is known to be valid JSON and not `null`.
pub(super) trait FromJson<'a>: Sized {
    fn from_json(json: &'a str) -> Result<Self, Reason>;
}

impl<'a> FromJson<'a> for Cow<'a, str> {
    fn from_json(json: &'a str) -> Result<Self, Reason> {
        match json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(plain) if !plain.contains('\\') => Ok(Cow::Borrowed(plain)),
            // Broken escapes (a lone surrogate) come to light only here.
            Some(_) => serde_json::from_str(json).map(Cow::Owned).map_err(|_| Reason::NotUtf8),
            None => Err(Reason::WrongType),
        }
    }
}

impl<'a> FromJson<'a> for Name<'a> {
    fn from_json(json: &'a str) -> Result<Self, Reason> {
        Name::new(Cow::from_json(json)?).ok_or(Reason::BadName)
    }
}

impl FromJson<'_> for Decimal {
    fn from_json(json: &str) -> Result<Self, Reason> {
        let unquoted = match json.as_bytes().first() {
            Some(b'"') => Cow::from_json(json)?,
            Some(b'-' | b'0'..=b'9') => Cow::Borrowed(json),
            Some(_) | None => return Err(Reason::WrongType),
        };
        Decimal::parse(&unquoted).map_err(|e| match e {
            DecimalError::Malformed => Reason::NotDecimal,
            DecimalError::OutOfRange | DecimalError::TooPrecise => Reason::OutOfRange,
        })
    }
}

impl FromJson<'_> for Price {
    fn from_json(json: &str) -> Result<Self, Reason> {
        Price::new(Decimal::from_json(json)?).ok_or(Reason::OutOfRange)
    }
}

impl FromJson<'_> for Quantity {
    fn from_json(json: &str) -> Result<Self, Reason> {
        Quantity::new(Decimal::from_json(json)?).ok_or(Reason::OutOfRange)
    }
}

/// Values that `serde_json` reads as they are: a number of the wrong kind or size, and any other type, is `WrongType`.
macro_rules! plain {
    ($($type:ty),*) => {$(
        impl FromJson<'_> for $type {
            fn from_json(json: &str) -> Result<Self, Reason> {
                serde_json::from_str(json).map_err(|_| Reason::WrongType)
            }
        }
    )*};
}
plain!(bool, u64, i64);

/// Words of a closed list.
macro_rules! words {
    ($($type:ty),*) => {$(
        impl FromJson<'_> for $type {
            fn from_json(json: &str) -> Result<Self, Reason> {
                let wrong = if json.starts_with('"') { Reason::UnknownWord } else { Reason::WrongType };
                serde_json::from_str(json).map_err(|_| wrong)
            }
        }
    )*};
}
words!(Side, OrderKind, CancelReason, MarginMode, LiquidationPhase);
