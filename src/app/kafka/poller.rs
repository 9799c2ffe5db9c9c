//! The consumer's thread: polls the client, copies records into batches, and sends them on.
//!
//! The thread knows the next offset of each partition. Where the client cannot go on there, because retention has passed it or
//! because another log has begun, the thread asks for the offsets that each partition holds, sends [`Delivery::Moved`] after the
//! records read before, and begins again at the first offset. Which of the two it is follows from the topic's id, and from the
//! offsets where that is unknown: a position behind the end can only be one in another log.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use crossbeam_channel::{Receiver, SendTimeoutError, Sender};
use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::Consumer as _,
    error::{KafkaError, RDKafkaErrorCode},
};

use super::{
    batch::Batch,
    contact::Contact,
    delivery::{BUSY_POLL, Delivery, Handle, Moved, Start},
    fault::{Fault, code, is_login},
    unavailable,
};
use crate::app::{Exit, Failure, Interrupt};

/// How long a poll waits for records, and how often the interrupt is checked.
const POLL: Duration = Duration::from_millis(100);
/// How long the thread waits for a busy receiver before it pauses the partitions. Pausing discards prefetched records, and resuming
/// takes up to a second to fetch them again, so it serves only for a wait that might cost the membership.
const BUSY_MAX: Duration = Duration::from_secs(5);
/// How long a question to a broker waits for the answer: whether it is back, or what a partition holds.
const PROBE_MAX: Duration = Duration::from_millis(500);

/// The state of the consumer's thread.
pub(super) struct Poller {
    consumer: Handle,
    sender: Sender<Delivery>,
    left: Interrupt,
    contact: Contact,
    /// Whether no broker answers.
    down: bool,
    /// Number of the assignment under which records are read.
    epoch: u64,
    assignment: Assignment,
}

/// The input that is read.
enum Assignment {
    /// No partition is read: there are none, or the receiver has not yet sent the positions.
    Waiting(Option<Receiver<Vec<Start>>>),
    /// The partitions.
    Reading(Reading),
}

/// Partitions that are read.
struct Reading {
    /// Each partition with its next offset, in the order of the numbers that records carry.
    partitions: Vec<Start>,
    /// The index in `partitions` of each partition, by topic and number, sorted.
    indices: Vec<((String, i32), usize)>,
    /// Topics that were made again, whose partitions are not read until they are read from their start.
    remade: BTreeSet<String>,
    /// Whether the client cannot go on in some partition.
    stuck: bool,
}

impl Poller {
    pub(super) const fn new(consumer: Handle, sender: Sender<Delivery>, left: Interrupt, contact: Contact) -> Self {
        let assignment = Assignment::Waiting(None);
        Self { consumer, sender, left, contact, down: false, epoch: 0, assignment }
    }

    pub(super) fn run(mut self) {
        while !self.left.requested() {
            let mut batch = Batch::default();
            let outcome = self.fill(&mut batch).and_then(|()| self.hand_on(batch)).and_then(|goes_on| {
                let moves = matches!(&self.assignment, Assignment::Reading(reading) if reading.stuck);
                if goes_on && moves { self.move_on() } else { Ok(goes_on) }
            });
            match outcome {
                Ok(true) => {}
                Ok(false) => return,
                Err(failure) => {
                    self.consumer.context().fail(failure);
                    return;
                }
            }
        }
    }

    /// Polls until the batch is full or no more records are there for now.
    fn fill(&mut self, batch: &mut Batch) -> Result<(), Failure> {
        let mut wait = POLL;
        while !batch.is_full() && self.poll(wait, batch)? {
            wait = Duration::ZERO;
        }
        if self.down && (!batch.is_empty() || self.consumer.client().fetch_metadata(None, PROBE_MAX).is_ok()) {
            self.down = false;
            self.contact.worked();
        }
        Ok(())
    }

    /// Polls once; `false` when no record came. The client handles rebalances in the poll. After one, the batch's earlier records
    /// are discarded, because reading begins again at the committed offsets.
    fn poll(&mut self, wait: Duration, batch: &mut Batch) -> Result<bool, Failure> {
        let consumer = Arc::clone(&self.consumer);
        let polled = consumer.poll(wait);
        let context = consumer.context();
        if context.epoch() != self.epoch {
            *batch = Batch::default();
            self.epoch = context.epoch();
            self.assignment = Assignment::Waiting(context.take_starts());
        }
        self.begin_if_positioned()?;
        let Assignment::Reading(reading) = &mut self.assignment else {
            return polled.and_then(Result::err).map_or(Ok(false), |error| self.handle_error(&error).map(|()| false));
        };
        if context.topic_ids.has_changed() {
            reading.remade.append(&mut context.topic_ids.take_remade());
            reading.stuck = true;
        }
        match polled {
            None => Ok(false),
            Some(Ok(message)) => {
                if let Some(index) = reading.take(message.topic(), message.partition(), message.offset()) {
                    batch.push(index, &message);
                }
                Ok(!reading.stuck)
            }
            Some(Err(error)) if code(&error) == Some(RDKafkaErrorCode::AutoOffsetReset) => {
                reading.stuck = true;
                Ok(false)
            }
            Some(Err(error)) => self.handle_error(&error).map(|()| false),
        }
    }

    /// Begins to read at the positions that the receiver has sent, if it has sent any.
    fn begin_if_positioned(&mut self) -> Result<(), Failure> {
        let Assignment::Waiting(Some(starts)) = &self.assignment else { return Ok(()) };
        let Ok(partitions) = starts.try_recv() else { return Ok(()) };
        let mut reading = Reading::new(partitions);
        // A topic may have been made again since the receiver looked.
        let ids = &self.consumer.context().topic_ids;
        ids.take_remade();
        for Start { topic, topic_id, .. } in &reading.partitions {
            if let (Some(then), Some(now)) = (topic_id, ids.of(topic))
                && *then != now
            {
                reading.remade.insert(topic.clone());
                reading.stuck = true;
            }
        }
        self.assign(&reading)?;
        self.assignment = Assignment::Reading(reading);
        Ok(())
    }

    /// Lets the client read each partition from its next offset.
    fn assign(&self, reading: &Reading) -> Result<(), Failure> {
        let fail = |error: KafkaError| unavailable("cannot begin to read", &error).passing();
        let mut list = TopicPartitionList::new();
        for Start { topic, partition, offset, .. } in &reading.partitions {
            if let Some(offset) = offset {
                list.add_partition_offset(topic, *partition, Offset::Offset(*offset)).map_err(fail)?;
            }
        }
        // In this order: the client numbers its steps with a partition, and a step of this thread that meets those of the
        // assignment may leave a number behind under which everything fetched counts as outdated.
        self.consumer.resume(&list).and_then(|()| self.consumer.assign(&list)).map_err(fail)
    }

    /// Handles a client that cannot go on: finds out why, reports it to the receiver, and goes on with the offsets that the
    /// partitions hold. Returns `false` when the receiver is gone. If a broker does not know yet, it is asked again later.
    fn move_on(&mut self) -> Result<bool, Failure> {
        let Assignment::Reading(reading) = &mut self.assignment else { return Ok(true) };
        let mut moved = Vec::new();
        for (index, start) in reading.partitions.iter_mut().enumerate() {
            let Some(next) = start.offset else { continue };
            let held = self.consumer.fetch_watermarks(&start.topic, start.partition, PROBE_MAX);
            let (low, high) = match held {
                Ok(held) => held,
                Err(error) => {
                    tracing::debug!(%error, topic = start.topic, "what a partition holds is not known yet");
                    return Ok(true);
                }
            };
            let id = self.consumer.context().topic_ids.of(&start.topic);
            if reading.remade.contains(&start.topic) {
                moved.push(Moved { partition: index, from: low, is_new_log: true });
            } else if next > high {
                // The same topic: its log was cut at the end, by a broker that took over without all records. What was read is not
                // read again, but what comes now has the offsets of other records.
                let is_same = start.topic_id.is_some() && start.topic_id == id;
                moved.push(Moved { partition: index, from: if is_same { high } else { low }, is_new_log: true });
            } else if next < low {
                moved.push(Moved { partition: index, from: low, is_new_log: false });
            }
            start.topic_id = id.or(start.topic_id.take());
        }
        for Moved { partition, from, .. } in &moved {
            reading.partitions[*partition].offset = Some(*from);
        }
        reading.remade.clear();
        reading.stuck = false;
        if let Assignment::Reading(reading) = &self.assignment {
            self.assign(reading)?;
        }
        Ok(moved.is_empty() || self.sender.send(Delivery::Moved(moved)).is_ok())
    }

    /// Handles an error of the client, which goes on by itself after most errors.
    fn handle_error(&mut self, error: &KafkaError) -> Result<(), Failure> {
        if matches!(error, KafkaError::MessageConsumptionFatal(_)) {
            return Err(gave_up(error));
        }
        match Fault::of(error) {
            Fault::Refused | Fault::Unusable => return Err(unavailable("cannot read the input", error)),
            // The group then takes the topic's partitions away, and the session ends if no others are left.
            Fault::Missing => {
                tracing::warn!(%error, "an input topic is not there: it is read again when it is made again");
            }
            Fault::Passing if is_login(error) || code(error) == Some(RDKafkaErrorCode::AllBrokersDown) => {
                self.down = true;
                self.contact.failed("no broker answers", error);
            }
            Fault::Passing | Fault::Superseded | Fault::TooLarge => tracing::debug!(%error, "reading is held up"),
        }
        Ok(())
    }

    /// Sends a batch. While the receiver is busy, pauses reading but keeps the membership alive. `false` when the receiver is gone.
    fn hand_on(&mut self, mut batch: Batch) -> Result<bool, Failure> {
        let (mut paused, epoch) = (None, self.epoch);
        while !batch.is_empty() && !self.left.requested() {
            let wait = if paused.is_none() { BUSY_MAX } else { Duration::ZERO };
            match self.sender.send_timeout(Delivery::Batch(batch), wait) {
                Ok(()) => break,
                Err(SendTimeoutError::Timeout(Delivery::Batch(back))) => batch = back,
                Err(SendTimeoutError::Disconnected(_) | SendTimeoutError::Timeout(_)) => return Ok(false),
            }
            if paused.is_none() {
                paused = self.consumer.assignment().ok();
                self.set_paused(paused.as_ref(), true);
            }
            self.poll(BUSY_POLL, &mut batch)?;
        }
        // Partitions that were assigned meanwhile stay paused until the receiver sends their positions.
        if self.epoch == epoch {
            self.set_paused(paused.as_ref(), false);
        }
        Ok(true)
    }

    fn set_paused(&self, partitions: Option<&TopicPartitionList>, pause: bool) {
        let Some(partitions) = partitions else { return };
        let outcome = if pause { self.consumer.pause(partitions) } else { self.consumer.resume(partitions) };
        if let Err(error) = outcome {
            tracing::debug!(%error, "partitions changed hands while they were paused");
        }
    }
}

impl Reading {
    fn new(partitions: Vec<Start>) -> Self {
        let index = |(index, start): (usize, &Start)| ((start.topic.clone(), start.partition), index);
        let mut indices: Vec<_> = partitions.iter().enumerate().map(index).collect();
        indices.sort_unstable();
        Self { partitions, indices, remade: BTreeSet::new(), stuck: false }
    }

    /// Takes a record: the index of its partition; `None` where the record is not to be read, because its partition is about to be
    /// read from the start.
    fn take(&mut self, topic: &str, partition: i32, offset: i64) -> Option<usize> {
        if self.remade.contains(topic) {
            return None;
        }
        let key = (topic, partition);
        let found = self.indices.binary_search_by(|((topic, number), _)| (topic.as_str(), *number).cmp(&key)).ok()?;
        let (_, index) = self.indices[found];
        self.partitions[index].offset = Some(offset + 1);
        Some(index)
    }
}

/// The failure of a client that is of no further use. No two processes have one name in the group, so a name used twice is a
/// mistake in the configuration, which would go on.
fn gave_up(error: &KafkaError) -> Failure {
    if code(error) == Some(RDKafkaErrorCode::FencedInstanceId) {
        let what = "another process has this one's name in the group: give each its own `kafka.instance`";
        return Failure::new(Exit::Failed, format!("{what}: {error}"));
    }
    unavailable("the Kafka client gave up", error).passing()
}
