//! Readiness, which is one-way: a process is ready once its latch was released, and stays ready.
//!
//! The fact has two halves. The thread that works holds the [`Latch`], and the thread that answers holds the [`Readiness`]. A
//! latch that is dropped without being released, because the work failed, leaves the process not ready. A process that was ready
//! and then loses its partitions stays ready: it waits for others then, and readiness that changed with every rebalance would be
//! of no use to an orchestrator.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Whether the process is ready.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<AtomicBool>);

/// Makes the process ready, once.
#[derive(Debug)]
pub struct Latch(Arc<AtomicBool>);

impl Readiness {
    /// A process that is not ready, and the latch that makes it ready.
    #[must_use]
    pub fn new() -> (Self, Latch) {
        let ready = Arc::new(AtomicBool::new(false));
        (Self(Arc::clone(&ready)), Latch(ready))
    }

    /// Whether the latch was released.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Latch {
    /// Makes the process ready.
    pub fn release(self) {
        self.0.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_released_latch_makes_a_process_ready() {
        let (readiness, latch) = Readiness::new();
        assert!(!readiness.is_ready());
        latch.release();
        assert!(readiness.is_ready());

        let (readiness, latch) = Readiness::new();
        drop(latch);
        assert!(!readiness.is_ready());
    }
}
