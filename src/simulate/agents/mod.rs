//! The agents of one symbol: everything that acts on its market, and the jobs by which it acts.
//!
//! `symbol` runs them all: it takes the next job from the schedule and calls the agent whose job it is. Takers, background
//! traders, withdrawals, bursts of cancels, changes of leverage and forced closes do not know each other; they act on
//! `makers::QuotedMarket`, a market whose makers react to fills and to moves of the fair value. That type is built on
//! `environment`, which holds the market, the fair value, the schedule and the random draws. `action` lists the actions that a
//! script can ask of the agents.

mod action;
mod background;
mod cancel_burst;
mod environment;
mod forced_close;
mod job;
mod lean;
mod leverage;
mod maker;
mod makers;
mod symbol;
mod takers;
mod withdrawal;

pub(super) use self::{
    action::{Action, ScriptedAction},
    cancel_burst::{CancelBurst, Pace},
    forced_close::ForcedClose,
    lean::Lean,
    leverage::{LeverageChange, LeverageGoal},
    makers::SETTLED,
    symbol::SymbolAgents,
};
