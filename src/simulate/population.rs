//! The population of the exchange: its accounts, their owners, their money at the start, and their habits with leverage.
//!
//! All of it is drawn once, in order of the accounts' numbers and from streams of its own, so that it depends on the seed
//! alone: an account is the same whatever is planted and however many others there are. Accounts and owners are numbers
//! everywhere in the simulator; names are made only for events.
//!
//! The first six accounts belong to three making firms, two each. Of the ordinary accounts one in four belongs to an owner of
//! two to four accounts; the owners of the others are unknown, as on a venue that sees accounts and not people.

use std::ops::RangeInclusive;

use super::{
    names,
    random::{RandomStream, floor},
};
use crate::{event::Name, stats::math};

/// Accounts from 1 to this one belong to makers; all others are ordinary accounts.
pub(super) const MAKER_ACCOUNTS: u32 = 6;
/// Stream of the owners' draws: far above the symbols' streams, which count from 1.
const OWNERS_STREAM: u64 = 1 << 40;
/// Stream of the habits' draws.
const HABITS_STREAM: u64 = OWNERS_STREAM + 1;
/// Probability that a new owner's accounts begin at an account without one. With three accounts an owner in the mean, one in
/// four is owned: 3p ÷ (3p + 1 − p) = ¼.
const OWNER_BEGINS: f64 = 0.1;
/// Fewest and most accounts of an owner.
const ACCOUNTS_PER_OWNER: (i64, i64) = (2, 4);
/// Least money at the start, in thousandths of the quote currency.
const CASH_MIN: f64 = 250_000.0;
/// Tail index of the money at the start: wealth has one of about 1.2 to 1.5 nearly everywhere (Gabaix 2009).
const CASH_INDEX: f64 = 1.2;
/// The most money at the start, over the least.
const CASH_SPREAD: f64 = 20_000.0;
/// A maker account's money at the start: enough for its quotes on a few symbols, and it deposits more when it needs more.
const MAKER_CASH: i64 = 100_000_000;
/// Habitual leverage of an account: the median, and the standard deviation of its logarithm.
const HABITUAL_LEVERAGE: (f64, f64) = (2.0, 0.7);
/// Least and greatest habitual leverage.
const HABITUAL_LEVERAGE_BOUNDS: (f64, f64) = (0.3, 8.0);
/// The leverage settings that the venue offers. An account sets the first one that is at least twice its habit.
pub(super) const LEVERAGE_STEPS: [u32; 8] = [1, 2, 3, 5, 10, 20, 50, 100];
/// Share of accounts whose positions each have a margin of their own.
const ISOLATED: f64 = 0.2;

/// Greatest modest habitual leverage: 25 times as much still fits under the greatest setting.
const MODEST_LEVERAGE_MAX: f64 = 2.5;
/// Cost of an account's positions after some hours, in thousandths: some five thousand of the quote currency.
const USUAL_EXPOSURE: f64 = 5_000_000.0;
/// Number of accounts from which the most modest one is chosen.
const MODEST_DRAWS: u32 = 12;

/// The properties of an account that do not change.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habits {
    /// Money at the start, in thousandths of the quote currency.
    pub(super) cash: i64,
    /// Leverage to which the account tends.
    pub(super) leverage: f64,
    /// Leverage that the account sets at first.
    pub(super) setting: u32,
    /// Each position has a margin of its own.
    pub(super) isolated: bool,
}

/// All accounts with their owners.
#[derive(Debug)]
pub(super) struct Population {
    /// Owner by account, from `a1` on; 0 where the owner is unknown.
    owners: Vec<u32>,
    /// Habits by account, from `a1` on.
    pub(super) habits: Vec<Habits>,
}

impl Population {
    /// Draws the owners and habits of this many accounts.
    pub(super) fn draw(seed: u64, accounts: u32) -> Self {
        let mut rng = RandomStream::new(seed, OWNERS_STREAM);
        let mut owners: Vec<u32> = (1..=MAKER_ACCOUNTS).map(|maker| maker.div_ceil(2)).collect();
        let (wanted, mut newest) = (usize::try_from(accounts).unwrap_or(usize::MAX), MAKER_ACCOUNTS.div_ceil(2));
        while owners.len() < wanted {
            if rng.chance(OWNER_BEGINS) {
                newest += 1;
                let owned = usize::try_from(rng.between(ACCOUNTS_PER_OWNER.0, ACCOUNTS_PER_OWNER.1)).unwrap_or(1);
                owners.resize(owners.len() + owned, newest);
            } else {
                owners.push(0);
            }
        }
        owners.truncate(wanted);
        let mut rng = RandomStream::new(seed, HABITS_STREAM);
        let habits = (1..=wanted).map(|number| Habits::draw(number <= MAKER_ACCOUNTS as usize, &mut rng)).collect();
        Self { owners, habits }
    }

    /// The name of an account's owner, where the owner is known.
    pub(super) fn owner(&self, account: u32) -> Option<Name<'static>> {
        let owner = self.owner_number(account);
        (owner > 0).then(|| names::owner(owner))
    }

    /// All accounts of this account's owner, or the account alone where the owner is unknown.
    fn accounts_of_owner(&self, account: u32) -> RangeInclusive<u32> {
        let owner = self.owner_number(account);
        let same = |other: &u32| owner > 0 && self.owner_number(*other) == owner;
        let first = (1..account).rev().take_while(same).last().unwrap_or(account);
        let last = (account + 1..=account + 3).take_while(same).last().unwrap_or(account);
        first..=last
    }

    /// Draws an account of modest money and habits: its trading is small beside the market, and it can multiply its leverage.
    pub(super) fn modest_account(&self, rng: &mut RandomStream) -> u32 {
        let drawn = (0..MODEST_DRAWS).map(|_| self.quiet_account(rng));
        drawn.min_by_key(|&account| self.means(account)).unwrap_or(MAKER_ACCOUNTS + 1)
    }

    /// Draws the poorer accounts of an owner of modest means, two or more, the poorest first; a single account where none of
    /// those drawn shares its owner with another.
    pub(super) fn modest_accounts_of_one_owner(&self, rng: &mut RandomStream) -> Vec<u32> {
        let sorted = |accounts: RangeInclusive<u32>| {
            let mut accounts: Vec<u32> = accounts.collect();
            accounts.sort_by_key(|&account| self.means(account));
            accounts
        };
        let drawn = (0..8 * MODEST_DRAWS).map(|_| sorted(self.accounts_of_owner(self.quiet_account(rng))));
        let second = |accounts: &Vec<u32>| accounts.get(1).map_or((true, i64::MAX), |&account| self.means(account));
        let mut best = drawn.min_by_key(second).unwrap_or_default();
        let (bold, most) = second(&best);
        best.retain(|&account| self.means(account) <= (bold, most.saturating_mul(2)));
        best
    }

    /// Draws an account of the quieter half, the one with the higher numbers: a busy account has positions on many symbols, and
    /// the money that they need.
    fn quiet_account(&self, rng: &mut RandomStream) -> u32 {
        let (first, last) = (i64::from(MAKER_ACCOUNTS) + 1, i64::try_from(self.owners.len()).unwrap_or(i64::MAX));
        u32::try_from(rng.between(i64::midpoint(first, last), last)).unwrap_or(MAKER_ACCOUNTS + 1)
    }

    /// Ranks an account by its means: whether its habitual leverage is above a modest one, then the money that it will have,
    /// which is what it starts with or what its habit needs for positions of the usual cost.
    fn means(&self, account: u32) -> (bool, i64) {
        let habits = self.habits.get(account as usize - 1);
        habits.map_or((true, i64::MAX), |h| {
            (h.leverage > MODEST_LEVERAGE_MAX, h.cash.max(floor(USUAL_EXPOSURE / h.leverage)))
        })
    }

    fn owner_number(&self, account: u32) -> u32 {
        let index = account.checked_sub(1).and_then(|index| usize::try_from(index).ok());
        index.and_then(|index| self.owners.get(index)).copied().unwrap_or(0)
    }
}

impl Habits {
    fn draw(maker: bool, rng: &mut RandomStream) -> Self {
        let wealth = math::pow(rng.uniform(), -1.0 / CASH_INDEX).min(CASH_SPREAD);
        let leverage = HABITUAL_LEVERAGE.0 * math::exp(HABITUAL_LEVERAGE.1 * rng.normal());
        let leverage = leverage.clamp(HABITUAL_LEVERAGE_BOUNDS.0, HABITUAL_LEVERAGE_BOUNDS.1);
        let isolated = rng.chance(ISOLATED);
        if maker {
            return Self { cash: MAKER_CASH, leverage: 3.0, setting: 10, isolated: false };
        }
        let setting = LEVERAGE_STEPS.into_iter().find(|&step| f64::from(step) >= 2.0 * leverage);
        let setting = setting.unwrap_or(LEVERAGE_STEPS[LEVERAGE_STEPS.len() - 1]);
        Self { cash: floor(CASH_MIN * wealth), leverage, setting, isolated }
    }
}

/// Draws one of the ordinary accounts, where there are `accounts` in all; a few trade often and most seldom.
pub(super) fn ordinary_account(accounts: u32, rng: &mut RandomStream) -> u32 {
    let u = rng.uniform();
    let ordinary = accounts - MAKER_ACCOUNTS;
    let nth = u32::try_from(floor(u * u * f64::from(ordinary))).unwrap_or(0).min(ordinary - 1);
    MAKER_ACCOUNTS + 1 + nth
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_account_in_four_has_an_owner_of_two_to_four_and_makers_have_their_firms() {
        let population = Population::draw(1, 10_000);
        let owned = (7..=10_000).filter(|&a| population.owner_number(a) > 0).count();
        assert!((2_200..2_800).contains(&owned), "{owned}");
        for account in 1..9_990 {
            let accounts = population.accounts_of_owner(account);
            assert!((1..=4).contains(&accounts.clone().count()) && accounts.contains(&account));
        }
        assert_eq!((population.accounts_of_owner(2), population.accounts_of_owner(3)), (1..=2, 3..=4));
    }

    #[test]
    fn an_account_is_the_same_however_many_others_there_are() {
        let (few, many) = (Population::draw(5, 50), Population::draw(5, 500));
        assert_eq!(few.owners, many.owners[..50]);
        assert!(few.habits.iter().zip(&many.habits).all(|(few, many)| few.cash == many.cash));
    }
}
