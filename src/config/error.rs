//! The error for a mistake in the configuration, which shows where the mistake is.
//!
//! A value may come from the file, from a variable of the environment, or from the defaults. The error names the line
//! and column, or the variable, and shows the line. It never shows the value of a secret.

use std::fmt;

use super::secret::is_secret;

/// The place where a key or a value was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SetBy {
    /// Set by the file, at this offset in bytes.
    File(usize),
    /// Set by the variable of the environment with this name.
    Variable(String),
    /// Not set: the value is the default.
    Default,
}

/// One mistake in the configuration: its location, and a message with what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    location: Location,
    message: String,
}

/// Location of a mistake, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Location {
    Line { file: String, line: usize, column: usize, text: String },
    Variable(String),
    Unknown,
}

impl ConfigError {
    /// Makes the error for a key or a value. `file` is the file's name, `text` its content.
    pub(super) fn new(file: &str, text: &str, set_by: &SetBy, message: impl Into<String>) -> Self {
        let location = match set_by {
            SetBy::File(offset) => Location::in_file(file, text, *offset),
            SetBy::Variable(name) => Location::Variable(name.clone()),
            SetBy::Default => Location::Unknown,
        };
        Self { location, message: message.into() }
    }

    /// Returns the line and the column, both from 1, of a mistake in the file; `None` if it is not in the file.
    #[must_use]
    pub const fn position(&self) -> Option<(usize, usize)> {
        match &self.location {
            Location::Line { line, column, .. } => Some((*line, *column)),
            Location::Variable(_) | Location::Unknown => None,
        }
    }
}

impl Location {
    fn in_file(file: &str, text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before[start..].chars().count() + 1;
        let shown = text[start..].lines().next().unwrap_or_default();
        Self::Line { file: file.to_owned(), line, column, text: without_secret(shown) }
    }
}

/// Returns a line as it may be shown: without the value of a secret, which must not appear in terminals and logs.
fn without_secret(line: &str) -> String {
    match line.find('=') {
        Some(at) if is_secret(line) => format!("{} ***", &line[..=at]),
        // The line is inside a value of several lines, or has a syntax error.
        None if is_secret(line) => "***".to_owned(),
        Some(_) | None => line.to_owned(),
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Location::Line { file, line, column, text } => {
                let width = line.to_string().len();
                let indent = " ".repeat(column - 1);
                let message = &self.message;
                write!(f, "{file}:{line}:{column}: {message}\n {line} | {text}\n {:width$} | {indent}^", "")
            }
            Location::Variable(name) => write!(f, "environment variable `{name}`: {}", self.message),
            Location::Unknown => f.write_str(&self.message),
        }
    }
}
