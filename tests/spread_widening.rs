//! `spread_widening` from the book to the alert: a wide spread after calm hours is one ticket, and calm books and flickers are none.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/hostile_events.rs"]
mod hostile_events;

use foreshock::{
    alert::Alert,
    correlate::Status,
    detect::{Detector, Severity},
    engine::{Detection, Engine, Input, Limits, Outbox, Output, Plan, Record, StageSettings},
    event::{Body, BookSnapshot, Decimal, Event, Level, Source, SourceId},
};
use hostile_events::{START, name, price, secs};

const MINUTE: i64 = 60;

/// Sends the books of two symbols each second: both are calm, except that the spread of S1 is twenty times as wide for some seconds.
/// Returns the alerts up to five minutes after.
fn alerts(wide_from: i64, wide_for: i64) -> Vec<Alert> {
    let mut engine = Engine::new(Plan {
        calendars: foreshock::calendar::Calendars::default(),
        maintenance: foreshock::calendar::MaintenanceWindows::default(),
        limits: Limits::default(),
        detection: Detection::default(),
        sources: vec![Source { name: "books.jsonl".to_owned(), partition: None, feed: 0 }],
        stages: StageSettings::default(),
        replay: String::new(),
        currency: None,
    });
    let (mut outbox, mut alerts, mut offset, mut random) = (Outbox::default(), Vec::new(), 0, 7_u64);
    // A spread of two to four ticks (Knuth's MMIX generator).
    let mut spread = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        2 + i64::try_from((random >> 33) % 3).unwrap()
    };
    for second in 0..wide_from + wide_for + 5 * MINUTE {
        for symbol in ["S1", "S2"] {
            let is_wide = symbol == "S1" && (wide_from..wide_from + wide_for).contains(&second);
            let spread = spread() * if is_wide { 20 } else { 1 };
            let level = |at| vec![Level(price(at), Decimal::from_parts(1_000, 0).unwrap())];
            let body = Body::BookSnapshot(BookSnapshot { bids: level(10_000), asks: level(10_000 + spread) });
            let ts = secs(START + second);
            let event = Event { ts, symbol: Some(name(symbol)), seq: None, account: None, owner: None, body };
            offset += 1;
            let content = Ok(std::slice::from_ref(&event));
            engine
                .handle(Input::Record(Record { source: SourceId(0), offset, appended_at: None, content }), &mut outbox);
        }
        alerts.extend(outbox.drain().filter_map(|o| if let Output::Notify(a, _) = o { Some(*a) } else { None }));
    }
    alerts
}

/// A slow metric is judged from the third hour on: after an hour of probation, and an hour whose minutes give its tail.
#[test]
fn a_wide_spread_after_two_calm_hours_is_found_once_and_a_calm_book_is_not() {
    let alerts = alerts(125 * MINUTE, MINUTE);
    let statuses: Vec<Status> = alerts.iter().map(|alert| alert.status).collect();
    assert_eq!((statuses.first(), statuses.last()), (Some(&Status::Firing), Some(&Status::Resolved)));
    assert_eq!(statuses.iter().filter(|status| **status == Status::Firing).count(), 1, "{alerts:#?}");
    // The bands near the touch are empty, so the book is thin as well: the two are one view, and stay one ticket.
    let all: Vec<&[Detector]> = alerts.iter().map(|alert| alert.detectors.as_slice()).collect();
    assert!(all.last().unwrap().contains(&Detector::SpreadWidening), "{all:?}");
    for alert in &alerts {
        assert_eq!((alert.severity, &alert.id), (Severity::Warning, &alerts[0].id));
        assert_eq!(alert.symbols, ["S1"]);
    }
}

#[test]
fn a_spread_that_is_back_within_two_seconds_is_not_reported() {
    assert_eq!(alerts(125 * MINUTE, 2), []);
}

#[test]
fn a_wide_spread_after_a_calm_hour_and_a_half_is_too_early() {
    assert_eq!(alerts(90 * MINUTE, MINUTE), []);
}
