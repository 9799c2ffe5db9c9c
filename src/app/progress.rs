//! How far long work has come: a bar on a terminal, a plain line every few seconds elsewhere. Both on standard error.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};

use super::clock;

/// How often a plain line is written: often enough to see that it moves, seldom enough for a build's log.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// The progress of one piece of work.
pub struct Progress {
    label: &'static str,
    total: Option<u64>,
    started: Instant,
    shown: Shown,
}

enum Shown {
    Bar(ProgressBar),
    Lines { last: Instant },
}

impl Progress {
    /// Work begins on so many bytes, where their number is known.
    #[must_use]
    pub fn new(label: &'static str, total: Option<u64>) -> Self {
        let started = clock::monotonic();
        let shown =
            if io::stderr().is_terminal() { Shown::Bar(bar(label, total)) } else { Shown::Lines { last: started } };
        Self { label, total, started, shown }
    }

    /// It has come this far. Cheap, but not meant for every record: it reads the clock.
    pub fn update(&mut self, bytes: u64, records: u64) {
        match &mut self.shown {
            Shown::Bar(bar) => {
                bar.set_position(bytes);
                bar.set_message(format!("{} records", HumanCount(records)));
            }
            Shown::Lines { last } => {
                let now = clock::monotonic();
                if now.duration_since(*last) >= LINE_EVERY {
                    *last = now;
                    let line = line(self.label, bytes, self.total, records, now.duration_since(self.started));
                    say(&line);
                }
            }
        }
    }

    /// Says something beside it, without tearing the bar.
    pub fn say(&self, line: &str) {
        match &self.shown {
            Shown::Bar(bar) => bar.suspend(|| say(line)),
            Shown::Lines { .. } => say(line),
        }
    }

    /// The work is over; the bar goes away.
    pub fn finish(self) {
        match self.shown {
            Shown::Bar(bar) => bar.finish_and_clear(),
            Shown::Lines { .. } => {}
        }
    }
}

fn bar(label: &'static str, total: Option<u64>) -> ProgressBar {
    let (bar, template) = match total {
        Some(bytes) => (ProgressBar::new(bytes), "{prefix} {wide_bar} {bytes}/{total_bytes} {msg} {eta}"),
        None => (ProgressBar::new_spinner(), "{prefix} {spinner} {bytes} {msg} {elapsed}"),
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style).with_prefix(label)
}

fn line(label: &str, bytes: u64, total: Option<u64>, records: u64, elapsed: Duration) -> String {
    let of = total.map_or_else(String::new, |total| format!(" of {}", HumanBytes(total)));
    let records = HumanCount(records);
    format!("{label}: {}{of}, {records} records, {} s", HumanBytes(bytes), elapsed.as_secs())
}

/// One plain line on standard error, for whoever watches; that nobody does is no failure.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// What an adapter had to forget, if anything: what follows about it is told as of something unknown.
pub fn forgotten(label: &str, entries: u64) {
    if entries > 0 {
        say(&format!("{label}: {entries} orders, positions or symbols were more than the adapter remembers at once"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_line_says_how_far_and_how_long() {
        assert_eq!(
            line("convert", 1 << 20, Some(1 << 21), 12_345, Duration::from_millis(7_900)),
            "convert: 1.00 MiB of 2.00 MiB, 12,345 records, 7 s"
        );
    }
}
