use jiff::{civil::DateTime, tz::TimeZoneDatabase};
use proptest::prelude::*;

use super::*;
use crate::time::Span;

fn settings(zone: &str, hours: &[&str], holidays: &[&str]) -> CalendarSettings {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    CalendarSettings {
        symbols: vec!["*".to_owned()],
        zone: zone.to_owned(),
        hours: owned(hours),
        holidays: owned(holidays),
    }
}

fn calendars(settings: &CalendarSettings) -> Calendars {
    Calendars::new(std::slice::from_ref(settings)).unwrap()
}

fn new_york(holidays: &[&str]) -> Calendars {
    calendars(&settings("America/New_York", &["mon-fri 09:30-16:00"], holidays))
}

fn at(text: &str) -> EventTime {
    let timestamp: jiff::Timestamp = text.parse().unwrap();
    EventTime::from_nanos(i64::try_from(timestamp.as_nanosecond()).unwrap())
}

/// The newest closure at or before an instant.
#[track_caller]
fn assert_closure(calendars: &mut Calendars, now: &str, since: &str, until: &str) {
    let closure = calendars.closure(CalendarId(0), at(now)).unwrap();
    let found = (closure.since.to_string(), closure.until.to_string());
    assert_eq!(found, (at(since).to_string(), at(until).to_string()), "at {now}");
    assert_eq!(calendars.at(at(now)).of(CalendarId(0)), Some(closure));
}

#[test]
fn a_venue_is_closed_overnight_and_over_the_weekend() {
    let mut calendars = new_york(&[]);
    // Tuesday, 2026-06-30, in summer time.
    assert_closure(&mut calendars, "2026-06-30T15:00:00Z", "2026-06-29T20:00:00Z", "2026-06-30T13:30:00Z");
    assert_closure(&mut calendars, "2026-06-30T13:30:00Z", "2026-06-29T20:00:00Z", "2026-06-30T13:30:00Z");
    assert_closure(&mut calendars, "2026-06-30T20:00:00Z", "2026-06-30T20:00:00Z", "2026-07-01T13:30:00Z");
    assert_closure(&mut calendars, "2026-07-05T12:00:00Z", "2026-07-03T20:00:00Z", "2026-07-06T13:30:00Z");
}

#[test]
fn the_hours_follow_the_local_clock_over_a_change_to_and_from_daylight_saving_time() {
    let mut calendars = new_york(&[]);
    // The clock goes forward on Sunday, 2026-03-08, and back on 2026-11-01.
    assert_closure(&mut calendars, "2026-03-07T12:00:00Z", "2026-03-06T21:00:00Z", "2026-03-09T13:30:00Z");
    assert_closure(&mut calendars, "2026-11-01T12:00:00Z", "2026-10-30T20:00:00Z", "2026-11-02T14:30:00Z");
    // A session in which the clock changes is an hour shorter, or longer.
    let night = settings("America/New_York", &["sat 22:00-06:00"], &[]);
    let lengths = ["2026-03-08T12:00:00Z", "2026-11-01T13:00:00Z", "2026-06-28T12:00:00Z"].map(|after| {
        let mut calendars = calendars_of(&night);
        let ended = calendars.closure(CalendarId(0), at(after)).unwrap().since;
        let begun = calendars.closure(CalendarId(0), ended.minus(Span::SECOND)).unwrap().until;
        ended.since(begun).secs_f64() / 3_600.0
    });
    assert_eq!(lengths.map(|hours| format!("{hours}")), ["7", "9", "8"]);
}

fn calendars_of(settings: &CalendarSettings) -> Calendars {
    calendars(settings)
}

#[test]
fn a_holiday_closes_a_day_or_some_hours_of_it() {
    let mut calendars = new_york(&["2026-12-25", "2026-11-27 13:00-24:00"]);
    assert_closure(&mut calendars, "2026-12-25T15:00:00Z", "2026-12-24T21:00:00Z", "2026-12-28T14:30:00Z");
    assert_closure(&mut calendars, "2026-11-27T18:00:00Z", "2026-11-27T18:00:00Z", "2026-11-30T14:30:00Z");
    assert_closure(&mut calendars, "2026-11-27T17:59:59Z", "2026-11-26T21:00:00Z", "2026-11-27T14:30:00Z");
}

#[test]
fn sessions_that_touch_are_one_and_those_of_the_evening_go_on_overnight() {
    // Sunday to Friday with an hour's pause each day, as futures trade.
    let mut futures = calendars(&settings("America/Chicago", &["sun-thu 17:00-16:00"], &[]));
    assert_closure(&mut futures, "2026-06-30T12:00:00Z", "2026-06-29T21:00:00Z", "2026-06-29T22:00:00Z");
    assert_closure(&mut futures, "2026-07-04T12:00:00Z", "2026-07-03T21:00:00Z", "2026-07-05T22:00:00Z");
    let mut touching = calendars(&settings("UTC", &["sun 22:00-24:00", "mon-thu 00:00-24:00", "fri 00:00-22:00"], &[]));
    assert_closure(&mut touching, "2026-07-01T12:00:00Z", "2026-06-26T22:00:00Z", "2026-06-28T22:00:00Z");
}

#[test]
fn a_calendar_that_never_closes_has_no_closure_and_one_with_a_holiday_has_that_alone() {
    let always = settings("UTC", &["mon-sun 00:00-24:00"], &[]);
    assert_eq!(calendars(&always).closure(CalendarId(0), at("2026-07-01T12:00:00Z")), None);
    let mut one = calendars(&settings("UTC", &["mon-sun 00:00-24:00"], &["2026-12-25"]));
    assert_eq!(one.closure(CalendarId(0), at("2026-07-01T12:00:00Z")), None);
    assert_closure(&mut one, "2026-12-26T12:00:00Z", "2026-12-25T00:00:00Z", "2026-12-26T00:00:00Z");
}

#[test]
fn a_symbol_follows_the_first_calendar_that_matches_its_name() {
    let of = |symbols: &[&str]| CalendarSettings {
        symbols: symbols.iter().map(|&symbol| symbol.to_owned()).collect(),
        ..settings("UTC", &["mon 00:00-24:00"], &[])
    };
    let calendars = Calendars::new(&[of(&["ES*", "NQ?"]), of(&["*"]), of(&["ESZ6"])]).unwrap();
    let found = ["ESZ6", "NQZ", "NQZ6", "es"].map(|name| calendars.of_symbol(name));
    assert_eq!(found, [0, 0, 1, 1].map(|nth| Some(CalendarId(nth))));
    assert_eq!(calendars.of_venue(), Some(CalendarId(1)));
    assert_eq!(Calendars::new(&[of(&["ES*"])]).unwrap().of_symbol("BTC"), None);
}

#[test]
fn a_mistake_is_named_with_its_place_and_what_was_expected() {
    let mistake = |settings: CalendarSettings| {
        let Invalid { path, message } = Calendars::new(&[settings]).unwrap_err();
        format!("{}: {message}", path.join("."))
    };
    let zone = mistake(settings("Europe/Nowhere", &["mon 09:00-10:00"], &[]));
    assert_eq!(zone, "0.zone: `Europe/Nowhere`: expected a time zone like `America/New_York`");
    for hours in ["mon", "mon 9:00-10:00", "mon 09:00", "day 09:00-10:00", "mon 09:00-25:00", "mon 24:00-01:00"] {
        let found = mistake(settings("UTC", &["tue 09:00-10:00", hours], &[]));
        assert_eq!(found, format!("0.hours.1: `{hours}`: expected days and times, like `mon-fri 09:30-16:00`"));
    }
    for holiday in ["2026-02-30", "25.12.2026", "2026-12-25 14:00-13:00", "2026-12-25 14:00"] {
        let found = mistake(settings("UTC", &["mon 09:00-10:00"], &[holiday]));
        assert!(found.starts_with(&format!("0.holidays.0: `{holiday}`: expected a day")), "{found}");
    }
    assert!(mistake(settings("UTC", &[], &[])).starts_with("0.hours: expected"));
}

/// Whether a calendar is open, the long way: by the local clock alone.
fn is_open_locally(settings: &CalendarSettings, now: EventTime) -> bool {
    let zone = TimeZoneDatabase::bundled().get(&settings.zone).unwrap();
    let local: DateTime = zone.to_datetime(jiff::Timestamp::from_nanosecond(i128::from(now.nanos())).unwrap());
    let clock = format!("{:02}:{:02}", local.hour(), local.minute());
    let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let today = local.weekday().to_monday_zero_offset();
    let has = |text: &String| {
        let (days, times) = text.split_once(' ').unwrap();
        let (from, to) = times.split_once('-').unwrap();
        let (first, last) = days.split_once('-').unwrap_or((days, days));
        let nth = |name: &str| names.iter().position(|day| *day == name).unwrap();
        let within = |day: i8| {
            let (first, last, day) = (nth(first), nth(last), usize::try_from(day.rem_euclid(7)).unwrap());
            if first <= last { (first..=last).contains(&day) } else { day >= first || day <= last }
        };
        let clock = clock.as_str();
        if from < to {
            within(today) && (from..to).contains(&clock)
        } else {
            (within(today) && clock >= from) || (within(today - 1) && clock < to)
        }
    };
    let date = local.date().to_string();
    settings.hours.iter().any(has) && !settings.holidays.contains(&date)
}

proptest! {
    /// Any week, any zone, any instant outside the hours in which clocks change: the closure that is found holds the instant
    /// exactly when the local clock says closed, and the calendar changes where it begins and ends.
    #[test]
    fn a_closure_is_what_the_local_clock_says(
        zone in prop::sample::select(vec!["America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Australia/Sydney", "UTC"]),
        sessions in prop::collection::vec((0_usize..7, 0_usize..7, 4_u8..24, 4_u8..24, prop::bool::ANY), 1..4),
        holidays in prop::collection::vec(1_u32..28, 0..3),
        minutes in prop::collection::vec(0_i64..200 * 1_440, 1..20),
    ) {
        let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let hours = sessions.iter().map(|(first, last, from, to, half)| {
            format!("{}-{} {from:02}:{:02}-{to:02}:00", names[*first], names[*last], if *half { 30 } else { 0 })
        });
        let hours: Vec<String> = hours.collect();
        let holidays = holidays.iter().map(|day| format!("2026-03-{day:02}")).collect();
        let settings = CalendarSettings { hours, holidays, ..settings(zone, &[], &[]) };
        let mut calendars = calendars(&settings);
        let start = at("2026-01-05T00:00:00Z");
        for minute in minutes {
            let now = start.plus(Span::from_secs(60 * minute));
            let Some(closure) = calendars.closure(CalendarId(0), now) else {
                prop_assert!(is_open_locally(&settings, now), "{now}");
                continue;
            };
            prop_assert!(closure.since <= now && closure.since < closure.until);
            prop_assert_eq!(closure.contains(now), !is_open_locally(&settings, now), "{} {:?}", now, closure);
            let second = Span::SECOND;
            for (edge, opens) in [(closure.since, false), (closure.until, true)] {
                let states = [edge.minus(second), edge].map(|at| is_open_locally(&settings, at));
                prop_assert_eq!(states, [!opens, opens], "at {}", edge);
            }
        }
    }
}
