//! The state topic of a service as anybody can read and write it.

use std::collections::BTreeMap;
use std::time::Duration;

use foreshock::alert::hexadecimal;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::deadline::Deadline;
use super::topic::{Isolation, Record, Topic};

const ANSWER_MAX: Duration = Duration::from_secs(30);
/// How long snapshots are waited for.
const SNAPSHOTS_MAX: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(20);

/// The topic, for one service.
pub struct StateTopic {
    topic: Topic,
    service: String,
    producer: BaseProducer,
}

/// A snapshot as it lies in its slot.
#[derive(Debug, Clone)]
pub struct Stored {
    /// What its manifest says.
    pub manifest: Value,
    /// All its pieces together.
    pub bytes: Vec<u8>,
}

impl StateTopic {
    pub fn new(bootstrap: &str, topic: &str, service: &str) -> Self {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", bootstrap).set("enable.idempotence", "true");
        Self { topic: Topic::new(bootstrap, topic), service: service.to_owned(), producer: config.create().unwrap() }
    }

    /// Manifests that were written, in order.
    pub fn manifests(&self) -> Vec<Value> {
        let is_manifest = |record: &Record| record.key.ends_with(b"/manifest");
        let records = self.topic.records(Isolation::ReadUncommitted).into_iter().filter(is_manifest);
        records.map(|record| serde_json::from_slice(&record.payload).unwrap()).collect()
    }

    /// Returns when so many snapshots have been written.
    pub fn wait_snapshots(&self, count: usize) {
        let (mut follower, deadline) = (self.topic.follow(), Deadline::after(SNAPSHOTS_MAX));
        let mut seen = 0;
        while seen < count {
            follower.poll(POLL);
            seen = follower.seen().iter().filter(|record| record.key.ends_with(b"/manifest")).count();
            deadline.check("snapshots");
        }
    }

    /// What lies in a slot.
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

    /// Writes a snapshot of one piece, piece and manifest in their order.
    pub fn store(&self, slot: &str, stored: &Stored) {
        self.send(&self.key(slot, "0"), &stored.bytes);
        self.send(&self.key(slot, "manifest"), stored.manifest.to_string().as_bytes());
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
    /// The same with other bytes, and a manifest that fits them.
    pub fn with(&self, bytes: Vec<u8>) -> Self {
        let mut manifest = self.manifest.clone();
        manifest["bytes"] = bytes.len().into();
        manifest["sha256"] = hexadecimal(&Sha256::digest(&bytes)).into();
        Self { manifest, bytes }
    }

    /// The state as the engine wrote it.
    pub fn unpacked(&self) -> Vec<u8> {
        zstd::decode_all(self.bytes.as_slice()).unwrap()
    }
}
