//! The life of parties: from the first withdrawal to a full window and back.

use super::*;
use crate::{
    detect::Change,
    event::{RecordRef, SourceId},
    window::BurstSettings,
};
use crate::{detect::Sample, trust::Mode};

const RECORD: RecordRef = RecordRef { source: SourceId(0), offset: 0 };

fn at(millis: i64) -> EventTime {
    EventTime::from_nanos(1_760_130_000_000_000_000).plus(Span::from_millis(millis))
}

/// All share one budget.
impl Key for u32 {
    type Budget = ();

    fn budget(&self) {}
}

/// Parties by number, with the verdicts about them.
struct PartyHarness {
    parties: Parties<u32>,
    verdicts: Vec<PartyVerdict>,
}

impl PartyHarness {
    fn new(parties_max: usize, bursts_max: usize) -> Self {
        Self { parties: Parties::new(parties_max, bursts_max, BurstSettings::default()), verdicts: Vec::new() }
    }

    /// Withdraws one order, after `placed` orders were placed, while the clock is ahead of the party by `ahead` ms.
    fn withdraws(&mut self, party: u32, millis: i64, placed: u16, ahead: i64) {
        self.parties.advance(at(millis + ahead), &mut self.verdicts);
        let batch = WithdrawalBatch {
            sample: Sample::of_party(at(millis), RECORD, "", None),
            orders: 1,
            placed,
            clock: at(millis + ahead),
            blind_until: EventTime::from_nanos(i64::MIN),
            opened_at: EventTime::from_nanos(i64::MIN),
            symbol: None,
            mode: Mode::Normal,
        };
        let subject = || Subject::Account(format!("a{party}").into());
        self.parties.withdrawn(&party, &batch, subject, &mut self.verdicts);
        self.assert_bounded();
    }

    /// Places and withdraws one order every so many milliseconds.
    fn steady(&mut self, party: u32, millis: std::ops::Range<i64>, every: usize) {
        millis.step_by(every).for_each(|now| self.withdraws(party, now, 1, 0));
    }

    fn full(&self) -> usize {
        self.parties.occupancy()[1].0
    }

    fn changes(&self) -> Vec<Change> {
        self.verdicts.iter().map(|(_, verdict)| verdict.change).collect()
    }

    fn assert_bounded(&self) {
        let [(light, _), (full, _)] = self.parties.occupancy();
        assert!(self.parties.due.len() <= light + full, "{} due of {light} and {full}", self.parties.due.len());
        for (_, key) in &self.parties.due {
            let handle = self.parties.light.find(key);
            let is_busy = handle.and_then(|handle| self.parties.light.get(handle)).is_some_and(Light::is_busy);
            assert!(is_busy || self.parties.pool.find(key).is_some(), "{key} has a deadline and nothing to do");
        }
        let firing = self.parties.pool.iter().filter(|(_, member)| member.burst.is_firing()).count();
        assert_eq!(self.parties.firing, firing);
    }
}

#[test]
fn a_party_has_a_full_window_from_twenty_withdrawals_in_a_minute_until_an_hour_without_so_many() {
    let mut harness = PartyHarness::new(10, 10);
    harness.steady(1, 0..57_000, 3_000);
    assert_eq!(harness.full(), 0, "nineteen");
    harness.withdraws(1, 57_500, 1, 0);
    assert_eq!(harness.full(), 1);
    harness.parties.advance(at(57_500 + 3_590_000), &mut harness.verdicts);
    assert_eq!(harness.full(), 1);
    harness.parties.advance(at(57_500 + 4_300_000), &mut harness.verdicts);
    assert_eq!((harness.full(), harness.parties.occupancy()[0].0, harness.parties.due.len()), (0, 1, 0));
}

#[test]
fn a_burst_in_the_first_full_window_of_a_slow_party_is_found_and_ends() {
    let mut harness = PartyHarness::new(10, 10);
    // Ten a minute for two hours, and then two hundred in two seconds: the first full window begins within that burst.
    harness.steady(1, 0..7_200_000, 6_000);
    assert_eq!((harness.full(), harness.verdicts.len()), (0, 0));
    harness.steady(1, 7_200_000..7_202_000, 10);
    assert_eq!(harness.changes().first(), Some(&Change::Opened));
    let (subject, verdict) = &harness.verdicts[0];
    assert_eq!(*subject, Subject::Account("a1".into()));
    assert!(verdict.at < at(7_202_000) && verdict.finding.borrowed_share > 0.0, "{verdict:?}");
    assert_eq!(verdict.finding.evidence.accounts, ["a1"]);
    assert!(harness.parties.waits());
    harness.parties.advance(at(7_300_000), &mut harness.verdicts);
    assert_eq!(harness.changes().last(), Some(&Change::Cleared));
    assert!(!harness.parties.waits());
}

#[test]
fn a_party_that_places_more_orders_than_it_withdraws_has_no_burst() {
    let mut harness = PartyHarness::new(10, 10);
    harness.steady(1, 0..7_200_000, 6_000);
    (7_200_000..7_202_000).step_by(10).for_each(|now| harness.withdraws(1, now, 2, 0));
    assert_eq!(harness.verdicts, []);
    assert_eq!(harness.full(), 1);
}

#[test]
fn the_least_recently_used_window_makes_room_and_its_episode_ends() {
    let mut harness = PartyHarness::new(10, 1);
    harness.steady(1, 0..7_200_000, 6_000);
    harness.steady(1, 7_200_000..7_202_000, 10);
    harness.steady(2, 7_202_000..7_203_000, 10);
    assert_eq!(harness.full(), 1);
    let of_first: Vec<Change> =
        harness.verdicts.iter().filter(|(s, _)| *s == Subject::Account("a1".into())).map(|(_, v)| v.change).collect();
    assert_eq!(of_first.last(), Some(&Change::Cleared));
}

#[test]
fn an_episode_of_a_party_behind_the_clock_ends_by_the_partys_own_time() {
    let mut harness = PartyHarness::new(10, 10);
    for n in 0..1_200 {
        harness.withdraws(1, 6_000 * n, 1, 3_600_000);
    }
    (7_200_000..7_202_000).step_by(10).for_each(|now| harness.withdraws(1, now, 1, 3_600_000));
    assert_eq!(harness.changes().first(), Some(&Change::Opened), "{:?}", harness.verdicts);
    assert!(harness.parties.waits(), "the episode goes on by the party's own time");
    // The burst is in the longest window for a minute, and its CUSUM is over after two calm minutes more.
    harness.parties.advance(at(7_202_000 + 3_600_000 + 200_000), &mut harness.verdicts);
    assert!(!harness.parties.waits());
}

#[test]
fn a_party_that_catches_up_with_the_clock_has_one_deadline_at_most() {
    let mut harness = PartyHarness::new(3, 2);
    for n in 0..20_000 {
        // Three parties stay, and a fourth comes and goes. Each sample is a little less late than the one before.
        let party = if n % 100 < 50 { u32::try_from(n % 3).unwrap() } else { 3 + u32::try_from(n / 1_000).unwrap() };
        harness.withdraws(party, n * 37, 1, (20_000 - n) * 11);
    }
}

#[test]
fn up_to_a_hundred_members_share_the_false_alarms_of_one() {
    let mut harness = PartyHarness::new(1_000, 1_000);
    for party in 0..150 {
        harness.steady(party, 0..10_000, 500);
    }
    assert_eq!(harness.full(), 150);
    assert!((harness.parties.warnings_per_day_each(&1) - 0.01).abs() < 1e-12);
}

#[test]
fn no_party_is_judged_before_its_tier_has_been_observed_for_a_quarter_of_an_hour() {
    // A burst of four hundred in four seconds by an account that is new each time.
    let first_reported = |begins: i64| {
        let mut harness = PartyHarness::new(1_000, 1_000);
        harness.withdraws(1_000, 0, 1, 0);
        harness.steady(1, begins..begins + 4_000, 10);
        harness.parties.advance(at(begins + 60_000), &mut harness.verdicts);
        harness.changes().first().copied()
    };
    assert_eq!(first_reported(900), None, "4.9 s into a recording");
    assert_eq!(first_reported(600_000), None, "its tier is observed since it belongs to it");
    let mut harness = PartyHarness::new(1_000, 1_000);
    // Others of the same size were there before, none of them with a full window.
    (0..15).for_each(|n| harness.withdraws(2, 60_000 * n, 1, 0));
    harness.steady(1, 890_000..895_000, 10);
    assert_eq!(harness.changes(), []);
    harness.steady(3, 1_500_000..1_504_000, 10);
    assert_eq!(harness.changes().first(), Some(&Change::Opened));
}

#[test]
fn a_party_that_was_promoted_too_early_to_be_judged_is_judged_from_a_quarter_of_an_hour_on() {
    let mut harness = PartyHarness::new(10, 10);
    harness.steady(1, 0..1_200_000, 2_000);
    assert_eq!((harness.full(), harness.changes()), (1, vec![]));
    harness.steady(1, 1_200_000..1_204_000, 10);
    assert_eq!(harness.changes().first(), Some(&Change::Opened));
}
