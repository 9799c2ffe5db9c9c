//! Files in which some records are stamped far ahead: a leap of the clock that was believed is taken back when the flow goes on at
//! the time before the leap, and a trouble is reported.
#![cfg(feature = "app")]

#[path = "support/lines.rs"]
mod lines;

use foreshock::trust::{Cause, Mode};
use lines::{Replayed, replay};
use proptest::prelude::*;

/// 2026-06-29, on a whole second.
const START: i64 = 1_782_739_800;
const DAY: i64 = 86_400;
/// The most late records before a leap of `wrong` records is taken back: twenty, or twice as many as the leap has.
fn until_taken_back(wrong: i64) -> u64 {
    20.max(2 * wrong.unsigned_abs())
}

fn cancel(second: i64, symbol: i64) -> String {
    let ts = (START + second) * 1_000_000_000;
    format!(r#"{{"ts":{ts},"type":"order_cancel","symbol":"S{symbol}","order":"o","reason":"user"}}"#)
}

/// A record each second, of three symbols in turn.
fn flow(from: i64, until: i64) -> impl Iterator<Item = String> {
    (from..until).map(|second| cancel(second, second % 3))
}

fn late(found: &Replayed) -> u64 {
    found.fates()[2]
}

fn tells_of_a_clock(found: &Replayed) -> bool {
    found.alerts.iter().any(|alert| alert.trust.reasons.contains(&Cause::Skew))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Any number of records in a row of a clock that is ahead, anywhere in a flow, its first record included.
    #[test]
    fn a_clock_that_leapt_is_set_back_where_the_flow_goes_on_and_that_is_reported(
        before in prop_oneof![Just(0_i64), 2_i64..600],
        wrong in 3_i64..60,
        ahead in 120_i64..3 * DAY,
        after in 200_i64..400,
    ) {
        let leap = (0..wrong).map(|nth| cancel(before + ahead + nth / 10, nth % 3));
        let lines: Vec<String> = flow(0, before).chain(leap).chain(flow(before, before + after)).collect();
        let found = replay(lines.iter());
        prop_assert_eq!(found.counters().set_back, 1);
        prop_assert!(late(&found) <= until_taken_back(wrong), "{} late", late(&found));
        prop_assert!(tells_of_a_clock(&found), "{:?}", found.engine.standing());
        // The same flow goes on for a minute and a half: it is over.
        let on: Vec<String> = lines.iter().cloned().chain(flow(before + after, before + after + 200)).collect();
        let found = replay(on.iter());
        prop_assert!(late(&found) <= until_taken_back(wrong));
        prop_assert_eq!(found.engine.standing().0.mode, Mode::Normal);
    }

    /// However long a flow pauses, and however many old records come again after that: nothing is taken back.
    #[test]
    fn a_pause_is_never_taken_back(
        before in 100_i64..400,
        pause in 120_i64..3 * DAY,
        again in 0_i64..100,
    ) {
        let resumes = before + pause;
        let lines = flow(0, before)
            .chain(flow(resumes, resumes + 60))
            .chain(flow(before - again, before))
            .chain(flow(resumes + 60, resumes + 300));
        prop_assert_eq!(replay(lines).counters().set_back, 0);
    }
}

#[test]
fn one_record_or_two_far_ahead_move_no_clock() {
    for wrong in 1..3 {
        let leap = (0..wrong).map(|nth| cancel(DAY + nth, nth));
        let found = replay(flow(0, 300).chain(leap).chain(flow(300, 600)));
        assert_eq!((late(&found), found.counters().set_back), (0, 0));
    }
}

#[test]
fn a_flow_of_two_times_begins_anew_more_and_more_seldom() {
    let turns = (0..400).flat_map(|turn| flow(turn * 30 + (turn % 2) * DAY, turn * 30 + 30 + (turn % 2) * DAY));
    let found = replay(turns);
    assert!(found.counters().set_back <= 2, "{}", found.counters().set_back);
}

#[test]
fn a_file_that_holds_an_earlier_time_behind_a_thousand_records_is_late() {
    let found = replay(flow(DAY, DAY + 1_100).chain(flow(0, 500)));
    assert_eq!((late(&found), found.counters().set_back), (500, 0));
}
