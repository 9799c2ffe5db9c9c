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
mod correlator;
mod incident;
mod lowered;
mod part;
mod published;
mod shadow;
mod thin_book_rate;
mod windows;

use std::collections::BTreeSet;

use compact_str::CompactString;

pub use self::{
    agreement::{Agreement, PAGE_P},
    correlator::{Correlator, Step},
    incident::{CALM, Incident, Revision},
    part::{FindingKey, Part},
    published::{Opening, Published, Status},
};
use self::{correlator::QueueKey, part::finding_key, thin_book_rate::ThinBookRate};
use crate::{
    detect::{Change, Detector, DetectorState, Node, Severity, Signal, Subject},
    time::{EventTime, Span},
};

impl Correlator {
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
            let timer = closing.into_iter().chain(restating).map(|(at, _)| *at).chain(self.windows_change_at).min();
            let [closes, restates] = [closing, restating].map(|first| first.is_some_and(|(at, _)| Some(*at) == timer));
            // A signal comes before a timer of the same instant: a finding that fires again just in time keeps its
            // incident open.
            if signal.is_some_and(|at| at < watermark && timer.is_none_or(|timer| at <= timer)) {
                self.correlate_next(steps);
            } else if let Some(at) = timer.filter(|at| *at < watermark) {
                match (closes, restates) {
                    (true, _) => self.resolve_next(steps),
                    (false, true) => self.restate_next(steps),
                    (false, false) => self.change_windows(at, steps),
                }
            } else if std::mem::take(&mut self.has_other_windows) {
                self.change_windows(watermark.minus(Span::from_nanos(1)), steps);
            } else if std::mem::take(&mut self.has_other_states) {
                self.end_changed(watermark.minus(Span::from_nanos(1)));
            } else {
                return;
            }
        }
    }

    /// Correlates every signal that waits, and ends every incident at a time, or with the last signal if that is later.
    pub fn end_all(&mut self, at: EventTime, steps: &mut Vec<Step>) {
        // No further than the last signal: with timers alone an incident would be restated to the end of time.
        let last = self.pending.last_key_value().map_or(at, |(key, _)| key.visible_at.max(at));
        self.advance(last.plus(Span::from_nanos(1)), steps);
        while let Some((&id, _)) = self.incidents.first_key_value() {
            steps.push(Step::revision(self.remove(id).resolve(last), last));
        }
        self.thin_book_rate = ThinBookRate::default();
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

    /// Publishes again the incident whose restating timer is the earliest.
    fn restate_next(&mut self, steps: &mut Vec<Step>) {
        let (at, id) = *self.restating.first().expect("an incident is published again only while one is open");
        let mut incident = self.remove(id);
        steps.push(Step::revision(incident.restate(at), at));
        self.insert(id, incident, at);
    }

    /// Adds a signal to the incidents that it belongs to, or opens one.
    fn correlate(&mut self, mut signal: Box<Signal>, steps: &mut Vec<Step>) {
        match self.states.of(signal.detector) {
            DetectorState::On => {}
            DetectorState::Shadow => return self.correlate_in_shadow(signal, steps),
            DetectorState::Off => return,
        }
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
                if let Some((incident, revision)) = Incident::open(&signal, &self.config, &mut self.windows) {
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
}
