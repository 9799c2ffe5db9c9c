//! Logs on standard error: for a person on a terminal, JSON lines elsewhere.
//!
//! Standard output belongs to what was asked for. The level comes from `FORESHOCK_LOG`; nothing is logged per event above
//! `trace`.

use std::io::{self, IsTerminal as _};

pub use tracing_subscriber::filter::LevelFilter;

use super::{Failure, settings};

/// Starts logging at a level, unless `FORESHOCK_LOG` names another.
///
/// # Errors
/// When `FORESHOCK_LOG` is not a level.
pub fn start(level: LevelFilter) -> Result<(), Failure> {
    let level = match settings::log_level() {
        None => level,
        Some(text) => text.parse().map_err(|_| {
            Failure::usage(format!(
                "`FORESHOCK_LOG={text}` is not a level: expected off, error, warn, info, debug or trace"
            ))
        })?,
    };
    // A log that cannot be written (a full disk, a pipe without a reader) is lost; the library would say so on the same
    // standard error, and end the thread when that fails too.
    let builder = tracing_subscriber::fmt().with_max_level(level).with_writer(io::stderr).log_internal_errors(false);
    if io::stderr().is_terminal() {
        builder.with_target(false).init();
    } else {
        builder.json().flatten_event(true).with_ansi(false).init();
    }
    Ok(())
}
