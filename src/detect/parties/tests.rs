//! Parties from their first withdrawal to a full window and back.

use super::*;
use crate::{
    detect::Change,
    event::{Place, SourceId},
    window::BurstSettings,
};

const PLACE: Place = Place { source: SourceId(0), offset: 0 };

fn at(millis: i64) -> EventTime {
    EventTime::from_nanos(1_760_130_000_000_000_000).plus(Span::from_millis(millis))
}

/// Parties by number, on a clock that is theirs.
struct Crowd {
    parties: Parties<u32>,
    said: Vec<Saying>,
}

impl Crowd {
    fn new(parties_max: usize, bursts_max: usize) -> Self {
        Self { parties: Parties::new(parties_max, bursts_max, BurstSettings::default()), said: Vec::new() }
    }

    /// One order withdrawn, of so many that were placed, as seen by a clock that is ahead by so much.
    fn withdraws(&mut self, party: u32, millis: i64, placed: u16, ahead: i64) {
        self.parties.advance(at(millis + ahead), &mut self.said);
        let withdrawn = Withdrawn {
            sample: Sample { at: at(millis), place: PLACE, id: "", account: None, owner: None },
            orders: 1,
            placed,
            clock: at(millis + ahead),
            blind_until: EventTime::from_nanos(i64::MIN),
            symbol: None,
            mode: Mode::Normal,
        };
        let subject = || Subject::Account(format!("a{party}").into());
        self.parties.withdrawn(&party, &withdrawn, subject, &mut self.said);
        self.assert_bounded();
    }

    /// One each so many milliseconds.
    fn steady(&mut self, party: u32, millis: std::ops::Range<i64>, every: usize) {
        millis.step_by(every).for_each(|now| self.withdraws(party, now, 1, 0));
    }

    fn full(&self) -> usize {
        self.parties.occupancy()[1].0
    }

    fn changes(&self) -> Vec<Change> {
        self.said.iter().map(|(_, verdict)| verdict.change).collect()
    }

    fn assert_bounded(&self) {
        let [(light, _), (full, _)] = self.parties.occupancy();
        assert!(self.parties.due.len() <= light + full, "{} due of {light} and {full}", self.parties.due.len());
        let firing = self.parties.pool.iter().filter(|(_, member)| member.burst.is_firing()).count();
        assert_eq!(self.parties.firing, firing);
    }
}

#[test]
fn twenty_in_a_minute_are_worth_a_window_and_an_hour_without_is_not() {
    let mut crowd = Crowd::new(10, 10);
    crowd.steady(1, 0..57_000, 3_000);
    assert_eq!(crowd.full(), 0, "nineteen");
    crowd.withdraws(1, 57_500, 1, 0);
    assert_eq!(crowd.full(), 1);
    crowd.parties.advance(at(57_500 + 3_590_000), &mut crowd.said);
    assert_eq!(crowd.full(), 1);
    crowd.parties.advance(at(57_500 + 4_300_000), &mut crowd.said);
    assert_eq!((crowd.full(), crowd.parties.occupancy()[0].0, crowd.parties.due.len()), (0, 1, 0));
}

#[test]
fn a_burst_of_a_party_with_a_habit_is_found_at_once_and_ends() {
    let mut crowd = Crowd::new(10, 10);
    // Ten a minute for two hours, and then two hundred in two seconds: its first full window is of that very burst.
    crowd.steady(1, 0..7_200_000, 6_000);
    assert_eq!((crowd.full(), crowd.said.len()), (0, 0));
    crowd.steady(1, 7_200_000..7_202_000, 10);
    assert_eq!(crowd.changes().first(), Some(&Change::Opened));
    let (subject, verdict) = &crowd.said[0];
    assert_eq!(*subject, Subject::Account("a1".into()));
    assert!(verdict.at < at(7_202_000) && verdict.finding.borrowed_share > 0.0, "{verdict:?}");
    assert_eq!(verdict.finding.evidence.accounts, ["a1"]);
    assert!(crowd.parties.waits());
    crowd.parties.advance(at(7_300_000), &mut crowd.said);
    assert_eq!(crowd.changes().last(), Some(&Change::Cleared));
    assert!(!crowd.parties.waits());
}

#[test]
fn whoever_places_more_than_he_withdraws_only_begins_to_trade() {
    let mut crowd = Crowd::new(10, 10);
    crowd.steady(1, 0..7_200_000, 6_000);
    (7_200_000..7_202_000).step_by(10).for_each(|now| crowd.withdraws(1, now, 2, 0));
    assert_eq!(crowd.said, []);
    assert_eq!(crowd.full(), 1);
}

#[test]
fn the_longest_unused_makes_room_and_what_fires_ends_with_it() {
    let mut crowd = Crowd::new(10, 1);
    crowd.steady(1, 0..7_200_000, 6_000);
    crowd.steady(1, 7_200_000..7_202_000, 10);
    crowd.steady(2, 7_202_000..7_203_000, 10);
    assert_eq!(crowd.full(), 1);
    let of_first: Vec<Change> =
        crowd.said.iter().filter(|(s, _)| *s == Subject::Account("a1".into())).map(|(_, v)| v.change).collect();
    assert_eq!(of_first.last(), Some(&Change::Cleared));
}

#[test]
fn a_party_behind_the_clock_is_given_its_time() {
    let mut crowd = Crowd::new(10, 10);
    for n in 0..1_200 {
        crowd.withdraws(1, 6_000 * n, 1, 3_600_000);
    }
    (7_200_000..7_202_000).step_by(10).for_each(|now| crowd.withdraws(1, now, 1, 3_600_000));
    assert_eq!(crowd.changes().first(), Some(&Change::Opened), "{:?}", crowd.said);
    assert!(crowd.parties.waits(), "by its own time it is not over");
    crowd.parties.advance(at(7_202_000 + 3_600_000 + 11_000), &mut crowd.said);
    assert!(!crowd.parties.waits());
}

#[test]
fn a_backlog_that_is_caught_up_with_leaves_one_thing_to_do_for_each() {
    let mut crowd = Crowd::new(3, 2);
    for n in 0..20_000 {
        // Three parties and a fourth that comes and goes; each sample is a little less late than the one before.
        let party = if n % 100 < 50 { u32::try_from(n % 3).unwrap() } else { 3 + u32::try_from(n / 1_000).unwrap() };
        crowd.withdraws(party, n * 37, 1, (20_000 - n) * 11);
    }
}

#[test]
fn members_share_false_alarms_up_to_a_hundred_of_them() {
    let mut crowd = Crowd::new(1_000, 1_000);
    for party in 0..150 {
        crowd.steady(party, 0..10_000, 500);
    }
    assert_eq!(crowd.full(), 150);
    assert!((crowd.parties.share() - 0.01).abs() < 1e-12);
}
