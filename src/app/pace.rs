//! Holds a flow to a multiple of its own speed.
//!
//! An event is due when as much wall time has passed since the first event as event time has, divided by the speed.

use std::time::{Duration, Instant};

use super::{Failure, Interrupt, clock};
use crate::time::EventTime;

/// The pace of one flow, which begins with its first event.
pub struct Pace {
    speed: f64,
    began: Option<(EventTime, Instant)>,
}

impl Pace {
    /// A pace of `speed` times the flow's own.
    pub const fn new(speed: f64) -> Self {
        Self { speed, began: None }
    }

    /// Waits until an event of this time is due; `true` where that took a wait.
    ///
    /// # Errors
    /// Exit 130 at an interrupt.
    pub fn keep(&mut self, at: EventTime, interrupt: &Interrupt) -> Result<bool, Failure> {
        let (first, began) = *self.began.get_or_insert_with(|| (at, clock::monotonic()));
        let due = at.since(first).secs_f64() / self.speed;
        let passed = clock::monotonic().duration_since(began).as_secs_f64();
        if due <= passed {
            return interrupt.check().map(|()| false);
        }
        interrupt.wait(Duration::from_secs_f64(due - passed)).map(|()| true)
    }
}
