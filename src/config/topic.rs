//! Names in the form that Kafka takes: brokers, topics, and subscriptions.

/// Kafka's own limit on the name of a topic.
const TOPIC_BYTES_MAX: usize = 249;

/// Addresses of brokers: one or more `host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brokers(String);

impl Brokers {
    /// Checks a list with commas between.
    ///
    /// # Errors
    /// The expected form.
    pub fn parse(text: &str) -> Result<Self, String> {
        let broker = |broker: &str| {
            let host = broker.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok_and(|port| port > 0));
            host.is_some_and(|(host, _)| !host.is_empty() && !host.contains([' ', '/']))
        };
        let list: Vec<&str> = text.split(',').map(str::trim).collect();
        if list.iter().all(|one| broker(one)) {
            Ok(Self(list.join(",")))
        } else {
            Err("expected `host:port`, several with commas between".to_owned())
        }
    }

    /// Returns the addresses in the form that librdkafka takes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a text holds only characters that Kafka takes in names.
pub(super) fn is_plain(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// The name of a topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TopicName(String);

impl TopicName {
    /// Checks a name by Kafka's rules.
    ///
    /// # Errors
    /// The expected form.
    pub fn parse(text: &str) -> Result<Self, String> {
        if is_plain(text) && (1..=TOPIC_BYTES_MAX).contains(&text.len()) && text != "." && text != ".." {
            Ok(Self(text.to_owned()))
        } else {
            Err("expected the name of a topic: 1 to 249 letters, digits, `.`, `_` or `-`".to_owned())
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A subscription: the topics to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subscription {
    /// One topic, by its name.
    Topic(TopicName),
    /// All topics whose names match. The pattern begins with `^`, by which librdkafka recognises it.
    Pattern(String),
}

impl Subscription {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with('^') && text.len() > 1 {
            return Ok(Self::Pattern(text.to_owned()));
        }
        TopicName::parse(text).map(Self::Topic)
    }

    /// Returns the name or pattern in the form that librdkafka takes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Topic(name) => name.as_str(),
            Self::Pattern(pattern) => pattern,
        }
    }
}
