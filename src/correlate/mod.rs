//! Correlation: signals from all partitions, in one fixed order, become incidents.
//!
//! Partitions are read at different speeds, so a signal may arrive here before another that is older. Each carries
//! `visible_at`, its partition's clock when it arose, and waits until every partition's clock (the watermark) is past it. Then
//! all are taken in the order (time, kind, subject's name, source, offset), which does not depend on who was read first:
//! neither does any result. Timers wait in the same queue.
//!
//! It does not look at events, and it never asks what time it is.

mod incident;

use std::collections::BTreeMap;

pub use self::incident::{Incident, Revision, Status};
use crate::{
    detect::{Signal, Subject},
    event::{Place, SourceId},
    time::EventTime,
};

/// What waits for the watermark.
#[derive(Debug)]
enum Pending {
    Signal(Box<Signal>),
    /// An incident may be over.
    Close,
}

/// The turn of what waits in the one fixed order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    visible_at: EventTime,
    kind: Kind,
    subject: Subject,
    place: Place,
    /// Among what one record brought.
    nth: usize,
}

/// Signals come before timers of the same instant: what comes back just in time keeps its incident open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Signal,
    Timer,
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
#[derive(Debug)]
pub struct Correlator {
    pending: BTreeMap<Turn, Pending>,
    pending_max: usize,
    pending_evicted: u64,
    incidents: BTreeMap<Subject, Incident>,
    incidents_max: usize,
    incidents_evicted: u64,
}

impl Correlator {
    /// Nothing waits and nothing is open.
    #[must_use]
    pub const fn new(pending_max: usize, incidents_max: usize) -> Self {
        Self {
            pending: BTreeMap::new(),
            pending_max,
            pending_evicted: 0,
            incidents: BTreeMap::new(),
            incidents_max,
            incidents_evicted: 0,
        }
    }

    /// Takes what one record brought. What waits beyond the limit makes room oldest first and is counted: it happens only
    /// when one partition is read that many signals ahead of another.
    pub fn handle(&mut self, signals: impl Iterator<Item = Signal>) {
        for (nth, signal) in signals.enumerate() {
            if self.pending.len() >= self.pending_max.max(1) {
                self.pending.pop_first();
                self.pending_evicted += 1;
            }
            let turn = Turn {
                visible_at: signal.visible_at,
                kind: Kind::Signal,
                subject: signal.subject.clone(),
                place: signal.place,
                nth,
            };
            self.pending.insert(turn, Pending::Signal(Box::new(signal)));
        }
    }

    /// Takes everything that became visible before the watermark, in order.
    pub fn advance(&mut self, watermark: EventTime, steps: &mut Vec<Step>) {
        while let Some(first) = self.pending.first_entry() {
            if first.key().visible_at >= watermark {
                return;
            }
            match first.remove_entry() {
                (_, Pending::Signal(signal)) => self.take(signal, steps),
                (turn, Pending::Close) => self.close(&turn, steps),
            }
        }
    }

    /// Incidents that are open.
    pub fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.incidents.values()
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
            Some(incident) => incident.join(&signal),
            None => Incident::open(&signal).map(|(incident, revision)| {
                self.make_room(signal.at, steps);
                self.incidents.insert(signal.subject.clone(), incident);
                revision
            }),
        };
        if let Some(closes_at) = self.incidents.get(&signal.subject).and_then(Incident::closes_at) {
            let turn = Turn {
                visible_at: closes_at,
                kind: Kind::Timer,
                subject: signal.subject.clone(),
                place: Place { source: SourceId(0), offset: 0 },
                nth: 0,
            };
            self.pending.insert(turn, Pending::Close);
        }
        steps.push(Step::Signal(signal));
        steps.extend(revision.map(|r| Step::Revision(Box::new(r))));
    }

    fn close(&mut self, turn: &Turn, steps: &mut Vec<Step>) {
        // A timer that was overtaken by a signal finds the incident closing later, or not at all.
        if self.incidents.get(&turn.subject).and_then(Incident::closes_at) != Some(turn.visible_at) {
            return;
        }
        if let Some(incident) = self.incidents.remove(&turn.subject) {
            steps.push(Step::Revision(Box::new(incident.resolve(turn.visible_at))));
        }
    }

    /// Lets go of the incident that has been open longest if there are as many as may be.
    fn make_room(&mut self, at: EventTime, steps: &mut Vec<Step>) {
        if self.incidents.len() < self.incidents_max.max(1) {
            return;
        }
        let oldest = self.incidents.iter().min_by_key(|(_, incident)| incident.detected_at()).map(|(s, _)| s.clone());
        if let Some(incident) = oldest.and_then(|subject| self.incidents.remove(&subject)) {
            self.incidents_evicted += 1;
            steps.push(Step::Revision(Box::new(incident.withdraw(at))));
        }
    }
}
