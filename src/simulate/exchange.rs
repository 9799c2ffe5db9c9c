//! The exchange: all markets in one order of time, what the ledger says of the accounts, and heartbeats between.
//!
//! At the same time the markets come first, so that what the ledger says contains everything up to then.

use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc};

use super::{
    ledger::Ledger,
    market::Market,
    parties::Parties,
    plan::{Plan, PlanError},
    script::Script,
    tape::Deed,
};
use crate::{
    evaluate::Label,
    event::{Body, Event, Heartbeat, Name},
    time::{EventTime, Span},
};

/// Every second of event time has a heartbeat.
const BEAT: Span = Span::from_secs(1);

/// One thing that the exchange says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly all items are events, and they are passed on one by one")]
pub enum Item {
    /// An event of one symbol or account, for that key's partition.
    Event(Event<'static>),
    /// Everything up to this time has been said: for every partition, or once into a file.
    Heartbeat(EventTime),
}

impl Item {
    /// The item as an event; a heartbeat has no key.
    #[must_use]
    pub fn into_event(self) -> Event<'static> {
        match self {
            Self::Event(event) => event,
            Self::Heartbeat(ts) => Event {
                ts,
                symbol: None,
                seq: None,
                account: None,
                owner: None,
                body: Body::Heartbeat(Heartbeat { producer: Name::new("simulate") }),
            },
        }
    }
}

/// A simulated exchange: an iterator over what it says, in order of time. A heartbeat comes after all events up to its time.
///
/// ```
/// use foreshock::simulate::{Exchange, Item, Plan};
///
/// let mut plan = Plan::new(7, 10);
/// plan.scenarios = vec!["cancel_burst@8".parse()?];
/// let exchange = Exchange::try_new(&plan)?;
/// assert_eq!(exchange.labels().len(), 1);
/// let events = exchange.filter(|item| matches!(item, Item::Event(_))).count();
/// assert!(events > 10_000);
/// # Ok::<(), foreshock::simulate::PlanError>(())
/// ```
#[derive(Debug)]
pub struct Exchange {
    markets: Vec<Market>,
    parties: Arc<Parties>,
    ledger: Ledger,
    /// The markets that are still open, by the time of their next event.
    heads: BinaryHeap<Reverse<(EventTime, usize)>>,
    next_beat: EventTime,
    last_beat: EventTime,
    labels: Vec<Label>,
}

impl Exchange {
    /// An exchange about to open.
    ///
    /// # Errors
    /// Says what in the plan cannot be simulated.
    pub fn try_new(plan: &Plan) -> Result<Self, PlanError> {
        plan.check()?;
        let parties = Arc::new(Parties::draw(plan.seed, plan.accounts));
        let script = Script::write(plan, &parties);
        let opens = (0..plan.symbols).map(|_| plan.start).chain(script.listings);
        let mut markets: Vec<Market> =
            (0..).zip(opens).map(|(index, open)| Market::new(plan, index, open, &script.acts, &parties)).collect();
        let scales = markets.iter().map(|market| market.tape.scale).collect();
        let ledger = Ledger::new(plan.seed, &parties, scales, plan.end(), &script.moves);
        let heads = markets
            .iter_mut()
            .enumerate()
            .filter_map(|(index, market)| market.next_ts(&ledger).map(|ts| Reverse((ts, index))))
            .collect();
        Ok(Self {
            markets,
            ledger,
            parties,
            heads,
            next_beat: plan.start,
            last_beat: plan.end().plus(plan.cool_down),
            labels: script.labels,
        })
    }

    /// What is planted, in order of time.
    #[must_use]
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    fn market_says(&mut self) -> Option<Item> {
        let Reverse((ts, index)) = self.heads.pop()?;
        let (event, deed) = self.markets[index].pop()?;
        self.heads.extend(self.markets[index].next_ts(&self.ledger).map(|ts| Reverse((ts, index))));
        match deed {
            Deed::Other => {}
            Deed::Ordered(account) => self.ledger.ordered(ts, account),
            Deed::Filled(fill) => self.ledger.filled(ts, index, &fill),
        }
        Some(Item::Event(event))
    }

    fn beat(&mut self) -> Option<Item> {
        let ts = self.next_beat;
        self.next_beat = ts.plus(BEAT);
        (ts <= self.last_beat).then_some(Item::Heartbeat(ts))
    }
}

impl Iterator for Exchange {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        let due = |ts: &EventTime| *ts <= self.next_beat;
        let market = self.heads.peek().map(|Reverse((ts, _))| *ts).filter(due);
        let ledger = self.ledger.next_ts().filter(due);
        match (market, ledger) {
            (Some(market), ledger) if ledger.is_none_or(|ledger| market <= ledger) => self.market_says(),
            (_, Some(_)) => self.ledger.pop(&self.parties).map(Item::Event),
            (_, None) => self.beat(),
        }
    }
}
