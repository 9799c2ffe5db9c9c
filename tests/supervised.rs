//! The service under a supervisor: what it says on the socket of systemd's protocol of notifications.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::io::Write as _;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::{NamedTempFile, TempDir};

use support::deadline::Deadline;
use support::kafka::KafkaBroker;
use support::service::Service;

/// A start, and a loaded machine.
const WAIT_MAX: Duration = Duration::from_mins(1);
/// The time in which a watchdog must be fed: the service notifies four times in it.
const WATCHDOG: &str = "2000000";

/// The supervisor's end of the protocol.
struct Supervisor {
    socket: UnixDatagram,
    path: PathBuf,
    /// Lines that have come, and how many of them were read.
    said: Vec<String>,
    read: usize,
    _dir: TempDir,
}

impl Supervisor {
    fn new() -> Self {
        let dir = tempfile::tempdir_in(std::env::temp_dir()).unwrap();
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        Self { socket, path, said: Vec::new(), read: 0, _dir: dir }
    }

    fn start(&self, config: &NamedTempFile) -> Service {
        let variables = [("NOTIFY_SOCKET", self.path.to_str().unwrap()), ("WATCHDOG_USEC", WATCHDOG)];
        Service::start_with(config.path(), &variables)
    }

    /// Waits until the service says this, after all that was read before.
    fn wait(&mut self, awaited: &str) {
        let deadline = Deadline::after(WAIT_MAX);
        loop {
            while let Some(line) = self.said.get(self.read) {
                self.read += 1;
                if line.starts_with(awaited) {
                    return;
                }
            }
            let left = deadline.left();
            assert!(!left.is_zero(), "not said: {awaited}; said: {:?}", self.said);
            self.socket.set_read_timeout(Some(left)).unwrap();
            let mut buffer = [0; 4_096];
            let length = self.socket.recv(&mut buffer).unwrap_or_else(|e| panic!("{awaited}: {e}: {:?}", self.said));
            let text = String::from_utf8(buffer[..length].to_vec()).unwrap();
            self.said.extend(text.lines().map(str::to_owned));
        }
    }

    fn count(&self, line: &str) -> usize {
        self.said.iter().filter(|said| *said == line).count()
    }
}

#[test]
fn a_worker_and_a_standby_are_ready_feed_the_watchdog_and_say_that_they_stop() {
    let broker = KafkaBroker::start();
    broker.create_topic("orderflow.events", 1, &[]);
    let mut config = NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    write!(config, "[kafka]\nbrokers = '{}'\n[http]\nlisten = '127.0.0.1:0'\n", broker.bootstrap()).unwrap();
    let (mut of_worker, mut of_standby) = (Supervisor::new(), Supervisor::new());

    let worker = of_worker.start(&config);
    of_worker.wait("READY=1");
    of_worker.wait("STATUS=reading records as they come");
    of_worker.wait("WATCHDOG=1");
    of_worker.wait("WATCHDOG=1");

    let standby = of_standby.start(&config);
    of_standby.wait("READY=1");
    of_standby.wait("STATUS=standing by");
    of_standby.wait("WATCHDOG=1");
    of_standby.wait("WATCHDOG=1");

    assert_eq!(worker.terminate().code(), Some(0));
    of_worker.wait("STOPPING=1");
    assert_eq!((of_worker.count("READY=1"), of_worker.count("STOPPING=1")), (1, 1), "{:?}", of_worker.said);
    of_standby.wait("STATUS=reading records as they come");
    assert_eq!(standby.terminate().code(), Some(0));
    of_standby.wait("STOPPING=1");
    assert_eq!(of_standby.count("READY=1"), 1, "{:?}", of_standby.said);
}

#[test]
fn a_service_that_cannot_start_is_never_ready() {
    let mut config = NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    // Port 9 is that of the discard service, which nobody runs.
    write!(config, "[kafka]\nbrokers = '127.0.0.1:9'\n[http]\nlisten = '127.0.0.1:0'\n").unwrap();
    let mut supervisor = Supervisor::new();
    let (status, last) = supervisor.start(&config).ended();
    assert_eq!(status.code(), Some(69), "{last}");
    supervisor.wait("STOPPING=1");
    assert_eq!(supervisor.count("READY=1"), 0, "{:?}", supervisor.said);
}
