//! Logs to standard error: lines for a person on a terminal, JSON lines elsewhere.
//!
//! Standard output is for a command's result. The level comes from `FORESHOCK_LOG`; nothing is logged per event above `trace`.
//!
//! A field holds one value: a text, a number or a boolean. `tracing` has no lists without an unstable build setting, and debug
//! text would be JSON inside a JSON string. So a list is logged as its names, joined with commas (no name of ours has one), and a
//! field `…_total` with their number.

use std::io::{self, IsTerminal as _};

pub use tracing_subscriber::filter::LevelFilter;

use super::{Failure, settings};

/// Starts logging at this level, unless `FORESHOCK_LOG` names another.
///
/// # Errors
/// Exit 64 where `FORESHOCK_LOG` is not a level.
pub fn start(level: LevelFilter) -> Result<(), Failure> {
    let level = match settings::log_level() {
        None => level,
        Some(text) => text.parse().map_err(|_| {
            Failure::usage(format!(
                "`FORESHOCK_LOG={text}` is not a level: expected off, error, warn, info, debug or trace"
            ))
        })?,
    };
    // A log that cannot be written (a full disk, a pipe without a reader) is lost. The library would report that on the same
    // standard error, and end the thread when the report fails too.
    let builder = tracing_subscriber::fmt().with_max_level(level).with_writer(io::stderr).log_internal_errors(false);
    if io::stderr().is_terminal() {
        builder.with_target(false).init();
    } else {
        builder.json().flatten_event(true).with_ansi(false).init();
    }
    Ok(())
}
