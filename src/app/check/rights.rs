//! Tests the rights that the service needs, without using them.
//!
//! A broker checks the right before it checks the rest of a request. So each right is tried with a request that is wrong in
//! another way: one kind of refusal means that the right is missing, the other that the right is there and nothing happened. No
//! such request exists for transactions, so they are tried under another id than the configured one.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rdkafka::{
    ClientContext, Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode as Code},
    producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext},
};

use super::{
    finding::Finding,
    retry::{Complaints, retry},
};
use crate::{
    app::{
        clock,
        kafka::{self, ANSWER_MAX},
    },
    config::Kafka,
};

/// How long one poll waits: short against [`ANSWER_MAX`], so that this limit holds.
const POLL: Duration = Duration::from_millis(20);
/// A topic that does not exist: a commit for it is refused after the right to commit was checked, and before anything is stored.
const NOWHERE: &str = "foreshock.check-of-rights.no-such-topic";
/// Acknowledgements that no broker can give: a record that asks for them is refused after the right to write was checked, and
/// before it is appended.
const ACKS_IMPOSSIBLE: &str = "2";
/// Suffix of the transactional id that is tried: to take over the configured id would end a running service.
const TRIAL_SUFFIX: &str = "-check";

/// Tests the right to read: reads at the end of a partition, where the end or a record proves the right.
pub fn read(kafka: &Kafka, topic: &str) -> Result<(), String> {
    let mut settings = kafka::consumer(kafka);
    let consumer: BaseConsumer<Complaints> = settings
        .set("enable.partition.eof", "true")
        .create_with_context(Complaints::default())
        .map_err(|e| e.to_string())?;
    let mut end = TopicPartitionList::new();
    end.add_partition_offset(topic, 0, Offset::End).map_err(|e| e.to_string())?;
    consumer.assign(&end).map_err(|e| e.to_string())?;
    let until = clock::monotonic() + ANSWER_MAX;
    while clock::monotonic() < until {
        match consumer.poll(POLL) {
            Some(Ok(_) | Err(KafkaError::PartitionEOF(_))) => return Ok(()),
            Some(Err(e)) if e.rdkafka_error_code() == Some(Code::TopicAuthorizationFailed) => {
                return Err("not allowed to read it: give its user Read on the topic".to_owned());
            }
            // The partition's leader may be moving: the client finds the new one.
            Some(Err(_)) | None => {}
        }
    }
    Err(format!("it could not be read within {} s{}", ANSWER_MAX.as_secs(), consumer.context().last()))
}

/// Tests the right to use the group.
pub fn group(kafka: &Kafka) -> Finding {
    let about = format!("group {}", kafka.group);
    match commit_nowhere(kafka) {
        Ok(()) => Finding::ok(about, "may be joined and committed for"),
        Err(Refusal::Right) => Finding::fail(about, "not allowed: give its user Read on the group"),
        Err(Refusal::Other(why)) => Finding::fail(about, format!("the broker says: {why}")),
    }
}

/// The reason why a request was refused.
enum Refusal {
    /// The right is missing.
    Right,
    /// Something else.
    Other(String),
}

impl From<KafkaError> for Refusal {
    fn from(error: KafkaError) -> Self {
        let code =
            if let KafkaError::Transaction(error) = &error { Some(error.code()) } else { error.rdkafka_error_code() };
        match code {
            Some(
                Code::GroupAuthorizationFailed
                | Code::TopicAuthorizationFailed
                | Code::TransactionalIdAuthorizationFailed
                | Code::ClusterAuthorizationFailed,
            ) => Self::Right,
            Some(_) | None => Self::Other(error.to_string()),
        }
    }
}

/// Tries a commit for a topic that does not exist. `Ok` means that the right to commit is there.
fn commit_nowhere(kafka: &Kafka) -> Result<(), Refusal> {
    let mut settings = kafka::consumer(kafka);
    // A commit waits up to this interval for the coordinator; the default is ten minutes.
    settings.set("coordinator.query.interval.ms", "5000");
    let consumer: BaseConsumer<Complaints> = settings.create_with_context(Complaints::default())?;
    let mut nowhere = TopicPartitionList::new();
    nowhere.add_partition_offset(NOWHERE, 0, Offset::Offset(0))?;
    // Finds the coordinator first, which may be refused or take some time, because a commit has no time-out.
    retry(
        &consumer,
        |length| consumer.committed_offsets(nowhere.clone(), length),
        |e| e.rdkafka_error_code() == Some(Code::GroupAuthorizationFailed),
    )?;
    match consumer.commit(&nowhere, CommitMode::Sync).map_err(|e| (e.rdkafka_error_code(), e)) {
        // The right is there and the rest was refused: while a group has members, only they may commit.
        Ok(())
        | Err((
            Some(
                Code::UnknownTopicOrPartition
                | Code::UnknownTopic
                | Code::UnknownPartition
                | Code::UnknownMemberId
                | Code::IllegalGeneration
                | Code::TopicAuthorizationFailed
                | Code::RebalanceInProgress,
            ),
            _,
        )) => Ok(()),
        Err((_, error)) => Err(error.into()),
    }
}

/// Tests the right to use transactions, under an id beside the configured one. A right for the configured id alone cannot be told
/// apart from no right at all, so a refusal is only a warning.
pub fn transactions(kafka: &Kafka) -> Finding {
    let id = &kafka.transactional_id;
    let about = format!("transactions {id}");
    let tried = || -> Result<(), Refusal> {
        let mut settings = kafka::client(kafka);
        let producer: BaseProducer = settings.set("transactional.id", format!("{id}{TRIAL_SUFFIX}")).create()?;
        Ok(producer.init_transactions(ANSWER_MAX)?)
    };
    match tried() {
        Ok(()) => Finding::ok(about, format!("may be begun (tried as `{id}{TRIAL_SUFFIX}`)")),
        Err(Refusal::Right) => Finding::warn(
            about,
            format!(
                "`{id}{TRIAL_SUFFIX}` is not allowed, and `{id}` cannot be tried without ending a service that runs: make sure \
                 that its user has Write and Describe on the transactional id `{id}`, or on all that begin so"
            ),
        ),
        Err(Refusal::Other(why)) => Finding::fail(about, format!("the broker says: {why}")),
    }
}

/// Keeps the reason why the broker refused the record.
#[derive(Default)]
struct WriteRefusal(Mutex<Option<KafkaError>>);

impl ClientContext for WriteRefusal {}

impl ProducerContext for WriteRefusal {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
        }
    }
}

/// Tests the right to write: sends a record that cannot be appended.
pub fn write(kafka: &Kafka, topic: &str) -> Result<(), String> {
    let mut settings = kafka::client(kafka);
    settings.set("acks", ACKS_IMPOSSIBLE).set("message.timeout.ms", ANSWER_MAX.as_millis().to_string());
    let producer: BaseProducer<WriteRefusal> =
        settings.create_with_context(WriteRefusal::default()).map_err(|e| e.to_string())?;
    let record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(topic).partition(0);
    producer.send(record).map_err(|(e, _)| e.to_string())?;
    producer.flush(ANSWER_MAX).map_err(|e| format!("it could not be written to: {e}"))?;
    let refusal = producer.context().0.lock().unwrap_or_else(PoisonError::into_inner).take();
    match refusal.as_ref().map(KafkaError::rdkafka_error_code) {
        None | Some(Some(Code::InvalidRequiredAcks)) => Ok(()),
        Some(Some(Code::TopicAuthorizationFailed)) => {
            Err("not allowed to write to it: give its user Write on the topic".to_owned())
        }
        Some(_) => Err(format!("it could not be written to: {}", refusal.map(|e| e.to_string()).unwrap_or_default())),
    }
}
