//! One field's value as the type that its field has, or the reason why not.
//!
//! A number is read from its own digits, so it never becomes a double on the way.
#![expect(
    clippy::inline_always,
    reason = "a tenth of decoding: else each value and the event itself are moved between calls"
)]

use std::borrow::Cow;

use serde::{
    Deserialize,
    de::{IntoDeserializer, value},
};

use super::{
    CancelReason, Decimal, DecimalError, LiquidationPhase, MarginMode, Name, OrderKind, Price, Quantity, Reason, Side,
    fields::Value,
};

/// A type that one field's value can have.
pub(super) trait FromValue<'a>: Sized {
    fn from_value(value: Value<'a>) -> Result<Self, Reason>;
}

impl<'a> FromValue<'a> for Cow<'a, str> {
    #[inline(always)]
    fn from_value(value: Value<'a>) -> Result<Self, Reason> {
        match value {
            Value::Text(text) => Ok(Cow::Borrowed(text)),
            Value::Json(json) => string(json),
            Value::Natural(_) | Value::Truth(_) => Err(Reason::WrongType),
        }
    }
}

/// The text of a JSON string.
fn string(json: &str) -> Result<Cow<'_, str>, Reason> {
    match json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(plain) if !plain.contains('\\') => Ok(Cow::Borrowed(plain)),
        // Broken escapes (a lone surrogate) come to light only here.
        Some(_) => serde_json::from_str(json).map(Cow::Owned).map_err(|_| Reason::NotUtf8),
        None => Err(Reason::WrongType),
    }
}

impl<'a> FromValue<'a> for Name<'a> {
    #[inline(always)]
    fn from_value(value: Value<'a>) -> Result<Self, Reason> {
        let name =
            if let Value::Text(text) = value { Name::of_printable(text) } else { Name::new(Cow::from_value(value)?) };
        name.ok_or(Reason::BadName)
    }
}

impl FromValue<'_> for Decimal {
    #[inline(always)]
    fn from_value(value: Value<'_>) -> Result<Self, Reason> {
        // Digits are what they are with quotes and without.
        if let Value::Json(json) = value
            && let [b'"', digits @ .., b'"'] | digits = json.as_bytes()
            && let Some(decimal) = Decimal::parse_short(digits)
        {
            return Ok(decimal);
        }
        decimal(value)
    }
}

fn decimal(value: Value<'_>) -> Result<Decimal, Reason> {
    let text = if let Value::Json(json) = value
        && json.starts_with(|c: char| c == '-' || c.is_ascii_digit())
    {
        Cow::Borrowed(json)
    } else {
        Cow::from_value(value)?
    };
    Decimal::parse(&text).map_err(|e| match e {
        DecimalError::Malformed => Reason::NotDecimal,
        DecimalError::OutOfRange | DecimalError::TooPrecise => Reason::OutOfRange,
    })
}

impl FromValue<'_> for Price {
    #[inline(always)]
    fn from_value(value: Value<'_>) -> Result<Self, Reason> {
        Price::new(Decimal::from_value(value)?).ok_or(Reason::OutOfRange)
    }
}

impl FromValue<'_> for Quantity {
    #[inline(always)]
    fn from_value(value: Value<'_>) -> Result<Self, Reason> {
        Quantity::new(Decimal::from_value(value)?).ok_or(Reason::OutOfRange)
    }
}

impl FromValue<'_> for bool {
    #[inline(always)]
    fn from_value(value: Value<'_>) -> Result<Self, Reason> {
        if let Value::Truth(truth) = value { Ok(truth) } else { value.parse() }
    }
}

impl FromValue<'_> for u64 {
    #[inline(always)]
    fn from_value(value: Value<'_>) -> Result<Self, Reason> {
        if let Value::Natural(number) = value { Ok(number) } else { value.parse() }
    }
}

impl FromValue<'_> for i64 {
    #[inline(always)]
    fn from_value(value: Value<'_>) -> Result<Self, Reason> {
        let Value::Natural(number) = value else { return value.parse() };
        Self::try_from(number).map_err(|_| Reason::WrongType)
    }
}

impl<'a> Value<'a> {
    /// What `serde_json` reads: a number of the wrong kind or size, and any other type, is `WrongType`.
    fn parse<T: Deserialize<'a>>(self) -> Result<T, Reason> {
        match self {
            Self::Json(json) => serde_json::from_str(json).map_err(|_| Reason::WrongType),
            Self::Text(_) | Self::Natural(_) | Self::Truth(_) => Err(Reason::WrongType),
        }
    }
}

/// Words of a closed list.
macro_rules! words {
    ($($type:ty),*) => {$(
        impl FromValue<'_> for $type {
            #[inline(always)]
            fn from_value(value: Value<'_>) -> Result<Self, Reason> {
                let text = Cow::from_value(value);
                let wrong = if text == Err(Reason::WrongType) { Reason::WrongType } else { Reason::UnknownWord };
                let text: Cow<'_, str> = text.map_err(|_| wrong)?;
                let word: value::StrDeserializer<'_, value::Error> = text.as_ref().into_deserializer();
                Self::deserialize(word).map_err(|_| wrong)
            }
        }
    )*};
}
words!(Side, OrderKind, CancelReason, MarginMode, LiquidationPhase);
