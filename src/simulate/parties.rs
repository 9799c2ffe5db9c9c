//! Who is behind the accounts: owners, their money at the start, and their habits with leverage.
//!
//! All of it is drawn once, in order of the accounts' numbers and from streams of its own, so that it depends on the seed
//! alone: an account is the same whatever is planted and however many others there are. Accounts are numbers here and
//! everywhere in the simulator; names are made only for events.
//!
//! Making firms own two accounts each. Of the others one in four belongs to an owner of two to four; of the rest nothing is
//! known, as on a venue that sees accounts and not people.

use std::ops::RangeInclusive;

use super::{
    dice::{Dice, whole},
    tape::{self, MAKER_ACCOUNTS},
};
use crate::{event::Name, stats::math};

/// Streams of the draws: far above the symbols', which count from 1.
const OWNERS_STREAM: u64 = 1 << 40;
const HABITS_STREAM: u64 = OWNERS_STREAM + 1;
/// How likely an owner begins at an account that has none. With three accounts each in the mean, one in four is owned:
/// 3p ÷ (3p + 1 − p) = ¼.
const OWNER_BEGINS: f64 = 0.1;
/// Accounts of an owner.
const FAMILY: (i64, i64) = (2, 4);
/// The least money at the start, in thousandths of the quote currency, its tail index, and the most over the least: wealth
/// has an index of about 1.2 to 1.5 nearly everywhere (Gabaix 2009).
const CASH_LEAST: f64 = 250_000.0;
const CASH_INDEX: f64 = 1.2;
const CASH_SPREAD: f64 = 20_000.0;
/// A making firm's, enough for its quotes on a few symbols; more it brings when it needs it.
const MAKER_CASH: i64 = 100_000_000;
/// The leverage at which an account feels at home: its median, the spread of its logarithm, its least and greatest.
const HOME: (f64, f64) = (2.0, 0.7);
const HOME_BOUNDS: (f64, f64) = (0.3, 8.0);
/// What can be set. An account sets the first step that leaves it twice its habit.
pub(super) const STEPS: [u32; 8] = [1, 2, 3, 5, 10, 20, 50, 100];
/// How many back each position with a margin of its own.
const ISOLATED: f64 = 0.2;

/// No habit above this is modest: 25 times as much still fits under the greatest setting.
const MODEST: f64 = 2.5;
/// What positions cost after some hours, in thousandths: some five thousand of the quote currency.
const USUAL_EXPOSURE: f64 = 5_000_000.0;
/// How many accounts are drawn when one of modest means is looked for.
const TRIES: u32 = 12;

/// What an account is by nature.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habits {
    /// In thousandths of the quote currency.
    pub(super) cash: i64,
    /// The leverage at which it feels at home.
    pub(super) home: f64,
    /// The leverage that it sets at first.
    pub(super) setting: u32,
    pub(super) isolated: bool,
}

/// The owners of all accounts.
#[derive(Debug)]
pub(super) struct Parties {
    /// By account, from `a1` on; 0 where nobody is known.
    owners: Vec<u32>,
    /// What every account is by nature, from `a1` on.
    pub(super) habits: Vec<Habits>,
}

impl Parties {
    /// The owners of so many accounts.
    pub(super) fn draw(seed: u64, accounts: u32) -> Self {
        let mut dice = Dice::new(seed, OWNERS_STREAM);
        let mut owners: Vec<u32> = (1..=MAKER_ACCOUNTS).map(|maker| maker.div_ceil(2)).collect();
        let (wanted, mut newest) = (usize::try_from(accounts).unwrap_or(usize::MAX), MAKER_ACCOUNTS.div_ceil(2));
        while owners.len() < wanted {
            if dice.chance(OWNER_BEGINS) {
                newest += 1;
                let family = usize::try_from(dice.between(FAMILY.0, FAMILY.1)).unwrap_or(1);
                owners.resize(owners.len() + family, newest);
            } else {
                owners.push(0);
            }
        }
        owners.truncate(wanted);
        let mut dice = Dice::new(seed, HABITS_STREAM);
        let habits = (1..=wanted).map(|number| Habits::draw(number <= MAKER_ACCOUNTS as usize, &mut dice)).collect();
        Self { owners, habits }
    }

    /// The name of who is behind an account, where that is known.
    pub(super) fn owner(&self, account: u32) -> Option<Name<'static>> {
        let owner = self.number(account);
        (owner > 0).then(|| tape::name(format!("o{owner}")))
    }

    /// All accounts of the owner of this one, or itself alone.
    fn family(&self, account: u32) -> RangeInclusive<u32> {
        let owner = self.number(account);
        let same = |other: &u32| owner > 0 && self.number(*other) == owner;
        let first = (1..account).rev().take_while(same).last().unwrap_or(account);
        let last = (account + 1..=account + 3).take_while(same).last().unwrap_or(account);
        first..=last
    }

    /// An account of modest means and habits, of those drawn: what it does is small beside the market, and it has room above
    /// its habit.
    pub(super) fn modest(&self, dice: &mut Dice) -> u32 {
        let drawn = (0..TRIES).map(|_| self.anybody(dice));
        drawn.min_by_key(|&account| self.means(account)).unwrap_or(MAKER_ACCOUNTS + 1)
    }

    /// The poorer accounts of an owner of modest means, two or more, the poorest first; one alone where nobody drawn has an
    /// owner in common with another.
    pub(super) fn modest_family(&self, dice: &mut Dice) -> Vec<u32> {
        let sorted = |family: RangeInclusive<u32>| {
            let mut members: Vec<u32> = family.collect();
            members.sort_by_key(|&account| self.means(account));
            members
        };
        let drawn = (0..8 * TRIES).map(|_| sorted(self.family(self.anybody(dice))));
        let second = |members: &Vec<u32>| members.get(1).map_or((true, i64::MAX), |&account| self.means(account));
        let mut best = drawn.min_by_key(second).unwrap_or_default();
        let (bold, most) = second(&best);
        best.retain(|&account| self.means(account) <= (bold, most.saturating_mul(2)));
        best
    }

    /// Any account of the quieter half of the crowd, those with the higher numbers: who is busy has positions on many symbols,
    /// and the money that they need.
    fn anybody(&self, dice: &mut Dice) -> u32 {
        let (first, last) = (i64::from(MAKER_ACCOUNTS) + 1, i64::try_from(self.owners.len()).unwrap_or(i64::MAX));
        u32::try_from(dice.between(i64::midpoint(first, last), last)).unwrap_or(MAKER_ACCOUNTS + 1)
    }

    /// Whether an account is bold, and the money that it will have: what it began with, or what its habit asks of positions
    /// that are usual here.
    fn means(&self, account: u32) -> (bool, i64) {
        let habits = self.habits.get(account as usize - 1);
        habits.map_or((true, i64::MAX), |h| (h.home > MODEST, h.cash.max(whole(USUAL_EXPOSURE / h.home))))
    }

    fn number(&self, account: u32) -> u32 {
        let at = account.checked_sub(1).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| self.owners.get(at)).copied().unwrap_or(0)
    }
}

impl Habits {
    fn draw(maker: bool, dice: &mut Dice) -> Self {
        let rich = math::pow(dice.unit(), -1.0 / CASH_INDEX).min(CASH_SPREAD);
        let home = (HOME.0 * math::exp(HOME.1 * dice.normal())).clamp(HOME_BOUNDS.0, HOME_BOUNDS.1);
        let isolated = dice.chance(ISOLATED);
        if maker {
            return Self { cash: MAKER_CASH, home: 3.0, setting: 10, isolated: false };
        }
        let setting = STEPS.into_iter().find(|&step| f64::from(step) >= 2.0 * home).unwrap_or(STEPS[STEPS.len() - 1]);
        Self { cash: whole(CASH_LEAST * rich), home, setting, isolated }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_four_is_of_an_owner_of_two_to_four_and_makers_of_their_firms() {
        let parties = Parties::draw(1, 10_000);
        let owned = (7..=10_000).filter(|&a| parties.number(a) > 0).count();
        assert!((2_200..2_800).contains(&owned), "{owned}");
        assert!((1..9_990).all(|a| (1..=4).contains(&parties.family(a).count()) && parties.family(a).contains(&a)));
        assert_eq!((parties.family(2), parties.family(3)), (1..=2, 3..=4));
    }

    #[test]
    fn an_account_is_the_same_however_many_others_there_are() {
        let (few, many) = (Parties::draw(5, 50), Parties::draw(5, 500));
        assert_eq!(few.owners, many.owners[..50]);
        assert!(few.habits.iter().zip(&many.habits).all(|(few, many)| few.cash == many.cash));
    }
}
