//! Reads the machine's clock; no other file does.
//!
//! Wall time stamps the outputs; monotonic time measures how long something took. Neither reaches the engine except as an input
//! (DESIGN, "Determinism").

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::time::WallTime;

/// The present time of this machine's wall clock.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
pub fn wall() -> WallTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// The present time of a clock that never goes back.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that reads the monotonic clock")]
pub fn monotonic() -> Instant {
    Instant::now()
}

/// CPU time of this process so far, in seconds, over all threads; 0 where the system does not provide it.
#[must_use]
pub fn cpu_seconds() -> f64 {
    // Every Linux counts in ticks of 10 ms here (USER_HZ).
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field is the command's name in parentheses, which may hold anything; utime and stime are fields 14 and 15.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>()
        / TICKS_PER_SECOND
}
