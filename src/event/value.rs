//! The second step of decoding: turns the value of one field into the type of the field, or says why it cannot.
//!
//! A decimal is read from its own digits, so it never becomes a double on the way.
#![expect(
    clippy::inline_always,
    reason = "saves a tenth of the decoding time: otherwise each value and the event itself are copied between calls"
)]

use std::{borrow::Cow, cell::Cell};

use serde::{
    Deserialize,
    de::{IntoDeserializer, value},
};

use super::{
    CancelReason, Decimal, DecimalError, LiquidationPhase, MarginMode, Name, OrderKind, Price, Quantity, Reason, Side,
    Tick, TradingPhase, fields::Value,
};

/// A type that the value of a field can have.
pub(super) trait FromValue<'a>: Sized {
    fn from_value(value: Value<'a>) -> Result<Self, Reason>;

    /// Reads the value, and counts in `rounded` if it is a number that had to be rounded.
    #[inline(always)]
    fn from_value_counting(value: Value<'a>, _rounded: &Cell<u64>) -> Result<Self, Reason> {
        Self::from_value(value)
    }
}

impl<'a> FromValue<'a> for Cow<'a, str> {
    #[inline(always)]
    fn from_value(value: Value<'a>) -> Result<Self, Reason> {
        match value {
            Value::Text(text) => Ok(Cow::Borrowed(text)),
            Value::Json(json) => string(json),
            Value::Natural(_) | Value::Bool(_) => Err(Reason::WrongType),
        }
    }
}

/// Reads the text of a JSON string.
fn string(json: &str) -> Result<Cow<'_, str>, Reason> {
    match json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(plain) if !plain.contains('\\') => Ok(Cow::Borrowed(plain)),
        // The JSON is valid already, except that a lone surrogate among its escapes is found only here.
        Some(_) => serde_json::from_str(json).map(Cow::Owned).map_err(|_| Reason::NotUtf8),
        None => Err(Reason::WrongType),
    }
}

impl<'a> FromValue<'a> for Name<'a> {
    #[inline(always)]
    fn from_value(value: Value<'a>) -> Result<Self, Reason> {
        let name =
            if let Value::Text(text) = value { Name::from_printable(text) } else { Name::new(Cow::from_value(value)?) };
        name.ok_or(Reason::BadName)
    }
}

impl FromValue<'_> for Decimal {
    #[inline(always)]
    fn from_value(value: Value<'_>) -> Result<Self, Reason> {
        Self::from_value_counting(value, &Cell::new(0))
    }

    #[inline(always)]
    fn from_value_counting(value: Value<'_>, rounded: &Cell<u64>) -> Result<Self, Reason> {
        // A decimal may stand in quotes or without them: its digits are the same.
        if let Value::Json(json) = value
            && let [b'"', digits @ .., b'"'] | digits = json.as_bytes()
            && let Some(decimal) = Decimal::parse_short(digits)
        {
            return Ok(decimal);
        }
        decimal(value, rounded)
    }
}

fn decimal(value: Value<'_>, rounded: &Cell<u64>) -> Result<Decimal, Reason> {
    let text = if let Value::Json(json) = value
        && json.starts_with(|c: char| c == '-' || c.is_ascii_digit())
    {
        Cow::Borrowed(json)
    } else {
        Cow::from_value(value)?
    };
    let mut here = 0;
    let number = Decimal::parse_counting(&text, &mut here);
    rounded.set(rounded.get() + here);
    number.map_err(|e| match e {
        DecimalError::Malformed => Reason::NotDecimal,
        DecimalError::OutOfRange | DecimalError::TooPrecise => Reason::OutOfRange,
    })
}

impl FromValue<'_> for Price {
    #[inline(always)]
    fn from_value(value: Value<'_>) -> Result<Self, Reason> {
        Self::from_value_counting(value, &Cell::new(0))
    }

    #[inline(always)]
    fn from_value_counting(value: Value<'_>, rounded: &Cell<u64>) -> Result<Self, Reason> {
        Price::new(Decimal::from_value_counting(value, rounded)?).ok_or(Reason::OutOfRange)
    }
}

impl FromValue<'_> for Quantity {
    #[inline(always)]
    fn from_value(value: Value<'_>) -> Result<Self, Reason> {
        Self::from_value_counting(value, &Cell::new(0))
    }

    #[inline(always)]
    fn from_value_counting(value: Value<'_>, rounded: &Cell<u64>) -> Result<Self, Reason> {
        Quantity::new(Decimal::from_value_counting(value, rounded)?).ok_or(Reason::OutOfRange)
    }
}

impl FromValue<'_> for Tick {
    fn from_value(value: Value<'_>) -> Result<Self, Reason> {
        Self::from_value_counting(value, &Cell::new(0))
    }

    fn from_value_counting(value: Value<'_>, rounded: &Cell<u64>) -> Result<Self, Reason> {
        Self::new(Decimal::from_value_counting(value, rounded)?).ok_or(Reason::OutOfRange)
    }
}

impl FromValue<'_> for bool {
    #[inline(always)]
    fn from_value(value: Value<'_>) -> Result<Self, Reason> {
        if let Value::Bool(value) = value { Ok(value) } else { value.parse() }
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
    /// Reads the value with `serde_json`. A number of the wrong kind or size is `WrongType`, and so is any other type.
    fn parse<T: Deserialize<'a>>(self) -> Result<T, Reason> {
        match self {
            Self::Json(json) => serde_json::from_str(json).map_err(|_| Reason::WrongType),
            Self::Text(_) | Self::Natural(_) | Self::Bool(_) => Err(Reason::WrongType),
        }
    }
}

/// Reads a word of a closed list, for each enum of such words.
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
words!(Side, OrderKind, CancelReason, MarginMode, LiquidationPhase, TradingPhase);
