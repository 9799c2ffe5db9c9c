//! The difference between two configurations, key by key, and what it means to a process that runs.
//!
//! A process can change the settings of detectors, calendars and maintenance windows while it runs, because a change of these is an
//! input of the engine. Everything else was used when the process began: its clients, its listener, its limits. A newer
//! configuration that differs in such a key is refused as a whole, so that a process never runs under a half of a file.
//!
//! Values are shown only for the keys that can change, none of which is a secret.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde_json::Value;

use super::RawConfig;

/// The sections that a process can change while it runs.
const RELOADABLE: [&str; 4] = ["detect", "override", "calendar", "maintenance"];

/// The values of all keys as they were written, defaults included. They may hold secrets, so nothing prints them.
#[derive(Clone, PartialEq)]
pub struct Written(Value);

/// A key with another value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key with the tables around it, such as `detect.cancel_burst.a_min`.
    pub key: String,
    /// The value before, as JSON; `None` where the key was not set.
    pub before: Option<String>,
    /// The value now.
    pub now: Option<String>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "not set".to_owned());
        write!(f, "{}: {} -> {}", self.key, value(&self.before), value(&self.now))
    }
}

/// The meaning of a newer configuration to a process that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Nothing differs.
    Nothing,
    /// Only settings differ that can change now.
    Settings(Vec<Change>),
    /// These keys need a restart.
    NeedsRestart(Vec<String>),
}

impl Written {
    /// Keeps what was written.
    pub(super) fn of(raw: &RawConfig) -> Self {
        Self(serde_json::to_value(raw).expect("a configuration is numbers and texts in tables"))
    }

    /// Compares a newer configuration with this one.
    #[must_use]
    pub fn compare(&self, newer: &Self) -> Difference {
        let changes = changes(&self.0, &newer.0);
        let section = |key: &str| key.split('.').next().map(str::to_owned).unwrap_or_default();
        let (reloadable, others): (Vec<Change>, Vec<Change>) =
            changes.into_iter().partition(|change| RELOADABLE.contains(&section(&change.key).as_str()));
        match (reloadable.is_empty(), others.is_empty()) {
            (true, true) => Difference::Nothing,
            (false, true) => Difference::Settings(reloadable),
            (_, false) => Difference::NeedsRestart(others.into_iter().map(|change| change.key).collect()),
        }
    }
}

/// Returns the keys whose values differ, in alphabetical order. A list of tables is compared by position: its first table is `0`.
#[must_use]
pub fn changes(before: &Value, now: &Value) -> Vec<Change> {
    let (before, now) = (by_key(before), by_key(now));
    let keys: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let differing = keys.into_iter().filter(|key| before.get(*key) != now.get(*key));
    let change =
        |key: &String| Change { key: key.clone(), before: before.get(key).cloned(), now: now.get(key).cloned() };
    differing.map(change).collect()
}

/// Returns each value that is no table, as JSON, by its key.
fn by_key(tables: &Value) -> BTreeMap<String, String> {
    let (mut found, mut open) = (BTreeMap::new(), vec![(String::new(), tables)]);
    while let Some((key, value)) = open.pop() {
        let inner = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") };
        match value {
            Value::Null => {}
            Value::Object(table) => open.extend(table.iter().map(|(name, value)| (inner(name), value))),
            Value::Array(items) if items.iter().any(Value::is_object) => {
                open.extend(items.iter().enumerate().map(|(nth, value)| (inner(&nth.to_string()), value)));
            }
            Value::Array(_) | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                found.insert(key, value.to_string());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn written(text: &str) -> Written {
        Config::read("f.toml", text, std::iter::empty()).unwrap().1
    }

    fn compare(before: &str, now: &str) -> Difference {
        written(before).compare(&written(now))
    }

    fn change(key: &str, before: Option<&str>, now: Option<&str>) -> Change {
        Change { key: key.to_owned(), before: before.map(str::to_owned), now: now.map(str::to_owned) }
    }

    #[test]
    fn the_same_settings_in_other_words_differ_in_nothing() {
        assert_eq!(compare("", "[detect.thin_book]\nstate = \"on\"\n[http]\n"), Difference::Nothing);
    }

    #[test]
    fn every_changed_setting_is_named_with_both_values() {
        let before = "[detect.cancel_burst]\na_min = 5\n[[maintenance]]\nname = \"a\"\nfrom = 2026-01-01T00:00:00Z\nuntil = 2026-01-01T01:00:00Z\n";
        let now = "[detect.cancel_burst]\na_min = 7\n[detect.thin_book]\nstate = \"off\"\n[[override]]\nsymbols = [\"A*\"]\n[override.detect.cancel_burst]\na_min = 9\n";
        let expected = [
            change("detect.cancel_burst.a_min", Some("5"), Some("7")),
            change("detect.thin_book.state", Some("\"on\""), Some("\"off\"")),
            change("maintenance.0.from", Some("\"2026-01-01T00:00:00Z\""), None),
            change("maintenance.0.name", Some("\"a\""), None),
            change("maintenance.0.symbols", Some("[\"*\"]"), None),
            change("maintenance.0.until", Some("\"2026-01-01T01:00:00Z\""), None),
            change("override.0.detect.cancel_burst.a_min", None, Some("9")),
            change("override.0.symbols", None, Some("[\"A*\"]")),
        ];
        let Difference::Settings(mut changes) = compare(before, now) else { panic!("it needs a restart") };
        // An empty list of hours or of overrides says nothing.
        changes.retain(|change| change.before.as_deref() != Some("[]") && change.now.as_deref() != Some("[]"));
        assert_eq!(changes, expected);
        assert_eq!(changes[0].to_string(), "detect.cancel_burst.a_min: 5 -> 7");
        assert_eq!(changes[7].to_string(), "override.0.symbols: not set -> [\"A*\"]");
    }

    #[test]
    fn a_key_that_needs_a_restart_refuses_the_whole_and_is_named_without_its_value() {
        let before = "[kafka]\nbrokers = \"a:1\"\n";
        let now = "[kafka]\nbrokers = \"b:1\"\n[kafka.client]\n\"ssl.ca.location\" = \"/x\"\n[engine]\naccount_shards = 4\n\
                   [limits]\nsymbols_max = 9\n[detect.cancel_burst]\na_min = 7\n";
        let keys = ["engine.account_shards", "kafka.brokers", "kafka.client.ssl.ca.location", "limits.symbols_max"];
        assert_eq!(compare(before, now), Difference::NeedsRestart(keys.map(str::to_owned).to_vec()));
    }

    #[test]
    fn a_secret_of_the_environment_is_never_a_value_of_a_change() {
        let with = |secret: &str| {
            let variables = [("FORESHOCK_KAFKA__CLIENT__SASL_PASSWORD".to_owned(), secret.to_owned())];
            Config::read("f.toml", "", variables).unwrap().1
        };
        let difference = with("one-secret").compare(&with("another-secret"));
        assert_eq!(difference, Difference::NeedsRestart(vec!["kafka.client.sasl.password".to_owned()]));
    }
}
