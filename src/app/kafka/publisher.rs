//! The transactional publisher: outputs and input offsets become visible together, or not at all.
//!
//! A transaction lives only for the length of one commit. What the engine puts out waits in memory until then, so a
//! transaction that fails and may be repeated is repeated from the same outputs, and the engine never has to go back.
//! `commit_transaction` flushes in steps of 100 ms, so the queue is drained first: a commit then takes some 4 ms.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use rdkafka::{
    ClientContext, TopicPartitionList,
    consumer::Consumer as _,
    error::KafkaError,
    message::{Header, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext, PurgeConfig},
};

use super::{client, consumer::Handle, unavailable};
use crate::{
    app::{Exit, Failure, Interrupt, metrics::Count},
    config::Kafka,
};

/// How long one step of a transaction may take before it is repeated: the time a broker needs to come back.
const STEP_MAX: Duration = Duration::from_secs(30);
/// The first and the longest wait before a transaction is tried again.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// A record to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where.
    pub topic: String,
    /// Its key.
    pub key: Vec<u8>,
    /// Its bytes.
    pub payload: Vec<u8>,
    /// Its headers.
    pub headers: Vec<(&'static str, String)>,
}

impl Message {
    /// Its size in memory, about.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.key.len() + self.payload.len() + 256
    }
}

/// What is to be committed.
pub struct Transaction<'a> {
    /// Outputs, in order.
    pub messages: &'a [Message],
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

/// Why a transaction did not commit.
enum Setback {
    /// It may be tried again.
    Again(KafkaError),
    /// It may not: another process took over, or the client is broken.
    Fatal(KafkaError),
}

impl From<KafkaError> for Setback {
    fn from(error: KafkaError) -> Self {
        let fatal = matches!(&error, KafkaError::Transaction(e) if e.is_fatal());
        if fatal { Self::Fatal(error) } else { Self::Again(error) }
    }
}

impl Publisher {
    /// Takes the transactional id over: an open transaction of whoever had it is aborted.
    ///
    /// # Errors
    /// Exit 69 where Kafka does not let it.
    pub fn open(kafka: &Kafka, retries: Count) -> Result<Self, Failure> {
        let mut settings = client(kafka);
        settings
            .set("transactional.id", &kafka.transactional_id)
            .set("enable.idempotence", "true")
            .set("acks", "all")
            // A transaction is complete when it is sent: waiting for more only adds latency.
            .set("linger.ms", "0");
        let producer: BaseProducer<Deliveries> = settings
            .create_with_context(Deliveries::default())
            .map_err(|e| unavailable("cannot make the transactional producer", &e))?;
        producer.init_transactions(STEP_MAX).map_err(|e| {
            unavailable(&format!("cannot take over the transactions of `{}`", kafka.transactional_id), &e)
        })?;
        Ok(Self { producer, retries })
    }

    /// Publishes and commits, as often as it takes.
    ///
    /// # Errors
    /// Exit 1 when another process has taken over, 130 at an interrupt while it is tried again.
    pub fn commit(&self, transaction: &Transaction<'_>, interrupt: &Interrupt) -> Result<(), Failure> {
        let backoff = || ExponentialBuilder::default().with_min_delay(BACKOFF.0).with_max_delay(BACKOFF.1);
        let mut waits = backoff().with_jitter().without_max_times().build();
        loop {
            match self.attempt(transaction) {
                Ok(()) => return Ok(()),
                Err(Setback::Fatal(error)) => {
                    let what = format!("the producer cannot go on, most likely another process took over: {error}");
                    return Err(Failure::new(Exit::Failed, what));
                }
                Err(Setback::Again(error)) => {
                    tracing::warn!(%error, "the transaction did not commit and is tried again");
                    self.retries.inc();
                    self.abort()?;
                    interrupt.wait(waits.next().unwrap_or(BACKOFF.1))?;
                }
            }
        }
    }

    fn attempt(&self, transaction: &Transaction<'_>) -> Result<(), Setback> {
        self.producer.begin_transaction()?;
        for message in transaction.messages {
            self.send(message)?;
        }
        while self.producer.in_flight_count() > 0 {
            self.producer.poll(Duration::from_millis(1));
        }
        if let Some(error) = self.failed_delivery() {
            return Err(Setback::Again(error));
        }
        failpoint(transaction.opens_incident);
        let member = transaction.reader.group_metadata().ok_or(KafkaError::Canceled)?;
        self.producer.send_offsets_to_transaction(transaction.offsets, &member, STEP_MAX)?;
        self.producer.commit_transaction(STEP_MAX)?;
        Ok(())
    }

    fn send(&self, message: &Message) -> Result<(), KafkaError> {
        let mut headers = OwnedHeaders::new_with_capacity(message.headers.len());
        for (key, value) in &message.headers {
            headers = headers.insert(Header { key, value: Some(value) });
        }
        let record = BaseRecord::to(&message.topic).key(&message.key).payload(&message.payload).headers(headers);
        self.producer.send(record).map_err(|(error, _)| error)
    }

    /// Ends a transaction that failed. What is still under way must be gone first, or the abort times out.
    fn abort(&self) -> Result<(), Failure> {
        self.producer.purge(PurgeConfig::default().queue().inflight());
        while self.producer.in_flight_count() > 0 {
            self.producer.poll(Duration::from_millis(1));
        }
        // The purge shows as failed deliveries.
        self.failed_delivery();
        self.producer.abort_transaction(STEP_MAX).map_err(|e| {
            let what = "a transaction could neither commit nor be aborted";
            Failure::new(Exit::Failed, format!("{what}: {e}"))
        })
    }

    fn failed_delivery(&self) -> Option<KafkaError> {
        self.producer.context().0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Here a test ends the process: outputs are with the broker, nothing is committed.
#[cfg(feature = "failpoints")]
fn failpoint(opens_incident: bool) {
    fail::fail_point!("before-commit", opens_incident, |_| {
        tracing::warn!("failpoint before-commit reached");
        loop {
            std::thread::park();
        }
    });
}

#[cfg(not(feature = "failpoints"))]
const fn failpoint(_: bool) {}
