//! The limit of incidents that page within an hour.

use std::collections::VecDeque;

use crate::time::{Span, WallTime};

/// The time within which pages are counted.
const HOUR: Span = Span::from_secs(3_600);

/// The pages of the last hour.
#[derive(Debug)]
pub struct Pages {
    per_hour: usize,
    /// The times of the pages that were let pass; at most `per_hour`.
    passed: VecDeque<WallTime>,
}

impl Pages {
    /// Begins without any page.
    #[must_use]
    pub const fn new(per_hour: usize) -> Self {
        Self { per_hour, passed: VecDeque::new() }
    }

    /// The number of pages that may pass within an hour.
    #[must_use]
    pub const fn per_hour(&self) -> usize {
        self.per_hour
    }

    /// Whether a page at this time may pass; it is counted then.
    pub fn pass(&mut self, at: WallTime) -> bool {
        while self.passed.front().is_some_and(|first| at.since(*first) >= HOUR) {
            self.passed.pop_front();
        }
        let passes = self.passed.len() < self.per_hour;
        if passes {
            self.passed.push_back(at);
        }
        passes
    }
}
