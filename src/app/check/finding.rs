//! A finding: one line of a check.

use std::fmt;

/// The outcome of one test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The service would run.
    Ok,
    /// The service would run, but not as well as it could, or the fact is unknown.
    Warn,
    /// The service would not run.
    Fail,
}

/// One line: the outcome, the subject, and what was found and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub outcome: Outcome,
    pub about: String,
    pub message: String,
}

impl Finding {
    pub fn ok(about: impl Into<String>, message: impl Into<String>) -> Self {
        Self { outcome: Outcome::Ok, about: about.into(), message: message.into() }
    }

    pub fn warn(about: impl Into<String>, message: impl Into<String>) -> Self {
        Self { outcome: Outcome::Warn, about: about.into(), message: message.into() }
    }

    pub fn fail(about: impl Into<String>, message: impl Into<String>) -> Self {
        Self { outcome: Outcome::Fail, about: about.into(), message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.outcome {
            Outcome::Ok => "ok",
            Outcome::Warn => "warn",
            Outcome::Fail => "fail",
        };
        // An error of the system may hold newlines: the finding stays one line.
        let message = self.message.split_whitespace().collect::<Vec<_>>().join(" ");
        write!(f, "{outcome:<5} {:<30} {message}", self.about)
    }
}

/// Formats a number with its noun: `1 topic`, `2 topics`.
pub fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
