//! The summary of a replay: the last line on standard output, which scripts read.

use std::time::Instant;

use serde::Serialize;

use super::record::Recorder;
use crate::{
    app::{Exit, Failure, clock},
    engine::{Engine, Fate, Fates},
};

/// Returns the fates of the records of all feeds.
fn total(engine: &Engine) -> Fates {
    engine.fates().iter().fold(Fates::default(), Fates::plus)
}

/// The records by their fates, and what was found.
#[derive(Serialize)]
pub struct Summary {
    records: u64,
    accepted: u64,
    rejected: u64,
    late: u64,
    duplicate: u64,
    shed: u64,
    signals: u64,
    incidents: u64,
    alerts: u64,
    wall_s: f64,
    cpu_s: f64,
}

impl Summary {
    pub fn new(engine: &Engine, recorder: &Recorder, started: Instant, cpu_s: f64) -> Self {
        let fates = total(engine);
        Self {
            records: fates.total(),
            accepted: fates.of(Fate::Accepted),
            rejected: fates.of(Fate::Rejected),
            late: fates.of(Fate::Late),
            duplicate: fates.of(Fate::Duplicate),
            shed: fates.of(Fate::Shed),
            signals: recorder.signals,
            incidents: engine.counters().incidents_opened.values().sum(),
            alerts: engine.counters().alerts,
            wall_s: clock::monotonic().duration_since(started).as_secs_f64(),
            cpu_s,
        }
    }

    pub fn json(&self) -> Result<String, Failure> {
        serde_json::to_string(self).map_err(|e| Failure::new(Exit::Failed, e.to_string()))
    }
}
