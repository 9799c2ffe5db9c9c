//! Tests of a party without a full window: when it becomes busy or calm, its rate, and its tier.

use super::*;

#[expect(clippy::cast_possible_truncation, reason = "small numbers")]
fn second(s: f64) -> EventTime {
    EventTime::from_nanos(0).plus(Span::from_millis((s * 1e3) as i64))
}

#[test]
fn a_party_costs_forty_bytes() {
    assert!(size_of::<Light>() <= 40, "{}", size_of::<Light>());
}

#[test]
fn a_party_is_busy_from_five_events_in_a_minute_on() {
    let mut light = Light::default();
    for n in 0..40 {
        light.count(second(16.0 * f64::from(n)), 1);
        assert!(!light.is_busy(), "at {n}");
    }
    (0..5).for_each(|n| light.count(second(700.0 + f64::from(n)), 1));
    assert!(light.is_busy());
}

#[test]
fn twenty_events_in_a_minute_are_many_and_their_times_are_kept() {
    let mut light = Light::default();
    for n in 0..20 {
        let at = second(100.0 + f64::from(n));
        light.count(at, 1);
        let many = light.recent().is_some_and(|recent| recent.is_many(at));
        assert_eq!(many, n == 19, "at {n}");
    }
    let times = light.recent().unwrap().times(second(119.0));
    assert_eq!(times.len(), 20);
    // The times of the first four were not kept one by one: they count as of the first.
    assert_eq!(times[..5], [second(100.0), second(100.0), second(100.0), second(100.0), second(104.0)]);
    assert!(!light.recent().unwrap().is_many(second(170.0)));
}

#[test]
fn a_party_that_is_calm_for_ten_minutes_frees_its_arrivals() {
    let mut light = Light::default();
    (0..5).for_each(|n| light.count(second(f64::from(n)), 1));
    light.free_if_calm(second(603.0));
    assert!(light.is_busy());
    light.free_if_calm(second(604.0));
    assert!(!light.is_busy());
}

#[test]
fn the_rate_of_a_steady_party_is_found() {
    let mut light = Light::default();
    (0..3_000).for_each(|n| light.count(second(f64::from(n) * 2.0), 1));
    let (events, seconds) = light.rate();
    assert!((events / seconds - 0.5).abs() < 0.01, "{events} in {seconds}");
}

#[test]
fn events_in_any_order_keep_the_rate_finite_and_not_negative() {
    let mut light = Light::default();
    for n in 0..100_000 {
        light.count(second(f64::from(n) / 10.0 - if n % 2 == 0 { 50.0 } else { 0.0 }), 1);
        let (events, seconds) = light.rate();
        assert!((0.0..1e5).contains(&events) && (0.0..=601.0).contains(&seconds), "{events} in {seconds} at {n}");
    }
}

#[test]
fn the_tier_is_the_decade_of_the_last_earlier_day() {
    let mut light = Light::default();
    (0..150).for_each(|n| light.count(second(f64::from(n)), 1));
    assert_eq!(light.tier(), 2);
    light.count(second(86_401.0), 1);
    (0..2_000).for_each(|n| light.count(second(86_402.0 + f64::from(n)), 1));
    assert_eq!(light.tier(), 2);
    light.count(second(172_801.0), 1);
    assert_eq!(light.tier(), 3);
}

#[test]
fn quoting_counts_the_slots_that_a_time_reaches_into() {
    let mut quoting = Quoting::default();
    for n in 0..100 {
        quoting.note(second(f64::from(n)), 2, 1);
    }
    assert_eq!(quoting.since(second(95.0)), (20, 10));
    assert_eq!(quoting.since(second(60.0)), (80, 40));
    assert_eq!(quoting.since(second(0.0)), (140, 70));
    quoting.note(second(31.0), 9, 9);
    assert_eq!(quoting.since(second(95.0)), (20, 10));
    quoting.note(second(500.0), 1, 0);
    assert_eq!(quoting.since(second(440.0)), (1, 0));
}
