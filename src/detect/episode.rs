//! Episodes: when a statistic's crossing becomes a signal, when it is worth another one, and when it is over.
//!
//! A statistic flickers around its level with each event. An episode makes one finding of the flicker: it opens at the lowest
//! level in force, is raised when the severity rises or the p-value falls tenfold, and clears once the statistic has stayed
//! under 0.7 of the level at which it opened for 10 s (DETECTION 2.1). Clearing is a deadline that the caller must honour,
//! because a subject that falls silent sends nothing that could clear it.
//!
//! ```text
//!           observe ──▶ Decision(Opened) ──publish(finding)──▶            ┌── observe ──▶ Decision(Raised) ──publish──┐
//!   Quiet ────────────────────────────────────────────────────▶  Firing ◀─┴───────────────────────────────────────────┘
//!     ▲                                                            │
//!     └───────────────── expire (calm for 10 s), end ──────────────┘
//! ```
//! A decision changes nothing until its finding is published, so there is no episode without a finding to clear it by.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Finding, Severity};
use crate::time::{EventTime, Span};

/// Share of the opening level under which an episode is ending: well apart from the level, so that it does not flicker.
pub(super) const HYSTERESIS: f64 = 0.7;
/// How long the statistic must stay under that share.
const CALM: Span = Span::from_secs(10);
/// How far the p-value must fall for another signal (DETECTION 4: escalates when p falls 10 times).
const ESCALATION: f64 = 0.1;
/// The least time between two signals of the same severity: before self-calibration the p-value of a burst falls tenfold every
/// few events, and a reader gains nothing from twenty revisions in a second.
const SPACING: Span = Span::from_secs(1);

/// A change of an episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The finding is new.
    Opened,
    /// The finding is more severe, or ten times less likely, than last published.
    Raised,
    /// The episode is over.
    Cleared,
}

/// One sample of a detector, compared with the levels in force.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// The severity whose level the sample reaches, if any.
    pub severity: Option<Severity>,
    /// The greatest of statistic ÷ lowest level in force, over the detector's statistics.
    pub ratio: f64,
    /// The p-value.
    pub p: f64,
}

/// The episode of one detector about one subject, or none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Episode<F = Finding> {
    /// Nothing is going on.
    #[default]
    Quiet,
    /// An episode is open.
    Firing(Box<Firing<F>>),
}

/// The state of an episode that is going on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Firing<F> {
    /// The highest severity so far.
    severity: Severity,
    opened_at: EventTime,
    /// When the statistic was last at or above its hysteresis.
    last_high_at: EventTime,
    published_p: f64,
    published_at: EventTime,
    /// The finding as last published.
    finding: F,
}

/// A change that an episode is about to make. It takes effect with [`Episode::publish`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "a decision takes effect when its finding is published"]
pub struct Decision {
    change: Change,
    severity: Severity,
    at: EventTime,
    p: f64,
}

impl Decision {
    /// The change.
    #[must_use]
    pub const fn change(&self) -> Change {
        self.change
    }
}

/// A change of an episode, with its finding.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition<F> {
    /// The change.
    pub change: Change,
    /// The highest severity so far.
    pub severity: Severity,
    /// When the change took place.
    pub at: EventTime,
    /// When the episode opened.
    pub opened_at: EventTime,
    /// The finding; at a clearing, the last one published.
    pub finding: F,
}

impl<F: Clone> Episode<F> {
    /// Compares a sample with the episode. [`Episode::expire`] must have been called for earlier deadlines.
    pub fn observe(&mut self, at: EventTime, reading: Reading) -> Option<Decision> {
        match self {
            Self::Quiet => Some(Decision { change: Change::Opened, severity: reading.severity?, at, p: reading.p }),
            Self::Firing(firing) => {
                if reading.ratio >= HYSTERESIS {
                    // A late sample does not end the episode sooner: its deadline stands.
                    firing.last_high_at = firing.last_high_at.max(at);
                }
                let severity = reading.severity.map_or(firing.severity, |severity| severity.max(firing.severity));
                let rises = severity > firing.severity;
                let unlikelier =
                    reading.p <= firing.published_p * ESCALATION && at >= firing.published_at.plus(SPACING);
                let p = reading.p.min(firing.published_p);
                (rises || unlikelier).then_some(Decision { change: Change::Raised, severity, at, p })
            }
        }
    }

    /// Applies the decision and stores the finding.
    pub fn publish(&mut self, decision: Decision, finding: F) -> Transition<F> {
        let Decision { change, severity, at, p } = decision;
        let (opened_at, last_high_at) = match self {
            Self::Quiet => (at, at),
            Self::Firing(firing) => (firing.opened_at, firing.last_high_at),
        };
        let firing =
            Firing { severity, opened_at, last_high_at, published_p: p, published_at: at, finding: finding.clone() };
        *self = Self::Firing(Box::new(firing));
        Transition { change, severity, at, opened_at, finding }
    }

    /// Keeps the episode going: the condition still holds, though nothing was sampled.
    pub fn hold(&mut self, at: EventTime) {
        if let Self::Firing(firing) = self {
            firing.last_high_at = firing.last_high_at.max(at);
        }
    }

    /// Whether an episode is going on.
    #[must_use]
    pub const fn is_firing(&self) -> bool {
        matches!(self, Self::Firing(_))
    }

    /// When the episode opened.
    #[must_use]
    pub fn opened_at(&self) -> Option<EventTime> {
        match self {
            Self::Quiet => None,
            Self::Firing(firing) => Some(firing.opened_at),
        }
    }

    /// When the episode is over unless the statistic comes back: [`Episode::expire`] must be called then.
    #[must_use]
    pub fn deadline(&self) -> Option<EventTime> {
        match self {
            Self::Quiet => None,
            Self::Firing(firing) => Some(firing.last_high_at.plus(CALM)),
        }
    }

    /// Ends the episode if its deadline has come.
    pub fn expire(&mut self, now: EventTime) -> Option<Transition<F>> {
        self.deadline().filter(|deadline| *deadline <= now)?;
        self.end()
    }

    /// Ends the episode, as of its deadline, because its subject is forgotten.
    pub fn end(&mut self) -> Option<Transition<F>> {
        let at = self.deadline()?;
        match std::mem::take(self) {
            Self::Quiet => None,
            Self::Firing(firing) => {
                let Firing { severity, opened_at, finding, .. } = *firing;
                Some(Transition { change: Change::Cleared, severity, at, opened_at, finding })
            }
        }
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

    /// Observes a sample and publishes what was decided.
    fn observe(episode: &mut Episode<()>, millis: i64, reading: Reading) -> Option<Change> {
        let decision = episode.observe(at(millis), reading)?;
        Some(episode.publish(decision, ()).change)
    }

    #[test]
    fn one_episode_opens_once_and_clears_ten_seconds_after_it_was_last_high() {
        let mut episode = Episode::default();
        assert_eq!(observe(&mut episode, 0, reading(None, 0.9, 1e-3)), None);
        assert_eq!(observe(&mut episode, 1, reading(Some(Severity::Warning), 1.1, 1e-5)), Some(Change::Opened));
        assert_eq!(observe(&mut episode, 2, reading(Some(Severity::Warning), 1.2, 1e-5)), None);
        assert_eq!(observe(&mut episode, 3_000, reading(None, 0.71, 1e-2)), None);
        assert_eq!(observe(&mut episode, 9_000, reading(None, 0.69, 1e-2)), None);
        assert!(episode.expire(at(12_999)).is_none());
        assert!(episode.expire(at(13_000)).is_some());
        assert!(episode.expire(at(13_000)).is_none());
    }

    #[test]
    fn another_signal_needs_a_higher_severity_or_a_tenth_of_the_p_value_a_second_later() {
        let mut episode = Episode::default();
        observe(&mut episode, 0, reading(Some(Severity::Info), 1.0, 1e-4));
        let raised = observe(&mut episode, 1, reading(Some(Severity::Warning), 1.5, 0.9e-4));
        assert_eq!(raised, Some(Change::Raised));
        assert_eq!(observe(&mut episode, 2, reading(Some(Severity::Warning), 2.0, 1e-9)), None, "too soon");
        let raised = observe(&mut episode, 1_001, reading(Some(Severity::Warning), 2.0, 1e-9));
        assert_eq!(raised, Some(Change::Raised));
        let again = observe(&mut episode, 9_000, reading(Some(Severity::Warning), 2.0, 0.2e-9));
        assert_eq!(again, None, "not a tenth");
    }

    #[test]
    fn a_decision_that_is_not_published_changes_nothing() {
        let mut episode: Episode<()> = Episode::default();
        assert!(episode.observe(at(0), reading(Some(Severity::Warning), 1.0, 1e-4)).is_some());
        assert_eq!(episode, Episode::Quiet);
    }
}
