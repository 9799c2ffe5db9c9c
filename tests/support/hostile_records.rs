//! Records that no version of the product can use, and a sender that mixes them with good ones.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::message::{Header, Headers, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Message};

use super::topic::{Isolation, Topic};

/// Header that marks a hostile record, so that the test finds it in the topic.
const MARK: &str = "hostile";
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// One payload of each kind. `tests/bad_input` tests the reason for which each is refused.
pub const KINDS: [&[u8]; 12] = [
    b"",
    b"\0\0\0\0",
    b"\xff\xfe not UTF-8 \x80",
    b"{\"type\":\"trade\",\"ts\":17672256",
    b"[1,2,3]",
    b"null",
    br#"{"ts":1767225600000000000,"symbol":"S1"}"#,
    br#"{"type":"trade","ts":1767225600000000000,"symbol":"S1","trade":"1","price":"NaN","qty":"1"}"#,
    br#"{"type":"order_new","ts":1767225600000000000,"symbol":"S1","order":"1","side":"buy","price":"1","qty":"-1"}"#,
    br#"{"type":"order_cancel","ts":1767225600000000000,"symbol":"S1"}"#,
    // A time in the year 2096: if it were accepted, the watermark would never move again.
    br#"{"type":"heartbeat","ts":4000000000000000000}"#,
    // A time in milliseconds instead of nanoseconds.
    br#"{"type":"heartbeat","ts":1767225600000}"#,
];

/// Sends hostile records to a topic.
pub struct Sender<'a> {
    producer: BaseProducer,
    topic: &'a Topic,
}

impl<'a> Sender<'a> {
    pub fn new(bootstrap: &str, topic: &'a Topic) -> Self {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", bootstrap).set("enable.idempotence", "true");
        Self { producer: config.create().unwrap(), topic }
    }

    /// Sends one of each kind to each partition, and waits until the broker has them.
    pub fn send_round(&self, partitions: i32) {
        for partition in 0..partitions {
            for payload in KINDS {
                let headers = OwnedHeaders::new().insert(Header { key: MARK, value: Some("yes") });
                let record = BaseRecord::to(&self.topic.name).key("S1").payload(payload).partition(partition);
                self.producer.send(record.headers(headers)).map_err(|(error, _)| error).unwrap();
            }
        }
        self.producer.flush(ANSWER_MAX).unwrap();
    }
}

/// Payloads of the hostile records in a topic by partition and offset.
pub fn find(topic: &Topic) -> BTreeMap<(i32, i64), Vec<u8>> {
    let mut found = BTreeMap::new();
    topic.for_each(Isolation::ReadUncommitted, |message| {
        if message.headers().is_some_and(|headers| headers.iter().any(|header| header.key == MARK)) {
            let payload = message.payload().unwrap_or_default().to_vec();
            found.insert((message.partition(), message.offset()), payload);
        }
    });
    found
}
