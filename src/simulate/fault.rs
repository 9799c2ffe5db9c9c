//! Faults of the feed that can be brought about, by name. `feed_faults` says what each of them does.

use crate::nearest::nearest;

/// A fault of the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedFault {
    /// Levels whose snapshot is behind the deltas.
    LateSnapshot,
    /// Cancels that never arrive.
    LostCancels,
    /// A symbol that the venue halts, and opens again by an auction.
    Halt,
    /// A venue that closes and opens again, and sends its status.
    Close,
    /// A venue that closes and opens again, and sends no status.
    Pause,
    /// A symbol whose orders expire and that never trades again.
    Expiry,
    /// A symbol whose producer has a wrong clock.
    WrongClock,
}

impl FeedFault {
    /// Every fault with its name.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::LateSnapshot, "late_snapshot"),
        (Self::LostCancels, "lost_cancels"),
        (Self::Halt, "halt"),
        (Self::Close, "close"),
        (Self::Pause, "pause"),
        (Self::Expiry, "expiry"),
        (Self::WrongClock, "wrong_clock"),
    ];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// The end of an error message about an unknown name: the nearest known one, or all of them.
    pub(super) fn suggestion(unknown: &str) -> String {
        let names = Self::ALL.map(|(_, name)| name);
        match nearest(unknown, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("expected one of {}, each with `@MINUTE` or without", names.join(", ")),
        }
    }
}
