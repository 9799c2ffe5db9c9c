//! The end of the process: a closed list of exit codes, and the error that carries one.
//!
//! Scripts rely on the codes. 64, 65 and 69 are those of `sysexits.h`; 130 is the code that a shell reports for a process that
//! Ctrl-C ended. A [`Failure`] is made where the code knows what the operator can do about the problem, and it is printed once,
//! in `main`.

use std::{
    fmt,
    io::{self, Write as _},
    process::ExitCode,
};

/// An exit code of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The command did what it was asked to do.
    Done = 0,
    /// The command failed.
    Failed = 1,
    /// The things compared differ.
    Differs = 2,
    /// The command line or the configuration is wrong.
    Usage = 64,
    /// An input file cannot be used.
    Input = 65,
    /// A service that the command needs is not there.
    Unavailable = 69,
    /// A signal interrupted the command.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The reason why a command ended early, as a message for a person: lower case, with what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// Message: the problem, and what to do about it.
    pub message: String,
    /// Whether a new start may succeed.
    passing: bool,
}

impl Failure {
    /// A failure with its message.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), passing: false }
    }

    /// Marks the failure as one that may pass by itself or with a new start. A command ends with it; the service tries again.
    #[must_use]
    pub const fn passing(mut self) -> Self {
        self.passing = true;
        self
    }

    /// Whether a new start may succeed.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        self.passing
    }

    /// A mistake in the command line or in the configuration.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// An end that a signal asked for.
    #[must_use]
    pub fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "interrupted")
    }

    /// A write that failed, with advice where the disk is full.
    #[must_use]
    pub fn writing(what: &dyn fmt::Display, error: &io::Error) -> Self {
        let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded, io::ErrorKind::FileTooLarge];
        let advice = if full.contains(&error.kind()) { "; make room, or write elsewhere" } else { "" };
        Self::new(Exit::Failed, format!("cannot write `{what}`: {error}{advice}"))
    }
}

/// Prints why the command failed, if it did, and returns the exit code.
#[must_use]
pub fn report(outcome: Result<Exit, Failure>) -> Exit {
    outcome.unwrap_or_else(|failure| {
        // This is the last thing that the process prints: nothing is left that could handle a failed write.
        let _ = writeln!(io::stderr(), "foreshock: {failure}");
        failure.exit
    })
}
