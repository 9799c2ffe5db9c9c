//! The tally of a run: the number of samples by account since the pace rose.
//!
//! A run begins where the CUSUM leaves zero, which ordinary flow does every few samples, so a tally is nearly always short. In a
//! burst it counts all samples, and not only those that are kept as evidence. It holds eight accounts by the Space-Saving algorithm
//! (Metwally, Agrawal and El Abbadi 2005): a new account takes the place of the least, and inherits its count as a possible error.
//! An account with more than an eighth of the samples is therefore always among them. The reported number is the count less the
//! error, so it is never too high.

use serde::{Deserialize, Serialize};

use crate::{
    detect::{Sample, Shares, SideSums},
    event::SharedName,
    time::EventTime,
};

/// The most accounts of a tally: an alert names those with a large share, and there cannot be many.
const ACCOUNTS_MAX: usize = 8;
/// The most accounts that are reported.
const REPORTED_MAX: usize = 3;

/// The samples of the current run by account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Tally {
    /// When the run began; `None` before the first sample.
    since: Option<EventTime>,
    /// How many samples it has.
    of: u32,
    accounts: Vec<Counter>,
    /// The orders among them that rested in the book, by side.
    sides: SideSums,
}

/// An account, how often it was counted, and how much of that may be another's.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Counter {
    account: SharedName,
    count: u32,
    error: u32,
}

impl Tally {
    /// Counts a sample of the run that began at this time.
    pub fn count(&mut self, run: EventTime, sample: &Sample<'_>) {
        if self.since != Some(run) {
            self.since = Some(run);
            (self.of, self.sides) = (0, SideSums::default());
            self.accounts.clear();
        }
        self.of = self.of.saturating_add(1);
        if let Some((side, notional)) = sample.rested {
            self.sides.add(side, notional);
        }
        let Some(account) = sample.account else { return };
        if let Some(known) = self.accounts.iter_mut().find(|known| known.account == *account) {
            known.count = known.count.saturating_add(1);
        } else if self.accounts.len() < ACCOUNTS_MAX {
            self.accounts.push(Counter { account: account.clone(), count: 1, error: 0 });
        } else if let Some(least) = self.accounts.iter_mut().min_by_key(|known| known.count) {
            let error = least.count;
            *least = Counter { account: account.clone(), count: error.saturating_add(1), error };
        }
    }

    /// Returns the accounts with most of the run's samples, the busiest first.
    pub fn shares(&self) -> Shares {
        let mut by: Vec<_> =
            self.accounts.iter().map(|known| (known.account.to_compact(), known.count - known.error)).collect();
        by.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        by.truncate(REPORTED_MAX);
        Shares { of: self.of, by }
    }

    /// Returns the run's orders that rested in the book, by side.
    pub const fn sides(&self) -> SideSums {
        self.sides
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{RecordRef, Side, SourceId};

    fn count(tally: &mut Tally, run: i64, account: Option<&str>, rested: Option<(Side, f64)>) {
        let (run, account) = (EventTime::from_nanos(run), account.map(SharedName::new));
        let sample = Sample::of_party(run, RecordRef { source: SourceId(0), offset: 0 }, "", rested);
        tally.count(run, &Sample { account: account.as_ref(), ..sample });
    }

    fn tally(accounts: impl Iterator<Item = String>) -> Shares {
        let mut tally = Tally::default();
        accounts.for_each(|account| count(&mut tally, 1, Some(&account), None));
        tally.shares()
    }

    #[test]
    fn an_account_with_most_of_a_run_is_counted_whoever_else_comes() {
        let shares = tally((0..600).map(|n| if n % 3 == 2 { format!("other{n}") } else { "a109".to_owned() }));
        assert_eq!((shares.of, shares.by[0].clone()), (600, ("a109".into(), 400)));
        assert!(shares.by[1..].iter().all(|(_, n)| *n == 1), "never more than was seen: {shares:?}");
    }

    #[test]
    fn a_tally_never_holds_more_than_its_limit_nor_says_too_much() {
        let shares = tally((0..10_000).map(|n| format!("a{}", n % 97)));
        assert!(shares.by.len() <= REPORTED_MAX && shares.by.iter().all(|(_, n)| *n <= 10_000 / 97 + 1), "{shares:?}");
    }

    #[test]
    fn another_run_begins_anew_and_samples_without_an_account_count() {
        let mut tally = Tally::default();
        count(&mut tally, 1, Some("a"), Some((Side::Buy, 7.0)));
        count(&mut tally, 2, None, None);
        count(&mut tally, 2, Some("b"), None);
        assert_eq!(tally.shares(), Shares { of: 2, by: vec![("b".into(), 1)] });
        assert_eq!(tally.sides(), SideSums::default());
    }

    #[test]
    fn orders_are_summed_by_the_side_on_which_they_rested() {
        let mut tally = Tally::default();
        assert_eq!(tally.sides().bids_share(), None);
        for rested in [Some((Side::Buy, 30.0)), None, Some((Side::Sell, 10.0)), Some((Side::Buy, -20.0))] {
            count(&mut tally, 1, None, rested);
        }
        let sides = tally.sides();
        assert_eq!((sides.orders, sides.notional), ([2, 1], [50.0, 10.0]));
        assert_eq!((sides.total(), sides.bids_share()), (60.0, Some(50.0 / 60.0)));
    }
}
