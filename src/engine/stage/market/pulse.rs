//! The pulse of a feed: its newest event time, whether it has heartbeats, and the usual gap between its events.
//!
//! In a feed with heartbeats, more than 2 s of event time without any event mean that the feed's clock stopped: the events
//! of that time were not sent, so empty windows do not mean a calm market (DESIGN, "Silence"). In other feeds silence
//! counts as empty bins. The pulse uses event times alone, so a replay finds the same. Silence by the wall clock is judged
//! by [`crate::trust::Watch`].

use serde::{Deserialize, Serialize};

use crate::{
    event::{Body, Event},
    time::{EventTime, Span},
};

/// The longest time without any event in a feed with heartbeats. After a longer one the feed's clock had stopped (DESIGN,
/// "Silence").
const GAP_MAX: Span = Span::from_secs(2);
/// The factor by which the estimate of the median moves at each gap: it is within a tenth after some fifty gaps, and
/// fluctuates by 2 %.
const STEP: f64 = 1.02;

/// An estimate of the median gap between one event time and the next, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UsualGap(f64);

impl UsualGap {
    /// Observes a gap, which must be positive.
    pub fn observe(&mut self, gap: Span) {
        let seconds = gap.secs_f64();
        self.0 = match self.0 {
            unknown if unknown <= 0.0 => seconds,
            usual if seconds > usual => usual * STEP,
            usual => usual / STEP,
        };
    }

    /// The estimate in seconds; 0 before the first gap.
    #[must_use]
    pub const fn seconds(self) -> f64 {
        self.0
    }
}

/// The pulse of one feed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pulse {
    newest_at: EventTime,
    /// The newest time of a heartbeat.
    heartbeat_at: Option<EventTime>,
    usual_gap: UsualGap,
}

impl Pulse {
    /// The pulse of a feed that begins with this event.
    #[must_use]
    pub fn new(event: &Event<'_>) -> Self {
        let heartbeat_at = matches!(event.body, Body::Heartbeat(_)).then_some(event.ts);
        Self { newest_at: event.ts, heartbeat_at, usual_gap: UsualGap::default() }
    }

    /// Observes an event. If the clock had stopped before it, returns the time at which it stopped.
    pub fn observe(&mut self, event: &Event<'_>) -> Option<EventTime> {
        let gap = event.ts.since(self.newest_at);
        let stopped = (gap > GAP_MAX && self.has_heartbeats()).then_some(self.newest_at);
        if matches!(event.body, Body::Heartbeat(_)) {
            self.heartbeat_at = self.heartbeat_at.max(Some(event.ts));
        }
        if gap > Span::ZERO {
            self.newest_at = event.ts;
            self.usual_gap.observe(gap);
        }
        stopped
    }

    /// Whether the feed has heartbeats: one within 2 s before its newest event.
    #[must_use]
    pub fn has_heartbeats(&self) -> bool {
        self.heartbeat_at.is_some_and(|at| self.newest_at.since(at) <= GAP_MAX)
    }

    /// The estimate of the median gap between two event times.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "no longer than a gap between two times")]
    pub const fn usual_gap(&self) -> Span {
        Span::from_nanos((self.usual_gap.seconds() * 1e9) as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Heartbeat;

    fn event(millis: i64, body: Body<'static>) -> Event<'static> {
        Event {
            ts: EventTime::from_nanos(millis * 1_000_000),
            symbol: None,
            seq: None,
            account: None,
            owner: None,
            body,
        }
    }

    fn heartbeat(millis: i64) -> Event<'static> {
        event(millis, Body::Heartbeat(Heartbeat { producer: None }))
    }

    #[test]
    fn the_clock_of_a_feed_with_heartbeats_stops_after_two_seconds_without_an_event() {
        let mut pulse = Pulse::new(&heartbeat(0));
        assert_eq!(pulse.observe(&heartbeat(2_000)), None);
        assert_eq!(pulse.observe(&heartbeat(4_001)), Some(EventTime::from_nanos(2_000_000_000)));
        assert_eq!(pulse.observe(&event(6_001, Body::Unknown)), None);
    }

    #[test]
    fn the_clock_of_a_feed_whose_heartbeats_have_ended_does_not_stop() {
        let mut pulse = Pulse::new(&heartbeat(0));
        for millis in (500..=2_500).step_by(500) {
            assert_eq!(pulse.observe(&event(millis, Body::Unknown)), None);
        }
        assert!(!pulse.has_heartbeats());
        assert_eq!(pulse.observe(&event(60_000, Body::Unknown)), None);
    }

    #[test]
    fn the_usual_gap_is_near_the_median() {
        let mut pulse = Pulse::new(&event(0, Body::Unknown));
        let mut millis = 0;
        for i in 0..3_000 {
            millis += if i % 3 == 0 { 5_000 } else { 40 + i % 20 };
            pulse.observe(&event(millis, Body::Unknown));
        }
        let usual = pulse.usual_gap().millis();
        assert!((40..=75).contains(&usual), "{usual} ms");
    }
}
