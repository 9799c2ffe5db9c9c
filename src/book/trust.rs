//! The trust in a book: whether it can be used, and if not, since when and why not.
//!
//! A book that contradicted its feed may have recovered by itself, or may be about to contradict it again. So it is
//! trusted again once 10 s have passed without a fault. A book with missing levels cannot recover by itself: it waits for
//! a snapshot.

use serde::{Deserialize, Serialize};

use crate::time::{EventTime, Span};

/// The time without a fault after which a book is trusted again: twice the longest usual pause between two updates of a
/// busy book's levels, and far below the minute after which an unusable book is a trouble.
const TRUSTED_AFTER: Span = Span::from_secs(10);

/// Why a book cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum BookFlaw {
    /// Changes of levels came, but no snapshot yet.
    NoSnapshot,
    /// Levels are missing, and no snapshot has come since.
    Broken,
    /// The best bid is above the best ask, or was so within the last 10 s.
    Crossed,
}

impl BookFlaw {
    /// Every flaw with its name.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::NoSnapshot, "no_snapshot"), (Self::Broken, "broken"), (Self::Crossed, "crossed")];
}

/// Whether a symbol's book can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BookState {
    /// The symbol has no book: neither orders nor levels came.
    Absent,
    /// The book is whole and contradicts nothing.
    Usable,
    /// The book is not to be read.
    Unusable {
        /// Since when without interruption.
        since: EventTime,
        /// Why not, as of now.
        flaw: BookFlaw,
    },
}

/// A doubt about a book, and when it ends.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Trust(Option<Doubt>);

/// A time in which faults were seen, without a long enough pause between them.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Doubt {
    since: EventTime,
    /// When a fault was last seen.
    fault_at: EventTime,
}

impl Trust {
    /// Notes that a fault that began at `since` is still there at `at`.
    pub fn doubt(&mut self, since: EventTime, at: EventTime) {
        let doubt = self.0.get_or_insert(Doubt { since, fault_at: at });
        doubt.fault_at = doubt.fault_at.max(at);
    }

    /// Ends the doubt if no fault has been seen for long enough.
    pub fn review(&mut self, at: EventTime) {
        self.0 = self.0.filter(|doubt| at.since(doubt.fault_at) < TRUSTED_AFTER);
    }

    /// Since when the book has been in doubt; `None` while it is trusted.
    #[must_use]
    pub fn doubted_since(&self) -> Option<EventTime> {
        self.0.map(|doubt| doubt.since)
    }

    /// Whether the book is still in doubt at a time, also where no event has come since the doubt was over.
    #[must_use]
    pub fn doubts(&self, at: EventTime) -> bool {
        let mut trust = *self;
        trust.review(at);
        trust.0.is_some()
    }
}
