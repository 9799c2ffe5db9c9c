//! The first step of decoding: finds the fields of one record without judging their values.
//!
//! A record is usually read once. A field that holds a decimal or a list keeps its JSON text, because a number must not
//! become a double on the way; any other value is read at once ([`FORMS`]). A record with an unusual value (a string
//! with an escape, a fraction as a sequence number, an array as a name) is read a second time, and then every field
//! keeps its JSON text. So the outcome never depends on the fast way. Such a record costs twice as much, and it is
//! rare.
//!
//! The JSON itself is parsed by `serde_json`.

use std::{cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::field::{FORMS, Field, Form, NAMES, UNKNOWN, index};

/// Value of a field, other than `null`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    /// The text between the quotes of a string that has no escapes and no control characters.
    Text(&'a str),
    /// A whole number.
    Natural(u64),
    /// `true` or `false`.
    Bool(bool),
    /// The valid JSON text of any value.
    Json(&'a str),
}

/// The values of one record.
pub(super) struct Fields<'a> {
    /// The values by the index of their field.
    slots: [Slot<'a>; UNKNOWN + 1],
    /// How many of the numbers that were read so far were rounded.
    pub(super) rounded: Cell<u64>,
}

/// Slot of one field.
#[derive(Clone, Copy, Debug)]
enum Slot<'a> {
    /// The record does not have the field.
    Absent,
    /// The field is `null`: the same as absent, except that the field may not come again.
    Null,
    /// The field has a value.
    Value(Value<'a>),
}

impl<'a> Fields<'a> {
    /// Returns the fields of an empty record.
    pub(super) const fn new() -> Self {
        Self { slots: [Slot::Absent; UNKNOWN + 1], rounded: Cell::new(0) }
    }

    /// Reads one JSON object, in place: returning the fields would copy more than a thousand bytes.
    pub(super) fn read(&mut self, object: &'a str) -> Result<(), serde_json::Error> {
        if is_plain(object) && self.fill(object, Pass::Fast).is_ok() {
            return Ok(());
        }
        *self = Self::new();
        self.fill(object, Pass::Json)
    }

    fn fill(&mut self, object: &'a str, pass: Pass) -> Result<(), serde_json::Error> {
        let mut json = serde_json::Deserializer::from_str(object);
        Filler(self, pass).deserialize(&mut json)?;
        json.end()
    }

    /// Returns the value of a field; `None` if the field is absent or `null`.
    #[inline]
    pub(super) const fn get(&self, field: Field) -> Option<Value<'a>> {
        match self.slots[field as usize] {
            Slot::Absent | Slot::Null => None,
            Slot::Value(value) => Some(value),
        }
    }
}

/// Whether a JSON text has only bytes below 0x7f and no backslash, so that no string in it has an escape or a control
/// character. JSON itself refuses control characters below 0x20 in a string; the others are 0x7f and some characters
/// above it. The loop has no early exit, so that the compiler handles many bytes at a time.
fn is_plain(json: &str) -> bool {
    json.bytes().fold(0, |unusual, byte| unusual | u8::from(byte >= 0x7f) | u8::from(byte == b'\\')) == 0
}

/// How a pass over the record takes the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    /// Each value in the form of its field; fails on an unusual value.
    Fast,
    /// Every value as JSON text.
    Json,
}

/// Fills the slots of a record's fields during a pass.
struct Filler<'f, 'a>(&'f mut Fields<'a>, Pass);

impl<'a> DeserializeSeed<'a> for Filler<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Filler<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        let Self(fields, pass) = self;
        while let Some(index) = map.next_key_seed(FieldIndex)? {
            let slot = &mut fields.slots[index];
            if index != UNKNOWN && !matches!(slot, Slot::Absent) {
                return Err(A::Error::duplicate_field(NAMES[index]));
            }
            *slot = if pass == Pass::Json || FORMS[index] == Form::Json {
                match map.next_value::<&'a RawValue>()?.get() {
                    "null" => Slot::Null,
                    json => Slot::Value(Value::Json(json)),
                }
            } else {
                map.next_value_seed(PlainValue)?
            };
        }
        Ok(())
    }
}

/// Reads a plain value: a text, a whole number, a boolean or `null`. Refuses any other value.
struct PlainValue;

impl<'a> DeserializeSeed<'a> for PlainValue {
    type Value = Slot<'a>;

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<Slot<'a>, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for PlainValue {
    type Value = Slot<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a plain value")
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Slot<'a>, E> {
        Ok(Slot::Value(Value::Text(text)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Slot<'a>, E> {
        Ok(Slot::Value(Value::Natural(number)))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Slot<'a>, E> {
        Ok(Slot::Value(Value::Bool(value)))
    }

    fn visit_unit<E>(self) -> Result<Slot<'a>, E> {
        Ok(Slot::Null)
    }
}

/// Reads a field's name as the index of the field.
struct FieldIndex;

impl<'a> DeserializeSeed<'a> for FieldIndex {
    type Value = usize;

    fn deserialize<D: Deserializer<'a>>(self, name: D) -> Result<usize, D::Error> {
        name.deserialize_identifier(self)
    }
}

impl Visitor<'_> for FieldIndex {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    #[inline]
    fn visit_str<E>(self, name: &str) -> Result<usize, E> {
        Ok(index(name))
    }
}
