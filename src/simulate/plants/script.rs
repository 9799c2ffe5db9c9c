//! The script of a run: the actions of agents and accounts in the planted episodes, and the episodes' labels.

use crate::{
    evaluate::Label,
    simulate::{
        agents::{Action, ScriptedAction},
        ledger::AccountAction,
        names,
        plan::SimulationPlan,
        population::Population,
        random::RandomStream,
    },
    time::EventTime,
};

/// All planted episodes.
#[derive(Debug, Default)]
pub(crate) struct Script {
    /// Actions of agents, in order of time.
    pub(crate) actions: Vec<ScriptedAction>,
    /// Labels, in order of time.
    pub(crate) labels: Vec<Label>,
    /// Actions of accounts beside their orders, with time and account.
    pub(crate) account_actions: Vec<(EventTime, u32, AccountAction)>,
    /// Times at which symbols beyond the plan's own begin.
    pub(crate) listings: Vec<EventTime>,
}

impl Script {
    pub(super) fn act(&mut self, symbol: u32, start: EventTime, action: Action) {
        self.actions.push(ScriptedAction { symbol, start, action });
    }

    pub(super) fn account_acts(&mut self, at: EventTime, account: u32, action: AccountAction) {
        self.account_actions.push((at, account, action));
    }
}

/// A script that is being written, with the plan, the accounts and the random numbers that it is made from.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) plan: &'a SimulationPlan,
    pub(super) population: &'a Population,
    /// Stream of the script's own draws.
    pub(super) rng: RandomStream,
    pub(super) script: Script,
}

/// The label of an episode on one symbol that deserves a warning.
pub(super) fn label(kind: &str, symbol: u32, start: EventTime, end: EventTime) -> Label {
    Label { kind: kind.into(), symbol: Some(symbol_name(symbol)), account: None, start, end, benign: false }
}

/// The label of a benign episode on one symbol.
pub(super) fn benign(kind: &str, symbol: u32, start: EventTime, end: EventTime) -> Label {
    Label { benign: true, ..label(kind, symbol, start, end) }
}

/// An account as a label names it.
pub(super) fn account_name(account: u32) -> String {
    names::account(account).to_string()
}

fn symbol_name(symbol: u32) -> String {
    names::symbol(symbol).to_string()
}
