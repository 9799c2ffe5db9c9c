//! The plan of a run: which flow to simulate, which episodes to plant, and the check that this is possible.

use std::str::FromStr;

use super::{fault::FeedFault, scenario::Scenario};
use crate::time::{EventTime, Span};

/// Most symbols of a run: each holds a book and a schedule of some 100 kB, so half a gigabyte together.
pub const SYMBOLS_MAX: u32 = 5_000;
/// Fewest accounts of a run: the makers take six, and the others must be enough for ordinary trading.
pub const ACCOUNTS_MIN: u32 = 12;
/// Longest run, in minutes: a year.
pub const MINUTES_MAX: u64 = 525_600;
/// Greatest density: far above any venue, and low enough that the schedule of one symbol stays small.
pub const DENSITY_MAX: f64 = 1_000.0;
/// Most planted episodes of a run.
pub const SCENARIOS_MAX: usize = 1_000;
/// Longest time for which heartbeats go on after the flow.
const COOL_DOWN_MAX: Span = Span::from_secs(86_400);
/// The years that the contract allows, as nanoseconds: the first instant, and the first one too late.
const YEARS: (i64, i64) = (946_684_800_000_000_000, 4_102_444_800_000_000_000);
/// Minutes of flow that an episode needs before it, for its build-up; what it needs after its beginning depends on the
/// scenario.
pub(super) const MINUTES_BEFORE_MIN: f64 = 1.0;

/// A run of the simulated exchange. The same plan gives the same events, byte for byte.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulationPlan {
    /// The seed that all randomness derives from.
    pub seed: u64,
    /// The first event's time; fixed by default, because it is part of the bytes.
    pub start: EventTime,
    /// How long the flow lasts.
    pub minutes: u64,
    /// Number of symbols, which are named `S1` to `Sn`.
    pub symbols: u32,
    /// Number of accounts, which are named `a1` to `an` and shared by all symbols; `a1` to `a6` are the makers'.
    pub accounts: u32,
    /// Factor on all rates.
    pub density: f64,
    /// The episodes to plant.
    pub scenarios: Vec<Planted>,
    /// The faults of the feed, each on another symbol in turn.
    pub faults: Vec<PlannedFault>,
    /// How long heartbeats go on after the flow: a consumer learns from them that nothing more came.
    pub cool_down: Span,
}

/// A scenario to plant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Planted {
    /// The scenario.
    pub scenario: Scenario,
    /// The minute of the run at which it begins; where absent, the seed chooses one in the second half.
    pub at_minute: Option<f64>,
}

impl FromStr for Planted {
    type Err = PlanError;

    /// Reads `NAME` or `NAME@MINUTE`.
    fn from_str(text: &str) -> Result<Self, PlanError> {
        let (name, minute) = text.split_once('@').map_or((text, None), |(name, minute)| (name, Some(minute)));
        let known = Scenario::ALL.into_iter().find(|(_, known)| *known == name);
        let (scenario, _) = known.ok_or_else(|| PlanError::UnknownScenario(name.into()))?;
        let number = |minute: &str| minute.parse().map_err(|_| PlanError::NotMinutes(minute.into()));
        Ok(Self { scenario, at_minute: minute.map(number).transpose()? })
    }
}

/// A fault of the feed to simulate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlannedFault {
    /// The fault.
    pub fault: FeedFault,
    /// The minute of the run at which it happens; the middle of the run where absent.
    pub at_minute: Option<f64>,
}

impl FromStr for PlannedFault {
    type Err = PlanError;

    /// Reads `NAME` or `NAME@MINUTE`.
    fn from_str(text: &str) -> Result<Self, PlanError> {
        let (name, minute) = text.split_once('@').map_or((text, None), |(name, minute)| (name, Some(minute)));
        let known = FeedFault::ALL.into_iter().find(|(_, known)| *known == name);
        let (fault, _) = known.ok_or_else(|| PlanError::UnknownFault(name.into()))?;
        let number = |minute: &str| minute.parse().map_err(|_| PlanError::NotMinutes(minute.into()));
        Ok(Self { fault, at_minute: minute.map(number).transpose()? })
    }
}

impl PlannedFault {
    /// Checks that the fault happens within a run of so many minutes.
    fn check(&self, minutes: u64) -> Result<(), PlanError> {
        let latest = minutes as f64;
        match self.at_minute.filter(|minute| !(MINUTES_BEFORE_MIN..=latest).contains(minute)) {
            Some(minute) => Err(PlanError::AtMinute { minute, latest }),
            None => Ok(()),
        }
    }
}

impl SimulationPlan {
    /// Plans quiet flow of four symbols and 200 accounts from the start of the year 2026.
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
            faults: Vec::new(),
            cool_down: Span::from_secs(120),
        }
    }

    /// The time at which the flow ends; the heartbeats go on for the cool-down.
    #[must_use]
    pub fn end(&self) -> EventTime {
        let secs = self.minutes.min(MINUTES_MAX) * 60;
        self.start.plus(Span::from_secs(i64::try_from(secs).unwrap_or(i64::MAX)))
    }

    /// Checks that the plan can be simulated.
    ///
    /// # Errors
    /// Names the first value that cannot be simulated, and what was expected.
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
        } else if self.scenarios.len().max(self.faults.len()) > SCENARIOS_MAX {
            Err(PlanError::Scenarios(self.scenarios.len().max(self.faults.len())))
        } else {
            self.check_episodes()
        }
    }

    fn check_episodes(&self) -> Result<(), PlanError> {
        self.faults.iter().try_for_each(|planned| planned.check(self.minutes))?;
        for planted in &self.scenarios {
            let latest = self.minutes as f64 - planted.scenario.minutes();
            if latest < MINUTES_BEFORE_MIN {
                let needed = (MINUTES_BEFORE_MIN + planted.scenario.minutes()).ceil();
                return Err(PlanError::TooShort { scenario: planted.scenario, minutes: self.minutes, needed });
            }
            if let Some(minute) = planted.at_minute.filter(|minute| !(MINUTES_BEFORE_MIN..=latest).contains(minute)) {
                return Err(PlanError::AtMinute { minute, latest });
            }
        }
        Ok(())
    }
}

/// Why a plan cannot be simulated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// No symbol, or more than the limit.
    #[error("`{0}` symbols: expected 1 to {SYMBOLS_MAX}")]
    Symbols(u32),
    /// Too few accounts for makers and ordinary traders.
    #[error("`{0}` accounts: expected at least {ACCOUNTS_MIN}")]
    Accounts(u32),
    /// A run of no time, or longer than the limit.
    #[error("`{0}` minutes: expected 1 to {MINUTES_MAX}")]
    Minutes(u64),
    /// A density that is not a positive finite number, or above the limit.
    #[error("density `{0}`: expected above 0 and at most {DENSITY_MAX}")]
    Density(f64),
    /// A cool-down that is negative or longer than a day.
    #[error("a cool-down of `{}` s: expected 0 to {}", .0.secs_f64(), COOL_DOWN_MAX.secs_f64())]
    CoolDown(Span),
    /// A start from which not all of the run lies in the contract's years.
    #[error("a start at `{0}`: expected all of the run in the years 2000 to 2099")]
    Start(EventTime),
    /// More episodes or faults than the limit.
    #[error("`{0}` scenarios or faults: expected at most {SCENARIOS_MAX}")]
    Scenarios(usize),
    /// A scenario name that does not exist.
    #[error("unknown scenario `{0}`: {suggestion}", suggestion = Scenario::suggestion(.0))]
    UnknownScenario(String),
    /// A fault name that does not exist.
    #[error("unknown fault `{0}`: {suggestion}", suggestion = FeedFault::suggestion(.0))]
    UnknownFault(String),
    /// Something other than a number after the `@`.
    #[error("`{0}` after `@`: expected a number of minutes")]
    NotMinutes(String),
    /// A run too short for an episode and the flow before it.
    #[error("`{}` in a run of `{minutes}` min: expected at least {needed} min", scenario.name())]
    TooShort {
        /// The scenario that was asked for.
        scenario: Scenario,
        /// Length of the run, in minutes.
        minutes: u64,
        /// Length that the run has to have, in minutes.
        needed: f64,
    },
    /// An episode that would not fit into the run.
    #[error("a scenario or fault at minute `{minute}`: expected {MINUTES_BEFORE_MIN} to {latest}")]
    AtMinute {
        /// The minute that was asked for.
        minute: f64,
        /// The last minute that the run has room for.
        latest: f64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(change: impl FnOnce(&mut SimulationPlan)) -> String {
        let mut plan = SimulationPlan::new(1, 10);
        change(&mut plan);
        plan.check().map_or_else(|e| e.to_string(), |()| "fine".into())
    }

    #[test]
    fn a_plan_that_cannot_be_simulated_is_refused_with_the_expected_value() {
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
            a scenario or fault at minute `9.9`: expected 1 to 9.5
            a scenario or fault at minute `NaN`: expected 1 to 9.5
            `cancel_burst` in a run of `1` min: expected at least 2 min
            "
        );
    }
}
