//! The configuration as it is written: every key with its default. A field's doc comment is what `schema config` prints.
//!
//! Nothing here is checked beyond its TOML type; [`Config`](super::Config) is what the rest of the product sees. Settings of the
//! engine (`[limits]`, `[detect]`) are written where they are used, and stand here as they are.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{layout::RawTopicLayouts, notify::RawNotify};
use crate::{
    alert::Links,
    calendar::{CalendarSettings, MaintenanceSettings},
    detect::{DetectSections, OverrideSettings},
    engine::{Limits, StageSettings},
    setting::Invalid,
};

/// The whole file. A new section is a field here, a field of `Config`, and its check in `valid`.
#[derive(Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawConfig {
    /// The brokers and the input of order flow.
    pub kafka: RawKafka,
    /// The topics of the results.
    pub topics: RawTopics,
    /// How the service remembers what it has learned over a restart.
    pub state: RawState,
    /// The pages over HTTP, and their limits.
    pub http: RawHttp,
    /// The reading that the metrics show.
    pub metrics: RawMetrics,
    /// The exchange.
    pub venue: RawVenue,
    /// The addresses that alerts lead to.
    pub action: RawAction,
    /// The receivers of alerts.
    pub notify: RawNotify,
    /// How much is kept in memory at most, incidents and signals in all, the rest for each partition. What goes beyond is evicted, oldest first, and counted.
    pub limits: Limits,
    /// How the stages are laid out.
    pub engine: StageSettings,
    /// The detectors' settings. The hash of these keys and of the number of shards is in every alert.
    pub detect: DetectSections,
    /// Other settings for some symbols, accounts or owners. Each is a table `[[override]]` with `symbols`, `accounts` or `owners` and keys
    /// of `[detect]`, like `[override.detect.cancel_burst]`; of several that match the last one counts. A part of the hash in every
    /// alert.
    #[serde(rename = "override", skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<OverrideSettings>,
    /// When symbols trade, where their venue does not say so by a `trading_status`. Each is a table `[[calendar]]` with `symbols`,
    /// `zone`, `hours` and `holidays`. A part of the hash in every alert.
    // Not printed where it is empty: `calendar = []` beside a table of that name would be a mistake.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calendar: Vec<CalendarSettings>,
    /// When findings are expected and page nobody. Each is a table `[[maintenance]]` with a `name`, `symbols`, and either `from` and
    /// `until` or `zone` and `hours`. A part of the hash in every alert.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub maintenance: Vec<MaintenanceSettings>,
}

/// See [`RawConfig::kafka`].
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawKafka {
    /// Brokers to begin with: `host:port`, several with commas between.
    pub brokers: String,
    /// The consumer group.
    pub group: String,
    /// The name of this process in the group. Each process that runs on a host adds what distinguishes it from the others, so
    /// copies of one configuration need no names of their own. The host's name where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Topics to read; a name that begins with `^` is a pattern.
    pub input: Vec<String>,
    /// The id of the transactions; one process at a time may use it. The group where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transactional_id: Option<String>,
    /// A transaction without an alert stays open at most so long. An alert commits at once.
    pub commit_interval_ms: u64,
    /// Whether output topics that are not there are created. Input topics never are.
    pub create_topics: bool,
    /// Settings of librdkafka, passed through, like `"security.protocol" = "ssl"`. `"session.timeout.ms"` is how long the
    /// group waits for a process that gives no sign of life, 6000 where absent. A secret is refused here: it comes from a file,
    /// like `"sasl.password_file" = "/run/secrets/kafka"`, or from the environment, like
    /// `FORESHOCK_KAFKA__CLIENT__SASL_PASSWORD`.
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub client: BTreeMap<String, toml::Value>,
    /// How output topics are made, and what `check` compares those with that are there. Nothing of an existing topic is changed.
    pub topics: RawTopicLayouts,
}

impl Default for RawKafka {
    fn default() -> Self {
        Self {
            brokers: "127.0.0.1:9092".to_owned(),
            group: "foreshock".to_owned(),
            instance: None,
            input: vec!["orderflow.events".to_owned()],
            transactional_id: None,
            commit_interval_ms: 100,
            create_topics: true,
            client: BTreeMap::new(),
            topics: RawTopicLayouts::default(),
        }
    }
}

/// See [`RawConfig::topics`].
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawTopics {
    /// Alerts, one record per revision of an incident.
    pub alerts: String,
    /// Records that cannot be used, with the reason.
    pub dead_letter: String,
    /// Decisions of the service by its clock, for replays and restarts.
    pub audit: String,
    /// Snapshots of the state. Compacted; several services may share it.
    pub state: String,
    /// A sign of life of the process at work, every 10 s, for the notifications of all processes. Compacted; several services
    /// may share it.
    pub view: String,
}

impl Default for RawTopics {
    fn default() -> Self {
        Self {
            alerts: "foreshock.alerts".to_owned(),
            dead_letter: "foreshock.dead-letter".to_owned(),
            audit: "foreshock.audit".to_owned(),
            state: "foreshock.state".to_owned(),
            view: "foreshock.view".to_owned(),
        }
    }
}

/// See [`RawConfig::state`].
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawState {
    /// Seconds between two snapshots. What came since the last one is read again after a kill, so the input must be kept for more
    /// than two intervals.
    pub interval_s: u64,
    /// Bytes of a snapshot, packed; a larger one is not written, and a restart then reads all of the input again.
    pub bytes_max: usize,
}

impl Default for RawState {
    fn default() -> Self {
        // 3,000 symbols and 50,000 accounts take 58 MB (DESIGN has 64 MB for them), and no snapshot is worse than a large one.
        Self { interval_s: 60, bytes_max: 128 << 20 }
    }
}

/// See [`RawConfig::metrics`].
#[derive(Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawMetrics {
    /// Symbols that have series of their own; those whose books change most. The others are as one symbol, `other`, which shows the
    /// worst of them.
    pub symbols_max: usize,
}

impl Default for RawMetrics {
    fn default() -> Self {
        // Each symbol has nine series, so a scrape stays below 1 MB.
        Self { symbols_max: 300 }
    }
}

/// See [`RawConfig::venue`].
#[derive(Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawVenue {
    /// Name of the exchange: the label `venue` of notifications, which have no such label where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Currency of notionals, which alerts name beside them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
}

/// See [`RawConfig::action`].
#[derive(Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawAction {
    /// Address of a runbook, such as `"https://wiki.example/foreshock/{detector}"`. What stands in braces is replaced, in each of
    /// these keys: `{detector}`, `{incident}`, `{severity}`, `{symbol}` (the first one), `{venue}`, `{from_ms}` and `{to_ms}`
    /// (from when to when it is about, in milliseconds since 1970).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
    /// Address of a dashboard, such as `"https://grafana.example/d/foreshock-incident?from={from_ms}&var-symbol={symbol}"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dashboard: Option<String>,
    /// Address of the incident on the product's own page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// Address at which the alert can be silenced, such as `"https://alertmanager.example/#/silences/new?filter=%7Bincident%3D%22{incident}%22%7D"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silence: Option<String>,
}

impl RawAction {
    /// Checks the templates.
    pub(super) fn valid(&self) -> Result<Links, Invalid> {
        let Self { runbook, dashboard, page, silence } = self.clone();
        let links = Links { runbook, dashboard, page, silence };
        links.check().map(|()| links)
    }
}

/// See [`RawConfig::http`].
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawHttp {
    /// The address to listen on. Whoever reaches it can read it: keep it on the loopback or behind a proxy.
    pub listen: String,
    /// Connections that are open at the same time; further ones are turned away. More where many scrapers share the
    /// service.
    pub connections_max: u32,
    /// A client that takes longer for one request, from connecting to the answer's last byte, is cut off. More where it
    /// is far away.
    pub request_ms_max: u64,
}

impl Default for RawHttp {
    fn default() -> Self {
        Self { listen: "127.0.0.1:9464".to_owned(), connections_max: 64, request_ms_max: 10_000 }
    }
}
