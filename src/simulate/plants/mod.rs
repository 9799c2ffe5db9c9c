//! Planted episodes: the script that makes a plan's scenarios happen, with labels of what is true.
//!
//! A scenario is one or several actions and its labels. Times, symbols and shapes come from a stream of random numbers of
//! their own, so that planting an episode leaves the ordinary flow's draws alone. Scenarios are grouped by what they do:
//! `bursts`, `books`, `leverage`, `crisis`, which combines these three, and `market_wide`.

mod books;
pub(super) mod bursts;
mod crisis;
mod leverage;
mod market_wide;
mod script;

use self::script::Draft;
pub(super) use self::script::Script;
use super::{
    plan::{MINUTES_BEFORE_MIN, Planted, SimulationPlan},
    population::Population,
    random::{RandomStream, secs},
    scenario::Scenario,
};
use crate::time::EventTime;

/// Distance that episodes without a given minute keep from others where there is room, in minutes.
const APART: f64 = 3.0;
/// Number of minutes that are drawn at most; if none is far enough from the others, the furthest of them is taken.
const TRIES: usize = 200;
/// Stream of the script's draws; the symbols' streams count from 1.
const STREAM: u64 = 0;

/// Writes the script of a plan. Symbols are taken in turn, so that episodes are spread over them.
pub(super) fn write(plan: &SimulationPlan, population: &Population) -> Script {
    let rng = RandomStream::new(plan.seed, STREAM);
    let mut draft = Draft { plan, population, rng, script: Script::default() };
    let first = draft.rng.between(0, i64::from(plan.symbols) - 1);
    let mut taken: Vec<f64> = plan.scenarios.iter().filter_map(|planted| planted.at_minute).collect();
    for (i, planted) in (first..).zip(&plan.scenarios) {
        let minute = planted.at_minute.unwrap_or_else(|| draw_minute(plan, planted, &mut taken, &mut draft.rng));
        let symbol = u32::try_from(i % i64::from(plan.symbols)).unwrap_or(0);
        plant(&mut draft, planted.scenario, symbol, plan.start.plus(secs(minute * 60.0)));
    }
    let mut script = draft.script;
    script.actions.sort_by_key(|action| action.start);
    script.labels.sort_by_key(|label| label.start);
    script
}

fn plant(draft: &mut Draft<'_>, scenario: Scenario, symbol: u32, start: EventTime) {
    match scenario {
        Scenario::CancelBurst => bursts::cancel_burst(draft, symbol, start),
        Scenario::MakerRequote => bursts::maker_requote(draft, symbol, start),
        Scenario::ThinBook => books::thin_book(draft, symbol, start),
        Scenario::ThinBookCluster => books::thin_book_cluster(draft, symbol, start),
        Scenario::TradeBurst => bursts::trade_burst(draft, symbol, start),
        Scenario::NewsBurst => bursts::news_burst(draft, symbol, start),
        Scenario::MakerPull => books::maker_pull(draft, symbol, start),
        Scenario::InventorySkew => books::inventory_skew(draft, symbol, start),
        Scenario::Listing => books::listing(draft, start),
        Scenario::LeverageJump => leverage::leverage_jump(draft, symbol, start),
        Scenario::DepositBeforeLeverage => leverage::deposit_before_leverage(draft, symbol, start),
        Scenario::Crisis => crisis::crisis(draft, symbol, start),
        Scenario::MarketBuildUp => market_wide::build_up(draft, start),
        Scenario::MarketSellOff => market_wide::sell_off(draft, start),
        Scenario::MarketRebound => market_wide::rebound(draft, start),
    }
}

/// Draws a minute of the second half that is far enough from those taken; the furthest of those drawn where none is.
fn draw_minute(plan: &SimulationPlan, planted: &Planted, taken: &mut Vec<f64>, rng: &mut RandomStream) -> f64 {
    let high = plan.minutes as f64 - planted.scenario.minutes();
    let low = (plan.minutes as f64 / 2.0).max(MINUTES_BEFORE_MIN).min(high);
    let (mut best, mut best_distance) = (low, f64::NEG_INFINITY);
    for _ in 0..TRIES {
        let minute = low + (high - low) * rng.uniform();
        let distance = taken.iter().map(|other| (other - minute).abs()).fold(f64::INFINITY, f64::min);
        if distance > best_distance {
            (best, best_distance) = (minute, distance);
        }
        if best_distance >= APART {
            break;
        }
    }
    taken.push(best);
    best
}
