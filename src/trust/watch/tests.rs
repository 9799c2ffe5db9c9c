//! What the watch decides, and when.

use super::*;

fn feed(beats: bool, gap_millis: i64) -> FeedView {
    FeedView {
        clock: Some(EventTime::from_nanos(1)),
        last_offset: Some(7),
        beats,
        usual_gap: Span::from_millis(gap_millis),
        gaps: 0,
        records: 0,
        duplicates: 0,
        late: 0,
        silent_producer: None,
        silent_symbols: None,
    }
}

fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const FRESH: Heard = Heard { age: Some(Span::from_millis(3)), ahead: None };
const FIRST: SourceId = SourceId(0);
const SECOND: SourceId = SourceId(1);

type Decision = (Mode, Vec<(Cause, u32, bool)>);

fn decided(watch: &mut Watch, now: u64, feeds: &[FeedView]) -> Option<Decision> {
    let (mode, troubles) = watch.judge(at(now), feeds, true)?;
    Some((mode, troubles.iter().map(|t| (t.cause, t.source.0, t.pages)).collect()))
}

#[test]
fn a_silence_of_all_is_blindness_and_pages_within_five_seconds() {
    let feeds = [feed(true, 1), feed(true, 1)];
    let mut watch = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
    watch.heard(FIRST, at(1_000), FRESH);
    assert_eq!(decided(&mut watch, 4_499, &feeds), None);
    let one = vec![(Cause::Silence, 1, true)];
    assert_eq!(decided(&mut watch, 4_500, &feeds), Some((Mode::Degraded, one)));
    assert_eq!(decided(&mut watch, 5_499, &feeds), None, "said already");
    let both = vec![(Cause::Silence, 0, true), (Cause::Silence, 1, true)];
    assert_eq!(decided(&mut watch, 5_500, &feeds), Some((Mode::Blind, both)));
}

#[test]
fn a_trouble_is_over_when_it_has_been_gone_for_ten_seconds() {
    let feeds = [feed(true, 1)];
    let mut watch = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
    assert!(decided(&mut watch, 5_000, &feeds).is_some());
    watch.heard(FIRST, at(6_000), FRESH);
    watch.heard(FIRST, at(14_000), FRESH);
    assert_eq!(decided(&mut watch, 14_999, &feeds), None);
    assert_eq!(decided(&mut watch, 15_000, &feeds), Some((Mode::Normal, Vec::new())));
}

#[test]
fn without_heartbeats_a_silence_is_twenty_usual_gaps_and_wakes_nobody_alone() {
    let feeds = [feed(false, 1_000), feed(true, 1)];
    let mut watch = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
    watch.heard(SECOND, at(19_000), FRESH);
    assert_eq!(decided(&mut watch, 19_999, &feeds), None);
    let quiet = vec![(Cause::Silence, 0, false)];
    assert_eq!(decided(&mut watch, 20_000, &feeds), Some((Mode::Degraded, quiet)));
}

#[test]
fn silence_is_not_judged_while_there_is_more_to_read() {
    let feeds = [feed(true, 1)];
    let mut watch = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
    assert_eq!(watch.judge(at(60_000), &feeds, false), None);
}

#[test]
fn a_partition_that_never_carried_anything_is_not_silent() {
    let feeds = [FeedView { clock: None, last_offset: None, ..feed(false, 1) }];
    let mut watch = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
    assert_eq!(decided(&mut watch, 60_000, &feeds), None);
}

#[test]
fn what_was_there_before_the_start_does_not_lag() {
    let feeds = [feed(true, 1)];
    let mut watch = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
    let old = Heard { age: Some(Span::from_secs(60)), ahead: None };
    watch.heard(FIRST, at(0), old);
    assert_eq!(decided(&mut watch, 0, &feeds), None);
    watch.heard(FIRST, at(1), FRESH);
    watch.heard(FIRST, at(2), old);
    assert_eq!(decided(&mut watch, 2, &feeds), Some((Mode::Degraded, vec![(Cause::Lag, 0, false)])));
}

#[test]
fn gaps_and_skew_are_held_for_the_longest_window() {
    let mut feeds = [feed(true, 1)];
    let mut watch = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
    feeds[0].gaps = 3;
    watch.heard(FIRST, at(0), Heard { age: None, ahead: Some(Span::from_secs(3)) });
    let both = vec![(Cause::Gap, 0, false), (Cause::Skew, 0, false)];
    assert_eq!(decided(&mut watch, 0, &feeds), Some((Mode::Degraded, both)));
    watch.heard(FIRST, at(59_999), FRESH);
    assert_eq!(decided(&mut watch, 59_999, &feeds), None);
    assert_eq!(decided(&mut watch, 60_000, &feeds), Some((Mode::Normal, Vec::new())));
}

#[test]
fn a_restart_into_a_silence_is_the_same_silence() {
    let feeds = [feed(true, 1)];
    let mut before = Watch::new(&feeds, at(0), Mode::Normal, Vec::new());
    let (mode, troubles) = before.judge(at(5_000), &feeds, true).map(|(m, t)| (m, t.to_vec())).unwrap();
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

#[test]
fn a_producer_that_falls_silent_pages_and_is_named() {
    let alive = feed(true, 1);
    let silent = FeedView {
        silent_producer: Some(SilentProducer { name: "match-2".into(), silence: Span::from_millis(4_600) }),
        ..alive.clone()
    };
    let mut watch = Watch::new(std::slice::from_ref(&alive), at(0), Mode::Normal, Vec::new());
    watch.heard(FIRST, at(1_000), FRESH);
    let told = vec![(Cause::SilentProducer, 0, true)];
    assert_eq!(decided(&mut watch, 1_050, &[silent]), Some((Mode::Degraded, told)));
    assert_eq!(watch.troubles[0].who.as_deref(), Some("match-2"));
    watch.heard(FIRST, at(11_000), FRESH);
    assert_eq!(decided(&mut watch, 11_050, &[alive]), Some((Mode::Normal, vec![])));
}

#[test]
fn a_tenth_of_the_symbols_is_a_part_of_the_venue_and_two_are_nobody() {
    let silent = |silent, known| FeedView {
        silent_symbols: Some(SilentSymbols { first: "S1".into(), silent, active: known - silent, known }),
        ..feed(true, 1)
    };
    let mut watch = Watch::new(&[feed(true, 1)], at(0), Mode::Normal, Vec::new());
    watch.heard(FIRST, at(1_000), FRESH);
    assert_eq!(decided(&mut watch, 1_000, &[silent(2, 4)]), None);
    assert_eq!(decided(&mut watch, 1_050, &[silent(9, 100)]), None);
    assert_eq!(decided(&mut watch, 1_050, &[silent(100, 100)]), None, "it is closed");
    let told = vec![(Cause::SilentSymbols, 0, false)];
    assert_eq!(decided(&mut watch, 1_100, &[silent(10, 100)]), Some((Mode::Degraded, told)));
}

#[test]
fn a_hundredth_of_a_minutes_records_may_not_come_twice_or_late() {
    let after = |records, duplicates, late| FeedView { records, duplicates, late, ..feed(true, 1) };
    let mut watch = Watch::new(&[after(5, 0, 0)], at(0), Mode::Normal, Vec::new());
    let mut hear = |now, view: FeedView| {
        watch.heard(FIRST, at(now), FRESH);
        decided(&mut watch, now, &[view])
    };
    assert_eq!(hear(0, after(5_000, 900, 900)), None, "what was before is nobody's share");
    assert_eq!(hear(5_000, after(6_000, 909, 900)), None, "nine are few");
    assert_eq!(hear(10_000, after(10_000, 940, 900)), None, "and forty of five thousand");
    let twice = vec![(Cause::Duplicates, 0, false)];
    assert_eq!(hear(15_000, after(11_000, 1_000, 900)), Some((Mode::Degraded, twice)));
}
