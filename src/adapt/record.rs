//! Checks that all adapters share: the size of a record, UTF-8, JSON, names, exact numbers, plausible times.
//!
//! The rules are those of the decoder, for records that the decoder never sees. What a field means is the
//! business of each adapter.

use std::{borrow::Cow, fmt, ops::Deref};

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};

use crate::{
    event::{Decimal, DecimalError, DecodeLimits, Level, Name, Price, Quantity, Reason, Rejection},
    time::EventTime,
};

/// The years 2000 to 2099 in nanoseconds. A time outside was most likely meant in another unit.
const YEARS: std::ops::Range<i64> = 946_684_800_000_000_000..4_102_444_800_000_000_000;

/// Makes the rejection of something that the venue does not send.
pub(super) fn wrong(detail: impl Into<Cow<'static, str>>) -> Rejection {
    Rejection::new(Reason::NotInFormat, detail)
}

/// Reads a record as text, unless it is too long.
pub(super) fn text(record: &[u8], limits: DecodeLimits) -> Result<&str, Rejection> {
    if record.len() > limits.record_bytes_max {
        return Err(Rejection::new(Reason::TooLarge, format!("{} bytes", record.len())));
    }
    std::str::from_utf8(record).map_err(|e| Rejection::new(Reason::NotUtf8, e.to_string()))
}

/// Reads a JSON text as a type.
pub(super) fn json<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, Rejection> {
    serde_json::from_str(json).map_err(|e| wrong(e.to_string()))
}

/// Splits a line into what stands before its JSON and the JSON, which begins at the first brace, or at the bracket of
/// an array of objects. Recorders put a receive time before the JSON in any form, or none, so the part before may be
/// anything but the end of another object: such a line is two lines whose newline was lost.
pub(super) fn before_json(line: &str) -> Result<(&str, &str), Rejection> {
    let line = line.trim_ascii();
    let object = line.find('{').ok_or_else(|| wrong("expected a JSON object"))?;
    let (before, _) = line.split_at(object);
    if before.contains('}') {
        return Err(wrong("expected one JSON object, after a receive time at most"));
    }
    let before = before.trim_ascii_end();
    let before = before.strip_suffix('[').unwrap_or(before);
    Ok((before.trim_ascii_end(), line[before.len()..].trim_ascii_start()))
}

/// Converts milliseconds since the Unix epoch to an event time.
pub(super) fn millis(ms: i64) -> Result<EventTime, Rejection> {
    let at = ms.checked_mul(1_000_000).filter(|nanos| YEARS.contains(nanos)).map(EventTime::from_nanos);
    at.ok_or_else(|| {
        Rejection::new(Reason::TsUnit, format!("`{ms}` is outside the years 2000 to 2099 in milliseconds"))
    })
}

/// Converts microseconds since the Unix epoch to an event time.
pub(super) fn micros(us: i64) -> Result<EventTime, Rejection> {
    let at = us.checked_mul(1_000).filter(|nanos| YEARS.contains(nanos)).map(EventTime::from_nanos);
    at.ok_or_else(|| {
        Rejection::new(Reason::TsUnit, format!("`{us}` is outside the years 2000 to 2099 in microseconds"))
    })
}

/// Converts nanoseconds since the Unix epoch to an event time.
pub(super) fn nanos(nanos: i128) -> Result<EventTime, Rejection> {
    let at = i64::try_from(nanos).ok().filter(|nanos| YEARS.contains(nanos)).map(EventTime::from_nanos);
    at.ok_or_else(|| Rejection::new(Reason::TsUnit, "expected a time in the years 2000 to 2099"))
}

/// Converts a time since the Unix epoch in seconds, milliseconds, microseconds or nanoseconds to an event time. The unit
/// follows from the size of the number: in the years 2000 to 2099 the ranges of two units do not overlap.
pub(super) fn any_unit(number: i64) -> Option<EventTime> {
    let in_unit = |unit: i64| number.checked_mul(unit).filter(|nanos| YEARS.contains(nanos));
    [1_000_000, 1_000, 1, 1_000_000_000].into_iter().find_map(in_unit).map(EventTime::from_nanos)
}

/// Reads a receive time that a recorder wrote: a number in any unit, with a fraction or without, or a calendar time, in
/// UTC unless it names its zone. `None` if the text is neither.
pub(super) fn receive_time(text: &str) -> Option<EventTime> {
    if let Ok(number) = text.parse() {
        return any_unit(number);
    }
    if let Ok(number) = text.parse::<f64>() {
        // A double has 16 digits: microseconds of these years.
        let micros = [1e6, 1e3, 1.0, 1e-3].map(|unit| (number * unit).round());
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a double beyond the range saturates and is no year of ours"
        )]
        return micros.into_iter().find_map(|micros| nanos(i128::from(micros as i64) * 1_000).ok());
    }
    let zoned = text.parse::<Timestamp>();
    let at = zoned.or_else(|_| text.parse::<DateTime>().and_then(|at| TimeZone::UTC.to_timestamp(at))).ok()?;
    nanos(at.as_nanosecond()).ok()
}

/// Makes a name that does not borrow from the record.
pub(super) fn name(text: &str) -> Result<Name<'static>, Rejection> {
    Name::new(text.to_owned()).ok_or_else(|| Rejection::new(Reason::BadName, "expected 1 to 128 printable bytes"))
}

/// Makes a name of a numeric id, of an order or a trade.
pub(super) fn id(number: u64) -> Name<'static> {
    Name::new(number.to_string()).expect("digits are a name")
}

/// Checks that a price is above zero.
pub(super) fn price(number: Decimal) -> Result<Price, Rejection> {
    Some(number)
        .filter(|number| number.is_positive())
        .and_then(Price::new)
        .ok_or_else(|| wrong("expected a price above zero"))
}

/// Makes a price of any sign, for formats of venues that trade spreads.
pub(super) fn any_price(number: Decimal) -> Result<Price, Rejection> {
    Price::new(number).ok_or_else(|| wrong("expected a price of at most 1e15"))
}

/// Checks that a quantity is above zero.
pub(super) fn quantity(number: Decimal) -> Result<Quantity, Rejection> {
    Quantity::new(number).ok_or_else(|| wrong("expected a quantity above zero"))
}

/// The reading of one record: the limits, and how many of its numbers were rounded.
#[derive(Debug)]
pub(super) struct Reading {
    pub limits: DecodeLimits,
    pub rounded: u64,
    has_spreads: bool,
}

impl Reading {
    pub const fn new(limits: DecodeLimits) -> Self {
        Self { limits, rounded: 0, has_spreads: false }
    }

    /// The reading of a format whose venues also trade spreads, at prices of any sign.
    pub const fn with_spreads(limits: DecodeLimits) -> Self {
        Self { has_spreads: true, ..Self::new(limits) }
    }

    /// Takes a number, and counts it if it was rounded.
    pub fn number(&mut self, number: Exact) -> Decimal {
        self.rounded += number.rounded;
        number.value
    }

    /// Takes a price, which must be above zero unless the format's venues trade spreads.
    pub fn price(&mut self, number: Exact) -> Result<Price, Rejection> {
        let number = self.number(number);
        if self.has_spreads { any_price(number) } else { price(number) }
    }

    /// Takes a quantity, which must be above zero.
    pub fn quantity(&mut self, number: Exact) -> Result<Quantity, Rejection> {
        quantity(self.number(number))
    }

    /// Checks how many levels one side of a book has.
    pub fn check_levels(&self, number: usize) -> Result<(), Rejection> {
        if number > self.limits.levels_max {
            return Err(Rejection::new(Reason::TooMany, format!("{number} levels")));
        }
        Ok(())
    }

    /// Takes a level, whose quantity may be zero.
    pub fn level(&mut self, (at, qty): (Exact, Exact)) -> Result<Level, Rejection> {
        let (price, qty) = (self.price(at)?, self.number(qty));
        if qty < Decimal::ZERO { Err(wrong("expected a level of zero or more")) } else { Ok(Level(price, qty)) }
    }

    /// Takes the levels of one side of a book.
    pub fn levels(&mut self, side: &[(Exact, Exact)]) -> Result<Vec<Level>, Rejection> {
        self.check_levels(side.len())?;
        side.iter().map(|&level| self.level(level)).collect()
    }
}

/// A JSON string. It borrows its text from the record unless the string has escapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text<'a>(Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(AnyText).map(Self)
    }
}

/// Reads a JSON string, with escapes or without.
struct AnyText;

impl<'de> Visitor<'de> for AnyText {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// A decimal in a JSON string, read exactly, or rounded at 10⁻²³ as the decoder does it. [`Reading::number`] gives its
/// value and counts the rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exact {
    value: Decimal,
    rounded: u64,
}

impl Exact {
    /// Reads a number from its text.
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        exact(text).map_err(wrong)
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Digits(exact))
    }
}

/// A decimal in a JSON string that the venue made of a double (`-1544223.1000000001`), rounded to the 15 digits that a
/// double keeps of a decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rounded(pub Decimal);

impl Rounded {
    /// Reads a number from its text.
    pub fn parse(text: &str) -> Result<Decimal, Rejection> {
        rounded(text).map_err(wrong)
    }
}

impl<'de> Deserialize<'de> for Rounded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Digits(rounded)).map(Self)
    }
}

fn exact(text: &str) -> Result<Exact, String> {
    let mut rounded = 0;
    let value = Decimal::parse_counting(text, &mut rounded).map_err(|e| e.to_string())?;
    Ok(Exact { value, rounded })
}

fn rounded(text: &str) -> Result<Decimal, String> {
    match Decimal::parse(text) {
        Err(e @ DecimalError::Malformed) => return Err(e.to_string()),
        Ok(_) | Err(DecimalError::OutOfRange | DecimalError::TooPrecise) => {}
    }
    let double: f64 = text.parse().map_err(|_| DecimalError::Malformed.to_string())?;
    // A number so close to zero is zero plus the rounding error of a double; the contract cannot express it.
    if double.abs() < 1e-12 {
        return Ok(Decimal::ZERO);
    }
    Decimal::parse(&format!("{double:.14e}")).map_err(|e| e.to_string())
}

/// Reads a JSON string with a function that makes a decimal of its text.
struct Digits<F>(F);

impl<T, F: Fn(&str) -> Result<T, String>> Visitor<'_> for Digits<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal in a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
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
        assert_eq!(json::<Exact>(r#""-1544223.1000000001""#).unwrap().value.to_string(), "-1544223.1000000001");
    }

    #[test]
    fn the_json_of_a_line_begins_after_anything_that_is_no_object() {
        let split = |line: &'static str| before_json(line).map_err(|rejection| rejection.reason);
        for before in ["", "1680", "2025-10-20T22:40:00.008Z", "Mon Oct 20 22:40:00 2025", "[info] t=\"1680\"", "-"] {
            for json in [r#"{"a":{}}"#, r#"[{"a":1},{"b":2}]"#, r#"[ {"a":1}]"#] {
                assert_eq!(before_json(&format!(" {before} {json}\t")), Ok((before, json)), "{before} {json}");
                assert_eq!(before_json(&format!("{before}{json}")), Ok((before, json)), "{before}{json}");
            }
        }
        for line in ["", "1680", "[]", r#""T":5}{"a":1}"#] {
            assert_eq!(split(line), Err(Reason::NotInFormat), "{line}");
        }
    }

    #[test]
    fn a_time_is_known_by_its_size_in_any_unit() {
        let seconds = 1_680_652_700;
        for unit in [1, 1_000, 1_000_000, 1_000_000_000] {
            assert_eq!(any_unit(seconds * unit), Some(EventTime::from_nanos(seconds * 1_000_000_000)));
        }
        for number in [0, -1, 1_000, i64::MAX, i64::MIN] {
            assert_eq!(any_unit(number), None, "{number}");
        }
    }

    #[test]
    fn a_receive_time_is_read_in_the_forms_that_recorders_write() {
        let at = Some(EventTime::from_nanos(1_761_000_000_008_000_000));
        for text in [
            "1761000000008",
            "1761000000008000",
            "1761000000008000000",
            "1761000000.008",
            "1761000000008.0",
            "2025-10-20T22:40:00.008Z",
            "2025-10-21T00:40:00.008+02:00",
            "2025-10-20T22:40:00.008",
            "2025-10-20 22:40:00.008",
        ] {
            assert_eq!(receive_time(text), at, "{text}");
        }
        for text in ["", "-", "soon", "NaN", "inf", "1e300", "12", "22:40:00"] {
            assert_eq!(receive_time(text), None, "{text}");
        }
    }

    #[test]
    fn a_string_with_escapes_is_the_string_without_them() {
        assert_eq!(&*json::<Text<'_>>(r#""\u5e01\ud83d\ude00\/""#).unwrap(), "币😀/");
        assert_eq!(json::<Exact>(r#""\u0031\u002e5""#).unwrap(), json::<Exact>(r#""1.5""#).unwrap());
        assert!(json::<Text<'_>>(r#""\ud83d""#).is_err(), "half a character");
    }

    #[test]
    fn a_number_with_digits_below_a_unit_is_rounded_and_counted() {
        let mut reading = Reading::new(DecodeLimits::default());
        let number = |text: &str| json::<Exact>(text).unwrap();
        let level = (number(r#""1.2345678901234565e-8""#), number(r#""0.30000000000000004""#));
        assert_eq!(reading.levels(&[level, level]).unwrap()[1].1.to_string(), "0.30000000000000004");
        assert_eq!(reading.rounded, 2);
    }

    #[test]
    fn an_implausible_time_is_refused() {
        assert_eq!(millis(1_680_652_700_000).unwrap().nanos(), 1_680_652_700_000_000_000);
        for ms in [0, 1_680_652_700, 1_680_652_700_000_000, i64::MAX, i64::MIN] {
            assert_eq!(millis(ms).unwrap_err().reason, Reason::TsUnit, "{ms}");
        }
        assert!(nanos(i128::MAX).is_err());
    }
}
