//! `foreshock run` as a child process.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::command::foreshock;
use super::deadline::Deadline;
use super::watchdog::Watchdog;

/// Time for an awaited line: a start, and all of the input on a loaded machine.
const LINE_MAX: Duration = Duration::from_secs(90);
/// Time for a clean end.
const END_MAX: Duration = Duration::from_secs(30);
/// Lines of the log that a failure shows.
const TAIL_LINES: usize = 30;

/// A service that runs, or has ended by itself. Dropping it kills the process.
pub struct Service {
    child: Child,
    watchdog: Option<Watchdog>,
    /// Lines of standard error; closed when the service has ended.
    lines: Receiver<String>,
    log: Vec<String>,
}

impl Service {
    /// Starts the service with failpoints in the notation of the crate `fail`; an empty text sets none.
    pub fn start(config: &Path, failpoints: &str) -> Self {
        Self::start_with(config, &[("FAILPOINTS", failpoints)])
    }

    /// Starts the service with variables in its environment.
    pub fn start_with(config: &Path, variables: &[(&str, &str)]) -> Self {
        Self::spawn("run", config, variables)
    }

    /// Starts another command that goes on until it is told to end.
    pub fn command(command: &str, config: &Path) -> Self {
        Self::spawn(command, config, &[])
    }

    fn spawn(command: &str, config: &Path, variables: &[(&str, &str)]) -> Self {
        let mut child = foreshock()
            .args([command, "--config"])
            .arg(config)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let watchdog = Some(Watchdog::over(&child));
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                // The receiver is gone when the test has ended.
                let _ = sender.send(line);
            }
        });
        Self { child, watchdog, lines, log: Vec::new() }
    }

    /// Waits for a line of the log that contains a text.
    pub fn wait_line(&mut self, text: &str) {
        let deadline = Deadline::after(LINE_MAX);
        let found = loop {
            deadline.check(text);
            match self.next_line(deadline) {
                Ok(line) if line.contains(text) => break true,
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => break false,
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("the service ended before it logged `{text}`: {:?}", self.log)
                }
            }
        };
        assert!(found, "the service never logged `{text}`");
    }

    /// Waits for a line of the log that contains a text, and parses it.
    pub fn wait_json(&mut self, text: &str) -> serde_json::Value {
        self.wait_line(text);
        serde_json::from_str(self.log.last().unwrap()).expect("the log is JSON where no terminal is")
    }

    /// Waits until the service serves HTTP, and returns its address.
    pub fn http(&mut self) -> SocketAddr {
        self.wait_json("HTTP is served")["address"].as_str().unwrap().parse().unwrap()
    }

    /// The number of lines so far that contain a text.
    pub fn count_lines(&mut self, text: &str) -> usize {
        self.log_so_far().lines().filter(|line| line.contains(text)).count()
    }

    /// The log so far.
    pub fn log_so_far(&mut self) -> String {
        self.log.extend(self.lines.try_iter());
        self.log.join("\n")
    }

    /// The id of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The peak of the resident set, in kilobytes.
    pub fn memory_peak_kb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak").trim();
        peak.trim_end_matches(" kB").parse().unwrap()
    }

    /// Fails the test if the service has ended.
    pub fn assert_running(&mut self) {
        let ended = self.child.try_wait().unwrap();
        assert_eq!(ended, None, "the service ended by itself");
    }

    /// Kills the service (SIGKILL), and waits until the process is gone.
    pub fn kill(mut self) {
        self.assert_running();
        self.child.kill().unwrap();
        self.reap();
    }

    /// Asks the service to end (SIGTERM), and returns its exit status.
    pub fn terminate(self) -> ExitStatus {
        self.end().0
    }

    /// Asks the service to end (SIGTERM), and returns its exit status and its whole log.
    pub fn end(mut self) -> (ExitStatus, String) {
        self.assert_running();
        self.signal("TERM");
        (self.wait_end(), self.log.join("\n"))
    }

    /// Stops the process where it is (SIGSTOP), as a suspended machine does.
    pub fn freeze(&mut self) {
        self.assert_running();
        self.signal("STOP");
    }

    /// Asks the service to read its configuration again (SIGHUP).
    pub fn hang_up(&mut self) {
        self.assert_running();
        self.signal("HUP");
    }

    /// Lets a frozen process go on (SIGCONT).
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let status = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status().unwrap();
        assert!(status.success(), "kill: {status}");
    }

    /// Waits until the service ends by itself, and returns its exit status and the last line of its log.
    pub fn ended(mut self) -> (ExitStatus, String) {
        let status = self.wait_end();
        (status, self.log.last().cloned().unwrap_or_default())
    }

    fn wait_end(&mut self) -> ExitStatus {
        let deadline = Deadline::after(END_MAX);
        while self.next_line(deadline) != Err(RecvTimeoutError::Disconnected) {
            deadline.check("the end of the service");
        }
        self.reap()
    }

    fn next_line(&mut self, deadline: Deadline) -> Result<&str, RecvTimeoutError> {
        let line = self.lines.recv_timeout(deadline.left())?;
        self.log.push(line);
        Ok(self.log.last().expect("just pushed"))
    }

    fn reap(&mut self) -> ExitStatus {
        self.watchdog = None;
        self.child.wait().unwrap()
    }
}

impl Drop for Service {
    #[expect(clippy::print_stderr, reason = "a test that fails shows the log of the service")]
    fn drop(&mut self) {
        // The process may have ended, and then there is nothing to kill.
        let _ = self.child.kill();
        self.reap();
        if thread::panicking() {
            self.log.extend(self.lines.iter());
            let tail = &self.log[self.log.len().saturating_sub(TAIL_LINES)..];
            eprintln!("the service's log ends:\n{}", tail.join("\n"));
        }
    }
}
