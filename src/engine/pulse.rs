//! How a feed beats: when it was last heard by its own clock, whether heartbeats come, and what gap between records is usual.
//!
//! Where heartbeats come, more than 2 s of event time without anything mean that the feed's clock stood: what happened meanwhile
//! was not sent, and empty windows are no calm (DESIGN, "Silence"). Elsewhere silence is empty bins. It is judged by the events'
//! own times, so a replay finds the same; what the wall clock says of silence is the business of [`crate::trust::Watch`].

use serde::{Deserialize, Serialize};

use crate::{
    event::{Body, Event},
    time::{EventTime, Span},
};

/// Without a sign of life for so long the clock of a feed with heartbeats stood (DESIGN, "Silence").
const STOP: Span = Span::from_secs(2);
/// A step of the median's estimate: it is within a tenth after some fifty records, and flickers by 2 %.
const STEP: f64 = 1.02;

/// An estimate of the median gap between one time and the next, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UsualGap(f64);

impl UsualGap {
    /// Takes a gap that is longer than nothing.
    pub fn take(&mut self, gap: Span) {
        let seconds = gap.secs_f64();
        self.0 = match self.0 {
            none if none <= 0.0 => seconds,
            usual if seconds > usual => usual * STEP,
            usual => usual / STEP,
        };
    }

    /// In seconds; 0 before there was any.
    #[must_use]
    pub const fn seconds(self) -> f64 {
        self.0
    }
}

/// What is known of a feed's rhythm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pulse {
    heard_at: EventTime,
    beat_at: Option<EventTime>,
    usual_gap: UsualGap,
}

impl Pulse {
    /// A feed that begins with this event.
    #[must_use]
    pub fn new(event: &Event<'_>) -> Self {
        let beat_at = matches!(event.body, Body::Heartbeat(_)).then_some(event.ts);
        Self { heard_at: event.ts, beat_at, usual_gap: UsualGap::default() }
    }

    /// Takes an event. Returns since when the clock stood, if it did.
    pub fn hear(&mut self, event: &Event<'_>) -> Option<EventTime> {
        let gap = event.ts.since(self.heard_at);
        let stood = (gap > STOP && self.beats()).then_some(self.heard_at);
        if matches!(event.body, Body::Heartbeat(_)) {
            self.beat_at = self.beat_at.max(Some(event.ts));
        }
        if gap > Span::ZERO {
            self.heard_at = event.ts;
            self.usual_gap.take(gap);
        }
        stood
    }

    /// Whether heartbeats come.
    #[must_use]
    pub fn beats(&self) -> bool {
        self.beat_at.is_some_and(|at| self.heard_at.since(at) <= STOP)
    }

    /// The median gap between two times.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "at most a gap between two times")]
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

    fn beat(millis: i64) -> Event<'static> {
        event(millis, Body::Heartbeat(Heartbeat { producer: None }))
    }

    #[test]
    fn a_feed_with_heartbeats_stands_after_two_seconds_without_anything() {
        let mut pulse = Pulse::new(&beat(0));
        assert_eq!(pulse.hear(&beat(2_000)), None);
        assert_eq!(pulse.hear(&beat(4_001)), Some(EventTime::from_nanos(2_000_000_000)));
        assert_eq!(pulse.hear(&event(6_001, Body::Unknown)), None);
    }

    #[test]
    fn a_feed_whose_heartbeats_have_ended_does_not() {
        let mut pulse = Pulse::new(&beat(0));
        for millis in (500..=2_500).step_by(500) {
            assert_eq!(pulse.hear(&event(millis, Body::Unknown)), None);
        }
        assert!(!pulse.beats());
        assert_eq!(pulse.hear(&event(60_000, Body::Unknown)), None);
    }

    #[test]
    fn the_usual_gap_is_near_the_median() {
        let mut pulse = Pulse::new(&event(0, Body::Unknown));
        let mut millis = 0;
        for i in 0..3_000 {
            millis += if i % 3 == 0 { 5_000 } else { 40 + i % 20 };
            pulse.hear(&event(millis, Body::Unknown));
        }
        let usual = pulse.usual_gap().millis();
        assert!((40..=75).contains(&usual), "{usual} ms");
    }
}
