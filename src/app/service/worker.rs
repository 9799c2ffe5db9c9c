//! The service at work on its partitions: an engine that has read them so far, and the outputs and offsets of the next commit.

mod handing;
mod log_breaks;
mod settings;

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::consumer::Consumer as _;

pub use self::handing::discarding;
use self::handing::take;
use super::{
    crashes::Crashes,
    input_watch::InputWatch,
    partitions::{Partition, learn_ids, offsets, packed},
    pending::PendingCommit,
    positions,
    restore::{self, Ahead, Ground, Restored},
    snapshots::SnapshotSchedule,
    unread::UnreadPartitions,
};
use crate::{
    alert::Latency,
    app::{
        Failure, Interrupt, clock,
        deliver::Deliver,
        kafka::{
            batch::{BATCH_RECORDS_MAX, Received},
            consumer::{Handle, Moved, Start},
            lag::Ends,
            publisher::{Publisher, Transaction},
            unavailable,
        },
        metrics::{Numbers, Stage},
        telemetry::{PartitionStatus, Telemetry},
    },
    config::Config,
    engine::{Coverage, Engine, Input, Inputs, Outbox, Output, Recorded},
    event::{DecodeLimits, SourceId, decode_counting},
    time::{EventTime, WallTime},
    trust::{Decision, Skip, Standing},
};

/// One record in this many is measured, because reading the clock twice costs a twentieth of a record's handling. The number is
/// prime, so that a periodic input is not always measured at the same phase.
const MEASURED_EVERY: u64 = 61;
/// An engine, with the partitions that it reads and the messages that are not committed yet.
pub struct Worker {
    engine: Engine,
    outbox: Outbox,
    watch: InputWatch,
    deliver: Deliver,
    pending: PendingCommit,
    snapshots: SnapshotSchedule,
    unread: UnreadPartitions,
    telemetry: Arc<Telemetry>,
    limits: DecodeLimits,
    partitions: Vec<Partition>,
    /// Records taken; every so many is measured.
    taken: u64,
    /// How many numbers of the records taken were rounded.
    rounded: u64,
    crashes: Crashes,
    /// Whether the engine finishes each record before the next is taken, because a process stopped near this position.
    is_careful: bool,
}

/// A worker that has read its input again.
pub struct Resumed {
    pub worker: Worker,
    /// The positions at which the consumer begins to read.
    pub starts: Vec<Start>,
    /// The partitions whose log does not continue at the position that was read.
    pub moved: Vec<Moved>,
}

impl Partition {
    /// Whether the partition has been read to its end, but for one batch at most, which is no backlog.
    fn is_at_end(&self, ends: &Ends, is_drained: bool) -> bool {
        ends.of(&self.topic, self.number)
            .is_none_or(|end| usize::try_from(end.lag(self.next, is_drained)).is_ok_and(|lag| lag <= BATCH_RECORDS_MAX))
    }
}

impl Worker {
    /// Reads the input again up to the committed offsets. Returns the worker, the positions at which the consumer begins to read,
    /// and the partitions whose log does not continue at the position that was read; `None` without partitions.
    ///
    /// `ahead` is a state that this process holds already.
    pub fn restore(
        ground: Ground<'_>,
        telemetry: &Arc<Telemetry>,
        ahead: Option<Ahead>,
    ) -> Result<Option<Resumed>, Failure> {
        let config = ground.config;
        if ground.partitions.is_empty() {
            return Ok(None);
        }
        let restored = restore::restore(ground, ahead, discarding(config.limits.decode()))?;
        let moved: Vec<_> = restored.positions.iter().map(|position| position.moved).collect();
        let worker = Self::new(config, telemetry, restored)?;
        let starts = worker.partitions.iter().zip(&moved).map(|(partition, moved)| partition.start(*moved)).collect();
        let moved = moved.into_iter().enumerate().filter_map(|(partition, moved)| {
            moved.map(|positions::Moved { from, is_new_log }| Moved { partition, from, is_new_log })
        });
        let moved = moved.collect();
        Ok(Some(Resumed { worker, starts, moved }))
    }

    fn new(config: &Config, telemetry: &Arc<Telemetry>, restored: Restored) -> Result<Self, Failure> {
        let partitions: Vec<Partition> = restored.positions.iter().map(Partition::new).collect();
        let crashes = Crashes::new(config, restored.crashes.clone());
        Ok(Self {
            is_careful: crashes.are_near(&partitions),
            crashes,
            partitions,
            snapshots: SnapshotSchedule::new(config, telemetry, &restored)?,
            watch: InputWatch::new(&restored.engine, clock::monotonic()),
            unread: UnreadPartitions::new(clock::monotonic()),
            engine: restored.engine,
            outbox: Outbox::default(),
            deliver: Deliver::new(config),
            pending: PendingCommit::new(config.kafka.commit_interval),
            telemetry: Arc::clone(telemetry),
            limits: config.limits.decode(),
            taken: 0,
            rounded: 0,
        })
    }

    /// Takes the records of a batch; their outputs wait for the commit.
    pub fn take_batch<'r>(&mut self, records: impl Iterator<Item = Received<'r>>) -> Result<(), Failure> {
        let mut last = None;
        for record in records {
            let at = (record.partition, record.offset);
            last = Some((at, self.take(record)?));
            self.telemetry.took_record();
        }
        let Some((at, handled_at)) = last else { return Ok(()) };
        self.guarded(at, |worker| worker.engine.flush(&mut worker.outbox));
        self.deliver_outputs(None, Some(handled_at))
    }

    /// Works on a record. If the work stops the process, writes down at which record.
    fn guarded<T>(&mut self, (place, offset): (usize, i64), work: impl FnOnce(&mut Self) -> T) -> T {
        catch_unwind(AssertUnwindSafe(|| work(self))).unwrap_or_else(|panic| {
            self.crashes.record(&self.partitions[place], offset);
            resume_unwind(panic)
        })
    }

    /// Takes one record. Returns when that was.
    fn take(&mut self, record: Received<'_>) -> Result<WallTime, Failure> {
        if record.offset < self.partitions[record.partition].next {
            // Nobody has set the position back, so these are not the records that were read.
            let moved = Moved { partition: record.partition, from: record.offset, is_new_log: true };
            self.break_log(moved, 0)?;
        }
        let partition = &mut self.partitions[record.partition];
        partition.next = record.offset + 1;
        let record = Received { generation: partition.generation, ..record };
        if self.crashes.are_enough(&self.partitions[record.partition], record.offset) {
            self.skip(record)?;
        }
        let now = clock::wall();
        self.taken += 1;
        let ts = self.guarded((record.partition, record.offset), |worker| worker.hand_over(record, now))?;
        self.watch.observe(record.partition, ts, record.appended_at, now);
        self.deliver_outputs(Some(record), Some(now))?;
        Ok(now)
    }

    /// Hands a record to the engine, after a higher ceiling if its stamp must be compared with one.
    fn hand_over(&mut self, record: Received<'_>, now: WallTime) -> Result<Option<EventTime>, Failure> {
        let event = decode_counting(record.payload, self.limits, &mut self.rounded);
        let ts = event.as_ref().ok().map(|event| event.ts);
        let source = SourceId::of_index(record.partition);
        let ceiling = ts.and_then(|ts| InputWatch::ceiling(&self.engine, source, ts, now));
        ceiling.map_or(Ok(()), |ceiling| self.hand_in(ceiling))?;
        let meters = self.taken.is_multiple_of(MEASURED_EVERY).then_some(&self.telemetry.meters);
        take((&mut self.engine, &mut Inputs::default()), &mut self.outbox, record, &event, meters)?;
        if self.is_careful {
            self.engine.flush(&mut self.outbox);
        }
        Ok(ts)
    }

    /// Leaves out a record at which processes of the service stopped: it goes to the dead letters.
    fn skip(&mut self, record: Received<'_>) -> Result<(), Failure> {
        let source = SourceId::of_index(record.partition);
        let Partition { topic, number, .. } = &self.partitions[record.partition];
        tracing::error!(
            topic,
            partition = number,
            offset = record.offset,
            "a record at which the service stopped twice is left out"
        );
        let after_offset = self.engine.last_offset(source);
        let offset = packed(record.generation, record.offset)?;
        self.hand_in(Decision::Skip(Skip { source, after_offset, offset }))
    }

    /// Records the breaks of the logs that the restore found. Must be called after the totals have begun to follow the engine's
    /// counters, because the process before has not counted these breaks.
    pub fn break_logs(&mut self, moved: Vec<Moved>) -> Result<(), Failure> {
        moved.into_iter().try_for_each(|moved| self.break_log(moved, 0))
    }

    /// Records the breaks of the logs in which the consumer goes on at another position.
    pub fn move_on(&mut self, moved: Vec<Moved>, reader: &Handle) -> Result<(), Failure> {
        for moved in moved {
            let Partition { topic, number, next, .. } = &self.partitions[moved.partition];
            let unread = reader.context().ends.of(topic, *number).map_or(0, |end| end.lag(*next, true));
            self.break_log(moved, unread.unsigned_abs())?;
            self.partitions[moved.partition].topic_id = None;
        }
        learn_ids(&mut self.partitions, reader);
        Ok(())
    }

    /// Logs that a partition does not continue at the position that was read, and hands the decision to the engine. `unread` is
    /// the number of records that are known to be left in the old log.
    fn break_log(&mut self, moved: Moved, unread: u64) -> Result<(), Failure> {
        let source = SourceId::of_index(moved.partition);
        let last = (self.engine.last_offset(source), self.engine.own_clock(source));
        let Some(decision) = self.partitions[moved.partition].break_log(moved, unread, last)? else { return Ok(()) };
        // What came before cannot be read again.
        self.snapshots.hurry();
        self.hand_in(decision)
    }

    /// Observes the input as a whole, and hands the engine the decisions that follow from the clock. `is_drained`: all that was
    /// read has been handled.
    pub fn decide(&mut self, now: Instant, is_drained: bool, reader: &Handle) -> Result<(), Failure> {
        let Self { watch, engine, partitions, unread, .. } = self;
        if let Some(unread) = unread.look(now, partitions, reader) {
            watch.observe_unread(now, unread);
        }
        let ends = &reader.context().ends;
        let at_end = || partitions.iter().map(|partition| partition.is_at_end(ends, is_drained)).collect();
        for decision in watch.decide(engine, now, is_drained, at_end) {
            self.hand_in(decision)?;
        }
        Ok(())
    }

    /// Records a decision and hands it to the engine.
    fn hand_in(&mut self, decision: Decision) -> Result<(), Failure> {
        self.record(&decision)?;
        self.engine.handle(Input::Decision(decision), &mut self.outbox);
        self.deliver_outputs(None, None)
    }

    /// Writes a decision into the audit log under its number. It becomes visible together with the outputs that it influences.
    fn record(&mut self, decision: &Decision) -> Result<(), Failure> {
        let recorded = Recorded::of(decision, &self.engine.context().sources);
        let recorded = recorded.expect("the sources of a service are partitions");
        if let Recorded::Mode { mode, reasons, .. } = &recorded {
            let reasons: Vec<&str> = reasons.iter().map(|reason| reason.reason.name()).collect();
            let (reasons, reasons_total) = (reasons.join(","), reasons.len());
            tracing::warn!(mode = mode.name(), reasons, reasons_total, "the mode changes");
        }
        self.pending.push(self.deliver.decision(self.engine.decided() + 1, recorded)?);
        Ok(())
    }

    /// Turns outputs into messages that wait for the commit. `record` is the one being handled, if there is one.
    fn deliver_outputs(&mut self, record: Option<Received<'_>>, handled_at: Option<WallTime>) -> Result<(), Failure> {
        while let Some(output) = self.outbox.pop() {
            match output {
                Output::Notify(mut alert, completed_at) => {
                    let (message, latency) = self.deliver.alert(&mut alert, completed_at, handled_at)?;
                    self.measure(latency);
                    self.pending.push_alert(message, alert.revision == 1, latency.before_delivery());
                }
                Output::Rejected(_, rejection) => {
                    let record = record.expect("a record is rejected while it is handled");
                    let Partition { topic, number, .. } = &self.partitions[record.partition];
                    self.pending.push(self.deliver.dead_letter((topic, *number), record, &rejection));
                }
                Output::Signal(_) => {}
            }
        }
        Ok(())
    }

    fn measure(&self, latency: Latency) {
        let stages = [(Stage::Feed, latency.feed), (Stage::Queue, latency.queue), (Stage::Engine, latency.engine)];
        for (stage, millis) in stages {
            if let Some(millis) = millis {
                self.telemetry.meters.alert(stage, millis / 1e3);
            }
        }
    }

    /// The numbers of the engine and of its records.
    pub fn numbers(&self, symbols_max: usize) -> Numbers {
        let mut numbers = Numbers::of(&self.engine, symbols_max, self.rounded);
        numbers.unread(self.unread.len());
        numbers
    }

    /// How far the input can be trusted.
    pub fn standing(&self) -> Standing {
        self.engine.standing().0
    }

    /// The coverage of the engine's detectors now.
    pub fn coverage(&self) -> Coverage {
        self.engine.coverage()
    }

    /// The state of each partition. `idle`: nothing that was read waits to be taken.
    pub fn positions(&self, ends: &Ends, idle: bool) -> impl Iterator<Item = PartitionStatus> {
        self.partitions.iter().enumerate().map(move |(source, partition)| PartitionStatus {
            topic: partition.topic.clone(),
            number: partition.number,
            clock: self.engine.clock(source),
            lag: ends.of(&partition.topic, partition.number).map(|end| end.lag(partition.next, idle)),
        })
    }

    /// How long until the next commit is due.
    pub fn until_commit(&self, now: Instant) -> Duration {
        self.pending.until_due(now)
    }

    /// Whether it is time to commit.
    pub fn is_due(&self, now: Instant) -> bool {
        self.pending.is_due(now)
    }

    /// Commits outputs and offsets together, if there is anything new. All that was taken has been flushed by then.
    pub fn commit(&mut self, publisher: &Publisher, reader: &Handle, interrupt: &Interrupt) -> Result<(), Failure> {
        self.pending.begin_interval();
        if !self.pending.is_empty() || !self.partitions.iter().all(Partition::is_committed) {
            self.publish(publisher, reader, interrupt)?;
        }
        let positions = || self.partitions.iter().map(Partition::position).collect();
        self.snapshots.take_if_due(&self.engine, self.taken, positions);
        Ok(())
    }

    /// Leaves the state for the next process that takes the partitions. To be called when all that was taken is committed.
    pub fn finish(mut self) {
        if self.partitions.iter().all(Partition::is_committed) {
            let positions = || self.partitions.iter().map(Partition::position).collect();
            self.snapshots.finish(&self.engine, self.taken, positions);
        }
    }

    fn publish(&mut self, publisher: &Publisher, reader: &Handle, interrupt: &Interrupt) -> Result<(), Failure> {
        learn_ids(&mut self.partitions, reader);
        let offsets = offsets(&self.partitions, self.engine.fates());
        let offsets = offsets.map_err(|e| unavailable("cannot name the offsets", &e))?;
        let opens_incident = self.pending.opens_incident();
        let messages = self.pending.messages();
        let began = clock::monotonic();
        let mut transaction = Transaction { messages, offsets: &offsets, reader, opens_incident };
        publisher.commit(&mut transaction, interrupt)?;
        self.pending.committed(began, &self.telemetry.meters);
        self.partitions.iter_mut().for_each(Partition::commit);
        self.is_careful &= self.crashes.are_near(&self.partitions);
        Ok(())
    }
}
