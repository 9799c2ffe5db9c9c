//! What a broker says about topics.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rdkafka::{
    ClientContext,
    admin::{AdminClient, AdminOptions, ConfigResource, NewTopic, ResourceSpecifier, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext},
    error::{KafkaError, RDKafkaErrorCode as Code},
    metadata::Metadata,
};

use super::{
    Finding, count,
    judge::{self, SNAPSHOT_INTERVAL, Settings},
    rights,
};
use crate::{
    app::{
        Failure, clock,
        kafka::{self, ANSWER_MAX, fault::is_login, refusal::refused, unavailable},
    },
    config::Kafka,
};

/// How long one try waits, before it is looked why there is no answer.
const ATTEMPT: Duration = Duration::from_secs(1);
/// A try leaves one or two complaints.
const COMPLAINTS_MAX: usize = 10;
/// They are there already.
const POLL: Duration = Duration::from_millis(5);

/// A broker that answers.
pub struct Broker<'a> {
    kafka: &'a Kafka,
    asker: BaseConsumer<Grievances>,
    admin: AdminClient<DefaultClientContext>,
    all: Metadata,
}

/// Keeps what the client last complained of: its calls only say that nobody answered, this says why.
#[derive(Default)]
pub struct Grievances(Mutex<Option<String>>);

impl Grievances {
    /// The last complaint, for the end of a message.
    pub fn last(&self) -> String {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default()
    }
}

impl ClientContext for Grievances {
    fn error(&self, error: KafkaError, reason: &str) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // That all brokers are down follows from what was said before, and says less.
        if last.is_none() || error.rdkafka_error_code() != Some(Code::AllBrokersDown) {
            *last = Some(reason.to_owned());
        }
    }
}

impl ConsumerContext for Grievances {}

/// Asks until there is an answer, or until the client complains of something that no waiting mends.
///
/// # Errors
/// Why there is none.
pub fn patiently<T>(
    asker: &BaseConsumer<Grievances>,
    ask: impl Fn(Duration) -> Result<T, KafkaError>,
    hopeless: impl Fn(&KafkaError) -> bool,
) -> Result<T, KafkaError> {
    let until = clock::monotonic() + ANSWER_MAX;
    loop {
        let error = match ask(ATTEMPT) {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        // Complaints are handed out with polls, one at a time.
        let complaints = (0..COMPLAINTS_MAX).filter_map(|_| asker.poll(POLL)?.err());
        if let Some(complaint) = complaints.into_iter().find(&hopeless) {
            return Err(complaint);
        }
        if hopeless(&error) || clock::monotonic() >= until {
            return Err(error);
        }
    }
}

impl<'a> Broker<'a> {
    /// Asks for everything that there is.
    ///
    /// # Errors
    /// With what to do: nobody answers, or the settings are refused.
    pub fn reach(kafka: &'a Kafka) -> Result<Self, Failure> {
        let asker: BaseConsumer<Grievances> =
            kafka::consumer(kafka).create_with_context(Grievances::default()).map_err(|e| refused(&e))?;
        let admin = kafka::client(kafka).create().map_err(|e| refused(&e))?;
        let all = patiently(&asker, |length| asker.fetch_metadata(None, length), is_login).map_err(|e| {
            let (brokers, why) = (kafka.brokers.as_str(), asker.context().last());
            if is_login(&e) {
                return unavailable(&format!("cannot log in at `{brokers}`{why}"), &e);
            }
            let advice = "start one, or correct `kafka.brokers`, or what `kafka.client` says of TLS and passwords";
            unavailable(&format!("no broker answers at `{brokers}`{why}: {advice}"), &e)
        })?;
        Ok(Self { kafka, asker, admin, all })
    }

    /// How many brokers there are.
    pub fn count(&self) -> usize {
        self.all.brokers().len()
    }

    /// An input topic: that it is there, may be read, and keeps its records long enough.
    pub fn input(&self, topic: &str) -> Vec<Finding> {
        let about = format!("input {topic}");
        let partitions = match self.partitions(topic) {
            Ok(0) => return vec![Finding::fail(about, "it is not there: create it, or correct `kafka.input`")],
            Ok(partitions) => partitions,
            Err(error) => return vec![Finding::fail(about, not_allowed(error, "Read and Describe on the topic"))],
        };
        if let Err(error) = rights::read(self.kafka, topic) {
            return vec![Finding::fail(about, error)];
        }
        match self.settings(topic) {
            Ok(settings) => judge::input(topic, partitions, &settings, SNAPSHOT_INTERVAL),
            Err(why) => vec![untold(about, partitions, &why)],
        }
    }

    /// How many topics a pattern matches now.
    pub fn pattern(&self, pattern: &str) -> Finding {
        let about = format!("input {pattern}");
        // Written for the same dialect as the client's in all that a topic's name may need.
        let Ok(regex) = regex_lite::Regex::new(pattern) else {
            return Finding::warn(about, "this pattern can only be tried by the service itself");
        };
        match self.all.topics().iter().filter(|topic| regex.is_match(topic.name())).count() {
            0 => Finding::warn(about, "no topic matches it now: create one, or correct `kafka.input`"),
            n => Finding::ok(about, format!("{} match it", count(n, "topic"))),
        }
    }

    /// An output topic: that it is there and takes what is written, or can be made.
    pub fn output(&self, topic: &str) -> Vec<Finding> {
        let about = format!("output {topic}");
        let partitions = match self.partitions(topic) {
            Ok(0) if self.kafka.create_topics => return vec![self.creation(topic)],
            Ok(0) => {
                return vec![Finding::fail(about, "it is not there: create it, or set `kafka.create_topics`")];
            }
            Ok(partitions) => partitions,
            Err(error) => return vec![Finding::fail(about, not_allowed(error, "Write and Describe on the topic"))],
        };
        if let Err(error) = rights::write(self.kafka, topic) {
            return vec![Finding::fail(about, error)];
        }
        let client_bytes_max = self.kafka.client.get("message.max.bytes").and_then(|value| value.expose().parse().ok());
        match self.settings(topic) {
            Ok(settings) => vec![judge::output(topic, partitions, &settings, client_bytes_max)],
            Err(why) => vec![untold(about, partitions, &why)],
        }
    }

    /// How many partitions a topic has; none if it is not there.
    fn partitions(&self, topic: &str) -> Result<usize, Code> {
        let metadata = self.asker.fetch_metadata(Some(topic), ANSWER_MAX);
        let metadata = metadata.map_err(|e| e.rdkafka_error_code().unwrap_or(Code::Fail))?;
        let Some(found) = metadata.topics().first() else { return Ok(0) };
        match found.error().map(Code::from) {
            None => Ok(found.partitions().len()),
            Some(Code::UnknownTopicOrPartition | Code::UnknownTopic) => Ok(0),
            Some(error) => Err(error),
        }
    }

    /// A topic's settings, or why they are not told.
    fn settings(&self, topic: &str) -> Result<Settings, String> {
        let (which, options) = ([ResourceSpecifier::Topic(topic)], options());
        let question = self.admin.describe_configs(&which, &options);
        let mut answer = pollster::block_on(question).map_err(|e| e.to_string())?;
        let resource = answer.pop().ok_or("the answer is empty")?.map_err(|e| e.to_string())?;
        read(&resource).ok_or_else(|| "a setting is missing in the answer".to_owned())
    }

    /// Whether a topic could be created; it is not.
    fn creation(&self, topic: &str) -> Finding {
        let about = format!("output {topic}");
        let wanted = [NewTopic::new(topic, 1, TopicReplication::Fixed(-1))];
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
    })
}

fn untold(about: String, partitions: usize, why: &str) -> Finding {
    let partitions = count(partitions, "partition");
    Finding::warn(
        about,
        format!("{partitions}; its settings are not told ({why}): allow DescribeConfigs to have them checked"),
    )
}

/// An error of metadata in words.
fn not_allowed(error: Code, rights: &str) -> String {
    if error == Code::TopicAuthorizationFailed {
        format!("not allowed: give its user {rights}")
    } else {
        format!("the broker says: {error}")
    }
}
