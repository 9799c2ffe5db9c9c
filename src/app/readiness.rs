//! Ready is one-way: a process is ready once its latch was released, and never again not.
//!
//! Two halves of one fact. Whoever does the work holds the [`Latch`]; whoever is asked holds the [`Readiness`]. A latch that
//! is dropped without being released (the work failed) leaves the process not ready. A process that has been ready and then
//! loses its partitions stays ready: what it waits for then is not its own doing, and readiness that flaps with every
//! rebalance would tell an orchestrator nothing.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Answers whether the work has come so far.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<AtomicBool>);

/// Says so, once.
#[derive(Debug)]
pub struct Latch(Arc<AtomicBool>);

impl Readiness {
    /// Not ready until the latch is released.
    #[must_use]
    pub fn new() -> (Self, Latch) {
        let ready = Arc::new(AtomicBool::new(false));
        (Self(Arc::clone(&ready)), Latch(ready))
    }

    /// Whether it was.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Latch {
    /// It is ready from now on.
    pub fn release(self) {
        self.0.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_released_latch_makes_it_ready() {
        let (readiness, latch) = Readiness::new();
        assert!(!readiness.is_ready());
        latch.release();
        assert!(readiness.is_ready());

        let (readiness, latch) = Readiness::new();
        drop(latch);
        assert!(!readiness.is_ready());
    }
}
