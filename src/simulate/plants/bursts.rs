//! Bursts of cancels and of trades, and their benign look-alikes.
//!
//! A burst of cancels is sized to be unmistakable: eight times the ordinary cancels of that time and 350 more. Scored as
//! DETECTION 2.1 does, that is at least 40 nats even on flow with a Fano factor of 8, against thresholds of 13 to 25.

use super::script::{Draft, account_name, benign, label};
use crate::{
    evaluate::Label,
    event::Side,
    simulate::{
        agents::{Action, CancelBurst, Pace, SETTLED},
        plan::SimulationPlan,
        population::ordinary_account,
        random::{RandomStream, floor},
        scenario::Scenario,
    },
    time::{EventTime, Span},
};

/// A symbol's ordinary cancels per second at density 1, as measured (a test holds the flow to that).
pub(crate) const CANCELS_PER_SEC: f64 = 1.5;
/// A burst has this many times the ordinary cancels of its time.
const TIMES_ORDINARY: f64 = 8.0;
/// A burst has about this many cancels more.
const MORE: i64 = 350;
/// Lengths that a burst of cancels can have, in seconds.
const LENGTHS: [i64; 6] = [1, 2, 5, 6, 8, 10];
/// Shortest and longest time in which the orders of a burst are placed.
const BUILD_UP: (Span, Span) = (Span::from_secs(20), Span::from_secs(40));
/// Least and greatest labelled jump, in ticks: at the upper end of the ordinary ones, so that it is no easier than they are.
const JUMP_TICKS: (i64, i64) = (10, 18);
/// Shortest and longest rush of takers.
const RUSH: (Span, Span) = (Span::from_secs(15), Span::from_secs(30));
/// Length of the label of news.
const NEWS: Span = Span::from_secs(20);

/// Plants a burst of cancels.
pub(super) fn cancel_burst(draft: &mut Draft<'_>, symbol: u32, start: EventTime) {
    let burst = draw_burst(draft.plan, &mut draft.rng);
    add_burst(draft, symbol, start, burst);
}

/// Plants a burst of cancels of this account.
pub(super) fn cancel_burst_of(draft: &mut Draft<'_>, symbol: u32, start: EventTime, account: u32) {
    let burst = CancelBurst { account, ..draw_burst(draft.plan, &mut draft.rng) };
    add_burst(draft, symbol, start, burst);
}

fn add_burst(draft: &mut Draft<'_>, symbol: u32, start: EventTime, burst: CancelBurst) {
    draft.script.act(symbol, start, Action::CancelBurst(burst));
    let end = start.plus(burst.cancelled(burst.orders - 1));
    let label = label(Scenario::CancelBurst.name(), symbol, start, end);
    draft.script.labels.push(Label { account: Some(account_name(burst.account)), ..label });
}

/// Draws a burst of an ordinary account.
fn draw_burst(plan: &SimulationPlan, rng: &mut RandomStream) -> CancelBurst {
    let length = LENGTHS[usize::try_from(rng.between(0, 5)).unwrap_or(0)];
    let ordinary = CANCELS_PER_SEC * plan.density * length as f64;
    let pace = match rng.between(0, 3) {
        0 => Pace::Power(1.0),
        1 => Pace::Power(1.6),
        2 => Pace::Power(0.7),
        _ => Pace::Waves(4),
    };
    CancelBurst {
        account: ordinary_account(plan.accounts, rng),
        side: if rng.chance(0.5) { Side::Buy } else { Side::Sell },
        // A multiple of four, for four waves of the same size.
        orders: floor(TIMES_ORDINARY * ordinary) / 4 * 4 + MORE / 4 * 4 + 4,
        build_up: rng.span(BUILD_UP.0, BUILD_UP.1),
        length: Span::from_secs(length),
        pace,
    }
}

/// Plants a jump after which all makers re-quote: a benign look-alike of a burst of cancels.
pub(super) fn maker_requote(draft: &mut Draft<'_>, symbol: u32, start: EventTime) {
    let ticks = draw_jump(&mut draft.rng);
    draft.script.act(symbol, start, Action::Jump(ticks));
    draft.script.labels.push(benign(Scenario::CancelBurst.name(), symbol, start, start.plus(SETTLED)));
}

/// Plants a rush of takers.
pub(super) fn trade_burst(draft: &mut Draft<'_>, symbol: u32, start: EventTime) {
    let length = draft.rng.span(RUSH.0, RUSH.1);
    draft.script.act(symbol, start, Action::Rush(length));
    draft.script.labels.push(label(Scenario::TradeBurst.name(), symbol, start, start.plus(length)));
}

/// Plants a jump that takers follow: a benign look-alike of a burst of trades.
pub(super) fn news_burst(draft: &mut Draft<'_>, symbol: u32, start: EventTime) {
    let ticks = draw_jump(&mut draft.rng);
    draft.script.act(symbol, start, Action::News(ticks));
    draft.script.labels.push(benign(Scenario::TradeBurst.name(), symbol, start, start.plus(NEWS)));
}

/// Draws a labelled jump, in ticks with its sign.
fn draw_jump(rng: &mut RandomStream) -> i64 {
    let ticks = rng.between(JUMP_TICKS.0, JUMP_TICKS.1);
    if rng.chance(0.5) { ticks } else { -ticks }
}
