//! Counts events of types that this version does not know, by name.
//!
//! Such events are accepted, because a venue's topic may carry more than we know. A mistyped name looks the same, so `replay` and
//! `convert` report the names at their end, each with the known type that was most likely meant.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;

use crate::{event::EventType, nearest::nearest};

/// How many different names are counted one by one; records of further names are counted together.
const NAMES_MAX: usize = 1_000;
/// How many names are reported.
const REPORTED_MAX: usize = 8;
/// How many characters of a name are kept: the longest known type has 14.
const NAME_CHARS_MAX: usize = 40;

/// Events of unknown types so far.
#[derive(Debug, Default)]
pub struct UnknownTypes {
    total: u64,
    by_name: BTreeMap<String, u64>,
}

/// The field of a record that is read here.
#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(borrow, rename = "type")]
    name: Cow<'a, str>,
}

impl UnknownTypes {
    /// Counts the event of a record with these bytes, which was decoded and is of an unknown type.
    pub fn take(&mut self, bytes: &[u8]) {
        self.total += 1;
        let Ok(Typed { name }) = serde_json::from_slice(bytes) else { return };
        let name: String = name.chars().take(NAME_CHARS_MAX).collect();
        if self.by_name.len() < NAMES_MAX || self.by_name.contains_key(&name) {
            *self.by_name.entry(name).or_default() += 1;
        }
    }

    /// Describes the events so far: their number, their names, and the known types most likely meant. `None` where there were none.
    pub fn report(&self) -> Option<String> {
        if self.total == 0 {
            return None;
        }
        let mut names: Vec<(&String, u64)> = self.by_name.iter().map(|(name, n)| (name, *n)).collect();
        names.sort_by_key(|(name, n)| (std::cmp::Reverse(*n), *name));
        let shown: Vec<String> = names.iter().take(REPORTED_MAX).map(|(name, n)| described(name, *n)).collect();
        let rest = self.total - names.iter().take(REPORTED_MAX).map(|(_, n)| n).sum::<u64>();
        let rest = if rest > 0 { format!(", other names {rest} times") } else { String::new() };
        let events = if self.total == 1 { "1 event".to_owned() } else { format!("{} events", self.total) };
        Some(format!("{events} of unknown types, counted and otherwise without effect: {}{rest}", shown.join(", ")))
    }
}

fn described(name: &str, n: u64) -> String {
    let known = EventType::ALL.iter().filter(|(kind, _)| *kind != EventType::Unknown).map(|(_, known)| *known);
    let meant =
        nearest(&name.to_lowercase(), known).map_or_else(String::new, |known| format!(" (did you mean `{known}`?)"));
    let times = if n == 1 { "once".to_owned() } else { format!("{n} times") };
    format!("`{}` {times}{meant}", name.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Body, DecodeLimits, decode};

    fn report(lines: &[String]) -> Option<String> {
        let mut unknown = UnknownTypes::default();
        for line in lines {
            let event = decode(line.as_bytes(), DecodeLimits::default()).unwrap();
            assert_eq!(event.body, Body::Unknown);
            unknown.take(line.as_bytes());
        }
        unknown.report()
    }

    fn line(name: &str) -> String {
        format!("{{\"ts\":1760130000123456789,\"type\":\"{name}\",\"order\":{{\"nested\":[1e999]}}}}")
    }

    #[test]
    fn nothing_is_reported_without_an_unknown_type() {
        assert_eq!(report(&[]), None);
    }

    #[test]
    fn a_mistyped_name_finds_the_type_that_was_meant() {
        for (name, meant) in [
            ("order_nwe", "order_new"),
            ("Order-New", "order_new"),
            ("orderCancel", "order_cancel"),
            ("TRADE", "trade"),
            ("hart\\u0062eat", "heartbeat"),
        ] {
            let report = report(&[line(name)]).unwrap();
            assert!(report.ends_with(&format!("once (did you mean `{meant}`?)")), "{report}");
        }
        let report = report(&[line("auction")]).unwrap();
        assert!(report.ends_with("`auction` once"), "{report}");
    }

    #[test]
    fn the_most_frequent_names_are_reported_and_the_others_counted() {
        let mut lines = vec![line("wager"), line("wager"), line("wager")];
        lines.extend((0..2_000).map(|i| line(&format!("kind {i:04}"))));
        let report = report(&lines).unwrap();
        assert!(report.starts_with("2003 events of unknown types"), "{report}");
        assert!(report.contains(": `wager` 3 times, `kind 0000` once, "), "{report}");
        assert!(report.ends_with("`kind 0006` once, other names 1993 times"), "{report}");
    }

    #[test]
    fn a_name_is_cut_and_harmless_on_a_terminal() {
        let report = report(&[line(&format!("\\u001b[2J{}", "x".repeat(100_000)))]).unwrap();
        assert!(report.contains("`\\u{1b}[2Jxxx") && report.len() < 200, "{report}");
    }
}
