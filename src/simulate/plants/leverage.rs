//! A jump of leverage, and its benign look-alike.

use super::script::{Draft, account_name, benign, label};
use crate::{
    evaluate::Label,
    event::Side,
    simulate::{
        agents::{Action, LeverageChange, LeverageGoal},
        ledger::{AccountAction, SCRIPTED_SETTING},
        scenario::Scenario,
    },
    time::{EventTime, Span},
};

/// Shortest and longest time that a jump of leverage takes.
const RISE: (Span, Span) = (Span::from_secs(70), Span::from_secs(110));
/// Time for which the account keeps the high leverage.
const HIGH: Span = Span::from_secs(120);
/// Time that the return to the habitual leverage takes.
const FALL: Span = Span::from_secs(50);
/// The setting after a jump.
const SETTING_AFTER: u32 = 20;
/// Time from the setting to the first order.
const ORDERS_AFTER: Span = Span::from_secs(2);
/// The look-alike: a deposit leaves the account with this many times its money.
const DEPOSIT_TIMES: u32 = 3;
/// Shortest and longest time from the deposit to the setting.
const SETTING_AFTER_DEPOSIT: (Span, Span) = (Span::from_secs(20), Span::from_secs(60));
/// Time for which the account then trades.
const TRADING: Span = Span::from_secs(60);

/// Plants an account that raises its leverage far beyond the ordinary, keeps it for a while, and returns to its habit.
pub(super) fn leverage_jump(draft: &mut Draft<'_>, symbol: u32, start: EventTime) {
    let account = draft.population.modest_account(&mut draft.rng);
    let side = if draft.rng.chance(0.5) { Side::Buy } else { Side::Sell };
    let length = draft.rng.span(RISE.0, RISE.1);
    let goal = LeverageGoal::Jump;
    let change = LeverageChange { account, goal, side, always_on_side: false, length };
    let reached = raise(draft, symbol, start, change);
    lower(draft, symbol, account, reached.plus(HIGH));
}

/// Adds the setting, the orders and the label of a jump; returns when the leverage is reached.
pub(super) fn raise(draft: &mut Draft<'_>, symbol: u32, start: EventTime, change: LeverageChange) -> EventTime {
    let first_order = start.plus(ORDERS_AFTER);
    let end = first_order.plus(change.length);
    draft.script.account_acts(start, change.account, AccountAction::SetLeverage(SCRIPTED_SETTING));
    draft.script.act(symbol, first_order, Action::ChangeLeverage(change));
    let label = label(Scenario::LeverageJump.name(), symbol, start, end);
    draft.script.labels.push(Label { account: Some(account_name(change.account)), ..label });
    end
}

/// Adds the return of an account to its habitual leverage.
pub(super) fn lower(draft: &mut Draft<'_>, symbol: u32, account: u32, start: EventTime) {
    let goal = LeverageGoal::Habit;
    let change = LeverageChange { account, goal, side: Side::Buy, always_on_side: false, length: FALL };
    draft.script.act(symbol, start, Action::ChangeLeverage(change));
    draft.script.account_acts(start.plus(FALL), account, AccountAction::SetLeverage(SETTING_AFTER));
}

/// Plants an account that deposits money, raises its setting and trades more, while its leverage stays what it was: a benign
/// look-alike of a jump.
pub(super) fn deposit_before_leverage(draft: &mut Draft<'_>, symbol: u32, start: EventTime) {
    let account = draft.population.modest_account(&mut draft.rng);
    let set = start.plus(draft.rng.span(SETTING_AFTER_DEPOSIT.0, SETTING_AFTER_DEPOSIT.1));
    let first_order = set.plus(ORDERS_AFTER);
    let goal = LeverageGoal::Times(f64::from(DEPOSIT_TIMES));
    let change = LeverageChange { account, goal, side: Side::Buy, always_on_side: false, length: TRADING };
    draft.script.account_acts(start, account, AccountAction::Deposit(DEPOSIT_TIMES));
    draft.script.account_acts(set, account, AccountAction::SetLeverage(SCRIPTED_SETTING));
    draft.script.act(symbol, first_order, Action::ChangeLeverage(change));
    let label = benign(Scenario::LeverageJump.name(), symbol, start, first_order.plus(TRADING));
    draft.script.labels.push(Label { account: Some(account_name(account)), ..label });
}
