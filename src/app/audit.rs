//! Reads the audit log: the inputs that the service decided on by its clock, one JSON object in each line or record.
//!
//! An input is published in the same transaction as the outputs that it influences. So a replay that reads the inputs puts out
//! the same alerts, and a restart goes on from the same state. Inputs are numbered, so that one that a snapshot contains already
//! is not handled twice. `replay --inputs` reads them from the topic, or from a file with the topic's values as lines.
//!
//! The log also says at which records a process stopped by a fault of its own, so that the next ones can leave out a record that
//! stops each of them.

use std::{collections::BTreeSet, path::Path};

use rdkafka::Message as _;
use serde::{Deserialize, Serialize};

use super::{
    Exit, Failure, Interrupt,
    files::LineReader,
    kafka::{self, range, topics},
};
use crate::{config::Kafka, engine::Recorded, time::WallTime};

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The service that decided: its transactional id, which is also the record's key.
    pub service: String,
    /// Time of the decision, by this machine's clock.
    pub recorded_at: WallTime,
    /// Number of the input among the service's, from 1.
    pub number: u64,
    /// The input.
    pub input: Recorded,
}

/// A record at which a process stopped by a fault of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Crash {
    /// The record's topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The number of the partition's log.
    pub generation: u32,
    /// The offset.
    pub offset: i64,
}

/// The entry of a crash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CrashEntry {
    /// The service: its transactional id, which is also the record's key.
    pub service: String,
    /// Time of the crash, by this machine's clock.
    pub recorded_at: WallTime,
    /// The record.
    pub crash: Crash,
}

/// The lines that a service has written into the log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log {
    /// The inputs, in the order of their numbers.
    pub inputs: Vec<Entry>,
    /// The records at which a process stopped, in the order of the log.
    pub crashes: Vec<Crash>,
}

impl Entry {
    /// Reads one line; `None` where it is an entry of another kind.
    fn read(bytes: &[u8], location: &dyn Fn() -> String) -> Result<Option<Self>, Failure> {
        let wrong = |e: serde_json::Error| {
            let what = format!("`{}`: expected an entry of the audit log in JSON: {e}", location());
            Failure::new(Exit::Input, what)
        };
        let entry: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(bytes).map_err(wrong)?;
        if entry.contains_key("input") { serde_json::from_slice(bytes).map(Some).map_err(wrong) } else { Ok(None) }
    }
}

/// Reads the inputs in a file, in the order of their numbers.
///
/// # Errors
/// Exit 65 where a line is no entry.
pub fn of_file(path: &Path, service: Option<&str>) -> Result<Vec<Entry>, Failure> {
    let mut reader = LineReader::open(&[path.to_path_buf()])?;
    let mut entries = Vec::new();
    while let Some(line) = reader.next_line()? {
        let location = || format!("{}:{}", path.display(), line.number);
        entries.extend(Entry::read(line.bytes, &location)?);
    }
    of_one(entries, service)
}

/// Reads the inputs in a topic, in the order of their numbers.
///
/// # Errors
/// Exit 69 where Kafka is not there, 65 where a record is no entry.
pub fn of_topic(
    kafka: &Kafka,
    topic: &str,
    service: Option<&str>,
    interrupt: &Interrupt,
) -> Result<Vec<Entry>, Failure> {
    log_of_topic(kafka, topic, service, interrupt).map(|log| log.inputs)
}

/// Reads a topic.
///
/// # Errors
/// Exit 69 where Kafka is not there, 65 where a record is no entry.
pub fn log_of_topic(kafka: &Kafka, topic: &str, service: Option<&str>, interrupt: &Interrupt) -> Result<Log, Failure> {
    let ranges = topics::ranges(kafka, topic)?;
    let mut log = Log::default();
    range::read(&kafka::consumer(kafka), &ranges, interrupt, |_, message| {
        // Records with another service's key may hold anything.
        if service.is_some_and(|service| message.key() != Some(service.as_bytes())) {
            return Ok(());
        }
        let location = || format!("{topic}:{}:{}", message.partition(), message.offset());
        let bytes = message.payload().unwrap_or_default();
        log.inputs.extend(Entry::read(bytes, &location)?);
        log.crashes.extend(serde_json::from_slice(bytes).ok().map(|CrashEntry { crash, .. }| crash));
        Ok(())
    })?;
    Ok(Log { inputs: of_one(log.inputs, service)?, ..log })
}

/// The entries of the named service, or of the only one.
fn of_one(mut entries: Vec<Entry>, service: Option<&str>) -> Result<Vec<Entry>, Failure> {
    if let Some(service) = service {
        entries.retain(|entry| entry.service == service);
    }
    let services: BTreeSet<&str> = entries.iter().map(|entry| entry.service.as_str()).collect();
    if services.len() > 1 {
        let names: Vec<&str> = services.into_iter().collect();
        let what = format!("the inputs are of several services ({}): name one's `--config`", names.join(", "));
        return Err(Failure::usage(what));
    }
    entries.sort_by_key(|entry| entry.number);
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::EventTime;

    fn entry(service: &str, number: u64) -> Entry {
        let input = Recorded::Idle {
            topic: "t".to_owned(),
            partition: 0,
            after_offset: Some(3),
            generation: 0,
            until: EventTime::from_nanos(9),
        };
        Entry { service: service.to_owned(), recorded_at: WallTime::from_nanos(1), number, input }
    }

    #[test]
    fn entries_of_another_kind_are_skipped_and_other_lines_refused() {
        let read = |text: &str| Entry::read(text.as_bytes(), &|| "x:1".to_owned());
        let text = serde_json::to_string(&entry("a", 1)).unwrap();
        assert_eq!(read(&text), Ok(Some(entry("a", 1))));
        assert_eq!(read(r#"{"service":"a","operator":"somebody"}"#), Ok(None));
        assert!(read("[]").is_err() && read(r#"{"input":{"kind":"else"}}"#).is_err());
    }

    #[test]
    fn entries_are_of_one_service() {
        let both = vec![entry("b", 2), entry("a", 1), entry("b", 1)];
        assert_eq!(of_one(both.clone(), Some("b")), Ok(vec![entry("b", 1), entry("b", 2)]));
        assert_eq!(of_one(both, None).map_err(|failure| failure.exit), Err(Exit::Usage));
    }
}
