//! The last minute of a subject's events as a ring of 100-ms buckets, with running sums for nine window lengths.
//!
//! Exact times would cost 8 bytes an event without bound; buckets cost 1.3 kB whatever the rate, and against exact windows
//! give half the false alarms at the same power (DETECTION 2.1). The current bucket counts in full, so a window of w
//! holds the current bucket and the w/100 ms − 1 before it.
//!
//! ```text
//!  head − 639 … head − 599 …………………………………… head − 1 | head
//!  seconds not learned yet | the 60-s window        | now
//! ```

use crate::time::{EventTime, Span};

/// Width of a bucket: the shortest window.
pub const BUCKET: Span = Span::from_millis(100);
/// Window lengths in buckets: .1, .2, .5, 1, 2, 5, 10, 20 and 60 s.
pub const WINDOWS: [i64; 9] = [1, 2, 5, 10, 20, 50, 100, 200, 600];
/// Buckets held: the 61 s that are not learned yet and the current second, rounded up.
const HELD: usize = 640;
/// The same, to reckon with bucket numbers.
const HELD_I64: i64 = 640;

/// Counts by 100 ms, and by window.
#[derive(Clone, Debug)]
pub struct Buckets {
    counts: Box<[u16; HELD]>,
    /// Number of the current bucket, from the epoch.
    head: i64,
    sums: [u32; WINDOWS.len()],
}

impl Buckets {
    /// Nothing counted; the current bucket is that of `at`.
    #[must_use]
    pub fn new(at: EventTime) -> Self {
        Self { counts: Box::new([0; HELD]), head: at.slot(BUCKET), sums: [0; WINDOWS.len()] }
    }

    /// Moves the current bucket to that of `at`, which is not before it.
    pub fn advance(&mut self, at: EventTime) {
        let to = at.slot(BUCKET);
        if to - self.head >= HELD_I64 {
            self.counts.fill(0);
            self.sums = [0; WINDOWS.len()];
            self.head = to;
        }
        while self.head < to {
            self.head += 1;
            for (sum, width) in self.sums.iter_mut().zip(WINDOWS) {
                *sum -= u32::from(self.counts[index(self.head - width)]);
            }
            self.counts[index(self.head)] = 0;
        }
    }

    /// Counts one event, which is not after the current bucket and not older than the ring. A bucket holds 65,535; what goes
    /// beyond is as much of a burst as can be said.
    pub fn count(&mut self, at: EventTime) {
        let bucket = at.slot(BUCKET);
        let count = &mut self.counts[index(bucket)];
        if *count == u16::MAX {
            return;
        }
        *count += 1;
        for (sum, width) in self.sums.iter_mut().zip(WINDOWS) {
            *sum += u32::from(bucket > self.head - width);
        }
    }

    /// How many each window holds.
    #[must_use]
    pub const fn sums(&self) -> &[u32; WINDOWS.len()] {
        &self.sums
    }

    /// When a window's oldest bucket starts.
    #[must_use]
    pub const fn start(&self, window: usize) -> EventTime {
        EventTime::from_nanos((self.head - WINDOWS[window] + 1) * BUCKET.nanos())
    }

    /// The ten counts of a second, which is not older than the ring; after the current bucket there is nothing yet.
    #[must_use]
    pub fn second(&self, second: i64) -> [u16; 10] {
        let mut counts = [0; 10];
        for (bucket, count) in (second * 10..=self.head).zip(&mut counts) {
            *count = self.counts[index(bucket)];
        }
        counts
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a remainder by 640 fits")]
const fn index(bucket: i64) -> usize {
    bucket.rem_euclid(HELD_I64).unsigned_abs() as usize
}
