//! The report of the service's thread to the outside: its point, and its numbers about once a second.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::worker::Worker;
use crate::{
    app::{
        kafka::lag::Ends,
        metrics::Totals,
        readiness::Latch,
        telemetry::{PartitionStatus, Point, Telemetry},
    },
    engine::Coverage,
    trust::Standing,
};

/// How often the numbers are updated for scrapers, which ask every few seconds. An update costs some ten microseconds, and half a
/// microsecond for each symbol, whose book is read.
const EVERY: Duration = Duration::from_secs(1);

/// How often the coverage of the detectors is counted. The flow waits for a count some 20 ms at 100,000 accounts, and the coverage
/// changes over minutes.
const COVERED_EVERY: Duration = Duration::from_secs(10);

/// Reports to the telemetry.
pub struct Reporter {
    telemetry: Arc<Telemetry>,
    totals: Totals,
    due_at: Instant,
    /// When the coverage of the detectors is counted next.
    cover_at: Instant,
    progress: Progress,
    /// Released once.
    latch: Option<Latch>,
    /// The most symbols that have series of their own.
    symbols_max: usize,
}

/// Progress in reading the present partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// There are no partitions.
    Nothing,
    /// The ends of the partitions, as the brokers stated them after the restore, have not been reached.
    Behind,
    /// The ends of the partitions have been reached.
    Caught,
}

impl Reporter {
    /// A reporter that has reported nothing.
    pub fn new(telemetry: Arc<Telemetry>, latch: Latch, symbols_max: usize, now: Instant) -> Self {
        let (totals, progress) = (Totals::default(), Progress::Nothing);
        Self { telemetry, totals, due_at: now, cover_at: now, progress, latch: Some(latch), symbols_max }
    }

    /// The service has come to another point.
    pub fn reach(&self, point: Point) {
        self.telemetry.meters.standby.stands_by(matches!(point, Point::StandingBy { .. }));
        self.telemetry.reach(point);
    }

    /// The service has restored an engine.
    pub fn begin(&mut self, worker: &Worker, ends: &Ends, now: Instant) {
        self.totals.begin(&worker.numbers(self.symbols_max));
        self.progress = Progress::Behind;
        // Ends that were stated before the restore do not show how much is left to read now.
        ends.forget();
        self.telemetry.reach(Point::CatchingUp(None));
        self.cover_at = now;
        self.leave(worker, ends, false, now);
    }

    /// The service is about to give its partitions back.
    pub fn end(&mut self, worker: Option<&Worker>) {
        if let Some(worker) = worker {
            self.totals.follow(worker.numbers(self.symbols_max));
        }
        self.progress = Progress::Nothing;
        self.telemetry.publish(self.totals.alone(), Vec::new());
        self.telemetry.cover(Coverage::default());
        self.telemetry.stand(Standing::default());
        self.reach(Point::StandingBy { holds_state: false });
    }

    /// Publishes the numbers, if they are due. `idle`: nothing waits to be handled.
    pub fn turn(&mut self, worker: &Worker, ends: &Ends, idle: bool, now: Instant) {
        if now >= self.due_at {
            self.leave(worker, ends, idle, now);
        }
    }

    fn leave(&mut self, worker: &Worker, ends: &Ends, idle: bool, now: Instant) {
        self.due_at = now + EVERY;
        if now >= self.cover_at {
            self.cover_at = now + COVERED_EVERY;
            self.telemetry.cover(worker.coverage());
        }
        self.telemetry.stand(worker.standing());
        let positions: Vec<PartitionStatus> = worker.positions(ends, idle).collect();
        if self.progress == Progress::Behind {
            self.look_ahead(&positions);
        }
        self.telemetry.publish(self.totals.follow(worker.numbers(self.symbols_max)), positions);
    }

    /// Releases the latch once every partition's end has been reached: the process is ready.
    fn look_ahead(&mut self, positions: &[PartitionStatus]) {
        let left: Option<i64> = positions.iter().map(|position| position.lag).sum();
        if left != Some(0) {
            self.telemetry.reach(Point::CatchingUp(left));
            return;
        }
        self.progress = Progress::Caught;
        self.telemetry.reach(Point::Following);
        if let Some(latch) = self.latch.take() {
            latch.release();
            tracing::info!("the service is ready: it has caught up with the input");
        }
    }
}
