//! The transactional publisher: outputs and input offsets become visible together, or not at all.
//!
//! A transaction lives only for the length of one commit. What the engine puts out waits in memory until then, so a
//! transaction that fails and may be repeated is repeated from the same outputs, and the engine never has to go back.
//! `commit_transaction` flushes in steps of 100 ms, so the queue is drained first: a commit then takes some 4 ms.
//!
//! Each step says by type what to do when it fails: the same step again (a commit that timed out goes on in the background and
//! must not be aborted), abort and the whole transaction again, or end. A publisher that cannot go on is dropped; the next one
//! takes its transactions over, and the committed offsets tell which of them counted.

use std::{
    cell::Cell,
    fmt,
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use rdkafka::{
    ClientContext, TopicPartitionList,
    consumer::{Consumer as _, ConsumerGroupMetadata},
    error::{KafkaError, RDKafkaErrorCode},
    message::{Header, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext, PurgeConfig},
};

use super::{
    client,
    consumer::Handle,
    contact::Contact,
    fault::{Fault, code, unavailable},
    message::Message,
    watch::{GRACE, Watch},
};
use crate::{
    app::{Exit, Failure, Interrupt, clock, metrics::Count},
    config::Kafka,
};

/// How long one step of a transaction may take before the interrupt is looked at and it goes on.
const STEP_MAX: Duration = Duration::from_secs(5);
/// Between two tries of a step that fails at once.
const STEP_PAUSE: Duration = Duration::from_millis(20);
/// The first and the longest wait before a transaction is tried again.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));
/// How long a connection may be of no use before it is closed. `send_offsets_to_transaction` heeds no time-out, and where the group's
/// coordinator is gone from the cluster it waits for any connection to open or close (librdkafka 2.12, issues 5456 and 5511):
/// with this one does, where else a killed broker would hold the service up until it is back. Then it must find another broker to ask
/// who coordinates now; left to itself the client connects to one only where it counts none as open, so connections to all are kept.
/// (That the count was wrong when a service stood still for two minutes once is a surmise: it could not be made to happen again.)
const AWAKE: [(&str, &str); 2] = [("connections.max.idle.ms", "5000"), ("enable.sparse.connections", "false")];
/// How long deliveries are polled for with the shortest wait: a healthy broker answers well before. A poll spins for a
/// millisecond, so waiting for one that is away must be rare.
const BRISK: Duration = Duration::from_millis(50);
/// The waits of a poll for deliveries, before and after that.
const DELIVERY_POLLS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(50));

/// What is to be committed.
pub struct Transaction<'a> {
    /// Outputs, in order. One that its topic does not take is cut.
    pub messages: &'a mut [Message],
    /// Input offsets: the next to be read.
    pub offsets: &'a TopicPartitionList,
    /// The consumer that read them: its membership is asked for anew at each attempt, as it may have had to rejoin.
    pub reader: &'a Handle,
    /// Whether an incident opens in it, for the tests that end the process here.
    pub opens_incident: bool,
}

/// The publisher.
pub struct Publisher {
    producer: BaseProducer<Deliveries>,
    contact: Contact,
    watch: Watch,
    /// Attempts that are made again.
    retries: Count,
}

/// Keeps the first delivery that failed.
#[derive(Default)]
struct Deliveries(Mutex<Option<KafkaError>>);

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| error.clone());
        }
    }
}

/// How the messages of a transaction are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// All at once: librdkafka makes batches of them.
    Together,
    /// Each when the one before is delivered: a topic's limit is on a batch, and it shows which message is too large.
    OneByOne,
}

/// Why a transaction did not commit.
enum Setback {
    /// It is aborted and tried again.
    Again(KafkaError),
    /// A message is larger than its topic takes: which one, where that is known.
    TooLarge(Option<usize>, KafkaError),
    /// This publisher cannot go on.
    End(Failure),
}

impl Setback {
    /// What an error of a message means.
    fn of_message(index: Option<usize>, error: KafkaError) -> Self {
        match Fault::of(&error) {
            Fault::TooLarge => Self::TooLarge(index, error),
            Fault::Passing => Self::Again(error),
            Fault::Superseded | Fault::Missing | Fault::Refused | Fault::Unusable => {
                Self::End(unavailable("cannot publish", &error))
            }
        }
    }
}

/// Until when a step is repeated.
struct Patience<'a> {
    interrupt: &'a Interrupt,
    contact: &'a Contact,
    began: Instant,
    /// It was said that the transaction takes long.
    told: Cell<bool>,
}

impl Patience<'_> {
    /// Says so once when the transaction takes longer than the grace; fails when the end is requested by then.
    fn check(&self, held_up_by: &dyn fmt::Display) -> Result<(), Setback> {
        if clock::monotonic().duration_since(self.began) < GRACE {
            return Ok(());
        }
        if !self.told.replace(true) {
            self.contact.failed("a transaction is held up", held_up_by);
        }
        self.interrupt.check().map_err(Setback::End)
    }
}

impl Publisher {
    /// Takes the transactional id over: an open transaction of whoever had it is aborted. `interrupt` is the
    /// assignment's, `service` the service's.
    ///
    /// # Errors
    /// Exit 69 where Kafka does not let it, 130 at an interrupt while it is away.
    pub fn open(
        kafka: &Kafka,
        contact: &Contact,
        retries: Count,
        interrupt: &Interrupt,
        service: &Interrupt,
    ) -> Result<Self, Failure> {
        let mut settings = client(kafka);
        settings
            .set("transactional.id", &kafka.transactional_id)
            .set("enable.idempotence", "true")
            .set("acks", "all")
            // A transaction is complete when it is sent: waiting for more only adds latency.
            .set("linger.ms", "0");
        for (key, value) in AWAKE.into_iter().filter(|(key, _)| !kafka.client.contains_key(*key)) {
            settings.set(key, value);
        }
        let producer: BaseProducer<Deliveries> = settings
            .create_with_context(Deliveries::default())
            .map_err(|e| unavailable("cannot make the transactional producer", &e))?;
        let watch = Watch::new(kafka, contact, service)?;
        let publisher = Self { producer, contact: contact.clone(), watch, retries };
        loop {
            match publisher.producer.init_transactions(STEP_MAX) {
                Ok(()) => return Ok(publisher),
                Err(KafkaError::Transaction(error)) if error.is_retriable() => {
                    contact.failed("cannot take over the transactions yet", &error);
                    interrupt.check()?;
                }
                Err(error) => {
                    let what = format!("cannot take over the transactions of `{}`", kafka.transactional_id);
                    return Err(unavailable(&what, &error));
                }
            }
        }
    }

    /// Publishes and commits, as often as it takes.
    ///
    /// # Errors
    /// What does not pass with time, and 130 when the end is requested while it is tried again. Either way the publisher is of
    /// no further use.
    pub fn commit(&self, transaction: &mut Transaction<'_>, interrupt: &Interrupt) -> Result<(), Failure> {
        let backoff = ExponentialBuilder::default().with_min_delay(BACKOFF.0).with_max_delay(BACKOFF.1);
        let mut waits = backoff.with_jitter().without_max_times().build();
        let mut pace = Pace::Together;
        loop {
            let patience =
                Patience { interrupt, contact: &self.contact, began: clock::monotonic(), told: Cell::new(false) };
            let failed = self.attempt(transaction, pace, &patience);
            let Err(setback) = failed else {
                self.contact.worked();
                return Ok(());
            };
            self.retries.inc();
            match setback {
                Setback::Again(error) => {
                    self.contact.failed("a transaction did not commit", &error);
                    self.abort(&patience)?;
                    interrupt.wait(waits.next().unwrap_or(BACKOFF.1))?;
                }
                Setback::TooLarge(Some(index), error) => {
                    self.abort(&patience)?;
                    cut(&mut transaction.messages[index], &error)?;
                }
                Setback::TooLarge(None, _) => {
                    self.abort(&patience)?;
                    pace = Pace::OneByOne;
                }
                Setback::End(failure) => return Err(failure),
            }
        }
    }

    fn attempt(&self, transaction: &Transaction<'_>, pace: Pace, patience: &Patience<'_>) -> Result<(), Setback> {
        step(patience, || self.producer.begin_transaction())?;
        for (index, message) in transaction.messages.iter().enumerate() {
            self.send(message).map_err(|error| Setback::of_message(Some(index), error))?;
            if pace == Pace::OneByOne {
                self.deliver(Some(index), patience)?;
            }
        }
        self.deliver(None, patience).map_err(|setback| self.cause(setback, transaction, patience))?;
        failpoint(transaction.opens_incident);
        let member = transaction.reader.group_metadata().ok_or(Setback::Again(KafkaError::Canceled))?;
        self.send_offsets(transaction, &member, patience)?;
        step(patience, || self.producer.commit_transaction(STEP_MAX))
    }

    /// The one call that may not return, whatever its time-out.
    fn send_offsets(
        &self,
        Transaction { offsets, reader, .. }: &Transaction<'_>,
        member: &ConsumerGroupMetadata,
        patience: &Patience<'_>,
    ) -> Result<(), Setback> {
        step(patience, || {
            self.watch.over(reader, offsets, || self.producer.send_offsets_to_transaction(offsets, member, STEP_MAX))
        })
    }

    fn send(&self, message: &Message) -> Result<(), KafkaError> {
        let mut headers = OwnedHeaders::new_with_capacity(message.headers.len());
        for (key, value) in &message.headers {
            headers = headers.insert(Header { key, value: Some(value) });
        }
        let record = BaseRecord::to(&message.topic).key(&message.key).payload(&message.payload).headers(headers);
        self.producer.send(record).map_err(|(error, _)| error)
    }

    /// Waits until all that was sent is with the broker, or has failed: the message of this index, if it is only one.
    fn deliver(&self, index: Option<usize>, patience: &Patience<'_>) -> Result<(), Setback> {
        let began = clock::monotonic();
        while self.producer.in_flight_count() > 0 {
            patience.check(&"outputs are not confirmed yet")?;
            let brisk = clock::monotonic().duration_since(began) < BRISK;
            self.producer.poll(if brisk { DELIVERY_POLLS.0 } else { DELIVERY_POLLS.1 });
        }
        self.failed_delivery().map_or(Ok(()), |error| Err(Setback::of_message(index, error)))
    }

    /// Messages are purged when their transaction has failed as a whole, for want of a right, say: its next step says why. That is
    /// never the commit: this transaction is to be aborted.
    fn cause(&self, setback: Setback, transaction: &Transaction<'_>, patience: &Patience<'_>) -> Setback {
        let Setback::Again(error) = &setback else { return setback };
        let purged = matches!(code(error), Some(RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight));
        let Some(member) = transaction.reader.group_metadata().filter(|_| purged) else { return setback };
        self.send_offsets(transaction, &member, patience).err().unwrap_or(setback)
    }

    /// Ends a transaction that failed. What is still under way must be gone first, or the abort times out.
    fn abort(&self, patience: &Patience<'_>) -> Result<(), Failure> {
        self.producer.purge(PurgeConfig::default().queue().inflight());
        match self.deliver(None, patience) {
            Err(Setback::End(failure)) if failure.exit == Exit::Interrupted => return Err(failure),
            // The purge shows as failed deliveries.
            Ok(()) | Err(_) => {}
        }
        match step(patience, || self.producer.abort_transaction(STEP_MAX)) {
            Ok(()) => Ok(()),
            Err(Setback::End(failure)) => Err(failure),
            Err(Setback::Again(error) | Setback::TooLarge(_, error)) => {
                let what = "a transaction could neither commit nor be aborted";
                Err(Failure::new(Exit::Failed, format!("{what}: {error}")).passing())
            }
        }
    }

    fn failed_delivery(&self) -> Option<KafkaError> {
        self.producer.context().0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Does one step of a transaction, again while that is what the client asks for.
fn step(patience: &Patience<'_>, mut action: impl FnMut() -> Result<(), KafkaError>) -> Result<(), Setback> {
    loop {
        let error = match action() {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let KafkaError::Transaction(cause) = &error else { return Err(Setback::of_message(None, error)) };
        match Fault::of(&error) {
            Fault::Refused | Fault::Unusable | Fault::Missing => {
                return Err(Setback::End(unavailable("cannot commit a transaction", &error)));
            }
            Fault::Passing | Fault::Superseded | Fault::TooLarge if cause.is_fatal() => {
                // A new publisher may do better; if another process has this one's place, it will not get one.
                return Err(Setback::End(unavailable("the producer cannot go on", &error).passing()));
            }
            Fault::Passing | Fault::Superseded | Fault::TooLarge if cause.is_retriable() => {
                patience.check(&error)?;
                thread::park_timeout(STEP_PAUSE);
            }
            Fault::Passing | Fault::Superseded | Fault::TooLarge => return Err(Setback::Again(error)),
        }
    }
}

/// Makes a message smaller that its topic does not take.
fn cut(message: &mut Message, error: &KafkaError) -> Result<(), Failure> {
    let (topic, bytes) = (message.topic.clone(), message.payload.len());
    if message.cut() {
        tracing::warn!(topic, bytes, "the topic does not take a record of this size: it is cut");
        return Ok(());
    }
    let what = format!("topic `{topic}` does not even take a record of {bytes} bytes: raise its `max.message.bytes`");
    Err(Failure::new(Exit::Unavailable, format!("{what}: {error}")))
}

/// Here a test ends or freezes the process: outputs are with the broker, nothing is committed. It waits so many milliseconds
/// as the failpoint returns, or for ever.
#[cfg(feature = "failpoints")]
fn failpoint(opens_incident: bool) {
    fail::fail_point!("before-commit", opens_incident, |millis| {
        tracing::warn!("failpoint before-commit reached");
        let until = millis.and_then(|text| text.parse().ok()).map(|ms| clock::monotonic() + Duration::from_millis(ms));
        while until.is_none_or(|until| clock::monotonic() < until) {
            thread::park_timeout(Duration::from_millis(10));
        }
    });
}

#[cfg(not(feature = "failpoints"))]
const fn failpoint(_: bool) {}
