//! The fields of one record, found and told apart but not yet judged.
//!
//! Values are read once. Of a field that holds a decimal or a list the JSON text is kept, because a number must not become a
//! double on the way; any other value is taken as it is. Where that cannot be (a string with an escape, a fraction for a
//! sequence number, an array for a name) the record is read again and every value kept as its JSON text, so that what becomes
//! of it never depends on the short way: one record in very many, and it costs twice.
//!
//! It is no JSON parser: that is `serde_json`.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::field::{Field, NAMES, NO_FIELD, place};

/// Fields that hold decimals, or lists of them: of these the JSON text is kept.
const DECIMALS: [Field; 25] = [
    Field::Price,
    Field::Qty,
    Field::Bids,
    Field::Asks,
    Field::Leverage,
    Field::Entry,
    Field::Margin,
    Field::Equity,
    Field::Mark,
    Field::Index,
    Field::Rate,
    Field::IntervalHours,
    Field::Predicted,
    Field::Balance,
    Field::Tick,
    Field::Lot,
    Field::Multiplier,
    Field::Tiers,
    Field::TakerFee,
    Field::LiquidationFee,
    Field::AckP50Us,
    Field::AckP99Us,
    Field::QueueDepth,
    Field::Messages,
    Field::Rejects,
];

/// The same by place. What no field is can hold anything, so it is not looked into either.
static KEPT_AS_JSON: [bool; NO_FIELD + 1] = {
    let mut kept = [false; NO_FIELD + 1];
    kept[NO_FIELD] = true;
    let mut i = 0;
    while i < DECIMALS.len() {
        kept[DECIMALS[i] as usize] = true;
        i += 1;
    }
    kept
};

/// What stands in a field, if it is not `null`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    /// A string without escapes and without control characters, as it stands between its quotes.
    Text(&'a str),
    /// A whole number.
    Natural(u64),
    /// `true` or `false`.
    Truth(bool),
    /// Any value, as valid JSON.
    Json(&'a str),
}

/// What one record says, by field.
pub(super) struct Fields<'a>([Found<'a>; NO_FIELD + 1]);

/// What stands in a field.
#[derive(Clone, Copy, Debug)]
enum Found<'a> {
    /// It is not there.
    Nothing,
    /// `null`, which says as little but may not come twice either.
    Null,
    /// It has a value.
    Value(Value<'a>),
}

impl<'a> Fields<'a> {
    /// A record that says nothing.
    pub(super) const fn new() -> Self {
        Self([Found::Nothing; NO_FIELD + 1])
    }

    /// Reads one JSON object. In place, because a thousand bytes are not moved for nothing.
    pub(super) fn read(&mut self, object: &'a str) -> Result<(), serde_json::Error> {
        if is_plain(object) && self.fill(object, Reading::Short).is_ok() {
            return Ok(());
        }
        *self = Self::new();
        self.fill(object, Reading::Whole)
    }

    fn fill(&mut self, object: &'a str, depth: Reading) -> Result<(), serde_json::Error> {
        let mut json = serde_json::Deserializer::from_str(object);
        Filling(self, depth).deserialize(&mut json)?;
        json.end()
    }

    /// What stands in a field; nothing where it is absent or `null`.
    #[inline]
    pub(super) const fn get(&self, field: Field) -> Option<Value<'a>> {
        match self.0[field as usize] {
            Found::Nothing | Found::Null => None,
            Found::Value(value) => Some(value),
        }
    }
}

/// Whether no string in a JSON text has an escape or a control character. JSON refuses those below 0x20 itself, and from 0x80 on
/// are the others. Without a way out of the loop it goes by many bytes at a time.
fn is_plain(json: &str) -> bool {
    json.bytes().fold(0, |odd, byte| odd | u8::from(byte >= 0x7f) | u8::from(byte == b'\\')) == 0
}

/// How values are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// As they are, where the field's type allows it, of a plain record; fails where something is not as usual.
    Short,
    /// All as JSON text.
    Whole,
}

struct Filling<'f, 'a>(&'f mut Fields<'a>, Reading);

impl<'a> DeserializeSeed<'a> for Filling<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Filling<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        let Self(fields, reading) = self;
        while let Some(place) = map.next_key_seed(PlaceOfName)? {
            let found = &mut fields.0[place];
            if place != NO_FIELD && !matches!(found, Found::Nothing) {
                return Err(A::Error::duplicate_field(NAMES[place]));
            }
            *found = if reading == Reading::Whole || KEPT_AS_JSON[place] {
                match map.next_value::<&'a RawValue>()?.get() {
                    "null" => Found::Null,
                    json => Found::Value(Value::Json(json)),
                }
            } else {
                map.next_value_seed(AsItIs)?
            };
        }
        Ok(())
    }
}

/// A value that needs no second look. All others are refused.
struct AsItIs;

impl<'a> DeserializeSeed<'a> for AsItIs {
    type Value = Found<'a>;

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<Found<'a>, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for AsItIs {
    type Value = Found<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a plain value")
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Found<'a>, E> {
        Ok(Found::Value(Value::Text(text)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Found<'a>, E> {
        Ok(Found::Value(Value::Natural(number)))
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Found<'a>, E> {
        Ok(Found::Value(Value::Truth(truth)))
    }

    fn visit_unit<E>(self) -> Result<Found<'a>, E> {
        Ok(Found::Null)
    }
}

/// A field's name, as its place among the fields.
struct PlaceOfName;

impl<'a> DeserializeSeed<'a> for PlaceOfName {
    type Value = usize;

    fn deserialize<D: Deserializer<'a>>(self, name: D) -> Result<usize, D::Error> {
        name.deserialize_identifier(self)
    }
}

impl Visitor<'_> for PlaceOfName {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    #[inline]
    fn visit_str<E>(self, name: &str) -> Result<usize, E> {
        Ok(place(name))
    }
}
