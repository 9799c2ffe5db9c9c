//! What ends a child process however this process ends, even if it is killed.
//!
//! A shell whose standard input is a pipe from this process kills the child when the pipe closes. It is out of reach of
//! the terminal's signals.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// Watches over one child. It must be dropped before the child is reaped: until then the child's id is the child's.
#[derive(Debug)]
pub struct Watchdog(Child);

impl Watchdog {
    /// Starts to watch.
    pub fn over(child: &Child) -> Self {
        let shell = Command::new("sh")
            .args(["-c", &format!("read -r _; kill -KILL {}", child.id())])
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn();
        Self(shell.unwrap())
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}
