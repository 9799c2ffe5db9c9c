//! Writes a replay's outputs to the files that were asked for.

use std::{io::Write as _, path::Path};

use serde::Serialize;

use super::diff::Comparison;
use crate::{
    alert::{Context, SignalLine},
    app::{Failure, cli, output::AtomicFile},
    engine::Output,
    event::Rejection,
};

/// The output files, and what is counted of the outputs.
pub struct Recorder {
    alerts: Option<AtomicFile>,
    signals_file: Option<AtomicFile>,
    dead_letters: Option<AtomicFile>,
    /// Number of signals so far.
    pub signals: u64,
    /// Number of alerts so far.
    alerts_taken: u64,
    /// Compares the alerts with recorded ones, where `--diff` asks for it.
    pub comparison: Option<Comparison>,
}

/// A rejected record. Its bytes may be anything, so they are written in hexadecimal where they are not UTF-8.
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
    pub fn create(args: &cli::Replay, comparison: Option<Comparison>) -> Result<Self, Failure> {
        let create = |path: &Option<std::path::PathBuf>| path.as_deref().map(AtomicFile::create).transpose();
        Ok(Self {
            alerts: create(&args.alerts)?,
            signals_file: create(&args.signals)?,
            dead_letters: create(&args.dead_letters)?,
            signals: 0,
            alerts_taken: 0,
            comparison,
        })
    }

    /// Takes one output; `bytes` are those of the record that was being handled.
    pub fn take(&mut self, output: &Output, context: &Context, bytes: &[u8]) -> Result<(), Failure> {
        match output {
            Output::Notify(alert, _) => {
                self.alerts_taken += 1;
                if let Some(comparison) = &mut self.comparison {
                    // Recorded alerts were read from text, which may round the last bit of a number. Written and read again, these
                    // are rounded in the same way.
                    let text = serde_json::to_vec(alert).unwrap_or_default();
                    comparison.take(serde_json::from_slice(&text).unwrap_or_default());
                }
                line(&mut self.alerts, alert)
            }
            Output::Signal(signal) => {
                self.signals += 1;
                line(&mut self.signals_file, &SignalLine::new(signal, context))
            }
            Output::Rejected(record, rejection) => {
                line(&mut self.dead_letters, &dead_letter(context.record_text(*record), rejection, bytes))
            }
        }
    }

    /// Finishes the files after an input of which hardly any record could be used. If it gave no alert, only the dead letters are
    /// finished, and the other files of an earlier replay stay as they are.
    pub fn finish_unusable(self) -> Result<(), Failure> {
        if self.alerts_taken > 0 {
            return self.finish();
        }
        self.dead_letters.map_or(Ok(()), AtomicFile::finish)
    }

    /// Finishes all files.
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
