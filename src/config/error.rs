//! A mistake in the configuration, shown at its place.

use std::fmt;

use super::secret::is_secret;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// From this many bytes into the file on.
    File(usize),
    /// From a variable of the environment.
    Variable(String),
    /// From nowhere: it is a default.
    Default,
}

/// One mistake: where it is, what is wrong and what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    place: Place,
    message: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Line { file: String, line: usize, column: usize, text: String },
    Variable(String),
    Unknown,
}

impl ConfigError {
    pub(super) fn new(file: &str, text: &str, origin: &Origin, message: impl Into<String>) -> Self {
        let place = match origin {
            Origin::File(offset) => Place::of(file, text, *offset),
            Origin::Variable(name) => Place::Variable(name.clone()),
            Origin::Default => Place::Unknown,
        };
        Self { place, message: message.into() }
    }

    /// Line and column, both from 1, where the mistake is in the file.
    #[must_use]
    pub const fn position(&self) -> Option<(usize, usize)> {
        match &self.place {
            Place::Line { line, column, .. } => Some((*line, *column)),
            Place::Variable(_) | Place::Unknown => None,
        }
    }
}

impl Place {
    fn of(file: &str, text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before[start..].chars().count() + 1;
        let shown = text[start..].lines().next().unwrap_or_default();
        Self::Line { file: file.to_owned(), line, column, text: without_secret(shown) }
    }
}

/// A line that may be shown: the value of a secret stays out of terminals and logs.
fn without_secret(line: &str) -> String {
    match line.find('=') {
        Some(at) if is_secret(line) => format!("{} ***", &line[..=at]),
        // The inside of a value over several lines, or a line that is broken anyway.
        None if is_secret(line) => "***".to_owned(),
        Some(_) | None => line.to_owned(),
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Line { file, line, column, text } => {
                let width = line.to_string().len();
                let point = " ".repeat(column - 1);
                let message = &self.message;
                write!(f, "{file}:{line}:{column}: {message}\n {line} | {text}\n {:width$} | {point}^", "")
            }
            Place::Variable(name) => write!(f, "environment variable `{name}`: {}", self.message),
            Place::Unknown => f.write_str(&self.message),
        }
    }
}
