//! The JSON Schema of one event line, generated from the types.
//!
//! The derived schema does not know two rules: which of the common fields a type requires, and the years in which a
//! time must lie. They are added here from the same functions and constants that `decode` uses.

use schemars::SchemaGenerator;
use serde_json::{Value, json};

use super::{Event, EventType, decode::YEARS};

/// Returns the JSON Schema of one event, in draft 2020-12.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "the schema is derived from the types, whose names are in the list")]
pub fn schema() -> Value {
    let mut schema = SchemaGenerator::default().into_root_schema_for::<Event<'static>>().to_value();
    schema["title"] = json!("Foreshock event");
    schema["properties"]["ts"]["minimum"] = json!(YEARS.0);
    schema["properties"]["ts"]["exclusiveMaximum"] = json!(YEARS.1);
    let variants = schema["oneOf"].as_array_mut().expect("the schema has a variant for each type");
    for variant in variants {
        let name = &variant["properties"]["type"]["const"];
        let listed = EventType::ALL.into_iter().find(|(_, listed)| name == listed);
        let (kind, _) = listed.expect("a variant's name is the name of a type");
        if kind.requires_account() {
            require(variant, "account");
        }
        if kind.requires_symbol() {
            require(variant, "symbol");
        }
    }
    schema
}

/// Makes one of the common fields required in a variant.
fn require(variant: &mut Value, field: &str) {
    // An optional field may be null; a required one may not. The other rules of a name are in the schema of the common
    // field.
    variant["properties"][field] = json!({ "type": "string" });
    let required = variant["required"].as_array_mut().expect("a variant requires its type");
    required.push(json!(field));
}
