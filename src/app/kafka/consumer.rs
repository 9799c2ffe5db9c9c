//! Membership in the group, and the consumer on its own thread: records of the partitions that it was given, in batches.
//!
//! The thread polls and copies, nothing else; a bounded channel hands batches on. While the channel is full the partitions
//! are paused and polling goes on, so the group never takes this process for dead. What is read ahead is bounded in
//! librdkafka too, so a slow other side costs no memory.
//!
//! ```text
//!  join ──▶ Assigned ──▶ Batch, Batch, … ──▶ Revoked ──▶ Assigned …      each assignment has an end that its work looks at
//!                                               └─ lost: leaves at once, and commits nothing
//! ```
//! A rebalance is a message in the same channel: what was read before it comes before it, and partitions are given back only
//! when the other side has committed. Partitions that are lost, to a session that ended, are another's already: the member
//! leaves rather than joining again by itself, which would disturb whoever works now.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use crossbeam_channel::{Receiver, SendTimeoutError, Sender, bounded};
use rdkafka::{
    ClientConfig, ClientContext, Message as _, Statistics, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance},
    error::{KafkaError, RDKafkaErrorCode},
};

use super::{
    batch::Batch,
    consumer as settings,
    contact::Contact,
    fault::{Fault, code, is_login},
    group::{Roster, is_in},
    lag::{self, Ends},
    refusal::refused,
    unavailable,
};
use crate::{
    app::{Exit, Failure, Interrupt, clock, liveness::Pulse},
    config::Kafka,
};

/// Batches that wait: with the records in one, some tens of milliseconds of a busy feed.
const BATCHES_MAX: usize = 16;
/// How long an empty poll waits, and how often the end is looked at.
const POLL: Duration = Duration::from_millis(100);
/// How long a busy other side is simply waited for. Pausing throws prefetched records away, and resuming takes up to a
/// second to fetch them again, so it is only for a wait that might cost the membership.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a poll waits while the other side is busy.
const BUSY_POLL: Duration = Duration::from_millis(2);
/// How long giving partitions back waits for the last commit: a tenth of what the group allows by default.
const RELEASE_MAX: Duration = Duration::from_secs(30);
/// How long leaving the group may take; without an answer the group waits for the session's end.
const LEAVE_MAX: Duration = Duration::from_secs(2);
/// How long a broker that was away may take to answer whether it is back.
const PROBE_MAX: Duration = Duration::from_millis(500);

/// What the thread has to say, in order.
pub enum Delivery {
    /// These partitions are this process's; reading begins at the committed offsets.
    Assigned(Assignment),
    /// Records of the partitions last assigned.
    Batch(Batch),
    /// They are no longer: commit, let go, and say so by dropping or sending.
    Revoked(Revoked),
}

/// Partitions, and the end of their time here.
pub struct Assignment {
    /// Sorted.
    pub partitions: Vec<(String, i32)>,
    /// Requested as soon as they are to be given back: long work on them stops then.
    pub end: Interrupt,
}

/// Partitions that go.
pub struct Revoked {
    /// They are gone already: nothing can be committed.
    pub lost: bool,
    /// Told when they may go.
    pub done: Sender<()>,
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
    /// The end of the assignment at hand.
    assignment: Mutex<Interrupt>,
    /// The end of the membership, and why if the consumer cannot go on.
    lost: Interrupt,
    failure: Mutex<Option<Failure>>,
}

impl ClientContext for Rebalances {
    fn stats(&self, statistics: Statistics) {
        self.ends.take(&statistics);
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
            // A time-out or a hung-up sender mean the same: there is nothing more to wait for.
            let _ = wait.recv_timeout(RELEASE_MAX);
        }
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(list) = rebalance {
            self.epoch.fetch_add(1, Ordering::Relaxed);
            let end = self.lost.part();
            *self.assignment.lock().unwrap_or_else(PoisonError::into_inner) = end.clone();
            // The other side is gone only when the membership ends.
            let _ = self.sender.send(Delivery::Assigned(Assignment { partitions: sorted(list), end }));
        }
    }
}

fn sorted(list: &TopicPartitionList) -> Vec<(String, i32)> {
    let mut partitions: Vec<_> = list.elements().iter().map(|e| (e.topic().to_owned(), e.partition())).collect();
    partitions.sort_unstable();
    partitions
}

/// A seat in the group, from joining to leaving.
pub struct Membership {
    /// The consumer.
    pub reader: Handle,
    /// What it has to say.
    pub deliveries: Receiver<Delivery>,
    /// Requested when the group has taken the seat away: what is not committed by then cannot be.
    pub lost: Interrupt,
    /// Its name in the group.
    pub instance_id: String,
    left: Interrupt,
    thread: JoinHandle<()>,
}

impl Membership {
    /// Joins the group under this name and starts the thread, whose pulse is given.
    ///
    /// # Errors
    /// Exit 64 where the settings are refused, 69 where the topics cannot be subscribed to.
    pub fn join(
        kafka: &Kafka,
        instance_id: String,
        interrupt: &Interrupt,
        pulse: Pulse,
        contact: &Contact,
    ) -> Result<Self, Failure> {
        let (sender, deliveries) = bounded(BATCHES_MAX);
        let (lost, left) = (interrupt.part(), Interrupt::default().beating(pulse));
        let reader: Handle = Arc::new(
            member_settings(kafka, &instance_id)
                .create_with_context(Rebalances {
                    sender: sender.clone(),
                    epoch: AtomicU64::new(0),
                    ends: Ends::default(),
                    assignment: Mutex::default(),
                    lost: lost.clone(),
                    failure: Mutex::default(),
                })
                .map_err(|e| refused(&e))?,
        );
        let topics: Vec<&str> = kafka.input.iter().map(crate::config::Subscription::as_str).collect();
        reader.subscribe(&topics).map_err(|e| unavailable("cannot subscribe to the input", &e))?;
        let poller = Poller {
            consumer: Arc::clone(&reader),
            sender,
            left: left.clone(),
            contact: contact.clone(),
            down: false,
            epoch: 0,
            partitions: Vec::new(),
        };
        let thread = std::thread::Builder::new()
            .name("consumer".to_owned())
            .spawn(move || poller.run())
            .map_err(|e| Failure::new(Exit::Failed, format!("cannot start a thread: {e}")))?;
        Ok(Self { reader, deliveries, lost, instance_id, left, thread })
    }

    /// Why the consumer cannot go on, once the membership is lost to that.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        self.reader.context().failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Leaves the group for good, so that another process need not wait for the end of the session.
    ///
    /// # Errors
    /// Exit 1 when the thread broke down.
    pub fn leave(self, roster: &mut Roster) -> Result<(), Failure> {
        self.left.request();
        // A rebalance may be under way, whose partitions wait to be let go: what is received here is dropped, and that says so.
        while !self.thread.is_finished() {
            let _ = self.deliveries.recv_timeout(BUSY_POLL);
        }
        self.thread.join().map_err(|_| Failure::new(Exit::Failed, "the consumer's thread broke down"))?;
        // With nobody to hear of them, the partitions go at once when the seat is given up.
        self.deliveries.try_iter().for_each(drop);
        drop(self.deliveries);
        // A static member that merely closes keeps its seat; one that unsubscribes gives it up.
        self.reader.unsubscribe();
        let until = clock::monotonic() + LEAVE_MAX;
        while clock::monotonic() < until && roster.members().is_ok_and(|members| is_in(&members, &self.instance_id)) {
            self.reader.poll(BUSY_POLL);
        }
        Ok(())
    }
}

/// The settings of a member, on top of those of any consumer.
fn member_settings(kafka: &Kafka, instance_id: &str) -> ClientConfig {
    let mut settings = settings(kafka);
    // A dead process is missed after six seconds rather than 45.
    if !kafka.client.contains_key("session.timeout.ms") {
        settings.set("session.timeout.ms", "6000");
    }
    if !kafka.client.contains_key("heartbeat.interval.ms") {
        settings.set("heartbeat.interval.ms", "500");
    }
    settings.set("group.instance.id", instance_id).set("statistics.interval.ms", lag::EVERY_MS);
    settings
}

/// The client is of no further use. A name in the group is never used twice, so one that is shows a mistake that would go on.
fn gave_up(error: &KafkaError) -> Failure {
    if code(error) == Some(RDKafkaErrorCode::FencedInstanceId) {
        let what = "another process bears this one's name in the group: give each its own `kafka.instance`";
        return Failure::new(Exit::Failed, format!("{what}: {error}"));
    }
    unavailable("the Kafka client gave up", error).passing()
}

struct Poller {
    consumer: Handle,
    sender: Sender<Delivery>,
    left: Interrupt,
    contact: Contact,
    /// No broker answers.
    down: bool,
    /// The assignment under which it reads, and its partitions.
    epoch: u64,
    partitions: Vec<(String, i32)>,
}

impl Poller {
    fn run(mut self) {
        while !self.left.requested() {
            let mut batch = Batch::default();
            let outcome = self.fill(&mut batch).and_then(|()| self.hand_on(batch));
            match outcome {
                Ok(true) => {}
                Ok(false) => return,
                Err(failure) => {
                    let context = self.consumer.context();
                    *context.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
                    context.lost.request();
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
        if self.down && (!batch.is_empty() || self.consumer.client().fetch_metadata(None, PROBE_MAX).is_ok()) {
            self.down = false;
            self.contact.worked();
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
            Some(Err(error)) => self.trouble(&error).map(|()| false),
        }
    }

    /// Most errors are for librdkafka to mind: it goes on by itself.
    fn trouble(&mut self, error: &KafkaError) -> Result<(), Failure> {
        if matches!(error, KafkaError::MessageConsumptionFatal(_)) {
            return Err(gave_up(error));
        }
        match Fault::of(error) {
            Fault::Refused | Fault::Missing | Fault::Unusable => {
                return Err(unavailable("cannot read the input", error));
            }
            Fault::Passing if is_login(error) || code(error) == Some(RDKafkaErrorCode::AllBrokersDown) => {
                self.down = true;
                self.contact.failed("no broker answers", error);
            }
            Fault::Passing | Fault::Superseded | Fault::TooLarge => tracing::debug!(%error, "reading is held up"),
        }
        Ok(())
    }

    /// Hands a batch on; while the other side is busy, pauses reading but keeps the membership alive. `false` when the
    /// other side is gone.
    fn hand_on(&mut self, mut batch: Batch) -> Result<bool, Failure> {
        let mut paused = None;
        while !batch.is_empty() && !self.left.requested() {
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
