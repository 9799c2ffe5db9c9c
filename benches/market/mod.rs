//! A synthetic market in memory for the benches that need no broker: the simulator's flow at the stated rate.
//!
//! Not here: Kafka, hence no partitions and no append times. Every event is in one feed.
#![allow(dead_code, reason = "each bench is a crate of its own and uses its part")]
#![allow(clippy::unwrap_used, reason = "a bench stops at what it did not expect")]

use foreshock::{
    engine::{Detection, Engine, Input, Limits, Outbox, Plan, Record, StageSettings},
    event::{Event, Source, SourceId},
    simulate::{Exchange, Item, SimulationPlan},
    time::Span,
};

/// Any seed would do; the same one gives the same bytes.
const SEED: u64 = 7;
/// Density at which a symbol has about 17 order events a second.
const DENSITY: f64 = 2.9;
/// Accounts per symbol: the stated load has 50,000 accounts for 3,000 symbols.
const ACCOUNTS_PER_SYMBOL: u32 = 17;

/// The events of a market with this many symbols over this many minutes.
pub fn events(symbols: u32, minutes: u64) -> impl Iterator<Item = Event<'static>> {
    let mut plan = SimulationPlan::new(SEED, minutes);
    (plan.symbols, plan.accounts, plan.density) = (symbols, symbols * ACCOUNTS_PER_SYMBOL, DENSITY);
    plan.cool_down = Span::ZERO;
    Exchange::try_new(&plan).unwrap().map(Item::into_event)
}

/// An engine with one feed, and the offset of its next record.
pub struct Reader {
    pub engine: Engine,
    outbox: Outbox,
    offset: u64,
}

impl Reader {
    pub fn new() -> Self {
        Self::within(Limits::default())
    }

    pub fn within(limits: Limits) -> Self {
        let source = Source { name: "orderflow.events".to_owned(), partition: Some(0), feed: 0 };
        let plan = Plan {
            calendars: foreshock::calendar::Calendars::default(),
            maintenance: foreshock::calendar::MaintenanceWindows::default(),
            limits,
            detection: Detection::default(),
            sources: vec![source],
            stages: StageSettings::default(),
            replay: String::new(),
            currency: None,
        };
        Self { engine: Engine::new(plan), outbox: Outbox::default(), offset: 0 }
    }

    /// Gives one event to the engine, as a record of its own, and returns the number of outputs.
    pub fn take(&mut self, event: &Event<'_>) -> usize {
        let content = Ok(std::slice::from_ref(event));
        let record = Record { source: SourceId(0), offset: self.offset, appended_at: None, content };
        self.engine.handle(Input::Record(record), &mut self.outbox);
        self.offset += 1;
        self.outbox.drain().count()
    }
}
