//! The metrics: a closed list with names, labels and meanings.
//!
//! The list is an interface: dashboards and alert rules are written against it. So no metric is created anywhere else, and no
//! label holds the name of an account or an owner. The list has only metrics that have a source already. There are two kinds of
//! source: [`Numbers`] are read from an engine at one moment, and [`Meters`] count where something happens, over the life of the
//! process.

mod meters;
mod numbers;
mod reloads;
mod standby;
mod text;

use prometheus::{GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, core::Collector};
use serde::Serialize;

pub use self::{
    meters::{Count, Meters, Notified, Page, Stage},
    numbers::{Numbers, Totals},
    reloads::{ReloadMeters, Reloaded},
    standby::StandbyMeters,
    text::text,
};
use super::{Exit, Failure};

/// A metric, as `schema metrics` prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Metric {
    /// Name in Prometheus.
    pub name: &'static str,
    /// Type in Prometheus.
    pub kind: MetricKind,
    /// Names of the labels.
    pub labels: &'static [&'static str],
    /// Meaning.
    pub help: &'static str,
}

/// The type of a metric in Prometheus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    /// A number that only rises.
    Counter,
    /// A number that rises and falls.
    Gauge,
    /// Observations counted by size.
    Histogram,
}

/// Declares the metrics as constants and lists them in one table.
macro_rules! metrics {
    ($($constant:ident = $kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(const $constant: Metric = Metric { name: $name, kind: MetricKind::$kind, labels: &[$($label),*], help: $help };)*
        /// Every metric.
        pub const ALL: &[Metric] = &[$($constant),*];
    };
}

metrics! {
    RECORDS = Counter "foreshock_records_total" ["topic", "fate"] "Records by what became of them; the five fates sum to the records read";
    REJECTED = Counter "foreshock_rejected_total" ["reason"] "Rejected records by reason";
    EVENTS = Counter "foreshock_events_total" ["type"] "Events by type";
    SIGNALS = Counter "foreshock_signals_total" ["detector", "severity"] "Findings that opened or rose, by the severity they reached";
    INCIDENTS = Gauge "foreshock_incidents" ["severity"] "Open incidents";
    INCIDENTS_OPENED = Counter "foreshock_incidents_opened_total" ["severity"] "Incidents by the severity at which they opened";
    NOTIFICATIONS = Counter "foreshock_notifications_total" ["receiver", "outcome"] "Revisions of alerts by where they went. Of kafka: delivered is committed. Of a receiver, for each severity: delivered, repeated (while it lasts), refused (malformed: it is posted alone), failed (it is tried again), evicted (it made room, limits.incidents_max), forgotten (it made room in the past that histories are from)";
    NOTIFICATION_SECONDS = Histogram "foreshock_notification_seconds" ["receiver"] "From the emission of an alert to the receiver's answer that takes it";
    ALERT_LATENCY = Histogram "foreshock_alert_latency_seconds" ["stage"] "Where the time of an alert went: feed from the completing event to its record (below 0 counts as 0), queue from the record to the engine, engine, delivery from there to the commit, total all of it where a record completes the revision";
    ENGINE_SECONDS = Histogram "foreshock_engine_seconds" [] "How long the engine takes for a record, decoding and output not included: every 61st record is measured";
    COMMITS = Counter "foreshock_commits_total" ["outcome"] "Transactions that committed, and attempts that failed and were made again";
    COMMIT_SECONDS = Histogram "foreshock_commit_seconds" [] "How long a transaction took, from its first attempt to its commit";
    SNAPSHOTS = Counter "foreshock_snapshots_total" ["outcome"] "Snapshots of the state: written, failed (the next one is tried), too_large (it is not written)";
    SNAPSHOT_SECONDS = Histogram "foreshock_snapshot_seconds" ["stage"] "How long a snapshot took: copy holds up the flow, write does not";
    SNAPSHOT_TAKEN = Gauge "foreshock_snapshot_taken_seconds" [] "When the state of the last snapshot that was written was copied, in seconds since the epoch";
    STATE_BYTES = Gauge "foreshock_state_bytes" [] "Bytes of the last snapshot that was written, packed";
    CONSUMER_LAG = Gauge "foreshock_consumer_lag_records" ["topic", "partition"] "Offsets between what the engine has taken and the partition's end";
    WATERMARK_LAG = Gauge "foreshock_watermark_lag_seconds" ["topic", "partition"] "How far the partition's clock is behind this machine's";
    MODE = Gauge "foreshock_mode" ["mode"] "How far findings are to be trusted: one of the modes is 1";
    TROUBLES = Gauge "foreshock_feed_troubles" ["cause"] "Partitions, producers and symbols with something wrong, by what it is";
    COVERAGE = Gauge "foreshock_coverage" ["detector", "subject", "state"] "Subjects by whether the detector can judge them now (judged), and if not, why not; counted every 10 s";
    KEYS = Gauge "foreshock_keys" ["kind"] "Entries in a limited table";
    KEYS_EVICTED = Counter "foreshock_keys_evicted_total" ["kind"] "Entries that had to make room in a limited table";
    ROUNDED = Counter "foreshock_numbers_rounded_total" [] "Numbers with digits below 1e-23, which were rounded half to even";
    SEQUENCE_GAPS = Counter "foreshock_sequence_gaps_total" [] "Gaps in symbols' sequences: records were lost before they came here";
    SEQUENCE_RESTARTS = Counter "foreshock_sequence_restarts_total" [] "Sequences that began anew";
    FEED_STOPS = Counter "foreshock_feed_stops_total" [] "Times that a partition with heartbeats had nothing for more than two seconds of event time";
    DISORDERED = Counter "foreshock_disordered_events_total" [] "Events behind the newest of their symbol and kind, but early enough to count";
    RECORDS_LOST = Counter "foreshock_records_lost_total" [] "Offsets of the input that were deleted before they were read, with their topic or by retention, as far as that is known";
    PARTITIONS_READ = Gauge "foreshock_partitions_read" [] "Partitions of the input that this process reads; 0 while it stands by";
    UNREAD = Gauge "foreshock_partitions_unread" [] "Partitions of the input that exist and are not read, of the topics that are";
    SET_BACK = Counter "foreshock_clocks_set_back_total" [] "Times that the clock of a file was set back, because a leap of it was wrong";
    NEW_LOGS = Counter "foreshock_new_logs_total" [] "Times that another log began under a partition's name: its topic was deleted and made again";
    HELD_BACK = Counter "foreshock_held_back_events_total" [] "Events whose stamps are not believed: books follow them, windows do not count them, no clock moves";
    BOOK_FAULTS = Counter "foreshock_book_faults_total" ["fault"] "Contradictions between a book and its feed";
    BOOK_USABLE = Gauge "foreshock_book_usable" ["symbol"] "Whether the symbol's book can be used; of `other`, all symbols beyond metrics.symbols_max, whether each book can be";
    BOOK_SPREAD = Gauge "foreshock_book_spread_bps" ["symbol"] "Spread of the symbol's book in basis points of the middle, where the book can be used and has two sides; of `other` the widest";
    DEPTH = Gauge "foreshock_depth_notional" ["symbol", "band_bps"] "Notional of the book's thinner side within so many basis points of the middle, where the book can be used and has two sides; of `other` the least of a symbol";
    PACE = Gauge "foreshock_pace_ratio" ["symbol", "flow"] "Events of the last ten seconds as a multiple of the usual number, of one at least: cancels are orders withdrawn, trades are orders that took; from the symbol's second quarter of an hour on; of `other` the fastest";
    THIN_SHARE = Gauge "foreshock_thin_share" [] "Share of the symbols whose books are below the lowest tenth of their own depth; absent while fewer symbols are known than detect.thin_book_cluster.symbols_min";
    BOOKS = Gauge "foreshock_books" ["state"] "Symbols by the state of their book: usable, or why it cannot be used";
    DELTAS_FORGOTTEN = Counter "foreshock_book_deltas_forgotten_total" [] "Changes of levels that were forgotten before they were 10 s old, for lack of room: a snapshot that comes later than they is late";
    WATERMARK = Gauge "foreshock_watermark_seconds" [] "The least of the partitions' clocks, in seconds since the epoch";
    READY = Gauge "foreshock_ready" [] "1 once the process has restored its state and caught up";
    HTTP_REQUESTS = Counter "foreshock_http_requests_total" ["path", "code"] "Answered HTTP requests";
    HTTP_REFUSED = Counter "foreshock_http_refused_total" ["reason"] "HTTP connections that were turned away or cut off";
    CONFIG_RELOADS = Counter "foreshock_config_reloads_total" ["outcome"] "Signals to read the configuration again (SIGHUP) by what came of them: applied, unchanged, refused (the old one stays)";
    CONFIG_RELOADED = Gauge "foreshock_config_last_reload_successful" [] "Whether the last reading of the configuration was successful; 0: the file is not what is in force";
    CONFIG_RELOADED_AT = Gauge "foreshock_config_last_reload_success_timestamp_seconds" [] "When the configuration was last read with success, in seconds since the epoch";
    CONFIG = Gauge "foreshock_config_info" ["config"] "Always 1, for the hash of the detection settings that this process goes by when it works; it is in every alert";
    STANDBY = Gauge "foreshock_standing_by" [] "Whether another process works and this one waits to take over";
    STANDBY_STATE_AT = Gauge "foreshock_standby_state_timestamp_seconds" [] "When this standby last brought the state that it keeps up to the committed offsets, in seconds since the epoch; 0 where it keeps none";
    BUILD = Gauge "foreshock_build_info" ["version", "commit"] "Always 1";
}

fn failed(error: &prometheus::Error) -> Failure {
    Failure::new(Exit::Failed, format!("the metrics cannot be written: {error}"))
}

fn counter(registry: &Registry, metric: Metric) -> Result<IntCounterVec, prometheus::Error> {
    registered(registry, IntCounterVec::new(Opts::new(metric.name, metric.help), metric.labels)?)
}

fn gauge(registry: &Registry, metric: Metric) -> Result<GaugeVec, prometheus::Error> {
    registered(registry, GaugeVec::new(Opts::new(metric.name, metric.help), metric.labels)?)
}

fn histogram(registry: &Registry, metric: Metric, buckets: &[f64]) -> Result<HistogramVec, prometheus::Error> {
    let opts = HistogramOpts::new(metric.name, metric.help).buckets(buckets.to_vec());
    registered(registry, HistogramVec::new(opts, metric.labels)?)
}

fn registered<C: Collector + Clone + 'static>(registry: &Registry, collector: C) -> Result<C, prometheus::Error> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}
