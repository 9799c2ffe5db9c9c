//! A seeded exchange: an order flow with price–time matching, ordinary in all but the episodes planted in it.
//!
//! Why: warnings must be tried on flow whose truth is known, as often as one likes and the same every time. Real flow
//! has no labels, and a recorded file has no second take. What is simulated is therefore what the detectors live on:
//! real matching (every fill has a resting order, every cancel a live one), makers that re-quote in batches after fills
//! and price jumps, takers whose arrivals excite each other with a heavy tail, and a crowd that places and withdraws.
//!
//! How: each symbol is a [`market`](self) of its own with its own stream of random numbers, so that one symbol's flow does
//! not depend on how many others there are. An agenda holds what is due next; what happens goes to a tape, which numbers it
//! and makes the events. [`Exchange`] merges the markets by time and adds a heartbeat for every second. Hours of flow are
//! never in memory, only the agenda, the resting orders and the events of one instant.
//!
//! What it is not: a model fitted to a venue. Its figures say that the machinery works, not how it fares elsewhere.

mod agenda;
mod book;
mod burst;
mod crowd;
mod dice;
mod exchange;
mod fair;
mod forced;
mod hawkes;
mod holding;
mod ledger;
mod lever;
mod makers;
mod market;
mod parties;
mod plan;
mod planted;
mod plots;
mod scenario;
mod script;
mod statements;
mod takers;
mod tape;
#[cfg(test)]
mod tests;
mod thin;

pub use self::{
    exchange::{Exchange, Item},
    plan::{ACCOUNTS_MIN, DENSITY_MAX, MINUTES_MAX, Plan, PlanError, SCENARIOS_MAX, SYMBOLS_MAX},
    scenario::{Planted, Scenario},
};
