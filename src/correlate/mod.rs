//! Correlation: signals from all partitions, in one fixed order, become incidents.
//!
//! What is related is one incident: a signal joins the oldest open incident that touches what it touches (an account, an owner, a
//! symbol, the whole market) and has not been calm for a minute, and incidents that a signal connects become one: the
//! oldest of those that page, or of all. So several
//! detectors on related subjects wake on-call once. Mere information connects nothing.
//!
//! Partitions are read at different speeds, so a signal may arrive here before another that is older. Each carries
//! `visible_at`, its partition's clock when it arose, and waits until every partition's clock (the watermark) is past it. Then
//! all are taken in the order (time, kind, subject's name, source, offset), which does not depend on who was read first:
//! neither does any result. An incident's end is a timer among them, one for each incident that is calm, and after the signals
//! of its instant; timers are as few as incidents, so a flood of signals never takes the place of one.
//!
//! It does not look at events, and it never asks what time it is.

mod following;
mod incident;

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use self::following::Following;
pub use self::incident::{CALM, Incident, Opening, Part, Revision, Source, Status};
use crate::{
    detect::{Change, Node, Severity, Signal, Subject},
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
    /// By the order in which they opened.
    incidents: BTreeMap<u64, Incident>,
    opened: u64,
    following: Following,
    /// Which incidents touched a node when they last changed.
    touched: BTreeSet<(Node, u64)>,
    /// Which incident holds a finding that still fires.
    firing: BTreeMap<Source, u64>,
    /// When each incident that is calm will be over.
    closing: BTreeSet<(EventTime, u64)>,
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
            opened: 0,
            following: Following::default(),
            touched: BTreeSet::new(),
            firing: BTreeMap::new(),
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
        let (at, over) = (signal.at, signal.change == Change::Cleared);
        let known = self.related(&signal).first().copied();
        self.take(Box::new(signal), steps);
        if let Some(incident) = known.filter(|_| over).and_then(|id| self.remove(id)) {
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

    fn take(&mut self, mut signal: Box<Signal>, steps: &mut Vec<Step>) {
        self.following.note(&mut signal);
        let mut related = self.related(&signal);
        // What on-call was woken for goes on; of several, and of none, the oldest.
        related.sort_by_key(|id| self.incidents.get(id).map(Incident::severity) != Some(Severity::Critical));
        let at = steps.len();
        match related.split_first() {
            Some((&host, others)) => self.join(host, others, &signal, steps),
            None => {
                if let Some((incident, revision)) = Incident::open(&signal, &self.config) {
                    self.make_room(signal.at, steps);
                    self.opened += 1;
                    self.put(self.opened, incident, signal.at);
                    steps.push(Step::Revision(Box::new(revision)));
                }
            }
        }
        steps.insert(at, Step::Signal(signal));
    }

    /// Open incidents that a signal belongs to, the oldest first: at most one where it is mere information or clears.
    fn related(&self, signal: &Signal) -> Vec<u64> {
        let source = (signal.detector, signal.subject.clone());
        let holder = self.firing.get(&source).copied();
        if signal.change == Change::Cleared {
            return holder.into_iter().collect();
        }
        let (own, related) = (signal.subject.nodes(), &signal.finding.related);
        let touched = |node: &Node| {
            let (first, last) = ((node.clone(), 0), (node.clone(), u64::MAX));
            self.touched.range(first..=last).map(|(_, id)| *id)
        };
        let candidates: BTreeSet<u64> = own.iter().chain(related).flat_map(touched).chain(holder).collect();
        let connects = signal.severity >= Severity::Warning;
        let near = |id: &u64| {
            let Some(incident) = self.incidents.get(id) else { return false };
            holder == Some(*id)
                || incident.nodes(signal.at).any(|node| own.contains(&node) || (connects && related.contains(&node)))
        };
        let mut found: Vec<u64> = candidates.into_iter().filter(near).collect();
        // A book that thins somewhere follows what is there, and does not make one of what has nothing else in common.
        if !own.contains(&Node::Market) {
            let by_itself = |id: u64| {
                let touches = |node: Node| node != Node::Market && (own.contains(&node) || related.contains(&node));
                holder == Some(id) || self.incidents.get(&id).is_some_and(|i| i.nodes(signal.at).any(touches))
            };
            let mut followed = false;
            found.retain(|&id| by_itself(id) || !std::mem::replace(&mut followed, true));
        }
        if !connects {
            found.retain(|id| holder.is_none_or(|holder| holder == *id));
            found.truncate(1);
        }
        found
    }

    /// A signal joins an incident, and what it connects with it becomes a part of it.
    fn join(&mut self, host: u64, others: &[u64], signal: &Signal, steps: &mut Vec<Step>) {
        let Some(mut incident) = self.remove(host) else { return };
        for other in others {
            if let Some(other) = self.remove(*other) {
                steps.push(Step::Revision(Box::new(incident.absorb(other, signal.at))));
            }
        }
        let touches: Vec<Node> =
            signal.subject.nodes().into_iter().chain(signal.finding.related.iter().cloned()).collect();
        let through = incident.nodes(signal.at).find(|node| touches.contains(node));
        let revision = incident.join(signal, through);
        steps.extend(revision.map(|revision| Step::Revision(Box::new(revision))));
        self.put(host, incident, signal.at);
    }

    /// Puts an incident where it is found by what it touches and by when it ends.
    fn put(&mut self, id: u64, incident: Incident, at: EventTime) {
        self.touched.extend(incident.nodes(at).map(|node| (node, id)));
        self.closing.extend(incident.closes_at().map(|at| (at, id)));
        self.firing.extend(incident.firing().map(|source| (source.clone(), id)));
        self.incidents.insert(id, incident);
    }

    /// Takes an incident out, with all that leads to it.
    fn remove(&mut self, id: u64) -> Option<Incident> {
        let incident = self.incidents.remove(&id)?;
        if let Some(at) = incident.closes_at() {
            self.closing.remove(&(at, id));
        }
        self.touched.retain(|(_, toucher)| *toucher != id);
        self.firing.retain(|_, holder| *holder != id);
        Some(incident)
    }

    /// Ends the incident whose timer is next.
    fn close(&mut self, steps: &mut Vec<Step>) {
        let Some(&(at, id)) = self.closing.first() else { return };
        self.closing.remove(&(at, id));
        if let Some(incident) = self.remove(id) {
            steps.push(Step::Revision(Box::new(incident.resolve(at))));
        }
    }

    /// Lets go of the incident that has been open longest while there are as many as may be.
    fn make_room(&mut self, at: EventTime, steps: &mut Vec<Step>) {
        while self.incidents.len() >= self.incidents_max.max(1) {
            let Some(incident) = self.incidents.keys().next().copied().and_then(|oldest| self.remove(oldest)) else {
                return;
            };
            self.incidents_evicted += 1;
            steps.push(Step::Revision(Box::new(incident.withdraw(at))));
        }
    }
}
