//! Moves of quotes against a naive list of withdrawals and placements.

use proptest::prelude::*;

use super::*;
use crate::event::{RecordRef, SourceId};

const SIDES: [Side; 2] = [Side::Buy, Side::Sell];

fn at(millis: i64) -> EventTime {
    EventTime::from_nanos(0).plus(Span::from_millis(millis))
}

/// Requotes of some parties on one symbol, and the handles by which they go.
struct Harness {
    requotes: Requotes,
    handles: Vec<Handle>,
}

impl Harness {
    fn new() -> Self {
        let mut table = Table::new(10);
        Self { requotes: Requotes::default(), handles: (0..4).map(|n| table.insert(n, ()).0).collect() }
    }

    fn quoter(&self, party: usize) -> Quoter {
        Quoter { party: self.handles[party], is_owner: false, symbol: self.handles[0] }
    }

    fn withdraws(&mut self, party: usize, millis: i64, exposure: Option<(Side, f64)>, order: usize) {
        let origin = RecordRef { source: SourceId(0), offset: 0 }.into();
        let (account, symbol) = (self.handles[party], self.handles[0]);
        let waiting = Waiting::new((account, symbol), (&order.to_string(), 0.0), origin, (at(millis), at(millis)));
        self.requotes.add(self.quoter(party), exposure, waiting);
    }

    /// The orders that stayed withdrawn, of those that are due by a time.
    fn stayed(&mut self, millis: i64) -> Vec<usize> {
        let mut stayed = Vec::new();
        while let Some(waiting) = self.requotes.pop_due(at(millis)) {
            if !self.requotes.settle(&waiting) {
                stayed.push(waiting.order.parse().unwrap());
            }
        }
        stayed
    }
}

#[test]
fn what_is_put_back_within_a_second_on_its_side_is_no_withdrawal() {
    let mut harness = Harness::new();
    harness.withdraws(1, 0, Some((Side::Buy, 10.0)), 0);
    harness.withdraws(1, 1, Some((Side::Sell, 10.0)), 1);
    harness.withdraws(2, 2, Some((Side::Buy, 10.0)), 2);
    harness.withdraws(1, 3, None, 3);
    assert!(harness.requotes.placed(&harness.quoter(1), Side::Buy, 6.0) > 5.9);
    assert!(harness.requotes.placed(&harness.quoter(1), Side::Sell, 4.0) > 3.9);
    assert_eq!(harness.stayed(999), [0_usize; 0]);
    assert_eq!(harness.stayed(1_003), [1, 2, 3], "under half of it, another party, an order that was not known");
    assert!(harness.requotes.placed(&harness.quoter(2), Side::Buy, 10.0) <= 0.0, "too late");
    assert_eq!((harness.requotes.occupancy().held, harness.requotes.quoters.len()), (0, 0));
}

#[test]
fn an_order_that_the_venue_takes_out_at_once_puts_back_nothing() {
    let mut harness = Harness::new();
    harness.withdraws(1, 0, Some((Side::Buy, 10.0)), 0);
    harness.requotes.placed(&harness.quoter(1), Side::Buy, 10.0);
    harness.requotes.refused(&harness.quoter(1), Side::Buy, 10.0);
    assert_eq!(harness.stayed(1_000), [0]);
}

#[test]
fn a_party_that_begins_to_come_back_while_it_still_withdraws_has_withdrawn_what_was_missing_for_a_second() {
    let mut harness = Harness::new();
    let mut stayed = Vec::new();
    // Three hundred orders in two seconds; from a second and a half on one comes back for each that goes.
    for order in 0..525_usize {
        let millis = i64::try_from(order * 20 / 3).unwrap();
        stayed.extend(harness.stayed(millis));
        if order < 300 {
            harness.withdraws(1, millis, Some((Side::Buy, 1.0)), order);
        }
        if order >= 225 {
            harness.requotes.placed(&harness.quoter(1), Side::Buy, 1.0);
        }
    }
    stayed.extend(harness.stayed(10_000));
    // Two hundred and twenty-five are missing at the most, and 187 of them for a second.
    assert!((185..=190).contains(&stayed.len()), "{}", stayed.len());
}

#[test]
fn beyond_the_limit_the_oldest_is_judged_early_and_counted() {
    let mut harness = Harness::new();
    for order in 0..=WAITING_MAX {
        let early = harness.requotes.make_room();
        assert_eq!(early.is_some(), order == WAITING_MAX);
        assert_eq!(
            early.map(|early| (early.order.to_string(), harness.requotes.settle(&early))).unwrap_or_default().0,
            { if order == WAITING_MAX { "0" } else { "" } }
        );
        harness.withdraws(1, 0, Some((Side::Buy, 1.0)), order);
    }
    let occupancy = harness.requotes.occupancy();
    assert_eq!((occupancy.held, occupancy.evicted), (WAITING_MAX as u64, 1));
}

/// A step of a flow: after so many milliseconds a party withdraws or places a quantity on a side.
type Step = (i64, usize, usize, u32, bool);

/// The orders that stay withdrawn, by going through the whole flow for each placement.
fn naive(steps: &[Step]) -> Vec<usize> {
    // Of each withdrawal: time, party, side, quantity, and how much of it was put back.
    let (mut now, mut withdrawn) = (0, Vec::<(i64, usize, usize, f64, f64)>::new());
    for &(after, party, side, quantity, withdraws) in steps {
        now += after;
        if withdraws {
            withdrawn.push((now, party, side, f64::from(quantity), 0.0));
            continue;
        }
        let mut left = f64::from(quantity);
        for (then, whose, where_, all, back) in withdrawn.iter_mut().rev() {
            if (*whose, *where_) == (party, side) && now - *then < 1_000 {
                let more = left.min(*all - *back);
                (*back, left) = (*back + more, left - more);
            }
        }
    }
    let stays = withdrawn.iter().enumerate().filter(|(_, (.., all, back))| *back < BACK_MIN * all);
    stays.map(|(order, _)| order).collect()
}

proptest! {
    #[test]
    fn each_placement_puts_back_what_was_withdrawn_last_within_a_second(
        steps in prop::collection::vec((0_i64..400, 0_usize..3, 0_usize..2, 1_u32..20, any::<bool>()), 0..200)
    ) {
        let mut harness = Harness::new();
        let (mut now, mut order, mut stayed) = (0, 0, Vec::new());
        for &(after, party, side, quantity, withdraws) in &steps {
            now += after;
            stayed.extend(harness.stayed(now));
            if withdraws {
                harness.withdraws(party, now, Some((SIDES[side], f64::from(quantity))), order);
                order += 1;
            } else {
                harness.requotes.placed(&harness.quoter(party), SIDES[side], f64::from(quantity));
            }
            prop_assert!(harness.requotes.quoters.len() <= harness.requotes.waiting.len());
        }
        stayed.extend(harness.stayed(now + 1_000));
        prop_assert_eq!(stayed, naive(&steps));
        prop_assert_eq!(harness.requotes.quoters.len(), 0);
    }
}
