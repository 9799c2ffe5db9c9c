//! Where a replay's outputs go: files, each of which is wanted or not.

use std::{io::Write as _, path::Path};

use serde::Serialize;

use super::{AtomicFile, Failure, cli};
use crate::{
    alert::{Context, SignalLine},
    engine::Output,
    event::Rejection,
};

/// The files, and what the summary counts.
pub struct Recorder {
    alerts: Option<AtomicFile>,
    signals_file: Option<AtomicFile>,
    dead_letters: Option<AtomicFile>,
    /// Signals so far.
    pub signals: u64,
    /// The alerts, where they are to be compared.
    pub for_diff: Vec<serde_json::Value>,
    keep: bool,
}

/// A rejected record. Its bytes may be anything, so they are in hexadecimal where they are no text.
#[derive(Serialize)]
struct DeadLetter<'a> {
    position: String,
    reason: &'static str,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
}

impl Recorder {
    /// Begins the files that were asked for.
    pub fn create(args: &cli::Replay) -> Result<Self, Failure> {
        let create = |path: &Option<std::path::PathBuf>| path.as_deref().map(AtomicFile::create).transpose();
        Ok(Self {
            alerts: create(&args.alerts)?,
            signals_file: create(&args.signals)?,
            dead_letters: create(&args.dead_letters)?,
            signals: 0,
            for_diff: Vec::new(),
            keep: args.diff.is_some(),
        })
    }

    /// Takes one output; `bytes` are those of the record that was being handled.
    pub fn take(&mut self, output: &Output, context: &Context, bytes: &[u8]) -> Result<(), Failure> {
        match output {
            Output::Notify(alert, _) => {
                if self.keep {
                    // Through text, as what was recorded went: reading a number back may round its last bit.
                    let text = serde_json::to_vec(alert).unwrap_or_default();
                    self.for_diff.push(serde_json::from_slice(&text).unwrap_or_default());
                }
                line(&mut self.alerts, alert)
            }
            Output::Signal(signal) => {
                self.signals += 1;
                line(&mut self.signals_file, &SignalLine::new(signal, context))
            }
            Output::Rejected(place, rejection) => {
                line(&mut self.dead_letters, &dead_letter(context.written(*place), rejection, bytes))
            }
        }
    }

    /// Writes down what was rejected, and nothing else: what an earlier replay has left in the other places stays.
    pub fn finish_rejected(self) -> Result<(), Failure> {
        self.dead_letters.map_or(Ok(()), AtomicFile::finish)
    }

    /// Puts the files in their places.
    pub fn finish(self) -> Result<(), Failure> {
        [self.alerts, self.signals_file, self.dead_letters].into_iter().flatten().try_for_each(AtomicFile::finish)
    }
}

fn dead_letter<'a>(position: String, rejection: &'a Rejection, bytes: &'a [u8]) -> DeadLetter<'a> {
    let text = std::str::from_utf8(bytes).ok();
    let hex = text.is_none().then(|| crate::alert::hexadecimal(bytes));
    DeadLetter { position, reason: rejection.reason.name(), detail: &rejection.detail, text, hex }
}

fn line(file: &mut Option<AtomicFile>, value: &impl Serialize) -> Result<(), Failure> {
    let Some(file) = file else { return Ok(()) };
    let written = serde_json::to_writer(&mut *file, value).map_err(std::io::Error::from);
    let written = written.and_then(|()| file.write_all(b"\n"));
    written.map_err(|e| failed(file.path(), &e))
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::writing(&path.display(), error)
}
