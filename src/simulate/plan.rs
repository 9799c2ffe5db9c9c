//! What is to be simulated, and whether that can be done.

use super::scenario::{Planted, Scenario};
use crate::time::{EventTime, Span};

/// Symbols at once: each holds a book and an agenda of some 100 kB, so half a gigabyte.
pub const SYMBOLS_MAX: u32 = 5_000;
/// The makers take six accounts, and the rest must be enough for a crowd.
pub const ACCOUNTS_MIN: u32 = 12;
/// A year.
pub const MINUTES_MAX: u64 = 525_600;
/// Far above any venue, and low enough that the agenda of one market stays small.
pub const DENSITY_MAX: f64 = 1_000.0;
/// Episodes in one run.
pub const SCENARIOS_MAX: usize = 1_000;
/// How long the heartbeats can go on after the flow.
const COOL_DOWN_MAX: Span = Span::from_secs(86_400);
/// The first instants that events may not have: the contract's years.
const YEARS: (i64, i64) = (946_684_800_000_000_000, 4_102_444_800_000_000_000);
/// An episode needs this much flow before it, for what it builds up; what it needs after is the scenario's.
pub(super) const BEFORE_MIN: f64 = 1.0;

/// A run of the simulated exchange. The same plan gives the same events, byte for byte.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What all randomness derives from.
    pub seed: u64,
    /// The first event's time; fixed by default, because it is part of the bytes.
    pub start: EventTime,
    /// How long the flow lasts.
    pub minutes: u64,
    /// Symbols `S1` to `Sn`.
    pub symbols: u32,
    /// Accounts `a1` to `an`, shared by all symbols; `a1` to `a6` are the makers'.
    pub accounts: u32,
    /// Multiplies all rates.
    pub density: f64,
    /// The episodes.
    pub scenarios: Vec<Planted>,
    /// How long heartbeats go on after the flow: a consumer learns from them that nothing more came.
    pub cool_down: Span,
}

impl Plan {
    /// Quiet flow of four symbols and 200 accounts from the start of the year 2026.
    #[must_use]
    pub fn new(seed: u64, minutes: u64) -> Self {
        Self {
            seed,
            start: EventTime::from_nanos(1_767_225_600_000_000_000),
            minutes,
            symbols: 4,
            accounts: 200,
            density: 1.0,
            scenarios: Vec::new(),
            cool_down: Span::from_secs(120),
        }
    }

    /// When the flow ends; the heartbeats go on.
    #[must_use]
    pub fn end(&self) -> EventTime {
        let secs = self.minutes.min(MINUTES_MAX) * 60;
        self.start.plus(Span::from_secs(i64::try_from(secs).unwrap_or(i64::MAX)))
    }

    /// # Errors
    /// Says which value cannot be simulated, and what was expected.
    pub(super) fn check(&self) -> Result<(), PlanError> {
        let years = YEARS.0..YEARS.1;
        let last = self.end().plus(self.cool_down);
        if !(1..=SYMBOLS_MAX).contains(&self.symbols) {
            Err(PlanError::Symbols(self.symbols))
        } else if self.accounts < ACCOUNTS_MIN {
            Err(PlanError::Accounts(self.accounts))
        } else if !(1..=MINUTES_MAX).contains(&self.minutes) {
            Err(PlanError::Minutes(self.minutes))
        } else if !(self.density > 0.0 && self.density <= DENSITY_MAX) {
            Err(PlanError::Density(self.density))
        } else if !(Span::ZERO..=COOL_DOWN_MAX).contains(&self.cool_down) {
            Err(PlanError::CoolDown(self.cool_down))
        } else if !(years.contains(&self.start.nanos()) && years.contains(&last.nanos())) {
            Err(PlanError::Start(self.start))
        } else if self.scenarios.len() > SCENARIOS_MAX {
            Err(PlanError::Scenarios(self.scenarios.len()))
        } else {
            self.check_episodes()
        }
    }

    fn check_episodes(&self) -> Result<(), PlanError> {
        for planted in &self.scenarios {
            let latest = self.minutes as f64 - planted.scenario.minutes();
            if latest < BEFORE_MIN {
                let needed = (BEFORE_MIN + planted.scenario.minutes()).ceil();
                return Err(PlanError::TooShort { scenario: planted.scenario, minutes: self.minutes, needed });
            }
            if let Some(minute) = planted.at_minute.filter(|minute| !(BEFORE_MIN..=latest).contains(minute)) {
                return Err(PlanError::AtMinute { minute, latest });
            }
        }
        Ok(())
    }
}

/// Why a plan cannot be simulated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// None, or more than the limit.
    #[error("`{0}` symbols: expected 1 to {SYMBOLS_MAX}")]
    Symbols(u32),
    /// Too few for makers and a crowd.
    #[error("`{0}` accounts: expected at least {ACCOUNTS_MIN}")]
    Accounts(u32),
    /// No time, or more than the limit.
    #[error("`{0}` minutes: expected 1 to {MINUTES_MAX}")]
    Minutes(u64),
    /// Not a positive finite number, or more than the limit.
    #[error("density `{0}`: expected above 0 and at most {DENSITY_MAX}")]
    Density(f64),
    /// Negative or longer than a day.
    #[error("a cool-down of `{}` s: expected 0 to {}", .0.secs_f64(), COOL_DOWN_MAX.secs_f64())]
    CoolDown(Span),
    /// Not all of the run lies in the contract's years.
    #[error("a start at `{0}`: expected all of the run in the years 2000 to 2099")]
    Start(EventTime),
    /// More episodes than the limit.
    #[error("`{0}` scenarios: expected at most {SCENARIOS_MAX}")]
    Scenarios(usize),
    /// There is no such scenario.
    #[error("unknown scenario `{0}`: {meant}", meant = Scenario::meant(.0))]
    UnknownScenario(String),
    /// Not a number after the `@`.
    #[error("`{0}` after `@`: expected a number of minutes")]
    NotMinutes(String),
    /// Episodes need room around them.
    #[error("`{}` in a run of `{minutes}` min: expected at least {needed} min", scenario.name())]
    TooShort {
        /// What was wanted.
        scenario: Scenario,
        /// How long the run is.
        minutes: u64,
        /// How long it has to be.
        needed: f64,
    },
    /// An episode would not fit into the run.
    #[error("a scenario at minute `{minute}`: expected {BEFORE_MIN} to {latest}")]
    AtMinute {
        /// Where it was wanted.
        minute: f64,
        /// The last minute that the run has room for.
        latest: f64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(change: impl FnOnce(&mut Plan)) -> String {
        let mut plan = Plan::new(1, 10);
        change(&mut plan);
        plan.check().map_or_else(|e| e.to_string(), |()| "fine".into())
    }

    #[test]
    fn what_cannot_be_simulated_is_refused_with_what_was_expected() {
        insta::assert_snapshot!(
            [
                refusal(|_| ()),
                refusal(|p| p.symbols = 0),
                refusal(|p| p.symbols = 5_001),
                refusal(|p| p.accounts = 3),
                refusal(|p| p.minutes = 0),
                refusal(|p| p.density = 0.0),
                refusal(|p| p.density = f64::NAN),
                refusal(|p| p.density = f64::INFINITY),
                refusal(|p| p.cool_down = Span::from_secs(-1)),
                refusal(|p| p.start = EventTime::from_nanos(0)),
                refusal(|p| p.scenarios = vec![Planted { scenario: Scenario::CancelBurst, at_minute: Some(9.9) }]),
                refusal(|p| p.scenarios = vec![Planted { scenario: Scenario::CancelBurst, at_minute: Some(f64::NAN) }]),
                refusal(|p| {
                    p.minutes = 1;
                    p.scenarios = vec![Planted { scenario: Scenario::CancelBurst, at_minute: None }];
                }),
            ]
            .join("\n"),
            @r"
            fine
            `0` symbols: expected 1 to 5000
            `5001` symbols: expected 1 to 5000
            `3` accounts: expected at least 12
            `0` minutes: expected 1 to 525600
            density `0`: expected above 0 and at most 1000
            density `NaN`: expected above 0 and at most 1000
            density `inf`: expected above 0 and at most 1000
            a cool-down of `-1` s: expected 0 to 86400
            a start at `1970-01-01T00:00:00Z`: expected all of the run in the years 2000 to 2099
            a scenario at minute `9.9`: expected 1 to 9.5
            a scenario at minute `NaN`: expected 1 to 9.5
            `cancel_burst` in a run of `1` min: expected at least 2 min
            "
        );
    }
}
