//! Time limits of tests: how long a test waits before it fails. No other file of the tests reads the clock.

use std::time::{Duration, Instant};

/// The end of a wait, by the wall clock.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    at: Instant,
}

impl Deadline {
    /// Starts a wait of this length now.
    pub fn after(length: Duration) -> Self {
        Self { at: now() + length }
    }

    /// The time that is left; zero when the wait is over.
    pub fn left(self) -> Duration {
        self.at.saturating_duration_since(now())
    }

    /// Fails the test if the wait is over.
    #[track_caller]
    pub fn check(self, awaited: &str) {
        assert!(!self.left().is_zero(), "not in time: {awaited}");
    }
}

#[expect(clippy::disallowed_methods, reason = "a test waits by the wall clock")]
fn now() -> Instant {
    Instant::now()
}
