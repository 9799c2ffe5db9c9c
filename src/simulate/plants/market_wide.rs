//! A build-up of the whole market, and its two benign look-alikes: a sell-off that recovers, and a rebound.
//!
//! The look-alikes are shaped after what a real crash day had before its crash: all symbols fell by 24 to 145 basis points within
//! a minute and recovered; later they rose again, and no symbol had a ticket of its own for that. In each minute the build-up is
//! shallower than either, but it goes on. All symbols take part, each with a depth and a beginning of its own.

use super::script::{Draft, benign, label};
use crate::{
    evaluate::Label,
    event::Side,
    simulate::{
        agents::{Action, ForcedClose, Lean},
        population::ordinary_account,
        scenario::Scenario,
    },
    time::{EventTime, Span},
};

/// Time from one step of a price to the next.
const STEP: Span = Span::from_secs(5);
/// Longest time by which a symbol is behind the first one.
const BEHIND: Span = Span::from_secs(8);
/// Least and greatest depth of a sell-off, in tenths of a basis point.
const SELL_OFF: (i64, i64) = (240, 1_450);
/// Shortest and longest time of a sell-off, and of the rise of a rebound.
const WITHIN: (Span, Span) = (Span::from_secs(30), Span::from_secs(52));
/// Sellers during a sell-off, in hundredths of the ordinary takers.
const SELLERS: u32 = 400;
/// Least and greatest part of a sell-off that is regained, in percent.
const REGAINED: (i64, i64) = (60, 100);
/// Shortest and longest time of that recovery.
const RECOVERY: (Span, Span) = (Span::from_secs(90), Span::from_secs(240));
/// Buyers during the recovery, in hundredths of the ordinary takers.
const RECOVERY_BUYERS: u32 = 80;
/// Least and greatest slip before a rebound, in tenths of a basis point.
const SLIP: (i64, i64) = (80, 250);
/// Time that the slip takes.
const SLIP_TIME: Span = Span::from_secs(240);
/// Buyers during a rebound, in hundredths of the ordinary takers.
const BUYERS: u32 = 150;
/// Least and greatest fall of a build-up per minute, in tenths of a basis point.
const FALL_PER_MINUTE: (i64, i64) = (80, 160);
/// Shortest and longest time of a build-up.
const BUILD_UP: (Span, Span) = (Span::from_secs(600), Span::from_secs(900));
/// Fewest and most sellers during a build-up, in hundredths of the ordinary takers.
const BUILD_UP_SELLERS: (i64, i64) = (80, 160);
/// Longest time by which a symbol joins a build-up after its start.
const JOINS_WITHIN: Span = Span::from_secs(90);
/// Length of the forced selling after a build-up.
const SELLING: Span = Span::from_secs(60);
/// Fall of the price in each step of the forced selling, in tenths of a basis point.
const SELLING_STEP: i64 = -60;
/// Sellers during the forced selling, in hundredths of the ordinary takers.
const SELLING_SELLERS: u32 = 600;
/// Accounts of each symbol whose positions are closed by force.
const SOLD_ACCOUNTS: usize = 3;

/// Moves a symbol's price in equal steps, with the rest in the last one.
fn slide(draft: &mut Draft<'_>, symbol: u32, start: EventTime, length: Span, tenths_of_bps: i64) {
    let steps = (length.nanos() / STEP.nanos()).max(1);
    for step in 0..steps {
        let until = |step: i64| tenths_of_bps * step / steps;
        let at = start.plus(Span::from_nanos(step * STEP.nanos()));
        draft.script.act(symbol, at, Action::Shift(until(step + 1) - until(step)));
    }
}

fn lean(draft: &mut Draft<'_>, symbol: u32, start: EventTime, length: Span, (side, percent): (Side, u32)) {
    draft.script.act(symbol, start, Action::Lean(Lean { side, percent }, length));
}

/// Labels an episode of the whole market as one that must not page.
fn benign_market(draft: &mut Draft<'_>, start: EventTime, end: EventTime) {
    for kind in [Scenario::TradeBurst.name(), "price_shock"] {
        draft.script.labels.push(Label { symbol: None, ..benign(kind, 0, start, end) });
    }
}

/// Plants a sell-off within a minute that recovers.
pub(super) fn sell_off(draft: &mut Draft<'_>, start: EventTime) {
    let fall = draft.rng.span(WITHIN.0, WITHIN.1);
    let recovery = draft.rng.span(RECOVERY.0, RECOVERY.1);
    for symbol in 0..draft.plan.symbols {
        let depth = draft.rng.between(SELL_OFF.0, SELL_OFF.1);
        let regained = depth * draft.rng.between(REGAINED.0, REGAINED.1) / 100;
        let begin = start.plus(draft.rng.span(Span::ZERO, BEHIND));
        slide(draft, symbol, begin, fall, -depth);
        lean(draft, symbol, begin, fall, (Side::Sell, SELLERS));
        let lowest = begin.plus(fall);
        slide(draft, symbol, lowest, recovery, regained);
        lean(draft, symbol, lowest, recovery, (Side::Buy, RECOVERY_BUYERS));
    }
    benign_market(draft, start, start.plus(BEHIND).plus(fall).plus(recovery));
}

/// Plants a slip and its rebound within a minute.
pub(super) fn rebound(draft: &mut Draft<'_>, start: EventTime) {
    let rise = draft.rng.span(WITHIN.0, WITHIN.1);
    for symbol in 0..draft.plan.symbols {
        let depth = draft.rng.between(SLIP.0, SLIP.1);
        let begin = start.plus(draft.rng.span(Span::ZERO, BEHIND));
        slide(draft, symbol, begin, SLIP_TIME, -depth);
        slide(draft, symbol, begin.plus(SLIP_TIME), rise, depth);
        lean(draft, symbol, begin.plus(SLIP_TIME), rise, (Side::Buy, BUYERS));
    }
    benign_market(draft, start, start.plus(SLIP_TIME).plus(BEHIND).plus(rise));
}

/// Plants a build-up of the market that ends in forced selling.
pub(super) fn build_up(draft: &mut Draft<'_>, start: EventTime) {
    let length = draft.rng.span(BUILD_UP.0, BUILD_UP.1);
    let end = start.plus(length);
    let sold = end.plus(SELLING);
    for symbol in 0..draft.plan.symbols {
        let begin = start.plus(draft.rng.span(Span::ZERO, JOINS_WITHIN));
        let left = end.since(begin);
        let fall = draft.rng.between(FALL_PER_MINUTE.0, FALL_PER_MINUTE.1) * left.nanos() / Span::from_secs(60).nanos();
        slide(draft, symbol, begin, left, -fall);
        let sellers = draft.rng.between(BUILD_UP_SELLERS.0, BUILD_UP_SELLERS.1);
        lean(draft, symbol, begin, left, (Side::Sell, u32::try_from(sellers).unwrap_or(0)));
        slide(draft, symbol, end, SELLING, SELLING_STEP * SELLING.nanos() / STEP.nanos());
        lean(draft, symbol, end, SELLING, (Side::Sell, SELLING_SELLERS));
        for _ in 0..SOLD_ACCOUNTS {
            let account = ordinary_account(draft.plan.accounts, &mut draft.rng);
            draft.script.act(symbol, end, Action::ForceClose(ForcedClose { account, until: sold }));
        }
    }
    for (kind, start, end) in [(Scenario::TradeBurst.name(), start, end), ("cascade", end, sold)] {
        draft.script.labels.push(Label { symbol: None, ..label(kind, 0, start, end) });
    }
}
