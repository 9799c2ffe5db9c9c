//! Maintenance windows from the configuration: when findings about symbols are expected and must wake nobody.
//!
//! A window names symbols by pattern. It lasts from one instant until another, or recurs in some hours of each week. It is
//! evaluated in event time, with the time zones that calendars use too. This module only finds the windows that cover everything
//! that an incident is about; correlation decides what they mean for the incident.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Period, WeeklyHours};
use crate::{
    pattern::{self, Patterns},
    setting::Invalid,
    time::EventTime,
};

/// The most windows: one for each working day of four years, where past ones are never removed.
const WINDOWS_MAX: usize = 1_000;
/// The longest name of a window: what fits into a sentence.
const NAME_CHARS_MAX: usize = 64;

/// One maintenance window as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaintenanceSettings {
    /// The name by which alerts name it, of 64 characters at most.
    pub name: String,
    /// The symbols that it covers, by name: `*` stands for any text, `?` for any one character. All symbols where absent; only then are
    /// findings about the whole market, a whole partition or the service's own input covered too.
    #[serde(default = "pattern::all")]
    pub symbols: Vec<String>,
    /// The instant at which it begins, like `2026-07-04T22:00:00Z`, for a window that comes once.
    #[serde(default)]
    pub from: Option<String>,
    /// The instant at which it ends, for a window that comes once.
    #[serde(default)]
    pub until: Option<String>,
    /// The time zone of `hours` by its name in the IANA database, like `America/New_York`.
    #[serde(default)]
    pub zone: Option<String>,
    /// The hours of each week for a window that comes again: days and times like `sun 02:00-04:00`, written as those of a calendar.
    #[serde(default)]
    pub hours: Vec<String>,
}

/// The extent of what an incident is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach<'a> {
    /// These symbols alone.
    Symbols(BTreeSet<&'a str>),
    /// The whole market, a whole partition, or what names no symbol.
    Everything,
}

/// All maintenance windows of the configuration, in its order. Two are equal if their settings are.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<MaintenanceSettings>", into = "Vec<MaintenanceSettings>")]
pub struct MaintenanceWindows(Vec<Window>);

/// One window.
#[derive(Clone, Debug)]
struct Window {
    settings: MaintenanceSettings,
    symbols: Patterns,
    times: Times,
}

/// When a window is open.
#[derive(Clone, Debug)]
enum Times {
    /// From one instant until another.
    Once { from: EventTime, until: EventTime },
    /// In some hours of each week. The period that was asked for last is kept, because it is asked for with every signal.
    Weekly { hours: Box<WeeklyHours>, last: Option<Period> },
}

impl PartialEq for MaintenanceWindows {
    fn eq(&self, other: &Self) -> bool {
        self.settings().eq(other.settings())
    }
}

impl From<MaintenanceWindows> for Vec<MaintenanceSettings> {
    fn from(windows: MaintenanceWindows) -> Self {
        windows.0.into_iter().map(|window| window.settings).collect()
    }
}

impl TryFrom<Vec<MaintenanceSettings>> for MaintenanceWindows {
    type Error = String;

    fn try_from(settings: Vec<MaintenanceSettings>) -> Result<Self, String> {
        Self::new(&settings).map_err(|invalid| format!("`{}`: {}", invalid.path.join("."), invalid.message))
    }
}

impl MaintenanceWindows {
    /// Reads the windows of a configuration.
    ///
    /// # Errors
    /// The first key that breaks its rule, as seen from the list: the number of the window, the key, and the number of its value.
    pub fn new(settings: &[MaintenanceSettings]) -> Result<Self, Invalid> {
        if settings.len() > WINDOWS_MAX {
            return Err(Invalid { path: Vec::new(), message: format!("expected at most {WINDOWS_MAX} windows") });
        }
        let window = |(nth, settings): (usize, &MaintenanceSettings)| {
            Window::new(settings).map_err(|invalid| invalid.within(&nth.to_string()))
        };
        settings.iter().enumerate().map(window).collect::<Result<_, _>>().map(Self)
    }

    /// The settings, in their order.
    pub fn settings(&self) -> impl Iterator<Item = &MaintenanceSettings> {
        self.0.iter().map(|window| &window.settings)
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names, joined with commas, of the windows that together cover the whole reach of an incident at an instant; `None` if a
    /// part is not covered. Where several windows cover a symbol, the first in the file counts.
    pub fn covering(&mut self, reach: &Reach<'_>, at: EventTime) -> Option<String> {
        let open = self.0.iter_mut().enumerate().filter_map(|(nth, window)| window.is_open(at).then_some(nth));
        let open: Vec<usize> = open.collect();
        let open = || open.iter().map(|nth| (*nth, &self.0[*nth]));
        let found: Option<BTreeSet<usize>> = match reach {
            Reach::Everything => open().find(|(_, window)| window.covers_all()).map(|(nth, _)| BTreeSet::from([nth])),
            Reach::Symbols(symbols) => {
                let first = |symbol: &&str| open().find(|(_, window)| window.symbols.matches(symbol));
                symbols.iter().map(|symbol| first(symbol).map(|(nth, _)| nth)).collect()
            }
        };
        let names: Vec<&str> = found?.into_iter().map(|nth| self.0[nth].settings.name.as_str()).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }

    /// The next instant after this one at which a window may begin or end; `None` if none ever does.
    pub fn changes_after(&mut self, at: EventTime) -> Option<EventTime> {
        self.0.iter_mut().filter_map(|window| window.changes_after(at)).min()
    }
}

impl Window {
    fn new(settings: &MaintenanceSettings) -> Result<Self, Invalid> {
        let MaintenanceSettings { name, symbols, from, until, zone, hours } = settings;
        let is_plain = !name.trim().is_empty() && name.chars().count() <= NAME_CHARS_MAX;
        if !is_plain || name.chars().any(char::is_control) {
            return Err(Invalid::new("name", format!("expected a text of 1 to {NAME_CHARS_MAX} characters")));
        }
        let times = match (from, until, zone, &hours[..]) {
            (Some(from), Some(until), None, []) => Times::once(from, until)?,
            (None, None, Some(zone), [_, ..]) => {
                Times::Weekly { hours: Box::new(WeeklyHours::new(zone, hours, &[])?), last: None }
            }
            (None, None, None, [_, ..]) => {
                return Err(Invalid::new("hours", "expected a `zone` too, like `America/New_York`"));
            }
            (None, None, Some(_), []) => {
                return Err(Invalid::new("zone", "expected `hours` too, like `sun 02:00-04:00`"));
            }
            (Some(_), None, _, _) => return Err(Invalid::new("from", "expected `until` too")),
            (None, Some(_), _, _) => return Err(Invalid::new("until", "expected `from` too")),
            (Some(_), Some(_), _, _) => {
                return Err(Invalid::new("from", "expected either `from` and `until`, or `zone` and `hours`"));
            }
            (None, None, None, []) => {
                return Err(Invalid::new("name", "expected `from` and `until`, or `zone` and `hours` beside it"));
            }
        };
        Ok(Self { settings: settings.clone(), symbols: Patterns::new("symbols", symbols)?, times })
    }

    fn covers_all(&self) -> bool {
        pattern::is_all(&self.settings.symbols)
    }

    fn is_open(&mut self, at: EventTime) -> bool {
        match &mut self.times {
            Times::Once { from, until } => (*from..*until).contains(&at),
            Times::Weekly { hours, last } => period(hours, last, at).is_open,
        }
    }

    fn changes_after(&mut self, at: EventTime) -> Option<EventTime> {
        match &mut self.times {
            Times::Once { from, until } => [*from, *until].into_iter().find(|edge| *edge > at),
            Times::Weekly { hours, last } => Some(period(hours, last, at).until()).filter(|edge| *edge > at),
        }
    }
}

impl Times {
    fn once(from: &str, until: &str) -> Result<Self, Invalid> {
        let (from, until) = (instant("from", from)?, instant("until", until)?);
        if until <= from {
            return Err(Invalid::new("until", "expected an instant after `from`"));
        }
        Ok(Self::Once { from, until })
    }
}

/// The period that an instant is in.
fn period(hours: &WeeklyHours, last: &mut Option<Period>, at: EventTime) -> Period {
    if let Some(known) = last.filter(|period| period.contains(at)) {
        return known;
    }
    *last.insert(hours.period(at))
}

/// Reads an instant.
fn instant(key: &str, text: &str) -> Result<EventTime, Invalid> {
    let read: Option<i64> = text.parse().ok().and_then(|at: Timestamp| i64::try_from(at.as_nanosecond()).ok());
    let expected = || format!("`{text}`: expected an instant with its offset, like `2026-07-04T22:00:00Z`");
    read.map(EventTime::from_nanos).ok_or_else(|| Invalid::new(key, expected()))
}

#[cfg(test)]
mod tests;
