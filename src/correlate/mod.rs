//! Correlation: signals from all stages, in one fixed order, become incidents.
//!
//! Related signals are one incident, so that several detectors on related subjects wake on-call once. A signal joins the
//! oldest open incident that touches one of its nodes (an account, an owner, a symbol, the whole market) and has not been
//! calm for a minute. Incidents that a signal connects are merged into the oldest of those that page, or into the oldest
//! of all if none pages. A signal of mere information connects nothing.
//!
//! Partitions are read at different speeds, so a signal may arrive before an older one. Each signal carries `visible_at`,
//! the clock of its stage when it arose, and waits until every partition's clock (the watermark) is past that time. Then
//! signals are taken in the order (visible time, kind of subject, subject's name, source, offset). This order does not
//! depend on which partition was read first, so no result does. The end of a calm incident is a timer in the same order,
//! after the signals of its instant. Timers have a queue of their own, with at most one for each incident, so a flood of
//! signals evicts none of them.
//!
//! This module sees no events and reads no clock.

mod agreement;
mod incident;
mod part;
mod published;
mod thin_book_rate;

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

pub use self::{
    agreement::{Agreement, PAGE_P},
    incident::{CALM, Incident, Revision},
    part::{FindingKey, Part},
    published::{Opening, Published, Status},
};
use self::{part::finding_key, thin_book_rate::ThinBookRate};
use crate::{
    detect::{Change, Detector, Node, Severity, Signal, Subject},
    event::RecordRef,
    time::EventTime,
};

/// The position of a signal in the one fixed order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct QueueKey {
    visible_at: EventTime,
    subject: Subject,
    record: RecordRef,
    /// Distinguishes signals about one subject by one record, in the order in which they arose.
    arrival: u64,
}

/// A result of correlation.
#[derive(Clone, Debug)]
pub enum Step {
    /// A signal left the queue and was correlated.
    Signal(Box<Signal>),
    /// An incident changed.
    Revision {
        /// The incident as it is now.
        revision: Box<Revision>,
        /// When the change became visible. The mode in force at that time shows how far to trust the alert.
        visible_at: EventTime,
    },
}

impl Step {
    fn revision(revision: Revision, visible_at: EventTime) -> Self {
        Self::Revision { revision: Box::new(revision), visible_at }
    }
}

/// The signals that wait for the watermark, and the open incidents.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Correlator {
    /// The hash of the settings in force, for the ids of incidents that open under them.
    config: CompactString,
    pending: BTreeMap<QueueKey, Box<Signal>>,
    /// The number of signals that have arrived so far.
    arrived: u64,
    pending_max: usize,
    pending_evicted: u64,
    /// Open incidents by number, in the order in which they opened.
    incidents: BTreeMap<u64, Incident>,
    /// The number of incidents that have opened so far.
    opened: u64,
    thin_book_rate: ThinBookRate,
    /// The nodes that each incident touched when it last changed.
    touched: BTreeSet<(Node, u64)>,
    /// The incident that holds each finding that still fires.
    firing: BTreeMap<FindingKey, u64>,
    /// The times at which calm incidents end.
    closing: BTreeSet<(EventTime, u64)>,
    /// The times at which incidents without a revision are published again.
    restating: BTreeSet<(EventTime, u64)>,
    incidents_max: usize,
    incidents_evicted: u64,
}

impl Correlator {
    /// A correlator without signals and without incidents.
    #[must_use]
    pub fn new(config: &str, pending_max: usize, incidents_max: usize) -> Self {
        Self {
            config: CompactString::new(config),
            pending: BTreeMap::new(),
            arrived: 0,
            pending_max,
            pending_evicted: 0,
            incidents: BTreeMap::new(),
            opened: 0,
            thin_book_rate: ThinBookRate::default(),
            touched: BTreeSet::new(),
            firing: BTreeMap::new(),
            closing: BTreeSet::new(),
            restating: BTreeSet::new(),
            incidents_max,
            incidents_evicted: 0,
        }
    }

    /// Continues under other settings and limits. Signals and incidents beyond a smaller limit stay until the next one
    /// comes: the withdrawal of an incident must be published, and only handling an input publishes.
    pub fn retune(&mut self, config: &str, pending_max: usize, incidents_max: usize) {
        self.config = CompactString::new(config);
        (self.pending_max, self.incidents_max) = (pending_max, incidents_max);
    }

    /// Adds signals to the queue. Beyond its limit the oldest signals are evicted and counted, which happens only when one
    /// partition is read that many signals ahead of another.
    pub fn handle(&mut self, signals: impl Iterator<Item = Signal>) {
        for signal in signals {
            while self.pending.len() >= self.pending_max.max(1) {
                self.pending.pop_first();
                self.pending_evicted += 1;
            }
            self.arrived += 1;
            let key = QueueKey {
                visible_at: signal.visible_at,
                subject: signal.subject.clone(),
                record: signal.origin.record,
                arrival: self.arrived,
            };
            self.pending.insert(key, Box::new(signal));
        }
    }

    /// Correlates a signal about the service's own input at once, because clocks that stand still for that very reason
    /// cannot be waited for. Its incident ends with the signal that clears it.
    pub fn handle_now(&mut self, signal: Signal, steps: &mut Vec<Step>) {
        let (at, is_cleared) = (signal.at, signal.change == Change::Cleared);
        let known = self.related(&signal).first().copied();
        self.correlate(Box::new(signal), steps);
        if is_cleared && let Some(id) = known {
            steps.push(Step::revision(self.remove(id).resolve(at), at));
        }
    }

    /// Correlates every signal that became visible before the watermark, and ends every incident whose time has come by
    /// then, in order.
    pub fn advance(&mut self, watermark: EventTime, steps: &mut Vec<Step>) {
        loop {
            let signal = self.pending.first_key_value().map(|(key, _)| key.visible_at);
            let (closing, restating) = (self.closing.first(), self.restating.first());
            let timer = closing.into_iter().chain(restating).map(|(at, _)| *at).min();
            let closes = closing.is_some_and(|(at, _)| Some(*at) == timer);
            // A signal comes before a timer of the same instant: a finding that fires again just in time keeps its
            // incident open.
            if signal.is_some_and(|at| at < watermark && timer.is_none_or(|timer| at <= timer)) {
                self.correlate_next(steps);
            } else if timer.is_some_and(|at| at < watermark) {
                if closes { self.resolve_next(steps) } else { self.restate_next(steps) }
            } else {
                return;
            }
        }
    }

    /// Correlates every signal that waits, and ends every incident at a time at the latest.
    pub fn end_all(&mut self, at: EventTime, steps: &mut Vec<Step>) {
        self.advance(EventTime::from_nanos(i64::MAX), steps);
        while let Some((&id, _)) = self.incidents.first_key_value() {
            steps.push(Step::revision(self.remove(id).resolve(at), at));
        }
        self.thin_book_rate = ThinBookRate::default();
    }

    /// The open incidents, in the order in which they opened.
    pub fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.incidents.values()
    }

    /// Whether a signal or the end of an incident waits for the watermark.
    #[must_use]
    pub fn waits(&self) -> bool {
        !self.pending.is_empty() || !self.closing.is_empty()
    }

    /// The number of signals that wait, and the number evicted so far.
    #[must_use]
    pub fn pending(&self) -> (usize, u64) {
        (self.pending.len(), self.pending_evicted)
    }

    /// The number of incidents evicted so far.
    #[must_use]
    pub const fn incidents_evicted(&self) -> u64 {
        self.incidents_evicted
    }

    /// Correlates the first signal of the queue.
    fn correlate_next(&mut self, steps: &mut Vec<Step>) {
        let (_, signal) = self.pending.pop_first().expect("a signal is correlated only while one is pending");
        self.correlate(signal, steps);
    }

    /// Ends the incident whose timer is first.
    fn resolve_next(&mut self, steps: &mut Vec<Step>) {
        let (at, id) = self.closing.pop_first().expect("an incident is resolved only while one is calm");
        steps.push(Step::revision(self.remove(id).resolve(at), at));
    }

    /// Publishes the incident again whose time for that is first.
    fn restate_next(&mut self, steps: &mut Vec<Step>) {
        let (at, id) = *self.restating.first().expect("an incident is published again only while one is open");
        let mut incident = self.remove(id);
        steps.push(Step::revision(incident.restate(at), at));
        self.insert(id, incident, at);
    }

    /// Adds a signal to the incidents that it belongs to, or opens one.
    fn correlate(&mut self, mut signal: Box<Signal>, steps: &mut Vec<Step>) {
        self.thin_book_rate.observe(&mut signal);
        self.relate_to_market(&mut signal);
        let mut related = self.related(&signal);
        // The incident that on-call was woken for goes on; among several, or if there is none, the oldest.
        related.sort_by_key(|id| self.incident(*id).severity() != Severity::Critical);
        let visible_at = signal.visible_at;
        let first = steps.len();
        match related.split_first() {
            Some((&host, others)) => self.join(host, others, &signal, steps),
            None => {
                if let Some((incident, revision)) = Incident::open(&signal, &self.config) {
                    self.make_room(signal.at, visible_at, steps);
                    self.opened += 1;
                    self.insert(self.opened, incident, signal.at);
                    steps.push(Step::revision(revision, visible_at));
                }
            }
        }
        steps.insert(first, Step::Signal(signal));
    }

    /// Relates a burst of trades or a shock of the price of one symbol to the market while a finding about the market's own trades
    /// or prices fires: the symbol is a later member of that move, and not a case of its own.
    fn relate_to_market(&self, signal: &mut Signal) {
        let is_member = matches!(signal.detector, Detector::TradeBurst | Detector::PriceShock)
            && matches!(signal.subject, Subject::Symbol(_));
        let fires = |detector| self.firing.contains_key(&(detector, Subject::Market));
        if is_member && (fires(Detector::TradeBurst) || fires(Detector::PriceShock)) {
            signal.finding.related.push(Node::Market);
        }
    }

    /// Returns the open incidents that a signal belongs to, the oldest first. A signal that clears a finding or is mere
    /// information belongs to one at most.
    fn related(&self, signal: &Signal) -> Vec<u64> {
        let holder = self.firing.get(&finding_key(signal)).copied();
        if signal.change == Change::Cleared {
            return holder.into_iter().collect();
        }
        let (own, related) = (signal.subject.nodes(), &signal.finding.related);
        let touching = |node: &Node| {
            let (first, last) = ((node.clone(), 0), (node.clone(), u64::MAX));
            self.touched.range(first..=last).map(|(_, id)| *id)
        };
        let candidates: BTreeSet<u64> = own.iter().chain(related).flat_map(touching).chain(holder).collect();
        let connects = signal.severity >= Severity::Warning;
        let is_related = |id: u64| {
            let mut nodes = self.incident(id).nodes(signal.at);
            holder == Some(id) || nodes.any(|node| own.contains(&node) || (connects && related.contains(&node)))
        };
        let mut found: Vec<u64> = candidates.into_iter().filter(|id| is_related(*id)).collect();
        // A thin book that shares only `Market` joins the first incident; it must not merge unrelated ones.
        if !own.contains(&Node::Market) {
            let shares_more = |id: u64| {
                let is_shared = |node: Node| node != Node::Market && (own.contains(&node) || related.contains(&node));
                holder == Some(id) || self.incident(id).nodes(signal.at).any(is_shared)
            };
            let mut has_first = false;
            found.retain(|&id| shares_more(id) || !std::mem::replace(&mut has_first, true));
        }
        if !connects {
            found.retain(|id| holder.is_none_or(|holder| holder == *id));
            found.truncate(1);
        }
        found
    }

    /// Adds a signal to an incident, which first absorbs the others that the signal connects it with.
    fn join(&mut self, host: u64, others: &[u64], signal: &Signal, steps: &mut Vec<Step>) {
        let mut incident = self.remove(host);
        for other in others {
            let absorbed = self.remove(*other);
            steps.push(Step::revision(incident.absorb(absorbed, signal.at), signal.visible_at));
        }
        let touches: Vec<Node> =
            signal.subject.nodes().into_iter().chain(signal.finding.related.iter().cloned()).collect();
        let join_reason = incident.nodes(signal.at).find(|node| touches.contains(node));
        let revision = incident.add(signal, join_reason);
        steps.extend(revision.map(|revision| Step::revision(revision, signal.visible_at)));
        self.insert(host, incident, signal.at);
    }

    /// The open incident with this id.
    fn incident(&self, id: u64) -> &Incident {
        self.incidents.get(&id).expect("an indexed incident is open")
    }

    /// Adds an incident and indexes it by the nodes that it touches, the findings that fire and its timers.
    fn insert(&mut self, id: u64, incident: Incident, at: EventTime) {
        self.touched.extend(incident.nodes(at).map(|node| (node, id)));
        self.closing.extend(incident.closes_at().map(|at| (at, id)));
        self.restating.insert((incident.restates_at(), id));
        self.firing.extend(incident.firing().map(|key| (key.clone(), id)));
        self.incidents.insert(id, incident);
    }

    /// Removes an incident from the table and from every index.
    fn remove(&mut self, id: u64) -> Incident {
        let incident = self.incidents.remove(&id).expect("an indexed incident is open");
        if let Some(at) = incident.closes_at() {
            self.closing.remove(&(at, id));
        }
        self.restating.remove(&(incident.restates_at(), id));
        self.touched.retain(|(_, toucher)| *toucher != id);
        self.firing.retain(|_, holder| *holder != id);
        incident
    }

    /// Withdraws the incident that has been open longest, for as long as the table is full.
    fn make_room(&mut self, at: EventTime, visible_at: EventTime, steps: &mut Vec<Step>) {
        while self.incidents.len() >= self.incidents_max.max(1) {
            let (&oldest, _) = self.incidents.first_key_value().expect("a full table has an oldest incident");
            let incident = self.remove(oldest);
            self.incidents_evicted += 1;
            steps.push(Step::revision(incident.withdraw(at), visible_at));
        }
    }
}
