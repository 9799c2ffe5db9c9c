//! The venue's ledger: each account's money, positions and leverage setting, and the events that the venue publishes of them.
//!
//! The ledger follows the fills of all symbols in order of time and adds nothing to the order flow: accounts have their own
//! events, from their own random draws. Money moves in three ways only: the realised profit of a fill, the fee of the taker,
//! and deposits. There is no funding, no borrowing and no unrealised profit.
//!
//! The events (`statements` has their form):
//! - `leverage` and `balance` when an account first orders;
//! - `position` eight seconds after a fill (a maker's thirty), with everything filled by then, unless one is scheduled already.
//!   So there is at most one per account and symbol in eight seconds, and always one after the last fill;
//! - `balance` six minutes after a fill, the same way, and at once with a deposit;
//! - `leverage` again when an account changes its setting, now and then with a balance.
//!
//! Takers of this flow do not look at their margin. A venue would reject an order that outgrows it; here the account makes an
//! automatic deposit, so that the leverage of ordinary accounts stays near their habit and below their setting, and the
//! order flow does not depend on margins. An account with a setting that only a script uses makes no such deposits.

mod account;
mod holding;
mod statements;

use std::collections::BTreeMap;

pub(super) use self::account::{AccountAction, SCRIPTED_SETTING};
use self::{
    account::{Account, USED_MAX},
    holding::Holding,
};
use super::{
    market::{Fill, Scale},
    population::{LEVERAGE_STEPS, MAKER_ACCOUNTS, Population},
    random::{RandomStream, floor},
    schedule::Schedule,
};
use crate::{
    event::{Body, Event, Side},
    time::{EventTime, Span},
};

/// Time from a fill to the `position` event: venues batch them, and one for every fill would double the flow.
const POSITION_AFTER: Span = Span::from_secs(8);
/// The same for a maker, which trades all the time: at eight seconds its events alone were a twentieth of the flow.
const MAKER_POSITION_AFTER: Span = Span::from_secs(30);
/// Time from a fill to the next regular `balance` event.
const BALANCE_AFTER: Span = Span::from_secs(360);
/// Stream of the ledger's own draws.
const STREAM: u64 = (1 << 40) + 2;
/// Probability that an account changes its setting at a regular balance: once in some ten hours of activity.
const CHANGES_SETTING: f64 = 0.01;
/// The taker's fee as a fraction: five of ten thousand, as the `instrument` event states.
const FEE: (i64, i64) = (5, 10_000);

/// A scheduled step of the ledger; each ends with an event.
#[derive(Clone, Copy, Debug)]
enum Task {
    /// Publish the account's leverage setting.
    PublishLeverage(u32),
    /// Publish the account's balance.
    PublishBalance(u32),
    /// Publish the account's regular balance; the account may change its setting.
    Review(u32),
    /// Publish the position on this symbol of this account.
    PublishPosition(u32, u32),
    /// Carry out an action of the script.
    Act(u32, AccountAction),
}

/// All accounts with their positions.
#[derive(Debug)]
pub(super) struct Ledger {
    /// Accounts by number, from `a1` on.
    accounts: Vec<Account>,
    /// Positions by symbol, then by account.
    holdings: Vec<BTreeMap<u32, Holding>>,
    /// Scales by symbol.
    scales: Vec<Scale>,
    tasks: Schedule<Task>,
    rng: RandomStream,
    end: EventTime,
}

impl Ledger {
    /// Makes a ledger for symbols of these scales, with the actions of a script. The ledger publishes nothing from `end` on.
    pub(super) fn new(
        seed: u64,
        population: &Population,
        scales: Vec<Scale>,
        end: EventTime,
        actions: &[(EventTime, u32, AccountAction)],
    ) -> Self {
        let mut ledger = Self {
            accounts: population.habits.iter().map(Account::new).collect(),
            holdings: scales.iter().map(|_| BTreeMap::new()).collect(),
            scales,
            tasks: Schedule::new(),
            rng: RandomStream::new(seed, STREAM),
            end,
        };
        for &(at, account, action) in actions {
            ledger.schedule(at, Task::Act(account, action));
        }
        ledger
    }

    /// The size of an account's position on a symbol, in signed lots.
    pub(super) fn lots(&self, symbol: usize, number: u32) -> i64 {
        self.holdings[symbol].get(&number).map_or(0, |holding| holding.lots)
    }

    /// The cost of an account's positions over its money.
    pub(super) fn leverage(&self, number: u32) -> f64 {
        self.accounts[index(number)].leverage()
    }

    /// The leverage to which an account tends.
    pub(super) fn habitual_leverage(&self, number: u32) -> f64 {
        f64::from(self.accounts[index(number)].habit)
    }

    /// The cost by which an account's positions would have to grow to reach a leverage, in thousandths.
    pub(super) fn missing_exposure(&self, number: u32, leverage: f64) -> i64 {
        let account = &self.accounts[index(number)];
        floor(leverage * account.cash as f64) - account.exposure
    }

    /// A quantile of the leverage of all accounts with positions; 0 where there are none.
    pub(super) fn leverage_quantile(&self, q: f64) -> f64 {
        let mut all: Vec<f64> =
            self.accounts.iter().filter(|account| account.exposure > 0).map(Account::leverage).collect();
        all.sort_by(f64::total_cmp);
        let rank = usize::try_from(floor(q * all.len() as f64)).unwrap_or(0);
        all.get(rank).copied().unwrap_or(0.0)
    }

    /// Records that an account has ordered.
    pub(super) fn record_order(&mut self, at: EventTime, number: u32) {
        let account = &mut self.accounts[index(number)];
        if !std::mem::replace(&mut account.known, true) {
            self.schedule(at, Task::PublishLeverage(number));
            self.schedule(at, Task::PublishBalance(number));
        }
    }

    /// Records a trade on both of its accounts.
    pub(super) fn record_fill(&mut self, at: EventTime, symbol: usize, fill: &Fill) {
        let bought = if fill.side == Side::Buy { fill.lots } else { -fill.lots };
        let fee = fill.price * fill.lots * FEE.0 / FEE.1;
        self.settle(at, symbol, (fill.maker, -bought), fill.price, 0);
        self.settle(at, symbol, (fill.taker, bought), fill.price, fee);
    }

    /// Settles one side of a trade: position, money, scheduled events, and a deposit where it is needed.
    fn settle(&mut self, at: EventTime, symbol: usize, (number, lots): (u32, i64), price: i64, fee: i64) {
        let holding = self.holdings[symbol].entry(number).or_default();
        let cost = holding.cost;
        let realised = holding.fill(lots, price);
        let grown = holding.cost - cost;
        let position_scheduled = std::mem::replace(&mut holding.scheduled, true);
        let account = &mut self.accounts[index(number)];
        account.cash += realised - fee;
        account.exposure += grown;
        let review_scheduled = std::mem::replace(&mut account.scheduled, true);
        if !position_scheduled {
            let symbol = u32::try_from(symbol).unwrap_or(u32::MAX);
            let after = if number <= MAKER_ACCOUNTS { MAKER_POSITION_AFTER } else { POSITION_AFTER };
            self.schedule(at.plus(after), Task::PublishPosition(symbol, number));
        }
        if !review_scheduled {
            self.schedule(at.plus(BALANCE_AFTER), Task::Review(number));
        }
        if self.accounts[index(number)].top_up() {
            self.schedule(at, Task::PublishBalance(number));
        }
    }

    /// The time of the ledger's next event.
    pub(super) fn next_ts(&self) -> Option<EventTime> {
        self.tasks.next_ts()
    }

    /// Carries out the next task and returns its event.
    pub(super) fn pop(&mut self, population: &Population) -> Option<Event<'static>> {
        let (at, task) = self.tasks.pop()?;
        let (number, symbol, body) = match task {
            Task::PublishLeverage(number) => (number, None, self.leverage_body(number)),
            Task::PublishBalance(number) => (number, None, self.balance_body(number)),
            Task::Review(number) => {
                self.review(at, number);
                (number, None, self.balance_body(number))
            }
            Task::Act(number, action) => (number, None, self.act(number, action)),
            Task::PublishPosition(symbol, number) => (number, Some(symbol), self.position_body(symbol, number)),
        };
        Some(statements::event(at, number, symbol, population, body))
    }

    /// Lets an account change its leverage setting now and then.
    fn review(&mut self, at: EventTime, number: u32) {
        let account = &mut self.accounts[index(number)];
        account.scheduled = false;
        // An account with isolated margins keeps its setting: the margins in force follow from it.
        if self.rng.chance(CHANGES_SETTING) && !account.isolated {
            let used = account.leverage();
            let now = LEVERAGE_STEPS.iter().position(|&step| step == account.setting).unwrap_or(0);
            let other = if self.rng.chance(0.5) { now + 1 } else { now.saturating_sub(1) };
            let step = LEVERAGE_STEPS[other.min(LEVERAGE_STEPS.len() - 2)];
            // A setting below the account's habit would cause deposits without end.
            if f64::from(step) * USED_MAX > used.max(f64::from(account.habit)) && step != account.setting {
                account.setting = step;
                self.schedule(at, Task::PublishLeverage(number));
            }
        }
    }

    fn act(&mut self, number: u32, action: AccountAction) -> Body<'static> {
        let account = &mut self.accounts[index(number)];
        match action {
            AccountAction::SetLeverage(setting) => {
                account.setting = setting;
                self.leverage_body(number)
            }
            AccountAction::Deposit(times) => {
                account.multiply_cash(times);
                self.balance_body(number)
            }
        }
    }

    fn leverage_body(&self, number: u32) -> Body<'static> {
        let account = &self.accounts[index(number)];
        statements::leverage(account.setting, account.isolated)
    }

    fn balance_body(&self, number: u32) -> Body<'static> {
        statements::balance(self.accounts[index(number)].cash)
    }

    fn position_body(&mut self, symbol: u32, number: u32) -> Body<'static> {
        let account = &self.accounts[index(number)];
        let symbol = usize::try_from(symbol).unwrap_or(usize::MAX);
        let holding = self.holdings[symbol].get_mut(&number).expect("a holding stays while its event is scheduled");
        holding.scheduled = false;
        let isolated_setting = account.isolated.then_some(account.setting);
        let body = statements::position(holding, self.scales[symbol], isolated_setting);
        if holding.lots == 0 {
            self.holdings[symbol].remove(&number);
        }
        body
    }

    fn schedule(&mut self, at: EventTime, task: Task) {
        if at < self.end {
            self.tasks.add(at, task);
        }
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX) - 1
}
