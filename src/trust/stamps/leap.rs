//! Believed leaps of a file's clock: each is in question until it is known whether the flow stays at the new time.
//!
//! Three records that agree are believed, and so is the first one, because a feed goes on after a pause. But a producer with a
//! wrong clock may send three in a row. Then the flow goes on at the time before, and every record of it would be late for ever.
//! A leap is therefore taken back when [`GOES_ON`] consecutive records, and twice as many as there are at the new time, agree
//! with each other about an earlier time that is later than the clock before the leap: a flow that goes on. Records that only
//! come late again are no later than that clock.

use serde::{Deserialize, Serialize};

use crate::time::{EventTime, Span};

/// How far a stamp may lie ahead of what it is compared with. The clocks of one venue and of a kept machine agree to some
/// milliseconds; five seconds are also how long a partition may hold up the others.
pub(crate) const AHEAD_MAX: Span = Span::from_secs(5);
/// How far one of consecutive records may be stamped before the other while they agree about the time.
pub(super) const AGREEMENT: Span = Span::from_secs(5);
/// How far behind the clock a record must lie so that it does not belong to the new time: less late records still count (DESIGN,
/// "Lateness").
const BEHIND: Span = Span::from_secs(60);
/// The consecutive records at the time before that take a leap back: as many as make any other trouble of records. Each leap that
/// is taken back doubles it, so that a flow of two times does not begin anew for ever.
const GOES_ON: u32 = 20;
/// Multiple of the records at the new time that must lie at the time before, because a file may hold one symbol after the other.
const TIMES: u32 = 2;
/// The records at the new time after which a leap is no longer in question: fifty times what takes it back.
const CONFIRMED: u32 = 1_000;

/// The leap that may still turn out to be wrong, and how often one did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Leaps {
    last: Option<Leap>,
    /// The number of leaps that were taken back so far.
    taken_back: u32,
}

/// A leap of the clock that was believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Leap {
    /// The clock before the leap, and the largest gap until then; `None` if the leap is the first record.
    before: Option<(EventTime, Span)>,
    /// Records at the new time.
    believed: u32,
    /// Consecutive records at the time before: the newest, and how many.
    behind: Option<(EventTime, u32)>,
}

/// A leap that was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SetBack {
    /// The time at which the flow goes on.
    pub(crate) to: EventTime,
    /// How far the clock was ahead of that.
    pub(crate) ahead: Span,
    /// The largest gap of the flow before the leap.
    pub(super) gap_max: Span,
}

impl Leaps {
    /// Notes that the clock leaps. `before` is the clock, with the largest gap so far; `None` with the first record.
    pub(super) const fn leap(&mut self, before: Option<(EventTime, Span)>) {
        self.last = Some(Leap { before, believed: 0, behind: None });
    }

    /// Observes a stamp while the clock is at `newest`. Returns the last leap if it was wrong.
    pub(super) fn observe(&mut self, ts: EventTime, newest: EventTime) -> Option<SetBack> {
        let leap = self.last.as_mut()?;
        if newest.since(ts) <= BEHIND {
            (leap.believed, leap.behind) = (leap.believed + 1, None);
            self.last = self.last.filter(|leap| leap.believed <= CONFIRMED);
            return None;
        }
        let (clock, gap_max) = leap.before.unwrap_or((EventTime::from_nanos(i64::MIN), Span::ZERO));
        let agrees = |last: EventTime| last.since(ts) <= AGREEMENT && ts.since(last) <= gap_max.max(AHEAD_MAX);
        let (last, records) = match leap.behind.filter(|(last, _)| agrees(*last)) {
            Some((last, records)) => (last.max(ts), records + 1),
            None => (ts, 1),
        };
        leap.behind = Some((last, records));
        let needed = (GOES_ON << self.taken_back.min(16)).max(TIMES * leap.believed);
        if records < needed || last <= clock {
            return None;
        }
        self.last = None;
        self.taken_back += 1;
        Some(SetBack { to: last, ahead: newest.since(last), gap_max })
    }
}
