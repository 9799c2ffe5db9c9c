//! When the state is copied for a snapshot: right after a commit, so that it stands for exactly the committed offsets; once in
//! an interval; never while the last one is still being written; and at the end.
//!
//! Only the copy holds up the flow. The rest is the writer's, and nothing here waits for it but the end, for some seconds.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::restore::Restored;
use crate::{
    app::{
        Failure, clock,
        kafka::state::{Job, Position, Writer},
        telemetry::Telemetry,
    },
    config::Config,
    engine::Engine,
};

/// How long the end waits for the last snapshot: well within what supervisors grant (10 s by default in containers).
const FINISH_MAX: Duration = Duration::from_secs(5);
/// How often it looks whether the one before is written.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Takes snapshots.
pub struct Keeper {
    writer: Option<Writer>,
    telemetry: Arc<Telemetry>,
    interval: Duration,
    due_at: Instant,
    /// Records that had been taken at the last one.
    kept: u64,
}

impl Keeper {
    /// Begins with what was restored. Where that took all of the input, the first is due at once.
    ///
    /// # Errors
    /// Exit 1 where the system gives no thread.
    pub fn new(config: &Config, telemetry: &Arc<Telemetry>, restored: &Restored) -> Result<Self, Failure> {
        let now = clock::monotonic();
        let interval = config.state.interval;
        Ok(Self {
            writer: Some(Writer::start(config, telemetry, restored.slot)?),
            telemetry: Arc::clone(telemetry),
            interval,
            due_at: if restored.from_snapshot { now + interval } else { now },
            // What was read without a snapshot is worth one even if nothing more comes.
            kept: if restored.from_snapshot { 0 } else { u64::MAX },
        })
    }

    /// Copies the state if it is time. `taken` records have been taken, and all of them are committed.
    pub fn keep_if_due(&mut self, engine: &Engine, taken: u64, positions: impl FnOnce() -> Vec<Position>) {
        let Some(writer) = &self.writer else { return };
        let now = clock::monotonic();
        if now < self.due_at || taken == self.kept || writer.is_busy() {
            return;
        }
        let snapshot = engine.snapshot();
        self.telemetry.meters.snapshot_copied(clock::monotonic().duration_since(now));
        (self.due_at, self.kept) = (now + self.interval, taken);
        writer.write(Job { snapshot, positions: positions(), taken_at: clock::wall() });
    }

    /// Writes a last one, unless nothing has changed, and waits a little until it is there: the next start then reads nothing
    /// again.
    pub fn finish(&mut self, engine: &Engine, taken: u64, positions: impl FnOnce() -> Vec<Position>) {
        let give_up_at = clock::monotonic() + FINISH_MAX;
        let left = || give_up_at.saturating_duration_since(clock::monotonic());
        while self.writer.as_ref().is_some_and(Writer::is_busy) && !left().is_zero() {
            std::thread::park_timeout(LOOK_EVERY);
        }
        self.due_at = clock::monotonic();
        self.keep_if_due(engine, taken, positions);
        if let Some(writer) = self.writer.take()
            && !writer.finish(left())
        {
            tracing::warn!("the last snapshot was not written in time: the next start reads a little more again");
        }
    }
}
