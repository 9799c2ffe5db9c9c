//! Delivery: from outputs of the engine to messages on topics, in one place.
//!
//! This module decides which output goes to which topic, under which key, and adds what the engine does not know (the stamp of
//! an alert, the headers of a dead letter). `service::pending` decides when messages are committed.

pub mod dead_letter;

use serde::Serialize;

use super::{Exit, Failure, audit, clock, kafka::batch::Received, kafka::message::Message};
use crate::{
    alert::{Alert, Latency, Links, Stamp},
    config::{Config, Topics},
    engine::Recorded,
    event::Rejection,
    time::WallTime,
};

/// The topics of a service, and its name in the audit log.
#[derive(Clone, Debug)]
pub struct Deliver {
    topics: Topics,
    /// The transactional id: the name of the service, and the key of its entries.
    service: String,
    links: Links,
    venue: Option<String>,
}

impl Deliver {
    /// Makes the delivery to the topics of a configuration.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let (topics, service) = (config.topics.clone(), config.kafka.transactional_id.clone());
        Self { topics, service, links: config.links.clone(), venue: config.venue.name.clone() }
    }

    /// Makes the message of an alert and stamps the alert: when the record that completed it was appended, and when that record
    /// was handled.
    ///
    /// # Errors
    /// Exit 1 where the alert cannot be written as JSON.
    pub fn alert(
        &self,
        alert: &mut Alert,
        appended_at: Option<WallTime>,
        handled_at: Option<WallTime>,
    ) -> Result<(Message, Latency), Failure> {
        let stamp = Stamp { emitted_at: clock::wall(), build: super::build(), appended_at, handled_at };
        let latency = stamp.apply(alert);
        self.links.fill(alert, self.venue.as_deref());
        let (id, revision, severity) = (alert.id.as_str(), alert.revision, alert.severity.name());
        tracing::debug!(id, revision, severity, title = alert.title, "alert");
        let (topic, key) = (self.topics.alerts.as_str().to_owned(), alert.id.clone().into_bytes());
        Ok((Message { topic, key, payload: json("an alert", alert)?, headers: Vec::new() }, latency))
    }

    /// Makes the message of a record that cannot be used, from a partition of a topic.
    #[must_use]
    pub fn dead_letter(&self, from: (&str, i32), record: Received<'_>, rejection: &Rejection) -> Message {
        dead_letter::of(self.topics.dead_letter.as_str(), from, record, rejection)
    }

    /// Makes the message of a decision with its number.
    ///
    /// # Errors
    /// Exit 1 where the decision cannot be written as JSON.
    pub fn decision(&self, number: u64, recorded: Recorded) -> Result<Message, Failure> {
        let entry = audit::Entry { service: self.service.clone(), recorded_at: clock::wall(), number, input: recorded };
        let (topic, key) = (self.topics.audit.as_str().to_owned(), self.service.clone().into_bytes());
        Ok(Message { topic, key, payload: json("a decision", &entry)?, headers: Vec::new() })
    }
}

fn json(what: &str, value: &impl Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(value).map_err(|e| Failure::new(Exit::Failed, format!("{what} cannot be written as JSON: {e}")))
}
