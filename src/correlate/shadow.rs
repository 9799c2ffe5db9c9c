//! Detectors in shadow, and those that are switched off.
//!
//! A signal of a detector in shadow has an incident of its own: one for each detector and subject. That incident is in no index by
//! which others find it, so it joins nothing, draws nothing to itself and changes no p-value of others. Signals of a
//! detector that is off are left out; coverage says so.

use super::{
    correlator::{Correlator, Step},
    incident::Incident,
    part::finding_key,
};
use crate::{
    detect::{DetectorStates, Signal},
    time::EventTime,
};

impl Correlator {
    /// Uses these states of detectors from now on. Findings of a detector whose state changes end when the watermark next moves,
    /// because the signal that clears them would go to another incident.
    pub fn follow_states(&mut self, states: DetectorStates) {
        self.has_other_states |= self.states != states && !self.incidents.is_empty();
        self.states = states;
    }

    /// Correlates a signal of a detector in shadow.
    pub(super) fn correlate_in_shadow(&mut self, mut signal: Box<Signal>, steps: &mut Vec<Step>) {
        signal.is_shadow = true;
        let first = steps.len();
        match self.shadows.get(&finding_key(&signal)).copied() {
            Some(id) => self.join(id, &[], &signal, steps),
            None => {
                if let Some((incident, revision)) = Incident::open(&signal, &self.config, &mut self.windows)
                    && self.has_room_for_shadow()
                {
                    self.make_room(signal.at, signal.visible_at, steps);
                    self.opened += 1;
                    self.insert(self.opened, incident, signal.at);
                    steps.push(Step::revision(revision, signal.visible_at));
                }
            }
        }
        steps.insert(first, Step::Signal(signal));
    }

    /// Ends the findings of detectors whose state has changed.
    pub(super) fn end_changed(&mut self, at: EventTime) {
        let states = self.states;
        let open: Vec<u64> = self.incidents.keys().copied().collect();
        for id in open {
            let mut incident = self.remove(id);
            incident.end_findings(&states, at);
            self.insert(id, incident, at);
        }
    }

    /// Whether there is room for another incident in shadow without evicting an incident that is not. Counts the refusal otherwise.
    fn has_room_for_shadow(&mut self) -> bool {
        let has_room = self.incidents.len() < self.incidents_max || !self.shadows.is_empty();
        self.incidents_evicted += u64::from(!has_room);
        has_room
    }
}
