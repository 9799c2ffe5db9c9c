//! Correlation: signals from all partitions, in one fixed order, become incidents.
//!
//! Partitions are read at different speeds, so a signal may arrive here before another that is older. Each carries
//! `visible_at`, its partition's clock when it arose, and waits until every partition's clock (the watermark) is past it. Then
//! all are taken in the order (time, kind, subject's name, source, offset), which does not depend on who was read first:
//! neither does any result. An incident's end is a timer among them, one for each incident that is calm, and after the signals
//! of its instant; timers are as few as incidents, so a flood of signals never takes the place of one.
//!
//! It does not look at events, and it never asks what time it is.

mod incident;

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

pub use self::incident::{Incident, Opening, Revision, Status};
use crate::{
    detect::{Change, Signal, Subject},
    event::Place,
    time::EventTime,
};

/// The turn of a signal in the one fixed order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Turn {
    visible_at: EventTime,
    subject: Subject,
    place: Place,
    /// Among what one record brought.
    nth: usize,
}

/// What the correlation stage has to say, in order.
#[derive(Clone, Debug)]
pub enum Step {
    /// A signal was taken.
    Signal(Box<Signal>),
    /// An incident changed.
    Revision(Box<Revision>),
}

/// Signals that wait, and incidents that are open.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Correlator {
    /// The hash of the settings in force, for the ids of what opens under them.
    config: CompactString,
    pending: BTreeMap<Turn, Box<Signal>>,
    pending_max: usize,
    pending_evicted: u64,
    incidents: BTreeMap<Subject, Incident>,
    /// When each incident that is calm will be over.
    closing: BTreeSet<(EventTime, Subject)>,
    incidents_max: usize,
    incidents_evicted: u64,
}

impl Correlator {
    /// Nothing waits and nothing is open.
    #[must_use]
    pub fn new(config: &str, pending_max: usize, incidents_max: usize) -> Self {
        Self {
            config: CompactString::new(config),
            pending: BTreeMap::new(),
            pending_max,
            pending_evicted: 0,
            incidents: BTreeMap::new(),
            closing: BTreeSet::new(),
            incidents_max,
            incidents_evicted: 0,
        }
    }

    /// Goes on under other settings and limits. Where more is held than may be, it makes room when the next comes: a withdrawn
    /// incident must be said to be so, and only handling an input says something.
    pub fn retune(&mut self, config: &str, pending_max: usize, incidents_max: usize) {
        self.config = CompactString::new(config);
        (self.pending_max, self.incidents_max) = (pending_max, incidents_max);
    }

    /// Takes what one record brought. What waits beyond the limit makes room oldest first and is counted: it happens only
    /// when one partition is read that many signals ahead of another.
    pub fn handle(&mut self, signals: impl Iterator<Item = Signal>) {
        for (nth, signal) in signals.enumerate() {
            while self.pending.len() >= self.pending_max.max(1) {
                self.pending.pop_first();
                self.pending_evicted += 1;
            }
            let turn =
                Turn { visible_at: signal.visible_at, subject: signal.subject.clone(), place: signal.place, nth };
            self.pending.insert(turn, Box::new(signal));
        }
    }

    /// Takes a signal about the service's own input, at once: clocks that stand still because of it cannot be waited for. Its
    /// incident ends with the signal that clears it.
    pub fn handle_now(&mut self, signal: Signal, steps: &mut Vec<Step>) {
        let (subject, at, over) = (signal.subject.clone(), signal.at, signal.change == Change::Cleared);
        self.take(Box::new(signal), steps);
        if !over {
            return;
        }
        if let Some(incident) = self.incidents.remove(&subject) {
            if let Some(timer) = incident.closes_at() {
                self.closing.remove(&(timer, subject));
            }
            steps.push(Step::Revision(Box::new(incident.resolve(at))));
        }
    }

    /// Takes everything that became visible before the watermark, in order.
    pub fn advance(&mut self, watermark: EventTime, steps: &mut Vec<Step>) {
        loop {
            let signal = self.pending.first_key_value().map(|(turn, _)| turn.visible_at);
            let timer = self.closing.first().map(|(at, _)| *at);
            // A signal comes before a timer of the same instant: what comes back just in time keeps its incident open.
            if signal.is_some_and(|at| at < watermark && timer.is_none_or(|timer| at <= timer)) {
                if let Some((_, signal)) = self.pending.pop_first() {
                    self.take(signal, steps);
                }
            } else if timer.is_some_and(|at| at < watermark) {
                self.close(steps);
            } else {
                return;
            }
        }
    }

    /// Incidents that are open.
    pub fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.incidents.values()
    }

    /// Whether anything waits for the watermark.
    #[must_use]
    pub fn waits(&self) -> bool {
        !self.pending.is_empty() || !self.closing.is_empty()
    }

    /// Signals that wait, and how many had to make room.
    #[must_use]
    pub fn pending(&self) -> (usize, u64) {
        (self.pending.len(), self.pending_evicted)
    }

    /// How many incidents had to make room.
    #[must_use]
    pub const fn incidents_evicted(&self) -> u64 {
        self.incidents_evicted
    }

    fn take(&mut self, signal: Box<Signal>, steps: &mut Vec<Step>) {
        let revision = match self.incidents.get_mut(&signal.subject) {
            Some(incident) => {
                let timer = incident.closes_at();
                let revision = incident.join(&signal);
                if let Some(timer) = timer {
                    self.closing.remove(&(timer, signal.subject.clone()));
                }
                self.closing.extend(incident.closes_at().map(|at| (at, signal.subject.clone())));
                revision
            }
            None => Incident::open(&signal, &self.config).map(|(incident, revision)| {
                self.make_room(signal.at, steps);
                self.incidents.insert(signal.subject.clone(), incident);
                revision
            }),
        };
        steps.push(Step::Signal(signal));
        steps.extend(revision.map(|r| Step::Revision(Box::new(r))));
    }

    /// Ends the incident whose timer is next.
    fn close(&mut self, steps: &mut Vec<Step>) {
        let Some((at, subject)) = self.closing.pop_first() else { return };
        if let Some(incident) = self.incidents.remove(&subject) {
            steps.push(Step::Revision(Box::new(incident.resolve(at))));
        }
    }

    /// Lets go of the incident that has been open longest while there are as many as may be.
    fn make_room(&mut self, at: EventTime, steps: &mut Vec<Step>) {
        while self.incidents.len() >= self.incidents_max.max(1) {
            let open = self.incidents.iter();
            let oldest = open.min_by_key(|(_, incident)| incident.detected_at()).map(|(subject, _)| subject.clone());
            let Some(incident) = oldest.and_then(|subject| self.incidents.remove(&subject)) else { return };
            self.incidents_evicted += 1;
            if let Some(timer) = incident.closes_at() {
                self.closing.remove(&(timer, incident.subject().clone()));
            }
            steps.push(Step::Revision(Box::new(incident.withdraw(at))));
        }
    }
}
