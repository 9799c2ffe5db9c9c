//! The metrics: one closed list with names, labels and meaning, filled from the engine's own counters.
//!
//! The list is an interface: dashboards and alert rules are written against it, so no metric is made anywhere else and no
//! label has an account's or an owner's name. Only what has a source by now is in it.

use prometheus::{Encoder as _, GaugeVec, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder, core::Collector};
use serde::Serialize;

use super::{Exit, Failure};
use crate::{
    book::Fault,
    detect::Severity,
    engine::{Engine, Fate},
    event::{EventType, Reason},
};

/// One metric as `schema metrics` prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Only rises.
    Counter,
    /// Rises and falls.
    Gauge,
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
    KEYS = Gauge "foreshock_keys" ["kind"] "Entries in a limited table";
    KEYS_EVICTED = Counter "foreshock_keys_evicted_total" ["kind"] "Entries that had to make room in a limited table";
    SEQUENCE_GAPS = Counter "foreshock_sequence_gaps_total" [] "Gaps in symbols' sequences: records were lost before they came here";
    SEQUENCE_RESTARTS = Counter "foreshock_sequence_restarts_total" [] "Sequences that began anew";
    DISORDERED = Counter "foreshock_disordered_events_total" [] "Events behind the newest of their symbol and kind, but early enough to count";
    BOOK_FAULTS = Counter "foreshock_book_faults_total" ["fault"] "Contradictions between a book and its feed";
    WATERMARK = Gauge "foreshock_watermark_seconds" [] "The least of the partitions' clocks, in seconds since the epoch";
    BUILD = Gauge "foreshock_build_info" ["version"] "Always 1";
}

/// The metrics of an engine as they stand, in Prometheus' text format.
///
/// # Errors
/// Exit 1 where they cannot be written, which a fixed list of valid names does not do.
pub fn text(engine: &Engine) -> Result<String, Failure> {
    let fail = |e: prometheus::Error| Failure::new(Exit::Failed, format!("the metrics cannot be written: {e}"));
    let mut bytes = Vec::new();
    let families = gather(engine).map_err(fail)?.gather();
    TextEncoder::new().encode(&families, &mut bytes).map_err(fail)?;
    String::from_utf8(bytes).map_err(|e| Failure::new(Exit::Failed, e.to_string()))
}

fn gather(engine: &Engine) -> Result<Registry, prometheus::Error> {
    let registry = Registry::new();
    let counters = engine.counters();
    let records = counter(&registry, RECORDS)?;
    for (source, fates) in engine.context().sources.iter().zip(engine.fates()) {
        for (fate, name) in Fate::ALL {
            records.with_label_values(&[source.name.as_str(), name]).inc_by(fates.of(fate));
        }
    }
    let rejected = counter(&registry, REJECTED)?;
    for ((_, reason), n) in Reason::ALL.into_iter().zip(counters.rejected) {
        rejected.with_label_values(&[reason]).inc_by(n);
    }
    let events = counter(&registry, EVENTS)?;
    for ((_, kind), n) in EventType::ALL.into_iter().zip(counters.events) {
        events.with_label_values(&[kind]).inc_by(n);
    }
    let signals = counter(&registry, SIGNALS)?;
    for ((detector, severity), n) in &counters.signals {
        signals.with_label_values(&[detector.name(), severity.name()]).inc_by(*n);
    }
    for (metric, n) in
        [(SEQUENCE_GAPS, counters.gaps), (SEQUENCE_RESTARTS, counters.restarts), (DISORDERED, counters.disordered)]
    {
        counter(&registry, metric)?.with_label_values::<&str>(&[]).inc_by(n);
    }
    let faults = counter(&registry, BOOK_FAULTS)?;
    for ((_, fault), n) in Fault::ALL.into_iter().zip(counters.book_faults) {
        faults.with_label_values(&[fault]).inc_by(n);
    }
    incidents(&registry, engine)?;
    tables(&registry, engine)?;
    gauge(&registry, BUILD)?.with_label_values(&[super::build()]).set(1);
    Ok(registry)
}

fn incidents(registry: &Registry, engine: &Engine) -> Result<(), prometheus::Error> {
    let (open, opened) = (gauge(registry, INCIDENTS)?, counter(registry, INCIDENTS_OPENED)?);
    for (severity, name) in Severity::ALL {
        let now = engine.incidents().filter(|incident| incident.severity() == severity).count();
        open.with_label_values(&[name]).set(i64::try_from(now).unwrap_or(i64::MAX));
        let so_far = engine.counters().incidents_opened.get(&severity).copied().unwrap_or(0);
        opened.with_label_values(&[name]).inc_by(so_far);
    }
    Ok(())
}

fn tables(registry: &Registry, engine: &Engine) -> Result<(), prometheus::Error> {
    let (keys, evicted) = (gauge(registry, KEYS)?, counter(registry, KEYS_EVICTED)?);
    for (kind, occupancy) in engine.occupancy() {
        let name = crate::engine::Keys::ALL[kind as usize].1;
        keys.with_label_values(&[name]).set(i64::try_from(occupancy.held).unwrap_or(i64::MAX));
        evicted.with_label_values(&[name]).inc_by(occupancy.evicted);
    }
    if let Some(watermark) = engine.watermark() {
        let gauge = registered(registry, GaugeVec::new(opts(WATERMARK), WATERMARK.labels)?)?;
        gauge.with_label_values::<&str>(&[]).set(watermark.nanos() as f64 / 1e9);
    }
    Ok(())
}

fn opts(metric: Metric) -> Opts {
    Opts::new(metric.name, metric.help)
}

fn counter(registry: &Registry, metric: Metric) -> Result<IntCounterVec, prometheus::Error> {
    registered(registry, IntCounterVec::new(opts(metric), metric.labels)?)
}

fn gauge(registry: &Registry, metric: Metric) -> Result<IntGaugeVec, prometheus::Error> {
    registered(registry, IntGaugeVec::new(opts(metric), metric.labels)?)
}

fn registered<C: Collector + Clone + 'static>(registry: &Registry, collector: C) -> Result<C, prometheus::Error> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}
