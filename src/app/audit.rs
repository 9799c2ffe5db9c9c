//! The audit log, as far as there is one: the inputs that the service decided on, one JSON object a line or record.
//!
//! They are published in the transaction of what they influence, so a replay that reads them repeats what was said, and a restart
//! goes on from the same state. They are numbered, so that one which a snapshot holds already is not taken twice.
//! `replay --inputs` reads them from the topic, or from a file with its values as lines.

use std::{collections::BTreeSet, path::Path};

use rdkafka::Message as _;
use serde::{Deserialize, Serialize};

use super::{
    Exit, Failure, Interrupt,
    files::LineReader,
    kafka::{self, range, topics},
};
use crate::{config::Kafka, engine::Recorded, time::WallTime};

/// One entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The service that says so: its transactional id, which is also the record's key.
    pub service: String,
    /// When, by this machine's clock.
    pub recorded_at: WallTime,
    /// Which of the service's inputs, from 1.
    pub number: u64,
    /// What was decided.
    pub input: Recorded,
}

impl Entry {
    /// Reads one line. `None` where it is an entry of another kind.
    fn read(bytes: &[u8], place: &dyn Fn() -> String) -> Result<Option<Self>, Failure> {
        let wrong = |e: serde_json::Error| {
            let what = format!("`{}`: expected an entry of the audit log in JSON: {e}", place());
            Failure::new(Exit::Input, what)
        };
        let entry: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(bytes).map_err(wrong)?;
        if entry.contains_key("input") { serde_json::from_slice(bytes).map(Some).map_err(wrong) } else { Ok(None) }
    }
}

/// The inputs in a file, in its order.
///
/// # Errors
/// Exit 65 where a line is something else.
pub fn of_file(path: &Path, service: Option<&str>) -> Result<Vec<Entry>, Failure> {
    let mut reader = LineReader::open(&[path.to_path_buf()])?;
    let mut entries = Vec::new();
    while let Some(line) = reader.next_line()? {
        let place = || format!("{}:{}", path.display(), line.number);
        entries.extend(Entry::read(line.bytes, &place)?);
    }
    of_one(entries, service)
}

/// The inputs in a topic, in the order of their numbers.
///
/// # Errors
/// Exit 69 where Kafka is not there, 65 where a record is something else.
pub fn of_topic(
    kafka: &Kafka,
    topic: &str,
    service: Option<&str>,
    interrupt: &Interrupt,
) -> Result<Vec<Entry>, Failure> {
    let ranges = topics::ranges(kafka, topic)?;
    let mut entries = Vec::new();
    range::read(&kafka::consumer(kafka), &ranges, interrupt, |_, message| {
        // What stands under another's key may be anything.
        if service.is_some_and(|service| message.key() != Some(service.as_bytes())) {
            return Ok(());
        }
        let place = || format!("{topic}:{}:{}", message.partition(), message.offset());
        entries.extend(Entry::read(message.payload().unwrap_or_default(), &place)?);
        Ok(())
    })?;
    of_one(entries, service)
}

/// Those of one service: of the named one, or of the only one.
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
