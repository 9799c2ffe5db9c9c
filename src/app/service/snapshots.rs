//! The schedule of snapshots: right after a commit, so that a snapshot stands for exactly the committed offsets; once in an interval;
//! never while the last one is still being written; and at the end.
//!
//! Only the copy of the state holds up the flow. Writing is the writer's business, and nothing here waits for it but the end, for
//! some seconds.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::restore::Restored;
use crate::{
    app::{
        Failure, clock,
        kafka::state::{Job, PartitionOffset, Writer},
        telemetry::Telemetry,
    },
    config::Config,
    engine::Engine,
};

/// How long the end waits for the last snapshot: well within what supervisors grant (10 s by default in containers).
const FINISH_MAX: Duration = Duration::from_secs(5);
/// How often the end looks whether the snapshot before is written.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Takes snapshots when they are due.
pub struct SnapshotSchedule {
    writer: Option<Writer>,
    telemetry: Arc<Telemetry>,
    interval: Duration,
    due_at: Instant,
    /// Whether nothing more is committed.
    is_last: bool,
    /// Records that had been taken at the last snapshot.
    records: u64,
}

impl SnapshotSchedule {
    /// A schedule that begins with a restored state. Where that took all of the input, the first snapshot is due at once.
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
            is_last: false,
            // What was read without a snapshot is worth one even if nothing more comes.
            records: if restored.from_snapshot { 0 } else { u64::MAX },
        })
    }

    /// Copies the state if it is time. `taken` records have been taken, and all of them are committed.
    pub fn take_if_due(&mut self, engine: &Engine, taken: u64, positions: impl FnOnce() -> Vec<PartitionOffset>) {
        let Some(writer) = &self.writer else { return };
        let now = clock::monotonic();
        if now < self.due_at || taken == self.records || writer.is_busy() {
            return;
        }
        let snapshot = engine.snapshot();
        self.telemetry.meters.snapshot_copied(clock::monotonic().duration_since(now));
        (self.due_at, self.records) = (now + self.interval, taken);
        writer.write(Job { snapshot, positions: positions(), taken_at: clock::wall(), is_last: self.is_last });
    }

    /// Makes a snapshot due, because what the last one lacks cannot be read again.
    pub fn hurry(&mut self) {
        (self.due_at, self.records) = (clock::monotonic(), u64::MAX);
    }

    /// Takes a last snapshot, and waits a little until it is written: the next start then reads nothing
    /// again.
    pub fn finish(&mut self, engine: &Engine, taken: u64, positions: impl FnOnce() -> Vec<PartitionOffset>) {
        let give_up_at = clock::monotonic() + FINISH_MAX;
        let left = || give_up_at.saturating_duration_since(clock::monotonic());
        while self.writer.as_ref().is_some_and(Writer::is_busy) && !left().is_zero() {
            std::thread::park_timeout(LOOK_EVERY);
        }
        // Even where nothing has changed: that a snapshot is the last is known only now.
        (self.due_at, self.records, self.is_last) = (clock::monotonic(), u64::MAX, true);
        self.take_if_due(engine, taken, positions);
        if let Some(writer) = self.writer.take()
            && !writer.finish(left())
        {
            tracing::warn!("the last snapshot was not written in time: the next start reads a little more again");
        }
    }
}
