//! The hours of a week in a time zone, less holidays, as periods of event time.
//!
//! Hours are written for a local clock. Each session of a day is turned into two instants, so a session is an hour longer or
//! shorter where the clock changes within it. A local time that the clock skips (02:30 when 02:00 becomes 03:00) is moved on by the
//! length of the skip (03:30). Of a local time that comes twice the first instant counts.

use std::ops::RangeInclusive;

use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, Time, Weekday},
    tz::{TimeZone, TimeZoneDatabase},
};

use super::settings::Closure;
use crate::{
    setting::Invalid,
    time::{EventTime, Span},
};

/// Days around an instant within which its period is looked for, one after the other: most periods end within two days, those of a
/// week within ten. A period that does not end within 500 days is cut there, and looked for again once its end is reached.
const WITHIN_DAYS: [i32; 4] = [2, 10, 60, 500];
/// The most hours and holidays of a calendar: decades of holidays.
const ENTRIES_MAX: usize = 1_000;
/// Days by the names that are written.
const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// A stretch of time in which a calendar does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) is_open: bool,
    since: EventTime,
    until: EventTime,
    /// Whether the period was cut at the first day that was searched, so that it may begin earlier.
    is_cut: bool,
}

impl Period {
    pub(super) fn contains(&self, at: EventTime) -> bool {
        (self.since..self.until).contains(&at)
    }

    /// The end.
    pub(super) const fn until(&self) -> EventTime {
        self.until
    }
}

/// The hours of a week.
#[derive(Clone, Debug)]
pub(super) struct WeeklyHours {
    zone: TimeZone,
    sessions: Vec<(Vec<Weekday>, Hours)>,
    /// Hours of single days in which nothing trades, in the order of the days.
    holidays: Vec<(Date, Hours)>,
}

/// Hours that begin on a day. `days` is how many days later they end: 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hours {
    from: Time,
    to: Time,
    days: i32,
}

impl WeeklyHours {
    /// Reads the hours of a zone, less its holidays.
    pub(super) fn new(zone: &str, hours: &[String], holidays: &[String]) -> Result<Self, Invalid> {
        let zone = TimeZoneDatabase::bundled()
            .get(zone)
            .map_err(|_| Invalid::new("zone", format!("`{zone}`: expected a time zone like `America/New_York`")))?;
        if hours.is_empty() || hours.len() > ENTRIES_MAX {
            return Err(Invalid::new("hours", "expected days and times, like `mon-fri 09:30-16:00`"));
        }
        if holidays.len() > ENTRIES_MAX {
            return Err(Invalid::new("holidays", format!("expected at most {ENTRIES_MAX} days")));
        }
        let at = |key, nth: usize, text: &str, expected: &str| {
            Invalid::new(&nth.to_string(), format!("`{text}`: expected {expected}")).within(key)
        };
        let session = |(nth, text): (usize, &String)| {
            session(text).ok_or_else(|| at("hours", nth, text, "days and times, like `mon-fri 09:30-16:00`"))
        };
        let holiday = |(nth, text): (usize, &String)| {
            let expected = "a day, like `2026-12-25`, or some hours of it, like `2026-11-27 13:00-24:00`";
            holiday(text).ok_or_else(|| at("holidays", nth, text, expected))
        };
        let sessions = hours.iter().enumerate().map(session).collect::<Result<_, _>>()?;
        let mut holidays: Vec<_> = holidays.iter().enumerate().map(holiday).collect::<Result<_, _>>()?;
        holidays.sort_by_key(|(day, _)| *day);
        Ok(Self { zone, sessions, holidays })
    }

    /// The period that an instant is in.
    pub(super) fn period(&self, at: EventTime) -> Period {
        let found = WITHIN_DAYS.into_iter().map(|days| self.period_within(at, days));
        let mut cut = None;
        for (period, is_whole) in found {
            if is_whole {
                return period;
            }
            cut = Some(period);
        }
        cut.expect("a period is looked for within some days")
    }

    /// The newest closure at or before any instant of a period.
    pub(super) fn closure(&self, period: &Period) -> Option<Closure> {
        if !period.is_open {
            return Some(Closure { since: period.since, until: period.until });
        }
        if period.is_cut {
            return None;
        }
        let Period { since, until, .. } = self.period(period.since.minus(Span::from_nanos(1)));
        Some(Closure { since, until })
    }

    /// The period of an instant, cut at so many days before and after it; and whether it was not cut.
    fn period_within(&self, at: EventTime, days: i32) -> (Period, bool) {
        let day = self.zone.to_datetime(timestamp(at)).date();
        let around = day.saturating_sub(days.days())..=day.saturating_add(days.days());
        // Sessions of the first day and of the one before may have been cut.
        let first = self.instant(around.start().saturating_add(1.day()), Time::midnight());
        let last = self.instant(*around.end(), Time::midnight());
        let sessions = self.open(around);
        // The end of the last session up to the instant, and the first that ends after it.
        let next = sessions.partition_point(|(_, until)| *until <= at);
        let before = next.checked_sub(1).map_or(first, |before| sessions[before].1);
        let (is_open, since, until) = match sessions.get(next) {
            Some((since, until)) if *since <= at => (true, *since, *until),
            Some((since, _)) => (false, before, *since),
            None => (false, before, last),
        };
        let (is_cut, ends) = (since <= first, until < last);
        (Period { is_open, since: since.max(first), until: until.min(last), is_cut }, !is_cut && ends)
    }

    /// The sessions of some days without their holidays, in order; those that touch are one.
    fn open(&self, days: RangeInclusive<Date>) -> Vec<(EventTime, EventTime)> {
        let (first, last) = (*days.start(), *days.end());
        let mut sessions: Vec<(EventTime, EventTime)> = Vec::new();
        for day in first.series(1.day()).take_while(|day| *day <= last) {
            let of_day = self.sessions.iter().filter(|(days, _)| days.contains(&day.weekday()));
            sessions.extend(of_day.map(|(_, hours)| self.instants(day, *hours)));
        }
        let holidays = self.holidays.iter().filter(|(day, _)| days.contains(day));
        for closed in holidays.map(|(day, hours)| self.instants(*day, *hours)) {
            sessions = sessions.into_iter().flat_map(|session| without(session, closed)).collect();
        }
        sessions.sort_unstable();
        let mut merged: Vec<(EventTime, EventTime)> = Vec::new();
        for (since, until) in sessions {
            match merged.last_mut() {
                Some((_, end)) if *end >= since => *end = until.max(*end),
                Some(_) | None => merged.push((since, until)),
            }
        }
        merged
    }

    fn instants(&self, day: Date, hours: Hours) -> (EventTime, EventTime) {
        let Hours { from, to, days } = hours;
        (self.instant(day, from), self.instant(day.saturating_add(days.days()), to))
    }

    /// The instant of a local time.
    fn instant(&self, day: Date, time: Time) -> EventTime {
        let zoned = self.zone.to_ambiguous_timestamp(day.to_datetime(time)).compatible();
        // Only within a day of the years -9999 and 9999 is there no instant; event times end in 2262.
        let nanos = zoned.map_or(i128::from(i64::MAX), Timestamp::as_nanosecond);
        let nanos = nanos.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        EventTime::from_nanos(i64::try_from(nanos).expect("a number that was clamped"))
    }
}

fn timestamp(at: EventTime) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(at.nanos())).expect("event times lie between the years 1677 and 2262")
}

/// The parts of a session that are not within a closure.
fn without(
    (since, until): (EventTime, EventTime),
    (from, to): (EventTime, EventTime),
) -> impl Iterator<Item = (EventTime, EventTime)> {
    [(since, until.min(from)), (since.max(to), until)].into_iter().filter(|(since, until)| since < until)
}

/// Reads days and times.
fn session(text: &str) -> Option<(Vec<Weekday>, Hours)> {
    let (days, times) = text.trim().split_once(' ')?;
    let day = |name: &str| DAYS.iter().position(|(known, _)| known.eq_ignore_ascii_case(name));
    let (first, last) = match days.split_once('-') {
        Some((first, last)) => (day(first)?, day(last)?),
        None => (day(days)?, day(days)?),
    };
    // `sun-thu` goes over the end of the week.
    let count = (last + DAYS.len() - first) % DAYS.len() + 1;
    let days = (first..first + count).map(|nth| DAYS[nth % DAYS.len()].1).collect();
    Some((days, hours(times)?))
}

/// Reads a day, or some hours of it.
fn holiday(text: &str) -> Option<(Date, Hours)> {
    let (day, times) = text.trim().split_once(' ').map_or((text.trim(), "00:00-24:00"), |(day, times)| (day, times));
    let hours = hours(times)?;
    // Hours of one day cannot end on the next, except at its beginning.
    let is_of_day = hours.days == 0 || hours.to == Time::midnight();
    is_of_day.then_some((day.parse().ok()?, hours))
}

/// Reads two times; the second may be `24:00`.
fn hours(text: &str) -> Option<Hours> {
    let (from, to) = text.trim().split_once('-')?;
    let (from, is_end) = (time(from)?, to.trim() == "24:00");
    let to = if is_end { Time::midnight() } else { time(to)? };
    Some(Hours { from, to, days: i32::from(is_end || to <= from) })
}

fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.trim().split_once(':')?;
    let is_plain = hour.len() == 2 && minute.len() == 2;
    if is_plain { Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok() } else { None }
}
