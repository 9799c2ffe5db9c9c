//! Configuration: TOML and environment in, valid types out, or one error that points at its place.
//!
//! Three steps. `document` reads the file and lays `FORESHOCK_…` variables over it, remembering where each value came from.
//! `raw` says which keys there are, with their defaults; an unknown one is an error, because a misspelt limit that is
//! silently ignored is worse than a start that fails. `valid` makes the [`Config`] that the rest of the product takes: what
//! it holds needs no further check. The environment itself is not read here: its pairs come as an argument.

mod difference;
mod document;
mod error;
mod layout;
mod notify;
mod print;
mod raw;
mod secret;
mod sections;
mod topic;
mod valid;

pub use self::{
    difference::{Change, Difference, Written, changes},
    document::LOG_VARIABLE,
    error::ConfigError,
    layout::{TopicLayout, TopicLayouts},
    notify::{Login, Notify, Protocol, ReceiverSettings, Url},
    print::default_toml,
    raw::RawConfig,
    secret::{ClientValue, Secret},
    sections::{Config, Http, Kafka, Metrics, State, Topics, Venue},
    topic::{Brokers, Subscription, TopicName},
};

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
        Self::read(name, text, variables).map(|(config, _)| config)
    }

    /// Reads the same, and returns beside it what was written, by which two configurations are compared key by key.
    ///
    /// # Errors
    /// The first mistake, with its place and what was expected.
    pub fn read(
        name: &str,
        text: &str,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(Self, Written), ConfigError> {
        let document = document::Document::read(name, text, variables)?;
        let raw = document.raw()?;
        document.no_secret()?;
        let config = valid::valid(&raw).map_err(|invalid| document.invalid(&invalid))?;
        Ok((config, Written::of(&raw)))
    }
}

impl Default for Config {
    fn default() -> Self {
        valid::valid(&RawConfig::default()).expect("the defaults are valid: tests/config says so")
    }
}

#[cfg(test)]
mod tests;
