//! The file and the environment as one table of values, each with where it came from.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use toml::{
    Spanned, Table, Value,
    de::{DeTable, DeValue},
};

use super::{
    error::{ConfigError, Origin},
    print::schema,
    raw::RawConfig,
    secret::{from_variable, holds_secret},
    valid::Invalid,
};
use crate::nearest::nearest;

/// The one variable with our prefix that is no key: the level of the log.
pub const LOG_VARIABLE: &str = "FORESHOCK_LOG";
/// What the variables begin with that hold keys.
const PREFIX: &str = "FORESHOCK_";

/// A key with all tables around it, from the outside in.
pub(super) type Path = Vec<String>;

/// What was read, before it is understood.
pub(super) struct Document<'a> {
    file: &'a str,
    text: &'a str,
    table: Table,
    keys: BTreeMap<Path, Origin>,
    values: BTreeMap<Path, Origin>,
}

impl<'a> Document<'a> {
    pub fn read(
        file: &'a str,
        text: &'a str,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let syntax = |e: toml::de::Error| {
            let offset = e.span().map_or(0, |span| span.start);
            ConfigError::new(file, text, &Origin::File(offset), e.message())
        };
        let spans = DeTable::parse(text).map_err(syntax)?;
        let table = text.parse().map_err(syntax)?;
        let mut document = Self { file, text, table, keys: BTreeMap::new(), values: BTreeMap::new() };
        document.note_table(&mut Vec::new(), spans.get_ref());
        // In the order of their names, so that the first mistake is the same whatever the environment's order is.
        let variables: BTreeMap<String, String> = variables.into_iter().collect();
        for (name, value) in variables {
            if let Some(key) = name.strip_prefix(PREFIX).filter(|_| name != LOG_VARIABLE) {
                document.set(&name, &key.to_lowercase(), &value);
            }
        }
        Ok(document)
    }

    /// The values as the configuration's raw form.
    pub fn raw(&self) -> Result<RawConfig, ConfigError> {
        self.known(&mut Vec::new(), &self.table, &schema())?;
        serde_path_to_error::deserialize(Value::Table(self.table.clone())).map_err(|e| {
            let path = e.path().iter().map(ToString::to_string).collect::<Path>();
            self.error(&path, &plain(e.inner().message()))
        })
    }

    /// Refuses a secret that stands in the file itself.
    pub fn no_secret(&self) -> Result<(), ConfigError> {
        let client = self.table.get("kafka").and_then(|kafka| kafka.get("client")).and_then(Value::as_table);
        for setting in client.into_iter().flat_map(Table::keys).filter(|setting| holds_secret(setting)) {
            let path = ["kafka", "client", setting].map(str::to_owned);
            if matches!(self.values.get(path.as_slice()), Some(Origin::File(_))) {
                let variable = setting.to_uppercase().replace('.', "_");
                return Err(self.error(
                    &path,
                    &format!(
                        "a secret does not stand here: put it into a file of its own and write `\"{setting}_file\" = \"PATH\"`, \
                         or set the environment variable `{PREFIX}KAFKA__CLIENT__{variable}`"
                    ),
                ));
            }
        }
        Ok(())
    }

    /// A value that breaks a rule, at its place.
    pub fn invalid(&self, invalid: &Invalid) -> ConfigError {
        self.error(&invalid.path, &invalid.message)
    }

    fn error(&self, path: &[String], message: &str) -> ConfigError {
        let origin = (0..=path.len()).rev().find_map(|n| self.values.get(&path[..n])).unwrap_or(&Origin::Default);
        ConfigError::new(self.file, self.text, origin, format!("`{}`: {message}", path.join(".")))
    }

    fn note_table(&mut self, path: &mut Path, table: &DeTable<'_>) {
        for (key, value) in table {
            path.push(key.get_ref().to_string());
            self.keys.insert(path.clone(), Origin::File(key.span().start));
            self.note_value(path, value);
            path.pop();
        }
    }

    fn note_value(&mut self, path: &mut Path, value: &Spanned<DeValue<'_>>) {
        self.values.insert(path.clone(), Origin::File(value.span().start));
        if let Some(table) = value.get_ref().as_table() {
            self.note_table(path, table);
        }
        for (i, item) in value.get_ref().as_array().into_iter().flat_map(|array| array.iter().enumerate()) {
            path.push(i.to_string());
            self.note_value(path, item);
            path.pop();
        }
    }

    /// Lays one variable over the file: `kafka__brokers` is `kafka.brokers`.
    fn set(&mut self, variable: &str, key: &str, value: &str) {
        let mut path: Path = key.split("__").map(str::to_owned).collect();
        let client = path.len() == 3 && path[..2] == ["kafka", "client"];
        if client {
            // A variable cannot have the dots of librdkafka's names, and none of those has an underscore.
            path[2] = from_variable(&path[2]);
        }
        // A client setting is text whatever it looks like: a password `1e5` is no number.
        let value = if client || expects_text(&path) { Value::String(value.to_owned()) } else { read_value(value) };
        let origin = Origin::Variable(variable.to_owned());
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
        self.values.insert(path.clone(), origin.clone());
        for n in 1..=path.len() {
            self.keys.entry(path[..n].to_vec()).or_insert_with(|| origin.clone());
        }
        self.keys.insert(path, origin);
    }

    /// Refuses the first key that the schema does not have.
    fn known(&self, path: &mut Path, table: &Table, schema: &serde_json::Value) -> Result<(), ConfigError> {
        let Some(properties) = schema["properties"].as_object() else { return Ok(()) };
        for (key, value) in table {
            path.push(key.clone());
            match (properties.get(key), value) {
                (None, _) => return Err(self.unknown(path, properties)),
                (Some(inner), Value::Table(table)) => self.known(path, table, inner)?,
                (Some(_), _) => {}
            }
            path.pop();
        }
        Ok(())
    }

    fn unknown(&self, path: &Path, properties: &serde_json::Map<String, serde_json::Value>) -> ConfigError {
        let key = path.last().map_or("", String::as_str);
        let hint = match nearest(key, properties.keys().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => match elsewhere(key, &schema()) {
                Some(section) => format!("it belongs into `[{section}]`"),
                None => format!("expected {}", list(properties.keys())),
            },
        };
        let origin = self.keys.get(path).unwrap_or(&Origin::Default);
        ConfigError::new(self.file, self.text, origin, format!("unknown key `{}`: {hint}", path.join(".")))
    }
}

/// The section that has this key.
fn elsewhere(key: &str, schema: &serde_json::Value) -> Option<String> {
    let sections = schema["properties"].as_object()?;
    sections.iter().find(|(_, section)| section["properties"].get(key).is_some()).map(|(name, _)| name.clone())
}

fn list<'a>(keys: impl Iterator<Item = &'a String>) -> String {
    keys.map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}

/// Whether the key at this path holds a text, so that the environment's `12` is meant as one.
fn expects_text(path: &[String]) -> bool {
    let schema = schema();
    let found = path.iter().try_fold(&schema, |schema, key| schema["properties"].get(key));
    let is_text = |kind: &serde_json::Value| kind == "string";
    found.is_some_and(|found| {
        is_text(&found["type"]) || found["type"].as_array().is_some_and(|all| all.iter().any(is_text))
    })
}

/// A variable's text as a TOML value, or as the text that it is.
fn read_value(text: &str) -> Value {
    toml::de::ValueDeserializer::parse(text)
        .and_then(Value::deserialize)
        .unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// The deserializer's words without the names of Rust's types.
fn plain(message: &str) -> String {
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
        None => expected.iter().fold(message.trim().to_owned(), |words, (from, to)| words.replace(from, to)),
    }
}
