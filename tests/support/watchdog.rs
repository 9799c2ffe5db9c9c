//! A watchdog that kills a child process however this process ends, even by SIGKILL.
//!
//! The watchdog is a shell that reads from a pipe of this process and kills the child when the pipe closes. It has a
//! process group of its own, so that signals of the terminal do not reach it.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// The watchdog of one child. It must be dropped before the child is reaped: afterwards another process may get the
/// child's id.
#[derive(Debug)]
pub struct Watchdog(Child);

impl Watchdog {
    /// Starts to watch over a child.
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
