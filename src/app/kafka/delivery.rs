//! The messages of the consumer's thread, and the consumer's context, which sends those about rebalances.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, bounded};
use rdkafka::{
    ClientContext, Statistics, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance},
};

use super::{batch::Batch, lag::Ends, logs::TopicIds};
use crate::app::{Failure, Interrupt};

/// How long a poll waits while the receiver is busy.
pub(super) const BUSY_POLL: Duration = Duration::from_millis(2);
/// How long giving partitions back waits for the last commit: a tenth of what the group allows by default.
const RELEASE_MAX: Duration = Duration::from_secs(30);

/// A message of the thread; they come in order.
pub enum Delivery {
    /// Partitions were assigned; reading begins when the receiver says where.
    Assigned(Assignment),
    /// Records of the assigned partitions.
    Batch(Batch),
    /// The logs of partitions do not continue at the positions that were read.
    Moved(Vec<Moved>),
    /// The partitions are revoked: the receiver commits, lets them go, and reports that by a message or by dropping the sender.
    Revoked(Revoked),
}

/// Assigned partitions, and the interrupt of the work on them.
pub struct Assignment {
    /// Topic and number of each partition, sorted.
    pub partitions: Vec<(String, i32)>,
    /// Requested as soon as the partitions are to be given back, so that long work on them stops.
    pub end: Interrupt,
    /// Takes the receiver's message where reading begins: once, the partitions in the order of their numbers in records.
    pub start: Sender<Vec<Start>>,
}

/// The position at which reading a partition begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The topic.
    pub topic: String,
    /// The partition's number.
    pub partition: i32,
    /// The offset of the first record to be read. `None` for a partition of which nothing can be read, because its topic is gone.
    pub offset: Option<i64>,
    /// The id of the topic that the offset is meant for, where it is known.
    pub topic_id: Option<String>,
}

/// A partition whose log does not continue at the position that was read, and which is now read from another offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The partition's index among those that are read.
    pub partition: usize,
    /// The offset of the next record: the first that the partition holds.
    pub from: i64,
    /// Whether it is another log: the topic has another id, or its end is before the position.
    pub is_new_log: bool,
}

/// A revocation of the partitions.
pub struct Revoked {
    /// Whether the partitions are gone already, so that nothing can be committed.
    pub lost: bool,
    /// Takes the receiver's message that the partitions may go.
    pub done: Sender<()>,
}

/// The consumer itself, for its offsets and its membership.
pub type Handle = Arc<BaseConsumer<Rebalances>>;

/// The consumer's context: sends rebalances to the receiver, and holds the state that the threads share.
pub struct Rebalances {
    sender: Sender<Delivery>,
    /// Counts assignments: records read under an earlier assignment are read again from the committed offsets.
    epoch: AtomicU64,
    /// The reported ends of the partitions.
    pub ends: Ends,
    /// The ids of topics.
    pub topic_ids: TopicIds,
    /// Whether the configuration asks for the client's debug lines, which are then logged.
    logs_debug: bool,
    /// The interrupt of the present assignment.
    assignment: Mutex<Interrupt>,
    /// The source of the message that says where the present assignment begins.
    starts: Mutex<Option<Receiver<Vec<Start>>>>,
    /// Requested when the membership is lost.
    lost: Interrupt,
    /// The reason where the membership is lost because the consumer cannot go on.
    failure: Mutex<Option<Failure>>,
}

impl Rebalances {
    /// The context of a new member, which sends its messages here. `lost` is requested when the membership is lost.
    pub(super) fn new(sender: Sender<Delivery>, lost: Interrupt, logs_debug: bool) -> Self {
        Self {
            sender,
            epoch: AtomicU64::new(0),
            ends: Ends::default(),
            topic_ids: TopicIds::default(),
            logs_debug,
            assignment: Mutex::default(),
            starts: Mutex::default(),
            lost,
            failure: Mutex::default(),
        }
    }

    /// Takes the reason why the consumer cannot go on, where that has ended the membership.
    pub(super) fn take_failure(&self) -> Option<Failure> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The number of the present assignment.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Relaxed)
    }

    /// Takes the end of the channel that says where the present assignment begins.
    pub(super) fn take_starts(&self) -> Option<Receiver<Vec<Start>>> {
        self.starts.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Ends the membership, because the consumer cannot go on.
    pub(super) fn fail(&self, failure: Failure) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
        self.lost.request();
    }
}

impl ClientContext for Rebalances {
    fn stats(&self, statistics: Statistics) {
        self.ends.take(&statistics);
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error => {
                tracing::error!(target: "librdkafka", "{facility}: {line}");
            }
            RDKafkaLogLevel::Warning => tracing::warn!(target: "librdkafka", "{facility}: {line}"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
                tracing::info!(target: "librdkafka", "{facility}: {line}");
            }
            RDKafkaLogLevel::Debug => {
                self.topic_ids.observe(line);
                if self.logs_debug {
                    tracing::debug!(target: "librdkafka", "{facility}: {line}");
                }
            }
        }
    }
}

impl ConsumerContext for Rebalances {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Revoke(_) = rebalance else { return };
        let lost = consumer.assignment_lost();
        if lost {
            self.lost.request();
            consumer.unsubscribe();
        }
        self.assignment.lock().unwrap_or_else(PoisonError::into_inner).request();
        let (done, wait) = bounded(1);
        if self.sender.send_timeout(Delivery::Revoked(Revoked { lost, done }), RELEASE_MAX).is_ok() {
            // A time-out and a dropped sender mean the same: there is nothing more to wait for.
            let _ = wait.recv_timeout(RELEASE_MAX);
        }
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(list) = rebalance {
            if let Err(error) = consumer.pause(list) {
                tracing::debug!(%error, "partitions changed hands at once");
            }
            let (start, starts) = bounded(1);
            *self.starts.lock().unwrap_or_else(PoisonError::into_inner) = Some(starts);
            self.epoch.fetch_add(1, Ordering::Relaxed);
            let end = self.lost.part();
            *self.assignment.lock().unwrap_or_else(PoisonError::into_inner) = end.clone();
            // The receiver is gone only when the membership ends.
            let _ = self.sender.send(Delivery::Assigned(Assignment { partitions: sorted(list), end, start }));
        }
    }
}

fn sorted(list: &TopicPartitionList) -> Vec<(String, i32)> {
    let mut partitions: Vec<_> = list.elements().iter().map(|e| (e.topic().to_owned(), e.partition())).collect();
    partitions.sort_unstable();
    partitions
}
