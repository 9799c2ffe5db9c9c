//! When a statistic's crossing becomes a signal, when it is worth a second word, and when it is over.
//!
//! A statistic flickers around its level with each event. The gate turns it into one episode: opened at the lowest level in
//! force, raised when the severity rises or the p-value falls tenfold, cleared once the statistic has stayed under 0.7 of
//! the level it opened at for 10 s (DETECTION 2.1). Clearing is a deadline that the caller must honour, because a
//! subject that falls silent sends nothing that could clear it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Severity;
use crate::time::{EventTime, Span};

/// Share of the opening level under which an episode is ending: well apart from the level, so that it does not flicker.
const HYSTERESIS: f64 = 0.7;
/// How long it must stay under that share.
const CALM: Span = Span::from_secs(10);
/// How far the p-value must fall for a second word (DETECTION 4: escalates when p falls 10 times).
const ESCALATION: f64 = 0.1;
/// The least time between two words of the same severity: a burst before self-calibration falls tenfold every few events, and a
/// reader gains nothing from twenty revisions in a second.
const SPACING: Span = Span::from_secs(1);

/// What changed about a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It was not there before.
    Opened,
    /// It is more severe, or ten times less likely, than last said.
    Raised,
    /// It is over.
    Cleared,
}

/// What a detector saw at one event.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// The severity whose level it reaches, if any.
    pub severity: Option<Severity>,
    /// The greatest of statistic ÷ lowest level in force, over the detector's statistics.
    pub ratio: f64,
    /// The p-value.
    pub p: f64,
}

/// One subject's episode, or none.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub enum Gate {
    /// Nothing is going on.
    #[default]
    Quiet,
    /// Something is.
    Firing(Episode),
}

/// What is remembered while firing.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Episode {
    severity: Severity,
    opened_at: EventTime,
    last_high_at: EventTime,
    said_p: f64,
    said_at: EventTime,
}

impl Episode {
    /// The highest severity so far.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.severity
    }

    /// When it opened.
    #[must_use]
    pub const fn opened_at(&self) -> EventTime {
        self.opened_at
    }

    /// When it is over unless the statistic comes back.
    #[must_use]
    pub const fn clears_at(&self) -> EventTime {
        self.last_high_at.plus(CALM)
    }
}

impl Gate {
    /// The episode that is going on.
    #[must_use]
    pub const fn episode(&self) -> Option<&Episode> {
        match self {
            Self::Quiet => None,
            Self::Firing(episode) => Some(episode),
        }
    }

    /// Takes what was seen at an event. Deadlines up to `at` must have been honoured before.
    pub fn handle(&mut self, at: EventTime, reading: Reading) -> Option<Change> {
        match self {
            Self::Quiet => {
                let severity = reading.severity?;
                let said_p = reading.p;
                *self = Self::Firing(Episode { severity, opened_at: at, last_high_at: at, said_p, said_at: at });
                Some(Change::Opened)
            }
            Self::Firing(episode) => {
                if reading.ratio >= HYSTERESIS {
                    // What comes late does not end it sooner: whoever waits for the end has planned for it.
                    episode.last_high_at = episode.last_high_at.max(at);
                }
                let severity = reading.severity.map_or(episode.severity, |s| s.max(episode.severity));
                let rises = severity > episode.severity;
                let unlikelier = reading.p <= episode.said_p * ESCALATION && at >= episode.said_at.plus(SPACING);
                if !rises && !unlikelier {
                    return None;
                }
                (episode.severity, episode.said_p, episode.said_at) = (severity, reading.p.min(episode.said_p), at);
                Some(Change::Raised)
            }
        }
    }

    /// What it is about still holds, though nothing was sampled.
    pub fn hold(&mut self, at: EventTime) {
        if let Self::Firing(episode) = self {
            episode.last_high_at = episode.last_high_at.max(at);
        }
    }

    /// Ends the episode if its deadline has come.
    pub fn handle_timeout(&mut self, now: EventTime) -> Option<Episode> {
        let episode = *self.episode().filter(|e| e.clears_at() <= now)?;
        *self = Self::Quiet;
        Some(episode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> EventTime {
        EventTime::from_nanos(millis * 1_000_000)
    }

    fn reading(severity: Option<Severity>, ratio: f64, p: f64) -> Reading {
        Reading { severity, ratio, p }
    }

    #[test]
    fn one_episode_opens_once_and_clears_ten_seconds_after_it_was_last_high() {
        let mut gate = Gate::default();
        assert_eq!(gate.handle(at(0), reading(None, 0.9, 1e-3)), None);
        assert_eq!(gate.handle(at(1), reading(Some(Severity::Warning), 1.1, 1e-5)), Some(Change::Opened));
        assert_eq!(gate.handle(at(2), reading(Some(Severity::Warning), 1.2, 1e-5)), None);
        assert_eq!(gate.handle(at(3_000), reading(None, 0.71, 1e-2)), None);
        assert_eq!(gate.handle(at(9_000), reading(None, 0.69, 1e-2)), None);
        assert!(gate.handle_timeout(at(12_999)).is_none());
        assert!(gate.handle_timeout(at(13_000)).is_some());
        assert!(gate.handle_timeout(at(13_000)).is_none());
    }

    #[test]
    fn a_second_word_needs_a_higher_severity_or_a_tenth_of_the_p_value_a_second_later() {
        let mut gate = Gate::default();
        gate.handle(at(0), reading(Some(Severity::Info), 1.0, 1e-4));
        assert_eq!(gate.handle(at(1), reading(Some(Severity::Warning), 1.5, 0.9e-4)), Some(Change::Raised));
        assert_eq!(gate.handle(at(2), reading(Some(Severity::Warning), 2.0, 1e-9)), None, "too soon");
        assert_eq!(gate.handle(at(1_001), reading(Some(Severity::Warning), 2.0, 1e-9)), Some(Change::Raised));
        assert_eq!(gate.handle(at(9_000), reading(Some(Severity::Warning), 2.0, 0.2e-9)), None, "not a tenth");
    }
}
