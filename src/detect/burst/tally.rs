//! The tally of a run: the number of samples by account since the pace rose.
//!
//! A run begins where the CUSUM leaves zero, which ordinary flow does every few samples, so a tally is nearly always short. In a
//! burst it counts all samples, and not only those that are kept as evidence. It holds eight accounts by the Space-Saving algorithm
//! (Metwally, Agrawal and El Abbadi 2005): a new account takes the place of the least, and inherits its count as a possible error.
//! An account with more than an eighth of the samples is therefore always among them. The reported number is the count less the
//! error, so it is never too high.

use serde::{Deserialize, Serialize};

use crate::{detect::Shares, event::SharedName, time::EventTime};

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
    pub fn count(&mut self, run: EventTime, account: Option<&SharedName>) {
        if self.since != Some(run) {
            self.since = Some(run);
            self.of = 0;
            self.accounts.clear();
        }
        self.of = self.of.saturating_add(1);
        let Some(account) = account else { return };
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(accounts: impl Iterator<Item = String>) -> Shares {
        let mut tally = Tally::default();
        accounts.for_each(|account| tally.count(EventTime::from_nanos(1), Some(&SharedName::new(&account))));
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
        tally.count(EventTime::from_nanos(1), Some(&SharedName::new("a")));
        tally.count(EventTime::from_nanos(2), None);
        tally.count(EventTime::from_nanos(2), Some(&SharedName::new("b")));
        assert_eq!(tally.shares(), Shares { of: 2, by: vec![("b".into(), 1)] });
    }
}
