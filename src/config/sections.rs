//! The valid configuration, section by section. Its values need no further check.

use std::{collections::BTreeMap, net::SocketAddr, num::NonZeroU32, path::PathBuf, time::Duration};

use super::{Brokers, ClientValue, Notify, Subscription, TopicLayout, TopicLayouts, TopicName};
use crate::{
    alert::Links,
    calendar::{Calendars, MaintenanceWindows},
    detect::Detection,
    engine::{Limits, Settings, StageSettings},
};

/// A valid configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The path of the file that it was read from, for the commands that alerts name; `None` without a file.
    pub file: Option<String>,
    /// `[kafka]`
    pub kafka: Kafka,
    /// `[topics]`
    pub topics: Topics,
    /// `[state]`
    pub state: State,
    /// `[http]`
    pub http: Http,
    /// `[metrics]`
    pub metrics: Metrics,
    /// `[venue]`
    pub venue: Venue,
    /// `[action]`
    pub links: Links,
    /// `[notify]`
    pub notify: Notify,
    /// `[limits]`
    pub limits: Limits,
    /// `[engine]`
    pub stages: StageSettings,
    /// `[detect]`
    pub detection: Detection,
    /// `[[calendar]]`
    pub calendars: Calendars,
    /// `[[maintenance]]`
    pub maintenance: MaintenanceWindows,
}

impl Config {
    /// The settings that a running engine can change.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let Self { detection, calendars, maintenance, .. } = self.clone();
        Settings { detection, calendars, maintenance }
    }

    /// The same configuration with other settings of the engine.
    #[must_use]
    pub fn with(self, settings: Settings) -> Self {
        let Settings { detection, calendars, maintenance } = settings;
        Self { detection, calendars, maintenance, ..self }
    }

    /// The layout of an output topic. Where one topic has several roles, that of the first counts.
    #[must_use]
    pub fn layout(&self, topic: &TopicName) -> TopicLayout {
        let TopicLayouts { alerts, dead_letter, audit, state, view } = self.kafka.layouts;
        let mut of_each = self.topics.all().into_iter().zip([alerts, dead_letter, audit, state, view]);
        of_each.find(|(known, _)| *known == topic).map(|(_, layout)| layout).unwrap_or_default()
    }
}

/// `[kafka]`
#[derive(Clone, Debug, PartialEq)]
pub struct Kafka {
    /// The brokers to begin with.
    pub brokers: Brokers,
    /// The consumer group.
    pub group: String,
    /// The name of this process in the group; the host's name where absent.
    pub instance: Option<String>,
    /// The topics to read; at least one.
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
    /// The layouts of output topics.
    pub layouts: TopicLayouts,
}

/// `[topics]`
#[derive(Clone, Debug, PartialEq)]
pub struct Topics {
    /// The topic of alerts; the service ends if an input pattern matches it.
    pub alerts: TopicName,
    /// The topic of rejected records; the same holds for it.
    pub dead_letter: TopicName,
    /// The topic of the service's own decisions; the same holds for it.
    pub audit: TopicName,
    /// The topic of snapshots; the same holds for it.
    pub state: TopicName,
    /// The topic of signs of life; the same holds for it.
    pub view: TopicName,
}

impl Topics {
    /// Returns the topics that the service writes to in its transactions.
    #[must_use]
    pub const fn outputs(&self) -> [&TopicName; 3] {
        [&self.alerts, &self.dead_letter, &self.audit]
    }

    /// Returns all topics that the service writes to.
    #[must_use]
    pub const fn all(&self) -> [&TopicName; 5] {
        [&self.alerts, &self.dead_letter, &self.audit, &self.state, &self.view]
    }
}

/// `[state]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// How often a snapshot is written.
    pub interval: Duration,
    /// Size of the largest snapshot that is written, in bytes.
    pub bytes_max: usize,
}

/// `[http]`
#[derive(Clone, Debug, PartialEq)]
pub struct Http {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// Largest number of connections that are open at the same time.
    pub connections_max: NonZeroU32,
    /// The longest that one request may take.
    pub request_max: Duration,
}

/// `[metrics]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// The most symbols with series of their own.
    pub symbols_max: usize,
}

/// `[venue]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Venue {
    /// Name of the exchange, if the configuration gives one.
    pub name: Option<String>,
    /// Currency of notionals, if the configuration gives one.
    pub currency: Option<String>,
}
