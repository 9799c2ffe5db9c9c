//! Looks up topics and partitions, and creates missing output topics.

use std::time::Duration;

use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext},
    error::RDKafkaErrorCode,
    metadata::{Metadata, MetadataTopic},
};

use super::{ANSWER_MAX, client, consumer, fault::is_login, refusal::refused, unavailable};
use crate::{
    app::{Exit, Failure},
    config::{Config, Kafka, Subscription, TopicName},
};

/// How many of the client's events are searched for the reason why no broker answers.
const REASONS_MAX: usize = 20;
/// How long a poll waits for an event: not long, because the client has queued its events already.
const REASON_POLL: Duration = Duration::from_millis(20);

/// Settings of the topic of the snapshots, where the service creates it.
///
/// Kafka compacts only the segments before the active one, so segments must be small: with the default of a gigabyte a restart
/// would read the snapshots of hours. With 16 MiB the topic holds two snapshots, as much again that waits for the cleaner (which
/// begins when half is dirty), and a segment.
const STATE_TOPIC: [(&str, &str); 3] =
    [("cleanup.policy", "compact"), ("segment.bytes", "16777216"), ("compression.type", "producer")];

/// Settings of the topic of what is shown, where the service creates it: one record of each key is enough, and with small segments
/// the cleaner gets at the rest.
const VIEW_TOPIC: [(&str, &str); 2] = [("cleanup.policy", "compact"), ("segment.bytes", "16777216")];

/// A range of offsets of one partition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The first offset.
    pub from: i64,
    /// The offset after the last.
    pub to: i64,
}

/// Returns the ranges that the partitions of a topic hold now.
///
/// # Errors
/// Exit 69 where no broker answers or the topic does not exist.
pub fn ranges(kafka: &Kafka, topic: &str) -> Result<Vec<Range>, Failure> {
    let asker: BaseConsumer = consumer(kafka).create().map_err(|e| refused(&e))?;
    let metadata = metadata(&asker, kafka, Some(topic))?;
    let partitions = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
    if partitions == 0 {
        return Err(missing(topic));
    }
    let partitions = i32::try_from(partitions).unwrap_or(i32::MAX);
    (0..partitions).map(|partition| range(&asker, topic, partition)).collect()
}

/// Returns the partitions of all topics of the input, sorted.
///
/// # Errors
/// Exit 69 where no broker answers; exit 64 where only the client understands a pattern, so that the topics cannot be listed.
pub fn partitions_of_input(config: &Config) -> Result<Vec<(String, i32)>, Failure> {
    let asker: BaseConsumer = consumer(&config.kafka).create().map_err(|e| refused(&e))?;
    let metadata = metadata(&asker, &config.kafka, None)?;
    let mut partitions = Vec::new();
    for input in &config.kafka.input {
        let pattern = format!("^{}$", regex_lite::escape(input.as_str()));
        let pattern = if let Subscription::Pattern(pattern) = input { pattern } else { &pattern };
        let names = matching(pattern, metadata.topics().iter().map(MetadataTopic::name));
        let names = names.ok_or_else(|| Failure::usage(format!("the topics of `{pattern}` cannot be listed")))?;
        let named = metadata.topics().iter().filter(|topic| names.contains(&topic.name()));
        partitions
            .extend(named.flat_map(|topic| {
                topic.partitions().iter().map(|partition| (topic.name().to_owned(), partition.id()))
            }));
    }
    partitions.sort_unstable();
    partitions.dedup();
    Ok(partitions)
}

/// Returns the range that one partition holds now.
///
/// # Errors
/// Exit 69 where no broker answers.
pub fn range<C: ConsumerContext>(asker: &BaseConsumer<C>, topic: &str, partition: i32) -> Result<Range, Failure> {
    let (from, to) = asker
        .fetch_watermarks(topic, partition, ANSWER_MAX)
        .map_err(|e| unavailable(&format!("cannot ask what `{topic}` holds"), &e))?;
    Ok(Range { topic: topic.to_owned(), partition, from, to })
}

/// Checks that all input topics exist, and creates missing output topics.
///
/// # Errors
/// Exit 69 with what to do.
pub fn prepare(config: &Config) -> Result<(), Failure> {
    let asker: BaseConsumer = consumer(&config.kafka).create().map_err(|e| refused(&e))?;
    let metadata = metadata(&asker, &config.kafka, None)?;
    refuse_own_outputs(config)?;
    let exists = |name: &str| metadata.topics().iter().any(|topic| topic.name() == name);
    for input in &config.kafka.input {
        // A topic that a pattern matches may be created later.
        if let Subscription::Topic(topic) = input
            && !exists(topic.as_str())
        {
            return Err(if is_hidden(&asker, topic.as_str()) {
                hidden(topic.as_str())
            } else {
                missing(topic.as_str())
            });
        }
    }
    let absent: Vec<&TopicName> = config.topics.all().into_iter().filter(|topic| !exists(topic.as_str())).collect();
    match absent.first() {
        None => Ok(()),
        Some(topic) if !config.kafka.create_topics => Err(Failure::new(
            Exit::Unavailable,
            format!("topic `{}` is not there: create it, or set `kafka.create_topics`", topic.as_str()),
        )),
        Some(_) => create(config, &absent),
    }
}

/// Refuses an input pattern that matches an output topic: the service would read itself for ever. A pattern that only the client
/// understands is tried when partitions are assigned.
fn refuse_own_outputs(config: &Config) -> Result<(), Failure> {
    let outputs = config.topics.all();
    let names = || outputs.iter().map(|topic| topic.as_str());
    for input in &config.kafka.input {
        if let Subscription::Pattern(pattern) = input
            && let Some(topic) = matching(pattern, names()).and_then(|matching| matching.first().copied())
        {
            return Err(own_output(topic));
        }
    }
    Ok(())
}

/// Makes the failure of an input pattern that matches an output topic.
#[must_use]
pub fn own_output(topic: &str) -> Failure {
    Failure::usage(format!("`kafka.input` matches the output topic `{topic}`: make its pattern narrower"))
}

/// Returns the names that a pattern matches, sorted; `None` where only the client understands the pattern. The dialect here agrees
/// with the client's in everything that a topic's name may need.
#[must_use]
pub fn matching<'a>(pattern: &str, names: impl Iterator<Item = &'a str>) -> Option<Vec<&'a str>> {
    let regex = regex_lite::Regex::new(pattern).ok()?;
    let mut matching: Vec<&str> = names.filter(|name| regex.is_match(name)).collect();
    matching.sort_unstable();
    Some(matching)
}

/// Creates topics by their layouts, and with the broker's own defaults otherwise, except for those that are compacted.
fn create(config: &Config, topics: &[&TopicName]) -> Result<(), Failure> {
    let admin: AdminClient<DefaultClientContext> = client(&config.kafka).create().map_err(|e| refused(&e))?;
    let retentions: Vec<Option<String>> = topics.iter().map(|topic| retention_ms(config, topic)).collect();
    let wanted =
        topics.iter().zip(&retentions).map(|(topic, retention)| new_topic(config, topic, retention.as_deref()));
    let wanted: Vec<NewTopic<'_>> = wanted.collect();
    let options = AdminOptions::new().operation_timeout(Some(ANSWER_MAX));
    let made = pollster::block_on(admin.create_topics(&wanted, &options))
        .map_err(|e| unavailable("cannot create the output topics", &e))?;
    for outcome in made {
        match outcome {
            Ok(topic) => tracing::info!(topic, "created the output topic"),
            // Another process has created it meanwhile.
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, error)) => {
                let advice = if error == RDKafkaErrorCode::TopicAuthorizationFailed {
                    "give its user Write and Describe if it is there, Create if it is not"
                } else {
                    "create it by hand"
                };
                let what = format!("cannot create topic `{topic}`: {error}; {advice}");
                return Err(Failure::new(Exit::Unavailable, what));
            }
        }
    }
    Ok(())
}

/// `retention.ms` of a topic, where its layout says it.
#[must_use]
pub fn retention_ms(config: &Config, topic: &TopicName) -> Option<String> {
    config.layout(topic).retention.map(|retention| retention.as_millis().to_string())
}

/// The topic as the service creates it, with its [`retention_ms`].
#[must_use]
pub fn new_topic<'a>(config: &Config, topic: &'a TopicName, retention_ms: Option<&'a str>) -> NewTopic<'a> {
    let layout = config.layout(topic);
    let settings = match topic {
        topic if *topic == config.topics.state => &STATE_TOPIC[..],
        topic if *topic == config.topics.view => &VIEW_TOPIC[..],
        _ => &[],
    };
    // One partition: a reader sees all revisions in order, whatever their keys. The topics carry few records.
    let partitions = layout.partitions.unwrap_or(1);
    let new = NewTopic::new(topic.as_str(), partitions, TopicReplication::Fixed(layout.replication.unwrap_or(-1)));
    let retention = retention_ms.map(|retention| ("retention.ms", retention));
    settings.iter().copied().chain(retention).fold(new, |new, (name, value)| new.set(name, value))
}

fn metadata(asker: &BaseConsumer, kafka: &Kafka, topic: Option<&str>) -> Result<Metadata, Failure> {
    asker.fetch_metadata(topic, ANSWER_MAX).map_err(|e| {
        let brokers = kafka.brokers.as_str();
        // A refused login looks like silence; the reason is an event of its own.
        let mut reasons = (0..REASONS_MAX).filter_map(|_| asker.poll(REASON_POLL)).filter_map(Result::err);
        match reasons.find(is_login) {
            Some(reason) => unavailable(&format!("cannot log in at `{brokers}`"), &reason),
            None => {
                unavailable(&format!("no broker answers at `{brokers}`: start one, or correct `kafka.brokers`"), &e)
            }
        }
    })
}

/// Whether a topic that is missing in the list exists but may not be read: a broker reveals that when it is asked by name.
fn is_hidden(asker: &BaseConsumer, topic: &str) -> bool {
    let named = asker.fetch_metadata(Some(topic), ANSWER_MAX);
    let refused = |named: &Metadata| named.topics().first().and_then(MetadataTopic::error).map(RDKafkaErrorCode::from);
    named.is_ok_and(|named| refused(&named) == Some(RDKafkaErrorCode::TopicAuthorizationFailed))
}

fn hidden(topic: &str) -> Failure {
    let what = format!("topic `{topic}` may not be read: give its user Read and Describe on it");
    Failure::new(Exit::Unavailable, what)
}

fn missing(topic: &str) -> Failure {
    Failure::new(Exit::Unavailable, format!("topic `{topic}` is not there: create it, or correct its name"))
}
