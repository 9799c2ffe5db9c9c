//! A trial: a service that reads the flow to its end, with a configuration and output topics of its own, while a test
//! does harm.

use std::fs;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tempfile::NamedTempFile;

use super::deadline::Deadline;
use super::environment;
use super::flow::Flow;
use super::outcome::assert_exactly_once;
use super::replay::Replay;
use super::service::Service;
use super::state::StateTopic;
use super::topic::{Follower, Group, Isolation, Record, Topic};

/// Longest time without a commit: a loaded machine, a start, and a restart that waits until the group has removed a
/// dead member.
const NO_COMMIT_MAX: Duration = Duration::from_mins(2);
/// Longest time without a commit in the long forms, where output is held up on purpose for minutes.
const NO_COMMIT_LONG_MAX: Duration = Duration::from_mins(8);
/// Time between two questions for the group's progress.
const POLL: Duration = Duration::from_millis(50);
/// Time without an alert, after the last commit, that shows that none is to come.
const QUIET: Duration = Duration::from_millis(500);
/// Partitions of the alerts topic: more than one, so that only the key keeps an incident's revisions in order.
const ALERT_PARTITIONS: i32 = 3;

/// The configuration, the topics and the group of a service under test.
pub struct Trial {
    pub alerts: Topic,
    flow: Arc<Flow>,
    name: String,
    dead_letters: Topic,
    audit: String,
    group: Group,
    config: NamedTempFile,
}

impl Trial {
    /// A trial with the default names of group and topics.
    pub fn with_defaults(flow: Arc<Flow>) -> Self {
        Self::new(flow, "foreshock", ["foreshock.alerts", "foreshock.dead-letter", "foreshock.audit"], "")
    }

    /// A trial whose group and output topics bear this name.
    pub fn named(flow: Arc<Flow>, name: &str) -> Self {
        Self::named_with(flow, name, "")
    }

    /// A named trial with further lines in its configuration: settings of the Kafka client first, then other tables.
    pub fn named_with(flow: Arc<Flow>, name: &str, further: &str) -> Self {
        Self::configured(flow, name, further, "")
    }

    /// A named trial with settings of its snapshots (`[state]`).
    pub fn with_state_settings(flow: Arc<Flow>, name: &str, state: &str) -> Self {
        Self::configured(flow, name, "", &format!("[state]\n{state}"))
    }

    fn configured(flow: Arc<Flow>, name: &str, before: &str, after: &str) -> Self {
        let keys = ["alerts", "dead_letter", "audit", "state"];
        let topics = keys.map(|key| format!("{name}.{key}"));
        let named = keys
            .iter()
            .zip(&topics)
            .fold("[topics]\n".to_owned(), |text, (key, topic)| text + &format!("{key} = \"{topic}\"\n"));
        let [alerts, dead_letters, audit, _] = &topics;
        Self::new(flow, name, [alerts, dead_letters, audit], &format!("{before}\n{named}{after}"))
    }

    /// Creates the alerts topic. The service creates those of the dead letters and of the audit log itself.
    fn new(flow: Arc<Flow>, group: &str, [alerts, dead_letters, audit]: [&str; 3], topics: &str) -> Self {
        flow.create_topic(alerts, ALERT_PARTITIONS);
        let bootstrap = &flow.bootstrap;
        Self {
            alerts: Topic::new(bootstrap, alerts),
            dead_letters: Topic::new(bootstrap, dead_letters),
            name: group.to_owned(),
            audit: audit.to_owned(),
            group: Group::new(bootstrap, group),
            config: configure(bootstrap, group, &flow.topic.name, topics),
            flow,
        }
    }

    /// Starts the service.
    pub fn start(&self) -> Service {
        self.start_with("")
    }

    /// Starts the service with failpoints.
    pub fn start_with(&self, failpoints: &str) -> Service {
        Service::start(self.config.path(), failpoints)
    }

    /// The text of the configuration.
    pub fn config(&self) -> String {
        fs::read_to_string(self.config.path()).unwrap()
    }

    /// Writes another configuration into the same file.
    pub fn configure_anew(&self, text: &str) {
        fs::write(self.config.path(), text).unwrap();
    }

    /// The snapshots of the service.
    pub fn state(&self) -> StateTopic {
        StateTopic::new(&self.flow.bootstrap, &format!("{}.state", self.name), &self.name)
    }

    /// Deletes the records of the input before the positions of a manifest, as retention does.
    pub fn delete_input_before(&self, positions: &Value) {
        for position in positions.as_array().unwrap() {
            let number = |key: &str| position[key].as_i64().unwrap();
            self.flow.delete_records_before(i32::try_from(number("partition")).unwrap(), number("next"));
        }
    }

    /// The number of committed records of the input; `None` while the broker cannot tell, for instance because a killed
    /// service left a transaction open.
    pub fn committed(&self) -> Option<i64> {
        self.group.committed(&self.flow.topic)
    }

    /// The number of committed records of the input, when the broker can tell: at the latest when `service`, just
    /// started, has ended what its predecessor left open.
    pub fn committed_under(&self, service: &mut Service) -> i64 {
        let deadline = Deadline::after(NO_COMMIT_MAX);
        loop {
            if let Some(committed) = self.committed() {
                return committed;
            }
            service.assert_running();
            deadline.check("the committed offsets");
            std::thread::park_timeout(POLL);
        }
    }

    /// Waits until `records` records of the input are committed.
    pub fn wait_committed(&self, records: i64, service: &mut Service) {
        let deadline = Deadline::after(NO_COMMIT_MAX);
        while self.committed().is_none_or(|committed| committed < records) {
            service.assert_running();
            deadline.check("more committed records of the input");
            std::thread::park_timeout(POLL);
        }
    }

    /// Proves that the service had work left when the test did harm to it.
    pub fn assert_input_left(&self) {
        assert!(!self.group.has_read(&self.flow.topic), "it had read everything before");
    }

    /// Waits until the service has committed all of the input, ends it, and proves that every output was published
    /// exactly once. `follower` must have read the alerts from the beginning.
    pub fn finish(self, service: Service, follower: Follower) {
        self.finish_and_measure(service, follower);
    }

    /// Does what [`Self::finish`] does, and returns the peak of the service's resident set in kilobytes.
    pub fn finish_and_measure(self, service: Service, follower: Follower) -> u64 {
        self.finish_after(service, follower, || ())
    }

    /// Does what [`Self::finish_and_measure`] does; calls `before_replay` when the service has ended, before the input
    /// is replayed.
    pub fn finish_after(self, mut service: Service, mut follower: Follower, before_replay: impl FnOnce()) -> u64 {
        let wait_max = if environment::is_long() { NO_COMMIT_LONG_MAX } else { NO_COMMIT_MAX };
        let (mut committed, mut deadline) = (None, Deadline::after(wait_max));
        while !self.group.has_read(&self.flow.topic) {
            let now = self.committed();
            if now > committed {
                (committed, deadline) = (now, Deadline::after(wait_max));
            }
            let records = self.flow.records();
            assert!(!deadline.left().is_zero(), "no progress: {committed:?} of {records} records are committed");
            service.assert_running();
            follower.poll(POLL);
        }
        while follower.poll(QUIET) {
            deadline.check("the last alert");
        }
        let peak = service.memory_peak_kb();
        let ended = service.terminate();
        assert_eq!(ended.code(), Some(0), "the exit of the service: {ended}");

        let [alerts, dead_letters] = [&self.alerts, &self.dead_letters].map(|topic| {
            topic.wait_closed();
            topic.records(Isolation::ReadCommitted)
        });
        before_replay();
        let replay = Replay::of(&self.flow.bootstrap, &self.flow.topic, &self.audit);
        assert_exactly_once(&self.flow, &replay, &alerts, &dead_letters);
        let mut by_position = alerts;
        by_position.sort_by_key(Record::position);
        assert_eq!(
            follower.finish(by_position.len()),
            by_position,
            "a reader that followed the alerts saw something else"
        );
        peak
    }
}

/// Writes a small configuration: the group removes a killed member after 6 s, and HTTP listens on a free port.
fn configure(bootstrap: &str, group: &str, input: &str, topics: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    write!(
        file,
        r#"[kafka]
brokers = "{bootstrap}"
group = "{group}"
input = ["{input}"]
[http]
listen = "127.0.0.1:0"
[kafka.client]
"session.timeout.ms" = "6000"
{topics}"#
    )
    .unwrap();
    file
}
