//! The consumer on its own thread: records of the partitions that the group gave to this process, in batches.
//!
//! The thread polls and copies, nothing else; a bounded channel hands batches on. While the channel is full the partitions
//! are paused and polling goes on, so the group never takes this process for dead. A rebalance is a message in the same
//! channel: what was read before it comes before it, and partitions are given back only when the other side has committed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use crossbeam_channel::{Receiver, SendTimeoutError, Sender, bounded};
use rdkafka::{
    ClientContext, Message as _, Statistics, Timestamp, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance},
    error::KafkaError,
    message::BorrowedMessage,
};

use super::{
    consumer as settings,
    lag::{self, Ends},
    unavailable,
};
use crate::{
    app::{Failure, Interrupt},
    config::Kafka,
    time::WallTime,
};

/// Batches that wait: with the records in one, some tens of milliseconds of a busy feed.
const BATCHES_MAX: usize = 16;
/// Records in a batch: half a millisecond of the engine's work.
const BATCH_RECORDS_MAX: usize = 512;
/// Bytes in a batch.
const BATCH_BYTES_MAX: usize = 1 << 20;
/// How long an empty poll waits, and how often the interrupt is looked at.
const POLL: Duration = Duration::from_millis(100);
/// How long a busy other side is simply waited for. Pausing throws prefetched records away, and resuming takes up to a
/// second to fetch them again, so it is only for a wait that might cost the membership.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a poll waits while the other side is busy.
const BUSY_POLL: Duration = Duration::from_millis(2);
/// How long giving partitions back waits for the last commit.
const RELEASE_MAX: Duration = Duration::from_secs(30);

/// What the thread has to say, in order.
pub enum Delivery {
    /// These partitions are ours, sorted; reading begins at the committed offsets.
    Assigned(Vec<(String, i32)>),
    /// Records of the partitions last assigned.
    Batch(Batch),
    /// They are no longer ours: commit, let go, and say so by dropping or sending.
    Revoked(Sender<()>),
    /// The consumer cannot go on.
    Failed(Failure),
}

/// Records, copied once into one piece of memory.
#[derive(Default)]
pub struct Batch {
    bytes: Vec<u8>,
    records: Vec<Entry>,
}

struct Entry {
    partition: usize,
    offset: i64,
    appended_at: Option<WallTime>,
    key: std::ops::Range<usize>,
    payload: Option<std::ops::Range<usize>>,
}

/// One record of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// Index of its partition in the assignment.
    pub partition: usize,
    /// Its offset.
    pub offset: i64,
    /// Its own time.
    pub appended_at: Option<WallTime>,
    /// Its key; empty where it has none.
    pub key: &'a [u8],
    /// Its bytes; empty for a tombstone.
    pub payload: &'a [u8],
}

impl Batch {
    fn push(&mut self, partition: usize, message: &BorrowedMessage<'_>) {
        let mut copy = |bytes: &[u8]| {
            let start = self.bytes.len();
            self.bytes.extend_from_slice(bytes);
            start..self.bytes.len()
        };
        let (key, payload) = (copy(message.key().unwrap_or_default()), message.payload().map(&mut copy));
        self.records.push(Entry {
            partition,
            offset: message.offset(),
            appended_at: appended_at(message),
            key,
            payload,
        });
    }

    fn is_full(&self) -> bool {
        self.records.len() >= BATCH_RECORDS_MAX || self.bytes.len() >= BATCH_BYTES_MAX
    }

    /// The records, in the order in which they were read.
    pub fn records(&self) -> impl Iterator<Item = Received<'_>> {
        self.records.iter().map(|entry| Received {
            partition: entry.partition,
            offset: entry.offset,
            appended_at: entry.appended_at,
            key: &self.bytes[entry.key.clone()],
            payload: entry.payload.clone().map_or(&[], |range| &self.bytes[range]),
        })
    }
}

/// A record's own time.
#[must_use]
pub fn appended_at(message: &BorrowedMessage<'_>) -> Option<WallTime> {
    match message.timestamp() {
        Timestamp::NotAvailable => None,
        Timestamp::CreateTime(millis) | Timestamp::LogAppendTime(millis) => {
            Some(WallTime::from_nanos(millis.saturating_mul(1_000_000)))
        }
    }
}

/// The consumer itself, for its offsets and its membership.
pub type Handle = Arc<BaseConsumer<Rebalances>>;

/// Tells the other side of rebalances.
pub struct Rebalances {
    sender: Sender<Delivery>,
    /// Counts assignments: what was read under an earlier one is read again from the committed offsets.
    epoch: AtomicU64,
    /// How far there is to go.
    pub ends: Ends,
}

impl ClientContext for Rebalances {
    fn stats(&self, statistics: Statistics) {
        self.ends.take(&statistics);
    }
}

impl ConsumerContext for Rebalances {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(_) = rebalance {
            let (done, wait) = bounded(1);
            if self.sender.send(Delivery::Revoked(done)).is_ok() {
                // A time-out or a hung-up sender mean the same: there is nothing more to wait for.
                let _ = wait.recv_timeout(RELEASE_MAX);
            }
        }
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(list) = rebalance {
            self.epoch.fetch_add(1, Ordering::Relaxed);
            // The other side is gone only when the process ends.
            let _ = self.sender.send(Delivery::Assigned(sorted(list)));
        }
    }
}

fn sorted(list: &TopicPartitionList) -> Vec<(String, i32)> {
    let mut partitions: Vec<_> = list.elements().iter().map(|e| (e.topic().to_owned(), e.partition())).collect();
    partitions.sort_unstable();
    partitions
}

/// Joins the group and starts the thread. It ends when the interrupt is requested or the receiver is gone.
///
/// # Errors
/// Exit 64 where the settings are refused, 69 where the topics cannot be subscribed to.
pub fn start(kafka: &Kafka, interrupt: &Interrupt) -> Result<(Handle, Receiver<Delivery>, JoinHandle<()>), Failure> {
    let (sender, receiver) = bounded(BATCHES_MAX);
    let mut settings = settings(kafka);
    settings
        // A dead process is missed after six seconds rather than 45.
        .set("session.timeout.ms", "6000")
        .set("heartbeat.interval.ms", "500")
        .set("statistics.interval.ms", lag::EVERY_MS);
    let consumer: Handle = Arc::new(
        settings
            .create_with_context(Rebalances { sender: sender.clone(), epoch: AtomicU64::new(0), ends: Ends::default() })
            .map_err(|e| Failure::usage(format!("the Kafka client refuses its settings: {e}; see `kafka.client`")))?,
    );
    let topics: Vec<&str> = kafka.input.iter().map(crate::config::Subscription::as_str).collect();
    consumer.subscribe(&topics).map_err(|e| unavailable("cannot subscribe to the input", &e))?;
    let poller = Poller {
        consumer: Arc::clone(&consumer),
        sender,
        interrupt: interrupt.clone(),
        epoch: 0,
        partitions: Vec::new(),
    };
    let thread = std::thread::Builder::new()
        .name("consumer".to_owned())
        .spawn(move || poller.run())
        .map_err(|e| Failure::new(crate::app::Exit::Failed, format!("cannot start a thread: {e}")))?;
    Ok((consumer, receiver, thread))
}

struct Poller {
    consumer: Handle,
    sender: Sender<Delivery>,
    interrupt: Interrupt,
    /// The assignment under which it reads, and its partitions.
    epoch: u64,
    partitions: Vec<(String, i32)>,
}

impl Poller {
    fn run(mut self) {
        while !self.interrupt.requested() {
            let mut batch = Batch::default();
            let outcome = self.fill(&mut batch).and_then(|()| self.hand_on(batch));
            match outcome {
                Ok(true) => {}
                Ok(false) => return,
                Err(failure) => {
                    let _ = self.sender.send(Delivery::Failed(failure));
                    return;
                }
            }
        }
    }

    /// Polls until the batch is full or there is nothing more for now.
    fn fill(&mut self, batch: &mut Batch) -> Result<(), Failure> {
        let mut wait = POLL;
        while !batch.is_full() && self.poll(wait, batch)? {
            wait = Duration::ZERO;
        }
        Ok(())
    }

    /// Polls once; `false` when nothing came. A rebalance is served here: what the batch holds from before it goes, as
    /// reading begins again at the committed offsets.
    fn poll(&mut self, wait: Duration, batch: &mut Batch) -> Result<bool, Failure> {
        let consumer = Arc::clone(&self.consumer);
        let polled = consumer.poll(wait);
        let epoch = consumer.context().epoch.load(Ordering::Relaxed);
        if epoch != self.epoch {
            *batch = Batch::default();
            let assignment = consumer.assignment().map_err(|e| unavailable("cannot ask for the assignment", &e))?;
            (self.epoch, self.partitions) = (epoch, sorted(&assignment));
        }
        match polled {
            None => Ok(false),
            Some(Ok(message)) => {
                let key = (message.topic(), message.partition());
                if let Ok(index) = self.partitions.binary_search_by(|(t, p)| (t.as_str(), *p).cmp(&key)) {
                    batch.push(index, &message);
                }
                Ok(true)
            }
            Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => {
                Err(unavailable("the Kafka client gave up", &error))
            }
            // librdkafka goes on by itself once the broker is back.
            Some(Err(error)) => {
                tracing::warn!(%error, "reading is held up");
                Ok(false)
            }
        }
    }

    /// Hands a batch on; while the other side is busy, pauses reading but keeps the membership alive. `false` when the
    /// other side is gone.
    fn hand_on(&mut self, mut batch: Batch) -> Result<bool, Failure> {
        let mut paused = None;
        while !batch.records.is_empty() && !self.interrupt.requested() {
            let wait = if paused.is_none() { PATIENCE } else { Duration::ZERO };
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
        self.set_paused(paused.as_ref(), false);
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
