//! The correlator's state: signals that wait, open incidents, and the indexes by which incidents are found.
//!
//! Incidents enter the table here, change and leave it, each time with every index. The files beside this one decide which
//! incidents signals belong to.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{
    incident::{Incident, Revision},
    part::FindingKey,
    thin_book_rate::ThinBookRate,
};
use crate::{
    calendar::MaintenanceWindows,
    detect::{DetectorStates, Node, Signal, Subject},
    event::RecordRef,
    time::EventTime,
};

/// The position of a signal in the one fixed order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct QueueKey {
    pub(super) visible_at: EventTime,
    pub(super) subject: Subject,
    pub(super) record: RecordRef,
    /// Distinguishes signals about one subject by one record, in the order in which they arose.
    pub(super) arrival: u64,
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
    pub(super) fn revision(revision: Revision, visible_at: EventTime) -> Self {
        Self::Revision { revision: Box::new(revision), visible_at }
    }
}

/// The signals that wait for the watermark, and the open incidents.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Correlator {
    /// The hash of the settings in force, for the ids of incidents that open under them.
    pub(super) config: CompactString,
    pub(super) pending: BTreeMap<QueueKey, Box<Signal>>,
    /// The number of signals that have arrived so far.
    pub(super) arrived: u64,
    pub(super) pending_max: usize,
    pub(super) pending_evicted: u64,
    /// Open incidents by number, in the order in which they opened.
    pub(super) incidents: BTreeMap<u64, Incident>,
    /// The number of incidents that have opened so far.
    pub(super) opened: u64,
    pub(super) thin_book_rate: ThinBookRate,
    /// The nodes that each incident touched when it last changed.
    pub(super) touched: BTreeSet<(Node, u64)>,
    /// The incident that holds each finding that still fires.
    pub(super) firing: BTreeMap<FindingKey, u64>,
    /// The times at which calm incidents end.
    pub(super) closing: BTreeSet<(EventTime, u64)>,
    /// The times at which incidents without a revision are published again.
    pub(super) restating: BTreeSet<(EventTime, u64)>,
    pub(super) windows: MaintenanceWindows,
    /// The incidents that fire, with a severity that a window lowers.
    pub(super) lowered: BTreeSet<u64>,
    /// When a window begins or ends next while an incident is open.
    pub(super) windows_change_at: Option<EventTime>,
    /// Whether open incidents are still to be checked against changed maintenance windows.
    pub(super) has_other_windows: bool,
    pub(super) states: DetectorStates,
    /// Whether findings of detectors whose state has changed are still to be ended.
    pub(super) has_other_states: bool,
    /// The incident of each finding of a detector in shadow, until it is resolved.
    pub(super) shadows: BTreeMap<FindingKey, u64>,
    pub(super) incidents_max: usize,
    pub(super) incidents_evicted: u64,
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
            windows: MaintenanceWindows::default(),
            lowered: BTreeSet::new(),
            windows_change_at: None,
            has_other_windows: false,
            states: DetectorStates::default(),
            has_other_states: false,
            shadows: BTreeMap::new(),
            incidents_max,
            incidents_evicted: 0,
        }
    }

    /// The open incidents, in the order in which they opened.
    pub fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.incidents.values()
    }

    /// Whether a signal, the end of an incident or the end of a maintenance window waits for the watermark.
    #[must_use]
    pub fn waits(&self) -> bool {
        !self.pending.is_empty() || !self.closing.is_empty() || !self.lowered.is_empty()
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

    /// Adds a signal to an incident, which first absorbs the others that the signal connects it with.
    pub(super) fn join(&mut self, host: u64, others: &[u64], signal: &Signal, steps: &mut Vec<Step>) {
        let mut incident = self.remove(host);
        for other in others {
            let absorbed = self.remove(*other);
            steps.push(Step::revision(incident.absorb(absorbed, signal.at), signal.visible_at));
        }
        let touches: Vec<Node> =
            signal.subject.nodes().into_iter().chain(signal.finding.related.iter().cloned()).collect();
        let join_reason = incident.nodes(signal.at).find(|node| touches.contains(node));
        let revision = incident.add(signal, join_reason, &mut self.windows);
        steps.extend(revision.map(|revision| Step::revision(revision, signal.visible_at)));
        self.insert(host, incident, signal.at);
    }

    /// The open incident with this id.
    pub(super) fn incident(&self, id: u64) -> &Incident {
        self.incidents.get(&id).expect("an indexed incident is open")
    }

    /// Adds an incident and indexes it by the nodes that it touches, the findings that fire and its timers.
    pub(super) fn insert(&mut self, id: u64, incident: Incident, at: EventTime) {
        self.closing.extend(incident.closes_at().map(|at| (at, id)));
        self.restating.insert((incident.restates_at(), id));
        if incident.is_shadow() {
            self.shadows.extend(incident.parts().keys().map(|key| (key.clone(), id)));
        } else {
            self.touched.extend(incident.nodes(at).map(|node| (node, id)));
            self.firing.extend(incident.firing().map(|key| (key.clone(), id)));
        }
        self.windows_change_at =
            self.windows_change_at.into_iter().chain(incident.windows_change_at(&mut self.windows, at)).min();
        if incident.maintenance().is_some() && !incident.is_shadow() && incident.closes_at().is_none() {
            self.lowered.insert(id);
        }
        self.incidents.insert(id, incident);
    }

    /// Removes an incident from the table and from every index.
    pub(super) fn remove(&mut self, id: u64) -> Incident {
        let incident = self.incidents.remove(&id).expect("an indexed incident is open");
        if let Some(at) = incident.closes_at() {
            self.closing.remove(&(at, id));
        }
        self.restating.remove(&(incident.restates_at(), id));
        self.lowered.remove(&id);
        self.touched.retain(|(_, toucher)| *toucher != id);
        self.firing.retain(|_, holder| *holder != id);
        self.shadows.retain(|_, holder| *holder != id);
        incident
    }

    /// Withdraws the incident that has been open longest, one in shadow before any other, for as long as the table is full.
    pub(super) fn make_room(&mut self, at: EventTime, visible_at: EventTime, steps: &mut Vec<Step>) {
        while self.incidents.len() >= self.incidents_max.max(1) {
            let in_shadow = self.shadows.values().min().copied();
            let oldest = in_shadow.or_else(|| self.incidents.keys().next().copied());
            let oldest = oldest.expect("a full table has an oldest incident");
            let incident = self.remove(oldest);
            self.incidents_evicted += 1;
            steps.push(Step::revision(incident.withdraw(at), visible_at));
        }
    }
}
