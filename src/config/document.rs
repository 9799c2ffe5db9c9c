//! The file and the environment as one table of values, each with the place where it was set.
//!
//! The file is parsed first; then the variables of the environment are laid over it. Each key and value keeps its
//! place, so that an error can point at it. Unknown keys are found with the JSON Schema of [`RawConfig`], which also
//! gives the hints. Whether a value obeys its rule is not decided here but in `valid`.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use toml::{
    Spanned, Table, Value,
    de::{DeTable, DeValue},
};

use super::{
    error::{ConfigError, SetBy},
    print::schema,
    raw::RawConfig,
    secret::{from_variable, holds_secret},
};
use crate::{nearest::nearest, setting::Invalid};

/// Name of the variable that sets the level of the log. It is the only variable with our prefix that is not a key.
pub const LOG_VARIABLE: &str = "FORESHOCK_LOG";
/// Prefix of the variables that hold keys.
const PREFIX: &str = "FORESHOCK_";

/// A key with the names of all tables around it, from the outermost to the innermost.
type KeyPath = Vec<String>;

/// The values that were read, before they become a configuration.
pub(super) struct Document<'a> {
    /// Name of the file, for messages.
    file: &'a str,
    /// Text of the file.
    text: &'a str,
    table: Table,
    /// The place where each key was set.
    keys: BTreeMap<KeyPath, SetBy>,
    /// The place where each value was set.
    values: BTreeMap<KeyPath, SetBy>,
}

impl<'a> Document<'a> {
    /// Reads the text of a file and lays the variables of the environment over it.
    pub fn read(
        file: &'a str,
        text: &'a str,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let syntax = |e: toml::de::Error| {
            let offset = e.span().map_or(0, |span| span.start);
            ConfigError::new(file, text, &SetBy::File(offset), e.message())
        };
        let spans = DeTable::parse(text).map_err(syntax)?;
        let table = text.parse().map_err(syntax)?;
        let mut document = Self { file, text, table, keys: BTreeMap::new(), values: BTreeMap::new() };
        document.locate_table(&mut Vec::new(), spans.get_ref());
        // Sorted by name, so that the first mistake does not depend on the order of the environment.
        let variables: BTreeMap<String, String> = variables.into_iter().collect();
        for (name, value) in variables {
            if let Some(key) = name.strip_prefix(PREFIX).filter(|_| name != LOG_VARIABLE) {
                document.set(&name, &key.to_lowercase(), &value);
            }
        }
        Ok(document)
    }

    /// Returns the values in the raw form of the configuration.
    pub fn raw(&self) -> Result<RawConfig, ConfigError> {
        self.refuse_unknown(&mut Vec::new(), &self.table, &schema())?;
        serde_path_to_error::deserialize(Value::Table(self.with_instants_as_text())).map_err(|e| {
            let path = e.path().iter().map(ToString::to_string).collect::<KeyPath>();
            self.error(&path, &without_rust_types(e.inner().message()))
        })
    }

    /// Returns the values, with the instants of maintenance windows as texts: TOML lets them stand without quotes.
    fn with_instants_as_text(&self) -> Table {
        let mut table = self.table.clone();
        let windows = table.get_mut("maintenance").and_then(Value::as_array_mut).into_iter().flatten();
        for (_, value) in windows.filter_map(Value::as_table_mut).flatten() {
            if let Value::Datetime(instant) = value {
                *value = Value::String(instant.to_string());
            }
        }
        table
    }

    /// Refuses a secret in the file itself.
    pub fn no_secret(&self) -> Result<(), ConfigError> {
        let client = self.table.get("kafka").and_then(|kafka| kafka.get("client")).and_then(Value::as_table);
        for setting in client.into_iter().flat_map(Table::keys).filter(|setting| holds_secret(setting)) {
            let path = ["kafka", "client", setting].map(str::to_owned);
            if matches!(self.values.get(path.as_slice()), Some(SetBy::File(_))) {
                let variable = setting.to_uppercase().replace('.', "_");
                return Err(self.error(
                    &path,
                    &format!(
                        "a secret must not be in this file: put it into a file of its own and write `\"{setting}_file\" = \"PATH\"`, \
                         or set the environment variable `{PREFIX}KAFKA__CLIENT__{variable}`"
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Makes the error for a value that breaks a rule.
    pub fn invalid(&self, invalid: &Invalid) -> ConfigError {
        self.error(&invalid.path, &invalid.message)
    }

    /// Makes the error for a value, at its own place or at that of the nearest table around it.
    fn error(&self, path: &[String], message: &str) -> ConfigError {
        let set_by = (0..=path.len()).rev().find_map(|n| self.values.get(&path[..n])).unwrap_or(&SetBy::Default);
        ConfigError::new(self.file, self.text, set_by, format!("`{}`: {message}", path.join(".")))
    }

    /// Records where the keys and values of a table are in the file.
    fn locate_table(&mut self, path: &mut KeyPath, table: &DeTable<'_>) {
        for (key, value) in table {
            path.push(key.get_ref().to_string());
            self.keys.insert(path.clone(), SetBy::File(key.span().start));
            self.locate_value(path, value);
            path.pop();
        }
    }

    /// Records where a value is in the file, and all values inside it.
    fn locate_value(&mut self, path: &mut KeyPath, value: &Spanned<DeValue<'_>>) {
        self.values.insert(path.clone(), SetBy::File(value.span().start));
        if let Some(table) = value.get_ref().as_table() {
            self.locate_table(path, table);
        }
        for (i, item) in value.get_ref().as_array().into_iter().flat_map(|array| array.iter().enumerate()) {
            path.push(i.to_string());
            self.locate_value(path, item);
            path.pop();
        }
    }

    /// Lays one variable over the file. The key `kafka__brokers` stands for `kafka.brokers`.
    fn set(&mut self, variable: &str, key: &str, value: &str) {
        let mut path: KeyPath = key.split("__").map(str::to_owned).collect();
        let client = path.len() == 3 && path[..2] == ["kafka", "client"];
        if client {
            // A variable cannot have the dots of librdkafka's names. None of those names has an underscore, so it
            // stands for a dot.
            path[2] = from_variable(&path[2]);
        }
        // A client setting is always text: a password `1e5` is not a number.
        let value = if client || expects_text(&path) { Value::String(value.to_owned()) } else { read_value(value) };
        let set_by = SetBy::Variable(variable.to_owned());
        let mut table = &mut self.table;
        let Some((last, around)) = path.split_last() else { return };
        for name in around {
            let inner = table.entry(name.clone()).or_insert_with(|| Value::Table(Table::new()));
            if !inner.is_table() {
                *inner = Value::Table(Table::new());
            }
            let Value::Table(next) = inner else { return };
            table = next;
        }
        table.insert(last.clone(), value);
        self.values.retain(|known, _| !known.starts_with(&path));
        self.values.insert(path.clone(), set_by.clone());
        for n in 1..=path.len() {
            self.keys.entry(path[..n].to_vec()).or_insert_with(|| set_by.clone());
        }
        self.keys.insert(path, set_by);
    }

    /// Refuses the first key that the schema does not have.
    fn refuse_unknown(&self, path: &mut KeyPath, table: &Table, schema: &serde_json::Value) -> Result<(), ConfigError> {
        let Some(properties) = schema["properties"].as_object() else { return Ok(()) };
        for (key, value) in table {
            path.push(key.clone());
            match (properties.get(key), value) {
                (None, _) => return Err(self.unknown_key(path, properties)),
                (Some(inner), Value::Table(table)) => self.refuse_unknown(path, table, inner)?,
                (Some(inner), Value::Array(items)) => self.refuse_unknown_in(path, items, &inner["items"])?,
                (Some(_), _) => {}
            }
            path.pop();
        }
        Ok(())
    }

    /// Refuses the first key that the schema of an array's tables does not have.
    fn refuse_unknown_in(
        &self,
        path: &mut KeyPath,
        items: &[Value],
        schema: &serde_json::Value,
    ) -> Result<(), ConfigError> {
        for (nth, table) in items.iter().enumerate().filter_map(|(nth, item)| Some((nth, item.as_table()?))) {
            path.push(nth.to_string());
            self.refuse_unknown(path, table, schema)?;
            path.pop();
        }
        Ok(())
    }

    /// Makes the error for an unknown key, with a hint at the key that was most likely meant.
    fn unknown_key(&self, path: &KeyPath, properties: &serde_json::Map<String, serde_json::Value>) -> ConfigError {
        let key = path.last().map_or("", String::as_str);
        let hint = match nearest(key, properties.keys().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => match section_of(key, &schema()) {
                Some(section) => format!("it belongs in `[{section}]`"),
                None => format!("expected {}", list(properties.keys())),
            },
        };
        let set_by = self.keys.get(path).unwrap_or(&SetBy::Default);
        ConfigError::new(self.file, self.text, set_by, format!("unknown key `{}`: {hint}", path.join(".")))
    }
}

/// Returns the section that has this key.
fn section_of(key: &str, schema: &serde_json::Value) -> Option<String> {
    let sections = schema["properties"].as_object()?;
    sections.iter().find(|(_, section)| section["properties"].get(key).is_some()).map(|(name, _)| name.clone())
}

fn list<'a>(keys: impl Iterator<Item = &'a String>) -> String {
    keys.map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}

/// Whether the key at this path holds a text, so that `12` from the environment is read as a text.
fn expects_text(path: &[String]) -> bool {
    let schema = schema();
    let found = path.iter().try_fold(&schema, |schema, key| schema["properties"].get(key));
    let is_text = |kind: &serde_json::Value| kind == "string";
    found.is_some_and(|found| {
        is_text(&found["type"]) || found["type"].as_array().is_some_and(|all| all.iter().any(is_text))
    })
}

/// Reads the text of a variable as a TOML value, or takes it as a text if it is none.
fn read_value(text: &str) -> Value {
    toml::de::ValueDeserializer::parse(text)
        .and_then(Value::deserialize)
        .unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// Returns the deserializer's message without the names of Rust types.
fn without_rust_types(message: &str) -> String {
    let expected = [
        ("expected usize", "expected a whole number"),
        ("expected u64", "expected a whole number"),
        ("expected u32", "expected a whole number"),
        ("expected f64", "expected a number"),
        ("expected a sequence", "expected an array"),
        ("expected a map", "expected a table"),
        ("expected a boolean", "expected true or false"),
    ];
    match message.split_once("expected struct") {
        Some((before, _)) => format!("{before}expected a table"),
        None => expected.iter().fold(message.trim().to_owned(), |message, (from, to)| message.replace(from, to)),
    }
}
