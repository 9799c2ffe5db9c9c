//! The venue's ledger: what every account has, and what the venue says of it.
//!
//! It follows the fills of all symbols in the one order of time and adds nothing to the order flow: accounts have their own
//! events, from their own draws. Money moves in three ways only: what a fill realises, the fee of the taker, and deposits.
//! Funding, borrowing and unrealised profit do not exist here.
//!
//! What is said (`statements` has the form):
//! - `leverage` and `balance` when an account first orders;
//! - `position` eight seconds after a fill that has none on the way yet (a maker's thirty), with everything filled by then. So there is at most
//!   one per account and symbol in eight seconds, and after the last fill always one;
//! - `balance` six minutes after a fill, the same way, and at once with a deposit;
//! - `leverage` again when an account thinks better of its setting, now and then with a balance.
//!
//! Takers of this flow do not look at their margin. A venue would refuse what outgrows it; here the account tops up, as an
//! automatic transfer from elsewhere, so that the leverage of ordinary accounts stays near their habit and below what they
//! have set, and the order flow need not know. Who has set what only a script sets tops up no more.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

use super::{
    dice::{Dice, whole},
    holding::Holding,
    parties::{Habits, Parties, STEPS},
    plots::{self, Move},
    statements,
    tape::{Fill, MAKER_ACCOUNTS, Scale},
};
use crate::{
    event::{Body, Event, Side},
    time::{EventTime, Span},
};

/// From a fill to the statement of the position: venues batch them, and one for every fill would double the flow.
const POSITION_AFTER: Span = Span::from_secs(8);
/// The same for a maker, which trades all the time: at eight seconds its statements alone were a twentieth of the flow.
const MAKER_POSITION_AFTER: Span = Span::from_secs(30);
/// From a fill to the next statement of the balance.
const BALANCE_AFTER: Span = Span::from_secs(360);
/// The ledger's own draws.
const STREAM: u64 = (1 << 40) + 2;
/// How likely an account changes its setting when its balance is said: once in some ten hours of activity.
const RECONSIDERS: f64 = 0.01;
/// The share of its setting that an account may use before it tops up, and how many times its habit.
const USED_MAX: f64 = 0.9;
const HABIT_MAX: f64 = 1.6;
/// No account that trades has less, in thousandths.
const CASH_MIN: f64 = 50_000.0;
/// Deposits are multiples of this, in thousandths: people move round sums.
const ROUND: i64 = 10_000;
/// The taker's fee: five of ten thousand, as the instrument says.
const FEE: (i64, i64) = (5, 10_000);

/// One account, 32 bytes.
#[derive(Clone, Copy, Debug)]
struct Account {
    /// Equity without unrealised profit, in thousandths of the quote currency.
    cash: i64,
    /// What all open positions cost, in thousandths.
    exposure: i64,
    home: f32,
    setting: u32,
    isolated: bool,
    /// It has ordered before.
    known: bool,
    /// A statement of its balance is on the way.
    due: bool,
}

/// What is to be said, at its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    Setting(u32),
    Balance(u32),
    /// The regular one, which also looks after the account's money.
    Review(u32),
    Position(u32, u32),
    /// What a script has an account do.
    Scripted(u32, Move),
}

/// All accounts.
#[derive(Debug)]
pub(super) struct Ledger {
    /// By number, from `a1` on.
    accounts: Vec<Account>,
    /// By symbol, then by account.
    holdings: Vec<BTreeMap<u32, Holding>>,
    scales: Vec<Scale>,
    /// By time, then as asked for.
    tasks: BinaryHeap<Reverse<(EventTime, u64, Task)>>,
    asked: u64,
    dice: Dice,
    end: EventTime,
}

impl Ledger {
    /// A ledger for these symbols; it says nothing from `end` on.
    pub(super) fn new(
        seed: u64,
        parties: &Parties,
        scales: Vec<Scale>,
        end: EventTime,
        moves: &[(EventTime, u32, Move)],
    ) -> Self {
        let mut ledger = Self {
            accounts: parties.habits.iter().map(Account::new).collect(),
            holdings: scales.iter().map(|_| BTreeMap::new()).collect(),
            scales,
            tasks: BinaryHeap::new(),
            asked: 0,
            dice: Dice::new(seed, STREAM),
            end,
        };
        for &(at, account, what) in moves {
            ledger.ask(at, Task::Scripted(account, what));
        }
        ledger
    }

    /// How many lots an account has.
    pub(super) fn lots(&self, symbol: usize, number: u32) -> i64 {
        self.holdings[symbol].get(&number).map_or(0, |holding| holding.lots)
    }

    /// What its positions cost over what an account has.
    pub(super) fn leverage(&self, number: u32) -> f64 {
        self.accounts[index(number)].leverage()
    }

    /// The leverage at which an account feels at home.
    pub(super) fn home(&self, number: u32) -> f64 {
        f64::from(self.accounts[index(number)].home)
    }

    /// How much more an account's positions would have to cost for a leverage, in thousandths.
    pub(super) fn missing(&self, number: u32, leverage: f64) -> i64 {
        let account = &self.accounts[index(number)];
        whole(leverage * account.cash as f64) - account.exposure
    }

    /// A quantile of the leverage of all accounts with positions.
    pub(super) fn quantile(&self, q: f64) -> f64 {
        let mut all: Vec<f64> =
            self.accounts.iter().filter(|account| account.exposure > 0).map(Account::leverage).collect();
        all.sort_by(f64::total_cmp);
        let at = usize::try_from(whole(q * all.len() as f64)).unwrap_or(0);
        all.get(at).copied().unwrap_or(0.0)
    }

    /// An account has ordered.
    pub(super) fn ordered(&mut self, at: EventTime, number: u32) {
        let account = &mut self.accounts[index(number)];
        if !std::mem::replace(&mut account.known, true) {
            self.ask(at, Task::Setting(number));
            self.ask(at, Task::Balance(number));
        }
    }

    /// Two accounts have traded.
    pub(super) fn filled(&mut self, at: EventTime, symbol: usize, fill: &Fill) {
        let bought = if fill.side == Side::Buy { fill.lots } else { -fill.lots };
        let fee = fill.price * fill.lots * FEE.0 / FEE.1;
        self.book(at, symbol, (fill.maker, -bought), fill.price, 0);
        self.book(at, symbol, (fill.taker, bought), fill.price, fee);
    }

    fn book(&mut self, at: EventTime, symbol: usize, (number, lots): (u32, i64), price: i64, fee: i64) {
        let holding = self.holdings[symbol].entry(number).or_default();
        let cost = holding.cost;
        let realised = holding.fill(lots, price);
        let grown = holding.cost - cost;
        let stated = std::mem::replace(&mut holding.due, true);
        let account = &mut self.accounts[index(number)];
        account.cash += realised - fee;
        account.exposure += grown;
        let reviewed = std::mem::replace(&mut account.due, true);
        if !stated {
            let symbol = u32::try_from(symbol).unwrap_or(u32::MAX);
            let after = if number <= MAKER_ACCOUNTS { MAKER_POSITION_AFTER } else { POSITION_AFTER };
            self.ask(at.plus(after), Task::Position(symbol, number));
        }
        if !reviewed {
            self.ask(at.plus(BALANCE_AFTER), Task::Review(number));
        }
        self.top_up(at, number);
    }

    /// An account whose positions have outgrown its money brings more.
    fn top_up(&mut self, at: EventTime, number: u32) {
        let account = &mut self.accounts[index(number)];
        let (cash, exposure) = (account.cash as f64, account.exposure as f64);
        let bold = account.setting >= plots::WIDE;
        let habit = if bold { f64::INFINITY } else { HABIT_MAX * f64::from(account.home) };
        if cash < CASH_MIN || exposure > cash * habit.min(f64::from(account.setting) * USED_MAX) {
            let wanted = (exposure / f64::from(account.home)).max(2.0 * CASH_MIN);
            account.cash += (whole(wanted - cash) / ROUND + 1) * ROUND;
            self.ask(at, Task::Balance(number));
        }
    }

    /// When the ledger next says something.
    pub(super) fn next_ts(&self) -> Option<EventTime> {
        self.tasks.peek().map(|Reverse((at, _, _))| *at)
    }

    /// Says what is due.
    pub(super) fn pop(&mut self, parties: &Parties) -> Option<Event<'static>> {
        let Reverse((at, _, task)) = self.tasks.pop()?;
        let (number, symbol, body) = match task {
            Task::Setting(number) => (number, None, self.setting(number)),
            Task::Balance(number) => (number, None, self.balance(number)),
            Task::Review(number) => {
                self.review(at, number);
                (number, None, self.balance(number))
            }
            Task::Scripted(number, what) => (number, None, self.scripted(number, what)),
            Task::Position(symbol, number) => (number, Some(symbol), self.position(symbol, number)),
        };
        Some(statements::event(at, number, symbol, parties, body))
    }

    fn review(&mut self, at: EventTime, number: u32) {
        let account = &mut self.accounts[index(number)];
        account.due = false;
        // Whoever backs positions one by one keeps its setting: the margins in force follow from it.
        if self.dice.chance(RECONSIDERS) && !account.isolated {
            let used = account.leverage();
            let now = STEPS.iter().position(|&step| step == account.setting).unwrap_or(0);
            let other = if self.dice.chance(0.5) { now + 1 } else { now.saturating_sub(1) };
            let step = STEPS[other.min(STEPS.len() - 2)];
            // Not below its habit either, or it would top up for ever.
            if f64::from(step) * USED_MAX > used.max(f64::from(account.home)) && step != account.setting {
                account.setting = step;
                self.ask(at, Task::Setting(number));
            }
        }
    }

    fn scripted(&mut self, number: u32, what: Move) -> Body<'static> {
        let account = &mut self.accounts[index(number)];
        match what {
            Move::Set(setting) => {
                account.setting = setting;
                self.setting(number)
            }
            Move::Deposit(times) => {
                account.cash += account.cash * i64::from(times - 1) / ROUND * ROUND;
                self.balance(number)
            }
        }
    }

    fn setting(&self, number: u32) -> Body<'static> {
        let account = &self.accounts[index(number)];
        statements::leverage(account.setting, account.isolated)
    }

    fn balance(&self, number: u32) -> Body<'static> {
        statements::balance(self.accounts[index(number)].cash)
    }

    fn position(&mut self, symbol: u32, number: u32) -> Body<'static> {
        let account = &self.accounts[index(number)];
        let at = usize::try_from(symbol).unwrap_or(usize::MAX);
        let holding = self.holdings[at].get_mut(&number).expect("a holding stays while a statement of it is due");
        holding.due = false;
        let backed_by = account.isolated.then_some(account.setting);
        let body = statements::position(holding, self.scales[at], backed_by);
        if holding.lots == 0 {
            self.holdings[at].remove(&number);
        }
        body
    }

    fn ask(&mut self, at: EventTime, task: Task) {
        if at < self.end {
            self.tasks.push(Reverse((at, self.asked, task)));
            self.asked += 1;
        }
    }
}

impl Account {
    fn new(habits: &Habits) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "a habit between .3 and 8 loses nothing that matters")]
        let home = habits.home as f32;
        let &Habits { cash, setting, isolated, .. } = habits;
        Self { cash, exposure: 0, home, setting, isolated, known: false, due: false }
    }

    /// What its positions cost over what it has.
    fn leverage(&self) -> f64 {
        self.exposure as f64 / (self.cash as f64).max(1.0)
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX) - 1
}
