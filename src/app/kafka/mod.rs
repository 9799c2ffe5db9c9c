//! Kafka: membership in the group with a consumer on its own thread, a transactional publisher, and a reader of ranges.
//!
//! The settings that the guarantees and the speed rest on are set here, in `consumer` and in `publisher`, over those given
//! under `[kafka.client]`; everything else (TLS, SASL, time-outs) passes through.

pub mod batch;
pub mod consumer;
pub mod contact;
pub mod fault;
pub mod group;
pub mod lag;
pub mod message;
pub mod place;
pub mod publisher;
pub mod range;
pub mod refusal;
pub mod state;
pub mod topics;
pub mod watch;

use std::time::Duration;

use rdkafka::ClientConfig;

pub use self::fault::unavailable;
use crate::config::Kafka;

/// How long an answer to a question about metadata or offsets may take.
pub const ANSWER_MAX: Duration = Duration::from_secs(10);

/// What a consumer reads ahead. The engine takes 512 records at a time from a queue of 16 batches, so a second of a busy
/// feed (50,000 records of 300 bytes) hides any wait for the broker; the defaults of 64 MB and 100,000 records a partition only
/// cost memory when the other side is slow. One answer may go beyond by a megabyte a partition.
const READ_AHEAD: [(&str, &str); 2] = [("queued.max.messages.kbytes", "16384"), ("queued.min.messages", "50000")];

/// The settings of every client.
#[must_use]
pub fn client(kafka: &Kafka) -> ClientConfig {
    let mut client = ClientConfig::new();
    client
        .set("bootstrap.servers", kafka.brokers.as_str())
        .set("client.id", "foreshock")
        // A broker that comes back is found again within a second.
        .set("reconnect.backoff.max.ms", "1000");
    for (name, value) in &kafka.client {
        client.set(name, value.expose());
    }
    client
}

/// The settings of every consumer, on top of [`client`].
#[must_use]
pub fn consumer(kafka: &Kafka) -> ClientConfig {
    let mut settings = client(kafka);
    settings
        .set("group.id", &kafka.group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("isolation.level", "read_committed")
        .set("auto.offset.reset", "earliest")
        // The default of a second starves a fast reader (11 s against 2 s for 2 M records).
        .set("fetch.queue.backoff.ms", "5")
        .set("fetch.wait.max.ms", "10");
    for (name, value) in READ_AHEAD {
        if !kafka.client.contains_key(name) {
            settings.set(name, value);
        }
    }
    settings
}
