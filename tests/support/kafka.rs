//! A real Apache Kafka for a test, of one node or several, on the loopback interface only.
//!
//! `make test` fetches the jars. Each cluster has its own ports and its own directory under `target/tmp`, which is
//! removed with the cluster unless the test failed. A node ends with the test, even if the test is killed.
//!
//! Not here: a mock. Tests get the answers of Kafka itself.

pub mod authorized;
mod node;
pub mod port;
pub mod secured;

use std::path::Path;
use std::thread;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::metadata::MetadataTopic;
use tempfile::TempDir;

pub use node::Address;
use node::Node;

use super::deadline::Deadline;

/// Time for an answer. A loaded machine with three nodes needs some seconds.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// Time between two questions: a leader is elected within some tens of milliseconds.
const ASK_AGAIN: Duration = Duration::from_millis(20);
const ATTEMPTS_MAX: usize = 500;
/// Time for a restarted node to fetch the records that it missed and to be in sync again.
const IN_SYNC_MAX: Duration = Duration::from_mins(1);
/// The node id of a controller that is no broker, above the ids of all brokers.
const CONTROLLER_ID: usize = 100;

/// A broker of one node.
#[derive(Debug)]
pub struct KafkaBroker(Cluster);

impl KafkaBroker {
    /// Starts an empty broker, and waits until it answers.
    pub fn start() -> Self {
        Self(Cluster::start(1))
    }

    /// The address for a client's `bootstrap.servers`. A restart does not change it.
    pub fn bootstrap(&self) -> String {
        self.0.bootstrap()
    }

    /// Kills the broker (SIGKILL). Its data and its port stay.
    pub fn kill(&mut self) {
        self.0.kill(0);
    }

    /// Starts the broker again with its data on its port, killing it first if it runs.
    pub fn restart(&mut self) {
        self.0.restart(0);
    }

    /// Creates a topic, and waits until every partition has a leader.
    pub fn create_topic(&self, name: &str, partitions: i32, configs: &[(&str, &str)]) {
        self.0.create_topic(name, partitions, configs);
    }
}

/// A cluster whose nodes, counted from 0, are brokers and controllers at once.
///
/// With three nodes or more every topic has three replicas of which two must be in sync, so that one node may be
/// killed at any time.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Node>,
    /// A controller that is no broker, in a cluster whose broker is no controller. No test kills it.
    controller: Option<Node>,
    dir: TempDir,
}

impl Cluster {
    /// Starts an empty cluster of `nodes` nodes, and waits until all of them answer.
    ///
    /// # Panics
    /// If the jars or java are missing, or if a node does not start. The message says which.
    pub fn start(nodes: usize) -> Self {
        Self::start_with(nodes, |_| String::new())
    }

    /// Starts a cluster with further settings for each node, which override the common ones.
    pub fn start_with(nodes: usize, further: impl Fn(Address) -> String) -> Self {
        node::check_jars();
        let dir = tempfile::Builder::new().prefix("kafka-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let nodes = create_nodes(nodes, &further, dir.path());
        Self::start_nodes(nodes, None, dir)
    }

    /// Starts one broker beside a controller, so that the cluster notices when the broker is killed, as a venue's
    /// cluster does. A broker that is its own controller leads its partitions again before it has given them up. It may
    /// then take an unfinished transaction for finished (Kafka 4.3: "these partitions are likely deleted already and
    /// hence can be skipped"), and never release the group's offsets.
    pub fn start_broker_beside_controller() -> Self {
        node::check_jars();
        let dir = tempfile::Builder::new().prefix("kafka-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let [broker, controller] = [0, 1].map({
            let ports = port::free(2);
            move |nth: usize| ports[nth]
        });
        let address = Address { broker, controller };
        let controller = Node::create(CONTROLLER_ID, &[address], 1, &node::controller_only(address), dir.path());
        let broker = Node::create(0, &[address], 1, &node::broker_only(address), dir.path());
        Self::start_nodes(vec![broker], Some(controller), dir)
    }

    fn start_nodes(nodes: Vec<Node>, controller: Option<Node>, dir: TempDir) -> Self {
        let mut cluster = Self { nodes, controller, dir };
        thread::scope(|scope| {
            for node in cluster.controller.iter_mut().chain(&mut cluster.nodes) {
                scope.spawn(move || node.format());
            }
        });
        // All nodes start before any is waited for: none is up before the majority of the quorum is.
        cluster.controller.iter_mut().chain(&mut cluster.nodes).for_each(Node::spawn);
        cluster.controller.iter_mut().chain(&mut cluster.nodes).for_each(Node::wait_started);
        cluster.nodes.iter().for_each(ask_metadata);
        cluster
    }

    /// The addresses for a client's `bootstrap.servers`. A restart does not change them.
    pub fn bootstrap(&self) -> String {
        self.nodes.iter().map(Node::bootstrap).collect::<Vec<_>>().join(",")
    }

    /// Kills one node (SIGKILL). Its data and its ports stay.
    pub fn kill(&mut self, node: usize) {
        self.nodes[node].kill();
    }

    /// Starts one node again with its data on its ports, killing it first if it runs, and waits until it answers.
    pub fn restart(&mut self, node: usize) {
        let node = &mut self.nodes[node];
        node.kill();
        node.spawn();
        node.wait_started();
        ask_metadata(node);
    }

    /// Waits until every node has every record of its partitions, so that the next one may be killed.
    pub fn wait_in_sync(&self) {
        let consumer: BaseConsumer = client(&self.bootstrap()).create().unwrap();
        let whole = |topic: &MetadataTopic| topic.partitions().iter().all(|p| p.isr().len() == p.replicas().len());
        let deadline = Deadline::after(IN_SYNC_MAX);
        while !consumer.fetch_metadata(None, ANSWER_MAX).is_ok_and(|answer| answer.topics().iter().all(whole)) {
            deadline.check("all replicas in sync");
            thread::park_timeout(ASK_AGAIN);
        }
    }

    /// The node that coordinates a consumer group: the leader of the partition that holds its offsets, which Kafka
    /// chooses by Java's hash of the group's name.
    pub fn coordinator(&self, group: &str) -> usize {
        let hash = group.encode_utf16().fold(0_u32, |hash, unit| hash.wrapping_mul(31).wrapping_add(unit.into()));
        let consumer: BaseConsumer = client(&self.bootstrap()).create().unwrap();
        let metadata = consumer.fetch_metadata(Some("__consumer_offsets"), ANSWER_MAX).unwrap();
        let partitions = metadata.topics()[0].partitions();
        let chosen = (hash & 0x7fff_ffff) as usize % partitions.len();
        let leader =
            partitions.iter().find(|partition| usize::try_from(partition.id()) == Ok(chosen)).unwrap().leader();
        usize::try_from(leader).unwrap()
    }

    /// Limits the bytes per second that clients with this id may write: the broker delays its answers to them.
    pub fn throttle(&self, client_id: &str, bytes_per_second: u32) {
        let output = node::java("64m")
            .args(["kafka.admin.ConfigCommand", "--bootstrap-server", &self.bootstrap(), "--alter"])
            .args(["--add-config", &format!("producer_byte_rate={bytes_per_second}")])
            .args(["--entity-type", "clients", "--entity-name", client_id])
            .output()
            .unwrap_or_else(|error| panic!("{}", node::no_java(&error)));
        assert!(output.status.success(), "{output:?}");
    }

    /// Creates a topic, and waits until every partition has a leader.
    pub fn create_topic(&self, name: &str, partitions: i32, configs: &[(&str, &str)]) {
        let admin: AdminClient<DefaultClientContext> = client(&self.bootstrap()).create().unwrap();
        let replicas = TopicReplication::Fixed(replication(self.nodes.len()));
        let topic = configs.iter().fold(NewTopic::new(name, partitions, replicas), |topic, (k, v)| topic.set(k, v));
        let options = AdminOptions::new().operation_timeout(Some(ANSWER_MAX));
        let results = pollster::block_on(admin.create_topics(&[topic], &options)).unwrap();
        for result in results {
            result.unwrap_or_else(|(topic, error)| panic!("topic `{topic}`: {error}"));
        }
        // The controller answers before the nodes have taken up their partitions.
        let consumer: BaseConsumer = client(&self.bootstrap()).create().unwrap();
        for partition in 0..partitions {
            wait_leader(&consumer, name, partition);
        }
    }
}

impl Drop for Cluster {
    #[expect(clippy::print_stderr, reason = "a test that fails names the folder of its logs")]
    fn drop(&mut self) {
        if thread::panicking() {
            self.dir.disable_cleanup(true);
            eprintln!("the nodes' logs are kept in {}", self.dir.path().display());
        }
        // The nodes end before their directory is removed.
        self.nodes.clear();
        self.controller = None;
    }
}

/// Chooses the ports of each node and writes its settings.
fn create_nodes(nodes: usize, further: &dyn Fn(Address) -> String, dir: &Path) -> Vec<Node> {
    let ports = port::free(2 * nodes);
    let addresses: Vec<Address> =
        ports.chunks_exact(2).map(|pair| Address { broker: pair[0], controller: pair[1] }).collect();
    let node = |index: usize| {
        let further = further(addresses[index]);
        Node::create(index, &addresses, replication(nodes), &further, dir)
    };
    (0..nodes).map(node).collect()
}

/// The number of replicas of a topic on this many nodes.
fn replication(nodes: usize) -> i32 {
    if nodes < 3 { 1 } else { 3 }
}

/// The configuration of a client that reconnects soon after a broker was away.
fn client(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("reconnect.backoff.max.ms", "200");
    config
}

/// Proves that a node answers.
fn ask_metadata(node: &Node) {
    let consumer: BaseConsumer = client(&node.bootstrap()).create().unwrap();
    let metadata = consumer.fetch_metadata(None, ANSWER_MAX).unwrap();
    assert!(!metadata.brokers().is_empty(), "no broker in the metadata");
}

/// Waits until a partition's leader answers; nothing but a request shows it.
fn wait_leader(consumer: &BaseConsumer, topic: &str, partition: i32) {
    let mut failures = Vec::new();
    while failures.len() < ATTEMPTS_MAX {
        match consumer.fetch_watermarks(topic, partition, ANSWER_MAX) {
            Ok(_) => return,
            Err(error) => failures.push(error),
        }
        thread::park_timeout(ASK_AGAIN);
    }
    panic!("no leader of {topic}/{partition}: {:?}", failures.last());
}
