//! The settings of one calendar, and a closure, which is what a calendar answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{pattern, time::EventTime};

/// One calendar as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CalendarSettings {
    /// The symbols that follow it, by name: `*` stands for any text, `?` for any one character. Where several calendars match, the
    /// first in the file counts. All symbols where absent.
    #[serde(default = "pattern::all")]
    pub symbols: Vec<String>,
    /// The time zone of `hours` and `holidays` by its name in the IANA database, like `America/New_York`.
    pub zone: String,
    /// The hours of a week in which the symbols trade: days and times like `mon-fri 09:30-16:00`. Hours that end at or before the
    /// time at which they begin end on the next day. Hours that touch are one session.
    pub hours: Vec<String>,
    /// Days on which the symbols do not trade, like `2026-12-25`, and days on which they do not trade for some hours, like
    /// `2026-11-27 13:00-24:00`. A session of the evening before ends with its own day.
    #[serde(default)]
    pub holidays: Vec<String>,
}

/// A closure by a calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closure {
    /// The beginning of the closure.
    pub since: EventTime,
    /// The end of the closure: the next opening.
    pub until: EventTime,
}

impl Closure {
    /// Whether the calendar is closed at a time.
    #[must_use]
    pub fn contains(&self, at: EventTime) -> bool {
        (self.since..self.until).contains(&at)
    }
}
