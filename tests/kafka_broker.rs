//! The test broker itself: it starts, keeps its records over a kill, and answers again.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod support;

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

use support::kafka::{Cluster, KafkaBroker};

const TOPIC: &str = "orders";
const PARTITIONS: i32 = 3;
const RECORDS: u32 = 100;
const ANSWER_MAX: Duration = Duration::from_secs(30);

#[test]
fn a_killed_broker_comes_back_with_every_record() {
    let mut broker = KafkaBroker::start();
    broker.create_topic(TOPIC, PARTITIONS, &[("cleanup.policy", "delete")]);
    produce(&broker.bootstrap());
    assert_eq!(read(&broker.bootstrap()), expected());

    let address = broker.bootstrap();
    broker.kill();
    assert!(metadata_fails(&address), "a killed broker answers");
    broker.restart();
    assert_eq!(broker.bootstrap(), address);
    assert_eq!(read(&address), expected());
}

#[test]
fn three_nodes_serve_while_one_is_killed() {
    let mut cluster = Cluster::start(3);
    cluster.create_topic(TOPIC, PARTITIONS, &[]);
    cluster.kill(0);
    produce(&cluster.bootstrap());
    cluster.restart(0);
    cluster.kill(1);
    assert_eq!(read(&cluster.bootstrap()), expected());
}

fn expected() -> Vec<u32> {
    (0..RECORDS).collect()
}

fn client(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap);
    config
}

/// Writes the numbers up to `RECORDS`, spread over the partitions.
fn produce(bootstrap: &str) {
    let producer: BaseProducer = client(bootstrap).set("acks", "all").create().unwrap();
    for number in 0..RECORDS {
        let (key, payload) = (number.to_be_bytes(), number.to_string());
        let record = BaseRecord::to(TOPIC).key(&key).payload(&payload);
        producer.send(record).unwrap();
    }
    producer.flush(ANSWER_MAX).unwrap();
}

/// Reads `RECORDS` numbers from the start of every partition, and sorts them.
fn read(bootstrap: &str) -> Vec<u32> {
    // The client requires a group's name even if it joins no group.
    let mut config = client(bootstrap);
    config.set("group.id", "reader").set("enable.auto.commit", "false");
    let consumer: BaseConsumer = config.create().unwrap();
    let mut start = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        start.add_partition_offset(TOPIC, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&start).unwrap();
    let mut numbers: Vec<u32> = (0..RECORDS).map(|_| next(&consumer)).collect();
    numbers.sort_unstable();
    numbers
}

/// The next record's number. Errors are skipped: the client itself recovers when a broker of the list is away.
fn next(consumer: &BaseConsumer) -> u32 {
    let found = std::iter::from_fn(|| consumer.poll(ANSWER_MAX)).find_map(Result::ok);
    let record = found.expect("a record in time");
    let payload = record.payload_view::<str>().unwrap().unwrap();
    payload.parse().unwrap()
}

fn metadata_fails(bootstrap: &str) -> bool {
    let consumer: BaseConsumer = client(bootstrap).create().unwrap();
    consumer.fetch_metadata(None, Duration::from_secs(1)).is_err()
}
