//! Tests of the watch: which mode and which troubles it decides, and when.

use super::*;

fn feed(beats: bool, gap_millis: i64) -> FeedView {
    FeedView {
        clock: Some(EventTime::from_nanos(1)),
        own_clock: Some(EventTime::from_nanos(1)),
        last_offset: Some(7),
        beats,
        rests: false,
        usual_gap: Span::from_millis(gap_millis),
        usable: 0,
    }
}

fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const NOTHING: Arrivals = Arrivals { usable: false, age: None, stamps: 0, stamps_ahead: 0, ahead: Span::ZERO };
const FRESH: Arrivals = Arrivals { usable: true, age: Some(Span::from_millis(3)), ..NOTHING };
const CLOCK: EventTime = EventTime::from_nanos(1);
const FIRST: SourceId = SourceId(0);
const SECOND: SourceId = SourceId(1);

type Decision = (Mode, Vec<(Cause, u32, bool)>);

fn decided(watch: &mut Watch, now: u64, feeds: &[FeedView]) -> Option<Decision> {
    let (mode, troubles) = watch.judge(at(now), feeds, true, CLOCK)?;
    Some((mode, troubles.iter().map(|t| (t.cause, t.source.0, t.pages)).collect()))
}

#[test]
fn the_service_is_blind_when_all_partitions_are_silent_and_pages_within_five_seconds() {
    let feeds = [feed(true, 1), feed(true, 1)];
    let mut watch = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
    watch.observe(FIRST, at(1_000), FRESH);
    assert_eq!(decided(&mut watch, 4_499, &feeds), None);
    let one = vec![(Cause::Silence, 1, true)];
    assert_eq!(decided(&mut watch, 4_500, &feeds), Some((Mode::Degraded, one)));
    assert_eq!(decided(&mut watch, 5_499, &feeds), None, "decided already");
    let both = vec![(Cause::Silence, 0, true), (Cause::Silence, 1, true)];
    assert_eq!(decided(&mut watch, 5_500, &feeds), Some((Mode::Blind, both)));
}

#[test]
fn a_silence_is_none_while_nothing_is_awaited_and_counts_from_the_opening_on() {
    let (open, closed) = (feed(true, 1), FeedView { rests: true, ..feed(true, 1) });
    let mut watch = Watch::new(std::slice::from_ref(&closed), at(0), Mode::Normal, Vec::new());
    for millis in (0..=3_600_000).step_by(500) {
        assert_eq!(decided(&mut watch, millis, std::slice::from_ref(&closed)), None);
    }
    assert_eq!(decided(&mut watch, 3_604_499, std::slice::from_ref(&open)), None);
    let silent = vec![(Cause::Silence, 0, true)];
    assert_eq!(decided(&mut watch, 3_604_500, std::slice::from_ref(&open)), Some((Mode::Blind, silent)));
}

#[test]
fn the_service_is_blind_when_every_partition_that_is_awaited_is_silent() {
    let feeds = [feed(true, 1), FeedView { rests: true, ..feed(true, 1) }];
    let mut watch = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
    assert_eq!(decided(&mut watch, 4_500, &feeds), Some((Mode::Blind, vec![(Cause::Silence, 0, true)])));
}

#[test]
fn a_trouble_is_over_when_it_has_been_absent_for_ten_seconds() {
    let feeds = [feed(true, 1)];
    let mut watch = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
    assert!(decided(&mut watch, 5_000, &feeds).is_some());
    watch.observe(FIRST, at(6_000), FRESH);
    watch.observe(FIRST, at(14_000), FRESH);
    assert_eq!(decided(&mut watch, 14_999, &feeds), None);
    assert_eq!(decided(&mut watch, 15_000, &feeds), Some((Mode::Normal, Vec::new())));
}

#[test]
fn without_heartbeats_a_silence_is_twenty_usual_gaps_and_does_not_page() {
    let feeds = [feed(false, 1_000), feed(true, 1)];
    let mut watch = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
    watch.observe(SECOND, at(19_000), FRESH);
    assert_eq!(decided(&mut watch, 19_999, &feeds), None);
    let quiet = vec![(Cause::Silence, 0, false)];
    assert_eq!(decided(&mut watch, 20_000, &feeds), Some((Mode::Degraded, quiet)));
}

#[test]
fn silence_is_not_judged_while_there_is_more_to_read() {
    let feeds = [feed(true, 1)];
    let mut watch = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
    assert_eq!(watch.judge(at(60_000), &feeds, false, CLOCK), None);
}

#[test]
fn a_partition_that_never_carried_anything_is_not_silent() {
    let feeds = [FeedView { clock: None, own_clock: None, last_offset: None, ..feed(false, 1) }];
    let mut watch = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
    assert_eq!(decided(&mut watch, 60_000, &feeds), None);
}

#[test]
fn records_from_before_the_start_do_not_lag() {
    let feeds = [feed(true, 1)];
    let mut watch = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
    let old = Arrivals { age: Some(Span::from_secs(60)), ..FRESH };
    watch.observe(FIRST, at(0), old);
    assert_eq!(decided(&mut watch, 0, &feeds), None);
    watch.observe(FIRST, at(1), FRESH);
    watch.observe(FIRST, at(2), old);
    assert_eq!(decided(&mut watch, 2, &feeds), Some((Mode::Degraded, vec![(Cause::Lag, 0, false)])));
}

/// Arrivals of so many stamps, of which so many are so far ahead of this machine's clock.
fn stamped(stamps: u64, ahead: u64, by: Span) -> Arrivals {
    let mut arrivals = FRESH;
    (0..stamps).for_each(|n| arrivals.add_stamp(if n < ahead { by } else { Span::ZERO }));
    arrivals
}

#[test]
fn stamps_ahead_of_this_machine_are_a_trouble_from_three_in_a_minute_on_and_held_for_one() {
    let feeds = [feed(true, 1)];
    let mut watch = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
    watch.observe(FIRST, at(0), stamped(100, 2, Span::from_secs(3)));
    assert_eq!(decided(&mut watch, 0, &feeds), None, "two are a slip");
    watch.observe(FIRST, at(30_000), stamped(100, 1, Span::from_secs(9)));
    assert_eq!(decided(&mut watch, 30_000, &feeds), Some((Mode::Degraded, vec![(Cause::Skew, 0, false)])));
    assert_eq!((watch.troubles[0].value, watch.troubles[0].limit), (9.0, 2.0));
    watch.observe(FIRST, at(89_999), FRESH);
    assert_eq!(decided(&mut watch, 89_999, &feeds), None);
    assert_eq!(decided(&mut watch, 90_000, &feeds), Some((Mode::Normal, Vec::new())));
}

#[test]
fn where_the_whole_flow_is_ahead_it_is_this_machines_clock_that_is_wrong() {
    let feeds = [feed(true, 1)];
    let mut watch = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
    watch.observe(FIRST, at(0), stamped(100, 100, Span::from_secs(3)));
    assert_eq!(decided(&mut watch, 0, &feeds), Some((Mode::Degraded, vec![(Cause::MachineClock, 0, false)])));
    assert!((watch.troubles[0].value - 3.0).abs() < 1e-9, "{}", watch.troubles[0].value);
}

#[test]
fn records_of_which_none_can_be_used_blind_within_five_seconds_also_before_the_first_that_can() {
    let never = FeedView { clock: None, own_clock: None, ..feed(false, 1) };
    for feeds in [[feed(true, 1)], [never]] {
        let mut watch = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
        (0..45).for_each(|n| watch.observe(FIRST, at(100 * n), NOTHING));
        assert_eq!(decided(&mut watch, 4_499, &feeds), None);
        let blind = vec![(Cause::NothingUsable, 0, true)];
        assert_eq!(decided(&mut watch, 4_500, &feeds), Some((Mode::Blind, blind)));
    }
}

#[test]
fn a_partition_that_is_not_read_is_a_gap_with_its_size_until_it_has_been_read_for_ten_seconds() {
    let never = FeedView { clock: None, own_clock: None, last_offset: None, ..feed(true, 1) };
    let feeds = [never, feed(true, 1)];
    let unread = |name: &str, beside| Unread { name: name.into(), beside, offsets: 40 };
    let mut watch = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
    let mut decisions = Vec::new();
    for now in (0..30_000).step_by(1_000) {
        watch.observe(SECOND, at(now), FRESH);
        let unread = if now < 12_000 { vec![unread("t:7", FIRST), unread("t:8", SECOND)] } else { Vec::new() };
        watch.observe_unread(at(now), unread);
        decisions.extend(decided(&mut watch, now, &feeds).map(|decision| (now, decision)));
        if now == 5_000 {
            let named: Vec<_> = watch.troubles.iter().map(|t| (t.who.as_deref(), t.value, t.after_offset)).collect();
            assert_eq!(named, [(Some("t:7"), 40.0, 7), (Some("t:8"), 40.0, 7)]);
            // A restart within that time goes on with the same troubles.
            let mut again = Watch::new(&feeds, at(now), Mode::Degraded, watch.troubles.clone());
            assert_eq!(decided(&mut again, now + 1, &feeds), None);
        }
    }
    let both = vec![(Cause::Gap, 1, false), (Cause::Gap, 1, false)];
    assert_eq!(decisions, [(0, (Mode::Degraded, both)), (21_000, (Mode::Normal, Vec::new()))]);
}

#[test]
fn a_partition_far_behind_is_reported_within_five_seconds_and_pages_after_a_minute() {
    let feeds = [feed(true, 1), feed(true, 1)];
    let mut watch = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
    let mut decisions = Vec::new();
    for now in (0..75_000).step_by(100) {
        watch.observe(FIRST, at(now), FRESH);
        watch.observe(SECOND, at(now), FRESH);
        watch.observe_behind(SECOND, at(now), if now < 65_000 { Span::from_secs(3_600) } else { Span::ZERO });
        decisions.extend(decided(&mut watch, now, &feeds).map(|decision| (now, decision)));
    }
    let behind = |pages| (Mode::Degraded, vec![(Cause::Behind, 1, pages)]);
    let expected =
        [(4_000, behind(false)), (60_000, behind(true)), (65_000, behind(false)), (74_900, (Mode::Normal, vec![]))];
    assert_eq!(decisions, expected);
}

#[test]
fn a_silence_goes_on_unchanged_over_a_restart() {
    let feeds = [feed(true, 1)];
    let mut before = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
    let (mode, troubles) = before.judge(at(5_000), &feeds, true, CLOCK).map(|(m, t)| (m, t.to_vec())).unwrap();
    let mut after = Watch::new(&feeds, at(100_000), mode, troubles);
    for now in (100_000..130_000).step_by(100) {
        assert_eq!(decided(&mut after, now, &feeds), None, "at {now}");
    }
}

#[test]
fn a_partition_is_idle_after_half_a_second() {
    let feeds = [feed(true, 1)];
    let watch = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
    assert!(!watch.is_idle(FIRST, at(499)));
    assert!(watch.is_idle(FIRST, at(500)));
}
