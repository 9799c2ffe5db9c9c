//! Meters: metrics that any thread counts where something happens, over the life of the process. Each meter is an atomic.

use std::time::Duration;

use prometheus::{Gauge, Histogram, HistogramVec, IntCounter, IntCounterVec, Registry, proto::MetricFamily};

use super::{
    ALERT_LATENCY, COMMIT_SECONDS, COMMITS, ENGINE_SECONDS, HTTP_REFUSED, HTTP_REQUESTS, NOTIFICATION_SECONDS,
    NOTIFICATIONS, ReloadMeters, SNAPSHOT_SECONDS, SNAPSHOT_TAKEN, SNAPSHOTS, STATE_BYTES, StandbyMeters, counter,
    failed, gauge, histogram,
};
use crate::{app::Failure, time::WallTime};

/// Buckets in seconds, from a commit on a fast machine to an exchange whose clock is a minute off.
const LATENCY_BUCKETS: [f64; 15] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];
/// Buckets in seconds, from a heartbeat to a record on which an alert is rendered.
const ENGINE_BUCKETS: [f64; 12] = [1e-7, 2.5e-7, 5e-7, 1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 1e-4, 1e-3, 1e-2, 1e-1];
/// Buckets in seconds, from a commit beside the broker to one that waited for a broker to come back.
const COMMIT_BUCKETS: [f64; 12] = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 120.0];

/// Buckets in seconds, from the copy of a small state to the writing of a large one while a broker restarts.
const SNAPSHOT_BUCKETS: [f64; 11] = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 60.0];

/// A counter that another module increments.
pub type Count = IntCounter;

/// A stage of an alert's latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// From the completing event to its record.
    Feed,
    /// From the record to the engine.
    Queue,
    /// Inside the engine.
    Engine,
    /// From the engine to the commit.
    Delivery,
    /// All of it, where a record completes the revision.
    Total,
}

impl Stage {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Feed, "feed"),
        (Self::Queue, "queue"),
        (Self::Engine, "engine"),
        (Self::Delivery, "delivery"),
        (Self::Total, "total"),
    ];
}

/// A page served over HTTP, as a label. All unknown paths are one page, so that clients cannot add labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The list of pages.
    Index,
    /// The metrics.
    Metrics,
    /// Liveness.
    Live,
    /// Readiness.
    Ready,
    /// Any other path.
    Other,
}

impl Page {
    /// The page's path, which is its label.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Index => "/",
            Self::Metrics => "/metrics",
            Self::Live => "/livez",
            Self::Ready => "/readyz",
            Self::Other => "other",
        }
    }
}

/// Meters of one receiver of notifications. Each counts alerts, one for each revision and severity.
#[derive(Clone, Debug)]
pub struct Notified {
    /// Alerts that the receiver took and did not know before.
    pub delivered: Count,
    /// Alerts that the receiver took again because they still fire.
    pub repeated: Count,
    /// Alerts that the receiver refused as malformed.
    pub refused: Count,
    /// Alerts that the receiver could not take when they were posted.
    pub failed: Count,
    /// Incidents that were evicted from the board to make room.
    pub evicted: Count,
    /// Past incidents that were evicted for newer ones, and are missing from histories.
    pub forgotten: Count,
    /// Seconds from the emission of an alert to the receiver's answer.
    pub seconds: Histogram,
}

/// All meters of the process.
pub struct Meters {
    registry: Registry,
    latency: HistogramVec,
    engine: Histogram,
    commit_seconds: Histogram,
    commits: IntCounter,
    retries: IntCounter,
    delivered: IntCounter,
    notifications: IntCounterVec,
    notification_seconds: HistogramVec,
    snapshots: IntCounterVec,
    snapshot_seconds: HistogramVec,
    snapshot_taken: Gauge,
    state_bytes: Gauge,
    http_requests: IntCounterVec,
    http_full: IntCounter,
    http_slow: IntCounter,
    /// Meters of the configuration.
    pub config: ReloadMeters,
    /// Meters of a standby.
    pub standby: StandbyMeters,
}

impl Meters {
    /// Creates the meters, at 0.
    ///
    /// # Errors
    /// Exit 1 where Prometheus refuses a name of the list, which does not happen.
    pub fn new() -> Result<Self, Failure> {
        Self::try_new().map_err(|e| failed(&e))
    }

    fn try_new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let latency = histogram(&registry, ALERT_LATENCY, &LATENCY_BUCKETS)?;
        for (_, stage) in Stage::ALL {
            latency.with_label_values(&[stage]);
        }
        let commits = counter(&registry, COMMITS)?;
        let refused = counter(&registry, HTTP_REFUSED)?;
        let (snapshots, snapshot_seconds) =
            (counter(&registry, SNAPSHOTS)?, histogram(&registry, SNAPSHOT_SECONDS, &SNAPSHOT_BUCKETS)?);
        for outcome in ["written", "failed", "too_large"] {
            snapshots.with_label_values(&[outcome]);
        }
        for stage in ["copy", "write"] {
            snapshot_seconds.with_label_values(&[stage]);
        }
        let notifications = counter(&registry, NOTIFICATIONS)?;
        Ok(Self {
            latency,
            engine: histogram(&registry, ENGINE_SECONDS, &ENGINE_BUCKETS)?.with_label_values::<&str>(&[]),
            commit_seconds: histogram(&registry, COMMIT_SECONDS, &COMMIT_BUCKETS)?.with_label_values::<&str>(&[]),
            commits: commits.with_label_values(&["committed"]),
            retries: commits.with_label_values(&["retried"]),
            delivered: notifications.with_label_values(&["kafka", "delivered"]),
            notifications,
            notification_seconds: histogram(&registry, NOTIFICATION_SECONDS, &LATENCY_BUCKETS)?,
            snapshots,
            snapshot_seconds,
            snapshot_taken: gauge(&registry, SNAPSHOT_TAKEN)?.with_label_values::<&str>(&[]),
            state_bytes: gauge(&registry, STATE_BYTES)?.with_label_values::<&str>(&[]),
            http_requests: counter(&registry, HTTP_REQUESTS)?,
            http_full: refused.with_label_values(&["connections_max"]),
            http_slow: refused.with_label_values(&["request_ms_max"]),
            config: ReloadMeters::new(&registry)?,
            standby: StandbyMeters::new(&registry)?,
            registry,
        })
    }

    pub(super) fn gather(&self) -> Vec<MetricFamily> {
        self.registry.gather()
    }

    /// Observes the time that an alert spent in a stage.
    pub fn alert(&self, stage: Stage, seconds: f64) {
        // A venue's clock that is ahead gives a negative time, which must not lower the sum.
        self.latency.with_label_values(&[Stage::ALL[stage as usize].1]).observe(seconds.max(0.0));
    }

    /// Observes the time that the engine took for a record.
    pub fn engine(&self, length: Duration) {
        self.engine.observe(length.as_secs_f64());
    }

    /// Counts a committed transaction with its alerts, and observes its length.
    pub fn committed(&self, length: Duration, alerts: usize) {
        self.commits.inc();
        self.commit_seconds.observe(length.as_secs_f64());
        self.delivered.inc_by(alerts as u64);
    }

    /// The meters of a receiver, all at 0. Receivers are those of the configuration, so their number is bounded.
    #[must_use]
    pub fn receiver(&self, name: &str) -> Notified {
        let count = |outcome| self.notifications.with_label_values(&[name, outcome]);
        Notified {
            delivered: count("delivered"),
            repeated: count("repeated"),
            refused: count("refused"),
            failed: count("failed"),
            evicted: count("evicted"),
            forgotten: count("forgotten"),
            seconds: self.notification_seconds.with_label_values(&[name]),
        }
    }

    /// The counter of transactions that were tried again.
    #[must_use]
    pub const fn retries(&self) -> &Count {
        &self.retries
    }

    /// Observes the time for which the flow waited while the state was copied.
    pub fn snapshot_copied(&self, length: Duration) {
        self.snapshot_seconds.with_label_values(&["copy"]).observe(length.as_secs_f64());
    }

    /// Counts a snapshot that was written, with its size and the time that writing took.
    pub fn snapshot_written(&self, taken_at: WallTime, bytes: usize, length: Duration) {
        self.snapshots.with_label_values(&["written"]).inc();
        self.snapshot_seconds.with_label_values(&["write"]).observe(length.as_secs_f64());
        self.snapshot_taken.set(taken_at.nanos() as f64 / 1e9);
        self.state_bytes.set(bytes as f64);
    }

    /// Counts a snapshot that could not be written.
    pub fn snapshot_failed(&self) {
        self.snapshots.with_label_values(&["failed"]).inc();
    }

    /// Counts a snapshot that was larger than the limit.
    pub fn snapshot_too_large(&self) {
        self.snapshots.with_label_values(&["too_large"]).inc();
    }

    /// Counts an answered request.
    pub fn answered(&self, page: Page, code: u16) {
        self.http_requests.with_label_values(&[page.path(), &code.to_string()]).inc();
    }

    /// Counts a connection that was refused because there were too many.
    pub fn turned_away(&self) {
        self.http_full.inc();
    }

    /// Counts a connection that was closed because it took too long.
    pub fn cut_off(&self) {
        self.http_slow.inc();
    }
}
