//! Event time and wall time: two kinds of instant that never convert into each other.
//!
//! Event time is the venue's clock and the only time that the engine knows; wall time is this machine's clock and
//! belongs to the shell. Both are whole nanoseconds since the Unix epoch, so they compare and subtract exactly. Neither
//! type reads a clock: time is always an argument, so a replay can repeat a run.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Nanoseconds in a second.
pub const NANOS_PER_SEC: i64 = 1_000_000_000;

/// An instant of the venue's clock, in nanoseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct EventTime(i64);

/// An instant of this machine's clock, in nanoseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct WallTime(i64);

/// A length of time in nanoseconds; negative if it points back in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Span(i64);

impl Span {
    /// The empty span.
    pub const ZERO: Self = Self(0);
    /// One second.
    pub const SECOND: Self = Self(NANOS_PER_SEC);

    /// A span of this many nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// A span of this many milliseconds.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis * 1_000_000)
    }

    /// A span of this many seconds.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs * NANOS_PER_SEC)
    }

    /// The span in nanoseconds.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// The span in whole milliseconds, rounded towards zero.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0 / 1_000_000
    }

    /// The span in seconds as a float, for the statistics.
    #[must_use]
    pub fn secs_f64(self) -> f64 {
        self.0 as f64 / NANOS_PER_SEC as f64
    }
}

/// Implements arithmetic and text for an instant. Both clocks have the same ones; the types differ so that they cannot
/// be mixed.
macro_rules! instant {
    ($name:ident) => {
        impl $name {
            /// The instant this many nanoseconds after the epoch.
            #[must_use]
            pub const fn from_nanos(nanos: i64) -> Self {
                Self(nanos)
            }

            /// The instant in nanoseconds since the epoch.
            #[must_use]
            pub const fn nanos(self) -> i64 {
                self.0
            }

            /// The number of the slot of this width in which the instant lies, counted from the epoch; rounds down,
            /// also before the epoch.
            #[must_use]
            pub const fn slot(self, width: Span) -> i64 {
                self.0.div_euclid(width.0)
            }

            /// The beginning of the slot with this number, or the end of the representable range.
            #[must_use]
            pub const fn of_slot(number: i64, width: Span) -> Self {
                Self(number.saturating_mul(width.0))
            }

            /// The instant later by a span, at most the end of the representable range (the year 2262).
            #[must_use]
            pub const fn plus(self, span: Span) -> Self {
                Self(self.0.saturating_add(span.0))
            }

            /// The instant earlier by a span, at least the start of the representable range (the year 1677).
            #[must_use]
            pub const fn minus(self, span: Span) -> Self {
                Self(self.0.saturating_sub(span.0))
            }

            /// The span from `earlier` to this instant; negative if this instant is the earlier one.
            #[must_use]
            pub const fn since(self, earlier: Self) -> Span {
                Span(self.0.saturating_sub(earlier.0))
            }
        }

        impl fmt::Display for $name {
            /// Writes the instant in UTC as RFC 3339.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match jiff::Timestamp::from_nanosecond(i128::from(self.0)) {
                    Ok(timestamp) => timestamp.fmt(f),
                    Err(_) => write!(f, "{}ns", self.0),
                }
            }
        }
    };
}

instant!(EventTime);
instant!(WallTime);

impl EventTime {
    /// The time that this machine's clock shows, as the ceiling above event times ([`crate::trust::Ceiling`]) and as the start of
    /// a mode where no partition has a clock. Both are recorded inputs; nothing else may take one clock for the other.
    #[must_use]
    pub const fn of_clock(now: WallTime) -> Self {
        Self(now.0)
    }

    /// The span by which this event time is ahead of a wall time.
    #[must_use]
    pub const fn ahead_of(self, wall: WallTime) -> Span {
        Span(self.0.saturating_sub(wall.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_round_down_also_before_the_epoch() {
        let second = Span::from_secs(1);
        assert_eq!(EventTime::from_nanos(-1).slot(second), -1);
        assert_eq!(EventTime::from_nanos(0).slot(second), 0);
        assert_eq!(EventTime::from_nanos(999_999_999).slot(second), 0);
        assert_eq!(EventTime::of_slot(-1, second), EventTime::from_nanos(-1_000_000_000));
        assert_eq!(EventTime::of_slot(i64::MAX, second), EventTime::from_nanos(i64::MAX));
    }

    #[test]
    fn an_instant_is_written_as_rfc_3339() {
        assert_eq!(EventTime::from_nanos(1_760_130_000_123_456_789).to_string(), "2025-10-10T21:00:00.123456789Z");
    }
}
