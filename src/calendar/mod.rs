//! Trading hours from the configuration: when symbols are open, where their venue does not say so by itself.
//!
//! A calendar names symbols by pattern, the hours of a week in one time zone, and holidays. Everything is evaluated at a given
//! instant of event time with the time zones that are built into the crate, so a result depends on no machine. Outside its hours a
//! symbol is closed, as by a `trading_status` that says so.
//!
//! A calendar answers with the newest closure at or before an instant ([`Calendars::closure`]). The answer is kept until the
//! calendar's next change, because it is asked for with every event.
//!
//! Maintenance windows are written alike, by the same hours and patterns ([`MaintenanceWindows`]).
//!
//! This module does not know what a closure means for a symbol, nor a window for an incident; that is the session of the symbol,
//! and correlation.

mod hours;
mod maintenance;
mod settings;

use serde::{Deserialize, Serialize};

use self::hours::{Period, WeeklyHours};
pub use self::{
    maintenance::{MaintenanceSettings, MaintenanceWindows, Reach},
    settings::{CalendarSettings, Closure},
};
use crate::{
    pattern::{self, Patterns},
    setting::Invalid,
    time::EventTime,
};

/// The most calendars. A venue has one for each kind of instrument; each is compared with the name of every new symbol.
const CALENDARS_MAX: usize = 100;

/// A calendar among those of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarId(u16);

/// All calendars of the configuration, in its order. Two are equal if their settings are.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<CalendarSettings>", into = "Vec<CalendarSettings>")]
pub struct Calendars(Vec<Calendar>);

/// One calendar, with its last answer.
#[derive(Clone, Debug)]
struct Calendar {
    settings: CalendarSettings,
    symbols: Patterns,
    hours: WeeklyHours,
    /// The last answer: a period, and the newest closure at or before any instant of that period.
    last: Option<(Period, Option<Closure>)>,
}

impl PartialEq for Calendars {
    fn eq(&self, other: &Self) -> bool {
        self.settings().eq(other.settings())
    }
}

impl From<Calendars> for Vec<CalendarSettings> {
    fn from(calendars: Calendars) -> Self {
        calendars.0.into_iter().map(|calendar| calendar.settings).collect()
    }
}

impl TryFrom<Vec<CalendarSettings>> for Calendars {
    type Error = String;

    fn try_from(settings: Vec<CalendarSettings>) -> Result<Self, String> {
        Self::new(&settings).map_err(|invalid| format!("`{}`: {}", invalid.path.join("."), invalid.message))
    }
}

impl Calendars {
    /// Reads the calendars of a configuration.
    ///
    /// # Errors
    /// The first key that breaks its rule, as seen from the list: the number of the calendar, the key, and the number of its value.
    pub fn new(settings: &[CalendarSettings]) -> Result<Self, Invalid> {
        if settings.len() > CALENDARS_MAX {
            return Err(Invalid { path: Vec::new(), message: format!("expected at most {CALENDARS_MAX} calendars") });
        }
        let calendar = |(nth, settings): (usize, &CalendarSettings)| {
            Calendar::new(settings).map_err(|invalid| invalid.within(&nth.to_string()))
        };
        settings.iter().enumerate().map(calendar).collect::<Result<_, _>>().map(Self)
    }

    /// The settings, in their order.
    pub fn settings(&self) -> impl Iterator<Item = &CalendarSettings> {
        self.0.iter().map(|calendar| &calendar.settings)
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The calendar that a symbol follows.
    #[must_use]
    pub fn of_symbol(&self, name: &str) -> Option<CalendarId> {
        self.find(|calendar| calendar.symbols.matches(name))
    }

    /// Returns the calendar of the venue as a whole: the first that all symbols may follow (`*`).
    #[must_use]
    pub fn of_venue(&self) -> Option<CalendarId> {
        self.find(|calendar| pattern::is_all(&calendar.settings.symbols))
    }

    fn find(&self, is_it: impl FnMut(&Calendar) -> bool) -> Option<CalendarId> {
        let nth = self.0.iter().position(is_it)?;
        Some(CalendarId(u16::try_from(nth).expect("there are at most a hundred calendars")))
    }

    /// The newest closure of a calendar that began at or before an instant; `None` if there was none within a year.
    pub fn closure(&mut self, id: CalendarId, at: EventTime) -> Option<Closure> {
        let calendar = self.0.get_mut(usize::from(id.0))?;
        if let Some((period, closure)) = &calendar.last
            && period.contains(at)
        {
            return *closure;
        }
        let period = calendar.hours.period(at);
        let closure = calendar.hours.closure(&period);
        calendar.last = Some((period, closure));
        closure
    }

    /// The newest closure of each calendar that began at or before an instant.
    #[must_use]
    pub fn at(&self, at: EventTime) -> ClosuresAt {
        let closure = |calendar: &Calendar| calendar.hours.closure(&calendar.hours.period(at));
        ClosuresAt(self.0.iter().map(closure).collect())
    }
}

/// The newest closure of each calendar that began at or before one instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClosuresAt(Vec<Option<Closure>>);

impl ClosuresAt {
    /// The closures of one calendar.
    #[must_use]
    pub fn of(&self, id: CalendarId) -> Option<Closure> {
        self.0.get(usize::from(id.0)).copied().flatten()
    }
}

impl Calendar {
    fn new(settings: &CalendarSettings) -> Result<Self, Invalid> {
        let symbols = Patterns::new("symbols", &settings.symbols)?;
        let hours = WeeklyHours::new(&settings.zone, &settings.hours, &settings.holidays)?;
        Ok(Self { settings: settings.clone(), symbols, hours, last: None })
    }
}

#[cfg(test)]
mod tests;
