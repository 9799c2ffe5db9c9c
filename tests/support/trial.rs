//! A service on the flow: its configuration, its output topics, and its way to the end of the input.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tempfile::NamedTempFile;

use super::deadline::Deadline;
use super::flow::Flow;
use super::outcome::assert_exactly_once;
use super::replay::Replay;
use super::service::Service;
use super::state::StateTopic;
use super::topic::{Follower, Group, Isolation, Record, Topic};

/// How long nothing may be committed, on a loaded machine, with a start, and a restart that waits for a dead member's end.
const STILL_MAX: Duration = Duration::from_mins(2);
/// The same where output is held up on purpose for minutes.
const STILL_SLOWLY_MAX: Duration = Duration::from_mins(8);
/// How often the group is asked how far it is.
const POLL: Duration = Duration::from_millis(50);
/// No alert for so long after the last commit: there is none to come.
const QUIET: Duration = Duration::from_millis(500);
/// More than one, so that only the key keeps an incident's revisions in order.
const ALERT_PARTITIONS: i32 = 3;

/// A service that is put to the proof.
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
    /// One with the default names for everything.
    pub fn with_defaults(flow: Arc<Flow>) -> Self {
        Self::new(flow, "foreshock", ["foreshock.alerts", "foreshock.dead-letter", "foreshock.audit"], "")
    }

    /// One whose group and output topics bear this name.
    pub fn named(flow: Arc<Flow>, name: &str) -> Self {
        Self::named_with(flow, name, "")
    }

    /// The same with further lines in the configuration: settings of the Kafka client first, then other tables.
    pub fn named_with(flow: Arc<Flow>, name: &str, further: &str) -> Self {
        Self::configured(flow, name, further, "")
    }

    /// The same, with settings of its snapshots.
    pub fn keeping(flow: Arc<Flow>, name: &str, state: &str) -> Self {
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

    /// The topics of the dead letters and of the audit log are left for the service to create.
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

    /// The topic of its snapshots.
    pub fn state(&self) -> StateTopic {
        StateTopic::new(&self.flow.bootstrap, &format!("{}.state", self.name), &self.name)
    }

    /// Lets the broker forget the input up to the positions of a manifest.
    pub fn forget_input(&self, positions: &Value) {
        for position in positions.as_array().unwrap() {
            let number = |key: &str| position[key].as_i64().unwrap();
            self.flow.forget(i32::try_from(number("partition")).unwrap(), number("next"));
        }
    }

    /// How many records of the input are committed; none where the broker does not answer.
    pub fn committed(&self) -> Option<i64> {
        self.group.committed(&self.flow.topic)
    }

    /// Returns when so many records of the input are committed.
    pub fn wait_committed(&self, records: i64, service: &mut Service) {
        let deadline = Deadline::after(STILL_MAX);
        while self.committed().is_none_or(|committed| committed < records) {
            service.assert_running();
            deadline.check("more committed records of the input");
            std::thread::park_timeout(POLL);
        }
    }

    /// Proves that what was done to the service was done while it had work.
    pub fn assert_input_left(&self) {
        assert!(!self.group.has_read(&self.flow.topic), "it had read everything before");
    }

    /// Lets the service go on to the end of the input, ends it, and proves that everything came out once. `follower` has
    /// followed the alerts from the beginning.
    pub fn finish(self, service: Service, follower: Follower) {
        self.finish_and_measure(service, follower);
    }

    /// The same, and the most memory that the service has had, in kilobytes.
    pub fn finish_and_measure(self, service: Service, follower: Follower) -> u64 {
        self.finish_after(service, follower, || ())
    }

    /// The same; `before` is done when the service has ended, and before the input is replayed.
    pub fn finish_after(self, mut service: Service, mut follower: Follower, before: impl FnOnce()) -> u64 {
        let is_long = std::env::var_os("TEST_LONG").is_some();
        let still_max = if is_long { STILL_SLOWLY_MAX } else { STILL_MAX };
        let (mut committed, mut deadline) = (None, Deadline::after(still_max));
        while !self.group.has_read(&self.flow.topic) {
            let now = self.committed();
            if now > committed {
                (committed, deadline) = (now, Deadline::after(still_max));
            }
            let records = self.flow.records();
            assert!(!deadline.left().is_zero(), "it stands still: {committed:?} of {records} are committed");
            service.assert_running();
            follower.poll(POLL);
        }
        while follower.poll(QUIET) {
            deadline.check("the last alert");
        }
        let peak = service.memory_peak_kb();
        let ended = service.terminate();
        assert_eq!(ended.code(), Some(0), "the service's end: {ended}");

        let [alerts, dead_letters] = [&self.alerts, &self.dead_letters].map(|topic| {
            topic.wait_closed();
            topic.records(Isolation::ReadCommitted)
        });
        before();
        let replay = Replay::of(&self.flow.bootstrap, &self.flow.topic, &self.audit);
        assert_exactly_once(&self.flow, &replay, &alerts, &dead_letters);
        let mut by_position = alerts;
        by_position.sort_by_key(Record::position);
        assert_eq!(follower.finish(by_position.len()), by_position, "one that followed saw something else");
        peak
    }
}

/// The smallest configuration, with a killed member's end after seconds and an address for HTTP that is always free.
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
