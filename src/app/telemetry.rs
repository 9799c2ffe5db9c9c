//! What the service tells the outside about itself, shared between the thread that works and the thread that answers.
//!
//! The working thread says at which point it is whenever that changes, and leaves its numbers about once a second; nothing is
//! shared for each event. Whoever asks gets the last that was left, with how far behind the clocks are at this moment.

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
use crate::time::{EventTime, WallTime};

/// At which point the service is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Point {
    /// It looks for its brokers and topics.
    #[default]
    Connecting,
    /// The group gave it nothing.
    StandingBy,
    /// It brings its state to the committed offsets.
    Restoring,
    /// It reads what has come since; so many records are known to be left.
    CatchingUp(Option<i64>),
    /// It reads what comes.
    Following,
    /// It was told to end.
    Ending,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connecting => "looking for brokers and topics",
            Self::StandingBy => {
                "standing by: another process works, or the group has yet to give this one its partitions"
            }
            Self::Restoring => "restoring the state up to the committed offsets",
            Self::CatchingUp(None) => "catching up with the input",
            Self::CatchingUp(Some(records)) => return write!(f, "catching up with the input: {records} records to go"),
            Self::Following => "reading what comes",
            Self::Ending => "ending",
        })
    }
}

/// How one partition stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Its topic.
    pub topic: String,
    /// Its number.
    pub number: i32,
    /// Its clock.
    pub clock: Option<EventTime>,
    /// Records that are there and were not taken yet, where it is known.
    pub lag: Option<i64>,
}

/// Shared by the threads of the process.
pub struct Telemetry {
    /// Counted where it happens.
    pub meters: Meters,
    /// Records that the engine has taken, those that it read again not included.
    handled: AtomicU64,
    readiness: Readiness,
    pulses: [(&'static str, Pulse); 2],
    last: Mutex<Last>,
}

/// What was last left.
#[derive(Default)]
struct Last {
    point: Point,
    numbers: Numbers,
    positions: Vec<Position>,
}

impl Telemetry {
    /// Nothing has happened yet. The latch is for the one who works.
    ///
    /// # Errors
    /// Exit 1 where the metrics cannot be made.
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

    /// The pulses of the threads that must make progress, with the threads' names.
    #[must_use]
    pub const fn pulses(&self) -> &[(&'static str, Pulse)] {
        &self.pulses
    }

    /// The pulse of the thread that works.
    #[must_use]
    pub fn service(&self) -> Pulse {
        self.pulses[0].1.clone()
    }

    /// The pulse of the thread that reads.
    #[must_use]
    pub fn consumer(&self) -> Pulse {
        self.pulses[1].1.clone()
    }

    /// The engine has taken one more record.
    pub fn took_record(&self) {
        self.handled.fetch_add(1, Ordering::Relaxed);
    }

    /// How many records the engine has taken, those that it read again not included.
    #[must_use]
    pub fn handled(&self) -> u64 {
        self.handled.load(Ordering::Relaxed)
    }

    /// The service has come to another point.
    pub fn reach(&self, point: Point) {
        self.last().point = point;
    }

    /// Leaves the numbers of this moment.
    pub fn leave(&self, numbers: Numbers, positions: Vec<Position>) {
        let mut last = self.last();
        (last.numbers, last.positions) = (numbers, positions);
    }

    /// At which point the service is, and whether it is or has been ready.
    #[must_use]
    pub fn point(&self) -> (Point, bool) {
        (self.last().point.clone(), self.readiness.is_ready())
    }

    /// All metrics, in Prometheus' text format.
    ///
    /// # Errors
    /// Exit 1 where they cannot be written.
    pub fn metrics(&self, now: WallTime) -> Result<String, Failure> {
        let (mut numbers, positions) = {
            let last = self.last();
            (last.numbers.clone(), last.positions.clone())
        };
        for position in positions {
            let behind = position.clock.map(|clock| -clock.ahead_of(now).secs_f64());
            numbers.partition(&position.topic, position.number, position.lag, behind);
        }
        numbers.process(self.readiness.is_ready());
        metrics::text(&numbers, Some(&self.meters))
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        // A thread that broke down while it left its numbers has left the old or the new ones.
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
