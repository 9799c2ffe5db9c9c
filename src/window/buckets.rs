//! The last minute of a subject's events as a ring of 100-ms buckets, with running sums for nine window lengths.
//!
//! Exact times would cost 8 bytes an event without a limit. Buckets cost 1.2 kB at any rate, and against exact windows
//! they give half the false alarms at the same power (DETECTION 2.1). The current bucket counts in full, so a window of
//! length w holds the current bucket and the w/100 ms − 1 buckets before it. An event is added to a window's sum once,
//! and subtracted once, when its bucket leaves the window.
//!
//! ```text
//!  head − 609 … head − 600 | head − 599 ……………………… head − 1 | head
//!  in no window; kept      | the 60-s window, which ends with the
//!  until it is learned     | current bucket (head)
//! ```

use serde::{Deserialize, Serialize};

use crate::time::{EventTime, Span};

/// Width of a bucket, which is also the length of the shortest window.
pub(crate) const BUCKET: Span = Span::from_millis(100);
/// Window lengths in buckets: .1, .2, .5, 1, 2, 5, 10, 20 and 60 s.
pub(crate) const WINDOWS: [usize; 9] = [1, 2, 5, 10, 20, 50, 100, 200, 600];
/// Window lengths as spans of time.
pub(crate) const LENGTHS: [Span; WINDOWS.len()] = [
    Span::from_millis(100),
    Span::from_millis(200),
    Span::from_millis(500),
    Span::from_secs(1),
    Span::from_secs(2),
    Span::from_secs(5),
    Span::from_secs(10),
    Span::from_secs(20),
    Span::from_secs(60),
];
/// Buckets in a second.
const PER_SECOND: i64 = 10;
/// Buckets in the ring: 60 s that the baseline has not learned yet, and the current second.
const HELD: usize = 610;

/// Counts by bucket, and their sums by window.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "Encoded", try_from = "Encoded")]
pub(crate) struct Buckets {
    counts: Box<[u16; HELD]>,
    /// Number of the current bucket, from the epoch.
    head: i64,
    /// Index of the current bucket in `counts`.
    slot: usize,
    sums: [u32; WINDOWS.len()],
    /// Events that found their bucket full.
    overflowed: u64,
}

/// The ring as it is encoded in a snapshot: the oldest bucket first, so that the bytes do not depend on where the ring
/// begins, and without the sums, which follow from the counts.
#[derive(Serialize, Deserialize)]
struct Encoded {
    head: i64,
    overflowed: u64,
    counts: Vec<u16>,
}

impl From<Buckets> for Encoded {
    fn from(buckets: Buckets) -> Self {
        let oldest = buckets.slot + 1;
        let counts = (oldest..oldest + HELD).map(|slot| buckets.counts[wrapped(slot)]).collect();
        Self { head: buckets.head, overflowed: buckets.overflowed, counts }
    }
}

impl TryFrom<Encoded> for Buckets {
    type Error = &'static str;

    fn try_from(encoded: Encoded) -> Result<Self, Self::Error> {
        let counts: Box<[u16; HELD]> =
            encoded.counts.into_boxed_slice().try_into().map_err(|_| "a ring of buckets must have 610 counts")?;
        let sums = WINDOWS.map(|width| counts[HELD - width..].iter().map(|&n| u32::from(n)).sum());
        Ok(Self { counts, head: encoded.head, slot: HELD - 1, sums, overflowed: encoded.overflowed })
    }
}

impl Buckets {
    /// An empty ring whose current bucket is that of `at`.
    #[must_use]
    pub(crate) fn new(at: EventTime) -> Self {
        let counts = Box::new([0; HELD]);
        Self { counts, head: at.slot(BUCKET), slot: 0, sums: [0; WINDOWS.len()], overflowed: 0 }
    }

    /// Moves on to the bucket of `at`, which must not be before the current one.
    pub(crate) fn advance(&mut self, at: EventTime) {
        let head = at.slot(BUCKET);
        let steps = usize::try_from(head - self.head).unwrap_or(0);
        if steps == 0 {
            return;
        }
        for (sum, width) in self.sums.iter_mut().zip(WINDOWS) {
            if steps >= width {
                *sum = 0;
            } else if *sum > 0 {
                // The window's oldest buckets leave; their slots have not been used again yet.
                let oldest = self.slot + HELD + 1 - width;
                *sum -= (oldest..oldest + steps).map(|slot| u32::from(self.counts[wrapped(slot)])).sum::<u32>();
            }
        }
        for slot in self.slot + 1..=self.slot + steps.min(HELD) {
            self.counts[wrapped(slot)] = 0;
        }
        self.slot = (self.slot + steps) % HELD;
        self.head = head;
    }

    /// Counts events of one instant, whose bucket must be the current one or an older one in the ring. A bucket holds
    /// at most 65,535 events, which is a burst in any case, so the excess is only counted, as overflowed.
    pub(crate) fn count(&mut self, at: EventTime, events: u16) {
        let age = usize::try_from(self.head - at.slot(BUCKET)).unwrap_or(0);
        debug_assert!(age < HELD, "a count older than the ring");
        let count = &mut self.counts[wrapped(self.slot + HELD - age)];
        let counted = events.min(u16::MAX - *count);
        self.overflowed += u64::from(events - counted);
        *count += counted;
        for (sum, width) in self.sums.iter_mut().zip(WINDOWS) {
            *sum += if age < width { u32::from(counted) } else { 0 };
        }
    }

    /// The events in each window.
    #[must_use]
    pub(crate) const fn sums(&self) -> &[u32; WINDOWS.len()] {
        &self.sums
    }

    /// The start of a window's oldest bucket.
    #[must_use]
    pub(crate) const fn start(&self, window: usize) -> EventTime {
        EventTime::from_nanos((self.head + 1) * BUCKET.nanos()).minus(LENGTHS[window])
    }

    /// The ten counts of a second, which must not be older than the ring. Buckets after the current one count 0.
    #[must_use]
    pub(crate) fn second(&self, second: i64) -> [u16; 10] {
        let mut counts = [0; 10];
        let first = second * PER_SECOND;
        for (bucket, count) in (first..=self.head.min(first + PER_SECOND - 1)).zip(&mut counts) {
            let age = usize::try_from(self.head - bucket).unwrap_or(0);
            *count = self.counts[wrapped(self.slot + HELD - age)];
        }
        counts
    }
}

/// Returns the index of a slot that was counted on past the end of the ring, at most once around.
const fn wrapped(slot: usize) -> usize {
    if slot >= HELD { slot - HELD } else { slot }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(bucket: i64) -> EventTime {
        EventTime::from_nanos(bucket * BUCKET.nanos() + 1)
    }

    #[test]
    fn events_for_a_full_bucket_are_counted_as_overflowed() {
        let mut buckets = Buckets::new(at(7));
        (0..70_000).for_each(|_| buckets.count(at(7), 1));
        assert_eq!((buckets.sums()[0], buckets.overflowed), (65_535, 4_465));
        buckets.advance(at(8));
        assert_eq!((buckets.sums()[0], buckets.sums()[1]), (0, 65_535));
    }

    proptest! {
        #[test]
        fn windows_and_seconds_agree_with_a_recount_of_all_events(
            moves in prop::collection::vec((prop_oneof![0_i64..3, 0_i64..700], 0_i64..610, 0_u8..4), 1..300)
        ) {
            let mut buckets = Buckets::new(at(-50));
            let (mut head, mut seen) = (-50_i64, Vec::new());
            for (step, age, times) in moves {
                head += step;
                buckets.advance(at(head));
                for _ in 0..times {
                    // One event in three is in order, the others are late.
                    let bucket = if seen.len() % 3 == 0 { head } else { head - age };
                    buckets.count(at(bucket), 1);
                    seen.push(bucket);
                }
                for (&sum, width) in buckets.sums().iter().zip(WINDOWS) {
                    let oldest = head - i64::try_from(width).unwrap() + 1;
                    prop_assert_eq!(usize::try_from(sum).unwrap(), seen.iter().filter(|&&b| b >= oldest).count());
                }
                let second = head.div_euclid(10) - age / 11;
                for (i, count) in buckets.second(second).into_iter().enumerate() {
                    let bucket = second * 10 + i64::try_from(i).unwrap();
                    prop_assert_eq!(usize::from(count), seen.iter().filter(|&&b| b == bucket).count());
                }
            }
        }
    }
}
