//! Prices and quantities: decimal strings, or JSON numbers that were doubles.

use serde_json::value::RawValue;

use super::super::record::{Exact, Reading, Rounded, json, wrong};
use crate::event::{Decimal, Rejection};

/// Decimal places of the venue's prices and quantities.
const PLACES: u32 = 8;

/// Reads a number of zero or more. A string is exact. A JSON number was a double, so it is rounded to the venue's
/// decimal places, unless it is smaller than these can hold.
pub(super) fn number(raw: &RawValue, field: &'static str, reading: &mut Reading) -> Result<Decimal, Rejection> {
    let text = raw.get();
    let number = if text.starts_with('"') {
        json::<Exact>(text).map(|exact| reading.number(exact))
    } else {
        Rounded::parse(text).map(|number| match number.to_places(PLACES) {
            Decimal::ZERO => number,
            rounded => rounded,
        })
    };
    match number {
        Ok(number) if number >= Decimal::ZERO => Ok(number),
        Ok(_) => Err(wrong(format!("{field}: expected a number of zero or more"))),
        Err(rejection) => Err(wrong(format!("{field}: {}", rejection.detail))),
    }
}

/// Reads a number, from its string where the venue gives both (`amount` and `amount_str`).
pub(super) fn either(
    text: Option<&RawValue>,
    double: &RawValue,
    field: &'static str,
    reading: &mut Reading,
) -> Result<Decimal, Rejection> {
    number(text.unwrap_or(double), field, reading)
}
