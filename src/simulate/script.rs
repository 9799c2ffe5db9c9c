//! The script of a run: when, where and in which shape the planted episodes are, and what is true of them.
//!
//! A scenario is one or several acts, each on one symbol, and its labels. Times, places and shapes come from a stream of
//! their own, so that planting an episode leaves the ordinary flow's draws alone.

use super::{
    burst::Burst,
    dice::{Dice, secs},
    forced::Forced,
    lever::Lever,
    makers,
    parties::Parties,
    plan::{BEFORE_MIN, Plan},
    plots::Move,
    scenario::{Planted, Scenario},
    tape,
};
use crate::{
    evaluate::Label,
    event::Side,
    time::{EventTime, Span},
};

/// How far apart episodes without a given minute are kept where there is room, in minutes.
const APART: f64 = 3.0;
/// How often a place is drawn before the best so far has to do.
const TRIES: usize = 200;
/// Stream of the plan's own draws; the symbols' streams count from 1.
const STREAM: u64 = 0;
/// Ticks of a labelled jump: at the upper end of the ordinary ones, so that it is no easier than they are.
const JUMP: (i64, i64) = (10, 18);
/// How long a book stays thin, and how long after the last one those of a cluster do.
const THIN: (Span, Span) = (Span::from_secs(120), Span::from_secs(240));
const CLUSTER: (Span, Span) = (Span::from_secs(110), Span::from_secs(190));
/// From the first to the last book of a cluster, at most.
const CLUSTER_SPREAD: Span = Span::from_secs(50);
/// The share of the symbols in a cluster, and the least number where there are so many: the detector asks for .35 of at
/// least eight.
const CLUSTER_SHARE: f64 = 0.4;
const CLUSTER_MIN: u32 = 8;
/// How long a rush of takers lasts.
const RUSH: (Span, Span) = (Span::from_secs(15), Span::from_secs(30));
/// How long news is still news.
const NEWS: Span = Span::from_secs(20);
/// How long makers are away, and how long they lean.
const AWAY: (Span, Span) = (Span::from_millis(800), Span::from_millis(1_500));
const SKEWED: (Span, Span) = (Span::from_secs(180), Span::from_secs(270));
/// For how long a listing is called new.
const NEW: Span = Span::from_secs(600);

/// What happens in one act.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Doing {
    Burst(Burst),
    /// The fair value jumps by so many ticks.
    Jump(i64),
    /// The fair value jumps, and takers follow.
    News(i64),
    /// The book thins, and comes back after so long.
    Thin(Span),
    /// Takers come ten-fold for so long.
    Rush(Span),
    /// The makers are away for so long.
    Away(Span),
    /// The makers lean away from this side for so long.
    Skew(Side, Span),
    /// An account moves to another leverage.
    Lever(Lever),
    /// The venue closes an account's position.
    Forced(Forced),
}

/// One act on one symbol.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Act {
    /// The symbol's index.
    pub(super) symbol: u32,
    pub(super) start: EventTime,
    pub(super) doing: Doing,
}

/// All that is planted, in order of time.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) acts: Vec<Act>,
    pub(super) labels: Vec<Label>,
    /// What accounts do beside their orders.
    pub(super) moves: Vec<(EventTime, u32, Move)>,
    /// When symbols beyond the plan's own begin.
    pub(super) listings: Vec<EventTime>,
}

impl Script {
    /// The script of a plan. Symbols are taken in turn, so that episodes spread.
    pub(super) fn write(plan: &Plan, parties: &Parties) -> Self {
        let mut dice = Dice::new(plan.seed, STREAM);
        let first = dice.between(0, i64::from(plan.symbols) - 1);
        let mut taken: Vec<f64> = plan.scenarios.iter().filter_map(|planted| planted.at_minute).collect();
        let mut script = Self::default();
        for (i, planted) in (first..).zip(&plan.scenarios) {
            let minute = planted.at_minute.unwrap_or_else(|| place(plan, planted, &mut taken, &mut dice));
            let symbol = u32::try_from(i % i64::from(plan.symbols)).unwrap_or(0);
            let start = plan.start.plus(secs(minute * 60.0));
            script.add(plan, parties, planted.scenario, (symbol, start), &mut dice);
        }
        script.acts.sort_by_key(|act| act.start);
        script.labels.sort_by_key(|label| label.start);
        script
    }

    fn add(
        &mut self,
        plan: &Plan,
        parties: &Parties,
        scenario: Scenario,
        (symbol, start): (u32, EventTime),
        dice: &mut Dice,
    ) {
        let mut act = |doing| self.acts.push(Act { symbol, start, doing });
        let about = |kind: Scenario, benign| Label {
            kind: kind.name().into(),
            symbol: Some(tape::symbol(symbol)),
            account: None,
            start,
            end: start,
            benign,
        };
        let until = |length, label: Label| Label { end: start.plus(length), ..label };
        let label = match scenario {
            Scenario::CancelBurst => {
                let burst = Burst::draw(plan, dice);
                act(Doing::Burst(burst));
                let account = Some(tape::account(burst.account).to_string());
                until(burst.pulled(burst.orders - 1), Label { account, ..about(scenario, false) })
            }
            Scenario::MakerRequote => {
                act(Doing::Jump(jump(dice)));
                until(makers::SETTLED, about(Scenario::CancelBurst, true))
            }
            Scenario::ThinBook => {
                let length = dice.span(THIN.0, THIN.1);
                act(Doing::Thin(length));
                until(length, about(scenario, false))
            }
            Scenario::ThinBookCluster => {
                let end = start.plus(CLUSTER_SPREAD).plus(dice.span(CLUSTER.0, CLUSTER.1));
                return self.cluster(plan, symbol, start, end, dice);
            }
            Scenario::LeverageJump => return self.leverage_jump(parties, symbol, start, dice),
            Scenario::DepositBeforeLeverage => return self.deposit(parties, symbol, start, dice),
            Scenario::Crisis => return self.crisis(plan, parties, symbol, start, dice),
            Scenario::TradeBurst => {
                let length = dice.span(RUSH.0, RUSH.1);
                act(Doing::Rush(length));
                until(length, about(scenario, false))
            }
            Scenario::NewsBurst => {
                act(Doing::News(jump(dice)));
                until(NEWS, about(Scenario::TradeBurst, true))
            }
            Scenario::MakerPull => {
                let length = dice.span(AWAY.0, AWAY.1);
                act(Doing::Away(length));
                until(length, about(Scenario::ThinBook, true))
            }
            Scenario::InventorySkew => {
                let length = dice.span(SKEWED.0, SKEWED.1);
                let side = if dice.chance(0.5) { Side::Buy } else { Side::Sell };
                act(Doing::Skew(side, length));
                until(length, about(Scenario::ThinBook, true))
            }
            Scenario::Listing => {
                let symbol = plan.symbols + u32::try_from(self.listings.len()).unwrap_or(0);
                self.listings.push(start);
                let label = Label { symbol: Some(tape::symbol(symbol)), ..about(Scenario::CancelBurst, true) };
                let label = Label { end: start.plus(NEW).min(plan.end()), ..label };
                self.labels.push(Label { kind: Scenario::ThinBook.name().into(), ..label.clone() });
                label
            }
        };
        self.labels.push(label);
    }

    /// Books thin one after another, the first one first, and all come back at the end: a label for the market, and one for
    /// each of them.
    pub(super) fn cluster(&mut self, plan: &Plan, first: u32, start: EventTime, end: EventTime, dice: &mut Dice) {
        let label = |kind: Scenario, symbol, start| Label {
            kind: kind.name().into(),
            symbol,
            account: None,
            start,
            end,
            benign: false,
        };
        self.labels.push(label(Scenario::ThinBookCluster, None, start));
        let share = super::dice::whole((CLUSTER_SHARE * f64::from(plan.symbols)).ceil());
        let books = share.max(i64::from(CLUSTER_MIN)).min(i64::from(plan.symbols));
        // In steps of the same size, one book's beginning from the next: which one led is beyond doubt.
        let step = CLUSTER_SPREAD.nanos() / books;
        for k in 0..books {
            let symbol = u32::try_from((i64::from(first) + k) % i64::from(plan.symbols)).unwrap_or(0);
            let start = start.plus(Span::from_nanos(k * step + dice.between(0, step / 4) * i64::from(k > 0)));
            self.acts.push(Act { symbol, start, doing: Doing::Thin(end.since(start)) });
            self.labels.push(label(Scenario::ThinBook, Some(tape::symbol(symbol)), start));
        }
    }
}

fn jump(dice: &mut Dice) -> i64 {
    let ticks = dice.between(JUMP.0, JUMP.1);
    if dice.chance(0.5) { ticks } else { -ticks }
}

/// A minute of the second half away from those taken; the furthest of those drawn where none is far enough.
fn place(plan: &Plan, planted: &Planted, taken: &mut Vec<f64>, dice: &mut Dice) -> f64 {
    let high = plan.minutes as f64 - planted.scenario.minutes();
    let low = (plan.minutes as f64 / 2.0).max(BEFORE_MIN).min(high);
    let (mut best, mut best_room) = (low, f64::NEG_INFINITY);
    for _ in 0..TRIES {
        let minute = low + (high - low) * dice.unit();
        let room = taken.iter().map(|other| (other - minute).abs()).fold(f64::INFINITY, f64::min);
        if room > best_room {
            (best, best_room) = (minute, room);
        }
        if best_room >= APART {
            break;
        }
    }
    taken.push(best);
    best
}
