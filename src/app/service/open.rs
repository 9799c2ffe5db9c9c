//! The service while it has partitions: an engine that has read them so far, and the outputs and offsets of the next commit.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{Offset, TopicPartitionList, error::KafkaError};

use super::{
    dead_letter,
    keeper::Keeper,
    restore::{self, Restored},
    vigil::Vigil,
};
use crate::{
    alert::{Alert, Latency},
    app::{
        Exit, Failure, Interrupt, audit, clock,
        kafka::{
            batch::Received,
            consumer::Handle,
            lag::Ends,
            message::Message,
            publisher::{Publisher, Transaction},
            state,
            topics::Range,
            unavailable,
        },
        metrics::{Meters, Stage},
        telemetry::{Position, Telemetry},
    },
    config::Config,
    engine::{Engine, Input, Inputs, Outbox, Output, Record, Recorded},
    event::{DecodeLimits, Rejection, SourceId, decode},
    time::{EventTime, WallTime},
};

/// Outputs that wait are committed early when they come to so many bytes: hostile input makes a dead letter of each record.
const WAITING_BYTES_MAX: usize = 4 << 20;

/// Of so many records one is measured: to read the clock twice costs a twentieth of a record's handling. A prime, so that no
/// pattern of the input is always met at the same place.
const MEASURED_EVERY: u64 = 61;

/// An engine and what it owes.
pub struct Open {
    engine: Engine,
    vigil: Vigil,
    /// Who it is in the audit log.
    service: String,
    outbox: Outbox,
    telemetry: Arc<Telemetry>,
    keeper: Keeper,
    /// Records taken; every so many is measured.
    taken: u64,
    limits: DecodeLimits,
    partitions: Vec<Partition>,
    waiting: Vec<Message>,
    waiting_bytes: usize,
    /// What the next commit holds beside dead letters.
    alerts: Alerts,
    /// When each alert that waits was emitted.
    emitted: Vec<Instant>,
    commit_at: Instant,
    interval: Duration,
    topics: crate::config::Topics,
}

struct Partition {
    topic: String,
    number: i32,
    /// The next offset to be read.
    next: i64,
    /// The next offset as last committed.
    committed: i64,
}

/// Whether alerts wait, and whether one of them opens an incident.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Alerts {
    #[default]
    None,
    Some,
    Opening,
}

impl Open {
    /// Reads the input again up to the committed offsets. `None` without partitions.
    pub fn restore(
        config: &Config,
        telemetry: &Arc<Telemetry>,
        reader: &Handle,
        partitions: &[(String, i32)],
        interrupt: &Interrupt,
    ) -> Result<Option<Self>, Failure> {
        if partitions.is_empty() {
            return Ok(None);
        }
        let (mut outbox, limits) = (Outbox::default(), config.limits.decode);
        let restored = restore::restore(config, reader, partitions, interrupt, |engine, inputs, record| {
            give((engine, inputs), &mut outbox, record, limits, None)?;
            // Published before the restart.
            outbox.drain().for_each(drop);
            Ok(())
        })?;
        Self::new(config, telemetry, restored).map(Some)
    }

    fn new(config: &Config, telemetry: &Arc<Telemetry>, restored: Restored) -> Result<Self, Failure> {
        let partition = |range: &Range| Partition {
            topic: range.topic.clone(),
            number: range.partition,
            next: range.to,
            committed: range.to,
        };
        Ok(Self {
            partitions: restored.held.iter().map(partition).collect(),
            keeper: Keeper::new(config, telemetry, &restored)?,
            vigil: Vigil::new(&restored.engine, clock::monotonic()),
            engine: restored.engine,
            service: config.kafka.transactional_id.clone(),
            outbox: Outbox::default(),
            telemetry: Arc::clone(telemetry),
            taken: 0,
            limits: config.limits.decode,
            waiting: Vec::new(),
            waiting_bytes: 0,
            alerts: Alerts::None,
            emitted: Vec::new(),
            commit_at: clock::monotonic() + config.kafka.commit_interval,
            interval: config.kafka.commit_interval,
            topics: config.topics.clone(),
        })
    }

    /// Takes one record; what follows from it waits for the commit.
    pub fn take(&mut self, record: Received<'_>) -> Result<(), Failure> {
        let partition = &mut self.partitions[record.partition];
        if record.offset < partition.next {
            // Read again after a rebalance that gave back the same partitions.
            return Ok(());
        }
        partition.next = record.offset + 1;
        let now = clock::wall();
        self.taken += 1;
        let meters = self.taken.is_multiple_of(MEASURED_EVERY).then_some(&self.telemetry.meters);
        let ts = give((&mut self.engine, &mut Inputs::default()), &mut self.outbox, record, self.limits, meters)?;
        self.vigil.hear(record.partition, ts, record.appended_at, now);
        while let Some(output) = self.outbox.pop() {
            match output {
                Output::Notify(alert, completed_at) => self.notify(alert, completed_at, Some(now))?,
                Output::Rejected(_, rejection) => self.bury(record, &rejection),
                Output::Signal(_) => {}
            }
        }
        Ok(())
    }

    /// Looks at the input as a whole, and gives the engine what follows from the clock. `drained`: all that was read has been
    /// handled.
    pub fn look(&mut self, now: Instant, drained: bool) -> Result<(), Failure> {
        for input in self.vigil.decide(&self.engine, now, drained) {
            self.record(&input)?;
            self.engine.handle(input, &mut self.outbox);
            while let Some(output) = self.outbox.pop() {
                match output {
                    Output::Notify(alert, completed_at) => self.notify(alert, completed_at, None)?,
                    Output::Rejected(..) | Output::Signal(_) => {}
                }
            }
        }
        Ok(())
    }

    /// Writes an input into the audit log: with what it influences it becomes visible.
    fn record(&mut self, input: &Input<'_>) -> Result<(), Failure> {
        let Some(recorded) = Recorded::of(input, &self.engine.context().sources) else { return Ok(()) };
        if let Recorded::Mode { mode, reasons, .. } = &recorded {
            let reasons: Vec<&str> = reasons.iter().map(|reason| reason.reason.name()).collect();
            tracing::warn!(mode = mode.name(), ?reasons, "the mode changes");
        }
        let (service, number) = (self.service.clone(), self.engine.decided() + 1);
        let entry = audit::Entry { service, recorded_at: clock::wall(), number, input: recorded };
        let payload = serde_json::to_vec(&entry)
            .map_err(|e| Failure::new(Exit::Failed, format!("an input cannot be written as JSON: {e}")))?;
        let (topic, key) = (self.topics.audit.as_str().to_owned(), self.service.clone().into_bytes());
        self.wait(Message { topic, key, payload, headers: Vec::new() });
        Ok(())
    }

    fn notify(
        &mut self,
        mut alert: Box<Alert>,
        completed_at: Option<WallTime>,
        handled_at: Option<WallTime>,
    ) -> Result<(), Failure> {
        let now = clock::wall();
        let millis = |span: crate::time::Span| span.secs_f64() * 1e3;
        alert.emitted_at = Some(now);
        let latency = Latency {
            feed: completed_at.map(|at| -millis(alert.revised_at.ahead_of(at))),
            queue: completed_at.zip(handled_at).map(|(appended, handled)| millis(handled.since(appended))),
            engine: handled_at.map(|handled| millis(now.since(handled))),
            delivery: None,
        };
        alert.latency_ms = Some(latency);
        self.measure(latency);
        alert.audit.build = Some(crate::app::build().to_owned());
        let payload = serde_json::to_vec(&alert)
            .map_err(|e| Failure::new(Exit::Failed, format!("an alert cannot be written as JSON: {e}")))?;
        tracing::debug!(
            id = alert.id,
            revision = alert.revision,
            severity = alert.severity.name(),
            title = alert.title,
            "alert"
        );
        self.alerts = self.alerts.max(if alert.revision == 1 { Alerts::Opening } else { Alerts::Some });
        let topic = self.topics.alerts.as_str().to_owned();
        self.wait(Message { topic, key: alert.id.clone().into_bytes(), payload, headers: Vec::new() });
        Ok(())
    }

    fn measure(&mut self, latency: Latency) {
        let stages = [(Stage::Feed, latency.feed), (Stage::Queue, latency.queue), (Stage::Engine, latency.engine)];
        for (stage, millis) in stages {
            if let Some(millis) = millis {
                self.telemetry.meters.alert(stage, millis / 1e3);
            }
        }
        self.emitted.push(clock::monotonic());
    }

    /// Puts a record that cannot be used among the dead letters, with its key and its bytes.
    fn bury(&mut self, record: Received<'_>, rejection: &Rejection) {
        let Partition { topic, number, .. } = &self.partitions[record.partition];
        let letter = dead_letter::of(self.topics.dead_letter.as_str(), (topic, *number), record, rejection);
        self.wait(letter);
    }

    fn wait(&mut self, message: Message) {
        self.waiting_bytes += message.bytes();
        self.waiting.push(message);
    }

    /// The engine, for its numbers.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// How each partition stands. `idle`: nothing that was read waits to be taken.
    pub fn positions(&self, ends: &Ends, idle: bool) -> impl Iterator<Item = Position> {
        self.partitions.iter().enumerate().map(move |(source, partition)| Position {
            topic: partition.topic.clone(),
            number: partition.number,
            clock: self.engine.clock(source),
            lag: ends.of(&partition.topic, partition.number).map(|end| end.lag(partition.next, idle)),
        })
    }

    /// How long until the next commit is due.
    pub fn until_commit(&self, now: Instant) -> Duration {
        self.commit_at.saturating_duration_since(now)
    }

    /// Whether it is time to commit: at once with an alert, else on the interval.
    pub fn is_due(&self, now: Instant) -> bool {
        self.alerts > Alerts::None || self.waiting_bytes >= WAITING_BYTES_MAX || now >= self.commit_at
    }

    /// Commits outputs and offsets together, if there is anything new.
    pub fn commit(&mut self, publisher: &Publisher, reader: &Handle, interrupt: &Interrupt) -> Result<(), Failure> {
        self.commit_at = clock::monotonic() + self.interval;
        if !self.waiting.is_empty() || self.partitions.iter().any(|p| p.next != p.committed) {
            self.publish(publisher, reader, interrupt)?;
        }
        let positions = || positions(&self.partitions);
        self.keeper.keep_if_due(&self.engine, self.taken, positions);
        Ok(())
    }

    /// Leaves the state for the next who takes the partitions. To be called when all that was taken is committed.
    pub fn finish(mut self) {
        if self.partitions.iter().all(|p| p.next == p.committed) {
            let positions = || positions(&self.partitions);
            self.keeper.finish(&self.engine, self.taken, positions);
        }
    }

    fn publish(&mut self, publisher: &Publisher, reader: &Handle, interrupt: &Interrupt) -> Result<(), Failure> {
        let offsets = self.offsets().map_err(|e| unavailable("cannot name the offsets", &e))?;
        let mut transaction = Transaction {
            messages: &mut self.waiting,
            offsets: &offsets,
            reader,
            opens_incident: self.alerts == Alerts::Opening,
        };
        let began = clock::monotonic();
        publisher.commit(&mut transaction, interrupt)?;
        let now = clock::monotonic();
        self.telemetry.meters.committed(now.duration_since(began), self.emitted.len());
        for emitted in self.emitted.drain(..) {
            self.telemetry.meters.alert(Stage::Delivery, now.duration_since(emitted).as_secs_f64());
        }
        self.waiting.clear();
        (self.waiting_bytes, self.alerts) = (0, Alerts::None);
        for partition in &mut self.partitions {
            partition.committed = partition.next;
        }
        Ok(())
    }

    /// The next offset of each partition, with its fates so far for whoever looks at the group's offsets.
    fn offsets(&self) -> Result<TopicPartitionList, KafkaError> {
        let mut list = TopicPartitionList::new();
        for (partition, fates) in self.partitions.iter().zip(self.engine.fates()) {
            list.add_partition_offset(&partition.topic, partition.number, Offset::Offset(partition.next))?;
            if let Some(mut added) = list.find_partition(&partition.topic, partition.number) {
                added.set_metadata(serde_json::to_string(fates).unwrap_or_default());
            }
        }
        Ok(list)
    }
}

/// Gives a record to an engine, after the recorded inputs that come before it; the time of its event, where it has one. `meters`
/// measure how long that takes.
fn give(
    (engine, inputs): (&mut Engine, &mut Inputs),
    outbox: &mut Outbox,
    record: Received<'_>,
    limits: DecodeLimits,
    meters: Option<&Meters>,
) -> Result<Option<EventTime>, Failure> {
    let source = SourceId(u32::try_from(record.partition).unwrap_or(u32::MAX));
    let event = decode(record.payload, record.appended_at, limits);
    let content = event.as_ref().map(std::slice::from_ref).map_err(Clone::clone);
    let offset = u64::try_from(record.offset)
        .map_err(|_| Failure::new(Exit::Failed, "the broker handed out a negative offset"))?;
    while let Some(input) = inputs.before(source, offset, content.as_deref().unwrap_or_default()) {
        engine.handle(input, outbox);
    }
    let input = Input::Record(Record { source, offset, appended_at: record.appended_at, content });
    let began = meters.map(|meters| (meters, clock::monotonic()));
    engine.handle(input, outbox);
    if let Some((meters, began)) = began {
        meters.engine(clock::monotonic().duration_since(began));
    }
    Ok(event.ok().map(|event| event.ts))
}

fn positions(partitions: &[Partition]) -> Vec<state::Position> {
    let position = |partition: &Partition| state::Position {
        topic: partition.topic.clone(),
        partition: partition.number,
        next: partition.committed,
    };
    partitions.iter().map(position).collect()
}
