//! A real Alertmanager. Where it is not installed the test fails and says how to install it.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::{NamedTempFile, TempDir};

use super::deadline::Deadline;
use super::http;
use super::kafka::port;
use super::watchdog::Watchdog;

/// Time for a start and for what is awaited. A start takes a second.
const WAIT_MAX: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(100);
/// bcrypt of the password `opensesame`.
const OPENSESAME: &str = "$2y$10$abcdefghijklmnopqrstuuP6v2pSlZArVxSSZ96MqswhQJJDkEPqm";

/// A configuration that notifies nobody.
const NOBODY: &str = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n";

/// An Alertmanager. Dropping it kills the process and forgets all alerts.
pub struct Alertmanager {
    child: Child,
    watchdog: Option<Watchdog>,
    address: SocketAddr,
    /// The settings of its own server, which it reads again at each connection.
    web: Option<NamedTempFile>,
    _dir: TempDir,
}

impl Alertmanager {
    /// A free address for one that is started later.
    pub fn free_address() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port::free(1)[0]))
    }

    /// Starts an empty one, and waits until it is ready.
    pub fn at(address: SocketAddr) -> Self {
        Self::routed(address, NOBODY)
    }

    /// Starts an empty one with a configuration, and waits until it is ready.
    pub fn routed(address: SocketAddr, config: &str) -> Self {
        let mut started = Self::spawn(address, config, &[]);
        let deadline = Deadline::after(WAIT_MAX);
        while !started.answers() {
            deadline.check("a ready Alertmanager");
            std::thread::park_timeout(POLL);
        }
        started
    }

    /// Starts one that serves TLS with this certificate and key and lets `foreshock` in with the password `opensesame`.
    pub fn secured(address: SocketAddr, certificate: &Path, key: &Path) -> Self {
        let mut web = NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        writeln!(
            web,
            "tls_server_config: {{cert_file: '{}', key_file: '{}'}}\nbasic_auth_users: {{foreshock: '{OPENSESAME}'}}",
            certificate.display(),
            key.display()
        )
        .unwrap();
        let mut started = Self::spawn(address, NOBODY, &[format!("--web.config.file={}", web.path().display())]);
        started.web = Some(web);
        let deadline = Deadline::after(WAIT_MAX);
        while TcpStream::connect_timeout(&address, POLL).is_err() {
            assert_eq!(started.child.try_wait().unwrap(), None, "Alertmanager ended");
            deadline.check("an Alertmanager that listens");
            std::thread::park_timeout(POLL);
        }
        started
    }

    fn spawn(address: SocketAddr, text: &str, further: &[String]) -> Self {
        let dir = tempfile::Builder::new().prefix("alertmanager-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let config = dir.path().join("alertmanager.yml");
        fs::write(&config, text).unwrap();
        let child = Command::new("prometheus-alertmanager")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.path={}", dir.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            // No cluster.
            .arg("--cluster.listen-address=")
            .args(further)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                let advice = "run `deploy/prerequisites.sh --tests`, or install it";
                panic!("prometheus-alertmanager does not start ({error}): {advice}")
            });
        let watchdog = Some(Watchdog::over(&child));
        Self { child, watchdog, address, web: None, _dir: dir }
    }

    fn answers(&mut self) -> bool {
        assert_eq!(self.child.try_wait().unwrap(), None, "Alertmanager ended");
        TcpStream::connect_timeout(&self.address, POLL).is_ok()
            && http::ask(self.address, &request("/-/ready")).status == 200
    }

    /// Silences one incident for good.
    pub fn silence(&self, incident: &str) {
        let silence = serde_json::json!({
            "matchers": [{"name": "incident", "value": incident, "isRegex": false, "isEqual": true}],
            "startsAt": "2020-01-01T00:00:00Z", "endsAt": "2100-01-01T00:00:00Z", "createdBy": "test", "comment": "known",
        })
        .to_string();
        let head = format!(
            "POST /api/v2/silences HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}",
            silence.len()
        );
        let answer = http::ask(self.address, &format!("{head}\r\nContent-Type: application/json\r\n\r\n{silence}"));
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// The alerts that fire now.
    pub fn firing(&self) -> Vec<Value> {
        let answer = http::ask(self.address, &request("/api/v2/alerts"));
        assert_eq!(answer.status, 200, "{answer:?}");
        serde_json::from_str(&answer.body).unwrap()
    }

    /// Incident and severity of each alert that fires now.
    pub fn shown(&self) -> BTreeSet<(String, String)> {
        let label = |alert: &Value, name: &str| alert["labels"][name].as_str().unwrap_or_default().to_owned();
        self.firing().iter().map(|alert| (label(alert, "incident"), label(alert, "severity"))).collect()
    }

    /// Waits until exactly these fire, as incident and severity.
    #[track_caller]
    pub fn wait(&self, expected: &[(&str, &str)]) {
        let expected: BTreeSet<_> =
            expected.iter().map(|(id, severity)| ((*id).to_owned(), (*severity).to_owned())).collect();
        self.wait_for(&format!("{expected:?}"), |am| am.shown() == expected);
    }

    /// Waits until something holds.
    #[track_caller]
    pub fn wait_for(&self, awaited: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = Deadline::after(WAIT_MAX);
        while !holds(self) {
            assert!(!deadline.left().is_zero(), "not in time: {awaited}; what fires is {:?}", self.shown());
            std::thread::park_timeout(POLL);
        }
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.watchdog = None;
        self.child.wait().unwrap();
    }
}

fn request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
}
