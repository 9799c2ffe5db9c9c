//! Tracks whether Kafka answers: one log line when it stops, and one when it answers again, however many attempts failed.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use crate::app::clock;

/// The state of the contact, shared by all clients of Kafka; since when it is lost, if it is.
#[derive(Clone, Debug, Default)]
pub struct Contact(Arc<Mutex<Option<Instant>>>);

impl Contact {
    /// Records a failed attempt that is going to be repeated.
    pub fn failed(&self, what: &str, error: &dyn fmt::Display) {
        let mut lost = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lost.is_none() {
            *lost = Some(clock::monotonic());
            tracing::warn!(%error, "{what}: it is tried again until it works");
        }
    }

    /// Records an attempt that succeeded.
    pub fn worked(&self) {
        if let Some(lost) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let seconds = clock::monotonic().duration_since(lost).as_secs_f64();
            tracing::info!(seconds, "Kafka answers again");
        }
    }
}
