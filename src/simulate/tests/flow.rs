//! The simulated flow as the tests read it.

use crate::{
    event::{Body, CancelReason, Event, OrderCancel},
    simulate::{Exchange, Item, SimulationPlan},
};

/// Sets up the exchange of a plan.
pub(super) fn run(plan: &SimulationPlan) -> Exchange {
    Exchange::try_new(plan).unwrap()
}

/// The events of a plan, without heartbeats.
pub(super) fn events(plan: &SimulationPlan) -> impl Iterator<Item = Event<'static>> {
    run(plan).filter_map(|item| match item {
        Item::Event(event) => Some(event),
        Item::Heartbeat(_) => None,
    })
}

/// A plan of quiet flow with one scenario.
pub(super) fn planned(seed: u64, minutes: u64, scenario: &str) -> SimulationPlan {
    SimulationPlan { scenarios: vec![scenario.parse().unwrap()], ..SimulationPlan::new(seed, minutes) }
}

/// Whether an event is a cancel as DETECTION 2.1 counts them.
pub(super) fn is_cancel(event: &Event<'_>) -> bool {
    let withdrawn = |cancel: &OrderCancel<'_>| matches!(cancel.reason, None | Some(CancelReason::User));
    matches!(&event.body, Body::OrderReplace(_))
        || matches!(&event.body, Body::OrderCancel(cancel) if withdrawn(cancel))
}
