//! The transactional publisher: outputs and input offsets become visible together, or not at all.
//!
//! A transaction is open only during one commit. The engine's outputs wait in memory until then, so a failed transaction is
//! repeated from the same outputs, and the engine never has to go back. `commit_transaction` flushes in steps of 100 ms, so the
//! publisher drains the queue first, and a commit takes some 4 ms.
//!
//! The type of each failure decides what follows: the same step again (a commit that timed out goes on in the background and must
//! not be aborted), an abort and the whole transaction again, or the end. A publisher that cannot go on is dropped. The next one
//! takes over its transactions, and the committed offsets show which of them took effect.

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

/// How long one step of a transaction may take before the interrupt is checked and the step is repeated.
const STEP_MAX: Duration = Duration::from_secs(5);
/// The pause between two attempts of a step that fails at once.
const STEP_PAUSE: Duration = Duration::from_millis(20);
/// The first and the longest wait before a transaction is tried again.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));
/// Client settings that wake a call which has no time-out.
///
/// `send_offsets_to_transaction` has no time-out. Where the group's coordinator has left the cluster, the call waits for any
/// connection to open or close (librdkafka 2.12, issues 5456 and 5511), so a killed broker would hold the service up until it is
/// back. Closing idle connections after 5 s makes one close. The call must then find another broker that knows the new
/// coordinator; by default the client connects to one only where it counts no connection as open, so connections to all brokers
/// are kept. (A service once stood still for two minutes. That this count was wrong then is a guess: it could not be reproduced.)
const WAKE_SETTINGS: [(&str, &str); 2] = [("connections.max.idle.ms", "5000"), ("enable.sparse.connections", "false")];
/// How long deliveries are polled with the short wait: a healthy broker answers well before. A poll spins for a millisecond, so it
/// must be rare while a broker is away.
const SHORT_POLLS_MAX: Duration = Duration::from_millis(50);
/// The waits of a poll for deliveries, during that time and after it.
const DELIVERY_POLLS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(50));

/// Outputs and offsets that are to be committed together.
pub struct Transaction<'a> {
    /// Outputs, in order. One that its topic does not accept is cut.
    pub messages: &'a mut [Message],
    /// Input offsets: the next ones to be read, of the partitions of which anything was read.
    pub offsets: &'a TopicPartitionList,
    /// The consumer that has read up to them. Each attempt asks for its membership anew, because it may have had to rejoin.
    pub reader: &'a Handle,
    /// Whether an incident opens in the transaction, for the tests that end the process here.
    pub opens_incident: bool,
}

/// Publishes messages in transactions.
pub struct Publisher {
    producer: BaseProducer<Deliveries>,
    contact: Contact,
    watch: Watch,
    /// Counts the attempts that are repeated.
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

/// The way in which the messages of a transaction are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sending {
    /// All messages at once: librdkafka makes batches of them.
    Together,
    /// Each message after the delivery of the one before. A topic limits the size of a batch, so only this shows which message is
    /// too large.
    OneByOne,
}

/// The reason why a transaction did not commit.
enum Setback {
    /// The transaction is aborted and tried again.
    Again(KafkaError),
    /// A message is larger than its topic accepts; its index, where that is known.
    TooLarge(Option<usize>, KafkaError),
    /// The publisher cannot go on.
    End(Failure),
}

impl Setback {
    /// Classifies the error of a message.
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

/// Decides how long a step is repeated.
struct RetryLimit<'a> {
    interrupt: &'a Interrupt,
    contact: &'a Contact,
    began: Instant,
    /// Whether the log says already that the transaction takes long.
    reported: Cell<bool>,
}

impl RetryLimit<'_> {
    /// Checks whether a transaction takes longer than the grace. If so, logs that, and fails if the end is requested.
    fn check(&self, held_up_by: &dyn fmt::Display) -> Result<(), Setback> {
        if clock::monotonic().duration_since(self.began) < GRACE {
            return Ok(());
        }
        if !self.reported.replace(true) {
            self.contact.failed("a transaction is held up", held_up_by);
        }
        self.interrupt.check().map_err(Setback::End)
    }
}

impl Publisher {
    /// Takes over the transactional id, which aborts an open transaction of its last owner. `interrupt` is the assignment's,
    /// `service` the service's.
    ///
    /// # Errors
    /// Exit 69 where Kafka refuses, 130 at an interrupt while Kafka is away.
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
            // A transaction is complete when it is sent, so waiting for more only adds latency.
            .set("linger.ms", "0");
        for (key, value) in WAKE_SETTINGS.into_iter().filter(|(key, _)| !kafka.client.contains_key(*key)) {
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

    /// Publishes and commits, with as many attempts as that takes.
    ///
    /// # Errors
    /// A failure that does not pass with time, and exit 130 where the end is requested between attempts. Either way the publisher
    /// is of no further use.
    pub fn commit(&self, transaction: &mut Transaction<'_>, interrupt: &Interrupt) -> Result<(), Failure> {
        let backoff = ExponentialBuilder::default().with_min_delay(BACKOFF.0).with_max_delay(BACKOFF.1);
        let mut waits = backoff.with_jitter().without_max_times().build();
        let mut sending = Sending::Together;
        loop {
            let limit =
                RetryLimit { interrupt, contact: &self.contact, began: clock::monotonic(), reported: Cell::new(false) };
            let failed = self.attempt(transaction, sending, &limit);
            let Err(setback) = failed else {
                self.contact.worked();
                return Ok(());
            };
            self.retries.inc();
            match setback {
                Setback::Again(error) => {
                    self.contact.failed("a transaction did not commit", &error);
                    self.abort(&limit)?;
                    interrupt.wait(waits.next().unwrap_or(BACKOFF.1))?;
                }
                Setback::TooLarge(Some(index), error) => {
                    self.abort(&limit)?;
                    cut(&mut transaction.messages[index], &error)?;
                }
                Setback::TooLarge(None, _) => {
                    self.abort(&limit)?;
                    sending = Sending::OneByOne;
                }
                Setback::End(failure) => return Err(failure),
            }
        }
    }

    /// Makes one attempt of the whole transaction.
    fn attempt(&self, transaction: &Transaction<'_>, sending: Sending, limit: &RetryLimit<'_>) -> Result<(), Setback> {
        step(limit, || self.producer.begin_transaction())?;
        for (index, message) in transaction.messages.iter().enumerate() {
            self.send(message).map_err(|error| Setback::of_message(Some(index), error))?;
            if sending == Sending::OneByOne {
                self.deliver(Some(index), limit)?;
            }
        }
        self.deliver(None, limit).map_err(|setback| self.cause(setback, transaction, limit))?;
        failpoint(transaction.opens_incident);
        if transaction.offsets.count() > 0 {
            let member = transaction.reader.group_metadata().ok_or(Setback::Again(KafkaError::Canceled))?;
            self.send_offsets(transaction, &member, limit)?;
        }
        step(limit, || self.producer.commit_transaction(STEP_MAX))
    }

    /// Sends the offsets, under the watch: this is the one call that may not return, whatever its time-out.
    fn send_offsets(
        &self,
        Transaction { offsets, reader, .. }: &Transaction<'_>,
        member: &ConsumerGroupMetadata,
        limit: &RetryLimit<'_>,
    ) -> Result<(), Setback> {
        step(limit, || {
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

    /// Waits until every message is delivered or has failed. `index` is that of the message, where only one is under way.
    fn deliver(&self, index: Option<usize>, limit: &RetryLimit<'_>) -> Result<(), Setback> {
        let began = clock::monotonic();
        while self.producer.in_flight_count() > 0 {
            limit.check(&"outputs are not confirmed yet")?;
            let short = clock::monotonic().duration_since(began) < SHORT_POLLS_MAX;
            self.producer.poll(if short { DELIVERY_POLLS.0 } else { DELIVERY_POLLS.1 });
        }
        self.failed_delivery().map_or(Ok(()), |error| Err(Setback::of_message(index, error)))
    }

    /// Finds the cause of a setback. Messages are purged where their transaction fails as a whole, for want of a right for example;
    /// the transaction's next step then fails with the cause. That step is never the commit, because this transaction is to be
    /// aborted.
    fn cause(&self, setback: Setback, transaction: &Transaction<'_>, limit: &RetryLimit<'_>) -> Setback {
        let Setback::Again(error) = &setback else { return setback };
        let purged = matches!(code(error), Some(RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight));
        let Some(member) = transaction.reader.group_metadata().filter(|_| purged) else { return setback };
        self.send_offsets(transaction, &member, limit).err().unwrap_or(setback)
    }

    /// Aborts a failed transaction. Messages under way must be gone first, or the abort times out.
    fn abort(&self, limit: &RetryLimit<'_>) -> Result<(), Failure> {
        self.producer.purge(PurgeConfig::default().queue().inflight());
        match self.deliver(None, limit) {
            Err(Setback::End(failure)) if failure.exit == Exit::Interrupted => return Err(failure),
            // Purged messages count as failed deliveries.
            Ok(()) | Err(_) => {}
        }
        match step(limit, || self.producer.abort_transaction(STEP_MAX)) {
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

/// Makes one step of a transaction, and repeats it while the client asks for that.
fn step(limit: &RetryLimit<'_>, mut action: impl FnMut() -> Result<(), KafkaError>) -> Result<(), Setback> {
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
                // A new publisher may succeed; where another process has taken over, it will not.
                return Err(Setback::End(unavailable("the producer cannot go on", &error).passing()));
            }
            Fault::Passing | Fault::Superseded | Fault::TooLarge if cause.is_retriable() => {
                limit.check(&error)?;
                thread::park_timeout(STEP_PAUSE);
            }
            Fault::Passing | Fault::Superseded | Fault::TooLarge => return Err(Setback::Again(error)),
        }
    }
}

/// Cuts a message that its topic does not accept.
fn cut(message: &mut Message, error: &KafkaError) -> Result<(), Failure> {
    let (topic, bytes) = (message.topic.clone(), message.payload.len());
    if message.cut() {
        tracing::warn!(topic, bytes, "the topic does not accept a record of this size: it is cut");
        return Ok(());
    }
    let what = format!("topic `{topic}` does not accept even a record of {bytes} bytes: raise its `max.message.bytes`");
    Err(Failure::new(Exit::Unavailable, format!("{what}: {error}")))
}

/// The point at which a test ends or freezes the process: the broker has the outputs, and nothing is committed. Waits as many
/// milliseconds as the failpoint returns, or for ever.
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
