//! One account in the ledger: its money, the cost of its positions, and its leverage setting.

use crate::simulate::{population::Habits, random::floor};

/// An account with this setting or a higher one makes no automatic deposits: only a script sets as much, and the account's
/// leverage is then meant to rise.
pub(crate) const SCRIPTED_SETTING: u32 = 100;
/// Share of its setting that an account may use before it deposits more.
pub(super) const USED_MAX: f64 = 0.9;
/// Multiple of its habitual leverage at which an account deposits more.
const HABIT_MULTIPLE_MAX: f64 = 1.6;
/// Least money of an account that trades, in thousandths.
const CASH_MIN: f64 = 50_000.0;
/// Deposits are multiples of this, in thousandths: people move round sums.
const DEPOSIT_UNIT: i64 = 10_000;

/// An action of an account beside its orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccountAction {
    /// The account sets its leverage.
    SetLeverage(u32),
    /// The account deposits money until it has this many times as much.
    Deposit(u32),
}

/// One account, 32 bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Account {
    /// Equity without unrealised profit, in thousandths of the quote currency.
    pub(super) cash: i64,
    /// Cost of all open positions, in thousandths.
    pub(super) exposure: i64,
    /// Leverage to which the account tends.
    pub(super) habit: f32,
    /// The leverage that the account has set.
    pub(super) setting: u32,
    /// Each position has a margin of its own.
    pub(super) isolated: bool,
    /// The account has ordered before.
    pub(super) known: bool,
    /// A review of the account is scheduled.
    pub(super) scheduled: bool,
}

impl Account {
    pub(super) fn new(habits: &Habits) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "a habit between .3 and 8 needs no more digits")]
        let habit = habits.leverage as f32;
        let &Habits { cash, setting, isolated, .. } = habits;
        Self { cash, exposure: 0, habit, setting, isolated, known: false, scheduled: false }
    }

    /// Cost of the positions over the money.
    pub(super) fn leverage(&self) -> f64 {
        self.exposure as f64 / (self.cash as f64).max(1.0)
    }

    /// Deposits a round sum if the positions have outgrown the money; returns whether that was so.
    pub(super) fn top_up(&mut self) -> bool {
        let (cash, exposure) = (self.cash as f64, self.exposure as f64);
        let scripted = self.setting >= SCRIPTED_SETTING;
        let habit_max = if scripted { f64::INFINITY } else { HABIT_MULTIPLE_MAX * f64::from(self.habit) };
        let outgrown = cash < CASH_MIN || exposure > cash * habit_max.min(f64::from(self.setting) * USED_MAX);
        if outgrown {
            let wanted = (exposure / f64::from(self.habit)).max(2.0 * CASH_MIN);
            self.cash += (floor(wanted - cash) / DEPOSIT_UNIT + 1) * DEPOSIT_UNIT;
        }
        outgrown
    }

    /// Deposits a round sum, so that the account has about this many times as much.
    pub(super) fn multiply_cash(&mut self, times: u32) {
        self.cash += self.cash * i64::from(times - 1) / DEPOSIT_UNIT * DEPOSIT_UNIT;
    }
}
