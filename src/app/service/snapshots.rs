//! The schedule of snapshots: right after a commit, so that a snapshot stands for exactly the committed offsets; once in an
//! interval; never while the last one is still being written; and at the end.
//!
//! Only the copy of the state holds up the flow. A thread of its own writes the snapshot (`kafka::state::Writer`), and only the end
//! of the service waits for that thread, for some seconds.

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
/// How often the end checks whether the snapshot before is written: short against [`FINISH_MAX`].
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Takes snapshots when they are due.
pub struct SnapshotSchedule {
    writer: Option<Writer>,
    telemetry: Arc<Telemetry>,
    interval: Duration,
    due_at: Instant,
    /// Whether nothing more will be committed.
    is_last: bool,
    /// Number of records that had been taken at the last snapshot.
    records: u64,
}

impl SnapshotSchedule {
    /// Begins with a restored state. If all of the input had to be read for it, the first snapshot is due at once.
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
            // Without a snapshot to begin with, the state is worth one even if no more records come.
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
        let (settings, positions, taken_at) = (engine.settings(), positions(), clock::wall());
        writer.write(Job { snapshot, settings, positions, taken_at, is_last: self.is_last });
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
        // A snapshot is due even if nothing has changed: its manifest says that it is the last.
        (self.due_at, self.records, self.is_last) = (clock::monotonic(), u64::MAX, true);
        self.take_if_due(engine, taken, positions);
        if let Some(writer) = self.writer.take()
            && !writer.finish(left())
        {
            tracing::warn!("the last snapshot was not written in time: the next start reads a little more again");
        }
    }
}
