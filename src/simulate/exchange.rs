//! The exchange: all markets in one order of time, the ledger's account events, and heartbeats between them.
//!
//! At the same time events of markets come first, so that an account event contains everything up to its time.

use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc};

use super::{
    agents::SymbolAgents,
    feed_faults::Faults,
    item::Item,
    ledger::Ledger,
    market::AccountEffect,
    plan::{PlanError, SimulationPlan},
    plants,
    population::Population,
};
use crate::{
    evaluate::Label,
    time::{EventTime, Span},
};

/// Event time from one heartbeat to the next.
const HEARTBEAT_EVERY: Span = Span::from_secs(1);

/// A simulated exchange: an iterator over its messages, in order of time. A heartbeat comes after all events up to its time.
///
/// ```
/// use foreshock::simulate::{Exchange, Item, SimulationPlan};
///
/// let mut plan = SimulationPlan::new(7, 10);
/// plan.scenarios = vec!["cancel_burst@8".parse()?];
/// let exchange = Exchange::try_new(&plan)?;
/// assert_eq!(exchange.labels().len(), 1);
/// let events = exchange.filter(|item| matches!(item, Item::Event(_))).count();
/// assert!(events > 10_000);
/// # Ok::<(), foreshock::simulate::PlanError>(())
/// ```
#[derive(Debug)]
pub struct Exchange {
    symbols: Vec<SymbolAgents>,
    population: Arc<Population>,
    ledger: Ledger,
    /// Time of the next event of each symbol whose market is open, with the symbol's index.
    next_events: BinaryHeap<Reverse<(EventTime, usize)>>,
    next_heartbeat: EventTime,
    last_heartbeat: EventTime,
    labels: Vec<Label>,
    faults: Faults,
}

impl Exchange {
    /// Sets up an exchange that has not opened yet.
    ///
    /// # Errors
    /// Names the value of the plan that cannot be simulated, and what was expected.
    pub fn try_new(plan: &SimulationPlan) -> Result<Self, PlanError> {
        plan.check()?;
        let population = Arc::new(Population::draw(plan.seed, plan.accounts));
        let script = plants::write(plan, &population);
        let opens = (0..plan.symbols).map(|_| plan.start).chain(script.listings);
        let mut symbols: Vec<SymbolAgents> = (0..)
            .zip(opens)
            .map(|(index, open)| SymbolAgents::new(plan, index, open, &script.actions, &population))
            .collect();
        let scales = symbols.iter().map(SymbolAgents::scale).collect();
        let ledger = Ledger::new(plan.seed, &population, scales, plan.end(), &script.account_actions);
        let next_events = symbols
            .iter_mut()
            .enumerate()
            .filter_map(|(index, symbol)| symbol.next_ts(&ledger).map(|ts| Reverse((ts, index))))
            .collect();
        let (faults, fault_labels) = Faults::new(plan);
        let mut labels = script.labels;
        labels.extend(fault_labels);
        labels.sort_by_key(|label| label.start);
        Ok(Self {
            symbols,
            ledger,
            population,
            next_events,
            next_heartbeat: plan.start,
            last_heartbeat: plan.end().plus(plan.cool_down),
            labels,
            faults,
        })
    }

    /// The labels of the planted episodes, in order of time.
    #[must_use]
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// The next event of a market, after which the ledger holds its effect.
    fn next_market_event(&mut self) -> Option<Item> {
        let Reverse((ts, index)) = self.next_events.pop()?;
        let (event, effect) = self.symbols[index].pop()?;
        self.next_events.extend(self.symbols[index].next_ts(&self.ledger).map(|ts| Reverse((ts, index))));
        match effect {
            AccountEffect::None => {}
            AccountEffect::Ordered(account) => self.ledger.record_order(ts, account),
            AccountEffect::Filled(fill) => self.ledger.record_fill(ts, index, &fill),
        }
        Some(Item::Event(event))
    }

    fn next_heartbeat(&mut self) -> Option<Item> {
        let ts = self.next_heartbeat;
        self.next_heartbeat = ts.plus(HEARTBEAT_EVERY);
        (ts <= self.last_heartbeat).then_some(Item::Heartbeat(ts))
    }

    /// The next message of the exchange itself, before anything happens to it on its way.
    fn next_sent(&mut self) -> Option<Item> {
        let due = |ts: &EventTime| *ts <= self.next_heartbeat;
        let market = self.next_events.peek().map(|Reverse((ts, _))| *ts).filter(due);
        let ledger = self.ledger.next_ts().filter(due);
        match (market, ledger) {
            (Some(market), ledger) if ledger.is_none_or(|ledger| market <= ledger) => self.next_market_event(),
            (_, Some(_)) => self.ledger.pop(&self.population).map(Item::Event),
            (_, None) => self.next_heartbeat(),
        }
    }
}

impl Iterator for Exchange {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        if self.faults.is_empty() {
            return self.next_sent();
        }
        loop {
            if let Some(item) = self.faults.pop() {
                return Some(item);
            }
            let sent = self.next_sent()?;
            self.faults.send(sent);
        }
    }
}
