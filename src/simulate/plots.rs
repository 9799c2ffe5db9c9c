//! The scenarios with accounts in them: a jump of leverage, its benign twin, and the crisis that joins everything.
//!
//! The crisis takes four minutes to its peak and half a minute more to its end. Two or three accounts of one owner go long
//! on one symbol, one after another, each far beyond its own leverage and anybody's; from a hundred seconds on the books thin,
//! that symbol's first; then one of the accounts pulls hundreds of orders there; then the price falls, and the venue sells the
//! accounts' positions into what is left of the book. That last part is the label `cascade`: all others come before it.

use super::{
    burst::Burst,
    dice::Dice,
    forced,
    lever::{Goal, Lever},
    parties::Parties,
    plan::Plan,
    scenario::Scenario,
    script::{Act, Doing, Script},
    tape,
};
use crate::{
    evaluate::Label,
    event::Side,
    time::{EventTime, Span},
};

/// How long a jump of leverage takes, and how long the account stays there.
const CLIMB: (Span, Span) = (Span::from_secs(70), Span::from_secs(110));
const STAY: Span = Span::from_secs(120);
/// How long it takes to go home.
const DESCENT: Span = Span::from_secs(50);
/// The setting that makes room for a jump, and the one after it.
pub(super) const WIDE: u32 = 100;
const AFTERWARDS: u32 = 20;
/// From the setting to the first order.
const THEN: Span = Span::from_secs(2);
/// The twin: how many times its money an account then has, how long it waits before it sets, how long it then trades.
const RICHER: u32 = 3;
const THINKS: (Span, Span) = (Span::from_secs(20), Span::from_secs(60));
const GROWS: Span = Span::from_secs(60);
/// Accounts of one owner that take part in a crisis, from one to the next, and how long each climbs.
const CULPRITS: usize = 3;
const CULPRIT_AFTER: Span = Span::from_secs(15);
const CULPRIT_CLIMB: Span = Span::from_secs(70);
/// When, after its beginning, the books of a crisis thin, the cancels come, the selling begins and ends, the books come back,
/// and what is left of the positions goes.
const THINNING: Span = Span::from_secs(105);
const CANCELS: Span = Span::from_secs(175);
const SELLING: (Span, Span) = (Span::from_secs(195), Span::from_secs(225));
const RELIEF: Span = Span::from_secs(240);
const CLEARING: Span = Span::from_secs(250);
/// The fall: so many ticks every so long while the selling lasts.
const FALL: (i64, Span) = (-6, Span::from_secs(3));

/// What an account does beside its orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Move {
    /// It sets its leverage.
    Set(u32),
    /// It brings money until it has so many times as much.
    Deposit(u32),
}

impl Script {
    fn says(&mut self, at: EventTime, account: u32, what: Move) {
        self.moves.push((at, account, what));
    }

    fn does(&mut self, symbol: u32, start: EventTime, doing: Doing) {
        self.acts.push(Act { symbol, start, doing });
    }

    fn label(&mut self, kind: &str, (symbol, account): (u32, Option<u32>), start: EventTime, end: EventTime) {
        let account = account.map(|number| tape::account(number).to_string());
        let symbol = Some(tape::symbol(symbol));
        self.labels.push(Label { kind: kind.into(), symbol, account, start, end, benign: false });
    }

    /// An account sets its leverage and climbs; returns when it is there.
    fn climb(&mut self, symbol: u32, account: u32, start: EventTime, lever: Lever) -> EventTime {
        let end = start.plus(THEN).plus(lever.length);
        self.says(start, account, Move::Set(WIDE));
        self.does(symbol, start.plus(THEN), Doing::Lever(lever));
        self.label(Scenario::LeverageJump.name(), (symbol, Some(account)), start, end);
        end
    }

    fn descend(&mut self, symbol: u32, account: u32, start: EventTime) {
        let lever = Lever { account, goal: Goal::Home, side: Side::Buy, against: false, length: DESCENT };
        self.does(symbol, start, Doing::Lever(lever));
        self.says(start.plus(DESCENT), account, Move::Set(AFTERWARDS));
    }

    /// An account leaves what is ordinary, stays, and comes home.
    pub(super) fn leverage_jump(&mut self, parties: &Parties, symbol: u32, start: EventTime, dice: &mut Dice) {
        let account = parties.modest(dice);
        let side = if dice.chance(0.5) { Side::Buy } else { Side::Sell };
        let length = dice.span(CLIMB.0, CLIMB.1);
        let there =
            self.climb(symbol, account, start, Lever { account, goal: Goal::Jump, side, against: false, length });
        self.descend(symbol, account, there.plus(STAY));
    }

    /// An account gets richer, sets more leverage and trades more, and its leverage stays what it was.
    pub(super) fn deposit(&mut self, parties: &Parties, symbol: u32, start: EventTime, dice: &mut Dice) {
        let account = parties.modest(dice);
        let set = start.plus(dice.span(THINKS.0, THINKS.1));
        let goal = Goal::Times(f64::from(RICHER));
        let lever = Lever { account, goal, side: Side::Buy, against: false, length: GROWS };
        self.says(start, account, Move::Deposit(RICHER));
        self.says(set, account, Move::Set(WIDE));
        self.does(symbol, set.plus(THEN), Doing::Lever(lever));
        let about = (symbol, Some(account));
        self.label(Scenario::LeverageJump.name(), about, start, set.plus(THEN).plus(GROWS));
        if let Some(label) = self.labels.last_mut() {
            label.benign = true;
        }
    }

    /// Everything, one after another.
    pub(super) fn crisis(&mut self, plan: &Plan, parties: &Parties, symbol: u32, start: EventTime, dice: &mut Dice) {
        let culprits: Vec<u32> = parties.modest_family(dice).into_iter().take(CULPRITS).collect();
        let mut at = start;
        for &account in &culprits {
            let (goal, length) = (Goal::Jump, CULPRIT_CLIMB);
            self.climb(symbol, account, at, Lever { account, goal, side: Side::Buy, against: true, length });
            at = at.plus(CULPRIT_AFTER);
        }
        self.cluster(plan, symbol, start.plus(THINNING), start.plus(RELIEF), dice);
        let burst = Burst { account: culprits[0], ..Burst::draw(plan, dice) };
        let cancels = start.plus(CANCELS);
        self.does(symbol, cancels, Doing::Burst(burst));
        let pulled = cancels.plus(burst.pulled(burst.orders - 1));
        self.label(Scenario::CancelBurst.name(), (symbol, Some(burst.account)), cancels, pulled);
        let (selling, sold) = (start.plus(SELLING.0), start.plus(SELLING.1));
        let mut falls = selling;
        while falls < sold {
            self.does(symbol, falls, Doing::Jump(FALL.0));
            falls = falls.plus(FALL.1);
        }
        for &account in &culprits {
            self.does(symbol, selling, Doing::Forced(forced::Forced { account, until: sold, left: None }));
            self.descend(symbol, account, start.plus(CLEARING));
        }
        self.label("cascade", (symbol, None), selling, sold);
    }
}
