//! Configuration: TOML and environment in, valid types out, or one error that points at its place.
//!
//! Three steps. `document` reads the file and lays `FORESHOCK_…` variables over it, remembering where each value came from.
//! `raw` says which keys there are, with their defaults; an unknown one is an error, because a misspelt limit that is
//! silently ignored is worse than a start that fails. `valid` makes the [`Config`] that the rest of the product takes: what
//! it holds needs no further check. The environment itself is not read here: its pairs come as an argument.

mod document;
mod error;
mod print;
mod raw;
mod secret;
mod valid;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
    time::Duration,
};

pub use self::{
    document::LOG_VARIABLE,
    error::ConfigError,
    print::default_toml,
    raw::RawConfig,
    secret::{ClientValue, Secret},
    valid::{Brokers, Subscription, TopicName},
};
use crate::{engine::Detection, event::DecodeLimits};

/// A valid configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// `[kafka]`
    pub kafka: Kafka,
    /// `[topics]`
    pub topics: Topics,
    /// `[state]`
    pub state: State,
    /// `[http]`
    pub http: Http,
    /// `[limits]`
    pub limits: Limits,
    /// `[detect]`
    pub detection: Detection,
}

/// `[kafka]`
#[derive(Clone, Debug, PartialEq)]
pub struct Kafka {
    /// Where to begin.
    pub brokers: Brokers,
    /// The consumer group.
    pub group: String,
    /// What this process is called in the group; the host's name where absent.
    pub instance: Option<String>,
    /// What to read; at least one.
    pub input: Vec<Subscription>,
    /// The id of the transactions.
    pub transactional_id: String,
    /// The longest life of a transaction without an alert.
    pub commit_interval: Duration,
    /// Whether missing output topics are created.
    pub create_topics: bool,
    /// Further settings of librdkafka; none that the service sets itself.
    pub client: BTreeMap<String, ClientValue>,
    /// Secret settings of librdkafka that are still to be read from these files into `client`.
    pub secret_files: BTreeMap<String, PathBuf>,
}

/// `[topics]`
#[derive(Clone, Debug, PartialEq)]
pub struct Topics {
    /// Where alerts go; the service ends if an input pattern matches it.
    pub alerts: TopicName,
    /// Where rejected records go; as above.
    pub dead_letter: TopicName,
    /// Where the service's own decisions go; as above.
    pub audit: TopicName,
    /// Where snapshots go; as above.
    pub state: TopicName,
}

impl Topics {
    /// All that the service writes to in its transactions.
    #[must_use]
    pub const fn outputs(&self) -> [&TopicName; 3] {
        [&self.alerts, &self.dead_letter, &self.audit]
    }

    /// All that the service writes to.
    #[must_use]
    pub const fn all(&self) -> [&TopicName; 4] {
        [&self.alerts, &self.dead_letter, &self.audit, &self.state]
    }
}

/// `[state]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// How often a snapshot is written.
    pub interval: Duration,
    /// The largest that is written.
    pub bytes_max: usize,
}

/// `[http]`
#[derive(Clone, Debug, PartialEq)]
pub struct Http {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// Connections that are open at the same time.
    pub connections_max: NonZeroU32,
    /// The longest that one request may take.
    pub request_max: Duration,
}

/// `[limits]`: incidents and signals in all, the rest for each partition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Symbols with windows and books.
    pub symbols_max: NonZeroUsize,
    /// Accounts by name.
    pub accounts_max: NonZeroUsize,
    /// Resting orders over all books.
    pub orders_max: NonZeroUsize,
    /// Parties of a kind with a full window.
    pub bursts_max: NonZeroUsize,
    /// Incidents that are not resolved.
    pub incidents_max: NonZeroUsize,
    /// Signals that wait for the watermark.
    pub signals_pending_max: NonZeroUsize,
    /// What one record may hold.
    pub decode: DecodeLimits,
}

impl Config {
    /// Reads a file's text (`name` is for messages) with the environment's `FORESHOCK_…` pairs over it.
    ///
    /// ```
    /// use foreshock::config::Config;
    /// let nothing = std::iter::empty();
    /// let config = Config::parse("foreshock.toml", "[kafka]\ngroup = 'a'\n", nothing).unwrap();
    /// assert_eq!(config.kafka.transactional_id, "a");
    /// ```
    ///
    /// # Errors
    /// The first mistake, with its place and what was expected.
    pub fn parse(
        name: &str,
        text: &str,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let document = document::Document::read(name, text, variables)?;
        let raw = document.raw()?;
        document.no_secret()?;
        valid::valid(&raw).map_err(|invalid| document.invalid(&invalid))
    }
}

impl Default for Config {
    fn default() -> Self {
        valid::valid(&RawConfig::default()).expect("the defaults are valid: tests/config says so")
    }
}

#[cfg(test)]
mod tests;
