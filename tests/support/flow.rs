//! An hour and a half of simulated flow in a topic of a real broker, with hostile records in it.
//!
//! Making the flow takes some seconds, so the tests of one process that run at the same time share it. It is dropped
//! with the last of them: a static is never dropped, and would leave the broker's directory behind.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;

use rdkafka::admin::AdminOptions;
use rdkafka::{Offset, TopicPartitionList};

use super::command::foreshock;
use super::hostile_records;
use super::kafka::Cluster;
use super::paced_sender::{Pace, PacedSender};
use super::topic::{Isolation, Topic};

const TOPIC: &str = "orderflow.events";
const PARTITIONS: i32 = 3;
const SEED: u32 = 31;
const MINUTES: u32 = 95;
const SYMBOLS: u32 = 10;
/// Makes some 320,000 events with ten symbols.
const DENSITY: f64 = 0.8;
/// Minute of the first burst: nothing is found before half an hour of baseline.
const FIRST_BURST: u32 = 32;
/// Bursts, one every minute and a half, each on a symbol without a burst in the three minutes before.
const BURSTS: u32 = 40;
/// Sizes of the topic, in records, at which further hostile records are sent while the simulator writes.
const HOSTILE_AT: [i64; 4] = [60_000, 120_000, 180_000, 240_000];
/// Expected size of the topic: enough to prove something, and no more than memory and time allow.
const RECORDS: std::ops::Range<u64> = 300_000..400_000;

/// An input topic.
pub struct Flow {
    pub bootstrap: String,
    pub topic: Topic,
    /// Payloads of the hostile records by partition and offset.
    pub hostile: BTreeMap<(i32, i64), Vec<u8>>,
    brokers: Arc<Mutex<Cluster>>,
}

impl Flow {
    /// Returns the flow that this process has at the moment, or makes one.
    pub fn shared() -> Arc<Self> {
        static CURRENT: Mutex<Weak<Flow>> = Mutex::new(Weak::new());
        let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        current.upgrade().unwrap_or_else(|| {
            let flow = Self::on_nodes(1);
            *current = Arc::downgrade(&flow);
            flow
        })
    }

    /// Makes a flow on a cluster of its own with this many nodes.
    pub fn on_nodes(nodes: usize) -> Arc<Self> {
        Self::in_cluster(Cluster::start(nodes))
    }

    /// Makes a flow on a broker of its own that a test may kill and start again.
    pub fn on_broker_beside_controller() -> Arc<Self> {
        Self::in_cluster(Cluster::start_broker_beside_controller())
    }

    fn in_cluster(brokers: Cluster) -> Arc<Self> {
        brokers.create_topic(TOPIC, PARTITIONS, &[]);
        let bootstrap = brokers.bootstrap();
        let topic = Topic::new(&bootstrap, TOPIC);
        fill(&bootstrap, &topic);
        let hostile = hostile_records::find(&topic);
        let rounds = HOSTILE_AT.len() + 2;
        assert_eq!(hostile.len(), rounds * hostile_records::KINDS.len() * usize::try_from(PARTITIONS).unwrap());
        let flow = Self { bootstrap, topic, hostile, brokers: Arc::new(Mutex::new(brokers)) };
        let records = flow.records();
        assert!(RECORDS.contains(&records), "{records} records");
        Arc::new(flow)
    }

    /// The brokers, for a test that does harm to them.
    pub fn brokers(&self) -> MutexGuard<'_, Cluster> {
        self.brokers.lock().unwrap()
    }

    /// Copies the flow into a topic of its own, for a test that does harm to the input.
    pub fn copied(&self, name: &str) -> Arc<Self> {
        self.create_topic(name, PARTITIONS);
        let topic = Topic::new(&self.bootstrap, name);
        self.topic.copy_to(&topic);
        let (bootstrap, hostile, brokers) = (self.bootstrap.clone(), self.hostile.clone(), Arc::clone(&self.brokers));
        Arc::new(Self { bootstrap, topic, hostile, brokers })
    }

    /// Starts to send the flow, hostile records included, to a topic of its own at a pace.
    pub fn paced(&self, name: &str, pace: Pace) -> (Arc<Self>, PacedSender) {
        self.create_topic(name, PARTITIONS);
        let topic = Topic::new(&self.bootstrap, name);
        let sender = PacedSender::start(self.topic.clone(), topic.clone(), pace);
        let (bootstrap, hostile, brokers) = (self.bootstrap.clone(), self.hostile.clone(), Arc::clone(&self.brokers));
        (Arc::new(Self { bootstrap, topic, hostile, brokers }), sender)
    }

    /// Deletes the topic of a copy and fills it again, as it was before harm was done.
    pub fn restore_copy(&self, copy: &Self) {
        copy.topic.delete();
        self.create_topic(&copy.topic.name, PARTITIONS);
        self.topic.copy_to(&copy.topic);
    }

    /// Deletes the records of a partition before an offset, as retention does.
    pub fn delete_records_before(&self, partition: i32, before: i64) {
        let mut offsets = TopicPartitionList::new();
        offsets.add_partition_offset(&self.topic.name, partition, Offset::Offset(before)).unwrap();
        pollster::block_on(self.topic.admin().delete_records(&offsets, &AdminOptions::new())).unwrap();
    }

    /// Creates an output topic.
    pub fn create_topic(&self, name: &str, partitions: i32) {
        self.brokers().create_topic(name, partitions, &[]);
    }

    /// The number of records in the topic. Its producers use no transactions, so every offset is a record.
    pub fn records(&self) -> u64 {
        let ends = self.topic.ends(Isolation::ReadUncommitted);
        u64::try_from(ends.iter().sum::<i64>()).unwrap()
    }
}

/// Fills the topic with the simulator's records, and hostile ones before, between and after them.
fn fill(bootstrap: &str, topic: &Topic) {
    let hostile = hostile_records::Sender::new(bootstrap, topic);
    hostile.send_round(PARTITIONS);
    thread::scope(|scope| {
        scope.spawn(|| simulate(bootstrap, topic));
        for records in HOSTILE_AT {
            topic.wait_records(records);
            hostile.send_round(PARTITIONS);
        }
    });
    hostile.send_round(PARTITIONS);
}

fn simulate(bootstrap: &str, topic: &Topic) {
    let mut command = foreshock();
    command
        .args(["simulate", "--kafka", bootstrap, "--topic", &topic.name])
        .args(["--seed", &SEED.to_string(), "--minutes", &MINUTES.to_string()])
        .args(["--symbols", &SYMBOLS.to_string(), "--density", &DENSITY.to_string()]);
    for burst in 0..BURSTS {
        let minute = f64::from(FIRST_BURST) + 1.5 * f64::from(burst);
        command.args(["--scenario", &format!("cancel_burst@{minute}")]);
    }
    let labels = tempfile::NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let output = command.arg("--labels").arg(labels.path()).output().unwrap();
    assert!(output.status.success(), "simulate: {output:?}");
}
