//! How the process ends: one closed list of exit codes, and the error that carries one.
//!
//! The codes are a contract with scripts. 64, 65 and 69 are those of `sysexits.h`, 130 is what a shell reports for a
//! process that Ctrl-C ended. A [`Failure`] is made where it is known what the person can do about it, and is printed once,
//! at the top.

use std::{
    fmt,
    io::{self, Write as _},
    process::ExitCode,
};

/// The exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It did what it was asked.
    Done = 0,
    /// It failed.
    Failed = 1,
    /// What was compared differs.
    Differs = 2,
    /// The command line or the configuration is wrong.
    Usage = 64,
    /// An input file cannot be used.
    Input = 65,
    /// A service that it needs is not there.
    Unavailable = 69,
    /// It was interrupted.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command ended early, in words for a person: lower case, saying what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// How the process ends.
    pub exit: Exit,
    /// What is wrong and what to do.
    pub message: String,
    passing: bool,
}

impl Failure {
    /// A failure with its words.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), passing: false }
    }

    /// The same failure, known to pass by itself or with a new beginning: a command ends with it, the service goes on.
    #[must_use]
    pub const fn passing(mut self) -> Self {
        self.passing = true;
        self
    }

    /// Whether a new beginning may do better.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        self.passing
    }

    /// Wrong use of the command line or of the configuration.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// The end that was asked for with a signal.
    #[must_use]
    pub fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "interrupted")
    }

    /// Something that should have been written was not.
    #[must_use]
    pub fn writing(what: &dyn fmt::Display, error: &io::Error) -> Self {
        let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded, io::ErrorKind::FileTooLarge];
        let advice = if full.contains(&error.kind()) { "; make room, or write elsewhere" } else { "" };
        Self::new(Exit::Failed, format!("cannot write `{what}`: {error}{advice}"))
    }
}

/// Tells the person why it failed, if it did, and hands on the exit code.
#[must_use]
pub fn report(outcome: Result<Exit, Failure>) -> Exit {
    outcome.unwrap_or_else(|failure| {
        // The last words of the process: nobody is left to handle a failure of them.
        let _ = writeln!(io::stderr(), "foreshock: {failure}");
        failure.exit
    })
}
