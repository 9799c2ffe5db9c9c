//! One node: its directory, its settings and its process.
//!
//! The node's log passes through this process into a file. A line of it shows that the node is up, and its end that the
//! node has ended.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use crate::support::watchdog::Watchdog;

/// The jars that `make test` fetches. cargo runs a test in the package's folder.
const LIBS: &str = "target/kafka/libs";
const LOGGING: &str = "tests/kafka/log4j2.properties";
const SETTINGS: &str = include_str!("../../kafka/broker.properties");
/// The cluster's id: 16 bytes in base64, here `foreshock-tests!`.
const CLUSTER_ID: &str = "Zm9yZXNob2NrLXRlc3RzIQ";
/// Line that a node logs when it has joined and serves.
const STARTED: &str = "Kafka Server started";
/// Time for a start. One takes 3 s, after a kill 7 s; the rest is for a loaded machine.
const START_MAX: Duration = Duration::from_secs(90);
/// Lines of the log that a failure shows.
const TAIL_LINES: usize = 30;

/// The ports of a node.
#[derive(Debug, Clone, Copy)]
pub struct Address {
    pub broker: u16,
    pub controller: u16,
}

/// A node, running or not.
#[derive(Debug)]
pub struct Node {
    dir: PathBuf,
    broker_port: u16,
    process: Option<Process>,
}

#[derive(Debug)]
struct Process {
    java: Child,
    watchdog: Watchdog,
    /// Receives one message when the node is up; closed when the node has ended.
    started: Receiver<()>,
}

/// Fails the test if the jars are missing: a test that needs Kafka is never skipped.
pub fn check_jars() {
    assert!(Path::new(LIBS).join(".complete").exists(), "no Kafka in {LIBS}: run `make test`, which fetches it");
}

impl Node {
    /// Writes the settings of node `index` of those at `addresses` into a directory of its own.
    pub fn create(index: usize, addresses: &[Address], replicas: i32, further: &str, dir: &Path) -> Self {
        let dir = dir.join(format!("node-{index}"));
        fs::create_dir(&dir).unwrap();
        // A controller beside a broker has no address of its own here: `further` sets its listener. Of a setting that
        // is given twice the last one counts.
        let address = addresses.get(index).copied().unwrap_or(addresses[0]);
        let settings = settings(index, address, addresses, replicas, &dir.join("data")) + further;
        fs::write(dir.join("server.properties"), settings).unwrap();
        Self { dir, broker_port: address.broker, process: None }
    }

    /// The address for clients.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.broker_port)
    }

    /// Prepares the node's storage.
    pub fn format(&self) {
        let output = java("128m")
            .args(["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c"])
            .arg(self.settings_path())
            .output()
            .unwrap_or_else(|error| panic!("{}", no_java(&error)));
        assert!(output.status.success(), "format: {output:?}");
    }

    /// Starts the process. [`Node::wait_started`] waits until it serves.
    pub fn spawn(&mut self) {
        assert!(self.process.is_none(), "the node runs already");
        let mut java = java("512m")
            .arg("kafka.Kafka")
            .arg(self.settings_path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(self.open_log())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{}", no_java(&error)));
        let watchdog = Watchdog::over(&java);
        let (sender, started) = mpsc::channel();
        let (stdout, log) = (java.stdout.take().unwrap(), self.open_log());
        thread::spawn(move || keep_log(stdout, log, &sender));
        self.process = Some(Process { java, watchdog, started });
    }

    /// Waits until the node serves.
    pub fn wait_started(&mut self) {
        let process = self.process.as_ref().expect("spawned before");
        let wrong = match process.started.recv_timeout(START_MAX) {
            Ok(()) => return,
            Err(RecvTimeoutError::Timeout) => "is not up in time",
            Err(RecvTimeoutError::Disconnected) => "ended",
        };
        panic!("{} {wrong}; its log ends:\n{}", self.bootstrap(), self.tail());
    }

    /// Kills the process, if there is one, and waits until it is gone.
    pub fn kill(&mut self) {
        let Some(mut process) = self.process.take() else {
            return;
        };
        process.java.kill().unwrap();
        // The watchdog ends before the node is reaped: afterwards another process may get the id that it would kill.
        drop(process.watchdog);
        process.java.wait().unwrap();
    }

    fn settings_path(&self) -> PathBuf {
        self.dir.join("server.properties")
    }

    fn log_path(&self) -> PathBuf {
        self.dir.join("log")
    }

    fn open_log(&self) -> File {
        let mut options = OpenOptions::new();
        options.create(true).append(true).open(self.log_path()).unwrap()
    }

    fn tail(&self) -> String {
        let log = fs::read_to_string(self.log_path()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Further settings of a node that is only a broker, with the controller of this address.
pub fn broker_only(Address { broker, controller }: Address) -> String {
    format!("process.roles=broker\nlisteners=PLAINTEXT://127.0.0.1:{broker}\n{}", voter(controller))
}

/// Further settings of a node that is only the controller of this address.
pub fn controller_only(Address { controller, .. }: Address) -> String {
    let address = format!("CONTROLLER://127.0.0.1:{controller}");
    format!("process.roles=controller\nlisteners={address}\nadvertised.listeners={address}\n{}", voter(controller))
}

fn voter(controller: u16) -> String {
    format!("controller.quorum.voters={}@127.0.0.1:{controller}\n", super::CONTROLLER_ID)
}

fn settings(index: usize, address: Address, addresses: &[Address], replicas: i32, data: &Path) -> String {
    let Address { broker, controller } = address;
    let voters: Vec<String> = (0..)
        .zip(addresses)
        .map(|(id, address): (usize, _)| format!("{id}@127.0.0.1:{}", address.controller))
        .collect();
    let in_sync_min = (replicas + 1) / 2;
    let mut text = SETTINGS.to_owned();
    write!(
        text,
        "
node.id={index}
controller.quorum.voters={}
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker}
log.dirs={}
default.replication.factor={replicas}
min.insync.replicas={in_sync_min}
offsets.topic.replication.factor={replicas}
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr={in_sync_min}
share.coordinator.state.topic.replication.factor={replicas}
share.coordinator.state.topic.min.isr={in_sync_min}
",
        voters.join(","),
        data.display(),
    )
    .unwrap();
    text
}

/// A JVM that starts fast and stays small.
pub fn java(heap_max: &str) -> Command {
    let mut command = Command::new("java");
    command
        .arg(format!("-Xmx{heap_max}"))
        .args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"])
        .arg(format!("-Dlog4j2.configurationFile={LOGGING}"))
        .args(["-cp", &format!("{LIBS}/*")]);
    command
}

pub fn no_java(error: &std::io::Error) -> String {
    format!("java does not start ({error}): run `make test`, which installs what the broker needs")
}

/// Copies a node's output into its log until the output ends, and reports when the node is up.
fn keep_log(stdout: ChildStdout, mut log: File, started: &Sender<()>) {
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        writeln!(log, "{line}").unwrap();
        if line.contains(STARTED) {
            // The receiver is gone if the node was killed meanwhile.
            let _ = started.send(());
        }
    }
}
