//! Shows the progress of long work on standard error: a bar on a terminal, a plain line every few seconds elsewhere.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};

use super::clock;

/// How often a plain line is written: often enough to show that the work goes on, seldom enough for a build's log.
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
    /// Begins to show work on `total` bytes, where their number is known.
    #[must_use]
    pub fn new(label: &'static str, total: Option<u64>) -> Self {
        let started = clock::monotonic();
        let shown =
            if io::stderr().is_terminal() { Shown::Bar(bar(label, total)) } else { Shown::Lines { last: started } };
        Self { label, total, started, shown }
    }

    /// Updates the display. Each call reads the clock, so it is cheap but not meant for every record.
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
                    print_line(&line);
                }
            }
        }
    }

    /// Prints a line without breaking the bar.
    pub fn print_line(&self, line: &str) {
        match &self.shown {
            Shown::Bar(bar) => bar.suspend(|| print_line(line)),
            Shown::Lines { .. } => print_line(line),
        }
    }

    /// Ends the display and removes the bar.
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

/// Prints one plain line on standard error; a failed write is ignored, because the line is only for a person who watches.
pub fn print_line(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Reports how many entries an adapter had to evict, if any: it reads later lines about them as lines about unknown ones.
pub fn report_forgotten(label: &str, entries: u64) {
    if entries > 0 {
        print_line(&format!(
            "{label}: {entries} orders, positions or symbols were more than the adapter remembers at once"
        ));
    }
}

/// Reports how many numbers had more digits than a decimal holds, if any.
pub fn report_rounded(label: &str, numbers: u64) {
    if numbers > 0 {
        print_line(&format!("{label}: {numbers} numbers had digits below 1e-23 and were rounded half to even"));
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
