//! What the service's thread tells the outside: at which point it is, and its numbers about once a second.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::open::Open;
use crate::app::{
    kafka::lag::Ends,
    metrics::{Numbers, Totals},
    readiness::Latch,
    telemetry::{Point, Position, Telemetry},
};

/// How often the numbers are left: scrapers ask every few seconds, and leaving them costs some ten microseconds.
const EVERY: Duration = Duration::from_secs(1);

/// Tells it.
pub struct Reporter {
    telemetry: Arc<Telemetry>,
    totals: Totals,
    due_at: Instant,
    progress: Progress,
    /// Released once.
    latch: Option<Latch>,
}

/// How far the present partitions have been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// There are none.
    Nothing,
    /// Their ends, as they were asked for after the restore, have not been reached.
    Behind,
    /// They have.
    Caught,
}

impl Reporter {
    /// Nothing was told yet.
    pub fn new(telemetry: Arc<Telemetry>, latch: Latch, now: Instant) -> Self {
        Self { telemetry, totals: Totals::default(), due_at: now, progress: Progress::Nothing, latch: Some(latch) }
    }

    /// The service has come to another point.
    pub fn reach(&self, point: Point) {
        self.telemetry.reach(point);
    }

    /// The service has restored an engine.
    pub fn begin(&mut self, open: &Open, ends: &Ends, now: Instant) {
        self.totals.begin(&Numbers::of(open.engine()));
        self.progress = Progress::Behind;
        // What was heard before it restored says nothing of how far there is to go now.
        ends.forget();
        self.telemetry.reach(Point::CatchingUp(None));
        self.leave(open, ends, false, now);
    }

    /// The service is about to give its partitions back.
    pub fn end(&mut self, open: Option<&Open>) {
        if let Some(open) = open {
            self.totals.follow(Numbers::of(open.engine()));
        }
        self.progress = Progress::Nothing;
        self.telemetry.leave(self.totals.alone(), Vec::new());
        self.telemetry.reach(Point::StandingBy);
    }

    /// Leaves the numbers, if it is time. `idle`: nothing waits to be handled.
    pub fn turn(&mut self, open: &Open, ends: &Ends, idle: bool, now: Instant) {
        if now >= self.due_at {
            self.leave(open, ends, idle, now);
        }
    }

    fn leave(&mut self, open: &Open, ends: &Ends, idle: bool, now: Instant) {
        self.due_at = now + EVERY;
        let positions: Vec<Position> = open.positions(ends, idle).collect();
        if self.progress == Progress::Behind {
            self.look_ahead(&positions);
        }
        self.telemetry.leave(self.totals.follow(Numbers::of(open.engine())), positions);
    }

    /// Ready is who has reached every partition's end once.
    fn look_ahead(&mut self, positions: &[Position]) {
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
