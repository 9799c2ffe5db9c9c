//! The JSON Schema of one event line, generated from the types.
//!
//! What the derive cannot know is added from the same sources that `decode` uses: which of the common fields a type requires
//! ([`EventType::key`](super::EventType::key)) and the years that a time may lie in.

use schemars::SchemaGenerator;
use serde_json::{Value, json};

use super::{Event, EventType, Key, decode::YEARS};

/// The schema of one event, draft 2020-12.
#[must_use]
pub fn schema() -> Value {
    let mut schema = SchemaGenerator::default().into_root_schema_for::<Event<'static>>().to_value();
    schema["title"] = json!("Foreshock event");
    schema["properties"]["ts"]["minimum"] = json!(YEARS.0);
    schema["properties"]["ts"]["exclusiveMaximum"] = json!(YEARS.1);
    for variant in schema["oneOf"].as_array_mut().into_iter().flatten() {
        let name = variant["properties"]["type"]["const"].as_str().unwrap_or_default();
        let known = EventType::ALL.into_iter().find(|(_, known)| *known == name);
        for field in known.map_or(&[][..], |(kind, _)| required(kind)) {
            require(variant, field);
        }
    }
    schema
}

/// The common fields that this type cannot do without.
fn required(kind: EventType) -> &'static [&'static str] {
    match kind.key() {
        Key::Symbol => &["symbol"],
        // A position is an account's in a symbol.
        Key::Account if kind == EventType::Position => &["account", "symbol"],
        Key::Account => &["account"],
        Key::Any => &[],
    }
}

fn require(variant: &mut Value, field: &str) {
    // An optional field may be null; a required one may not. The rest of what a name is stands in the common field.
    variant["properties"][field] = json!({ "type": "string" });
    if let Some(required) = variant["required"].as_array_mut() {
        required.push(json!(field));
    }
}
