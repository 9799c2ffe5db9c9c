//! `simulate`: the flow of a seeded exchange, to a file or to Kafka, with labels of what was planted.
//!
//! In a file the flow is one feed. In Kafka records are keyed by symbol or account, and every partition gets a heartbeat for
//! each second of event time: without one a partition with no events would hold the watermark back for ever.

use std::{io::Write as _, path::Path, time::Duration};

use rdkafka::{
    error::{KafkaError, RDKafkaErrorCode},
    producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer as _},
};

use super::{
    Exit, Failure, Interrupt, cli,
    kafka::{self, topics, unavailable},
    output::AtomicFile,
    progress::{self, Progress},
    settings,
};
use crate::{
    config::{Brokers, Kafka},
    event::{Event, Key},
    simulate::{Exchange, Item, Plan},
};

/// Events between two looks at the clock and at the interrupt.
const LOOK_EVERY: u64 = 4_096;
/// How long the last records may take to be delivered.
const FLUSH_MAX: Duration = Duration::from_mins(1);

/// Simulates.
pub(super) fn run(args: &cli::Simulate, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let exchange = Exchange::try_new(&plan(args)).map_err(|e| Failure::usage(e.to_string()))?;
    if let Some(path) = &args.labels {
        labels(path, &exchange)?;
    }
    let items = match (&args.events, &args.kafka, &args.topic) {
        (Some(path), _, _) => to_file(path, exchange, interrupt)?,
        (None, Some(brokers), Some(topic)) => {
            let mut kafka = settings::load(None)?.kafka;
            kafka.brokers = Brokers::parse(brokers).map_err(|e| Failure::usage(format!("`--kafka {brokers}`: {e}")))?;
            to_kafka(&kafka, topic, exchange, interrupt)?
        }
        (None, _, _) => return Err(Failure::usage("expected `--events F` or `--kafka BROKERS --topic T`")),
    };
    progress::say(&format!("simulate: {items} events"));
    Ok(Exit::Done)
}

fn plan(args: &cli::Simulate) -> Plan {
    let mut plan = Plan::new(args.seed, u64::from(args.minutes));
    plan.start = args.start.unwrap_or(plan.start);
    plan.symbols = args.symbols.unwrap_or(plan.symbols);
    plan.accounts = args.accounts.unwrap_or(plan.accounts);
    plan.density = args.density.unwrap_or(plan.density);
    plan.scenarios.clone_from(&args.scenarios);
    plan
}

fn labels(path: &Path, exchange: &Exchange) -> Result<(), Failure> {
    let mut file = AtomicFile::create(path)?;
    for label in exchange.labels() {
        let line = serde_json::to_string(label).map_err(|e| Failure::new(Exit::Failed, e.to_string()))?;
        writeln!(file, "{line}").map_err(|e| Failure::writing(&path.display(), &e))?;
    }
    file.finish()
}

fn to_file(path: &Path, exchange: Exchange, interrupt: &Interrupt) -> Result<u64, Failure> {
    let mut file = AtomicFile::create(path)?;
    let mut progress = Progress::new("simulate", None);
    let (mut items, mut bytes) = (0, 0);
    for item in exchange {
        let mut line = serde_json::to_vec(&item.into_event()).map_err(|e| Failure::new(Exit::Failed, e.to_string()))?;
        line.push(b'\n');
        file.write_all(&line).map_err(|e| Failure::writing(&path.display(), &e))?;
        (items, bytes) = (items + 1, bytes + line.len() as u64);
        if items % LOOK_EVERY == 0 {
            interrupt.check()?;
            progress.update(bytes, items);
        }
    }
    progress.finish();
    file.finish()?;
    Ok(items)
}

fn to_kafka(kafka: &Kafka, topic: &str, exchange: Exchange, interrupt: &Interrupt) -> Result<u64, Failure> {
    let mut sender = Sender::open(kafka, topic)?;
    let mut progress = Progress::new("simulate", None);
    let mut items = 0;
    for item in exchange {
        sender.send(item)?;
        items += 1;
        if items % LOOK_EVERY == 0 {
            interrupt.check()?;
            progress.update(sender.bytes, items);
        }
    }
    sender.finish()?;
    progress.finish();
    Ok(items)
}

/// Sends simulated items to the partitions of a topic.
pub(super) struct Sender {
    producer: BaseProducer<DefaultProducerContext>,
    topic: String,
    partitions: i32,
    /// Bytes sent so far.
    pub(super) bytes: u64,
    /// Records sent so far.
    pub(super) records: u64,
}

impl Sender {
    /// Connects, and asks how many partitions there are.
    pub(super) fn open(kafka: &Kafka, topic: &str) -> Result<Self, Failure> {
        let partitions = topics::ranges(kafka, topic)?.len();
        let producer = kafka::client(kafka)
            // In order and without repetition, also when the broker is away for a moment.
            .set("enable.idempotence", "true")
            // The partitioner of Java's clients, so that a key lands where it would from a venue's own producer.
            .set("partitioner", "murmur2_random")
            .set("linger.ms", "5")
            .create()
            .map_err(|e| unavailable("cannot make the producer", &e))?;
        let partitions = i32::try_from(partitions).unwrap_or(i32::MAX);
        Ok(Self { producer, topic: topic.to_owned(), partitions, bytes: 0, records: 0 })
    }

    /// Sends an event to its key's partition, and a heartbeat to every one.
    pub(super) fn send(&mut self, item: Item) -> Result<(), Failure> {
        let beats = matches!(item, Item::Heartbeat(_));
        let event = item.into_event();
        let payload = serde_json::to_vec(&event).map_err(|e| Failure::new(Exit::Failed, e.to_string()))?;
        if beats {
            return (0..self.partitions).try_for_each(|partition| self.record("", &payload, Some(partition)));
        }
        self.record(key(&event), &payload, None)
    }

    fn record(&mut self, key: &str, payload: &[u8], partition: Option<i32>) -> Result<(), Failure> {
        self.bytes += payload.len() as u64;
        self.records += 1;
        let mut record = BaseRecord::to(&self.topic).key(key).payload(payload);
        record.partition = partition;
        loop {
            match self.producer.send(record) {
                Ok(()) => break,
                // The queue is full: serving deliveries makes room.
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    self.producer.poll(Duration::from_millis(10));
                }
                Err((error, _)) => return Err(unavailable(&format!("cannot send to `{}`", self.topic), &error)),
            }
        }
        self.producer.poll(Duration::ZERO);
        Ok(())
    }

    /// Waits until everything is delivered.
    pub(super) fn finish(&self) -> Result<(), Failure> {
        self.producer
            .flush(FLUSH_MAX)
            .map_err(|e| unavailable(&format!("the last records for `{}` were not delivered", self.topic), &e))
    }
}

/// By what an event is keyed (CONTRACT, "Events").
fn key<'a>(event: &'a Event<'_>) -> &'a str {
    let by = match event.body.kind().key() {
        Key::Account => &event.account,
        Key::Symbol | Key::Any => &event.symbol,
    };
    by.as_deref().unwrap_or_default()
}
