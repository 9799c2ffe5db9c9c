//! Counts the lines of files that cannot be used, and judges whether the files are what they were taken for.
//!
//! A file of another format, or one that is damaged throughout, has lines that happen to fit, or none. Its result would look like
//! that of a quiet market, so it is an error: if no line can be used, if most lines of more than a few cannot, or if lines are
//! taken for messages that hold no event, and no line holds one.

use crate::event::{Reason, Rejection};

/// The least number of lines of which most, but not all, must be refused for the verdict: one bad line beside a good one says
/// nothing about a file.
const LINES_MIN: u64 = 10;

/// The lines so far, those that were refused, and the events of the others.
#[derive(Debug, Default)]
pub struct Refusals {
    lines: u64,
    events: usize,
    refused: u64,
    by_reason: [u64; Reason::ALL.len()],
    first: Option<String>,
}

impl Refusals {
    /// Counts a line that could be used, with its events: a line may be a message without any.
    pub const fn accept(&mut self, events: usize) {
        self.lines += 1;
        self.add_events(events);
    }

    /// Counts events that belong to lines before.
    pub const fn add_events(&mut self, events: usize) {
        self.events += events;
    }

    /// Counts a line that could not be used. `location` is where it stands.
    pub fn refuse(&mut self, rejection: &Rejection, location: impl FnOnce() -> String) {
        self.lines += 1;
        self.refused += 1;
        self.by_reason[rejection.reason as usize] += 1;
        self.first.get_or_insert_with(|| format!("{}: {rejection}", location()));
    }

    /// The number of lines.
    pub const fn lines(&self) -> u64 {
        self.lines
    }

    /// The number of lines that could not be used.
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    /// Describes the refused lines, if the files are not what they were taken for.
    pub fn verdict(&self) -> Option<String> {
        let Self { lines, refused, by_reason, first, events } = self;
        if *lines > *refused && *events == 0 {
            return Some(format!("no event was found in {lines} lines, of which {refused} were rejected"));
        }
        let first = first.as_ref().filter(|_| self.is_unusable())?;
        let most = Reason::ALL.iter().zip(by_reason).max_by_key(|(_, n)| **n);
        let most = most.map_or_else(String::new, |((_, name), n)| format!("{n} of them are `{name}`; "));
        let how_many = if refused == lines {
            "no line could be used".to_owned()
        } else {
            "most lines could not be used".to_owned()
        };
        Some(format!("{how_many}: {refused} of {lines} were rejected, {most}the first is {first}"))
    }

    const fn is_unusable(&self) -> bool {
        self.refused > 0 && (self.refused == self.lines || (self.lines >= LINES_MIN && self.refused * 2 > self.lines))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{DecodeLimits, decode};

    fn refusals(good: u64, bad: u64) -> Refusals {
        let mut refusals = Refusals::default();
        let noise = decode(b"noise", DecodeLimits::default()).unwrap_err();
        (0..good).for_each(|_| refusals.accept(1));
        (0..bad).for_each(|i| refusals.refuse(&noise, || format!("a.jsonl:{}", good + i + 1)));
        refusals
    }

    #[test]
    fn a_file_is_unusable_if_all_lines_are_refused_or_most_of_many() {
        for (good, bad, is_unusable) in
            [(0, 0, false), (0, 1, true), (1, 1, false), (1, 8, false), (4, 6, true), (5, 5, false), (499, 501, true)]
        {
            assert_eq!(refusals(good, bad).verdict().is_some(), is_unusable, "{good} {bad}");
        }
    }

    #[test]
    fn a_file_is_unusable_if_no_line_holds_an_event() {
        let mut refusals = Refusals::default();
        refusals.accept(0);
        assert_eq!(refusals.verdict().unwrap(), "no event was found in 1 lines, of which 0 were rejected");
        refusals.add_events(1);
        assert_eq!(refusals.verdict(), None);
    }

    #[test]
    fn the_verdict_has_numbers_a_reason_and_an_example() {
        let verdict = refusals(4, 6).verdict().unwrap();
        let expected = "most lines could not be used: 6 of 10 were rejected, 6 of them are `not_json`; the first is \
                        a.jsonl:5: not_json: ";
        assert!(verdict.starts_with(expected), "{verdict}");
    }
}
