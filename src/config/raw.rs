//! The configuration as it is written: every key with its default. A field's doc comment is what `schema config` prints.
//!
//! Nothing here is checked beyond its TOML type; [`Config`](super::Config) is what the rest of the product sees.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{detect::thin_book, window::BurstSettings};

/// The whole file. A new section is a field here, a field of `Config`, and its check in `valid`.
#[derive(Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawConfig {
    /// Where order flow comes from.
    pub kafka: RawKafka,
    /// Where results go.
    pub topics: RawTopics,
    /// How the service remembers what it has learned over a restart.
    pub state: RawState,
    /// What is served over HTTP.
    pub http: RawHttp,
    /// How much is kept in memory at most, incidents and signals in all, the rest for each partition. What goes beyond is evicted, oldest first, and counted.
    pub limits: RawLimits,
    /// What the detectors are set to. The hash of these keys is in every alert.
    pub detect: RawDetect,
}

/// See [`RawConfig::detect`].
#[derive(Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawDetect {
    /// Orders are withdrawn far faster than is usual for the symbol.
    pub cancel_burst: RawBurst,
    /// Trades come far faster, or far larger, than is usual for the symbol.
    pub trade_burst: RawBurst,
    /// Far less rests near the touch than is usual at this time of day.
    pub thin_book: RawThinBook,
}

/// See [`RawDetect::thin_book`].
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawThinBook {
    /// False alarms per symbol and day for which all detectors that make tickets are meant together; a thin book gets its share.
    pub warnings_per_day: f64,
}

impl Default for RawThinBook {
    fn default() -> Self {
        let thin_book::Settings { warnings_per_day } = thin_book::Settings::default();
        Self { warnings_per_day }
    }
}

/// See [`RawDetect::cancel_burst`] and [`RawDetect::trade_burst`].
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawBurst {
    /// The fewest events in a window that can be a burst.
    pub a_min: u32,
    /// The same for the first 75 minutes of a symbol, when every busy feed looks like a burst.
    pub cold_a_min: u32,
    /// False alarms per symbol and day for which a warning's threshold is meant, once it calibrates itself: information
    /// gets ten times as many, critical a tenth.
    pub warnings_per_day: f64,
}

impl Default for RawBurst {
    fn default() -> Self {
        let BurstSettings { a_min, cold_a_min, warnings_per_day } = BurstSettings::default();
        Self { a_min, cold_a_min, warnings_per_day }
    }
}

/// See [`RawConfig::kafka`].
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawKafka {
    /// Brokers to begin with: `host:port`, several with commas between.
    pub brokers: String,
    /// The consumer group.
    pub group: String,
    /// What this process is called in the group. Each process that runs on a host adds what tells it from the others, so
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
    /// What the service decided by its clock, for replays and restarts.
    pub audit: String,
    /// Snapshots of the state. Compacted; several services may share it.
    pub state: String,
}

impl Default for RawTopics {
    fn default() -> Self {
        Self {
            alerts: "foreshock.alerts".to_owned(),
            dead_letter: "foreshock.dead-letter".to_owned(),
            audit: "foreshock.audit".to_owned(),
            state: "foreshock.state".to_owned(),
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

/// See [`RawConfig::limits`].
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "limits end in `_max`")]
pub struct RawLimits {
    /// Symbols with windows and books.
    pub symbols_max: usize,
    /// Accounts by name.
    pub accounts_max: usize,
    /// Resting orders over all books.
    pub orders_max: usize,
    /// Accounts, owners, and either on one symbol that have a full window of their own, each kind in each partition and over all.
    pub bursts_max: usize,
    /// Incidents that are not resolved.
    pub incidents_max: usize,
    /// Signals that wait for the watermark.
    pub signals_pending_max: usize,
    /// Bytes of one record; a greater one is rejected.
    pub record_bytes_max: usize,
    /// Levels on one side of a book event; a record with more is rejected.
    pub levels_max: usize,
}

impl Default for RawLimits {
    fn default() -> Self {
        let decode = crate::event::DecodeLimits::default();
        let crate::engine::Limits {
            symbols_max,
            accounts_max,
            orders_max,
            bursts_max,
            incidents_max,
            signals_pending_max,
        } = crate::engine::Limits::default();
        Self {
            symbols_max,
            accounts_max,
            orders_max,
            bursts_max,
            incidents_max,
            signals_pending_max,
            record_bytes_max: decode.record_bytes_max,
            levels_max: decode.levels_max,
        }
    }
}
