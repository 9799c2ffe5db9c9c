//! Asks a broker about the topics: whether they exist, what their settings are, and what the service may do with them.

use rdkafka::{
    admin::{AdminClient, AdminOptions, ConfigResource, ResourceSpecifier},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer as _},
    error::RDKafkaErrorCode as Code,
    metadata::{Metadata, MetadataTopic},
};

use super::{
    finding::{Finding, count},
    judge::{self, Found, Role, Settings},
    retry::{Complaints, retry},
    rights,
};
use crate::{
    app::{
        Failure,
        kafka::{self, ANSWER_MAX, fault::is_login, refusal::refused, topics, unavailable},
    },
    config::{Config, TopicName},
};

/// Topics that are listed for a pattern: as many as a screen shows.
const LISTED_MAX: usize = 20;

/// A connection to brokers that answer.
pub struct Broker<'a> {
    config: &'a Config,
    client: BaseConsumer<Complaints>,
    admin: AdminClient<DefaultClientContext>,
    /// The list of all topics and brokers.
    all: Metadata,
}

impl<'a> Broker<'a> {
    /// Connects, and fetches the list of all topics.
    ///
    /// # Errors
    /// Exit 69 where no broker answers, exit 64 where the client refuses its settings, each with what to do.
    pub fn reach(config: &'a Config) -> Result<Self, Failure> {
        let kafka = &config.kafka;
        let client: BaseConsumer<Complaints> =
            kafka::consumer(kafka).create_with_context(Complaints::default()).map_err(|e| refused(&e))?;
        let admin = kafka::client(kafka).create().map_err(|e| refused(&e))?;
        let all = retry(&client, |length| client.fetch_metadata(None, length), is_login).map_err(|e| {
            let (brokers, why) = (kafka.brokers.as_str(), client.context().last());
            if is_login(&e) {
                return unavailable(&format!("cannot log in at `{brokers}`{why}"), &e);
            }
            let advice = "start one, or correct `kafka.brokers`, or the TLS and login settings in `kafka.client`";
            unavailable(&format!("no broker answers at `{brokers}`{why}: {advice}"), &e)
        })?;
        Ok(Self { config, client, admin, all })
    }

    /// Returns the number of brokers.
    pub fn count(&self) -> usize {
        self.all.brokers().len()
    }

    /// Checks that an input topic exists, may be read, and keeps its records long enough.
    pub fn input(&self, topic: &str) -> Vec<Finding> {
        let about = format!("input {topic}");
        let partitions = match self.partitions(topic) {
            Ok(0) => return vec![Finding::fail(about, "it is not there: create it, or correct `kafka.input`")],
            Ok(partitions) => partitions,
            Err(error) => return vec![Finding::fail(about, not_allowed(error, "Read and Describe on the topic"))],
        };
        if let Err(error) = rights::read(&self.config.kafka, topic) {
            return vec![Finding::fail(about, error)];
        }
        match self.settings(topic) {
            Ok(settings) => judge::input(topic, partitions, &settings, self.config.state.interval),
            Err(why) => vec![settings_unknown(about, partitions, &why)],
        }
    }

    /// Checks which topics a pattern matches now, and lists them. It must match none that the service writes.
    pub fn pattern(&self, pattern: &str) -> Finding {
        let about = format!("input {pattern}");
        let outputs = self.config.topics.all();
        let own = topics::matching(pattern, outputs.iter().map(|topic| topic.as_str()));
        let all = topics::matching(pattern, self.all.topics().iter().map(MetadataTopic::name));
        let (Some(own), Some(all)) = (own, all) else {
            return Finding::warn(about, "this pattern can only be tried by the service itself");
        };
        if !own.is_empty() {
            let message =
                format!("it matches output topics ({}): make it narrower; it matches {}", own.join(", "), listed(&all));
            return Finding::fail(about, message);
        }
        match all.len() {
            0 => Finding::warn(about, "no topic matches it now: create one, or correct `kafka.input`"),
            n => Finding::ok(about, format!("{} match it: {}", count(n, "topic"), listed(&all))),
        }
    }

    /// Checks that an output topic exists and takes the service's records, or can be created. A topic that a restart reads again
    /// must also be readable.
    pub fn output(&self, topic: &TopicName) -> Vec<Finding> {
        let (name, topic, role, kafka) = (topic, topic.as_str(), self.role(topic), &self.config.kafka);
        let about = format!("output {topic}");
        let partitions = match self.partitions(topic) {
            Ok(0) if kafka.create_topics => return vec![self.creation(name)],
            Ok(0) => {
                return vec![Finding::fail(about, "it is not there: create it, or set `kafka.create_topics`")];
            }
            Ok(partitions) => partitions,
            Err(error) => return vec![Finding::fail(about, not_allowed(error, "Write and Describe on the topic"))],
        };
        let is_notified = role == Role::Shown || topic == self.config.topics.alerts.as_str();
        let is_read = match role {
            Role::Published | Role::Shown => is_notified && !self.config.notify.receivers.is_empty(),
            Role::Decisions | Role::Snapshots => true,
        };
        let readable = || if is_read { rights::read(kafka, topic) } else { Ok(()) };
        if let Err(error) = rights::write(kafka, topic).and_then(|()| readable()) {
            return vec![Finding::fail(about, error)];
        }
        let client_bytes_max = kafka.client.get("message.max.bytes").and_then(|value| value.expose().parse().ok());
        let interval = self.config.state.interval;
        let settings = self.settings(topic);
        let found = Found {
            partitions,
            replication: self.replication(topic),
            retention_ms: settings.as_ref().ok().map(|settings| settings.retention_ms),
        };
        let mut findings = vec![match &settings {
            Ok(settings) => judge::output(topic, role, partitions, settings, client_bytes_max, interval),
            Err(why) => settings_unknown(about, partitions, why),
        }];
        findings.extend(judge::differences(topic, self.config.layout(name), found));
        findings
    }

    /// Number of replicas of a topic's partitions; `None` where the broker does not say.
    fn replication(&self, topic: &str) -> Option<usize> {
        let metadata = self.client.fetch_metadata(Some(topic), ANSWER_MAX).ok()?;
        Some(metadata.topics().first()?.partitions().first()?.replicas().len())
    }

    fn role(&self, topic: &TopicName) -> Role {
        if *topic == self.config.topics.state {
            Role::Snapshots
        } else if *topic == self.config.topics.audit {
            Role::Decisions
        } else if *topic == self.config.topics.view {
            Role::Shown
        } else {
            Role::Published
        }
    }

    /// Returns the number of partitions of a topic; 0 if the topic does not exist.
    fn partitions(&self, topic: &str) -> Result<usize, Code> {
        let metadata = self.client.fetch_metadata(Some(topic), ANSWER_MAX);
        let metadata = metadata.map_err(|e| e.rdkafka_error_code().unwrap_or(Code::Fail))?;
        let Some(found) = metadata.topics().first() else { return Ok(0) };
        match found.error().map(Code::from) {
            None => Ok(found.partitions().len()),
            Some(Code::UnknownTopicOrPartition | Code::UnknownTopic) => Ok(0),
            Some(error) => Err(error),
        }
    }

    /// Returns a topic's settings, or why they are unknown.
    fn settings(&self, topic: &str) -> Result<Settings, String> {
        let (which, options) = ([ResourceSpecifier::Topic(topic)], options());
        let question = self.admin.describe_configs(&which, &options);
        let mut answer = pollster::block_on(question).map_err(|e| e.to_string())?;
        let resource = answer.pop().ok_or("the answer is empty")?.map_err(|e| e.to_string())?;
        read(&resource).ok_or_else(|| "a setting is missing in the answer".to_owned())
    }

    /// Checks whether a topic could be created, without creating it.
    fn creation(&self, topic: &TopicName) -> Finding {
        let about = format!("output {}", topic.as_str());
        let retention = topics::retention_ms(self.config, topic);
        let wanted = [topics::new_topic(self.config, topic, retention.as_deref())];
        let options = options().validate_only(true);
        let tried = pollster::block_on(self.admin.create_topics(&wanted, &options));
        let outcome = tried.map_err(|e| e.to_string()).and_then(|mut made| match made.pop() {
            Some(Err((_, error))) => Err(error.to_string()),
            Some(Ok(_)) | None => Ok(()),
        });
        match outcome {
            Ok(()) => Finding::ok(about, "it is not there yet: the service creates it"),
            Err(error) => Finding::fail(
                about,
                format!("it is not there and cannot be created: {error}; create it by hand, or allow Create on it"),
            ),
        }
    }
}

/// Lists topics by name, and says how many more there are beyond [`LISTED_MAX`].
fn listed(topics: &[&str]) -> String {
    let shown = topics.iter().take(LISTED_MAX).copied().collect::<Vec<_>>().join(", ");
    match topics.len().saturating_sub(LISTED_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(ANSWER_MAX)).operation_timeout(Some(ANSWER_MAX))
}

fn read(resource: &ConfigResource) -> Option<Settings> {
    let text = |name: &str| resource.get(name).and_then(|entry| entry.value.clone());
    let number = |name: &str| text(name)?.parse().ok();
    Some(Settings {
        cleanup_policy: text("cleanup.policy")?,
        retention_ms: number("retention.ms")?,
        retention_bytes: number("retention.bytes")?,
        timestamp_type: text("message.timestamp.type")?,
        record_bytes_max: number("max.message.bytes")?,
        segment_bytes: number("segment.bytes")?,
    })
}

fn settings_unknown(about: String, partitions: usize, why: &str) -> Finding {
    let partitions = count(partitions, "partition");
    Finding::warn(
        about,
        format!("{partitions}; its settings are unknown ({why}): allow DescribeConfigs to have them checked"),
    )
}

/// Describes an error of metadata.
fn not_allowed(error: Code, rights: &str) -> String {
    if error == Code::TopicAuthorizationFailed {
        format!("not allowed: give its user {rights}")
    } else {
        format!("the broker says: {error}")
    }
}
