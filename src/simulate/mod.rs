//! A seeded exchange: an order flow with price–time matching that is ordinary except for the episodes planted in it.
//!
//! Why: warnings must be tried on flow whose truth is known, as often as wanted and the same every time. Real flow has no
//! labels, and a recorded file is a single sample. The simulator therefore makes the flow from which detectors learn: real
//! matching (every fill has a resting order, every cancel a live one), makers that re-quote in batches after fills and price
//! jumps, takers whose arrivals excite each other with a heavy tail, and background traders that place and cancel orders.
//!
//! How: each symbol has a market and agents of its own with a stream of random numbers of its own, so that one symbol's flow
//! does not depend on how many others there are. A schedule holds the agents' next jobs; their orders go to the market, whose
//! tape numbers what happens and makes the events. [`Exchange`] merges the symbols by time, lets the ledger publish account
//! events, and adds a heartbeat for every second. Hours of flow are never in memory, only the schedule, the resting orders
//! and the events of one instant.
//!
//! The parts use each other in this order: each line uses only lines above it, and never the other way round.
//!
//! | part | what lives there |
//! |---|---|
//! | `random`, `schedule`, `names`, `scenario`, `fault`, `item` | pure pieces that use nothing else here |
//! | `fair_value`, `hawkes`, `population`, `plan` | pure pieces over the first ones: price drift, self-exciting arrivals, accounts and owners, the plan of a run |
//! | `market` | the order book of one symbol, its matching and its tape |
//! | `ledger` | the accounts' money, positions and settings, fed with the markets' fills |
//! | `agents` | what acts on one symbol: makers, takers, background traders, bursts, changes of leverage, forced closes; they send orders to the market and read the ledger |
//! | `plants` | the script of planted episodes: actions for agents and accounts, with labels |
//! | `feed_faults` | what happens to the messages on their way: late snapshots, lost cancels |
//! | `exchange` | all of it in one order of time |
//!
//! The simulator is not a model fitted to a venue. Its figures show that the machinery works, not how it performs elsewhere.

mod agents;
mod exchange;
mod fair_value;
mod fault;
mod feed_faults;
mod hawkes;
mod item;
mod ledger;
mod market;
mod names;
mod plan;
mod plants;
mod population;
mod random;
mod scenario;
mod schedule;
#[cfg(test)]
mod tests;

pub use self::{
    exchange::Exchange,
    fault::FeedFault,
    item::Item,
    plan::{
        ACCOUNTS_MIN, DENSITY_MAX, MINUTES_MAX, PlanError, PlannedFault, Planted, SCENARIOS_MAX, SYMBOLS_MAX,
        SimulationPlan,
    },
    scenario::Scenario,
};
