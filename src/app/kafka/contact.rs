//! Whether Kafka answers: one line in the log when it no longer does, one when it does again, however often it was tried.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use crate::app::clock;

/// Shared by all who talk to Kafka.
#[derive(Clone, Debug, Default)]
pub struct Contact(Arc<Mutex<Option<Instant>>>);

impl Contact {
    /// Something failed that is tried again.
    pub fn failed(&self, what: &str, error: &dyn fmt::Display) {
        let mut lost = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lost.is_none() {
            *lost = Some(clock::monotonic());
            tracing::warn!(%error, "{what}: it is tried again until it works");
        }
    }

    /// Something worked.
    pub fn worked(&self) {
        if let Some(lost) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let seconds = clock::monotonic().duration_since(lost).as_secs_f64();
            tracing::info!(seconds, "Kafka answers again");
        }
    }

    /// Whether nothing has worked since something failed.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}
