//! Prints the default configuration as commented TOML.
//!
//! The text is made from the types, so it cannot differ from them: the comments are the doc comments of [`RawConfig`],
//! the values are its `Default`.

use std::fmt::Write as _;

use serde_json::Value as Json;
use toml::{Table, Value};

use super::RawConfig;

/// Longest line of a comment, in bytes.
const COLUMNS: usize = 100;

/// Returns the JSON Schema of the whole file. Subschemas are inlined, so that the path of a key is its path in the
/// schema.
pub(super) fn schema() -> Json {
    let settings = schemars::generate::SchemaSettings::default().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<RawConfig>().to_value()
}

/// Returns every key with its meaning and its default, as TOML. The text reads back as the default configuration.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "the defaults are values of TOML")]
pub fn default_toml() -> String {
    let defaults = Table::try_from(RawConfig::default()).expect("the defaults are values of TOML");
    let mut out = String::from("# The defaults of every key. Any key can come from the environment:\n");
    out.push_str("# FORESHOCK_KAFKA__BROKERS is `brokers` in `[kafka]`.\n");
    write_table(&mut out, "", &schema(), &defaults);
    out
}

/// Writes the keys of one table, then the tables inside it, which is the order that TOML requires.
fn write_table(out: &mut String, path: &str, schema: &Json, values: &Table) {
    let Some(properties) = schema["properties"].as_object() else { return };
    let inner = |key: &str| values.get(key).and_then(Value::as_table);
    for (key, property) in properties.iter().filter(|(key, _)| inner(key).is_none()) {
        write_comment(out, property);
        // A key without a default is commented out, so that the text still shows that the key exists.
        let _ = match values.get(key) {
            Some(value) => writeln!(out, "{key} = {value}"),
            None => writeln!(out, "# {key} = …"),
        };
    }
    for (key, property) in properties {
        let Some(values) = inner(key) else { continue };
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        out.push('\n');
        write_comment(out, property);
        let _ = writeln!(out, "[{path}]");
        write_table(out, &path, property, values);
    }
}

/// Writes a key's description as a comment, in lines of at most [`COLUMNS`].
fn write_comment(out: &mut String, property: &Json) {
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
