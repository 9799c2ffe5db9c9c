//! The last minute of a subject's events as a ring of 100-ms buckets, with running sums for nine window lengths.
//!
//! Exact times would cost 8 bytes an event without bound; buckets cost 1.2 kB whatever the rate, and against exact windows
//! give half the false alarms at the same power (DETECTION 2.1). The current bucket counts in full, so a window of w
//! holds the current bucket and the w/100 ms − 1 before it. Each event is added once and, per window, taken away once.
//!
//! ```text
//!  head − 609 … head − 599 …………………………………… head − 1 | head
//!  seconds not learned yet | the 60-s window        | now
//! ```

use serde::{Deserialize, Serialize};

use crate::time::{EventTime, Span};

/// Width of a bucket: the shortest window.
pub const BUCKET: Span = Span::from_millis(100);
/// Window lengths in buckets: .1, .2, .5, 1, 2, 5, 10, 20 and 60 s.
pub const WINDOWS: [usize; 9] = [1, 2, 5, 10, 20, 50, 100, 200, 600];
/// The same as times.
pub const LENGTHS: [Span; WINDOWS.len()] = [
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
/// Buckets held: the 60 s that are not learned yet and the current second.
const HELD: usize = 610;

/// Counts by 100 ms, and by window.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "Written", try_from = "Written")]
pub struct Buckets {
    counts: Box<[u16; HELD]>,
    /// Number of the current bucket, from the epoch.
    head: i64,
    /// Where in the ring it is.
    slot: usize,
    sums: [u32; WINDOWS.len()],
    /// Events that found their bucket full.
    overflown: u64,
}

/// The ring as a snapshot has it: without what the counts themselves say, and from the oldest on, so that where the ring begins
/// does not show.
#[derive(Serialize, Deserialize)]
struct Written {
    head: i64,
    overflown: u64,
    counts: Vec<u16>,
}

impl From<Buckets> for Written {
    fn from(buckets: Buckets) -> Self {
        let oldest = buckets.slot + 1;
        let counts = (oldest..oldest + HELD).map(|slot| buckets.counts[wrapped(slot)]).collect();
        Self { head: buckets.head, overflown: buckets.overflown, counts }
    }
}

impl TryFrom<Written> for Buckets {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let counts: Box<[u16; HELD]> =
            written.counts.into_boxed_slice().try_into().map_err(|_| "a ring of another length")?;
        let sums = WINDOWS.map(|width| counts[HELD - width..].iter().map(|&n| u32::from(n)).sum());
        Ok(Self { counts, head: written.head, slot: HELD - 1, sums, overflown: written.overflown })
    }
}

impl Buckets {
    /// Nothing counted; the current bucket is that of `at`.
    #[must_use]
    pub fn new(at: EventTime) -> Self {
        let counts = Box::new([0; HELD]);
        Self { counts, head: at.slot(BUCKET), slot: 0, sums: [0; WINDOWS.len()], overflown: 0 }
    }

    /// Moves the current bucket to that of `at`, which is not before it.
    pub fn advance(&mut self, at: EventTime) {
        let head = at.slot(BUCKET);
        let steps = usize::try_from(head - self.head).unwrap_or(0);
        if steps == 0 {
            return;
        }
        for (sum, width) in self.sums.iter_mut().zip(WINDOWS) {
            if steps >= width {
                *sum = 0;
            } else if *sum > 0 {
                // What leaves is the window's oldest buckets, before any of them is used again.
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

    /// Counts so many events, which are not after the current bucket and not older than the ring. A bucket holds 65,535; what
    /// goes beyond is as much of a burst as can be said, and only counted as overflown.
    pub fn count(&mut self, at: EventTime, events: u16) {
        let age = usize::try_from(self.head - at.slot(BUCKET)).unwrap_or(0);
        debug_assert!(age < HELD, "a count older than the ring");
        let count = &mut self.counts[wrapped(self.slot + HELD - age)];
        let taken = events.min(u16::MAX - *count);
        self.overflown += u64::from(events - taken);
        *count += taken;
        for (sum, width) in self.sums.iter_mut().zip(WINDOWS) {
            *sum += if age < width { u32::from(taken) } else { 0 };
        }
    }

    /// How many each window holds.
    #[must_use]
    pub const fn sums(&self) -> &[u32; WINDOWS.len()] {
        &self.sums
    }

    /// How many events found their bucket full and are in no window.
    #[must_use]
    pub const fn overflown(&self) -> u64 {
        self.overflown
    }

    /// When a window's oldest bucket starts.
    #[must_use]
    pub const fn start(&self, window: usize) -> EventTime {
        EventTime::from_nanos((self.head + 1) * BUCKET.nanos()).minus(LENGTHS[window])
    }

    /// The ten counts of a second, which is not older than the ring; after the current bucket there is nothing yet.
    #[must_use]
    pub fn second(&self, second: i64) -> [u16; 10] {
        let mut counts = [0; 10];
        let first = second * PER_SECOND;
        for (bucket, count) in (first..=self.head.min(first + PER_SECOND - 1)).zip(&mut counts) {
            let age = usize::try_from(self.head - bucket).unwrap_or(0);
            *count = self.counts[wrapped(self.slot + HELD - age)];
        }
        counts
    }
}

/// A slot counted on past the ring's end, once.
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
    fn a_full_bucket_counts_what_it_refuses() {
        let mut buckets = Buckets::new(at(7));
        (0..70_000).for_each(|_| buckets.count(at(7), 1));
        assert_eq!((buckets.sums()[0], buckets.overflown()), (65_535, 4_465));
        buckets.advance(at(8));
        assert_eq!((buckets.sums()[0], buckets.sums()[1]), (0, 65_535));
    }

    proptest! {
        #[test]
        fn windows_hold_what_a_recount_finds(
            moves in prop::collection::vec((prop_oneof![0_i64..3, 0_i64..700], 0_i64..610, 0_u8..4), 1..300)
        ) {
            let mut buckets = Buckets::new(at(-50));
            let (mut head, mut seen) = (-50_i64, Vec::new());
            for (step, age, times) in moves {
                head += step;
                buckets.advance(at(head));
                for _ in 0..times {
                    // The first of them is in order, the others are late.
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
