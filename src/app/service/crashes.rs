//! Records at which a process stopped by a fault of its own.
//!
//! A fault in the engine stops the process, and a supervisor starts it again: at the same record, where it stops again. So the
//! process writes into the audit log at which record it stopped, and a record at which two have stopped is left out: it goes to the
//! dead letters, as a decision that a restart and a replay repeat. The engine may handle the effects of a record only with a
//! later one of its batch. So after a first crash the service lets the engine finish each record at once, until it is past that
//! place.
//!
//! Only a fault that unwinds is noticed here, not the end of the memory or of the stack.

use std::{collections::BTreeMap, time::Duration};

use rdkafka::{
    ClientConfig,
    producer::{BaseProducer, BaseRecord, Producer as _},
};

use super::partitions::Partition;
use crate::{
    app::{
        audit::{Crash, CrashEntry},
        clock,
        kafka::client,
    },
    config::Config,
};

/// Crashes at a record after which it is left out: a first one may have had another cause.
const CRASHES_MAX: u32 = 2;
/// Offsets after a crash up to which the engine finishes records one by one: more than a batch of the engine.
const CAREFUL: i64 = 1_000;
/// How long the broker is waited for when a process stops.
const WRITE_MAX: Duration = Duration::from_secs(5);

/// The records at which a process stopped, and where that is written.
pub struct Crashes {
    settings: ClientConfig,
    topic: String,
    service: String,
    counts: BTreeMap<Crash, u32>,
}

impl Crashes {
    /// The crashes that the audit log has.
    pub fn new(config: &Config, known: Vec<Crash>) -> Self {
        let mut counts = BTreeMap::new();
        for crash in known {
            *counts.entry(crash).or_default() += 1;
        }
        let (topic, service) = (config.topics.audit.as_str().to_owned(), config.kafka.transactional_id.clone());
        Self { settings: client(&config.kafka), topic, service, counts }
    }

    /// Whether a record of a partition is to be left out.
    pub fn are_enough(&self, partition: &Partition, offset: i64) -> bool {
        !self.counts.is_empty()
            && self.counts.get(&crash(partition, offset)).is_some_and(|crashes| *crashes >= CRASHES_MAX)
    }

    /// Whether the engine is to finish records one by one: a crash lies ahead, or not far behind.
    pub fn are_near(&self, partitions: &[Partition]) -> bool {
        let is_near = |crash: &Crash| {
            let is_its = |p: &&Partition| p.topic == crash.topic && p.number == crash.partition;
            let partition = partitions.iter().find(is_its);
            partition.is_some_and(|p| p.generation == crash.generation && p.next <= crash.offset + CAREFUL)
        };
        self.counts.keys().any(is_near)
    }

    /// Writes down that this process stops at a record.
    pub fn record(&self, partition: &Partition, offset: i64) {
        let crash = crash(partition, offset);
        let Crash { topic, partition, offset, .. } = &crash;
        tracing::error!(topic, partition, offset, "the service stops at a record, by a fault of its own");
        let entry = CrashEntry { service: self.service.clone(), recorded_at: clock::wall(), crash };
        let written = self.settings.create().and_then(|producer: BaseProducer| {
            let payload = serde_json::to_vec(&entry).unwrap_or_default();
            let record = BaseRecord::to(&self.topic).key(&self.service).payload(&payload);
            producer.send(record).map_err(|(error, _)| error)?;
            producer.flush(WRITE_MAX)
        });
        if let Err(error) = written {
            tracing::error!(%error, "it could not be written down: the next process does not know of it");
        }
    }
}

fn crash(partition: &Partition, offset: i64) -> Crash {
    let Partition { topic, number, generation, .. } = partition;
    Crash { topic: topic.clone(), partition: *number, generation: *generation, offset }
}

/// The point at which a test has a record stop the process: one that holds the failpoint's text.
#[cfg(feature = "failpoints")]
pub fn failpoint(payload: &[u8]) {
    fail::fail_point!("poison", |text| {
        let text = text.unwrap_or_default();
        let holds = payload.windows(text.len().max(1)).any(|bytes| bytes == text.as_bytes());
        assert!(!holds, "failpoint poison reached");
    });
}

#[cfg(not(feature = "failpoints"))]
pub const fn failpoint(_: &[u8]) {}
