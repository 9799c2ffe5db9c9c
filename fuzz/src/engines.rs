//! Engines to be fuzzed. Their tables are so small that every kind of key is evicted, and their symbols have learned.
//!
//! A symbol is not judged for its first 91 s, and no fuzzer would find its way past them. So each run starts from the
//! state after some minutes of quiet flow, which is made once.

use std::sync::OnceLock;

use foreshock::{
    engine::{Detection, Engine, Input, Limits, Outbox, Output, Plan, Record, Snapshot, StageSettings},
    event::{DecodeLimits, Event, Source, SourceId, decode},
    window::BurstSettings,
};

/// Number of partitions.
pub const SOURCES: usize = 2;
/// Start of the flow, on 2025-10-10.
pub const START: i64 = 1_760_130_000_000_000_000;
/// Seconds for which the symbols have learned: twice as long as they need.
const LEARNED_S: i64 = 200;

/// The plan of the engines. A few cancels are a burst, so that few bytes make one.
#[must_use]
pub fn plan() -> Plan {
    let sources = (0..SOURCES).map(|feed| Source {
        name: "orderflow.events".to_owned(),
        partition: i32::try_from(feed).ok(),
        feed,
    });
    let window = BurstSettings { a_min: 3, cold_a_min: 5, warnings_per_day: 100.0 };
    Plan {
        calendars: foreshock::calendar::Calendars::default(),
        maintenance: foreshock::calendar::MaintenanceWindows::default(),
        limits: Limits {
            symbols_max: 3,
            accounts_max: 3,
            parties_max: 3,
            orders_max: 4,
            bursts_max: 2,
            incidents_max: 2,
            signals_pending_max: 3,
            ..Limits::default()
        },
        detection: Detection { cancel_burst: window, ..Detection::default() },
        // Each shard has tables of its own, so the bounds that the `engine` target asserts are those of one shard.
        stages: StageSettings { account_shards: 1 },
        sources: sources.collect(),
        replay: "foreshock replay".to_owned(),
        currency: None,
    }
}

/// The state after [`LEARNED_S`] seconds, the offset of the next record of each partition, and the event time then.
#[must_use]
pub fn learned() -> (Snapshot, u64, i64) {
    static LEARNED: OnceLock<Snapshot> = OnceLock::new();
    let snapshot = LEARNED.get_or_init(|| {
        let mut engine = Engine::new(plan());
        for second in 0..LEARNED_S {
            for source in 0..SOURCES {
                let text = format!(
                    r#"{{"type":"order_cancel","ts":{},"symbol":"S{source}","order":"1"}}"#,
                    START + second * 1_000_000_000
                );
                handle(&mut engine, source, second.unsigned_abs(), &[text]);
            }
        }
        engine.snapshot()
    });
    (snapshot.clone(), LEARNED_S.unsigned_abs(), START + LEARNED_S * 1_000_000_000)
}

/// Gives an engine a record, decoded as in the service, with one event for each text, and returns the outputs.
pub fn handle(engine: &mut Engine, source: usize, offset: u64, texts: &[String]) -> Vec<Output> {
    let decoded: Result<Vec<Event<'_>>, _> =
        texts.iter().map(|text| decode(text.as_bytes(), DecodeLimits::default())).collect();
    let content = decoded.as_deref().map_err(Clone::clone);
    let source = SourceId(u32::try_from(source).unwrap_or(u32::MAX));
    give(engine, Input::Record(Record { source, offset, appended_at: None, content }))
}

/// Gives an engine an input, and returns the outputs.
pub fn give(engine: &mut Engine, input: Input<'_>) -> Vec<Output> {
    let mut outbox = Outbox::default();
    engine.handle(input, &mut outbox);
    outbox.drain().collect()
}
