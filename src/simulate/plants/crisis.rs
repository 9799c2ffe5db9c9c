//! A crisis: leverage rises, books thin, cancels burst, positions are sold by force.
//!
//! A crisis takes four minutes to its peak and half a minute more to its end. Two or three accounts of one owner buy on one
//! symbol, one after another, each far beyond its own leverage and that of all others; from 105 s on the books thin, that
//! symbol's first; then one of the accounts cancels hundreds of orders there; then the price falls, and the venue sells the
//! accounts' positions into what is left of the book. That last part is the label `cascade`: all others come before it.

use super::{
    books::thin_book_cluster_until,
    bursts::cancel_burst_of,
    leverage::{lower, raise},
    script::{Draft, label},
};
use crate::{
    event::Side,
    simulate::agents::{Action, ForcedClose, LeverageChange, LeverageGoal},
    time::{EventTime, Span},
};

/// Most accounts of one owner that take part.
const ACCOUNTS_MAX: usize = 3;
/// Time from one account's beginning to the next.
const ACCOUNT_AFTER: Span = Span::from_secs(15);
/// Time that each account's rise of leverage takes.
const RISE: Span = Span::from_secs(70);
/// Time from the beginning of a crisis until the books begin to thin.
const BOOKS_THIN: Span = Span::from_secs(105);
/// Time from the beginning of a crisis until the burst of cancels.
const CANCELS: Span = Span::from_secs(175);
/// Times from the beginning of a crisis until the forced selling begins and ends.
const SELLING: (Span, Span) = (Span::from_secs(195), Span::from_secs(225));
/// Time from the beginning of a crisis until the books refill.
const BOOKS_REFILL: Span = Span::from_secs(240);
/// Time from the beginning of a crisis until the accounts close what is left of their positions.
const REMAINDER: Span = Span::from_secs(250);
/// The fall of the price during the selling: so many ticks, every so long.
const FALL: (i64, Span) = (-6, Span::from_secs(3));

/// Plants a crisis.
pub(super) fn crisis(draft: &mut Draft<'_>, symbol: u32, start: EventTime) {
    let mut accounts = draft.population.modest_accounts_of_one_owner(&mut draft.rng);
    accounts.truncate(ACCOUNTS_MAX);
    let mut at = start;
    for &account in &accounts {
        let goal = LeverageGoal::Jump;
        raise(draft, symbol, at, LeverageChange { account, goal, side: Side::Buy, always_on_side: true, length: RISE });
        at = at.plus(ACCOUNT_AFTER);
    }
    thin_book_cluster_until(draft, symbol, start.plus(BOOKS_THIN), start.plus(BOOKS_REFILL));
    cancel_burst_of(draft, symbol, start.plus(CANCELS), accounts[0]);
    let (selling, sold) = (start.plus(SELLING.0), start.plus(SELLING.1));
    let mut fall_at = selling;
    while fall_at < sold {
        draft.script.act(symbol, fall_at, Action::Jump(FALL.0));
        fall_at = fall_at.plus(FALL.1);
    }
    for &account in &accounts {
        draft.script.act(symbol, selling, Action::ForceClose(ForcedClose { account, until: sold }));
        lower(draft, symbol, account, start.plus(REMAINDER));
    }
    draft.script.labels.push(label("cascade", symbol, selling, sold));
}
