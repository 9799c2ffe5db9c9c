//! Kafka: membership in the group with a consumer on its own thread, a transactional publisher, and a reader of ranges.
//!
//! This module, `consumer` and `publisher` set the client settings on which the guarantees and the speed depend, over those under
//! `[kafka.client]`; everything else there (TLS, SASL, time-outs) passes through.

pub mod batch;
pub mod consumer;
pub mod contact;
mod delivery;
pub mod fault;
pub mod group;
pub mod lag;
pub mod life_sign;
pub mod logs;
pub mod message;
mod poller;
pub mod publisher;
pub mod range;
pub mod refusal;
pub mod seat;
pub mod state;
pub mod topics;
pub mod watch;

use std::time::Duration;

use rdkafka::ClientConfig;

pub use self::fault::unavailable;
use crate::config::Kafka;

/// How long a request for metadata or offsets may take.
pub const ANSWER_MAX: Duration = Duration::from_secs(10);

/// How much a consumer reads ahead: a second of a busy feed (50,000 records of 300 bytes). The engine takes 512 records at a time
/// from a queue of 16 batches, so that hides any wait for the broker. The client's defaults of 64 MB and 100,000 records a
/// partition would only cost memory while the engine is slow. One answer of the broker may exceed the limit by a megabyte a
/// partition.
const READ_AHEAD: [(&str, &str); 2] = [("queued.max.messages.kbytes", "16384"), ("queued.min.messages", "50000")];

/// The settings of every client.
#[must_use]
pub fn client(kafka: &Kafka) -> ClientConfig {
    let mut client = ClientConfig::new();
    client
        .set("bootstrap.servers", kafka.brokers.as_str())
        .set("client.id", "foreshock")
        // The client finds a broker that comes back within a second.
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
        // The default of a second slows a fast reader down (11 s against 2 s for 2 M records).
        .set("fetch.queue.backoff.ms", "5")
        .set("fetch.wait.max.ms", "10");
    for (name, value) in READ_AHEAD {
        if !kafka.client.contains_key(name) {
            settings.set(name, value);
        }
    }
    settings
}
