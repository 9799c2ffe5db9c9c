//! Tests of the judge of a feed: what is reported, when, and of whom.

use proptest::prelude::*;

use super::*;
use crate::event::Reason;
use crate::{
    event::SourceId,
    trust::{Scope, Sight, SilentProducer, SilentSymbols, Trouble},
};

fn at(millis: i64) -> EventTime {
    EventTime::from_nanos(1_760_130_000_000_000_000).plus(Span::from_millis(millis))
}

fn record(offset: i64) -> RecordRef {
    RecordRef { source: SourceId(0), offset: offset.unsigned_abs() }
}

/// A judge with its clock in milliseconds, and what it last reported.
#[derive(Default)]
struct Feed {
    judge: FeedJudge,
    clock: i64,
    reported: Option<Report>,
    reports: usize,
    silent_producer: Option<SilentProducer>,
    silent_symbols: Option<SilentSymbols>,
}

impl Feed {
    /// Moves the clock, then counts a record.
    fn take(&mut self, millis: i64, used: Use, symbol: &str) {
        self.advance(millis);
        self.judge.count(used, record(millis), Some(symbol), Some(at(millis)));
    }

    fn advance(&mut self, millis: i64) {
        self.clock = millis;
        let last = record(millis);
        let (silent_producer, silent_symbols) = (self.silent_producer.as_ref(), self.silent_symbols.as_ref());
        let known = Known { silent_producer, silent_symbols, open: 20, last };
        if self.judge.is_due(at(millis))
            && let Some(report) = self.judge.judge(at(millis), &known)
        {
            self.reports += 1;
            self.reported = Some(report);
        }
    }

    fn reported(&self) -> Vec<(Cause, Scope, Option<&str>)> {
        let troubles = self.reported.iter().flat_map(|report| &*report.troubles);
        troubles.map(|trouble| (trouble.cause, trouble.scope, trouble.who.as_deref())).collect()
    }

    fn first(&self) -> &Trouble {
        &self.reported.as_ref().unwrap().troubles[0]
    }
}

const BAD: Use = Use::Rejected(Reason::NotDecimal);

#[test]
fn rejected_records_are_reported_with_reason_and_example_from_a_hundredth_of_a_minute_and_twenty_on() {
    let symbols: Vec<String> = (0..40).map(|n| format!("S{n}")).collect();
    let mut feed = Feed::default();
    let mut bad = 0;
    for n in 0..10_000_i64 {
        // A hundred records a second; of every fiftieth second's, a fifth are rejected, over many symbols.
        let is_bad = n >= 5_000 && n % 5 == 0;
        bad += i64::from(is_bad);
        feed.take(n * 10, if is_bad { BAD } else { Use::Counted }, &symbols[usize::try_from(n / 5 % 40).unwrap()]);
        if bad < 20 {
            assert_eq!(feed.reported(), [], "at {n}");
        }
        if n == 5_400 {
            assert_eq!(feed.reported(), [(Cause::Rejected, Scope::Partition, None)]);
            let example = feed.first().example.unwrap();
            assert_eq!(example.reason, Some(Reason::NotDecimal));
            assert!((50_000..=54_000).contains(&example.record.offset));
        }
    }
}

#[test]
fn a_symbol_of_which_most_cannot_be_used_is_reported_by_itself_and_degrades_itself_alone() {
    let mut feed = Feed::default();
    for second in 0..60 {
        for n in 0..20 {
            feed.take(second * 1_000 + n * 40, Use::Counted, &format!("S{n}"));
        }
        if second >= 30 {
            feed.take(second * 1_000 + 900, BAD, "X");
        }
        if second < 35 {
            assert_eq!(feed.reported(), [], "at {second}");
        }
    }
    assert_eq!(feed.reported(), [(Cause::Unusable, Scope::Symbol, Some("X"))], "the feed's own share is explained");
    assert_eq!(feed.first().example.unwrap().reason, Some(Reason::NotDecimal));
    assert_eq!([feed.judge.mode("X"), feed.judge.mode("S1")], [Mode::Degraded, Mode::Normal]);
    let standing = feed.reported.as_ref().unwrap().standing;
    assert_eq!((standing.is_degraded, standing.troubled, standing.sight), (false, 1, Sight::Usable));
}

#[test]
fn a_batch_that_is_sent_twice_is_no_trouble_of_its_symbol() {
    let mut feed = Feed::default();
    for n in 0..600 {
        feed.take(n * 100, Use::Counted, "S1");
        if n == 300 {
            (0..15).for_each(|_| feed.judge.count(Use::Duplicate, record(0), Some("S1"), Some(at(n * 100))));
        }
        assert_eq!(feed.reported(), [], "at {n}");
    }
}

#[test]
fn a_feed_is_blind_within_five_seconds_when_only_heartbeats_can_be_used() {
    let mut feed = Feed::default();
    for second in 0..25 {
        feed.take(second * 1_000, BAD, "X");
        feed.take(second * 1_000 + 300, BAD, "X");
        feed.judge.count(Use::Heartbeat, record(second), None, Some(at(second * 1_000 + 500)));
        let is_blind = feed.reported.as_ref().is_some_and(|reported| reported.standing.sight == Sight::Blind);
        assert_eq!(is_blind, second >= 4, "at {second}");
    }
    assert!(feed.first().pages && feed.first().cause == Cause::NothingUsable);
    assert_eq!(feed.judge.mode("X"), Mode::Blind);
    feed.take(25_000, Use::Counted, "X");
    feed.advance(26_000);
    assert_eq!(feed.reported.as_ref().unwrap().standing.sight, Sight::Usable);
}

#[test]
fn duplicates_of_a_quiet_hour_do_not_blind() {
    let mut feed = Feed::default();
    feed.take(0, Use::Counted, "X");
    for second in 1..60 {
        feed.advance(second * 1_000);
        if second % 10 == 0 {
            feed.judge.count(Use::Duplicate, record(second), Some("X"), Some(at(second * 1_000)));
        }
        assert!(feed.reported.as_ref().is_none_or(|reported| reported.standing.sight != Sight::Blind), "at {second}");
    }
}

#[test]
fn a_gap_degrades_its_symbol_for_a_minute() {
    let mut feed = Feed::default();
    for second in 0..100 {
        feed.take(second * 1_000, Use::Counted, "S1");
        if second == 10 {
            feed.judge.gap("S1", record(second), at(second * 1_000));
        }
        let expected = if (10..70).contains(&second) { Mode::Degraded } else { Mode::Normal };
        assert_eq!(feed.judge.mode("S1"), expected, "at {second}");
        assert_eq!(feed.judge.mode("S2"), Mode::Normal);
    }
}

#[test]
fn stamps_that_were_held_back_are_a_trouble_from_three_in_a_minute_on() {
    for (every, is_reported) in [(25_000, true), (35_000, false)] {
        let mut feed = Feed::default();
        for n in 0..4 {
            feed.take(n * every, Use::HeldBack, "S1");
            feed.judge.held_back(1, Span::from_secs(86_400), at(n * every));
        }
        feed.advance(3 * every + 1_000);
        assert_eq!(
            feed.reported().into_iter().filter(|(cause, ..)| *cause == Cause::Skew).collect::<Vec<_>>(),
            if is_reported { vec![(Cause::Skew, Scope::Partition, None)] } else { vec![] }
        );
    }
}

#[test]
fn a_producer_that_falls_silent_pages_and_is_named_and_is_over_after_ten_seconds() {
    let mut feed = Feed::default();
    feed.take(0, Use::Counted, "S1");
    feed.silent_producer = Some(SilentProducer { name: "match-2".into(), silence: Span::from_millis(4_600) });
    feed.take(1_000, Use::Counted, "S1");
    assert_eq!(feed.reported(), [(Cause::SilentProducer, Scope::Producer, Some("match-2"))]);
    assert!(feed.first().pages && feed.judge.mode("S1") == Mode::Degraded);
    feed.silent_producer = None;
    feed.take(10_000, Use::Counted, "S1");
    assert_eq!(feed.reported().len(), 1);
    feed.take(11_000, Use::Counted, "S1");
    assert_eq!(feed.reported(), []);
}

#[test]
fn silent_symbols_are_a_trouble_from_a_tenth_of_all_and_from_three_on() {
    let mut feed = Feed::default();
    feed.take(0, Use::Counted, "S1");
    let cases = [(2, 4), (9, 100), (100, 100), (10, 100)];
    for (second, (silent, known)) in (1..).zip(cases) {
        let active = known - silent;
        feed.silent_symbols = Some(SilentSymbols { first: "S1".into(), silent, active, known });
        feed.take(1_000 * second, Use::Counted, "S1");
        let expected = if second < 4 { vec![] } else { vec![(Cause::SilentSymbols, Scope::Partition, Some("S1"))] };
        assert_eq!(feed.reported(), expected, "{silent} of {known}");
    }
}

#[test]
fn duplicates_or_late_records_are_a_trouble_from_a_hundredth_of_a_minutes_records_on() {
    for (used, cause) in [(Use::Duplicate, Cause::Duplicates), (Use::Late, Cause::Late)] {
        // Nineteen of a minute are too few; twenty of three thousand are too small a share; thirty are a trouble.
        for (bad, of, is_reported) in [(19, 600, false), (20, 3_000, false), (31, 3_000, true)] {
            let mut feed = Feed::default();
            for n in 0..of {
                let used = if n % (of / bad) == 0 && n / (of / bad) < bad { used } else { Use::Counted };
                feed.take(n * 50_000 / of, used, &format!("S{}", n % 7));
            }
            feed.advance(51_000);
            let expected = if is_reported { vec![(cause, Scope::Partition, None)] } else { vec![] };
            assert_eq!(feed.reported(), expected, "{bad} of {of}");
        }
    }
}

#[test]
fn a_feed_without_troubles_reports_every_ten_seconds() {
    let mut feed = Feed::default();
    (0..600).for_each(|n| feed.take(n * 100, Use::Counted, "S1"));
    assert_eq!((feed.reports, feed.judge.kept()), (6, 0));
}

proptest! {
    /// Random rejects: reported if and only if a hundredth, and twenty, of the last minute's records were rejected, by the naive
    /// count over the whole list.
    #[test]
    fn rejects_are_reported_as_a_naive_count_of_the_last_minute_says(
        runs in prop::collection::vec((1_i64..40, 1_i64..400, 0_i64..8), 1..30),
    ) {
        let mut feed = Feed::default();
        let (mut all, mut now, mut n): (Vec<(i64, bool)>, i64, i64) = (Vec::new(), 0, 0);
        let mut held_until = i64::MIN;
        for (seconds, every, bad_in_ten) in runs {
            let end = now + 1_000 * seconds;
            while now < end {
                now += every;
                n += 1;
                // No symbol: so that none explains the feed's share.
                let is_due = feed.judge.is_due(at(now));
                if is_due {
                    let slot = now.div_euclid(5_000);
                    let minute = || all.iter().filter(|(at, _)| at.div_euclid(5_000) > slot - 12);
                    let (records, bad) = (minute().count(), minute().filter(|(_, is_bad)| *is_bad).count());
                    if bad >= 20 && bad * 100 >= records {
                        held_until = now + 10_000;
                    }
                }
                feed.advance(now);
                if is_due {
                    let is_reported = feed.reported().iter().any(|(cause, ..)| *cause == Cause::Rejected);
                    prop_assert_eq!(is_reported, held_until > now, "at {}", now);
                }
                let is_bad = n % 10 < bad_in_ten;
                let used = if is_bad { BAD } else { Use::Counted };
                feed.judge.count(used, record(now), None, Some(at(now)));
                all.push((now, is_bad));
            }
        }
    }
}
