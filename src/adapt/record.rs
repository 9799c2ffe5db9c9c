//! What every adapter asks of a record before it looks at what the venue says: its size, UTF-8, JSON, exact numbers, a time
//! that can be meant.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};

use crate::{
    event::{Decimal, DecodeLimits, Level, Name, Price, Quantity, Reason, Rejection},
    time::EventTime,
};

/// The first nanosecond of the years 2000 and 2100: what lies outside was meant in another unit.
const YEARS: std::ops::Range<i64> = 946_684_800_000_000_000..4_102_444_800_000_000_000;

/// A rejection of what the venue does not send.
pub(super) fn wrong(detail: impl Into<Cow<'static, str>>) -> Rejection {
    Rejection::new(Reason::NotInFormat, detail)
}

/// The record as text, if it is not too long.
pub(super) fn text(record: &[u8], limits: DecodeLimits) -> Result<&str, Rejection> {
    if record.len() > limits.record_bytes_max {
        return Err(Rejection::new(Reason::TooLarge, format!("{} bytes", record.len())));
    }
    std::str::from_utf8(record).map_err(|e| Rejection::new(Reason::NotUtf8, e.to_string()))
}

/// A JSON text as the type that the venue describes.
pub(super) fn json<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, Rejection> {
    serde_json::from_str(json).map_err(|e| wrong(e.to_string()))
}

/// A time in milliseconds.
pub(super) fn millis(ms: i64) -> Result<EventTime, Rejection> {
    let at = ms.checked_mul(1_000_000).filter(|nanos| YEARS.contains(nanos)).map(EventTime::from_nanos);
    at.ok_or_else(|| {
        Rejection::new(Reason::TsUnit, format!("`{ms}` is outside the years 2000 to 2099 in milliseconds"))
    })
}

/// A time in nanoseconds.
pub(super) fn nanos(nanos: i128) -> Result<EventTime, Rejection> {
    let at = i64::try_from(nanos).ok().filter(|nanos| YEARS.contains(nanos)).map(EventTime::from_nanos);
    at.ok_or_else(|| Rejection::new(Reason::TsUnit, "a time outside the years 2000 to 2099"))
}

/// A name that outlives the record.
pub(super) fn name(text: &str) -> Result<Name<'static>, Rejection> {
    Name::new(text.to_owned()).ok_or_else(|| Rejection::new(Reason::BadName, "expected 1 to 128 printable bytes"))
}

/// A number as a name: an order's or a trade's.
pub(super) fn id(number: u64) -> Name<'static> {
    Name::new(number.to_string()).expect("digits are a name")
}

/// A price above zero.
pub(super) fn price(number: Decimal) -> Result<Price, Rejection> {
    Price::new(number).ok_or_else(|| wrong("expected a price above zero"))
}

/// A quantity above zero.
pub(super) fn quantity(number: Decimal) -> Result<Quantity, Rejection> {
    Quantity::new(number).ok_or_else(|| wrong("expected a quantity above zero"))
}

/// One side of a book.
pub(super) fn levels(side: &[(Exact, Exact)], limits: DecodeLimits) -> Result<Vec<Level>, Rejection> {
    if side.len() > limits.levels_max {
        return Err(Rejection::new(Reason::TooMany, format!("{} levels", side.len())));
    }
    let level = |&(Exact(at), Exact(qty)): &(Exact, Exact)| {
        if qty < Decimal::ZERO { Err(wrong("a level below zero")) } else { Ok(Level(price(at)?, qty)) }
    };
    side.iter().map(level).collect()
}

/// A decimal in a JSON string, to its last digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exact(pub Decimal);

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Digits(exact)).map(Self)
    }
}

/// A decimal in a JSON string that the venue made of a double (`-1544223.1000000001`), to the contract's 15 digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rounded(pub Decimal);

impl<'de> Deserialize<'de> for Rounded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Digits(rounded)).map(Self)
    }
}

fn exact(text: &str) -> Result<Decimal, String> {
    Decimal::parse(text).map_err(|e| e.to_string())
}

fn rounded(text: &str) -> Result<Decimal, String> {
    Decimal::parse(text).or_else(|e| {
        let double: f64 = text.parse().map_err(|_| e.to_string())?;
        // What is too small for the contract was meant as zero.
        if double.abs() < 1e-9 {
            return Ok(Decimal::ZERO);
        }
        Decimal::parse(&format!("{double:.14e}")).map_err(|e| e.to_string())
    })
}

/// Reads a string through a function.
struct Digits<F>(F);

impl<F: Fn(&str) -> Result<Decimal, String>> Visitor<'_> for Digits<F> {
    type Value = Decimal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal in a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Decimal, E> {
        (self.0)(text).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_double_in_a_string_is_rounded_and_a_decimal_is_kept() {
        let of = |text: &str| json::<Rounded>(text).map(|number| number.0.to_string());
        assert_eq!(of(r#""-1544223.1000000001""#).unwrap(), "-1544223.1");
        assert_eq!(of(r#""0.1""#).unwrap(), "0.1");
        assert_eq!(of(r#""-0.0000000000001""#).unwrap(), "0");
        for bad in [r#""NaN""#, r#""inf""#, r#""1e300""#, r#""""#, "1", r#""0x1""#] {
            assert_eq!(of(bad).unwrap_err().reason, Reason::NotInFormat, "{bad}");
        }
        assert!(json::<Exact>(r#""-1544223.1000000001""#).is_err());
    }

    #[test]
    fn a_time_that_cannot_be_meant_is_refused() {
        assert_eq!(millis(1_680_652_700_000).unwrap().nanos(), 1_680_652_700_000_000_000);
        for ms in [0, 1_680_652_700, 1_680_652_700_000_000, i64::MAX, i64::MIN] {
            assert_eq!(millis(ms).unwrap_err().reason, Reason::TsUnit, "{ms}");
        }
        assert!(nanos(i128::MAX).is_err());
    }
}
