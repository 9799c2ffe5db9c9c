//! The metrics: one closed list with names, labels and meaning.
//!
//! The list is an interface: dashboards and alert rules are written against it, so no metric is made anywhere else and no
//! label has an account's or an owner's name. Only what has a source by now is in it. Two kinds of source: [`Numbers`] are
//! read off an engine at one moment, [`Meters`] are counted where something happens, over the life of the process.

mod meters;
mod numbers;

use prometheus::{
    Encoder as _, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, TextEncoder, core::Collector,
};
use serde::Serialize;

pub use self::{
    meters::{Count, Meters, Page, Stage},
    numbers::{Numbers, Totals},
};
use super::{Exit, Failure};

/// One metric as `schema metrics` prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What it is to Prometheus.
    pub kind: Kind,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

/// What a metric is to Prometheus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Only rises.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Counts observations by size.
    Histogram,
}

/// Declares the metrics as constants and lists them in one table.
macro_rules! metrics {
    ($($constant:ident = $kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(const $constant: Metric = Metric { name: $name, kind: Kind::$kind, labels: &[$($label),*], help: $help };)*
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
    NOTIFICATIONS = Counter "foreshock_notifications_total" ["receiver", "outcome"] "Revisions of alerts by where they went; delivered is committed";
    ALERT_LATENCY = Histogram "foreshock_alert_latency_seconds" ["stage"] "Where the time of an alert went: feed from the completing event to its record (below 0 counts as 0), queue from the record to the engine, engine, delivery from there to the commit";
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
    TROUBLES = Gauge "foreshock_feed_troubles" ["cause"] "Partitions with something wrong, by what it is";
    KEYS = Gauge "foreshock_keys" ["kind"] "Entries in a limited table";
    KEYS_EVICTED = Counter "foreshock_keys_evicted_total" ["kind"] "Entries that had to make room in a limited table";
    SEQUENCE_GAPS = Counter "foreshock_sequence_gaps_total" [] "Gaps in symbols' sequences: records were lost before they came here";
    SEQUENCE_RESTARTS = Counter "foreshock_sequence_restarts_total" [] "Sequences that began anew";
    FEED_STOPS = Counter "foreshock_feed_stops_total" [] "Times that a partition with heartbeats had nothing for more than two seconds of event time";
    DISORDERED = Counter "foreshock_disordered_events_total" [] "Events behind the newest of their symbol and kind, but early enough to count";
    BOOK_FAULTS = Counter "foreshock_book_faults_total" ["fault"] "Contradictions between a book and its feed";
    WATERMARK = Gauge "foreshock_watermark_seconds" [] "The least of the partitions' clocks, in seconds since the epoch";
    READY = Gauge "foreshock_ready" [] "1 once the process has restored its state and caught up";
    HTTP_REQUESTS = Counter "foreshock_http_requests_total" ["path", "code"] "Answered HTTP requests";
    HTTP_REFUSED = Counter "foreshock_http_refused_total" ["reason"] "HTTP connections that were turned away or cut off";
    BUILD = Gauge "foreshock_build_info" ["version", "commit"] "Always 1";
}

/// Numbers, and meters where there are any, in Prometheus' text format.
///
/// # Errors
/// Exit 1 where they cannot be written, which a fixed list of valid names does not do.
pub fn text(numbers: &Numbers, meters: Option<&Meters>) -> Result<String, Failure> {
    let mut families = numbers.registry().map_err(|e| failed(&e))?.gather();
    families.extend(meters.into_iter().flat_map(Meters::gather));
    families.sort_by(|a, b| a.name().cmp(b.name()));
    let mut bytes = Vec::new();
    TextEncoder::new().encode(&families, &mut bytes).map_err(|e| failed(&e))?;
    String::from_utf8(bytes).map_err(|e| Failure::new(Exit::Failed, e.to_string()))
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
