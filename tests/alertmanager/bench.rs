//! A configuration with receivers, its topics on a real broker, and what is written to them.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use rdkafka::producer::{BaseRecord, Producer};
use serde_json::Value;
use tempfile::NamedTempFile;

use crate::support::command::foreshock;
use crate::support::deadline::Deadline;
use crate::support::http::Metrics;
use crate::support::kafka::KafkaBroker;
use crate::support::service::Service;
use crate::support::topic::Topic;

/// Time for an answer of the broker, or for a metric.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// Four of these are longer than any wait of a test: what is gone from an Alertmanager by then was resolved explicitly. And one is
/// shorter: what is open comes back to an Alertmanager that has lost everything.
pub const RESEND_S: u32 = 20;
const POLL: Duration = Duration::from_millis(50);
/// The line that says that the topic was read to its end.
const CAUGHT_UP: &str = "receivers are notified";

/// The broker that the tests of this process have at the moment. A static is never dropped, and would leave it behind.
pub fn broker() -> Arc<Mutex<KafkaBroker>> {
    static CURRENT: Mutex<Weak<Mutex<KafkaBroker>>> = Mutex::new(Weak::new());
    let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    current.upgrade().unwrap_or_else(|| {
        let broker = Arc::new(Mutex::new(KafkaBroker::start()));
        *current = Arc::downgrade(&broker);
        broker
    })
}

/// The tables of notifications with these settings and Alertmanagers.
fn notify(settings: &str, receivers: &[String]) -> String {
    receivers.iter().fold(format!("[notify]\n{settings}\n"), |mut text, receiver| {
        write!(text, "[[notify.alertmanager]]\n{receiver}\n").unwrap();
        text
    })
}

/// A configuration, and the alerts topic that it names.
pub struct Bench {
    pub name: String,
    pub bootstrap: String,
    pub alerts: Topic,
    /// Signs of life.
    pub view: Topic,
    pub config: NamedTempFile,
    /// Kept while the test lasts.
    _broker: Arc<Mutex<KafkaBroker>>,
}

impl Bench {
    /// Receivers are Alertmanagers: tables of TOML without their heading.
    pub fn new(name: &str, receivers: &[String]) -> Self {
        Self::resending(name, 1, receivers)
    }

    /// Alerts are repeated after this many seconds.
    pub fn resending(name: &str, resend_s: u32, receivers: &[String]) -> Self {
        Self::on(broker(), name, resend_s, receivers)
    }

    /// At most this number of incidents page within an hour; `Storm` stands for the rest.
    pub fn paging(name: &str, pages_per_hour: u32, receivers: &[String]) -> Self {
        let settings = format!("resend_s = {RESEND_S}\npages_per_hour = {pages_per_hour}");
        Self::with(broker(), name, &notify(&settings, receivers))
    }

    pub fn on(broker: Arc<Mutex<KafkaBroker>>, name: &str, resend_s: u32, receivers: &[String]) -> Self {
        Self::with(broker, name, &notify(&format!("resend_s = {resend_s}"), receivers))
    }

    /// `tables` is the part of the configuration that is about notifications.
    pub fn with(broker: Arc<Mutex<KafkaBroker>>, name: &str, tables: &str) -> Self {
        let bootstrap = {
            let broker = broker.lock().unwrap_or_else(PoisonError::into_inner);
            // Two partitions, so that the end of the topic is that of both.
            broker.create_topic(&format!("{name}.alerts"), 2, &[]);
            broker.create_topic(&format!("{name}.events"), 1, &[]);
            broker.create_topic(&format!("{name}.view"), 1, &[("cleanup.policy", "compact")]);
            broker.bootstrap()
        };
        let mut config = NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        write!(
            config,
            "[kafka]\nbrokers = '{bootstrap}'\ngroup = '{name}'\ninput = ['{name}.events']\n\
             [topics]\nalerts = '{name}.alerts'\ndead_letter = '{name}.dead'\naudit = '{name}.audit'\nstate = '{name}.state'\n\
             view = '{name}.view'\n\
             [http]\nlisten = '127.0.0.1:0'\n[venue]\nname = 'XY'\n{tables}"
        )
        .unwrap();
        let [alerts, view] = ["alerts", "view"].map(|topic| Topic::new(&bootstrap, &format!("{name}.{topic}")));
        Self { name: name.to_owned(), bootstrap, alerts, view, config, _broker: broker }
    }

    /// Starts the notifications alone, and waits until receivers know what is open.
    pub fn notify(&self) -> Service {
        let mut service = Service::command("notify", self.config.path());
        service.wait_line(CAUGHT_UP);
        service
    }

    /// Writes a revision to the alerts topic.
    pub fn write(&self, id: &str, revision: u64, status: &str, severity: &str) {
        let producer = self.alerts.producer();
        let payload = alert(id, revision, status, severity).to_string();
        producer.send(BaseRecord::to(&self.alerts.name).key(id).payload(&payload)).map_err(|(e, _)| e).unwrap();
        producer.flush(ANSWER_MAX).unwrap();
    }

    /// Sends a minute of a small market, after which the input is silent, which pages.
    pub fn send_flow(&self) {
        let words = format!("simulate --seed 3 --minutes 1 --symbols 2 --topic {}.events --kafka", self.name);
        let output = foreshock().args(words.split(' ')).arg(&self.bootstrap).output().unwrap();
        assert!(output.status.success(), "simulate: {output:?}");
    }

    /// Writes a sign of life of a service, which is so many milliseconds old.
    #[expect(clippy::disallowed_methods, reason = "the record has a time of its own, as one that was written earlier")]
    pub fn write_sign(&self, group: &str, age_ms: i64) {
        let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
        let at = i64::try_from(since_1970).unwrap() - age_ms;
        let payload = serde_json::json!({"group": group, "instance": "i", "build": "b"}).to_string();
        let producer = self.view.producer();
        let record = BaseRecord::to(&self.view.name).key("_status").payload(&payload).timestamp(at);
        producer.send(record).map_err(|(e, _)| e).unwrap();
        producer.flush(ANSWER_MAX).unwrap();
    }

    /// Runs a command with the configuration, and returns its exit code and what it prints.
    pub fn ask(&self, words: &[&str]) -> (Option<i32>, String) {
        let output = foreshock().args(words).arg("--config").arg(self.config.path()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }
}

/// A real alert, as another revision of another incident.
pub fn alert(id: &str, revision: u64, status: &str, severity: &str) -> Value {
    let recorded = include_str!("../golden/alerts-seed-7.jsonl").lines().next().unwrap();
    let mut alert: Value = serde_json::from_str(recorded).unwrap();
    for (field, value) in [("id", id), ("status", status), ("severity", severity)] {
        alert[field] = value.into();
    }
    alert["revision"] = revision.into();
    alert
}

pub fn url(address: SocketAddr) -> String {
    format!("url = 'http://{address}'")
}

/// Waits until a metric holds.
#[track_caller]
pub fn wait_metric(address: SocketAddr, series: &str, holds: impl Fn(f64) -> bool) {
    let deadline = Deadline::after(ANSWER_MAX);
    while !Metrics::of(address).get(series).is_some_and(&holds) {
        deadline.check(series);
        std::thread::park_timeout(POLL);
    }
}
