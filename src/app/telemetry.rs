//! The service's state for outside observers, shared between the service's thread and the HTTP thread.
//!
//! The service's thread publishes its life-cycle point whenever that changes, and its numbers about once a second; nothing is
//! shared for each event. The HTTP thread answers with the last numbers, and computes from the wall clock how far each
//! partition's clock is behind.

use std::{
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    Failure,
    liveness::Pulse,
    metrics::{self, Meters, Numbers},
    readiness::{Latch, Readiness},
};
use crate::{
    engine::Coverage,
    time::{EventTime, WallTime},
    trust::Standing,
};

/// A point in the life cycle of the service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Point {
    /// The service looks for its brokers and topics.
    #[default]
    Connecting,
    /// The service has no partitions.
    StandingBy {
        /// Whether it keeps the state of the process that works.
        holds_state: bool,
    },
    /// The service brings its state to the committed offsets.
    Restoring,
    /// The service reads the records that came meanwhile; the number that is left, where it is known.
    CatchingUp(Option<i64>),
    /// The service reads records as they come.
    Following,
    /// The service was asked to end.
    Ending,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connecting => "looking for brokers and topics",
            Self::StandingBy { holds_state: true } => {
                "standing by: another process works, and this one keeps its state, to go on where it ends"
            }
            Self::StandingBy { holds_state: false } => {
                "standing by: another process works, or the group has yet to give this one its partitions"
            }
            Self::Restoring => "restoring the state up to the committed offsets",
            Self::CatchingUp(None) => "catching up with the input",
            Self::CatchingUp(Some(records)) => return write!(f, "catching up with the input: {records} records to go"),
            Self::Following => "reading records as they come",
            Self::Ending => "ending",
        })
    }
}

/// How far one partition was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionStatus {
    /// The partition's topic.
    pub topic: String,
    /// The partition's number.
    pub number: i32,
    /// The partition's clock, in event time.
    pub clock: Option<EventTime>,
    /// Number of records that were not handled yet, where it is known.
    pub lag: Option<i64>,
}

/// State that the threads of the process share.
pub struct Telemetry {
    /// Counters that each thread increments by itself.
    pub meters: Meters,
    /// Number of records that the engine has handled, without those that a restart read again.
    handled: AtomicU64,
    readiness: Readiness,
    pulses: [(&'static str, Pulse); 2],
    last: Mutex<Last>,
}

/// The values published last.
#[derive(Default)]
struct Last {
    point: Point,
    numbers: Numbers,
    positions: Vec<PartitionStatus>,
    coverage: Coverage,
    standing: Standing,
}

impl Telemetry {
    /// The telemetry of a process at its start, and the latch that the service releases when it is ready.
    ///
    /// # Errors
    /// Exit 1 where the metrics cannot be created.
    pub fn new(numbers: Numbers) -> Result<(Self, Latch), Failure> {
        let (readiness, latch) = Readiness::new();
        let telemetry = Self {
            meters: Meters::new()?,
            handled: AtomicU64::new(0),
            readiness,
            pulses: [("service", Pulse::default()), ("consumer", Pulse::default())],
            last: Mutex::new(Last { numbers, ..Last::default() }),
        };
        Ok((telemetry, latch))
    }

    /// The pulses of the threads that must make progress, with their names.
    #[must_use]
    pub const fn pulses(&self) -> &[(&'static str, Pulse)] {
        &self.pulses
    }

    /// The pulse of the service's thread.
    #[must_use]
    pub fn service(&self) -> Pulse {
        self.pulses[0].1.clone()
    }

    /// The pulse of the consumer's thread.
    #[must_use]
    pub fn consumer(&self) -> Pulse {
        self.pulses[1].1.clone()
    }

    /// Counts a record that the engine has handled.
    pub fn took_record(&self) {
        self.handled.fetch_add(1, Ordering::Relaxed);
    }

    /// Number of records that the engine has handled, without those that a restart read again.
    #[must_use]
    pub fn handled(&self) -> u64 {
        self.handled.load(Ordering::Relaxed)
    }

    /// Publishes the point that the service has reached.
    pub fn reach(&self, point: Point) {
        self.last().point = point;
    }

    /// Publishes the present numbers.
    pub fn publish(&self, numbers: Numbers, positions: Vec<PartitionStatus>) {
        let mut last = self.last();
        (last.numbers, last.positions) = (numbers, positions);
    }

    /// Publishes what the detectors can judge.
    pub fn cover(&self, coverage: Coverage) {
        self.last().coverage = coverage;
    }

    /// The coverage of the detectors, as last published; nothing while there are no partitions.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        self.last().coverage.clone()
    }

    /// Publishes how far the input can be trusted.
    pub fn stand(&self, standing: Standing) {
        self.last().standing = standing;
    }

    /// How far the input can be trusted, as last published.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.last().standing.clone()
    }

    /// The point that the service has reached, and whether it is or has been ready.
    #[must_use]
    pub fn point(&self) -> (Point, bool) {
        (self.last().point.clone(), self.readiness.is_ready())
    }

    /// All metrics in Prometheus' text format.
    ///
    /// # Errors
    /// Exit 1 where the metrics cannot be encoded.
    pub fn metrics(&self, now: WallTime) -> Result<String, Failure> {
        let (mut numbers, positions) = {
            let last = self.last();
            (last.numbers.clone(), last.positions.clone())
        };
        numbers.read(positions.len());
        for position in positions {
            let behind = position.clock.map(|clock| -clock.ahead_of(now).secs_f64());
            numbers.partition(&position.topic, position.number, position.lag, behind);
        }
        numbers.cover(&self.coverage());
        numbers.process(self.readiness.is_ready());
        metrics::text(&numbers, Some(&self.meters))
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        // A thread that panicked while it published has left the old values or the new ones.
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
