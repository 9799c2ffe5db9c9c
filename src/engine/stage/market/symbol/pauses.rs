//! Pauses of a stream's activity, and which of them are so long that the venue was closed.
//!
//! A venue that closes often says nothing. Its silence then looks like an extremely calm market, and two hours of it,
//! learned as empty bins, make ordinary flow look like a burst. A pause is a closure if it is longer than
//!
//! ```text
//!   limit = max(5 min, 3 × the longest ordinary pause of the last two days with activity)
//! ```
//!
//! A pause is judged only when it is over, because until then a calm market looks the same. Closures do not count as
//! ordinary pauses; otherwise the second night of a venue would be learned as calm. A thin symbol pauses for as long many
//! times a day, a venue closes once or twice: of four longer pauses within a day, the shortest is ordinary.

use serde::{Deserialize, Serialize};

use crate::time::{EventTime, Span};

/// A pause up to this is ordinary (DETECTION 6).
const ORDINARY: Span = Span::from_secs(300);
/// Multiple of the longest ordinary pause up to which a pause is ordinary (DETECTION 6).
const TIMES: i64 = 3;
/// The length of a day, by which pauses are forgotten.
const DAY: Span = Span::from_secs(86_400);
/// The long pauses of a day beside which a further one is ordinary: a session, a lunch break and an auction make three.
const CLOSURES_MAX: usize = 3;

/// The pauses of one stream.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Pauses {
    /// The newest activity.
    active_at: Option<EventTime>,
    /// The day of the newest activity, and the longest ordinary pause of that day and of the one with activity before.
    day: i64,
    longest: [Span; 2],
    /// The last closures, with the time at which each was over.
    closures: [Option<(EventTime, Span)>; CLOSURES_MAX],
}

impl Pauses {
    /// Observes activity. If a closure ended with it, returns when that began.
    pub fn observe(&mut self, at: EventTime) -> Option<EventTime> {
        let before = self.active_at.replace(at)?;
        if at < before {
            self.active_at = Some(before);
            return None;
        }
        let day = at.slot(DAY);
        if day != self.day {
            (self.day, self.longest) = (day, [Span::ZERO, self.longest[0]]);
        }
        let pause = at.since(before);
        if pause > ORDINARY && pause > self.limit() && !self.is_frequent(at, pause) {
            return Some(before);
        }
        self.longest[0] = self.longest[0].max(pause);
        None
    }

    /// Counts pauses from a time on: until then the venue was known to be closed.
    pub fn resume(&mut self, at: EventTime) {
        self.active_at = self.active_at.max(Some(at));
    }

    /// Returns the last activity before a time from which on nothing was seen, if the pause up to that time is longer than
    /// any ordinary one.
    #[must_use]
    pub fn closed_before(&self, at: EventTime) -> Option<EventTime> {
        self.active_at.filter(|active_at| at.since(*active_at) > self.limit())
    }

    /// Returns the longest pause that is ordinary.
    fn limit(&self) -> Span {
        let longest = self.longest[0].max(self.longest[1]);
        ORDINARY.max(Span::from_nanos(longest.nanos().saturating_mul(TIMES)))
    }

    /// Takes a pause that is longer than any ordinary one. Returns whether such pauses are so frequent that it is ordinary.
    fn is_frequent(&mut self, at: EventTime, pause: Span) -> bool {
        let recent = self.closures.iter().flatten().filter(|(ended_at, _)| at.since(*ended_at) <= DAY);
        let (count, shortest) = recent.fold((0, pause), |(n, least), (_, pause)| (n + 1, least.min(*pause)));
        if count == CLOSURES_MAX {
            self.longest[0] = self.longest[0].max(shortest);
        }
        self.closures.rotate_left(1);
        self.closures[CLOSURES_MAX - 1] = Some((at, pause));
        pause <= self.limit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60;
    const HOUR: i64 = 3_600;

    fn at(second: i64) -> EventTime {
        EventTime::from_nanos(0).plus(Span::from_secs(second))
    }

    /// Activity each ten seconds in [from, until). Returns how many closures ended within.
    fn active(pauses: &mut Pauses, from: i64, until: i64) -> usize {
        (from..until).step_by(10).filter(|second| pauses.observe(at(*second)).is_some()).count()
    }

    #[test]
    fn a_pause_is_a_closure_from_five_minutes_on_and_from_three_times_the_longest_ordinary_one_on() {
        let mut pauses = Pauses::default();
        assert_eq!(active(&mut pauses, 0, HOUR), 0);
        let last = HOUR - 10;
        assert_eq!(pauses.clone().observe(at(last + 300)), None);
        assert_eq!(pauses.observe(at(last + 301)), Some(at(last)));
        // A pause of four minutes makes up to twelve ordinary.
        assert_eq!(pauses.observe(at(last + 301 + 240)), None);
        let last = last + 541;
        assert_eq!(pauses.clone().observe(at(last + 720)), None);
        assert_eq!(pauses.observe(at(last + 721)), Some(at(last)));
    }

    #[test]
    fn each_night_of_a_month_is_a_closure() {
        let mut pauses = Pauses::default();
        for day in 0..30 {
            let opens = day * 24 * HOUR + 9 * HOUR;
            let closures = active(&mut pauses, opens, opens + 3 * HOUR);
            let after_lunch = active(&mut pauses, opens + 4 * HOUR, opens + 7 * HOUR);
            assert_eq!((closures, after_lunch), (usize::from(day > 0), 1), "day {day}");
        }
    }

    #[test]
    fn the_long_pauses_of_a_thin_symbol_are_ordinary_from_the_fourth_on_and_its_night_is_still_a_closure() {
        let mut pauses = Pauses::default();
        let closures = (0..24).filter(|n| pauses.observe(at(n * 20 * MINUTE)).is_some()).count();
        assert_eq!(closures, 3);
        assert!(pauses.observe(at(8 * HOUR + 10 * HOUR)).is_some());
        assert_eq!(pauses.observe(at(18 * HOUR + 20 * MINUTE)), None);
    }

    #[test]
    fn a_time_that_is_known_to_be_closed_is_no_pause() {
        let mut pauses = Pauses::default();
        active(&mut pauses, 0, HOUR);
        pauses.resume(at(5 * HOUR));
        assert_eq!(pauses.observe(at(5 * HOUR + 200)), None);
        assert_eq!(pauses.closed_before(at(6 * HOUR + 200)), Some(at(5 * HOUR + 200)));
        assert_eq!(pauses.closed_before(at(5 * HOUR + 300)), None);
    }
}
