//! Symbols that follow a calendar of the configuration: what is reported of them outside their hours, and of the minutes after.
#![cfg(feature = "app")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/lines.rs"]
mod lines;

use foreshock::{
    calendar::{CalendarSettings, Calendars},
    detect::{CoverageState, Detector},
    engine::Covered,
    time::EventTime,
    trust::{Cause, Mode},
};
use lines::{Replayed, replay, replay_in_hours};

/// Monday, 2026-06-29, 09:30 in New York.
const OPENS: i64 = 1_782_739_800;
const HOUR: i64 = 3_600;
/// 16:00.
const CLOSES: i64 = 6 * HOUR + 1_800;
/// 09:30 of the next day.
const REOPENS: i64 = 24 * HOUR;
/// Symbols of the partition.
const SYMBOLS: [&str; 4] = ["ESU6", "ESZ6", "NQU6", "NQZ6"];

fn hours(symbols: &[&str]) -> Calendars {
    let settings = CalendarSettings {
        symbols: symbols.iter().map(|&symbol| symbol.to_owned()).collect(),
        zone: "America/New_York".to_owned(),
        hours: vec!["mon-fri 09:30-16:00".to_owned()],
        holidays: vec!["2026-07-03".to_owned()],
    };
    Calendars::new(&[settings]).unwrap()
}

fn line(second: f64, fields: &str) -> (i64, String) {
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a few days")]
    let ts = OPENS * 1_000_000_000 + (second * 1e9) as i64;
    (ts, format!(r#"{{"ts":{ts},{fields}}}"#))
}

fn cancel(second: f64, symbol: &str) -> (i64, String) {
    line(second, &format!(r#""type":"order_cancel","symbol":"{symbol}","order":"o","reason":"user""#))
}

fn status(second: i64, symbol: &str, status: &str) -> (i64, String) {
    line(second as f64, &format!(r#""type":"trading_status","symbol":"{symbol}","status":"{status}""#))
}

/// A withdrawal every second of each symbol, in which some come two or three at once.
fn flow(from: i64, until: i64) -> Vec<(i64, String)> {
    let of_second = |second: i64| {
        let some =
            move |symbol| (0..=second * second % 7 / 3).map(move |n| cancel(second as f64 + 0.1 * n as f64, symbol));
        SYMBOLS.into_iter().flat_map(some)
    };
    (from..until).step_by(2).flat_map(of_second).collect()
}

fn heartbeats(from: i64, until: i64) -> Vec<(i64, String)> {
    (from..until).map(|second| line(second as f64 + 0.9, r#""type":"heartbeat","producer":"m""#)).collect()
}

/// 300 withdrawals of one symbol within three seconds.
fn mass(second: i64) -> Vec<(i64, String)> {
    (0..300).map(|n| cancel(second as f64 + 0.01 * f64::from(n), SYMBOLS[0])).collect()
}

fn sorted(parts: &[Vec<(i64, String)>]) -> Vec<String> {
    let mut lines = parts.concat();
    lines.sort_by_key(|(ts, _)| *ts);
    lines.into_iter().map(|(_, line)| line).collect()
}

fn incidents(found: &Replayed, detector: Detector) -> usize {
    found.alerts.iter().filter(|alert| alert.revision == 1 && alert.detectors.contains(&detector)).count()
}

#[test]
fn what_is_withdrawn_outside_the_hours_is_not_reported() {
    let at = |second| sorted(&[flow(0, CLOSES), mass(second), heartbeats(second + 3, second + 200)]);
    let reported = |lines: Vec<String>, symbols: &[&str]| {
        incidents(&replay_in_hours(lines, hours(symbols)), Detector::CancelBurst)
    };
    assert_eq!(reported(at(CLOSES - 600), &["*"]), 1, "within the hours");
    assert_eq!(reported(at(CLOSES + 60), &["*"]), 0);
    assert_eq!(reported(at(CLOSES + 60), &["ES*"]), 0);
    assert_eq!(reported(at(CLOSES + 60), &["NQ*"]), 1, "of another symbol");
    assert_eq!(incidents(&replay(at(CLOSES + 60)), Detector::CancelBurst), 1, "without a calendar");
}

#[test]
fn the_hours_outside_are_not_learned_and_the_first_minutes_after_them_are_raised() {
    let day = |minutes: i64, size: i64| {
        let at = REOPENS + 60 * minutes;
        let burst = (0..size).map(|n| cancel(at as f64 + 0.02 * n as f64, SYMBOLS[0])).collect();
        let lines = sorted(&[
            flow(0, CLOSES),
            // The first record of the day is a heartbeat, no activity, so it does not show that the pause before was a closure.
            heartbeats(CLOSES, REOPENS),
            flow(REOPENS, at),
            burst,
            flow(at + 1, at + 120),
        ]);
        incidents(&replay_in_hours(lines, hours(&["*"])), Detector::CancelBurst)
    };
    let least = |minutes: i64| (4..60).find(|size| day(minutes, *size) == 1).unwrap();
    let (soon, later) = (least(3), least(15));
    assert!(later < soon, "{later} after 15 minutes, {soon} after 3");
}

#[test]
fn a_status_of_the_venue_wins_over_the_calendar() {
    // Heartbeats keep the clock going: in a file the first two records after a pause are held back.
    let reported = |parts: Vec<Vec<(i64, String)>>| {
        let lines = sorted(&[parts, vec![heartbeats(0, REOPENS + CLOSES + 300)]].concat());
        incidents(&replay_in_hours(lines, hours(&["*"])), Detector::CancelBurst)
    };
    let day = || flow(0, CLOSES);
    let evening = CLOSES + HOUR;
    let word = |second, word| vec![status(second, SYMBOLS[0], word)];
    let open = vec![day(), word(evening, "open"), flow(evening, evening + 1_200), mass(evening + 1_200)];
    assert_eq!(reported(open), 1, "a session that the calendar does not know");
    let noon = 3 * HOUR;
    assert_eq!(reported(vec![flow(0, noon), word(noon, "halted"), mass(noon + 60)]), 0);
    // The halt goes on over the night, whatever the calendar says.
    let next = REOPENS + 1_200;
    assert_eq!(reported(vec![flow(0, noon), word(noon, "halted"), mass(next)]), 0);
    // The next evening the calendar holds again.
    let next_evening = REOPENS + CLOSES + 60;
    let days = vec![day(), word(evening, "open"), word(evening + 60, "open"), flow(REOPENS, REOPENS + CLOSES)];
    assert_eq!(reported([days, vec![mass(next_evening)]].concat()), 0);
}

#[test]
fn symbols_that_fall_silent_when_their_hours_end_are_no_trouble() {
    let day = |until: i64| {
        // Two symbols go on, as those of another venue do.
        let others = (0..until).step_by(2).map(|second| cancel(second as f64, "BTC"));
        let others = others.chain((0..until).step_by(2).map(|second| cancel(second as f64, "ETH")));
        let more = (0..until)
            .step_by(2)
            .map(|second| cancel(second as f64, "SOL"))
            .chain((0..until).step_by(2).map(|second| cancel(second as f64, "XRP")));
        sorted(&[flow(0, CLOSES), others.chain(more).collect()])
    };
    let until = CLOSES + 900;
    let causes = |found: &Replayed| {
        let reported = found.alerts.iter().flat_map(|alert| alert.trust.reasons.clone());
        reported.collect::<Vec<Cause>>()
    };
    assert!(causes(&replay(day(until))).contains(&Cause::SilentSymbols));
    let found = replay_in_hours(day(until), hours(&["ES*", "NQ*"]));
    assert_eq!(causes(&found), []);
    assert_eq!(found.engine.standing().0.mode, Mode::Normal);
    let closed = found.engine.coverage().of((Detector::CancelBurst, Covered::Symbol))[CoverageState::Closed as usize];
    assert_eq!(closed, 4);
}

#[test]
fn a_partition_whose_symbols_are_all_closed_awaits_nothing_at_that_time_of_the_clock() {
    let found = replay_in_hours(sorted(&[flow(0, CLOSES - 5), heartbeats(CLOSES - 5, CLOSES - 2)]), hours(&["*"]));
    let rests = |found: &Replayed, second: i64| {
        let now = EventTime::from_nanos((OPENS + second) * 1_000_000_000);
        found.engine.situation(true, now).feeds[0].rests
    };
    assert_eq!(
        [CLOSES - 1, CLOSES, REOPENS - 1, REOPENS].map(|second| rests(&found, second)),
        [false, true, true, false]
    );
    // Friday is a holiday, so from Thursday evening to Monday morning.
    let days = |days: i64| days * 24 * HOUR;
    let edges = [days(3) + CLOSES - 1, days(3) + CLOSES, days(4) + HOUR, days(7) - 1, days(7)];
    assert_eq!(edges.map(|second| rests(&found, second)), [false, true, true, true, false]);
    let plain = replay(sorted(&[flow(0, CLOSES - 5)]));
    assert!(!rests(&plain, CLOSES + HOUR));
    let word = sorted(&[flow(0, HOUR), SYMBOLS.iter().map(|symbol| status(HOUR, symbol, "closed")).collect()]);
    assert!(rests(&replay(word), HOUR + 60), "the venue has said so");
}

#[test]
fn calendars_are_part_of_the_configurations_hash() {
    let none: [String; 0] = [];
    let config = |found: Replayed| found.engine.context().config.clone();
    let plain = config(replay(&none));
    assert_eq!(plain, config(replay_in_hours(&none, Calendars::default())));
    assert_ne!(plain, config(replay_in_hours(&none, hours(&["*"]))));
    assert_ne!(config(replay_in_hours(&none, hours(&["ES*"]))), config(replay_in_hours(&none, hours(&["*"]))));
}
