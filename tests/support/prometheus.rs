//! A real Prometheus, and its checker of metrics. Where they are not installed the test fails and says how to install
//! them.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use super::deadline::Deadline;
use super::http;
use super::kafka::port;
use super::watchdog::Watchdog;

/// Time for a start, and for what a service reads meanwhile. A start takes a second.
const WAIT_MAX: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(100);

/// Checks a text with `promtool check metrics`, and fails with its output.
pub fn check_metrics(text: &str) {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}", missing("promtool", &error)));
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && complaints.is_empty(), "promtool: {complaints}\n{text}");
}

/// A Prometheus that scrapes one address four times a second. Dropping it kills the process.
pub struct Prometheus {
    child: Child,
    watchdog: Option<Watchdog>,
    address: SocketAddr,
    _dir: TempDir,
}

impl Prometheus {
    pub fn scraping(target: SocketAddr) -> Self {
        Self::evaluating(target, &[])
    }

    /// One that evaluates the rules of some files once a second.
    pub fn evaluating(target: SocketAddr, rules: &[PathBuf]) -> Self {
        let dir = tempfile::Builder::new().prefix("prometheus-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let config = dir.path().join("prometheus.yml");
        let scrape = "scrape_configs: [{job_name: foreshock, scrape_interval: 250ms, scrape_timeout: 200ms,";
        let global = "global: {evaluation_interval: 1s}";
        let targets = format!("{scrape} static_configs: [{{targets: ['{target}']}}]}}]");
        fs::write(&config, format!("{global}\nrule_files: {rules:?}\n{targets}\n")).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port::free(1)[0]));
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{}", missing("prometheus", &error)));
        let watchdog = Some(Watchdog::over(&child));
        Self { child, watchdog, address, _dir: dir }
    }

    /// Waits until `serves` accepts the value of a query.
    pub fn wait(&mut self, query: &str, serves: impl Fn(f64) -> bool) {
        let deadline = Deadline::after(WAIT_MAX);
        let mut last = Value::Null;
        loop {
            assert!(deadline.left() > Duration::ZERO, "not in time: {query}; the last answer was {last}");
            assert_eq!(self.child.try_wait().unwrap(), None, "Prometheus ended");
            if std::net::TcpStream::connect_timeout(&self.address, POLL).is_ok() {
                last = self.answer(query);
                let value = last["data"]["result"][0]["value"][1].as_str().and_then(|value| value.parse().ok());
                if value.is_some_and(&serves) {
                    return;
                }
            }
            std::thread::park_timeout(POLL);
        }
    }

    /// The series that a query gives now. A query that is not understood fails the test.
    pub fn ask(&self, query: &str) -> Vec<Value> {
        let answer = self.answer(query);
        let result = answer["data"]["result"].as_array();
        result.unwrap_or_else(|| panic!("{answer}")).clone()
    }

    /// The rules.
    pub fn rules(&self) -> Vec<Rule> {
        let answer = self.get("/api/v1/rules");
        let groups = answer["data"]["groups"].as_array().unwrap_or_else(|| panic!("{answer}"));
        groups.iter().flat_map(|group| serde_json::from_value::<Vec<Rule>>(group["rules"].clone()).unwrap()).collect()
    }

    fn answer(&self, query: &str) -> Value {
        let query = query.bytes().fold(String::new(), |mut encoded, byte| {
            write!(encoded, "%{byte:02X}").unwrap();
            encoded
        });
        self.get(&format!("/api/v1/query?query={query}"))
    }

    fn get(&self, path: &str) -> Value {
        let answer = http::ask(self.address, &format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
        serde_json::from_str(&answer.body).unwrap_or(Value::String(answer.body))
    }
}

/// A rule as Prometheus has read it.
#[derive(Debug, Deserialize)]
pub struct Rule {
    pub name: String,
    pub query: String,
    /// `ok` when it was last evaluated without a fault.
    pub health: String,
    #[serde(default, rename = "lastError")]
    pub error: String,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.watchdog = None;
        self.child.wait().unwrap();
    }
}

fn missing(what: &str, error: &std::io::Error) -> String {
    format!("{what} does not start ({error}): run `deploy/prerequisites.sh --tests`, or install Prometheus")
}
