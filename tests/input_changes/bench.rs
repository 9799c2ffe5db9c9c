//! A service with an input of its own on a broker that the tests share.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use rdkafka::admin::AdminOptions;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use serde_json::Value;
use tempfile::NamedTempFile;

use crate::support::command::foreshock;
use crate::support::deadline::Deadline;
use crate::support::http::Metrics;
use crate::support::kafka::KafkaBroker;
use crate::support::outcome::alert;
use crate::support::replay::Replay;
use crate::support::service::Service;
use crate::support::topic::{Isolation, Topic};

/// Time for an answer of the broker.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// Time for a start and some records.
const FATES_MAX: Duration = Duration::from_mins(1);
/// Time of the first event: any time in the past will do.
const BEGAN_NS: i64 = 1_780_000_000_000_000_000;
/// Time between two events.
const STEP_NS: i64 = 10_000_000;

/// Waits a moment.
pub fn pause() {
    std::thread::park_timeout(Duration::from_millis(50));
}

/// A service under test, with its topics.
pub struct Bench {
    pub input: Topic,
    name: String,
    config: NamedTempFile,
    bootstrap: String,
    /// Kept while the service is under test.
    broker: Arc<Mutex<KafkaBroker>>,
}

/// The broker that the tests of this process have at the moment. A static is never dropped, and would leave it behind.
fn broker() -> Arc<Mutex<KafkaBroker>> {
    static CURRENT: Mutex<Weak<Mutex<KafkaBroker>>> = Mutex::new(Weak::new());
    let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    current.upgrade().unwrap_or_else(|| {
        let broker = Arc::new(Mutex::new(KafkaBroker::start()));
        *current = Arc::downgrade(&broker);
        broker
    })
}

impl Bench {
    /// A service that reads `<name>.events`.
    pub fn new(name: &str, partitions: i32) -> Self {
        Self::with_input(name, partitions, &[&format!("{name}.events")])
    }

    /// A service that reads these topics or patterns; `<name>.events` is there.
    pub fn with_input(name: &str, partitions: i32, input: &[&str]) -> Self {
        let broker = broker();
        let events = format!("{name}.events");
        let bootstrap = {
            let broker = broker.lock().unwrap_or_else(PoisonError::into_inner);
            broker.create_topic(&events, partitions, &[]);
            broker.create_topic(&format!("{name}.alerts"), 1, &[]);
            broker.bootstrap()
        };
        let mut config = NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let input = serde_json::to_string(input).unwrap();
        write!(
            config,
            "[kafka]\nbrokers = '{bootstrap}'\ngroup = '{name}'\ninput = {input}\n\
             [topics]\nalerts = '{name}.alerts'\ndead_letter = '{name}.dead'\naudit = '{name}.audit'\nstate = '{name}.state'\n\
             [http]\nlisten = '127.0.0.1:0'\n"
        )
        .unwrap();
        Self { input: Topic::new(&bootstrap, &events), name: name.to_owned(), config, bootstrap, broker }
    }

    /// Starts the service.
    pub fn start(&self) -> Service {
        self.start_with("")
    }

    /// Starts the service with failpoints.
    pub fn start_with(&self, failpoints: &str) -> Service {
        Service::start(self.config.path(), failpoints)
    }

    /// The lines that `check` prints.
    pub fn check(&self) -> String {
        let output = foreshock().args(["check", "--config"]).arg(self.config.path()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn create_topic(&self, name: &str, partitions: i32) {
        self.broker.lock().unwrap_or_else(PoisonError::into_inner).create_topic(name, partitions, &[]);
    }

    /// Deletes the input and makes it again.
    pub fn make_again(&self, partitions: i32) {
        self.input.delete();
        self.create_topic(&self.input.name, partitions);
    }

    /// Sends heartbeats with these numbers to a partition of the input.
    pub fn send(&self, partition: i32, numbers: Range<i64>) {
        self.send_to(&self.input.name, partition, numbers);
    }

    /// Sends heartbeats with these numbers.
    pub fn send_to(&self, topic: &str, partition: i32, numbers: Range<i64>) {
        let producer = self.input.producer();
        numbers.for_each(|number| send(&producer, topic, partition, &heartbeat(number)));
        producer.flush(ANSWER_MAX).unwrap();
    }

    /// Sends something to partition 0 of the input.
    pub fn send_text(&self, text: &str) {
        let producer = self.input.producer();
        send(&producer, &self.input.name, 0, text);
        producer.flush(ANSWER_MAX).unwrap();
    }

    /// Sends heartbeats with these numbers to partition 0 in one transaction.
    pub fn send_in_transaction(&self, numbers: Range<i64>) {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap).set("transactional.id", format!("{}.producer", self.name));
        let producer: BaseProducer = config.create().unwrap();
        producer.init_transactions(ANSWER_MAX).unwrap();
        producer.begin_transaction().unwrap();
        numbers.for_each(|number| send(&producer, &self.input.name, 0, &heartbeat(number)));
        producer.commit_transaction(ANSWER_MAX).unwrap();
    }

    /// Deletes the records of partition 0 of the input before an offset, as retention does.
    pub fn delete_before(&self, offset: i64) {
        let mut offsets = TopicPartitionList::new();
        offsets.add_partition_offset(&self.input.name, 0, Offset::Offset(offset)).unwrap();
        pollster::block_on(self.input.admin().delete_records(&offsets, &AdminOptions::new())).unwrap();
    }

    /// Waits until so many records have a fate, and proves that no more have.
    #[track_caller]
    pub fn wait_fates(&self, address: SocketAddr, service: &mut Service, records: u32) {
        let deadline = Deadline::after(FATES_MAX);
        loop {
            service.assert_running();
            let fates = Metrics::of(address).sum("foreshock_records_total");
            if fates >= f64::from(records) {
                assert!(fates <= f64::from(records), "{fates} fates of {records} records");
                return;
            }
            assert!(
                !deadline.left().is_zero(),
                "{}: {fates} fates of {records} records:\n{}",
                self.name,
                service.log_so_far()
            );
            pause();
        }
    }

    /// Waits until a metric has a value over all its labels.
    #[track_caller]
    pub fn wait_metric(&self, address: SocketAddr, metric: &str, expected: f64) {
        let deadline = Deadline::after(FATES_MAX);
        loop {
            let value = Metrics::of(address).sum(metric);
            if (value - expected).abs() < 0.5 {
                return;
            }
            assert!(!deadline.left().is_zero(), "{}: {metric} is {value}, not {expected}", self.name);
            pause();
        }
    }

    /// The alerts so far.
    pub fn alerts(&self) -> Vec<Value> {
        let topic = Topic::new(&self.bootstrap, &format!("{}.alerts", self.name));
        topic.records(Isolation::ReadCommitted).iter().map(alert).collect()
    }

    /// Waits for an alert whose input is not trusted for this reason.
    #[track_caller]
    pub fn wait_reason(&self, reason: &str, within: Duration) -> Value {
        let deadline = Deadline::after(within);
        let has = |alert: &Value| alert["trust"]["reasons"].as_array().unwrap().iter().any(|one| one == reason);
        loop {
            let alerts = self.alerts();
            if let Some(alert) = alerts.iter().find(|alert| has(alert)) {
                return alert.clone();
            }
            assert!(!deadline.left().is_zero(), "no alert for `{reason}`: {alerts:#?}");
            pause();
        }
    }

    /// The recorded inputs of a kind.
    pub fn recorded(&self, kind: &str) -> Vec<Value> {
        let audit = Topic::new(&self.bootstrap, &format!("{}.audit", self.name));
        let entries = audit.records(Isolation::ReadCommitted);
        let entries = entries.iter().map(|record| serde_json::from_slice::<Value>(&record.payload).unwrap());
        entries.map(|entry| entry["input"].clone()).filter(|input| input["kind"] == kind).collect()
    }

    /// The dead letters: payload and headers.
    pub fn dead_letters(&self) -> Vec<(Vec<u8>, BTreeMap<String, String>)> {
        let dead = Topic::new(&self.bootstrap, &format!("{}.dead", self.name));
        let letters = dead.records(Isolation::ReadCommitted);
        letters.into_iter().map(|letter| (letter.payload, letter.headers)).collect()
    }

    /// Replays the input with the recorded inputs.
    pub fn replay(&self) -> Replay {
        Replay::of(&self.bootstrap, &self.input, &format!("{}.audit", self.name))
    }
}

fn send(producer: &BaseProducer, topic: &str, partition: i32, text: &str) {
    let record = BaseRecord::<str, str>::to(topic).payload(text).partition(partition);
    producer.send(record).map_err(|(error, _)| error).unwrap();
    producer.poll(Duration::ZERO);
}

/// A heartbeat; the later the greater its number.
pub fn heartbeat(number: i64) -> String {
    format!(r#"{{"type":"heartbeat","ts":{},"producer":"p"}}"#, BEGAN_NS + number * STEP_NS)
}
