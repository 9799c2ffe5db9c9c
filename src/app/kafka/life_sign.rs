//! Signs of life: a record that the process at work writes every ten seconds.
//!
//! Notifications fire `Watchdog` while such records come, in every process and wherever it runs. They are written outside of the
//! transactions: a transaction every ten seconds without anything to commit would cost more than it shows. The thread that works
//! writes them, so a process that hangs gives none.

use std::time::{Duration, Instant};

use rdkafka::{
    ClientContext,
    producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext},
};
use serde::{Deserialize, Serialize};

use super::{client, contact::Contact, refusal::refused};
use crate::{
    app::{Failure, build, clock},
    config::Config,
    time::Span,
};

/// The key of the records (CONTRACT, "Topics").
pub const KEY: &str = "_status";
/// How long a sign shows that a process is at work: the loss of two signs is no alarm.
pub const YOUNG_FOR: Span = Span::from_secs(30);
/// How often a sign is written: two may be lost before a sign is no longer young.
const EVERY: Duration = Duration::from_secs(10);
/// Longest time of a delivery, in milliseconds: by then the next sign is due.
const DELIVERED_MS: &str = "10000";

/// The body of a sign, as JSON.
#[derive(Debug, Serialize, Deserialize)]
pub struct LifeSign {
    /// The consumer group, which tells services apart that share the topic.
    pub group: String,
    /// The process, as the group knows it.
    pub instance: String,
    /// The commit that the process was built from.
    pub build: String,
}

/// Logs when signs are not delivered, and when they are delivered again.
struct Deliveries(Contact);

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            Ok(_) => self.0.worked(),
            Err((error, _)) => self.0.failed("no sign of life can be written, so `Watchdog` ends", error),
        }
    }
}

/// Writes the signs of one process at work.
pub struct LifeSigns {
    producer: BaseProducer<Deliveries>,
    topic: String,
    payload: Vec<u8>,
    due_at: Instant,
}

impl LifeSigns {
    /// Makes the signs of a process, the first of which is due at once.
    ///
    /// # Errors
    /// Exit 64 where the settings make no producer.
    ///
    /// # Panics
    /// Never: three texts can be written as JSON.
    pub fn begin(config: &Config, instance: &str) -> Result<Self, Failure> {
        let (group, instance, build) = (config.kafka.group.clone(), instance.to_owned(), build().to_owned());
        let payload = serde_json::to_vec(&LifeSign { group, instance, build }).expect("three texts are JSON");
        let mut settings = client(&config.kafka);
        let producer =
            settings.set("message.timeout.ms", DELIVERED_MS).create_with_context(Deliveries(Contact::default()));
        let producer = producer.map_err(|e| refused(&e))?;
        Ok(Self { producer, topic: config.topics.view.as_str().to_owned(), payload, due_at: clock::monotonic() })
    }

    /// Writes a sign if one is due. A sign that cannot be written is logged, and the next follows in its time.
    pub fn write_if_due(&mut self, now: Instant) {
        self.producer.poll(Duration::ZERO);
        if now < self.due_at {
            return;
        }
        self.due_at = now + EVERY;
        let record = BaseRecord::to(&self.topic).key(KEY).payload(&self.payload);
        if let Err((error, _)) = self.producer.send(record) {
            self.producer.context().0.failed("no sign of life can be written, so `Watchdog` ends", &error);
        }
    }
}
