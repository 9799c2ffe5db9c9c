//! The only file that reads the machine's clock.
//!
//! Wall time stamps what leaves the process; monotonic time measures how long something took. Neither reaches the engine
//! except as an input (DESIGN, "Determinism").

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::time::WallTime;

/// This machine's wall clock, now.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
pub fn wall() -> WallTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// A clock that never goes back, now.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that reads the monotonic clock")]
pub fn monotonic() -> Instant {
    Instant::now()
}

/// CPU time of this process so far, in seconds, all threads together; 0 where the system does not say.
#[must_use]
pub fn cpu_seconds() -> f64 {
    // The kernel counts in ticks of 10 ms on every Linux that there is (USER_HZ).
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field is the command's name in parentheses and may hold anything; utime and stime are the 14th and 15th.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>()
        / TICKS_PER_SECOND
}
