//! How long a test waits before it fails. The only file of the tests that reads the clock.

use std::time::{Duration, Instant};

/// The end of a wait.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    at: Instant,
}

impl Deadline {
    /// A wait that begins now.
    pub fn after(length: Duration) -> Self {
        Self { at: now() + length }
    }

    /// What is left of the wait.
    pub fn left(self) -> Duration {
        self.at.saturating_duration_since(now())
    }

    /// Fails if the wait is over.
    #[track_caller]
    pub fn check(self, awaited: &str) {
        assert!(!self.left().is_zero(), "not in time: {awaited}");
    }
}

#[expect(clippy::disallowed_methods, reason = "a test waits by the wall clock")]
fn now() -> Instant {
    Instant::now()
}
