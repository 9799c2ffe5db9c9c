//! The input of the bench: a simulated exchange of the stated load in a topic of a real broker.

use std::{collections::BTreeMap, time::Duration};

use foreshock::{
    event::{Event, Key},
    simulate::{Exchange, Item, Planted, Scenario, SimulationPlan},
    time::{EventTime, Span},
};
use rdkafka::{
    ClientConfig,
    error::{KafkaError, RDKafkaErrorCode},
    producer::{BaseProducer, BaseRecord, Producer as _},
};
use serde_json::{Value, json};

use super::support::{kafka::KafkaBroker, topic::Topic};

pub const TOPIC: &str = "orderflow.events";
pub const PARTITIONS: i32 = 4;
const SEED: u64 = 7;
const SYMBOLS: u32 = 3_000;
/// The accounts of the stated load.
const ACCOUNTS: u32 = 50_000;
/// Density at which a symbol has 17 order events a second; the report has the figure as
/// `flow.order_events_per_symbol_s`.
const DENSITY: f64 = 2.9;
/// Length of the part that is written as fast as possible. With the paced part it has some 20 million records.
const FILL: Span = Span::from_secs(330);
/// Start of the measured part: every symbol's window judges by then (DETECTION 6: 91 s).
const MEASURED_FROM: Span = Span::from_secs(100);
/// Length of the paced part: time for a hundred bursts, and so for the .99 quantile of their alerts' latency.
const PACED: Span = Span::from_secs(60);
const BURSTS: u32 = 120;
/// Minutes of flow: both parts, rounded up, with the half minute that a scenario needs after it.
const MINUTES: u64 = 8;
const FLUSH_MAX: Duration = Duration::from_mins(2);

/// The topic, and the flow that is not yet sent to it.
pub struct Flow {
    broker: KafkaBroker,
    exchange: std::iter::Peekable<Exchange>,
    producer: BaseProducer,
    start: EventTime,
    shape: Shape,
    /// Records before the measured part.
    pub warm_up: u64,
    /// Records of the first part, which wait to be read.
    pub filled: u64,
}

/// Totals of the records that were sent.
#[derive(Default)]
struct Shape {
    by_type: BTreeMap<&'static str, u64>,
    records: u64,
    bytes: u64,
}

/// A record to be sent.
pub struct Ready {
    pub ts: EventTime,
    pub key: String,
    pub payload: Vec<u8>,
    /// Whether the key chooses the partition; otherwise every partition gets a copy.
    pub keyed: bool,
}

impl Flow {
    /// Creates an empty topic on a broker of its own.
    pub fn new() -> Self {
        let broker = KafkaBroker::start();
        broker.create_topic(TOPIC, PARTITIONS, &[]);
        let mut plan = SimulationPlan::new(SEED, MINUTES);
        (plan.symbols, plan.accounts, plan.density) = (SYMBOLS, ACCOUNTS, DENSITY);
        // Bursts are spread evenly over the paced part, each on another symbol.
        let minute = |i: u32| (FILL.secs_f64() + PACED.secs_f64() * f64::from(i) / f64::from(BURSTS)) / 60.0;
        plan.scenarios =
            (0..BURSTS).map(|i| Planted { scenario: Scenario::CancelBurst, at_minute: Some(minute(i)) }).collect();
        let producer = ClientConfig::new()
            .set("bootstrap.servers", broker.bootstrap())
            .set("enable.idempotence", "true")
            .set("partitioner", "murmur2_random")
            .set("linger.ms", "2")
            .set("queue.buffering.max.messages", "200000")
            .create()
            .unwrap();
        let start = plan.start;
        let exchange = Exchange::try_new(&plan).unwrap().peekable();
        Self { broker, exchange, producer, start, shape: Shape::default(), warm_up: 0, filled: 0 }
    }

    pub fn bootstrap(&self) -> String {
        self.broker.bootstrap()
    }

    pub fn create_topic(&self, name: &str) {
        self.broker.create_topic(name, 1, &[]);
    }

    pub fn topic(&self, name: &str) -> Topic {
        Topic::new(&self.broker.bootstrap(), name)
    }

    /// Writes the first part as fast as possible.
    pub fn fill(&mut self) {
        let (measured, end) = (self.start.plus(MEASURED_FROM), self.start.plus(FILL));
        while let Some(ready) = self.next_before(end) {
            if ready.ts < measured {
                self.warm_up += self.send(&ready);
            } else {
                self.filled += self.send(&ready);
            }
        }
        self.filled += self.warm_up;
        self.flush();
    }

    /// The second part, ready to be sent.
    pub fn paced(&mut self) -> Vec<Ready> {
        let end = self.start.plus(FILL).plus(PACED);
        std::iter::from_fn(|| self.next_before(end)).collect()
    }

    fn next_before(&mut self, end: EventTime) -> Option<Ready> {
        let item = self.exchange.next_if(|item| at(item) < end)?;
        let (ts, keyed) = (at(&item), matches!(item, Item::Event(_)));
        let event = item.into_event();
        let payload = serde_json::to_vec(&event).unwrap();
        let copies = if keyed { 1 } else { u64::try_from(PARTITIONS).unwrap() };
        self.shape.records += copies;
        self.shape.bytes += copies * payload.len() as u64;
        *self.shape.by_type.entry(event.body.kind().name()).or_default() += copies;
        Some(Ready { ts, key: key(&event).to_owned(), payload, keyed })
    }

    /// Sends a record, and returns the number of copies.
    pub fn send(&self, ready: &Ready) -> u64 {
        if ready.keyed {
            self.record(ready, None);
            return 1;
        }
        (0..PARTITIONS).for_each(|partition| self.record(ready, Some(partition)));
        u64::try_from(PARTITIONS).unwrap()
    }

    fn record(&self, ready: &Ready, partition: Option<i32>) {
        let mut record = BaseRecord::to(TOPIC).key(&ready.key).payload(&ready.payload);
        record.partition = partition;
        while let Err((error, back)) = self.producer.send(record) {
            assert!(matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)), "{error}");
            record = back;
            self.producer.poll(Duration::from_millis(10));
        }
        self.producer.poll(Duration::ZERO);
    }

    pub fn flush(&self) {
        self.producer.flush(FLUSH_MAX).unwrap();
    }

    /// Describes the flow as it was sent, for the report.
    pub fn describe(&self) -> Value {
        let Shape { by_type, records, bytes } = &self.shape;
        let share = |(name, count): (&&str, &u64)| ((*name).to_owned(), json!(*count as f64 / *records as f64));
        let orders: u64 = by_type.iter().filter(|(name, _)| name.starts_with("order_")).map(|(_, count)| count).sum();
        let seconds = FILL.secs_f64() + PACED.secs_f64();
        json!({
            "synthetic": true,
            "symbols": SYMBOLS,
            "accounts": ACCOUNTS,
            "partitions": PARTITIONS,
            "records": records,
            "records_measured": self.filled - self.warm_up,
            "event_seconds": seconds,
            "events_per_s": *records as f64 / seconds,
            "order_events_per_symbol_s": orders as f64 / seconds / f64::from(SYMBOLS),
            "bytes_per_record": *bytes as f64 / *records as f64,
            "share_by_type": by_type.iter().map(share).collect::<serde_json::Map<_, _>>(),
            "planted_bursts": BURSTS,
        })
    }
}

fn at(item: &Item) -> EventTime {
    match item {
        Item::Event(event) => event.ts,
        Item::Heartbeat(ts) => *ts,
    }
}

/// The key of an event's record (CONTRACT, "Events").
fn key<'a>(event: &'a Event<'_>) -> &'a str {
    let by = match event.body.kind().key() {
        Key::Account => &event.account,
        Key::Symbol | Key::Any => &event.symbol,
    };
    by.as_deref().unwrap_or_default()
}
