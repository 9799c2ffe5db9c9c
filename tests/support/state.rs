//! The state topic of a service, with its snapshots, as any Kafka client can read and write it.

use std::collections::BTreeMap;
use std::time::Duration;

use foreshock::alert::hexadecimal;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::deadline::Deadline;
use super::topic::{Isolation, Record, Topic};

/// As the service cuts them: a broker refuses records over 1 MiB.
const CHUNK_BYTES: usize = 900_000;
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// Time for awaited snapshots.
const SNAPSHOTS_MAX: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(20);

/// The snapshots of one service in the state topic.
pub struct StateTopic {
    topic: Topic,
    service: String,
    producer: BaseProducer,
}

/// A snapshot as it is stored in its slot.
#[derive(Debug, Clone)]
pub struct Stored {
    pub manifest: Value,
    /// The packed state: all chunks joined.
    pub bytes: Vec<u8>,
}

impl StateTopic {
    pub fn new(bootstrap: &str, topic: &str, service: &str) -> Self {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", bootstrap).set("enable.idempotence", "true");
        Self { topic: Topic::new(bootstrap, topic), service: service.to_owned(), producer: config.create().unwrap() }
    }

    /// All manifests that were written, in order.
    pub fn manifests(&self) -> Vec<Value> {
        let is_manifest = |record: &Record| record.key.ends_with(b"/manifest");
        let records = self.topic.records(Isolation::ReadUncommitted).into_iter().filter(is_manifest);
        records.map(|record| serde_json::from_slice(&record.payload).unwrap()).collect()
    }

    /// Waits until `count` snapshots have been written.
    pub fn wait_snapshots(&self, count: usize) {
        let (mut follower, deadline) = (self.topic.follow(), Deadline::after(SNAPSHOTS_MAX));
        let mut seen = 0;
        while seen < count {
            follower.poll(POLL);
            seen = follower.seen().iter().filter(|record| record.key.ends_with(b"/manifest")).count();
            deadline.check("snapshots");
        }
    }

    /// The newest snapshot in a slot.
    pub fn stored(&self, slot: &str) -> Stored {
        let mut newest = BTreeMap::new();
        for record in self.topic.records(Isolation::ReadUncommitted) {
            newest.insert(String::from_utf8(record.key).unwrap(), record.payload);
        }
        let manifest: Value = serde_json::from_slice(&newest[&self.key(slot, "manifest")]).unwrap();
        let chunks = manifest["chunks"].as_u64().unwrap();
        let bytes = (0..chunks).flat_map(|number| newest[&self.key(slot, &number.to_string())].clone()).collect();
        Stored { manifest, bytes }
    }

    /// Writes a snapshot: its chunks, then its manifest.
    pub fn store(&self, slot: &str, stored: &Stored) {
        let mut manifest = stored.manifest.clone();
        manifest["chunks"] = stored.bytes.len().div_ceil(CHUNK_BYTES).into();
        for (number, chunk) in stored.bytes.chunks(CHUNK_BYTES).enumerate() {
            self.send(&self.key(slot, &number.to_string()), chunk);
        }
        self.send(&self.key(slot, "manifest"), manifest.to_string().as_bytes());
    }

    fn key(&self, slot: &str, part: &str) -> String {
        format!("{}/{slot}/{part}", self.service)
    }

    fn send(&self, key: &str, payload: &[u8]) {
        let record = BaseRecord::to(&self.topic.name).key(key).payload(payload).partition(0);
        self.producer.send(record).map_err(|(error, _)| error).unwrap();
        self.producer.flush(ANSWER_MAX).unwrap();
    }
}

impl Stored {
    /// Replaces the bytes, and the manifest's length and hash to match them.
    pub fn with(&self, bytes: Vec<u8>) -> Self {
        let mut manifest = self.manifest.clone();
        manifest["bytes"] = bytes.len().into();
        manifest["sha256"] = hexadecimal(&Sha256::digest(&bytes)).into();
        Self { manifest, bytes }
    }

    /// The state as the engine encoded it, without compression.
    pub fn unpacked(&self) -> Vec<u8> {
        zstd::decode_all(self.bytes.as_slice()).unwrap()
    }
}
