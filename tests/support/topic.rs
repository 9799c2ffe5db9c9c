//! A topic as readers of committed records, and readers of all records, see it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

use super::deadline::Deadline;

/// Time for an answer of the broker, or for reading a whole topic.
const ANSWER_MAX: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(20);

/// The records that a reader sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Records of committed transactions, up to the first open one.
    ReadCommitted,
    /// All records, also those of open and aborted transactions.
    ReadUncommitted,
}

/// A record as it is stored in the topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub partition: i32,
    pub offset: i64,
    pub key: Vec<u8>,
    pub payload: Vec<u8>,
    pub headers: BTreeMap<String, String>,
}

impl Record {
    /// The partition and the offset.
    pub fn position(&self) -> (i32, i64) {
        (self.partition, self.offset)
    }
}

/// An existing topic.
#[derive(Debug, Clone)]
pub struct Topic {
    pub name: String,
    bootstrap: String,
}

impl Topic {
    pub fn new(bootstrap: &str, name: &str) -> Self {
        Self { name: name.to_owned(), bootstrap: bootstrap.to_owned() }
    }

    /// Reads every record up to the current end; those of one partition in order.
    pub fn records(&self, isolation: Isolation) -> Vec<Record> {
        let mut records = Vec::new();
        self.for_each(isolation, |message| records.push(record(message)));
        records
    }

    /// Reads every record up to the current end, one by one: for a topic too large to hold in memory.
    pub fn for_each(&self, isolation: Isolation, mut take: impl FnMut(&BorrowedMessage<'_>)) {
        let consumer = self.consumer(isolation);
        let mut unread: BTreeSet<i32> = self.partitions(&consumer).collect();
        let deadline = Deadline::after(ANSWER_MAX);
        while !unread.is_empty() {
            match consumer.poll(POLL) {
                Some(Ok(message)) => take(&message),
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    unread.remove(&partition);
                }
                // The client itself recovers from passing errors.
                Some(Err(_)) | None => deadline.check("the end of the topic"),
            }
        }
    }

    /// The end of each partition (its next offset) as a reader with this isolation sees it.
    pub fn ends(&self, isolation: Isolation) -> Vec<i64> {
        Ends::new(self, isolation).ask()
    }

    /// Waits until the topic has `count` records. Its producers must not use transactions.
    pub fn wait_records(&self, count: i64) {
        let (ends, deadline) = (Ends::new(self, Isolation::ReadUncommitted), Deadline::after(ANSWER_MAX));
        while ends.ask().iter().sum::<i64>() < count {
            deadline.check("the topic's growth");
            // The consumer has no assignment: polling only waits.
            ends.consumer.poll(POLL);
        }
    }

    /// Waits until no transaction is open. The broker answers a commit before its marker is in every partition.
    pub fn wait_closed(&self) {
        let [stable, all] = [Isolation::ReadCommitted, Isolation::ReadUncommitted].map(|i| Ends::new(self, i));
        let deadline = Deadline::after(ANSWER_MAX);
        while stable.ask() != all.ask() {
            deadline.check("the end of every transaction");
            stable.consumer.poll(POLL);
        }
    }

    /// Copies every record into another topic, to the same partition, offset and time.
    pub fn copy_to(&self, other: &Self) {
        let producer = self.producer();
        self.for_each(Isolation::ReadUncommitted, |message| {
            let record = BaseRecord::<[u8], [u8]>::to(&other.name)
                .key(message.key().unwrap_or_default())
                .payload(message.payload().unwrap_or_default())
                .partition(message.partition())
                .timestamp(message.timestamp().to_millis().unwrap_or_default());
            producer.send(record).map_err(|(error, _)| error).unwrap();
            producer.poll(Duration::ZERO);
        });
        producer.flush(ANSWER_MAX).unwrap();
        assert_eq!(other.ends(Isolation::ReadUncommitted), self.ends(Isolation::ReadUncommitted));
    }

    /// Deletes the topic, and waits until it is gone.
    pub fn delete(&self) {
        let outcome = pollster::block_on(self.admin().delete_topics(&[&self.name], &AdminOptions::new())).unwrap();
        assert!(outcome.iter().all(Result::is_ok), "{outcome:?}");
        let (consumer, deadline) =
            (idle_consumer(&self.bootstrap, "reader", Isolation::ReadUncommitted), Deadline::after(ANSWER_MAX));
        let exists = || {
            let metadata = consumer.fetch_metadata(None, ANSWER_MAX).unwrap();
            metadata.topics().iter().any(|topic| topic.name() == self.name)
        };
        while exists() {
            deadline.check("the end of the topic");
            consumer.poll(POLL);
        }
    }

    /// A producer that keeps the order, duplicates nothing, and has a queue for a whole topic.
    pub fn producer(&self) -> BaseProducer {
        ClientConfig::new()
            .set("bootstrap.servers", &self.bootstrap)
            .set("enable.idempotence", "true")
            .set("queue.buffering.max.messages", "1000000")
            .create()
            .unwrap()
    }

    pub fn admin(&self) -> AdminClient<DefaultClientContext> {
        ClientConfig::new().set("bootstrap.servers", &self.bootstrap).create().unwrap()
    }

    /// Starts to read committed records from the beginning.
    pub fn follow(&self) -> Follower {
        Follower { consumer: self.consumer(Isolation::ReadCommitted), seen: Vec::new() }
    }

    /// A consumer that reads all partitions from their beginnings.
    fn consumer(&self, isolation: Isolation) -> BaseConsumer {
        let consumer = idle_consumer(&self.bootstrap, "reader", isolation);
        let mut start = TopicPartitionList::new();
        for partition in self.partitions(&consumer) {
            start.add_partition_offset(&self.name, partition, Offset::Beginning).unwrap();
        }
        consumer.assign(&start).unwrap();
        consumer
    }

    fn partitions(&self, consumer: &BaseConsumer) -> impl Iterator<Item = i32> + use<> {
        let deadline = Deadline::after(ANSWER_MAX);
        let metadata = loop {
            match consumer.fetch_metadata(Some(&self.name), ANSWER_MAX) {
                Ok(metadata) => break metadata,
                Err(_) => deadline.check("the partitions of a topic"),
            }
        };
        let count = metadata.topics()[0].partitions().len();
        assert!(count > 0, "there is no topic `{}`", self.name);
        0..i32::try_from(count).unwrap()
    }
}

/// A consumer for repeated questions about a topic's ends.
struct Ends<'a> {
    topic: &'a Topic,
    consumer: BaseConsumer,
    partitions: Vec<i32>,
}

impl<'a> Ends<'a> {
    fn new(topic: &'a Topic, isolation: Isolation) -> Self {
        let consumer = idle_consumer(&topic.bootstrap, "reader", isolation);
        let partitions = topic.partitions(&consumer).collect();
        Self { topic, consumer, partitions }
    }

    fn ask(&self) -> Vec<i64> {
        let deadline = Deadline::after(ANSWER_MAX);
        let end = |partition: &i32| loop {
            // The broker that was asked may have just been killed: the next one answers.
            match self.consumer.fetch_watermarks(&self.topic.name, *partition, ANSWER_MAX) {
                Ok((_, end)) => break end,
                Err(_) => deadline.check("the end of a partition"),
            }
        };
        self.partitions.iter().map(end).collect()
    }
}

/// A reader that collects records as they are committed.
pub struct Follower {
    consumer: BaseConsumer,
    seen: Vec<Record>,
}

impl Follower {
    /// The records read so far.
    pub fn seen(&self) -> &[Record] {
        &self.seen
    }

    /// Reads the next record; false if none comes within `wait`.
    pub fn poll(&mut self, wait: Duration) -> bool {
        match self.consumer.poll(wait) {
            Some(Ok(message)) => {
                self.seen.push(record(&message));
                true
            }
            Some(Err(_)) | None => false,
        }
    }

    /// Reads on until `count` records have been read.
    pub fn wait(&mut self, count: usize) {
        let deadline = Deadline::after(ANSWER_MAX);
        while self.seen.len() < count {
            self.poll(POLL);
            deadline.check("more committed records");
        }
    }

    /// Reads on until `count` records have been read, and returns them sorted by position.
    pub fn finish(mut self, count: usize) -> Vec<Record> {
        self.wait(count);
        self.seen.sort_by_key(Record::position);
        self.seen
    }
}

/// A consumer group as an observer outside it sees it.
pub struct Group {
    consumer: BaseConsumer,
}

impl Group {
    pub fn new(bootstrap: &str, name: &str) -> Self {
        Self { consumer: idle_consumer(bootstrap, name, Isolation::ReadCommitted) }
    }

    /// The number of records of a topic that the group has committed, over all partitions; `None` while the broker
    /// cannot tell.
    pub fn committed(&self, topic: &Topic) -> Option<i64> {
        let offset = |elem: &TopicPartitionListElem<'_>| match elem.offset() {
            Offset::Offset(offset) => offset,
            // Nothing was committed yet.
            Offset::Invalid | Offset::Beginning | Offset::End | Offset::Stored | Offset::OffsetTail(_) => 0,
        };
        self.offsets(topic).map(|answer| answer.elements().iter().map(offset).sum())
    }

    /// Whether the group has committed every record of a topic.
    pub fn has_read(&self, topic: &Topic) -> bool {
        let Some(answer) = self.offsets(topic) else { return false };
        let committed = answer.elements().iter().map(TopicPartitionListElem::offset).collect::<Vec<_>>();
        let ends = topic.ends(Isolation::ReadUncommitted);
        committed == ends.into_iter().map(Offset::Offset).collect::<Vec<_>>()
    }

    fn offsets(&self, topic: &Topic) -> Option<TopicPartitionList> {
        let mut question = TopicPartitionList::new();
        for partition in topic.partitions(&self.consumer) {
            question.add_partition(&topic.name, partition);
        }
        // The request may fail while a transaction ends or the coordinator moves.
        self.consumer.committed_offsets(question, ANSWER_MAX).ok()
    }
}

/// A consumer that has no partitions yet and joins no group.
fn idle_consumer(bootstrap: &str, group: &str, isolation: Isolation) -> BaseConsumer {
    let isolation = match isolation {
        Isolation::ReadCommitted => "read_committed",
        Isolation::ReadUncommitted => "read_uncommitted",
    };
    ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("reconnect.backoff.max.ms", "200")
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("isolation.level", isolation)
        // The default of one second starves a fast reader.
        .set("fetch.queue.backoff.ms", "5")
        .set("fetch.wait.max.ms", "10")
        .create()
        .unwrap()
}

fn record(message: &BorrowedMessage<'_>) -> Record {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let headers = message.headers().into_iter().flat_map(Headers::iter);
    Record {
        partition: message.partition(),
        offset: message.offset(),
        key: message.key().unwrap_or_default().to_vec(),
        payload: message.payload().unwrap_or_default().to_vec(),
        headers: headers.map(|h| (h.key.to_owned(), text(h.value.unwrap_or_default()))).collect(),
    }
}
