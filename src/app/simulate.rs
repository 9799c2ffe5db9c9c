//! `simulate`: writes the flow of a seeded exchange to a file or to Kafka, with labels of the planted episodes.
//!
//! In a file the flow is one feed. In Kafka, records are keyed by symbol or account, and every partition gets a heartbeat for
//! each second of event time, because a partition without events would otherwise hold the watermark back for ever.

use std::{io::Write as _, path::Path, time::Duration};

use rdkafka::{
    error::{KafkaError, RDKafkaErrorCode},
    producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer as _},
};

use super::{
    Exit, Failure, Interrupt, cli, clock,
    kafka::{self, topics, unavailable},
    output::AtomicFile,
    pace::Pace,
    progress::{self, Progress},
    settings,
};
use crate::{
    config::{Brokers, Kafka},
    event::{Event, Key},
    simulate::{Exchange, Item, SimulationPlan},
    time::{EventTime, NANOS_PER_SEC, Span, WallTime},
};

/// Events between two checks of the clock and of the interrupt.
const CHECK_EVERY: u64 = 4_096;
/// How long the delivery of the last records may take.
const FLUSH_MAX: Duration = Duration::from_mins(1);

/// Runs the simulated exchange.
pub(super) fn run(args: &cli::Simulate, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let exchange = Exchange::try_new(&plan(args, clock::wall())).map_err(|e| Failure::usage(e.to_string()))?;
    if let Some(path) = &args.labels {
        labels(path, &exchange)?;
    }
    let items = match (&args.events, &args.kafka, &args.topic) {
        (Some(path), _, _) => to_file(path, exchange, interrupt)?,
        (None, Some(brokers), Some(topic)) => {
            let mut kafka = settings::load(None)?.kafka;
            kafka.brokers = Brokers::parse(brokers).map_err(|e| Failure::usage(format!("`--kafka {brokers}`: {e}")))?;
            to_kafka(&kafka, topic, exchange, args.speed.map(Pace::new), interrupt)?
        }
        (None, _, _) => return Err(Failure::usage("expected `--events F` or `--kafka BROKERS --topic T`")),
    };
    progress::print_line(&format!("simulate: {items} events"));
    Ok(Exit::Done)
}

fn plan(args: &cli::Simulate, now: WallTime) -> SimulationPlan {
    let mut plan = SimulationPlan::new(args.seed, u64::from(args.minutes));
    let by_the_clock = args.speed.map(|speed| paced_start(&plan, speed, now));
    plan.start = args.start.or(by_the_clock).unwrap_or(plan.start);
    plan.symbols = args.symbols.unwrap_or(plan.symbols);
    plan.accounts = args.accounts.unwrap_or(plan.accounts);
    plan.density = args.density.unwrap_or(plan.density);
    plan.scenarios.clone_from(&args.scenarios);
    plan.faults.clone_from(&args.faults);
    plan
}

/// Returns when a paced flow begins, in whole seconds, rounded up.
///
/// At its own speed or below it begins now, so a second run begins where the first one ended, or later, and none of it is late.
/// A faster flow gains on the clock, and a record whose event is five minutes ahead of the record's own time is rejected. So a
/// faster flow begins early enough to end by the clock.
fn paced_start(plan: &SimulationPlan, speed: f64, now: WallTime) -> EventTime {
    let length_s = plan.end().plus(plan.cool_down).since(plan.start).secs_f64();
    #[expect(clippy::cast_possible_truncation, reason = "a year is the longest flow")]
    let gained = Span::from_nanos(((length_s - length_s / speed).max(0.0) * 1e9) as i64);
    EventTime::of_slot(now.minus(gained).plus(Span::from_nanos(NANOS_PER_SEC - 1)).slot(Span::SECOND), Span::SECOND)
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
        if items % CHECK_EVERY == 0 {
            interrupt.check()?;
            progress.update(bytes, items);
        }
    }
    progress.finish();
    file.finish()?;
    Ok(items)
}

fn to_kafka(
    kafka: &Kafka,
    topic: &str,
    exchange: Exchange,
    mut pace: Option<Pace>,
    interrupt: &Interrupt,
) -> Result<u64, Failure> {
    let mut sender = Sender::open(kafka, topic)?;
    let mut progress = Progress::new("simulate", None);
    let mut items = 0;
    for item in exchange {
        let waited = pace.as_mut().map_or(Ok(false), |pace| pace.keep(time(&item), interrupt))?;
        sender.send(item)?;
        items += 1;
        if waited || items % CHECK_EVERY == 0 {
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
    /// Connects, and looks up the number of partitions.
    pub(super) fn open(kafka: &Kafka, topic: &str) -> Result<Self, Failure> {
        let partitions = topics::ranges(kafka, topic)?.len();
        let producer = kafka::client(kafka)
            // Keeps records in order and sends none twice, also when the broker is away for a moment.
            .set("enable.idempotence", "true")
            // The partitioner of the Java client: a key goes to the same partition as from a venue's own producer.
            .set("partitioner", "murmur2_random")
            .set("linger.ms", "5")
            .create()
            .map_err(|e| unavailable("cannot make the producer", &e))?;
        let partitions = i32::try_from(partitions).unwrap_or(i32::MAX);
        Ok(Self { producer, topic: topic.to_owned(), partitions, bytes: 0, records: 0 })
    }

    /// Sends an event to its key's partition. One without a key goes to every partition: a heartbeat, and the status of the
    /// venue.
    pub(super) fn send(&mut self, item: Item) -> Result<(), Failure> {
        let event = item.into_event();
        let payload = serde_json::to_vec(&event).map_err(|e| Failure::new(Exit::Failed, e.to_string()))?;
        if key(&event).is_empty() {
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
                // The queue is full: handling deliveries makes room.
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

    /// Waits until all records are delivered.
    pub(super) fn finish(&self) -> Result<(), Failure> {
        self.producer
            .flush(FLUSH_MAX)
            .map_err(|e| unavailable(&format!("the last records for `{}` were not delivered", self.topic), &e))
    }
}

/// The time of an item.
pub(super) const fn time(item: &Item) -> EventTime {
    match item {
        Item::Event(event) => event.ts,
        Item::Heartbeat(at) => *at,
    }
}

/// The record key of an event (CONTRACT, "Events").
fn key<'a>(event: &'a Event<'_>) -> &'a str {
    let by = match event.body.kind().key() {
        Key::Account => &event.account,
        Key::Symbol | Key::Any => &event.symbol,
    };
    by.as_deref().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Begin and end of a paced flow in seconds from `now`, and its length.
    fn times(speed: f64, now: WallTime) -> (f64, f64, Span) {
        let mut plan = SimulationPlan::new(1, 30);
        let length = plan.end().plus(plan.cool_down).since(plan.start);
        plan.start = paced_start(&plan, speed, now);
        let from_now = |at: EventTime| at.ahead_of(now).secs_f64();
        (from_now(plan.start), from_now(plan.start.plus(length)), length)
    }

    #[test]
    fn a_second_run_at_its_own_speed_or_below_begins_after_the_first() {
        for nanos in [1_760_130_000_000_000_000, 1_760_130_000_000_000_001, 1_760_130_000_999_999_999] {
            for (speed, slowness) in [(1.0, 1), (0.25, 4)] {
                let now = WallTime::from_nanos(nanos);
                let (begins, ends, length) = times(speed, now);
                assert!((0.0..=1.0).contains(&begins), "{begins}");
                let takes = Span::from_nanos(length.nanos() * slowness);
                let (again, _, _) = times(speed, now.plus(takes));
                assert!(takes.secs_f64() + again >= ends, "speed {speed}: {again} {ends}");
            }
        }
    }

    #[test]
    fn a_faster_run_is_never_far_ahead_of_the_clock() {
        let now = WallTime::from_nanos(1_760_130_000_123_456_789);
        for speed in [1.5, 10.0, 1e6] {
            let (begins, ends, length) = times(speed, now);
            let ahead_at_end = ends - length.secs_f64() / speed;
            assert!(begins <= 1.0 && (-1e-6..=1.0).contains(&ahead_at_end), "speed {speed}: {begins} {ahead_at_end}");
        }
    }
}
