//! Scenarios: which episodes can be planted, and when, where and in which shape they are.
//!
//! `cancel_burst`: one account places many small orders far behind the touch within half a minute, then pulls them all in a
//! few seconds. It is sized to be unmistakable: eight times the ordinary cancels of that time and 350 more. Scored as
//! DETECTION 2.1 does, that is at least 40 nats even on flow with a Fano factor of 8, against thresholds of 13 to 25.
//! `maker_requote`: its benign twin, a jump after which the makers pull and re-quote everything, as they do after every jump
//! of the ordinary flow; only here it is labelled. It must stay quiet.
//!
//! Times and places come from a stream of their own, so that planting an episode leaves the ordinary flow's draws alone.

use std::str::FromStr;

use super::{
    crowd,
    dice::{Dice, secs},
    makers,
    plan::{AFTER_MIN, BEFORE_MIN, Plan, PlanError},
    tape,
};
use crate::{
    evaluate::Label,
    event::Side,
    time::{EventTime, Span},
};

/// A symbol's ordinary cancels per second at density 1, as measured (a test holds it to that).
pub(super) const CANCELS_PER_SEC: f64 = 1.5;
/// How many times the ordinary cancels a burst has, and how many more.
const TIMES_ORDINARY: f64 = 8.0;
const MORE: i64 = 350;
/// Lengths that a burst can have, in seconds.
const LENGTHS: [i64; 6] = [1, 2, 5, 6, 8, 10];
/// How far apart episodes without a given minute are kept where there is room, in minutes.
const APART: f64 = 3.0;
/// How often a place is drawn before the best so far has to do.
const TRIES: usize = 200;
/// Stream of the plan's own draws; the symbols' streams count from 1.
const STREAM: u64 = 0;

/// What can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// One account places many small orders and pulls them in a burst.
    CancelBurst,
    /// Benign: a price jump after which all makers re-quote all their levels.
    MakerRequote,
}

impl Scenario {
    /// Every scenario with its name.
    pub const ALL: [(Self, &'static str); 2] =
        [(Self::CancelBurst, "cancel_burst"), (Self::MakerRequote, "maker_requote")];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    pub(super) fn known() -> String {
        Self::ALL.map(|(_, name)| format!("`{name}`")).join(" or ")
    }
}

/// A scenario to plant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Planted {
    /// Which.
    pub scenario: Scenario,
    /// At which minute of the run it begins; where absent, the seed places it in the second half.
    pub at_minute: Option<f64>,
}

impl FromStr for Planted {
    type Err = PlanError;

    /// Reads `NAME` or `NAME@MINUTE`.
    fn from_str(text: &str) -> Result<Self, PlanError> {
        let (name, minute) = text.split_once('@').map_or((text, None), |(name, minute)| (name, Some(minute)));
        let known = Scenario::ALL.into_iter().find(|(_, known)| *known == name);
        let (scenario, _) = known.ok_or_else(|| PlanError::UnknownScenario(name.into()))?;
        let number = |minute: &str| minute.parse().map_err(|_| PlanError::NotMinutes(minute.into()));
        Ok(Self { scenario, at_minute: minute.map(number).transpose()? })
    }
}

/// How the pulls of a burst are spread over its time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pace {
    /// The k-th of n falls at (k/n)ᵉ of the time: 1 is even, above 1 most come early, below 1 most come late.
    Power(f64),
    /// So many waves with pauses three times as long between.
    Waves(i64),
}

/// A planted burst of cancels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Burst {
    pub(super) account: u32,
    pub(super) side: Side,
    /// How many orders are placed and pulled.
    pub(super) orders: i64,
    /// How long the placing takes; it ends when the pulling begins.
    pub(super) build_up: Span,
    /// How long the pulling takes.
    pub(super) length: Span,
    pub(super) pace: Pace,
}

impl Burst {
    fn draw(plan: &Plan, dice: &mut Dice) -> Self {
        let length = LENGTHS[usize::try_from(dice.between(0, 5)).unwrap_or(0)];
        let ordinary = CANCELS_PER_SEC * plan.density * length as f64;
        let pace = match dice.between(0, 3) {
            0 => Pace::Power(1.0),
            1 => Pace::Power(1.6),
            2 => Pace::Power(0.7),
            _ => Pace::Waves(4),
        };
        Self {
            account: crowd::account(plan.accounts, dice),
            side: if dice.chance(0.5) { Side::Buy } else { Side::Sell },
            orders: super::dice::whole(TIMES_ORDINARY * ordinary) / 4 * 4 + MORE / 4 * 4 + 4,
            build_up: dice.span(Span::from_secs(20), Span::from_secs(40)),
            length: Span::from_secs(length),
            pace,
        }
    }

    /// When the k-th order is placed, counted from the first pull: before it.
    pub(super) fn placed(&self, k: i64) -> Span {
        let to_come = (self.orders - k) as f64 / self.orders as f64;
        Span::from_nanos(-secs(self.build_up.secs_f64() * to_come).nanos())
    }

    /// When the k-th order is pulled, counted from the first pull.
    pub(super) fn pulled(&self, k: i64) -> Span {
        let share = match self.pace {
            Pace::Power(exponent) => crate::stats::math::pow(k as f64 / (self.orders - 1) as f64, exponent),
            Pace::Waves(waves) => {
                let each = self.orders / waves;
                let inside = 0.25 * (k % each) as f64 / (each - 1) as f64;
                ((k / each) as f64 + inside) / ((waves - 1) as f64 + 0.25)
            }
        };
        if k == 0 { Span::ZERO } else { secs(self.length.secs_f64() * share) }
    }
}

/// What an episode does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Doing {
    Burst(Burst),
    /// The fair value jumps by so many ticks.
    Jump(i64),
}

/// One planted episode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Episode {
    /// The symbol's index.
    pub(super) symbol: u32,
    pub(super) start: EventTime,
    pub(super) doing: Doing,
}

impl Episode {
    /// What is true of it.
    pub(super) fn label(&self) -> Label {
        let (account, length, benign) = match self.doing {
            Doing::Burst(burst) => (Some(tape::account(burst.account)), burst.pulled(burst.orders - 1), false),
            Doing::Jump(_) => (None, makers::SETTLED, true),
        };
        Label {
            kind: Scenario::CancelBurst.name().into(),
            symbol: Some(tape::symbol(self.symbol)),
            account: account.map(|name| name.to_string()),
            start: self.start,
            end: self.start.plus(length),
            benign,
        }
    }
}

/// Places the plan's episodes, in order of time. Symbols are taken in turn, so that episodes spread.
pub(super) fn episodes(plan: &Plan) -> Vec<Episode> {
    let mut dice = Dice::new(plan.seed, STREAM);
    let first = dice.between(0, i64::from(plan.symbols) - 1);
    let mut taken: Vec<f64> = plan.scenarios.iter().filter_map(|planted| planted.at_minute).collect();
    let mut episodes = Vec::new();
    for (i, planted) in (first..).zip(&plan.scenarios) {
        let minute = planted.at_minute.unwrap_or_else(|| place(plan, &mut taken, &mut dice));
        let doing = match planted.scenario {
            Scenario::CancelBurst => Doing::Burst(Burst::draw(plan, &mut dice)),
            Scenario::MakerRequote => {
                let ticks = dice.between(10, 18);
                Doing::Jump(if dice.chance(0.5) { ticks } else { -ticks })
            }
        };
        let symbol = u32::try_from(i % i64::from(plan.symbols)).unwrap_or(0);
        episodes.push(Episode { symbol, start: plan.start.plus(secs(minute * 60.0)), doing });
    }
    episodes.sort_by_key(|episode| episode.start);
    episodes
}

/// A minute of the second half away from those taken; the furthest of those drawn where none is far enough.
fn place(plan: &Plan, taken: &mut Vec<f64>, dice: &mut Dice) -> f64 {
    let (low, high) = ((plan.minutes as f64 / 2.0).max(BEFORE_MIN), plan.minutes as f64 - AFTER_MIN);
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
