//! The default configuration as commented TOML, made from the types: descriptions from their docs, values from `Default`.

use std::fmt::Write as _;

use serde_json::Value as Json;
use toml::{Table, Value};

use super::RawConfig;

/// The longest line of a comment.
const COLUMNS: usize = 100;

/// The JSON Schema of the whole file with everything in place, so that a key's path is its path in the schema.
pub(super) fn schema() -> Json {
    let settings = schemars::generate::SchemaSettings::default().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<RawConfig>().to_value()
}

/// Every key with its default and what it means. It reads back as the default configuration.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "the defaults are values of TOML")]
pub fn default_toml() -> String {
    let defaults = Table::try_from(RawConfig::default()).expect("the defaults are values of TOML");
    let mut out = String::from("# The defaults of every key. Any key can come from the environment:\n");
    out.push_str("# FORESHOCK_KAFKA__BROKERS is `brokers` in `[kafka]`.\n");
    table(&mut out, "", &schema(), &defaults);
    out
}

/// The keys of one table first, then the tables inside it: TOML's own order.
fn table(out: &mut String, path: &str, schema: &Json, values: &Table) {
    let Some(properties) = schema["properties"].as_object() else { return };
    let inner = |key: &str| values.get(key).and_then(Value::as_table);
    for (key, property) in properties.iter().filter(|(key, _)| inner(key).is_none()) {
        comment(out, property);
        // Without a default it is commented out, so that the text still says that the key exists.
        let _ = match values.get(key) {
            Some(value) => writeln!(out, "{key} = {value}"),
            None => writeln!(out, "# {key} = …"),
        };
    }
    for (key, property) in properties {
        let Some(values) = inner(key) else { continue };
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        out.push('\n');
        comment(out, property);
        let _ = writeln!(out, "[{path}]");
        table(out, &path, property, values);
    }
}

fn comment(out: &mut String, property: &Json) {
    let mut line = String::from("#");
    for word in property["description"].as_str().unwrap_or_default().split_whitespace() {
        if line.len() + 1 + word.len() > COLUMNS {
            out.push_str(&line);
            out.push('\n');
            line.truncate(1);
        }
        line.push(' ');
        line.push_str(word);
    }
    if line.len() > 1 {
        out.push_str(&line);
        out.push('\n');
    }
}
